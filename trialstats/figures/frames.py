"""Read frames of rows without changing them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from trialstats.errors import DataError

#: One row: column -> value, None where the frame is null.
Record = Mapping[str, Any]


def records(frame: pd.DataFrame, *, needs: Iterable[str] = ()) -> list[Record]:
    """Return the rows of a frame as mappings, None for every null.

    Parameters
    ----------
    frame : DataFrame
        The rows; left as it is.
    needs : iterable of str
        Columns that must be there.

    Raises
    ------
    DataError
        When a column is missing.
    """
    names = [str(name) for name in frame.columns]
    missing = [name for name in needs if name not in names]
    if missing:
        raise DataError(
            f"missing column {', '.join(map(repr, missing))} of the rows to draw",
            remedy=f"the frame has {', '.join(names) or 'no columns'}",
        )
    return [
        {n: None if pd.isna(v) else v for n, v in zip(names, values, strict=True)}
        for values in frame.itertuples(index=False, name=None)
    ]


def find(rows: Iterable[Record], **conditions: object) -> list[Record]:
    """Return the rows whose columns equal `conditions`; None means null."""
    return [r for r in rows if all(r.get(n) == v for n, v in conditions.items())]


def distinct(rows: Iterable[Record], column: str) -> list[Any]:
    """Return the values of a column in order of appearance, nulls left out."""
    return [v for v in dict.fromkeys(r.get(column) for r in rows) if v is not None]


def slug(text: str) -> str:
    """Return text as a part of a row's key has it.

    >>> slug("Paired, r = 0.3")
    'paired-r-0-3'
    """
    kept = "".join(c if c.isalnum() else " " for c in text.lower())
    return "-".join(kept.split())
