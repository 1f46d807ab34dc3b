"""A trial of 180 with every kind of response, for tests of subgroups and assumptions.

The numbers are drawn from fixed seeds: nothing is known about them but what the tests
compute themselves.
"""

import numpy as np
import pandas as pd

from trialstats.analyses.trial import fit_analysis
from trialstats.rows import ADAE, frame_of

N = 180
ARMS = ["Active", "Placebo"]
AGE = {
    "label": "Age",
    "conditions": {"under 45": "AGE < 45", "45 and over": "AGE >= 45"},
}

ESTIMAND = {
    "treatment": "active versus placebo",
    "population": "adults",
    "variable": "response",
    "intercurrent_events": {},
    "summary": "risk difference",
}


def config_of(analysis):
    """Return the configuration of a trial with this analysis."""
    return {
        "id": "divided",
        "trial": "DIVIDED",
        "data_status": "synthetic",
        "design": "parallel",
        "arms": {"control": "Placebo", "treatments": ["Active"]},
        "adsl": {
            "variables": {
                "TRT01P": {"label": "Arm"},
                "SEX": {"label": "Sex"},
                "REGION": {"label": "Region"},
                "AGE": {"label": "Age", "type": "number"},
            }
        },
        "bds": {
            "PAIN": {"label": "Pain", "unit": "points", "better": "lower"},
            "WELL": {"label": "Well", "unit": "1 = yes"},
        },
        "adtte": {"TTE": {"label": "Time to relapse", "unit": "weeks"}},
        "analysis_sets": {"ITT": "present(TRT01P)"},
        "analyses": {"main": analysis},
    }


def analysis_of(kind, parameter, *, subgroups=("SEX",), role="primary", **model):
    """Return an analysis of this type."""
    made = {
        "title": "Main analysis",
        "role": role,
        "estimand": ESTIMAND,
        "parameter": parameter,
        "response": "CHG" if parameter == "PAIN" else "AVAL",
        "at": "Week 4",
        "analysis_set": "ITT",
        "model": {"type": kind, **model},
    }
    if kind == "survival":
        del made["at"], made["response"]
    return made | ({"subgroups": list(subgroups)} if subgroups else {})


def adsl_of(seed=3):
    """Return the subjects; one has no sex, and nobody of Placebo is in the islands."""
    random = np.random.default_rng(seed)
    arm = np.array(ARMS)[np.arange(N) % 2]
    sex = np.array(["F", "M"], dtype=object)[random.integers(0, 2, N)]
    sex[17] = None
    region = np.array(["North", "South"], dtype=object)[random.integers(0, 2, N)]
    region[[0, 2, 4, 6, 8]] = "Islands"
    return pd.DataFrame(
        {
            "USUBJID": [f"S{i:03d}" for i in range(N)],
            "TRT01P": arm,
            "ITTFL": "Y",
            "SEX": pd.Series(sex, dtype="str"),
            "REGION": pd.Series(region, dtype="str"),
            "AGE": random.uniform(20, 75, N),
        }
    )


def bds_of(adsl, *, visits=(4,), missing=0.12, seed=5):
    """Return pain with its baseline and change, and whether somebody is well."""
    random = np.random.default_rng(seed)
    active = (adsl["TRT01P"] == "Active").to_numpy()
    male = (adsl["SEX"] == "M").to_numpy()
    base = random.normal(6, 1.2, N)
    own = random.normal(0, 0.8, N)
    frames = []
    shared = adsl[["USUBJID", "TRT01P"]].assign(TRTP=adsl["TRT01P"], ANL01FL="Y")
    for visit in visits:
        effect = -0.8 * active - 0.7 * active * male
        change = -0.4 * (base - 6) + effect + own + random.normal(0, 0.8, N)
        at = shared.assign(AVISIT=f"Week {visit}", AVISITN=float(visit), BASE=base)
        pain = at.assign(PARAMCD="PAIN", AVAL=base + change, CHG=change)
        well = at.assign(
            PARAMCD="WELL",
            AVAL=(random.random(N) < 0.35 + 0.25 * active).astype(float),
            CHG=np.nan,
        )
        for frame in (pain, well):
            frames.append(frame[random.random(N) >= missing])
    made = pd.concat(frames, ignore_index=True)
    none = pd.Series([None] * len(made), dtype="str")
    return made.assign(ABLFL=none, DTYPE=none)


def adtte_of(adsl, seed=7):
    """Return a time to relapse."""
    random = np.random.default_rng(seed)
    scale = np.where(adsl["TRT01P"] == "Active", 9.0, 6.0)
    time, end = random.exponential(scale), random.uniform(2, 12, len(adsl))
    return pd.DataFrame(
        {
            "USUBJID": adsl["USUBJID"],
            "TRT01P": adsl["TRT01P"],
            "PARAMCD": "TTE",
            "AVAL": np.minimum(time, end),
            "CNSR": (time > end).astype(int),
        }
    )


def fitted(analysis, adsl=None, bds=None):
    """Return the rows of an analysis of the trial."""
    people = adsl_of() if adsl is None else adsl
    measured = bds_of(people) if bds is None else bds
    config, none = config_of(analysis), frame_of([], ADAE)
    return fit_analysis(config, "main", people, measured, none, adtte_of(people))
