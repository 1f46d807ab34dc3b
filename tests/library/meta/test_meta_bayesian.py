"""Bayesian pooling against brute force, matrices, bayesmeta and published numbers.

The brute force (`Brute`) evaluates the plain product of normal densities on a grid of
mu and tau and adds it up: no conditional mean or variance of mu is used, the order of
the integrals is the other one, and so is the substitution.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.bayesian import PooledBayesian, pool_bayesian
from trialstats.meta.bayesian_batch import pool_bayesian_many
from trialstats.meta.bayesian_priors import PRIORS, tau_prior
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.randomness import stream

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "bayesian"
SETS = json.loads((FOLDER / "sets.json").read_text(encoding="utf-8"))
#: Without the cases at which bayesmeta stops with an error of its integration.
REFERENCE = {
    name: case
    for name, case in json.loads(
        (FOLDER / "bayesmeta.json").read_text(encoding="utf-8")
    )["cases"].items()
    if "failed" not in case
}
#: Asked for: brute force agrees to this, in standard deviations of mu.
BRUTE = 1e-6

every = settings(deadline=None, derandomize=True, max_examples=20)


def fitted(name: str, **others) -> PooledBayesian:
    case = dict(SETS[name])
    mean_prior = case.pop("mean_prior")
    effect, variance = case.pop("effect"), case.pop("variance")
    mean_prior = None if mean_prior is None else tuple(mean_prior)
    return pool_bayesian(effect, variance, mean_prior=mean_prior, **case, **others)


def log_prior(case, tau):
    """Return the log density of tau from scipy's distributions."""
    scale, df = case["scale"], case["df"]
    if case["prior"] == "uniform":
        inside = tau <= (math.inf if scale is None else scale)
        return np.where(inside, 0.0 if scale is None else -math.log(scale), -np.inf)
    return {
        "half_normal": lambda: stats.halfnorm.logpdf(tau, scale=scale),
        "half_cauchy": lambda: stats.halfcauchy.logpdf(tau, scale=scale),
        "half_t": lambda: math.log(2) + stats.t.logpdf(tau, df, scale=scale),
        "exponential": lambda: stats.expon.logpdf(tau, scale=scale),
    }[case["prior"]]()


def tail_power(case) -> float:
    """Return a of the tail tau^-a of the posterior, under a flat prior of mu."""
    k = len(case["effect"])
    own = {"half_cauchy": 2, "uniform": 0, "half_t": (case["df"] or 0) + 1}
    bounded = case["prior"] == "uniform" and case["scale"] is not None
    tail = math.inf if bounded else own.get(case["prior"], math.inf)
    return tail + k - (1 if case["mean_prior"] is None else 0)


class Brute:
    """The joint posterior of mu and tau, added up on a grid.

    Both axes are logarithmic, where the trapezoid rule converges faster than any
    power of its step: tau = exp(x), and mu = centre + sign * exp(t) on one side.
    """

    step = 0.05

    def __init__(self, case, pooled):
        self.case = case
        self.y, self.v = np.array(case["effect"]), np.array(case["variance"])
        smallest = math.log(min(math.sqrt(self.v.min()), case["scale"] or math.inf))
        # Below, exp(-20) of the mass; above, where the prior or the tail has fallen.
        power = tail_power(case)
        widest = max(math.log(pooled.tau_upper), 0.5 * math.log(self.v.max()))
        # Second moments fall with the power a - 3; where they do not exist, the mass
        # falls with a - 1, which is 1 at least.
        self.more = 30 / max(1, power - 3) if power < math.inf else 3.0
        end = widest + self.more
        if case["prior"] == "uniform" and case["scale"] is not None:
            # The density ends at the bound: Gauss-Legendre on pieces.
            edges = np.linspace(smallest - 20, math.log(case["scale"]), 30)
            node, weight = np.polynomial.legendre.leggauss(30)
            half = np.diff(edges)[:, None] / 2
            self.x = (edges[:-1, None] + half * (node + 1)).ravel()
            self.x_weight = (half * weight).ravel()
        else:
            self.x = np.arange(smallest - 20, end, self.step)
            self.x_weight = np.full(len(self.x), self.step)
        self.tau = np.exp(self.x)
        self.of_tau = log_prior(case, self.tau) + self.x
        self.of_tau -= 0.5 * np.log(self.v[:, None] + self.tau**2).sum(axis=0)
        self.top = None
        self.near = math.log(pooled.ci_upper - pooled.ci_lower)
        self.reach = max(self.near, widest) if power < math.inf else self.near

    def joint(self, mu):
        """Return the joint density times dtau/dx, (mu, x), up to a constant."""
        log = np.tile(self.of_tau, (len(mu), 1))
        for y, v in zip(self.y, self.v, strict=True):
            log -= 0.5 * (y - mu[:, None]) ** 2 / (v + self.tau**2)
        if self.case["mean_prior"] is not None:
            mean, sd = self.case["mean_prior"]
            log -= 0.5 * ((mu[:, None] - mean) / sd) ** 2
        if self.top is None:
            self.top = log.max()
        return np.exp(log - self.top)

    def side(self, centre, sign):
        """Return sums over mu on one side of `centre`: 1, mu, mu^2, tau, tau^2.

        mu is measured from the centre.
        """
        end = self.reach + self.more
        distance = np.exp(np.arange(self.near - 24, end, self.step))
        density = self.joint(centre + sign * distance) * self.x_weight
        mass = density.sum(axis=1)
        weight = distance * self.step
        moments = (mass, sign * distance * mass, distance**2 * mass)
        of_tau = (density @ self.tau, density @ self.tau**2)
        return np.array([weight @ part for part in (*moments, *of_tau)])


def exists(case, power) -> bool:
    """Return whether E(tau^power) exists."""
    return tail_power(case) - power > 1


@pytest.mark.parametrize("name", SETS)
def test_agrees_with_brute_force(name):
    case, pooled = SETS[name], fitted(name)
    brute = Brute(case, pooled)
    below, above = (brute.side(pooled.estimate, sign) for sign in (-1, 1))
    total = below + above
    scale = (pooled.ci_upper - pooled.ci_lower) / 4
    # Differences of probabilities, divided by the density, are differences of mu.
    assert below[0] / total[0] == pytest.approx(0.5, abs=BRUTE)
    for limit, sign in ((pooled.ci_lower, -1), (pooled.ci_upper, 1)):
        outside = brute.side(limit, sign)[0] / total[0]
        assert outside == pytest.approx(0.025, abs=BRUTE / 20)
    moments = total / total[0]
    heavy_mean = case["mean_prior"] is None
    if not heavy_mean or exists(case, 1):
        mean = pooled.estimate + moments[1]
        assert pooled.mean == pytest.approx(mean, abs=BRUTE * scale)
    if not heavy_mean or exists(case, 2):
        spread = math.sqrt(moments[2] - moments[1] ** 2)
        assert pooled.standard_error == pytest.approx(spread, rel=BRUTE)
    if exists(case, 1):
        assert pooled.tau_mean == pytest.approx(moments[3], rel=BRUTE)
    if exists(case, 2):
        spread = math.sqrt(moments[4] - moments[3] ** 2)
        assert pooled.tau_standard_deviation == pytest.approx(spread, rel=BRUTE)


def dense(case, tau):
    """Return log L, mean and variance of (mu, theta_1..theta_k), weights in mu.

    From the precision matrix of the joint normal distribution given tau.
    """
    y, v = np.array(case["effect"]), np.array(case["variance"])
    k = len(y)
    precision = np.zeros((k + 1, k + 1))
    precision[1:, 1:] = np.diag(1 / v + 1 / tau**2)
    precision[0, 1:] = precision[1:, 0] = -1 / tau**2
    precision[0, 0] = k / tau**2
    right = np.append(0.0, y / v)
    constant = -(y**2 / v).sum() - k * math.log(tau**2) - np.log(v).sum()
    if case["mean_prior"] is not None:
        mean, sd = case["mean_prior"]
        precision[0, 0] += 1 / sd**2
        right[0] += mean / sd**2
        constant -= (mean / sd) ** 2
    covariance = np.linalg.inv(precision)
    mean = covariance @ right
    log_det = np.linalg.slogdet(precision)[1]
    pull = covariance[0, 1:] / v
    return 0.5 * (constant + right @ mean - log_det), mean, np.diag(covariance), pull


MATRICES = [
    "two_trials",
    "three_trials",
    "four_trials_t",
    "five_trials_exponential",
    "six_mean_prior",
    "eight_trials",
    "twelve_trials",
]


@pytest.mark.parametrize("name", MATRICES)
def test_own_effects_and_prediction_agree_with_dense_matrices(name):
    # Where variances are alike, so that the inverse of k + 1 columns keeps ten digits
    # down to tau = 1e-4; below, 1e-4 of the mass is linear in tau (midpoint).
    case, pooled = SETS[name], fitted(name)
    edges = np.linspace(0, math.log1p(40 * pooled.tau_upper / 1e-2), 61)
    node, weight = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    s = (edges[:-1, None] + half * (node + 1)).ravel()
    tau = 1e-2 * np.expm1(s)
    tau_weight = (half * weight).ravel() * 1e-2 * np.exp(s)
    found = [dense(case, t) for t in tau]
    log = np.array([f[0] for f in found]) + log_prior(case, tau)
    mass = np.exp(log - log.max()) * tau_weight
    mass /= mass.sum()
    mean = np.array([f[1] for f in found])
    variance = np.array([f[2] for f in found])
    tolerance = 1e-6
    for i, row in pooled.shrinkage.iterrows():
        expected = mass @ mean[:, i + 1]
        square = mass @ (variance[:, i + 1] + (mean[:, i + 1] - expected) ** 2)
        assert row["mean"] == pytest.approx(expected, abs=tolerance)
        assert row["standard_deviation"] == pytest.approx(
            math.sqrt(square), rel=tolerance
        )
        for limit, share in (
            ("ci_lower", 0.025),
            ("estimate", 0.5),
            ("ci_upper", 0.975),
        ):
            z = (row[limit] - mean[:, i + 1]) / np.sqrt(variance[:, i + 1])
            assert mass @ stats.norm.cdf(z) == pytest.approx(share, abs=tolerance)
    ahead = np.sqrt(variance[:, 0] + tau**2)
    for limit, share in (
        (pooled.prediction_lower, 0.025),
        (pooled.prediction_upper, 0.975),
    ):
        below = mass @ stats.norm.cdf((limit - mean[:, 0]) / ahead)
        assert below == pytest.approx(share, abs=tolerance)
    expected = mass @ np.array([f[3] for f in found])
    np.testing.assert_allclose(pooled.weights, expected, atol=tolerance)


#: bayesmeta adds the posterior of mu up over a grid of tau that leaves an error, here
#: set to a divergence of 1e-3, far below the default of 1e-2; numbers of tau are
#: integrals and roots of its own to about 1e-9, but for second moments.
OF_MU, OF_TAU = 2e-4, 1e-6
ROWS = ["mode", "median", "mean", "sd", "lower", "upper"]


@pytest.mark.reference
@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("interval", ["central", "shortest"])
def test_agrees_with_bayesmeta(name, interval):
    reference, pooled = REFERENCE[name], fitted(name, interval=interval)
    tau = dict(zip(ROWS, reference[interval]["tau"], strict=True))
    mu = dict(zip(ROWS, reference[interval]["mu"], strict=True))
    unit = pooled.ci_upper - pooled.ci_lower
    assert pooled.tau == pytest.approx(tau["median"], rel=OF_TAU)
    assert pooled.tau_mode == pytest.approx(tau["mode"], abs=1e-4 * pooled.tau)
    assert pooled.tau_lower == pytest.approx(tau["lower"], rel=1e-4, abs=1e-5)
    assert pooled.tau_upper == pytest.approx(tau["upper"], rel=1e-4)
    if exists(SETS[name], 2):
        assert pooled.tau_mean == pytest.approx(tau["mean"], rel=OF_TAU)
        assert pooled.tau_standard_deviation == pytest.approx(tau["sd"], rel=1e-5)
        assert pooled.mean == pytest.approx(mu["mean"], abs=OF_MU * unit)
        assert pooled.standard_error == pytest.approx(mu["sd"], rel=1e-2)
    assert pooled.estimate == pytest.approx(mu["median"], abs=OF_MU * unit)
    assert pooled.ci_lower == pytest.approx(mu["lower"], abs=5 * OF_MU * unit)
    assert pooled.ci_upper == pytest.approx(mu["upper"], abs=5 * OF_MU * unit)


@pytest.mark.reference
@pytest.mark.parametrize("name", REFERENCE)
def test_trials_prediction_and_evidence_agree_with_bayesmeta(name):
    reference, pooled = REFERENCE[name], fitted(name)
    ahead = dict(zip(ROWS, reference["central"]["theta"], strict=True))
    unit = pooled.prediction_upper - pooled.prediction_lower
    assert pooled.prediction_lower == pytest.approx(ahead["lower"], abs=2e-3 * unit)
    assert pooled.prediction_upper == pytest.approx(ahead["upper"], abs=2e-3 * unit)
    if exists(SETS[name], 2):
        assert pooled.probability_below(0) == pytest.approx(
            reference["below_zero"], abs=2e-4
        )
    np.testing.assert_allclose(
        pooled.weights,
        np.atleast_1d(reference["weights"])[: pooled.k],
        atol=1e-5,
    )
    assert len(REFERENCE) == 15
    columns = [row for name, row in reference["theta"].items() if name != "_row"]
    for i, row in enumerate(columns):
        own = dict(zip(["y", "sigma", *ROWS], row, strict=True))
        found = pooled.shrinkage.loc[i]
        width = found["ci_upper"] - found["ci_lower"]
        assert found["estimate"] == pytest.approx(own["median"], abs=1e-3 * width)
        assert found["mean"] == pytest.approx(own["mean"], abs=1e-3 * width)
        assert found["ci_lower"] == pytest.approx(own["lower"], abs=2e-3 * width)
        assert found["ci_upper"] == pytest.approx(own["upper"], abs=2e-3 * width)
    if reference["bayes_factor_tau"] is not None:
        assert pooled.bayes_factor_homogeneity == pytest.approx(
            reference["bayes_factor_tau"], rel=1e-6
        )


def test_the_published_analysis_of_crins():
    # Acute rejections in six studies of Crins et al. (2014, Pediatr Transplant 18,
    # 839-850). Output printed by Roever (2020, J Stat Softw 93(6)), section 3.2:
    # half-normal(0.5), mu normal(0, 4), shortest intervals. Numbers of tau are
    # roots and integrals there, to about 1e-6 (the shortest interval: 2e-5); those of
    # mu come from a grid with a divergence of up to 1 %.
    trials = effect_sizes(
        "OR",
        ai=[14, 16, 3, 9, 4, 0],
        n1i=[61, 28, 18, 54, 36, 50],
        ci=[15, 19, 8, 29, 11, 3],
        n2i=[20, 28, 12, 54, 36, 34],
    )
    pooled = pool_bayesian(
        trials["effect"],
        trials["variance"],
        scale=0.5,
        mean_prior=(0, 4),
        interval="shortest",
    )
    assert pooled.tau_mode == pytest.approx(0.2453139, abs=2e-6)
    assert pooled.tau == pytest.approx(0.3445022, abs=1e-6)
    assert pooled.tau_mean == pytest.approx(0.3810562, abs=1e-6)
    assert pooled.tau_standard_deviation == pytest.approx(0.2593672, abs=1e-6)
    assert pooled.tau_lower == 0
    assert pooled.tau_upper == pytest.approx(0.8607305, abs=2e-5)
    assert pooled.estimate == pytest.approx(-1.5734823, abs=2e-4)
    assert pooled.mean == pytest.approx(-1.5764366, abs=2e-4)
    assert pooled.standard_error == pytest.approx(0.3295298, abs=1e-3)
    assert pooled.ci_lower == pytest.approx(-2.2312306, abs=1e-3)
    assert pooled.ci_upper == pytest.approx(-0.9264079, abs=1e-3)
    assert pooled.prediction_lower == pytest.approx(-2.77, abs=0.01)
    assert pooled.prediction_upper == pytest.approx(-0.41, abs=0.01)


# --- what must hold -----------------------------------------------------------------


@st.composite
def trials(draw, smallest: int = 1):
    k = draw(st.integers(smallest, 8))
    effect = draw(st.lists(st.floats(-3, 3), min_size=k, max_size=k))
    exponent = draw(st.lists(st.floats(-3, 1), min_size=k, max_size=k))
    return np.array(effect), 10 ** np.array(exponent)


PROPER = [
    ("half_normal", None),
    ("half_cauchy", None),
    ("half_t", 3.0),
    ("exponential", None),
]


@every
@given(trials(), st.sampled_from(PROPER), st.randoms())
def test_the_order_of_trials_changes_no_bit(trial, prior, random):
    effect, variance = trial
    order = list(range(len(effect)))
    random.shuffle(order)
    settings = {"prior": prior[0], "df": prior[1], "scale": 0.5}
    first = pool_bayesian(effect, variance, **settings)
    second = pool_bayesian(effect[order], variance[order], **settings)
    assert (second.estimate, second.ci_lower) == (first.estimate, first.ci_lower)
    assert (second.tau, second.tau_upper) == (first.tau, first.tau_upper)
    assert second.weights.tolist() == first.weights[order].tolist()
    moved = first.shrinkage.iloc[order].reset_index(drop=True)
    assert second.shrinkage.equals(moved)
    assert second.effect.tolist() == effect[order].tolist()


@every
@given(trials(), st.sampled_from(PROPER), st.floats(-4, 4))
def test_units_origin_and_sign(trial, prior, power):
    # Quadrature and roots end at 1e-10 or better; 1e-8 leaves room for flat places.
    effect, variance = trial
    unit = 10**power
    settings = {"prior": prior[0], "df": prior[1]}
    first = pool_bayesian(effect, variance, scale=0.5, **settings)
    second = pool_bayesian(
        -unit * effect + unit, unit**2 * variance, scale=0.5 * unit, **settings
    )
    wide = first.ci_upper - first.ci_lower
    for one, other in (
        ("estimate", "estimate"),
        ("ci_lower", "ci_upper"),
        ("prediction_upper", "prediction_lower"),
    ):
        expected = unit * (1 - getattr(first, one))
        assert getattr(second, other) == pytest.approx(expected, abs=1e-8 * unit * wide)
    assert second.tau == pytest.approx(unit * first.tau, rel=1e-8)
    assert second.tau_upper == pytest.approx(unit * first.tau_upper, rel=1e-8)
    assert second.bayes_factor_homogeneity == pytest.approx(
        first.bayes_factor_homogeneity, rel=1e-7
    )


@every
@given(trials(), st.sampled_from(PROPER), st.sampled_from(["central", "shortest"]))
def test_distributions_hang_together(trial, prior, interval):
    effect, variance = trial
    pooled = pool_bayesian(
        effect, variance, prior=prior[0], df=prior[1], scale=0.5, interval=interval
    )
    for law, lower, upper in (
        (pooled.effect_distribution, pooled.ci_lower, pooled.ci_upper),
        (pooled.tau_distribution, pooled.tau_lower, pooled.tau_upper),
        (
            pooled.prediction_distribution,
            pooled.prediction_lower,
            pooled.prediction_upper,
        ),
    ):
        held = law.probability_below(upper) - law.probability_below(lower)
        assert held == pytest.approx(0.95, abs=1e-9)
        # The density is the slope of the probability.
        at = np.array([lower + 0.3 * (upper - lower), upper])
        step = 1e-4 * (upper - lower)
        slope = (
            law.probability_below(at + step) - law.probability_below(at - step)
        ) / (2 * step)
        np.testing.assert_allclose(law.density(at), slope, rtol=2e-5)
    assert pooled.probability_below(0.1) + pooled.probability_above(0.1) == (
        pytest.approx(1, abs=1e-12)
    )
    assert pooled.weights.sum() == pytest.approx(1, abs=1e-12)
    assert pooled.prediction_lower <= pooled.ci_lower + 1e-9
    assert pooled.prediction_upper >= pooled.ci_upper - 1e-9


@every
@given(trials(2), st.sampled_from(PROPER))
def test_the_shortest_interval_is_no_longer_than_any_other(trial, prior):
    effect, variance = trial
    settings = {"prior": prior[0], "df": prior[1], "scale": 0.5}
    pooled = pool_bayesian(effect, variance, interval="shortest", **settings)
    for law, width in (
        (pooled.effect_distribution, pooled.ci_upper - pooled.ci_lower),
        (pooled.tau_distribution, pooled.tau_upper - pooled.tau_lower),
    ):
        left = np.linspace(0.0005, 0.0495, 41)
        others = law.quantile(left + 0.95) - law.quantile(left)
        assert width <= others.min() * (1 + 1e-9)


def test_a_tiny_prior_is_equal_effects_and_a_precise_mean_prior_rules():
    # tau -> 0: inverse-variance mean; sd of mu -> 0: the prior mean.
    y, v = np.array([0.1, 0.5, 0.9]), np.array([0.02, 0.05, 0.1])
    pooled = pool_bayesian(y, v, scale=1e-6)
    assert pooled.estimate == pytest.approx(np.average(y, weights=1 / v), rel=1e-9)
    assert pooled.standard_error == pytest.approx((1 / v).sum() ** -0.5, rel=1e-9)
    assert pooled.bayes_factor_homogeneity == pytest.approx(1, abs=1e-9)
    ruled = pool_bayesian(y, v, scale=0.5, mean_prior=(2.0, 1e-6))
    assert ruled.estimate == pytest.approx(2.0, abs=1e-8)
    assert ruled.weights.sum() < 1e-9


def test_the_marginal_likelihood_is_that_of_direct_integration():
    # k = 2, mu normal: the density of the effects given tau is bivariate normal.
    y, v = [0.3, -0.1], [0.04, 0.09]
    pooled = pool_bayesian(y, v, scale=0.5, mean_prior=(0.1, 1.0))

    def density(tau):
        covariance = np.diag(v) + tau**2 * np.eye(2) + 1.0
        normal = stats.multivariate_normal([0.1, 0.1], covariance).pdf(y)
        return normal * stats.halfnorm.pdf(tau, scale=0.5)

    total = integrate.quad(density, 0, 5, epsabs=1e-13, epsrel=1e-12)[0]
    assert pooled.log_marginal_likelihood == pytest.approx(math.log(total), abs=1e-10)


def test_one_trial_returns_the_priors_of_tau():
    # With one trial and a flat mean the data say nothing about tau.
    pooled = pool_bayesian([0.4], [0.04], scale=0.5)
    assert pooled.tau == pytest.approx(stats.halfnorm.ppf(0.5, scale=0.5), rel=1e-9)
    assert pooled.tau_upper == pytest.approx(
        stats.halfnorm.ppf(0.975, scale=0.5), rel=1e-9
    )
    assert pooled.tau_mode == 0
    assert pooled.estimate == pytest.approx(0.4, abs=1e-12)
    # Var(mu) = v + E(tau^2).
    assert pooled.standard_error == pytest.approx(math.sqrt(0.04 + 0.25), rel=1e-10)
    assert math.isnan(pooled.i_squared)
    assert pooled.not_estimable["i_squared"] == "needs at least 2 trials"


@pytest.mark.parametrize("name", PRIORS)
def test_proper_priors_integrate_to_one_and_have_their_slope(name):
    prior = tau_prior(name, 0.7, 4.0 if name == "half_t" else None)
    end = min(prior.upper, math.inf)
    total = integrate.quad(
        lambda t: float(np.exp(prior.log_density(np.array(t)))), 0, end
    )[0]
    assert total == pytest.approx(1, abs=1e-8)
    at, step = np.array([0.1, 0.4, 0.65]), 1e-6
    slope = (prior.log_density(at + step) - prior.log_density(at - step)) / (2 * step)
    np.testing.assert_allclose(prior.slope(at), slope, rtol=1e-6, atol=1e-9)


def test_the_cauchy_is_the_t_with_one_degree_of_freedom():
    y, v = [0.1, 0.6, 0.3], [0.02, 0.05, 0.1]
    cauchy = pool_bayesian(y, v, prior="half_cauchy", scale=0.3)
    student = pool_bayesian(y, v, prior="half_t", df=1, scale=0.3)
    assert cauchy.estimate == student.estimate
    assert (cauchy.prior, student.prior) == ("half-Cauchy(0.3)", "half-t(0.3, 1 df)")


# --- many sets ----------------------------------------------------------------------


def test_many_sets_give_the_numbers_of_each():
    random = stream(7, "many sets")
    k = 6
    variance = 10 ** random.uniform(-3, 1, (40, k))
    effect = random.standard_normal((40, k)) * np.sqrt(variance + 0.2)
    include = random.random((40, k)) < 0.6
    include[:, 0] = True
    effect[~include] = np.nan
    for prior in ("half_normal", "half_cauchy", "exponential"):
        many = pool_bayesian_many(
            effect, variance, include=include, prior=prior, scale=0.4
        )
        for i in range(40):
            one = pool_bayesian(
                effect[i, include[i]], variance[i, include[i]], prior=prior, scale=0.4
            )
            # The panels begin elsewhere in a batch: what quadrature leaves.
            for name in ("estimate", "ci_lower", "ci_upper", "prediction_upper"):
                assert getattr(many, name)[i] == pytest.approx(
                    getattr(one, name), abs=1e-9 * (one.ci_upper - one.ci_lower)
                )
            for name in ("mean", "standard_error", "tau_mean"):
                expected = getattr(one, name)
                assert getattr(many, name)[i] == pytest.approx(
                    expected, rel=1e-8, abs=1e-9, nan_ok=True
                )
            assert many.k[i] == one.k


def test_many_sets_are_refused_with_their_place():
    with pytest.raises(DataError, match="set 2, trial 1"):
        pool_bayesian_many([[0.1, 0.2], [np.nan, 0.2]], 0.1, scale=0.5)
    with pytest.raises(DataError, match=r"set 1 .* no trials"):
        pool_bayesian_many([[0.1, 0.2]], 0.1, include=[[False, False]], scale=0.5)


# --- what is refused, what does not exist -------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a scale"),
        ({"prior": "normal", "scale": 1}, "unknown prior of tau 'normal'"),
        ({"scale": 0.0}, "scale of a prior"),
        ({"scale": math.nan}, "scale of a prior"),
        ({"scale": 1, "df": 4}, "df is not a parameter"),
        ({"prior": "half_t", "scale": 1}, "needs df of at least 1"),
        ({"prior": "half_t", "scale": 1, "df": 0.5}, "needs df of at least 1"),
        ({"scale": 1, "mean_prior": (0, 0)}, "sd above zero"),
        ({"scale": 1, "mean_prior": 3}, "pair of numbers"),
        ({"scale": 1, "level": 95}, "level must lie between 0 and 1"),
        ({"scale": 1, "interval": "hpd"}, "unknown interval 'hpd'"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(DataError, match=message):
        pool_bayesian([0.1, 0.2], [0.1, 0.2], **arguments)


@pytest.mark.parametrize(
    ("effect", "variance", "message"),
    [
        ([0.1, None], [0.1, 0.2], "row 2.*effect.*missing"),
        ([0.1, 0.2], [0.1, 0.0], "row 2.*variance.*not above zero"),
        ([0.1, 0.2], [0.1], "differ in length"),
        ([], [], "no rows"),
        ([1e60, 0.2], [0.1, 0.1], "beyond the range"),
    ],
)
def test_refused_data(effect, variance, message):
    with pytest.raises(DataError, match=message):
        pool_bayesian(effect, variance, scale=0.5)


def test_improper_posteriors_are_refused():
    with pytest.raises(NotEstimableError, match="need at least 3 trials, got 2"):
        pool_bayesian([0.1, 0.2], [0.1, 0.2], prior="uniform")
    with pytest.raises(NotEstimableError, match="need at least 2 trials, got 1"):
        pool_bayesian([0.1], [0.1], prior="uniform", mean_prior=(0, 1))
    # One more trial each, and they exist.
    pool_bayesian([0.1, 0.2, 0.4], [0.1, 0.2, 0.2], prior="uniform")
    pool_bayesian([0.1, 0.2], [0.1, 0.2], prior="uniform", mean_prior=(0, 1))


@pytest.mark.parametrize(
    ("prior", "k", "absent"),
    [
        ("half_normal", 1, set()),
        ("half_cauchy", 1, {"mean", "standard_error", "tau_mean"}),
        ("half_cauchy", 2, {"standard_error"}),
        ("half_cauchy", 3, set()),
        ("uniform", 3, {"mean", "standard_error", "tau_mean"}),
        ("uniform", 4, {"standard_error"}),
        ("uniform", 5, set()),
    ],
)
def test_moments_that_do_not_exist_have_a_reason(prior, k, absent):
    y, v = np.linspace(0.1, 0.5, k), np.linspace(0.1, 0.2, k)
    scale = None if prior == "uniform" else 0.5
    pooled = pool_bayesian(y, v, prior=prior, scale=scale)
    moments = {"mean", "standard_error", "tau_mean", "tau_standard_deviation"}
    missing = {name for name in moments if math.isnan(getattr(pooled, name))}
    if "standard_error" in absent:
        absent = absent | {"tau_standard_deviation"}
    assert missing == absent
    assert set(pooled.not_estimable) & moments == absent
    # Median and limits exist all the same.
    assert math.isfinite(pooled.estimate + pooled.ci_lower + pooled.ci_upper)


def test_prior_and_data_that_contradict_by_many_powers_are_refused():
    with pytest.raises(ConvergenceError, match="larger scale"):
        pool_bayesian([0, 1e9, -1e9], [1e-6] * 3, scale=1e-6)


def test_the_result_is_frozen():
    pooled = pool_bayesian([0.1, 0.3], [0.01, 0.02], scale=0.5)
    with pytest.raises(AttributeError):
        pooled.estimate = 1.0
    with pytest.raises(ValueError, match="read-only"):
        pooled.weights[0] = 1.0
