"""Functions of dates, and arithmetic with days."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.expressions.operands import Kind, Operand, date, number
from trialstats.expressions.texts import array_of, like

Options = Mapping[str, Any]

#: A complete date, or a date with a time of day; nothing else is a date.
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?)?$"

_DAY_SECONDS = 86_400

#: More days than from year 1 to 9999; keeps seconds within 64 bits.
_MOST_DAYS = 4_000_000

_FIRST = np.datetime64("0001-01-01T00:00:00", "s")
_LAST = np.datetime64("9999-12-31T23:59:59", "s")


def iso_date(text: str) -> np.datetime64 | None:
    """Return the day that a text names, or None; a time of day is not allowed.

    >>> iso_date("2024-02-29"), iso_date("2024-02-30"), iso_date("29/02/2024")
    (np.datetime64('2024-02-29T00:00:00'), None, None)
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return np.datetime64(dt.date.fromisoformat(text), "s")
    except ValueError:
        return None


def as_date(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the calendar day of ISO text, or of dates with a time of day.

    Text that is not a complete date that exists is missing.
    """
    operand = operands[0]
    if operand.kind is Kind.DATE:
        return date(_days(operand.data).astype("datetime64[s]"))
    # The dates of a column are few, however many rows it has; each is read once.
    encoded = array_of(operand.data).dictionary_encode()
    read = np.append(_read_iso(encoded.dictionary), np.datetime64("NaT", "s"))
    places = pc.fill_null(encoded.indices, len(read) - 1).to_numpy()
    return date(like(operand.data, read[places]))


def _read_iso(texts: Any) -> Any:
    trimmed = pc.utf8_trim_whitespace(texts)
    written = pc.fill_null(pc.match_substring_regex(trimmed, _ISO), False)
    # What is no date is read as one in the year 0, which does not exist.
    safe = pc.if_else(written, trimmed, pa.scalar("0000-01-01", trimmed.type))
    year, month, day = (_part(safe, *span) for span in ((0, 4), (5, 7), (8, 10)))
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    exists = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    exists &= days.astype("datetime64[M]") == months
    return np.where(exists, days.astype("datetime64[s]"), np.datetime64("NaT", "s"))


def _part(texts: Any, start: int, stop: int) -> Any:
    return pc.cast(pc.utf8_slice_codeunits(texts, start, stop), pa.int64()).to_numpy()


def _days(dates: Any) -> Any:
    return np.asarray(dates).astype("datetime64[D]")


def _from_calendar(values: Any, dates: Any) -> Operand:
    """Return whole numbers of dates; NaT has no number."""
    return number(np.where(np.isnat(dates), np.nan, values.astype("float64")))


def year(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the year of a date."""
    dates = np.asarray(operands[0].data)
    return _from_calendar(dates.astype("datetime64[Y]").astype("int64") + 1970, dates)


def month(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the month of a date, 1 to 12."""
    dates = np.asarray(operands[0].data)
    months = dates.astype("datetime64[M]").astype("int64")
    return _from_calendar(months % 12 + 1, dates)


def day(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the day of the month of a date."""
    dates = np.asarray(operands[0].data)
    first = dates.astype("datetime64[M]").astype("datetime64[D]").astype("int64")
    return _from_calendar(_days(dates).astype("int64") - first + 1, dates)


def days_between(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the calendar days from the second date to the first.

    The time of day does not count: from 23:00 to 01:00 of the next day is one day,
    as study days are counted.
    """
    later, earlier = (_days(operand.data) for operand in operands)
    # NaT divided by a day is NaN.
    return number((later - earlier) / np.timedelta64(1, "D"))


def shifted(dates: Any, days: Any, sign: int) -> Operand:
    """Return dates moved by a number of days; a fraction of a day is hours.

    Missing when either is, or when the result is not in the years 1 to 9999.
    """
    days = np.asarray(days)
    usable = np.abs(days) <= _MOST_DAYS
    seconds = np.rint(np.where(usable, days, 0.0) * _DAY_SECONDS).astype("int64")
    moved = np.asarray(dates) + sign * seconds.astype("timedelta64[s]")
    inside = usable & (moved >= _FIRST) & (moved <= _LAST)
    return date(np.where(inside, moved, np.datetime64("NaT", "s")))
