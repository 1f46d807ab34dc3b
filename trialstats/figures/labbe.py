"""L'Abbe plots: the risk under treatment against the risk under control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, shortened, wrap
from trialstats.figures.forest_lines import row_ids
from trialstats.figures.names import Box, along, placed
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    text_block,
)
from trialstats.figures.plane import Plane, axis_height, draw_plane
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.figures.theme import INK, MUTED, PAPER, POOLED, RULE, TRIAL
from trialstats.formatting import format_number
from trialstats.records import Record, find
from trialstats.version import __version__
from trialstats.vocabulary import lower_first

#: Points: side of the plane, and room for the labels of its axis.
_PLANE, _LABELS = 400.0, 44.0

_WIDTH = 2 * MARGIN + _LABELS + _PLANE + 26.0

#: Points: width of the largest circle, of the smallest, and of the longest name.
_LARGEST, _SMALLEST, _NAME = 28.0, 4.0, 130.0

#: With more trials only the circles are drawn, without names.
_MOST_NAMED = 40

#: Pieces of the curve of the pooled effect.
_PIECES = 100

_NOTHING = (
    "No trial has events and people of both arms: there is no risk to draw in either."
)


@dataclass(frozen=True, slots=True)
class _Circle:
    """A trial: its risks, its weight and the rows that they stand in."""

    label: str
    control: float
    treatment: float
    weight: float | None
    rows: tuple[str, ...]


def labbe_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw the risk under treatment of each trial against its risk under control.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: ``risk`` of both arms of each
        trial, and where they exist ``weight`` and the pooled effect.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
        Circles whose area follows the weight, the diagonal of no effect, and dashed
        the pooled effect at every risk under control.

    References
    ----------
    L'Abbe KA, Detsky AS, O'Rourke K. Meta-analysis in clinical research. Ann Intern Med
    1987;107:224-233.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    circles = _circles(drawn, synthesis)
    blocks = drawn.titles("L'Abbé plot: risk in each arm of each trial", _WIDTH)
    if circles:
        blocks.append(_plane_block(drawn, circles, synthesis))
    else:
        texts = wrap(_NOTHING, size, _WIDTH - 2 * MARGIN)
        blocks.append(text_block(texts, size, after=size))
    if circles and drawn.pool is not None:
        texts = wrap(f"Pooled: {drawn.pooled_words()}.", size, _WIDTH - 2 * MARGIN)
        named = row_ids(drawn.pool)
        blocks.append(text_block(texts, size, after=0.5 * size, rows=named))
    blocks += note_blocks(_notes(drawn, circles), _WIDTH, size=size - 1.5)
    return compose(blocks, _WIDTH)


def labbe_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return on which side of no effect the trials of a L'Abbe plot lie."""
    drawn = shown(rows, synthesis, labels)
    circles = _circles(drawn, synthesis)
    if not circles:
        return drawn.alt("L'Abbé plot", _NOTHING)
    below = sum(c.treatment < c.control for c in circles)
    above = sum(c.treatment > c.control for c in circles)
    k = len(circles)
    text = (
        f"{k} trial{'' if k == 1 else 's'}: in {below} the risk is lower under "
        f"treatment, in {above} higher, in {k - below - above} the same. "
        f"{_whole(drawn)}."
    )
    return drawn.alt("L'Abbé plot", text)


def _whole(drawn: Shown) -> str:
    words = drawn.pooled_words()
    return words if drawn.pool is None else f"Pooled: {words}"


def _arms(synthesis: Mapping[str, Any]) -> tuple[str, str]:
    comparison = synthesis.get("comparison") or {}
    return str(comparison.get("control")), str(comparison.get("treatment"))


def _circles(drawn: Shown, synthesis: Mapping[str, Any]) -> list[_Circle]:
    """Return the trials with both risks, the heaviest first: they lie at the back."""
    risks: dict[Any, dict[str, Record]] = {}
    for row in find(drawn.rows, statistic="risk"):
        if row["estimate"] is not None:
            risks.setdefault(row["trial"], {})[str(row["group"])] = row
    control, treatment = _arms(synthesis)
    circles = []
    for trial in drawn.panel.trials:
        own = risks.get(trial.trial, {})
        if control in own and treatment in own:
            ids = row_ids(own[control], own[treatment])
            beside = () if trial.weight_row is None else (trial.weight_row,)
            circles.append(
                _Circle(
                    trial.label,
                    float(own[control]["estimate"]),
                    float(own[treatment]["estimate"]),
                    trial.weight,
                    (*ids, *beside),
                )
            )
    return sorted(circles, key=lambda c: -(c.weight or 0.0))


def _plane_block(
    drawn: Shown, circles: Sequence[_Circle], synthesis: Mapping[str, Any]
) -> Block:
    size = drawn.options.font_size
    small = size - 0.5
    line = TEXT_LINE * small
    control, treatment = _arms(synthesis)
    outcome = lower_first(str((synthesis.get("outcome") or {}).get("name") or "event"))
    across = [f"Risk of {outcome} under {_spoken(control)}, %"]
    up = f"Risk of {outcome} under {_spoken(treatment)}, %"
    titles = [t for text in across for t in wrap(text, small, _PLANE)]
    upright = wrap(up, small, _WIDTH - 2 * MARGIN)
    head = line * len(upright) + 5.0

    def draw(canvas: Canvas, top: float) -> None:
        for i, text in enumerate(upright):
            canvas.text(MARGIN, top + line * (i + 0.5), text, size=small, colour=MUTED)
        plane = _plane(circles, top + head)
        draw_plane(canvas, plane, small, titles, grid=True)
        ends = [plane.place(v, v) for v in (plane.x.lower, plane.x.upper)]
        canvas.line(ends, colour=RULE, width=1.0, layer=2.0)
        curve = _curve(canvas, plane, drawn)
        lines = [*along(ends), *along(curve)]
        _draw_circles(canvas, plane, circles, small, lines)

    return Block(head + _PLANE + axis_height(small, titles) + 0.6 * size, draw)


def _spoken(arm: str) -> str:
    """Return the name of an arm within a sentence.

    >>> _spoken("No vaccination"), _spoken("BCG vaccine")
    ('no vaccination', 'BCG vaccine')
    """
    return lower_first(arm)


def _plane(circles: Sequence[_Circle], top: float) -> Plane:
    """Return a square plane that holds every risk, and whole circles where it can."""
    risks = [r for c in circles for r in (c.control, c.treatment)]
    largest = max(*risks, 0.02)
    low, high = -0.05 * largest, 1.1 * largest
    left = MARGIN + _LABELS
    return Plane(
        Axis(low, high, left, left + _PLANE, percent=True),
        Axis(low, high, top + _PLANE, top, percent=True),
    )


def _curve(canvas: Canvas, plane: Plane, drawn: Shown) -> list[Point]:
    """Draw what the pooled effect makes of each risk under control; return where."""
    pool = drawn.pool
    if pool is None or pool["estimate"] is None:
        return []
    upper = min(plane.x.upper, 1.0)
    steps = (upper * i / _PIECES for i in range(_PIECES + 1))
    code = drawn.panel.measure.code
    pairs = [(risk, under(risk, float(pool["estimate"]), code)) for risk in steps]
    inside = [
        plane.place(x, y)
        for x, y in pairs
        if y is not None and plane.y.holds(y) and 0.0 <= y <= 1.0
    ]
    if len(inside) > 1:
        canvas.line(
            inside,
            colour=POOLED,
            width=1.4,
            dashes=(5.0, 2.5),
            layer=2.5,
            rows=row_ids(pool),
        )
    return inside


def under(risk: float, effect: float, measure: str) -> float | None:
    """Return the risk under treatment that an effect makes of a risk under control.

    Parameters
    ----------
    risk : float
        Risk under control.
    effect : float
        As it is stored: logarithms for ratios.
    measure : str
        RR, OR or RD; of another measure nothing follows.

    >>> round(under(0.2, math.log(0.5), "RR"), 3), round(under(0.2, -0.05, "RD"), 3)
    (0.1, 0.15)
    >>> round(under(0.5, math.log(3.0), "OR"), 3), under(0.5, 0.1, "MD") is None
    (0.75, True)
    """
    if measure == "RR":
        return risk * math.exp(effect)
    if measure == "RD":
        return risk + effect
    if measure != "OR":
        return None
    odds = risk * math.exp(effect)
    return odds / (1.0 - risk + odds)


def _draw_circles(
    canvas: Canvas,
    plane: Plane,
    circles: Sequence[_Circle],
    size: float,
    lines: Sequence[Box],
) -> None:
    largest = max((c.weight or 0.0 for c in circles), default=0.0)
    places: dict[str, Point] = {}
    names: dict[str, str] = {}
    widths: dict[str, float] = {}
    for i, circle in enumerate(circles):
        at = plane.place(circle.control, circle.treatment)
        share = (circle.weight or 0.0) / largest if largest else 0.1
        widths[str(i)] = max(_LARGEST * math.sqrt(share), _SMALLEST)
        canvas.marker(
            *at,
            "o",
            size=widths[str(i)],
            colour=PAPER if circle.weight is None and largest else f"{TRIAL}66",
            outline=TRIAL,
            line_width=0.8,
            layer=3.0,
            rows=circle.rows,
        )
        places[str(i)] = at
        names[str(i)] = shortened(circle.label, size, _NAME)
    if len(circles) > _MOST_NAMED:
        return
    frame = (plane.x.left, plane.top, plane.x.right + 14.0, plane.bottom)
    found = placed(names, places, frame, size, widths=widths, taken=lines)
    for key, corner in found.items():
        canvas.text(*corner, names[key], size=size - 0.5, colour=INK)


def _notes(drawn: Shown, circles: Sequence[_Circle]) -> list[str]:
    notes = []
    if circles:
        weighted = any(c.weight is not None for c in circles)
        area = "area proportional to weight" if weighted else "one a trial"
        text = f"Circles: {area}. Grey: no effect, the same risk in both arms."
        if drawn.pool is not None and drawn.pool["estimate"] is not None:
            text += " Dashed: the pooled effect at every risk under control."
        if weighted and any(c.weight is None for c in circles):
            text += " Empty circles: trials without weight, that are not estimable."
        notes.append(f"{text} Names that have no room are left out.")
    lost = len(drawn.panel.trials) - len(circles)
    if lost and circles:
        lacking = "trial" if lost == 1 else "trials"
        notes.append(
            f"Not drawn, without the counts of both arms: "
            f"{format_number(lost, 0)} {lacking}."
        )
    notes.append(f"Software: trialstats {__version__}.")
    return notes
