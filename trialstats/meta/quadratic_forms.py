"""The distribution of a weighted sum of squared normals, and what follows for tau2.

Q = sum of l_j Z_j^2 with l_j > 0 and independent standard normal Z_j. Its Laplace
transform is the product of (1 + 2 l_j s)^-1/2, and

    P(Q <= q) = 1/(2 pi i) * integral of exp(q s + log transform(s) - log s) ds

along any path that passes the origin on the right. Through the saddle point the
integrand falls off like a normal density, so that a sum over equidistant points
converges geometrically [1]_.

References
----------
.. [1] Helstrom CW (1996). Calculating the distribution of quadratic forms. IEEE
   Transactions on Aerospace and Electronic Systems 32(1), 229-235.
"""

import math

import numpy as np
from scipy.optimize import brentq

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.weighting_given import GivenWeights

#: Step of the sum as a share of the width of the saddle, points a block, and the
#: share of the largest term below which terms are left out.
_STEP, _BLOCK, _NEGLIGIBLE = 1 / 8, 64, 1e-18


def tail_probabilities(q: float, coefficients: FloatArray) -> tuple[float, float]:
    """Return P(Q <= q) and P(Q > q) of a weighted sum of squared normals.

    Parameters
    ----------
    q : float
        Above zero.
    coefficients : ndarray of shape (j,)
        l_j, above zero.

    Returns
    -------
    tuple of float
        Both within about 1e-14 of their values.
    """
    if q > float(coefficients.max()) * (2800 + 1.4 * len(coefficients)):
        # Chernoff's bound of the tail is below the smallest number there is.
        return 1.0, 0.0
    twice = 2 * coefficients / q
    # The path passes the pole at the origin on the side of the smaller tail.
    upper = float(twice.sum()) < 2
    saddle = _saddle(twice, left=upper)
    ratio = twice / (1 + twice * saddle)
    second = float((ratio**2).sum()) / 2 + saddle**-2
    third = -float((ratio**3).sum()) - 2 * saddle**-3
    # A path that bends to the left keeps sums of few terms short.
    bend = min(max(-third / (6 * second), 0.02 * second), 0.5 * second)
    height = saddle - float(np.log1p(twice * saddle).sum()) / 2 - math.log(abs(saddle))
    step = _STEP / math.sqrt(second)
    total, first = 0.0, 0
    while True:
        y = step * np.arange(first, first + _BLOCK)
        s = saddle - bend * y**2 + 1j * y
        exponent = s - np.log1p(np.multiply.outer(s, twice)).sum(axis=1) / 2
        term = np.exp(exponent - height) * (1 + 2j * bend * y) / s
        values = term.real * np.where(y == 0, 0.5, 1.0)
        total += float(values.sum())
        first += _BLOCK
        if float(np.abs(term[-8:]).max()) < _NEGLIGIBLE * abs(total) or first > 10**6:
            break
    tail = min(1.0, max(0.0, math.exp(height) * abs(total) * step / math.pi))
    return (1 - tail, tail) if upper else (tail, 1 - tail)


def _saddle(twice: FloatArray, *, left: bool) -> float:
    """Return s where 1 - sum of l/(1 + 2 l s) - 1/s is zero, for q = 1.

    One root is above zero; one lies between -1/(2 l) of the largest l and zero.
    """

    def slope(s: float) -> float:
        return 1 - float((twice / (1 + twice * s)).sum()) / 2 - 1 / s

    if not left:
        # The sum lies between 0 and j/(2s): the root between 1 and 1 + j/2.
        return float(brentq(slope, 1 - 1e-12, 1 + len(twice), xtol=1e-10))
    edge = -1 / float(twice.max())
    # Twice 1/s is below minus one there, and near the edge the sum is without bound.
    lower, higher = edge * (1 - 1e-9), edge
    while slope(lower) > 0:
        lower = edge + (lower - edge) / 8
    while slope(higher / 2) < 0:
        higher /= 2
    return float(brentq(slope, lower, higher / 2, xtol=1e-12 * abs(edge)))


def upper_tail_of(given: GivenWeights, q: float, tau_squared: float) -> float:
    """Return the probability that Q with given weights is above q at a tau2."""
    root = np.sqrt(given.trials.variance[:, 0] + tau_squared)
    matrix = given.projection * root * root[:, np.newaxis]
    values = np.linalg.eigvalsh(matrix)[given.trials.p :]
    largest = values[-1]
    return tail_probabilities(q, values[values > 1e-15 * largest])[1]


def tau_squared_at_tail(given: GivenWeights, tails: FloatArray) -> FloatArray:
    """Return the tau2 >= 0 where P(Q > q) reaches `tails`, zero where it is beyond.

    q is the observed value of Q with the given weights; the probability that Q is
    above it grows with tau2 [1]_.

    References
    ----------
    .. [1] Jackson D (2013). Confidence intervals for the between-study variance in
       random effects meta-analysis using generalised Cochran heterogeneity
       statistics. Research Synthesis Methods 4(3), 220-229.
    """
    q = float(given.q[0])
    result = np.zeros(len(tails))
    if q <= 0:
        return result
    at_zero = upper_tail_of(given, q, 0.0)
    for i, tail in enumerate(tails):
        if at_zero >= tail:
            continue
        upper = q / float(given.trace[0])
        while upper_tail_of(given, q, upper) < tail:
            upper *= 4
            if not math.isfinite(upper):
                raise ConvergenceError(
                    f"generalised Q: its tail does not reach {tail:g} for any "
                    "tau-squared; use the Q-profile interval"
                )
        result[i] = brentq(
            lambda t, tail=tail: upper_tail_of(given, q, t) - tail,
            0.0,
            upper,
            xtol=1e-300,
            rtol=1e-14,
        )
    return result
