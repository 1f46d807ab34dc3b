"""Rank correlation of effects with their variances (Begg, Mazumdar 1994)."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialstats.errors import NotEstimableError
from trialstats.meta.funnel import distinct_effects, trials_of, weigh
from trialstats.meta.inputs import FloatArray
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled

#: Largest number of trials with an exact distribution; its cost grows as k**4, and
#: beyond it the normal p-value differs in the fourth digit.
EXACT_UP_TO = 200


@dataclass(frozen=True, slots=True)
class RankTest:
    """A rank correlation test of funnel asymmetry. Unrounded.

    Attributes
    ----------
    tau : float
        Kendall's tau-b of the standardised effects with the variances: positive when
        less precise trials have larger effects.
    score, score_standard_error : float
        Concordant minus discordant pairs, and its standard deviation without
        correlation, allowing for ties.
    statistic : float
        Normal statistic, score over its standard error; p_value is not taken from it
        when `exact`.
    p_value : float
        Two-sided.
    exact : bool
        Whether p_value is from the exact distribution of the score.
    k : int
        Number of trials.
    test : str
        Name of the test.
    """

    tau: float
    score: float
    score_standard_error: float
    statistic: float
    p_value: float
    exact: bool
    k: int
    test: str = "Begg and Mazumdar"

    @property
    def method(self) -> str:
        """The method in words."""
        how = "exact distribution" if self.exact else "normal approximation"
        return f"rank correlation test of {self.test}; {how}"


def rank_test(
    pooled: Pooled, *, exact: bool = True, continuity: bool = False
) -> RankTest:
    """Test funnel asymmetry by a rank correlation.

    The standardised effects (y_i - m)/sqrt(v_i - 1/sum(1/v)), m the equal-effects
    mean, are correlated with the v_i. The result does not depend on how tau-squared
    was estimated.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, at least 3 trials.
    exact : bool
        Take the exact distribution of the score, which exists without ties; with
        ties, or with more than 200 trials, the normal approximation stands in and the
        result says so.
    continuity : bool
        Move the score by 1 towards zero in the normal approximation.

    Returns
    -------
    RankTest

    Raises
    ------
    NotEstimableError
        With fewer than 3 trials, or when all effects or all variances are identical.
    DataError
        When the model has moderators or given weights.

    References
    ----------
    Begg CB, Mazumdar M (1994). Operating characteristics of a rank correlation test
    for publication bias. Biometrics 50, 1088-1101.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.2, 0.4, 0.6], [0.01, 0.02, 0.03, 0.05])
    >>> test = rank_test(pooled)
    >>> round(test.tau, 4), round(test.p_value, 4), test.exact
    (1.0, 0.0833, True)
    """
    check_pooled(pooled, "rank_test")
    what = "the rank correlation test"
    trials = trials_of(pooled, what, at_least=3)
    distinct_effects(trials, what)
    fit = weigh(trials)
    # v_i - 1/sum(w) without the subtraction: v_i times the share of the other trials.
    spread = np.sqrt(trials.variance * fit.rest / fit.total)
    return kendall_test(
        fit.residual / spread, trials.variance, exact=exact, continuity=continuity
    )


def kendall_test(
    x: FloatArray,
    y: FloatArray,
    *,
    exact: bool = True,
    continuity: bool = False,
    test: str = "Begg and Mazumdar",
) -> RankTest:
    """Return Kendall's test of two columns, at least 3 pairs.

    Raises
    ------
    NotEstimableError
        When one of the columns is constant.
    """
    k = len(x)
    score = float(_score(x, y))
    ties_x, ties_y = _ties(x), _ties(y)
    pairs = k * (k - 1) / 2
    untied_x = pairs - float(np.sum(ties_x * (ties_x - 1))) / 2
    untied_y = pairs - float(np.sum(ties_y * (ties_y - 1))) / 2
    if untied_x == 0 or untied_y == 0:
        constant = "standardised effects" if untied_x == 0 else "variances"
        raise NotEstimableError(
            f"the rank correlation does not exist: all {k} {constant} are identical"
        )
    error = math.sqrt(_score_variance(k, ties_x, ties_y))
    moved = score - math.copysign(1, score) if continuity and score else score
    statistic = moved / error
    tied = untied_x < pairs or untied_y < pairs
    exact = exact and not tied and k <= EXACT_UP_TO
    p_value = _exact_p(score, k) if exact else 2 * float(ndtr(-abs(statistic)))
    return RankTest(
        tau=score / math.sqrt(untied_x * untied_y),
        score=score,
        score_standard_error=error,
        statistic=statistic,
        p_value=p_value,
        exact=exact,
        k=k,
        test=test,
    )


def _score(x: FloatArray, y: FloatArray) -> int:
    """Return the number of concordant minus discordant pairs."""
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    return sum(
        int(np.sum(np.sign(x[i + 1 :] - x[i]) * np.sign(y[i + 1 :] - y[i])))
        for i in range(len(x) - 1)
    )


def _ties(values: FloatArray) -> FloatArray:
    """Return the sizes of the groups of equal values, 1 for a value of its own."""
    return np.unique(values, return_counts=True)[1].astype(np.float64)


def _score_variance(k: int, ties_x: FloatArray, ties_y: FloatArray) -> float:
    """Return the variance of the score without correlation (Kendall, Gibbons 1990)."""

    def sums(ties: FloatArray) -> tuple[float, float, float]:
        pairs = ties * (ties - 1)
        return (
            float(np.sum(pairs * (2 * ties + 5))),
            float(np.sum(pairs * (ties - 2))),
            float(np.sum(pairs)),
        )

    (a_x, b_x, c_x), (a_y, b_y, c_y) = sums(ties_x), sums(ties_y)
    return (
        (k * (k - 1) * (2 * k + 5) - a_x - a_y) / 18
        + b_x * b_y / (9 * k * (k - 1) * (k - 2))
        + c_x * c_y / (2 * k * (k - 1))
    )


def _exact_p(score: float, k: int) -> float:
    """Return the two-sided p-value when all orders are equally likely.

    The number of concordant pairs is a sum of independent variables, uniform on
    0..n-1 for n = 2..k.
    """
    probability = np.ones(1)
    for n in range(2, k + 1):
        probability = np.convolve(probability, np.full(n, 1 / n))
    concordant = round((score + k * (k - 1) / 2) / 2)
    below = math.fsum(probability[: concordant + 1])
    above = math.fsum(probability[concordant:])
    return min(1.0, 2 * min(below, above))
