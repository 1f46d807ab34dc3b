"""The small-sample bias of a difference over an estimated standard deviation."""

import numpy as np
from scipy.special import gammaln

from trialstats.meta.inputs import FloatArray

#: Degrees of freedom from which the expansion is exact to the last digit.
_LARGE = 1000.0


def hedges_correction(df: FloatArray) -> FloatArray:
    """Return J(df), the factor that removes the bias of d, by gamma functions.

    NaN for df of one or less, where the mean of d does not exist.

    References
    ----------
    .. [1] Hedges LV (1981). Distribution theory for Glass's estimator of effect size
       and related estimators. Journal of Educational Statistics 6(2), 107-128.

    >>> hedges_correction(np.array([10.0])).round(4).tolist()
    [0.9227]
    """
    df = np.asarray(df, dtype=np.float64)
    small = np.clip(df, 1.5, _LARGE)
    log_ratio = gammaln(small / 2) - gammaln((small - 1) / 2)
    exact = np.exp(log_ratio - np.log(small / 2) / 2)
    # The logarithms of large gamma functions cancel: the ratio by its expansion.
    x = (np.maximum(df, _LARGE) - 1) / 2
    series = 1 - 1 / (8 * x) + 1 / (128 * x**2) + 5 / (1024 * x**3)
    expanded = np.sqrt(2 * x / (2 * x + 1)) * (series - 21 / (32768 * x**4))
    return np.where(df > 1, np.where(df > _LARGE, expanded, exact), np.nan)


def bias_correction(df: FloatArray, *, correct: bool) -> FloatArray:
    """Return J(df), or ones when nothing is to be corrected."""
    return hedges_correction(df) if correct else np.ones(len(df))
