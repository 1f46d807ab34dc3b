"""Place dated values in visits and periods.

Day 1 is the reference date and the day before is day -1: there is no day 0 (ADaM).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

UNSCHEDULED = "Unscheduled"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a date falls for one subject."""

    day: int | None
    window_day: int | None
    visit: str
    number: float | None
    period: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The dates of one subject from which days are counted."""

    start: dt.date | None
    reference: dt.date | None
    periods: tuple[dt.date | None, ...]


def calendars(
    config: Mapping[str, Any], adsl: pd.DataFrame, reference: str
) -> dict[str, Calendar]:
    """Return the calendar of each subject.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    adsl : DataFrame
        One row per subject, with dates.
    reference : str
        ADSL date that is day 1 of the windows, or ``period``.
    """
    names = config.get("periods", [])
    found = {}
    for record in adsl.to_dict("records"):
        own = "TRTSDT" if reference == "period" else reference
        found[str(record["USUBJID"])] = Calendar(
            start=_date(record.get("TRTSDT")),
            reference=_date(record[own]),
            periods=tuple(_date(record[name]) for name in names),
        )
    return found


def place(
    date: dt.date | None,
    calendar: Calendar,
    windows: Mapping[str, Mapping[str, Any]],
    *,
    by_period: bool,
) -> Placement:
    """Return day, visit and period of a date.

    A date in no window is ``Unscheduled``. With `by_period`, days count from the start
    of the period that the date falls in, and from the reference before the first one.
    """
    if date is None:
        return Placement(None, None, UNSCHEDULED, None, None)
    period = period_of(date, calendar)
    origin = calendar.reference
    if by_period and period is not None:
        origin = calendar.periods[period - 1]
    window_day = relative_day(date, origin)
    day = relative_day(date, calendar.start)
    for name, window in windows.items():
        first, last = window["days"]
        if window_day is not None and first <= window_day <= last:
            if by_period and period is not None and not _belongs(window, period):
                continue
            number = float(window["number"])
            # A value before treatment belongs to no period, on day 1 included.
            own = None if number <= 0 else period
            return Placement(day, window_day, name, number, own)
    return Placement(day, window_day, UNSCHEDULED, None, period)


def _belongs(window: Mapping[str, Any], period: int) -> bool:
    """Baseline windows belong to the time before and at the start of period 1."""
    return float(window["number"]) > 0 or period == 1


def period_of(date: dt.date, calendar: Calendar) -> int | None:
    """Return the number of the latest period that has started, from 1."""
    started = [
        number
        for number, first in enumerate(calendar.periods, start=1)
        if first is not None and first <= date
    ]
    return started[-1] if started else None


def relative_day(date: dt.date, origin: dt.date | None) -> int | None:
    """Return the day of a date counted from an origin that is day 1.

    >>> relative_day(dt.date(2025, 3, 1), dt.date(2025, 3, 1))
    1
    >>> relative_day(dt.date(2025, 2, 28), dt.date(2025, 3, 1))
    -1
    """
    if origin is None:
        return None
    days = (date - origin).days
    return days + 1 if days >= 0 else days


def _date(value: Any) -> dt.date | None:
    if value is None or pd.isna(value):
        return None
    date: dt.date = value.date() if hasattr(value, "date") else value
    return date
