"""Each strategy with each kind of model, on trials small enough for a pencil.

The means, counts and records of these tests follow from `estimand_trials.SUBJECTS` by
hand; sums of so few small numbers are exact but for the last digits (1e-12).
"""

import numpy as np
import pandas as pd
import pytest
from estimand_trials import (
    EVENTS,
    START,
    SUBJECTS,
    adsl,
    analysis,
    bds,
    crossover,
    crossover_data,
    trial,
    used,
)

from trialstats.analyses.trial import fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import ConfigError, DataError
from trialstats.randomness import stream
from trialstats.rows import ADAE, frame_of

COMPOSITE_0 = {"strategy": "composite", "value": 0}

#: Change at week 12 under each strategy, and the difference of the means of the arms.
CHANGES = {
    "treatment policy": (
        {"D1": -6, "D2": -4, "D4": -5, "P1": -1, "P2": -2, "P3": -3, "P4": 0},
        -5 + 1.5,
    ),
    # D2, P3: week 12 lies after the event. D4: no date, so no visit is left.
    "hypothetical": ({"D1": -6, "P1": -1, "P2": -2, "P4": 0}, -6 + 1),
    # D2 and P3 stand with week 8, D3 with week 4.
    "while on treatment": (
        {"D1": -6, "D2": (-3, "LAST"), "D3": (-1, "LAST")}
        | {"P1": -1, "P2": -2, "P3": (0, "LAST"), "P4": 0},
        -10 / 3 + 0.75,
    ),
    "composite": (
        {"D1": -6}
        | {name: (0, "COMPOSITE") for name in ("D2", "D3", "D4", "P3")}
        | {"P1": -1, "P2": -2, "P4": 0},
        -1.5 + 0.75,
    ),
    "principal stratum": ({"D1": -6, "P1": -1, "P2": -2, "P4": 0}, -6 + 1),
}

#: Responders and subjects at week 12, drug then placebo.
RESPONDERS = {
    "treatment policy": ((3, 4), (1, 4)),
    "hypothetical": ((1, 1), (0, 3)),
    "while on treatment": ((2, 3), (0, 4)),
    "composite": ((1, 4), (0, 4)),
    "principal stratum": ((1, 1), (0, 3)),
}


def of(strategy):
    return COMPOSITE_0 if strategy == "composite" else strategy


def fit(config, people=None, rows=None):
    people = adsl() if people is None else people
    rows = bds() if rows is None else rows
    return fit_analysis(config, "main", people, rows, frame_of([], ADAE))


def one(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


@pytest.mark.parametrize("strategy", CHANGES)
def test_change_at_one_visit(strategy):
    records, difference = CHANGES[strategy]
    config = trial("ancova", of(strategy))
    assert used(config) == records
    row = one(fit(config), statistic="difference")
    assert row["estimate"] == pytest.approx(difference, abs=1e-12)
    assert row["n_subjects"] == len(records)


@pytest.mark.parametrize("strategy", RESPONDERS)
def test_a_proportion_at_one_visit(strategy):
    config = trial("proportions", of(strategy), parameter="RESP")
    frame = fit(config)
    for arm, (events, n) in zip(("Drug", "Placebo"), RESPONDERS[strategy], strict=True):
        assert one(frame, statistic="events", group=arm)["estimate"] == events
        assert one(frame, statistic="n_analysed", group=arm)["estimate"] == n


def test_the_value_of_a_response_may_stay_unsaid():
    config = trial("proportions", "composite", parameter="RESP")
    assert one(fit(config), statistic="events", group="Drug")["estimate"] == 1


def test_an_event_counts_from_its_day_on():
    # D2 has it on the day of week 8, P3 after that day.
    config = trial("ancova", COMPOSITE_0, at="Week 8")
    assert used(config) == {"D1": -4, "P1": -1, "P2": -1, "P3": 0, "P4": -1} | {
        name: (0, "COMPOSITE") for name in ("D2", "D3", "D4")
    }
    # A record on the day of the event is used.
    assert used(trial("ancova", "hypothetical", at="Week 8"))["D2"] == -3


def test_an_absent_visit_before_the_event_is_no_composite_value():
    # P4 has no week 4. An event at week 12, in the window or after it, comes later.
    people = adsl()
    late = people["USUBJID"] == "P4"
    for day, expected in ((84, None), (300, None), (20, (0, "COMPOSITE"))):
        people.loc[late, "RESCUE"] = "Y"
        people.loc[late, "RESDT"] = START + pd.Timedelta(days=day)
        found = used(trial("ancova", COMPOSITE_0, at="Week 4"), people)
        assert found.get("P4") == expected, day


def test_windows_tell_where_no_later_record_does():
    # D3 has no week 12: an event on day 200 comes after its window, one on day 80 not.
    for day, expected in ((200, None), (80, (0, "COMPOSITE"))):
        subjects = SUBJECTS | {"D3": ("Drug", (9, 5, None), day)}
        found = used(trial("ancova", COMPOSITE_0), adsl(subjects), bds(subjects))
        assert found.get("D3") == expected, day


def test_the_first_event_decides_and_composite_on_the_same_day():
    both = {"rescue": COMPOSITE_0, "stop": "hypothetical"}
    people = adsl()
    config = trial("ancova", "treatment policy")
    config["analyses"]["main"]["estimand"]["intercurrent_events"] = both
    p3 = people["USUBJID"] == "P3"
    for day, expected in ((59, None), (60, (0, "COMPOSITE")), (61, (0, "COMPOSITE"))):
        people.loc[p3, "STOPPED"] = "Y"
        people.loc[p3, "STOPDT"] = START + pd.Timedelta(days=day)
        assert used(config, people).get("P3") == expected, day


def test_counts_are_rows_by_arm_and_event():
    frame = fit(trial("ancova", COMPOSITE_0))
    counts = frame[frame["subgroup"] == "Rescue medication"]
    found = {(r["statistic"], r["group"]): r["estimate"] for _, r in counts.iterrows()}
    drug = {k[0]: v for k, v in found.items() if k[1] == "Drug"}
    assert drug == {
        "n_subjects_with_event": 3,
        "n_subjects_without_date": 1,
        "n_subjects_composite": 3,
        "n_records_changed": 2,
        "n_records_added": 1,
    }
    assert found["n_subjects_with_event", "Placebo"] == 1
    assert "small.main.week-12.drug.rescue.n-records-added" in set(frame["row_id"])
    assert (counts["role"] == "descriptive").all()
    # Observed values at the visit do not count those that a strategy made.
    assert one(frame, statistic="n_with_data", group="Drug")["estimate"] == 1


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("hypothetical", {"n_records_excluded": 2}),
        ("while on treatment", {"n_records_excluded": 2, "n_records_last": 2}),
        ("principal stratum", {"n_subjects_excluded": 3}),
        ("treatment policy", {}),
    ],
)
def test_counts_of_the_other_strategies(strategy, expected):
    frame = fit(trial("ancova", strategy))
    drug = frame[frame["group"].eq("Drug") & frame["subgroup"].notna()]
    drug = drug[~drug["statistic"].str.startswith("flow_")]
    found = dict(zip(drug["statistic"], drug["estimate"], strict=True))
    dated = strategy in ("hypothetical", "while on treatment")
    further = {"n_subjects_without_date": 1} if dated else {}
    assert found == {"n_subjects_with_event": 3} | further | expected


def test_the_principal_stratum_changes_the_denominators():
    row = one(
        fit(trial("ancova", "principal stratum")), statistic="n_with_data", group="Drug"
    )
    assert (row["estimate"], row["n_subjects"]) == (1, 1)


def many(events, n=30):
    """Return more subjects, those in `events` with the day of their event."""
    rng = stream(3, "estimands")
    subjects = {}
    for i in range(n):
        own = rng.normal(7, 1)
        drug = i % 2
        values = tuple(
            round(own - 0.1 * week * drug + rng.normal(0, 0.6), 2)
            for week in (4, 8, 12)
        )
        name = f"{'PD'[drug]}{i:02d}"
        day = events.get(i)
        subjects[name] = (("Placebo", "Drug")[drug], values, day)
    return subjects


MMRM = {"type": "mmrm", "covariance": "compound_symmetry", "terms": ["TRT01P*AVISIT"]}


def fitted(config, people, rows):
    frame = fit(config, people, rows)
    chosen = frame[frame["statistic"].isin(["ls_mean", "difference", "log_likelihood"])]
    assert chosen["estimate"].notna().all()
    return chosen.set_index("row_id")[["estimate", "standard_error", "df"]]


def test_mmrm_hypothetical_is_the_model_of_the_records_before():
    subjects = many({3: 40, 8: 56, 10: np.nan})
    people, rows = adsl(subjects), bds(subjects)
    # By hand: of 03 week 4 stays, of 08 weeks 4 and 8, of 10 none.
    week, who = rows["AVISITN"], rows["USUBJID"]
    gone = (who == "D03") & (week > 4) | (who == "P08") & (week > 8)
    gone |= (who == "P10") & (week > 0)
    expected = fitted(trial(MMRM, "treatment policy"), people, rows[~gone])
    found = fitted(trial(MMRM, "hypothetical"), people, rows)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)
    whole = fitted(trial(MMRM, "treatment policy"), people, rows)
    assert not np.allclose(whole["estimate"], found["estimate"])


def test_mmrm_composite_counts_at_every_visit_from_the_event_on():
    subjects = many({3: 40, 8: 56})
    rows = bds(subjects)
    rows = rows[~((rows["USUBJID"] == "D03") & (rows["AVISITN"] == 12))]
    by_hand = bds(subjects)
    changed = (by_hand["USUBJID"] == "D03") & (by_hand["AVISITN"] >= 8)
    changed |= (by_hand["USUBJID"] == "P08") & (by_hand["AVISITN"] >= 8)
    by_hand.loc[changed, "CHG"] = 1.5
    value = {"strategy": "composite", "value": 1.5}
    expected = fitted(trial(MMRM, "treatment policy"), adsl(subjects), by_hand)
    found = fitted(trial(MMRM, value), adsl(subjects), rows)
    # The same rows in another order: sums differ in their last digits.
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    counts = fit(trial(MMRM, value), adsl(subjects), rows)
    assert one(counts, statistic="n_records_added", group="Drug")["estimate"] == 1
    assert one(counts, statistic="n_records_changed", group="Placebo")["estimate"] == 2


def test_mmrm_principal_stratum_leaves_subjects_out():
    subjects = many({3: 40, 8: 56})
    rows = bds(subjects)
    left = rows[~rows["USUBJID"].isin(["D03", "P08"])]
    people = adsl(subjects)
    expected = fitted(trial(MMRM, "treatment policy"), people, left)
    found = fitted(trial(MMRM, "principal stratum"), people, rows)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_while_on_treatment_over_visits_is_refused():
    with pytest.raises(ConfigError, match=r"'rescue' is handled while on treatment"):
        fit(trial(MMRM, "while on treatment"))


#: Periods start on days 0 and 28, visits are 7 and 14 days later. S00 has the event
#: before week 2 of period 1, S01 on the day of week 2 of period 2, S02 before it.
IN_PERIODS = {"S00": 10, "S01": 42, "S02": 37}


def crossover_records(strategy):
    people, rows = crossover_data(events=IN_PERIODS)
    found = analysis(crossover(strategy), people, rows).observations()
    value = found["AVAL"].where(found["DTYPE"].isna(), found["DTYPE"])
    key = zip(found["USUBJID"], found["APERIOD"], strict=True)
    made = dict(zip(key, value, strict=True))
    stands = rows[rows["AVISITN"] == 2].set_index(["USUBJID", "APERIOD"])["AVAL"]
    return made, dict(stands), found


def test_crossover_hypothetical():
    made, stands, _ = crossover_records("hypothetical")
    late = {("S00", 1), ("S00", 2), ("S02", 2)}
    assert made == {key: value for key, value in stands.items() if key not in late}


def test_crossover_while_on_treatment_stays_within_the_period():
    made, stands, found = crossover_records("while on treatment")
    # S00 has no record of period 2 before the event: that period stays empty.
    last = {("S00", 1): "LAST", ("S02", 2): "LAST"}
    expected = {k: v for k, v in stands.items() if k != ("S00", 2)} | last
    assert made == expected
    _, rows = crossover_data(events=IN_PERIODS)
    week_1 = rows[(rows["USUBJID"] == "S02") & (rows["APERIOD"] == 2)].iloc[0]
    row = found[(found["USUBJID"] == "S02") & (found["APERIOD"] == 2)].iloc[0]
    assert row["AVAL"] == week_1["AVAL"]
    assert row["AVISIT"] == "Week 2"


def test_crossover_composite_counts_in_the_period_of_the_event():
    made, stands, found = crossover_records({"strategy": "composite", "value": 9})
    inside = dict.fromkeys([("S00", 1), ("S01", 2), ("S02", 2)], "COMPOSITE")
    assert made == stands | inside
    rows = found[found["DTYPE"] == "COMPOSITE"].set_index("USUBJID")
    assert rows["AVAL"].tolist() == [9, 9, 9]
    # Sequence DP for S00 and S02, PD for S01.
    assert dict(rows["TRTP"]) == {"S00": "Drug", "S01": "Drug", "S02": "Placebo"}


@pytest.mark.parametrize(
    "strategy", ["hypothetical", {"strategy": "composite", "value": 9}]
)
def test_crossover_is_the_model_of_the_records_changed_by_hand(strategy):
    people, rows = crossover_data(events=IN_PERIODS)
    by_hand = rows[rows["AVISITN"] == 2].copy()
    key = list(zip(by_hand["USUBJID"], by_hand["APERIOD"], strict=True))
    if strategy == "hypothetical":
        late = [k in {("S00", 1), ("S00", 2), ("S02", 2)} for k in key]
        by_hand = by_hand[~np.array(late)]
    else:
        inside = [k in {("S00", 1), ("S01", 2), ("S02", 2)} for k in key]
        by_hand.loc[inside, "AVAL"] = 9.0
    expected = fitted(crossover("treatment policy"), people, by_hand)
    found = fitted(crossover(strategy), people, rows)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_an_event_of_a_crossover_without_a_date_has_no_period():
    people, rows = crossover_data(events=IN_PERIODS)
    people.loc[2, "RESDT"] = pd.NaT
    config = crossover({"strategy": "composite", "value": 9})
    with pytest.raises(DataError, match=r"subject S02: the event 'rescue' has no date"):
        analysis(config, people, rows).observations()


def test_values_without_a_date_are_refused_where_the_event_has_one():
    rows = bds().assign(ADT=pd.NaT)
    config = trial("ancova", "hypothetical")
    # Day 56 lies in the window of week 8, after week 4 and before week 12.
    with pytest.raises(DataError) as caught:
        used(config, rows=rows)
    assert str(caught.value) == (
        "row subject D2, column 'ADT': the record at Week 8 has no date, so it cannot "
        "be told whether it stands before or after the event of 2024-02-26; give the "
        "visits dates, or leave out the `date` of the event: it then lies before every "
        "visit after baseline"
    )
    undated = {"rescue": {k: v for k, v in EVENTS["rescue"].items() if k != "date"}}
    config = trial("ancova", "hypothetical", events=undated)
    assert used(config, rows=rows) == {"D1": -6, "P1": -1, "P2": -2, "P4": 0}


def test_an_event_that_is_not_defined_is_refused():
    with pytest.raises(ConfigError, match=r"no event 'rescue', which analyses.main"):
        used(trial("ancova", "hypothetical", events={}))
    assert used(trial("ancova", "treatment policy", events={}))


def test_an_event_dated_by_no_column_of_adsl_is_refused():
    events = {"rescue": EVENTS["rescue"] | {"date": "RESCDT"}}
    with pytest.raises(ConfigError, match=r"ADSL has no date 'RESCDT'"):
        used(trial("ancova", "hypothetical", events=events))


def with_locf(rows):
    """Return measurements with a carried record at week 12 for D3."""
    made = rows[(rows["USUBJID"] == "D3") & (rows["AVISIT"] == "Week 8")].assign(
        AVISIT="Week 12", AVISITN=12.0, DTYPE="LOCF"
    )
    return pd.concat([rows, made[made["PARAMCD"] == "PAIN"]], ignore_index=True)


def test_derived_records_are_used_when_named():
    rows = with_locf(bds())
    plain = trial("ancova", "treatment policy")
    assert "D3" not in used(plain, rows=rows)
    named = trial("ancova", "treatment policy", records=["LOCF"])
    assert used(named, rows=rows)["D3"] == (-5, "LOCF")
    # Made of week 8, which lies after the event on day 40.
    assert "D3" not in used(
        trial("ancova", "hypothetical", records=["LOCF"]), rows=rows
    )
    method = one(fit(named, rows=rows), statistic="difference")["method"]
    assert method.endswith("; derived records used: LOCF")


def test_an_analysis_is_restricted_by_a_condition():
    config = trial("ancova", COMPOSITE_0, where="SITE != '3' and TRT01P == 'Drug'")
    # D3 is of site 3, so no record is made for it either.
    assert used(config) == {"D1": -6, "D2": (0, "COMPOSITE"), "D4": (0, "COMPOSITE")}
    with pytest.raises(ConfigError, match="SITEE"):
        used(trial("ancova", "treatment policy", where="SITEE == '1'"))


def test_several_visits_of_an_analysis():
    config = trial("ancova", "hypothetical", at=["Week 4", "Week 8"])
    found = analysis(config).observations()
    assert set(found["AVISIT"]) == {"Week 4", "Week 8"}
    first, second = (
        set(found.loc[found["AVISIT"] == visit, "USUBJID"])
        for visit in ("Week 4", "Week 8")
    )
    assert first == {"D1", "D2", "D3", "P1", "P2", "P3"}
    assert second == {"D1", "D2", "P1", "P2", "P3", "P4"}


@pytest.mark.parametrize("strategy", CHANGES)
def test_the_second_engine_chooses_the_same_records(strategy):
    config = trial("ancova", of(strategy))
    if strategy in ("hypothetical", "principal stratum"):
        # One subject on the drug leaves the engines nothing to compare spreads with.
        config["intercurrent_events"] = EVENTS | {
            "rescue": EVENTS["rescue"] | {"when": "RESCUE == 'Y' and SITE == '3'"}
        }
    rows = fit(config)
    found = check_trial(config, adsl(), bds(), rows)
    assert len(found) > 10
    assert found["agrees"].all(), found[~found["agrees"]]


def test_what_is_stored_is_left_as_it_is():
    people, rows = adsl(), bds()
    before = people.copy(), rows.copy()
    for strategy in CHANGES:
        fit(trial("ancova", of(strategy)), people, rows)
    pd.testing.assert_frame_equal(people, before[0])
    pd.testing.assert_frame_equal(rows, before[1])


@pytest.mark.parametrize("strategy", CHANGES)
def test_a_parameter_that_nobody_has_is_not_estimable(strategy):
    frame = fit(trial("ancova", of(strategy)), rows=bds().head(0))
    row = one(frame, statistic="difference")
    assert pd.isna(row["estimate"])
    assert row["not_estimable"]
    assert frame.loc[frame["subgroup"].notna(), "estimate"].notna().all()
