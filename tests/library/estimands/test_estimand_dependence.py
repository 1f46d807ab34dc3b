"""Changing one attribute changes the results that depend on it, and no others."""

import copy

import pytest

from trialstats import io
from trialstats.analyses.trial import describe_trial, fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.clean.trial import clean_trial
from trialstats.config.loading import load_project
from trialstats.config.narrowing import analysis_settings, dataset_settings

OF_CDAI = {"cdai_week12", "cdai_week12_ancova", "cdai_week12_constrained"}
RESPONSES = {"remission_week12", "response_70_week12", "response_100_week12"}


@pytest.fixture(scope="module")
def crohn(root):
    """Return a synthetic trial with its datasets, the estimands by name."""
    trial = load_project(root).trials["crohn_parallel_synthetic"]
    by_name = {id(estimand): name for name, estimand in trial["estimands"].items()}
    named = {
        name: settings | {"estimand": by_name[id(settings["estimand"])]}
        if "estimand" in settings
        else settings
        for name, settings in trial["analyses"].items()
    }
    tables = {
        name: io.read_raw(root / spec["file"], io.RawOptions(sheet=spec.get("sheet")))
        for name, spec in trial["sources"].items()
    }
    return trial | {"analyses": named}, clean_trial(trial, tables)


def results(trial, clean):
    """Return every result of a trial, each from the settings that its step sees."""
    made = {
        name: fit_analysis(
            analysis_settings(trial, name), name, clean.adsl, clean.bds, clean.adae
        )
        for name in trial["analyses"]
    }
    return made | describe_trial(dataset_settings(trial), clean.adsl, clean.bds)


@pytest.fixture(scope="module")
def before(crohn):
    return results(*crohn)


def handle(name, strategy):
    """Return a change of the strategy of one estimand."""

    def change(trial):
        events = {"discontinuation": strategy}
        trial["estimands"][name]["intercurrent_events"] = events

    return change


CHANGES = {
    "hypothetical": (handle("cdai", "hypothetical"), OF_CDAI),
    "principal stratum": (handle("cdai", "principal stratum"), OF_CDAI),
    "composite": (handle("cdai", {"strategy": "composite", "value": 100}), OF_CDAI),
    "treatment policy": (
        handle("response_70", "treatment policy"),
        {"response_70_week12"},
    ),
    "another population": (
        lambda t: t["estimands"]["remission"].update(population="adults"),
        {"remission_week12"},
    ),
    "who had the event": (
        lambda t: t["intercurrent_events"]["discontinuation"].update(
            when="present(EOSDT) and TRT01P == 'Placebo'"
        ),
        OF_CDAI | RESPONSES,
    ),
    "an event that nobody handles": (
        lambda t: t["intercurrent_events"].update(
            rescue={"label": "Rescue", "when": "SEX == 'F'"}
        ),
        set(),
    ),
}


@pytest.fixture(scope="module")
def after(crohn):
    """Return a function that makes one change and returns trial and results."""
    trial, clean = crohn
    made = {}

    def changed(case):
        if case not in made:
            other = copy.deepcopy(trial)
            CHANGES[case][0](other)
            made[case] = other, results(other, clean)
        return made[case]

    return changed


@pytest.mark.parametrize("case", CHANGES)
def test_exactly_the_results_that_depend_on_it_change(before, after, case):
    _, found = after(case)
    assert list(found) == list(before)
    concerned = CHANGES[case][1]
    assert {n for n in before if not before[n].equals(found[n])} == concerned


@pytest.mark.parametrize("case", ["hypothetical", "principal stratum", "composite"])
def test_the_second_engine_follows(crohn, after, case):
    _, clean = crohn
    trial, rows = after(case)
    # One model over visits and one of one visit; the constrained one takes long.
    names = ("cdai_week12", "cdai_week12_ancova")
    only = trial | {"analyses": {n: trial["analyses"][n] for n in names}}
    found = check_trial(only, clean.adsl, clean.bds, {n: rows[n] for n in names})
    assert len(found) > 50
    assert found["agrees"].all(), found[~found["agrees"]]


def test_the_strategy_moves_the_estimate(before, after):
    _, made = after("composite")
    for name in sorted(OF_CDAI):
        first, second = (
            one.loc[one["statistic"].eq("difference") & one["role"].ne("descriptive")]
            for one in (before[name], made[name])
        )
        assert abs(float(first["estimate"].iloc[0] - second["estimate"].iloc[0])) > 1
