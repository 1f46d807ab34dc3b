"""Meta-regression: exact arithmetic, what must hold, and what is refused."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialstats.errors import DataError, NotEstimableError, RankDeficientError
from trialstats.meta.model_comparison import likelihood_ratio_test
from trialstats.meta.pooling import pool

every = settings(deadline=None, derandomize=True, max_examples=25)

#: log odds ratios of trials invented here, a year and an allocation.
EFFECT = np.array([-0.9, -0.2, 0.3, -1.2, 0.1, -0.4, 0.6, -0.7])
VARIANCE = np.array([0.05, 0.02, 0.4, 0.11, 0.03, 0.2, 0.09, 0.06])
TRIALS = pd.DataFrame(
    {
        "year": [1990, 1994, 1995, 2001, 2003, 2008, 2010, 2012],
        "allocation": ["random", "other", "random", "random"] * 2,
    }
)


def solved(matrix, right):
    """Solve linear equations in exact rational arithmetic."""
    n = len(matrix)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i and rows[r][i]:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [
                    a - factor * b for a, b in zip(rows[r], rows[i], strict=True)
                ]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def exact_regression(effect, variance, design, tau_squared):
    """Return coefficients, their variances, Q, y'PPy, tr P and tr PP, exactly."""
    y = [Fraction(float(value)) for value in effect]
    w = [1 / (Fraction(float(v)) + Fraction(tau_squared)) for v in variance]
    x = [[Fraction(float(value)) for value in row] for row in design]
    k, p = len(x), len(x[0])
    cross = [
        [sum(w[i] * x[i][a] * x[i][b] for i in range(k)) for b in range(p)]
        for a in range(p)
    ]
    beta = solved(
        cross, [sum(w[i] * x[i][a] * y[i] for i in range(k)) for a in range(p)]
    )
    inverse = [solved(cross, [Fraction(a == b) for a in range(p)]) for b in range(p)]
    rest = [y[i] - sum(x[i][a] * beta[a] for a in range(p)) for i in range(k)]

    def projection(i, j):
        middle = sum(
            x[i][a] * inverse[b][a] * x[j][b] for a in range(p) for b in range(p)
        )
        return (w[i] if i == j else 0) - w[i] * w[j] * middle

    return (
        beta,
        [inverse[a][a] for a in range(p)],
        sum(w[i] * rest[i] ** 2 for i in range(k)),
        sum((w[i] * rest[i]) ** 2 for i in range(k)),
        sum(projection(i, i) for i in range(k)),
        sum(projection(i, j) ** 2 for i in range(k) for j in range(k)),
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("method", ["EE", "DL", "PM", "REML", "ML"])
def test_variances_that_span_twelve_powers_of_ten(method, seed):
    # Rational arithmetic at the tau-squared found. Moderators far from zero, such as
    # years, cost nothing; weights carry the rounding of v + tau2.
    random = np.random.default_rng(seed)
    k, p = 5 + seed % 4, 2 + seed % 2
    variance = 10.0 ** np.linspace(-12, 0, k)[random.permutation(k)]
    effect = random.normal(size=k)
    columns = random.normal(size=(k, p - 1)) * 100 + 2000
    pooled = pool(
        effect, variance, moderators=columns, tau_squared=method, inference="wald"
    )
    beta, spread, q, squared, trace, square = exact_regression(
        effect, variance, pooled.design, pooled.tau_squared
    )
    expected = [float(value) for value in beta]
    np.testing.assert_allclose(pooled.coefficient, expected, rtol=2e-11)
    errors = [math.sqrt(value) for value in spread]
    np.testing.assert_allclose(pooled.tests.standard_error, errors, rtol=1e-12)
    if method == "EE":
        assert pooled.q == pytest.approx(float(q), rel=1e-12)
    if method == "PM" and pooled.tau_squared > 0:
        assert float(q) == pytest.approx(k - p, rel=1e-12)
    if method == "REML" and pooled.tau_squared > 0:
        assert float(squared / trace) == pytest.approx(1, rel=1e-12)
        error = math.sqrt(2 / square)
        assert pooled.tau_squared_standard_error == pytest.approx(error, rel=1e-11)


def same_bits(first, second) -> bool:
    return (
        np.array_equal(first.coefficient, second.coefficient)
        and np.array_equal(first.covariance, second.covariance)
        and first.tau_squared == second.tau_squared
        and first.q == second.q
        and first.log_likelihood == second.log_likelihood
    )


@every
@given(st.randoms(), st.sampled_from(["REML", "DL", "SJ", "HE", "HSk"]))
def test_the_order_of_trials_changes_no_bit(random, method):
    order = list(range(len(EFFECT)))
    random.shuffle(order)
    fits = [
        pool(
            EFFECT[rows],
            VARIANCE[rows],
            moderators="~ year + allocation",
            data=TRIALS.iloc[rows],
            tau_squared=method,
        )
        for rows in (list(range(len(EFFECT))), order)
    ]
    assert same_bits(*fits)
    assert fits[1].weights.tolist() == fits[0].weights[order].tolist()


def test_an_origin_and_a_unit_of_a_moderator_change_only_its_coefficient():
    first = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS)
    moved = TRIALS.assign(year=(TRIALS["year"] - 2000) * 128)
    second = pool(EFFECT, VARIANCE, moderators="~ year", data=moved)
    assert second.coefficient[1] * 128 == pytest.approx(first.coefficient[1], rel=1e-11)
    assert second.tau_squared == pytest.approx(first.tau_squared, rel=1e-11)
    assert second.q == pytest.approx(first.q, rel=1e-11)
    np.testing.assert_allclose(second.predict(), first.predict(), rtol=1e-10)


def test_units_and_signs_of_the_effects():
    first = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS)
    other = pool(-4 * EFFECT, 16 * VARIANCE, moderators="~ year", data=TRIALS)
    np.testing.assert_allclose(other.coefficient, -4 * first.coefficient, rtol=1e-12)
    assert other.tau_squared == pytest.approx(16 * first.tau_squared, rel=1e-11)
    assert other.r_squared == pytest.approx(first.r_squared, rel=1e-9)
    assert other.i_squared == pytest.approx(first.i_squared, rel=1e-11)


def test_groups_without_intercept_are_the_groups_alone_at_the_same_tau_squared():
    both = pool(
        EFFECT,
        VARIANCE,
        moderators="~ allocation - 1",
        data=TRIALS,
        tau_squared=0.1,
        inference="wald",
    )
    for term, group in zip(both.terms, ("other", "random"), strict=True):
        rows = (TRIALS["allocation"] == group).to_numpy()
        alone = pool(EFFECT[rows], VARIANCE[rows], tau_squared=0.1, inference="wald")
        row = both.coefficients.set_index("term").loc[term]
        assert row["estimate"] == pytest.approx(alone.estimate, rel=1e-13)
        assert row["standard_error"] == pytest.approx(alone.standard_error, rel=1e-13)
    # The two groups make up an intercept: there is something to compare with.
    estimated = pool(EFFECT, VARIANCE, moderators="~ allocation - 1", data=TRIALS)
    assert 0 <= estimated.r_squared <= 1
    through_zero = pool(EFFECT, VARIANCE, moderators="~ year - 1", data=TRIALS)
    reason = through_zero.not_estimable["r_squared"]
    assert reason == "the model has no intercept to compare with"


def test_what_a_mean_has_is_in_the_coefficients():
    pooled = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS)
    assert math.isnan(pooled.estimate)
    assert pooled.not_estimable["estimate"] == "has moderators; see coefficients"
    assert pooled.coefficients["term"].tolist() == ["Intercept", "year"]
    assert "moderators Intercept, year" in pooled.method
    again = pool(pooled.effect, pooled.variance, **pooled.options)
    assert same_bits(pooled, again)
    rows = np.arange(6)
    fewer = pool(EFFECT[:6], VARIANCE[:6], **pooled.options_for(rows))
    named = pool(EFFECT[:6], VARIANCE[:6], moderators="~ year", data=TRIALS.iloc[:6])
    assert same_bits(fewer, named)


def test_formula_columns_and_frame_are_one():
    by_formula = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS)
    by_frame = pool(EFFECT, VARIANCE, moderators=TRIALS[["year"]])
    by_array = pool(EFFECT, VARIANCE, moderators=TRIALS["year"].to_numpy())
    assert same_bits(by_formula, by_frame)
    assert same_bits(by_formula, by_array)
    new = [1999.0, 2005.0]
    first = by_formula.predict(pd.DataFrame({"year": new}))
    for fit in (by_formula, by_frame, by_array):
        pd.testing.assert_frame_equal(fit.predict(new), first)


def test_omnibus_tests():
    pooled = pool(EFFECT, VARIANCE, moderators="~ year + allocation", data=TRIALS)
    one = pooled.test("year")
    # An F test of one coefficient is the square of its t test.
    row = pooled.coefficients.set_index("term").loc["year"]
    assert one.statistic == pytest.approx(row["statistic"] ** 2, rel=1e-12)
    assert one.p_value == pytest.approx(row["p_value"], rel=1e-10)
    assert pooled.test().df1 == 2
    assert pooled.test([1, 2]) == pooled.test()
    contrast = pooled.contrast([0, 10, -1], value=0.2)
    estimate = 10 * pooled.coefficient[1] - pooled.coefficient[2] - 0.2
    weights = np.array([0, 10, -1])
    spread = weights @ pooled.covariance @ weights
    assert contrast.statistic == pytest.approx(estimate**2 / spread, rel=1e-12)
    with pytest.raises(NotEstimableError, match="singular"):
        pooled.contrast([[0, 1, 0], [0, 2, 0]])


def test_models_are_compared_by_likelihood():
    full = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS, tau_squared="ML")
    reduced = pool(EFFECT, VARIANCE, tau_squared="ML")
    found = likelihood_ratio_test(full, reduced)
    assert found.df == 1
    gain = 2 * (full.log_likelihood - reduced.log_likelihood)
    assert found.statistic == pytest.approx(gain, rel=1e-12)
    with pytest.raises(DataError, match="not nested"):
        likelihood_ratio_test(reduced, full)
    with pytest.raises(DataError, match="different moderators"):
        likelihood_ratio_test(
            pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS),
            pool(EFFECT, VARIANCE),
        )
    with pytest.raises(DataError, match="DL does not maximise"):
        likelihood_ratio_test(full, pool(EFFECT, VARIANCE, tau_squared="DL"))
    with pytest.raises(DataError, match="different trials"):
        likelihood_ratio_test(full, pool(EFFECT[:5], VARIANCE[:5], tau_squared="ML"))
    variance_alone = likelihood_ratio_test(
        pool(EFFECT, VARIANCE), pool(EFFECT, VARIANCE, tau_squared="EE")
    )
    assert variance_alone.df == 1


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (pd.DataFrame({"same": np.full(8, 3.0)}), "same"),
        (TRIALS[["year"]].assign(later=TRIALS["year"] + 4), "later"),
    ],
)
def test_a_moderator_that_depends_on_others_is_named(columns, names):
    with pytest.raises(RankDeficientError, match=names) as caught:
        pool(EFFECT, VARIANCE, moderators=columns)
    assert caught.value.aliased == (names,)


def test_an_empty_cell_of_a_formula_is_named():
    data = TRIALS.assign(late=np.where(TRIALS["year"] > 2000, "yes", "no"))
    data["group"] = np.where(data["late"] == "yes", "a", "b")
    with pytest.raises(RankDeficientError, match="late"):
        pool(EFFECT, VARIANCE, moderators="~ group + late", data=data)


@pytest.mark.parametrize("k", [2, 3])
def test_as_many_coefficients_as_trials_are_refused(k):
    with pytest.raises(NotEstimableError, match=r"3 coefficients .*x2.* more than 3"):
        pool(EFFECT[:k], VARIANCE[:k], moderators=np.arange(2.0 * k).reshape(k, 2) ** 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"moderators": "~ year"}, "is a formula but there is no data"),
        ({"moderators": "~ age", "data": TRIALS}, "age"),
        ({"moderators": TRIALS[["year"]].iloc[:5]}, "have 5 rows and there are 8"),
        ({"moderators": [1, 2, math.nan, 4, 5, 6, 7, 8]}, "row 3 .*'x1': missing"),
        ({"moderators": [1, 2, math.inf, 4, 5, 6, 7, 8]}, "row 3 .*'x1'.*infinite"),
        ({"moderators": TRIALS}, "'allocation', value 'random': not a number"),
        (
            {
                "moderators": "~ year",
                "data": TRIALS.assign(year=[1990, None, *range(2000, 2006)]),
            },
            r"row 2 .*'year': a moderator is missing",
        ),
        (
            {"moderators": TRIALS[["year"]], "inference": "kenward_roger"},
            "derived for a mean",
        ),
    ],
)
def test_bad_moderators_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        pool(EFFECT, VARIANCE, **arguments)


def test_a_perfect_fit_needs_the_ad_hoc_variant():
    year = TRIALS["year"].to_numpy()
    effect = 0.1 + 0.01 * (year - 2000)
    with pytest.raises(NotEstimableError, match="fitted perfectly"):
        pool(effect, VARIANCE, moderators=year)
    pooled = pool(effect, VARIANCE, moderators=year, inference="knapp_hartung_adhoc")
    assert pooled.coefficient[1] == pytest.approx(0.01, rel=1e-10)
    assert pooled.tau_squared == 0


def test_shrunken_effects_lie_between_effect_and_fit():
    pooled = pool(EFFECT, VARIANCE, moderators="~ year", data=TRIALS)
    blups, fit = pooled.blups(), pooled.predict()["estimate"]
    low, high = np.minimum(EFFECT, fit), np.maximum(EFFECT, fit)
    assert ((blups["estimate"] >= low) & (blups["estimate"] <= high)).all()
    np.testing.assert_allclose(pooled.residuals(), EFFECT - fit, atol=1e-14)
    weighted = pool(EFFECT, VARIANCE, weights=np.ones(8))
    with pytest.raises(NotEstimableError, match="inverse-variance"):
        weighted.blups()
