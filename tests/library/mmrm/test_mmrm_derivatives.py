"""Derivatives of the covariance structures and of the likelihood, by differences."""

import numpy as np
import pytest
from dense_likelihood import gradient, n_parameters, sigma_of
from test_mmrm_properties import FORMULA, trial, visit_of

from trialstats.mmrm import STRUCTURES, fit_mmrm
from trialstats.randomness import stream

SPATIAL = [name for name in STRUCTURES if name.startswith("spatial")]


def point(covariance, t, random):
    """Return natural parameters well inside their space."""
    if covariance.startswith("spatial"):
        return np.array([random.uniform(0.5, 2), random.uniform(1, 3)])
    if covariance == "unstructured":
        loading = random.standard_normal((t, t)) / 3 + np.eye(t)
        return (loading @ loading.T)[np.tril_indices(t)]
    n_variances = t if covariance.endswith("_heterogeneous") else 1
    k = n_parameters(covariance, t)
    inner = 0.6 ** np.arange(1, k - n_variances + 1)
    if covariance in ("antedependence", "antedependence_heterogeneous"):
        inner = random.uniform(-0.8, 0.8, k - n_variances)
    variances = random.uniform(0.5, 2, n_variances)
    if covariance in ("toeplitz", "compound_symmetry"):
        inner = inner * variances
    return np.concatenate([variances, inner])


def distances(t, random):
    times = np.cumsum(random.uniform(0.3, 1.5, t))
    return times, np.abs(np.subtract.outer(times, times))


@pytest.mark.parametrize("t", [2, 3, 5])
@pytest.mark.parametrize("covariance", list(STRUCTURES))
class TestStructures:
    def test_matrix(self, covariance, t):
        # The formulas of dense_likelihood are written element by element.
        random = stream(20260306, covariance, str(t))
        times, distance = distances(t, random)
        theta = point(covariance, t, random)
        sigma = STRUCTURES[covariance].matrix(theta, distance)
        np.testing.assert_allclose(
            sigma, sigma_of(covariance, theta, times), rtol=1e-13
        )
        visits = tuple(f"V{j}" for j in range(t))
        assert len(STRUCTURES[covariance].names(visits)) == n_parameters(covariance, t)

    def test_first_and_second_derivatives(self, covariance, t):
        random = stream(20260306, covariance, str(t))
        _, distance = distances(t, random)
        structure, theta = STRUCTURES[covariance], point(covariance, t, random)
        # Differences of fourth order at a step of 1e-3: errors of 1e-11.
        first = gradient(lambda at: structure.matrix(at, distance), theta, 1e-3)
        np.testing.assert_allclose(
            structure.first(theta, distance), first, rtol=1e-8, atol=1e-9
        )
        second = gradient(lambda at: structure.first(at, distance), theta, 1e-3)
        np.testing.assert_allclose(
            structure.second(theta, distance), second, rtol=1e-8, atol=1e-9
        )

    def test_start_values_are_near(self, covariance, t):
        # From the exact covariance, the start is the exact parameter, but for ranges,
        # which start at the middle of the distances.
        random = stream(20260306, covariance, str(t))
        times, distance = distances(t, random)
        theta = point(covariance, t, random)
        start = STRUCTURES[covariance].start(
            sigma_of(covariance, theta, times), distance
        )
        n_exact = 1 if covariance.startswith("spatial") else len(theta)
        np.testing.assert_allclose(start[:n_exact], theta[:n_exact], rtol=1e-12)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("options", [{}, {"group": "ARM", "weights": "W"}], ids=str)
@pytest.mark.parametrize("covariance", list(STRUCTURES))
def test_gradient_and_observed_information(covariance, options, method):
    """The exact derivatives, away from the maximum, are those of the objective."""
    fit = fit_mmrm(
        FORMULA,
        trial(60, 4),
        subject="SUBJECT",
        visit=visit_of(covariance),
        covariance=covariance,
        method=method,
        df="residual",
        **options,
    )
    likelihood = fit.likelihood
    random = stream(20260306, "likelihood", covariance, method, str(options))
    theta = fit.theta * random.uniform(0.96, 1.04, len(fit.theta))
    found = likelihood.curvature(likelihood.solve(theta))
    slope = gradient(lambda at: likelihood.solve(at).objective, theta, 1e-4)
    # Objective of order 100 with sixteen digits over a step of 1e-4: 1e-9 is seen.
    np.testing.assert_allclose(
        found.gradient, slope, rtol=1e-6, atol=1e-7 * np.abs(slope).max()
    )
    bend = gradient(
        lambda at: likelihood.curvature(likelihood.solve(at)).gradient, theta, 1e-4
    )
    np.testing.assert_allclose(
        found.observed, bend, rtol=1e-6, atol=1e-8 * np.abs(bend).max()
    )


@pytest.mark.parametrize(
    "covariance",
    [
        "unstructured",
        pytest.param("toeplitz_heterogeneous", marks=pytest.mark.validation),
    ],
)
def test_expected_information_is_the_mean_of_the_observed(covariance):
    # Over responses drawn from the model at its own parameters. The standard error of
    # the mean comes from the draws; five of them in the largest of all elements. REML:
    # its expectation is that of error contrasts, whereas the observed information of
    # ML has the coefficients profiled out, its expected one has not.
    data = trial(20, 3).dropna().reset_index(drop=True)
    arguments = {
        "subject": "SUBJECT",
        "visit": "VISIT",
        "covariance": covariance,
        "df": "residual",
    }
    fit = fit_mmrm(FORMULA, data, **arguments)
    draws = fit.simulate(150, stream(20260306, "expected", covariance))
    observed = []
    for values in draws:
        other = fit_mmrm(FORMULA, data.assign(Y=values), **arguments).likelihood
        observed.append(other.curvature(other.solve(fit.theta)).observed)
    curvature = fit.likelihood.curvature(fit.likelihood.solve(fit.theta))
    mean, spread = np.mean(observed, axis=0), np.std(observed, axis=0)
    deviation = (mean - curvature.expected) / (spread / np.sqrt(len(draws)) + 1e-12)
    assert np.abs(deviation[spread > 1e-9]).max() < 5
