"""Models that a trial cannot have: refused with file, key, value and remedy."""

import pytest
import yaml

from trialstats.config.checking import said_at
from trialstats.config.consistency import trial_problems
from trialstats.config.loading import load_project
from trialstats.config.models import MEASURED, MEASURED_NUMBERS
from trialstats.errors import ConfigError, DataError
from trialstats.rows import BDS, NUMBER

MMRM, CROSSED = "fm_parallel_synthetic", "fm_crossover_synthetic"


@pytest.fixture(scope="module")
def trials(root):
    """Return the trials of the dossier."""
    return load_project(root).trials


def problems(trials, name, analysis, model, **settings):
    """Return what is wrong once an analysis has another model."""
    trial = yaml.safe_load(yaml.safe_dump(trials[name], sort_keys=False))
    trial["analyses"][analysis] |= {"model": model} | settings
    return trial_problems(trial, file="t.yaml")


def of_mmrm(trials, **model):
    settings = {"response": "AVAL"} if "constrained_baseline" in model else {}
    return problems(trials, MMRM, "pain_week12", {"type": "mmrm"} | model, **settings)


AT = "t.yaml, at analyses.pain_week12.model"


@pytest.mark.parametrize(
    ("df", "said"),
    [
        ({}, "kenward_roger, the default, which"),
        ({"df": "kenward_roger_linear"}, "kenward_roger_linear, which"),
    ],
)
def test_a_sandwich_beside_kenward_roger(trials, df, said):
    assert of_mmrm(trials, vcov="CR2", **df) == [
        f"{AT}.vcov: 'CR2' does not go with df {said} has a covariance of its own; "
        "add `df: satterthwaite` (or between_within, residual)"
    ]
    assert of_mmrm(trials, vcov="CR2", df="satterthwaite") == []


@pytest.mark.parametrize(
    ("df", "said"),
    [({}, ", the default"), ({"df": "kenward_roger_linear"}, "_linear")],
)
def test_maximum_likelihood_beside_kenward_roger(trials, df, said):
    assert of_mmrm(trials, method="ml", **df) == [
        f"{AT}.method: 'ml' does not go with df kenward_roger{said}, which corrects "
        "REML; write `method: reml`, or add `df: satterthwaite`"
    ]
    assert of_mmrm(trials, method="ml", df="residual") == []


def test_weights_of_text(trials):
    (said,) = of_mmrm(trials, weights="SEX")
    assert said == (
        f"{AT}.weights: column 'SEX' is of type text; name a column of numbers "
        "(AVISITN, ADY, AVAL, BASE, CHG, PCHG, AGE, WEIGHTBL, HEIGHTBL, DISDUR), or "
        "add `type: number` to adsl.variables.SEX if it holds them"
    )
    assert of_mmrm(trials, weights="AGE") == []
    (said,) = of_mmrm(trials, weights="RANDDT")
    assert "column 'RANDDT' is of type date; name a column of numbers" in said


def test_the_numbers_among_the_measurements_are_those_of_the_schema():
    numeric = [
        f.name for f in BDS if f.name in MEASURED and f.type != BDS.field(0).type
    ]
    assert set(numeric) - {"ADT"} == set(MEASURED_NUMBERS)
    assert BDS.field("AVAL").type == NUMBER


def test_a_baseline_of_text_in_a_crossover(trials):
    model = {"type": "crossover", "baseline": "TRTSEQP"}
    (said,) = problems(trials, CROSSED, "pain_week6", model)
    assert said.startswith(
        "t.yaml, at analyses.pain_week6.model.baseline: column 'TRTSEQP' is of type "
        "text; name a column of numbers (AVISITN, ADY, AVAL, BASE"
    )
    assert problems(trials, CROSSED, "pain_week6", model | {"baseline": "BASE"}) == []


def test_covariates_of_an_ancova(trials):
    model = {"type": "ancova", "covariates": ["BASE", "SEX", "AEG"]}
    said = problems(trials, MMRM, "pain_week12_ancova", model)
    # Text is a factor; dates, unknown columns and the treatment are refused.
    assert len(said) == 1
    assert "covariates: no column 'AEG'; did you mean 'AGE'?" in said[0]
    (said,) = problems(
        trials, MMRM, "pain_week12_ancova", model | {"covariates": ["TRTSDT"]}
    )
    assert "covariates: column 'TRTSDT' holds dates" in said


@pytest.mark.parametrize(
    ("term", "why"),
    [
        ("BASE*(AVISIT", "a bracket has no partner"),
        ("BASE)", "a bracket has no partner"),
        ("BASE*", "Operator `*`"),
        ("BASE ~ AVISIT", "it has several parts"),
    ],
)
def test_a_term_that_cannot_be_read(trials, term, why):
    (said,) = of_mmrm(trials, terms=["TRT01P*AVISIT", term])
    assert said.startswith(
        f"{AT}.terms: value {term!r} cannot be read as a term: {why}"
    )
    assert said.endswith("; write columns joined by * or :, such as BASE*AVISIT")


def test_terms_without_treatment_or_visit(trials):
    assert of_mmrm(trials, terms=["TRT01P", "BASE"]) == [
        f"{AT}.terms: must hold TRT01P and AVISIT, and ['TRT01P', 'BASE'] has no "
        "AVISIT; add TRT01P*AVISIT"
    ]


def test_a_constrained_baseline_has_no_effect_of_treatment_alone(trials):
    def said(*terms):
        return of_mmrm(trials, constrained_baseline=True, terms=list(terms))

    assert said("TRT01P*AVISIT") == [
        f"{AT}.terms: value ['TRT01P*AVISIT'] has the term TRT01P, by which the arms "
        "differ at baseline too; write AVISIT and TRT01P:AVISIT instead of a product"
    ]
    assert "has the term TRT01P:SEX" in said("AVISIT", "TRT01P:SEX")[0]
    assert said("AVISIT", "TRT01P:AVISIT", "AGE") == []


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ({"type": "mmrm", "covariates": ["AGE"]}, "list its columns under `terms`"),
        ({"type": "ancova", "terms": ["AGE"]}, "list its columns under `covariates`"),
        ({"type": "ancova", "levels": 0.9}, "did you mean 'level'?"),
    ],
)
def test_a_key_of_another_model_leads_to_the_one_that_is_meant(trials, model, remedy):
    (said,) = problems(trials, MMRM, "pain_week12", model)
    assert f"is no key of a model of type {model['type']!r}; {remedy}" in said


def test_known_columns_are_listed_once(trials):
    (said,) = of_mmrm(trials, group="XXXXX")
    assert said.count("TRT01P,") == 1


def test_an_error_of_the_data_names_file_and_key():
    with (
        pytest.raises(
            ConfigError, match=r"^t.yaml, at analyses.a: column 'W': below 0"
        ),
        said_at("t.yaml", "analyses.a"),
    ):
        raise DataError("below 0", column="W")
    with pytest.raises(DataError, match=r"^a.csv: empty$"), said_at("t", "a"):
        raise DataError("empty", file="a.csv")
