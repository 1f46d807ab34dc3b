"""The data dictionary of a trial, to be read by people."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.records import Record, distinct, find, identified
from trialstats.tables.cells import text_cell
from trialstats.tables.quality import name_of
from trialstats.tables.shortened import brief
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Row, Table, of_row


def dictionary_table(dictionary: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate the variables of the datasets of a trial.

    Parameters
    ----------
    dictionary : DataFrame
        Schema `trialstats.exports.DATA_DICTIONARY`.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        Under a heading for each dataset, one row a variable: label, type, unit, where
        it is from, how it is derived, which values it takes and how many are missing.
    """
    listed = identified(dictionary, "dictionary", name_of(trial))
    body: list[Row] = []
    for dataset in distinct(listed, "dataset"):
        part = find(listed, dataset=dataset)
        count = int(part[0]["n_rows"])
        rows = tuple(str(row["row_id"]) for row in part)
        words = f"{dataset}: {count} rows, {len(part)} variables"
        body.append(Row((Cell(words, rows),), heading=True))
        body += [_variable_row(variable) for variable in part]
    return Table(
        id=f"{name_of(trial)}_dictionary",
        title="Data dictionary",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Variable", "left"),
            Column("Label", "wide"),
            Column("Type", "left"),
            Column("Unit", "left"),
            Column("Origin", "left"),
            Column("Derivation", "widest"),
            Column("Values", "wide"),
            Column("Missing"),
        ),
        rows=tuple(body),
        footnotes=(
            ("", "Key: the place of the variable among those that tell rows apart."),
        ),
        source=f"results/datasets/{name_of(trial)}/dictionary.parquet",
    )


def _variable_row(variable: Record) -> Row:
    key = variable["key"]
    type_ = f"{variable['type']}, key {int(key)}" if key else str(variable["type"])
    said = [variable["origin"], variable["source"]]
    origin = ": ".join(str(part) for part in said if part)
    row = Row(
        (
            text_cell(variable["variable"]),
            text_cell(variable["label"]),
            Cell(type_),
            text_cell(variable["unit"]),
            brief(origin),
            brief(variable["derivation"], _LONGEST_DERIVATION),
            brief(variable["values"]),
            Cell(str(int(variable["n_missing"]))),
        ),
        indent=1,
    )
    return of_row(row, str(variable["row_id"]))


#: Characters of a derivation, which may speak of many parameters.
_LONGEST_DERIVATION = 1200
