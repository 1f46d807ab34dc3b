"""Operands: the typed values that the parts of an expression have.

A number is float64 with NaN for missing, a date datetime64[s] with NaT, a text an Arrow
array or scalar with null, a condition bool. Data are whole columns, or one value that
holds for every row.
"""

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.errors import ConfigError, DataError
from trialstats.expressions.refusals import RefusalError, unknown

#: From here on not every whole number has a double of its own.
EXACT_BELOW = 2**53

_TEXT = pa.large_string()
_SECONDS = np.dtype("datetime64[s]")


class Kind(enum.Enum):
    """Types of values, in the words of messages."""

    NUMBER = "a number"
    TEXT = "text"
    DATE = "a date"
    CONDITION = "a condition"
    #: Nothing but missing values in a column without a type; fits every type.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Operand:
    """A typed value for every row.

    Attributes
    ----------
    kind : Kind
        Its type.
    data : ndarray, numpy scalar, Arrow array or Arrow scalar
        The values, or one for every row; None when the kind is missing.
    known : ndarray or bool, optional
        Of a column of conditions: which rows have a value. None means that the
        operand was computed, and is never missing.
    """

    kind: Kind
    data: Any
    known: Any = None


def number(data: Any) -> Operand:
    """Return numbers; what is no finite number is missing."""
    values = np.asarray(data, dtype="float64")
    return Operand(Kind.NUMBER, np.where(np.isfinite(values), values, np.nan))


def text(data: Any) -> Operand:
    """Return text."""
    return Operand(Kind.TEXT, data)


def date(data: Any) -> Operand:
    """Return dates."""
    return Operand(Kind.DATE, data)


def flag(data: Any) -> Operand:
    """Return a condition, which is never missing."""
    return Operand(Kind.CONDITION, data)


def constant(value: float | str | np.datetime64 | None) -> Operand:
    """Return one value for every row."""
    if value is None:
        return Operand(Kind.MISSING, None)
    if isinstance(value, str):
        return text(pa.scalar(value, _TEXT))
    if isinstance(value, np.datetime64):
        return date(value)
    return number(value)


def flags(result: Any) -> Any:
    """Return Arrow booleans as numpy's; null is False."""
    if isinstance(result, pa.Scalar):
        return np.bool_(bool(result.as_py()))
    return pc.fill_null(result, False).to_numpy(zero_copy_only=False)


def is_known(operand: Operand) -> Any:
    """Return where an operand has a value."""
    if operand.kind is Kind.NUMBER:
        return ~np.isnan(operand.data)
    if operand.kind is Kind.DATE:
        return ~np.isnat(operand.data)
    if operand.kind is Kind.TEXT:
        return flags(pc.is_valid(operand.data))
    if operand.kind is Kind.MISSING:
        return np.False_
    return np.True_ if operand.known is None else operand.known


def as_kind(operand: Operand, kind: Kind) -> Operand:
    """Return an operand, missing values without a type as those of `kind`."""
    if operand.kind is not Kind.MISSING:
        return operand
    missing: dict[Kind, Any] = {
        Kind.NUMBER: np.float64(np.nan),
        Kind.TEXT: pa.scalar(None, _TEXT),
        Kind.DATE: np.datetime64("NaT", "s"),
        Kind.CONDITION: np.False_,
        Kind.MISSING: None,
    }
    return Operand(kind, missing[kind])


def as_series(operand: Operand, index: pd.Index) -> pd.Series:
    """Return an operand as a column on `index`."""
    operand = as_kind(operand, Kind.NUMBER)
    if operand.kind is Kind.TEXT:
        data = operand.data
        if isinstance(data, pa.Scalar):
            data = pa.repeat(data, len(index))
        return pd.Series(pd.array(data, dtype="str"), index=index)
    return pd.Series(np.broadcast_to(operand.data, len(index)).copy(), index=index)


def column(frame: pd.DataFrame, name: str) -> Operand:
    """Return a column of a table as an operand.

    Raises
    ------
    RefusalError
        When the table has no such column.
    ConfigError, DataError
        When the column is there twice, or has no type that the language knows.
    """
    if name not in frame.columns:
        raise unknown("column", name, [str(label) for label in frame.columns])
    series = frame[name]
    if not isinstance(series, pd.Series):
        raise ConfigError(f"{series.shape[1]} columns are named {name!r}; rename one")
    return _typed(series, name)


def _typed(series: pd.Series, name: str) -> Operand:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        labels = pd.Series(series.cat.categories)
        return _typed(labels.reindex(series.cat.codes), name)
    if pd.api.types.is_bool_dtype(dtype):
        known = series.notna().to_numpy()
        data = series.to_numpy(dtype=bool, na_value=False)
        return Operand(Kind.CONDITION, data, known)
    if pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c":
        values = series.to_numpy(dtype="float64", na_value=np.nan)
        return _numbers(values, name, whole=dtype.kind in "iu")
    if isinstance(dtype, pd.StringDtype):
        return _texts(series, name)
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow(series, dtype, name)
    if isinstance(dtype, pd.DatetimeTZDtype):
        raise _with_time_zone(name)
    if dtype.kind == "M":
        return _dates(series.to_numpy(), name)
    if dtype.kind == "O":
        return _objects(series, name)
    raise _unusable(f"holds values of the type {dtype}", name)


def _arrow(series: pd.Series, dtype: pd.ArrowDtype, name: str) -> Operand:
    type_ = dtype.pyarrow_dtype
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return _texts(series, name)
    if pa.types.is_null(type_):
        return Operand(Kind.MISSING, None)
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        raise _with_time_zone(name)
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return _dates(pa.array(series).to_numpy(zero_copy_only=False), name)
    raise _unusable(f"holds values of the type {dtype}", name)


def _objects(series: pd.Series, name: str) -> Operand:
    found = pd.api.types.infer_dtype(series, skipna=True)
    if found == "empty":
        return Operand(Kind.MISSING, None)
    if found == "string":
        return _texts(series, name)
    if found in {"integer", "floating", "mixed-integer-float", "decimal"}:
        known = series.notna().to_numpy()
        values = np.full(len(series), np.nan)
        try:
            values[known] = series[known].to_numpy(dtype="float64")
        except OverflowError:
            raise _unusable("holds a number too large to compute with", name) from None
        return _numbers(values, name, whole="integer" in found)
    if found == "boolean":
        return _typed(series.astype("boolean"), name)
    if found in {"date", "datetime", "datetime64"}:
        try:
            return _typed(pd.to_datetime(series), name)
        except (ValueError, TypeError):
            raise _with_time_zone(name) from None
    raise _unusable(f"holds values of several types ({found})", name)


def _numbers(values: Any, name: str, *, whole: bool) -> Operand:
    if whole and (large := np.abs(values) >= EXACT_BELOW).any():
        raise DataError(
            f"whole numbers from {EXACT_BELOW} on cannot be told apart",
            column=name,
            value=f"{values[large][0]:.0f}",
            remedy="read the column as text",
        )
    return Operand(Kind.NUMBER, values)


def _texts(series: pd.Series, name: str) -> Operand:
    try:
        data = pa.array(series, type=_TEXT, from_pandas=True)
    except (pa.ArrowException, UnicodeError):
        raise _unusable("holds text that is no valid Unicode", name) from None
    # An Arrow-backed column may come in pieces; one piece is simpler everywhere.
    return text(data.combine_chunks() if isinstance(data, pa.ChunkedArray) else data)


def _dates(values: Any, name: str) -> Operand:
    data = values.astype(_SECONDS)
    if ((data != values) & ~np.isnat(values)).any():
        raise _unusable("holds times with fractions of a second", name)
    return date(data)


def _with_time_zone(name: str) -> DataError:
    return DataError(
        "the dates have a time zone, or several",
        column=name,
        remedy="give the local date and time without a zone",
    )


def _unusable(what: str, name: str) -> DataError:
    return DataError(
        what,
        column=name,
        remedy="an expression takes numbers, text, dates or flags, one type a column",
    )


def one_kind(operands: list[Operand], sources: list[str], where: str) -> list[Operand]:
    """Return operands of one type; those without a type take it.

    Raises
    ------
    RefusalError
        When two have different types.
    """
    typed = [i for i, o in enumerate(operands) if o.kind is not Kind.MISSING]
    for i in typed[1:]:
        first, other = operands[typed[0]].kind, operands[i].kind
        if other is not first:
            raise RefusalError(
                f"{where} needs one type, but {sources[typed[0]]!r} is {first.value} "
                f"and {sources[i]!r} is {other.value}",
                remedy_for(first, other),
            )
    kind = operands[typed[0]].kind if typed else Kind.MISSING
    return [as_kind(operand, kind) for operand in operands]


def remedy_for(first: Kind, second: Kind) -> str:
    """Return how two types may be brought together."""
    kinds = {first, second}
    if kinds == {Kind.TEXT, Kind.NUMBER}:
        return (
            "put text in quotes and leave numbers without, "
            "or convert with number(…) or text(…)"
        )
    if kinds == {Kind.TEXT, Kind.DATE}:
        return "write date('2024-03-01') for a date, or convert with date(…) or text(…)"
    if kinds == {Kind.NUMBER, Kind.DATE}:
        return "write date('2024-03-01') for a date, or year(…), days(later, earlier)"
    return "turn a condition into a value with: 1 if … else 0"
