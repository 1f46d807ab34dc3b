"""Funnel plots: effects against their standard errors, with regions of significance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, widest, wrap
from trialstats.figures.forest_lines import row_ids
from trialstats.figures.forest_numbers import House
from trialstats.figures.forest_text import axis_title
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    Note,
    compose,
    note_blocks,
    text_block,
)
from trialstats.figures.plane import Plane, axis_height, draw_plane
from trialstats.figures.synthesis_text import Shown, estimable, shown
from trialstats.figures.theme import INK, MUTED, PAPER, POOLED, TRIAL
from trialstats.formatting import MINUS, format_number
from trialstats.records import Record, find, one
from trialstats.version import __version__
from trialstats.vocabulary import upper_first

#: Points: width and height of the plane, and room for the labels of its axes.
_PLANE, _HEIGHT, _LABELS, _GAP = 400.0, 290.0, 44.0, 22.0

#: Regions from no significance outwards: limit of |z|, what p is, and the grey.
#: 1.645, 1.960 and 2.576 are the two-sided 10, 5 and 1 % points of the normal.
_REGIONS = (
    (0.0, "p ≤ 0.01", "#eef0f3"),
    (2.575829, "0.01 < p ≤ 0.05", "#dde1e6"),
    (1.959964, "0.05 < p ≤ 0.10", "#c3c9d1"),
    (1.644854, "p > 0.10", PAPER),
)

#: With fewer trials tests of asymmetry say little.
FEWEST_FOR_TESTS = 10

_TESTS = {
    "egger_test": ("Egger's test", "intercept"),
    "begg_test": ("Begg's test", "Kendall's τ"),
    "harbord_test": ("Harbord's test", "intercept"),
    "peters_test": ("Peters' test", "slope"),
}


@dataclass(frozen=True, slots=True)
class _Points:
    """Places on the plane, (effect, standard error), and the rows of each."""

    trials: list[Point]
    filled: list[Point]
    trial_rows: tuple[tuple[str, ...], ...] = ()
    filled_rows: tuple[tuple[str, ...], ...] = ()


def funnel_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw a contour-enhanced funnel plot.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: the trials' effects with their
        standard errors, and where they exist the pooled effect, the trials that trim
        and fill adds, and tests of asymmetry.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When there is no trial to draw.

    References
    ----------
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L. Contour-enhanced meta-analysis
    funnel plots help distinguish publication bias from other causes of asymmetry.
    J Clin Epidemiol 2008;61:991-996.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    points = _points(drawn)
    legend = _legend_items(drawn, points)
    legend_left = MARGIN + _LABELS + _PLANE + _GAP
    width = legend_left + 20.0 + widest(legend.values(), size - 0.5) + MARGIN
    subtitle = "Funnel plot: effect of each trial against its standard error"
    captions = [
        text_block(wrap(text, size - 0.5, width - 2 * MARGIN), size - 0.5, rows=named)
        for text, named in asymmetry_texts(drawn)
    ]
    blocks = [
        *drawn.titles(subtitle, width),
        _plane_block(drawn, points, synthesis, legend, legend_left),
        *captions,
        *([Block(0.6 * size, lambda *_: None)] if captions else []),
        *note_blocks(_notes(drawn), width, size=size - 1.5),
    ]
    return compose(blocks, width)


def funnel_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return what a funnel plot shows and what its tests say."""
    drawn = shown(rows, synthesis, labels)
    points = _points(drawn)
    k = len(points.trials)
    texts = [f"{k} trial{'' if k == 1 else 's'}, {drawn.pooled_words()}."]
    if points.trials:
        errors = [error for _, error in points.trials]
        texts.append(
            f"Standard errors from {_short(min(errors))} to {_short(max(errors))}."
        )
    texts += [text for text, _ in asymmetry_texts(drawn)]
    return drawn.alt("Funnel plot", " ".join(texts))


def _short(value: float) -> str:
    return f"{value:.2g}"


def _points(drawn: Shown) -> _Points:
    trials, filled = (
        [
            row
            for row in find(drawn.rows, statistic=statistic)
            if row["estimate"] is not None and row["standard_error"] is not None
        ]
        for statistic in ("effect", "trim_and_fill_filled")
    )
    return _Points(
        [_place(row) for row in trials],
        [_place(row) for row in filled],
        tuple(row_ids(row) for row in trials),
        tuple(row_ids(row) for row in filled),
    )


def _place(row: Record) -> Point:
    return float(row["estimate"]), float(row["standard_error"])


def _plane(drawn: Shown, points: _Points, top: float) -> Plane:
    """Return axes that hold every point and the regions around no effect."""
    everything = [*points.trials, *points.filled]
    largest = 1.06 * max((error for _, error in everything), default=1.0)
    pooled = [] if drawn.pool is None else [float(drawn.pool["estimate"] or 0.0)]
    reach = 1.3 * 1.959964 * largest
    values = [0.0, -reach, reach, *pooled, *(effect for effect, _ in everything)]
    low, high = min(values), max(values)
    margin = 0.03 * (high - low)
    left = MARGIN + _LABELS
    measure = drawn.panel.measure
    x = Axis(
        low - margin,
        high + margin,
        left,
        left + _PLANE,
        log=measure.log,
        percent=measure.percent,
    )
    # The most precise trials stand on top.
    y = Axis(0.0, largest, top, top + _HEIGHT, percent=measure.percent)
    return Plane(x, y)


def _plane_block(
    drawn: Shown,
    points: _Points,
    synthesis: Mapping[str, Any],
    legend: Mapping[str, str],
    legend_left: float,
) -> Block:
    size = drawn.options.font_size
    small = size - 0.5
    line = TEXT_LINE * small
    titles = wrap(
        axis_title(drawn.panel.measure, synthesis, own=True)[0].rstrip(";"),
        small,
        _PLANE,
    )

    def draw(canvas: Canvas, top: float) -> None:
        plane = _plane(drawn, points, top + line + 5.0)
        text = "Standard error" + (" (log scale)" if drawn.panel.measure.log else "")
        canvas.text(MARGIN, top + line / 2, text, size=small, colour=MUTED)
        for z, _, colour in _REGIONS:
            _region(canvas, plane, z, colour)
        draw_plane(canvas, plane, small, titles, grid=False)
        zero = plane.x.place(0.0)
        canvas.line([(zero, plane.top), (zero, plane.bottom)], width=0.7, layer=1.5)
        if drawn.pool is not None and drawn.pool["estimate"] is not None:
            x = plane.x.place(float(drawn.pool["estimate"]))
            ends = [(x, plane.top), (x, plane.bottom)]
            canvas.line(
                ends,
                colour=POOLED,
                width=1.2,
                dashes=(5.0, 2.5),
                layer=1.6,
                rows=row_ids(drawn.pool),
            )
        _marks(canvas, plane, points)
        _legend(canvas, legend, legend_left, plane.top, small)

    height = line + 5.0 + _HEIGHT + axis_height(small, titles) + 0.8 * size
    return Block(height, draw)


def _region(canvas: Canvas, plane: Plane, z: float, colour: str) -> None:
    """Fill what lies within |z|, cut at the edges of the plane; all of it for z = 0."""
    x, y, largest = plane.x, plane.y, plane.y.upper
    if z == 0.0:
        width = x.right - x.left
        height = plane.bottom - plane.top
        canvas.rectangle(x.left, plane.top, width, height, colour=colour, layer=0.2)
        return
    corners: list[Point] = []
    for side, edge in ((1.0, x.upper), (-1.0, x.lower)):
        reach = side * z * largest
        if abs(reach) <= abs(edge):
            own = [(reach, largest)]
        else:
            own = [(edge, abs(edge) / z), (edge, largest)]
        places = [(x.place(a), y.place(b)) for a, b in own]
        corners += places if side > 0 else places[::-1]
    apex = (x.place(0.0), y.place(0.0))
    canvas.polygon([apex, *corners], colour=colour, layer=0.3 + 1.0 / (1.0 + z))


def _marks(canvas: Canvas, plane: Plane, points: _Points) -> None:
    size = 6.0 if len(points.trials) <= 60 else 4.6
    for point, rows in zip(points.filled, points.filled_rows, strict=True):
        canvas.marker(
            *plane.place(*point),
            "o",
            size=size,
            colour=PAPER,
            outline=INK,
            line_width=1.0,
            rows=rows,
        )
    for point, rows in zip(points.trials, points.trial_rows, strict=True):
        canvas.marker(
            *plane.place(*point),
            "o",
            size=size,
            colour=TRIAL,
            outline=PAPER,
            line_width=0.5,
            rows=rows,
        )


def _legend_items(drawn: Shown, points: _Points) -> dict[str, str]:
    """Return what each mark of the legend is called, from top to bottom."""
    items = {"trial": "Trial"}
    if points.filled:
        items["filled"] = "Trial added by trim and fill"
    if drawn.pool is not None:
        items["pooled"] = "Pooled effect"
    items["none"] = "No effect"
    return items | {text: text for _, text, _ in reversed(_REGIONS)}


def _legend(
    canvas: Canvas, items: Mapping[str, str], left: float, top: float, size: float
) -> None:
    colours = {text: colour for _, text, colour in _REGIONS}
    step = 1.7 * size
    for i, (key, text) in enumerate(items.items()):
        y = top + (i + 0.5) * step
        x = left + 6.0
        if key in colours:
            canvas.rectangle(
                left,
                y - 4.0,
                12.0,
                8.0,
                colour=colours[key],
                outline=MUTED,
                line_width=0.5,
            )
        elif key in ("trial", "filled"):
            colour, outline = (TRIAL, PAPER) if key == "trial" else (PAPER, INK)
            canvas.marker(x, y, "o", size=6.0, colour=colour, outline=outline)
        else:
            look: dict[str, Any] = {"width": 0.7}
            if key == "pooled":
                look = {"width": 1.2, "colour": POOLED, "dashes": (5.0, 2.5)}
            canvas.line([(left - 1.0, y), (left + 13.0, y)], **look)
        canvas.text(left + 20.0, y, text, size=size)


def asymmetry_texts(drawn: Shown) -> list[tuple[str, tuple[str, ...]]]:
    """Return a sentence for each test of asymmetry, and what to think of them.

    Each stands with the rows of its numbers.
    """
    texts = []
    house = drawn.words.house
    for statistic, (name, what) in _TESTS.items():
        row = one(drawn.rows, statistic=statistic)
        if row is not None:
            texts.append((_test_text(row, name, what, house), row_ids(row)))
    k = len(estimable(drawn.panel))
    if texts and k < FEWEST_FOR_TESTS:
        warning = (
            f"With fewer than {FEWEST_FOR_TESTS} trials, tests of asymmetry have too "
            "little power to tell chance from real asymmetry."
        )
        texts.append((warning, ()))
    filled = _filling_text(drawn)
    used = drawn.ids("trim_and_fill_missing") + drawn.ids("trim_and_fill_effect")
    return [*texts, (filled, used)] if filled else texts


def _test_text(row: Record, name: str, what: str, house: House) -> str:
    if row["p_value"] is None:
        return f"{name}: not estimable; {row['not_estimable'] or 'no reason given'}."
    parts = []
    if row["estimate"] is not None:
        method = str(row.get("method") or "")
        spoken = next((w for w in ("intercept", "slope") if w in method), what)
        error = row["standard_error"]
        beside = "" if error is None else f" (SE {format_number(error, 2)})"
        value = format_number(row["estimate"], 2, minus=MINUS)
        parts.append(house.equation(spoken, value) + beside)
    if row["test_statistic"] is not None:
        symbol = "z" if row["df"] is None else "t"
        value = format_number(row["test_statistic"], 2, minus=MINUS)
        parts.append(house.equation(symbol, value))
    if row["df"] is not None:
        parts.append(house.equation("df", f"{row['df']:g}"))
    return f"{name}: {', '.join([*parts, house.p(row['p_value'])])}."


def _filling_text(drawn: Shown) -> str:
    missing = one(drawn.rows, statistic="trim_and_fill_missing")
    effect = one(drawn.rows, statistic="trim_and_fill_effect")
    if missing is None or missing["estimate"] is None:
        return ""
    n = int(missing["estimate"])
    text = f"Trim and fill: {n} trial{'' if n == 1 else 's'} added"
    if n and effect is not None and effect["estimate"] is not None:
        limits = (effect["ci_lower"], effect["ci_upper"])
        result = drawn.words.effect(effect["estimate"], limits)
        text += f"; pooled effect with them {result}"
    return f"{text}."


def _notes(drawn: Shown) -> list[Note]:
    notes: list[Note] = [
        "Greys: two-sided p-value of a trial's effect, by its place. Asymmetry has "
        "other causes than unpublished trials: chance, differences between small and "
        "large trials, and the link of some effects with their standard errors."
    ]
    lost = [trial for trial in drawn.panel.trials if not trial.estimable]
    if lost:
        several = "s" if len(lost) > 1 else ""
        text = f"Not estimable and not drawn: {len(lost)} trial{several}."
        notes.append((text, tuple(i for trial in lost for i in trial.rows)))
    model = f"Pooled effect: {upper_first(drawn.model)}. " if drawn.model else ""
    notes.append(f"{model}Software: trialstats {__version__}.")
    return notes
