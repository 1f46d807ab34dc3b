"""How a text file is written: its encoding, delimiter, comments and decimal mark."""

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

#: Delimiters, the likelier first.
DELIMITERS = (",", ";", "\t", "|")

_COMMENTS = ("#", "%", "//", "*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is written.

    Attributes
    ----------
    delimiter : str
        What stands between cells.
    encoding : str or None
        Name of the encoding, None for UTF-8 and what a mark at the beginning says.
    comment : str or None
        What lines of comment begin with.
    decimal : str
        Decimal mark of its numbers.
    skip_rows : int
        Lines above the header.
    header : bool
        Whether the first row names the columns.
    """

    delimiter: str = ","
    encoding: str | None = None
    comment: str | None = None
    decimal: str = "."
    skip_rows: int = 0
    header: bool = True

    def options(self, usual: str = ",") -> dict[str, Any]:
        """Return the keys of a source that differ from what is usual."""
        found: dict[str, Any] = {}
        if self.delimiter != usual:
            found["delimiter"] = self.delimiter
        if self.decimal != ".":
            found["decimal"] = self.decimal
        if self.encoding is not None:
            found["encoding"] = self.encoding
        if self.comment is not None:
            found["comment"] = self.comment
        if self.skip_rows:
            found["skip_rows"] = self.skip_rows
        if not self.header:
            found["header"] = False
        return found


def sniff(data: bytes, usual: str = ",") -> Dialect:
    r"""Return how a text file is written, by its beginning.

    Parameters
    ----------
    data : bytes
        Beginning of the file.
    usual : str
        Delimiter when nothing speaks for another.

    Examples
    --------
    >>> found = sniff(b"# made by hand\nid;pain\n1;2,5\n2;3,5\n")
    >>> found.delimiter, found.decimal, found.comment
    (';', ',', '#')
    """
    encoding = _encoding(data)
    mark = _marked(data)
    text = data.decode(encoding or mark or "utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines()[:400] if line.strip()]
    if len(text.splitlines()) > 1 and len(data) >= 50_000:
        lines = lines[:-1]
    comment = _comment(lines)
    kept = [line for line in lines if not (comment and line.startswith(comment))]
    delimiter = _delimiter(kept, usual)
    rows = list(csv.reader(kept[:200], delimiter=delimiter))
    skipped = _above(rows)
    cells = [cell.strip() for row in rows[skipped + 1 :] for cell in row]
    return Dialect(
        delimiter,
        encoding,
        comment,
        _decimal(cells, delimiter),
        skipped,
        _has_header(rows[skipped:]),
    )


def _marked(data: bytes) -> str | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _encoding(data: bytes) -> str | None:
    """Return the encoding of text that is neither UTF-8 nor marked."""
    if _marked(data) or data.startswith(codecs.BOM_UTF8):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return "cp1252"
    return None


def _comment(lines: list[str]) -> str | None:
    """Return what the lines of comment at the beginning begin with."""
    for mark in _COMMENTS:
        if lines and lines[0].startswith(mark):
            return mark
    return None


def _delimiter(lines: list[str], usual: str) -> str:
    """Return the character that cuts most lines into the same number of cells."""
    best, chosen = (0.0, 0), usual
    for delimiter in DELIMITERS:
        rows = list(csv.reader(lines[:200], delimiter=delimiter))
        widths = Counter(len(row) for row in rows)
        width, often = max(widths.items(), key=lambda w: (w[1], w[0]), default=(1, 0))
        if width < 2:
            continue
        score = (often / len(rows), width)
        if score[0] > best[0] + 0.1 or (score[0] > best[0] - 0.1 and width > best[1]):
            best, chosen = score, delimiter
    return chosen


def _above(rows: list[list[str]]) -> int:
    """Return how many lines with a title stand above the header."""
    widths = Counter(len(row) for row in rows)
    width = max(widths, key=lambda w: (widths[w], w), default=1)
    if width < 2:
        return 0
    for place, row in enumerate(rows[:20]):
        filled = sum(bool(cell.strip()) for cell in row)
        if len(row) == width and filled > 1:
            return place
    return 0


def _decimal(cells: list[str], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"-?\d+\.\d+", cell)) for cell in cells)
    return "," if commas > points else "."


def _has_header(rows: list[list[str]]) -> bool:
    """Return whether the first row names columns: one that is all numbers does not."""
    if len(rows) < 2:
        return True
    shape = re.compile(r"-?\d+([.,]\d+)?([eE][+-]?\d+)?")
    return not all(shape.fullmatch(cell.strip()) for cell in rows[0] if cell.strip())
