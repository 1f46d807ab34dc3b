"""Confidence intervals of single proportions, for the rows of a forest plot.

Symbols: x of n participants have the event, p = x/n, z the normal quantile.

References
----------
- Newcombe RG (1998). Two-sided confidence intervals for the single proportion:
  comparison of seven methods. Statistics in Medicine 17(8), 857-872.
- Clopper CJ, Pearson ES (1934). The use of confidence or fiducial limits illustrated
  in the case of the binomial. Biometrika 26(4), 404-413.
- Wilson EB (1927). Probable inference, the law of succession, and statistical
  inference. JASA 22(158), 209-212.
- Agresti A, Coull BA (1998). Approximate is better than "exact" for interval
  estimation of binomial proportions. The American Statistician 52(2), 119-126.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv, ndtri

from trialstats.meta.inputs import (
    FloatArray,
    Values,
    check_level,
    one_of,
    refuse,
    required,
)

_Limits = tuple[FloatArray, FloatArray]


def _clopper_pearson(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    tail, none, every = (1 - level) / 2, x == 0, x == n
    lower = betaincinv(np.where(none, 1, x), n - np.where(none, 1, x) + 1, tail)
    below = np.where(every, np.maximum(n - 1, 0), x)
    upper = betaincinv(below + 1, n - below, 1 - tail)
    return np.where(none, 0.0, lower), np.where(every, 1.0, upper)


def _wilson(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    z = float(ndtri((1 + level) / 2))
    p = x / n
    middle, reach = 2 * x + z**2, z * np.sqrt(z**2 + 4 * x * (1 - p))
    over = 2 * (n + z**2)
    return (middle - reach) / over, (middle + reach) / over


def _wilson_corrected(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    z = float(ndtri((1 + level) / 2))
    p, over = x / n, 2 * (n + z**2)
    low = z * np.sqrt(np.maximum(z**2 - 2 - 1 / n + 4 * p * (n * (1 - p) + 1), 0))
    high = z * np.sqrt(np.maximum(z**2 + 2 - 1 / n + 4 * p * (n * (1 - p) - 1), 0))
    lower, upper = 2 * x + z**2 - 1 - low, 2 * x + z**2 + 1 + high
    # Where no one or everyone has the event the limit is the end itself (Newcombe).
    return np.where(x == 0, 0.0, lower / over), np.where(x == n, 1.0, upper / over)


def _agresti_coull(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    z = float(ndtri((1 + level) / 2))
    return _around((x + z**2 / 2) / (n + z**2), n + z**2, z)


def _simple(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    return _around(x / n, n, float(ndtri((1 + level) / 2)))


def _simple_corrected(x: FloatArray, n: FloatArray, level: float) -> _Limits:
    lower, upper = _simple(x, n, level)
    return lower - 1 / (2 * n), upper + 1 / (2 * n)


def _around(p: FloatArray, n: FloatArray, z: float) -> _Limits:
    reach = z * np.sqrt(p * (1 - p) / n)
    return p - reach, p + reach


#: Intervals of a proportion by name.
PROPORTION_INTERVALS: dict[str, Callable[[FloatArray, FloatArray, float], _Limits]] = {
    "clopper_pearson": _clopper_pearson,
    "wilson": _wilson,
    "wilson_corrected": _wilson_corrected,
    "agresti_coull": _agresti_coull,
    "simple": _simple,
    "simple_corrected": _simple_corrected,
}


def proportion_interval(
    *,
    xi: Values,
    ni: Values,
    interval: str = "clopper_pearson",
    level: float = 0.95,
) -> _Limits:
    """Return confidence limits of proportions.

    Parameters
    ----------
    xi, ni : array_like of shape (k,)
        Participants with the event, and in all.
    interval : str
        Of `PROPORTION_INTERVALS`: exact (Clopper and Pearson), Wilson's score
        interval, Agresti and Coull's, the simple normal one; "_corrected" with a
        continuity correction.
    level : float
        Confidence level.

    Returns
    -------
    tuple of ndarray of shape (k,)
        Lower and upper limits, in [0, 1].

    Raises
    ------
    DataError
        For impossible counts or an unknown interval.

    Examples
    --------
    >>> lower, upper = proportion_interval(xi=[0, 15], ni=[20, 148])
    >>> lower.round(4).tolist(), upper.round(4).tolist()
    ([0.0, 0.0578], [0.1684, 0.1617])
    """
    one_of("interval of a proportion", interval, PROPORTION_INTERVALS)
    check_level(level)
    columns = required(("xi", "ni"), {"xi": xi, "ni": ni}, data=None)
    x, n = columns["xi"], columns["ni"]
    refuse(
        n <= 0, "the number of participants is not above zero", column="ni", values=n
    )
    refuse(
        (x < 0) | (x > n), "not between 0 and the participants", column="xi", values=x
    )
    lower, upper = PROPORTION_INTERVALS[interval](x, n, level)
    return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
