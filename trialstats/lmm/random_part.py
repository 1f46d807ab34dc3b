"""The random part of a mixed model: grouping factors with the effects of each.

``{"Subject": "1 + Days"}`` gives each subject an intercept and a slope;
``{"Site": "1", "Site:Subject": "1"}`` gives sites and subjects within sites an
intercept each. ``:`` joins columns to one factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api import types

from trialstats.errors import DataError
from trialstats.fixed_effects.columns import numbers_of
from trialstats.linear_model import FloatArray
from trialstats.lmm.ordering import Codes

INTERCEPT = "Intercept"


@dataclass(frozen=True, slots=True)
class Grouping:
    """A grouping factor and its random effects.

    Parameters
    ----------
    name : str
        The columns that make it, joined by ":".
    effects : tuple of q str
        Names of the effects, as formulaic writes columns.
    codes : (n,) array
        Level of each row.
    values : (n, q) array
        Coefficient of each effect in each row.
    labels : DataFrame
        One row per level, a column for each column of the data that makes the factor.
    correlated : bool
        Whether the effects of a level have covariances.
    """

    name: str
    effects: tuple[str, ...]
    codes: Codes = field(repr=False)
    values: FloatArray = field(repr=False)
    labels: pd.DataFrame = field(repr=False)
    correlated: bool

    @property
    def n_levels(self) -> int:
        """Number of levels with data."""
        return len(self.labels)


def columns_needed(random: Mapping[str, str], data: pd.DataFrame) -> list[str]:
    """Return the columns of the data that a random part needs, each once."""
    needed: dict[str, None] = {}
    for name, effects in random.items():
        needed |= dict.fromkeys(_joined(name))
        words = _words(effects, name)
        if _is_plain(words, data):
            needed |= dict.fromkeys(word for word in words if word not in "01")
        else:
            from formulaic import Formula

            parsed = _parsed(Formula, effects, name)
            needed |= dict.fromkeys(map(str, sorted(parsed.required_variables)))
    return list(needed)


def build_groupings(
    random: Mapping[str, str],
    correlated: bool,
    data: pd.DataFrame,
    rows: Codes,
) -> list[Grouping]:
    """Return the grouping factors on the rows used.

    Raises
    ------
    DataError
        When a formula cannot be read, has no effect, or names what is no number.
    """
    found = []
    for name, effects in random.items():
        names, values = _effects(effects, name, data, rows)
        codes, labels = _levels(_joined(name), data, rows)
        full = correlated and len(names) > 1
        found.append(Grouping(name, names, codes, values, labels, full))
    return found


def _joined(name: str) -> list[str]:
    columns = [part.strip() for part in name.split(":")]
    if not all(columns) or len(set(columns)) < len(columns):
        raise DataError(
            "a grouping factor is a column, or columns joined by ':'", value=name
        )
    return columns


def _words(effects: str, factor: str) -> list[str]:
    words = [word.strip() for word in effects.split("+")]
    if not all(words):
        raise DataError(
            f"the random effects of {factor} cannot be read",
            value=effects,
            remedy="write a formula such as '1' or '1 + Days'",
        )
    return words


def _is_plain(words: list[str], data: pd.DataFrame) -> bool:
    """Return whether words are 0, 1 and columns of numbers."""
    return all(
        word in ("0", "1")
        or (
            word in data.columns
            and isinstance(data[word], pd.Series)
            and types.is_numeric_dtype(data[word].dtype)
            and not types.is_bool_dtype(data[word].dtype)
        )
        for word in words
    )


def _effects(
    effects: str, factor: str, data: pd.DataFrame, rows: Codes
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names (q) and the coefficients (n, q) of random effects."""
    words = _words(effects, factor)
    if _is_plain(words, data):
        columns: dict[str, FloatArray] = {}
        if "0" not in words:
            columns[INTERCEPT] = np.ones(len(rows))
        for word in words:
            if word not in ("0", "1"):
                columns[word] = numbers_of(data[word], word)[rows]
        names, values = tuple(columns), np.array(list(columns.values())).T
    else:
        from formulaic import Formula, model_matrix

        parsed = _parsed(Formula, effects, factor)
        matrix = model_matrix(parsed, data.iloc[rows], na_action="ignore")
        names = tuple(map(str, matrix.columns))
        values = np.asarray(matrix, dtype=float)
    if not names:
        raise DataError(
            f"{factor} has no random effects",
            value=effects,
            remedy="write '1' for an intercept",
        )
    if not np.isfinite(values).all():
        raise DataError(f"a random effect of {factor} is infinite", value=effects)
    empty = [n for n, c in zip(names, values.T, strict=True) if not c.any()]
    if empty:
        raise DataError(f"{', '.join(empty)} is zero in every row", value=effects)
    return names, np.ascontiguousarray(values)


def _parsed(formula: type, effects: str, factor: str):  # type: ignore[no-untyped-def]
    try:
        parsed = formula(effects)
    except Exception as reason:
        raise DataError(
            f"the random effects of {factor} cannot be read ({reason})", value=effects
        ) from None
    if hasattr(parsed, "lhs"):
        raise DataError(
            f"the random effects of {factor} have a left side", value=effects
        )
    return parsed


def _levels(
    columns: list[str], data: pd.DataFrame, rows: Codes
) -> tuple[Codes, pd.DataFrame]:
    """Return the level of each row, and the levels in sorted order."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in columns:
        column = data[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            own, size = column.cat.codes.to_numpy()[rows], len(column.cat.categories)
        else:
            own, found = pd.factorize(column, sort=True)
            own, size = own[rows], len(found)
        # Numbered anew each time, so that products of sizes stay small.
        _, codes = np.unique(codes * size + own, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    place = rows[first]
    labels = pd.DataFrame({name: data[name].to_numpy()[place] for name in columns})
    return codes, labels
