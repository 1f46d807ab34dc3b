"""CDISC Dataset-JSON 1.1, as one JSON document and as lines (NDJSON).

The structure is that of the "Dataset-JSON v1.1" specification (CDISC): attributes of
the dataset, its columns, and its rows as arrays of values.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trialstats.errors import DataError
from trialstats.io.canonical import number_text, plain_decimal, texts
from trialstats.io.headers import require_names
from trialstats.raw import DATE, LOGICAL, NUMBER, TEXT, RawColumn, RawTable

_TEXTS = {"string", "URI", "time"}
_MOMENTS = {"date", "datetime"}
_NUMBERS = {"integer", "float", "double"}
_TYPES = {*_TEXTS, *_MOMENTS, *_NUMBERS, "decimal", "boolean"}

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?")

Cell = tuple[str | None, int]


def json_tables(source: Path, file: str, rows: int) -> Iterator[RawTable]:
    """Yield the rows of a Dataset-JSON document, `rows` at a time.

    Parameters
    ----------
    source : path
        The file, in UTF-8.
    file : str
        Name for messages.
    rows : int
        Rows in one table.

    Raises
    ------
    DataError
        When the file is no JSON, no Dataset-JSON 1.1, or a value is not of the type
        of its column.
    """
    document = _parsed(_text_of(source.read_bytes(), file), file)
    about = _dataset(document, file)
    found = document.get("rows", [])
    if not isinstance(found, list):
        raise _misshapen("rows is not an array", file)
    _require_records(about, len(found), file)
    columns = _columns(about, file)
    for first in range(0, len(found), rows):
        yield _table(found[first : first + rows], about, columns, first, file)


def ndjson_tables(source: Path, file: str, rows: int) -> Iterator[RawTable]:
    """Yield the rows of a Dataset-JSON file of lines, `rows` at a time.

    Parameters
    ----------
    source, file, rows
        As `json_tables` takes them.

    Raises
    ------
    DataError
        As `json_tables`.
    """
    with source.open("rb") as stream:
        about = _dataset(_parsed(_text_of(stream.readline(), file), file), file)
        columns = _columns(about, file)
        lines = (line for line in stream if line.strip())
        first = 0
        while block := list(islice(lines, rows)):
            found = [
                _parsed(_text_of(line, file, row), file, row)
                for row, line in enumerate(block, start=first + 1)
            ]
            yield _table(found, about, columns, first, file)
            first += len(found)
        _require_records(about, first, file)


def _text_of(content: bytes, file: str, row: int | None = None) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise DataError(
            f"the text is not UTF-8 ({reason.reason} at byte {reason.start})",
            file=file,
            row=row,
            remedy="save the file as UTF-8",
        ) from None


def _parsed(text: str, file: str, row: int | None = None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as reason:
        raise DataError(
            f"not readable JSON ({reason})",
            file=file,
            row=row,
            remedy="send the file again; it may have been cut off",
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: json would keep the second without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _misshapen(what: str, file: str, column: str | None = None) -> DataError:
    return DataError(
        f"not Dataset-JSON 1.1: {what}",
        file=file,
        column=column,
        remedy="send the dataset as CDISC Dataset-JSON 1.1",
    )


def _dataset(document: object, file: str) -> Mapping[str, Any]:
    """Return the attributes of a dataset after looking at the ones that are used."""
    if not isinstance(document, dict):
        raise _misshapen(
            f"an object is expected, not a {type(document).__name__}", file
        )
    version = document.get("datasetJSONVersion")
    if not isinstance(version, str) or not re.fullmatch(r"1\.1(\.\d+)?", version):
        raise _misshapen(f"datasetJSONVersion is {version!r}", file)
    records = document.get("records")
    if not isinstance(records, int) or isinstance(records, bool) or records < 0:
        raise _misshapen("records is not a number of rows", file)
    columns = document.get("columns")
    if not isinstance(columns, list) or not columns:
        raise _misshapen("columns is not an array of columns", file)
    for number, column in enumerate(columns, start=1):
        if not isinstance(column, dict):
            raise _misshapen("a column is not an object", file, f"number {number}")
        for key in ("itemOID", "name", "label", "dataType"):
            if not isinstance(column.get(key), str):
                raise _misshapen(f"{key} is not text", file, f"number {number}")
        if column["dataType"] not in _TYPES:
            what = f"dataType {column['dataType']!r} is not one of its types"
            raise _misshapen(what, file, column["name"])
    return document


def _require_records(about: Mapping[str, Any], found: int, file: str) -> None:
    if about["records"] != found:
        raise DataError(
            f"{about['records']} records stated, {found} rows found",
            file=file,
            remedy="send the file again; it may have been cut off",
        )


def _columns(about: Mapping[str, Any], file: str) -> tuple[RawColumn, ...]:
    names = require_names([column["name"] for column in about["columns"]], file)
    columns = []
    for name, column in zip(names, about["columns"], strict=True):
        format_ = column.get("displayFormat")
        shown = format_ if isinstance(format_, str) and format_ else None
        columns.append(RawColumn(name, column["label"] or None, shown))
    return tuple(columns)


def _table(
    found: Sequence[Any],
    about: Mapping[str, Any],
    columns: tuple[RawColumn, ...],
    first: int,
    file: str,
) -> RawTable:
    width = len(columns)
    for row, values in enumerate(found, start=first + 1):
        if not isinstance(values, list) or len(values) != width:
            held = f"{len(values)} values" if isinstance(values, list) else "no array"
            raise DataError(
                f"{held} under {width} columns",
                file=file,
                row=row,
                remedy="write one value for every column, null where there is none",
            )
    cells, kinds = [], {}
    for place, column in enumerate(columns):
        type_ = about["columns"][place]["dataType"]
        convert = _converter(type_)
        read: list[Cell] = []
        for row, values in enumerate(found, start=first + 1):
            value = values[place]
            try:
                read.append((None, TEXT) if value is None else convert(value))
            except (TypeError, ValueError, InvalidOperation):
                raise DataError(
                    f"not a value of type {type_}",
                    file=file,
                    row=row,
                    column=column.name,
                    value=value,
                    remedy="write a value of the type that the column has",
                ) from None
        cells.append(texts([text for text, _ in read]))
        if type_ not in _TEXTS:
            kinds[column.name] = np.array([kind for _, kind in read], np.uint8)
    rows = np.arange(first + 1, first + 1 + len(found), dtype=np.int64)
    table = pa.Table.from_arrays(cells, names=[column.name for column in columns])
    return RawTable(file, columns, table, rows, kinds)


def _converter(type_: str) -> Callable[[Any], Cell]:
    if type_ in _TEXTS:
        return _text
    if type_ in _MOMENTS:
        return _moment
    if type_ == "boolean":
        return _logical
    if type_ == "decimal":
        return _decimal
    return _whole if type_ == "integer" else _number


def _text(value: object) -> Cell:
    if not isinstance(value, str):
        raise TypeError
    # A lone half of a surrogate pair is no text that could be written anywhere.
    value.encode("utf-8")
    return value, TEXT


def _moment(value: object) -> Cell:
    """Return a date or moment; a partial one stays text."""
    text, _ = _text(value)
    parts = _MOMENT.fullmatch(str(text))
    if parts is None:
        return text, TEXT
    day, clock = parts.groups()
    try:
        dt.date.fromisoformat(day)
        time = dt.time.fromisoformat(clock) if clock else dt.time()
    except ValueError:
        return text, TEXT
    if time == dt.time():
        return day, DATE
    clock = clock if len(clock) > 5 else f"{clock}:00"
    return f"{day}T{clock.rstrip('0') if '.' in clock else clock}", DATE


def _number(value: object) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if isinstance(value, int):
        return str(value), NUMBER
    if value in (float("inf"), float("-inf")):
        raise ValueError
    return number_text(value), NUMBER


def _whole(value: object) -> Cell:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return _number(value)


def _decimal(value: object) -> Cell:
    """Return a decimal number, which the standard writes as text to keep its digits."""
    if not isinstance(value, str):
        return _number(value)
    if not value.strip():
        return None, TEXT
    exact = Decimal(value.strip())
    if not exact.is_finite() or abs(exact.adjusted()) > 400:
        raise ValueError
    return plain_decimal(format(exact, "f")), NUMBER


def _logical(value: object) -> Cell:
    if not isinstance(value, bool):
        raise TypeError
    return ("TRUE" if value else "FALSE"), LOGICAL
