"""Small trials whose records under every strategy can be told by hand."""

import numpy as np
import pandas as pd

from trialstats.analyses.trial_rows import Analysis
from trialstats.randomness import stream
from trialstats.rows import ADAE, frame_of

START = pd.Timestamp("2024-01-01")
EVENTS = {
    "rescue": {"label": "Rescue medication", "when": "RESCUE == 'Y'", "date": "RESDT"},
    "stop": {"label": "Stopping", "when": "STOPPED == 'Y'", "date": "STOPDT"},
}
WINDOWS = {
    "Baseline": {"number": 0, "days": [-7, 1]},
    "Week 4": {"number": 4, "days": [22, 36]},
    "Week 8": {"number": 8, "days": [50, 64]},
    "Week 12": {"number": 12, "days": [78, 92]},
}

#: Values at weeks 4, 8 and 12 (baseline 10 for all; visits on days 29, 57 and 85), and
#: the day after the start on which the event happened: None nobody's, NaN no date.
SUBJECTS = {
    "D1": ("Drug", (8, 6, 4), None),
    "D2": ("Drug", (8, 7, 6), 56),  # On the day of week 8.
    "D3": ("Drug", (9, 5, None), 40),  # Between weeks 4 and 8; no week 12.
    "D4": ("Drug", (7, 6, 5), np.nan),
    "P1": ("Placebo", (10, 9, 9), None),
    "P2": ("Placebo", (9, 9, 8), None),
    "P3": ("Placebo", (10, 10, 7), 60),  # Between weeks 8 and 12.
    "P4": ("Placebo", (None, 9, 10), None),
}


def estimand(strategy, event="rescue", **changes):
    """Return an estimand with one event."""
    return {
        "treatment": "drug versus placebo",
        "population": "adults",
        "variable": "change in pain at week 12",
        "intercurrent_events": {event: strategy},
        "summary": "difference in means",
    } | changes


def trial(model, strategy, *, events=EVENTS, parameter="PAIN", at="Week 12", **changes):
    """Return the configuration of the parallel trial with one analysis."""
    settings = {
        "role": "primary",
        "title": "Pain",
        "estimand": estimand(strategy),
        "parameter": parameter,
        "response": "AVAL" if parameter == "RESP" else "CHG",
        "at": at,
        "analysis_set": "ITT",
        "model": model if isinstance(model, dict) else {"type": model},
    } | changes
    return {
        "id": "small",
        "trial": "SMALL",
        "data_status": "synthetic",
        "design": "parallel",
        "arms": {"control": "Placebo", "treatments": ["Drug"]},
        "bds": {
            "PAIN": {
                "label": "Pain",
                "unit": "points",
                "baseline": "Baseline",
                "visits": {"reference": "TRTSDT", "windows": WINDOWS},
            }
        },
        "responders": {"RESP": {"label": "Response", "of": "PAIN"}},
        "intercurrent_events": events,
        "analysis_sets": {"ITT": "RANDFL == 'Y'"},
        "analyses": {"main": settings},
    }


def adsl(subjects=SUBJECTS):
    """Return the subjects with their rescue; nobody stopped."""
    days = [day for _, _, day in subjects.values()]
    dates = [START + pd.Timedelta(days=d) if d and d == d else pd.NaT for d in days]
    return pd.DataFrame(
        {
            "USUBJID": pd.array(list(subjects), dtype="str"),
            "TRT01P": pd.array([arm for arm, _, _ in subjects.values()], dtype="str"),
            "TRTSDT": START,
            "RESCUE": ["N" if day is None else "Y" for day in days],
            "RESDT": pd.to_datetime(pd.Series(dates)).astype("datetime64[s]"),
            "STOPPED": "N",
            "STOPDT": pd.Series(pd.NaT, index=range(len(days)), dtype="datetime64[s]"),
            "SITE": [name[1] for name in subjects],
            "ITTFL": "Y",
        }
    )


def bds(subjects=SUBJECTS, *, non_responders=True):
    """Return the measurements, and the responders (change of -3 or lower)."""
    rows = []
    for name, (arm, values, _) in subjects.items():
        shared = {"USUBJID": name, "TRT01P": arm, "TRTP": arm, "BASE": 10.0}
        rows.append(
            {"PARAMCD": "PAIN", "AVISIT": "Baseline", "AVISITN": 0.0, "AVAL": 10.0}
            | {"ADT": START, "ABLFL": "Y"}
            | shared
        )
        for week, value in zip((4, 8, 12), values, strict=True):
            at = shared | {"AVISIT": f"Week {week}", "AVISITN": float(week)}
            date = START + pd.Timedelta(days=7 * week)
            if value is not None:
                rows.append(
                    at
                    | {"PARAMCD": "PAIN", "AVAL": value, "CHG": value - 10}
                    | {"ADT": date}
                )
            response = at | {"PARAMCD": "RESP", "BASE": np.nan}
            if value is not None:
                rows.append(response | {"AVAL": float(value <= 7), "ADT": date})
            elif non_responders:
                rows.append(response | {"AVAL": 0.0, "DTYPE": "NRI"})
    return typed(rows)


def typed(rows):
    """Return rows with the columns and types of BDS."""
    texts = ["USUBJID", "TRT01P", "TRTP", "PARAMCD", "AVISIT", "ABLFL", "DTYPE"]
    numbers = ["AVISITN", "AVAL", "BASE", "CHG", "PCHG"]
    frame = pd.DataFrame(rows).reindex(
        columns=[*dict.fromkeys([*texts, *numbers, *rows[0], "ADT"])]
    )
    frame = frame.assign(ANL01FL="Y", ADT=pd.to_datetime(frame["ADT"]))
    kinds = dict.fromkeys([*texts, "ANL01FL"], "str") | dict.fromkeys(numbers, float)
    if "APERIOD" in frame:
        kinds |= {"APERIOD": "Int64", "TRTSEQP": "str"}
    return frame.astype(kinds | {"ADT": "datetime64[s]"})


def used(config, people=None, rows=None):
    """Return the value of each subject, with the DTYPE where it has one."""
    found = analysis(config, people, rows).observations()
    response = config["analyses"]["main"]["response"]
    return {
        name: value if pd.isna(kind) else (value, kind)
        for name, value, kind in zip(
            found["USUBJID"], found[response], found["DTYPE"], strict=True
        )
    }


def analysis(config, people=None, rows=None):
    """Return the one analysis of a configuration with its data."""
    people = adsl() if people is None else people
    rows = bds() if rows is None else rows
    return Analysis(config, "main", people, rows, frame_of([], ADAE))


CROSSOVER = {
    "design": "crossover",
    "sequences": {"DP": ["Drug", "Placebo"], "PD": ["Placebo", "Drug"]},
    "periods": ["AP01SDT", "AP02SDT"],
    "bds": {
        "PAIN": {
            "label": "Pain",
            "unit": "points",
            "baseline": "Baseline",
            "visits": {
                "reference": "period",
                "windows": {
                    "Baseline": {"number": 0, "days": [-7, -1]},
                    "Week 1": {"number": 1, "days": [5, 10]},
                    "Week 2": {"number": 2, "days": [12, 18]},
                },
            },
        }
    },
}


def crossover(strategy, **changes):
    """Return the configuration of the crossover with one analysis."""
    made = trial("crossover", strategy, at="Week 2", response="AVAL", **changes)
    return made | CROSSOVER


def crossover_data(n=12, events=None):
    """Return ADSL and BDS of a crossover: periods of 28 days, weeks 1 and 2 of each.

    Parameters
    ----------
    n : int
        Subjects S00, S01 ...; even ones begin with the drug.
    events : mapping of str to int
        Day after the start of period 1 on which a subject had the event.
    """
    events, rng = events or {}, stream(11, "crossover")
    second = START + pd.Timedelta(days=28)
    names = [f"S{i:02d}" for i in range(n)]
    dates = [
        START + pd.Timedelta(days=events[s]) if s in events else pd.NaT for s in names
    ]
    people = pd.DataFrame(
        {
            "USUBJID": pd.array(names, dtype="str"),
            "TRTSEQP": pd.array(["DP", "PD"] * (n // 2), dtype="str"),
            "TRT01P": pd.array(["Drug", "Placebo"] * (n // 2), dtype="str"),
            "TRTSDT": START,
            "AP01SDT": START,
            "AP02SDT": second,
            "RESCUE": ["Y" if s in events else "N" for s in names],
            "RESDT": pd.to_datetime(pd.Series(dates)).astype("datetime64[s]"),
            "ITTFL": "Y",
        }
    )
    rows = []
    for i, name in enumerate(names):
        own = rng.normal(6, 1.5)
        sequence = ("DP", "PD")[i % 2]
        for period, start in ((1, START), (2, second)):
            drug = CROSSOVER["sequences"][sequence][period - 1]
            for week in (1, 2):
                rows.append(
                    {
                        "USUBJID": name,
                        "TRT01P": CROSSOVER["sequences"][sequence][0],
                        "TRTP": drug,
                        "TRTSEQP": sequence,
                        "APERIOD": period,
                        "PARAMCD": "PAIN",
                        "AVISIT": f"Week {week}",
                        "AVISITN": float(week),
                        "AVAL": round(own - (drug == "Drug") + rng.normal(0, 0.8), 1),
                        "ADT": start + pd.Timedelta(days=7 * week),
                    }
                )
    return people, typed(rows)
