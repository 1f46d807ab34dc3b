"""What an expression consists of once it is read: a tree of these nodes and no other.

Every node keeps its part of the text, which messages repeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression, with its text."""

    source: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number, a text, a date, or None for a missing value."""

    value: float | str | np.datetime64 | None


@dataclass(frozen=True, slots=True)
class Column(Node):
    """A column of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class Minus(Node):
    """A number with its sign turned."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Two values joined by ``+ - * / // % **``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """Neighbours compared: ``a < b <= c`` has three operands, two operators."""

    operands: tuple[Node, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """``x in (…)`` or ``x not in (…)``."""

    operand: Node
    members: tuple[Constant, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Conditions joined by ``and`` or by ``or``."""

    joined_by: Literal["and", "or"]
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """A condition turned round."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``chosen if condition else otherwise``."""

    condition: Node
    chosen: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its operands, and its options as constants."""

    function: str
    operands: tuple[Node, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read and may be used.

    Two expressions are equal when their texts are.

    Attributes
    ----------
    text : str
        As written.
    names : tuple of str
        The columns that it names, each once, in the order of the text.
    functions : tuple of str
        The functions that it calls, each once, in the order of the text.
    """

    text: str
    names: tuple[str, ...]
    functions: tuple[str, ...]
    tree: Node

    def __eq__(self, other: object) -> bool:
        """Return whether the other one is an expression of the same text."""
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        """Return the hash of the text."""
        return hash(self.text)

    def __str__(self) -> str:
        """Return the text."""
        return self.text
