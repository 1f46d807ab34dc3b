"""Rows of the flow of participants, of whole curves and of crossover periods.

Flows are counted by hand in a trial of ten; curves are compared with statsmodels, whose
estimate and Greenwood error come from another program: they agree to rounding.
"""

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from trialstats.analyses import trial_curves
from trialstats.analyses.trial import describe_trial, fit_analysis
from trialstats.randomness import stream
from trialstats.records import find, one, records
from trialstats.rows import ADAE, BDS, frame_of
from trialstats.vocabulary import time_of

IDS = [f"S{n}" for n in range(10)]
ARMS = ["Active"] * 5 + ["Placebo"] * 5
TEXTS = "str"

CONFIG = {
    "id": "ten",
    "trial": "TEN",
    "data_status": "synthetic",
    "design": "parallel",
    "arms": {"control": "Placebo", "treatments": ["Active"]},
    "adsl": {"variables": {"AGE": {"label": "Age", "type": "number"}}},
    "bds": {"PAIN": {"label": "Pain", "unit": "points"}},
    "adtte": {"TTE": {"label": "Time to relapse", "unit": "weeks"}},
    "analysis_sets": {"PP": "PPFL == 'Y'"},
}
ANCOVA = {
    "title": "Pain at week 4",
    "role": "primary",
    "analysis_set": "PP",
    "parameter": "PAIN",
    "response": "AVAL",
    "at": "Week 4",
    "model": {"type": "ancova", "covariates": ["AGE"]},
}


def subjects():
    """Return ten randomised and two who were not; S3 was never treated."""
    date = pd.Timestamp("2024-01-01")
    adsl = pd.DataFrame(
        {
            "USUBJID": [*IDS, "X1", "X2"],
            "TRT01P": pd.Series([*ARMS, None, None], dtype=TEXTS),
            "RANDDT": [date] * 10 + [pd.NaT] * 2,
            "TRTSDT": [date] * 12,
            "EOSSTT": "COMPLETED",
            "DCSREAS": pd.Series([None] * 10 + ["Too ill", "Too ill"], dtype=TEXTS),
            "PPFL": ["Y"] * 12,
            "AGE": np.arange(12.0),
        }
    )
    adsl.loc[3, "TRTSDT"] = pd.NaT
    # S9 is not in the set, S8 has no value, S2 no age: one reason each.
    adsl.loc[9, "PPFL"] = "N"
    adsl.loc[2, "AGE"] = np.nan
    return adsl


def measurements(missing=("S8",)):
    rows = [
        {
            "STUDYID": "TEN",
            "USUBJID": subject,
            "TRT01P": arm,
            "PARAMCD": "PAIN",
            "PARAM": "Pain",
            "AVISIT": "Week 4",
            "AVISITN": 4.0,
            "AVAL": float((7 * i) % 5),
            "ANL01FL": "Y",
        }
        for i, (subject, arm) in enumerate(zip(IDS, ARMS, strict=True))
        if subject not in missing
    ]
    frame = frame_of(rows, BDS)
    texts = ["DTYPE", "ABLFL", "TRTP", "AVALC"]
    return frame.astype(dict.fromkeys(texts, TEXTS))


def analysed(**settings):
    config = CONFIG | {"analyses": {"pain": ANCOVA | settings}}
    none = frame_of([], ADAE)
    made = fit_analysis(config, "pain", subjects(), measurements(), none)
    return records(made)


def test_enrolled_and_never_treated_are_counted_with_reasons():
    config = CONFIG | {"analyses": {"pain": ANCOVA}}
    rows = records(describe_trial(config, subjects(), measurements())["disposition"])
    flow = {
        (r["group"], r["parameter"], r["subgroup"]): r["estimate"]
        for r in find(rows, statistic="flow_count")
    }
    assert flow == {
        ("Total", "enrolled", None): 12,
        ("Total", "not randomised", None): 2,
        ("Total", "not randomised", "Too ill"): 2,
        ("Active", "not treated", None): 1,
        ("Placebo", "not treated", None): 0,
    }


def test_everybody_randomised_is_analysed_or_left_out_for_one_reason():
    rows = analysed()
    out = {
        (r["group"], r["subgroup"]): r["estimate"]
        for r in find(rows, statistic="flow_excluded")
    }
    assert out == {
        ("Active", None): 1,
        ("Active", "not in the analysis set PP"): 0,
        ("Active", "no value at Week 4"): 0,
        ("Active", "AGE missing"): 1,
        ("Placebo", None): 2,
        ("Placebo", "not in the analysis set PP"): 1,
        ("Placebo", "no value at Week 4"): 1,
        ("Placebo", "AGE missing"): 0,
    }
    for arm, size in (("Active", 4), ("Placebo", 3)):
        assert one(rows, statistic="flow_analysed", group=arm)["estimate"] == size
        assert one(rows, statistic="n_analysed", group=arm)["estimate"] == size


def test_other_roles_have_no_flow():
    rows = analysed(role="sensitivity")
    assert not [r for r in rows if r["statistic"].startswith("flow_")]


def times_of(seed, n=60):
    rng = stream(seed, "curves")
    time = np.ceil(rng.exponential(10.0, n)) / 2
    return time, (rng.random(n) < 0.6).astype(int)


def survival_rows(time, event, **model):
    arms = ["Active" if i % 2 else "Placebo" for i in range(len(time))]
    ids = [f"T{i}" for i in range(len(time))]
    adsl = pd.DataFrame({"USUBJID": ids, "TRT01P": arms, "PPFL": "Y"})
    adtte = pd.DataFrame(
        {"USUBJID": ids, "TRT01P": arms, "PARAMCD": "TTE", "AVAL": time}
    ).assign(CNSR=1 - event)
    settings = {
        "title": "Relapse",
        "role": "primary",
        "analysis_set": "PP",
        "parameter": "TTE",
        "model": {"type": "survival", "limits": "plain", **model},
    }
    config = CONFIG | {"analyses": {"relapse": settings}}
    bds, none = measurements(), frame_of([], ADAE)
    made = fit_analysis(config, "relapse", adsl, bds, none, adtte)
    return records(made), np.array(arms)


def test_steps_are_those_of_statsmodels():
    time, event = times_of(1)
    rows, arms = survival_rows(time, event)
    for arm in ("Active", "Placebo"):
        own = arms == arm
        theirs = SurvfuncRight(time[own], event[own])
        steps = find(rows, statistic="survival_step", group=arm)
        at = [time_of(r["subgroup"]) for r in steps]
        assert at == sorted(set(time[own]))
        # They list the times of events alone.
        fallen = {time_of(r["subgroup"]): r for r in steps}
        for t, s, error, n in zip(
            theirs.surv_times,
            theirs.surv_prob,
            theirs.surv_prob_se,
            theirs.n_risk,
            strict=True,
        ):
            row = fallen[t]
            assert row["estimate"] == pytest.approx(s, rel=1e-12)
            assert row["n_subjects"] == n
            if s > 0:
                assert row["standard_error"] == pytest.approx(error, rel=1e-12)
        for statistic, number in (
            ("curve_events", event[own].sum()),
            ("curve_censored", (1 - event[own]).sum()),
        ):
            listed = find(rows, statistic=statistic, group=arm)
            assert sum(r["estimate"] for r in listed) == number


def test_those_at_risk_are_counted_at_the_times_named_or_at_round_ones():
    time, event = times_of(2)
    rows, arms = survival_rows(time, event, times=[2, 5.5])
    for row in find(rows, statistic="n_at_risk"):
        wanted = (time[arms == row["group"]] >= time_of(row["subgroup"])).sum()
        assert row["estimate"] == wanted
    labels = {r["subgroup"] for r in find(rows, statistic="n_at_risk")}
    assert labels == {"0 weeks", "2 weeks", "5.5 weeks"}
    rows, _ = survival_rows(time, event)
    at = sorted({time_of(r["subgroup"]) for r in find(rows, statistic="n_at_risk")})
    assert at[0] == 0
    assert 4 <= len(at) <= 12
    assert at[-1] <= time.max()


def test_a_long_curve_is_thinned_and_says_so(monkeypatch):
    monkeypatch.setattr(trial_curves, "MOST_TIMES", 10)
    time, event = times_of(3)
    rows, arms = survival_rows(time, event)
    own = arms == "Active"
    steps = find(rows, statistic="survival_step", group="Active")
    assert len(steps) == 10
    assert time_of(steps[-1]["subgroup"]) == time[own].max()
    assert "10 of the" in steps[0]["method"]
    # Nobody is lost: what stands between two rows is counted at the later one.
    for statistic, number in (
        ("curve_events", event[own].sum()),
        ("curve_censored", (1 - event[own]).sum()),
    ):
        listed = find(rows, statistic=statistic, group="Active")
        assert sum(r["estimate"] for r in listed) == number


def crossover_rows():
    """Return rows of four subjects: A then P have 1, 3 / 2, 6; P then A 5, 4 / 7, 4."""
    config = CONFIG | {
        "design": "crossover",
        "adsl": {"variables": {}},
        "sequences": {"AP": ["Active", "Placebo"], "PA": ["Placebo", "Active"]},
        "analyses": {
            "pain": {
                **{**ANCOVA, "role": "secondary"},
                "model": {"type": "crossover", "boundary": "drop"},
            }
        },
    }
    values = {"S0": (1, 3), "S1": (2, 6), "S2": (5, 4), "S3": (7, 4), "S4": (3, None)}
    rows = [
        {
            "STUDYID": "TEN",
            "USUBJID": subject,
            "TRT01P": "Active" if subject in ("S0", "S1", "S4") else "Placebo",
            "TRTP": "Active"
            if (subject in ("S0", "S1", "S4")) == (period == 1)
            else "Placebo",
            "PARAMCD": "PAIN",
            "PARAM": "Pain",
            "AVISIT": "Week 4",
            "AVISITN": 4.0,
            "AVAL": float(value),
            "ANL01FL": "Y",
        }
        for subject, pair in values.items()
        for period, value in enumerate(pair, start=1)
        if value is not None
    ]
    bds = frame_of(rows, BDS)
    bds = bds.astype(dict.fromkeys(["DTYPE", "ABLFL", "AVALC"], TEXTS)).assign(
        APERIOD=[
            p for pair in values.values() for p in (1, 2) if pair[p - 1] is not None
        ],
        TRTSEQP=["AP" if r["TRT01P"] == "Active" else "PA" for r in rows],
    )
    adsl = pd.DataFrame(
        {
            "USUBJID": list(values),
            "TRT01P": ["Active", "Active", "Placebo", "Placebo", "Active"],
            "TRTSEQP": ["AP", "AP", "PA", "PA", "AP"],
            "PPFL": "Y",
        }
    )
    none = frame_of([], ADAE)
    described = records(describe_trial(config, adsl, bds)["disposition"])
    return records(fit_analysis(config, "pain", adsl, bds, none)), described


def test_a_crossover_is_described_by_sequence_period_and_subject():
    rows, described = crossover_rows()
    means = {
        (r["group"], r["subgroup"]): (r["estimate"], r["n_subjects"])
        for r in find(rows, statistic="period_mean")
    }
    assert means == {
        ("AP", "period 1"): (2.0, 3),
        ("AP", "period 2"): (4.5, 2),
        ("PA", "period 1"): (6.0, 2),
        ("PA", "period 2"): (4.0, 2),
    }
    # 3 and 6: mean 4.5, error 1.5; the t quantile of one degree of freedom is 12.706.
    row = one(rows, statistic="period_mean", group="AP", subgroup="period 2")
    assert row["ci_upper"] == pytest.approx(4.5 + 1.5 * 12.7062047, rel=1e-8)
    # All values are 4: a mean without an interval.
    level = one(rows, statistic="period_mean", group="PA", subgroup="period 2")
    assert level["ci_lower"] is None
    differences = {
        r["subgroup"]: r["estimate"] for r in find(rows, statistic="subject_difference")
    }
    assert differences == {"S0": -2.0, "S1": -4.0, "S2": -1.0, "S3": -3.0}
    began = {
        (r["group"], r["parameter"]): (r["subgroup"], r["estimate"])
        for r in find(described, statistic="flow_count")
    }
    assert began == {
        ("AP", "period 1"): ("Active", 3),
        ("AP", "period 2"): ("Placebo", 2),
        ("PA", "period 1"): ("Placebo", 2),
        ("PA", "period 2"): ("Active", 2),
    }
    by_period = one(rows, statistic="flow_analysed", group="AP", subgroup="period 2")
    assert by_period["estimate"] == 2
    assert not math.isnan(by_period["estimate"])
