"""Cochran's Q, the typical sampling variance, and the Q-profile interval of tau2.

Symbols as in `weighting`.
"""

from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from trialstats.meta.inputs import check_level
from trialstats.meta.tau_squared import generalised_q_root, several_trials
from trialstats.meta.weighting import weigh


@dataclass(frozen=True, slots=True)
class HeterogeneityTest:
    """Cochran's test that all trials share one true effect."""

    statistic: float
    df: int
    p_value: float


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
    q, df = float(weigh(trials).q), trials.k - 1
    return HeterogeneityTest(q, df, float(chdtrc(df, q)))


def typical_variance(effect: ArrayLike, variance: ArrayLike) -> float:
    """Return the typical sampling variance (k - 1) W / (W^2 - sum of w_i^2).

    References
    ----------
    .. [1] Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a
       meta-analysis. Statistics in Medicine 21(11), 1539-1558.
    """
    trials = several_trials(effect, variance)
    return float((trials.k - 1) / weigh(trials).trace)


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
    trials = several_trials(effect, variance)
    tail = (1 - level) / 2
    lower, upper = (
        generalised_q_root(
            trials,
            float(chdtri(trials.k - 1, upper_tail)),
            what="Q-profile limit of tau-squared",
        )
        for upper_tail in (tail, 1 - tail)
    )
    return lower, upper
