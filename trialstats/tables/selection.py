"""Find rows of the estimates by what they are."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats import rows as schemas
from trialstats.errors import DataError

#: One row of a frame: column -> value, None where the frame is null.
Record = Mapping[str, Any]


#: Columns that hold whole numbers; a frame with nulls may hold them as floats.
_COUNTS = frozenset(
    column.name
    for schema in (
        schemas.ESTIMATES,
        schemas.PUBLISHED_TRIALS,
        schemas.EFFECTS,
        schemas.QUERIES,
    )
    for column in schema
    if column.type == schemas.COUNT
)


def records(frame: pd.DataFrame) -> list[Record]:
    """Return the rows of a frame as mappings, with None for every null."""
    names = [str(name) for name in frame.columns]
    return [
        {n: _stored(n, v) for n, v in zip(names, values, strict=True)}
        for values in frame.itertuples(index=False, name=None)
    ]


def _stored(name: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    return int(value) if name in _COUNTS else value


def find(rows: Iterable[Record], **conditions: object) -> list[Record]:
    """Return the rows whose columns equal `conditions`; None means null."""
    return [r for r in rows if all(r.get(n) == v for n, v in conditions.items())]


def one(rows: Iterable[Record], **conditions: object) -> Record | None:
    """Return the row that fits `conditions`, or None.

    Raises
    ------
    DataError
        When more than one row fits, so that a table cannot print the wrong one.
    """
    found = find(rows, **conditions)
    if len(found) > 1:
        names = ", ".join(str(r.get("row_id")) for r in found)
        wanted = ", ".join(f"{n} = {v!r}" for n, v in conditions.items())
        raise DataError(f"{len(found)} rows where one was expected ({wanted}): {names}")
    return found[0] if found else None


def distinct(rows: Iterable[Record], column: str) -> list[Any]:
    """Return the values of a column in order of appearance, nulls left out.

    Raises
    ------
    DataError
        When there is no such column, so that no table comes out empty by mistake.
    """
    listed = list(rows)
    if listed and column not in listed[0]:
        raise DataError(
            f"there is no column {column!r}",
            remedy=f"the columns are {', '.join(listed[0])}",
        )
    values: Iterable[Hashable] = (r[column] for r in listed)
    return [v for v in dict.fromkeys(values) if v is not None]


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
