"""Files of SAS, SPSS and Stata, read by pyreadstat.

pyreadstat calls a library in C. What it is given has been looked at before: the first
bytes, and whether the file is long enough for the rows that it says it holds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trialstats.errors import DataError
from trialstats.io.canonical import Cells, number_text, texts
from trialstats.io.clocks import sas_cells, spss_cells, stata_cells, with_tags
from trialstats.io.encodings import codec_name
from trialstats.io.headers import require_names
from trialstats.io.options import RawOptions
from trialstats.raw import RawColumn, RawTable


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How one format is read.

    Attributes
    ----------
    reader : str
        Function of pyreadstat.
    cells : callable
        Numbers and their display format -> cells.
    head : int
        Bytes that the shortest file has.
    packed : bool
        Whether rows may take less than a byte a column.
    tagged : bool
        Whether the function gives the reasons of missing values.
    """

    reader: str
    cells: Callable[[npt.NDArray[Any], str | None], Cells]
    head: int
    packed: bool
    tagged: bool = True


_DIALECTS = {
    "sas7bdat": _Dialect("read_sas7bdat", sas_cells, 1024, True),
    "sav": _Dialect("read_sav", spss_cells, 176, True),
    "por": _Dialect("read_por", spss_cells, 464, True, tagged=False),
    "dta": _Dialect("read_dta", stata_cells, 60, False),
}

#: Rows for which a packed file has at least one byte: columns of one repeated byte
#: are packed by a factor of some thousands at the very best.
_ROWS_A_BYTE = 100_000


def statistical_tables(
    source: Path, format_: str, options: RawOptions, file: str, rows: int
) -> Iterator[RawTable]:
    """Yield the observations of a file, `rows` at a time.

    Parameters
    ----------
    source : path
        The file.
    format_ : str
        ``sas7bdat``, ``sav``, ``por`` or ``dta``.
    options : RawOptions
        Its encoding.
    file : str
        Name for messages.
    rows : int
        Observations in one table.

    Raises
    ------
    DataError
        When the file is cut off or damaged, or text does not fit the encoding.
    """
    dialect = _DIALECTS[format_]
    size = source.stat().st_size
    if size < dialect.head:
        raise _damaged(f"{size} bytes", file)
    keywords: dict[str, Any] = {}
    if options.encoding:
        keywords["encoding"] = codec_name(options.encoding, file).upper()
    _, about = _read(source, dialect, file, metadataonly=True, **keywords)
    names = require_names(about.column_names, file)
    total = about.number_rows
    _require_room(dialect, about, size, file)
    columns = _described(about, names)
    first = 0
    while names and (total is None or total < 0 or first < total):
        found, about = _read(
            source, dialect, file, row_offset=first, row_limit=rows, **keywords
        )
        values = list(found.values())
        number = len(values[0]) if values else 0
        if len(values) != len(names) or any(len(column) != number for column in values):
            raise _damaged("columns of different lengths", file)
        if number:
            yield _table(values, about, columns, first, dialect, file)
        if number < rows:
            break
        first += rows


def _damaged(reason: object, file: str) -> DataError:
    return DataError(
        f"not a complete file ({reason})",
        file=file,
        remedy="send the file again; it may have been cut off",
    )


def _read(
    source: Path, dialect: _Dialect, file: str, **keywords: Any
) -> tuple[Mapping[str, list[Any]], Any]:
    import pyreadstat

    if dialect.tagged:
        keywords["user_missing"] = True
    reader = getattr(pyreadstat, dialect.reader)
    try:
        found = reader(
            str(source),
            disable_datetime_conversion=True,
            output_format="dict",
            **keywords,
        )
    except Exception as reason:
        # Its own errors, and those of Python on values that it did not expect.
        if isinstance(reason, UnicodeDecodeError) or "encoding" in str(reason):
            raise DataError(
                f"the text does not fit the encoding of the file ({reason})",
                file=file,
                remedy="name the encoding, such as `encoding: windows-1252`",
            ) from None
        raise _damaged(reason, file) from None
    return found[0], found[1]


def _require_room(dialect: _Dialect, about: Any, size: int, file: str) -> None:
    """Refuse a number of rows that the file cannot hold: its head is damaged."""
    total = about.number_rows or 0
    width = 1 / _ROWS_A_BYTE
    if not dialect.packed:
        # Text takes a byte or more; how many more, the library does not tell exactly.
        kinds = about.readstat_variable_types
        widths = about.variable_storage_width
        width = sum(1 if kinds[n] == "string" else widths[n] for n in kinds)
    if total * width > size:
        raise _damaged(f"{total} rows stated, {size} bytes", file)


def _described(about: Any, names: list[str]) -> tuple[RawColumn, ...]:
    columns = []
    labels = about.column_labels or [None] * len(names)
    for given, name, label in zip(about.column_names, names, labels, strict=True):
        text = about.readstat_variable_types.get(given) == "string"
        coded = about.variable_value_labels.get(given, {})
        columns.append(
            RawColumn(
                name,
                label or None,
                about.original_variable_types.get(given) or None,
                {_code(code, text): str(shown) for code, shown in coded.items()},
            )
        )
    return tuple(columns)


def _code(code: object, text: bool) -> str:
    """Return a code as it stands in the cells."""
    if isinstance(code, str):
        return code if text else f".{code}"
    return number_text(float(str(code)))


def _table(
    values: list[list[Any]],
    about: Any,
    columns: tuple[RawColumn, ...],
    first: int,
    dialect: _Dialect,
    file: str,
) -> RawTable:
    cells, kinds = [], {}
    for given, column, described in zip(
        about.column_names, values, columns, strict=True
    ):
        type_ = about.readstat_variable_types.get(given)
        if type_ == "string":
            cells.append(texts(column))
            continue
        numbers, tags = _numbers(column)
        # A float of Stata holds 7 digits: 0.1 is not 0.10000000149011612.
        typed = numbers.astype(np.float32) if type_ == "float" else numbers
        shown, found = with_tags(dialect.cells(typed, described.format), tags)
        cells.append(shown)
        if found is not None:
            kinds[described.name] = found
    names = [column.name for column in columns]
    rows = np.arange(first + 1, first + 1 + len(values[0]), dtype=np.int64)
    return RawTable(
        file, columns, pa.Table.from_arrays(cells, names=names), rows, kinds
    )


def _numbers(column: list[Any]) -> tuple[npt.NDArray[np.float64], dict[int, str]]:
    """Return the numbers of a column, and the letters of special missing values."""
    try:
        return np.array(column, np.float64), {}
    except ValueError:
        tags = {i: v for i, v in enumerate(column) if isinstance(v, str)}
        plain = [None if isinstance(v, str) else v for v in column]
        return np.array(plain, np.float64), tags
