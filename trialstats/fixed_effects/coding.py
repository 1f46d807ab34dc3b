"""How a formula's terms become columns: the part that formulaic knows.

A column of a model matrix is a product of numeric factors times a function of the
categorical variables alone. formulaic is asked for that function once for each
combination of levels, with a one in place of every numeric factor; which columns a
term gets, and in which order, is its decision.
"""

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import DataMismatchWarning, FormulaicError
from formulaic.formula import SimpleFormula
from formulaic.parser.types import Factor
from formulaic.parser.types import Term as FormulaTerm

from trialstats.errors import DataError
from trialstats.fixed_effects.columns import IntArray
from trialstats.fixed_effects.formulas import categorical_variable, variables_of
from trialstats.linear_model import FloatArray


class UnfactoredError(Exception):
    """The formula uses something whose columns are no such product."""


@dataclass(frozen=True)
class NumericFactor:
    """A factor that stands for numbers: one column, or several (a polynomial).

    ``spec`` holds what formulaic learned from the data, None for a plain variable.
    """

    variables: tuple[str, ...]
    names: tuple[str, ...]
    spec: ModelSpec | None

    def values(self, frame: Mapping[str, Any]) -> FloatArray:
        """Return the columns of the factor, (n, k), for values of the variables."""
        if self.spec is None:
            return np.asarray(frame[self.variables[0]], dtype=float).reshape(-1, 1)
        return evaluated(self.spec, {name: frame[name] for name in self.variables})


@dataclass(frozen=True)
class Columns:
    """The columns of a model matrix: names, and what each is a product of.

    ``source`` is the column of formulaic's matrix that holds the categorical part,
    ``products`` the numeric factors of each column as pairs (factor, its column),
    ``labels`` its categorical factors as (variable, reduced, index) where the index
    counts the levels, or the contrasts when the factor is reduced to them, and
    ``spans`` the number of columns of each term.
    """

    spec: ModelSpec
    names: tuple[str, ...]
    source: tuple[int, ...]
    products: tuple[tuple[tuple[str, int], ...], ...]
    labels: tuple[tuple[tuple[str, bool, int], ...], ...]
    spans: tuple[int, ...]
    factors: Mapping[str, NumericFactor]

    def coding(self, combinations: Any, levels: Mapping[str, Any]) -> FloatArray:
        """Return the categorical part, (n_cells, p), of combinations of levels."""
        frame = cell_frame(combinations, levels, len(self.factors))
        return evaluated(self.spec, frame)[:, self.source]

    def numeric(self, frame: Mapping[str, Any], n: int) -> tuple[FloatArray, IntArray]:
        """Return the distinct products, (n, K), and which each column takes, (p,)."""
        values = {expr: factor.values(frame) for expr, factor in self.factors.items()}
        keys = [tuple(sorted(product)) for product in self.products]
        distinct = list(dict.fromkeys([(), *keys]))
        numeric = np.ones((n, len(distinct)))
        for k, key in enumerate(distinct):
            with np.errstate(over="ignore"):
                for expr, column in key:
                    numeric[:, k] *= values[expr][:, column]
            if len(key) > 1:
                finite(numeric[:, [k]], [":".join(expr for expr, _ in key)])
        place = {key: k for k, key in enumerate(distinct)}
        return numeric, np.array([place[key] for key in keys], dtype=np.intp)


@dataclass(frozen=True)
class WholeMatrix:
    """The columns of a formula whose matrix only formulaic can form."""

    spec: ModelSpec
    names: tuple[str, ...]
    spans: tuple[int, ...]

    def values(self, frame: Mapping[str, Any]) -> FloatArray:
        """Return the matrix, (n, p), for values of the variables."""
        return evaluated(self.spec, frame)


def whole_matrix(
    terms: Sequence[FormulaTerm], frame: Mapping[str, Any]
) -> tuple[WholeMatrix, FloatArray]:
    """Return the columns of terms as formulaic forms them, and their matrix."""
    matrix = materialised(SimpleFormula(terms), pd.DataFrame(frame, copy=False))
    spec = matrix.model_spec
    spans = tuple(len(entry.columns) for entry in spec.structure)
    columns = WholeMatrix(spec, tuple(spec.column_names), spans)
    return columns, finite(np.asarray(matrix, dtype=float), spec.column_names)


def numeric_factor(factor: Factor, frame: Mapping[str, Any]) -> NumericFactor:
    """Return a numeric factor with the state it takes from the data.

    Raises
    ------
    UnfactoredError
        When formulaic takes its values for categories.
    """
    if factor.eval_method is Factor.EvalMethod.LOOKUP:
        return NumericFactor((factor.expr,), (factor.expr,), None)
    variables = variables_of(factor)
    formula = SimpleFormula([FormulaTerm([factor])])
    own = pd.DataFrame({name: frame[name] for name in variables}, copy=False)
    spec = materialised(formula, own).model_spec
    if spec.encoder_state[factor.expr][0] is not Factor.Kind.NUMERICAL:
        raise UnfactoredError(factor.expr)
    return NumericFactor(variables, tuple(spec.column_names), spec)


def columns_of(
    terms: Sequence[FormulaTerm],
    numeric: Mapping[str, NumericFactor],
    combinations: Any,
    levels: Mapping[str, Any],
) -> tuple[Columns, FloatArray]:
    """Return the columns of terms, and their categorical part by cell.

    Parameters
    ----------
    terms : sequence of formulaic terms
    numeric : mapping
        Expression -> numeric factor.
    combinations : (n_cells, k) array of int
        Level of each categorical variable in each cell.
    levels : mapping
        Categorical variable -> its levels, k of them.

    Raises
    ------
    UnfactoredError
        When the names do not come out as formulaic has them.
    """
    stand_in = {expr: _stand_in(i) for i, expr in enumerate(numeric)}
    formula = SimpleFormula([_replaced(term, stand_in) for term in terms])
    matrix = materialised(formula, cell_frame(combinations, levels, len(numeric)))
    spec = matrix.model_spec
    expression = {name: expr for expr, name in stand_in.items()}
    names: list[str] = []
    source: list[int] = []
    products: list[tuple[tuple[str, int], ...]] = []
    labels: list[tuple[tuple[str, bool, int], ...]] = []
    expected: list[str] = []
    spans: list[int] = []
    for entry in spec.structure:
        before = len(names)
        for scoped in entry.scoped_terms:
            if scoped.scale != 1:
                raise UnfactoredError(str(entry.term))
            parts = [
                _parts(s.factor.factor, s.reduced, spec, expression, numeric)
                for s in scoped.factors
            ]
            start = len(expected)
            known: dict[str, int] = {}
            # The first factor of a term runs fastest.
            for reverse in itertools.product(*reversed(parts)):
                chosen = reverse[::-1]
                plain = ":".join(part.plain for part in chosen) or "Intercept"
                at = known.setdefault(plain, start + len(known))
                if at == len(expected):
                    expected.append(plain)
                names.append(":".join(part.name for part in chosen) or "Intercept")
                source.append(at)
                products.append(tuple(p.numeric for p in chosen if p.numeric))
                labels.append(tuple(p.label for p in chosen if p.label))
        spans.append(len(names) - before)
    if tuple(expected) != tuple(spec.column_names):
        raise UnfactoredError(str(expected))
    coding = finite(np.asarray(matrix, dtype=float), spec.column_names)[:, source]
    columns = Columns(
        spec,
        tuple(names),
        tuple(source),
        tuple(products),
        tuple(labels),
        tuple(spans),
        numeric,
    )
    return columns, coding


@dataclass(frozen=True)
class _Part:
    """One column of one factor: its name, in formulaic's stand-in too."""

    name: str
    plain: str
    numeric: tuple[str, int] | None = None
    label: tuple[str, bool, int] | None = None


def _parts(
    factor: Factor,
    reduced: bool,
    spec: ModelSpec,
    expression: Mapping[str, str],
    numeric: Mapping[str, NumericFactor],
) -> list[_Part]:
    expr = factor.expr
    if expr in expression:
        original = expression[expr]
        names = numeric[original].names
        return [_Part(n, expr, numeric=(original, i)) for i, n in enumerate(names)]
    variable = categorical_variable(factor) or expr
    state = spec.factor_contrasts[expr]
    written = state.contrasts.get_factor_format(state.levels, reduced_rank=reduced)
    fields = state.contrasts.get_coding_column_names(state.levels, reduced_rank=reduced)
    texts = [written.format(name=expr, field=field) for field in fields]
    return [_Part(t, t, label=(variable, reduced, i)) for i, t in enumerate(texts)]


def _replaced(term: FormulaTerm, stand_in: Mapping[str, str]) -> FormulaTerm:
    return FormulaTerm(
        Factor(stand_in[factor.expr], eval_method="lookup")
        if factor.expr in stand_in
        else factor
        for factor in term.factors
    )


def _stand_in(i: int) -> str:
    return f"__numeric_{i}__"


def cell_frame(
    combinations: Any, levels: Mapping[str, Any], n_numeric: int
) -> pd.DataFrame:
    """Return a frame of combinations of levels, a one for each numeric factor."""
    frame = {
        name: pd.Categorical.from_codes(combinations[:, i], categories=pd.Index(values))
        for i, (name, values) in enumerate(levels.items())
    }
    unit = {_stand_in(i): np.ones(len(combinations)) for i in range(n_numeric)}
    return pd.DataFrame({**frame, **unit}, index=range(len(combinations)))


def materialised(formula: Any, frame: pd.DataFrame) -> Any:
    """Return formulaic's matrix as an array with its specification.

    Raises
    ------
    DataError
        When formulaic cannot evaluate a factor.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # What is not a number is reported by whoever asked, with its row.
            warnings.simplefilter("ignore")
            # A value that is no level of C() would have every dummy at zero.
            warnings.simplefilter("error", DataMismatchWarning)
            return formula.get_model_matrix(
                frame, output="numpy", na_action="ignore", context={}
            )
    except DataMismatchWarning as found:
        values = str(found).partition("{")[2].partition("}")[0]
        raise DataError(
            "the formula turns a value into labels that are not among its levels",
            value=values or None,
            remedy="hold the variable at a value of the data, or name all its levels",
        ) from None
    except (FormulaicError, ValueError, TypeError, ArithmeticError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"the formula cannot be evaluated: {reason}") from None


def evaluated(spec: ModelSpec, frame: Any) -> FloatArray:
    """Return the matrix of a specification for new values, (n, columns)."""
    matrix = materialised(spec, pd.DataFrame(frame, copy=False))
    return finite(np.asarray(matrix, dtype=float), spec.column_names)


def finite(matrix: FloatArray, names: Sequence[str]) -> FloatArray:
    """Return a matrix; raise DataError when a column is not of finite numbers."""
    whole = np.isfinite(matrix)
    if not whole.all():
        column = int((~whole.all(axis=0)).argmax())
        values = matrix[:, column]
        raise DataError(
            f"{names[column]} is {values[~np.isfinite(values)][0]:g} in a row",
            remedy="leave the row out, or change the formula",
        )
    return matrix
