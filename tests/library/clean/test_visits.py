"""Days, windows and periods, counted by hand."""

import datetime as dt

import pytest

from trialstats.clean.visits import Calendar, place

WINDOWS = {
    "Baseline": {"number": 0, "days": [-7, 1]},
    "Week 1": {"number": 1, "days": [2, 8]},
}
FIRST, SECOND = dt.date(2025, 3, 1), dt.date(2025, 5, 1)
CALENDAR = Calendar(start=FIRST, reference=FIRST, periods=(FIRST, SECOND))


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
    placed = place(date, CALENDAR, WINDOWS, by_period=True)
    assert (placed.visit, placed.period, placed.day) == (visit, period, day)


def test_without_a_start_nothing_is_scheduled():
    nowhere = Calendar(start=None, reference=None, periods=())
    placed = place(FIRST, nowhere, WINDOWS, by_period=False)
    assert (placed.visit, placed.day) == ("Unscheduled", None)


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
