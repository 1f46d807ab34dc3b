"""The log-rank test of two groups or more, in strata or without.

    O_g - E_g = sum_j (d_gj - d_j n_gj / n_j)
    V_gh = sum_j d_j (n_j - d_j) / (n_j - 1) (n_gj / n_j) ([g = h] - n_hj / n_j)

Sums go over the distinct times of events, within each stratum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trialstats.adjustment import check_roles
from trialstats.errors import NotEstimableError
from trialstats.fixed_effects.columns import IntArray, labels_of
from trialstats.linear_model import FloatArray
from trialstats.small_sample import independent
from trialstats.survival.follow_up import follow_up_rows, strata_of


@dataclass(frozen=True, slots=True)
class LogRank:
    """A log-rank test.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square on groups minus one degrees of freedom, fewer when some group is
        never at risk together with another.
    n, observed, expected : mapping
        Group -> subjects, events, events expected under equal hazards.
    covariance : DataFrame
        Of observed minus expected, group by group.
    """

    statistic: float
    df: int
    p_value: float
    n: Mapping[Any, int]
    observed: Mapping[Any, int]
    expected: Mapping[Any, float]
    covariance: pd.DataFrame = field(repr=False)


def log_rank_test(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    group: str,
    strata: Sequence[str] = (),
) -> LogRank:
    """Test that the hazards of groups are equal.

    Parameters
    ----------
    data : DataFrame
        One row per subject.
    time, event : str
        Columns of the follow-up, and of 1 (event) or 0 (censored).
    group : str
        Column of labels, such as the arm.
    strata : sequence of str
        Columns of labels; groups are compared within each of their combinations.

    Returns
    -------
    LogRank

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described.
    NotEstimableError
        When there is one group, no event, or no event while two groups are at risk.

    References
    ----------
    .. [1] Mantel N (1966). Evaluation of survival data and two new rank order
       statistics arising in its consideration. Cancer Chemotherapy Reports 50(3),
       163-170.
    .. [2] Peto R, Peto J (1972). Asymptotically efficient rank invariant test
       procedures. Journal of the Royal Statistical Society A 135(2), 185-207.
    """
    check_roles({"time": time, "event": event, "group": group}, {"strata": strata})
    rows = follow_up_rows(data, time=time, event=event, labels=[group, *strata])
    found = labels_of(rows[group], group)
    names, codes = found.levels, np.asarray(found.codes)
    if len(names) < 2:
        raise NotEstimableError(f"Only one level of {group} has data: {names[0]}.")
    times, events = rows[time].to_numpy(), rows[event].to_numpy()
    if not events.any():
        raise NotEstimableError(f"No {event} in any group: hazards have no test.")
    stratum = strata_of(rows, strata)
    expected, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for each in range(int(stratum.max()) + 1):
        own = stratum == each
        part = _stratum(times[own], events[own], codes[own], len(names))
        expected += part[0]
        variance += part[1]
    observed = np.bincount(codes, weights=events, minlength=len(names))
    try:
        variances, basis = independent(np.eye(len(names)), variance)
    except NotEstimableError:
        raise NotEstimableError(
            "No event happens while two groups are at risk: hazards have no test."
        ) from None
    statistic = float(((basis @ (observed - expected)) ** 2 / variances).sum())
    labels = list(names)
    return LogRank(
        statistic=statistic,
        df=len(variances),
        p_value=float(stats.chi2.sf(statistic, len(variances))),
        n=_named(labels, np.bincount(codes, minlength=len(names)).tolist()),
        observed=_named(labels, observed.astype(int).tolist()),
        expected=_named(labels, expected.tolist()),
        covariance=pd.DataFrame(variance, index=labels, columns=labels),
    )


def _stratum(
    time: FloatArray, event: FloatArray, group: IntArray, size: int
) -> tuple[FloatArray, FloatArray]:
    """Return expected events and the covariance of observed minus expected."""
    times, place = np.unique(time, return_inverse=True)
    shape = (len(times), size)
    at = place.reshape(-1) * size + group
    leaving = np.bincount(at, minlength=shape[0] * size).reshape(shape)
    at_risk = leaving[::-1].cumsum(axis=0)[::-1].astype(float)
    deaths = np.bincount(place.reshape(-1), weights=event, minlength=len(times))
    n = at_risk.sum(axis=1)
    share = at_risk / n[:, None]
    expected = (deaths[:, None] * share).sum(axis=0)
    factor = deaths * (n - deaths) / np.maximum(n - 1, 1)
    weighted = share * factor[:, None]
    variance = np.diag(weighted.sum(axis=0)) - weighted.T @ share
    return expected, variance


def _named(labels: list[Any], values: list[Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(zip(labels, values, strict=True)))
