"""An estimand in words: in the rows, on the table, in the method."""

import pytest
from estimand_trials import adsl, bds, crossover, estimand, trial

from trialstats.analyses.trial import fit_analysis
from trialstats.estimands import (
    Handling,
    estimand_block,
    estimand_in_words,
    handlings,
    strategies_in_words,
)
from trialstats.records import records
from trialstats.rows import ADAE, frame_of
from trialstats.tables.efficacy import efficacy_table

COMPOSITE = {"strategy": "composite", "value": 0, "note": "no gain"}

#: What each strategy is in a sentence.
SENTENCES = {
    "treatment policy": "rescue medication: treatment policy",
    "hypothetical": "rescue medication: hypothetical (values after it are not used, as "
    "if they were missing)",
    "while on treatment": "rescue medication: while on treatment (values after it are "
    "not used, and the last one before it stands for the analysed visit)",
    "composite": "rescue medication: composite (whoever has it by a visit counts as 0 "
    "there; no gain)",
    "principal stratum": "rescue medication: principal stratum (whoever has it is left "
    "out; this assumes that people without it under the treatment they took would have "
    "been without it under any treatment compared, which the data cannot show)",
}


def of(strategy):
    return COMPOSITE if strategy == "composite" else strategy


def rows_of(config):
    return fit_analysis(config, "main", adsl(), bds(), frame_of([], ADAE))


def table_of(config):
    return efficacy_table(rows_of(config), trial=config, analysis="main")


@pytest.mark.parametrize("strategy", SENTENCES)
def test_the_rows_state_the_estimand(strategy):
    frame = rows_of(trial("ancova", of(strategy)))
    assert set(frame["estimand"]) == {
        "difference in means of change in pain at week 12, drug versus placebo, in "
        f"adults; {SENTENCES[strategy]}"
    }


@pytest.mark.parametrize("strategy", SENTENCES)
def test_the_table_has_the_five_attributes_above_it(strategy):
    config = trial("ancova", of(strategy))
    table = table_of(config)
    lines = [(label, cell.text) for label, cell in table.preface]
    assert lines[:5] == [
        ("Treatment", "drug versus placebo"),
        ("Population", "adults"),
        ("Variable", "change in pain at week 12"),
        ("Intercurrent events", SENTENCES[strategy]),
        ("Population-level summary", "difference in means"),
    ]
    assert lines[:5] == estimand_block(config, "main")


def test_each_event_has_a_line_of_its_own():
    config = trial("ancova", "treatment policy")
    events = {"rescue": "treatment policy", "stop": "hypothetical"}
    config["analyses"]["main"]["estimand"]["intercurrent_events"] = events
    block = estimand_block(config, "main")
    assert [label for label, _ in block] == [
        *("Treatment", "Population", "Variable", "Intercurrent events", ""),
        "Population-level summary",
    ]
    assert block[4][1].startswith("stopping: hypothetical (")
    config["analyses"]["main"]["estimand"]["intercurrent_events"] = {}
    assert ("Intercurrent events", "none expected") in estimand_block(config, "main")


def test_an_estimand_by_name_is_printed_whole():
    config = trial("ancova", "hypothetical")
    named = config | {"estimands": {"pain": estimand("hypothetical")}}
    named["analyses"] = {"main": config["analyses"]["main"] | {"estimand": "pain"}}
    assert estimand_block(named, "main") == estimand_block(config, "main")
    assert rows_of(named).equals(rows_of(config))


def test_the_table_says_what_the_strategies_did_and_from_which_rows():
    config = trial("ancova", COMPOSITE)
    table, frame = table_of(config), rows_of(config)
    ((_, cell),) = [line for line in table.preface if line[0] == "Records"]
    # D2, D3 and D4 had it, D4 without a date and D3 without week 12; P3 had it.
    assert cell.text == (
        "Rescue medication: Drug: 3 with the event, 1 without a date of it, 3 counted "
        "as the composite value, 2 records replaced by it, 1 record added with it; "
        "Placebo: 1 with the event, 0 without a date of it, 1 counted as the composite "
        "value, 1 record replaced by it, 0 records added with it"
    )
    counts = [
        r["row_id"] for r in records(frame) if r["subgroup"] == "Rescue medication"
    ]
    assert list(cell.rows) == counts
    assert len(counts) == 10


@pytest.mark.parametrize("strategy", SENTENCES)
def test_the_method_says_what_the_strategies_did(strategy):
    frame = rows_of(trial("ancova", of(strategy)))
    (method,) = frame.loc[frame["statistic"] == "difference", "method"]
    plain = "ANCOVA of CHG on treatment; least squares; observed cases; 95% t interval"
    effect = {
        "treatment policy": "",
        "hypothetical": "values after it are not used, as if they were missing",
        "while on treatment": "the last one before it stands for the analysed visit",
        "composite": "whoever has it by a visit counts as 0 there",
        "principal stratum": "whoever has it is left out; this assumes that",
    }[strategy]
    if not effect:
        assert method == plain
        return
    assert method.startswith(f"{plain}; Rescue medication ({strategy}): ")
    assert effect in method


def test_the_method_names_the_condition():
    frame = rows_of(trial("ancova", "treatment policy", where="SITE != '3'"))
    (method,) = frame.loc[frame["statistic"] == "difference", "method"]
    assert method.endswith("; records where SITE != '3'")


def test_a_response_says_what_a_missing_visit_is():
    config = trial("proportions", "treatment policy", parameter="RESP")
    config["responders"]["RESP"]["missing"] = "non_responder"
    frame = rows_of(config)
    (method,) = frame.loc[frame["statistic"] == "risk_difference", "method"]
    assert method.endswith("; a visit without a value counts as no response")


def test_composite_of_a_crossover_names_the_period():
    config = crossover({"strategy": "composite", "value": 9})
    (line,) = [t for label, t in estimand_block(config, "main") if "events" in label]
    assert line == (
        "rescue medication: composite (whoever has it by a visit counts as 9 there, in "
        "the period in which it happens)"
    )


def test_no_estimand_has_no_words():
    assert estimand_in_words(None) is None
    assert strategies_in_words(()) is None
    assert estimand_block({"analyses": {"main": {}}}, "main") == []
    policy = handlings(estimand("treatment policy"), {})
    assert policy == (Handling("rescue", "rescue", "treatment policy"),)
    assert strategies_in_words(policy) is None
