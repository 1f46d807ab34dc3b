"""Boxes of a flow diagram, as wide as given and as high as their text."""

from collections.abc import Sequence
from dataclasses import dataclass

from trialstats.figures.canvas import Canvas, text_width, wrap
from trialstats.figures.theme import BAND, BASE_SIZE, INK, PAPER, RULE

#: Points: text to the edge of its box, further in for a reason, and for
#: the lines after the first.
PADDING, _INDENT, _HANG = 6.0, 10.0, 4.0

SIZE = BASE_SIZE - 0.5
LINE = 1.35 * SIZE


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of a box, with the rows of its number.

    Attributes
    ----------
    text : str
    rows : tuple of str
        The ``row_id`` of the number.
    indent : int
        How far in: reasons stand under what they explain.
    weight : str
        As matplotlib names it.
    """

    text: str
    rows: tuple[str, ...] = ()
    indent: int = 0
    weight: str = "normal"


@dataclass(frozen=True, slots=True)
class Written:
    """A line of text that fits its box."""

    text: str
    rows: tuple[str, ...]
    shift: float
    weight: str


def written(lines: Sequence[Line], width: float) -> list[Written]:
    """Break the statements of a box into lines that fit its width.

    Where a statement needs several lines, the last one holds its number.
    """
    found = []
    for line in lines:
        shift = line.indent * _INDENT
        room = width - 2 * PADDING - shift - _HANG
        # The number stays in one piece: "(n = 12)" does not break.
        kept = line.text.replace("(n = ", "(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
        parts = wrap(kept, SIZE, room, weight=line.weight)
        for i, part in enumerate(parts):
            rows = line.rows if i == len(parts) - 1 else ()
            # What follows the first line hangs a little further in.
            hang = shift + (_HANG if i else 0.0)
            found.append(Written(part, rows, hang, line.weight))
    return found


def width_of(lines: Sequence[Line]) -> float:
    """Return the width that a box needs for its statements on one line each."""
    widths = (
        text_width(line.text, SIZE, weight=line.weight) + line.indent * _INDENT
        for line in lines
    )
    return max(widths, default=0.0) + 2 * PADDING + _HANG + 1


def height_of(lines: Sequence[Line], width: float) -> float:
    """Return the height of a box with these statements."""
    return LINE * len(written(lines, width)) + 2 * PADDING


def draw_box(
    canvas: Canvas,
    lines: Sequence[Line],
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """Draw a box with its statements from the top."""
    canvas.rectangle(
        left, top, width, height, colour=PAPER, outline=RULE, line_width=0.8
    )
    for i, line in enumerate(written(lines, width)):
        canvas.text(
            left + PADDING + line.shift,
            top + PADDING + (i + 0.5) * LINE,
            line.text,
            size=SIZE,
            weight=line.weight,
            rows=line.rows,
        )


def draw_stage(
    canvas: Canvas, text: str, left: float, top: float, width: float
) -> None:
    """Draw the name of a stage on a band across the diagram."""
    canvas.rectangle(left, top, width, stage_height(), colour=BAND, layer=2.2)
    canvas.text(
        left + PADDING, top + stage_height() / 2, text, size=SIZE, weight="bold"
    )


def stage_height() -> float:
    """Return the height of a band with the name of a stage."""
    return LINE + 4.0


def draw_arrow(
    canvas: Canvas, x: float, top: float, bottom: float, *, line_only: bool = False
) -> None:
    """Draw an arrow down."""
    tip = 4.0
    end = bottom if line_only else bottom - tip
    canvas.line([(x, top), (x, end)], colour=INK, width=0.8)
    if not line_only:
        points = [(x - tip / 2, bottom - tip), (x + tip / 2, bottom - tip), (x, bottom)]
        canvas.polygon(points, colour=INK)


def draw_side_arrow(canvas: Canvas, left: float, right: float, y: float) -> None:
    """Draw an arrow to the right."""
    tip = 4.0
    canvas.line([(left, y), (right - tip, y)], colour=INK, width=0.8)
    points = [(right - tip, y - tip / 2), (right - tip, y + tip / 2), (right, y)]
    canvas.polygon(points, colour=INK)
