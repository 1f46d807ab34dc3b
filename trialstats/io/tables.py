"""Tables of the pipeline as Parquet, written and read against their schemas."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialstats.errors import DataError
from trialstats.io.files import write_whole, written_whole
from trialstats.rows import stored, stored_numbers

#: Rows of a group in a file that is written in parts.
ROW_GROUP = 1_000_000


def write_table(frame: pd.DataFrame, path: str | Path, schema: pa.Schema) -> None:
    """Write a frame as Parquet after checking it against `schema`.

    Parameters
    ----------
    frame : DataFrame
        Columns of `schema`, in any order.
    path : path
        File to write; its folder is made when absent.
    schema : pyarrow.Schema
        Names, types, labels and units.

    Raises
    ------
    DataError
        When a column is missing, unknown, of the wrong type, or null where required;
        all problems in one message, and no file is written.
    """
    table = _checked(frame, path, schema)
    write_whole(path, lambda part: pq.write_table(table, part, compression="zstd"))


@contextmanager
def table_writer(
    path: str | Path, schema: pa.Schema
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends frames to one Parquet, whole or not at all.

    Parameters
    ----------
    path : path
        File to write; it has its name only when the block ends without an error.
    schema : pyarrow.Schema
        As in `write_table`, against which each frame is checked.
    """
    with (
        written_whole(path) as part,
        pq.ParquetWriter(part, schema, compression="zstd") as writer,
    ):

        def write(frame: pd.DataFrame) -> None:
            writer.write_table(_checked(frame, path, schema), row_group_size=ROW_GROUP)

        yield write


def table_parts(path: str | Path) -> Iterator[pd.DataFrame]:
    """Yield the frames of a Parquet file, a row group at a time."""
    with pq.ParquetFile(path) as source:
        for number in range(source.num_row_groups):
            yield _as_frame(source.read_row_group(number))


def _checked(frame: pd.DataFrame, path: str | Path, schema: pa.Schema) -> pa.Table:
    """Return a frame as a table of the schema, or raise with every problem."""
    problems = [f"missing column {n!r}" for n in schema.names if n not in frame]
    problems += [f"unknown column {n!r}" for n in frame if n not in schema.names]
    if problems:
        raise DataError("; ".join(problems), file=str(path))
    arrays = []
    for field in schema:
        try:
            array = _array(frame[field.name], field.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as reason:
            problems.append(f"column {field.name!r} is not {field.type}: {reason}")
            continue
        if not field.nullable and array.null_count:
            problems.append(f"column {field.name!r} has {array.null_count} nulls")
        arrays.append(array)
    if problems:
        raise DataError("; ".join(problems), file=str(path))
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: pd.Series, type_: pa.DataType) -> pa.Array:
    """Return a column as it is stored; typed columns at once, others value by value."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    if pa.types.is_floating(type_) and kind == "f":
        numbers = stored_numbers(column.to_numpy(dtype=float))
        return pa.array(numbers, type=type_, from_pandas=True)
    if pa.types.is_date(type_) and kind == "M":
        days = column.to_numpy().astype("datetime64[D]")
        return pa.array(days, type=type_, from_pandas=True)
    if pa.types.is_string(type_) and column.dtype == "str":
        found = pa.array(column, type=type_, from_pandas=True)
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return pa.array(_stored(column, type_), type=type_, from_pandas=True)


def _stored(column: pd.Series, type_: pa.DataType) -> list[Any]:
    values = column.astype(object).where(column.notna(), None).tolist()
    if pa.types.is_floating(type_):
        return [None if v is None else stored(float(v)) for v in values]
    if pa.types.is_integer(type_):
        return [_whole(v) for v in values]
    if pa.types.is_date(type_):
        return [v.date() if hasattr(v, "date") else v for v in values]
    return values


def _whole(value: Any) -> Any:
    """Return a whole number as int; pyarrow would cut 1.5 to 1 without a word."""
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"{value} is not a whole number")
        return int(value)
    return value


def read_table(path: str | Path, schema: pa.Schema | None = None) -> pd.DataFrame:
    """Read a Parquet that `write_table` wrote.

    Parameters
    ----------
    path : path
        The file.
    schema : pyarrow.Schema, optional
        When given, the columns and types that the file must have; further columns
        are kept.

    Returns
    -------
    DataFrame
        Text as ``str``, integers that may be null as ``Int64``, dates as
        ``datetime64``.

    Raises
    ------
    DataError
        When the file is absent, cannot be read, or does not fit the schema.
    """
    if not Path(path).is_file():
        raise DataError("there is no such file", file=str(path))
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as reason:
        raise DataError(
            f"not a readable Parquet file: {reason}", file=str(path)
        ) from None
    if schema is not None:
        problems = [
            f"missing column {f.name!r} of type {f.type}"
            for f in schema
            if f.name not in table.schema.names
            or table.schema.field(f.name).type != f.type
        ]
        if problems:
            raise DataError("; ".join(problems), file=str(path))
    return _as_frame(table)


def _as_frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, types_mapper=_nullable, ignore_metadata=True
    )
    return frame


def _nullable(type_: pa.DataType) -> Any:
    return pd.Int64Dtype() if pa.types.is_integer(type_) else None


def read_columns(path: str | Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read columns of a Parquet that `write_table` wrote as a table of Arrow.

    Parameters
    ----------
    path : path
        The file.
    names : sequence of str, optional
        Columns, in order; all when absent.
    """
    table: pa.Table = pq.read_table(path, columns=None if names is None else [*names])
    return table


def read_schema(path: str | Path) -> pa.Schema:
    """Return the schema of a Parquet file, with labels and units."""
    return pq.read_schema(path)
