"""Options, visits, new rows: what is refused, and in which words."""

import numpy as np
import pandas as pd
import pytest
from formulaic import Formula

from trialstats.errors import (
    DataError,
    LadderError,
    NotEstimableError,
    SingularCovarianceError,
)
from trialstats.mmrm import fit_mmrm
from trialstats.randomness import stream

WHO = {"subject": "USUBJID", "visit": "AVISIT"}
FORMULA = "CHG ~ BASE + ARM * AVISIT"


@pytest.fixture
def trial():
    random = stream(2026, "tests", "mmrm options")
    n, visits = 30, ["Week 04", "Week 08", "Week 12"]
    noise = random.normal(size=(n, 1)) + random.normal(size=(n, 3))
    return pd.DataFrame(
        {
            "USUBJID": np.repeat([f"S{i:02d}" for i in range(n)], 3),
            "AVISIT": visits * n,
            "DAY": [28.0, 56, 84] * n,
            "ARM": np.repeat(["Placebo", "LDN"] * (n // 2), 3),
            "BASE": np.repeat(random.normal(6, 1, n), 3),
            "WEIGHT": 1.0,
            "CHG": noise.ravel(),
        }
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subject": None}, "the subject is not the name of a column"),
        ({"subject": ["USUBJID"]}, "the subject is not the name of a column: list"),
        ({"weights": "ARM"}, "not numeric"),
        ({"covariance": None}, "no covariance structure is named"),
        ({"covariance": []}, "no covariance structure is named"),
        ({"covariance": "us"}, "write one of unstructured"),
        ({"covariance": ["unstructured", "spatial_gaussian"]}, "of one kind"),
        ({"method": "REML"}, "write 'reml' or 'ml'"),
        ({"df": "kr"}, "write one of kenward_roger"),
        ({"vcov": "CR2"}, "choose df='satterthwaite'"),
        ({"method": "ml"}, "restricted likelihood; write method='reml', or df="),
        ({"vcov": "CR1", "df": "residual"}, "write one of CR0"),
        ({"stop": "SAS"}, "write 'sas'"),
        ({"stop": "sas", "covariance": "ar1"}, "unstructured"),
        ({"constrained_baseline": "ARM"}, "column of the treatment, label"),
        ({"level": 95}, "not between 0 and 1"),
        ({"covariance": "spatial_exponential"}, "visit times as numbers"),
    ],
)
def test_options_are_refused_in_words(trial, options, words):
    with pytest.raises(DataError, match=words):
        fit_mmrm(FORMULA, trial, **(WHO | options))


def test_data_that_are_no_frame():
    with pytest.raises(DataError, match="no DataFrame but dict"):
        fit_mmrm(FORMULA, {}, **WHO)


class TestOrderOfVisits:
    """ "Week 12" sorts before "Week 4"."""

    @pytest.fixture
    def weeks(self, trial):
        names = {"Week 04": "Week 4", "Week 08": "Week 8"}
        return trial.assign(AVISIT=trial["AVISIT"].replace(names))

    def test_structures_that_depend_on_it_refuse_text(self, weeks):
        for covariance in ("ar1", "toeplitz", ["unstructured", "antedependence"]):
            with pytest.raises(DataError, match="Week 12, Week 4, Week 8"):
                fit_mmrm(FORMULA, weeks, covariance=covariance, **WHO)

    def test_a_categorical_has_its_own_order(self, trial, weeks):
        order = ["Week 4", "Week 8", "Week 12"]
        ordered = weeks.assign(AVISIT=pd.Categorical(weeks["AVISIT"], order))
        for covariance in ("ar1", "antedependence"):
            ours = fit_mmrm(FORMULA, ordered, covariance=covariance, **WHO)
            theirs = fit_mmrm(FORMULA, trial, covariance=covariance, **WHO)
            assert ours.log_likelihood == theirs.log_likelihood

    def test_the_others_do_not_care(self, trial, weeks):
        for covariance in ("unstructured", "compound_symmetry_heterogeneous"):
            ours = fit_mmrm(FORMULA, weeks, covariance=covariance, **WHO)
            theirs = fit_mmrm(FORMULA, trial, covariance=covariance, **WHO)
            assert ours.log_likelihood == pytest.approx(
                theirs.log_likelihood, rel=1e-12
            )


class TestConditionalPrediction:
    """New rows; the numbers themselves are compared in test_mmrm_dense.py."""

    def test_rows_that_cannot_be_predicted_are_named(self, trial):
        fit = fit_mmrm(FORMULA, trial, **WHO)
        head = trial.iloc[:6]
        for change, words in (
            (
                {"USUBJID": ["S00", None, "S00", "S01", "S01", "S01"]},
                "subject is missing",
            ),
            ({"AVISIT": ["Week 04"] * 6}, "two rows at one visit"),
            ({"AVISIT": ["Week 16", *["Week 04"] * 5]}, "row 0, column 'AVISIT'"),
            ({"CHG": [np.inf] * 6}, "infinite"),
            ({"CHG": ["9,5"] * 6}, "not numeric"),
        ):
            with pytest.raises(DataError, match=words):
                fit.predict_conditional(head.assign(**change))

    def test_a_subject_in_two_groups(self, trial):
        fit = fit_mmrm(FORMULA, trial, group="ARM", **WHO)
        mixed = trial.iloc[:3].assign(ARM=["LDN", "Placebo", "Placebo"])
        with pytest.raises(DataError, match="in two groups"):
            fit.predict_conditional(mixed)

    def test_two_rows_at_one_time(self, trial):
        spatial = {"subject": "USUBJID", "visit": "DAY"}
        fit = fit_mmrm(FORMULA, trial, covariance="spatial_exponential", **spatial)
        with pytest.raises(DataError, match="two rows"):
            fit.predict_conditional(trial.iloc[:3].assign(DAY=28.0))

    def test_an_expression_is_no_column(self, trial):
        positive = trial.assign(CHG=trial["CHG"] + 10)
        fit = fit_mmrm("np.log(CHG) ~ ARM * AVISIT", positive, **WHO)
        with pytest.raises(DataError, match="a column, not an expression"):
            fit.predict_conditional(positive)

    def test_order_of_rows_does_not_matter(self, trial):
        fit = fit_mmrm(FORMULA, trial, **WHO)
        lacking = trial.assign(CHG=trial["CHG"].where(trial.index % 4 != 0))
        ours = fit.predict_conditional(lacking)
        shuffled = fit.predict_conditional(lacking.sample(frac=1, random_state=1))
        pd.testing.assert_frame_equal(shuffled.sort_index(), ours, rtol=1e-12)


@pytest.mark.parametrize(
    "formula",
    [
        "CHG ~ AVISIT + ARM:AVISIT + ARM:BASE",
        "CHG ~ AVISIT * ARM",
        "CHG ~ 0 + AVISIT:ARM",
    ],
)
def test_a_constrained_baseline_holds_or_is_refused(trial, formula):
    with pytest.raises(DataError, match=r"AVISIT \+ ARM:AVISIT"):
        fit_mmrm(formula, trial, constrained_baseline=("ARM", "Week 04"), **WHO)


def test_a_seed_is_asked_for(trial):
    fit = fit_mmrm(FORMULA, trial, **WHO)
    assert (fit.simulate(2, 7) == fit.simulate(2, np.random.default_rng(7))).all()
    for random in (None, "a", -1):
        with pytest.raises(DataError, match="seed"):
            fit.simulate(2, random)
    for n_draws in (-1, 1.5):
        with pytest.raises(DataError, match="number of draws"):
            fit.simulate(n_draws, 1)
    with pytest.raises(DataError, match="no DataFrame but Series"):
        fit.predict(trial.iloc[0])


def test_normalized_residuals_need_the_order_of_the_visits(trial):
    # "Week 12" sorts before "Week 4": the fit is the same, each factor is another.
    plain = trial.assign(AVISIT=trial["AVISIT"].str.replace("Week 0", "Week "))
    fit = fit_mmrm(FORMULA, plain, **WHO)
    assert np.isfinite(fit.residuals("pearson")).all()
    with pytest.raises(
        DataError, match="Week 12, Week 4, Week 8, and normalized residuals"
    ):
        fit.residuals("normalized")
    visits = list(dict.fromkeys(plain["AVISIT"]))
    ordered = plain.assign(AVISIT=pd.Categorical(plain["AVISIT"], visits))
    found = fit_mmrm(FORMULA, ordered, **WHO).residuals("normalized")
    expected = fit_mmrm(FORMULA, trial, **WHO).residuals("normalized")
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_type_two_tests_of_a_term_inside_several_others(trial):
    # One visit is least squares: what the term adds to the model without the terms
    # that contain it, by the sums of squares of nested fits.
    one = trial[trial["AVISIT"] == "Week 12"]
    at = np.arange(len(one))
    sex, site = np.where(at % 3 == 0, "F", "M"), np.where(at < 18, "A", "B")
    one = one.assign(SEX=sex, SITE=site)
    table = fit_mmrm("CHG ~ ARM * SEX * SITE", one, df="residual", **WHO).tests(2)

    def squares(right):
        x = Formula(right).get_model_matrix(one).to_numpy(float)
        _, squares, rank, _ = np.linalg.lstsq(x, one["CHG"].to_numpy())
        return float(squares[0]), len(one) - int(rank)

    whole, df = squares("ARM * SEX * SITE")
    expected = (squares("SEX * SITE")[0] - squares("ARM + SEX * SITE")[0]) * df / whole
    found = table.set_index("term").loc["ARM", "statistic"]
    assert found == pytest.approx(expected, rel=1e-8)


def test_a_visit_without_variation_is_named(trial):
    constant = trial.assign(CHG=trial["CHG"].where(trial["AVISIT"] != "Week 12", 1.0))
    with pytest.raises(SingularCovarianceError, match="Week 12"):
        fit_mmrm(FORMULA, constant, **WHO)


def test_a_visit_without_values_is_named(trial):
    gone = trial.assign(CHG=trial["CHG"].where(trial["AVISIT"] != "Week 12"))
    with pytest.raises(NotEstimableError, match="Week 12"):
        fit_mmrm("CHG ~ ARM", gone, **WHO)


def test_a_ladder_of_which_nothing_fits_says_why_for_each(trial):
    constant = trial.assign(CHG=trial["CHG"].where(trial["AVISIT"] != "Week 12", 1.0))
    ladder = ["unstructured", "ar1_heterogeneous"]
    with pytest.raises(LadderError, match="No structure of the ladder") as caught:
        fit_mmrm(FORMULA, constant, covariance=ladder, **WHO)
    assert list(caught.value.reasons) == ladder
    assert all("Week 12" in reason for reason in caught.value.reasons.values())
