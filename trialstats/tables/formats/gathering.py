"""Lines and rows that a reader found in a document, put together to tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from trialstats.errors import DataError
from trialstats.tables.formats.printed import PrintedTable

_SOURCE = "Source: "


@dataclass(frozen=True, slots=True)
class Line:
    """A line outside the body: its style, its text, and what is raised before it."""

    style: str
    text: str
    raised: str = ""


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row: its style, its cells, and where each cell ends."""

    style: str
    cells: tuple[str, ...]
    edges: tuple[int, ...]


@dataclass(slots=True)
class Part:
    """What stands in one section of a document."""

    lines: list[Line] = field(default_factory=list)
    rows: list[ReadRow] = field(default_factory=list)


def gathered(parts: Sequence[Part]) -> tuple[PrintedTable, ...]:
    """Return the tables of a document; further columns join the table before them.

    Raises
    ------
    DataError
        When a part continues nothing, or has other rows than what it continues.
    """
    tables: list[PrintedTable] = []
    for part in parts:
        styles = {line.style for line in part.lines}
        if "Table Title of Further Columns" in styles:
            if not tables:
                raise DataError("further columns of a table that is not there")
            tables[-1] = _joined(tables[-1], _table(part))
        elif "Table Title" in styles:
            tables.append(_table(part))
    return tuple(tables)


def _table(part: Part) -> PrintedTable:
    def text(*styles: str) -> str:
        found = [line.text for line in part.lines if line.style in styles]
        return found[0] if found else ""

    heads = [row for row in part.rows if row.style == "Table Head"]
    body = [row for row in part.rows if row.style != "Table Head"]
    return PrintedTable(
        title=text("Table Title", "Table Title of Further Columns"),
        subtitle=text("Table Subtitle"),
        number=text("Table Number"),
        protocol=text("Protocol").partition("\t")[0],
        population=text("Population"),
        columns=_columns(heads),
        rows=tuple(row.cells for row in body),
        preface=tuple(
            (label, told)
            for line in part.lines
            if line.style == "Table Preface"
            for label, _, told in [(line.raised + line.text).partition("\t")]
        ),
        footnotes=tuple(
            (line.raised, line.text.removeprefix(" ") if line.raised else line.text)
            for line in part.lines
            if line.style == "Table Footnote"
        ),
        source=text("Table Source").removeprefix(_SOURCE),
    )


def _columns(heads: Sequence[ReadRow]) -> tuple[tuple[str, str], ...]:
    """Return spanner and label of each column: a spanner reaches over its labels."""
    if not heads:
        return ()
    labels, over = heads[-1], heads[0] if len(heads) > 1 else None
    if over is None:
        return tuple(("", label) for label in labels.cells)
    ends = list(zip(over.edges, over.cells, strict=True))
    return tuple(
        (next((text for end, text in ends if end >= edge), ""), label)
        for edge, label in zip(labels.edges, labels.cells, strict=True)
    )


def _joined(table: PrintedTable, further: PrintedTable) -> PrintedTable:
    stubs = [row[0] for row in table.rows]
    if stubs != [row[0] for row in further.rows]:
        raise DataError(f"{table.title}: the parts of the table have different rows")
    rows = zip(table.rows, further.rows, strict=True)
    return replace(
        table,
        columns=table.columns + further.columns[1:],
        rows=tuple(one + two[1:] for one, two in rows),
    )
