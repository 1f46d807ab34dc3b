"""What an expression gives on a table."""

from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.expressions import joining, tree
from trialstats.expressions.functions import FUNCTIONS, Function
from trialstats.expressions.operands import (
    Kind,
    Operand,
    as_kind,
    as_series,
    column,
    constant,
    flag,
    number,
    one_kind,
    remedy_for,
    text,
)
from trialstats.expressions.parsing import parse
from trialstats.expressions.reading import too_deep
from trialstats.expressions.refusals import RefusalError
from trialstats.expressions.tree import Expression


def value(expression: Expression | str, frame: pd.DataFrame) -> pd.Series:
    """Return what an expression gives in each row of a table.

    Parameters
    ----------
    expression : Expression or str
        Such as ``100 * CHG / BASE``.
    frame : DataFrame
        The table whose columns the expression names; flags, numbers, text, dates.

    Returns
    -------
    Series
        On the index of `frame`: float64 (NaN is missing), str (NaN is missing),
        datetime64[s] (NaT is missing) or bool (never missing).

    Raises
    ------
    ConfigError
        When the expression is not of this language, names an unknown column, or
        joins types that do not go together.
    DataError
        When a column has values that no expression takes: several types, time zones,
        whole numbers too large to be told apart.

    Notes
    -----
    A value computed from a missing one is missing, and so is what has no finite
    result: a division by zero, the logarithm of a negative number.

    Examples
    --------
    >>> table = pd.DataFrame({"BASE": [6.0, 0.0, 8.0], "CHG": [-1.5, 1.0, None]})
    >>> value("100 * CHG / BASE", table).tolist()
    [-25.0, nan, nan]
    """
    return _evaluated(expression, frame, lambda operand, node: operand)


def condition(expression: Expression | str, frame: pd.DataFrame) -> pd.Series:
    """Return whether a condition holds in each row of a table.

    Parameters
    ----------
    expression : Expression or str
        Such as ``EOSSTT == 'COMPLETED' and AGE >= 18``.
    frame : DataFrame
        The table whose columns the expression names.

    Returns
    -------
    Series of bool
        On the index of `frame`, never missing. A comparison with a missing value is
        False, ``!=`` and ``not in`` included; ``not`` of it is True.

    Raises
    ------
    ConfigError
        As `value`, and when the expression is no condition.
    DataError
        As `value`.

    Examples
    --------
    >>> table = pd.DataFrame({"AVAL": [149.0, 150.0, None]})
    >>> condition("AVAL < 150", table).tolist()
    [True, False, False]
    >>> condition("not AVAL < 150", table).tolist()
    [False, True, True]
    """
    return _evaluated(expression, frame, _require_condition)


def _evaluated(
    expression: Expression | str,
    frame: pd.DataFrame,
    require: Callable[[Operand, tree.Node], Operand],
) -> pd.Series:
    if isinstance(expression, str):
        expression = parse(expression)
    try:
        # What has no result becomes missing; numpy need not warn of it.
        with np.errstate(all="ignore"):
            operand = _Evaluation(frame).of(expression.tree)
            return as_series(require(operand, expression.tree), frame.index)
    except RefusalError as refusal:
        raise refusal.error(expression.text) from None
    except RecursionError:
        raise too_deep().error(expression.text) from None


def _require_condition(operand: Operand, node: tree.Node) -> Operand:
    operand = as_kind(operand, Kind.CONDITION)
    if operand.kind is not Kind.CONDITION:
        raise RefusalError(
            f"{node.source!r} is {operand.kind.value}, not a condition",
            f"compare it, as in {node.source} == …, or write present({node.source})",
        )
    return operand


class _Evaluation:
    """One walk over a tree; every column is read once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._columns: dict[str, Operand] = {}

    @singledispatchmethod
    def of(self, node: tree.Node) -> Operand:
        raise TypeError(f"no rule for {type(node).__name__}")

    @of.register
    def _(self, node: tree.Constant) -> Operand:
        return constant(node.value)

    @of.register
    def _(self, node: tree.Column) -> Operand:
        if node.name not in self._columns:
            self._columns[node.name] = column(self._frame, node.name)
        return self._columns[node.name]

    @of.register
    def _(self, node: tree.Minus) -> Operand:
        operand = as_kind(self.of(node.operand), Kind.NUMBER)
        if operand.kind is not Kind.NUMBER:
            raise RefusalError(
                f"{node.source!r} turns the sign of {operand.kind.value}",
                "only a number has a sign; convert text with number(…)",
            )
        return number(-operand.data)

    @of.register
    def _(self, node: tree.Arithmetic) -> Operand:
        sides = (node.left, node.right)
        left, right = (self.of(side) for side in sides)
        sources = [side.source for side in sides]
        return joining.arithmetic(node.operator, left, right, sources, node.source)

    @of.register
    def _(self, node: tree.Comparison) -> Operand:
        operands = [self.of(operand) for operand in node.operands]
        sources = [operand.source for operand in node.operands]
        return joining.comparison(node.operators, operands, sources, node.source)

    @of.register
    def _(self, node: tree.Membership) -> Operand:
        operands = [self.of(node.operand), *(self.of(m) for m in node.members)]
        sources = [node.operand.source, *(m.source for m in node.members)]
        operand, *_ = one_kind(operands, sources, repr(node.source))
        members = [m.value for m in node.members]
        return joining.member(operand, members, negated=node.negated)

    @of.register
    def _(self, node: tree.Logic) -> Operand:
        parts = [_require_condition(self.of(part), part).data for part in node.parts]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if node.joined_by == "and" else result | part
        return flag(result)

    @of.register
    def _(self, node: tree.Not) -> Operand:
        operand = _require_condition(self.of(node.operand), node.operand)
        return flag(~operand.data)

    @of.register
    def _(self, node: tree.Choice) -> Operand:
        holds = _require_condition(self.of(node.condition), node.condition).data
        branches = (node.chosen, node.otherwise)
        chosen, otherwise = one_kind(
            [self.of(branch) for branch in branches],
            [branch.source for branch in branches],
            repr(node.source),
        )
        if chosen.kind is Kind.TEXT:
            return text(pc.if_else(_arrow(holds), chosen.data, otherwise.data))
        if chosen.kind is Kind.MISSING:
            return chosen
        return Operand(chosen.kind, np.where(holds, chosen.data, otherwise.data))

    @of.register
    def _(self, node: tree.Call) -> Operand:
        function = FUNCTIONS[node.function]
        operands = [self.of(operand) for operand in node.operands]
        for operand, part in zip(operands, node.operands, strict=True):
            _check_kind(function, operand, node, part)
        if function.alike:
            sources = [part.source for part in node.operands]
            operands = one_kind(operands, sources, repr(node.source))
            if operands[0].kind is Kind.MISSING:
                return operands[0]
        if Kind.MISSING not in function.kinds:
            operands = [as_kind(operand, function.kinds[0]) for operand in operands]
        return function.compute(operands, node.options)


def _arrow(holds: Any) -> Any:
    return pa.scalar(bool(holds)) if np.ndim(holds) == 0 else pa.array(holds)


def _check_kind(
    function: Function, operand: Operand, call: tree.Call, part: tree.Node
) -> None:
    if operand.kind is Kind.MISSING:
        return
    if operand.kind not in function.kinds:
        raise RefusalError(
            f"{call.source!r} takes {_listed(function)}, "
            f"but {part.source!r} is {operand.kind.value}",
            remedy_for(operand.kind, function.kinds[0])
            if operand.kind is not function.kinds[0]
            else f"write {function.usage}",
        )
    if operand.kind is Kind.CONDITION and operand.known is None:
        raise RefusalError(
            f"{call.source!r} asks whether the condition {part.source!r} is missing, "
            "which a condition never is",
            f"write {call.function} of the columns in it",
        )


def _listed(function: Function) -> str:
    return " or ".join(
        kind.value for kind in function.kinds if kind is not Kind.MISSING
    )
