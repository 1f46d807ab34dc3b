"""The encoding of a text file, and where a byte does not fit it."""

import codecs
import csv
import io
from itertools import islice
from pathlib import Path

from trialstats.errors import ConfigError, DataError, located

#: Byte order marks, the longer first, with the encodings that take them off.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20


def encoding_of(source: Path, named: str | None, file: str) -> str:
    """Return the encoding to read a file with, its byte order mark considered.

    Raises
    ------
    ConfigError
        When Python knows no encoding of the name.
    DataError
        When the mark contradicts the name.
    """
    with source.open("rb") as stream:
        head = stream.read(4)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if named is None:
        return marked or "utf-8-sig"
    known = codec_name(named, file)
    if known == "utf-8":
        known = "utf-8-sig"
    if marked and not known.startswith(marked.removesuffix("-sig")):
        raise DataError(
            f"the file begins with the mark of {marked.removesuffix('-sig')}",
            file=file,
            value=named,
            remedy="leave out `encoding`",
        )
    # The codecs of one byte order would leave the mark in the first cell.
    return marked or known


def codec_name(named: str, file: str) -> str:
    """Return the name that Python gives an encoding of text.

    >>> codec_name("Latin-1", "a.csv")
    'iso8859-1'
    """
    try:
        known = codecs.lookup(named).name
        b"a".decode(known, "replace")
    except (LookupError, ValueError, TypeError):
        raise ConfigError(
            located(
                "there is no such encoding",
                file,
                value=named,
                remedy="write utf-8, utf-16, windows-1252, latin-1 or another one",
            )
        ) from None
    return known


def undecodable(
    source: Path,
    encoding: str,
    reason: UnicodeDecodeError,
    file: str,
    delimiter: str,
    skip_rows: int,
) -> DataError:
    """Return the error about bytes that do not fit an encoding, with their place.

    The reader sees a part of the file only, so the place is looked for again.
    """
    offset = _offset(source, encoding)
    shown = "UTF-8" if encoding == "utf-8-sig" else encoding
    where = reason.start if offset is None else offset
    row = (
        None if offset is None else _row(source, encoding, where, delimiter, skip_rows)
    )
    return DataError(
        f"the text is not {shown} ({reason.reason} at byte {where})",
        file=file,
        row=row,
        remedy="save the file as UTF-8, or name the encoding that it has, "
        "such as `encoding: windows-1252`",
    )


def _offset(source: Path, encoding: str) -> int | None:
    """Return the position of the first byte that cannot be decoded."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    with source.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as reason:
                # Bytes that wait for the rest of a character come before the chunk.
                return read + len(chunk) - len(reason.object) + reason.start
            if not chunk:
                return None
            read += len(chunk)


def _row(source: Path, encoding: str, end: int, delimiter: str, skip_rows: int) -> int:
    """Return the row that the byte at `end` stands in."""
    with source.open("rb") as stream:
        before = stream.read(end).decode(encoding, "replace")
    lines = io.StringIO(f"{before}x", newline="")
    skipped = sum(1 for _ in islice(lines, skip_rows))
    limit = csv.field_size_limit(1 << 30)
    try:
        return skipped + sum(1 for _ in csv.reader(lines, delimiter=delimiter))
    finally:
        csv.field_size_limit(limit)
