"""Estimates with t intervals and tests, all rows of a table in one call."""

import numpy as np
import pandas as pd
from scipy import special

from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import FloatArray, check_level
from trialstats.small_sample import SmallSample


def t_table(
    estimate: FloatArray, standard_error: FloatArray, df: FloatArray, *, level: float
) -> pd.DataFrame:
    """Return estimates with the t interval and the two-sided test of zero.

    Parameters
    ----------
    estimate, standard_error, df : (c,) arrays
        The errors and the degrees of freedom are positive; infinite degrees of
        freedom mean the normal distribution.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    DataFrame
        ``estimate, standard_error, df, statistic, p_value, ci_lower, ci_upper``.

    Raises
    ------
    DataError
        When the level is no number in (0, 1).
    NotEstimableError
        When a standard error or degrees of freedom are not positive numbers.
    """
    if isinstance(level, bool) or not isinstance(level, (int, float, np.number)):
        raise DataError(
            "the confidence level is not a number", value=level, remedy="write 0.95"
        )
    check_level(level)
    if not (np.isfinite(standard_error) & (standard_error > 0)).all():
        raise NotEstimableError("A contrast has no variance: nothing to estimate.")
    if not (df > 0).all():
        raise NotEstimableError("A contrast has no degrees of freedom.")
    statistic = estimate / standard_error
    half_width = t_quantile(df, level) * standard_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "standard_error": standard_error,
            "df": df,
            "statistic": statistic,
            "p_value": two_sided(statistic, df),
            "ci_lower": estimate - half_width,
            "ci_upper": estimate + half_width,
        }
    )


def two_sided(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Return the two-sided p values of t statistics; the small tail is kept."""
    lower = -np.abs(statistic)
    normal = np.isinf(df)
    tail = special.stdtr(np.where(normal, 1.0, df), lower)
    return np.asarray(2 * np.where(normal, special.ndtr(lower), tail))


def t_quantile(df: FloatArray, level: float) -> FloatArray:
    """Return the half width, in standard errors, of an interval at `level`."""
    below = (1 - level) / 2
    normal = np.isinf(df)
    quantile = special.stdtrit(np.where(normal, 1.0, df), below)
    return np.asarray(-np.where(normal, special.ndtri(below), quantile))


def linear_table(
    contrasts: FloatArray, beta: FloatArray, rule: SmallSample, *, level: float
) -> pd.DataFrame:
    """Return ``L beta`` with errors and degrees of freedom by a small-sample rule.

    Parameters
    ----------
    contrasts : (c, p) array
    beta : (p,) array
    rule : SmallSample
        Gives the covariance of the coefficients and the degrees of freedom.
    level : float

    Returns
    -------
    DataFrame
        As `t_table`, a row a contrast.
    """
    standard_error, df = errors_of(contrasts, rule)
    return t_table(contrasts @ beta, standard_error, df, level=level)


def errors_of(
    contrasts: FloatArray, rule: SmallSample
) -> tuple[FloatArray, FloatArray]:
    """Return standard errors and degrees of freedom, (c,) each, of (c, p) contrasts.

    Raises
    ------
    NotEstimableError
        When a contrast has no variance.
    """
    variance = np.einsum(
        "cp,pq,cq->c", contrasts, rule.covariance, contrasts, optimize=True
    )
    if not (variance > 0).all():
        raise NotEstimableError("A contrast has no variance: nothing to estimate.")
    return np.sqrt(variance), np.asarray(rule.degrees_of_freedom(contrasts), float)
