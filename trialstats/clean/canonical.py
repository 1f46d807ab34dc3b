"""Typed columns as the text that a raw file would hold, and back to numbers."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.raw import DATE, LOGICAL, NUMBER

#: A number with digits, point and exponent. Python would also read 1_5, which is a slip
#: of the keyboard for 1.5.
NUMBER_PATTERN = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def plain_number(text: str) -> float | None:
    """Return a finite number written with digits, point and exponent, or None.

    >>> plain_number("-99.0"), plain_number("1_5"), plain_number("1e400")
    (-99.0, None, None)
    """
    if not re.fullmatch(NUMBER_PATTERN[1:-1], text):
        return None
    value = float(text)
    return value if np.isfinite(value) else None


def numbers_of(cells: pd.Series, decimal: str = ".") -> np.ndarray:
    """Return text cells as numbers, NaN where a cell is missing or is no number.

    >>> numbers_of(pd.Series(["1.5", "+2", "x", None])).tolist()
    [1.5, 2.0, nan, nan]
    >>> numbers_of(pd.Series(["1,5", "1.5"]), ",").tolist()
    [1.5, nan]
    """
    text = pa.array(cells, type=pa.large_string(), from_pandas=True)
    if decimal != ".":
        pointed = pc.match_substring(text, ".")
        text = pc.if_else(pointed, None, pc.replace_substring(text, decimal, "."))
    fits = pc.match_substring_regex(text, NUMBER_PATTERN)
    plain = pc.utf8_ltrim(pc.if_else(fits, text, None), "+")
    values = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    finite: np.ndarray = np.where(np.isfinite(values), values, np.nan)
    return finite


def number_texts(values: np.ndarray) -> np.ndarray:
    """Return numbers as the shortest text that is read as the same; NaN as None.

    >>> number_texts(np.array([5.0, 0.1, np.nan])).tolist()
    ['5', '0.1', None]
    """
    distinct, places = np.unique(values, return_inverse=True)
    written = [None if np.isnan(v) else repr(float(v)) for v in distinct]
    short = [t.removesuffix(".0") if t else None for t in written]
    return np.array([*short, None], dtype=object)[places]


def as_column(values: pd.Series) -> tuple[pd.Series, np.ndarray | None]:
    """Return a typed column as raw cells, and the kind of its cells (None for text)."""
    size = len(values)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "M":
        cells: Any = values.dt.strftime("%Y-%m-%d")
        kind: np.ndarray | None = np.full(size, DATE, dtype=np.uint8)
    elif values.dtype == bool:
        cells = values.map({True: "TRUE", False: "FALSE"})
        kind = np.full(size, LOGICAL, dtype=np.uint8)
    elif isinstance(values.dtype, np.dtype) and values.dtype.kind in "fi":
        cells = number_texts(values.to_numpy(dtype=float))
        kind = np.full(size, NUMBER, dtype=np.uint8)
    else:
        cells, kind = values, None
    return pd.Series(cells, index=values.index, dtype="str"), kind
