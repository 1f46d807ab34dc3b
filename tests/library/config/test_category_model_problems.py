"""Models of categories that a trial cannot have: what is said of them."""

import pytest
import yaml

from trialstats.config.consistency import trial_problems
from trialstats.config.estimands import summaries_in
from trialstats.config.loading import load_project

PARALLEL, CROSSED = "crohn_parallel_synthetic", "fm_crossover_synthetic"
CDAI = {"parameter": "CDAI", "response": "AVAL", "at": "Week 12"}
SPLIT = {"Low": "AVAL < 150", "High": "AVAL >= 150"}
DISTRIBUTIONS = {
    "treatment": "LDN versus placebo",
    "population": "adults",
    "variable": "activity at week 12",
    "intercurrent_events": {},
    "summary": "difference in distributions",
}


@pytest.fixture(scope="module")
def trials(root):
    return load_project(root).trials


def said(trials, model, settings, name=PARALLEL):
    """Return what is wrong with a trial that has one more analysis."""
    trial = yaml.safe_load(yaml.safe_dump(trials[name], sort_keys=False))
    made = {"title": "One more", "role": "descriptive", "analysis_set": "ITT"}
    trial["analyses"]["more"] = made | {"model": model} | settings
    start = "t.yaml, at analyses.more"
    return [
        text.removeprefix(start)
        for text in trial_problems(trial, file="t.yaml")
        if text.startswith(start)
    ]


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        (
            {"type": "cmh"},
            CDAI | {"at": ["Week 8", "Week 12"]},
            ".at: the model takes one visit, not several",
        ),
        (
            {"type": "cmh"},
            {"parameter": "CDAI", "response": "AVAL"},
            ": missing key 'at' (visit that is analysed)",
        ),
        (
            {"type": "cmh", "strata": ["SXE"]},
            CDAI,
            ".model.strata: no ADSL variable 'SXE'; did you mean 'SEX'?",
        ),
        (
            {"type": "cmh", "strata": ["TRT01P"]},
            CDAI,
            ".model.strata: TRT01P is the treatment, which is compared",
        ),
        (
            {"type": "cmh", "scores": "rank", "statistics": ["general_association"]},
            CDAI,
            ".model.scores: general association has no scores",
        ),
        (
            {"type": "cmh", "categories": SPLIT | {"Odd": "AVLA > 3"}},
            CDAI,
            ".model.categories.Odd: ",
        ),
        (
            {"type": "cmh", "worst": "high"},
            CDAI,
            ".model.worst: is no key of a model of type 'cmh'",
        ),
        (
            {"type": "cmh"},
            CDAI | {"estimand": DISTRIBUTIONS | {"summary": "hazard ratio"}},
            ".estimand.summary: a model of type 'cmh' estimates no hazard ratio",
        ),
        (
            {"type": "shift", "categories": SPLIT},
            {"parameter": "CDAI"},
            ": a table of shifts needs one visit (`at`), or which of several counts",
        ),
        (
            {"type": "shift", "categories": SPLIT, "worst": "low"},
            {"parameter": "CDAI", "at": "Week 12"},
            ".model.worst: is of several visits, and `at` names one",
        ),
        (
            {"type": "shift", "scores": "rank"},
            {"parameter": "CDAI", "at": "Week 12"},
            ".model.scores: goes with `statistics`, the tests; leave it out",
        ),
        (
            {"type": "shift"},
            {"parameter": "CDAI", "response": "CHG", "at": "Week 12"},
            ".response: must be AVAL, the value at baseline and after it",
        ),
        (
            {"type": "shift"},
            {"parameter": "RESP70", "at": "Week 12"},
            ".parameter: a responder has no baseline",
        ),
    ],
)
def test_what_a_trial_cannot_have(trials, model, settings, expected):
    found = said(trials, model, settings)
    assert any(text.startswith(expected) for text in found), found


@pytest.mark.parametrize("kind", ["cmh", "shift"])
def test_arms_of_the_same_people_are_not_compared(trials, kind):
    settings = {"parameter": "PAINNRS", "response": "AVAL", "at": "Week 1"}
    found = said(trials, {"type": kind}, settings, name=CROSSED)
    assert f".model.type: {kind!r} needs a parallel design" in found


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ({"type": "cmh", "strata": ["SEX"]}, CDAI | {"parameter": "RESP70"}),
        (
            {"type": "cmh", "categories": SPLIT, "scores": "modified_ridit"},
            CDAI | {"estimand": DISTRIBUTIONS},
        ),
        (
            {"type": "shift", "categories": SPLIT, "worst": "last"},
            {"parameter": "CDAI"},
        ),
        (
            {"type": "shift", "categories": SPLIT, "statistics": ["row_means"]},
            {"parameter": "CDAI", "at": "Week 12"},
        ),
    ],
)
def test_what_a_trial_can_have(trials, model, settings):
    assert said(trials, model, settings) == []


@pytest.mark.parametrize(
    "text", ["difference in distributions", "difference between the mean scores"]
)
def test_a_difference_of_categories_is_no_difference_in_means(text):
    assert summaries_in(text) == ["difference in distributions"]
