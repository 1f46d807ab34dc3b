"""How a formula's terms become columns: the part that formulaic knows.

A column of a model matrix is a product of numeric factors times a function of the
categorical variables alone. formulaic is asked for that function once for each
combination of levels, with a one in place of every numeric factor; which columns a
term gets, and in which order, is its decision.
"""

import ast
import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser.types import Factor
from formulaic.parser.types import Term as FormulaTerm
from formulaic.transforms import TRANSFORMS

from trialstats.errors import DataError
from trialstats.fixed_effects.columns import IntArray
from trialstats.linear_model import FloatArray


class UnfactoredError(Exception):
    """The formula uses something whose columns are no such product."""


@dataclass(frozen=True)
class Parsed:
    """A formula's parts.

    ``labels`` are the variables that ``C()`` turns into labels, ``plain`` those that
    other factors use.
    """

    text: str
    response: FormulaTerm
    terms: tuple[FormulaTerm, ...]
    response_variables: tuple[str, ...]
    variables: tuple[str, ...]
    labels: frozenset[str]
    plain: frozenset[str]


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


@lru_cache(maxsize=64)
def parse(formula: str) -> Parsed:
    """Return the parts of a formula with one response and one right side.

    Raises
    ------
    DataError
        When it cannot be parsed.
    """
    try:
        found = Formula(formula)
    except (FormulaicError, SyntaxError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"the formula cannot be read: {reason}", value=formula
        ) from None
    sides = found._structure if isinstance(found, StructuredFormula) else {}
    simple = all(isinstance(side, SimpleFormula) for side in sides.values())
    if set(sides) != {"lhs", "rhs"} or not simple or len(found.lhs) != 1:
        raise DataError(
            "the formula has not one response and one right side",
            value=formula,
            remedy="write it as 'AVAL ~ BASE + ARM * AVISIT'",
        )
    terms = tuple(found.rhs)
    labels: set[str] = set()
    plain: set[str] = set()
    variables: dict[str, None] = {}
    for factor in dict.fromkeys(f for term in terms for f in term.factors):
        own = variables_of(factor)
        variables.update(dict.fromkeys(own))
        target = categorical_variable(factor)
        if target is None:
            plain.update(own)
        else:
            labels.add(target)
    response = next(iter(found.lhs))
    return Parsed(
        formula,
        response,
        terms,
        tuple(dict.fromkeys(n for f in response.factors for n in variables_of(f))),
        tuple(variables),
        frozenset(labels),
        frozenset(plain),
    )


@lru_cache(maxsize=256)
def variables_of(factor: Factor) -> tuple[str, ...]:
    """Return the names of the data columns that a factor uses, sorted."""
    found = {str(name) for name in factor.required_variables}
    if factor.eval_method is Factor.EvalMethod.PYTHON:
        # formulaic names no variable of a stateful transform such as poly(b, 2).
        try:
            nodes = list(ast.walk(ast.parse(factor.expr, mode="eval")))
        except SyntaxError:
            # A name in backticks, which formulaic reads.
            return tuple(sorted(found))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        found |= {
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and id(node) not in called
        } - set(TRANSFORMS)
    return tuple(sorted(found))


def categorical_variable(factor: Factor) -> str | None:
    """Return the variable of a factor such as ``C(arm)``, otherwise None."""
    if factor.eval_method is not Factor.EvalMethod.PYTHON:
        return None
    try:
        call = ast.parse(factor.expr, mode="eval").body
    except SyntaxError:
        return None
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "C"
        and call.args
        and isinstance(call.args[0], ast.Name)
    ):
        return call.args[0].id
    return None


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
            return formula.get_model_matrix(
                frame, output="numpy", na_action="ignore", context={}
            )
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
