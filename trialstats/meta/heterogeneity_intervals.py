"""Intervals of H, I-squared and R_b, measures of heterogeneity free of units.

Q is Cochran's statistic of k trials, df = k - 1. H and I-squared follow from Q, or
from the between-trial variance tau2 and the typical sampling variance; R_b is the mean
share of tau2 in the variances of the effects.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import check_level, one_of
from trialstats.meta.pooled import Pooled

#: What H and I-squared are computed from.
FROM = ("q", "tau_squared")

#: Why two trials may have no limits.
ONLY_ABOVE_TWO = "with 2 trials the limits exist where Q is above 2"

_NAN = float("nan")


class Interval(NamedTuple):
    """An estimate with its limits; NaN where it does not exist."""

    estimate: float
    ci_lower: float
    ci_upper: float


_NONE = Interval(_NAN, _NAN, _NAN)


def h_from_q(q: float, df: int, *, level: float = 0.95) -> Interval:
    """Return H = sqrt(Q/df), at least 1, with the test-based interval of log H.

    Parameters
    ----------
    q : float
        Cochran's Q, or another statistic that is chi-squared with `df` under
        homogeneity, such as a likelihood ratio.
    df : int
        Degrees of freedom; NaN without any. With one, limits exist where Q is above 2.
    level : float
        Confidence level.

    Raises
    ------
    DataError
        For a negative or infinite `q`.

    References
    ----------
    .. [1] Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a
       meta-analysis. Statistics in Medicine 21(11), 1539-1558.

    Examples
    --------
    >>> [round(x, 3) for x in h_from_q(152.233, 12)]
    [3.562, 2.926, 4.336]
    """
    check_level(level)
    if df < 1 or math.isnan(q):
        return _NONE
    if not 0 <= q < math.inf:
        raise DataError(f"q={q!r} is not a chi-squared statistic")
    k = df + 1
    estimate = max(1.0, math.sqrt(q / df))
    if q > k:
        error = (math.log(q) - math.log(df)) / 2
        error /= math.sqrt(2 * q) - math.sqrt(2 * k - 3)
    elif k > 2:
        error = math.sqrt((1 - 1 / (3 * (k - 2) ** 2)) / (2 * (k - 2)))
    else:
        return Interval(estimate, _NAN, _NAN)
    factor = math.exp(float(ndtri((1 + level) / 2)) * error)
    return Interval(estimate, max(1.0, estimate / factor), estimate * factor)


def i_squared_from_q(q: float, df: int, *, level: float = 0.95) -> Interval:
    """Return I-squared = (H^2 - 1)/H^2 with limits from those of `h_from_q`.

    Examples
    --------
    >>> [round(x, 3) for x in i_squared_from_q(152.233, 12)]
    [0.921, 0.883, 0.947]
    """
    h = h_from_q(q, df, level=level)
    return Interval(*(1 - 1 / x**2 for x in h))


def between_share(
    pooled: Pooled, *, q: float | None = None, level: float | None = None
) -> Interval:
    """Return R_b, the mean of tau2/(v_i + tau2), with its normal interval.

    Its error follows from that of Q by the delta method, where tau2 is the estimate of
    DerSimonian and Laird; limits stay in [0, 1]. Unlike I-squared it needs no typical
    sampling variance.

    Parameters
    ----------
    pooled : Pooled
        Without moderators. NaN for a single trial.
    q : float, optional
        Q around another common effect, from which tau2 was estimated
        (`heterogeneity_around`); Cochran's Q unless given.
    level : float, optional
        That of the fit unless given.

    References
    ----------
    .. [1] Crippa A, Khudyakov P, Wang M, Orsini N, Spiegelman D (2016). A new measure
       of between-studies heterogeneity in meta-analysis. Statistics in Medicine
       35(21), 3661-3675.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.3, 0.75], [0.01, 0.02, 0.05])
    >>> [round(x, 3) for x in between_share(pooled)]
    [0.743, 0.116, 1.0]
    """
    level = pooled.level if level is None else level
    check_level(level)
    if pooled.has_moderators:
        raise NotEstimableError("R_b is derived for a mean, not for moderators")
    if pooled.k < 2:
        return _NONE
    v, tau_squared, df = np.sort(pooled.variance), pooled.tau_squared, pooled.q_df
    weight = 1 / v
    first, second, third = (float((weight**n).sum()) for n in (1, 2, 3))
    trace = first - second / first
    variance_of_q = (
        2 * df
        + 4 * trace * tau_squared
        + 2 * (second - 2 * third / first + (second / first) ** 2) * tau_squared**2
    )
    scaled = v * trace
    excess = (pooled.q if q is None else q) - df
    slope = float((scaled / (excess + scaled) ** 2).mean())
    reach = float(ndtri((1 + level) / 2)) * slope * math.sqrt(variance_of_q)
    estimate = float((tau_squared / (v + tau_squared)).mean())
    return Interval(estimate, max(0.0, estimate - reach), min(1.0, estimate + reach))


def heterogeneity_measures(
    pooled: Pooled, *, source: str = "q", level: float | None = None
) -> pd.DataFrame:
    """Return H, I-squared and R_b of a pooled effect, with intervals.

    Parameters
    ----------
    pooled : Pooled
        Without moderators.
    source : {"q", "tau_squared"}
        What H and I-squared are computed from: Q, with test-based intervals, or the
        between-trial variance, with limits from those of tau2
        (`Pooled.heterogeneity`).
    level : float, optional
        That of the fit unless given.

    Returns
    -------
    DataFrame
        Rows h, i_squared, between_share (R_b); columns estimate, ci_lower, ci_upper
        and `reason` why numbers are NaN, empty where none is.

    Raises
    ------
    NotEstimableError
        With moderators, or from a tau-squared that was not estimated.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.3, 0.75], [0.01, 0.02, 0.05])
    >>> heterogeneity_measures(pooled)["estimate"].round(3).tolist()
    [1.915, 0.727, 0.743]
    """
    one_of("source of H and I-squared", source, FROM)
    level = pooled.level if level is None else level
    share = between_share(pooled, level=level)
    if source == "q":
        h = h_from_q(pooled.q, pooled.q_df, level=level)
        i_squared = i_squared_from_q(pooled.q, pooled.q_df, level=level)
    else:
        rows = pooled.heterogeneity(level=level).T
        h = Interval(*np.sqrt(rows["h_squared"]).tolist())
        i_squared = Interval(*rows["i_squared"].tolist())
    table = pd.DataFrame(
        [h, i_squared, share], index=["h", "i_squared", "between_share"]
    )
    why = "needs at least 2 trials" if pooled.k < 2 else ONLY_ABOVE_TWO
    return table.assign(reason=np.where(table.isna().any(axis=1), why, ""))
