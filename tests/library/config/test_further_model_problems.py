"""Models beside means over visits that a trial cannot have: what is said of them."""

import pytest
import yaml

from trialstats.config.consistency import trial_problems
from trialstats.config.loading import load_project

PARALLEL, CROSSED = "crohn_parallel_synthetic", "fm_crossover_synthetic"
RATIO = {
    "treatment": "LDN versus placebo",
    "population": "adults",
    "variable": "relapse",
    "intercurrent_events": {},
    "summary": "hazard ratio",
}


@pytest.fixture(scope="module")
def trials(root):
    return load_project(root).trials


def said(trials, name, analysis, **changes):
    """Return what is wrong with a trial that has one more analysis."""
    trial = yaml.safe_load(yaml.safe_dump(trials[name], sort_keys=False))
    made = {
        "title": "One more",
        "role": "descriptive",
        "analysis_set": "ITT",
        **analysis,
    }
    trial["analyses"]["more"] = made
    trial |= changes
    start = "t.yaml, at analyses.more"
    return [
        text.removeprefix(start)
        for text in trial_problems(trial, file="t.yaml")
        if text.startswith(start)
    ]


def of_model(trials, model, *, name=PARALLEL, **settings):
    return said(trials, name, {"model": model, **settings})


CDAI = {"parameter": "CDAI", "response": "CHG", "at": "Week 12"}


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        (
            {"type": "ancova", "dose_response": True},
            CDAI,
            ".model.dose_response: no dose of 'Placebo'; write it under `arms.doses`",
        ),
        (
            {"type": "ancova", "pairwise": True},
            CDAI,
            ".model.pairwise: there is one treatment; it is compared with the control",
        ),
        (
            {"type": "ancova", "covariates": ["BASE"], "interaction": "AGE"},
            CDAI,
            ".model.interaction: 'AGE' is no covariate; add it to `covariates`",
        ),
        (
            {"type": "ancova", "covariates": ["TRT01P"]},
            CDAI,
            ".model.covariates: TRT01P is the treatment, which is in the model already",
        ),
        (
            {"type": "ancova"},
            CDAI | {"at": ["Week 8", "Week 12"]},
            ".at: the model takes one visit, not several",
        ),
        (
            {"type": "ancova", "strata": ["SEX"]},
            CDAI,
            ".model.strata: is no key of a model of type 'ancova'",
        ),
        (
            {"type": "logistic"},
            {"parameter": "RESP70", "response": "CHG", "at": "Week 12"},
            ".response: must be AVAL, the yes-or-no value",
        ),
        (
            {"type": "survival"},
            {"parameter": "CDAI", "estimand": RATIO},
            ".parameter: is no time to an event under `adtte`; none is known",
        ),
        (
            {"type": "characteristics", "variables": ["AEG"]},
            {},
            ".model.variables: no variable or parameter 'AEG'; did you mean 'AGE'?",
        ),
        (
            {"type": "characteristics", "variables": ["RANDDT"]},
            {},
            ".model.variables.RANDDT: holds dates, which are not described",
        ),
        ({"type": "characteristics"}, {}, ".model: missing key 'variables'"),
        ({"type": "counts"}, {}, ".model: missing key 'lines'"),
        (
            {"type": "counts", "lines": {"Women": {"when": "SXE == 'F'"}}},
            {},
            ".model.lines.Women.when: ",
        ),
        (
            {"type": "counts", "lines": {"Women": {"variable": "SXE"}}},
            {},
            ".model.lines.Women.variable: no variable 'SXE'; did you mean 'SEX'?",
        ),
        (
            {
                "type": "counts",
                "lines": {"All": {"when": "present(SEX)"}},
                "by": ["SITE"],
            },
            {},
            ".model.by: no ADSL variable 'SITE'",
        ),
        (
            {"type": "two_period"},
            CDAI,
            ".model.type: 'two_period' needs a crossover design",
        ),
        (
            {"type": "summary"},
            {"parameter": "CDAI", "having": {"CDIA": ["Week 4"]}},
            ".having: no parameter 'CDIA'; did you mean 'CDAI'?",
        ),
        (
            {"type": "summary"},
            {"parameter": "CDAI", "having": {"CDAI": ["Week 5"]}},
            ".having.CDAI: no visit 'Week 5'; did you mean 'Week",
        ),
    ],
)
def test_a_parallel_trial(trials, model, settings, expected):
    found = of_model(trials, model, **settings)
    assert any(text.startswith(expected) for text in found), found


PAIN = {"parameter": "PAINWK", "response": "AVAL", "at": "Week 6"}


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        (
            {"type": "bioequivalence"},
            PAIN,
            ".model.method: missing; write A or B",
        ),
        (
            {"type": "bioequivalence", "method": "reml"},
            PAIN,
            ".model.method: 'reml' is for an mmrm; write A or B",
        ),
        (
            {"type": "bioequivalence", "method": "A", "df": "satterthwaite"},
            PAIN,
            ".model.df: is for method B; method A takes subjects as fixed",
        ),
        (
            {"type": "bioequivalence", "method": "B", "df": "between_within"},
            PAIN,
            ".model.df: 'between_within' is for models of type 'mmrm'",
        ),
        (
            {"type": "logistic"},
            PAIN,
            ".model.type: 'logistic' needs a parallel design",
        ),
    ],
)
def test_a_crossover(trials, model, settings, expected):
    found = of_model(trials, model, name=CROSSED, **settings)
    assert any(text.startswith(expected) for text in found), found


def test_what_a_trial_can_have(trials):
    for model, settings in (
        ({"type": "summary"}, {"parameter": "CDAI"}),
        ({"type": "summary"}, {"parameter": "CDAI", "at": ["Week 4", "Week 12"]}),
        ({"type": "characteristics", "variables": ["AGE", "CDAI"]}, {}),
        ({"type": "counts", "lines": {"Women": {"when": "SEX == 'F'"}}}, {}),
    ):
        assert of_model(trials, model, **settings) == []
    assert of_model(trials, {"type": "two_period"}, name=CROSSED, **PAIN) == []
