"""Parquet files of others: typed columns taken to their canonical texts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trialstats.errors import DataError
from trialstats.io.canonical import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    Cells,
    all_of,
    iso,
    numbers,
    plain_decimal,
    times,
    without_blanks,
)
from trialstats.io.headers import require_names
from trialstats.raw import CELL, DATE, LOGICAL, NUMBER, RawColumn, RawTable

#: Units of times and durations -> parts of a second.
_PARTS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def parquet_tables(source: Path, file: str, rows: int) -> Iterator[RawTable]:
    """Yield the rows of a Parquet file, `rows` at a time.

    Parameters
    ----------
    source : path
        The file.
    file : str
        Name for messages.
    rows : int
        Rows in one table.

    Raises
    ------
    DataError
        When the file is damaged, or a column holds lists, structures or bytes.
    """
    try:
        with pq.ParquetFile(source) as opened:
            schema = opened.schema_arrow
            names = require_names(schema.names, file)
            columns = tuple(
                RawColumn(name, _label(field))
                for name, field in zip(names, schema, strict=True)
            )
            for field in schema:
                _require_flat(field, file)
            first = 0
            for batch in opened.iter_batches(batch_size=rows, use_threads=False):
                if batch.num_rows:
                    yield _table(batch, columns, first, file)
                first += batch.num_rows
            if first != opened.metadata.num_rows:
                raise ValueError(
                    f"{opened.metadata.num_rows} rows stated, {first} read"
                )
    except DataError:
        raise
    except Exception as reason:
        # Arrow's errors, and those of the decompressors below it.
        told = " ".join(str(reason).split())[:200]
        raise DataError(
            f"not a readable Parquet file ({told})",
            file=file,
            remedy="send the file again; it may have been cut off",
        ) from None


def _label(field: pa.Field) -> str | None:
    label = (field.metadata or {}).get(b"label")
    return label.decode("utf-8", "replace") or None if label else None


def _require_flat(field: pa.Field, file: str) -> None:
    type_ = field.type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if not any(fits(type_) for fits, _ in _CONVERTERS):
        raise DataError(
            f"a column of type {type_} is no column of values",
            file=file,
            column=field.name,
            remedy="write numbers, text, dates or logical values, "
            "each part in a column of its own",
        )


def _table(
    batch: pa.RecordBatch, columns: tuple[RawColumn, ...], first: int, file: str
) -> RawTable:
    cells, kinds = [], {}
    for column, array in zip(columns, batch.columns, strict=True):
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        convert = next(found for fits, found in _CONVERTERS if fits(array.type))
        text, found = convert(array)
        cells.append(text)
        if found is not None:
            kinds[column.name] = found
    rows = np.arange(first + 1, first + 1 + batch.num_rows, dtype=np.int64)
    table = pa.Table.from_arrays(cells, names=[column.name for column in columns])
    return RawTable(file, columns, table, rows, kinds)


def _of_text(array: pa.Array) -> Cells:
    return without_blanks(pc.cast(array, CELL)), None


def _of_nothing(array: pa.Array) -> Cells:
    return pa.nulls(len(array), CELL), None


def _of_whole(array: pa.Array) -> Cells:
    return pc.cast(array, CELL), all_of(NUMBER, len(array))


def _of_floats(array: pa.Array) -> Cells:
    if pa.types.is_float16(array.type):
        array = pc.cast(array, pa.float32())
    values = array.to_numpy(zero_copy_only=False)
    return numbers(values), all_of(NUMBER, len(array))


def _of_decimals(array: pa.Array) -> Cells:
    written = [
        None if v is None else plain_decimal(format(v, "f")) for v in array.to_pylist()
    ]
    return pa.array(written, CELL), all_of(NUMBER, len(array))


def _of_logicals(array: pa.Array) -> Cells:
    true, false = pa.scalar("TRUE", CELL), pa.scalar("FALSE", CELL)
    return pc.if_else(array, true, false), all_of(LOGICAL, len(array))


def _of_dates(array: pa.Array) -> Cells:
    text = pc.cast(pc.cast(array, pa.date32()), CELL)
    return text, all_of(DATE, len(array))


def _of_moments(array: pa.Array) -> Cells:
    """Return moments as the clock of their zone showed them.

    What lies outside the years 1 to 9999 stays the number that it is.
    """
    unit = array.type.unit
    if array.type.tz is not None:
        array = pc.local_timestamp(array)
    ticks = np.asarray(pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(), np.int64)
    second = _PARTS[unit]
    if unit == "ns" and (ticks % 1000).any():
        text = pc.replace_substring(pc.cast(array, CELL), " ", "T", max_replacements=1)
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, characters="0"), characters=".")
        return text, all_of(DATE, len(array))
    days = ticks // (second * DAY)
    known = (days >= FIRST_DAY) & (days <= LAST_DAY)
    scaled = np.where(known, ticks, 0)
    scaled = scaled // 1000 if unit == "ns" else scaled * (1_000_000 // second)
    cells = pc.if_else(pa.array(known), iso(scaled), numbers(ticks))
    kinds = np.where(known, DATE, NUMBER).astype(np.uint8)
    return pc.if_else(array.is_null(), pa.scalar(None, CELL), cells), kinds


def _of_times(array: pa.Array) -> Cells:
    type_ = pa.int32() if array.type.bit_width == 32 else pa.int64()
    ticks = pc.cast(array, type_).to_numpy(zero_copy_only=False).astype(np.float64)
    return times(ticks / _PARTS[array.type.unit]), None


_CONVERTERS: tuple[
    tuple[Callable[[pa.DataType], bool], Callable[[Any], Cells]], ...
] = (
    (pa.types.is_string, _of_text),
    (pa.types.is_large_string, _of_text),
    (pa.types.is_string_view, _of_text),
    (pa.types.is_boolean, _of_logicals),
    (pa.types.is_integer, _of_whole),
    (pa.types.is_floating, _of_floats),
    (pa.types.is_decimal, _of_decimals),
    (pa.types.is_date, _of_dates),
    (pa.types.is_timestamp, _of_moments),
    (pa.types.is_time, _of_times),
    (pa.types.is_duration, _of_times),
    (pa.types.is_null, _of_nothing),
)
