"""Estimands that do not fit: what is said, and where; and what a change touches."""

import copy

import pytest

from trialstats.config.checking import check
from trialstats.config.estimands import (
    ESTIMATED,
    estimand_problems,
    resolved_estimands,
    summaries_in,
)
from trialstats.config.loading import SCHEMAS, load_project, load_yaml
from trialstats.config.narrowing import analysis_settings, dataset_settings
from trialstats.errors import ConfigError

FM = "config/trials/fm_parallel_synthetic.yaml"


@pytest.fixture
def written(root):
    """Return a trial as it is written, estimands by name."""
    return load_yaml(root / FM)


@pytest.fixture(scope="module")
def schema():
    return load_yaml(SCHEMAS / "trial.schema.yaml")


def problems(trial):
    return [f"{place}: {what}" for place, what in estimand_problems(trial)]


def use(trial, analysis, event, **changes):
    """Give an analysis an estimand of its own with another strategy."""
    named = trial["analyses"][analysis]["estimand"]
    own = copy.deepcopy(trial["estimands"][named])
    own["intercurrent_events"] = {"discontinuation": event}
    trial["analyses"][analysis]["estimand"] = own | changes.pop("estimand", {})
    trial["analyses"][analysis].update(changes)
    return trial


def test_the_estimands_of_the_dossier_fit(root):
    for trial in load_project(root).trials.values():
        assert problems(trial) == []


@pytest.mark.parametrize(
    "attribute",
    ["treatment", "population", "variable", "intercurrent_events", "summary"],
)
@pytest.mark.parametrize("named", [True, False])
def test_an_attribute_that_is_missing_is_named(written, schema, attribute, named):
    if named:
        written["estimands"]["pain"] = dict(written["estimands"]["pain"])
        written["estimands"]["pain"].pop(attribute)
        place = "estimands.pain"
    else:
        use(written, "pain_week12", "treatment policy")
        written["analyses"]["pain_week12"]["estimand"].pop(attribute)
        place = "analyses.pain_week12.estimand"
    with pytest.raises(ConfigError) as caught:
        check(written, schema, file=FM)
    assert f"{FM}, at {place}: missing key '{attribute}'" in str(caught.value)


def test_an_analysis_without_an_estimand(written, schema):
    del written["analyses"]["pain_week12"]["estimand"]
    with pytest.raises(ConfigError) as caught:
        check(written, schema, file=FM)
    assert str(caught.value) == f"{FM}, at analyses.pain_week12: missing key 'estimand'"


def test_a_strategy_that_does_not_exist(written, schema):
    use(written, "pain_week12", "hypotetical")
    with pytest.raises(ConfigError, match=r"did you mean 'hypothetical'\?"):
        check(written, schema, file=FM)


#: What is changed in the trial, and what is said.
REFUSED = {
    "an estimand that no one has written": (
        lambda t: t["analyses"]["pain_week12"].update(estimand="pian"),
        "analyses.pain_week12.estimand: no estimand 'pian'; did you mean 'pain'?",
    ),
    "an event that is not defined": (
        lambda t: t.pop("intercurrent_events"),
        "estimands.response.intercurrent_events.discontinuation: 'composite' changes "
        "which records are used, and the event is not defined; define it under "
        "`intercurrent_events` of the trial (label, when, date), or write treatment "
        "policy",
    ),
    "an event by nearly its name": (
        lambda t: t["intercurrent_events"].update(
            discontinued=t["intercurrent_events"].pop("discontinuation")
        ),
        "or write treatment policy; did you mean 'discontinued'?",
    ),
    "a value that is not of a composite": (
        lambda t: use(t, "pain_week12", {"strategy": "hypothetical", "value": 0}),
        "analyses.pain_week12.estimand.intercurrent_events.discontinuation.value: "
        "`value` is for composite, not for 'hypothetical'; leave it out",
    ),
    "a composite of a number without its value": (
        lambda t: use(t, "pain_week12_ancova", "composite"),
        "analyses.pain_week12_ancova.estimand.intercurrent_events.discontinuation: "
        "composite has no value that the event counts as; write {strategy: composite, "
        "value: ...}",
    ),
    "a composite of a response that is neither yes nor no": (
        lambda t: use(t, "pain_responders", {"strategy": "composite", "value": 2}),
        "discontinuation.value: value 2 of a yes-or-no parameter must be 0 or 1; leave "
        "it out for no response",
    ),
    "while on treatment over visits": (
        lambda t: use(t, "pain_week12", "while on treatment"),
        "analyses.pain_week12.estimand.intercurrent_events.discontinuation: 'while on "
        "treatment' has one value a subject, and the model several visits; analyse one "
        "visit, such as with ancova",
    ),
    "hypothetical where a missing response is none": (
        lambda t: use(t, "pain_responders", "hypothetical"),
        "'hypothetical' leaves the visit without a value, which counts as no response "
        "under responders.PAIN30.missing; write composite, or `missing: absent` there",
    ),
    "a strategy for records that adverse events have not": (
        lambda t: t["analyses"]["adverse_events"].update(estimand="response"),
        "analyses.adverse_events.estimand.intercurrent_events.discontinuation: "
        "'composite' chooses records of measurements, and 'adverse_events' has none; "
        "write treatment policy or principal stratum",
    ),
    "a summary of another model": (
        lambda t: use(
            t, "pain_week12", "treatment policy", estimand={"summary": "odds ratio"}
        ),
        "analyses.pain_week12.estimand.summary: a model of type 'mmrm' estimates "
        "no odds ratio; write difference in means, or a model of type proportions, "
        "adverse_events, cmh or logistic",
    ),
    "a summary that is none": (
        lambda t: use(
            t, "pain_week12", "treatment policy", estimand={"summary": "less pain"}
        ),
        "analyses.pain_week12.estimand.summary: 'less pain' names nothing that 'mmrm' "
        "estimates; write difference in means",
    ),
    "derived records of a time after the event": (
        lambda t: use(t, "pain_week12_ancova", "hypothetical", records=["LOCF"])["bds"][
            "PAINNRS"
        ].update(records=[{"dtype": "LOCF"}]),
        "analyses.pain_week12_ancova.records: LOCF may be made of values after the "
        "event, which 'hypothetical' does not use; add `until: EOSDT` to "
        "bds.PAINNRS.records",
    ),
    "two derivations that fill one visit": (
        lambda t: t["analyses"]["pain_week12_ancova"].update(records=["LOCF", "BOCF"]),
        "analyses.pain_week12_ancova.records: LOCF and BOCF fill the same visits; name "
        "one of them",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_said_with_its_place_and_remedy(written, case):
    change, said = REFUSED[case]
    change(written)
    found = problems(written)
    assert len(found) == 1, found
    assert said in found[0]


def test_derived_records_up_to_the_event_fit(written):
    use(written, "pain_week12_ancova", "hypothetical", records=["LOCF"])
    written["bds"]["PAINNRS"]["records"] = [{"dtype": "LOCF", "until": "EOSDT"}]
    assert problems(written) == []


def test_composite_in_a_crossover_needs_dates(root):
    trial = load_yaml(root / "config/trials/fm_crossover_synthetic.yaml")
    use(trial, "pain_week6", {"strategy": "composite", "value": 10})
    assert problems(trial) == []
    del trial["intercurrent_events"]["discontinuation"]["date"]
    del trial["periods"]
    no_date, no_periods = problems(trial)
    assert no_date == (
        "intercurrent_events.discontinuation: composite in a crossover counts in the "
        "period of the event, which needs a date; add `date`, or write another strategy"
    )
    assert "needs the dates on which the periods start; name them" in no_periods


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("difference in adjusted means", ["difference in means"]),
        ("Difference of the least-squares means", ["difference in means"]),
        ("difference in mean change", ["difference in means"]),
        ("mean difference (LDN minus placebo)", ["difference in means"]),
        ("relative risk", ["risk ratio"]),
        ("difference in proportions", ["risk difference"]),
        ("ratio of geometric means", ["ratio of geometric means"]),
        ("hazard ratio from Cox regression", ["hazard ratio"]),
        ("difference in medians", ["difference in medians"]),
        ("the median", []),
    ],
)
def test_summaries_are_recognised(text, found):
    assert summaries_in(text) == found


def test_every_summary_to_write_is_recognised():
    for kind, summaries in ESTIMATED.items():
        for summary in summaries:
            assert summaries_in(summary) == [summary], kind


def test_references_are_resolved_in_one_place(written):
    resolved = resolved_estimands(written)
    assert (
        resolved["analyses"]["pain_week12"]["estimand"] == written["estimands"]["pain"]
    )
    assert "estimand" not in resolved["analyses"]["adverse_events"]
    assert resolved_estimands(resolved) == resolved
    written["analyses"]["pain_week12"]["estimand"] = "pian"
    with pytest.raises(ConfigError, match=r"no estimand 'pian'; write its five"):
        resolved_estimands(written)


#: One attribute or event changed, and the analyses that depend on it.
OF_PAIN = {"pain_week12", "pain_week12_ancova", "pain_week12_compound_symmetry"}
MEASURED = OF_PAIN | {"pain_responders", "impact_week12"}
CHANGED = {
    "the population of one estimand": (
        lambda t: t["estimands"]["pain"].update(population="women"),
        OF_PAIN,
    ),
    "the strategy of one estimand": (
        lambda t: t["estimands"]["response"].update(
            intercurrent_events={"discontinuation": "treatment policy"}
        ),
        {"pain_responders"},
    ),
    "an event that all handle": (
        lambda t: t["intercurrent_events"]["discontinuation"].update(label="Stopping"),
        MEASURED,
    ),
    "an event that none handles": (
        lambda t: t["intercurrent_events"].update(
            rescue={"label": "Rescue", "when": "SEX == 'F'"}
        ),
        set(),
    ),
    "an estimand that none refers to": (
        lambda t: t["estimands"].update(other=t["estimands"]["pain"]),
        set(),
    ),
    "an estimand by another name": (
        lambda t: (
            t["estimands"].update(effect=t["estimands"]["impact"]),
            t["analyses"]["impact_week12"].update(estimand="effect"),
        ),
        set(),
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_an_analysis_sees_only_its_estimand_and_events(written, case):
    trial = written | {"id": "fm"}
    before = {name: analysis_settings(trial, name) for name in trial["analyses"]}
    changed = copy.deepcopy(trial)
    change, concerned = CHANGED[case]
    change(changed)
    after = {name: analysis_settings(changed, name) for name in trial["analyses"]}
    assert {name for name in before if before[name] != after[name]} == concerned
    # The datasets hold what was measured, whatever is asked of them.
    assert dataset_settings(changed) == dataset_settings(trial)
