"""Delimited and Excel tables as received: every cell as text or as typed."""

from pathlib import Path
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.io.delimited import delimited_rows
from trialstats.io.headers import blank_or_fitting, header_names, is_blank
from trialstats.io.signatures import require_signature
from trialstats.io.workbook import sheet_lines


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
    require_file(source, str(path))
    suffix = source.suffix.lower()
    if suffix in {".csv", ".tsv"}:
        require_signature(source, suffix[1:], str(path))
        remedy = "save .csv with commas and decimal points, .tsv with tabs"
        delimiter = "\t" if suffix == ".tsv" else ","
        cells = _as_frame(delimited_rows(source, str(path), delimiter, remedy), source)
    elif suffix == ".xlsx":
        cells = _as_frame(sheet_lines(source, sheet, str(path)), source)
    else:
        raise DataError(
            f"cannot read a {source.suffix!r} file",
            file=str(path),
            remedy="write .csv, .tsv or .xlsx",
        )
    if cells.empty and not may_be_empty:
        raise no_rows(str(path))
    return cells


def require_file(source: Path, file: str) -> None:
    """Refuse what is not a file with something in it.

    Raises
    ------
    DataError
        When there is nothing, a folder, a device, or an empty file.
    """
    if source.is_dir():
        raise DataError("this is a folder, not a file", file=file)
    if not source.is_file():
        what = "this is not a file" if source.exists() else "there is no such file"
        raise DataError(what, file=file)
    if source.stat().st_size == 0:
        raise DataError(
            "the file is empty",
            file=file,
            remedy="send the file again with its header row",
        )


def no_rows(file: str) -> DataError:
    """Return the error about a table of names alone."""
    return DataError(
        "the file has a header and no rows",
        file=file,
        remedy="send the file again with its rows",
    )


def _as_frame(lines: list[tuple[int, list[Any]]], source: Path) -> pd.DataFrame:
    filled = [(n, c) for n, c in lines if not all(map(is_blank, c))]
    if not filled:
        raise DataError("the file is empty", file=str(source))
    first, header = filled[0]
    names = header_names(header, str(source), first)
    records, numbers = [], []
    for number, cells in filled[1:]:
        blank_or_fitting(cells, names, number, str(source))
        records.append([None if x == "" else x for x in cells[: len(names)]])
        numbers.append(number)
    index = pd.Index(numbers, name="row", dtype="int64")
    return pd.DataFrame(records, columns=names, index=index, dtype=object)
