"""Bootstrap intervals of coefficients and of the between-trial variance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.batch import fit_many
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.refitting import IntArray, Refits, of_batch, refit, settled_order
from trialstats.randomness import stream

#: Names of the bootstraps, in words.
BOOTSTRAPS: dict[str, str] = {
    "nonparametric": "trials are drawn with replacement",
    "parametric": "effects are drawn from the fitted model",
}

#: Fewer replicates than this say nothing about the tails.
FEWEST = 100

_TAU_SQUARED = "tau_squared"


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Intervals from refits of resampled trials.

    Attributes
    ----------
    intervals : DataFrame of p + 1 rows
        `term` (the last is tau_squared), `estimate`, `bias` (mean of the replicates
        less the estimate), `standard_error` (their standard deviation), `ci_lower`,
        `ci_upper`, and `reason` why numbers are NaN, empty where none is.
    replicates : DataFrame of shape (m, p + 1)
        The refits, a column a term; those that do not exist are left out.
    failed : int
        Replicates that do not exist.
    kind, interval : str
        Names of the bootstrap and of the intervals.
    level : float
        Confidence level.
    """

    intervals: pd.DataFrame
    replicates: pd.DataFrame
    failed: int
    kind: str
    interval: str
    level: float


def bootstrap(
    pooled: Pooled,
    kind: str = "nonparametric",
    *,
    interval: str = "bca",
    replicates: int = 2000,
    seed: int = 1,
    level: float | None = None,
) -> Bootstrap:
    """Resample the trials and fit the model again.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators.
    kind : {"nonparametric", "parametric"}
        Draw trials with replacement, or effects from the fitted model at the sampling
        variances of the trials.
    interval : {"bca", "percentile"}
        Percentiles of the replicates, or percentiles corrected for bias and
        acceleration.
    replicates : int
        Number of refits, at least 100.
    seed : int
        Seed of the replicates. They go with the trials and not with their order.
    level : float, optional
        Confidence level, that of the fit when absent.

    Returns
    -------
    Bootstrap
        A parameter without an interval is NaN and has its reason.

    Raises
    ------
    DataError
        For unknown names, too few replicates, or given weights.
    NotEstimableError
        When k is not above p, so that there is no fitted model to draw from, or when
        no replicate exists.

    Notes
    -----
    Quantiles are those of the (R + 1) alpha-th replicate, interpolated on the scale of
    normal quantiles [2]_. The acceleration of the nonparametric bootstrap comes from
    leaving one trial out. In the parametric one it is a sixth of the skewness of the
    score [1]_: zero for a coefficient, whose score is normal, and
    8 tr(P^3)/(2 tr(P^2))^1.5/6 for tau2.

    References
    ----------
    .. [1] Efron B (1987). Better bootstrap confidence intervals. Journal of the
       American Statistical Association 82(397), 171-185.
    .. [2] Davison AC, Hinkley DV (1997). Bootstrap methods and their application.
       Cambridge University Press.
    """
    check_pooled(pooled, "bootstrap")
    one_of("bootstrap", kind, BOOTSTRAPS)
    one_of("interval", interval, INTERVALS)
    if replicates < FEWEST:
        raise DataError(f"replicates must be at least {FEWEST}, got {replicates!r}")
    chosen = pooled.level if level is None else level
    check_level(chosen)
    if pooled.k <= len(pooled.coefficient):
        raise NotEstimableError(
            f"{pooled.k} trials and {len(pooled.coefficient)} coefficients leave "
            "nothing to resample"
        )
    if pooled.custom_weights:
        raise DataError(
            "the bootstrap is for inverse-variance weights", remedy="leave them out"
        )
    drawn = _DRAW[kind](pooled, replicates, seed)
    values = _parameters(drawn)
    there = ~np.isnan(values).any(axis=1)
    if not there.any():
        raise NotEstimableError(f"no replicate exists: {drawn.reason[0]}")
    terms = [*pooled.terms, _TAU_SQUARED]
    found = values[there]
    estimate = np.append(pooled.coefficient, pooled.tau_squared)
    limits, reason = INTERVALS[interval](
        found, estimate, chosen, lambda: ACCELERATIONS[kind](pooled)
    )
    intervals = pd.DataFrame(
        {
            "term": terms,
            "estimate": estimate,
            "bias": found.mean(axis=0) - estimate,
            "standard_error": found.std(axis=0, ddof=1),
            "ci_lower": limits[0],
            "ci_upper": limits[1],
            "reason": reason,
        }
    )
    replicated = pd.DataFrame(found, columns=terms)
    return Bootstrap(intervals, replicated, int((~there).sum()), kind, interval, chosen)


def _parameters(fits: Refits) -> FloatArray:
    """Return coefficients and tau2, one row a fit."""
    return np.column_stack([fits.coefficient, fits.tau_squared])


def _draw_trials(pooled: Pooled, replicates: int, seed: int) -> Refits:
    k = pooled.k
    drawn = stream(seed, "trials").multinomial(k, np.full(k, 1 / k), replicates)
    count = np.empty_like(drawn)
    count[:, settled_order(pooled)] = drawn
    if pooled.has_moderators:
        return _repeated(pooled, count)
    trial = np.tile(np.arange(k), replicates)
    at = np.repeat(trial, count.ravel()).reshape(replicates, k)
    return refit(
        pooled,
        effect=pooled.effect[at],
        variance=pooled.variance[at],
        inference="wald",
    )


def _repeated(pooled: Pooled, count: IntArray) -> Refits:
    """Fit trials that are in more than once, as if each time were a trial.

    The design stays, so that rows cannot be drawn along with the effects.
    """
    most = int(count.max())
    batch = fit_many(
        np.tile(pooled.effect, most)[np.newaxis],
        np.tile(pooled.variance, most)[np.newaxis],
        include=np.concatenate([count > time for time in range(most)], axis=1),
        design=np.tile(pooled.design, (most, 1)),
        tau_squared=pooled.options["tau_squared"],
        inference="wald",
        level=pooled.level,
    )
    return of_batch(batch)


def _draw_effects(pooled: Pooled, replicates: int, seed: int) -> Refits:
    normal = stream(seed, "effects").standard_normal((replicates, pooled.k))
    error = np.empty_like(normal)
    error[:, settled_order(pooled)] = normal
    spread = np.sqrt(pooled.variance + pooled.tau_squared)
    fitted = pooled.design @ pooled.coefficient
    return refit(pooled, effect=fitted + spread * error, inference="wald")


_DRAW: dict[str, Callable[[Pooled, int, int], Refits]] = {
    "nonparametric": _draw_trials,
    "parametric": _draw_effects,
}


def _acceleration_of_trials(pooled: Pooled) -> FloatArray:
    """Return a sixth of the skewness of the jackknife values."""
    others = ~np.eye(pooled.k, dtype=bool)
    left_out = _parameters(refit(pooled, include=others, inference="wald"))
    change = left_out.mean(axis=0) - left_out
    squares = (change**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        skewness = (change**3).sum(axis=0) / squares**1.5
    # Values that do not change have no skewness.
    return np.where(squares == 0, 0.0, skewness / 6)


def _acceleration_of_score(pooled: Pooled) -> FloatArray:
    """Return a sixth of the skewness of the score, which is that of y'PPy for tau2."""
    root = np.sqrt(1 / (pooled.variance + pooled.tau_squared))
    basis = np.linalg.qr(root[:, np.newaxis] * pooled.design)[0]
    p = root[:, np.newaxis] * (np.eye(pooled.k) - basis @ basis.T) * root
    square = p @ p
    skewness = 8 * np.trace(square @ p) / (2 * np.trace(square)) ** 1.5
    return np.append(np.zeros(len(pooled.coefficient)), skewness / 6)


#: Acceleration of the corrected percentiles, of each kind of bootstrap.
ACCELERATIONS: dict[str, Callable[[Pooled], FloatArray]] = {
    "nonparametric": _acceleration_of_trials,
    "parametric": _acceleration_of_score,
}

_Limits = tuple[FloatArray, list[str]]


def _percentile(
    found: FloatArray,
    estimate: FloatArray,
    level: float,
    _acceleration: Callable[[], FloatArray],
) -> _Limits:
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    return _limits(found, np.tile(tails[:, np.newaxis], (1, len(estimate))), "")


def _bca(
    found: FloatArray,
    estimate: FloatArray,
    level: float,
    acceleration: Callable[[], FloatArray],
) -> _Limits:
    below = (found < estimate).mean(axis=0) + (found == estimate).mean(axis=0) / 2
    bias = ndtri(below)
    tails = ndtri(np.array([[(1 - level) / 2], [(1 + level) / 2]]))
    with np.errstate(invalid="ignore"):
        moved = bias + tails
        corrected = ndtr(bias + moved / (1 - acceleration() * moved))
    return _limits(found, corrected, "the bias or the acceleration does not exist")


#: How limits are made from the replicates.
INTERVALS: dict[
    str,
    Callable[[FloatArray, FloatArray, float, Callable[[], FloatArray]], _Limits],
] = {"percentile": _percentile, "bca": _bca}


def _limits(found: FloatArray, tails: FloatArray, undefined: str) -> _Limits:
    """Return limits of each parameter at its tails, shape (2, parameters)."""
    ordered = np.sort(found, axis=0)
    limits = np.full(tails.shape, np.nan)
    reasons = []
    for column in range(found.shape[1]):
        reason = undefined if np.isnan(tails[:, column]).any() else ""
        ends = [interpolated(ordered[:, column], tail) for tail in tails[:, column]]
        if not reason and np.isnan(ends).any():
            reason = f"a limit lies beyond the {len(ordered)} replicates"
        if not reason:
            limits[:, column] = ends
        reasons.append(reason)
    return limits, reasons


def interpolated(ordered: FloatArray, tail: float) -> float:
    """Return the (R + 1) tail-th of R sorted values; NaN beyond them.

    Between two values the interpolation is linear in normal quantiles.
    """
    r = len(ordered)
    place = (r + 1) * tail
    if not 1 <= place <= r:
        return float("nan")
    lower, nearest = int(place), round(place)
    # Within rounding of a whole number there is nothing to interpolate.
    if abs(place - nearest) < 1e-9:
        return float(ordered[nearest - 1])
    ends = ndtri(np.array([lower, lower + 1]) / (r + 1))
    part = (ndtri(tail) - ends[0]) / (ends[1] - ends[0])
    return float(ordered[lower - 1] + part * (ordered[lower] - ordered[lower - 1]))
