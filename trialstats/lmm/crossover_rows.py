"""Rows of a crossover, checked, under the model's own names of columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import (
    Estimate,
    check_arms,
    check_subjects,
    complete_rows,
)

#: Columns of the rows; formulas of the models are written with them.
RESPONSE, SUBJECT, BASELINE = "response", "subject", "baseline"
TREATMENT, PERIOD, SEQUENCE = "treatment", "period", "sequence"


@dataclass(frozen=True, slots=True)
class CrossoverRows:
    """Rows with a response, and what can be counted before a model is fitted."""

    frame: pd.DataFrame
    treatments: tuple[str, ...]
    periods: tuple[Any, ...]
    sequences: tuple[Any, ...]
    n_observed: dict[str, int]
    n_subjects: int
    n_complete: int


def crossover_rows(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
    treatments: Sequence[str] | None,
    baseline: str | None = None,
) -> CrossoverRows:
    """Return the rows with a response (and a baseline), control first.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described, a subject has two rows
        in one period, or changes its sequence.
    NotEstimableError
        When a treatment has no data, or only one period or sequence has.
    """
    numeric = [response] if baseline is None else [response, baseline]
    rows = complete_rows(
        data, numeric=numeric, labels=[subject, treatment, period, sequence]
    )
    if treatments is None:
        treatments = [t for t in _sorted(rows, treatment) if t != control]
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    check_subjects(rows, subject=subject, occasion=period, fixed=sequence)
    observed = {arm: int((rows[treatment] == arm).sum()) for arm in arms}
    for arm, count in observed.items():
        if count == 0:
            raise NotEstimableError(f"{arm} has no subject with {response}.")
    periods, sequences = _sorted(rows, period), _sorted(rows, sequence)
    for name, levels in ((period, periods), (sequence, sequences)):
        if len(levels) < 2:
            raise NotEstimableError(f"Only one level of {name} has data: {levels[0]}.")
    columns = {
        RESPONSE: rows[response].to_numpy(),
        SUBJECT: rows[subject].to_numpy(),
        TREATMENT: pd.Categorical(rows[treatment], categories=arms),
        PERIOD: pd.Categorical(rows[period], categories=periods),
        SEQUENCE: pd.Categorical(rows[sequence], categories=sequences),
    }
    if baseline is not None:
        columns[BASELINE] = rows[baseline].to_numpy()
    sizes = rows.groupby(subject, sort=False).size()
    return CrossoverRows(
        frame=pd.DataFrame(columns),
        treatments=tuple(arms),
        periods=tuple(periods),
        sequences=tuple(sequences),
        n_observed=observed,
        n_subjects=len(sizes),
        n_complete=int((sizes == len(periods)).sum()),
    )


def _sorted(rows: pd.DataFrame, column: str) -> list[Any]:
    found = list(rows[column].unique())
    try:
        return sorted(found)
    except TypeError:
        raise DataError(
            "the labels have no order: they are of several types",
            column=column,
            remedy="convert the column to text",
        ) from None


def estimate_of(row: Any, level: float) -> Estimate:
    """Return a row of a table of estimates as an Estimate."""
    return Estimate(
        estimate=float(row.estimate),
        standard_error=float(row.standard_error),
        df=float(row.df),
        level=level,
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        statistic=float(row.statistic),
        p_value=float(row.p_value),
    )
