"""Small ADaM frames and the configuration that goes with them."""

import numpy as np
import pandas as pd
import pytest

from trialstats.randomness import stream

PARALLEL = {
    "id": "small_parallel",
    "trial": "SMALL-P",
    "data_status": "synthetic",
    "design": "parallel",
    "arms": {"control": "Placebo", "treatments": ["LDN 6 mg"]},
    "adsl": {
        "variables": {
            "TRT01P": {"label": "Planned treatment"},
            "RANDDT": {"label": "Date of randomization", "type": "date"},
            "TRTSDT": {"label": "First dose", "type": "date"},
            "AGE": {"label": "Age", "type": "number", "unit": "years"},
            "SEX": {"label": "Sex"},
            "EOSSTT": {"label": "End of study status"},
            "DCSREAS": {"label": "Reason for discontinuation"},
        }
    },
    "bds": {"PAIN": {"label": "Pain", "unit": "NRS 0-10", "better": "lower"}},
    "adae": {"variables": {key: {} for key in ("AETERM", "AESER", "AEREL", "AESEV")}},
    "analysis_sets": {"ITT": "RANDFL == 'Y'", "Safety": "SAFFL == 'Y'"},
    "analyses": {
        "pain_week2": {
            "role": "primary",
            "estimand": {
                "treatment": "LDN 6 mg versus placebo",
                "population": "adults",
                "variable": "change in pain at week 2",
                "intercurrent_events": {"discontinuation": "treatment policy"},
                "summary": "difference in means",
            },
            "parameter": "PAIN",
            "response": "CHG",
            "at": "Week 2",
            "analysis_set": "ITT",
            "model": {"type": "ancova", "covariates": ["BASE"]},
        },
        "pain_over_time": {
            "role": "secondary",
            "parameter": "PAIN",
            "response": "CHG",
            "analysis_set": "ITT",
            "model": {"type": "mmrm"},
        },
        "responders": {
            "role": "secondary",
            "parameter": "RESP",
            "response": "AVAL",
            "at": "Week 2",
            "analysis_set": "ITT",
            "model": {"type": "proportions"},
        },
        "adverse_events": {
            "role": "descriptive",
            "analysis_set": "Safety",
            "model": {"type": "adverse_events"},
        },
    },
}

CROSSOVER = PARALLEL | {
    "id": "small_crossover",
    "design": "crossover",
    "sequences": {
        "LDN first": ["LDN 6 mg", "Placebo"],
        "Placebo first": ["Placebo", "LDN 6 mg"],
    },
    "periods": ["AP01SDT", "AP02SDT"],
    "analyses": {
        "pain_week2": {
            "role": "primary",
            "parameter": "PAIN",
            "response": "AVAL",
            "at": "Week 2",
            "analysis_set": "ITT",
            "model": {"type": "crossover"},
        },
        "adverse_events": PARALLEL["analyses"]["adverse_events"],
    },
}


def _adsl(n, **extra):
    rng = stream(7, "adsl")
    subjects = [f"S{i:02d}" for i in range(n)]
    stopped = np.array([i % 7 == 3 for i in range(n)])
    return pd.DataFrame(
        {
            "STUDYID": "SMALL",
            "USUBJID": subjects,
            "RANDDT": pd.Timestamp("2024-01-01"),
            "TRTSDT": pd.Timestamp("2024-01-02"),
            "AGE": pd.array([*rng.integers(20, 60, n - 1), None], dtype="Float64"),
            "SEX": pd.array(["F", "M"] * (n // 2), dtype="str"),
            "EOSSTT": np.where(stopped, "DISCONTINUED", "COMPLETED"),
            "DCSREAS": pd.array(np.where(stopped, "Moved", None), dtype="str"),
            "ITTFL": "Y",
            "SAFETYFL": "Y",
            **extra,
        }
    )


@pytest.fixture
def parallel():
    """Return (config, adsl, bds, adae) of 24 subjects, 3 visits, some missing."""
    n = 24
    adsl = _adsl(n, TRT01P=np.array(["LDN 6 mg", "Placebo"])[np.arange(n) // 2 % 2])
    rng = stream(7, "parallel")
    base, own = rng.normal(6, 1, n), rng.normal(0, 1, n)
    rows = []
    for i, subject in enumerate(adsl["USUBJID"]):
        arm = adsl.at[i, "TRT01P"]
        shared = {"USUBJID": subject, "TRT01P": arm, "TRTP": arm, "DTYPE": None}
        pain = shared | {"PARAMCD": "PAIN", "ANL01FL": "Y", "BASE": base[i]}
        rows.append(
            pain | {"AVISIT": "Baseline", "AVISITN": 0.0, "AVAL": base[i], "ABLFL": "Y"}
        )
        for visit in (1, 2):
            at = {"AVISIT": f"Week {visit}", "AVISITN": float(visit)}
            effect = -1.0 * visit * (arm != "Placebo")
            value = 0.6 * base[i] + own[i] + effect + rng.normal(0, 0.7)
            missing = i in (5, 11) and visit == 2
            if not missing:
                rows.append(pain | at | {"AVAL": value, "CHG": value - base[i]})
            response = shared | at | {"PARAMCD": "RESP", "ANL01FL": "Y"}
            rows.append(
                response
                | {
                    "AVAL": float(value - base[i] <= -3 and not missing),
                    "DTYPE": "NRI" if missing else None,
                }
            )
        # A record that is not flagged must not be analysed.
        rows.append(
            pain
            | {"AVISIT": "Week 2", "AVISITN": 2.0, "AVAL": 99.0, "CHG": 99.0}
            | {"ANL01FL": None}
        )
    return PARALLEL, adsl, _bds(rows), _adae(adsl["TRT01P"])


@pytest.fixture
def crossover():
    """Return (config, adsl, bds, adae) of 16 subjects, two without period 2."""
    n = 16
    sequence = np.array(["LDN first", "Placebo first"])[np.arange(n) % 2]
    orders = CROSSOVER["sequences"]
    begun = pd.array([pd.Timestamp("2024-02-01")] * (n - 2) + [pd.NaT] * 2)
    adsl = _adsl(
        n,
        TRTSEQP=sequence,
        TRT01P=[orders[s][0] for s in sequence],
        AP01SDT=pd.Timestamp("2024-01-02"),
        AP02SDT=begun,
    )
    rng = stream(7, "crossover")
    own, rows = rng.normal(5, 1.5, n), []
    for i, subject in enumerate(adsl["USUBJID"]):
        for period in (1, 2):
            if period == 2 and i >= n - 2:
                continue
            arm = orders[sequence[i]][period - 1]
            value = own[i] - 0.8 * (arm != "Placebo") + rng.normal(0, 0.6)
            rows.append(
                {
                    "USUBJID": subject,
                    "TRT01P": adsl.at[i, "TRT01P"],
                    "TRTP": arm,
                    "PARAMCD": "PAIN",
                    "ANL01FL": "Y",
                    "AVISIT": "Week 2",
                    "AVISITN": 2.0,
                    "AVAL": value,
                    "APERIOD": period,
                    "TRTSEQP": sequence[i],
                    "DTYPE": "AVERAGE",
                }
            )
    bds = _bds(rows)
    bds["APERIOD"] = bds["APERIOD"].astype("Int64")
    return CROSSOVER, adsl, bds, _adae(adsl["TRT01P"])


def _bds(rows):
    frame = pd.DataFrame(rows)
    for name in ("ANL01FL", "ABLFL", "DTYPE", "PARAMCD", "AVISIT", "TRTP"):
        column = frame[name] if name in frame else pd.Series([None] * len(frame))
        frame[name] = column.astype("str")
    return frame


def _adae(arms):
    """Return events of the first four subjects; the third has two."""
    rows = [
        {"USUBJID": f"S{i:02d}", "TRTP": arms[i], "AETERM": term, "TRTEMFL": flag}
        for i, term, flag in (
            (0, "Nausea", "Y"),
            (1, "Headache", "Y"),
            (2, "Nausea", "Y"),
            (2, "Nausea", "Y"),
            (3, "Nausea", None),
        )
    ]
    frame = pd.DataFrame(rows).assign(AESER="N", AEREL="RELATED", AESEV="MILD")
    frame["TRTEMFL"] = frame["TRTEMFL"].astype("str")
    return frame
