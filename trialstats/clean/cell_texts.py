"""Cells as a person reads them."""

from typing import Any

import numpy as np
import pandas as pd


def texts(values: Any) -> Any:
    """Write cells the way a person reads them; a missing one is None.

    >>> texts([3.0, None, "a"]).tolist(), texts(0.5)
    (['3', None, 'a'], '0.5')
    """
    if values is None or isinstance(values, str):
        return values
    if not np.ndim(values):
        return as_text(values)
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    written = [None if v is None or pd.isna(v) else as_text(v) for v in listed]
    return np.array([*written, None], dtype=object)[:-1]


def as_text(value: object) -> str:
    """Write a cell the way a person reads it.

    >>> as_text(3.0), as_text(0.1 * 34), as_text(pd.Timestamp("2025-03-01"))
    ('3', '3.4', '2025-03-01')
    """
    if isinstance(value, float):
        return f"{value:.12g}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)
