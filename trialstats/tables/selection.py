"""Which arms and groups a table shows, in which order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstats.records import Record, distinct
from trialstats.tables.table import Column


def groups_in_order(rows: Iterable[Record], arms: Sequence[str] = ()) -> list[str]:
    """Return the groups of `rows`: those of `arms` first, "Total" last."""
    present = distinct(rows, "group")
    named = [arm for arm in arms if arm in present]
    others = [g for g in present if g not in named and g != "Total"]
    return [*named, *others, *(["Total"] if "Total" in present else [])]


def arms_of(trial: Mapping[str, Any]) -> list[str]:
    """Return the arms of a trial's configuration, treatments before control."""
    arms = trial.get("arms") or {}
    return [*arms.get("treatments", []), *([arms["control"]] if arms else [])]


def sized_column(label: str, rows: Iterable[Record]) -> Column:
    """Return a column headed "Placebo (N = 50)": the participants that its rows are of.

    Parameters
    ----------
    label : str
        What the column is of.
    rows : iterable of mapping
        Its rows; of those that say of how many participants they are, the one with
        most gives the size.
    """
    known = [row for row in rows if row["n_subjects"] is not None]
    if not known:
        return Column(label)
    largest = max(known, key=lambda row: row["n_subjects"])
    text = f"{label} (N = {largest['n_subjects']})"
    return Column(text, rows=(str(largest["row_id"]),))
