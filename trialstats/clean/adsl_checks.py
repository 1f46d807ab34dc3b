"""What must hold of subjects, and what is only told."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.canonical import plain_number
from trialstats.clean.sources import Source
from trialstats.config.declared import set_flag

Config = Mapping[str, Any]


def require_arm(
    config: Config, adsl: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    """Record an error for each subject without an arm that the trial has."""
    crossover = config["design"] == "crossover"
    name = "TRTSEQP" if crossover else "TRT01P"
    spec = config["adsl"]["variables"][name]
    arms = [config["arms"]["control"], *config["arms"]["treatments"]]
    known = list(config["sequences"]) if crossover else arms
    own = spec.get("source", source.name) == source.name and "column" in spec
    column = spec["column"] if own else name
    values = adsl[name]
    received = source.frame[column].reindex(adsl.index) if own else values
    empty = values.isna() & ~_holds_something(source, received)
    if empty.any():
        ledger.problem(
            "no arm",
            source.name,
            positions=adsl.index[empty],
            column=column,
            values=received[empty],
            remedy="write the arm as randomised",
        )
    unknown = values.notna() & ~values.isin(known)
    if unknown.any():
        ledger.problem(
            "unknown arm label",
            source.name,
            positions=adsl.index[unknown],
            column=column,
            values=values[unknown],
            remedy=f"write one of {', '.join(known)} or list it under recode",
        )


def _holds_something(source: Source, cells: pd.Series) -> pd.Series:
    """Return which cells hold a value and no code for a missing one."""
    codes = set(source.missing_codes)
    numbers = {plain_number(code) for code in codes} - {None}
    coded = {t for t in cells.dropna().unique() if t in codes}
    coded |= {t for t in cells.dropna().unique() if plain_number(t) in numbers}
    return cells.notna() & ~cells.isin(list(coded))


def require_order_of_periods(
    config: Config, adsl: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    """Refuse a period that does not start after the one before it."""
    names = config.get("periods", [])
    variables = config["adsl"]["variables"]
    for earlier, later in pairwise(names):
        wrong = adsl[later] <= adsl[earlier]
        if wrong.any():
            number = names.index(later) + 1
            ledger.problem(
                [
                    f"period {number} does not start after the period before it "
                    f"({before:%Y-%m-%d})"
                    for before in adsl.loc[wrong, earlier]
                ],
                source.name,
                positions=adsl.index[wrong],
                column=variables[later].get("column", later),
                values=adsl.loc[wrong, later],
                remedy="mend one of the two dates",
            )


def query_outside_sets(config: Config, adsl: pd.DataFrame, ledger: Ledger) -> None:
    """Name every subject that an analysis set leaves out."""
    for name, text in config["analysis_sets"].items():
        outside = adsl.loc[adsl[set_flag(name)] != "Y", "USUBJID"]
        if len(outside):
            ledger.query(
                "outside an analysis set",
                config["adsl"]["from"],
                subjects=outside,
                finding=f"not in {name}: {text} does not hold",
                resolution=f"left out of the analyses of {name}",
            )


def query_date_order(config: Config, adsl: pd.DataFrame, ledger: Ledger) -> None:
    """Name dates that stand before one which they follow."""
    for earlier, later in pairwise(config.get("date_order", [])):
        wrong = adsl[later] < adsl[earlier]
        if wrong.any():
            rows = adsl[wrong]
            ledger.query(
                "impossible order of dates",
                config["adsl"]["from"],
                subjects=rows["USUBJID"],
                column=later,
                values=rows[later],
                finding=[f"before {earlier} ({d:%Y-%m-%d})" for d in rows[earlier]],
                resolution="used as received",
            )
