"""Check the effects and variances of trials."""

import numpy as np

from trialstats.meta.inputs import (
    FloatArray,
    Values,
    numbers,
    refuse,
    same_length,
    same_order,
)

#: Beyond these the squares that the estimators form leave the floating-point range.
LARGEST_EFFECT = 1e50
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-100, 1e100


def checked_trials(effect: Values, variance: Values) -> tuple[FloatArray, FloatArray]:
    """Return effects and variances as new arrays.

    Raises
    ------
    DataError
        For no trials, columns that differ in length or in the order of their labels,
        a missing or infinite value, a variance of zero or less, or numbers beyond the
        range of the arithmetic.
    """
    same_order({"effect": effect, "variance": variance})
    y = numbers("effect", effect, data=None)
    v = numbers("variance", variance, data=None)
    same_length({"effect": y, "variance": v})
    check_range(y, v)
    return y, v


def check_range(y: FloatArray, v: FloatArray) -> None:
    """Raise a DataError for a variance or an effect that cannot be used."""
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
