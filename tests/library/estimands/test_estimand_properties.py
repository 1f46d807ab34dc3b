"""What holds of every strategy, on trials made at random.

The first engine works on whole columns, the second on one subject at a time, from the
definitions in words. They must choose the same records of every kind of trial.
"""

import numpy as np
import pandas as pd
import pytest
from estimand_trials import (
    START,
    adsl,
    analysis,
    bds,
    crossover,
    crossover_data,
    trial,
    typed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.analyses.second_records import records_anew
from trialstats.errors import DataError, NotEstimableError

STRATEGIES = ("treatment policy", "hypothetical", "while on treatment")
STRATEGIES += ("composite", "principal stratum")
COMPARED = ["USUBJID", "AVISIT", "AVISITN", "AVAL", "CHG", "DTYPE", "TRTP", "BASE"]

VALUE = st.one_of(st.none(), st.integers(0, 10))
DAY = st.one_of(st.none(), st.just(float("nan")), st.integers(1, 100))


@st.composite
def trials(draw, crossed=False):
    """Draw a trial with two events, each with a strategy, and some oddities."""
    names = [f"S{i}" for i in range(draw(st.integers(2, 6)))]
    handled = {
        event: {"strategy": s, "value": 1} if s == "composite" else s
        for event in ("rescue", "stop")
        for s in [draw(st.sampled_from(STRATEGIES))]
    }
    if crossed:
        config = crossover("treatment policy")
        people, rows = crossover_data(2 * (len(names) // 2 + 1))
        kept = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        rows = rows[np.array(kept)].reset_index(drop=True)
    else:
        subjects = {
            name: (draw(st.sampled_from(["Drug", "Placebo"])), draw(values()), None)
            for name in names
        }
        model = draw(st.sampled_from(["ancova", "mmrm"]))
        if model == "mmrm":
            handled = {
                event: "hypothetical" if s == "while on treatment" else s
                for event, s in handled.items()
            }
        parameter = (
            "PAIN" if model == "mmrm" else draw(st.sampled_from(["PAIN", "RESP"]))
        )
        at = draw(st.sampled_from(["Week 4", "Week 8", "Week 12"]))
        config = trial(model, "treatment policy", parameter=parameter, at=at)
        people, rows = adsl(subjects), bds(subjects)
        if draw(st.booleans()):
            del config["bds"]["PAIN"]["visits"]["windows"]
        if draw(st.integers(0, 3)) == 0:
            rows.loc[draw(st.integers(0, len(rows) - 1)), "ADT"] = pd.NaT
    config["analyses"]["main"]["estimand"]["intercurrent_events"] = handled
    happened = draw(st.lists(DAY, min_size=2 * len(people), max_size=2 * len(people)))
    people = with_events(people, happened)
    if draw(st.booleans()):
        config["analyses"]["main"]["where"] = "USUBJID != 'S1'"
    if draw(st.integers(0, 4)) == 0 and not crossed:
        events = config["intercurrent_events"]
        undated = {k: v for k, v in events["rescue"].items() if k != "date"}
        config["intercurrent_events"] = events | {"rescue": undated}
    return config, people, rows


def values():
    """Draw the values of three visits."""
    return st.tuples(VALUE, VALUE, VALUE)


def with_events(people, happened):
    """Return ADSL with rescue and stopping on the days given."""
    out, n = people.copy(), len(people)
    for name, date, days in (
        ("RESCUE", "RESDT", happened[:n]),
        ("STOPPED", "STOPDT", happened[n:]),
    ):
        out[name] = ["N" if day is None else "Y" for day in days]
        dates = [
            START + pd.Timedelta(days=day) if day is not None and day == day else pd.NaT
            for day in days
        ]
        out[date] = pd.to_datetime(pd.Series(dates)).astype("datetime64[s]")
    return out


def first(config, people, rows):
    """Return what the first engine uses, or why it refuses."""
    try:
        found = analysis(config, people, rows).observations()
    except DataError as error:
        return str(error).split(":")[-1].split(";")[0]
    return ordered(found)


def ordered(found):
    names = [*COMPARED, *(["APERIOD"] if "APERIOD" in found else [])]
    if found.empty:
        return pd.DataFrame(columns=names)
    table = typed(found.to_dict("records"))[names]
    by = ["USUBJID", *(["APERIOD"] if "APERIOD" in names else []), "AVISITN", "AVAL"]
    return table.sort_values(by).reset_index(drop=True)


def compare(config, people, rows):
    ours = first(config, people, rows)
    if isinstance(ours, str):
        # What the first engine cannot tell the second takes as after the event.
        assert "has no date" in ours or "before" in ours
        return
    try:
        theirs = ordered(records_anew(config, "main", people, rows))
    except NotEstimableError:
        assert ours.empty
        return
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


@given(made=trials())
@settings(max_examples=60)
def test_both_engines_use_the_same_records(made):
    compare(*made)


@given(made=trials(crossed=True))
@settings(max_examples=40)
def test_both_engines_use_the_same_records_of_a_crossover(made):
    compare(*made)


@given(made=trials())
@settings(max_examples=40)
def test_events_of_nobody_change_nothing(made):
    config, people, rows = made
    people = people.assign(RESCUE="N", STOPPED="N")
    found = analysis(config, people, rows).observations()
    plain = {"rescue": "treatment policy", "stop": "treatment policy"}
    config["analyses"]["main"]["estimand"]["intercurrent_events"] = plain
    expected = analysis(config, people, rows).observations()
    pd.testing.assert_frame_equal(found, expected)


@given(made=trials())
@settings(max_examples=25)
def test_the_order_of_rows_changes_nothing(made):
    config, people, rows = made
    turned = people.iloc[::-1].reset_index(drop=True)
    back = rows.iloc[::-1].reset_index(drop=True)
    ours, theirs = first(config, people, rows), first(config, turned, back)
    if isinstance(ours, str):
        # Which of several records is named follows their order.
        assert isinstance(theirs, str)
        return
    pd.testing.assert_frame_equal(ours, theirs)


@given(made=trials())
@settings(max_examples=25)
def test_names_of_subjects_change_nothing(made):
    config, people, rows = made
    config["analyses"]["main"].pop("where", None)
    names = {name: f"Z{9 - int(name[1:])}" for name in people["USUBJID"]}
    other = [d.assign(USUBJID=d["USUBJID"].map(names)) for d in (people, rows)]
    ours, theirs = first(config, people, rows), first(config, *other)
    if isinstance(ours, str):
        assert isinstance(theirs, str)
        return
    renamed = ours.assign(USUBJID=ours["USUBJID"].map(names))
    pd.testing.assert_frame_equal(ordered(renamed), theirs)


@pytest.mark.parametrize(
    "strategy", ["hypothetical", "while on treatment", "composite"]
)
def test_an_event_after_the_last_record_changes_nothing(strategy):
    said = (
        {"strategy": "composite", "value": 1} if strategy == "composite" else strategy
    )
    happened = [200] * 8 + [None] * 8
    people = with_events(adsl(), happened)
    for model in ("ancova", "mmrm"):
        if model == "mmrm" and strategy == "while on treatment":
            continue
        found = analysis(trial(model, said), people).observations()
        expected = analysis(trial(model, "treatment policy"), people).observations()
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_event_on_the_day_of_the_last_record_excludes_none(strategy):
    # Week 12 is on day 84 after the start: it is used, and composite counts there.
    people = with_events(adsl(), [84] * 8 + [None] * 8)
    said = (
        {"strategy": "composite", "value": 1} if strategy == "composite" else strategy
    )
    found = analysis(trial("ancova", said), people).used().changes["change"]
    # D3 has no week 12, and the event falls in its window: week 8 stands for it.
    expected = {"composite": 8, "while on treatment": 1}.get(strategy, 0)
    assert len(found) == expected
    assert "excluded" not in set(found)
