"""The one text of every value: numbers, dates, times, logical values.

The functions take whole columns, because a file may have ten million rows.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.raw import CELL, DATE, NUMBER, Kinds

#: A column: the texts, and the kind of each cell (None when all are text).
Cells = tuple[pa.Array, Kinds | None]

#: Whole days from 1970-01-01 to the first and the last day of the calendar.
FIRST_DAY, LAST_DAY = -719162, 2932896
DAY = 86_400
_MICROSECONDS = 1_000_000


def all_of(kind: int, length: int) -> Kinds:
    """Return the kinds of a column whose cells are all of one kind."""
    return np.full(length, kind, np.uint8)


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the number, whole ones plain.

    >>> number_text(5.0), number_text(0.1), number_text(-99.0), number_text(1e-7)
    ('5', '0.1', '-99', '1e-07')
    """
    return repr(value + 0.0).removesuffix(".0")


def numbers(values: npt.NDArray[Any]) -> pa.Array:
    """Return the texts of a column of numbers; NaN is an empty cell.

    Numbers of 32 bits get the shortest text that reads back in 32 bits: what was
    typed as 0.1 is not 0.10000000149011612.

    >>> numbers(np.array([5.0, 0.1, np.nan, -0.0, np.inf, 1e16])).to_pylist()
    ['5', '0.1', None, '0', 'inf', '1e+16']
    """
    if values.dtype.kind in "iu":
        return pc.cast(pa.array(values), CELL)
    # A missing number of R is a NaN that signals when it is added to.
    with np.errstate(invalid="ignore"):
        positive = values + values.dtype.type(0)
    texts = pc.cast(pa.array(positive, from_pandas=True), CELL)
    # Between these bounds Arrow writes what `repr` writes, without its ".0".
    size = np.abs(positive)
    common = (size == 0) | ((size >= 1e-4) & (size < 1e10)) | np.isnan(size)
    if common.all():
        return texts
    rare = [number_text(float(str(v))) for v in positive[~common]]
    return pc.replace_with_mask(texts, ~common, pa.array(rare, CELL))


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return a column of text in which cells of spaces alone are empty."""
    return without_blanks(pa.array(values, CELL))


def without_blanks(column: pa.Array) -> pa.Array:
    """Return the column with cells that hold nothing but spaces made null.

    >>> without_blanks(pa.array(["a ", " ", "", None], CELL)).to_pylist()
    ['a ', None, None, None]
    """
    blank = pc.or_(pc.utf8_is_space(column), pc.equal(pc.binary_length(column), 0))
    if not pc.any(blank).as_py():
        return column
    return pc.if_else(blank, pa.scalar(None, CELL), column)


def plain_decimal(text: str) -> str:
    """Return a decimal number without zeros at its end.

    >>> plain_decimal("1.50"), plain_decimal("100"), plain_decimal("0.00")
    ('1.5', '100', '0')
    """
    text = re.sub(r"(\.\d*?)0+$", r"\1", text).removesuffix(".")
    return "0" if text == "-0" else text


def dates(days: npt.NDArray[np.float64], *, origin: int) -> Cells:
    """Return the cells of days counted from `origin`, itself a day from 1970-01-01.

    >>> dates(np.array([0.0, 1.5, np.nan]), origin=-3653)[0].to_pylist()
    ['1960-01-01', '1960-01-02T12:00:00', None]
    """
    return moments(days, origin=origin * DAY, unit=DAY)


def moments(
    values: npt.NDArray[np.float64], *, origin: int, unit: float = 1.0
) -> Cells:
    """Return the cells of moments, as ISO 8601; at midnight the date alone.

    What lies outside the years 1 to 9999 stays the number that it is.

    Parameters
    ----------
    values : array of float
        The moments; NaN is an empty cell.
    origin : int
        Seconds from 1970-01-01 to the zero of `values`.
    unit : float
        Seconds in one unit of `values`.

    >>> moments(np.array([37800.0, 86400.0, 1e15]), origin=0)[0].to_pylist()
    ['1970-01-01T10:30:00', '1970-01-02', '1000000000000000']
    """
    with np.errstate(invalid="ignore", over="ignore"):
        seconds = values * unit + origin
        known = (seconds >= FIRST_DAY * DAY) & (seconds < (LAST_DAY + 1) * DAY)
    written = iso(_microseconds(np.where(known, values, 0.0) * unit, origin))
    kinds = np.where(known, DATE, NUMBER).astype(np.uint8)
    if known.all():
        return written, kinds
    return pc.if_else(pa.array(known), written, numbers(values)), kinds


def _microseconds(
    seconds: npt.NDArray[np.float64], origin: int
) -> npt.NDArray[np.int64]:
    """Return whole microseconds; to the millisecond where digits allow no more.

    A binary number of seconds is not exact: 13744980610.123 is off by a microsecond.
    """
    whole = np.floor(seconds)
    part = seconds - whole
    rough = np.rint(part * 1e3) / 1e3
    near = np.abs(part - rough) <= 2 * np.spacing(np.abs(seconds))
    fraction = np.rint(np.where(near, rough, part) * _MICROSECONDS)
    exact: npt.NDArray[np.int64] = (
        whole.astype(np.int64) + origin
    ) * _MICROSECONDS + fraction.astype(np.int64)
    return exact


def iso(microseconds: npt.NDArray[np.int64]) -> pa.Array:
    """Return moments of the years 1 to 9999 as ISO 8601; at midnight the date alone.

    >>> iso(np.array([0, 1_500_000])).to_pylist()
    ['1970-01-01', '1970-01-01T00:00:01.5']
    """
    day_long = DAY * _MICROSECONDS
    days = np.floor_divide(microseconds, day_long)
    written = pc.cast(pc.cast(pa.array(days.astype(np.int32)), pa.date32()), CELL)
    later = microseconds != days * day_long
    if not later.any():
        return written
    whole = microseconds % _MICROSECONDS == 0
    seconds = pa.array(microseconds // _MICROSECONDS, pa.timestamp("s"))
    precise = pc.cast(seconds, CELL)
    if not whole.all():
        fine = pc.cast(pa.array(microseconds, pa.timestamp("us")), CELL)
        fine = pc.utf8_rtrim(fine, characters="0")
        precise = pc.if_else(pa.array(whole), precise, fine)
    precise = pc.replace_substring(precise, " ", "T", max_replacements=1)
    return pc.if_else(pa.array(later), precise, written)


def times(seconds: npt.NDArray[np.float64]) -> pa.Array:
    """Return clock times and durations as hours, minutes and seconds.

    >>> times(np.array([37800.0, 129600.5, np.nan, -60.0])).to_pylist()
    ['10:30:00', '36:00:00.5', None, '-00:01:00']
    """
    return _by_distinct(seconds, clock_text)


def clock_text(seconds: float) -> str:
    """Return one clock time or duration.

    >>> clock_text(37800.25)
    '10:30:00.25'
    """
    if not math.isfinite(seconds):
        return number_text(seconds)
    exact = round(abs(seconds) * _MICROSECONDS)
    minutes, rest = divmod(exact, 60 * _MICROSECONDS)
    whole, fraction = divmod(rest, _MICROSECONDS)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:{whole:02d}"
    if fraction:
        text += f".{fraction:06d}".rstrip("0")
    return f"-{text}" if seconds < 0 else text


def _by_distinct(
    values: npt.NDArray[np.float64], write: Callable[[float], str]
) -> pa.Array:
    """Return the texts of a column, each distinct value written once."""
    distinct, place = np.unique(values, return_inverse=True)
    written = [None if math.isnan(v) else write(v) for v in distinct.tolist()]
    return pa.array(written, CELL).take(pa.array(place))


def logicals(values: Sequence[bool | None]) -> pa.Array:
    """Return the texts of logical values.

    >>> logicals([True, None, False]).to_pylist()
    ['TRUE', None, 'FALSE']
    """
    truth = pa.array(values, pa.bool_())
    return pc.if_else(truth, pa.scalar("TRUE", CELL), pa.scalar("FALSE", CELL))
