"""Rows of other files than the estimates that a page prints, found by their names.

Tables of the cleaning, of the evidence and of the agreement print rows of their own
files, listings and some figures records of datasets. What the page names is looked up
here, so that it carries those rows and no others.
"""

import html
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from trialstats.records import Record, identified, records
from trialstats.report.content import Figure
from trialstats.tables.table import Table
from trialstats.tables.templates.listing import row_id_of

#: Frames by what they hold and whose they are, such as ``("steps", "fm")``.
Frames = Mapping[tuple[str, str], pd.DataFrame]

#: Datasets, whose records are also named by their subject.
_DATASETS = ("adsl", "bds", "adae")

_NAMED = re.compile(r'\bdata-row="([^"]*)"')


def rows_named(tables: Iterable[Table], figures: Iterable[Figure]) -> dict[str, None]:
    """Return the ``row_id`` that tables and figures name, in their order."""
    found: dict[str, None] = {}
    for table in tables:
        found |= dict.fromkeys(table.row_ids)
    for figure in figures:
        for names in _NAMED.findall(figure.svg):
            found |= dict.fromkeys(html.unescape(names).split())
    return found


def other_rows(
    tables: Iterable[Table], figures: Iterable[Figure], frames: Frames
) -> dict[str, Record]:
    """Return the rows of `frames` that tables and figures name.

    Parameters
    ----------
    tables : iterable of Table
        The tables; one that lists a file also names that file.
    figures : iterable of Figure
        The figures.
    frames : mapping of (str, str) to DataFrame
        The whole files, by kind and owner.

    Returns
    -------
    dict of str to mapping
        By ``row_id``, in the order in which they are named.
    """
    printed = list(tables)
    made: dict[tuple[str, str], dict[str, Record]] = {}
    found: dict[str, Record] = {}
    for name in rows_named(printed, figures):
        kind, _, rest = name.partition(":")
        owners = (o for k, o in frames if k == kind and o in ("", rest.split(":")[0]))
        owner = next(owners, None)
        if not rest or owner is None:
            continue
        if (kind, owner) not in made:
            made[kind, owner] = _named(frames[kind, owner], kind, owner)
        if name in made[kind, owner]:
            found[name] = made[kind, owner][name]
    for table in printed:
        record = table.file_record
        if record is not None:
            found[str(record["row_id"])] = record
    return found


def _named(frame: pd.DataFrame, kind: str, owner: str) -> dict[str, Record]:
    """Return the rows of a file by name: their place, and of datasets the subject."""
    if kind == "agreement":
        # The row of the estimates that was checked keeps its own name beside.
        return {
            f"{kind}:{place}": {**row, "of": row["row_id"]}
            for place, row in enumerate(records(frame), start=1)
        }
    listed = identified(frame, kind, owner)
    found = {str(row["row_id"]): row for row in listed}
    if kind in _DATASETS:
        for row in listed:
            found.setdefault(row_id_of(kind, owner, row), row)
    return found
