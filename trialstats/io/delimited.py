"""Delimited text as received: every cell is text, every row keeps its number."""

import csv
import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from trialstats.errors import DataError
from trialstats.io.canonical import without_blanks
from trialstats.io.encodings import encoding_of, undecodable
from trialstats.io.headers import blank_or_fitting, header_names
from trialstats.io.options import RawOptions
from trialstats.raw import CELL, RawColumn, RawTable

#: Records that are taken to columns at once; more would not stay in the cache.
STEP = 20_000
#: Bytes of text that are divided at once.
BLOCK = 4 << 20

#: Delimiters that a wrong one is told from, with their names.
_NAMED = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "vertical bars"}

#: Words of the csv module -> what they mean to whoever mends the file.
_REASONS = {
    "unexpected end of data": "a quotation mark that opens a cell is never closed",
    "expected after": "text after the quotation mark that closes a cell",
    "field larger than": "a cell of more than 131,072 characters; "
    "a quotation mark may not be closed",
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the head of a file says about its rows.

    Attributes
    ----------
    file, names : str, list of str
        The file for messages, and the columns.
    row : int
        Row of the first record after the header.
    lines : int
        Lines before it.
    """

    file: str
    names: list[str]
    row: int
    lines: int

    def table(self, columns: list[pa.Array], row: int) -> RawTable:
        """Return records that stand in consecutive rows, the blank ones left out."""
        cleared = [without_blanks(column) for column in columns]
        cells = pa.Table.from_arrays(cleared, names=self.names)
        rows = np.arange(row, row + cells.num_rows, dtype=np.int64)
        if all(column.null_count for column in cleared):
            kept = ~np.logical_and.reduce(
                [c.is_null().to_numpy(False) for c in cleared]
            )
            cells, rows = cells.filter(pa.array(kept)), rows[kept]
        described = tuple(RawColumn(name) for name in self.names)
        return RawTable(self.file, described, cells, rows)


def delimited_tables(
    source: Path, options: RawOptions, file: str, delimiter: str
) -> Iterator[RawTable]:
    """Yield the records of a delimited file, some thousands at a time.

    Parameters
    ----------
    source : path
        The file.
    options : RawOptions
        Its encoding, comments, and rows before the header.
    file : str
        Its name for messages.
    delimiter : str
        One character.

    Raises
    ------
    DataError
        With the row when the text cannot be decoded, a quotation mark is not closed,
        or a row does not fit the header.
    """
    encoding = encoding_of(source, options.encoding, file)
    try:
        layout = _layout(source, options, encoding, file, delimiter)
        # Arrow is many times faster than csv, and agrees with it on plain lines.
        if encoding == "utf-8-sig" and options.comment is None and delimiter.isascii():
            yield from _from_bytes(source, layout, delimiter)
        else:
            with source.open(encoding=encoding, newline="") as stream:
                for _ in islice(stream, layout.lines):
                    pass
                yield from _from_text(
                    stream, layout, delimiter, layout.row, options.comment
                )
    except UnicodeDecodeError as reason:
        skip = options.skip_rows
        raise undecodable(source, encoding, reason, file, delimiter, skip) from None


def _layout(
    source: Path, options: RawOptions, encoding: str, file: str, delimiter: str
) -> _Layout:
    """Read down to the first row that is neither blank nor a comment."""
    with source.open(encoding=encoding, newline="") as stream:
        for _ in islice(stream, options.skip_rows):
            pass
        lines = _Commented(stream, options.comment)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        row = options.skip_rows
        before = 0
        try:
            for cells in reader:
                row += 1
                if any(cell.strip() for cell in cells):
                    break
                lines.between, before = True, reader.line_num
            else:
                raise DataError("the file is empty", file=file)
        except csv.Error as reason:
            raise _unreadable(reason, row + 1, file) from None
    refuse_delimiter(cells, delimiter, row, file)
    if options.header:
        names = header_names(cells, file, row)
        return _Layout(file, names, row + 1, options.skip_rows + reader.line_num)
    names = [f"V{number}" for number in range(1, len(cells) + 1)]
    return _Layout(file, names, row, options.skip_rows + before)


class _Commented:
    """Lines of a file, with those that are comments made blank."""

    def __init__(self, stream: io.TextIOBase, comment: str | None) -> None:
        self.stream, self.comment = stream, comment
        #: Whether the next line begins a record: a cell may hold lines of its own.
        self.between = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.stream)
        if self.comment and self.between and line.startswith(self.comment):
            return "\n"
        self.between = False
        return line


def refuse_delimiter(
    header: list[str],
    delimiter: str,
    row: int,
    file: str,
    remedy: str | None = None,
) -> None:
    """Refuse a table whose header is one cell that another delimiter would divide."""
    for other, name in _NAMED.items():
        if other != delimiter and len(header) == 1 and other in header[0]:
            shown = "\\t" if other == "\t" else other
            raise DataError(
                f"the columns are separated by {name}",
                file=file,
                row=row,
                value=header[0],
                remedy=remedy or f'write `delimiter: "{shown}"` for this file',
            )


def _unreadable(reason: csv.Error, row: int, file: str) -> DataError:
    told = next((w for text, w in _REASONS.items() if text in str(reason)), str(reason))
    return DataError(
        f"not a readable table: {told}",
        file=file,
        row=row,
        remedy="close every quotation mark, and write one inside a cell twice",
    )


def _from_text(
    stream: io.TextIOBase,
    layout: _Layout,
    delimiter: str,
    row: int,
    comment: str | None = None,
) -> Generator[RawTable, None, int]:
    """Yield the records of decoded text; return the row after the last.

    The first of them stands in `row`.
    """
    lines = _Commented(stream, comment)
    source = lines if comment else stream
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    records_left = _marking(reader, lines) if comment else reader
    while True:
        records: list[list[str]] = []
        broken = None
        try:
            # What was read before a fault stays in the list.
            records.extend(islice(records_left, STEP))
        except csv.Error as reason:
            broken = _unreadable(reason, row + len(records), layout.file)
        if records:
            yield layout.table(_columns(records, layout, row), row)
        if broken:
            raise broken
        if not records:
            return row
        row += len(records)


def _marking(reader: Iterator[list[str]], lines: _Commented) -> Iterator[list[str]]:
    """Yield records, and tell the lines that the next one begins a record."""
    for cells in reader:
        lines.between = True
        yield cells


def _columns(records: list[list[str]], layout: _Layout, row: int) -> list[pa.Array]:
    """Return the columns of records; a blank record becomes one of blank cells."""
    names = layout.names
    width = len(names)
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    for place in np.flatnonzero(lengths != width).tolist():
        cells = records[place]
        blank = blank_or_fitting(cells, names, row + place, layout.file)
        records[place] = [""] * width if blank else cells[:width]
    flat = list(chain.from_iterable(records))
    columns = [flat[position::width] for position in range(width)]
    for name, values in zip(names, columns, strict=True):
        _refuse_null_bytes(values, name, row, layout.file)
    return [_column(values) for values in columns]


def _refuse_null_bytes(values: list[str], name: str, row: int, file: str) -> None:
    if "\0" not in "".join(values):
        return
    place = next(i for i, value in enumerate(values) if "\0" in value)
    raise DataError(
        "a NUL byte stands in the text",
        file=file,
        row=row + place,
        column=name,
        value=values[place],
        remedy="send the file again; if it is UTF-16, write `encoding: utf-16`",
    )


def _column(values: list[str]) -> pa.Array:
    """Return a column of text; Arrow would look at every cell twice."""
    joined = "".join(values)
    parts: list[str] | list[bytes] = values
    if not joined.isascii():
        parts = [value.encode() for value in values]
    ends = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(values)), out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(joined.encode())]
    return pa.Array.from_buffers(CELL, len(values), buffers)


def _from_bytes(source: Path, layout: _Layout, delimiter: str) -> Iterator[RawTable]:
    """Yield the records of UTF-8, dividing what is not quoted block by block."""
    row = layout.row
    with source.open("rb") as stream:
        if not _after_lines(stream, layout.lines):
            # Lines that end in a carriage return alone.
            with source.open(encoding="utf-8-sig", newline="") as text:
                for _ in islice(text, layout.lines):
                    pass
                yield from _from_text(text, layout, delimiter, row)
            return
        while True:
            start = stream.tell()
            block = stream.read(BLOCK)
            block += stream.readline()
            if not block:
                return
            if not _plain(block, delimiter):
                # A quoted cell may reach across blocks: csv reads all that is left.
                stream.seek(start)
                text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
                yield from _from_text(text, layout, delimiter, row)
                return
            columns = _divided(block, layout, delimiter)
            if columns is None:
                lines = io.StringIO(block.decode(), newline="")
                row = yield from _from_text(lines, layout, delimiter, row)
            else:
                yield layout.table(columns, row)
                row += len(columns[0])


def _plain(block: bytes, delimiter: str) -> bool:
    """Return whether lines can be divided without looking at what was before them.

    Every line ends in a newline, and quotation marks come in pairs that enclose a cell
    and stand in none: csv and Arrow then agree on every cell.
    """
    if block.count(b"\r") != block.count(b"\r\n"):
        return False
    if b'"' not in block:
        return True
    codes = np.frombuffer(block, np.uint8)
    places = np.flatnonzero(codes == ord('"'))
    opening, closing = places[::2], places[1::2]
    if len(opening) != len(closing):
        return False
    ends = [ord(delimiter), ord("\n")]
    begun = np.isin(codes[opening - 1], ends) | (opening == 0)
    last = len(codes) - 1
    ended = np.isin(codes[np.minimum(closing + 1, last)], [*ends, ord("\r")])
    return bool(begun.all() and (ended | (closing == last)).all())


def _after_lines(stream: BinaryIO, lines: int) -> bool:
    """Move past lines; return False where a line does not end in a newline."""
    if stream.read(3) != b"\xef\xbb\xbf":
        stream.seek(0)
    for _ in range(lines):
        line = stream.readline()
        if b"\r" in line.removesuffix(b"\r\n"):
            return False
    return True


def _divided(block: bytes, layout: _Layout, delimiter: str) -> list[pa.Array] | None:
    """Return the columns of plain lines; None when csv has to look at them."""
    if b"\0" in block or block.startswith(b"\xef\xbb\xbf"):
        return None
    names = [str(number) for number in range(len(layout.names))]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block),
            read_options=pa_csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(block) + 1
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, CELL), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [pc.cast(column, CELL).combine_chunks() for column in table.columns]


def delimited_rows(
    source: Path, file: str, delimiter: str, remedy: str
) -> list[tuple[int, list[str]]]:
    """Return every row of a UTF-8 file with its number, the header among them.

    Parameters
    ----------
    source, file, delimiter
        As `delimited_tables` takes them.
    remedy : str
        What to do about another delimiter.

    Raises
    ------
    DataError
        When the text cannot be decoded, or a quotation mark is not closed.
    """
    encoding = encoding_of(source, None, file)
    rows: list[list[str]] = []
    try:
        with source.open(encoding=encoding, newline="") as stream:
            rows.extend(csv.reader(stream, delimiter=delimiter, strict=True))
    except UnicodeDecodeError as reason:
        raise undecodable(source, encoding, reason, file, delimiter, 0) from None
    except csv.Error as reason:
        raise _unreadable(reason, len(rows) + 1, file) from None
    lines = list(enumerate(rows, start=1))
    number, header = next(((n, c) for n, c in lines if any(c)), (1, []))
    refuse_delimiter(header, delimiter, number, file, remedy)
    return lines
