"""The likelihoods of one-stage models beside brute force.

Exact integer arithmetic and scipy's Fisher distribution for the non-central
hypergeometric; adaptive Gauss-Kronrod integration for the marginal likelihoods, which
shares nothing with Gauss-Hermite quadrature; differences of those integrals for the
derivatives.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, gammaln, logsumexp
from scipy.stats import binom, nchypergeom_fisher, poisson

from trialstats.meta.hypergeometric import Margins, conditional_estimates
from trialstats.meta.one_stage_likelihoods import Binomial, Hypergeometric, Poisson
from trialstats.meta.one_stage_quadrature import Integrand, rule_of


def margins(n1: float, n2: float, events: float) -> Margins:
    return Margins(*(np.array([float(v)]) for v in (n1, n2, events)))


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 80),
    st.integers(1, 9),
    st.integers(1, 9),
)
@settings(max_examples=30, deadline=None)
def test_cumulants_are_those_of_exact_arithmetic(
    n1: int, n2: int, events: int, upper: int, lower: int
) -> None:
    """Odds ratio upper/lower: every probability is a fraction, summed without error."""
    events = min(events, n1 + n2)
    support = range(max(0, events - n2), min(n1, events) + 1)
    weight = [
        math.comb(n1, x) * math.comb(n2, events - x) * Fraction(upper, lower) ** x
        for x in support
    ]
    total = sum(weight)
    mean = sum(w * x for w, x in zip(weight, support, strict=True)) / total
    powers = [
        sum(w * (x - mean) ** r for w, x in zip(weight, support, strict=True)) / total
        for r in (2, 3)
    ]
    t = np.array([[math.log(upper / lower)]])
    found = margins(n1, n2, events).cumulants(t)
    # 1e-11: the logarithm of the gamma function is good to some 1e-13 here.
    assert found.function[0, 0] == pytest.approx(math.log(total), rel=1e-11, abs=1e-11)
    assert found.mean[0, 0] == pytest.approx(float(mean), rel=1e-11, abs=1e-11)
    assert found.variance[0, 0] == pytest.approx(float(powers[0]), rel=1e-10, abs=1e-11)
    assert found.third[0, 0] == pytest.approx(float(powers[1]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("n1", "n2", "events"),
    [(100_000, 90_000, 60_000), (100_000, 300, 250), (5_000, 100_000, 40_000)],
)
@pytest.mark.parametrize("t", [-30.0, -2.0, -0.01, 0.0, 1.3, 8.0, 40.0])
def test_long_supports_are_summed_near_the_mode_alone(
    n1: int, n2: int, events: int, t: float
) -> None:
    """The whole support in one sum; gammaln of 1e5 is good to 1e-10."""
    x = np.arange(max(0, events - n2), min(n1, events) + 1, dtype=float)
    parts = -sum(gammaln(c + 1) for c in (x, n1 - x, events - x, n2 - events + x))
    parts += x * t
    total = logsumexp(parts)
    share = np.exp(parts - total)
    mean = float((share * x).sum())
    found = margins(n1, n2, events).cumulants(np.array([[t]]))
    constant = gammaln(n1 + 1) + gammaln(n2 + 1)
    assert found.function[0, 0] == pytest.approx(total + constant, rel=1e-12)
    assert found.mean[0, 0] == pytest.approx(mean, rel=1e-9)
    variance = float((share * (x - mean) ** 2).sum())
    assert found.variance[0, 0] == pytest.approx(variance, rel=1e-7, abs=1e-9)


def test_supports_of_millions_keep_no_weights() -> None:
    """At an odds ratio of 1 mean, variance and total have closed forms.

    gammaln of 1e9 is good to some 1e-6, and so is the sum of logarithms.
    """
    n1, n2, m = 1.2e9, 0.8e9, 3e8
    table = margins(n1, n2, m)
    assert table._weight.size == 0
    found = table.cumulants(np.array([[0.0]]))
    n = n1 + n2
    total = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    assert found.function[0, 0] == pytest.approx(total, rel=1e-12)
    assert found.mean[0, 0] == pytest.approx(m * n1 / n, rel=1e-8)
    variance = m * n1 * n2 * (n - m) / (n**2 * (n - 1))
    assert found.variance[0, 0] == pytest.approx(variance, rel=1e-5)


def test_probabilities_are_those_of_fishers_distribution() -> None:
    x = np.arange(3.0, 11.0)
    likelihood = Hypergeometric(
        x[:, None], Margins(*(np.full(8, v) for v in (12.0, 9.0, 12.0)))
    )
    found = likelihood.at(np.full((8, 1), math.log(2.5))).value[:, 0]
    expected = nchypergeom_fisher(21, 12, 12, 2.5).logpmf(x)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_conditional_estimate_solves_mean_equals_count() -> None:
    table = Margins(*(np.array(v, float) for v in ([9, 40, 5], [8, 60, 6], [7, 12, 3])))
    estimate, information, there = conditional_estimates(table, np.array([5.0, 9, 0]))
    assert there.tolist() == [True, True, False]
    assert estimate[2] == -np.inf
    assert information[2] == 0
    for i, x in ((0, 5), (1, 9)):
        odds = math.exp(estimate[i])
        n1, n2, m = (int(v[i]) for v in (table.n1, table.n2, table.events))
        law = nchypergeom_fisher(n1 + n2, n1, m, odds)
        assert law.mean() == pytest.approx(x, rel=1e-8)
        assert information[i] == pytest.approx(law.var(), rel=1e-6)


#: Counts of single arms: inner ones and the ends, where the integrand is least normal.
ARMS = [(0.0, 12.0), (12.0, 12.0), (3.0, 40.0), (1.0, 1.0), (250.0, 900.0)]


def density(b: float) -> float:
    return math.exp(-0.5 * b * b) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("sigma", [0.3, 0.6, 2.5])
@pytest.mark.parametrize("centre", [-2.5, 0.4])
def test_marginal_likelihoods_of_one_effect(sigma: float, centre: float) -> None:
    """Beside adaptive integration, to 1e-8 with the points that a fit would take.

    The density of the hypergeometric is ours, which the tests above hold against exact
    arithmetic.
    """
    x, n = (np.array(v)[:, None] for v in zip(*ARMS, strict=True))
    table = Margins(n[:, 0], np.full(5, 30.0), x[:, 0] + 4.0)
    laws = {
        "binomial": (
            Binomial(x, n),
            lambda i, p: binom.pmf(x[i, 0], n[i, 0], expit(p)),
        ),
        "poisson": (
            Poisson(x, np.ones_like(x, bool)),
            lambda i, p: poisson.pmf(x[i, 0], n[i, 0] * math.exp(p)),
        ),
        "hypergeometric": (
            Hypergeometric(x, table),
            lambda i, p: math.exp(
                Hypergeometric(x[[i]], margins(n[i, 0], 30, x[i, 0] + 4))
                .at(np.array([[p]]))
                .value[0, 0]
            ),
        ),
    }
    for name, (likelihood, law) in laws.items():
        offset = np.log(n) if name == "poisson" else 0.0
        found = Integrand(likelihood, np.ones((1, 1, 1))).integrate(
            np.full((5, 1), centre) + offset,
            np.array([sigma]),
            rule_of(121, 1),
            np.zeros((5, 1)),
        )
        for i in range(5):
            mode = float(found.mode[i, 0])
            expected = quad(
                lambda b, i=i, law=law: law(i, centre + sigma * b) * density(b),
                -14.0,
                14.0,
                points=[mode, mode - 1, mode + 1],
                epsabs=0,
                epsrel=1e-11,
                limit=400,
            )[0]
            assert found.value[i] == pytest.approx(
                math.log(expected), rel=1e-8, abs=1e-8
            ), name


def two_arms() -> Integrand:
    likelihood = Binomial(np.array([[2.0, 5.0]]), np.array([[40.0, 45.0]]))
    loadings = np.zeros((2, 2, 3))
    loadings[:, 0, 0] = 1
    loadings[:, 0, 1] = loadings[:, 1, 2] = (0.5, -0.5)
    return Integrand(likelihood, loadings)


def test_the_marginal_likelihood_of_two_correlated_effects() -> None:
    fixed, theta = np.array([[-2.8, -2.1]]), np.array([0.9, 0.3, 0.7])

    # The trapezoidal rule converges faster than any power on the whole plane.
    grid = np.linspace(-9, 9, 901)
    b1, b2 = np.meshgrid(grid, grid)
    u, v = theta[0] * b1, theta[1] * b1 + theta[2] * b2
    p, q = expit(fixed[0, 0] + u + v / 2), expit(fixed[0, 1] + u - v / 2)
    height = binom.pmf(2, 40, p) * binom.pmf(5, 45, q)
    height *= np.exp(-0.5 * (b1**2 + b2**2)) / (2 * math.pi)
    expected = float(height.sum()) * (grid[1] - grid[0]) ** 2
    found = two_arms().integrate(fixed, theta, rule_of(41, 2), np.zeros((1, 2)))
    assert found.value[0] == pytest.approx(math.log(expected), abs=1e-8)


@pytest.mark.parametrize("points", [1, 3, 7, 41])
def test_derivatives_are_those_of_the_approximation(points: int) -> None:
    """Of Laplace's approximation as of a fine rule; central differences, h = 1e-4."""
    integrand = two_arms()
    at = np.array([-2.8, -2.1, 0.9, 0.3, 0.7])

    def value(phi: np.ndarray) -> float:
        found = integrand.integrate(
            phi[None, :2], phi[2:], rule_of(points, 2), np.zeros((1, 2))
        )
        return float(found.value[0])

    found = integrand.integrate(
        at[None, :2], at[2:], rule_of(points, 2), np.zeros((1, 2))
    )
    h = 1e-4
    for j in range(5):
        step = np.zeros(5)
        step[j] = h
        slope = (value(at + step) - value(at - step)) / (2 * h)
        assert found.gradient[0, j] == pytest.approx(slope, rel=1e-6, abs=1e-7)
        if points < 41:
            continue
        for i in range(5):
            other = np.zeros(5)
            other[i] = h
            bend = (
                value(at + step + other)
                - value(at + step - other)
                - value(at - step + other)
                + value(at - step - other)
            ) / (4 * h * h)
            assert found.hessian[0, i, j] == pytest.approx(bend, rel=1e-4, abs=1e-5)


def test_one_point_is_laplaces_approximation() -> None:
    """ln of the integrand at its mode minus half of ln of its curvature, by hand."""
    x, n, centre, sigma = 3.0, 40.0, -2.0, 0.8
    grid = np.linspace(-3, 3, 600_001)
    p = expit(centre + sigma * grid)
    height = binom.logpmf(x, n, p) - 0.5 * grid**2
    top = int(height.argmax())
    curvature = 1 + sigma**2 * n * p[top] * (1 - p[top])
    found = Integrand(
        Binomial(np.array([[x]]), np.array([[n]])), np.ones((1, 1, 1))
    ).integrate(
        np.array([[centre]]), np.array([sigma]), rule_of(1, 1), np.zeros((1, 1))
    )
    expected = height[top] - 0.5 * math.log(curvature)
    assert found.value[0] == pytest.approx(expected, abs=1e-6)
