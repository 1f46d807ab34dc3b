"""The raw files of the trial of `docs/tutorial.md`, with the flaws that it mends.

A made-up trial of migraine prophylaxis: four weeks without treatment, twelve with; a
diary of every day, three visits, two sites that write dates, weights and numbers in
their own ways.
"""

import datetime as dt
import gzip
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from trialstats.randomness import stream
from trialstats.simulation.workbook import workbook_bytes

#: Fixed once; every byte follows from it.
SEED = 20250107

PATIENTS = 48
FIRST_DAY = dt.date(2024, 3, 4)
FOLDER = "data/raw/migraine"

#: Days of the visits, counted from the first dose as day 0.
VISITS = {"baseline": -1, "week_4": 28, "week_12": 84}

_TERMS = ("Dizziness", "Nausea", "Fatigue", "Tingling", "Common cold")

Rows = list[list[Any]]


def tutorial_files(seed: int = SEED) -> dict[str, bytes]:
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
    >>> sorted(path.rpartition("/")[2] for path in tutorial_files())[:2]
    ['adverse_events.xlsx', 'demographics.csv']
    """
    patients = _patients(stream(seed, "tutorial", "patients"))
    visits = _visits(patients, stream(seed, "tutorial", "visits"))
    files = {
        "demographics.csv": _text(_demographics(patients), ";").encode("latin-1"),
        "diary.csv.gz": gzip.compress(
            _text(_diary(patients, stream(seed, "tutorial", "diary"))).encode(), mtime=0
        ),
        "adverse_events.xlsx": _events(patients, stream(seed, "tutorial", "events")),
    }
    files |= {
        f"visit_{name}.csv": _text(rows).encode() for name, rows in visits.items()
    }
    return {f"{FOLDER}/{name}": content for name, content in files.items()}


def _text(rows: Iterable[Iterable[Any]], delimiter: str = ",") -> str:
    return "".join(
        delimiter.join("" if cell is None else str(cell) for cell in row) + "\n"
        for row in rows
    )


def _patients(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return who takes part: what is true, before anybody writes it down."""
    people = []
    for number in range(1, PATIENTS + 1):
        site = 1 + number % 2
        start = FIRST_DAY + dt.timedelta(days=int(5 * number + rng.integers(0, 4)))
        stops = int(rng.integers(20, 70)) if rng.random() < 0.15 else None
        people.append(
            {
                "id": f"M{site}-{number:03d}",
                "site": site,
                "start": start,
                "arm": "AB"[int(rng.permuted([0, 1])[0])],
                "sex": "fm"[int(rng.random() < 0.25)],
                "age": int(rng.integers(19, 66)),
                "height": round(float(rng.normal(1.7, 0.08)), 2),
                "weight": round(float(rng.normal(72, 11)), 1),
                "days": float(rng.uniform(6, 13)),
                "stops": stops,
                "reason": str(rng.choice(["adverse event", "consent withdrawn"])),
            }
        )
    return people


def _demographics(patients: list[dict[str, Any]]) -> Rows:
    """Return one row a patient, semicolons and decimal commas; one was sent twice."""
    rows: Rows = [
        [
            "patient",
            "site",
            "group",
            "sex",
            "age",
            "height_m",
            "randomised",
            "first_dose",
            "last_dose",
            "completed",
            "reason",
        ]
    ]
    for one in patients:
        last = one["start"] + dt.timedelta(days=one["stops"] or 84)
        height = f"{one['height']:.2f}".replace(".", ",")
        if one["id"].endswith("017"):
            height = f"{100 * one['height']:.0f}"  # in centimetres
        written = "%Y-%m-%d" if one["site"] == 1 else "%d.%m.%Y"
        age = 430 if one["id"].endswith("022") else one["age"]  # a slip of a finger
        dates = (one["start"] - dt.timedelta(days=2), one["start"], last)
        rows.append(
            [
                *(one["id"], one["site"], one["arm"], one["sex"], age, height),
                *(f"{day:{written}}" for day in dates),
                "no" if one["stops"] else "yes",
                one["reason"] if one["stops"] else None,
            ]
        )
    rows.insert(9, list(rows[8]))
    return rows


def _diary(patients: list[dict[str, Any]], rng: np.random.Generator) -> Rows:
    """Return one row a day: whether there was a migraine, and how bad it was."""
    rows: Rows = [["patient", "day", "migraine", "severity"]]
    for one in patients:
        kept = float(rng.uniform(0.9, 1.0))
        for day in range(-28, (one["stops"] or 84) + 1):
            if rng.random() > kept:
                continue  # A day without an entry.
            chance = one["days"] / 28
            if day > 0:
                gain = 0.35 if one["arm"] == "A" else 0.15
                chance *= 1 - gain * min(1, day / 28)
            migraine = rng.random() < chance
            severity: Any = int(rng.integers(3, 11)) if migraine else 0
            if migraine and rng.random() < 0.02:
                severity = "NK"  # Not known.
            date = one["start"] + dt.timedelta(days=day)
            rows.append([one["id"], date, "yes" if migraine else "no", severity])
    return rows


def _visits(
    patients: list[dict[str, Any]], rng: np.random.Generator
) -> dict[str, Rows]:
    """Return one table a visit; site 2 weighs in pounds."""
    found: dict[str, Rows] = {}
    for name, day in VISITS.items():
        rows: Rows = [["patient", "date", "weight", "unit", "impact"]]
        for one in patients:
            if one["stops"] and day > one["stops"]:
                continue
            late = int(rng.integers(-3, 4)) if day > 0 else 0
            date = one["start"] + dt.timedelta(days=day + late)
            weight = one["weight"] + float(rng.normal(0, 0.8))
            gain = (0.25 if one["arm"] == "A" else 0.1) * max(day, 0) / 84
            impact: Any = round(38 + 2.2 * one["days"] * (1 - gain) + rng.normal(0, 3))
            if rng.random() < 0.04:
                impact = -9  # Not done.
            pounds = one["site"] == 2
            subject = one["id"]
            if name == "week_4" and subject.endswith("030"):
                subject = subject.lower()
            rows.append(
                [
                    subject,
                    f"{date:%Y-%m-%d}" if one["site"] == 1 else f"{date:%d.%m.%Y}",
                    f"{weight / 0.45359237 if pounds else weight:.1f}",
                    "lb" if pounds else "kg",
                    impact,
                ]
            )
        found[name] = rows
    return found


def _events(patients: list[dict[str, Any]], rng: np.random.Generator) -> bytes:
    """Return a workbook of adverse events; one is of a patient nobody knows."""
    rows: Rows = []
    for one in patients:
        for term in _TERMS:
            often = 0.12 if one["arm"] == "A" and term != "Common cold" else 0.06
            if rng.random() < often:
                day = int(rng.integers(1, one["stops"] or 84))
                onset = pd.Timestamp(one["start"] + dt.timedelta(days=day))
                severity = int(rng.integers(1, 4))
                related = str(rng.choice(["yes", "no"]))
                rows.append([one["id"], term, onset, severity, "no", related])
    rows.append(["M1-099", "Nausea", pd.Timestamp("2024-06-03"), 1, "no", "no"])
    names = ["patient", "event", "onset", "severity", "serious", "related"]
    return workbook_bytes(pd.DataFrame(rows, columns=names), "AE")
