"""Listings of participants, measurements and events, from the analysis datasets."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.errors import ConfigError
from trialstats.expressions import condition
from trialstats.records import Record, records
from trialstats.tables.table import EMPTY, Cell, Column, Row, heading

Config = Mapping[str, Any]

#: Keys that tell the rows of a dataset apart, beside the participant.
_KEYS = {"adsl": (), "bds": ("PARAMCD", "AVISIT", "DTYPE"), "adae": ("AESEQ",)}

#: Rows of a page, where the table does not say.
_PAGE = 40


def listing_layout(
    trial: Config, name: str, dataset: pd.DataFrame, heads: Mapping[str, str]
) -> tuple[list[Column], list[Row]]:
    """Lay out rows of a dataset as they stand, a heading a page.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the table.
    dataset : DataFrame
        The dataset that it lists.
    heads : mapping of str to str
        Columns in order, with their heads.

    Raises
    ------
    ConfigError
        When a column or a condition does not fit the dataset.
    """
    spec = trial["tables"][name]
    place = f"config/trials/{trial['id']}.yaml, at tables.{name}"
    wanted = [*heads, *spec.get("sort", ())]
    unknown = [column for column in wanted if column not in dataset.columns]
    if unknown:
        known = ", ".join(map(str, dataset.columns))
        raise ConfigError(f"{place}: no column {unknown[0]!r}; known: {known}")
    chosen = dataset
    if "where" in spec:
        chosen = chosen[condition(spec["where"], chosen)]
    order = spec.get("sort", ["USUBJID"])
    listed = records(chosen.sort_values(list(order), kind="stable"))
    page = spec.get("page", _PAGE)
    body: list[Row] = []
    pages = -(-len(listed) // page)
    for at in range(pages):
        if pages > 1:
            body.append(heading(f"Page {at + 1} of {pages}"))
        previous: Record | None = None
        for row in listed[at * page : (at + 1) * page]:
            body.append(_row(spec["dataset"], str(trial["id"]), row, previous, heads))
            previous = row
    if not listed:
        body.append(Row((Cell("Nobody."), *[EMPTY] * (len(heads) - 1))))
    columns = [Column(head, "left") for head in heads.values()]
    return columns, body


def row_id_of(dataset: str, trial: str, row: Record) -> str:
    """Return what names a row of a dataset; spaces, which end a name, become `_`.

    >>> row = {"USUBJID": "S 1", "AESEQ": 3}
    >>> row_id_of("adsl", "fm", row), row_id_of("adae", "fm", row)
    ('adsl:fm:S_1', 'adae:fm:S_1:3')
    """
    keys = [row["USUBJID"], *(row.get(key) for key in _KEYS[dataset])]
    known = [str(key) for key in keys if key is not None]
    return ":".join([dataset, trial, *known]).replace(" ", "_")


def _row(
    dataset: str,
    trial: str,
    row: Record,
    previous: Record | None,
    heads: Mapping[str, str],
) -> Row:
    """Return a line; the first columns are printed once for rows that share them."""
    made: list[Cell] = []
    same = previous is not None and dataset != "adsl"
    name = row_id_of(dataset, trial, row)
    for column in heads:
        same = same and previous is not None and previous[column] == row[column]
        text = "" if row[column] is None else _text(row[column])
        made.append(EMPTY if same or not text else Cell(text, (name,)))
    return Row(tuple(made))


def _text(value: Any) -> str:
    """Return a value as it stands; a whole number without its point, a day alone."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return str(value)
