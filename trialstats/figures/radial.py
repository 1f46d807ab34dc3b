"""Radial plots: standardised effects against precision, each effect a ray."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, shortened, wrap
from trialstats.figures.forest_lines import row_ids
from trialstats.figures.forest_text import axis_title
from trialstats.figures.influence import NO_DIAGNOSTICS
from trialstats.figures.names import MARK, along, placed
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
from trialstats.figures.theme import BAND, HAIRLINE, INK, MUTED, PAPER, POOLED, TRIAL
from trialstats.formatting import format_number
from trialstats.records import find
from trialstats.version import __version__
from trialstats.vocabulary import lower_first, sentence_list

#: Points: size of the plane, room for the labels left and right of it.
_PLANE, _HEIGHT, _LABELS, _RIGHT = 400.0, 330.0, 44.0, 60.0

_WIDTH = 2 * MARGIN + _LABELS + _PLANE + _RIGHT

#: 97.5 % point of the normal: half the height of the band.
_HALF_BAND = 1.959964

#: Width of the longest name, and as many trials at most have one.
_NAME, _MOST_NAMED = 120.0, 60

_X = "Precision: one over the standard error, with the variance between trials"
_Y = "Effect over the standard error"

Points = Mapping[str, Point]


def radial_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw each trial's standardised effect against its precision.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: ``radial_precision`` and
        ``radial_effect`` of each trial.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
        Rays from the left are effects, read off on the right; the band holds 19 of 20
        trials that have the pooled effect.

    References
    ----------
    Galbraith RF. Graphical display of estimates having differing standard errors.
    Technometrics 1988;30:271-281.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    points = _points(drawn)
    model = f", {lower_first(drawn.model)}" if drawn.model else ""
    blocks = drawn.titles(f"Radial (Galbraith) plot{model}", _WIDTH)
    notes = [f"Software: trialstats {__version__}."]
    if points:
        blocks.append(_plane_block(drawn, points, synthesis))
        notes.insert(0, _reading(drawn, points))
    else:
        texts = wrap(NO_DIAGNOSTICS, size, _WIDTH - 2 * MARGIN)
        blocks.append(text_block(texts, size, after=size))
    blocks += note_blocks(notes, _WIDTH, size=size - 1.5)
    return compose(blocks, _WIDTH)


def radial_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return which trials of a radial plot lie outside the band."""
    drawn = shown(rows, synthesis, labels)
    points = _points(drawn)
    if not points:
        return drawn.alt("Radial plot", NO_DIAGNOSTICS)
    text = f"{len(points)} trials, {drawn.pooled_words()}. {_outside(drawn, points)}"
    return drawn.alt("Radial plot", text)


def _points(drawn: Shown) -> Points:
    x, y = (drawn.by_trial(f"radial_{name}") for name in ("precision", "effect"))
    trials = [str(t.trial) for t in drawn.panel.trials]
    return {t: (x[t], y[t]) for t in trials if t in x and t in y}


def _slope(drawn: Shown) -> float | None:
    pool = drawn.pool
    return None if pool is None or pool["estimate"] is None else float(pool["estimate"])


def _is_outside(point: Point, slope: float) -> bool:
    return abs(point[1] - slope * point[0]) > _HALF_BAND


def _outside(drawn: Shown, points: Points) -> str:
    """Return which trials lie outside the band, as a sentence."""
    slope = _slope(drawn)
    if slope is None:
        return ""
    names = {str(t.trial): t.label for t in drawn.panel.trials}
    out = [names[t] for t, point in points.items() if _is_outside(point, slope)]
    if not out:
        return "No trial lies outside the band around the pooled effect."
    more = [f"{len(out) - 8} more"] if len(out) > 8 else []
    return (
        f"Outside the band around the pooled effect: {sentence_list(out[:8] + more)}."
    )


def _plane_block(drawn: Shown, points: Points, synthesis: Mapping[str, Any]) -> Block:
    size = drawn.options.font_size
    small = size - 0.5
    line = TEXT_LINE * small
    right = axis_title(drawn.panel.measure, synthesis, own=True)[0].rstrip(";")
    heads = wrap(f"{right}, read off where a ray ends", small, 0.6 * _WIDTH)
    head = line * max(len(heads), 1) + 5.0

    def draw(canvas: Canvas, top: float) -> None:
        plane = _plane(drawn, points, top + head)
        below = top + head - 5.0 - line / 2
        canvas.text(MARGIN, below, _Y, size=small, colour=MUTED)
        for i, text in enumerate(reversed(heads)):
            y = below - i * line
            edge = _WIDTH - MARGIN
            canvas.text(edge, y, text, size=small, colour=MUTED, align="right")
        _band(canvas, plane, drawn)
        _rays(canvas, plane, drawn, small)
        draw_plane(canvas, plane, small, [_X], grid=False)
        _marks(canvas, plane, drawn, points, small)

    return Block(head + _HEIGHT + axis_height(small, [_X]) + 0.6 * size, draw)


def _plane(drawn: Shown, points: Points, top: float) -> Plane:
    """Return axes that hold every point, and the band where it ends."""
    furthest = 1.06 * max(x for x, _ in points.values())
    slope = _slope(drawn) or 0.0
    values = [y for _, y in points.values()]
    values += [slope * furthest + side * _HALF_BAND for side in (-1, 1)]
    low, high = min(-_HALF_BAND, *values), max(_HALF_BAND, *values)
    margin = 0.04 * (high - low)
    left = MARGIN + _LABELS
    return Plane(
        Axis(0.0, furthest, left, left + _PLANE),
        Axis(low - margin, high + margin, top + _HEIGHT, top),
    )


def _band(canvas: Canvas, plane: Plane, drawn: Shown) -> None:
    """Draw the ray of the pooled effect with its band."""
    slope = _slope(drawn)
    if slope is None:
        return
    end = plane.x.upper
    corners = [
        *((0.0, _HALF_BAND), (end, slope * end + _HALF_BAND)),
        *((end, slope * end - _HALF_BAND), (0.0, -_HALF_BAND)),
    ]
    canvas.polygon([plane.place(*c) for c in corners], colour=BAND, layer=0.3)
    ends = [plane.place(0.0, 0.0), plane.place(end, slope * end)]
    rows = row_ids(drawn.pool)
    canvas.line(ends, colour=POOLED, width=1.4, dashes=(5.0, 2.5), layer=2.5, rows=rows)


def _rays(canvas: Canvas, plane: Plane, drawn: Shown, size: float) -> None:
    """Draw rays to round effects, labelled where they end."""
    measure, end = drawn.panel.measure, plane.x.upper
    effects = Axis(
        plane.y.lower / end,
        plane.y.upper / end,
        plane.y.left,
        plane.y.right,
        log=measure.log,
        percent=measure.percent,
    )
    start, right = plane.place(0.0, 0.0), plane.x.right
    for y, label in effects.ticks(size, upright=True):
        canvas.line([start, (right, y)], colour=HAIRLINE, width=0.5, layer=1.0)
        canvas.line([(right, y), (right + 3.5, y)], width=0.8)
        canvas.text(right + 6.0, y, label, size=size, axis=True)
    none = plane.place(end, 0.0)
    canvas.line([start, none], width=0.7, layer=1.2)
    canvas.line([(right, plane.top), (right, plane.bottom)], width=0.9, layer=6.0)


def _marks(
    canvas: Canvas, plane: Plane, drawn: Shown, points: Points, size: float
) -> None:
    places = {trial: plane.place(*point) for trial, point in points.items()}
    for trial, at in places.items():
        rows = drawn.ids("radial_precision", trial) + drawn.ids("radial_effect", trial)
        canvas.marker(
            *at, "o", size=MARK, colour=TRIAL, outline=PAPER, line_width=0.5, rows=rows
        )
    if len(points) > _MOST_NAMED:
        return
    slope = _slope(drawn) or 0.0
    names = {str(t.trial): t.label for t in drawn.panel.trials}
    # Those far from the pooled effect are named first.
    order = sorted(points, key=lambda t: -abs(points[t][1] - slope * points[t][0]))
    texts = {t: shortened(names[t], size - 0.5, _NAME) for t in order}
    frame = (plane.x.left, plane.top, plane.x.right - 10.0, plane.bottom)
    end = plane.x.upper
    rays = (0.0, slope * end) if _slope(drawn) is not None else (0.0,)
    start = plane.place(0.0, 0.0)
    lines = [b for y in rays for b in along([start, plane.place(end, y)])]
    for trial, corner in placed(texts, places, frame, size, taken=lines).items():
        canvas.text(*corner, texts[trial], size=size - 0.5, colour=INK)


def _reading(drawn: Shown, points: Points) -> str:
    text = (
        "A ray from the left is an effect, read off on the right; the more precise a "
        "trial, the further right it stands."
    )
    if _slope(drawn) is not None:
        text += (
            " Dashed: the pooled effect; trials that have this effect lie in the band "
            f"around it, but for one in twenty. {_outside(drawn, points)}"
        )
    lost = len(find(drawn.rows, statistic="effect")) - len(points)
    if lost:
        text += f" Not drawn: {format_number(lost, 0)} without an estimate."
    return f"{text} Names that have no room are left out."
