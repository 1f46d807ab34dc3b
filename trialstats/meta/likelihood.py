"""Likelihoods of tau2 and their highest maximum, for many fits at a time.

Symbols as in `weighting`. Scores are twice the derivative of a log-likelihood.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from trialstats.meta.inputs import FloatArray
from trialstats.meta.roots import falling_roots
from trialstats.meta.weighting import IntArray, Trials, Weighted, weigh

#: Points a decade at which the sign of a score is looked at, and a multiple of which
#: each grid has, so that fits with about the same range share one.
_POINTS_PER_DECADE, _POINTS = 12, 12

#: Fewer columns than these are taken one at a time.
_FEW = 8

#: Numbers in the working arrays of a chunk: a few of them fit the cache together.
CHUNK = 24_576


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A likelihood of tau2, the coefficients maximised or integrated out.

    Attributes
    ----------
    score : callable
        Twice the derivative of its logarithm in tau2.
    slope : callable
        Derivative of the score.
    value : callable
        Its logarithm, up to a constant.
    """

    score: Callable[[Weighted], FloatArray]
    slope: Callable[[Weighted], FloatArray]
    value: Callable[[Weighted], FloatArray]


def _sum_of_logarithms(fit: Weighted) -> FloatArray:
    """Return the sum of log w_i over the trials that are present."""
    with np.errstate(divide="ignore"):
        logarithm = np.log(fit.weight)
    if (fit.weight == 0).any():
        logarithm = np.where(fit.weight > 0, logarithm, 0.0)
    return np.asarray(logarithm.sum(axis=0))


def _ml_value(fit: Weighted) -> FloatArray:
    return np.asarray((_sum_of_logarithms(fit) - fit.q) / 2)


def _squared_weights(fit: Weighted) -> FloatArray:
    return np.asarray(np.einsum("k...,k...->...", fit.weight, fit.weight))


#: The likelihood, and the restricted likelihood of the residuals alone.
LIKELIHOODS: dict[str, Likelihood] = {
    "ML": Likelihood(
        score=lambda fit: fit.q_slope - fit.total,
        slope=lambda fit: _squared_weights(fit) - 2 * fit.q_curvature,
        value=_ml_value,
    ),
    "REML": Likelihood(
        score=lambda fit: fit.q_slope - fit.trace,
        slope=lambda fit: fit.trace_of_square - 2 * fit.q_curvature,
        value=lambda fit: _ml_value(fit) - fit.log_determinant / 2,
    ),
}


def highest_maximum(trials: Trials, likelihood: Likelihood) -> FloatArray:
    """Return the tau2 >= 0 of the highest maximum of a likelihood, for each fit.

    Maxima stand where the score falls through zero, and at zero when it starts
    below. A likelihood in tau2 can have several (few trials, very unequal
    variances), and then the highest is the estimate. NaN where none is found.
    """
    n = len(trials.count)
    lower, upper, points = _range(trials)
    if n == 1:
        return _highest(trials, likelihood, _grid(lower, upper, int(points[0])))
    estimate = np.zeros(n)
    for size in np.unique(points):
        fits = np.flatnonzero(points == size)
        some = trials if len(fits) == n else trials.take(fits)
        grid = _grid(lower[fits], upper[fits], int(size))
        estimate[fits] = _highest(some, likelihood, grid)
    return estimate


def _range(trials: Trials) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the ends of a grid, above which the score is negative, and its size.

    With s2 = S/(k - p), the first term of the score is at most
    S/(v_min + tau2)^2 and the trace at least (k - p)/(v_max + tau2), so the score is
    negative beyond (s2 + sqrt(s2^2 + 4 s2 v_max)) / 2.
    """
    smallest, largest = trials.variance.min(axis=0), trials.variance.max(axis=0)
    if np.isinf(largest).any():
        present = np.isfinite(trials.variance)
        largest = np.where(present, trials.variance, 0.0).max(axis=0)
    between = trials.squares / trials.df
    spread = np.sqrt(between) * np.sqrt(between + 4 * largest)
    # A little beyond the bound, where rounding cannot make the score positive.
    upper = 1.01 * (between + spread) / 2
    # Well below the smallest variance the score no longer depends on tau2.
    lower = 1e-3 * np.minimum(smallest, upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.where(upper > 0, np.log10(upper / lower), 0.0)
    blocks = np.ceil((2 + np.ceil(_POINTS_PER_DECADE * decades)) / _POINTS)
    points = np.where(upper > 0, _POINTS * blocks, 0).astype(np.intp)
    return lower, upper, points


def _grid(lower: FloatArray, upper: FloatArray, size: int) -> FloatArray:
    """Return zero and `size` points that grow geometrically, (n, size + 1)."""
    grid = np.zeros((len(lower), size + 1))
    if size:
        range_ = np.log(upper / lower)[:, np.newaxis]
        growth = np.exp(range_ * np.linspace(0.0, 1.0, size))
        grid[:, 1:] = lower[:, np.newaxis] * growth
    return grid


def grid_of(trials: Trials) -> FloatArray:
    """Return the points at which the likelihood of one fit is looked at, (1, g)."""
    lower, upper, points = _range(trials)
    return _grid(lower, upper, int(points[0]))


def _highest(trials: Trials, likelihood: Likelihood, grid: FloatArray) -> FloatArray:
    """Return the highest maximum of each fit on grids of one size."""
    score = np.empty_like(grid)
    for part, points in _chunks(len(trials.variance), *grid.shape):
        whole = part == slice(0, len(grid))
        some = trials if whole else trials.take(np.arange(part.start, part.stop))
        score[part, points] = likelihood.score(weigh(some, grid[part, points]))
    positive = score > 0
    fit, left = np.nonzero(positive[:, :-1] & ~positive[:, 1:])
    at_zero = np.flatnonzero(~positive[:, 0])
    root = _refined(trials, likelihood, grid, score, fit, left)
    fits = np.concatenate([at_zero, fit])
    candidates = np.concatenate([np.zeros(len(at_zero)), root])
    return _best(trials, likelihood, fits, candidates)


def _chunks(k: int, n: int, g: int) -> Iterator[tuple[slice, slice]]:
    """Yield parts of an (n, g) array whose (k, ...) working arrays fit the cache."""
    points = min(g, CHUNK // k)
    # Sums over long columns are faster one column at a time than over a few.
    points = points if points >= _FEW else 1
    fits = max(1, CHUNK // (k * g)) if points == g else 1
    for first in range(0, n, fits):
        for start in range(0, g, points):
            yield slice(first, min(n, first + fits)), slice(start, start + points)


def _refined(
    trials: Trials,
    likelihood: Likelihood,
    grid: FloatArray,
    score: FloatArray,
    fit: IntArray,
    left: IntArray,
) -> FloatArray:
    """Return the zero of the score between two neighbours of the grid."""
    lower, upper = grid[fit, left], grid[fit, left + 1]
    above, below = score[fit, left], score[fit, left + 1]
    single = len(grid) == 1
    root = np.empty(len(fit))

    size = max(1, CHUNK // len(trials.variance))
    for first in range(0, len(fit), size):
        part = slice(first, first + size)
        some = trials if single else trials.take(fit[part])

        def evaluated(
            point: FloatArray, which: IntArray, some: Trials = some
        ) -> tuple[FloatArray, FloatArray]:
            whole = single or len(which) == len(some.count)
            weighted = weigh(some if whole else some.take(which), point)
            return likelihood.score(weighted), likelihood.slope(weighted)

        low, high = lower[part], upper[part]
        start = low + (high - low) * above[part] / (above[part] - below[part])
        smallest = np.finfo(float).eps * some.variance[0]
        found, reached = falling_roots(
            evaluated, low, high, start, np.broadcast_to(smallest, start.shape)
        )
        root[part] = np.where(reached, found, np.nan)
    return root


def _best(
    trials: Trials, likelihood: Likelihood, fits: IntArray, candidates: FloatArray
) -> FloatArray:
    """Return the candidate of the highest likelihood of each fit."""
    n = len(trials.count)
    estimate = np.full(n, math.nan)
    estimate[fits] = candidates
    if len(fits) <= 1:
        return estimate
    several = np.flatnonzero(np.bincount(fits, minlength=n) > 1)
    if len(several):
        chosen = np.flatnonzero(np.isin(fits, several))
        some = trials if n == 1 else trials.take(fits[chosen])
        value = likelihood.value(weigh(some, candidates[chosen]))
        # Ascending: the last of each fit is its highest, the smaller of two alike.
        order = np.lexsort((-candidates[chosen], value))
        estimate[fits[chosen][order]] = candidates[chosen][order]
    return estimate
