"""Interval of Henmi and Copas: equal-effects mean, random-effects uncertainty."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammainc

from trialstats.errors import ConvergenceError
from trialstats.meta.funnel import Trials, trials_of, weigh
from trialstats.meta.inputs import FloatArray, check_level
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled

#: The density of the normal distribution beyond this is nothing beside 1.
_BEYOND = 10.0
_PANELS, _POINTS = 40, 20


@dataclass(frozen=True, slots=True)
class HenmiCopas:
    """Estimate and interval that publication bias moves little. Unrounded.

    Attributes
    ----------
    estimate : float
        Equal-effects mean: small trials, the biased ones, weigh least.
    standard_error : float
        Its standard error under random effects.
    ci_lower, ci_upper : float
        Interval.
    quantile : float
        Half width of the interval over the standard error.
    tau_squared : float
        Estimate of DerSimonian and Laird.
    level : float
        Confidence level.
    k : int
        Number of trials.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    quantile: float
    tau_squared: float
    level: float
    k: int

    @property
    def method(self) -> str:
        """The method in words."""
        return (
            "equal-effects mean with random-effects uncertainty, DL; "
            f"{self.level * 100:g}% interval of Henmi and Copas"
        )


@dataclass(frozen=True, slots=True)
class _Moments:
    """Conditional moments of Q given the standardised mean r; w1..w4 as in the docs."""

    k: int
    tau_squared: float
    w1: float
    w2: float
    w3: float
    w4: float

    @property
    def spread(self) -> float:
        """Variance of r."""
        return 1 + self.tau_squared * self.w2

    def mean(self, r_squared: FloatArray) -> FloatArray:
        t, s = self.tau_squared, self.spread
        bend = self.w3 - self.w2**2
        return (
            (self.k - 1)
            + t * (self.w1 - self.w2)
            + t**2 * (r_squared / s**2 - 1 / s) * bend
        )

    def variance(self, r_squared: FloatArray) -> FloatArray:
        t, s = self.tau_squared, self.spread
        bend = self.w3 - self.w2**2
        excess = r_squared / s**2 - 1 / s
        return (
            2 * (self.k - 1)
            + 4 * t * (self.w1 - self.w2)
            + 2 * t**2 * (self.w1 * self.w2 - 2 * self.w3 + self.w2**2)
            + 4 * t**2 * excess * bend
            + 4 * t**3 * excess * (self.w4 - 2 * self.w2 * self.w3 + self.w2**3)
            + 2 * t**4 * (1 / s**2 - 2 * r_squared / s**3) * bend**2
        )


def henmi_copas(pooled: Pooled, *, level: float | None = None) -> HenmiCopas:
    """Return the equal-effects mean with an interval that allows for heterogeneity.

    Random-effects weights give small trials, in which publication bias is largest, much
    weight; equal-effects weights do not. The interval takes the joint distribution of
    the mean and of tau-squared into account.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, at least 2 trials; its estimator of
        tau-squared is not used.
    level : float, optional
        Confidence level, by default that of `pooled`.

    Returns
    -------
    HenmiCopas

    Raises
    ------
    NotEstimableError
        With fewer than 2 trials.
    ConvergenceError
        When the approximation to the distribution of Q breaks down.
    DataError
        For moderators or given weights.

    References
    ----------
    Henmi M, Copas JB (2010). Confidence intervals for random effects meta-analysis and
    robustness to publication bias. Stat Med 29, 2969-2983.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> result = henmi_copas(pool([0.1, 0.5, 0.6, 0.9], [0.01, 0.03, 0.04, 0.1]))
    >>> round(result.estimate, 4), round(result.ci_lower, 4), round(result.ci_upper, 4)
    (0.301, -0.3206, 0.9226)
    """
    check_pooled(pooled, "henmi_copas")
    level = pooled.level if level is None else level
    check_level(level)
    trials = trials_of(pooled, "the interval of Henmi and Copas", at_least=2)
    fit = weigh(trials)
    moments = _moments(trials)
    quantile = _quantile(moments, level)
    estimate = trials.origin + fit.mean
    error = math.sqrt(moments.spread / moments.w1)
    half = quantile * math.sqrt(moments.spread)
    return HenmiCopas(
        estimate=estimate,
        standard_error=error,
        ci_lower=estimate - half * error,
        ci_upper=estimate + half * error,
        quantile=half,
        tau_squared=moments.tau_squared,
        level=level,
        k=trials.k,
    )


def _moments(trials: Trials) -> _Moments:
    fit = weigh(trials)
    w1 = fit.total
    w2, w3, w4 = (math.fsum(fit.weight**power) / w1 for power in (2, 3, 4))
    q = math.fsum(fit.weight * fit.residual**2)
    trace = math.fsum(fit.weight * fit.rest) / w1
    between = (q - (trials.k - 1)) / trace
    return _Moments(trials.k, max(0.0, between), w1, w2, w3, w4)


def _quantile(moments: _Moments, level: float) -> float:
    """Return the point beyond which the tail of the pivot is (1 - level)/2."""
    tail = (1 - level) / 2

    def excess(x: float) -> float:
        return _tail(x, moments) - tail

    high = 1.0
    while excess(high) > 0:
        high *= 2
        if high > 1e6:
            raise ConvergenceError("the interval of Henmi and Copas has no end")
    return float(brentq(excess, 1e-8, high, xtol=1e-14, rtol=1e-13))


def _tail(x: float, moments: _Moments) -> float:
    """Return the probability that the pivot exceeds x.

    Q given r is approximated by a gamma distribution; r is standard normal.
    """
    node, weight = np.polynomial.legendre.leggauss(_POINTS)
    width = _BEYOND / _PANELS
    start = x + width * np.arange(_PANELS)[:, np.newaxis]
    r = start + width * (node + 1) / 2
    r_squared = moments.spread * r**2
    mean, variance = moments.mean(r_squared), moments.variance(r_squared)
    limit = (moments.w1 / moments.w2 - 1) * ((r / x) ** 2 - 1) + (moments.k - 1)
    density = np.exp(-(r**2) / 2) / math.sqrt(2 * math.pi)
    if np.any((mean <= 0) | (variance <= 0)):
        raise ConvergenceError(
            "the interval of Henmi and Copas breaks down: the variance of Q is not "
            "positive for a mean far from zero; use the Hartung-Knapp interval"
        )
    below = gammainc(mean**2 / variance, np.maximum(limit, 0) * mean / variance)
    return float(np.sum(below * density * weight) * width / 2)
