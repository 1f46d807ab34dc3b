"""Cochran's Q, the typical sampling variance, and the Q-profile interval of tau2.

Symbols as in `weighting`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.arranging import arranged
from trialstats.meta.inputs import check_level
from trialstats.meta.tau_squared_intervals import q_profile_limits
from trialstats.meta.trials import checked_trials
from trialstats.meta.weighting import Trials, weigh


@dataclass(frozen=True, slots=True)
class HeterogeneityTest:
    """Cochran's test that all trials share one true effect."""

    statistic: float
    df: int
    p_value: float


def several_trials(effect: ArrayLike, variance: ArrayLike) -> Trials:
    """Return the sorted trials; refuse a single one."""
    y, v = checked_trials(effect, variance)
    if len(y) < 2:
        raise NotEstimableError("heterogeneity needs at least 2 trials, got 1")
    return arranged(y[np.newaxis], v[np.newaxis])


def cochran_q(effect: ArrayLike, variance: ArrayLike) -> HeterogeneityTest:
    """Test that all trials share one true effect.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects and their sampling variances, k >= 2.

    Returns
    -------
    HeterogeneityTest
        Q, k - 1, and the upper tail of the chi-squared distribution.

    References
    ----------
    .. [1] Cochran WG (1954). The combination of estimates from different
       experiments. Biometrics 10(1), 101-129.
    """
    trials = several_trials(effect, variance)
    q, df = float(weigh(trials, np.zeros(1)).q[0]), round(float(trials.df[0]))
    return HeterogeneityTest(q, df, float(chdtrc(df, q)))


def typical_variance(effect: ArrayLike, variance: ArrayLike) -> float:
    """Return the typical sampling variance (k - 1) W / (W^2 - sum of w_i^2).

    References
    ----------
    .. [1] Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a
       meta-analysis. Statistics in Medicine 21(11), 1539-1558.
    """
    trials = several_trials(effect, variance)
    return float(trials.df[0] / weigh(trials, np.zeros(1)).trace[0])


def q_profile(
    effect: ArrayLike, variance: ArrayLike, *, level: float = 0.95
) -> tuple[float, float]:
    """Return the Q-profile interval of the between-trial variance.

    The limits solve generalised Q(tau2) = the upper and the lower chi-squared
    quantile with k - 1 df. A limit whose equation has no root is zero; when Q at zero
    is below the lower quantile both are, and the effects are more alike than sampling
    error would have them: the interval {0} is then the empty set made closed.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects and their sampling variances, k >= 2.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper limit, in squared units of the effect.

    References
    ----------
    .. [1] Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity
       in meta-analysis. Statistics in Medicine 26(1), 37-52.
    """
    check_level(level)
    lower, upper = q_profile_limits(several_trials(effect, variance), level)[:, 0]
    if math.isnan(lower) or math.isnan(upper):
        raise ConvergenceError(
            "Q-profile interval of tau-squared: no root to full precision"
        )
    return float(lower), float(upper)
