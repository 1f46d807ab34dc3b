"""Check a model of dependent effects by whole matrices, written out.

The marginal covariance M = V + sum of sigma2_s over pairs of effects in one group is
built dense and inverted; generalised least squares at the variances of the first engine
gives the estimate and what follows. Whether these variances maximise the likelihood is
asked of the likelihood itself: its derivative by central differences is zero, or, at a
variance of zero, not positive.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from trialstats.second_engine.check import Check, comparison

_Array = NDArray[np.float64]

_DENSE = "generalised least squares with whole matrices"
_SLOPE = "log-likelihood of whole matrices, by differences"
_DIFFERENCES = "differences of a likelihood lose half the digits"
_FLAT = 1e-5

#: Step of the differences, relative to a variance or to the typical one.
_STEP = 1e-4


def check_levels(
    effect: ArrayLike,
    covariance: ArrayLike,
    groups: Sequence[Sequence[object]],
    variances: Sequence[float],
    stored: Mapping[str, float | None],
    *,
    level: float,
    restricted: bool,
) -> list[Check]:
    """Compute a pooled effect of dependent effects once more.

    Parameters
    ----------
    effect : array_like of shape (k,)
    covariance : array_like of shape (k, k)
        Of the sampling errors.
    groups : sequence of s sequences of k labels
        Nested groups, outermost first: a label of an inner level names the whole path.
    variances : sequence of s float
        Of the random intercepts, as the first engine has them.
    stored : mapping
        Numbers of the first engine: estimate, standard_error, df (None for a normal
        distribution), ci_lower, ci_upper, statistic, p_value, q, q_p_value,
        tau_squared, i_squared, prediction_lower, prediction_upper; those that are
        None or absent are not compared.
    level : float
        Confidence level.
    restricted : bool
        Whether the variances maximise the restricted likelihood.

    Returns
    -------
    list of dict
        As `trialstats.second_engine.pooling.check_pooling`.
    """
    y, v = np.asarray(effect, dtype=float), np.asarray(covariance, dtype=float)
    together = [_together(labels) for labels in groups]
    marginal = v + sum(
        (s * same for s, same in zip(variances, together, strict=True)),
        np.zeros_like(v),
    )
    second = _quantities(y, v, marginal, sum(variances), stored.get("df"), level)
    checks = [
        comparison(quantity, _DENSE, float(first), second[quantity])
        for quantity, first in stored.items()
        if quantity in second and first is not None and math.isfinite(first)
    ]
    typical = _typical_variance(v)
    for position, variance in enumerate(variances):
        slope = _slope(y, v, together, variances, position, typical, restricted)
        checks.append(
            comparison(
                f"slope of the likelihood in variance {position + 1}",
                _SLOPE,
                0.0,
                # At the boundary the likelihood may fall, and must not rise.
                slope if variance > 0 else max(0.0, slope),
                _FLAT,
                _DIFFERENCES,
            )
        )
    return checks


def check_weights(
    covariance: ArrayLike,
    groups: Sequence[Sequence[object]],
    variances: Sequence[float],
    weights: Sequence[float],
) -> Check:
    """Compare the share of each effect in the estimate; see `check_levels`."""
    marginal = np.array(covariance, dtype=float)
    for variance, labels in zip(variances, groups, strict=True):
        marginal += variance * _together(labels)
    rows = np.linalg.inv(marginal).sum(axis=0)
    largest = float(np.max(np.abs(rows / rows.sum() - np.asarray(weights))))
    quantity = "largest difference of a weight from zero"
    return comparison(quantity, "the inverse of the whole covariance", 0.0, largest)


def _together(labels: Sequence[object]) -> _Array:
    """Return (k, k): one where two effects are of one group."""
    names = np.asarray([str(label) for label in labels], dtype=object)
    return np.asarray(names[:, None] == names[None, :], dtype=float)


def _mean_of(y: _Array, marginal: _Array) -> tuple[float, float, float]:
    """Return the mean, its variance, and the weighted sum of squares about it."""
    inverse = np.linalg.inv(marginal)
    ones = np.ones(len(y))
    variance = 1 / float(ones @ inverse @ ones)
    mean = variance * float(ones @ inverse @ y)
    return mean, variance, float((y - mean) @ inverse @ (y - mean))


def _quantities(
    y: _Array,
    v: _Array,
    marginal: _Array,
    between: float,
    df: float | None,
    level: float,
) -> dict[str, float]:
    mean, variance, _ = _mean_of(y, marginal)
    error, k = math.sqrt(variance), len(y)
    tail = stats.norm if df is None or math.isnan(df) else stats.t(df)
    reach = float(tail.ppf((1 + level) / 2))
    ahead = reach * math.sqrt(variance + between)
    q = _mean_of(y, v)[2]
    # Without variances I2 comes from Q.
    share = between / (between + _typical_variance(v)) if k > 1 else math.nan
    if between == 0:
        share = max(0.0, 1 - (k - 1) / q)
    return {
        "estimate": mean,
        "standard_error": error,
        "ci_lower": mean - reach * error,
        "ci_upper": mean + reach * error,
        "statistic": mean / error,
        "p_value": 2 * float(tail.sf(abs(mean / error))),
        "q": q,
        "q_p_value": float(stats.chi2.sf(q, k - 1)),
        "tau_squared": between,
        "i_squared": share,
        "prediction_lower": mean - ahead,
        "prediction_upper": mean + ahead,
    }


def _typical_variance(v: _Array) -> float:
    """Return (k - 1) / tr(P) with P of the sampling covariance."""
    inverse = np.linalg.inv(v)
    rows = inverse.sum(axis=0)
    trace = float(np.trace(inverse) - rows @ rows / rows.sum())
    return (len(v) - 1) / trace


def _log_likelihood(y: _Array, marginal: _Array, restricted: bool) -> float:
    """Return the log-likelihood without its constants."""
    _, variance, squares = _mean_of(y, marginal)
    value = -(float(np.linalg.slogdet(marginal)[1]) + squares) / 2
    return value + math.log(variance) / 2 if restricted else value


def _slope(
    y: _Array,
    v: _Array,
    together: Sequence[_Array],
    variances: Sequence[float],
    position: int,
    typical: float,
    restricted: bool,
) -> float:
    """Return the derivative in one variance, times that variance or the typical one."""
    unit = variances[position] or typical
    step = _STEP * unit

    def at(shift: float) -> float:
        marginal = v.copy()
        for place, (variance, same) in enumerate(zip(variances, together, strict=True)):
            marginal += (variance + shift * (place == position)) * same
        return _log_likelihood(y, marginal, restricted)

    if variances[position] > 0:
        return (at(step) - at(-step)) / (2 * _STEP)
    return (4 * at(step) - 3 * at(0.0) - at(2 * step)) / (2 * _STEP)
