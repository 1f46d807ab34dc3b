"""Rows of a frame as mappings, and how to find one of them.

Analyses, figures, tables and sentences read rows by name and ask what is null; a
mapping with None for every kind of missing value answers both plainly.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from trialstats import evidence_rows
from trialstats import rows as schemas
from trialstats.errors import DataError

#: One row of a frame: column -> value, None where the frame is null.
Record = Mapping[str, Any]

#: Columns that hold whole numbers; a frame with nulls may hold them as floats.
_COUNTS = frozenset(
    column.name
    for schema in (
        schemas.ESTIMATES,
        evidence_rows.PUBLISHED_TRIALS,
        evidence_rows.EFFECTS,
        schemas.QUERIES,
    )
    for column in schema
    if column.type == schemas.COUNT
)


def none_if_missing(value: Any) -> Any:
    """Return None for any kind of missing value.

    >>> none_if_missing(float("nan")), none_if_missing(""), none_if_missing(0.5)
    (None, '', 0.5)
    """
    return None if pd.isna(value) else value


def records(frame: pd.DataFrame, *, needs: Iterable[str] = ()) -> list[Record]:
    """Return the rows of a frame as mappings, with None for every null.

    Parameters
    ----------
    frame : DataFrame
        The rows; left as it is.
    needs : iterable of str
        Columns that must be there.

    Returns
    -------
    list of mapping
        Counts are whole numbers, also where nulls made their column one of floats.

    Raises
    ------
    DataError
        When a column is missing.
    """
    names = [str(name) for name in frame.columns]
    missing = [name for name in needs if name not in names]
    if missing:
        raise DataError(
            f"missing column {', '.join(map(repr, missing))} of the rows to read",
            remedy=f"the frame has {', '.join(names) or 'no columns'}",
        )
    return [
        {n: _stored(n, v) for n, v in zip(names, values, strict=True)}
        for values in frame.itertuples(index=False, name=None)
    ]


def identified(frame: pd.DataFrame, kind: str, owner: str = "") -> list[Record]:
    """Return the rows of a frame that has no ``row_id``, each with one.

    Parameters
    ----------
    frame : DataFrame
        Rows of a Parquet file, all of them and in its order.
    kind : str
        What the file holds, such as "steps".
    owner : str
        The trial or synthesis whose file it is.

    Returns
    -------
    list of mapping
        With a ``row_id`` such as "steps:fm:3": the third row of that file.

    >>> [r["row_id"] for r in identified(pd.DataFrame({"n": [5, 6]}), "steps", "fm")]
    ['steps:fm:1', 'steps:fm:2']
    """
    parts = [part for part in (kind, owner) if part]
    return [
        {**row, "row_id": ":".join([*parts, str(place)])}
        for place, row in enumerate(records(frame), start=1)
    ]


def finding_counts(queries: pd.DataFrame) -> pd.DataFrame:
    """Return how many findings there are of each kind in each source.

    Parameters
    ----------
    queries : DataFrame
        Schema `QUERIES`.

    Returns
    -------
    DataFrame
        Columns kind, source, n, n_subjects and resolution, which is null where not all
        of a kind had the same; in the order in which kinds are found.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for row in records(queries):
        groups.setdefault((row["kind"], row["source"]), []).append(row)
    made = [
        {
            "kind": kind,
            "source": source,
            "n": len(part),
            "n_subjects": len(distinct(part, "USUBJID")),
            "resolution": done[0] if len(done) == 1 else None,
        }
        for (kind, source), part in groups.items()
        for done in [distinct(part, "resolution")]
    ]
    columns = ["kind", "source", "n", "n_subjects", "resolution"]
    return pd.DataFrame(made, columns=columns)


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
        When there is no such column, so that nothing comes out empty by mistake.
    """
    listed = list(rows)
    if listed and column not in listed[0]:
        raise DataError(
            f"there is no column {column!r}",
            remedy=f"the columns are {', '.join(listed[0])}",
        )
    values: Iterable[Hashable] = (r[column] for r in listed)
    return [v for v in dict.fromkeys(values) if v is not None]


def usual_level(rows: Iterable[Record]) -> float | None:
    """Return the confidence level of most intervals, None when no row has one.

    >>> usual_level([{"confidence_level": level} for level in (None, 0.95, 0.9, 0.9)])
    0.9
    """
    levels = [r.get("confidence_level") for r in rows]
    known = Counter(level for level in levels if level is not None)
    return known.most_common(1)[0][0] if known else None


def is_synthetic(rows: Iterable[Record]) -> bool:
    """Return whether any of the rows comes from synthetic data."""
    return any(r.get("data_status") == "synthetic" for r in rows)
