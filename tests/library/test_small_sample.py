"""Rules of degrees of freedom by themselves; with models, see mmrm and lmm."""

import numpy as np
import pytest
from scipy import stats

from trialstats.errors import NotEstimableError
from trialstats.small_sample import (
    GivenDegrees,
    KenwardRoger,
    Satterthwaite,
    fai_cornelius,
    independent,
)


class Fixed:
    """A rule whose single degrees of freedom are given."""

    def __init__(self, covariance, degrees):
        self.covariance, self.degrees = covariance, np.asarray(degrees)

    def degrees_of_freedom(self, contrasts):
        return self.degrees[: len(contrasts)]


def one_variance(n, p):
    """Return what least squares gives: Phi = sigma^2 I, W = 2 sigma^4 / (n - p)."""
    sigma_squared = 2.5
    return {
        "precision_derivatives": -np.eye(p)[None] / sigma_squared**2,
        "parameter_covariance": np.array([[2 * sigma_squared**2 / (n - p)]]),
    }, sigma_squared * np.eye(p)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_least_squares_has_n_minus_p_under_both_rules(size):
    """The one case in which both approximations are exact."""
    n, p = 19, 4
    pieces, phi = one_variance(n, p)
    contrasts = np.eye(p)[:size]
    values = np.array([1.0, -0.5, 2.0])[:size]
    expected = float(values @ values / 2.5 / size)
    satterthwaite = Satterthwaite(phi, **pieces)
    # Q is Phi^-1 / sigma^4, and the adjustment cancels: P Phi P = Q.
    curvature = pieces["parameter_covariance"][0, 0] * np.eye(p) / 2.5**3
    kenward_roger = KenwardRoger(phi, curvature=curvature, **pieces)
    assert kenward_roger.covariance == pytest.approx(phi)
    for rule in (satterthwaite, kenward_roger):
        assert rule.degrees_of_freedom(contrasts) == pytest.approx([n - p] * size)
        test = rule.joint_test(contrasts, values)
        assert test.df == pytest.approx(n - p)
        assert test.numerator_df == size
        assert test.statistic == pytest.approx(expected)
        assert test.p_value == pytest.approx(stats.f.sf(expected, size, n - p))


def test_contrasts_that_repeat_others_count_once():
    pieces, phi = one_variance(19, 4)
    contrasts = np.vstack([np.eye(4)[:2], np.eye(4)[:2].sum(axis=0)])
    values = np.array([1.0, -0.5, 0.5])
    alone = Satterthwaite(phi, **pieces).joint_test(contrasts[:2], values[:2])
    with_sum = Satterthwaite(phi, **pieces).joint_test(contrasts, values)
    assert with_sum.numerator_df == 2
    assert with_sum.statistic == pytest.approx(alone.statistic)


def test_nothing_to_test_is_said():
    with pytest.raises(NotEstimableError, match="no variance"):
        independent(np.zeros((2, 3)), np.eye(3))


def test_a_given_contrast_takes_the_smallest_df_that_it_involves():
    rule = GivenDegrees(np.eye(3), np.array([50.0, 12.0, 30.0]))
    contrasts = np.array([[1.0, 0, 0], [1, 0, -1], [1, 1, 1]])
    assert rule.degrees_of_freedom(contrasts).tolist() == [50, 30, 12]
    assert rule.joint_test(contrasts, contrasts @ [1.0, 2, 3]).df == 12


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        ([8.0, 8.0], 8.0),
        # E = 10/8 + 20/18, nu = 2 E / (E - 2), by hand.
        ([10.0, 20.0], 2 * (85 / 36) / (85 / 36 - 2)),
        ([1.5, 20.0], 2.0),
        # Where one is infinite, nu / (nu - 2) is one.
        ([10.0, np.inf], 2 * 2.25 / 0.25),
        ([np.inf, np.inf], np.inf),
    ],
)
def test_denominator_of_independent_contrasts(degrees, expected):
    rule = Fixed(np.diag([2.0, 1.0]), degrees)
    found = fai_cornelius(rule, np.eye(2), np.array([1.0, 1.0]))
    assert found.df == pytest.approx(expected)
    assert 0 < found.p_value < 1
