"""Figures that name what does not exist are said, each in one sentence."""

import pytest
import yaml

from tests.library.config.bad_trials import PARALLEL, problems
from trialstats.config.figures import figure_problems

BARS = {
    "type": "waterfall",
    "parameter": "PAIN",
    "response": "CHG",
    "at": "Week 8",
    "analysis_set": "ITT",
}
BEST = {k: v for k, v in BARS.items() if k != "at"} | {"take": "best"}
LINES = {k: v for k, v in BARS.items() if k != "at"} | {"type": "individual_profiles"}


def said(tmp_path, *figures):
    content = yaml.safe_load(PARALLEL)
    content["figures"] = {f"f{i}": figure for i, figure in enumerate(figures)}
    return problems(tmp_path, content)


def test_good_figures_are_fine(tmp_path):
    assert said(tmp_path, BARS, BEST, LINES) == []


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (BARS | {"parameter": "PAN"}, "f0.parameter: no measurement 'PAN'; did you"),
        (BARS | {"at": "Week 9"}, "f0.at: no visit 'Week 9'; did you mean"),
        (BARS | {"analysis_set": "X"}, "f0.analysis_set: no analysis set 'X'"),
        (BARS | {"take": "best"}, "has `at` and `take`; write only one of"),
        (LINES | {"at": "Week 8"}, "f0.at: not for individual_profiles; known:"),
        (LINES | {"analysis": "X"}, "no analysis by visit (of type mmrm) 'X'"),
        (BEST | {"parameter": "SLEEP"}, "best is not known; write `better` (lower or"),
        ({"type": "kaplan_meier"}, "missing key 'analysis'"),
        (
            {"type": "kaplan_meier", "analysis": "X"},
            "f0.analysis: no analysis of a time to an event 'X'",
        ),
        ({"type": "pie"}, "value 'pie' is not known"),
    ],
)
def test_one_mistake_is_one_sentence(tmp_path, figure, message):
    (problem,) = said(tmp_path, figure)
    assert message in problem


ANALYSED = {
    "stop": {"model": {"type": "survival"}},
    "over_visits": {
        "model": {"type": "mmrm"},
        "parameter": "PAIN",
        "response": "AVAL",
    },
}


def of_figures(**figures):
    trial = {"analyses": ANALYSED, "figures": figures}
    trial |= {"bds": {"PAIN": {}}, "analysis_sets": {"ITT": ""}, "design": "parallel"}
    return list(figure_problems(trial))


def test_two_figures_of_one_curve_are_refused():
    figure = {"type": "kaplan_meier", "analysis": "stop"}
    assert of_figures(one=figure) == []
    ((place, sentence),) = of_figures(one=figure, two=figure)
    assert place == "figures.two.analysis"
    assert sentence == "figures.one draws stop already; keep one"


def test_means_of_another_response_are_refused():
    figure = LINES | {"analysis": "over_visits"}
    assert of_figures(one=figure | {"response": "AVAL"}) == []
    ((place, sentence),) = of_figures(one=figure)
    assert place == "figures.one.analysis"
    assert "has the response 'AVAL' and the figure 'CHG'" in sentence
