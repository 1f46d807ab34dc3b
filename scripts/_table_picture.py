"""A table as a picture for the pages of docs/, which show no styles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.figure import Figure

from trialstats.figures.canvas import Canvas, text_width, wrap
from trialstats.figures.theme import HAIRLINE, INK, MUTED, RULE
from trialstats.tables.table import Cell, Row, Table

SIZE, SMALL, LEADING, GAP, MARGIN = 8.5, 7.5, 12.0, 12.0, 10.0
WIDEST = 190.0


@dataclass(frozen=True)
class Line:
    """A line of the body: the lines of text of each cell."""

    row: Row
    cells: tuple[tuple[str, ...], ...]

    @property
    def height(self) -> float:
        return LEADING * max([1, *map(len, self.cells)]) + 2


def table_picture(table: Table, *, rows: int | None = None) -> Figure:
    """Draw the head of a table and its first rows, all of them by default."""
    shown = table.rows[:rows]
    widths = _widths(table, shown)
    width = max(sum(widths) + GAP * (len(widths) - 1), 380.0)
    body = [Line(row, tuple(_cells(row, widths, width))) for row in shown]
    notes = [f"{mark} {text}".strip() for mark, text in table.footnotes]
    if len(shown) < len(table.rows):
        notes.insert(0, f"The first {len(shown)} of {len(table.rows)} lines.")
    below = [line for note in notes for line in wrap(note, SMALL, width)]
    heads = [
        wrap(c.label, SIZE, w, weight="bold")
        for c, w in zip(table.columns, widths, strict=True)
    ]
    title = wrap(table.title, SIZE + 1.5, width, weight="bold")
    above = wrap(table.subtitle, SIZE, width)
    spanned = any(c.spanner for c in table.columns)
    height = (
        2 * MARGIN
        + LEADING * (len(title) + len(above) + spanned + max(map(len, heads)))
        + 22
        + sum(line.height for line in body)
        + 0.9 * LEADING * len(below)
    )
    canvas = Canvas(width + 2 * MARGIN, height)
    y = MARGIN + 6
    for text in title:
        canvas.text(MARGIN, y, text, size=SIZE + 1.5, weight="bold")
        y += LEADING
    for text in above:
        canvas.text(MARGIN, y, text, size=SIZE, colour=MUTED)
        y += LEADING
    edges = _edges(widths)
    y = _head(canvas, table, heads, edges, y + 2, width)
    for line in body:
        y = _line(canvas, table, line, edges, y)
    canvas.line([(MARGIN, y - 4), (MARGIN + width, y - 4)], colour=RULE)
    y += 6
    for text in below:
        canvas.text(MARGIN, y, text, size=SMALL, colour=MUTED)
        y += 0.9 * LEADING
    return canvas.figure


def _widths(table: Table, rows: Sequence[Row]) -> list[float]:
    found = []
    for place, column in enumerate(table.columns):
        texts = [r.cells[place].printed for r in rows if not r.heading]
        indents = [8.0 * r.indent if place == 0 else 0.0 for r in rows if not r.heading]
        limit = WIDEST if place == 0 or "wide" in column.align else 130.0
        wide = [text_width(t, SIZE) + i for t, i in zip(texts, indents, strict=True)]
        words = [text_width(w, SIZE, weight="bold") for w in column.label.split()]
        found.append(max([min(max(wide, default=0.0), limit), *words, 24.0]))
    for spanner, run in groupby(range(len(found)), lambda k: table.columns[k].spanner):
        places = list(run)
        lack = text_width(spanner, SIZE, weight="bold") - sum(
            found[k] + GAP for k in places
        )
        if spanner and lack > -GAP:
            for k in places:
                found[k] += (lack + GAP) / len(places)
    return found


def _edges(widths: Sequence[float]) -> list[tuple[float, float]]:
    edges, left = [], MARGIN
    for width in widths:
        edges.append((left, left + width))
        left += width + GAP
    return edges


def _cells(
    row: Row, widths: Sequence[float], whole: float
) -> Iterator[tuple[str, ...]]:
    for place, cell in enumerate(row.cells):
        room = whole if row.heading else widths[place]
        inset = 8.0 * row.indent if place == 0 else 0.0
        yield wrap(cell.printed, SIZE, room - inset + 0.5)


def _head(
    canvas: Canvas,
    table: Table,
    heads: Sequence[tuple[str, ...]],
    edges: Sequence[tuple[float, float]],
    y: float,
    width: float,
) -> float:
    canvas.line([(MARGIN, y - 4), (MARGIN + width, y - 4)], colour=INK, width=1.2)
    y += 6
    if any(c.spanner for c in table.columns):
        places = range(len(table.columns))
        for spanner, run in groupby(places, lambda k: table.columns[k].spanner):
            listed = list(run)
            left, right = edges[listed[0]][0], edges[listed[-1]][1]
            if spanner:
                middle = (left + right) / 2
                canvas.text(
                    middle, y, spanner, size=SIZE, weight="bold", align="center"
                )
                canvas.line([(left, y + 6), (right, y + 6)], colour=RULE, width=0.6)
        y += LEADING
    most = max(map(len, heads))
    for column, lines, (left, right) in zip(table.columns, heads, edges, strict=True):
        for n, text in enumerate(lines):
            at = y + LEADING * (most - len(lines) + n)
            _put(canvas, column.align, left, right, at, text, weight="bold")
    y += LEADING * most
    canvas.line([(MARGIN, y - 4), (MARGIN + width, y - 4)], colour=INK, width=0.8)
    return y + 6


def _line(
    canvas: Canvas,
    table: Table,
    line: Line,
    edges: Sequence[tuple[float, float]],
    y: float,
) -> float:
    weight = "bold" if line.row.heading else "normal"
    for place, lines in enumerate(line.cells):
        left, right = edges[place]
        inset = 8.0 * line.row.indent if place == 0 else 0.0
        align = "left" if place == 0 else table.columns[place].align
        cell: Cell = line.row.cells[place]
        for n, text in enumerate(lines):
            at = y + LEADING * n
            _put(canvas, align, left + inset, right, at, text, weight=weight, cell=cell)
    bottom = y + line.height
    if not line.row.heading:
        right = edges[-1][1]
        canvas.line(
            [(MARGIN, bottom - 7), (right, bottom - 7)], colour=HAIRLINE, width=0.3
        )
    return bottom


def _put(
    canvas: Canvas,
    align: str,
    left: float,
    right: float,
    y: float,
    text: str,
    *,
    weight: str,
    cell: Cell | None = None,
) -> None:
    rows = cell.rows if cell else ()
    if align == "right":
        canvas.text(right, y, text, size=SIZE, weight=weight, align="right", rows=rows)
    elif align == "center":
        canvas.text(
            (left + right) / 2,
            y,
            text,
            size=SIZE,
            weight=weight,
            align="center",
            rows=rows,
        )
    else:
        canvas.text(left, y, text, size=SIZE, weight=weight, rows=rows)
