"""SAS transport files, version 5 and 8: datasets in records of 80 bytes.

The layout is that of "The Record Layout of a Data Set in SAS Transport (XPORT)
Format" (SAS, TS-140; version 8 in the later edition). Read here and not by a library,
because the reasons of special missing values (.A to .Z) are then kept, and so is every
dataset of a file.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.errors import DataError
from trialstats.io.canonical import without_blanks
from trialstats.io.clocks import sas_cells, with_tags
from trialstats.io.encodings import codec_name
from trialstats.io.headers import require_names
from trialstats.io.options import RawOptions
from trialstats.raw import CELL, Kinds, RawColumn, RawTable

RECORD = 80
_MARK = re.compile(rb"HEADER RECORD\*{7}(.{8})HEADER RECORD!{7}(.{32})", re.DOTALL)
_MEMBERS = {b"MEMBER  ", b"MEMBV8  "}
_DESCRIPTORS = {b"DSCRPTR ", b"DSCPTV8 "}
_NAMES = {b"NAMESTR ", b"NAMSTV8 "}
_LABELS = {b"LABELV8 ", b"LABELV9 "}
_OBSERVATIONS = {b"OBS     ", b"OBSV8   "}

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    label: str | None
    format: str | None
    numeric: bool
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class _Dataset:
    """Where one dataset of a file stands: bytes `start` to `end` are observations."""

    name: str
    variables: tuple[_Variable, ...]
    start: int
    width: int
    count: int


class _BrokenError(Exception):
    """A part of the file that is not as the layout has it."""


def transport_tables(
    source: Path, options: RawOptions, file: str, rows: int
) -> Iterator[RawTable]:
    """Yield the observations of one dataset, `rows` at a time.

    Parameters
    ----------
    source : path
        The file.
    options : RawOptions
        The dataset as ``member``, when there are several, and the encoding.
    file : str
        Name for messages.
    rows : int
        Observations in one table.

    Raises
    ------
    DataError
        When the file is cut off or damaged, or text does not fit the encoding.
    """
    content, found = _datasets(source, options.encoding, file)
    dataset = _chosen(found, options.member, file)
    encoding = codec_name(options.encoding or "utf-8", file)
    names = require_names([v.name for v in dataset.variables], file)
    columns = tuple(
        RawColumn(name, variable.label, variable.format)
        for name, variable in zip(names, dataset.variables, strict=True)
    )
    for first in range(0, dataset.count, rows):
        last = min(first + rows, dataset.count)
        begin = dataset.start + first * dataset.width
        block = content[begin : dataset.start + last * dataset.width]
        block = block.reshape(last - first, dataset.width)
        cells, kinds = [], {}
        for name, variable in zip(names, dataset.variables, strict=True):
            part = block[:, variable.start : variable.start + variable.length]
            if variable.numeric:
                column, found_kinds = _numeric(part, variable.format)
            else:
                column, found_kinds = _text(part, encoding, name, first, file), None
            cells.append(column)
            if found_kinds is not None:
                kinds[name] = found_kinds
        table = pa.Table.from_arrays(cells, names=names)
        numbers = np.arange(first + 1, last + 1, dtype=np.int64)
        yield RawTable(file, columns, table, numbers, kinds)


def dataset_names(source: Path, file: str) -> list[str]:
    """Return the names of the datasets in a SAS transport file.

    Raises
    ------
    DataError
        When the file is cut off or damaged.
    """
    return [dataset.name for dataset in _datasets(source, "latin-1", file)[1]]


def _datasets(
    source: Path, encoding: str | None, file: str
) -> tuple[Bytes, list[_Dataset]]:
    content: Bytes = np.memmap(source, np.uint8, "r")
    encoding = codec_name(encoding or "utf-8", file)
    try:
        if len(content) % RECORD:
            raise _BrokenError(f"{len(content)} bytes are not records of {RECORD}")
        starts = [
            place
            for place in _headers(content)
            if (mark := _MARK.match(_bytes(content, place, RECORD)))
            and mark[1] in _MEMBERS
        ]
        if not starts:
            raise _BrokenError("no dataset")
        ends = [*starts[1:], len(content)]
        pairs = zip(starts, ends, strict=True)
        return content, [_dataset(content, *pair, encoding) for pair in pairs]
    except (_BrokenError, ValueError, struct.error) as reason:
        raise DataError(
            f"not a complete SAS transport file ({reason})",
            file=file,
            remedy="send the file again; it may have been cut off, "
            "or transferred as text instead of binary",
        ) from None


def _headers(content: Bytes) -> list[int]:
    """Return where records begin that may be headers."""
    places: npt.NDArray[np.int64] = np.arange(0, len(content), RECORD)
    for offset, letter in enumerate(b"HEADER R"):
        places = places[content[places + offset] == letter]
    found: list[int] = places.tolist()
    return found


def _bytes(content: Bytes, start: int, length: int) -> bytes:
    if start + length > len(content):
        raise _BrokenError("the end is missing")
    return content[start : start + length].tobytes()


def _header(content: Bytes, place: int, names: set[bytes]) -> bytes | None:
    """Return the numbers of a header record, if it is one of those named."""
    mark = _MARK.match(_bytes(content, place, RECORD))
    return mark[2] if mark and mark[1] in names else None


def _expected(content: Bytes, place: int, names: set[bytes]) -> bytes:
    numbers = _header(content, place, names)
    if numbers is None:
        raise _BrokenError(f"no {sorted(names)[-1].decode().strip()} record")
    return numbers


def _padded(length: int) -> int:
    return -(-length // RECORD) * RECORD


def _dataset(content: Bytes, start: int, end: int, encoding: str) -> _Dataset:
    size = int(_expected(content, start, _MEMBERS)[26:30])
    if size not in {136, 140}:
        raise _BrokenError(f"descriptions of {size} bytes")
    _expected(content, start + RECORD, _DESCRIPTORS)
    described = _bytes(content, start + 2 * RECORD, RECORD)
    # Version 8 has room for 32 characters where version 5 says that it is SASDATA.
    long = described[16:24] != b"SASDATA "
    name = _decoded(described[8 : 40 if long else 16], encoding)
    place = start + 4 * RECORD
    count = int(_expected(content, place, _NAMES)[5:10])
    place += RECORD
    described = _bytes(content, place, count * size)
    variables: list[_Variable] = []
    width = 0
    for i in range(count):
        part = described[i * size : (i + 1) * size]
        variables.append(_variable(part, width, encoding))
        width += variables[-1].length
    place += _padded(count * size)
    labels = _header(content, place, _LABELS)
    if labels is not None:
        mark = _MARK.match(_bytes(content, place, RECORD))
        more = 5 if mark and mark[1] == b"LABELV9 " else 3
        place += RECORD
        number = int(labels.split()[0][:5] if labels.strip() else 0)
        place += _relabel(content, place, number, more, variables, encoding)
    told = _expected(content, place, _OBSERVATIONS)[:15].strip()
    place += RECORD
    if not variables:
        raise _BrokenError("no variable")
    # Version 5 writes zeros, which say nothing of the number of observations.
    stated = int(told) if told.isdigit() and int(told) else None
    number = _observations(content[place:end], width, stated)
    return _Dataset(name, tuple(variables), place, width, number)


def _variable(part: bytes, start: int, encoding: str) -> _Variable:
    """Return a variable; values follow one another in the order of descriptions.

    The position that a description states is that of another layout in files that a
    macro of SAS wrote.
    """
    type_, _, length, _ = struct.unpack(">4h", part[:8])
    name, label, format_ = part[8:16], part[16:56], part[56:64]
    width, decimals = struct.unpack(">2h", part[64:68])
    long_name = part[88:120].strip(b" \0")
    if type_ not in {1, 2} or length < 1 or (type_ == 1 and length > 8):
        raise _BrokenError("a variable of no type or length")
    shown = _decoded(format_, encoding)
    shown += str(width) if width > 0 else ""
    shown += f".{decimals}" if decimals > 0 else ""
    return _Variable(
        _decoded(long_name or name, encoding),
        _decoded(label, encoding) or None,
        shown or None,
        type_ == 1,
        start,
        length,
    )


def _relabel(
    content: Bytes,
    place: int,
    number: int,
    more: int,
    variables: list[_Variable],
    encoding: str,
) -> int:
    """Take in labels and formats that were too long; return the bytes they stand in."""
    start = place
    for _ in range(number):
        which, *lengths = struct.unpack(f">{more}h", _bytes(content, place, 2 * more))
        place += 2 * more
        texts = []
        for length in lengths:
            if length < 0:
                raise _BrokenError("a label of no length")
            texts.append(_decoded(_bytes(content, place, length), encoding))
            place += length
        if not 1 <= which <= len(variables):
            raise _BrokenError("a label of no variable")
        old = variables[which - 1]
        format_ = texts[2].removesuffix(".") if len(texts) > 2 else old.format
        variables[which - 1] = _Variable(
            texts[0] or old.name,
            texts[1] or old.label,
            format_ or old.format,
            old.numeric,
            old.start,
            old.length,
        )
    return _padded(place - start)


def _decoded(text: bytes, encoding: str) -> str:
    return text.decode(encoding).strip(" \0")


def _observations(content: Bytes, width: int, stated: int | None) -> int:
    """Return how many observations the bytes hold; the last record may be padded."""
    count, left = divmod(len(content), width)
    if stated is not None:
        if stated > count or len(content) != _padded(stated * width):
            raise _BrokenError(f"{stated} observations stated, room for {count}")
        return stated
    if left >= RECORD or (content[len(content) - left :] != 0x20).any():
        raise _BrokenError("the last observation is not whole")
    # Blanks fill the last record. An observation of blanks alone says nothing.
    for _ in range((RECORD - 1 - left) // width):
        if not count or (content[(count - 1) * width : count * width] != 0x20).any():
            break
        count -= 1
    return count


def _chosen(found: list[_Dataset], member: str | None, file: str) -> _Dataset:
    listed = ", ".join(dataset.name for dataset in found)
    if member is None:
        if len(found) > 1:
            raise DataError(
                f"the file holds {len(found)} datasets",
                file=file,
                remedy=f"name one as `member`: {listed}",
            )
        return found[0]
    for dataset in found:
        if dataset.name.upper() == member.upper():
            return dataset
    raise DataError(
        f"there is no dataset {member!r}", file=file, remedy=f"name one of {listed}"
    )


def _numeric(part: Bytes, format_: str | None) -> tuple[pa.Array, Kinds | None]:
    whole = np.zeros((len(part), 8), np.uint8)
    whole[:, : part.shape[1]] = part
    bits = whole.view(">u8").ravel().astype(np.uint64)
    fraction = bits & np.uint64((1 << 56) - 1)
    first = whole[:, 0]
    letters = ((first >= 0x41) & (first <= 0x5A)) | (first == 0x5F) | (first == 0x2E)
    missing = (fraction == 0) & letters
    power = 4 * ((first & 0x7F).astype(np.int32) - 64) - 56
    size = np.ldexp(fraction.astype(np.float64), power)
    values = np.where(first & 0x80, -size, size)
    values[missing] = np.nan
    tagged = np.flatnonzero(missing & (first != 0x2E)).tolist()
    tags = {place: chr(first[place]) for place in tagged}
    return with_tags(sas_cells(values, format_), tags)


def _text(part: Bytes, encoding: str, name: str, first: int, file: str) -> pa.Array:
    width = part.shape[1]
    packed = np.ascontiguousarray(part)
    buffers = [None, pa.py_buffer(packed)]
    fixed = pa.Array.from_buffers(pa.binary(width), len(part), buffers)
    if (packed < 0x80).all():
        column = pc.cast(pc.cast(fixed, pa.large_binary()), CELL)
    else:
        column = _decode_each(fixed.to_pylist(), encoding, name, first, file)
    column = pc.utf8_rtrim(column, characters=" \0")
    odd = pc.index(pc.match_substring(column, "\0"), True).as_py()
    if odd >= 0:
        raise DataError(
            "a NUL byte stands in the text",
            file=file,
            row=first + odd + 1,
            column=name,
            value=column[odd].as_py(),
            remedy="send the file again; it may be damaged",
        )
    return without_blanks(column)


def _decode_each(
    cells: list[Any], encoding: str, name: str, first: int, file: str
) -> pa.Array:
    texts = []
    for place, cell in enumerate(cells):
        try:
            texts.append(cell.decode(encoding))
        except UnicodeDecodeError as reason:
            raise DataError(
                f"the text is not {encoding} ({reason.reason})",
                file=file,
                row=first + place + 1,
                column=name,
                value=cell.decode("ascii", "replace").rstrip(),
                remedy="name the encoding, such as `encoding: windows-1252`",
            ) from None
    return pa.array(texts, CELL)
