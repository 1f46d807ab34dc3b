"""Data sets of the Bayesian model: read, checked, sorted, and measured from an origin.

The trials of a set are sorted by variance, then effect, so that no sum depends on the
order of the input, and effects are measured from that of the most precise trial, so
that no digits are lost when variances span many powers of ten.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstats.errors import DataError
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    numbers,
    refuse,
    same_length,
    same_order,
)

IntArray = NDArray[np.intp]

#: Beyond these the squares that are formed leave the floating-point range.
_LARGEST_EFFECT = 1e50
_SMALLEST_VARIANCE, _LARGEST_VARIANCE = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class Sets:
    """m data sets of k trials at most, and the prior of mu.

    Attributes
    ----------
    deviation, variance : ndarray of shape (m, k)
        Effects minus `origin`, and sampling variances; absent trials are last.
    present : ndarray of shape (m, k) or None
        False for absent trials; None when none is absent.
    k : ndarray of shape (m,)
        Number of trials of each set.
    origin : ndarray of shape (m,)
        Effect of the most precise trial of each set.
    order : ndarray of shape (m, k)
        Position in the input of each sorted trial.
    mean_deviation : ndarray of shape (m,)
        Prior mean of mu minus `origin`; 0 under a flat prior.
    mean_precision : float
        One over the prior variance of mu; 0 under a flat prior.
    """

    deviation: FloatArray
    variance: FloatArray
    present: BoolArray | None
    k: IntArray
    origin: FloatArray
    order: IntArray
    mean_deviation: FloatArray
    mean_precision: float

    @property
    def flat_mean(self) -> bool:
        """Whether the prior of mu is flat."""
        return self.mean_precision == 0

    def part(self, rows: IntArray | BoolArray) -> "Sets":
        """Return some of the sets."""
        return Sets(
            self.deviation[rows],
            self.variance[rows],
            None if self.present is None else self.present[rows],
            self.k[rows],
            self.origin[rows],
            self.order[rows],
            self.mean_deviation[rows],
            self.mean_precision,
        )

    def in_input_order(self, values: FloatArray) -> FloatArray:
        """Return values of sorted trials, (m, k), in the order of the input."""
        unsorted = np.empty_like(values)
        np.put_along_axis(unsorted, self.order, values, axis=1)
        return unsorted


def one_set(
    effect: ArrayLike, variance: ArrayLike, mean_prior: tuple[float, float] | None
) -> Sets:
    """Return one checked data set.

    Raises
    ------
    DataError
        For no trials, arrays that differ in length, a missing or infinite value, a
        variance of zero or less, or numbers beyond the range of the arithmetic.
    """
    same_order({"effect": effect, "variance": variance})
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
    for wrong, what, column, values in (
        (~_in_range(v), "the variance", "variance", v),
        (np.abs(y) > _LARGEST_EFFECT, "the effect", "effect", y),
    ):
        refuse(
            wrong,
            f"{what} is beyond the range of the arithmetic",
            column=column,
            values=values,
            remedy="express the effects in another unit",
        )
    return _sorted(y[None, :], v[None, :], None, mean_prior)


def many_sets(
    effect: ArrayLike,
    variance: ArrayLike,
    include: ArrayLike | None,
    mean_prior: tuple[float, float] | None,
) -> Sets:
    """Return m checked data sets of arrays that broadcast to (m, k).

    Raises
    ------
    DataError
        For a set without trials, a missing or infinite number, a variance of zero or
        less, or numbers beyond the range of the arithmetic; where `include` is False
        numbers are not looked at.
    """
    y, v = np.broadcast_arrays(
        np.atleast_2d(np.asarray(effect, dtype=np.float64)),
        np.atleast_2d(np.asarray(variance, dtype=np.float64)),
    )
    present = None
    if include is not None:
        present = np.broadcast_to(np.asarray(include, dtype=np.bool_), y.shape)
        y, v = np.where(present, y, 0.0), np.where(present, v, 1.0)
    if y.ndim != 2 or y.size == 0:
        raise DataError(f"expected sets by trials, got the shape {y.shape}")
    with np.errstate(invalid="ignore"):
        wrong = ~(_in_range(v) & (np.abs(y) <= _LARGEST_EFFECT))
    if wrong.any():
        row, trial = (int(place[0]) for place in np.nonzero(wrong))
        raise DataError(
            f"set {row + 1}, trial {trial + 1} (counting from 1): the effect is not a "
            "number, or the variance is not above zero",
            value=(float(y[row, trial]), float(v[row, trial])),
            remedy="leave the trial out with include=",
        )
    if present is not None and not present.any(axis=1).all():
        empty = int((~present.any(axis=1)).argmax()) + 1
        raise DataError(f"set {empty} (counting from 1) has no trials")
    return _sorted(y, v, present, mean_prior)


def _in_range(variance: FloatArray) -> BoolArray:
    return (variance >= _SMALLEST_VARIANCE) & (variance <= _LARGEST_VARIANCE)


def _sorted(
    effect: FloatArray,
    variance: FloatArray,
    present: BoolArray | None,
    mean_prior: tuple[float, float] | None,
) -> Sets:
    mean, precision = checked_mean_prior(mean_prior)
    keys = (effect, variance) if present is None else (effect, variance, ~present)
    order = np.lexsort(keys, axis=1)
    y = np.take_along_axis(effect, order, axis=1)
    v = np.take_along_axis(variance, order, axis=1)
    origin = y[:, 0].copy()
    there, k = None, np.full(len(y), y.shape[1])
    if present is not None and not present.all():
        there = np.take_along_axis(present, order, axis=1)
        k = there.sum(axis=1)
    return Sets(
        y - origin[:, None],
        v,
        there,
        k,
        origin,
        order,
        mean - origin if precision else np.zeros_like(origin),
        precision,
    )


def checked_mean_prior(mean_prior: tuple[float, float] | None) -> tuple[float, float]:
    """Return mean and precision of the prior of mu; precision 0 when it is flat."""
    if mean_prior is None:
        return 0.0, 0.0
    try:
        mean, sd = (float(value) for value in mean_prior)
    except (TypeError, ValueError):
        raise DataError(
            f"mean_prior is a pair of numbers, got {mean_prior!r}",
            remedy="pass (mean, sd), or None for a flat prior",
        ) from None
    if not (abs(mean) <= _LARGEST_EFFECT and 1e-50 <= sd <= 1e50):
        raise DataError(
            f"mean_prior needs a finite mean and an sd above zero, got {mean_prior!r}",
            remedy="pass (mean, sd), in units of the effects",
        )
    return mean, sd**-2
