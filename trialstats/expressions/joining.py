"""What joins two values: arithmetic and comparison."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.expressions.dates import shifted
from trialstats.expressions.operands import (
    Kind,
    Operand,
    as_kind,
    flag,
    flags,
    is_known,
    number,
    one_kind,
    remedy_for,
)
from trialstats.expressions.refusals import RefusalError
from trialstats.expressions.texts import joined

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
}

_COMPARISONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "==": (np.equal, pc.equal),
    "!=": (np.not_equal, pc.not_equal),
    "<": (np.less, pc.less),
    "<=": (np.less_equal, pc.less_equal),
    ">": (np.greater, pc.greater),
    ">=": (np.greater_equal, pc.greater_equal),
}


def arithmetic(
    operator: str, left: Operand, right: Operand, sources: Sequence[str], where: str
) -> Operand:
    """Join two values; missing when either is, or when there is no finite result.

    Raises
    ------
    RefusalError
        When the types do not go together.
    """
    for operand, source in zip((left, right), sources, strict=True):
        if operand.kind is Kind.CONDITION:
            raise RefusalError(
                f"{where!r} computes with the condition {source!r}",
                remedy_for(Kind.CONDITION, Kind.NUMBER),
            )
    left, right = _with_types(operator, left, right)
    kinds = (left.kind, right.kind)
    if Kind.MISSING in kinds:
        return Operand(Kind.MISSING, None)
    if kinds == (Kind.NUMBER, Kind.NUMBER):
        return number(_ARITHMETIC[operator](left.data, right.data))
    if kinds == (Kind.TEXT, Kind.TEXT) and operator == "+":
        return joined(left.data, right.data)
    if kinds == (Kind.DATE, Kind.NUMBER) and operator in {"+", "-"}:
        return shifted(left.data, right.data, 1 if operator == "+" else -1)
    if kinds == (Kind.NUMBER, Kind.DATE) and operator == "+":
        return shifted(right.data, left.data, 1)
    raise RefusalError(
        f"{where!r} joins {left.kind.value} ({sources[0]!r}) and {right.kind.value} "
        f"({sources[1]!r}) by {operator}",
        _remedy(operator, kinds),
    )


def _with_types(
    operator: str, left: Operand, right: Operand
) -> tuple[Operand, Operand]:
    """Give a side without a type the one that it must have.

    It has none when the result may be a number or a date: ``x + 1``.
    """
    other = right.kind if left.kind is Kind.MISSING else left.kind
    subtracted_from_number = operator == "-" and left.kind is Kind.NUMBER
    kind = Kind.MISSING
    if operator == "+" and other is Kind.TEXT:
        kind = Kind.TEXT
    elif operator not in {"+", "-"} or other is Kind.DATE or subtracted_from_number:
        kind = Kind.NUMBER
    return as_kind(left, kind), as_kind(right, kind)


def _remedy(operator: str, kinds: tuple[Kind, Kind]) -> str:
    if kinds == (Kind.DATE, Kind.DATE):
        return "write days(later, earlier) for the days between two dates"
    if kinds == (Kind.TEXT, Kind.TEXT):
        return "only + joins text; convert with number(…) to compute"
    if set(kinds) == {Kind.TEXT, Kind.NUMBER} and operator != "+":
        return "convert the text with number(…)"
    if set(kinds) == {Kind.DATE, Kind.NUMBER}:
        return "a date takes + or - a number of days"
    return remedy_for(*kinds)


def compared(operator: str, left: Operand, right: Operand) -> Any:
    """Return where a comparison of two values of one type holds.

    It does not where either is missing. Text is ordered by the numbers of its
    characters in Unicode, capitals before small letters.
    """
    if left.kind is Kind.MISSING:
        return np.False_
    of_numbers, of_texts = _COMPARISONS[operator]
    if left.kind is Kind.TEXT:
        # Null compared with anything is null, and that is False.
        return flags(of_texts(left.data, right.data))
    return of_numbers(left.data, right.data) & is_known(left) & is_known(right)


def comparison(
    operators: Sequence[str],
    operands: Sequence[Operand],
    sources: Sequence[str],
    where: str,
) -> Operand:
    """Compare neighbours; all must hold.

    Raises
    ------
    RefusalError
        When the types differ, or conditions are compared.
    """
    for operand, source in zip(operands, sources, strict=True):
        if operand.kind is Kind.CONDITION:
            raise RefusalError(
                f"{where!r} compares the condition {source!r}",
                f"write {source} or not ({source}), joined by and, or",
            )
    typed = one_kind(list(operands), list(sources), repr(where))
    result: Any = np.True_
    for i, operator in enumerate(operators):
        result = result & compared(operator, typed[i], typed[i + 1])
    return flag(result)


def member(operand: Operand, members: Sequence[Any], *, negated: bool) -> Operand:
    """Return where a value is, or is not, one of a list of its type.

    Neither holds where it is missing.
    """
    if operand.kind is Kind.TEXT:
        listed = pa.array(members, pa.large_string())
        found = flags(pc.is_in(operand.data, value_set=listed))
    else:
        found = np.isin(operand.data, np.asarray(members))
    if negated:
        found = ~found & is_known(operand)
    return flag(found)
