"""Columns of a data frame as a model reads them: numbers, or levels with codes.

Text, object, bool and pandas Categorical columns are labels; the levels of text are
sorted, those of a Categorical keep its order. Numbers stay numbers.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types

from trialstats.errors import DataError
from trialstats.linear_model import FloatArray

IntArray = NDArray[np.intp]

#: Combinations of levels that are counted in a table; more are sorted instead.
TABLE_LIMIT = 1_000_000

#: Rows that are looked at for runs of equal labels.
RUN_SAMPLE = 1_000


#: What pandas calls the content of an object column that holds numbers only.
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "complex")


@dataclass(frozen=True)
class Labels:
    """A column of labels; code -1 is a missing label."""

    codes: NDArray[np.integer[Any]]
    levels: tuple[Any, ...]


def check_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise DataError when a column is absent or stands twice in the data."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"the data are no DataFrame but {type(data).__name__}")
    for name in names:
        if name not in data.columns:
            columns = [str(column) for column in data.columns]
            near = difflib.get_close_matches(name, columns)
            raise DataError(
                f"no column {name!r}",
                remedy=(
                    f"near it: {', '.join(near)}"
                    if near
                    else f"the columns are {', '.join(columns)}"
                ),
            )
        if isinstance(data[name], pd.DataFrame):
            raise DataError("more than one column has this name", column=name)


def holds_labels(
    column: pd.Series, name: str, *, numbers_as_objects: bool = False
) -> bool:
    """Return whether a column is one of labels.

    Raises
    ------
    DataError
        For dates and such, and for numbers in an object column, which would become
        a factor unnoticed, unless `numbers_as_objects`.
    """
    dtype = column.dtype
    if types.is_object_dtype(dtype) and not numbers_as_objects:
        _check_not_numbers(column, name)
    if (
        isinstance(dtype, pd.CategoricalDtype)
        or types.is_bool_dtype(dtype)
        or types.is_string_dtype(dtype)
        or types.is_object_dtype(dtype)
    ):
        return True
    if types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        return False
    raise DataError(
        f"the column is neither numbers nor labels but {dtype}",
        column=name,
        remedy="convert it, for example dates to days",
    )


def _check_not_numbers(column: pd.Series, name: str) -> None:
    # Text, the usual content, costs no look at every row.
    if isinstance(next((v for v in column.array if not pd.isna(v)), ""), str):
        return
    kind = types.infer_dtype(column, skipna=True)
    if kind in NUMBERS:
        raise DataError(
            f"the column is of type object and all its values are numbers ({kind})",
            column=name,
            remedy=f"convert it with pandas.to_numeric, or write C({name})",
        )


def labels_of(column: pd.Series, name: str) -> Labels:
    """Return codes and levels of a column of labels, or of numbers used as labels.

    Raises
    ------
    DataError
        When labels of several types (text and numbers) cannot be put in order.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Labels(column.cat.codes.to_numpy(), tuple(column.cat.categories))
    codes, found = codes_of(column)
    values = found.tolist()
    try:
        order = sorted(range(len(values)), key=values.__getitem__)
    except TypeError:
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"the labels have no order: they are of types {', '.join(kinds)}",
            column=name,
            remedy="convert the column to text, or to a pandas Categorical",
        ) from None
    if order == list(range(len(order))):
        return Labels(codes, tuple(values))
    # The last place serves code -1: missing stays missing.
    rank = np.full(len(order) + 1, -1, dtype=np.intp)
    rank[order] = np.arange(len(order))
    return Labels(rank[codes], tuple(values[i] for i in order))


def codes_of(column: pd.Series) -> tuple[IntArray, Any]:
    """Return a code per row, -1 where missing, and an array of the distinct values.

    Text is encoded by runs of equal values where it looks as if there were runs: the
    rows of a subject often stand together, and comparing neighbours costs less than
    looking every row up. Runs in ascending order are distinct.
    """
    if not isinstance(column.array, pd.arrays.ArrowStringArray):
        return pd.factorize(column)
    text = pa.array(column.array)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    if 2 * len(pc.run_end_encode(text[:RUN_SAMPLE]).values) > min(
        RUN_SAMPLE, len(text)
    ):
        return _encoded(text)
    runs = pc.run_end_encode(text)
    values = runs.values
    ascend = pc.all(pc.less(values[:-1], values[1:]), skip_nulls=False).as_py()
    if ascend:
        indices, distinct = np.arange(len(values)), values
    else:
        indices, distinct = _encoded(values)
    return np.repeat(indices, np.diff(runs.run_ends.to_numpy(), prepend=0)), distinct


def _encoded(text: Any) -> tuple[IntArray, Any]:
    """Return a code for each text, -1 where missing, and the distinct texts."""
    encoded = text.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, encoded.dictionary


def numbers_of(column: pd.Series, name: str) -> FloatArray:
    """Return a column as float64, NaN where missing, without a copy where it can.

    Raises
    ------
    DataError
        When the column is not numeric, or holds an infinite value.
    """
    if column.dtype == np.float64:
        values = column.to_numpy()
    else:
        if not types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(
            column.dtype
        ):
            raise DataError(
                f"the column is not numeric but {column.dtype}",
                column=name,
                remedy="convert it with pandas.to_numeric, if it holds numbers",
            )
        values = column.to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(values)
    if not finite.all():
        endless = np.isinf(values)
        if endless.any():
            at = int(endless.argmax())
            raise DataError(
                "the number is infinite",
                row=str(column.index[at]),
                column=name,
                value=float(values[at]),
            )
    return np.asarray(values)


def cells_of(codes: Sequence[Any], sizes: Sequence[int], n: int) -> tuple[Any, Any]:
    """Return the combination of codes in each row, and the combinations that occur.

    Parameters
    ----------
    codes : sequence of k arrays of shape (n,)
        Codes from 0, none missing. Without any, there is one combination, of nothing.
    sizes : sequence of k int
        Number of codes of each.
    n : int

    Returns
    -------
    cells : (n,) array of int
    combinations : (n_cells, k) array of int
        Codes of each cell, the last column fastest.
    """
    if not codes:
        return np.zeros(n, dtype=np.intp), np.zeros((1, 0), dtype=np.intp)
    # Python's integers do not overflow.
    total = 1
    for size in sizes:
        total *= size
    if total > TABLE_LIMIT:
        table, cells = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
        return cells.reshape(-1).astype(np.intp), table.astype(np.intp)
    cells = codes[0].astype(np.intp)
    for more, size in zip(codes[1:], sizes[1:], strict=True):
        cells *= size
        cells += more
    found = np.flatnonzero(np.bincount(cells, minlength=total))
    if len(found) < total:
        place = np.zeros(total, dtype=np.intp)
        place[found] = np.arange(len(found))
        cells = place[cells]
    return cells, np.column_stack(np.unravel_index(found, tuple(sizes)))
