"""The raw files of the trial and of the synthesis of `docs/gallery.md`.

A made-up trial of two doses of a tablet against placebo in chronic low back pain, over
twelve weeks. It has one of everything that a figure or a table of a trial shows:
measurements over time, an ordered scale, laboratory values with their ranges, a time to
an event, adverse events with their classes, and people who leave early.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from trialstats.randomness import stream

#: Fixed once; every byte follows from it.
SEED = 20251128

FOLDER = "data/raw/back_pain"

_ARMS = ("Placebo", "Low dose", "High dose")

#: Points by which pain falls at week 12 and chance of an event a week, by arm.
_FALL = {"Placebo": 1.1, "Low dose": 1.7, "High dose": 2.2}
_RESCUE = {"Placebo": 0.055, "Low dose": 0.04, "High dose": 0.025}

_WEEKS = (0, 2, 4, 8, 12)

#: Class, preferred term, and its chance under placebo and under the high dose.
_EVENTS = (
    ("Nervous system disorders", "Headache", 0.16, 0.20),
    ("Nervous system disorders", "Vivid dreams", 0.03, 0.22),
    ("Nervous system disorders", "Dizziness", 0.06, 0.11),
    ("Gastrointestinal disorders", "Nausea", 0.07, 0.19),
    ("Gastrointestinal disorders", "Diarrhoea", 0.08, 0.10),
    ("Gastrointestinal disorders", "Dry mouth", 0.02, 0.08),
    ("Infections and infestations", "Nasopharyngitis", 0.14, 0.12),
    ("Infections and infestations", "Influenza", 0.05, 0.04),
    ("General disorders", "Fatigue", 0.09, 0.13),
    ("Musculoskeletal disorders", "Back pain", 0.10, 0.05),
    ("Skin disorders", "Rash", 0.03, 0.03),
)

_REASONS = ("Adverse event", "Lack of efficacy", "Withdrawal by subject", "Lost")

_PEOPLE = 150
_FIRST_DAY = dt.date(2024, 1, 8)

Line = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    subject: str
    site: int
    sex: str
    age: int
    arm: str
    start: dt.date | None
    last_week: float
    reason: str
    pain: float
    slope: float


def gallery_files(seed: int = SEED) -> dict[str, bytes]:
    """Return the raw files by their paths below the dossier.

    Parameters
    ----------
    seed : int
        Seed of all random numbers.

    Returns
    -------
    dict of str to bytes

    Examples
    --------
    >>> [path.rpartition("/")[2] for path in gallery_files()][:5]
    ['subjects.csv', 'visits.csv', 'laboratory.csv', 'events.csv', 'rescue.csv']
    """
    people = list(_people(stream(seed, "gallery", "people")))
    tables = {
        "subjects": _subjects(people),
        "visits": _visits(people, stream(seed, "gallery", "visits")),
        "laboratory": _laboratory(people, stream(seed, "gallery", "laboratory")),
        "events": _adverse_events(people, stream(seed, "gallery", "events")),
        "rescue": _rescue(people, stream(seed, "gallery", "rescue")),
    }
    files = {f"{FOLDER}/{name}.csv": _text(lines) for name, lines in tables.items()}
    studies = list(_studies(stream(seed, "gallery", "studies")))
    judged = _judgements(studies, stream(seed, "gallery", "judgements"))
    return files | {
        "data/response.csv": _text(studies),
        "data/risk_of_bias.csv": _text(judged),
        "data/certainty.csv": _text(_CERTAINTY),
    }


_CERTAINTY = (
    ("synthesis", "domain", "levels", "reason"),
    ("response", "risk of bias", -1, "Two trials have a high risk of bias"),
    ("response", "inconsistency", 0, "Intervals overlap"),
    ("response", "indirectness", 0, "The question of the review"),
    ("response", "imprecision", 0, "The interval excludes no effect"),
    ("response", "publication bias", 0, "No asymmetry"),
)


def _studies(rng: np.random.Generator) -> Iterator[Line]:
    """Yield responders and participants of each arm; the dose differs."""
    yield (
        *("trial", "dose", "responders_drug", "n_drug", "responders_placebo"),
        "n_placebo",
    )
    for number, size in enumerate((24, 31, 40, 46, 58, 75, 92, 130, 64, 38), start=1):
        dose = "high" if number % 2 else "low"
        base = float(np.clip(rng.normal(0.28, 0.05), 0.1, 0.5))
        ratio = float(np.exp(rng.normal(0.55 if dose == "high" else 0.25, 0.15)))
        n_drug, n_placebo = size + int(rng.integers(0, 4)), size
        drug = int(rng.binomial(n_drug, min(base * ratio, 0.9)))
        placebo = int(rng.binomial(n_placebo, base))
        yield (f"Trial {number}", dose, drug, n_drug, placebo, n_placebo)


def _judgements(studies: list[Line], rng: np.random.Generator) -> Iterator[Line]:
    """Yield the risk of bias of each domain of each trial."""
    yield ("trial_id", "outcome", "domain", "judgement", "reason", "source")
    words = ("low", "some concerns", "high")
    for trial, *_ in studies[1:]:
        found = rng.choice(3, size=5, p=(0.68, 0.25, 0.07))
        for place, level in enumerate([*found, max(found)], start=1):
            domain = f"D{place}" if place < 6 else "overall"
            yield (trial, None, domain, words[level], "Made up", "Made up")


def _text(lines: Iterable[Line]) -> bytes:
    written = (
        ",".join("" if cell is None else str(cell) for cell in line) for line in lines
    )
    return ("\n".join(written) + "\n").encode()


def _people(rng: np.random.Generator) -> Iterator[_Person]:
    """Yield who is randomised; two are never dosed."""
    blocks = [rng.permutation(np.repeat(_ARMS, 2)) for _ in range(_PEOPLE // 6)]
    for number, arm in enumerate(np.concatenate(blocks), start=1):
        site = int(rng.integers(1, 5))
        stops = rng.random() < (0.12 if arm == "Placebo" else 0.16)
        last = round(float(rng.uniform(1.5, 11)), 1) if stops else 12.0
        reason = str(rng.choice(_REASONS, p=(0.4, 0.25, 0.25, 0.1)))
        day = _FIRST_DAY + dt.timedelta(days=int(2 * number + rng.integers(0, 3)))
        yield _Person(
            subject=f"{site}{number:03d}",
            site=site,
            sex="F" if rng.random() < 0.58 else "M",
            age=int(rng.integers(22, 78)),
            arm=str(arm),
            start=None if number in (41, 97) else day,
            last_week=last,
            reason=reason if stops else "",
            pain=float(np.clip(rng.normal(6.4, 1.1), 4, 10)),
            slope=float(rng.normal(_FALL[str(arm)], 1.3)),
        )


def _dosed(people: Iterable[_Person]) -> Iterator[tuple[_Person, dt.date]]:
    return ((one, one.start) for one in people if one.start is not None)


def _subjects(people: list[_Person]) -> Iterator[Line]:
    yield (
        *("subject", "site", "sex", "age", "arm", "randomised", "first_dose"),
        *("last_dose", "status", "reason"),
    )
    for one in people:
        base = (one.subject, one.site, one.sex, one.age, one.arm)
        if one.start is None:
            yield (*base, _FIRST_DAY, None, None, "DISCONTINUED", "Not dosed")
            continue
        last = one.start + dt.timedelta(days=round(7 * one.last_week))
        status = "DISCONTINUED" if one.reason else "COMPLETED"
        before = one.start - dt.timedelta(days=1)
        yield (*base, before, one.start, last, status, one.reason or None)


def _visits(people: list[_Person], rng: np.random.Generator) -> Iterator[Line]:
    """Yield pain, and the change as the patient sees it: 1 better, 7 worse."""
    yield ("subject", "visit", "date", "pain", "impression")
    for one, start in _dosed(people):
        for week in _WEEKS:
            if week > one.last_week or (week and rng.random() < 0.03):
                continue
            fall = one.slope * (1 - np.exp(-week / 4)) / (1 - np.exp(-3))
            pain = float(np.clip(one.pain - fall + rng.normal(0, 0.7), 0, 10))
            felt = int(np.clip(round(4 - fall + rng.normal(0, 0.9)), 1, 7))
            late = int(rng.integers(-2, 3)) if week else 0
            yield (
                one.subject,
                f"Week {week}" if week else "Baseline",
                start + dt.timedelta(days=7 * week + late),
                f"{pain:.1f}",
                felt if week else None,
            )


def _laboratory(people: list[_Person], rng: np.random.Generator) -> Iterator[Line]:
    """Yield alanine aminotransferase with its range; the drug raises it a little."""
    yield ("subject", "visit", "date", "alt", "low", "high")
    for one, start in _dosed(people):
        level = float(np.exp(rng.normal(3.2, 0.45)))
        for week in (0, 4, 12):
            if week > one.last_week:
                continue
            rise = 1 + (0.025 * week if one.arm == "High dose" else 0)
            value = level * rise * float(np.exp(rng.normal(0, 0.18)))
            day = start + dt.timedelta(days=7 * week)
            visit = f"Week {week}" if week else "Baseline"
            yield (one.subject, visit, day, f"{value:.0f}", 10, 45)


def _adverse_events(people: list[_Person], rng: np.random.Generator) -> Iterator[Line]:
    yield (
        *("subject", "class", "term", "start", "severity", "serious", "related"),
        "action",
    )
    for one, start in _dosed(people):
        dose = _ARMS.index(one.arm) / 2
        for group, term, least, most in _EVENTS:
            for _ in range(2):
                if rng.random() >= (least + dose * (most - least)) / 1.4:
                    continue
                day = start + dt.timedelta(days=int(rng.integers(1, 80)))
                severity = str(
                    rng.choice(["MILD", "MODERATE", "SEVERE"], p=(0.6, 0.32, 0.08))
                )
                serious = "Y" if severity == "SEVERE" and rng.random() < 0.3 else "N"
                related = str(rng.choice(["RELATED", "NOT RELATED"]))
                stopped = one.reason == "Adverse event" and rng.random() < 0.3
                action = "DRUG WITHDRAWN" if stopped else "DOSE NOT CHANGED"
                yield (
                    *(one.subject, group, term, day, severity, serious, related),
                    action,
                )


def _rescue(people: list[_Person], rng: np.random.Generator) -> Iterator[Line]:
    """Yield days to the first rescue medicine, or to the last day without."""
    yield ("subject", "days", "rescue")
    for one, _ in _dosed(people):
        week = float(rng.exponential(1 / _RESCUE[one.arm]))
        happened = week < one.last_week
        days = max(1, round(7 * min(week, one.last_week)))
        yield (one.subject, days, "yes" if happened else "no")
