"""Lines and rows of a part of a table, ready for a format that draws cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from trialstats.tables.formats.layout import INDENT, NUMBERS, Layout, Part
from trialstats.tables.formats.page import POINTS, Page
from trialstats.tables.formats.texts import head_lines, plain, width
from trialstats.tables.table import Column, Row, Table

#: Inches on either side of the text of a cell.
PADDING = 0.05

#: Characters that a column has beside its text and padding: word processors round.
SLACK = 0.4

#: Styles by which a reader, and who edits the document, tells the lines apart.
STYLES = (
    "Normal",
    "Protocol",
    "Population",
    "Table Number",
    "Table Title",
    "Table Title of Further Columns",
    "Table Subtitle",
    "Table Preface",
    "Table Footnote",
    "Table Source",
    "Table Head",
    "Table Row Heading",
    "Table Cell",
)

#: Most characters of the labels of a preface before its texts are moved in no further.
_HANG = 34


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """One cell: text, raised marks, characters wide and moved in, side, rules.

    A line break in `text` is one of a heading; texts of tables have none.
    """

    text: str
    width: float
    side: str = "center"
    marks: str = ""
    indent: float = 0.0
    span: int = 1
    bold: bool = False
    top: bool = False
    bottom: bool = False


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row; of the head, which every page repeats, or kept with the next row."""

    cells: tuple[DrawnCell, ...]
    style: str = "Table Cell"

    @property
    def head(self) -> bool:
        """Whether every page repeats the row."""
        return self.style == "Table Head"

    @property
    def keep(self) -> bool:
        """Whether the row stays on the page of the next one."""
        return self.style != "Table Cell"


def layout_of(table: Table, page: Page) -> Layout:
    """Lay a table out for a page."""
    gap = 2 * PADDING * POINTS / page.character + SLACK
    return Layout(table, page.text_width * POINTS / page.character, gap)


def title_lines(table: Table, first: bool) -> list[tuple[str, str]]:
    """Return style and text of the lines above a table, below its protocol.

    The title of a part with further columns has a style of its own, by which a reader
    knows what it belongs to.
    """
    title = "Table Title" if first else "Table Title of Further Columns"
    lines = [
        ("Population", table.population),
        ("Table Number", table.number),
        (title, table.title),
        ("Table Subtitle", table.subtitle),
    ]
    return [(style, plain(text)) for style, text in lines if text or style == title]


def spanner_runs(columns: Sequence[Column]) -> list[tuple[str, int, int]]:
    """Return each text over neighbouring columns, the first of them and the end."""
    runs, first = [], 0
    for text, run in groupby(columns, key=lambda column: plain(column.spanner)):
        end = first + len(list(run))
        runs.append((text, first, end))
        first = end
    return runs


def hang(table: Table) -> float:
    """Return by how many characters the texts of a preface are moved in."""
    longest = max((width(plain(label)) for label, _ in table.preface), default=0)
    return min(longest + 2, _HANG)


def drawn_rows(layout: Layout, part: Part) -> Iterator[DrawnRow]:
    """Yield head and body of a part, top to bottom."""
    yield from _head(layout, part)
    last = len(layout.table.rows) - 1
    for n, row in enumerate(layout.table.rows):
        if row.heading:
            cell = _heading(row, part, n == last)
            yield DrawnRow((cell,), "Table Row Heading")
        else:
            yield DrawnRow(tuple(_cells(layout, part, n, n == last)))


def _head(layout: Layout, part: Part) -> Iterator[DrawnRow]:
    columns = [layout.table.columns[k] for k in part.columns]
    placed = list(zip(columns, part.widths, strict=True))
    runs = spanner_runs(columns)
    spanned = any(text for text, _, _ in runs)
    if spanned:
        over = tuple(_spanner(t, list(part.widths[a:b])) for t, a, b in runs)
        yield DrawnRow(over, "Table Head")
    yield DrawnRow(
        tuple(
            DrawnCell(
                "\n".join(head_lines(column.label)),
                wide,
                "center" if column.align in NUMBERS else "left",
                bold=True,
                top=not spanned,
                bottom=True,
            )
            for column, wide in placed
        ),
        "Table Head",
    )


def _spanner(text: str, widths: list[float]) -> DrawnCell:
    over, rule = len(widths), bool(text)
    lines = "\n".join(head_lines(text))
    return DrawnCell(lines, sum(widths), span=over, bold=True, top=True, bottom=rule)


def _heading(row: Row, part: Part, last: bool) -> DrawnCell:
    cell, over = row.cells[0], len(part.columns)
    return DrawnCell(
        plain(cell.text),
        part.width,
        "left",
        plain(cell.marks),
        INDENT * row.indent,
        span=over,
        bold=True,
        bottom=last,
    )


def _cells(layout: Layout, part: Part, n: int, last: bool) -> Iterator[DrawnCell]:
    row = layout.table.rows[n]
    for k, wide in zip(part.columns, part.widths, strict=True):
        cell, side, indent = row.cells[k], layout.table.columns[k].align, 0.0
        side = side if side in NUMBERS else "left"
        if k == 0:
            side, indent = "left", float(INDENT * row.indent)
        elif (block := layout.blocks[k]) is not None:
            placed = block.indent(n, wide - layout.gap)
            side, indent = (side, 0.0) if placed is None else ("left", placed)
        text, marks = plain(cell.text), plain(cell.marks)
        yield DrawnCell(text, wide, side, marks, indent, bottom=last)
