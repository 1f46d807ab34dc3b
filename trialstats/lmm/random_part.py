"""The random part of a mixed model: grouping factors with the effects of each.

``{"Subject": "1 + Days"}`` gives each subject an intercept and a slope;
``{"Site": "1", "Site:Subject": "1"}`` gives sites and subjects within sites an
intercept each. ``:`` joins columns to one factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula
from pandas.api import types

from trialstats.errors import DataError
from trialstats.fixed_effects.coding import materialised
from trialstats.fixed_effects.columns import holds_labels, labels_of, numbers_of
from trialstats.fixed_effects.formulas import variables_of
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
    """Return the columns of the data that a random part needs, each once.

    Raises
    ------
    DataError
        When a grouping factor or a formula is no text, or cannot be read.
    """
    needed: dict[str, None] = {}
    for name, effects in random.items():
        needed |= dict.fromkeys(_joined(name))
        words = _words(effects, name)
        if _is_plain(words, data):
            needed |= dict.fromkeys(word for word in words if word not in "01")
        else:
            needed |= dict.fromkeys(_variables(_parsed(effects, name)))
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
        names, values = _effects(effects, name, data, rows, correlated)
        codes, labels = _levels(_joined(name), data, rows)
        full = correlated and len(names) > 1
        found.append(Grouping(name, names, codes, values, labels, full))
    return found


def _joined(name: str) -> list[str]:
    if not isinstance(name, str):
        raise DataError(
            "a grouping factor is no text",
            value=name,
            remedy="write the name of a column, or several joined by ':'",
        )
    columns = [part.strip() for part in name.split(":")]
    if not all(columns) or len(set(columns)) < len(columns):
        raise DataError(
            "a grouping factor is a column, or columns joined by ':'", value=name
        )
    return columns


def _words(effects: str, factor: str) -> list[str]:
    if not isinstance(effects, str):
        raise DataError(
            f"the random effects of {factor} are no formula",
            value=effects,
            remedy="write a formula such as '1' or '1 + Days'",
        )
    if "|" in effects:
        raise DataError(
            f"the random effects of {factor} hold a bar: the grouping factor is the "
            "key of the mapping",
            value=effects,
            remedy=f"write {effects.split('|')[0].strip(' (') or '1'!r}",
        )
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
    effects: str, factor: str, data: pd.DataFrame, rows: Codes, correlated: bool
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
        names, values = _formula_effects(effects, factor, data, rows, correlated)
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


def _formula_effects(
    effects: str, factor: str, data: pd.DataFrame, rows: Codes, correlated: bool
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the effects of a formula that only formulaic can read."""
    parsed = _parsed(effects, factor)
    frame = {name: _column(data[name], name, rows) for name in _variables(parsed)}
    matrix = materialised(parsed, pd.DataFrame(frame, index=range(len(rows))))
    spec = matrix.model_spec
    scoped = [term for entry in spec.structure for term in entry.scoped_terms]
    if not correlated and any(f.reduced for term in scoped for f in term.factors):
        # Differences to a reference label: independent ones for one label are
        # correlated for another, so labels would decide the fit.
        raise DataError(
            f"uncorrelated effects of {factor} depend on which label comes first",
            value=effects,
            remedy="write '0 + ' and the labels' column, or correlated=True",
        )
    return tuple(map(str, spec.column_names)), np.asarray(matrix, dtype=float)


def _column(column: pd.Series, name: str, rows: Codes) -> Any:
    """Return the values of a variable in the rows used, labels without unused ones."""
    if not holds_labels(column, name):
        numbers_of(column, name)
        # As they stand, since C() names levels by them.
        return column.to_numpy()[rows]
    labels = labels_of(column, name)
    values = pd.Categorical.from_codes(
        labels.codes[rows], categories=pd.Index(labels.levels)
    )
    return values.remove_unused_categories()


def _parsed(effects: str, factor: str) -> SimpleFormula:
    """Return the formula of random effects; it has one side and no bar."""
    try:
        parsed = Formula(effects)
    except (FormulaicError, SyntaxError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"the random effects of {factor} cannot be read: {reason}", value=effects
        ) from None
    if not isinstance(parsed, SimpleFormula):
        raise DataError(
            f"the random effects of {factor} have a left side or several parts",
            value=effects,
            remedy="write a formula such as '1' or '1 + Days'",
        )
    return parsed


def _variables(formula: SimpleFormula) -> list[str]:
    """Return the columns that a formula uses, each once."""
    factors = (factor for term in formula for factor in term.factors)
    return list(dict.fromkeys(n for factor in factors for n in variables_of(factor)))


def _levels(
    columns: list[str], data: pd.DataFrame, rows: Codes
) -> tuple[Codes, pd.DataFrame]:
    """Return the level of each row, and the levels in sorted order."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in columns:
        column = data[name]
        own = labels_of(column, name)
        # Numbered anew each time, so that products of sizes stay small.
        joint = codes * len(own.levels) + own.codes[rows]
        _, codes = np.unique(joint, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    place = rows[first]
    labels = pd.DataFrame({name: data[name].to_numpy()[place] for name in columns})
    return codes, labels
