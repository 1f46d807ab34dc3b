"""The prediction interval of Nagashima, Noma and Furukawa, without its bootstrap.

Symbols as in `weighting`. Given tau2, a new effect is m(tau2) + tau Z - T s(tau2): Z
normal, T Student with k - 1 degrees of freedom, s Knapp and Hartung's error. tau2
itself has the confidence distribution P(Q > q | tau2) of Cochran's Q, with the
probability at zero that it has there. The published method draws from the three; here
the mixture is integrated, which is what more and more draws tend to.

References
----------
- Nagashima K, Noma H, Furukawa TA (2019). Prediction intervals for random-effects
  meta-analysis: a confidence distribution approach. Statistical Methods in Medical
  Research 28(6), 1689-1702.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.quadratic_forms import upper_tail_of
from trialstats.meta.weighting import Trials, WeightedMean, weigh
from trialstats.meta.weighting_given import GivenWeights

#: Points of the integrals over tau2 and over the variance of Student's t, and the tail
#: of the confidence distribution that is put on its last point.
_POINTS, _SCALES, _TAIL = 160, 64, 1e-7


def prediction_limits_by_confidence(
    trials: Trials, level: float
) -> tuple[float, float]:
    """Return prediction limits of one set of trials without moderators."""
    tau_squared, share = _confidence_distribution(trials)
    weighted = weigh(trials, tau_squared)
    assert isinstance(weighted, WeightedMean)  # noqa: S101
    df = float(trials.df[0])
    centre = float(trials.origin[0, 0]) + weighted.mean
    error = weighted.q / df / weighted.total
    # T = Z sqrt(df / chi-squared): a normal whose variance is averaged.
    nodes, weights = _nodes(_SCALES)
    inflation = df / chdtri(df, nodes)
    spread = np.sqrt(tau_squared[:, np.newaxis] + error[:, np.newaxis] * inflation)
    mixture = share[:, np.newaxis] * weights

    def below(x: float) -> float:
        return float((mixture * ndtr((x - centre[:, np.newaxis]) / spread)).sum())

    middle = float((share * centre).sum())
    return (
        _quantile(below, (1 - level) / 2, middle, float(spread.min())),
        _quantile(below, (1 + level) / 2, middle, float(spread.min())),
    )


def _nodes(n: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights on (0, 1), dense at its ends where quantiles run off."""
    x, weights = np.polynomial.legendre.leggauss(n)
    p = (x + 1) / 2
    return p**3 * (10 - 15 * p + 6 * p**2), weights * 15 * p**2 * (1 - p) ** 2


def _quantile(
    below: Callable[[float], float], target: float, start: float, step: float
) -> float:
    """Return where the distribution reaches `target`, searched in steps from `start`.

    A step below the spacing of floats at the start would stand still.
    """
    unit = max(step, 4 * float(np.spacing(abs(start))))

    def above(u: float) -> float:
        return below(start + u * unit) - target

    low, high = -1.0, 1.0
    while above(low) > 0:
        low *= 3
    while above(high) < 0:
        high *= 3
    found = brentq(above, low, high, xtol=1e-13, rtol=1e-12, maxiter=2000)
    return start + float(found) * unit


def _confidence_distribution(trials: Trials) -> tuple[FloatArray, FloatArray]:
    """Return points of tau2 and their probabilities; the first is zero."""
    given = GivenWeights(trials, 1 / trials.variance)
    q = float(given.q[0])
    if q <= 0:
        raise NotEstimableError(
            "the confidence distribution of tau-squared gives no interval: the effects "
            "are identical"
        )
    at_zero = upper_tail_of(given, q, 0.0)
    scale = q / float(given.trace[0])
    top = scale
    while upper_tail_of(given, q, top) < 1 - _TAIL:
        top *= 4
        if not math.isfinite(top):
            raise ConvergenceError(
                "the confidence distribution of tau-squared does not end; use "
                "prediction='t'"
            )
    # Known at points that are even in the logarithm, then looked up by probability.
    known = scale * np.geomspace(1e-6, top / scale, 120)
    tail = np.array([upper_tail_of(given, q, float(t)) for t in known])
    tail = np.clip(tail, 1e-300, 1 - 1e-16)
    odds = np.log(tail) - np.log1p(-tail)
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(odds)) > 0])
    inverse = PchipInterpolator(odds[keep], np.log(known[keep]))
    nodes, weights = _nodes(_POINTS)
    probability = at_zero + (1 - at_zero) * nodes
    wanted = np.log(probability) - np.log1p(-probability)
    inside = np.clip(wanted, odds[keep][0], odds[keep][-1])
    points = np.exp(inverse(inside))
    return (
        np.concatenate([[0.0], points]),
        np.concatenate([[at_zero], (1 - at_zero) * weights]),
    )
