"""The marks of a forest plot: squares, diamonds, bars and arrow heads."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point
from trialstats.figures.forest_layout import Layout
from trialstats.figures.forest_lines import Line
from trialstats.figures.theme import (
    INK,
    PAPER,
    POOLED,
    PREDICTION,
    SENSITIVITY,
    TRIAL,
)

#: Lengths as multiples of the size of the type.
_SQUARE, _ARROW_LENGTH, _ARROW_HALF = 1.15, 0.62, 0.3

#: Share of the largest square's area where trials have no weights.
_UNWEIGHTED = 0.36


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the drawing functions share."""

    canvas: Canvas
    place: Layout
    size: float


def trial_mark(sheet: Sheet, line: Line, axis: Axis, y: float, largest: float) -> None:
    """Draw a square whose area follows the weight, with its interval.

    Parameters
    ----------
    sheet : Sheet
        Where to draw.
    line : Line
        The line of the trial.
    axis : Axis
        The axis of its panel.
    y : float
        Middle of the line, in points.
    largest : float
        Largest weight of the panel, 0 without weights.
    """
    effect = line.effect
    if effect is None or effect.estimate is None:
        return
    if effect.interval:
        left, right = _cut(axis, *effect.interval)
        ends = [(left, y), (right, y)]
        sheet.canvas.line(ends, colour=INK, width=1.0, layer=3, rows=effect.rows)
        _arrows(sheet, axis, effect.interval, y, INK, rows=effect.rows)
    if not axis.holds(effect.estimate):
        return
    x = axis.place(effect.estimate)
    weighted = effect.weight is not None and largest > 0
    share = (effect.weight or 0.0) / largest if weighted else _UNWEIGHTED
    side = _SQUARE * sheet.size * math.sqrt(share)
    # A short tick keeps the place of a square too small to see.
    tick = 0.26 * sheet.size
    sheet.canvas.line([(x, y - tick), (x, y + tick)], colour=TRIAL, width=1.4, layer=4)
    corner = (x - side / 2, y - side / 2)
    sheet.canvas.rectangle(
        *corner, side, side, colour=TRIAL, layer=4, rows=effect.mark_rows
    )


@dataclass(frozen=True, slots=True)
class _DiamondStyle:
    half_height: float
    fill: str
    outline: str


_DIAMONDS = {
    "pooled": _DiamondStyle(0.62, POOLED, POOLED),
    "subtotal": _DiamondStyle(0.5, TRIAL, TRIAL),
    "sensitivity": _DiamondStyle(0.42, SENSITIVITY, SENSITIVITY),
    "published": _DiamondStyle(0.5, PAPER, INK),
}


def diamond(sheet: Sheet, line: Line, axis: Axis, y: float, _: float) -> None:
    """Draw a diamond from limit to limit, cut where the axis ends."""
    effect, style = line.effect, _DIAMONDS[line.kind]
    if effect is None or effect.estimate is None:
        return
    half, rows = style.half_height * sheet.size, line.rows.get("mark", ())
    if effect.interval is None:
        # Without an interval a diamond has no tips: a small one marks the estimate.
        if axis.holds(effect.estimate):
            x, short = axis.place(effect.estimate), half / 2
            corners = [(x - short, y), (x, y - half), (x + short, y), (x, y + half)]
            sheet.canvas.polygon(
                corners,
                colour=style.fill,
                outline=style.outline,
                line_width=0.9,
                rows=rows,
            )
        return
    low, high = effect.interval
    if low < axis.upper and high > axis.lower:
        points = [
            *_edge(sheet, axis, low, effect.estimate, y, half),
            *_edge(sheet, axis, high, effect.estimate, y, half),
        ]
        sheet.canvas.polygon(
            points,
            colour=style.fill,
            outline=style.outline,
            line_width=0.9,
            rows=rows,
        )
    _arrows(sheet, axis, effect.interval, y, style.outline, rows=rows)


def _edge(
    sheet: Sheet, axis: Axis, limit: float, estimate: float, y: float, half: float
) -> list[Point]:
    """Return the corners of a diamond from its middle to one tip.

    A tip beyond the axis is cut off straight, where the arrow head begins.
    """
    side = 1 if limit >= estimate else -1
    middle = axis.place(min(max(estimate, axis.lower), axis.upper))
    corner = (middle, y + side * half)
    if axis.holds(limit):
        return [corner, (axis.place(limit), y)]
    end = axis.right if limit > axis.upper else axis.left
    x = end - (1 if limit > axis.upper else -1) * _ARROW_LENGTH * sheet.size
    tip = axis.place(limit)
    height = half * min(1.0, abs(tip - x) / max(abs(tip - middle), 1e-9))
    return [corner, (x, y + side * height), (x, y - side * height)]


def prediction_bar(sheet: Sheet, line: Line, axis: Axis, y: float, _: float) -> None:
    """Draw a bar with end caps, unlike an interval and unlike a diamond."""
    effect = line.effect
    if effect is None or effect.interval is None:
        return
    left, right = _cut(axis, *effect.interval)
    thick, cap = 0.3 * sheet.size, 0.42 * sheet.size
    rows = line.rows.get("mark", ())
    sheet.canvas.rectangle(
        left, y - thick / 2, right - left, thick, colour=PREDICTION, rows=rows
    )
    for value, x in zip(effect.interval, (left, right), strict=True):
        if axis.holds(value):
            ends = [(x, y - cap), (x, y + cap)]
            sheet.canvas.line(ends, colour=PREDICTION, width=1.3, rows=rows)
    _arrows(sheet, axis, effect.interval, y, PREDICTION, half=0.46, rows=rows)


def _cut(axis: Axis, low: float, high: float) -> tuple[float, float]:
    """Return the part of an interval that the axis shows, as places."""
    inside = [min(max(v, axis.lower), axis.upper) for v in (low, high)]
    return axis.place(inside[0]), axis.place(inside[1])


def _arrows(
    sheet: Sheet,
    axis: Axis,
    interval: tuple[float, float],
    y: float,
    colour: str,
    half: float = _ARROW_HALF,
    rows: Sequence[str] = (),
) -> None:
    """Draw an arrow head at each end of the axis that cuts the interval."""
    length, half = _ARROW_LENGTH * sheet.size, half * sheet.size
    low, high = interval
    below = low < axis.lower and not axis.holds(low)
    above = high > axis.upper and not axis.holds(high)
    for beyond, x, inward in ((below, axis.left, 1), (above, axis.right, -1)):
        if beyond:
            base = x + inward * length
            corners = [(x, y), (base, y - half), (base, y + half)]
            sheet.canvas.polygon(corners, colour=colour, rows=rows)


#: Kind of line -> what draws it.
MARKS: dict[str, Callable[[Sheet, Line, Axis, float, float], None]] = {
    "trial": trial_mark,
    "model": trial_mark,
    "pooled": diamond,
    "subtotal": diamond,
    "sensitivity": diamond,
    "published": diamond,
    "prediction": prediction_bar,
}
