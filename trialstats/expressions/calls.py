"""Calls of functions: the right number of operands, and options within their limits."""

import ast
from collections.abc import Sequence
from typing import Any

from trialstats.expressions import tree
from trialstats.expressions.constants import plain_constant
from trialstats.expressions.functions import (
    FUNCTIONS,
    WRITTEN_AS_FUNCTIONS,
    Option,
)
from trialstats.expressions.reading import MOST_PARTS, too_many
from trialstats.expressions.refusals import RefusalError, shown, unknown

#: Highest number of an item.
_HIGHEST_ITEM = 999_999


def refuse_unknown(name: str) -> None:
    """Refuse a function that the language does not have."""
    if name not in FUNCTIONS and name not in WRITTEN_AS_FUNCTIONS:
        raise unknown("function", name, sorted({*FUNCTIONS, *WRITTEN_AS_FUNCTIONS}))


def check_presence(source: str, operands: Sequence[tree.Node]) -> None:
    """Refuse to ask of a constant whether it is missing: a column lost its name."""
    for operand in operands:
        if isinstance(operand, tree.Constant):
            raise RefusalError(
                f"{shown(source)!r} asks whether the constant "
                f"{shown(operand.source)!r} is missing",
                "a column stands without quotes, or as col('…')",
            )


def call_of(
    name: str,
    source: str,
    operands: tuple[tree.Node, ...],
    rest: Sequence[ast.expr],
    keywords: Sequence[ast.keyword],
) -> tree.Call:
    """Return a call that may be computed.

    Parameters
    ----------
    name, source : str
        The function, and the text of the call.
    operands : tuple of Node
        What it computes from.
    rest : sequence of ast.expr
        What stands behind the operands: options by place.
    keywords : sequence of ast.keyword
        Options by name.

    Raises
    ------
    RefusalError
        When operands or options are too few, too many, or not what they must be.
    """
    function = FUNCTIONS[name]
    wanted = function.operands
    if wanted is None and len(operands) < 2:
        raise RefusalError(
            f"{shown(source)!r} has fewer than two values, and {name} works across "
            "the columns of one row",
            f"write {function.usage}",
        )
    places = 0 if wanted is None else len(function.options)
    if (wanted is not None and len(operands) < wanted) or len(rest) > places:
        raise RefusalError(
            f"{shown(source)!r} has too {'many' if rest else 'few'} values",
            f"write {function.usage}",
        )
    given = {o.name: node for o, node in zip(function.options, rest, strict=False)}
    for word in keywords:
        known = {option.name for option in function.options}
        if word.arg is None or word.arg not in known or word.arg in given:
            what = "**" if word.arg is None else word.arg
            raise RefusalError(
                f"{shown(source)!r} has {shown(what)}=, which {name} does not take "
                "there",
                f"write {function.usage}",
            )
        given[word.arg] = word.value
    options = {o.name: _option(o, given.get(o.name), name) for o in function.options}
    _check_enough(name, source, len(operands), options)
    return tree.Call(source, name, operands, options)


def _option(option: Option, node: ast.expr | None, name: str) -> Any:
    usage = FUNCTIONS[name].usage
    if node is None:
        if option.required:
            raise RefusalError(f"{name} lacks its {option.name}", f"write {usage}")
        return option.default
    value = plain_constant(node)
    fits = {
        "flag": isinstance(value, bool),
        "text": isinstance(value, str)
        and option.lowest <= len(value) <= option.highest,
        "whole": type(value) is int and option.lowest <= value <= option.highest,
    }
    if fits[option.type]:
        return value
    limits = f"from {option.lowest} to {option.highest}"
    words = {
        "flag": "must be True or False",
        "text": f"must be text in quotes, {limits} characters long",
        "whole": f"must be a whole number {limits}",
    }
    raise RefusalError(
        f"{option.name} of {name} {words[option.type]}", f"write {usage}"
    )


def _check_enough(name: str, source: str, items: int, options: dict[str, Any]) -> None:
    at_least = options.get("at_least")
    if at_least is not None and at_least > items:
        raise RefusalError(
            f"{shown(source)!r} asks for at least {at_least} of {items} values",
            f"write at_least={items} or fewer",
        )
    if options.get("prorate") and at_least is None:
        raise RefusalError(
            f"{shown(source)!r} prorates and needs every value",
            "write from how many present values on, as in at_least=2",
        )


def item_names(node: ast.Call, source: str) -> list[str]:
    """Return the columns that ``items('Q', 1, 21)`` stands for.

    Two numbers in quotes keep their zeros: ``items('Q', '01', '21')``.
    """
    constants = [plain_constant(argument) for argument in node.args]
    usage = f"write {WRITTEN_AS_FUNCTIONS['items']}, as in items('Q', 1, 21)"
    if len(constants) != 3 or node.keywords or not isinstance(constants[0], str):
        raise RefusalError(f"{shown(source)!r} names no columns", usage)
    prefix, first, last = constants
    if isinstance(first, str) and isinstance(last, str):
        digits = len(first)
        plain = all(b.isascii() and b.isdigit() and len(b) <= 6 for b in (first, last))
        if not plain or len(last) != digits:
            raise RefusalError(
                f"{shown(source)!r} has bounds that are no numbers of the same length",
                "write as many digits in both, as in items('Q', '01', '21')",
            )
        low, high = int(first), int(last)
    elif type(first) is int and type(last) is int:
        digits, low, high = 0, first, last
    else:
        raise RefusalError(
            f"{shown(source)!r} has bounds that are no whole numbers", usage
        )
    if not 0 <= low <= high <= _HIGHEST_ITEM:
        raise RefusalError(
            f"{shown(source)!r} does not go up from 0 or more to {_HIGHEST_ITEM} "
            "or less",
            usage,
        )
    if high - low >= MOST_PARTS:
        raise too_many(high - low + 1)
    return [f"{prefix}{number:0{digits}d}" for number in range(low, high + 1)]
