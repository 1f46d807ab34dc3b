"""Least-squares means as linear combinations of the coefficients.

A least-squares mean is the model's prediction at stated levels of some factors, with
numeric variables at their mean and the other factors averaged over. Sums over rows
(means of variables, counts of cells) do not depend on the order of the rows.
"""

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.columns import IntArray
from trialstats.fixed_effects.design import Design
from trialstats.linear_model import FloatArray

Weights = Literal["equal", "proportional"]

#: Columns of the tables of means and contrasts, which no factor may be called.
RESERVED = frozenset(
    (
        *("estimate", "standard_error", "df", "statistic", "p_value"),
        *("ci_lower", "ci_upper", "n_observed", "contrast", "not_estimable"),
    )
)

#: Rows of the reference grid that are formed at once.
BLOCK = 20_000


def ls_means_matrix(
    design: Design,
    factors: Sequence[str],
    *,
    at: Mapping[str, Any] | None = None,
    weights: Weights = "equal",
) -> tuple[pd.DataFrame, FloatArray]:
    """Return the least-squares means of combinations of factors, as contrasts.

    Parameters
    ----------
    design : Design
    factors : sequence of str
        Categorical variables; none gives one mean over all of them.
    at : mapping, optional
        Variable -> value at which it is held: a number, or a level of a factor that
        is not in `factors`. Other numeric variables stand at their mean over the rows
        used; a function of a variable is taken at the mean of the variable.
    weights : {"equal", "proportional"}
        How the remaining factors are averaged: each combination of their levels alike,
        or in proportion to its number of rows (among those at the held levels), which
        SAS calls observed margins.

    Returns
    -------
    grid : DataFrame of c rows
        A column for each factor (a Categorical where the data have one, with the
        levels used), the last fastest, and ``n_observed``, the rows with
        these levels (and the held ones): 0 marks a mean that the model extrapolates.
    matrix : (c, p) array
        Times the coefficients it gives the means.

    Raises
    ------
    DataError
        When a name is no categorical variable of the model, a held value no level, or
        the weights have another name.
    NotEstimableError
        When no row has the held levels, and the weights are proportional.
    """
    factors = factor_names(factors)
    held = _held(at)
    _check_factors(design, factors, held)
    if weights not in ("equal", "proportional"):
        raise DataError(
            "no such weights", value=weights, remedy="write equal or proportional"
        )
    fixed = {name: value for name, value in held.items() if name in design.levels}
    averaged = [n for n in design.levels if n not in factors and n not in fixed]
    rows = _rows_at(design, fixed)
    share = _shares(design, averaged, rows, weights)
    point = _covariate_values(design, held)
    combinations = list(itertools.product(*(design.levels[name] for name in factors)))
    others = list(itertools.product(*(design.levels[name] for name in averaged)))
    matrix = np.zeros((len(combinations), len(design.names)))
    for block in _blocks(len(combinations) * len(others)):
        first, second = np.divmod(block, len(others))
        frame = pd.DataFrame(index=range(len(block)))
        for i, name in enumerate(factors):
            frame[name] = _taken(combinations, i, first)
        for i, name in enumerate(averaged):
            frame[name] = _taken(others, i, second)
        for name, value in [*fixed.items(), *point.items()]:
            frame[name] = [value] * len(frame)
        weighted = design.rows_for(frame) * share[second][:, None]
        starts = np.flatnonzero(np.diff(first, prepend=-1))
        matrix[first[starts]] += np.add.reduceat(weighted, starts, axis=0)
    grid = pd.DataFrame(combinations, columns=list(factors))
    for name in factors:
        if name in design.categorical:
            dtype = pd.CategoricalDtype(
                list(design.levels[name]), design.categorical[name]
            )
            grid[name] = pd.Categorical(grid[name], dtype=dtype)
    grid["n_observed"] = _counts(design, factors, rows)
    return grid, matrix


def covariate_mean(values: FloatArray) -> float:
    """Return the mean of values, the same in whatever order they stand."""
    return float(np.sort(values).sum() / len(values))


def factor_names(factors: str | Sequence[str] | None) -> list[str]:
    """Return the names of one factor, several, or none as a list."""
    if factors is None:
        return []
    if isinstance(factors, str):
        return [factors]
    if isinstance(factors, Iterable) and not isinstance(factors, Mapping):
        found = list(factors)
        if all(isinstance(name, str) for name in found):
            return found
    raise DataError(
        "factors are no names", value=factors, remedy="write 'ARM' or ['ARM', 'AVISIT']"
    )


def _held(at: Mapping[str, Any] | None) -> dict[str, Any]:
    if at is None:
        return {}
    if not isinstance(at, Mapping):
        raise DataError("`at` is no mapping", value=at, remedy="write at={'BASE': 30}")
    return dict(at)


def _check_factors(
    design: Design, factors: Sequence[str], held: Mapping[str, Any]
) -> None:
    for name in [*factors, *held]:
        if name not in design.variables:
            near = difflib.get_close_matches(name, list(design.variables))
            raise DataError(
                f"{name!r} is no variable of the model",
                remedy=f"its variables are {', '.join(near or design.variables)}",
            )
    for name in factors:
        if name not in design.levels:
            known = ", ".join(design.levels) or "none"
            raise DataError(
                f"{name!r} is numeric: it has no levels",
                remedy=f"write C({name}) in the formula; the factors are {known}",
            )
        if name in RESERVED:
            raise DataError(
                "a factor has the name of a column of the tables",
                column=name,
                remedy="rename the column",
            )
    if len(set(factors)) < len(factors) or set(factors) & set(held):
        raise DataError(
            f"a factor is named twice: {', '.join([*factors, *held])}",
            remedy="name it once, or hold it",
        )
    for name, value in held.items():
        if name in design.levels and not is_level(value, design.levels[name]):
            raise DataError(
                "not a level of the data of the model",
                column=name,
                value=value,
                remedy=f"the levels are {', '.join(map(str, design.levels[name]))}",
            )
        if name not in design.levels and not _is_number(value):
            raise DataError("not a number", column=name, value=value)


def is_level(value: Any, levels: Sequence[Any]) -> bool:
    """Return whether a value is one of the levels; an array or a list is none."""
    return bool(np.ndim(value) == 0 and value in levels)


def _is_number(value: Any) -> bool:
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and bool(np.isfinite(value))


def _rows_at(design: Design, fixed: Mapping[str, Any]) -> IntArray:
    """Return the number of rows of each cell that has the held levels."""
    counts = design.cell_counts.copy()
    for i, name in enumerate(design.levels):
        if name in fixed:
            code = design.levels[name].index(fixed[name])
            counts[design.cell_levels[:, i] != code] = 0
    return counts


def _counts(design: Design, names: Sequence[str], rows: IntArray) -> IntArray:
    """Return the rows by combination of levels of `names`, the last fastest."""
    known = list(design.levels)
    sizes = tuple(len(design.levels[name]) for name in names)
    table = np.zeros(sizes, dtype=np.intp)
    places = tuple(design.cell_levels[:, known.index(name)] for name in names)
    if not names:
        return np.array([rows.sum()])
    np.add.at(table, places, rows)
    return table.reshape(-1)


def _shares(
    design: Design, averaged: Sequence[str], rows: IntArray, weights: Weights
) -> FloatArray:
    """Return the weights, with sum one, of the combinations averaged over."""
    counts = _counts(design, averaged, rows)
    if weights == "equal":
        return np.full(len(counts), 1 / len(counts))
    if not counts.sum():
        raise NotEstimableError("No row has the held levels: no margins to weigh by.")
    return np.asarray(counts / counts.sum())


def _covariate_values(design: Design, held: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(held[name]) if name in held else covariate_mean(values)
        for name, values in design.covariates.items()
    }


def _taken(combinations: Sequence[tuple[Any, ...]], i: int, which: IntArray) -> Any:
    values = np.empty(len(combinations), dtype=object)
    values[:] = [combination[i] for combination in combinations]
    return values[which]


def _blocks(size: int) -> Iterator[IntArray]:
    for start in range(0, size, BLOCK):
        yield np.arange(start, min(start + BLOCK, size))
