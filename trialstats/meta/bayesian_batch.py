"""Pool many data sets by Bayes at once: the numbers of `pool_bayesian`, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialstats.meta.bayesian_marginals import mixture_quantiles
from trialstats.meta.bayesian_priors import tau_prior
from trialstats.meta.bayesian_quadrature import integrate, mean_and_spread
from trialstats.meta.bayesian_sets import many_sets
from trialstats.meta.inputs import FloatArray, check_level

#: Largest number of sets times trials of one block; a block shares its panels.
_BLOCK = 8_000


@dataclass(frozen=True, slots=True, eq=False)
class PooledBayesianBatch:
    """Posteriors of m data sets; the fields mean what they mean in `PooledBayesian`.

    Attributes
    ----------
    estimate, mean, standard_error, ci_lower, ci_upper : ndarray of shape (m,)
        Median, mean, standard deviation and central interval of mu.
    tau_mean : ndarray of shape (m,)
        Posterior mean of tau.
    prediction_lower, prediction_upper : ndarray of shape (m,)
        Central interval for the true effect in a new trial.
    k : ndarray of shape (m,)
        Number of trials.
    level : float
    prior : str
        Prior of tau in words.
    """

    estimate: FloatArray
    mean: FloatArray
    standard_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    tau_mean: FloatArray
    prediction_lower: FloatArray
    prediction_upper: FloatArray
    k: FloatArray
    level: float
    prior: str


def pool_bayesian_many(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    include: ArrayLike | None = None,
    prior: str = "half_normal",
    scale: float | None = None,
    df: float | None = None,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
) -> PooledBayesianBatch:
    """Pool m data sets of up to k trials each by Bayes' rule.

    Parameters
    ----------
    effect, variance : array_like, broadcast to (m, k)
        Effects and sampling variances, one data set a row.
    include : array_like of bool, optional
        Broadcast to (m, k); False where a trial is absent.
    prior, scale, df, mean_prior, level
        As in `pool_bayesian`, the same for all sets.

    Returns
    -------
    PooledBayesianBatch
        NaN where a moment does not exist.

    Raises
    ------
    DataError, NotEstimableError, ConvergenceError
        As `pool_bayesian`, as soon as one set calls for it.

    Examples
    --------
    >>> many = pool_bayesian_many([[0.1, 0.3], [0.2, 0.9]], 0.04, scale=0.5)
    >>> many.estimate.round(3).tolist()
    [0.2, 0.55]
    """
    check_level(level)
    between = tau_prior(prior, scale, df)
    sets = many_sets(effect, variance, include, mean_prior)
    m, widest = sets.variance.shape
    names = (
        *("estimate", "mean", "standard_error", "ci_lower", "ci_upper"),
        *("tau_mean", "prediction_lower", "prediction_upper"),
    )
    found = np.full((len(names), m), np.nan)
    size = max(1, _BLOCK // widest)
    tails = (0.5, (1 - level) / 2, (1 + level) / 2)
    for start in range(0, m, size):
        block = np.arange(start, min(start + size, m))
        for grid in integrate(sets.part(block), between):
            rows, origin = block[grid.rows], grid.sets.origin
            spread = 1 / np.sqrt(grid.precision)
            middle, lower, upper = (
                origin + _quantile(grid.probability, grid.mean, spread, p)
                for p in tails
            )
            ahead = np.hypot(spread, grid.tau)
            first, last = (
                origin + _quantile(grid.probability, grid.mean, ahead, p)
                for p in tails[1:]
            )
            mean, error = mean_and_spread(grid, between)
            found[:, rows] = (
                *(middle, origin + mean, error, lower, upper),
                *(grid.moment_of_tau(1), first, last),
            )
    fields = dict(zip(names, found, strict=True))
    return PooledBayesianBatch(
        **fields, k=sets.k.astype(np.float64), level=level, prior=between.words
    )


def _quantile(
    share: FloatArray, mean: FloatArray, spread: FloatArray, probability: float
) -> FloatArray:
    return mixture_quantiles(share, mean, spread, np.full(len(share), probability))
