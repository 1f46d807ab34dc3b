"""One trial laid out as the source tables of a site, still without any error.

Values are recorded as sites record them (one decimal, whole points) and clipped to the
range of their instrument; parameters are chosen so that clipping is rare. Study day 1
is the first day of treatment and the day before is day -1.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from trialstats.randomness import stream
from trialstats.simulation import trials
from trialstats.simulation.crossover import (
    CrossoverTrial,
    simulate_crossover,
)
from trialstats.simulation.designs import (
    BoolArray,
    FloatArray,
    IntArray,
    ParallelTrial,
    simulate_parallel,
)
from trialstats.simulation.events import simulate_events, with_serious_event

Tables = dict[str, pd.DataFrame]
Dates = Sequence[dt.date]

_REASONS = ("Adverse event", "Withdrawal by subject", "Lost to follow-up")
_ENTERED_BY = ("KM", "JS", "AL", "PT")


def fm_parallel_tables(seed: int) -> tuple[ParallelTrial, Tables]:
    """Draw FM-PARALLEL, with eight dropouts, and return it with its source tables."""
    design, rng = trials.FM_PARALLEL, stream(seed, "FM-PARALLEL", "tables")
    trial = simulate_parallel(
        design, stream(seed, design.trial, "design"), n_dropouts=8
    )
    n = trial.treated.size
    subjects = [f"FM-{i:03d}" for i in range(1, n + 1)]
    randomised, start = _calendar(rng, n, dt.date(2022, 2, 1), 330)
    people = _people(rng, subjects, randomised, women=np.ones(n, dtype=bool))
    people["age"] = np.clip(np.round(rng.normal(50.6, 8.8, n)), 21, 64).astype(int)
    people["height"] = np.round(rng.normal(167, 6, n)).astype(int)
    people["first_dose_on"] = start
    people["arm"] = np.where(trial.treated, "A", "B")
    pain = _recorded(trial, "PAINNRS", 1, 10)
    diary = _diary(rng, trial, subjects, start, "PAINNRS", {"pain": pain})
    diary["scale"] = "0-10"
    fiqr = _recorded(trial, "FIQR", 1, 100)
    visits = _visits(rng, trial, subjects, (randomised, start), {"fiqr": fiqr})
    ends = _ends(rng, trial, start, [(diary, "date"), (visits, "visit_date")], subjects)
    order = ["subject", "site", "sex", "age", "weight", "weight_unit", "height"]
    order += ["disease_years", "randomised_on", "first_dose_on", "arm"]
    return trial, {
        "demographics": people[order],
        "visits": visits,
        "diary": diary,
        "adverse_events": _parallel_events(seed, trial, subjects, start, ends),
        "disposition": _disposition(rng, subjects, trial.completed, ends),
    }


def crohn_tables(seed: int) -> tuple[ParallelTrial, Tables]:
    """Draw CD-PARALLEL, with four dropouts, and return it with its source tables."""
    design, rng = trials.CD_PARALLEL, stream(seed, "CD-PARALLEL", "tables")
    trial = simulate_parallel(
        design, stream(seed, design.trial, "design"), n_dropouts=4
    )
    n = trial.treated.size
    subjects = [f"CD-{i:03d}" for i in range(1, n + 1)]
    randomised, start = _calendar(rng, n, dt.date(2020, 9, 1), 400)
    people = _people(rng, subjects, randomised, women=rng.random(n) < 0.55)
    people["age"] = np.clip(np.round(rng.normal(43, 13, n)), 19, 78).astype(int)
    people["first_dose_on"] = start
    people["arm"] = np.where(trial.treated, "A", "B")
    cdai = _recorded(trial, "CDAI", 0, 1100)
    crp = np.clip(np.round(np.exp(_values(trial, "LOGCRP")), 1), 0.1, 300)
    values = {"cdai": cdai.astype(int), "crp": crp}
    visits = _visits(rng, trial, subjects, (randomised, start), values)
    visits.insert(list(visits).index("crp") + 1, "crp_unit", "mg/L")
    stools = _recorded(trial, "STOOLS", 0, 140).astype(int)
    diary = _diary(rng, trial, subjects, start, "STOOLS", {"stools": stools})
    ends = _ends(rng, trial, start, [(diary, "date"), (visits, "visit_date")], subjects)
    order = ["subject", "site", "sex", "age", "weight", "weight_unit"]
    order += ["disease_years", "randomised_on", "first_dose_on", "arm"]
    return trial, {
        "demographics": people[order],
        "visits": visits,
        "diary": diary,
        "adverse_events": _parallel_events(seed, trial, subjects, start, ends),
        "disposition": _disposition(rng, subjects, trial.completed, ends),
    }


def fm_crossover_tables(seed: int) -> tuple[CrossoverTrial, Tables]:
    """Draw FM-CROSSOVER, with three dropouts, and return it with its source tables."""
    design, rng = trials.FM_CROSSOVER, stream(seed, "FM-CROSSOVER", "tables")
    trial = simulate_crossover(
        design, stream(seed, design.trial, "design"), n_dropouts=3
    )
    n = trial.treatment_first.size
    subjects = [f"FX-{i:03d}" for i in range(1, n + 1)]
    randomised, start = _calendar(rng, n, dt.date(2021, 3, 1), 240)
    people = _people(rng, subjects, randomised, women=np.ones(n, dtype=bool))
    people["age"] = np.clip(np.round(rng.normal(43, 11, n)), 22, 68).astype(int)
    people["period_1_start"] = start
    second = [day + dt.timedelta(days=design.second_start - 1) for day in start]
    reached = trial.last_day >= design.second_start
    people["period_2_start"] = [
        day if there else None for day, there in zip(second, reached, strict=True)
    ]
    people["sequence"] = np.where(trial.treatment_first, "AB", "BA")
    visits = _crossover_visits(rng, trial, subjects, randomised, start)
    ends = [
        max([day + dt.timedelta(days=int(last) - 1), *_dates_of(visits, subject)])
        for subject, day, last in zip(subjects, start, trial.last_day, strict=True)
    ]
    order = ["subject", "site", "sex", "age", "weight", "weight_unit", "disease_years"]
    order += ["randomised_on", "period_1_start", "period_2_start", "sequence"]
    return trial, {
        "demographics": people[order],
        "visits": visits,
        "diary": _daily_diary(rng, trial, subjects, start),
        "adverse_events": _crossover_events(seed, trial, subjects, start),
        "disposition": _disposition(rng, subjects, trial.completed, ends),
    }


def _calendar(
    rng: np.random.Generator, n: int, first: dt.date, days: int
) -> tuple[list[dt.date], list[dt.date]]:
    """Return the dates of randomisation, in order, and of the first dose."""
    offsets = np.sort(rng.integers(0, days, size=n))
    waits = rng.integers(0, 4, size=n)
    randomised = [first + dt.timedelta(days=int(d)) for d in offsets]
    start = [
        day + dt.timedelta(days=int(w))
        for day, w in zip(randomised, waits, strict=True)
    ]
    return randomised, start


def _people(
    rng: np.random.Generator, subjects: list[str], randomised: Dates, women: BoolArray
) -> pd.DataFrame:
    n = len(subjects)
    weight = np.where(women, rng.normal(74, 13, n), rng.normal(82, 13, n))
    return pd.DataFrame(
        {
            "subject": subjects,
            "site": [f"{site:02d}" for site in rng.integers(1, 4, size=n)],
            "sex": np.where(women, "F", "M"),
            "weight": np.round(np.clip(weight, 46, 140), 1),
            "weight_unit": "kg",
            "disease_years": np.clip(np.round(rng.gamma(2.2, 4.5, n)), 1, 40).astype(
                int
            ),
            "randomised_on": randomised,
        }
    )


def _values(trial: ParallelTrial, outcome: str) -> FloatArray:
    """Return baseline and later values, shape (n, 1 + weeks)."""
    base = trial.baseline[outcome][:, None]
    return np.concatenate([base, base + trial.change[outcome]], axis=1)


def _recorded(
    trial: ParallelTrial, outcome: str, decimals: int, highest: float
) -> FloatArray:
    return np.clip(np.round(_values(trial, outcome), decimals), 0, highest)


def _diary(
    rng: np.random.Generator,
    trial: ParallelTrial,
    subjects: list[str],
    start: Dates,
    outcome: str,
    columns: Mapping[str, FloatArray | IntArray],
) -> pd.DataFrame:
    """Return one entry before treatment and one near day 8, 15, ... of each week."""
    weeks = trial.design.outcomes[outcome].weeks
    rows = []
    for i, subject in enumerate(subjects):
        before = -int(rng.integers(1, 7))
        shifts = rng.integers(-2, 3, size=len(weeks))
        offsets = [
            before,
            *(7 * w + int(s) for w, s in zip(weeks, shifts, strict=True)),
        ]
        for k, (week, offset) in enumerate(zip((0, *weeks), offsets, strict=True)):
            if week <= trial.last_week[i]:
                day = start[i] + dt.timedelta(days=offset)
                cells = {name: v[i, k].item() for name, v in columns.items()}
                rows.append({"subject": subject, "date": day, **cells})
    return pd.DataFrame(rows)


def _visits(
    rng: np.random.Generator,
    trial: ParallelTrial,
    subjects: list[str],
    dates: tuple[Dates, Dates],
    columns: Mapping[str, FloatArray | IntArray],
) -> pd.DataFrame:
    """Return the visits at baseline, on the day of randomisation, and every 4 weeks."""
    randomised, start = dates
    weeks = (4, 8, 12)
    rows = []
    for i, subject in enumerate(subjects):
        shifts = rng.integers(-4, 5, size=len(weeks))
        initials = rng.choice(_ENTERED_BY, size=1 + len(weeks)).tolist()
        for k, week in enumerate((0, *weeks)):
            if week > trial.last_week[i]:
                continue
            day = randomised[i]
            if week:
                day = start[i] + dt.timedelta(days=7 * week + int(shifts[k - 1]))
            row = {"subject": subject, "visit": f"Week {week}" if week else "Baseline"}
            cells = {name: values[i, k].item() for name, values in columns.items()}
            rows.append(row | {"visit_date": day} | cells | {"entered_by": initials[k]})
    return pd.DataFrame(rows)


def _crossover_visits(
    rng: np.random.Generator,
    trial: CrossoverTrial,
    subjects: list[str],
    randomised: Dates,
    start: Dates,
) -> pd.DataFrame:
    values = np.column_stack([trial.baseline_impact, trial.impact])
    recorded = np.clip(np.round(values, 1), 0, 100)
    rows = []
    for i, subject in enumerate(subjects):
        shifts = rng.integers(-2, 4, size=2)
        ends = (trial.design.period_days + 1, trial.design.last_day + 1)
        days = [end + int(shift) for end, shift in zip(ends, shifts, strict=True)]
        seen = [True, trial.last_day[i] >= days[0], bool(trial.completed[i])]
        dates = [randomised[i], *(start[i] + dt.timedelta(days=d - 1) for d in days)]
        names = ("Baseline", "Period 1 Week 6", "Period 2 Week 6")
        initials = rng.choice(_ENTERED_BY, size=3).tolist()
        for k, name in enumerate(names):
            if seen[k]:
                row = {"subject": subject, "visit": name, "visit_date": dates[k]}
                rows.append(
                    row | {"fiqr": recorded[i, k].item(), "entered_by": initials[k]}
                )
    return pd.DataFrame(rows)


def _daily_diary(
    rng: np.random.Generator, trial: CrossoverTrial, subjects: list[str], start: Dates
) -> pd.DataFrame:
    """Return an entry for each day but the washout; 3 % of the days are forgotten."""
    n, design = len(subjects), trial.design
    length = design.period_days
    later = np.concatenate(
        [np.arange(length), design.second_start - 1 + np.arange(length)]
    )
    offsets = np.concatenate([np.arange(-7, 0), later])
    pain = np.concatenate([trial.baseline_pain, trial.pain.reshape(n, -1)], axis=1)
    recorded = np.clip(np.round(pain, 1), 0, 10)
    seen = np.concatenate(
        [np.ones((n, 7), dtype=bool), trial.observed.reshape(n, -1)], axis=1
    )
    written = seen & (rng.random(seen.shape) >= 0.03)
    subject, position = np.nonzero(written)
    return pd.DataFrame(
        {
            "subject": np.asarray(subjects)[subject],
            "date": [
                start[i] + dt.timedelta(days=int(offsets[k]))
                for i, k in zip(subject.tolist(), position.tolist(), strict=True)
            ],
            "pain": recorded[subject, position],
            "scale": "0-10",
        }
    )


def _dates_of(visits: pd.DataFrame, subject: str) -> list[dt.date]:
    return list(visits.loc[visits["subject"] == subject, "visit_date"])


def _ends(
    rng: np.random.Generator,
    trial: ParallelTrial,
    start: Dates,
    records: Sequence[tuple[pd.DataFrame, str]],
    subjects: Sequence[str],
) -> list[dt.date]:
    """Return the date of the last contact: never before a record of the subject."""
    ends = []
    for i, subject in enumerate(subjects):
        seen = [d for f, c in records for d in f.loc[f["subject"] == subject, c]]
        if not trial.completed[i]:
            days = 7 * int(trial.last_week[i]) + int(rng.integers(2, 5))
            seen.append(start[i] + dt.timedelta(days=days))
        ends.append(max(seen))
    return ends


def _disposition(
    rng: np.random.Generator, subjects: list[str], completed: BoolArray, ends: Dates
) -> pd.DataFrame:
    reasons = rng.permutation(np.resize(_REASONS, int((~completed).sum())))
    reason = np.full(len(subjects), None, dtype=object)
    reason[~completed] = reasons
    return pd.DataFrame(
        {
            "subject": subjects,
            "completed": np.where(completed, "Y", "N"),
            "reason": reason,
            "last_date": ends,
        }
    )


def _parallel_events(
    seed: int, trial: ParallelTrial, subjects: list[str], start: Dates, ends: Dates
) -> pd.DataFrame:
    name = trial.design.trial
    rng = stream(seed, name, "adverse events")
    days = np.array([(e - s).days + 1 for s, e in zip(start, ends, strict=True)])
    drawn = simulate_events(trials.EVENTS[name], trial.treated, days, rng)
    return _dated(with_serious_event(drawn, trials.SERIOUS[name], rng), subjects, start)


def _crossover_events(
    seed: int, trial: CrossoverTrial, subjects: list[str], start: Dates
) -> pd.DataFrame:
    """Return events of both periods; none starts in the washout."""
    design = trial.design
    rng = stream(seed, design.trial, "adverse events")
    parts = []
    for period, first in enumerate((1, design.second_start)):
        days = np.minimum(trial.last_day - first + 1, design.period_days)
        (there,) = np.nonzero(days > 0)
        terms = trials.EVENTS[design.trial]
        part = simulate_events(terms, trial.treated[there, period], days[there], rng)
        part["subject"] = there[part["subject"].to_numpy()]
        part["day"] += first - 1
        parts.append(part)
    together = pd.concat(parts, ignore_index=True)
    events = with_serious_event(together, trials.SERIOUS[design.trial], rng)
    return _dated(events, subjects, start)


def _dated(events: pd.DataFrame, subjects: list[str], start: Dates) -> pd.DataFrame:
    person = events["subject"].tolist()
    days = events["day"].tolist()
    return pd.DataFrame(
        {
            "subject": [subjects[i] for i in person],
            "event": events["event"].tolist(),
            "start_date": [
                start[i] + dt.timedelta(days=d - 1)
                for i, d in zip(person, days, strict=True)
            ],
            "severity": events["severity"].tolist(),
            "serious": events["serious"].tolist(),
            "related": events["related"].tolist(),
        }
    )
