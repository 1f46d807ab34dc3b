"""Intervals of tau-squared and of new effects, against independent derivations."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from scipy import integrate, stats

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.pooling import PREDICTION, pool
from trialstats.meta.quadratic_forms import tail_probabilities
from trialstats.meta.tau_squared_intervals import INTERVALS

#: log odds ratios and variances invented here; tau-squared is about 0.1.
EFFECT = np.array([-0.9, -0.2, 0.3, -1.2, 0.1, -0.6])
VARIANCE = np.array([0.05, 0.02, 0.4, 0.11, 0.03, 0.08])


@pytest.mark.parametrize("seed", range(20))
def test_sums_of_squares_in_pairs_have_a_closed_form(seed):
    # Pairs of equal coefficients make a sum of exponentials, whose tail is a partial
    # fraction: here with 60 digits, since its terms cancel.
    getcontext().prec = 60
    random = np.random.default_rng(seed)
    values = 10.0 ** random.uniform(-4, 2, random.integers(1, 8))
    q = float(2 * values.sum() * 10 ** random.uniform(-1.5, 0.6))
    tail = Decimal(0)
    for i, one in enumerate(values):
        term = (-Decimal(q) / (2 * Decimal(float(one)))).exp()
        for j, other in enumerate(values):
            if j != i:
                a, b = Decimal(float(one)), Decimal(float(other))
                term *= a / (a - b)
        tail += term
    below, above = tail_probabilities(q, np.repeat(values, 2))
    assert above == pytest.approx(float(tail), abs=1e-14)
    assert below == pytest.approx(float(1 - tail), abs=1e-14)


@pytest.mark.parametrize("df", [1, 2, 3, 30, 1000])
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.975])
def test_equal_coefficients_are_chi_squared(df, probability):
    q = float(stats.chi2.ppf(probability, df))
    below, above = tail_probabilities(3 * q, np.full(df, 3.0))
    assert below == pytest.approx(probability, abs=2e-14)
    assert above == pytest.approx(1 - probability, abs=2e-14)


def tail_by_imhof(q: float, coefficients: np.ndarray) -> float:
    """Return P(Q > q) by Imhof's integral (1961), another formula for the same."""

    def integrand(u):
        angle = np.arctan(coefficients * u).sum() / 2 - q * u / 2
        size = np.prod((1 + (coefficients * u) ** 2) ** 0.25)
        return math.sin(angle) / (u * size)

    value = sum(
        integrate.quad(integrand, a, a + 5, limit=400)[0] for a in range(0, 2000, 5)
    )
    return 0.5 + value / math.pi


@pytest.mark.parametrize(
    ("kind", "power"), [("jackson", 0.5), ("biggerstaff_jackson", 1.0)]
)
def test_limits_of_generalised_q_leave_a_tail(kind, power):
    # The quadratic form with dense matrices, its distribution by Imhof's integral.
    weight = VARIANCE**-power
    projection = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    q = float(EFFECT @ projection @ EFFECT)
    frame = pool(EFFECT, VARIANCE).heterogeneity(kind).loc["tau_squared"]
    for limit, tail in ((frame["ci_lower"], 0.025), (frame["ci_upper"], 0.975)):
        root = np.diag(np.sqrt(VARIANCE + limit))
        values = np.linalg.eigvalsh(root @ projection @ root)[1:]
        found = tail_by_imhof(q, values)
        if limit == 0:
            assert found >= tail
        else:
            assert found == pytest.approx(tail, abs=2e-6)


def log_likelihood(tau_squared: float, *, restricted: bool) -> float:
    """Return the textbook formula with dense matrices."""
    spread = np.diag(VARIANCE + tau_squared)
    inverse = np.linalg.inv(spread)
    ones = np.ones(len(EFFECT))
    mean = ones @ inverse @ EFFECT / (ones @ inverse @ ones)
    rest = EFFECT - mean
    value = -0.5 * (np.linalg.slogdet(spread)[1] + rest @ inverse @ rest)
    return value - 0.5 * restricted * math.log(ones @ inverse @ ones)


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_profile_likelihood_drops_by_half_a_quantile(method, level):
    how = {"restricted": method == "REML"}
    pooled = pool(
        EFFECT,
        VARIANCE,
        tau_squared=method,
        level=level,
        tau_squared_interval="profile_likelihood",
    )
    highest = log_likelihood(pooled.tau_squared, **how)
    drop = stats.chi2.ppf(level, 1) / 2
    upper = log_likelihood(pooled.tau_squared_upper, **how)
    assert highest - upper == pytest.approx(drop, rel=1e-10)
    lower = log_likelihood(pooled.tau_squared_lower, **how)
    if pooled.tau_squared_lower == 0:
        assert highest - lower <= drop
    else:
        assert highest - lower == pytest.approx(drop, rel=1e-10)


def test_the_log_likelihoods_are_those_of_the_normal_distribution():
    pooled = pool(EFFECT, VARIANCE, tau_squared="ML", inference="wald")
    spread = np.diag(VARIANCE + pooled.tau_squared)
    mean = np.full(len(EFFECT), pooled.estimate)
    expected = stats.multivariate_normal(mean, spread).logpdf(EFFECT)
    assert pooled.log_likelihood == pytest.approx(expected, rel=1e-12)
    # Restricted: that of contrasts of unit length.
    contrasts = np.linalg.qr(np.ones((6, 1)), mode="complete")[0][:, 1:].T
    expected = stats.multivariate_normal(
        np.zeros(5), contrasts @ spread @ contrasts.T
    ).logpdf(contrasts @ EFFECT)
    assert pooled.log_likelihoods[1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [name for name in INTERVALS if name != "none"])
def test_every_interval_has_the_units_of_tau_squared(kind):
    how = {"tau_squared_interval": kind, "weights": None}
    if kind == "generalised_q":
        how["weights"] = 1 / VARIANCE
    first = pool(EFFECT, VARIANCE, **how)
    second = pool(
        -8 * EFFECT[::-1],
        64 * VARIANCE[::-1],
        **how | {"weights": (None if how["weights"] is None else how["weights"][::-1])},
    )
    for end in ("tau_squared_lower", "tau_squared_upper"):
        expected = 64 * getattr(first, end)
        assert getattr(second, end) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert first.tau_squared_lower <= first.tau_squared_upper


def test_intervals_that_do_not_exist():
    pair = pool(EFFECT[:2], VARIANCE[:2], tau_squared_interval="higgins_thompson")
    assert "more than 2 trials" in pair.not_estimable["tau_squared_upper"]
    none = pool(EFFECT, VARIANCE, tau_squared_interval="none")
    assert none.not_estimable["tau_squared_lower"] == "no interval was asked for"
    with pytest.raises(DataError, match="needs tau_squared='REML' or 'ML'"):
        pool(
            EFFECT,
            VARIANCE,
            tau_squared="DL",
            tau_squared_interval="profile_likelihood",
        )
    with pytest.raises(DataError, match="needs weights"):
        pool(EFFECT, VARIANCE, tau_squared_interval="generalised_q")
    with pytest.raises(NotEstimableError, match="not estimated"):
        pool(EFFECT, VARIANCE, tau_squared="EE").heterogeneity()


def test_an_estimator_at_the_median_of_its_statistic():
    # Median-unbiased: Q with the given weights is at its median at the estimate.
    weight = np.sqrt(VARIANCE)
    pooled = pool(
        EFFECT, VARIANCE, weights=weight, tau_squared="GENQM", inference="wald"
    )
    projection = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    root = np.diag(np.sqrt(VARIANCE + pooled.tau_squared))
    values = np.linalg.eigvalsh(root @ projection @ root)[1:]
    assert tail_by_imhof(float(EFFECT @ projection @ EFFECT), values) == pytest.approx(
        0.5, abs=2e-6
    )


def test_prediction_by_hand():
    pooled = pool(EFFECT, VARIANCE, inference="wald")
    error, between, k = pooled.standard_error, pooled.tau_squared, 6
    hartung = pool(EFFECT, VARIANCE).standard_error
    kr = pool(EFFECT, VARIANCE, inference="kenward_roger")
    expected = {
        "t": (stats.t(k - 1), error),
        "V": (stats.t(k - 1), error),
        "HTS": (stats.t(k - 2), error),
        "riley": (stats.t(k - 2), error),
        "inference": (stats.norm, error),
        "simple": (stats.norm, 0),
        "S": (stats.norm, error),
        "HK": (stats.t(k - 1), hartung),
        "HK-PR": (stats.t(k - 2), hartung),
        "KR": (stats.t(kr.df), kr.standard_error),
        "KR-PR": (stats.t(kr.df - 1), kr.standard_error),
    }
    assert set(expected) == set(PREDICTION) - {"NNF", "HK-adhoc", "HK-PR-adhoc"}
    for form, (distribution, spread) in expected.items():
        reach = distribution.ppf(0.975) * math.hypot(spread, math.sqrt(between))
        found = pooled.predict(prediction=form).iloc[0]
        assert found["prediction_upper"] == pytest.approx(pooled.estimate + reach)
        assert found["prediction_lower"] == pytest.approx(pooled.estimate - reach)


def test_kenward_roger_with_equal_variances_is_the_t_test_of_the_effects():
    # Then nothing is estimated but one variance, that of the effects.
    effect = np.arange(10.0)
    pooled = pool(effect, np.full(10, 0.5), inference="kenward_roger")
    assert pooled.df == pytest.approx(9, rel=1e-9)
    plain = stats.ttest_1samp(effect, 0).confidence_interval(0.95)
    assert pooled.ci_lower == pytest.approx(plain.low, rel=1e-9)
    assert pooled.ci_upper == pytest.approx(plain.high, rel=1e-9)


def test_the_confidence_distribution_on_the_cisapride_trials():
    # 13 trials of cisapride (Hartung, Knapp 2001), 0.5 added to every cell. R pimeta
    # 1.1.3 prints 4.141 [0.533, 33.692] as odds ratios, from 25,000 draws: their
    # quantiles vary by about 0.02 on the log scale.
    events = np.array([15, 12, 29, 42, 14, 44, 14, 29, 10, 17, 38, 19, 21])
    total = np.array([16, 16, 34, 56, 22, 54, 17, 58, 14, 26, 44, 29, 38])
    control = np.array([9, 1, 18, 31, 6, 17, 7, 23, 3, 6, 12, 22, 19])
    controls = np.array([16, 16, 34, 56, 22, 55, 15, 58, 15, 27, 45, 30, 38])
    a, b = events + 0.5, total - events + 0.5
    c, d = control + 0.5, controls - control + 0.5
    effect, variance = np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d
    pooled = pool(effect, variance, tau_squared="DL", prediction="NNF")
    assert math.exp(pooled.estimate) == pytest.approx(4.141, abs=6e-4)
    assert pooled.tau_squared == pytest.approx(0.718, abs=6e-4)
    assert pooled.prediction_lower == pytest.approx(math.log(0.533), abs=0.04)
    assert pooled.prediction_upper == pytest.approx(math.log(33.692), abs=0.04)
    assert pooled.prediction_df == 12


def test_the_confidence_distribution_is_its_bootstrap():
    # The published algorithm with 200,000 draws; the quantiles vary by 0.01.
    random = np.random.default_rng(2019)
    weight = 1 / VARIANCE
    projection = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    q = float(EFFECT @ projection @ EFFECT)
    grid = np.concatenate([[0], np.geomspace(1e-4, 1e4, 600)])
    tail = []
    for value in grid:
        root = np.diag(np.sqrt(VARIANCE + value))
        values = np.linalg.eigvalsh(root @ projection @ root)[1:]
        tail.append(tail_probabilities(q, values)[1])
    between = np.interp(random.random(200_000), tail, grid)
    w = 1 / (VARIANCE[:, np.newaxis] + between)
    mean = (w * EFFECT[:, np.newaxis]).sum(axis=0) / w.sum(axis=0)
    scale = (w * (EFFECT[:, np.newaxis] - mean) ** 2).sum(axis=0) / 5 / w.sum(axis=0)
    drawn = mean + np.sqrt(between) * random.standard_normal(200_000)
    drawn -= np.sqrt(scale) * random.standard_t(5, 200_000)
    pooled = pool(EFFECT, VARIANCE, prediction="NNF")
    limits = (pooled.prediction_lower, pooled.prediction_upper)
    assert limits == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.04)


def test_given_weights_under_hartung_knapp():
    # R metafor 3.8.1: rma(y, v, weights = 1:6, test = "knha", threshold 1e-13); the
    # scale is that of the inverse-variance fit.
    pooled = pool(EFFECT, VARIANCE, weights=np.arange(1, 7))
    plain = pool(EFFECT, VARIANCE)
    assert pooled.scale == pytest.approx(plain.scale, rel=1e-12)
    assert pooled.scale == pytest.approx(1.02566063241587, rel=1e-10)
    assert pooled.estimate == pytest.approx(-0.395238095238095, rel=1e-12)
    assert pooled.standard_error == pytest.approx(0.254770616065833, rel=1e-10)
    assert pooled.ci_lower == pytest.approx(-1.0501468131508, rel=1e-10)


@pytest.mark.parametrize("kind", ["jackson", "biggerstaff_jackson"])
def test_limits_where_effects_are_far_apart_or_variances_very_unequal(kind):
    # Equal variances make Q a multiple of chi-squared: the Q-profile limits.
    effect, variance = [0.0, 1e6, -1e6], [1e-6] * 3
    far = pool(effect, variance, tau_squared_interval=kind)
    plain = pool(effect, variance)
    assert far.tau_squared_lower == pytest.approx(plain.tau_squared_lower, rel=1e-10)
    assert far.tau_squared_upper == pytest.approx(plain.tau_squared_upper, rel=1e-10)
    # A trial that decides the mean: what is left of it is a small difference of large
    # numbers. Two trials, where P is a matrix of rank one, in closed form.
    unequal = pool([0.0, 3.0], [1e-14, 1.0], tau_squared_interval=kind)
    for limit, tail in (
        (unequal.tau_squared_lower, 0.025),
        (unequal.tau_squared_upper, 0.975),
    ):
        spread = 1e-14 + 1.0 + 2 * limit
        assert stats.chi2.sf(9 / spread, 1) == pytest.approx(tail, rel=1e-9)


def test_predictions_that_do_not_exist():
    alike = pool([0.3] * 4, VARIANCE[:4], prediction="NNF", inference="wald")
    assert math.isnan(alike.prediction_upper)
    assert "identical" in alike.not_estimable["prediction_lower"]
    far = pool([0.0, 1e6, -1e6], [1e-6] * 3, prediction="NNF")
    assert far.prediction_lower < -1e6
    single = pool([0.3], [0.04])
    assert single.predict()["ci_upper"][0] == pytest.approx(single.ci_upper)
    assert math.isnan(single.predict()["prediction_upper"][0])
    with pytest.raises(DataError, match="derived for a mean"):
        pool(EFFECT, VARIANCE, moderators=np.arange(6)).predict(prediction="NNF")


@pytest.mark.parametrize("unit", [1e-40, 1e-12, 1e-6, 1e6, 1e40])
def test_limits_of_the_confidence_distribution_have_the_unit_of_the_effects(unit):
    effect, variance = (
        np.array([0.2, 0.9, -0.4, 0.35]),
        np.array([0.1, 0.02, 0.3, 0.05]),
    )
    whole = pool(effect, variance, prediction="NNF")
    small = pool(effect * unit, variance * unit**2, prediction="NNF")
    for name in ("prediction_lower", "prediction_upper"):
        expected = unit * getattr(whole, name)
        assert getattr(small, name) == pytest.approx(expected, rel=1e-11, abs=0)


def test_limits_of_the_confidence_distribution_are_found_beside_great_precision():
    """The smallest spread is below the spacing of floats at the estimate."""
    pooled = pool([0.1, 0.2, 0.3], [1e-90, 0.1, 1e90], prediction="NNF")
    assert pooled.prediction_lower <= 0.1 <= pooled.prediction_upper
