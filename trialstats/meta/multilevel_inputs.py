"""Read effects, their sampling covariance and the factors that group them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import (
    FloatArray,
    numbers,
    refuse,
    row_label,
    same_length,
    same_order,
)
from trialstats.meta.multilevel_blocks import Sampling
from trialstats.meta.multilevel_covariances import IntArray

#: Two sampling variances or covariances that should be one agree to this.
AGREES = 1e-8


def read_effects(
    effect: Any, variance: Any, covariance: Any, data: pd.DataFrame | None
) -> tuple[FloatArray, Sampling]:
    """Return the effects and the covariance of their errors.

    Parameters
    ----------
    effect : array_like of shape (k,) or str
    variance : array_like of shape (k,), str or None
        Sampling variances; may be absent when `covariance` is given.
    covariance : array_like of shape (k, k), list of square arrays, or None
        V whole, or its blocks in the order of the rows.
    data : DataFrame or None

    Raises
    ------
    DataError
    """
    same_order({"effect": effect, "variance": variance, "data": data})
    y = numbers("effect", effect, data=data)
    if covariance is None:
        if variance is None:
            raise DataError(
                "neither variance nor covariance is given", remedy="pass one of them"
            )
        v = numbers("variance", variance, data=data)
        same_length({"effect": y, "variance": v})
        _check_variance(v, "variance")
        return y, Sampling(v)
    matrix = _read_covariance(covariance, len(y))
    v = np.diag(matrix).copy()
    _check_variance(v, "covariance")
    if variance is not None:
        given = numbers("variance", variance, data=data)
        same_length({"effect": y, "variance": given})
        refuse(
            np.abs(given - v) > AGREES * np.abs(v),
            "the variance is not the diagonal of the covariance",
            column="variance",
            values=given,
            remedy="pass the covariance alone, or mend it",
        )
    if not np.any(matrix - np.diag(v)):
        return y, Sampling(v)
    return y, Sampling(v, matrix)


def _check_variance(v: FloatArray, column: str) -> None:
    refuse(
        v <= 0,
        "the sampling variance is not above zero",
        column=column,
        values=v,
        remedy="pass variances of estimable trials, squared standard errors",
    )


def _read_covariance(covariance: Any, k: int) -> FloatArray:
    if isinstance(covariance, list | tuple):
        blocks = len(covariance) != k or np.ndim(covariance[0]) == 2
        covariance = _joined(covariance) if blocks else covariance
    matrix = np.array(covariance, dtype=float)
    if matrix.shape != (k, k):
        raise DataError(
            f"covariance has shape {matrix.shape}, and there are {k} effects",
            remedy=f"pass a matrix of shape ({k}, {k}), or its blocks in a list",
        )
    if not np.isfinite(matrix).all():
        i, j = (int(at[0]) for at in np.nonzero(~np.isfinite(matrix)))
        raise DataError(
            f"covariance with row {j + 1} is missing or infinite",
            row=row_label(i),
            column="covariance",
            remedy="supply the number",
        )
    size = np.sqrt(np.abs(np.outer(np.diag(matrix), np.diag(matrix))))
    uneven = np.abs(matrix - matrix.T) > AGREES * np.maximum(size, 1e-300)
    if uneven.any():
        i, j = (int(at[0]) for at in np.nonzero(uneven))
        raise DataError(
            f"covariance is not symmetric: with row {j + 1} it differs",
            row=row_label(i),
            column="covariance",
            value=float(matrix[i, j]),
            remedy=f"row {j + 1} has {float(matrix[j, i])!r}",
        )
    return np.asarray((matrix + matrix.T) / 2)


def _joined(blocks: Sequence[Any]) -> FloatArray:
    squares = [np.atleast_2d(np.asarray(block, dtype=float)) for block in blocks]
    for number, block in enumerate(squares, start=1):
        if block.shape[0] != block.shape[1]:
            raise DataError(
                f"block {number} of the covariance has shape {block.shape}",
                remedy="every block is square",
            )
    total = sum(len(block) for block in squares)
    matrix, at = np.zeros((total, total)), 0
    for block in squares:
        matrix[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return matrix


def read_factor(
    name: str, values: Any, data: pd.DataFrame | None, k: int
) -> tuple[IntArray, tuple[Any, ...]]:
    """Return the codes and the labels, in order, of a factor.

    A Categorical keeps the order of its levels; other labels are sorted.

    Raises
    ------
    DataError
        For a column that does not exist, a missing label, or another length.
    """
    if isinstance(values, str):
        if data is None or values not in data.columns:
            there = "there is no data" if data is None else "no such column"
            listed = "" if data is None else ", ".join(map(str, data.columns))
            raise DataError(
                f"{name}={values!r}: {there}",
                remedy=f"the columns are {listed}" if listed else "pass data=",
            )
        name, values = values, data[values]
    series = pd.Series(values).reset_index(drop=True)
    if len(series) != k:
        raise DataError(f"{name} has {len(series)} rows, and there are {k} effects")
    missing = np.flatnonzero(series.isna())
    if len(missing):
        raise DataError(
            "missing",
            row=row_label(int(missing[0])),
            column=name,
            remedy="supply the label, or leave the row out and say so",
        )
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.remove_unused_categories()
        labels = tuple(series.cat.categories.tolist())
        return np.asarray(series.cat.codes, dtype=np.intp), labels
    try:
        found, inverse = np.unique(series.to_numpy(), return_inverse=True)
    except TypeError:
        raise DataError(
            "the labels are of several types and have no order",
            column=name,
            remedy="write all as text, or all as numbers",
        ) from None
    return inverse.astype(np.intp), tuple(found.tolist())


def named_factors(
    given: Sequence[Any] | Mapping[str, Any] | str | None, default: str
) -> list[tuple[str, Any]]:
    """Return (name, values) of factors given as names, arrays or a mapping."""
    if given is None:
        return []
    if isinstance(given, str):
        return [(given, given)]
    if isinstance(given, Mapping):
        return [(str(name), values) for name, values in given.items()]
    return [
        (value, value) if isinstance(value, str) else (f"{default}_{number}", value)
        for number, value in enumerate(given, start=1)
    ]
