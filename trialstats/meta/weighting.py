"""Inverse-variance weighting that keeps its digits and ignores the order of trials.

Symbols: y_i the effect and v_i the sampling variance of trial i of k, tau2 the
between-trial variance, w_i = 1/(v_i + tau2), W their sum, m the weighted mean.

Trials are sorted by variance, then effect, and effects are measured from that of the
most precise trial. Sorting makes every sum independent of the order of the input,
bit for bit. The origin and the sums over "all but i" avoid subtracting nearly equal
numbers, which otherwise spoils the REML score when variances span many powers of ten.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialstats.meta.inputs import FloatArray, numbers, refuse, same_length

#: Beyond these the squares that the estimators form leave the floating-point range.
LARGEST_EFFECT = 1e50
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class Trials:
    """Checked trials, sorted.

    Attributes
    ----------
    deviation : ndarray of shape (k,)
        Effects minus `origin`.
    variance : ndarray of shape (k,)
        Sampling variances, ascending.
    origin : float
        Effect of the most precise trial.
    order : ndarray of shape (k,)
        Position in the input of each sorted trial.
    """

    deviation: FloatArray
    variance: FloatArray
    origin: float
    order: np.ndarray[tuple[int], np.dtype[np.intp]]

    @property
    def k(self) -> int:
        """Number of trials."""
        return len(self.variance)


@dataclass(frozen=True, slots=True)
class Weighted:
    """Trials weighted at one or more values of tau2; the last axis runs over trials.

    Attributes
    ----------
    weight : ndarray of shape (..., k)
        w_i.
    total : ndarray of shape (...)
        W.
    rest : ndarray of shape (..., k)
        W - w_i, summed without subtraction.
    mean : ndarray of shape (...)
        m, measured from the origin.
    residual : ndarray of shape (..., k)
        y_i - m.
    """

    weight: FloatArray
    total: FloatArray
    rest: FloatArray
    mean: FloatArray
    residual: FloatArray

    @property
    def q(self) -> FloatArray:
        """Generalised Q: the sum of w_i (y_i - m)^2."""
        return np.asarray((self.weight * self.residual**2).sum(axis=-1))

    @property
    def trace(self) -> FloatArray:
        """Trace of P = diag(w) - ww'/W: the sum of w_i (W - w_i) / W."""
        return np.asarray((self.weight * self.rest).sum(axis=-1) / self.total)


def sorted_trials(effect: ArrayLike, variance: ArrayLike) -> Trials:
    """Return checked and sorted trials.

    Raises
    ------
    DataError
        For no trials, arrays that differ in length, a missing or infinite value, a
        variance of zero or less, or numbers beyond the range of the arithmetic.
    """
    y = numbers("effect", effect, data=None)
    v = numbers("variance", variance, data=None)
    same_length({"effect": y, "variance": v})
    refuse(
        v <= 0,
        "the sampling variance is not above zero",
        column="variance",
        values=v,
        remedy="pass variances of estimable trials, squared standard errors",
    )
    refuse(
        (v < SMALLEST_VARIANCE) | (v > LARGEST_VARIANCE),
        f"outside {SMALLEST_VARIANCE:g} to {LARGEST_VARIANCE:g}",
        column="variance",
        values=v,
        remedy="express the effects in another unit",
    )
    refuse(
        np.abs(y) > LARGEST_EFFECT,
        f"beyond {LARGEST_EFFECT:g}",
        column="effect",
        values=y,
        remedy="express the effects in another unit",
    )
    order = np.lexsort((y, v))
    origin = float(y[order[0]])
    return Trials(y[order] - origin, v[order], origin, order)


def weigh(trials: Trials, tau_squared: ArrayLike = 0.0) -> Weighted:
    """Weight the trials at `tau_squared`, a number or an array of them."""
    added = np.asarray(tau_squared, dtype=np.float64)[..., np.newaxis]
    weight = 1.0 / (trials.variance + added)
    total = weight.sum(axis=-1)
    before = np.zeros_like(weight)
    after = np.zeros_like(weight)
    before[..., 1:] = np.cumsum(weight, axis=-1)[..., :-1]
    after[..., :-1] = np.cumsum(weight[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    mean = (weight * trials.deviation).sum(axis=-1) / total
    residual = trials.deviation - mean[..., np.newaxis]
    return Weighted(weight, total, before + after, mean, residual)


def sum_of_squares(trials: Trials) -> float:
    """Return the unweighted sum of (y_i - mean)^2."""
    centred = trials.deviation - trials.deviation.mean()
    return float((centred**2).sum())
