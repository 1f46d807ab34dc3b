"""All tables of one synthesis: those for which it has rows."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from trialstats.tables.heterogeneity import (
    components_table,
    meta_regression_table,
    small_study_table,
    subgroups_table,
)
from trialstats.tables.pools import published_pools_table
from trialstats.tables.sensitivity import influence_table, sensitivity_table
from trialstats.tables.synthesis import trial_effects_table
from trialstats.tables.table import Table

#: Name of a table -> the statistic whose rows it needs, how it is made, and whether it
#: prints the names of trials.
_TABLES: dict[str, tuple[str, Callable[..., Table], bool]] = {
    "trials": ("effect", trial_effects_table, True),
    "published_pools": ("published_pool", published_pools_table, False),
    "sensitivity": ("pooled_effect", sensitivity_table, True),
    "components": ("variance_component", components_table, False),
    "subgroups": ("subgroup_effect", subgroups_table, False),
    "meta_regression": ("coefficient", meta_regression_table, False),
    "influence": ("studentized_residual", influence_table, True),
    "small_study": ("egger_test", small_study_table, False),
}


def synthesis_tables(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, Table]:
    """Make the tables of one synthesis.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    dict of str to Table
        In the order of the report.
    """
    found = set(rows["statistic"])
    named: dict[str, Any] = {"synthesis": synthesis}
    return {
        name: make(rows, **named, **({"labels": labels} if labelled else {}))
        for name, (statistic, make, labelled) in _TABLES.items()
        if statistic in found
    }
