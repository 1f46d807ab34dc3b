"""Read printed tables back, whatever the format, to hold them against the tables.

``READERS["rtf"](data)`` equals ``tuple(printed(t) for t in tables)`` where the document
prints the tables, cell by cell. CSV holds the body only, see `csv_rows`.
"""

import csv
import io
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

from trialstats.formatting import inert
from trialstats.tables.formats.docx_reader import read_docx
from trialstats.tables.formats.latex_reader import read_latex
from trialstats.tables.formats.printed import PrintedTable, printed
from trialstats.tables.formats.rtf_reader import read_rtf
from trialstats.tables.formats.texts import plain
from trialstats.tables.render import to_csv_frame
from trialstats.tables.table import Table

__all__ = [
    "READERS",
    "csv_rows",
    "printed",
    "read_csv",
    "read_docx",
    "read_html",
    "read_latex",
    "read_rtf",
]


#: How the number of a study report begins.
_FILED = ("Table ", "Figure ", "Listing ")


def read_csv(data: bytes) -> list[list[str]]:
    """Return the cells of a CSV file, its head first, as a program reads them."""
    text = data.decode("utf-8")
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


def csv_rows(*tables: Table) -> list[list[str]]:
    """Return what a CSV file of tables must hold, its head first.

    Minus signs are hyphens, letters of footnotes stand in brackets, and what a
    spreadsheet would run has an apostrophe in front.
    """
    frame = to_csv_frame(*tables)
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    return [[str(inert(cell)) for cell in row] for row in rows]


def read_html(data: bytes) -> tuple[PrintedTable, ...]:
    """Return the tables of an HTML page as they are printed.

    Parameters
    ----------
    data : bytes
        The page.

    Returns
    -------
    tuple of PrintedTable
        In order. Protocol and number share a class, and so do population and subtitle:
        a number begins with a word of `_FILED`, and the last of those is the subtitle.
    """
    reader = _Page()
    reader.feed(data.decode("utf-8"))
    reader.close()
    return tuple(_table_of(block) for block in _blocks(reader.pieces))


class _Piece:
    """A text of a page: the element that holds it and what it says."""

    def __init__(self, tag: str, attributes: dict[str, str], row: int) -> None:
        self.tag, self.row = tag, row
        self.classes = attributes.get("class", "").split()
        self.scope = attributes.get("scope", "")
        self.span = int(attributes.get("colspan", 1))
        self.runs: list[tuple[str, bool]] = []

    def add(self, text: str, raised: bool) -> None:
        """Add a text; to the last one, where it stands alike."""
        if self.runs and self.runs[-1][1] == raised:
            text = self.runs.pop()[0] + text
        self.runs.append((text, raised))

    @property
    def told(self) -> str:
        """All of the text, as a browser shows it."""
        return "".join(plain(text) for text, _ in self.runs)

    @property
    def note(self) -> tuple[str, str]:
        """Mark and text of a footnote."""
        mark = plain(self.runs[0][0]) if self.runs and self.runs[0][1] else ""
        return mark, self.told.removeprefix(mark)


class _Page(HTMLParser):
    """Collects the texts of cells, captions, prefaces and footnotes."""

    TAGS = frozenset({"td", "th", "span", "dt", "dd", "li"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[_Piece] = []
        self.open: list[_Piece] = []
        self.row, self.raised = 0, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a piece, a row or a block."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "tr":
            self.row += 1
        elif tag == "sup":
            self.raised = True
        elif tag == "table":
            self.pieces.append(_Piece(tag, {}, self.row))
        elif tag == "div" and "table-block" in attributes.get("class", "").split():
            self.pieces.append(_Piece("block", {}, self.row))
        if tag in self.TAGS and not (tag == "span" and self.open):
            piece = _Piece(tag, attributes, self.row)
            self.pieces.append(piece)
            self.open.append(piece)

    def handle_endtag(self, tag: str) -> None:
        """End a piece."""
        if tag == "sup":
            self.raised = False
        elif self.open and self.open[-1].tag == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the piece that is open."""
        if self.open:
            self.open[-1].add(data, self.raised)


def _blocks(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Yield the pieces of each table."""
    starts = [k for k, piece in enumerate(pieces) if piece.tag == "block"]
    ends = [*starts, len(pieces)][1:]  # none for a page without tables
    for start, end in zip(starts, ends, strict=True):
        yield pieces[start + 1 : end]


def _table_of(pieces: list[_Piece]) -> PrintedTable:
    above = [p for p in pieces if p.tag == "span" and "number" in p.classes]
    under = [p.told for p in pieces if p.tag == "span" and "subtitle" in p.classes]
    titles = [p.told for p in pieces if p.tag == "span" and "title" in p.classes]
    numbers = [p.told for p in above if p.told.startswith(_FILED)]
    protocols = [p.told for p in above if not p.told.startswith(_FILED)]
    notes = [p for p in pieces if p.tag == "li"]
    sources = [p.told for p in notes if "source" in p.classes]
    return PrintedTable(
        title=titles[0] if titles else "",
        subtitle=under[-1] if under else "",
        number=numbers[-1] if numbers else "",
        protocol=protocols[0] if protocols else "",
        population=under[0] if len(under) > 1 else "",
        columns=_head(pieces),
        rows=tuple(_body(pieces)),
        preface=tuple(_preface(pieces)),
        footnotes=tuple(p.note for p in notes if "source" not in p.classes),
        source=plain(sources[0].removeprefix("Source:")) if sources else "",
    )


def _head(pieces: list[_Piece]) -> tuple[tuple[str, str], ...]:
    labels = [p for p in pieces if p.scope == "col"]
    row = labels[0].row if labels else 0
    over = [p for p in pieces if p.row == row - 1 and p.tag in {"td", "th"}]
    spanners = [p.told for p in over for _ in range(p.span)]
    spanners = spanners or [""] * len(labels)
    return tuple((s, p.told) for s, p in zip(spanners, labels, strict=True))


def _body(pieces: list[_Piece]) -> Iterator[tuple[str, ...]]:
    labels = [p for p in pieces if p.scope == "col"]
    last = max((p.row for p in labels), default=0)
    cells = [p for p in pieces if p.tag in {"td", "th"} and p.row > last]
    for row in dict.fromkeys(p.row for p in cells):
        yield tuple(p.told for p in cells if p.row == row)


def _preface(pieces: list[_Piece]) -> Iterator[tuple[str, str]]:
    labels = [p.told for p in pieces if p.tag == "dt"]
    told = [p.told for p in pieces if p.tag == "dd"]
    yield from zip(labels, told, strict=True)


#: What reads the documents with an ending, from their bytes.
READERS: dict[str, Callable[[bytes], tuple[PrintedTable, ...]]] = {
    "html": read_html,
    "rtf": read_rtf,
    "docx": read_docx,
    "tex": lambda data: read_latex(data.decode("utf-8")),
}
