"""What cannot be estimated keeps its model in words, its average and its reasons."""

import copy

import pandas as pd
import pytest

from trialstats.analyses.trial import analysis_residuals, fit_analysis
from trialstats.analyses.trial_agreement import check_trial
from trialstats.errors import ConvergenceError
from trialstats.mmrm import ladder as ladder_of_structures
from trialstats.tables import efficacy_table
from trialstats.vocabulary import AVERAGE_OVER_VISITS

NAME = "pain_over_time"
SINGULAR = "The residual covariance is singular. A simpler structure may fit."


def without_a_cell(bds):
    """Return rows that leave an arm without data at a visit."""
    return bds[~((bds.TRT01P == "Placebo") & (bds.AVISIT == "Week 2"))]


def changed(config, name=NAME, **model):
    config = copy.deepcopy(config)
    settings = config["analyses"][name]
    settings["title"] = "Pain"
    settings["model"] |= model
    config["bds"]["PAIN"]["baseline"] = "Baseline"
    return config


@pytest.fixture
def no_structure_fits(monkeypatch):
    def climb(structures, attempt):
        def refuse(chosen):
            raise ConvergenceError(SINGULAR)

        return ladder_of_structures.climb_down(structures, refuse)

    monkeypatch.setattr("trialstats.mmrm.fit.climb_down", climb)


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"covariance": "unstructured", "group": "TRT01P"},
        {"covariance": ["ar1"], "method": "ml", "df": "residual", "level": 0.9},
        {"terms": ["TRT01P*AVISIT", "SEX"], "vcov": "CR2", "df": "satterthwaite"},
        {"weights": "AVISITN"},
        {"constrained_baseline": True},
    ],
)
def test_a_model_that_cannot_be_estimated_is_stated_as_if_it_had_been(parallel, model):
    config, adsl, bds, adae = parallel
    config = changed(config, **model)
    if "constrained_baseline" in model:
        config["analyses"][NAME]["response"] = "AVAL"
    fitted = fit_analysis(config, NAME, adsl, bds, adae)
    failed = fit_analysis(config, NAME, adsl, without_a_cell(bds), adae)
    said = failed.loc[failed["statistic"] == "difference", "method"].unique()
    want = fitted.loc[
        (fitted["statistic"] == "difference") & (fitted["visit"] == "Week 1"), "method"
    ].item()
    if not model.get("covariance"):
        want = want.replace(
            "unstructured covariance within subjects",
            "covariance within subjects the first that fits of unstructured, "
            "heterogeneous Toeplitz, heterogeneous first-order autoregressive, "
            "heterogeneous compound symmetry and compound symmetry",
        )
    assert list(said) == [want]


def test_the_average_is_there_without_an_estimate_too(parallel):
    config, adsl, bds, adae = parallel
    failed = fit_analysis(changed(config), NAME, adsl, without_a_cell(bds), adae)
    differences = failed[failed["statistic"] == "difference"]
    assert differences["visit"].tolist() == ["Week 1", "Week 2", AVERAGE_OVER_VISITS]
    assert differences["role"].tolist() == ["secondary", "secondary", "descriptive"]
    assert set(differences["not_estimable"]) == {"Placebo has no data at Week 2."}
    table = efficacy_table(failed, trial=changed(config), analysis=NAME)
    stubs = [row.cells[0].text for row in table.rows]
    assert stubs == ["Week 1", "Week 2", AVERAGE_OVER_VISITS]
    assert all("NEa" in [c.printed for c in row.cells] for row in table.rows)


@pytest.mark.parametrize("name", ["pain_week2", "responders"])
def test_other_models_are_stated_too(parallel, name):
    config, adsl, bds, adae = parallel
    fitted = fit_analysis(config, name, adsl, bds, adae)
    failed = fit_analysis(config, name, adsl, without_a_cell(bds), adae)
    for statistic in failed.loc[failed["contrast"].notna(), "statistic"]:
        said = failed.loc[failed["statistic"] == statistic, "method"].item()
        assert said == fitted.loc[fitted["statistic"] == statistic, "method"].item()


def test_a_crossover_is_stated_too(crossover):
    config, adsl, bds, adae = crossover
    gone = bds[bds["TRTP"] != "Placebo"]
    fitted = fit_analysis(config, "pain_week2", adsl, bds, adae)
    failed = fit_analysis(config, "pain_week2", adsl, gone, adae)
    said = failed.loc[failed["statistic"] == "difference", "method"].item()
    start, end = said.split("; observed cases; ")
    method = fitted.loc[fitted["statistic"] == "difference", "method"].item()
    assert method.startswith(start)
    assert method.endswith(end)


def test_why_no_structure_fits_is_said_once_and_in_words(parallel, no_structure_fits):
    config, adsl, bds, adae = parallel
    config = changed(config, covariance=["unstructured", "ar1", "compound_symmetry"])
    frame = fit_analysis(config, NAME, adsl, bds, adae)
    reasons = frame.loc[frame["statistic"] == "difference", "not_estimable"].unique()
    assert list(reasons) == [
        "No covariance structure fits of those in the order fixed beforehand "
        "(unstructured, first-order autoregressive and compound symmetry); the table "
        "of the analysis says under Covariance why each was left."
    ]
    steps = frame[frame["statistic"] == "covariance_structure"]
    assert steps["not_estimable"].tolist() == [SINGULAR] * 3
    table = efficacy_table(frame, trial=config, analysis=NAME)
    lines = [cell.text for _, cell in table.preface]
    assert f"unstructured: left. {SINGULAR}" in lines
    page = " ".join([*lines, *(text for _, text in table.footnotes)])
    assert page.count(SINGULAR) == 3
    assert "compound_symmetry" not in page
    assert "Not converged" not in page
    alone = config | {"analyses": {NAME: config["analyses"][NAME]}}
    assert check_trial(alone, adsl, bds, frame)["agrees"].all()
    assert analysis_residuals(config, NAME, adsl, bds, adae).empty


def test_why_a_structure_was_left_stands_once_in_the_table(parallel, monkeypatch):
    def climb(structures, attempt):
        def once(chosen):
            if chosen.name == "unstructured":
                raise ConvergenceError(SINGULAR)
            return attempt(chosen)

        return ladder_of_structures.climb_down(structures, once)

    monkeypatch.setattr("trialstats.mmrm.fit.climb_down", climb)
    config, *data = parallel
    config = changed(config)
    frame = fit_analysis(config, NAME, *data)
    table = efficacy_table(frame, trial=config, analysis=NAME)
    page = " ".join(cell.text for _, cell in table.preface)
    assert page.count(SINGULAR) == 1
    assert "(unstructured left)" in page
    assert pd.notna(frame.loc[frame["statistic"] == "difference", "estimate"]).all()
