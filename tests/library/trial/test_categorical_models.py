"""Categories compared over strata and shifted from baseline: rows, tables, checks."""

import copy
import re

import numpy as np
import pandas as pd
import pytest

from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DataError
from trialstats.records import find, one, records
from trialstats.tables.descriptions import description_table
from trialstats.tables.efficacy import efficacy_table

VERSUS = "LDN 6 mg versus Placebo"
ARMS = ("LDN 6 mg", "Placebo")

CMH = {
    "role": "primary",
    "parameter": "RESP",
    "response": "AVAL",
    "at": "Week 2",
    "analysis_set": "ITT",
    "model": {"type": "cmh", "strata": ["SEX"]},
}
GRADES = {"Little": "AVAL < 4", "Some": "AVAL >= 4 and AVAL < 6", "Much": "AVAL >= 6"}
LATER = {
    "Little": "AVAL < 2",
    "Some": "AVAL >= 2 and AVAL < 3.5",
    "Much": "AVAL >= 3.5",
}
GRADED = CMH | {
    "parameter": "PAIN",
    "model": {"type": "cmh", "strata": ["SEX"], "categories": LATER},
}
SHIFT = {
    "role": "descriptive",
    "parameter": "PAIN",
    "at": "Week 2",
    "analysis_set": "ITT",
    "model": {"type": "shift", "categories": GRADES},
}


@pytest.fixture
def trial(parallel):
    """Return a configuration with one analysis, and a function that fits it."""
    config, adsl, bds, adae = parallel
    config = copy.deepcopy(config)
    config["responders"] = {"RESP": {"label": "Response", "of": "PAIN"}}

    class Trial:
        def __init__(self):
            self.config, self.adsl, self.bds = config, adsl.copy(), bds.copy()

        def rows(self, settings, **model):
            made = copy.deepcopy(settings)
            made["model"] |= model
            config["analyses"] = {"one": made}
            self.frame = fit_analysis(config, "one", self.adsl, self.bds, adae)
            assert self.frame["row_id"].is_unique
            return records(self.frame)

        def agreement(self):
            return check_trial(config, self.adsl, self.bds, self.frame)

    return Trial()


def crossed(trial, response="AVAL", code="RESP"):
    """Return the values at week 2 with arm and sex, chosen by hand."""
    bds = trial.bds
    rows = bds[
        bds["PARAMCD"].eq(code) & bds["ANL01FL"].eq("Y") & bds["AVISIT"].eq("Week 2")
    ]
    return rows.merge(trial.adsl[["USUBJID", "SEX"]], on="USUBJID")


def test_two_categories_have_counts_effects_and_a_test(trial):
    rows = trial.rows(CMH)
    data = crossed(trial)
    for arm in ARMS:
        for label, value in (("No", 0), ("Yes", 1)):
            row = one(rows, statistic="count", group=arm, subgroup=label)
            here = data[data["TRT01P"].eq(arm)]
            assert row["estimate"] == here["AVAL"].eq(value).sum()
            assert row["n_subjects"] == len(here)
        analysed = one(rows, statistic="n_analysed", group=arm)
        seen = one(rows, statistic="n_with_data", group=arm)
        # Two visits without a value count as no response.
        assert analysed["estimate"] == 12
        assert (
            seen["estimate"]
            == analysed["estimate"]
            - data[data["TRT01P"].eq(arm) & data["DTYPE"].eq("NRI")].shape[0]
        )
    difference = one(rows, statistic="risk_difference")
    shares, weights = [], []
    for _, part in data.groupby("SEX"):
        values = {arm: part.loc[part["TRT01P"].eq(arm), "AVAL"] for arm in ARMS}
        shares.append(values[ARMS[0]].mean() - values[ARMS[1]].mean())
        weights.append(np.prod([len(v) for v in values.values()]) / len(part))
    expected = np.average(shares, weights=weights)
    assert difference["estimate"] == pytest.approx(expected, rel=1e-11)
    assert difference["role"] == "primary"
    assert "stratified by SEX" in difference["method"]
    assert "the event is 'Yes'" in difference["method"]
    tests = [r for r in rows if r["statistic"].startswith("cmh_")]
    assert [r["statistic"] for r in tests] == ["cmh_general_association_test"]
    assert one(rows, statistic="breslow_day_test")["df"] == 1
    assert trial.agreement()["agrees"].all()


def test_graded_categories_have_three_tests_and_the_first_has_the_role(trial):
    rows = trial.rows(GRADED, scores="ridit")
    tests = [r for r in rows if r["statistic"].startswith("cmh_")]
    assert [(r["statistic"], r["df"], r["role"]) for r in tests] == [
        ("cmh_row_means_test", 1, "primary"),
        ("cmh_correlation_test", 1, "descriptive"),
        ("cmh_general_association_test", 2, "descriptive"),
    ]
    assert "ridit scores (midranks over N within the stratum)" in tests[0]["method"]
    assert not find(rows, statistic="risk_difference")
    assert trial.agreement()["agrees"].all()


def test_several_treatments_are_tested_together_and_one_by_one(trial):
    third = trial.adsl["USUBJID"].isin([f"S{i:02d}" for i in range(0, 24, 3)])
    trial.config["arms"] = {"control": "Placebo", "treatments": ["LDN 6 mg", "LDN 3"]}
    trial.adsl.loc[third, "TRT01P"] = "LDN 3"
    own = trial.bds["USUBJID"].map(trial.adsl.set_index("USUBJID")["TRT01P"])
    trial.bds["TRT01P"] = own
    rows = trial.rows(GRADED, statistics=["correlation", "row_means"])
    both = find(rows, statistic="cmh_row_means_test")
    assert [(r["contrast"], r["df"]) for r in both] == [
        (None, 2),
        (VERSUS, 1),
        ("LDN 3 versus Placebo", 1),
    ]
    trend = find(rows, statistic="cmh_correlation_test")
    assert {r["df"] for r in trend} == {1}
    assert [r["role"] for r in trend] == ["descriptive", "primary", "primary"]
    assert "in the order control, treatments" in trend[0]["method"]
    assert trial.agreement()["agrees"].all()
    before = trend[0]["estimate"]
    trial.config["arms"]["doses"] = {"Placebo": 0, "LDN 6 mg": 6, "LDN 3": 3}
    rows = trial.rows(GRADED, statistics=["correlation", "row_means"])
    trend = find(rows, statistic="cmh_correlation_test")
    assert "arms: table scores (doses)" in trend[0]["method"]
    assert trend[0]["estimate"] != before
    assert trial.agreement()["agrees"].all()


def test_strata_without_information_and_missing_strata_stay_in_view(trial):
    trial.adsl["SITE"] = pd.array(["01", "02"] * 12, dtype="str")
    arms = trial.adsl["TRT01P"]
    # All of one site are in one arm; one subject has no site.
    trial.adsl.loc[arms.eq("Placebo").to_numpy().nonzero()[0][:3], "SITE"] = "03"
    trial.adsl.loc[trial.adsl["USUBJID"].eq("S23"), "SITE"] = None
    rows = trial.rows(CMH, strata=["SITE"])
    assert one(rows, statistic="n_strata")["estimate"] == 3
    assert one(rows, statistic="n_strata_informative")["estimate"] == 2
    alone = one(rows, statistic="n_in_stratum_without_information")
    assert (alone["subgroup"], alone["estimate"]) == ("SITE 03", 3)
    assert "all are in one arm" in alone["method"]
    gone = find(rows, statistic="n_without_covariate")
    assert sum(r["estimate"] for r in gone) == 1
    assert sum(r["estimate"] for r in find(rows, statistic="n_analysed")) == 23
    table = efficacy_table(trial.frame, trial=trial.config, analysis="one")
    texts = [cell.text for row in table.rows for cell in row.cells]
    assert "2 of 3" in texts
    assert "SITE 03 (3)" in texts
    assert any(label == "Left out" for label, _ in table.preface)
    assert trial.agreement()["agrees"].all()


@pytest.mark.parametrize("settings", [CMH, GRADED])
def test_an_arm_without_data_is_not_estimable(trial, settings):
    trial.bds = trial.bds[trial.bds["TRT01P"].ne("Placebo")]
    rows = trial.rows(settings)
    failed = [r for r in rows if r["not_estimable"]]
    assert {r["not_estimable"] for r in failed} == {"Placebo has no subject with AVAL."}
    assert {r["role"] for r in failed} == {"primary", "descriptive"}
    assert trial.agreement()["agrees"].all()


def test_a_visit_that_nobody_has_is_not_estimable(trial):
    rows = trial.rows(CMH | {"at": "Week 9"})
    assert one(rows, statistic="risk_difference")["not_estimable"]
    assert one(rows, statistic="n_strata")["estimate"] == 0
    assert trial.agreement()["agrees"].all()
    table = efficacy_table(trial.frame, trial=trial.config, analysis="one")
    assert any(c.text == "NE" for row in table.rows for c in row.cells)


@pytest.mark.parametrize(
    ("categories", "said"),
    [
        ({"Low": "AVAL < 4", "High": "AVAL > 100"}, "a value is in no category"),
        ({"Low": "AVAL < 4", "All": "AVAL > 0"}, "a value is in 'Low' and in 'All'"),
    ],
)
@pytest.mark.parametrize("settings", [GRADED, SHIFT])
def test_every_value_has_one_category(trial, settings, categories, said):
    with pytest.raises(DataError, match=said):
        trial.rows(settings, categories=categories)


def test_values_are_no_categories_when_they_are_many(trial):
    with pytest.raises(DataError, match=r"PAIN has 2\d different values"):
        trial.rows(CMH | {"parameter": "PAIN"})


def test_two_records_of_one_visit_are_refused(trial):
    twice = trial.bds[trial.bds["AVISIT"].eq("Week 2") & trial.bds["ANL01FL"].eq("Y")]
    trial.bds = pd.concat([trial.bds, twice], ignore_index=True)
    for settings in (CMH, SHIFT):
        with pytest.raises(DataError, match="two records of"):
            trial.rows(settings)


def test_values_are_named_by_the_words_that_were_received(trial):
    trial.config["bds"]["RESP2"] = {
        "label": "Response",
        "unit": "1 = yes",
        "value": {"recode": {"poor": 0, "good": 1}},
    }
    trial.bds["PARAMCD"] = trial.bds["PARAMCD"].replace("RESP", "RESP2")
    rows = trial.rows(CMH | {"parameter": "RESP2"})
    labels = [r["subgroup"] for r in find(rows, statistic="count", group="Placebo")]
    assert labels == ["poor", "good"]
    assert trial.agreement()["agrees"].all()


def graded(value):
    return "Little" if value < 4 else "Some" if value < 6 else "Much"


def shifts_by_hand(trial, visits, choose):
    """Return the number of each arm and shift, one subject at a time."""
    pain = trial.bds[trial.bds["PARAMCD"].eq("PAIN") & trial.bds["ANL01FL"].eq("Y")]
    order = list(GRADES)
    found = {}
    for _, person in trial.adsl.iterrows():
        own = pain[pain["USUBJID"].eq(person["USUBJID"])]
        base = own.loc[own["ABLFL"].eq("Y"), "AVAL"]
        later = own.loc[own["AVISIT"].isin(visits), "AVAL"]
        before = graded(base.iloc[0]) if len(base) else "Missing"
        graded_later = [graded(value) for value in later]
        after = choose(graded_later, order.index) if len(later) else "Missing"
        key = (person["TRT01P"], f"{before} to {after}")
        found[key] = found.get(key, 0) + 1
    return found


CHOICES = {
    "low": lambda listed, place: min(listed, key=place),
    "high": lambda listed, place: max(listed, key=place),
    "last": lambda listed, place: listed[-1],
}


@pytest.mark.parametrize("worst", [None, *CHOICES])
def test_shifts_are_those_counted_by_hand_and_nobody_is_lost(trial, worst):
    # One subject without a baseline, one with nothing after it.
    gone = trial.bds["USUBJID"].eq("S00") & trial.bds["ABLFL"].eq("Y")
    gone |= trial.bds["USUBJID"].eq("S01") & trial.bds["AVISITN"].gt(0)
    trial.bds = trial.bds[~gone]
    trial.bds.loc[trial.bds["USUBJID"].eq("S00"), "BASE"] = np.nan
    settings, visits = SHIFT, ["Week 2"]
    if worst:
        settings = {k: v for k, v in SHIFT.items() if k != "at"}
        settings |= {"model": SHIFT["model"] | {"worst": worst}}
        visits = ["Week 1", "Week 2"]
    rows = trial.rows(settings)
    expected = shifts_by_hand(trial, visits, CHOICES[worst or "last"])
    shifts = find(rows, statistic="shift")
    assert len(shifts) == 2 * 4 * 4
    for row in shifts:
        assert row["estimate"] == expected.get((row["group"], row["subgroup"]), 0)
    for arm in ARMS:
        own = [r for r in shifts if r["group"] == arm]
        n = one(rows, statistic="n", group=arm)["estimate"]
        assert sum(r["estimate"] for r in own) == n == 12
        base = find(rows, statistic="n_at_baseline", group=arm)
        after = find(rows, statistic="n_after_baseline", group=arm)
        assert sum(r["estimate"] for r in base) == n
        assert sum(r["estimate"] for r in after) == n
    missing = [r for r in shifts if "Missing" in r["subgroup"]]
    assert sum(r["estimate"] for r in missing) == (2 if worst else 4)
    assert trial.agreement()["agrees"].all()


def test_a_baseline_that_later_records_state_stands_for_its_record(trial):
    whole = find(trial.rows(SHIFT), statistic="shift")
    trial.bds = trial.bds[trial.bds["ABLFL"].ne("Y")]
    without = find(trial.rows(SHIFT), statistic="shift")
    assert [r["estimate"] for r in whole] == [r["estimate"] for r in without]
    assert trial.agreement()["agrees"].all()


def test_two_baselines_are_refused(trial):
    twice = trial.bds[trial.bds["ABLFL"].eq("Y")].head(1)
    trial.bds = pd.concat([trial.bds, twice], ignore_index=True)
    with pytest.raises(DataError, match="two baseline records of PAIN"):
        trial.rows(SHIFT)


def test_a_condition_of_the_analysis_restricts_the_visits_after_baseline(trial):
    rows = trial.rows(SHIFT | {"where": "SEX == 'F'"})
    later = find(rows, statistic="n_after_baseline", subgroup="Missing")
    men = trial.adsl.groupby("TRT01P")["SEX"].apply(lambda s: s.eq("M").sum())
    assert all(row["estimate"] >= men[row["group"]] for row in later)
    base = find(rows, statistic="n_at_baseline", subgroup="Missing")
    assert [row["estimate"] for row in base] == [0, 0]
    table = description_table(trial.frame, trial=trial.config, analysis="one")
    said = "After baseline: at Week 2; records where SEX == 'F'."
    assert said in [text for _, text in table.footnotes]
    assert trial.agreement()["agrees"].all()


def test_shifts_are_tested_given_the_category_at_baseline(trial):
    rows = trial.rows(SHIFT, statistics=["row_means"], scores="rank")
    test = one(rows, statistic="cmh_row_means_test")
    assert test["contrast"] == VERSUS
    assert "stratified by the category at baseline" in test["method"]
    assert trial.agreement()["agrees"].all()
    table = description_table(trial.frame, trial=trial.config, analysis="one")
    lines = [cell for _, cell in table.preface if test["row_id"] in cell.rows]
    assert len(lines) == 1


def test_a_number_that_is_wrong_does_not_agree(trial):
    trial.rows(CMH)
    names = {"count", "risk_difference", "cmh_general_association_test"}
    wrong = trial.frame["statistic"].isin(names | {"breslow_day_test"})
    trial.frame.loc[wrong, "estimate"] += 0.01
    agreement = trial.agreement()
    failed = agreement.loc[~agreement["agrees"].astype(bool), "row_id"]
    assert set(failed) == set(trial.frame.loc[wrong, "row_id"])


def numbers_of(record):
    """Return the numbers of a row as tables may print them, without decimals."""
    named = ("estimate", "n_subjects", "df", "p_value", "ci_lower", "ci_upper")
    return [record[name] for name in named if record[name] is not None]


@pytest.mark.parametrize("settings", [CMH, GRADED, SHIFT])
def test_every_number_of_the_tables_comes_from_the_rows_it_names(trial, settings):
    rows = {r["row_id"]: r for r in trial.rows(settings)}
    make = description_table if settings is SHIFT else efficacy_table
    table = make(trial.frame, trial=trial.config, analysis="one")
    cells = [c for row in table.rows if not row.heading for c in row.cells[1:]]
    printed = [c for c in cells if re.search(r"\d", c.text)]
    assert printed
    for cell in printed:
        assert cell.rows, cell
        known = [x for row in cell.rows for x in numbers_of(rows[row])]
        first = float(re.search(r"[\d.]+", cell.text).group())
        scaled = {round(abs(f(x)), d) for x in known for d in range(4) for f in SCALES}
        assert first in scaled, cell
    heads = [c for c in table.columns if re.search(r"N = \d", c.spanner)]
    assert all(c.rows for c in heads)
    assert bool(heads) == (settings is SHIFT)


#: As stored, in percentage points, and back from the logarithm.
SCALES = (float, lambda x: 100 * x, lambda x: float(np.exp(min(x, 50))))


def test_the_table_of_shifts_has_arms_side_by_side_and_missing_in_view(trial):
    trial.rows(SHIFT)
    table = description_table(trial.frame, trial=trial.config, analysis="one")
    assert [c.label for c in table.columns[1:6]] == ["n", *GRADES, "Missing"]
    assert {c.spanner for c in table.columns[1:]} == {
        "LDN 6 mg (N = 12)",
        "Placebo (N = 12)",
    }
    stubs = [row.cells[0].text for row in table.rows]
    assert stubs == [*GRADES, "Missing", "Total"]
    notes = [text for _, text in table.footnotes]
    assert "After baseline: at Week 2." in notes


@pytest.mark.parametrize("model", [{"type": "proportions"}, CMH["model"]])
def test_tables_of_two_categories_have_both_numbers_and_both_kinds_of_effect(
    trial, model
):
    trial.rows(CMH | {"model": model})
    table = efficacy_table(trial.frame, trial=trial.config, analysis="one")
    lines = {row.cells[0].text: row for row in table.rows if not row.heading}
    for label in ("Participants analysed", "Participants with data"):
        assert [c.text for c in lines[label].cells[1:3]] != ["", ""]
    for label in (
        "Risk difference, percentage points (95% CI)",
        "Risk ratio (95% CI)",
        "Odds ratio (95% CI)",
    ):
        assert re.search(r"\d \(.+ to .+\)|NE", lines[label].cells[3].text)
