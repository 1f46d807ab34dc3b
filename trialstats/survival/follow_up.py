"""Rows of follow-up, checked: a time, whether the event ended it, and labels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.columns import IntArray, labels_of
from trialstats.linear_model import complete_rows


def follow_up_rows(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    labels: Sequence[str] = (),
    numeric: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row per subject with time and event, labels and numbers.

    Parameters
    ----------
    data : DataFrame
        One row per subject.
    time, event : str
        Columns of the follow-up and of 1 (the event ended it) or 0 (censored). A
        missing one is an error: who was randomised was followed for some time.
    labels : sequence of str
        Columns of labels, none missing.
    numeric : sequence of str
        Columns of numbers; rows that miss one are left out.

    Raises
    ------
    DataError
        When a time is missing or negative, an event is neither 0 nor 1, or a column is
        absent or of a wrong type.
    NotEstimableError
        When no row is left.
    """
    rows = complete_rows(data, numeric=[time, event], labels=[])
    if len(rows) < len(data):
        missing = data[[time, event]].isna()
        at = int(missing.any(axis=1).to_numpy().argmax())
        column = time if missing[time].iloc[at] else event
        raise DataError(
            "the follow-up is missing",
            row=str(data.index[at]),
            column=column,
            remedy="censor the subject when last seen, at 0 if never",
        )
    _refuse(rows[time] < 0, rows[time], time, "the time is negative", "mend it")
    _refuse(
        ~rows[event].isin([0, 1]),
        rows[event],
        event,
        "neither 0 nor 1",
        "write 1 for an event and 0 for censored; CDISC's CNSR is the other way round",
    )
    found = complete_rows(data, numeric=[time, event, *numeric], labels=labels)
    if found.empty:
        raise NotEstimableError(
            f"No row has a value in each of {', '.join([time, event, *numeric])}."
        )
    return found


def _refuse(
    wrong: pd.Series, values: pd.Series, column: str, what: str, remedy: str
) -> None:
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise DataError(
            what,
            row=str(values.index[at]),
            column=column,
            value=float(values.iloc[at]),
            remedy=remedy,
        )


def strata_of(rows: pd.DataFrame, strata: Sequence[str]) -> IntArray:
    """Return the stratum of each row: a number for each combination of labels."""
    stratum = np.zeros(len(rows), dtype=np.intp)
    for name in strata:
        found = labels_of(rows[name], name)
        stratum = stratum * len(found.levels) + found.codes
    return np.unique(stratum, return_inverse=True)[1].reshape(-1)


def risk_sets(
    time: NDArray[np.float64], event: NDArray[np.float64]
) -> tuple[NDArray[np.float64], IntArray, IntArray]:
    """Return the distinct times, and those under observation and events at each.

    A subject censored at the time of an event is still under observation.
    """
    times, place = np.unique(time, return_inverse=True)
    size = len(times)
    leaving = np.bincount(place, minlength=size)
    at_risk = leaving[::-1].cumsum()[::-1]
    events = np.bincount(place, weights=event, minlength=size).round().astype(np.intp)
    return times, at_risk, events
