"""Place dated values in visits and periods.

Day 1 is the reference date and the day before is day -1: there is no day 0 (ADaM).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.subjects import of_subjects

UNSCHEDULED = "Unscheduled"

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calendar:
    """For each row the dates of its subject from which days are counted.

    Attributes
    ----------
    start : ndarray of datetime64[s]
        First day of treatment, day 1 of ADY.
    reference : ndarray of datetime64[s]
        Day 1 of the windows.
    periods : tuple of ndarray of datetime64[s]
        First day of each period of a crossover.
    """

    start: np.ndarray
    reference: np.ndarray
    periods: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each date falls: a day, a day of the windows, a visit and a period."""

    day: np.ndarray
    window_day: np.ndarray
    visit: np.ndarray
    number: np.ndarray
    period: np.ndarray


def calendar(
    config: Config, adsl: pd.DataFrame, subjects: pd.Series, reference: str = "TRTSDT"
) -> Calendar:
    """Return the calendar of the subjects of some rows.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    adsl : DataFrame
        One row per subject, with dates.
    subjects : Series of str
        Subject of each row.
    reference : str
        ADSL date that is day 1 of the windows, or ``period``.
    """
    people = adsl.set_index("USUBJID")

    def dates(name: str) -> np.ndarray:
        if name not in people:
            return np.full(len(subjects), np.datetime64("NaT", "s"))
        return of_subjects(subjects, people[name]).to_numpy(dtype="datetime64[s]")

    periods = tuple(dates(name) for name in config.get("periods", []))
    own = dates("TRTSDT" if reference == "period" else reference)
    if reference == "period" and periods:
        own = np.where(np.isnat(own), periods[0], own)
    return Calendar(dates("TRTSDT"), own, periods)


def place(
    dates: np.ndarray, known: Calendar, windows: Config, *, by_period: bool = False
) -> Placement:
    """Return day, visit and period of dates.

    A date in no window is ``Unscheduled``. With `by_period`, days count from the start
    of the period that the date falls in, and from the reference before the first one.
    """
    period = period_of(dates, known.periods)
    origin = known.reference
    if by_period:
        for number, first in enumerate(known.periods, start=1):
            origin = np.where(period == number, first, origin)
    window_day = relative_day(dates, origin)
    visit = np.full(len(dates), UNSCHEDULED, dtype=object)
    numbers = np.full(len(dates), np.nan)
    own_period = np.where(np.isnat(dates), np.nan, period)
    placed = np.zeros(len(dates), dtype=bool)
    for name, window in windows.items():
        first, last = window["days"]
        at = float(window["number"])
        here = (window_day >= first) & (window_day <= last) & ~placed
        if by_period and at <= 0:
            # Baseline is the time before and at the start of period 1.
            here &= np.isnan(period) | (period == 1)
        visit[here], numbers[here] = name, at
        if at <= 0:
            # A value before treatment belongs to no period, on day 1 included.
            own_period[here] = np.nan
        placed |= here
    day = relative_day(dates, known.start)
    return Placement(day, window_day, visit, numbers, own_period)


def period_of(dates: np.ndarray, periods: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the number of the latest period that has started, from 1; NaN before."""
    found = np.full(len(dates), np.nan)
    for number, first in enumerate(periods, start=1):
        found[first <= dates] = number
    return found


def relative_day(dates: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Return the day of dates counted from an origin that is day 1; NaN without one.

    >>> day = np.array(["2025-03-01", "2025-02-28", "NaT"], dtype="datetime64[s]")
    >>> relative_day(day, np.array(["2025-03-01"] * 3, dtype="datetime64[s]")).tolist()
    [1.0, -1.0, nan]
    """
    apart = (dates - origin).astype("timedelta64[s]")
    days = np.where(np.isnat(apart), np.nan, apart.astype(np.int64) / 86_400.0)
    days = np.floor(days)
    return np.where(days >= 0, days + 1, days)


def visit_numbers(parameter: Config) -> dict[str, float]:
    """Return the visits of a parameter with their numbers, in the order configured."""
    visits = parameter.get("visits", {})
    if "windows" in visits or "names" in visits:
        named = visits.get("windows") or visits["names"]
        return {name: float(one["number"]) for name, one in named.items()}
    if "columns" in visits:
        return {v["visit"]: float(v["number"]) for v in visits["columns"].values()}
    if "visit" in visits:
        return {visits["visit"]: float(visits.get("number", 1))}
    return {}


def baseline_visit(parameter: Config) -> str | None:
    """Return the visit whose records are the baseline, None where no visit is."""
    baseline = parameter.get("baseline")
    if isinstance(baseline, Mapping):
        visit = baseline.get("visit")
        return None if visit is None else str(visit)
    return baseline
