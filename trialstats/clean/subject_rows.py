"""One value a subject from several rows: the first, the lowest, how many."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.canonical import numbers_of
from trialstats.clean.sources import Source
from trialstats.clean.values import read_column

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
        chosen = source.holds(spec["where"])
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
    rows = source.rows(held.to_numpy())
    cells = rows.column(spec["by"]).mask(rows.codes(spec["by"]).notna())
    order = pd.Series(numbers_of(cells, source.decimal), index=cells.index)
    if (order.isna() & cells.notna()).any():
        order = read_column(rows, {"column": spec["by"], "type": "date"}, ledger)
    without = order.isna()
    if without.any():
        ledger.problem(
            f"nothing to order the row by, and `take: {spec['take']}` needs it",
            source.name,
            positions=order.index[without],
            column=spec["by"],
            remedy="fill the cell, or leave such rows out by `where`",
        )
    ordered: pd.Index = order.sort_values(kind="stable").index
    return ordered
