"""Data frames in files of R: .rds, .rda and .RData, parsed by rdata.

The parsed objects are taken to cells here, so that what R says of a column (factor,
Date, missing integer, label) is neither lost nor guessed.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trialstats.errors import DataError
from trialstats.io.canonical import (
    Cells,
    all_of,
    dates,
    logicals,
    moments,
    number_text,
    texts,
    times,
)
from trialstats.io.clocks import plain_cells, with_tags
from trialstats.io.containers import expanded
from trialstats.io.headers import require_names
from trialstats.io.options import RawOptions
from trialstats.raw import LOGICAL, TEXT, RawColumn, RawTable

#: Elements of the longest sequence that R stores by its ends alone (1:n).
_LONGEST = 50_000_000

#: Seconds in the units of a difference of times.
_UNITS = {"secs": 1, "mins": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}


def r_tables(
    source: Path, format_: str, options: RawOptions, file: str
) -> Iterator[RawTable]:
    """Yield a data frame, as one table.

    Parameters
    ----------
    source : path
        The file.
    format_ : str
        ``rds`` or ``rda``.
    options : RawOptions
        The object as ``member``, when an .rda file holds several.
    file : str
        Name for messages.

    Raises
    ------
    DataError
        When the file is damaged, or the object is no data frame.
    """
    top = _parsed(source, format_, file)
    with _damage(file):
        frame = top if format_ == "rds" else _chosen(_named(top), options.member, file)
        if "data.frame" not in _strings(_attributes(frame).get("class")):
            raise DataError(
                "the R object is not a data frame",
                file=file,
                remedy="save it again after as.data.frame()",
            )
        table = _table(frame, file)
    yield table


def object_names(source: Path, file: str) -> list[str]:
    """Return the names of the objects in an .rda file.

    Raises
    ------
    DataError
        When the file is damaged.
    """
    top = _parsed(source, "rda", file)
    with _damage(file):
        return list(_named(top))


@contextmanager
def _damage(file: str) -> Iterator[None]:
    """Turn whatever a damaged file leads to into one message.

    The parser checks nothing, so its objects may have any shape.
    """
    try:
        yield
    except DataError:
        raise
    except UnicodeDecodeError as reason:
        raise DataError(
            f"the text is not UTF-8 ({reason.reason})",
            file=file,
            value=reason.object.decode("ascii", "replace"),
            remedy="save it again after enc2utf8()",
        ) from None
    except Exception as reason:
        raise _damaged(reason, file) from None


def _damaged(reason: object, file: str) -> DataError:
    return DataError(
        f"not a complete R file ({reason or type(reason).__name__})",
        file=file,
        remedy="send the file again; it may have been cut off",
    )


def _parsed(source: Path, format_: str, file: str) -> Any:
    from rdata.parser import parse_data
    from rdata.parser._parser import DEFAULT_ALTREP_MAP

    content = expanded(source, file)
    if format_ == "rda" and content[:3] not in {b"RDX", b"RDA", b"RDB"}:
        raise _damaged("it does not begin as one", file)
    constructors = {**DEFAULT_ALTREP_MAP, **_SEQUENCES}
    with _damage(file), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = parse_data(
            content, extension=f".{format_}", altrep_constructor_dict=constructors
        )
    return found.object


def _sequence(type_: str, dtype: type) -> Any:
    """Return a constructor of 1:n that refuses a length no file has."""

    def construct(state: Any) -> tuple[Any, npt.NDArray[Any]]:
        from rdata.parser import RObjectInfo, RObjectType

        length, start, step = (float(part) for part in state.value[:3])
        if not 0 <= length <= _LONGEST:
            raise ValueError(f"a sequence of {length:g} elements")
        info = RObjectInfo(RObjectType[type_], False, False, False, 0, 0)
        return info, (start + step * np.arange(int(length))).astype(dtype)

    return construct


_SEQUENCES = {
    b"compact_intseq": _sequence("INT", np.int32),
    b"compact_realseq": _sequence("REAL", np.float64),
}


def _resolved(element: Any) -> Any:
    """Return the object that a reference stands for."""
    for _ in range(10):
        if element is None or element.referenced_object is None:
            break
        element = element.referenced_object
    return element


def _pairs(element: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values of a pairlist."""
    element = _resolved(element)
    while element is not None and element.info.type.name in {"LIST", "LANG"}:
        tag = _resolved(element.tag)
        value, rest = element.value
        if tag is not None:
            yield _char(tag.value), value
        element = _resolved(rest)


def _named(top: Any) -> dict[str, Any]:
    return dict(_pairs(top))


def _attributes(element: Any) -> dict[str, Any]:
    return dict(_pairs(element.attributes))


def _char(element: Any) -> str:
    text = _text(element)
    return "" if text is None else text


def _text(element: Any) -> str | None:
    """Return an element of a character vector; NA is None."""
    value = _resolved(element).value
    if value is None:
        return None
    flags = element.info.gp
    # Bit 2 marks Latin-1; else UTF-8 or ASCII, as every R since 4.2 writes.
    encoding = "latin-1" if flags & 4 else "utf-8"
    text: str = value.decode(encoding)
    return text


def _strings(element: Any) -> list[str]:
    element = _resolved(element)
    if element is None or element.info.type.name != "STR":
        return []
    return [_char(part) for part in element.value]


def _chosen(objects: Mapping[str, Any], member: str | None, file: str) -> Any:
    listed = ", ".join(objects)
    if not objects:
        raise DataError("the file holds no object", file=file)
    if member is None and len(objects) > 1:
        raise DataError(
            f"the file holds {len(objects)} objects",
            file=file,
            remedy=f"name one as `member`: {listed}",
        )
    if member is not None and member not in objects:
        raise DataError(
            f"there is no object {member!r}", file=file, remedy=f"name one of {listed}"
        )
    return objects[member] if member is not None else next(iter(objects.values()))


def _table(frame: Any, file: str) -> RawTable:
    given = _attributes(frame)
    names = require_names(_strings(given.get("names")), file)
    if len(names) != len(frame.value):
        raise ValueError(f"{len(names)} names for {len(frame.value)} columns")
    columns, cells, kinds = [], [], {}
    for name, column in zip(names, frame.value, strict=True):
        column = _resolved(column)
        about = _attributes(column)
        text, found = _cells(column, about, name, file)
        cells.append(text)
        if found is not None:
            kinds[name] = found
        columns.append(_described(name, about))
    lengths = {len(column) for column in cells}
    number = _stated_rows(given.get("row.names"))
    if len(lengths | ({number} if number is not None else set())) > 1:
        raise ValueError("columns of different lengths")
    rows = np.arange(1, max(lengths, default=0) + 1, dtype=np.int64)
    table = pa.Table.from_arrays(cells, names=names)
    return RawTable(file, tuple(columns), table, rows, kinds)


def _stated_rows(names: Any) -> int | None:
    """Return how many rows the names of the rows speak of."""
    names = _resolved(names)
    if names is None or names.value is None:
        return None
    if names.info.type.name == "INT" and len(names.value) == 2:
        # Names 1 to n are stored as a missing value and n, or -n.
        first, second = names.value.tolist()
        if first is None:
            return abs(int(second))
    return len(names.value)


def _described(name: str, about: Mapping[str, Any]) -> RawColumn:
    label = " ".join(_strings(about.get("label"))) or None
    formats = [_strings(about.get(f"format.{p}")) for p in ("sas", "spss", "stata")]
    format_ = next((found[0] for found in formats if found), None)
    codes = _resolved(about.get("labels"))
    shown = _strings(_attributes(codes).get("names")) if codes is not None else []
    if not shown:
        return RawColumn(name, label, format_)
    if codes.info.type.name == "STR":
        coded: list[str | None] = list(_strings(codes))
    else:
        values, tags = _reals(codes.value)
        coded = [f".{tags[i]}" if i in tags else number_text(v) for i, v in values]
    labels = dict(zip(map(str, coded), shown, strict=True))
    return RawColumn(name, label, format_, labels)


def _reals(values: Any) -> tuple[list[tuple[int, float]], dict[int, str]]:
    plain = _floats(values)
    return list(enumerate(plain.tolist())), _tags(plain)


def _floats(values: Any) -> npt.NDArray[np.float64]:
    """Return numbers with NaN where R has NA."""
    plain: npt.NDArray[np.float64] = np.array(np.ma.getdata(values), np.float64)
    plain[np.ma.getmaskarray(values)] = np.nan
    return plain


def _tags(values: npt.NDArray[np.float64]) -> dict[int, str]:
    """Return the letters that haven keeps inside missing values, for SAS and Stata."""
    places = np.flatnonzero(np.isnan(values))
    letters = (np.ascontiguousarray(values).view(np.uint64)[places] >> 32) & 0xFF
    pairs = zip(places.tolist(), letters.tolist(), strict=True)
    return {
        place: chr(n) for place, n in pairs if chr(n).isascii() and chr(n).isalpha()
    }


def _cells(column: Any, about: Mapping[str, Any], name: str, file: str) -> Cells:
    type_ = column.info.type.name
    classes = _strings(about.get("class"))
    if type_ == "STR":
        return texts([_text(part) for part in column.value]), None
    if "factor" in classes:
        levels = [_text(part) for part in _resolved(about["levels"]).value]
        codes = _floats(column.value)
        chosen = [None if v != v else levels[_place(v, levels)] for v in codes.tolist()]
        return texts(chosen), None
    if type_ == "LGL":
        filled = np.ma.asarray(column.value)
        return logicals(filled.tolist()), all_of(LOGICAL, len(filled))
    if type_ not in {"INT", "REAL"} or "dim" in about or "POSIXlt" in classes:
        raise DataError(
            "the column is no vector of numbers or text",
            file=file,
            column=name,
            value="/".join(classes) or type_,
            remedy="turn it into a plain vector before saving",
        )
    values = _floats(column.value)
    tags = _tags(values) if type_ == "REAL" else {}
    values[np.isnan(values)] = np.nan
    if "Date" in classes:
        return dates(values, origin=0)
    if "POSIXct" in classes:
        return _posix(values, next(iter(_strings(about.get("tzone"))), ""))
    if "difftime" in classes or "hms" in classes:
        unit = next(iter(_strings(about.get("units"))), "secs")
        return times(values * _UNITS[unit]), None
    return with_tags(plain_cells(values), tags)


def _place(code: float, levels: list[str | None]) -> int:
    if not 1 <= code <= len(levels):
        raise ValueError("a factor of no level")
    return int(code) - 1


def _posix(seconds: npt.NDArray[np.float64], zone: str) -> Cells:
    """Return moments as the clock of their zone showed them.

    Without a zone R means the one of the machine that shows them, which no file tells.
    Such moments are marked as UTC by a Z and are text: a day read from them could be
    the day before.
    """
    shift = _offsets(seconds, zone)
    if shift is not None:
        return moments(seconds + shift, origin=0)
    column, _ = moments(seconds, origin=0)
    marked = [
        None if t is None else f"{t}Z" if "T" in t else f"{t}T00:00:00Z"
        for t in column.to_pylist()
    ]
    return texts(marked), all_of(TEXT, len(marked))


def _offsets(
    seconds: npt.NDArray[np.float64], zone: str
) -> npt.NDArray[np.float64] | float | None:
    """Return seconds to add for the clock of a zone; None when it is not known."""
    import pandas as pd

    if zone in {"UTC", "GMT", "Etc/UTC"}:
        return 0.0
    if not zone:
        return None
    known = np.where(np.isfinite(seconds), seconds, 0.0)
    try:
        stamps = pd.to_datetime(np.floor(known), unit="s", utc=True)
        local = stamps.tz_convert(zone).tz_localize(None)
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    shift: npt.NDArray[np.float64] = (
        (local - stamps.tz_localize(None)).total_seconds().to_numpy()
    )
    return shift
