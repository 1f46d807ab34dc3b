"""Excel workbooks: every cell as it is shown, formulas by their stored results."""

import datetime as dt
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trialstats.errors import DataError
from trialstats.io.canonical import clock_text, number_text, texts
from trialstats.io.containers import refuse_workbook_bomb
from trialstats.io.headers import blank_or_fitting, header_names, is_blank
from trialstats.io.options import RawOptions
from trialstats.raw import DATE, LOGICAL, NUMBER, TEXT, RawColumn, RawTable

Lines = list[tuple[int, list[Any]]]


@contextmanager
def _damage(file: str) -> Iterator[None]:
    """Turn whatever openpyxl raises on a damaged file into one message."""
    try:
        with warnings.catch_warnings():
            # Extensions that it leaves out, and dates that are none, which become
            # error cells: both are dealt with where they matter.
            warnings.simplefilter("ignore")
            yield
    except DataError:
        raise
    except Exception as reason:
        # Broken XML, absent parts, impossible values: any class may come.
        raise DataError(
            f"not a complete Excel file ({reason})",
            file=file,
            remedy="send the file again; it may have been cut off",
        ) from None


def sheet_lines(source: Path, sheet: str | None, file: str) -> Lines:
    """Return the rows of a sheet with their numbers, all of one width.

    Parameters
    ----------
    source : path
        The workbook.
    sheet : str, optional
        Name of the sheet; the first visible one when not given.
    file : str
        Name for messages.

    Raises
    ------
    DataError
        When the workbook is damaged, has no such sheet, or holds a formula whose
        result is not stored.
    """
    with _damage(file):
        refuse_workbook_bomb(source, file)
        cells = _sheet_values(source, sheet, file, computed=True)
        if _holds_formulas(source):
            written = _sheet_values(source, sheet, file, computed=False)
            _require_results(cells, written, file)
    # Cells that were never filled are not stored at the end of a row.
    width = max((len(values) for _, values in cells), default=0)
    return [(n, [*values, *[None] * (width - len(values))]) for n, values in cells]


def sheet_names(source: Path, file: str) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises
    ------
    DataError
        When the workbook is damaged.
    """
    from openpyxl import load_workbook

    # A stream, because openpyxl refuses names without a suffix that it knows.
    with _damage(file), source.open("rb") as stream:
        book = load_workbook(stream, read_only=True)
        try:
            return [page.title for page in book.worksheets]
        finally:
            book.close()


def _sheet_values(
    source: Path, sheet: str | None, file: str, *, computed: bool
) -> Lines:
    """Return the cells of a sheet: results of formulas, or the formulas themselves."""
    from openpyxl import load_workbook

    with source.open("rb") as stream:
        book = load_workbook(stream, read_only=True, data_only=computed)
        try:
            pages = {page.title: page for page in book.worksheets}
            if sheet is not None and sheet not in pages:
                raise DataError(
                    f"there is no sheet {sheet!r}",
                    file=file,
                    remedy=f"name one of {', '.join(pages)}",
                )
            shown = [name for name in pages if pages[name].sheet_state == "visible"]
            page = pages[sheet if sheet is not None else next(iter(shown or pages))]
            # Programs other than Excel state a wrong extent and would lose rows.
            page.reset_dimensions()
            return [
                (number, list(values))
                for number, values in enumerate(
                    page.iter_rows(values_only=True), start=1
                )
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


def _require_results(cells: Lines, written: Lines, file: str) -> None:
    """Refuse a formula without a stored result: it would be read as an empty cell."""
    header = next((v for _, v in cells if not all(map(is_blank, v))), [])
    for (row, values), (_, formulas) in zip(cells, written, strict=True):
        for place, (value, formula) in enumerate(zip(values, formulas, strict=True)):
            if value is None and formula is not None:
                named = place < len(header) and not is_blank(header[place])
                raise DataError(
                    "a formula without its result",
                    file=file,
                    row=row,
                    column=str(header[place]) if named else f"number {place + 1}",
                    value=str(formula),
                    remedy="open the file in a spreadsheet and save it again, "
                    "or send values instead of formulas",
                )


def workbook_tables(source: Path, options: RawOptions, file: str) -> Iterator[RawTable]:
    """Yield the records of a sheet, as one table.

    Parameters
    ----------
    source : path
        The workbook.
    options : RawOptions
        Its sheet, comments, and rows before the header.
    file : str
        Name for messages.

    Raises
    ------
    DataError
        As `sheet_lines`, and when a row does not fit the header.
    """
    lines = [
        (row, values)
        for row, values in sheet_lines(source, options.sheet, file)[options.skip_rows :]
        if not all(map(is_blank, values)) and not _is_comment(values, options.comment)
    ]
    if not lines:
        raise DataError("the file is empty", file=file)
    if options.header:
        first, header = lines.pop(0)
        names = header_names([_cell(value)[0] for value in header], file, first)
    else:
        width = max(
            place + 1
            for _, values in lines
            for place, value in enumerate(values)
            if not is_blank(value)
        )
        names = [f"V{number}" for number in range(1, width + 1)]
    for row, values in lines:
        blank_or_fitting(values, names, row, file)
    columns, kinds = [], {}
    for place, name in enumerate(names):
        cells = [_cell(values[place]) for _, values in lines]
        columns.append(texts([text for text, _ in cells]))
        found = np.array([kind for _, kind in cells], np.uint8)
        if found.any():
            kinds[name] = found
    yield RawTable(
        file,
        tuple(RawColumn(name) for name in names),
        pa.Table.from_arrays(columns, names=names),
        np.array([row for row, _ in lines], np.int64),
        kinds,
    )


def _is_comment(values: list[Any], comment: str | None) -> bool:
    first = values[0] if values else None
    return bool(comment) and isinstance(first, str) and first.startswith(str(comment))


def _cell(value: object) -> tuple[str | None, int]:
    """Return the canonical text and the kind of a cell."""
    if value is None or isinstance(value, str):
        return value, TEXT
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), LOGICAL
    if isinstance(value, int):
        return str(value), NUMBER
    if isinstance(value, float):
        return number_text(value), NUMBER
    if isinstance(value, dt.datetime):
        return _moment(value), DATE
    if isinstance(value, dt.date):
        return value.isoformat(), DATE
    if isinstance(value, dt.time):
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return clock_text(seconds + value.microsecond / 1e6), TEXT
    if isinstance(value, dt.timedelta):
        return clock_text(value.total_seconds()), TEXT
    return str(value), TEXT


def _moment(value: dt.datetime) -> str:
    if value.time() == dt.time():
        return value.date().isoformat()
    text = value.isoformat()
    return text.rstrip("0") if value.microsecond else text
