"""Every table of one trial analysed from individual data, by name."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.tables.account import account_table, changes_table
from trialstats.tables.adverse_events import adverse_events_table
from trialstats.tables.declared import CLEANING as CLEANING
from trialstats.tables.declared import declared_table, table_names
from trialstats.tables.descriptions import LAYOUTS, description_table
from trialstats.tables.dictionary import dictionary_table
from trialstats.tables.efficacy import efficacy_table
from trialstats.tables.participants import (
    baseline_table,
    disposition_table,
    labels_of,
)
from trialstats.tables.quality import (
    quality_table,
    queries_table,
    set_aside_table,
)
from trialstats.tables.table import Table


def trial_tables(
    rows: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    account: pd.DataFrame,
    changes: pd.DataFrame,
    queries: pd.DataFrame,
    set_aside: pd.DataFrame,
    dictionary: pd.DataFrame,
    datasets: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Table]:
    """Tabulate one trial: its analyses, its participants and its cleaning.

    Parameters
    ----------
    rows : DataFrame
        All rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Configuration of the trial, with its name under ``id``.
    account, changes : DataFrame
        Schemas `cleaning_rows.STEPS` and `cleaning_rows.CHANGES`.
    queries, set_aside : DataFrame
        Schemas `QUERIES` and `SET_ASIDE`.
    dictionary : DataFrame
        Schema `trialstats.exports.DATA_DICTIONARY`.
    datasets : mapping of str to DataFrame, optional
        Analysis datasets, by the names of `table_templates.DATASETS`, for listings.

    Returns
    -------
    dict of str to Table
        By the names of `table_names`: declared tables, an analysis each where none is
        declared, ``baseline``, ``disposition`` and those of `CLEANING`. The ``id`` of
        each table is trial and name.
    """
    made = {
        name: declared_table(
            rows, trial=trial, name=name, usual=analysis_table, datasets=datasets
        )
        for name in trial.get("tables", {})
    }
    for name in table_names(trial):
        if name not in made and name in trial["analyses"]:
            made[name] = analysis_table(rows, trial, name)
    return made | {
        "baseline": baseline_table(rows, labels_of(trial), trial=trial),
        "disposition": disposition_table(rows, trial=trial),
        "account": account_table(account, trial=trial),
        "changes": changes_table(changes, trial=trial),
        "quality": quality_table(queries, trial=trial),
        "queries": queries_table(queries, trial=trial),
        "set_aside": set_aside_table(set_aside, trial=trial),
        "dictionary": dictionary_table(dictionary, trial=trial),
    }


def analysis_table(rows: pd.DataFrame, trial: Mapping[str, Any], name: str) -> Table:
    """Tabulate an analysis in the way that its type has by default."""
    if trial["analyses"][name]["model"]["type"] == "adverse_events":
        part = rows[rows["analysis"] == name]
        return adverse_events_table(part, trial=trial)
    if trial["analyses"][name]["model"]["type"] in LAYOUTS:
        return description_table(rows, trial=trial, analysis=name)
    return efficacy_table(rows, trial=trial, analysis=name)
