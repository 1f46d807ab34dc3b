"""The lines of a forest plot on the page: labels, cells, marks, what lies behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point
from trialstats.figures.forest_bias import Bias, domain_key, draw_lights
from trialstats.figures.forest_layout import GAP, INDENT, Layout, label_lines
from trialstats.figures.forest_lines import Line
from trialstats.figures.forest_marks import MARKS, Sheet
from trialstats.figures.pages import MARGIN, TEXT_LINE, Block
from trialstats.figures.theme import BAND, HAIRLINE, INK, MUTED, SENSITIVITY

#: Height of a line as a multiple of the size of the type, and the step between the
#: lines of a broken label.
_ROW, _LABEL_STEP = 1.85, TEXT_LINE * 0.92

#: Height of a remark of one line, as a multiple of the size of the type.
_NOTE = 1.45

#: Space above a line with a rule and above a heading, as multiples of the size.
_RULED, _HEADED = 0.5, 0.45


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What lies behind the marks.

    Attributes
    ----------
    band : float or None
        Half the width of the band around no effect, on the natural scale.
    guide : float or None
        Estimate at which a dashed line stands.
    guide_to : int or None
        Line at whose mark the dashed line ends; None for the last one.
    guide_rows : tuple of str
        The ``row_id`` of that estimate.
    """

    band: float | None = None
    guide: float | None = None
    guide_to: int | None = None
    guide_rows: tuple[str, ...] = ()


def body_block(
    group: Sequence[Line],
    axis: Axis,
    place: Layout,
    size: float,
    *,
    backdrop: Backdrop,
    bias: Bias | None = None,
) -> Block:
    """Return lines with their texts and marks.

    Parameters
    ----------
    group : sequence of Line
        The lines from top to bottom.
    axis : Axis
        Their axis.
    place : Layout
        Where the columns stand.
    size : float
        Size of the type.
    backdrop : Backdrop
        What lies behind the marks.
    bias : Bias, optional
        Judgements whose lights stand beside the trials.
    """
    texts = [label_lines(line, place, size) for line in group]
    spaces = [_above(n) * size if i else 2.0 for i, n in enumerate(group)]
    heights = [
        above + _height(line, len(text), size)
        for line, above, text in zip(group, spaces, texts, strict=True)
    ]
    weights = (n.effect.weight or 0.0 for n in group if n.effect is not None)
    largest = max(weights, default=0.0)

    def draw(canvas: Canvas, top: float) -> None:
        sheet = Sheet(canvas, place, size)
        _behind(sheet, axis, heights, top, backdrop)
        lights: dict[str, list[Point]] = {}
        y = top
        for line, text, above, height in zip(
            group, texts, spaces, heights, strict=True
        ):
            middle = y + (above + height) / 2
            if line.ruled:
                _rule(sheet, y + above / 2)
            _write(sheet, line, text, middle)
            if line.effect is not None:
                MARKS[line.kind](sheet, line, axis, middle, largest)
            if bias is not None and line.kind == "trial":
                _add_lights(lights, line, place, bias, middle)
            y += height
        draw_lights(canvas, lights, size)

    return Block(sum(heights), draw)


def _above(line: Line) -> float:
    """Return the space above a line, as a multiple of the size of the type."""
    return _RULED if line.ruled else _HEADED if line.kind == "heading" else 0.0


def _height(line: Line, n: int, size: float) -> float:
    if line.kind == "note":
        return (_NOTE + (n - 1) * _LABEL_STEP) * (size - 1.0) + 2.0
    return (_ROW + (n - 1) * _LABEL_STEP) * size


def _add_lights(
    lights: dict[str, list[Point]],
    line: Line,
    place: Layout,
    bias: Bias,
    middle: float,
) -> None:
    trial = line.effect.trial if line.effect else None
    anchors: Mapping[str, float] = {c.key: c.anchor for c in place.columns}
    for domain in bias.domains:
        at = (anchors[domain_key(domain)], middle)
        lights.setdefault(bias.light(trial, domain), []).append(at)


def _behind(
    sheet: Sheet,
    axis: Axis,
    heights: Sequence[float],
    top: float,
    backdrop: Backdrop,
) -> None:
    """Draw what lies behind the marks: band, no effect, the main estimate."""
    canvas, bottom = sheet.canvas, top + sum(heights)
    if backdrop.band is not None:
        half = abs(axis.stored(backdrop.band))
        inside = [min(max(e, axis.lower), axis.upper) for e in (-half, half)]
        left, right = (axis.place(e) for e in inside)
        canvas.rectangle(left, top, right - left, bottom - top, colour=BAND, layer=0.5)
    if axis.holds(0.0):
        x = axis.place(0.0)
        canvas.line([(x, top), (x, bottom)], colour=INK, width=0.8, layer=1.5)
    if backdrop.guide is not None and axis.holds(backdrop.guide):
        x, end = axis.place(backdrop.guide), bottom
        if backdrop.guide_to is not None:
            last = backdrop.guide_to
            end = top + sum(heights[:last]) + heights[last] / 2
        canvas.line(
            [(x, top), (x, end)],
            colour=SENSITIVITY,
            width=0.7,
            dashes=(3.0, 2.4),
            layer=1.2,
            rows=backdrop.guide_rows,
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
    canvas = sheet.canvas
    size = sheet.size - 1.0 if line.kind == "note" else sheet.size
    weight = "bold" if line.bold else "normal"
    colour = MUTED if line.kind in ("sensitivity", "note") else INK
    left = MARGIN + (INDENT if line.indented else 0.0)
    first = middle - _LABEL_STEP * size * (len(texts) - 1) / 2
    named = line.rows.get("label", ())
    for i, text in enumerate(texts):
        y = first + i * _LABEL_STEP * size
        canvas.text(left, y, text, size=size, weight=weight, colour=colour, rows=named)
    for column in sheet.place.columns:
        canvas.text(
            column.anchor,
            middle,
            line.cells.get(column.key, ""),
            size=size,
            weight=weight,
            colour=colour,
            align=column.align,
            rows=line.rows.get(column.key, ()),
        )
