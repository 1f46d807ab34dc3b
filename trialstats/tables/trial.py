"""All tables of one trial, by the names of their files."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.tables.account import account_table, queries_table, set_aside_table
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.efficacy import efficacy_table
from trialstats.tables.participants import (
    baseline_table,
    disposition_table,
    labels_of,
)
from trialstats.tables.table import Table


def trial_tables(
    rows: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    account: pd.DataFrame,
    queries: pd.DataFrame,
    set_aside: pd.DataFrame,
) -> dict[str, Table]:
    """Return the tables of a trial: one an analysis, and those that describe it.

    Parameters
    ----------
    rows : DataFrame
        All rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Configuration of the trial, with its name under ``id``.
    account : DataFrame
        Counts of `trialstats.clean.account.account_counts`.
    queries, set_aside : DataFrame
        Schemas `QUERIES` and `SET_ASIDE`.

    Returns
    -------
    dict of str to Table
        By the name of the analysis, or baseline, disposition, account, queries,
        set_aside.
    """
    made = {
        name: _analysis_table(rows, trial, name, analysis["model"]["type"])
        for name, analysis in trial["analyses"].items()
    }
    return made | {
        "baseline": baseline_table(rows, labels_of(trial), trial=trial),
        "disposition": disposition_table(rows, trial=trial),
        "account": account_table(account, trial=trial),
        "queries": queries_table(queries, trial=trial),
        "set_aside": set_aside_table(set_aside, trial=trial),
    }


def _analysis_table(
    rows: pd.DataFrame, trial: Mapping[str, Any], name: str, model: str
) -> Table:
    if model == "adverse_events":
        return adverse_events_table(rows[rows["analysis"] == name], trial=trial)
    return efficacy_table(rows, trial=trial, analysis=name)
