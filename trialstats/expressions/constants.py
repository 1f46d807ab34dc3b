"""Constants of the language: numbers and text."""

import ast
import math

from trialstats.expressions import tree
from trialstats.expressions.operands import EXACT_BELOW
from trialstats.expressions.refusals import RefusalError, shown

#: Constants that Python has and this language has not, and what to write instead.
_REFUSED: dict[type, tuple[str, str]] = {
    bool: ("True or False", "write a condition, as in SEX == 'F', or a flag alone"),
    type(None): (
        "None",
        "write missing(x) to ask; None stands only behind if … else or before it",
    ),
    bytes: ("a text of bytes", "leave the b out"),
    complex: ("a complex number", "write a real number"),
    type(...): ("an ellipsis", "write the columns out, or items(…)"),
}


def constant_of(node: ast.Constant, source: str) -> tree.Constant:
    """Return a number or a text.

    Raises
    ------
    RefusalError
        When the constant is of another type, or too large to be computed with.
    """
    value = node.value
    refused = _REFUSED.get(type(value))
    if refused:
        what, remedy = refused
        raise RefusalError(f"{shown(source)!r} is {what}, which is not allowed", remedy)
    if isinstance(value, str):
        _check_text(value)
        return tree.Constant(source, value)
    if isinstance(value, int) and value >= EXACT_BELOW:
        raise RefusalError(
            f"the whole number {shown(source)!r} is too large to be exact",
            "put an identifier in quotes, or write a power of ten: 1e20",
        )
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise RefusalError(
            f"the number {shown(source)!r} is too large", "write one below 1e308"
        )
    return tree.Constant(source, float(value))


def _check_text(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RefusalError(
            f"the text {shown(value)!r} holds half a character",
            "write the character itself",
        ) from None


def plain_constant(node: ast.expr) -> str | int | float | bool | None:
    """Return what is written out as a constant, with its sign; otherwise None."""
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and type(node.operand.value) in {int, float}
    ):
        value = node.operand.value
        return -value if isinstance(value, int | float) else None
    if isinstance(node, ast.Constant) and type(node.value) in {int, float, bool, str}:
        if isinstance(node.value, str):
            _check_text(node.value)
        return node.value  # type: ignore[return-value]
    return None
