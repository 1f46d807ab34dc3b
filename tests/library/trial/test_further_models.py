"""Models beside means over visits: rows from small data that a hand can count.

A trial of eight: four on Active, four on Placebo, two sites. Expected numbers are
counted or follow from two or three lines of arithmetic, which stand beside them.
"""

import math

import numpy as np
import pandas as pd
import pytest

from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import ConfigError, DataError
from trialstats.records import find, one, records
from trialstats.rows import ADAE, frame_of
from trialstats.tables.descriptions import LAYOUTS, description_table
from trialstats.tables.efficacy import efficacy_table

IDS = [f"S{n}" for n in range(1, 9)]
ARM = ["Active"] * 4 + ["Placebo"] * 4
CONFIG = {
    "id": "eight",
    "trial": "EIGHT",
    "data_status": "synthetic",
    "design": "parallel",
    "arms": {
        "control": "Placebo",
        "treatments": ["Active"],
        "doses": {"Placebo": 0, "Active": 10},
    },
    "adsl": {
        "variables": {
            "TRT01P": {"label": "Arm"},
            "AGE": {"label": "Age", "unit": "years", "type": "number"},
            "SEX": {"label": "Sex"},
            "SITE": {"label": "Site"},
            "EVENTS": {"label": "Events", "type": "integer"},
        }
    },
    "bds": {
        "PAIN": {"label": "Pain", "unit": "points"},
        "WELL": {"label": "Well", "unit": "1 = yes"},
    },
    "adtte": {"TTE": {"label": "Time to relapse", "unit": "weeks"}},
    "analysis_sets": {"ITT": "present(TRT01P)"},
}
ADSL = pd.DataFrame(
    {
        "USUBJID": IDS,
        "TRT01P": ARM,
        "ITTFL": "Y",
        "AGE": [30.0, 40.0, 50.0, 60.0, 35.0, 45.0, 55.0, np.nan],
        "SEX": ["F", "F", "M", "M", "F", "M", "M", "M"],
        "SITE": ["A", "B", "A", "B", "A", "B", "A", "B"],
        "EVENTS": [0, 1, 0, 2, 3, 0, 1, 1],
    }
)


def bds_of(code, visit, number, values, base=None):
    frame = pd.DataFrame(
        {
            "USUBJID": IDS,
            "TRT01P": ARM,
            "TRTP": ARM,
            "PARAMCD": code,
            "AVISIT": visit,
            "AVISITN": float(number),
            "AVAL": [float(v) for v in values],
            "BASE": base or [np.nan] * 8,
            "ANL01FL": "Y",
            "ABLFL": pd.Series(["Y" if number == 0 else None] * 8, dtype="str"),
            "DTYPE": pd.Series([None] * 8, dtype="str"),
        }
    )
    return frame.assign(CHG=frame["AVAL"] - frame["BASE"])


BASE = [6.0, 7.0, 5.0, 8.0, 6.0, 7.0, 5.0, 8.0]
WEEK4 = [3.0, 5.0, 2.0, 6.0, 6.0, 6.0, 4.0, 9.0]
BDS = pd.concat(
    [
        bds_of("PAIN", "Baseline", 0, BASE, BASE),
        bds_of("PAIN", "Week 4", 4, WEEK4, BASE),
        bds_of("WELL", "Week 2", 2, [1, 0, 1, 1, 0, 0, 1, 0]),
        bds_of("WELL", "Week 4", 4, [1, 1, 0, 1, 0, 1, 0, 0]),
    ],
    ignore_index=True,
)
TIMES = pd.DataFrame(
    {
        "USUBJID": IDS,
        "TRT01P": ARM,
        "PARAMCD": "TTE",
        # Nobody is censored: medians are the middle of the four times.
        "AVAL": [4.0, 6.0, 8.0, 10.0, 1.0, 2.0, 3.0, 5.0],
        "CNSR": [0] * 8,
    }
)


def fitted(model, *, config=CONFIG, times=TIMES, bds=BDS, **settings):
    """Return the rows of one analysis with this model, and its configuration."""
    analysis = {"role": "primary", "analysis_set": "ITT", "model": model, **settings}
    trial = config | {"analyses": {"main": analysis}}
    frame = fit_analysis(trial, "main", ADSL, bds, frame_of([], ADAE), times)
    return records(frame), trial, frame


def of_pain(model, **settings):
    chosen = {"parameter": "PAIN", "response": "CHG", "at": "Week 4"} | settings
    return fitted(model, **chosen)


def test_summaries_of_an_ancova():
    rows, _, _ = of_pain({"type": "ancova", "summaries": True})
    active = {r["statistic"]: r["estimate"] for r in find(rows, group="Active")}
    # Active: baselines 6 7 5 8, values 3 5 2 6, changes -3 -2 -3 -2.
    assert active["baseline_mean"] == 6.5
    assert active["value_median"] == 4.0
    assert active["change_mean"] == -2.5
    assert (active["change_minimum"], active["change_maximum"]) == (-3.0, -2.0)
    assert active["value_standard_deviation"] == pytest.approx(
        np.std([3, 5, 2, 6], ddof=1)
    )


def test_factors_dose_and_interaction_of_an_ancova():
    model = {
        "type": "ancova",
        "covariates": ["BASE", "SITE"],
        "dose_response": True,
        "interaction": "BASE",
    }
    rows, trial, frame = of_pain(model, response="AVAL")
    difference = one(rows, statistic="difference")
    slope = one(rows, statistic="dose_response")
    # Two arms: the slope over the dose is the difference over 10, with the same test.
    assert slope["estimate"] == pytest.approx(difference["estimate"] / 10)
    assert slope["p_value"] == pytest.approx(difference["p_value"])
    assert one(rows, statistic="interaction_test")["numerator_df"] == 1
    assert (
        "SITE with every level alike"
        in one(rows, statistic="ls_mean", group="Active")["method"]
    )
    assert check_trial(trial, ADSL, BDS, frame)["agrees"].all()


def test_a_dose_that_is_missing_is_asked_for():
    arms = {**CONFIG["arms"], "doses": {"Active": 10}}
    with pytest.raises(
        ConfigError, match=r"no dose of Placebo; write it under `arms\.doses`"
    ):
        fitted(
            {"type": "ancova", "dose_response": True},
            config=CONFIG | {"arms": arms},
            parameter="PAIN",
            response="CHG",
            at="Week 4",
        )


def test_a_logistic_regression_of_one_visit_is_the_odds_ratio_of_its_table():
    rows, trial, frame = fitted(
        {"type": "logistic"}, parameter="WELL", response="AVAL", at="Week 4"
    )
    # 3 of 4 against 1 of 4: odds 3 and 1/3.
    assert one(rows, statistic="odds_ratio")["estimate"] == pytest.approx(math.log(9))
    deviance = one(rows, statistic="deviance")["estimate"]
    assert deviance == pytest.approx(
        -16 * (0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    )
    assert check_trial(trial, ADSL, BDS, frame)["agrees"].all()


def test_a_logistic_regression_pools_the_visits_named():
    rows, _, _ = fitted(
        {"type": "logistic"}, parameter="WELL", response="AVAL", at=["Week 2", "Week 4"]
    )
    # 6 of 8 values against 2 of 8, from 4 subjects in each arm.
    assert one(rows, statistic="events", group="Active")["estimate"] == 6
    assert one(rows, statistic="n_values", group="Placebo")["estimate"] == 8
    assert one(rows, statistic="n_analysed", group="Placebo")["estimate"] == 4
    found = one(rows, statistic="odds_ratio")
    assert found["estimate"] == pytest.approx(math.log(9))
    assert "weeks 2 and 4 pooled" in found["method"]


def test_a_separated_logistic_regression_says_so():
    same = BDS.assign(AVAL=BDS["AVAL"].where(BDS["PARAMCD"] != "WELL", 0))
    same.loc[(same["PARAMCD"] == "WELL") & (same["TRT01P"] == "Active"), "AVAL"] = 1
    rows, trial, frame = fitted(
        {"type": "logistic"}, parameter="WELL", response="AVAL", at="Week 4", bds=same
    )
    found = one(rows, statistic="odds_ratio")
    assert found["estimate"] is None
    assert "separate" in found["not_estimable"]
    assert found["role"] == "primary"
    table = efficacy_table(frame, trial=trial, analysis="main")
    assert any("NE" in cell.text for row in table.rows for cell in row.cells)


def test_a_value_other_than_yes_or_no_is_refused():
    with pytest.raises(DataError, match="PAIN is neither 0 nor 1"):
        fitted({"type": "logistic"}, parameter="PAIN", response="AVAL", at="Week 4")


def test_survival_counts_medians_and_curve():
    model = {"type": "survival", "times": [2, 5]}
    rows, trial, frame = fitted(model, parameter="TTE")
    assert one(rows, statistic="events", group="Active")["estimate"] == 4
    # Active falls to 1/2 at 6 and again at 8: the middle; Placebo at 2 and 3.
    medians = {r["group"]: r["estimate"] for r in find(rows, statistic="median_time")}
    assert medians == {"Active": 7.0, "Placebo": 2.5}
    left = {
        (r["group"], r["subgroup"]): r["estimate"]
        for r in find(rows, statistic="survival_probability")
    }
    assert left["Active", "2 weeks"] == 1.0
    assert left["Placebo", "2 weeks"] == 0.5
    assert left["Active", "5 weeks"] == 0.75
    assert one(rows, statistic="hazard_ratio")["estimate"] < 0
    assert check_trial(trial, ADSL, BDS, frame, TIMES)["agrees"].all()


def test_where_and_strata_of_survival():
    rows, _, _ = fitted(
        {"type": "survival", "strata": ["SITE"]}, parameter="TTE", where="SEX == 'M'"
    )
    # Men: two on Active, three on Placebo.
    numbers = {r["group"]: r["estimate"] for r in find(rows, statistic="n_with_data")}
    assert numbers == {"Active": 2, "Placebo": 3}
    assert "stratified by SITE" in one(rows, statistic="log_rank_test")["method"]


def test_nobody_with_an_event_leaves_the_counts():
    none = TIMES.assign(CNSR=1)
    rows, trial, frame = fitted({"type": "survival"}, parameter="TTE", times=none)
    assert one(rows, statistic="censored", group="Placebo")["estimate"] == 4
    assert one(rows, statistic="hazard_ratio")["not_estimable"]
    assert one(rows, statistic="log_rank_test")["not_estimable"]
    efficacy_table(frame, trial=trial, analysis="main")


def test_two_times_of_one_subject_are_refused():
    twice = pd.concat([TIMES, TIMES.iloc[:1]], ignore_index=True)
    with pytest.raises(DataError, match="subject S1 has two times of TTE"):
        fitted({"type": "survival"}, parameter="TTE", times=twice)


def test_a_summary_has_every_visit_and_the_changes_after_baseline():
    rows, trial, frame = fitted({"type": "summary"}, parameter="PAIN")
    visits = {(r["visit"], r["statistic"]) for r in rows}
    assert ("Baseline", "value_mean") in visits
    assert ("Baseline", "change_mean") not in visits
    mean = one(rows, statistic="change_mean", group="Placebo", visit="Week 4")
    # 0, -1, -1 and 1.
    assert mean["estimate"] == -0.25
    table = description_table(frame, trial=trial, analysis="main")
    assert "Week 4, change from baseline" in [r.cells[0].text for r in table.rows]


def test_a_summary_of_a_visit_that_nobody_has_says_so():
    rows, trial, frame = fitted({"type": "summary"}, parameter="PAIN", at="Week 8")
    (only,) = rows
    assert only["not_estimable"] == "Nobody in ITT has PAIN at Week 8."
    description_table(frame, trial=trial, analysis="main")


def test_characteristics_with_tests_and_a_baseline():
    variables = {"AGE": {"test": "anova"}, "SEX": {"test": "fisher"}, "PAIN": {}}
    model = {"type": "characteristics", "variables": variables}
    rows, trial, frame = fitted(model)
    mean = one(rows, statistic="mean", parameter="AGE", group="Placebo")
    assert (mean["estimate"], mean["n_subjects"]) == (45.0, 3)
    missing = one(rows, statistic="n_missing", parameter="AGE", group="Total")
    assert missing["estimate"] == 1
    # Two of four women against one of four: every table is as probable or less but
    # the one observed and its mirror, so the p-value is 1.
    assert one(rows, statistic="fisher_test")["p_value"] == pytest.approx(1.0)
    assert (
        one(rows, statistic="mean", parameter="PAIN", group="Total")["estimate"] == 6.5
    )
    table = description_table(frame, trial=trial, analysis="main")
    assert table.columns[-1].label == "p-value"


def test_a_test_that_does_not_fit_the_variable_is_refused():
    model = {"type": "characteristics", "variables": {"SEX": {"test": "anova"}}}
    with pytest.raises(
        ConfigError, match="'anova' is a test of numbers, and SEX holds"
    ):
        fitted(model)


def test_a_level_that_is_not_listed_is_refused():
    model = {"type": "characteristics", "variables": {"SEX": {"levels": ["F"]}}}
    with pytest.raises(ConfigError, match="the data hold 'M' too; add what is missing"):
        fitted(model)


def test_counts_of_lines_levels_sums_and_places():
    lines = {
        "Men": {"when": "SEX == 'M'", "test": "chi_square"},
        "Site of the men": {"variable": "SITE", "where": "SEX == 'M'"},
        "Events": {"sum": "EVENTS"},
    }
    rows, trial, frame = fitted({"type": "counts", "lines": lines, "by": ["SITE"]})
    whole = find(rows, subgroup=None)
    men = {
        r["group"]: r["estimate"]
        for r in find(whole, parameter="Men", statistic="count")
    }
    assert men == {"Active": 2, "Placebo": 3, "Total": 5}
    at_b = one(whole, parameter="Site of the men: B", group="Placebo")
    assert (at_b["estimate"], at_b["n_subjects"]) == (2, 4)
    assert one(whole, parameter="Events", group="Total")["estimate"] == 8
    in_a = one(rows, subgroup="Site A", parameter="Men", group="Total")
    assert (in_a["estimate"], in_a["n_subjects"]) == (2, 4)
    # 2 of 4 against 3 of 4: chi-square 8 * (2 * 1 - 2 * 3)^2 / (4 * 4 * 5 * 3).
    test = one(rows, statistic="chi_square_test")
    assert test["estimate"] == pytest.approx(8 * 16 / 240)
    assert check_trial(trial, ADSL, BDS, frame)["agrees"].all()
    description_table(frame, trial=trial, analysis="main")


def test_having_leaves_out_who_lacks_the_value():
    gaps = BDS.copy()
    gaps.loc[(gaps["USUBJID"] == "S1") & (gaps["AVISIT"] == "Week 2"), "AVAL"] = np.nan
    rows, trial, frame = of_pain(
        {"type": "ancova"}, having={"WELL": ["Week 2"]}, bds=gaps
    )
    assert one(rows, statistic="n_analysed", group="Active")["estimate"] == 3
    assert one(rows, statistic="n_with_data", group="Active")["n_subjects"] == 3
    difference = one(rows, statistic="difference")
    assert "subjects with WELL at week 2" in difference["method"]
    assert check_trial(trial, ADSL, gaps, frame)["agrees"].all()


def test_proportions_with_a_simple_interval_and_pearsons_test():
    model = {"type": "proportions", "interval": "wald", "test": "chi_square"}
    rows, trial, frame = fitted(model, parameter="WELL", response="AVAL", at="Week 4")
    found = one(rows, statistic="risk_difference")
    # 3/4 - 1/4, each with variance 3/64.
    half = 1.959964 * math.sqrt(2 * 3 / 64)
    assert found["ci_lower"] == pytest.approx(0.5 - half, rel=1e-6)
    assert "simple (Wald) interval" in found["method"]
    # 8 * (3 * 3 - 1 * 1)^2 / 4^4 = 2.
    assert one(rows, statistic="chi_square_test")["estimate"] == pytest.approx(2.0)
    assert check_trial(trial, ADSL, BDS, frame)["agrees"].all()


def test_layouts_are_those_of_the_models_without_effects():
    assert set(LAYOUTS) == {"summary", "characteristics", "counts", "shift"}
