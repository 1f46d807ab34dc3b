"""Days, windows and periods, counted by hand."""

import datetime as dt

import numpy as np
import pytest

from trialstats.clean.visits import Calendar, place

WINDOWS = {
    "Baseline": {"number": 0, "days": [-7, 1]},
    "Week 1": {"number": 1, "days": [2, 8]},
}
FIRST, SECOND = dt.date(2025, 3, 1), dt.date(2025, 5, 1)


def days(*dates):
    return np.array([date or "NaT" for date in dates], dtype="datetime64[s]")


CALENDAR = Calendar(days(FIRST), days(FIRST), (days(FIRST), days(SECOND)))


def first_of(placed):
    """Return visit, period and day of the only date, missing ones as None."""
    found = [placed.visit[0], placed.period[0], placed.day[0]]
    return tuple(None if one != one else one for one in found)


@pytest.mark.parametrize(
    ("date", "visit", "period", "day"),
    [
        (dt.date(2025, 2, 22), "Baseline", None, -7),
        (dt.date(2025, 2, 21), "Unscheduled", None, -8),
        (FIRST, "Baseline", None, 1),
        (dt.date(2025, 3, 2), "Week 1", 1, 2),
        (dt.date(2025, 3, 9), "Unscheduled", 1, 9),
        (SECOND, "Unscheduled", 2, 62),
        (dt.date(2025, 5, 8), "Week 1", 2, 69),
        (None, "Unscheduled", None, None),
    ],
)
def test_crossover_dates(date, visit, period, day):
    placed = place(days(date), CALENDAR, WINDOWS, by_period=True)
    assert first_of(placed) == (visit, period, day)


def test_without_a_start_nothing_is_scheduled():
    nowhere = Calendar(start=days(None), reference=days(None), periods=())
    placed = place(days(FIRST), nowhere, WINDOWS, by_period=False)
    assert first_of(placed) == ("Unscheduled", None, None)


@pytest.mark.parametrize(
    ("dates", "visit", "analysed"),
    [
        # The middle of days 5 to 11 is 8 March: two are as near, then one is there.
        (("2025-03-07", "2025-03-09"), "Week 1", "2025-03-07"),
        (("2025-03-09", "2025-03-08"), "Week 1", "2025-03-08"),
        (("2025-02-25", "2025-03-01"), "Baseline", "2025-03-01"),
    ],
)
def test_of_several_readings_in_a_window_one_is_analysed(clean, dates, visit, analysed):
    rows = "".join(f"01,{date},{50 + i}\n" for i, date in enumerate(dates))
    made = clean(scores=f"subject,date,score\n{rows}")
    bds = made.bds.query("PARAMCD == 'SCORE' and AVISIT == @visit and ANL01FL == 'Y'")
    assert [str(date.date()) for date in bds["ADT"]] == [analysed]
    assert "several in one window" in set(made.queries["kind"])
