"""The evidence map: every trial, and plainly what it offers."""

import pytest

from trialstats import io
from trialstats.analyses.evidence import EVIDENCE, evidence_map


@pytest.fixture(scope="module")
def listed(published, every_synthesis):
    effects, trials, _ = published
    return evidence_map(trials, effects, every_synthesis.values())


def offer(listed, trial, *, safety=False):
    rows = listed.loc[
        listed["trial"].eq(trial) & (listed["group"].eq("safety") == safety)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_trial_stands_in_one_condition(listed, published, tmp_path):
    conditions = listed.loc[listed["group"].ne("safety"), "trial"]
    assert sorted(conditions) == sorted(published[1]["trial"])
    assert len(conditions) == 24
    io.write_table(listed, tmp_path / "map.parquet", EVIDENCE)


@pytest.mark.parametrize(
    ("trial", "group", "offers", "synthesis"),
    [
        ("INNOVA_FM", "chronic pain", "pooled", "fibromyalgia_pain"),
        ("CREE2010_MS", "autoimmune disease", "pooled", "pain_across_conditions"),
        ("SMITH2011_CD_ADULT", "autoimmune disease", "usable alone", "crohn_remission"),
        ("MISCHOULON2017_MDD", "mental health", "usable alone", "depression_scales"),
        ("LIE2018_IBD", "autoimmune disease", "context only", None),
        ("BESTED2023_FM", "chronic pain", "no usable number", None),
        ("ENDOMETRIOSIS_NCT03970330", "other", "no usable number", None),
    ],
)
def test_what_a_trial_offers(listed, trial, group, offers, synthesis):
    row = offer(listed, trial)
    assert (row["group"], row["offers"]) == (group, offers)
    if synthesis:
        assert synthesis in row["syntheses"]
    else:
        assert len(row["reason"]) > 20


def test_safety_stands_on_its_own(listed):
    row = offer(listed, "SMITH2013_CD_PED", safety=True)
    assert row["offers"] == "pooled"
    assert row["syntheses"] == "serious_adverse_events"
    assert "No event in either arm: a ratio is not estimable." in row["remark"]
    other = offer(listed, "DUEBRUUN2024_FINAL", safety=True)
    assert "No event in either arm" not in other["remark"]
    # Its efficacy figures mix randomised and open-label phases.
    assert offer(listed, "SMITH2013_CD_PED")["offers"] == "context only"


def test_a_condition_without_a_place_is_shown_under_other(published, every_synthesis):
    effects, trials, _ = published
    altered = trials.assign(condition_group="psoriasis")
    made = evidence_map(altered, effects, every_synthesis.values())
    assert set(made["group"]) == {"other", "safety"}


def test_designs_are_told_apart(listed):
    kinds = listed.set_index("trial")["design_class"].to_dict()
    assert kinds["YOUNGER2009_FM"] == "crossover, not randomised"
    assert kinds["BRUUNPLESNER2020_FM"] == "uncontrolled"
    assert kinds["CREE2010_MS"] == "randomised crossover"
