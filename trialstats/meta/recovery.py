"""Recover standard deviations and the correlations of repeated results.

Every function returns a frame with a row for each row that came in, the recovered
numbers, and `how`: the formula and what it was fed with. Standard errors of effects
stand in `trialstats.meta.standard_errors`, means from medians in
`trialstats.meta.five_numbers`, tables in `trialstats.meta.recovered_tables`, hazard
ratios in `trialstats.meta.log_rank`.
"""

import numpy as np
import pandas as pd

from trialstats.meta.inputs import FloatArray, Values, refuse
from trialstats.meta.measures import (
    Call,
    no_notes,
    read_columns,
    refuse_deviations,
    refuse_outside,
    refuse_sizes,
)
from trialstats.meta.standard_errors import errors_of, recovered_frame


def recover_standard_deviations(
    *,
    n: Values,
    standard_error: Values = None,
    ci_lower: Values = None,
    ci_upper: Values = None,
    level: Values = 0.95,
    normal: bool = False,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover the standard deviation of a group from its mean's error or interval.

    Parameters
    ----------
    n : array_like of shape (k,) or str
        Participants.
    standard_error : array_like of shape (k,) or str, optional
        Standard error of the mean: SD = standard_error sqrt(n).
    ci_lower, ci_upper : array_like of shape (k,) or str, optional
        Interval of the mean, used where there is no standard error.
    level : array_like of shape (k,), number or str
        Confidence levels.
    normal : bool
        The intervals were made with the normal quantile and not with Student's t of
        n - 1 degrees of freedom.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns standard_deviation and how.

    Raises
    ------
    DataError
        For a row without source, an error of zero or less, n below 2, or limits that
        are not in order.

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.5.2.2: obtaining standard deviations from standard errors and
       confidence intervals for group means.

    Examples
    --------
    >>> found = recover_standard_deviations(n=[25], ci_lower=[30], ci_upper=[34.2])
    >>> found["standard_deviation"].round(2).tolist()
    [5.09]
    """
    given = dict(
        n=n,
        standard_error=standard_error,
        ci_lower=ci_lower,
        ci_upper=ci_upper,
        level=level,
    )
    names = ("standard_error", "ci_lower", "ci_upper", "level")
    columns = read_columns(Call(given, data), ["n"], names)
    size = columns["n"]
    refuse_sizes(columns, {"n": 2})
    error = columns.get("standard_error", np.full(len(size), np.nan))
    refuse(
        error <= 0,
        "the standard error is not above zero",
        column="standard_error",
        values=error,
    )
    sources: dict[str, FloatArray] = {}
    sources |= {x: columns[x] for x in names[1:] if x in columns}
    if not normal:
        sources["df"] = size - 1
    open_ = np.isnan(error)
    how = no_notes(len(size))
    how[~open_] = "SD = standard error x sqrt(n)"
    if open_.any():
        of_interval, words = errors_of(sources, open_)
        error = np.where(open_, of_interval, error)
        how[open_] = [f"SD = standard error x sqrt(n); {text}" for text in words[open_]]
    return recovered_frame({"standard_deviation": error * np.sqrt(size)}, how, data)


def recover_pooled_deviations(
    *,
    n1: Values,
    n2: Values,
    difference: Values = None,
    standard_error: Values = None,
    ci_lower: Values = None,
    ci_upper: Values = None,
    t: Values = None,
    f: Values = None,
    p_value: Values = None,
    level: Values = 0.95,
    normal: bool = False,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover the standard deviation within two arms from their difference.

    SD = standard_error / sqrt(1/n1 + 1/n2), the same in both arms. The error is that
    of the difference, or follows from interval, t, F or p-value with n1 + n2 - 2
    degrees of freedom. Of an adjusted difference it is the residual SD.

    Parameters
    ----------
    n1, n2 : array_like of shape (k,) or str
        Participants of the arms.
    difference : array_like of shape (k,) or str, optional
        Mean differences; needed with t, F or p-value.
    standard_error, ci_lower, ci_upper, t, f, p_value : array_like or str, optional
        Sources, in the order of preference.
    level : array_like of shape (k,), number or str
        Confidence levels.
    normal : bool
        Interval and p-value were made with the normal distribution.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns standard_deviation and how.

    Raises
    ------
    DataError
        As `recover_standard_errors`; for an arm with fewer than two participants.

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.5.2.3: obtaining standard deviations from standard errors, confidence
       intervals, t statistics and P values for differences in means.

    Examples
    --------
    >>> found = recover_pooled_deviations(n1=25, n2=22, difference=[3.8], p_value=0.008)
    >>> found["standard_deviation"].round(2).tolist()
    [4.68]
    """
    given = dict(
        n1=n1, n2=n2, effect=difference, standard_error=standard_error,
        ci_lower=ci_lower, ci_upper=ci_upper, t=t, f=f, p_value=p_value, level=level,
    )  # fmt: skip
    sources = ("effect", "ci_lower", "ci_upper", "t", "f", "p_value", "level")
    columns = read_columns(
        Call(given, data), ["n1", "n2"], (*sources, "standard_error")
    )
    refuse_sizes(columns, {"n1": 2, "n2": 2})
    first, second = columns["n1"], columns["n2"]
    error = columns.get("standard_error", np.full(len(first), np.nan))
    refuse(
        error <= 0,
        "the standard error is not above zero",
        column="standard_error",
        values=error,
    )
    known = {x: columns[x] for x in sources if x in columns}
    if not normal:
        known["df"] = first + second - 2
    open_ = np.isnan(error)
    how = no_notes(len(first))
    base = "SD = standard error / sqrt(1/n1 + 1/n2)"
    how[~open_] = base
    if open_.any():
        found, words = errors_of(known, open_, {"effect": "difference"})
        error = np.where(open_, found, error)
        how[open_] = [f"{base}; {text}" for text in words[open_]]
    deviation = error / np.sqrt(1 / first + 1 / second)
    return recovered_frame({"standard_deviation": deviation}, how, data)


def recover_change_deviations(
    *,
    sd1: Values,
    sd2: Values,
    correlation: Values,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the standard deviation of the change between two conditions.

    sqrt(sd1^2 + sd2^2 - 2 r sd1 sd2).

    Parameters
    ----------
    sd1, sd2 : array_like of shape (k,) or str
        Standard deviations under the two conditions, such as before and after.
    correlation : array_like of shape (k,), number or str
        r of a participant's two results, in [-1, 1]; one number holds for all rows.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns standard_deviation and how.

    Raises
    ------
    DataError
        For a deviation of zero or less, or a correlation beyond 1.

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.5.2.8: imputing standard deviations for changes from baseline.

    Examples
    --------
    >>> found = recover_change_deviations(sd1=[4.0], sd2=[4.4], correlation=0.78)
    >>> found["standard_deviation"].round(2).tolist()
    [2.81]
    """
    given = dict(sd1=sd1, sd2=sd2, correlation=correlation)
    columns = read_columns(Call(given, data), list(given))
    refuse_deviations(columns, ["sd1", "sd2"])
    first, second, r = columns["sd1"], columns["sd2"], columns["correlation"]
    refuse_outside(r, "correlation", -1, 1, "a correlation")
    square = first**2 + second**2 - 2 * r * first * second
    how = no_notes(len(r))
    how[:] = [
        f"SD of the change = sqrt(sd1^2 + sd2^2 - 2 r sd1 sd2), r = {x:g}" for x in r
    ]
    return recovered_frame(
        {"standard_deviation": np.sqrt(np.maximum(square, 0))}, how, data
    )


def recover_correlations(
    *,
    sd1: Values,
    sd2: Values,
    sd_change: Values,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover the correlation of two results from the three standard deviations.

    r = (sd1^2 + sd2^2 - sd_change^2) / (2 sd1 sd2).

    Parameters
    ----------
    sd1, sd2, sd_change : array_like of shape (k,) or str
        Standard deviations under the two conditions and of the change.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns correlation and how; NaN with the reason where no correlation gives
        these three.

    Raises
    ------
    DataError
        For a deviation of zero or less.

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.5.2.8.

    Examples
    --------
    >>> found = recover_correlations(sd1=[6.4], sd2=[7.1], sd_change=[4.5])
    >>> found["correlation"].round(2).tolist()
    [0.78]
    """
    given = dict(sd1=sd1, sd2=sd2, sd_change=sd_change)
    columns = read_columns(Call(given, data), list(given))
    refuse_deviations(columns, list(given))
    first, second, change = (columns[name] for name in given)
    r = (first**2 + second**2 - change**2) / (2 * first * second)
    how = no_notes(len(r))
    how[:] = "r = (sd1^2 + sd2^2 - sd_change^2) / (2 sd1 sd2)"
    for row in np.flatnonzero(np.abs(r) > 1):
        how[row] = (
            f"not recovered: no correlation gives these deviations (r = {r[row]:.3g})"
        )
    return recovered_frame(
        {"correlation": np.where(np.abs(r) > 1, np.nan, r)}, how, data
    )
