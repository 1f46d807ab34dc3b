"""A pooled effect when trials are left out, or come in one after another."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialstats.errors import DataError
from trialstats.meta.inputs import row_label, unmasked
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.refitting import Refits, refit


def leave_one_out(pooled: Pooled, *, cluster: ArrayLike | None = None) -> pd.DataFrame:
    """Pool all trials but one, for each of them.

    Parameters
    ----------
    pooled : Pooled
        The fit of all k trials.
    cluster : array_like of shape (k,), optional
        What is left out together, such as the trials of one sponsor.

    Returns
    -------
    DataFrame
        One row for each trial left out (in the order of the input; for each cluster in
        sorted order) and coefficient: `omitted` (position from 0, or the cluster),
        `term`, `k` trials that remain, `estimate`, `standard_error`, `statistic`,
        `df`, `p_value`, `ci_lower`, `ci_upper`, `tau_squared`, `i_squared`,
        `h_squared`, `q`, `q_df`, `q_p_value`, and `reason` why numbers are NaN, empty
        where none is.

    Raises
    ------
    DataError
        For clusters that do not fit the trials.

    Notes
    -----
    Sensitivity analysis of Viechtbauer and Cheung [1]_. A trial that remains alone
    gives its own effect with a normal interval.

    References
    ----------
    .. [1] Viechtbauer W, Cheung MW-L (2010). Outlier and influence diagnostics for
       meta-analysis. Research Synthesis Methods 1(2), 112-125.
    """
    check_pooled(pooled, "leave_one_out")
    if cluster is None:
        names: Any = np.arange(pooled.k)
        belongs = np.eye(pooled.k, dtype=bool)
    else:
        labels = _labels("cluster", cluster, pooled)
        names = np.unique(labels)
        belongs = labels == names[:, np.newaxis]
    fits = refit(pooled, include=~belongs)
    return tidy(fits, pooled, "omitted", names)


def cumulative(
    pooled: Pooled,
    *,
    order: ArrayLike | None = None,
    collapse: bool = False,
    decreasing: bool = False,
) -> pd.DataFrame:
    """Pool the first trial, the first two, and so on to all.

    Parameters
    ----------
    pooled : Pooled
        The fit of all k trials.
    order : array_like of shape (k,), optional
        What the trials are sorted by, such as the year; the order of the input when
        absent. Ties come in one by one, in the order of the input.
    collapse : bool
        Let trials that tie in `order` come in together.
    decreasing : bool
        Begin with the largest of `order`.

    Returns
    -------
    DataFrame
        Columns as in `leave_one_out`, with `added` (position from 0 of the trial that
        came in last) in the place of `omitted`, and `order`, its value; with `collapse`
        `added` is that value.

    Raises
    ------
    DataError
        For an `order` of another length or with missing values.

    References
    ----------
    .. [1] Lau J, Antman EM, Jimenez-Silva J, Kupelnick B, Mosteller F, Chalmers TC
       (1992). Cumulative meta-analysis of therapeutic trials for myocardial
       infarction. New England Journal of Medicine 327(4), 248-254.
    """
    check_pooled(pooled, "cumulative")
    if order is None:
        if collapse:
            raise DataError("collapse needs an order", remedy="pass order=")
        values = np.arange(pooled.k)
    else:
        values = _labels("order", order, pooled)
    levels, rank = np.unique(values, return_inverse=True)
    if decreasing:
        rank, levels = len(levels) - 1 - rank, levels[::-1]
    if collapse:
        included = rank <= np.arange(len(levels))[:, np.newaxis]
        names: Any = levels
    else:
        names = np.argsort(rank, kind="stable")
        place = np.empty(pooled.k, dtype=np.intp)
        place[names] = np.arange(pooled.k)
        included = place <= np.arange(pooled.k)[:, np.newaxis]
    table = tidy(refit(pooled, include=included), pooled, "added", names)
    if order is not None and not collapse:
        table.insert(1, "order", np.repeat(values[names], len(pooled.terms)))
    return table


def _labels(column: str, values: ArrayLike, pooled: Pooled) -> np.ndarray[Any, Any]:
    """Return one label a trial, none of them missing."""
    labels = np.asarray(unmasked(values))
    if labels.shape != (pooled.k,):
        raise DataError(
            f"{column} has shape {labels.shape} and there are {pooled.k} trials",
            column=column,
            remedy="give one value a trial",
        )
    absent = np.flatnonzero(np.asarray(pd.isna(labels)))
    if absent.size:
        raise DataError("missing", row=row_label(int(absent[0])), column=column)
    return labels


def tidy(fits: Refits, pooled: Pooled, column: str, names: Any) -> pd.DataFrame:
    """Return fits as a table: one row a fit and coefficient."""
    p = len(pooled.terms)
    tests = fits.tests

    def each(values: Any) -> Any:
        return np.repeat(values, p)

    heterogeneity = ("tau_squared", "i_squared", "h_squared", "q", "q_df", "q_p_value")
    return pd.DataFrame(
        {
            column: each(names),
            "term": np.tile(np.asarray(pooled.terms, dtype=object), len(fits.k)),
            "k": each(fits.k),
            "estimate": fits.coefficient.ravel(),
            "standard_error": tests.standard_error.ravel(),
            "statistic": tests.statistic.ravel(),
            "df": tests.df.ravel(),
            "p_value": tests.p_value.ravel(),
            "ci_lower": tests.ci_lower.ravel(),
            "ci_upper": tests.ci_upper.ravel(),
            **{name: each(getattr(fits, name)) for name in heterogeneity},
            "reason": each(fits.reason),
        }
    )
