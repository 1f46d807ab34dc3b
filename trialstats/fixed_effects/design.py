"""The design of a linear model from a formula, without forming its matrix.

    X[r, j] = coding[cells[r], j] * numeric[r, numeric_of[j]]

The categorical variables of row r are in one of few combinations (cells), and the
numeric part of a column is one of few products. Crossproducts over 800,000 rows need
both factors and never X itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from formulaic.parser.types import Factor

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.coding import (
    Columns,
    UnfactoredError,
    WholeMatrix,
    columns_of,
    numeric_factor,
    whole_matrix,
)
from trialstats.fixed_effects.columns import (
    IntArray,
    Labels,
    cells_of,
    check_columns,
    holds_labels,
    labels_of,
    numbers_of,
)
from trialstats.fixed_effects.formulas import (
    Parsed,
    categorical_variable,
    parse,
    variables_of,
)
from trialstats.fixed_effects.values import (
    Values,
    absent_labels,
    absent_numbers,
    complete,
    labelled,
    used_levels,
)
from trialstats.linear_model import FloatArray

Role = Literal["categorical", "numeric"]


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the formula: its columns, and the variables that it involves."""

    name: str
    columns: slice
    factors: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Design:
    """Rows, columns and terms of a model; ``build_design`` makes it.

    Attributes
    ----------
    formula : str
    names : tuple of p str
        Columns as formulaic names them.
    terms : tuple of Term
        In the formula's order; the intercept is ``Intercept`` without factors.
    response_name : str
    response : (n,) array
    rows : (n,) array of int
        Positions in the given data of the rows used, ascending.
    n_left_out : int
        Rows left out because a value is missing.
    cells : (n,) array of int
        Combination of the categorical variables in each row, 0 without such.
    coding : (n_cells, p) array
        Categorical part of each column, by cell.
    numeric : (n, K) array
        Distinct products of numeric factors; column 0 is all ones.
    numeric_of : (p,) array of int
        Column of ``numeric`` that each column of the design multiplies.
    levels : mapping
        Categorical variable -> levels in order.
    variables : mapping
        Variable -> "categorical" or "numeric", in the formula's order.
    cell_levels : (n_cells, k) array of int
        Level of each categorical variable in each cell.
    covariates : mapping
        Numeric variable -> its (n,) values in the rows used.
    columns : Columns or WholeMatrix
        How columns are made of factors, or formulaic's own specification where a
        column is no such product; then each column is its own product.
    kept : (p,) array of int, optional
        Columns of the formula that the design has, when some were taken out.
    also_numbers : frozenset of str
        Categorical variables, under ``C()``, whose levels other factors take for the
        numbers that they are.
    categorical : mapping
        Variable that is a pandas Categorical in the data -> whether it is ordered.
    """

    formula: str
    names: tuple[str, ...]
    terms: tuple[Term, ...]
    response_name: str
    response: FloatArray = field(repr=False)
    rows: IntArray = field(repr=False)
    n_left_out: int
    cells: IntArray = field(repr=False)
    coding: FloatArray = field(repr=False)
    numeric: FloatArray = field(repr=False)
    numeric_of: IntArray = field(repr=False)
    levels: Mapping[str, tuple[Any, ...]]
    variables: Mapping[str, Role]
    cell_levels: IntArray = field(repr=False)
    covariates: Mapping[str, FloatArray] = field(repr=False)
    columns: Columns | WholeMatrix = field(repr=False)
    kept: IntArray | None = field(default=None, repr=False)
    also_numbers: frozenset[str] = frozenset()
    categorical: Mapping[str, bool] = field(default_factory=dict, repr=False)

    def matrix(self, rows: IntArray | slice | None = None) -> FloatArray:
        """Return X, (n, p), or some of its rows."""
        chosen = slice(None) if rows is None else rows
        product = self.coding[self.cells[chosen]]
        product *= self.numeric[chosen][:, self.numeric_of]
        return product

    @cached_property
    def cell_counts(self) -> IntArray:
        """Rows in each cell, (n_cells,)."""
        return np.bincount(self.cells, minlength=len(self.coding))

    def rows_for(self, frame: pd.DataFrame) -> FloatArray:
        """Return rows of X for new values of the variables.

        Parameters
        ----------
        frame : DataFrame
            m rows with a column for each variable; labels are levels of the data
            that the design was built from.

        Returns
        -------
        (m, p) array

        Raises
        ------
        DataError
            When a column is absent, a label unknown, a value missing or infinite.
        """
        check_columns(frame, self.variables)
        codes = {n: _codes_in(frame[n], n, self.levels[n]) for n in self.levels}
        values = labelled(codes, self.levels)
        for name in self.variables:
            if name in self.also_numbers:
                values[name] = np.array(self.levels[name], dtype=float)[codes[name]]
            elif name not in self.levels:
                values[name] = numbers_of(frame[name], name)
                _check_finite(values[name], name, frame.index)
        matrix = self._formula_rows(values, codes, len(frame))
        return matrix if self.kept is None else matrix[:, self.kept]

    def _formula_rows(
        self, values: Mapping[str, Any], codes: Mapping[str, Any], n: int
    ) -> FloatArray:
        """Return all columns of the formula, those taken out included."""
        if isinstance(self.columns, WholeMatrix):
            return self.columns.values(values)
        sizes = [len(self.levels[name]) for name in codes]
        cells, combinations = cells_of(list(codes.values()), sizes, n)
        coding = self.columns.coding(combinations, self.levels)
        numeric, numeric_of = self.columns.numeric(values, n)
        return np.asarray(coding[cells] * numeric[:, numeric_of])


def build_design(
    formula: str, data: pd.DataFrame, *, other_columns: Sequence[str] = ()
) -> Design:
    """Return the design of a formula, in formulaic's notation, on data.

    Text, object, bool and Categorical columns are categorical, with treatment
    contrasts against the first level unless the formula says otherwise
    (``C(arm, contr.sum)``). Levels of text are sorted; levels that no used row has
    are left out.

    Parameters
    ----------
    formula : str
        Such as ``"CHG ~ BASE + ARMCD * AVISIT"``; the response may be an expression.
    data : DataFrame
        One row per observation. Rows in which a variable of the formula, or one of
        `other_columns`, is missing are left out.
    other_columns : sequence of str
        Further columns that the model needs (subject, visit, weights).

    Returns
    -------
    Design

    Raises
    ------
    DataError
        When the formula cannot be read or evaluated, a column is absent or of a wrong
        type, or a value is infinite.
    NotEstimableError
        When no rows are left, a factor has one level, or the formula has no columns.
    """
    parsed = parse(formula)
    used = dict.fromkeys([*parsed.response_variables, *parsed.variables])
    check_columns(data, [*used, *other_columns])
    roles = _roles(parsed, data)
    labels = {n: labels_of(data[n], n) for n, r in roles.items() if r == "categorical"}
    both = _also_numbers(parsed, data)
    numbers = {n: numbers_of(data[n], n) for n in used if n not in labels or n in both}
    rows = complete(
        len(data),
        [
            *(absent_labels(label) for label in labels.values()),
            *(absent_numbers(values) for values in numbers.values()),
            *(data[name].isna().to_numpy() for name in other_columns),
        ],
    )
    if rows is None:
        rows = np.arange(len(data))
    else:
        labels = {n: Labels(v.codes[rows], v.levels) for n, v in labels.items()}
        numbers = {name: values[rows] for name, values in numbers.items()}
    if not len(rows):
        raise NotEstimableError(
            "No row has a value in each of "
            f"{', '.join(dict.fromkeys([*used, *other_columns]))}."
        )
    occurring = used_levels(labels, len(rows))
    levels, cell_levels = occurring.levels, occurring.combinations
    values = Values(occurring.codes, levels, numbers)
    response = _response(parsed, values, labels, data.index[rows])
    try:
        numeric_factors = _numeric_factors(parsed, roles, both, values)
        columns: Columns | WholeMatrix
        columns, coding = columns_of(parsed.terms, numeric_factors, cell_levels, levels)
        numeric, numeric_of = columns.numeric(values, len(rows))
    except UnfactoredError:
        # formulaic names levels by the numbers as they stand, not as floats.
        own = {n: data[n].to_numpy()[rows] for n in numbers if n in roles}
        columns, whole = whole_matrix(parsed.terms, {**values, **own})
        numeric = np.column_stack([np.ones(len(rows)), whole])
        numeric_of = np.arange(1, numeric.shape[1])
        coding = np.ones((len(cell_levels), len(columns.names)))
    if not columns.names:
        raise NotEstimableError(f"The formula has no columns: {formula}.")
    return Design(
        formula=formula,
        names=columns.names,
        terms=_terms(parsed, columns.spans),
        response_name=str(parsed.response),
        response=response,
        rows=rows,
        n_left_out=len(data) - len(rows),
        cells=occurring.cells,
        coding=coding,
        numeric=numeric,
        numeric_of=numeric_of,
        levels=MappingProxyType(levels),
        variables=MappingProxyType(roles),
        cell_levels=cell_levels,
        covariates=MappingProxyType(
            {n: numbers[n] for n, role in roles.items() if role == "numeric"}
        ),
        columns=columns,
        also_numbers=both,
        categorical=MappingProxyType(
            {
                name: bool(data[name].cat.ordered)
                for name in levels
                if isinstance(data[name].dtype, pd.CategoricalDtype)
            }
        ),
    )


def _roles(parsed: Parsed, data: pd.DataFrame) -> dict[str, Role]:
    """Return how each variable of the right side is used."""
    roles: dict[str, Role] = {}
    for name in parsed.variables:
        own = name in parsed.labels and name not in parsed.plain
        categorical = holds_labels(data[name], name, numbers_as_objects=own)
        categorical |= name in parsed.labels
        roles[name] = "categorical" if categorical else "numeric"
    return roles


def _also_numbers(parsed: Parsed, data: pd.DataFrame) -> frozenset[str]:
    """Return the variables that stand under ``C()`` and as numbers too."""
    both = parsed.labels & parsed.plain
    return frozenset(name for name in both if not holds_labels(data[name], name))


def _numeric_factors(
    parsed: Parsed,
    roles: Mapping[str, Role],
    both: frozenset[str],
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Return expression -> numeric factor; raise UnfactoredError for other kinds."""
    found = {}
    for factor in dict.fromkeys(f for term in parsed.terms for f in term.factors):
        if factor.eval_method is Factor.EvalMethod.LITERAL:
            continue
        name = factor.expr
        lookup = factor.eval_method is Factor.EvalMethod.LOOKUP
        if not lookup:
            name = categorical_variable(factor) or ""
        if name and name not in roles:
            raise DataError(f"no column {name!r}", value=parsed.text)
        if roles.get(name) != "categorical" or (lookup and name in both):
            found[factor.expr] = numeric_factor(factor, values)
    return found


def _response(
    parsed: Parsed,
    values: Mapping[str, Any],
    labels: Mapping[str, Labels],
    index: pd.Index,
) -> FloatArray:
    name = str(parsed.response)
    if len(parsed.response.factors) != 1:
        raise DataError("the response is no single column", value=name)
    for variable in parsed.response_variables:
        if variable in labels:
            raise DataError("the response is not numeric", column=variable)
    try:
        factor = numeric_factor(parsed.response.factors[0], values)
    except UnfactoredError:
        raise DataError("the response is not numeric", value=name) from None
    found = factor.values(values)
    if found.shape[1] != 1:
        raise DataError("the response has several columns", value=name)
    _check_finite(found[:, 0], name, index)
    return found[:, 0]


def _terms(parsed: Parsed, spans: Sequence[int]) -> tuple[Term, ...]:
    terms, start = [], 0
    for term, span in zip(parsed.terms, spans, strict=True):
        factors = dict.fromkeys(n for f in term.factors for n in variables_of(f))
        name = str(term) if factors else "Intercept"
        if not span:
            raise NotEstimableError(f"The term {name} has no column: one level only.")
        terms.append(Term(name, slice(start, start + span), tuple(factors)))
        start += span
    return tuple(terms)


def _codes_in(column: pd.Series, name: str, levels: tuple[Any, ...]) -> IntArray:
    """Return the codes of labels among known levels."""
    codes = pd.Index(list(levels), dtype=object).get_indexer(column.astype(object))
    if (codes < 0).any():
        at = int((codes < 0).argmax())
        raise DataError(
            "not a level of the data of the model",
            row=str(column.index[at]),
            column=name,
            value=column.iloc[at],
            remedy=f"the levels are {', '.join(map(str, levels))}",
        )
    return np.asarray(codes, dtype=np.intp)


def _check_finite(values: FloatArray, name: str, index: pd.Index) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            f"{name} is {values[at]:g}",
            row=str(index[at]),
            remedy="leave the row out, or change the formula",
        )
