"""What is said of analyses of adverse events that a trial cannot have."""

import pytest
import yaml

from trialstats.config.consistency import trial_problems
from trialstats.config.loading import load_project

PARALLEL, CROSSED = "fm_parallel_synthetic", "fm_crossover_synthetic"


@pytest.fixture(scope="module")
def trials(root):
    return load_project(root).trials


def said(trials, name, **model):
    trial = yaml.safe_load(yaml.safe_dump(trials[name], sort_keys=False))
    trial["analyses"]["adverse_events"]["model"] |= model
    start = "t.yaml, at analyses.adverse_events.model"
    found = trial_problems(trial, file="t.yaml")
    return [t.removeprefix(start) for t in found if t.startswith(start)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"by": ["AESOC", "AETERM"]}, ".by: no ADAE variable 'AESOC'"),
        ({"by": ["ASTDT"]}, ".by: no ADAE variable 'ASTDT'"),
        ({"severity": "AETOXGR"}, ".severity: no ADAE variable 'AETOXGR'"),
        (
            {"overview": {"Grave": "AESERR == 'Y'"}},
            ".overview.Grave: no ADAE variable 'AESERR'; did you mean 'AESER'?",
        ),
        ({"order": "alphabetical"}, ".order: no order 'alphabetical'"),
        (
            {"order": ["alphabet", "frequency"]},
            ".order: 2 orders for 1 level(s) of terms; write one for each of AETERM",
        ),
        ({"test": "chi_square"}, ".test: adverse events are tested by fisher"),
        ({"lines": {}}, ".lines: is no key of a model of type 'adverse_events'"),
    ],
)
def test_a_parallel_trial(trials, model, expected):
    found = said(trials, PARALLEL, **model)
    assert any(text.startswith(expected) for text in found), found


def test_a_crossover_has_no_test(trials):
    (text,) = said(trials, CROSSED, test="fisher")
    assert text.startswith(".test: the treatments of a crossover have the same")


def test_what_a_trial_can_have(trials):
    model = {
        "by": ["AEDECOD", "AETERM"],
        "overview": {"Early and grave": "ASTDY <= 14 and AESER == 'Y'"},
        "severity": "AESEV",
        "relation": "AEREL",
        "test": "fisher",
        "order": ["alphabet", "Placebo"],
        "minimum_percent": 2,
    }
    assert said(trials, PARALLEL, **model) == []
