"""A small safe language for conditions on the columns of a table.

Comparisons of a column with a constant or another column, ``present(COLUMN)``,
``and``, ``or``, ``not`` and brackets; nothing else. A comparison with a missing value
is false.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

import pandas as pd

from trialstats.errors import ConfigError

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def evaluate(expression: str, frame: pd.DataFrame) -> pd.Series:
    """Return for each row of `frame` whether the condition holds.

    Parameters
    ----------
    expression : str
        Such as ``EOSSTT == 'COMPLETED' and AGE >= 18``.
    frame : DataFrame
        The table whose columns the expression names.

    Returns
    -------
    Series of bool
        On the index of `frame`; never missing.

    Raises
    ------
    ConfigError
        When the expression is not of this language or names an unknown column.

    Examples
    --------
    >>> table = pd.DataFrame({"AVAL": [149.0, 150.0, None]})
    >>> evaluate("AVAL < 150", table).tolist()
    [True, False, False]
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise ConfigError(
            f"condition {expression!r} cannot be read; write for example AVAL < 150"
        ) from None
    result = _condition(tree, frame, expression)
    return result.astype(bool)


def _condition(node: ast.expr, frame: pd.DataFrame, text: str) -> pd.Series:
    if isinstance(node, ast.BoolOp):
        parts = [_condition(value, frame, text) for value in node.values]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if isinstance(node.op, ast.And) else result | part
        return result
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_condition(node.operand, frame, text)
    if isinstance(node, ast.Compare):
        return _comparison(node, frame, text)
    if isinstance(node, ast.Call):
        return _presence(node, frame, text)
    raise _refused(node, text)


def _comparison(node: ast.Compare, frame: pd.DataFrame, text: str) -> pd.Series:
    operands = [_operand(n, frame, text) for n in (node.left, *node.comparators)]
    result = pd.Series(True, index=frame.index)
    for op, left, right in zip(node.ops, operands[:-1], operands[1:], strict=True):
        if type(op) not in _COMPARISONS:
            raise _refused(node, text)
        try:
            holds = _COMPARISONS[type(op)](left, right)
        except TypeError:
            raise ConfigError(
                f"condition {text!r} compares text with a number; "
                "put text in quotes and leave numbers without"
            ) from None
        known = _known(left, frame) & _known(right, frame)
        result &= pd.Series(holds, index=frame.index).where(known, False).astype(bool)
    return result


def _known(operand: Any, frame: pd.DataFrame) -> pd.Series:
    if isinstance(operand, pd.Series):
        return operand.notna()
    return pd.Series(True, index=frame.index)


def _operand(node: ast.expr, frame: pd.DataFrame, text: str) -> Any:
    if isinstance(node, ast.Name):
        if node.id not in frame:
            raise ConfigError(
                f"condition {text!r} names the unknown column {node.id!r}; "
                f"known: {', '.join(frame.columns)}"
            )
        return frame[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int | float)
    ):
        return -node.operand.value
    raise _refused(node, text)


def _presence(node: ast.Call, frame: pd.DataFrame, text: str) -> pd.Series:
    named = isinstance(node.func, ast.Name) and node.func.id == "present"
    if not named or node.keywords or len(node.args) != 1:
        raise _refused(node, text)
    operand = _operand(node.args[0], frame, text)
    if not isinstance(operand, pd.Series):
        raise _refused(node, text)
    return operand.notna()


def _refused(node: ast.AST, text: str) -> ConfigError:
    return ConfigError(
        f"condition {text!r} holds {ast.unparse(node)!r}, which is not allowed; "
        "use comparisons, present(COLUMN), and, or, not"
    )
