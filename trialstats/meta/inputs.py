"""Read the arguments of the meta-analysis: one float array a column, all checked.

Every complaint names the row (counted from 1), the column and the value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialstats.errors import DataError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: What an argument may be: numbers, or the name of a column of `data`.
Values = Any


def row_label(position: int) -> str:
    """Return the name of a row in messages: its position counted from 1.

    >>> row_label(0)
    '1 (counting from 1)'
    """
    return f"{position + 1} (counting from 1)"


def refuse(
    wrong: BoolArray,
    what: str,
    *,
    column: str,
    values: FloatArray,
    remedy: str | None = None,
) -> None:
    """Raise a DataError for the first row where `wrong` holds, if there is one."""
    positions = np.flatnonzero(wrong)
    if positions.size == 0:
        return
    first = int(positions[0])
    others = positions.size - 1
    also = f" (and in {others} more row{'s' * (others > 1)})" if others else ""
    value = float(values[first])
    raise DataError(
        what + also,
        row=row_label(first),
        column=column,
        value=None if np.isnan(value) else value,
        remedy=remedy,
    )


def one_of(what: str, value: object, allowed: Iterable[str]) -> None:
    """Raise a DataError unless `value` is one of the names `allowed`."""
    names = list(allowed)
    if value not in names:
        raise DataError(
            f"unknown {what} {value!r}", remedy=f"use one of {', '.join(names)}"
        )


def is_between(value: Any, low: float, high: float) -> bool:
    """Whether `value` is one number, above `low` and below `high`."""
    try:
        return bool(low < value < high)
    except (TypeError, ValueError):
        return False


def check_level(level: float) -> None:
    """Raise a DataError unless `level` is a confidence level in (0, 1)."""
    if not is_between(level, 0, 1):
        raise DataError(
            f"level must lie between 0 and 1, got {level!r}",
            remedy="write 0.95 for 95%",
        )


def check_variance(name: str, value: object, estimators: Iterable[str]) -> None:
    """Raise a DataError unless `value` is a finite number from zero."""
    try:
        inside = 0 <= float(value) < float("inf")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        inside = False
    if not inside:
        raise DataError(
            f"{name}={value!r} is not a variance",
            remedy=f"give a number from zero, or one of {', '.join(estimators)}",
        )


def check_data(data: object) -> None:
    """Raise a DataError unless `data` is a frame, or absent."""
    if not (data is None or isinstance(data, pd.DataFrame)):
        raise DataError(
            f"data is not a DataFrame but {type(data).__name__}",
            remedy="pass pandas.DataFrame(data)",
        )


def numbers(
    column: str,
    values: Values,
    *,
    data: pd.DataFrame | None,
    missing: bool = False,
) -> FloatArray:
    """Return an argument as a new array of finite numbers.

    Parameters
    ----------
    column : str
        Name of the argument, for messages.
    values : array_like or str
        The numbers, or the name of a column of `data`. A single number is a column
        of one row.
    data : DataFrame or None
        Where column names are looked up.
    missing : bool
        Let a missing value pass as NaN: another argument may stand for it.

    Raises
    ------
    DataError
        When the column does not exist, the values are several columns, or a value is
        text, missing or infinite. What a mask hides is missing.
    """
    check_data(data)
    if isinstance(values, str):
        if data is None:
            raise DataError(
                f"{column}={values!r} names a column but there is no data",
                remedy="pass data=, or the numbers themselves",
            )
        if values not in data.columns:
            raise DataError(
                f"{column}={values!r}: no such column",
                remedy=f"the columns are {', '.join(map(str, data.columns))}",
            )
        column, values = values, data[values]
    values = unmasked(values)
    _check_one_column(column, values)
    plain = _plain_numbers(values)
    if plain is not None and np.isfinite(plain).all():
        return plain
    listed = np.atleast_1d(np.asarray(values, dtype=object)).ravel()
    result = np.empty(len(listed), dtype=np.float64)
    for position, value in enumerate(listed):
        result[position] = _number(value, column, position, missing=missing)
    return result


def dimensions(values: Values) -> int:
    """Return the number of dimensions of an argument; of rows of unequal length, 1."""
    try:
        return int(np.ndim(values))
    except ValueError:
        return 1


def unmasked(values: Values) -> Values:
    """Return an argument with None where numpy masks it.

    numpy.asarray drops the mask and shows what it hides.
    """
    if not isinstance(values, np.ma.MaskedArray):
        return values
    shown = values.data.astype(object)
    shown[np.ma.getmaskarray(values)] = None
    return shown


def table(name: str, values: Values) -> FloatArray:
    """Return an argument of any shape as floats, NaN where it is missing or masked.

    Raises
    ------
    DataError
        When it holds anything but numbers, or its rows differ in length.
    """
    values = unmasked(values)
    try:
        if isinstance(values, pd.DataFrame | pd.Series):
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} is not an array of numbers ({error})",
            remedy="pass rows of numbers of equal length",
        ) from None


def _check_one_column(column: str, values: Values) -> None:
    shape = getattr(values, "shape", None)
    if shape is None:
        if dimensions(values) < 2:
            return
        shape = np.shape(values)
    if sum(size != 1 for size in shape) > 1:
        raise DataError(
            f"{column} has the shape {tuple(shape)} and is to be one column",
            remedy="pass the numbers of the trials one after the other",
        )


def _plain_numbers(values: Values) -> FloatArray | None:
    """Return a new array of what numpy takes for numbers by itself, else None.

    Anything else, and what is missing or infinite, is looked at value by value.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        return None
    if array.dtype.kind not in "fiu":
        return None
    return np.array(array, dtype=np.float64).reshape(-1)


def _number(value: object, column: str, position: int, *, missing: bool) -> float:
    if value is None or value is pd.NA or value is pd.NaT:
        value = float("nan")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(
            "not a number",
            row=row_label(position),
            column=column,
            value=value,
            remedy="write a number",
        ) from None
    except OverflowError:
        number = float("inf")
    if np.isnan(number) and missing:
        return number
    if not np.isfinite(number):
        raise DataError(
            "missing" if np.isnan(number) else "infinite",
            row=row_label(position),
            column=column,
            value=None if np.isnan(number) else number,
            remedy="supply the number, or leave the row out and say so",
        )
    return number


def same_length(columns: dict[str, FloatArray]) -> None:
    """Raise a DataError unless all columns have the same, positive length."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        described = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise DataError(f"the columns differ in length: {described}")
    if not lengths or 0 in lengths.values():
        raise DataError("there are no rows", remedy="supply at least one trial")


def same_order(columns: Mapping[str, object]) -> None:
    """Raise a DataError when pandas columns label the same rows in another order.

    Values pair by position. Labels that differ say nothing (a filtered frame beside a
    fresh one), but the same labels in another order are rows that would be mispaired.
    """
    labelled = {
        name: values.index
        for name, values in columns.items()
        if isinstance(values, pd.Series | pd.DataFrame)
    }
    if len(labelled) < 2:
        return
    (first, index), *others = labelled.items()
    for name, other in others:
        if other is index or len(other) != len(index) or other.equals(index):
            continue
        if index.isin(other).all() and other.isin(index).all():
            raise DataError(
                f"the rows of {name} have the labels of {first} in another order, and "
                "values pair by position",
                remedy=f"pass {name} in the order of {first}, for example with "
                ".reindex(), or as an array where the order is right",
            )


def required(
    names: Iterable[str], given: dict[str, Values], *, data: pd.DataFrame | None
) -> dict[str, FloatArray]:
    """Return the arguments `names` as arrays; refuse absent ones."""
    wanted = list(names)
    absent = [name for name in wanted if given.get(name) is None]
    if absent:
        raise DataError(
            f"missing argument {', '.join(absent)}",
            remedy=f"this measure needs {', '.join(wanted)}",
        )
    columns = {name: numbers(name, given[name], data=data) for name in wanted}
    same_length(columns)
    return columns


def effects_frame(
    effect: FloatArray,
    variance: FloatArray,
    note: list[str | None],
    index: pd.Index | None = None,
) -> pd.DataFrame:
    """Return effects as the frame that `trialstats.meta.pool` is fed from."""
    return pd.DataFrame(
        {
            "effect": effect,
            "variance": variance,
            "note": pd.array(note, dtype="str"),
        },
        index=index,
    )
