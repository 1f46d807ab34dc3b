"""Residuals of a mixed model: against fitted values, by visit, against the normal."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, shortened, text_width, wrap
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    flowed,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import (
    BASE_SIZE,
    CONTROL_COLOUR,
    HAIRLINE,
    INK,
    MUTED,
    RULE,
    TREATMENT_COLOURS,
)
from trialstats.formatting import MINUS, format_number
from trialstats.records import Record, distinct, is_synthetic, records
from trialstats.vocabulary import SYNTHETIC, numbered

#: Points: width of the figure, of the labels of the vertical axis, between the panels,
#: and height of the panels.
_WIDTH, _LABELS, _GAP, _HEIGHT = 540.0, 26.0, 14.0, 170.0

#: Residuals beyond this many standard deviations are counted in the words.
_FAR = 3.0

_SHAPES = ("o", "D", "^", "s")

_NOTE = (
    "Residuals are divided by the root of the fitted covariance: variance 1 and "
    "uncorrelated within a participant. Boxes: quartiles and median. Grey line: where "
    "normal residuals lie."
)


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel: its horizontal axis with ticks, and what it draws over the grid."""

    title: str
    axis: Axis
    ticks: list[tuple[float, str]]
    draw: Callable[[Canvas, Axis], None]


def residual_plot(
    rows: pd.DataFrame, *, title: str, subtitle: str, arms: Sequence[str]
) -> Figure:
    """Draw normalised residuals in three panels with one vertical axis.

    Parameters
    ----------
    rows : DataFrame
        Schema `RESIDUALS`, of one analysis.
    title, subtitle : str
        Title of the figure, and what stands under it.
    arms : sequence of str
        The arms, the control last; they give the colours.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When there are no residuals.
    """
    listed = records(rows, needs=("residual", "fitted", "normal_quantile", "occasion"))
    if not listed:
        raise DataError("there are no residuals to draw", column="residual")
    reach = max(abs(float(r["residual"])) for r in listed) * 1.05
    y = Axis(-reach, reach, left=_HEIGHT, right=0.0)
    width = (_WIDTH - 2 * MARGIN - _LABELS - 2 * _GAP) / 3
    lefts = [MARGIN + _LABELS + i * (width + _GAP) for i in range(3)]
    looks = _looks(arms)
    panels = [
        _against_fitted(listed, looks, lefts[0], width),
        _by_occasion(listed, looks, lefts[1], width),
        _against_normal(listed, looks, lefts[2], width),
    ]
    blocks = title_blocks(title, subtitle, _WIDTH, synthetic=is_synthetic(listed))
    present = distinct(listed, "group")
    blocks += [
        _legend([arm for arm in arms if arm in present], looks),
        _panels(panels, y),
        *note_blocks([_NOTE], _WIDTH),
    ]
    return compose(blocks, _WIDTH)


def residual_alt_text(rows: pd.DataFrame, *, title: str) -> str:
    """Return how many residuals there are and how many lie far out."""
    listed = records(rows)
    far = sum(abs(float(r["residual"])) > _FAR for r in listed)
    largest = max(abs(float(r["residual"])) for r in listed)
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    return (
        f"{start}{title}: {len(listed)} normalised residuals against fitted values, "
        f"by visit or period, and against normal quantiles. Larger than {_FAR:g} in "
        f"absolute value: {far}; the largest is {format_number(largest, 2)}."
    )


Look = tuple[str, str]


def _looks(arms: Sequence[str]) -> dict[str, Look]:
    """Return shape and colour of each arm, the control's as in other figures."""
    colours = [TREATMENT_COLOURS[i % len(TREATMENT_COLOURS)] for i in range(len(arms))]
    colours[-1] = CONTROL_COLOUR
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(arms))]
    return dict(zip(arms, zip(shapes, colours, strict=True), strict=True))


def _against_fitted(
    listed: Sequence[Record], looks: dict[str, Look], left: float, width: float
) -> _Panel:
    return _scatter(listed, looks, left, width, column="fitted", title="Fitted value")


def _against_normal(
    listed: Sequence[Record], looks: dict[str, Look], left: float, width: float
) -> _Panel:
    panel = _scatter(
        listed, looks, left, width, column="normal_quantile", title="Normal quantile"
    )
    axis = panel.axis

    def draw(canvas: Canvas, y: Axis) -> None:
        low, high = max(axis.lower, y.lower), min(axis.upper, y.upper)
        ends = [(axis.place(v), y.place(v)) for v in (low, high)]
        canvas.line(ends, colour=RULE, width=1.0)
        panel.draw(canvas, y)

    return _Panel(panel.title, axis, panel.ticks, draw)


def _scatter(
    listed: Sequence[Record],
    looks: dict[str, Look],
    left: float,
    width: float,
    *,
    column: str,
    title: str,
) -> _Panel:
    values = [float(r[column]) for r in listed]
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 1.0
    axis = Axis(low - margin, high + margin, left, left + width)

    def draw(canvas: Canvas, y: Axis) -> None:
        places = [
            (axis.place(float(r[column])), y.place(float(r["residual"])))
            for r in listed
        ]
        _points(canvas, listed, places, looks)

    return _Panel(title, axis, axis.ticks(BASE_SIZE - 1), draw)


def _by_occasion(
    listed: Sequence[Record], looks: dict[str, Look], left: float, width: float
) -> _Panel:
    """Return residuals by visit or period, with quartiles behind the points."""
    numbers = sorted({float(r["occasion_number"]) for r in listed})
    step = width / len(numbers)
    middle = {n: left + (i + 0.5) * step for i, n in enumerate(numbers)}
    names = {float(r["occasion_number"]): str(r["occasion"]) for r in listed}
    half = min(0.36 * step, 14.0)
    arms = list(looks)

    def draw(canvas: Canvas, y: Axis) -> None:
        boxes = {float(r["occasion_number"]): r for r in listed}
        places = []
        for row in listed:
            # Arms stand beside each other within the box of their visit.
            shift = (arms.index(row["group"]) + 0.5) / len(arms) - 0.5
            x = middle[float(row["occasion_number"])] + shift * half
            places.append((x, y.place(float(row["residual"]))))
        _points(canvas, listed, places, looks)
        for number, row in boxes.items():
            low, mid, high = (
                y.place(float(row[name]))
                for name in ("lower_quartile", "median", "upper_quartile")
            )
            x = middle[number]
            outline = [(x - half, high), (x + half, high), (x + half, low)]
            outline += [(x - half, low), (x - half, high)]
            canvas.line(outline, colour=INK, width=0.9, layer=6.0)
            canvas.line([(x - half, mid), (x + half, mid)], width=1.8, layer=6.0)

    # A label does not reach over the ticks of the panels beside it.
    title, ticks = _occasion_ticks(
        [names[n] for n in numbers], list(middle.values()), step + 2 * (_GAP - 2)
    )
    axis = Axis(0.0, 1.0, left, left + width)
    return _Panel(title, axis, ticks, draw)


def _occasion_ticks(
    names: Sequence[str], places: Sequence[float], room: float
) -> tuple[str, list[tuple[float, str]]]:
    """Return the title of the visits and their labels, shorter where there is no room.

    "Baseline", "Week 4", "Week 8" become "Baseline", "4", "8" over "Week".
    """
    title, labels = _occasion_labels(names)
    kept = _spaced(places, labels, room)
    if len(kept) == len(labels):
        return title, kept
    shared = numbered(s for s in labels if numbered([s]))
    if shared is None:
        return title, kept
    word, _ = shared
    short = [one[1][0] if (one := numbered([s])) else s for s in labels]
    return word, _spaced(places, short, room)


def _occasion_labels(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return what the visits have in common, and what tells them apart."""
    return numbered(names) or ("Visit", list(names))


def _spaced(
    places: Sequence[float], labels: Sequence[str], room: float
) -> list[tuple[float, str]]:
    """Shorten labels to the room, and leave out those that would touch the last one."""
    kept: list[tuple[float, str]] = []
    size = BASE_SIZE - 1
    for x, whole in zip(places, labels, strict=True):
        label = shortened(whole, size, room)
        reach = text_width(label, size) / 2
        if not kept or x - reach > kept[-1][0] + text_width(kept[-1][1], size) / 2 + 2:
            kept.append((x, label))
    return kept


def _points(
    canvas: Canvas,
    listed: Sequence[Record],
    places: Sequence[tuple[float, float]],
    looks: dict[str, Look],
) -> None:
    size = 3.4 if len(listed) < 400 else 2.4
    for arm, (shape, colour) in looks.items():
        own = [p for p, r in zip(places, listed, strict=True) if r["group"] == arm]
        if own:
            canvas.markers(
                own, shape, size=size, colour="none", outline=colour, line_width=0.7
            )


def _legend(arms: Sequence[str], looks: dict[str, Look]) -> Block:
    size, left = BASE_SIZE, MARGIN + _LABELS
    step = TEXT_LINE * size
    names = [shortened(arm, size, _WIDTH - MARGIN - left - 12) for arm in arms]
    widths = [12 + text_width(name, size) for name in names]
    places = flowed(widths, _WIDTH, left=left, gap=18.0)

    def draw(canvas: Canvas, top: float) -> None:
        for arm, name, (x, line) in zip(arms, names, places, strict=True):
            shape, colour = looks[arm]
            middle = top + (line + 0.5) * step
            canvas.marker(x + 4, middle, shape, size=5, colour="none", outline=colour)
            canvas.text(x + 12, middle, name, size=size)

    lines = max((line for _, line in places), default=0) + 1
    return Block(lines * step + 6, draw)


def _panels(panels: Sequence[_Panel], y: Axis) -> Block:
    size = BASE_SIZE - 1
    line = TEXT_LINE * size
    steps = _whole_ticks(y.upper)

    def draw(canvas: Canvas, top: float) -> None:
        inner = top + line + 4
        shifted = Axis(y.lower, y.upper, inner + y.left, inner + y.right)
        canvas.text(
            MARGIN, top + line / 2, "Normalised residual", size=size, colour=MUTED
        )
        for value in steps:
            at = shifted.place(value)
            text = format_number(value, 0, minus=MINUS)
            x = panels[0].axis.left - 5
            canvas.text(x, at, text, size=size, align="right", axis=True)
        for panel in panels:
            left, right = panel.axis.left, panel.axis.right
            for value in steps:
                at = shifted.place(value)
                colour, width = (RULE, 0.9) if value == 0 else (HAIRLINE, 0.5)
                canvas.line([(left, at), (right, at)], colour=colour, width=width)
            panel.draw(canvas, shifted)
            bottom = inner + _HEIGHT
            canvas.line([(left, bottom), (right, bottom)], colour=INK, width=0.8)
            for x, label in panel.ticks:
                canvas.line([(x, bottom), (x, bottom + 3)], colour=INK, width=0.8)
                canvas.text(
                    x,
                    bottom + 3 + line / 2,
                    label,
                    size=size,
                    align="center",
                    axis=True,
                )
            for i, text in enumerate(wrap(panel.title, size, right - left)):
                at = bottom + 3 + (i + 1.6) * line
                centre = (left + right) / 2
                canvas.text(
                    centre, at, text, size=size, colour=MUTED, align="center", axis=True
                )

    titles = (wrap(p.title, size, p.axis.right - p.axis.left) for p in panels)
    below = 1.6 + max(map(len, titles))
    return Block(line + 4 + _HEIGHT + 3 + below * line, draw)


def _whole_ticks(reach: float) -> list[float]:
    """Return whole numbers on both sides of zero, seven or nine at most."""
    step = max(1, math.ceil(reach / 4.999))
    most = math.floor(reach / step)
    return [float(step * i) for i in range(-most, most + 1)]
