"""Logistic regression: against R, identities, and what has no estimate."""

import numpy as np
import pandas as pd
import pytest

from trialstats.errors import DataError, NotEstimableError, RankDeficientError
from trialstats.logistic import fit_logistic
from trialstats.randomness import stream

#: Both programs iterate to the same maximum; their last steps differ.
CLOSE = 1e-8

#: glm's errors have the weights of the step before its last.
ONE_STEP = 1e-6


def small():
    numbers = [2.5, 1, 3, 4, 5.5, 2, 6, 7, 1.5, 8, 3.5, 2.2, 6.1, 4.4, 7.7, 5]
    return pd.DataFrame(
        {
            "y": [1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0],
            "n": numbers,
            "arm": ["P", "T"] * 8,
        }
    )


def simulated(n=200):
    rng = stream(5, "logistic")
    frame = pd.DataFrame(
        {"arm": np.array(["P", "L", "H"])[np.arange(n) % 3], "x": rng.normal(size=n)}
    )
    chance = 1 / (1 + np.exp(-0.4 - 0.7 * frame["x"] + 0.5 * (frame["arm"] == "P")))
    return frame.assign(y=(rng.random(n) < chance).astype(int))


@pytest.mark.reference
def test_agrees_with_glm():
    # R 4.2.2: glm(y ~ arm + n, binomial, control = list(epsilon = 1e-14)).
    fit = fit_logistic("y ~ arm + n", small())
    table = fit.coefficients
    expected = [-4.10389937812153, -0.66967170996361, 1.17544909309154]
    errors = [2.23696735956513, 1.51558523921929, 0.57249102042833]
    p_values = [0.066567692425720, 0.658592801668800, 0.040051401323794]
    assert table["estimate"].tolist() == pytest.approx(expected, rel=CLOSE)
    assert table["standard_error"].tolist() == pytest.approx(errors, rel=ONE_STEP)
    assert table["p_value"].tolist() == pytest.approx(p_values, rel=ONE_STEP)
    assert fit.deviance == pytest.approx(11.5174631935973, rel=1e-12)
    assert fit.null_deviance == pytest.approx(21.9300546328467, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(-5.7587315967987, rel=1e-12)
    assert (fit.n_observations, fit.n_events, fit.df_residual) == (16, 9, 13)


def test_one_arm_against_another_is_the_sample_odds_ratio():
    rows = pd.DataFrame(
        {"arm": ["P"] * 20 + ["T"] * 25, "y": [1] * 8 + [0] * 12 + [1] * 15 + [0] * 10}
    )
    row = fit_logistic("y ~ arm", rows).contrasts("arm").iloc[0]
    assert row["estimate"] == pytest.approx(np.log(15 * 12 / (10 * 8)), rel=1e-12)
    woolf = np.sqrt(1 / 15 + 1 / 10 + 1 / 8 + 1 / 12)
    assert row["standard_error"] == pytest.approx(woolf, rel=1e-10)


def test_names_and_order_of_arms_do_not_matter():
    rows = simulated()
    fit = fit_logistic("y ~ arm + x", rows).contrasts("arm", reference="P")
    other = rows.assign(arm=rows["arm"].map({"P": "c", "L": "b", "H": "a"}))
    turned = fit_logistic("y ~ arm + x", other.iloc[::-1])
    turned = turned.contrasts("arm", reference="c")
    found = dict(zip(fit["contrast"], fit["estimate"], strict=True))
    again = dict(zip(turned["contrast"], turned["estimate"], strict=True))
    assert again["a - c"] == pytest.approx(found["H - P"], rel=1e-9)
    assert again["b - c"] == pytest.approx(found["L - P"], rel=1e-9)


def test_events_and_non_events_change_the_sign():
    rows = simulated()
    fit = fit_logistic("y ~ arm + x", rows)
    other = fit_logistic("y ~ arm + x", rows.assign(y=1 - rows["y"]))
    assert other.beta == pytest.approx(-fit.beta, rel=1e-9)
    assert other.deviance == pytest.approx(fit.deviance, rel=1e-12)


@pytest.mark.parametrize(("shift", "scale"), [(0, 1e9), (0, 1e-9), (2e6, 1)])
def test_units_and_origin_of_a_covariate_do_not_matter(shift, scale):
    rows = simulated()
    fit = fit_logistic("y ~ arm + x", rows)
    other = fit_logistic("y ~ arm + x", rows.assign(x=shift + scale * rows["x"]))
    # Adding 2e6 leaves nine digits of the covariate.
    assert other.beta[-1] * scale == pytest.approx(fit.beta[-1], rel=1e-6)
    assert other.deviance == pytest.approx(fit.deviance, rel=1e-9)


def test_missing_rows_are_left_out():
    rows = simulated()
    rows.loc[3:10, "x"] = np.nan
    found = fit_logistic("y ~ arm + x", rows)
    assert found.n_observations == len(rows) - 8
    assert found.deviance == fit_logistic("y ~ arm + x", rows.dropna()).deviance


@pytest.mark.parametrize(
    ("responses", "cause"),
    [
        ([0, 1, 0, 1, 1, 1, 1, 1], "arm"),  # quasi: every T has the event
        ([0, 0, 0, 0, 1, 1, 1, 1], "arm"),  # complete
    ],
)
def test_an_arm_that_separates(responses, cause):
    rows = pd.DataFrame({"arm": list("PPPPTTTT"), "y": responses})
    rows["age"] = [40, 52, 61, 47, 55, 44, 58, 49]
    with pytest.raises(NotEstimableError, match=rf"^{cause}\[T.T\] separates the"):
        fit_logistic("y ~ arm + age", rows)


def test_a_covariate_that_separates():
    rows = small().assign(n=lambda d: d["n"] + 100 * d["y"])
    with pytest.raises(NotEstimableError, match=r"^n separates the events"):
        fit_logistic("y ~ arm + n", rows)


def test_nearly_separated_rows_have_an_estimate():
    # One subject on the other side is enough, however far out the rest is.
    n = np.r_[np.arange(20.0), np.arange(20.0) + 15]
    rows = pd.DataFrame({"n": n, "y": np.repeat([0, 1], 20)})
    fit = fit_logistic("y ~ n", rows)
    assert 0 < fit.deviance < fit.null_deviance
    assert np.isfinite(fit.coefficients["standard_error"]).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": 2}, DataError, "row 0, column 'y', value 2.0: .*neither 0 nor 1"),
        ({"y": 1}, NotEstimableError, "Every analysed row has an event"),
        ({"y": 0}, NotEstimableError, "Every analysed row has no event"),
        ({"n": np.inf}, DataError, "column 'n', value inf"),
        ({"n": np.nan}, NotEstimableError, "No row has a value"),
        ({"n": 3.0}, RankDeficientError, "cannot tell n from"),
        ({"arm": "P"}, NotEstimableError, "Only one level of arm has data: P"),
        ({"y": "yes"}, DataError, "column 'y': the column is not numeric"),
        ({"y": True}, DataError, "column 'y': the column is not numeric"),
    ],
)
def test_what_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        fit_logistic("y ~ arm + n", small().assign(**change))


def test_too_few_rows():
    rows = small().iloc[[0, 1, 2]]
    with pytest.raises(NotEstimableError, match="3 observations cannot estimate 3"):
        fit_logistic("y ~ arm + n", rows)
