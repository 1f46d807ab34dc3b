"""Rows of a crossover, checked, under the model's own names of columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.columns import labels_of
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
    """Rows with a response, and what can be counted before a model is fitted.

    ``mixed`` names the sequences and periods in which more than one treatment is
    given.
    """

    frame: pd.DataFrame
    treatments: tuple[str, ...]
    periods: tuple[Any, ...]
    sequences: tuple[Any, ...]
    n_observed: dict[str, int]
    n_subjects: int
    n_complete: int
    mixed: tuple[str, ...]


def crossover_rows(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
    treatments: Sequence[str] | str | None,
    baseline: str | None = None,
) -> CrossoverRows:
    """Return the rows with a response (and a baseline), control first.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described, a subject has two rows
        in one period, or changes its sequence.
    NotEstimableError
        When no row has a response, a treatment has no data, or only one period or
        sequence has.
    """
    numeric = [response] if baseline is None else [response, baseline]
    rows = complete_rows(
        data, numeric=numeric, labels=[subject, treatment, period, sequence]
    )
    if rows.empty:
        raise NotEstimableError(f"No row has a value of {' and '.join(numeric)}.")
    # For its error, which has the column's own name.
    labels_of(rows[subject], subject)
    labels = _levels(rows, data, treatment)
    if not np.isscalar(control):
        raise DataError(
            "the control is one treatment",
            value=control,
            remedy=f"name one of {', '.join(map(repr, labels))}",
        )
    arms: list[Any] = [control]
    if treatments is None:
        arms += [t for t in labels if t != control]
    else:
        # A label by itself may be a number too.
        arms += [treatments] if np.isscalar(treatments) else list(treatments)
    _check_spelling(arms, labels, treatment)
    arms = check_arms(rows, treatment, control=control, treatments=arms[1:])
    check_subjects(rows, subject=subject, occasion=period, fixed=sequence)
    observed = {arm: int((rows[treatment] == arm).sum()) for arm in arms}
    for arm, count in observed.items():
        if count == 0:
            raise NotEstimableError(f"{arm} has no subject with {response}.")
    periods, sequences = (_levels(rows, data, name) for name in (period, sequence))
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
        mixed=_mixed_cells(rows, sequence, period, treatment),
    )


def _levels(rows: pd.DataFrame, data: pd.DataFrame, column: str) -> list[Any]:
    """Return the labels of the rows used: a Categorical's in its order, or sorted."""
    if isinstance(data[column].dtype, pd.CategoricalDtype):
        found = set(rows[column])
        return [label for label in data[column].cat.categories if label in found]
    return list(labels_of(rows[column], column).levels)


def _check_spelling(arms: Sequence[Any], labels: Sequence[Any], column: str) -> None:
    """Raise DataError for an arm written as text where the labels are numbers."""
    written = {str(label) for label in labels}
    for arm in arms:
        if arm not in labels and str(arm) in written:
            raise DataError(
                f"not a label of {column}",
                value=arm,
                remedy=f"the labels are {', '.join(map(repr, labels))}",
            )


def _mixed_cells(
    rows: pd.DataFrame, sequence: str, period: str, treatment: str
) -> tuple[str, ...]:
    """Return the sequences and periods, in words, with more than one treatment."""
    given: dict[tuple[Any, Any], set[str]] = {}
    for row in zip(rows[sequence], rows[period], rows[treatment], strict=True):
        given.setdefault(row[:2], set()).add(str(row[2]))
    return tuple(
        sorted(
            f"{cell[0]} in period {cell[1]} ({', '.join(sorted(found))})"
            for cell, found in given.items()
            if len(found) > 1
        )
    )


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
