"""A pooled model fitted again: to fewer trials, to other effects, to repeated trials.

Everything that leaves trials out, permutes or resamples them comes through here, so
that a fit that does not exist is NaN with the same reason everywhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.batch import REASONS, PooledBatch, fit_many
from trialstats.meta.inference import CoefficientTests, coefficient_tests
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.pooled import Pooled
from trialstats.meta.pooling import pool

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """m fits of a model with p coefficients; NaN where a fit does not exist.

    Attributes
    ----------
    coefficient : ndarray of shape (m, p)
        Coefficients, in the order of the design's columns.
    covariance : ndarray of shape (m, p, p)
        Their covariance, the scale included.
    scale : ndarray of shape (m,)
        Factor of Knapp and Hartung in the covariance, otherwise 1.
    df : ndarray of shape (m,)
        Degrees of freedom of the tests; NaN for normal ones.
    tau_squared, i_squared, h_squared, q, q_df, q_p_value : ndarray of shape (m,)
        As in `Pooled`.
    k : ndarray of shape (m,)
        Number of trials.
    reason : ndarray of shape (m,)
        Why numbers are NaN, or an empty text.
    level : float
        Confidence level of the intervals.
    """

    coefficient: FloatArray
    covariance: FloatArray
    scale: FloatArray
    df: FloatArray
    tau_squared: FloatArray
    i_squared: FloatArray
    h_squared: FloatArray
    q: FloatArray
    q_df: FloatArray
    q_p_value: FloatArray
    k: IntArray
    reason: NDArray[np.object_]
    level: float

    @property
    def tests(self) -> CoefficientTests:
        """Tests and intervals of the coefficients, arrays of shape (m, p)."""
        p = self.coefficient.shape[1]
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        df = np.repeat(self.df[:, np.newaxis], p, axis=1)
        return coefficient_tests(self.coefficient, variance, df, self.level)

    def omnibus(self, tested: IntArray) -> FloatArray:
        """Return the Wald statistic of some coefficients, over their number with t."""
        b = self.coefficient[:, tested]
        block = self.covariance[:, tested[:, np.newaxis], tested]
        result = np.full(len(b), np.nan)
        known = np.isfinite(block).all(axis=(1, 2))
        solved = np.linalg.solve(block[known], b[known][:, :, np.newaxis])[:, :, 0]
        result[known] = (b[known] * solved).sum(axis=1)
        return np.where(np.isnan(self.df), result, result / len(tested))


def refit(
    pooled: Pooled,
    *,
    include: BoolArray | None = None,
    effect: FloatArray | None = None,
    variance: FloatArray | None = None,
    inference: str | None = None,
) -> Refits:
    """Fit the model of `pooled` again, m times.

    Parameters
    ----------
    pooled : Pooled
        The fit whose trials, design and methods are taken.
    include : ndarray of shape (m, k), optional
        False for a trial that is left out.
    effect, variance : ndarray of shape (m, k), optional
        Other effects and sampling variances on the rows of the design.
    inference : str, optional
        Another method of inference.

    Returns
    -------
    Refits
        A fit that does not exist is NaN and has its reason. A single trial without
        moderators gives its own effect with a normal interval, as in `pool`.
    """
    arrays = (
        pooled.effect[np.newaxis] if effect is None else effect,
        pooled.variance[np.newaxis] if variance is None else variance,
        np.ones((1, pooled.k), dtype=bool) if include is None else include,
    )
    chosen = pooled.inference if inference is None else inference
    if pooled.custom_weights:
        effects, variances, included = np.broadcast_arrays(*arrays)
        return _one_by_one(pooled, effects, variances, included, chosen)
    batch = fit_many(
        arrays[0],
        arrays[1],
        include=arrays[2],
        design=pooled.design if pooled.has_moderators else None,
        tau_squared=pooled.options["tau_squared"],
        inference=chosen,
        level=pooled.level,
    )
    return of_batch(batch)


def settled_order(pooled: Pooled) -> IntArray:
    """Return an order of the trials that is the same whatever that of the input."""
    keys = [*pooled.design.T, pooled.effect, pooled.variance]
    if pooled.custom_weights:
        keys.insert(0, pooled.options["weights"])
    return np.lexsort(keys)


def of_batch(batch: PooledBatch) -> Refits:
    """Return many fits with the reasons in words."""
    df = batch.df
    if batch.coefficient.shape[1] > 1:
        df = np.full(len(batch), np.nan) if batch.inference == "wald" else batch.q_df
    return Refits(
        batch.coefficient,
        batch.covariance,
        batch.scale,
        df,
        batch.tau_squared,
        batch.i_squared,
        batch.h_squared,
        batch.q,
        batch.q_df,
        batch.q_p_value,
        batch.k,
        np.array(REASONS, dtype=object)[batch.reason],
        batch.level,
    )


def _one_by_one(
    pooled: Pooled,
    effect: FloatArray,
    variance: FloatArray,
    include: BoolArray,
    inference: str,
) -> Refits:
    """Fit with given weights, which `fit_many` does not take."""
    m, p = len(effect), len(pooled.coefficient)
    names = ("scale", "df", "tau_squared", "i_squared", "h_squared", "q", "q_df")
    numbers = {name: np.full(m, np.nan) for name in (*names, "q_p_value")}
    coefficient, covariance = np.full((m, p), np.nan), np.full((m, p, p), np.nan)
    reason = np.full(m, "", dtype=object)
    for i, chosen in enumerate(include):
        options = pooled.options_for(chosen) | {
            "inference": inference,
            "tau_squared_interval": "none",
        }
        if not chosen.any():
            reason[i] = "no trial is included"
            continue
        try:
            fit = pool(effect[i, chosen], variance[i, chosen], **options)
        except (DataError, NotEstimableError, ConvergenceError) as why:
            reason[i] = str(why)
            continue
        coefficient[i], covariance[i] = fit.coefficient, fit.covariance
        reason[i] = fit.not_estimable.get("tau_squared", "")
        for name, values in numbers.items():
            values[i] = fit.tests.df[0] if name == "df" else getattr(fit, name)
    k = include.sum(axis=1)
    return Refits(
        coefficient, covariance, **numbers, k=k, reason=reason, level=pooled.level
    )
