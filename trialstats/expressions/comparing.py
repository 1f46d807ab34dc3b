"""What an expression compares: columns, and the texts that they are held against."""

from collections.abc import Iterator
from dataclasses import fields

from trialstats.expressions.parsing import parse
from trialstats.expressions.tree import (
    Column,
    Comparison,
    Constant,
    Membership,
    Node,
)


def texts_compared(text: str) -> tuple[str, ...]:
    """Return the texts that an expression compares something with, in order.

    >>> texts_compared("STATE == 'ND' or part(ID, '-', 1) in ('a', 'b')")
    ('ND', 'a', 'b')
    """
    found = dict.fromkeys(
        constant.value
        for node in _nodes(parse(text).tree)
        for constant in _constants(node)
        if isinstance(constant.value, str)
    )
    return tuple(found)


def columns_compared(text: str) -> tuple[str, ...]:
    """Return the columns whose values decide a comparison, in order.

    A column of which is only asked whether it is empty is none of them.

    >>> columns_compared("STATE == 'ND' or present(DAY)")
    ('STATE',)
    """
    found = dict.fromkeys(
        part.name
        for node in _nodes(parse(text).tree)
        if isinstance(node, Comparison | Membership)
        for part in _nodes(node)
        if isinstance(part, Column)
    )
    return tuple(found)


def _constants(node: Node) -> Iterator[Constant]:
    if isinstance(node, Comparison):
        yield from (part for part in node.operands if isinstance(part, Constant))
    elif isinstance(node, Membership):
        yield from node.members


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for field in fields(node):
        inner = getattr(node, field.name)
        for part in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(part, Node):
                yield from _nodes(part)
