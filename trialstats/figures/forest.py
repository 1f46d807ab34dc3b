"""Forest plots, drawn in points so that text and marks stand in one grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import SIDE, Axis, checked_limits, limits
from trialstats.figures.canvas import Canvas, wrap
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.forest_blocks import (
    axis_block,
    footnote_blocks,
    forest_titles,
    header_block,
    least_plot,
    side_share,
)
from trialstats.figures.forest_layout import (
    GAP,
    INDENT,
    Layout,
    Line,
    columns,
    label_lines,
    layout,
    lines,
)
from trialstats.figures.forest_marks import MARKS, Sheet
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Panel, panels
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    text_block,
)
from trialstats.figures.theme import BAND, HAIRLINE, INK, MUTED, SENSITIVITY

__all__ = ["ForestOptions", "forest_alt_text", "forest_plot"]

#: Height of a line as a multiple of the size of the type, and the step between the
#: lines of a broken label.
_ROW, _LABEL_STEP = 1.85, TEXT_LINE * 0.92

#: Space above some kinds of line, as multiples of the size of the type.
_ABOVE = {"total": 0.5, "heading": 0.4}

#: Which results may widen the axis first.
_IMPORTANCE = ("pooled", "sensitivity", "published", "prediction")


def forest_plot(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    options: ForestOptions | None = None,
) -> Figure:
    """Draw the forest plot of a synthesis.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with the columns of `rows.ESTIMATES`; left as they are.
    synthesis : mapping
        Its configuration: title, measure, comparison, outcome, favours, notes.
    labels : mapping
        Trial -> author and year; a trial without one is called by its identifier.
    options : ForestOptions, optional
        By default those of ``synthesis["figure"]``.

    Returns
    -------
    matplotlib.figure.Figure
        As wide as the options say or the text needs, as high as the rows need.

    Raises
    ------
    DataError
        When there is no effect to draw, or scales are mixed.
    ConfigError
        When an option is not known or cannot be drawn.
    """
    chosen = options or ForestOptions.from_mapping(synthesis.get("figure"))
    size = chosen.font_size
    found = panels(rows, synthesis=synthesis, labels=labels)
    groups = [lines(p, chosen) for p in found]
    before, after = columns(found, synthesis, chosen)
    narrowest = least_plot(synthesis, size)
    place = layout(groups, before, after, chosen, least_plot=narrowest)
    blocks = [*forest_titles(found, synthesis, place, size), header_block(place, size)]
    for number, (panel, group) in enumerate(zip(found, groups, strict=True)):
        own = number == 0 and bool(panel.trials)
        blocks += _panel_blocks(panel, group, synthesis, place, chosen, own=own)
    blocks += footnote_blocks(found, synthesis, place, chosen)
    return compose(blocks, place.width)


def _panel_blocks(
    panel: Panel,
    group: Sequence[Line],
    synthesis: Mapping[str, Any],
    place: Layout,
    options: ForestOptions,
    *,
    own: bool,
) -> list[Block]:
    size = options.font_size
    axis = _axis(panel, group, synthesis, place, options, own=own)
    texts = [label_lines(line, place, size) for line in group]
    spaces = [_ABOVE.get(n.kind, 0.0) * size if i else 2.0 for i, n in enumerate(group)]
    heights = [
        above + _ROW * size + (len(text) - 1) * _LABEL_STEP * size
        for above, text in zip(spaces, texts, strict=True)
    ]
    largest = max((t.weight or 0.0 for t in panel.trials), default=0.0)

    def draw(canvas: Canvas, top: float) -> None:
        sheet = Sheet(canvas, place, size)
        _backdrop(sheet, axis, group, heights, top, options)
        y = top
        for line, text, above, height in zip(
            group, texts, spaces, heights, strict=True
        ):
            middle = y + (above + height) / 2
            if line.kind == "total":
                _rule(sheet, y + above / 2)
            _write(sheet, line, text, middle)
            if line.effect is not None:
                MARKS[line.kind](sheet, line, axis, middle, largest)
            y += height

    title: Sequence[str] = ()
    if not own:
        room = place.width - 2 * MARGIN
        title = wrap(panel.measure.title, size + 1, room, weight="bold")
    return [
        text_block(title, size + 1, weight="bold", after=2),
        Block(sum(heights), draw),
        axis_block(panel, synthesis, place, axis, options, own=own),
    ]


def _axis(
    panel: Panel,
    group: Sequence[Line],
    synthesis: Mapping[str, Any],
    place: Layout,
    options: ForestOptions,
    *,
    own: bool,
) -> Axis:
    measure = panel.measure
    share = SIDE
    if own:
        width = place.plot_right - place.plot_left
        share = side_share(synthesis, options.font_size, width)
    low, high = _limits(panel, group, options, share)
    return Axis(
        low,
        high,
        place.plot_left,
        place.plot_right,
        log=measure.log,
        percent=measure.percent,
    )


def _limits(
    panel: Panel, group: Sequence[Line], options: ForestOptions, side: float
) -> tuple[float, float]:
    """Return the ends of the axis, on the scale of storage."""
    if options.axis_limits:
        given = checked_limits(options.axis_limits, log=panel.measure.log)
        return (given[0] / 100, given[1] / 100) if panel.measure.percent else given
    effects = [(line.kind, line.effect) for line in group if line.effect]
    trials = [e.interval for kind, e in effects if kind == "trial" and e.interval]
    pooled = [
        e.interval
        for wanted in _IMPORTANCE
        for kind, e in effects
        if kind == wanted and e.interval
    ]
    points = [e.estimate for _, e in effects if e.estimate is not None]
    if not trials:
        trials, pooled = pooled, []
    return limits(trials, pooled, points, side=side)


def _backdrop(
    sheet: Sheet,
    axis: Axis,
    group: Sequence[Line],
    heights: Sequence[float],
    top: float,
    options: ForestOptions,
) -> None:
    """Draw what lies behind the marks: band, no effect, the pooled estimate."""
    canvas, bottom = sheet.canvas, top + sum(heights)
    half = options.minimal_important_difference
    if half is not None:
        ends = (-abs(axis.stored(half)), abs(axis.stored(half)))
        left, right = (axis.place(min(max(e, axis.lower), axis.upper)) for e in ends)
        canvas.rectangle(left, top, right - left, bottom - top, colour=BAND, layer=0.5)
    if axis.holds(0.0):
        x = axis.place(0.0)
        canvas.line([(x, top), (x, bottom)], colour=INK, width=0.8, layer=1.5)
    for i, line in enumerate(group):
        estimate = line.effect.estimate if line.effect else None
        if line.kind == "pooled" and estimate is not None and axis.holds(estimate):
            x = axis.place(estimate)
            ends = (top, top + sum(heights[:i]) + heights[i] / 2)
            canvas.line(
                [(x, ends[0]), (x, ends[1])],
                colour=SENSITIVITY,
                width=0.7,
                dashes=(3.0, 2.4),
                layer=1.2,
            )


def _rule(sheet: Sheet, y: float) -> None:
    """Draw the rule above the totals, leaving the plot free."""
    place = sheet.place
    right = place.width - MARGIN
    sheet.canvas.line([(MARGIN, y), (place.plot_left - GAP / 2, y)], colour=HAIRLINE)
    if place.plot_right + GAP < right:
        start = place.plot_right + GAP / 2
        sheet.canvas.line([(start, y), (right, y)], colour=HAIRLINE)


def _write(sheet: Sheet, line: Line, texts: Sequence[str], middle: float) -> None:
    """Write the label and the cells of a line."""
    size, canvas = sheet.size, sheet.canvas
    weight = "bold" if line.bold else "normal"
    colour = MUTED if line.kind == "sensitivity" else INK
    left = MARGIN + (INDENT if line.indented else 0.0)
    first = middle - _LABEL_STEP * size * (len(texts) - 1) / 2
    for i, text in enumerate(texts):
        y = first + i * _LABEL_STEP * size
        canvas.text(left, y, text, size=size, weight=weight, colour=colour)
    for column in sheet.place.columns:
        canvas.text(
            column.anchor,
            middle,
            line.cells.get(column.key, ""),
            size=size,
            weight=weight,
            colour=colour,
            align=column.align,
        )
