"""Pairs of least-squares means, and weights of coefficients that a user writes."""

import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.fixed_effects.design import Design
from trialstats.fixed_effects.margins import (
    Weights,
    factor_names,
    is_level,
    ls_means_matrix,
)
from trialstats.linear_model import FloatArray

Method = Literal["reference", "pairwise"]


@dataclass(frozen=True)
class Pairs:
    """Least-squares means in pairs: ``first`` and ``second`` are (c, p) matrices.

    ``labels`` says what each pair is: the levels of the factors within which it is
    compared, and ``contrast``.
    """

    labels: pd.DataFrame
    first: FloatArray
    second: FloatArray


def pairs_of_levels(
    design: Design,
    factor: str,
    *,
    by: str | Sequence[str] | None,
    reference: Any,
    method: Method,
    at: Mapping[str, Any] | None,
    weights: Weights,
) -> Pairs:
    """Return the pairs of levels of a factor that a comparison subtracts.

    Pairs whose means the model holds equal, such as arms at a constrained baseline,
    are left out.

    Parameters
    ----------
    design : Design
    factor : str
    by : str, sequence of str or None
        Factors within whose combinations levels are compared.
    reference : level or None
        Second of each pair; None is the first level.
    method : {"reference", "pairwise"}
        Every other level against the reference, or against each level before it.
    at, weights
        As for `ls_means_matrix`.

    Raises
    ------
    DataError
        When the method or the reference is unknown.
    """
    if not isinstance(factor, str):
        raise DataError(
            "the factor whose levels are compared is no name",
            value=factor,
            remedy="write one factor, and others in `by`",
        )
    names = factor_names(by)
    grid, matrix = ls_means_matrix(design, [*names, factor], at=at, weights=weights)
    levels = design.levels[factor]
    if method not in ("reference", "pairwise"):
        raise DataError(
            "no such method", value=method, remedy="write reference or pairwise"
        )
    if reference is not None and not is_level(reference, levels):
        raise DataError(
            "not a level of the data of the model",
            column=factor,
            value=reference,
            remedy=f"the levels are {', '.join(map(str, levels))}",
        )
    if method == "pairwise":
        if reference is not None:
            raise DataError("a pairwise comparison has no reference", value=reference)
        ends = [(j, i) for i, j in itertools.combinations(range(len(levels)), 2)]
    else:
        base = 0 if reference is None else levels.index(reference)
        ends = [(i, base) for i in range(len(levels)) if i != base]
    # The factor compared runs fastest in the grid.
    blocks = matrix.reshape(-1, len(levels), matrix.shape[1])
    first, second = (list(end) for end in zip(*ends, strict=True))
    labels = grid.loc[np.repeat(np.arange(len(blocks)) * len(levels), len(ends)), names]
    labels = labels.reset_index(drop=True)
    texts = [f"{levels[i]} - {levels[j]}" for i, j in ends]
    labels["contrast"] = texts * len(blocks)
    size = matrix.shape[1]
    ahead = blocks[:, first].reshape(-1, size)
    behind = blocks[:, second].reshape(-1, size)
    differ = (ahead != behind).any(axis=1)
    if not differ.any():
        return Pairs(labels, ahead, behind)
    labels = labels[differ].reset_index(drop=True)
    return Pairs(labels, ahead[differ], behind[differ])


def coefficient_weights(
    weights: Any, names: Sequence[str]
) -> tuple[list[str], FloatArray]:
    """Return the names and the (c, p) matrix of contrasts of p named coefficients.

    Parameters
    ----------
    weights : array, mapping, Series or DataFrame
        A vector, a matrix, coefficients -> weights, or names of contrasts -> either.
        The index of a Series and the columns of a DataFrame are coefficients, the
        index of a DataFrame names the contrasts.
    names : sequence of p str

    Raises
    ------
    DataError
        When a coefficient is unknown, a weight no finite number, or the shape wrong.
    """
    if isinstance(weights, pd.DataFrame) and len(weights):
        _check_once(weights.columns)
        rows = [_row(weights.iloc[i], names) for i in range(len(weights))]
        labels = [str(name) for name in weights.index]
        if isinstance(weights.index, pd.RangeIndex):
            labels = [str(i + 1) for i in range(len(weights))]
        return labels, np.array(rows)
    if isinstance(weights, pd.Series):
        return ["1"], _row(weights, names)[None, :]
    if isinstance(weights, Mapping):
        nested = [isinstance(v, Mapping) or np.ndim(v) > 0 for v in weights.values()]
        if not any(nested):
            return ["1"], _row(weights, names)[None, :]
        rows = [_row(each, names) for each in weights.values()]
        return [str(name) for name in weights], np.array(rows)
    matrix = np.atleast_2d(_numbers(weights))
    if matrix.ndim != 2 or matrix.shape[1] != len(names) or not len(matrix):
        raise DataError(
            f"the weights have shape {np.shape(weights)}",
            remedy=f"give each contrast {len(names)} weights, one a coefficient",
        )
    return [str(i + 1) for i in range(len(matrix))], matrix


def _check_once(labels: pd.Index) -> None:
    if not labels.is_unique:
        repeated = labels[labels.duplicated()][0]
        raise DataError("a coefficient is named twice", value=repeated)


def _row(weights: Any, names: Sequence[str]) -> FloatArray:
    if isinstance(weights, pd.Series):
        _check_once(weights.index)
        weights = dict(weights.items())
    if not isinstance(weights, Mapping):
        row = coefficient_weights(np.asarray(weights), names)[1]
        if len(row) != 1:
            raise DataError("a contrast has several rows of weights")
        return row.reshape(-1)
    row = np.zeros(len(names))
    for name, weight in weights.items():
        if name not in names:
            near = difflib.get_close_matches(str(name), names)
            raise DataError(
                f"no coefficient {name!r}",
                remedy=f"the coefficients are {', '.join(near or names)}",
            )
        row[names.index(name)] = _numbers(weight)
    return row


def _numbers(weights: Any) -> FloatArray:
    try:
        found = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise DataError("a weight is not a number", value=weights) from None
    if not np.isfinite(found).all():
        raise DataError("a weight is not finite", value=weights)
    return found
