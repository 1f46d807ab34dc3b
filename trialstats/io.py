"""Files: the only module of the library, beside config, that opens them.

A table is written and read against its schema. Nothing is written half: a file
appears under its name only when it is complete.
"""

import csv
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trialstats.errors import DataError
from trialstats.formatting import inert
from trialstats.rows import stored


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
    problems = [f"missing column {n!r}" for n in schema.names if n not in frame]
    problems += [f"unknown column {n!r}" for n in frame if n not in schema.names]
    if problems:
        raise DataError("; ".join(problems), file=str(path))
    arrays = []
    for field in schema:
        try:
            values = _stored(frame[field.name], field.type)
            array = pa.array(values, type=field.type, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as reason:
            problems.append(f"column {field.name!r} is not {field.type}: {reason}")
            continue
        if not field.nullable and array.null_count:
            problems.append(f"column {field.name!r} has {array.null_count} nulls")
        arrays.append(array)
    if problems:
        raise DataError("; ".join(problems), file=str(path))
    table = pa.Table.from_arrays(arrays, schema=schema)
    _write_whole(path, lambda part: pq.write_table(table, part, compression="zstd"))


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
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, types_mapper=_nullable, ignore_metadata=True
    )
    return frame


def _nullable(type_: pa.DataType) -> Any:
    return pd.Int64Dtype() if pa.types.is_integer(type_) else None


def read_schema(path: str | Path) -> pa.Schema:
    """Return the schema of a Parquet file, with labels and units."""
    return pq.read_schema(path)


def read_cells(
    path: str | Path, *, sheet: str | None = None, may_be_empty: bool = False
) -> pd.DataFrame:
    """Read a delimited or Excel file as received: every cell as text or as typed.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.tsv`` or ``.xlsx`` file whose first row is the header.
    sheet : str, optional
        Sheet of an Excel file; the first when not given.
    may_be_empty : bool
        Whether a header without rows is a table like any other.

    Returns
    -------
    DataFrame
        One column a header. Cells of delimited files are text; cells of Excel files
        keep their type. Empty cells are None. The index is the row of the file, with
        the header in row 1.

    Raises
    ------
    DataError
        When the file is absent, empty, truncated, or its rows do not fit its header.
    """
    source = Path(path)
    if not source.is_file():
        raise DataError("there is no such file", file=str(path))
    if source.stat().st_size == 0:
        raise DataError(
            "the file is empty",
            file=str(path),
            remedy="send the file again with its header row",
        )
    if source.suffix.lower() in {".csv", ".tsv"}:
        cells = _read_delimited(source)
    elif source.suffix.lower() == ".xlsx":
        cells = _read_excel(source, sheet)
    else:
        raise DataError(
            f"cannot read a {source.suffix!r} file",
            file=str(path),
            remedy="write .csv, .tsv or .xlsx",
        )
    if cells.empty and not may_be_empty:
        raise DataError(
            "the file has a header and no rows",
            file=str(source),
            remedy="send the file again with its rows",
        )
    return cells


def _read_delimited(source: Path) -> pd.DataFrame:
    delimiter = "\t" if source.suffix.lower() == ".tsv" else ","
    try:
        with source.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            lines = list(enumerate(reader, start=1))
    except UnicodeDecodeError as reason:
        raise DataError(
            f"the text is not UTF-8 ({reason.reason} at byte {reason.start})",
            file=str(source),
            remedy="save the file as UTF-8",
        ) from None
    except csv.Error as reason:
        raise DataError(f"not a readable table: {reason}", file=str(source)) from None
    _require_delimiter(lines, delimiter, source)
    return _as_frame(lines, source)


def _require_delimiter(
    lines: list[tuple[int, list[str]]], delimiter: str, source: Path
) -> None:
    """Refuse a table whose header is one cell that another delimiter would divide."""
    header = next((cells for _, cells in lines if any(cells)), [])
    for other, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
        if other != delimiter and len(header) == 1 and other in header[0]:
            raise DataError(
                f"the columns are separated by {name}",
                file=str(source),
                row=1,
                value=header[0],
                remedy="save .csv with commas and decimal points, .tsv with tabs",
            )


#: What openpyxl raises on a damaged file. Broken XML is a SyntaxError.
_DAMAGE = (
    zipfile.BadZipFile,
    LookupError,
    EOFError,
    OSError,
    SyntaxError,
    ValueError,
    zlib.error,
)


def _read_excel(source: Path, sheet: str | None) -> pd.DataFrame:
    try:
        cells = _sheet_values(source, sheet, computed=True)
        if _holds_formulas(source):
            written = _sheet_values(source, sheet, computed=False)
            _require_results(cells, written, source)
    except _DAMAGE as reason:
        if isinstance(reason, DataError):
            raise
        raise DataError(
            f"not a complete Excel file ({reason})",
            file=str(source),
            remedy="send the file again; it may have been cut off",
        ) from None
    # Cells that were never filled are not stored at the end of a row.
    width = max((len(values) for _, values in cells), default=0)
    padded = [(n, [*values, *[None] * (width - len(values))]) for n, values in cells]
    return _as_frame(padded, source)


def _sheet_values(
    source: Path, sheet: str | None, *, computed: bool
) -> list[tuple[int, list[Any]]]:
    """Return the cells of a sheet: results of formulas, or the formulas themselves."""
    from openpyxl import load_workbook

    book = load_workbook(source, read_only=True, data_only=computed)
    try:
        pages = {page.title: page for page in book.worksheets}
        if sheet is not None and sheet not in pages:
            raise DataError(
                f"there is no sheet {sheet!r}",
                file=str(source),
                remedy=f"name one of {', '.join(pages)}",
            )
        shown = [name for name in pages if pages[name].sheet_state == "visible"]
        page = pages[sheet if sheet is not None else next(iter(shown or pages))]
        # Programs other than Excel state a wrong extent; rows outside would be lost.
        page.reset_dimensions()
        return [
            (number, list(values))
            for number, values in enumerate(page.iter_rows(values_only=True), start=1)
        ]
    finally:
        book.close()


def _holds_formulas(source: Path) -> bool:
    """Return whether any sheet holds a formula, without reading the cells."""
    with zipfile.ZipFile(source) as archive:
        return any(
            re.search(rb"<f[ />]", archive.read(name))
            for name in archive.namelist()
            if name.startswith("xl/worksheets/")
        )


def _require_results(
    cells: list[tuple[int, list[Any]]],
    written: list[tuple[int, list[Any]]],
    source: Path,
) -> None:
    """Refuse a formula without a stored result: it would be read as an empty cell."""
    header = next((values for _, values in cells if not all(map(_blank, values))), [])
    for (row, values), (_, formulas) in zip(cells, written, strict=True):
        for place, (value, formula) in enumerate(zip(values, formulas, strict=True)):
            if value is None and formula is not None:
                named = place < len(header) and not _blank(header[place])
                raise DataError(
                    "a formula without its result",
                    file=str(source),
                    row=row,
                    column=str(header[place]) if named else f"number {place + 1}",
                    value=str(formula),
                    remedy="open the file in a spreadsheet and save it again, "
                    "or send values instead of formulas",
                )


def _as_frame(lines: list[tuple[int, list[Any]]], source: Path) -> pd.DataFrame:
    filled = [(n, c) for n, c in lines if not all(map(_blank, c))]
    if not filled:
        raise DataError("the file is empty", file=str(source))
    first, header = filled[0]
    while header and _blank(header[-1]):
        header = header[:-1]
    names = ["" if name is None else str(name).strip() for name in header]
    for position, name in enumerate(names, start=1):
        if not name or names.count(name) > 1:
            raise DataError(
                "a column has no name" if not name else "two columns share one name",
                file=str(source),
                row=first,
                column=name or f"number {position}",
                remedy="give every column a name of its own",
            )
    records, numbers = [], []
    for number, cells in filled[1:]:
        extra = [x for x in cells[len(names) :] if not _blank(x)]
        if extra or len(cells) < len(names):
            raise DataError(
                f"{len(cells)} cells under {len(names)} column names",
                file=str(source),
                row=number,
                value=extra[0] if extra else None,
                remedy="quote cells that hold the delimiter",
            )
        records.append([None if x == "" else x for x in cells[: len(names)]])
        numbers.append(number)
    index = pd.Index(numbers, name="row", dtype="int64")
    return pd.DataFrame(records, columns=names, index=index, dtype=object)


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV: UTF-8, newline at line ends.

    Text that a spreadsheet would run as a formula gets an apostrophe in front, which
    spreadsheets take as the mark of text: a term that a site typed must not run.
    """
    texts = frame.map(inert).rename(columns=inert)
    write_text(texts.to_csv(index=False, lineterminator="\n"), path)


def write_bytes(data: bytes, path: str | Path) -> None:
    """Write bytes, whole or not at all."""
    _write_whole(path, lambda part: Path(part).write_bytes(data))


def write_text(text: str, path: str | Path) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_bytes(text.encode("utf-8"), path)


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file."""
    return Path(path).read_text(encoding="utf-8")


def read_bytes(path: str | Path) -> bytes:
    """Read a file as bytes."""
    return Path(path).read_bytes()


def _write_whole(path: str | Path, write: Callable[[str], object]) -> None:
    """Write to a neighbour and rename, so that no half file has the name."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix
    )
    os.close(handle)
    try:
        write(part)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
