"""Adverse events in a hierarchy, by severity, tested: counts worked out by hand."""

import pandas as pd
import pytest
from scipy import stats

from trialstats import io, rows
from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import DataError

TREATED = "LDN 6 mg"
CONTRAST = "LDN 6 mg versus Placebo"
BY = ["AEBODSYS", "AEDECOD"]

#: Subject, system, term, severity, relation; S00, S01, S04, S05 have the treatment.
EVENTS = [
    ("S00", "Skin", "Rash", "MILD", "RELATED"),
    ("S00", "Skin", "Rash", "SEVERE", "NOT RELATED"),
    ("S00", "Skin", "Itching", "MILD", None),
    ("S01", "Skin", "Rash", None, None),
    ("S02", "Skin", "Rash", "MODERATE", "NOT RELATED"),
    ("S03", "Gut", "Nausea", "MILD", "NOT RELATED"),
    ("S03", "Gut", "Rash", "MILD", "RELATED"),
    ("S04", None, "Nausea", "MILD", "RELATED"),
    ("S06", "Gut", "Nausea", "MILD", "RELATED"),
    ("S07", "Gut", "Nausea", "MODERATE", "RELATED"),
]


def fitted(config, adsl, bds, **model):
    arms = adsl.set_index("USUBJID")["TRT01P"]
    columns = ("USUBJID", "AEBODSYS", "AEDECOD", "AESEV", "AEREL")
    adae = pd.DataFrame(EVENTS, columns=columns).astype("str")
    adae = adae.assign(
        TRTP=adae["USUBJID"].map(arms),
        AETERM=adae["AEDECOD"],
        AESER="N",
        TRTEMFL="Y",
    )
    settings = config["analyses"]["adverse_events"]
    settings = {**settings, "model": {"type": "adverse_events", **model}}
    config = config | {"analyses": {"adverse_events": settings}}
    return config, fit_analysis(config, "adverse_events", adsl, bds, adae)


def counts(frame, statistic="subjects_with_event", subgroup=None):
    """Return the numbers of each line under treatment and control."""
    frame = frame[frame["statistic"] == statistic]
    if subgroup is None:
        frame = frame[frame["subgroup"].isna()]
    else:
        frame = frame[frame["subgroup"] == subgroup]
    found = {}
    for row in frame.itertuples():
        found.setdefault(row.parameter, {})[row.group] = row.estimate
    return {k: (v[TREATED], v["Placebo"]) for k, v in found.items()}


TERMS = {
    "Gut": (0, 3),
    "Gut > Nausea": (0, 3),
    "Gut > Rash": (0, 1),
    "Skin": (2, 1),
    "Skin > Rash": (2, 1),
    "Skin > Itching": (1, 0),
    "Not coded": (1, 0),
    "Not coded > Nausea": (1, 0),
}


def test_terms_stand_below_their_system_the_most_frequent_first(parallel, tmp_path):
    config, adsl, bds, _ = parallel
    _, frame = fitted(config, adsl, bds, by=BY)
    found = counts(frame)
    overview = [name for name in found if name.startswith("Any ")]
    assert list(found) == [*overview, *TERMS]
    assert {name: found[name] for name in TERMS} == TERMS
    assert found["Any adverse event"] == (3, 4)
    assert counts(frame, "events")["Skin > Rash"] == (3, 1)
    assert set(frame["model_id"]) == {"overview", *BY}
    # Every line has its difference, and the rows their keys.
    assert (frame["statistic"] == "risk_difference").sum() == len(found)
    io.write_table(frame, tmp_path / "rows.parquet", rows.ESTIMATES)


@pytest.mark.parametrize(
    ("order", "systems", "in_gut"),
    [
        ("alphabet", ["Gut", "Not coded", "Skin"], ["Nausea", "Rash"]),
        (TREATED, ["Skin", "Not coded", "Gut"], ["Nausea", "Rash"]),
        (["alphabet", "frequency"], ["Gut", "Not coded", "Skin"], ["Nausea", "Rash"]),
        (["Placebo", "alphabet"], ["Gut", "Skin", "Not coded"], ["Nausea", "Rash"]),
    ],
)
def test_orders(parallel, order, systems, in_gut):
    config, adsl, bds, _ = parallel
    _, frame = fitted(config, adsl, bds, by=BY, order=order)
    terms = [name for name in counts(frame) if not name.startswith("Any ")]
    assert [name for name in terms if " > " not in name] == systems
    assert [n.removeprefix("Gut > ") for n in terms if n.startswith("Gut >")] == in_gut


def test_rare_terms_are_left_out_and_counted(parallel):
    # 12 subjects an arm: three are 25 %, two are less than 17 %.
    config, adsl, bds, _ = parallel
    _, frame = fitted(config, adsl, bds, by=BY, minimum_percent=25)
    terms = {name for name in counts(frame) if not name.startswith("Any ")}
    assert terms == {"Gut", "Gut > Nausea"}
    left = frame[frame["statistic"] == "terms_left_out"].set_index("model_id")
    assert left["estimate"].to_dict() == {"AEBODSYS": 2, "AEDECOD": 4}
    assert "fewer than 25% of the subjects" in left["method"].iloc[0]


def test_each_subject_is_counted_at_the_highest_severity(parallel):
    config, adsl, bds, _ = parallel
    _, frame = fitted(config, adsl, bds, by=BY, severity="AESEV", relation="AEREL")
    rash = "Skin > Rash"
    severity = {
        grade: counts(frame, subgroup=f"Maximum severity: {grade}")[rash]
        for grade in ("MILD", "MODERATE", "SEVERE", "Missing")
    }
    # S00 had it mildly and severely, S01 without a severity.
    assert severity == {
        "MILD": (0, 0),
        "MODERATE": (0, 1),
        "SEVERE": (1, 0),
        "Missing": (1, 0),
    }
    mild = counts(frame, "events", "Maximum severity: MILD")
    assert mild[rash] == (1, 0)
    assert mild["Any adverse event"] == (3, 3)
    related = counts(frame, subgroup="Relation to treatment: RELATED")
    assert related[rash] == (1, 0)
    assert related["Any adverse event"] == (2, 3)
    missing = counts(frame, subgroup="Relation to treatment: Missing")
    assert missing["Any adverse event"] == (1, 0)
    # Each overview line but the first chooses by severity or relation itself.
    assert "Any severe adverse event" not in mild


@pytest.mark.parametrize("statistic", ["subjects_with_event", "events"])
def test_grades_add_up_to_their_line(parallel, statistic):
    config, adsl, bds, _ = parallel
    _, frame = fitted(config, adsl, bds, severity="AESEV")
    own = frame[(frame["statistic"] == statistic) & frame["subgroup"].notna()]
    sums = own.groupby(["parameter", "group"])["estimate"].sum()
    for name, (treated, control) in counts(frame, statistic).items():
        if name in sums:
            assert (sums[name, TREATED], sums[name, "Placebo"]) == (treated, control)
    assert set(own["parameter"]) == {"Any adverse event", "Nausea", "Rash", "Itching"}


def test_fisher_tests_each_line_and_the_second_engine_agrees(parallel):
    config, adsl, bds, _ = parallel
    made, frame = fitted(config, adsl, bds, by=BY, test="fisher", severity="AESEV")
    tests = frame[frame["statistic"] == "fisher_test"].set_index("parameter")
    for name, (treated, control) in counts(frame).items():
        row = tests.loc[name]
        assert (row["contrast"], row["n_subjects"]) == (CONTRAST, 24)
        if treated == control == 0:
            assert row["not_estimable"] == "No subject of either arm had the event."
            continue
        table = [[treated, 12 - treated], [control, 12 - control]]
        expected = stats.fisher_exact(table).pvalue
        assert row["p_value"] == pytest.approx(expected, rel=1e-9)
    assert tests.loc["Any serious adverse event", "not_estimable"]
    checked = check_trial(made, adsl, bds, frame)
    assert checked["agrees"].all()
    tested = checked[checked["row_id"].str.endswith("fisher-test")]
    assert len(tested) == tests["p_value"].notna().sum()


def test_an_overview_as_configured(parallel):
    config, adsl, bds, _ = parallel
    both = "AESEV == 'MILD' and AEREL == 'RELATED'"
    _, frame = fitted(config, adsl, bds, overview={"Mild and related": both})
    found = counts(frame)
    assert list(found)[:2] == ["Any adverse event", "Mild and related"]
    assert found["Mild and related"] == (2, 2)
    parts = frame.drop_duplicates("parameter").set_index("parameter")["model_id"]
    assert parts["Mild and related"] == "overview"


def test_the_overview_counts_what_was_recorded(parallel):
    config, adsl, bds, _ = parallel
    names = {key: {} for key in ("AETERM", "AESDTH", "AEACN", "AEOUT")}
    config = config | {"adae": {"variables": names}}
    arm = adsl["TRT01P"].iloc[0]
    adae = pd.DataFrame(
        {
            "USUBJID": ["S00", "S01", "S04"],
            "TRTP": arm,
            "AETERM": "Rash",
            "TRTEMFL": "Y",
            "AESDTH": ["Y", "N", "N"],
            "AEOUT": ["FATAL", "RECOVERED/RESOLVED", "FATAL"],
            "AEACN": [None, "DRUG WITHDRAWN", "DOSE REDUCED"],
        }
    )
    found = counts(fit_analysis(config, "adverse_events", adsl, bds, adae))
    assert found == {
        "Any adverse event": (3, 0),
        "Any adverse event leading to discontinuation of treatment": (1, 0),
        "Any adverse event leading to death": (2, 0),
        "Rash": (3, 0),
    }


def test_a_crossover_is_counted_and_not_compared(crossover):
    config, adsl, bds, _ = crossover
    _, frame = fitted(config, adsl, bds, by=BY, test="fisher", severity="AESEV")
    assert set(frame["statistic"]) == {"subjects_with_event", "events"}
    assert "by treatment at onset" in frame["method"].iloc[-1]


@pytest.mark.parametrize(
    ("terms", "alike"),
    [(["Rash!", "rash", "RASH"], None), (["Any adverse event", "a", "b"], "Any")],
)
def test_names_that_look_alike(parallel, terms, alike):
    config, adsl, bds, _ = parallel
    adae = pd.DataFrame({"USUBJID": ["S00", "S01", "S02"], "AETERM": terms})
    arms = adsl["TRT01P"].iloc[:3].to_numpy()
    adae = adae.assign(TRTP=arms, TRTEMFL="Y", AESER="N", AEREL="RELATED", AESEV="MILD")
    if alike:
        with pytest.raises(DataError, match="has the name of another line"):
            fit_analysis(config, "adverse_events", adsl, bds, adae)
        return
    frame = fit_analysis(config, "adverse_events", adsl, bds, adae)
    assert frame["row_id"].is_unique
    assert set(terms) <= set(frame["parameter"])
