"""One value a subject from several rows: the first, the lowest, how many."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.sources import Source
from trialstats.clean.values import read_column
from trialstats.expressions import condition

Spec = Mapping[str, Any]


def variable_of_rows(
    spec: Spec, source: Source, subjects: pd.Series, ledger: Ledger
) -> pd.Series:
    """Return one value for each subject that has a row.

    Parameters
    ----------
    spec : mapping
        Variable of the configuration with ``take``.
    source : Source
        Rows of subjects in the trial.
    subjects : Series of str
        Subject of each row.
    ledger : Ledger
        Receives alterations and errors of the column.

    Returns
    -------
    Series
        On the subjects; missing where no row counts, but for count (0) and any (N).
    """
    everybody = pd.Index(subjects.unique())
    if "where" in spec:
        chosen = condition(spec["where"], source.frame).to_numpy(dtype=bool)
        source, subjects = source.rows(chosen), subjects[chosen]
    take = spec["take"]
    if take == "any":
        having = everybody.isin(subjects.unique())
        return pd.Series(np.where(having, "Y", "N"), index=everybody)
    values = read_column(source, spec, ledger)
    held = values.notna()
    values, subjects = values[held], subjects[held]
    groups = values.groupby(subjects.to_numpy(), sort=False)
    if take == "count":
        return groups.size().reindex(everybody, fill_value=0)
    if take in ("first", "last"):
        order = _order(spec, source, held, ledger)
        sorted_values = values.loc[order]
        groups = sorted_values.groupby(subjects.loc[order].to_numpy(), sort=False)
    method = str({"lowest": "min", "highest": "max"}.get(take, take))
    found: pd.Series = getattr(groups, method)()
    return found


def _order(spec: Spec, source: Source, held: pd.Series, ledger: Ledger) -> pd.Index:
    """Return the positions that hold a value, in the order of `by` and of the file."""
    if "by" not in spec:
        return held.index[held]
    cells = source.frame.loc[held, spec["by"]]
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        dated = read_column(
            source.rows(held.to_numpy()), {"column": spec["by"], "type": "date"}, ledger
        )
        by_date: pd.Index = dated.sort_values(kind="stable").index
        return by_date
    by_number: pd.Index = numbers.sort_values(kind="stable").index
    return by_number
