"""Raw files of every format, read into one representation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from trialstats.errors import ConfigError, DataError, located
from trialstats.io.cells import no_rows, require_file
from trialstats.io.columnar import parquet_tables
from trialstats.io.containers import CONTAINERS, members, unpacked
from trialstats.io.dataset_json import json_tables, ndjson_tables
from trialstats.io.delimited import delimited_tables
from trialstats.io.options import FORMATS, RawOptions, format_named, require_fitting
from trialstats.io.r_files import object_names, r_tables
from trialstats.io.signatures import require_signature
from trialstats.io.statistical import statistical_tables
from trialstats.io.transport import dataset_names, transport_tables
from trialstats.io.workbook import sheet_names, workbook_tables
from trialstats.raw import RawTable

#: Nothing said: the suffix tells how to read.
_AS_NAMED = RawOptions()

#: Records that `read_raw` takes at a time.
_WHOLE = 1_000_000

#: Suffixes of formats that are not read -> what to save instead.
_REFUSED = {
    ".xls": "save it as .xlsx",
    ".xlsb": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".sas7bcat": "name the dataset (.sas7bdat); a catalogue holds no rows",
    ".mdb": "export the table as .csv",
    ".accdb": "export the table as .csv",
}


def read_raw(
    path: str | Path, options: RawOptions = _AS_NAMED, *, name: str | None = None
) -> RawTable:
    """Read a raw file, whole.

    Parameters
    ----------
    path : path
        A delimited file (.csv, .tsv, .txt, .dat), a workbook (.xlsx, .xlsm), a file of
        SAS (.xpt, .sas7bdat), SPSS (.sav, .zsav, .por), Stata (.dta) or R (.rds, .rda,
        .RData), Parquet (.parquet, .pq), or Dataset-JSON (.json, .ndjson); any of them
        also in .gz or .zip.
    options : RawOptions
        What the suffix does not say.
    name : str, optional
        The file as messages and the table name it; `path` when not given.

    Returns
    -------
    RawTable
        Every cell as its canonical text: a number as the shortest text that reads
        back, a date in ISO 8601, a logical value as TRUE or FALSE. Special missing
        values of SAS and Stata are ``.A`` to ``.Z`` and ``._``, ``.a`` to ``.z``;
        codes that SPSS declares missing stay codes.

    Raises
    ------
    DataError
        When the file is absent, empty, damaged, not of its format, or holds rows that
        do not fit its columns; with the place.
    ConfigError
        When an option cannot be meant.
    """
    batches = raw_batches(path, options, name=name, rows=_WHOLE)
    return RawTable.concat(list(batches))


def raw_batches(
    path: str | Path,
    options: RawOptions = _AS_NAMED,
    *,
    name: str | None = None,
    rows: int = 200_000,
) -> Iterator[RawTable]:
    """Read a raw file, `rows` records at a time; together they equal `read_raw`.

    Parameters
    ----------
    path, options, name
        As `read_raw` takes them.
    rows : int
        Records in one table; the last may hold fewer. Delimited, SAS, SPSS, Stata,
        Parquet and NDJSON files never stand in memory whole.

    Yields
    ------
    RawTable
        At least one.

    Raises
    ------
    DataError, ConfigError
        As `read_raw`; when the fault stands behind tables that were given, after them.
    """
    source, file = Path(path), name or str(path)
    if rows < 1:
        raise ValueError(f"rows is {rows}; at least 1 is needed")
    require_file(source, file)
    with unpacked(source, options.member, file) as (inner, suffix, used):
        require_file(inner, file)
        plain = replace(options, member=None) if used else options
        format_ = _format(plain, suffix, file)
        require_fitting(plain, format_, file)
        require_signature(inner, format_, file)
        found = False
        for table in _rebatched(_tables(inner, format_, plain, file, rows), rows):
            found = True
            yield table
    if not found:
        raise no_rows(file)


def raw_parts(path: str | Path) -> list[str]:
    """Return the names of the parts of a file, one of which the options may name.

    Parameters
    ----------
    path : path
        A raw file.

    Returns
    -------
    list of str
        Sheets of a workbook, members of a zip archive, objects of an .rda file,
        datasets of a SAS transport file; nothing for other formats.

    Raises
    ------
    DataError
        When the file is absent or damaged.
    """
    source, file = Path(path), str(path)
    require_file(source, file)
    if source.suffix.lower() == ".zip":
        require_signature(source, "zip", file)
        return members(source, file)
    listers = {"xlsx": sheet_names, "rda": object_names, "xpt": dataset_names}
    with unpacked(source, None, file) as (inner, suffix, _):
        format_ = _format(_AS_NAMED, suffix, file)
        if format_ not in listers:
            return []
        require_file(inner, file)
        require_signature(inner, format_, file)
        return listers[format_](inner, file)


def _format(options: RawOptions, suffix: str, file: str) -> str:
    found = format_named(options, suffix)
    if found is not None:
        return found
    listed = ", ".join(dict.fromkeys(FORMATS.values()))
    if options.format is not None:
        raise ConfigError(
            located(
                "there is no such format",
                file,
                value=options.format,
                remedy=f"write one of {listed}",
            )
        )
    raise DataError(
        f"cannot read a {suffix!r} file" if suffix else "the name has no suffix",
        file=file,
        remedy=_REFUSED.get(suffix.lower())
        or f"send one of {', '.join([*FORMATS, *sorted(CONTAINERS)])}, "
        f"or write `format:` with one of {listed}",
    )


def _tables(
    source: Path, format_: str, options: RawOptions, file: str, rows: int
) -> Iterator[RawTable]:
    """Return the records of a file in pieces of any size."""
    if format_ in {"csv", "tsv"}:
        usual = "\t" if format_ == "tsv" else ","
        return delimited_tables(source, options, file, options.delimiter or usual)
    if format_ == "xlsx":
        return workbook_tables(source, options, file)
    if format_ == "xpt":
        return transport_tables(source, options, file, rows)
    if format_ in {"rds", "rda"}:
        return r_tables(source, format_, options, file)
    if format_ == "parquet":
        return parquet_tables(source, file, rows)
    if format_ == "json":
        return json_tables(source, file, rows)
    if format_ == "ndjson":
        return ndjson_tables(source, file, rows)
    return statistical_tables(source, format_, options, file, rows)


def _rebatched(tables: Iterator[RawTable], rows: int) -> Iterator[RawTable]:
    """Yield the same records in tables of `rows`, none of them empty."""
    waiting: list[RawTable] = []
    number = 0
    for table in tables:
        if not table.num_rows:
            continue
        waiting.append(table)
        number += table.num_rows
        while number >= rows:
            whole = RawTable.concat(waiting)
            yield whole.slice(0, rows)
            number -= rows
            waiting = [whole.slice(rows)] if number else []
    if waiting:
        yield RawTable.concat(waiting)
