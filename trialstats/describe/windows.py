"""Draft the visits of dated rows: windows of days around weeks."""

import re
from itertools import pairwise
from typing import Any

import pandas as pd

from trialstats.describe.columns import Column
from trialstats.describe.covariates import dates_of
from trialstats.describe.crossover import Crossover
from trialstats.describe.study import Study
from trialstats.describe.subjects import Table


def windows_of(
    study: Study,
    table: Table,
    date: Column,
    visit: str | None,
    crossover: Crossover | None,
) -> tuple[dict[str, Any], str, dict[str, Any]] | None:
    """Return visits by windows of days, why, and how several days are summarised."""
    start = _start(study, crossover)
    if start is None:
        return None
    reference = start[0]
    by_period = bool(crossover and crossover.starts)
    spec: dict[str, Any] = {"reference": "period" if by_period else reference}
    summary: dict[str, Any] = {}
    if visit is None and not by_period:
        found = clusters_of(_days(study, table, date, start[1]))
        if found is not None:
            spec["windows"], weeks = found
            shown = ", ".join(f"{week}" for week in weeks)
            return spec, f"{date.name} lies around the weeks {shown}", {}
    if visit is not None:
        spec["nominal"] = visit
        weeks = _named_weeks(table.columns[visit])
        reach = 7
        how = f"windows of a week on both sides of the weeks named in {visit}"
    else:
        step = _step(table, date)
        last = _last_day(study, table, date, crossover)
        if step is None or last is None:
            return None
        reach = 3
        weeks = list(range(step // 7 or 1, last // 7 + 1, step // 7 or 1))
        how = f"{date.name} comes every {step} day{'s' if step > 1 else ''}"
        if step < 7:
            summary = {"summarise": {"statistic": "mean", "at_least": 4, "of": 7}}
    if not weeks:
        return None
    first = -14 if visit is not None else -7
    before = -1 if summary else 1
    windows = {"Baseline": {"number": 0, "days": [first, before]}}
    for week in weeks:
        days = [7 * week + 1 - reach, 7 * week + 1 + reach]
        if summary:
            days = [7 * week - 6, 7 * week]
        windows[f"Week {week}"] = {"number": week, "days": days}
    spec["windows"] = windows
    return spec, how, summary


def _start(study: Study, crossover: Crossover | None) -> tuple[str, Column] | None:
    """Return the variable from which days count, and its column."""
    subjects = study.subjects
    if crossover and crossover.starts:
        return "TRTSDT", subjects.columns[crossover.starts[0]]
    found = {
        variable: subjects.columns[name]
        for name, (variable, _) in dates_of(
            subjects, study.used[study.main], {}
        ).items()
    }
    for variable in ("TRTSDT", "RANDDT"):
        if variable in found:
            return variable, found[variable]
    return None


def _named_weeks(column: Column) -> list[int]:
    found = {
        int(match[1])
        for level in column.levels
        if (match := re.search(r"week\s*(\d+)", level.lower()))
    }
    return sorted(found - {0})


def _step(table: Table, date: Column) -> int | None:
    """Return the usual number of days between the rows of a subject."""
    frame = _dated(table, date).sort_values(["subject", "date"], kind="stable")
    steps = frame.groupby("subject")["date"].diff().dt.days.dropna()
    steps = steps[steps > 0]
    if len(steps) < 5:
        return None
    usual = float(steps.median())
    return int(max(1, 7 * round(usual / 7) if usual >= 5 else round(usual)))


def _dated(table: Table, date: Column) -> pd.DataFrame:
    names = table.columns[table.subject].cells if table.subject else None
    frame = pd.DataFrame({"subject": names, "date": date.days})
    frame["date"] = pd.to_datetime(frame["date"])
    return frame.dropna()


def _last_day(
    study: Study, table: Table, date: Column, crossover: Crossover | None
) -> int | None:
    """Return the day, from the start of treatment, that most subjects reach."""
    start = _start(study, crossover)
    if start is None or study.subjects.subject is None:
        return None
    subjects = study.subjects
    origin = _dated(subjects, start[1]).drop_duplicates("subject")
    frame = _dated(table, date)
    begins = frame["subject"].map(origin.set_index("subject")["date"])
    day = (frame["date"] - begins).dt.days.dropna()
    last = day.groupby(frame["subject"]).max()
    last = last[last > 0]
    if not len(last):
        return None
    reached = int(last.quantile(0.75)) + 3
    if crossover and len(crossover.starts) > 1:
        second = _dated(subjects, subjects.columns[crossover.starts[1]])
        length = (
            second.set_index("subject")["date"] - origin.set_index("subject")["date"]
        )
        other = frame["subject"].map(second.set_index("subject")["date"])
        period = (frame["date"] - other.where(frame["date"] >= other, begins)).dt.days
        limit = float(length.dt.days.median())
        longest = period[period < limit].groupby(frame["subject"]).max()
        return min(int(longest.quantile(0.75)) + 3, int(limit))
    return reached


def _days(study: Study, table: Table, date: Column, start: Column) -> pd.DataFrame:
    """Return subject and day of each row; the first day of treatment is day 0."""
    origin = _dated(study.subjects, start).drop_duplicates("subject")
    frame = _dated(table, date)
    begins = frame["subject"].map(origin.set_index("subject")["date"])
    frame["day"] = (frame["date"] - begins).dt.days
    return frame.dropna()[["subject", "day"]]


def clusters_of(
    frame: pd.DataFrame,
) -> tuple[dict[str, dict[str, Any]], list[int]] | None:
    """Return windows around the days that subjects have in common, with their weeks.

    Days further apart than others part two visits: the least distance at which a
    subject has one row a visit and each visit is one of many subjects. A window has as
    many days before that of its week as after and with it: a quarter of those from the
    visit before, or to the next visit where that is less. It takes in all days of its
    visit.

    Parameters
    ----------
    frame : DataFrame
        Columns ``subject`` and ``day``, from 0 on.

    Returns
    -------
    dict and list of int, or None
        None where no distance parts the days so, or none of them is a baseline.
    """
    if len(frame) < 10 or frame.groupby("subject").size().median() > 15:
        return None
    ordered = frame.sort_values("day", kind="stable")
    gaps = ordered["day"].diff().fillna(0.0)
    for apart in (2, 3, 5, 7, 10, 14, 21, 28):
        visits = (gaps > apart).cumsum()
        once = not ordered.assign(visit=visits).duplicated(["subject", "visit"]).any()
        common = ordered.groupby(visits)["subject"].nunique()
        if once and (common >= 0.3 * ordered["subject"].nunique()).all():
            groups = ordered.groupby(visits)["day"].agg(["min", "median", "max"])
            return _around([tuple(row) for row in groups.itertuples(index=False)])
    return None


def _around(
    visits: list[tuple[float, float, float]],
) -> tuple[dict[str, dict[str, Any]], list[int]] | None:
    """Return windows by the first, the middle and the last day of each visit."""
    before = [visit for visit in visits if visit[1] <= 1]
    after = visits[len(before) :]
    weeks = [0, *(round(middle / 7) for _, middle, _ in after)]
    if not before or not after or weeks != sorted(set(weeks)):
        return None
    # The first day of treatment, day 0 of the rows, is day 1; the one before it is -1.
    first, last = min(-14, int(before[0][0])), max(1, int(before[-1][2]) + 1)
    windows: dict[str, dict[str, Any]] = {"Baseline": {"number": 0}}
    windows["Baseline"]["days"] = [first, last]
    quarters = [
        max(3, round(7 * (later - week) / 4)) for week, later in pairwise(weeks)
    ]
    for place, (week, (low, _, high)) in enumerate(zip(weeks[1:], after, strict=True)):
        reach, begin, end = quarters[place], int(low) + 1, int(high) + 1
        following = min([reach, *quarters[place + 1 : place + 2]])
        # The days of the visits before and after it are theirs.
        begin = max(last + 1, min(begin, 7 * week + 1 - reach))
        last = max(end, 7 * week + following)
        windows[f"Week {week}"] = {"number": week, "days": [begin, last]}
    return windows, weeks
