"""Confidence intervals of the between-trial variance.

Symbols as in `weighting`. Each takes one fit and returns a lower and an upper limit
in squared units of the effects, zero where the equation of a limit has no root.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtri

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.fitting import Fitted, typical_variances
from trialstats.meta.inputs import FloatArray
from trialstats.meta.likelihood import LIKELIHOODS, grid_of
from trialstats.meta.quadratic_forms import tau_squared_at_tail
from trialstats.meta.tau_squared import generalised_q_root
from trialstats.meta.weighting import Trials, Weighted, weigh
from trialstats.meta.weighting_given import GivenWeights


@dataclass(frozen=True, slots=True)
class Request:
    """What an interval is made from: one fit, its estimator, weights and level."""

    fit: Fitted
    method: str
    given: GivenWeights | None
    level: float
    standard_error: float


def q_profile_limits(
    trials: Trials, level: float, fixed: Weighted | None = None
) -> FloatArray:
    """Return Q-profile limits of n fits, (2, n): roots of Q at chi-squared quantiles.

    Lower limit: Q(tau2) = the upper quantile with k - p df; upper limit: the lower
    quantile. When Q at zero is below the lower quantile both are zero: no tau2 fits
    effects so alike, and {0} stands for the empty set [1]_.

    References
    ----------
    .. [1] Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity
       in meta-analysis. Statistics in Medicine 26(1), 37-52.
    """
    tail = (1 - level) / 2
    targets = np.array([chdtri(trials.df, tail), chdtri(trials.df, 1 - tail)])
    return generalised_q_root(trials, targets, fixed)


def _q_profile(request: Request) -> tuple[float, float]:
    fit = request.fit
    lower, upper = q_profile_limits(fit.trials, request.level, fit.fixed)[:, 0]
    if math.isnan(lower) or math.isnan(upper):
        raise ConvergenceError(
            "Q-profile interval of tau-squared: no root to full precision; use "
            "tau_squared_interval='none'"
        )
    return float(lower), float(upper)


def _generalised_q(request: Request) -> tuple[float, float]:
    if request.given is None:
        raise DataError(
            "the generalised Q interval needs weights",
            remedy="pass weights=, or use 'jackson' or 'biggerstaff_jackson'",
        )
    return _at_tails(request.given, request.level)


def _at_tails(given: GivenWeights, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    lower, upper = tau_squared_at_tail(given, np.array([tail, 1 - tail]))
    return float(lower), float(upper)


def _jackson(request: Request) -> tuple[float, float]:
    weight = 1 / np.sqrt(request.fit.trials.variance)
    return _at_tails(GivenWeights(request.fit.trials, weight), request.level)


def _biggerstaff_jackson(request: Request) -> tuple[float, float]:
    weight = 1 / request.fit.trials.variance
    return _at_tails(GivenWeights(request.fit.trials, weight), request.level)


def _profile_likelihood(request: Request) -> tuple[float, float]:
    """Return the ends of the tau2 whose likelihood is not too low [1]_.

    Where a likelihood with several maxima leaves a gap, the gap is inside.

    .. [1] Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with
       random effects. Statistics in Medicine 15(6), 619-629.
    """
    if request.method not in LIKELIHOODS:
        raise DataError(
            f"the profile likelihood interval needs tau_squared='REML' or 'ML', not "
            f"{request.method!r}",
            remedy="use tau_squared_interval='q_profile'",
        )
    trials, likelihood = request.fit.trials, LIKELIHOODS[request.method]
    estimate = float(request.fit.tau_squared[0])
    drop = float(chdtri(1, 1 - request.level)) / 2

    def excess(tau_squared: FloatArray) -> FloatArray:
        value = likelihood.value(weigh(trials, tau_squared))
        return value - likelihood.value(weigh(trials, np.array([estimate]))) + drop

    return _outermost(trials, excess, estimate)


def _outermost(
    trials: Trials, excess: Callable[[FloatArray], FloatArray], estimate: float
) -> tuple[float, float]:
    """Return the lowest and highest point where `excess` is not below zero."""
    points = np.unique(np.append(grid_of(trials)[0], estimate))
    top = points[-1] if points[-1] > 0 else float(trials.variance[0, 0])
    while float(excess(np.array([top]))[0]) >= 0:
        top *= 2
        points = np.append(points, top)
        if not math.isfinite(top):
            raise ConvergenceError(
                "profile likelihood: it does not fall far enough; use "
                "tau_squared_interval='q_profile'"
            )
    points = np.unique(np.append(points, top))
    inside = np.flatnonzero(excess(points) >= 0)
    first, last = int(inside[0]), int(inside[-1])

    def root(left: int) -> float:
        return float(
            brentq(
                lambda t: float(excess(np.array([t]))[0]),
                points[left],
                points[left + 1],
                xtol=1e-300,
                rtol=1e-14,
            )
        )

    return (0.0 if first == 0 else root(first - 1)), root(last)


def _higgins_thompson(request: Request) -> tuple[float, float]:
    """Return limits from the test-based interval of log H2 [1]_.

    .. [1] Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a
       meta-analysis. Statistics in Medicine 21(11), 1539-1558.
    """
    fit = request.fit
    if fit.trials.p > 1 or fit.trials.rows is not None:
        raise NotEstimableError(
            "the test-based interval of Higgins and Thompson is derived without "
            "moderators; use tau_squared_interval='q_profile'"
        )
    k, q = float(fit.trials.count[0]), float(fit.fixed.q[0])
    if k <= 2:
        raise NotEstimableError(
            "the test-based interval of Higgins and Thompson needs more than 2 trials"
        )
    if q > k:
        error = (math.log(q) - math.log(k - 1)) / 2
        error /= math.sqrt(2 * q) - math.sqrt(2 * k - 3)
    else:
        error = math.sqrt((1 - 1 / (3 * (k - 2) ** 2)) / (2 * (k - 2)))
    typical = float(typical_variances(fit)[0])
    ratio = float(fit.tau_squared[0]) / typical + 1
    factor = math.exp(2 * float(ndtri((1 + request.level) / 2)) * error)
    return max(0.0, (ratio / factor - 1) * typical), (ratio * factor - 1) * typical


def _wald(request: Request) -> tuple[float, float]:
    estimate = float(request.fit.tau_squared[0])
    reach = float(ndtri((1 + request.level) / 2)) * request.standard_error
    return max(0.0, estimate - reach), estimate + reach


#: Intervals of tau2 by name; "generalised_q" has the given weights, "jackson" weights
#: 1/sqrt(v_i), "biggerstaff_jackson" 1/v_i.
INTERVALS: dict[str, Callable[[Request], tuple[float, float]] | None] = {
    "q_profile": _q_profile,
    "profile_likelihood": _profile_likelihood,
    "generalised_q": _generalised_q,
    "jackson": _jackson,
    "biggerstaff_jackson": _biggerstaff_jackson,
    "higgins_thompson": _higgins_thompson,
    "wald": _wald,
    "none": None,
}


def tau_squared_limits(
    kind: str,
    fit: Fitted,
    method: str,
    given: GivenWeights | None,
    level: float,
    standard_error: float,
) -> tuple[float, float]:
    """Return an interval of tau2 of one fit, a kind of `INTERVALS`; NaN for "none"."""
    limits = INTERVALS[kind]
    if limits is None:
        return math.nan, math.nan
    return limits(Request(fit, method, given, level, standard_error))
