"""From Python's syntax tree to the tree of the language; everything else is refused."""

import ast
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, cast

from trialstats.errors import ConfigError
from trialstats.expressions import tree
from trialstats.expressions.calls import (
    call_of,
    check_presence,
    item_names,
    refuse_unknown,
)
from trialstats.expressions.constants import constant_of, plain_constant
from trialstats.expressions.dates import iso_date
from trialstats.expressions.functions import FUNCTIONS, WRITTEN_AS_FUNCTIONS
from trialstats.expressions.reading import MOST_PARTS, syntax, too_deep, too_many
from trialstats.expressions.refusals import RefusalError, shown
from trialstats.expressions.tree import Expression

#: Largest exponent; a higher power is no quantity of a trial.
LARGEST_EXPONENT = 10

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}

_COMPARISONS: dict[type[ast.cmpop], tree.Operator] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

#: What Python knows and this language does not, in words, and what to write instead.
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Attribute: ("an attribute", "write a column with a point as col('…')"),
    ast.Subscript: ("square brackets behind a value", "write col('…') for a column"),
    ast.Lambda: ("a function of its own (lambda)", "use the functions of the language"),
    ast.ListComp: ("a comprehension", "write sum(a, b, …) across columns"),
    ast.SetComp: ("a comprehension", "write sum(a, b, …) across columns"),
    ast.DictComp: ("a comprehension", "write sum(a, b, …) across columns"),
    ast.GeneratorExp: ("a comprehension", "write sum(a, b, …) across columns"),
    ast.JoinedStr: ("an f-string", "join text with +, and text(x) for a number"),
    ast.NamedExpr: ("an assignment (:=)", "write == to compare, or two variables"),
    ast.Starred: ("a star before a value", "write the columns out, or items(…)"),
    ast.Await: ("await", "leave it out"),
    ast.Yield: ("yield", "leave it out"),
    ast.YieldFrom: ("yield", "leave it out"),
    ast.Dict: ("a dictionary", "write A if condition else B"),
    ast.Set: ("a set", "write the list in round brackets"),
    ast.List: ("a list", "a list stands only behind in and not in"),
    ast.Tuple: ("a list", "a number has a decimal point, a list stands behind in"),
    ast.MatMult: ("@", "write *"),
    ast.BitAnd: ("&", "write and"),
    ast.BitOr: ("|", "write or"),
    ast.BitXor: ("^", "write ** for a power"),
    ast.Invert: ("~", "write not"),
    ast.LShift: ("<<", "write * 2"),
    ast.RShift: (">>", "write / 2"),
    ast.UAdd: ("a plus sign before a value", "leave it out"),
    ast.Is: ("is", "write == to compare, missing(x) for missing values"),
    ast.IsNot: ("is not", "write != to compare, present(x) for present values"),
}


def parse(text: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        As `docs/expressions.md` describes them. Nothing in it is ever run: Python's
        own parser makes a syntax tree, and every node of it that the language does
        not have is refused.

    Returns
    -------
    Expression
        To be used on tables by `value` and `condition`.

    Raises
    ------
    ConfigError
        When the text is not of the language; the message names the part that is
        refused and what to write instead.

    Examples
    --------
    >>> expression = parse("mean(items('Q', 1, 3), at_least=2) > BASE")
    >>> expression.names, expression.functions
    (('Q1', 'Q2', 'Q3', 'BASE'), ('mean', 'items'))
    """
    if not isinstance(text, str):
        raise ConfigError(
            f"expression {shown(repr(text))}: it is not text; put it in quotes"
        )
    try:
        reader = _Reader(*syntax(text))
    except RefusalError as refusal:
        raise refusal.error(text) from None
    except RecursionError:
        # Only where the caller has nearly used up Python's stack itself.
        raise too_deep().error(text) from None
    return Expression(text, tuple(reader.names), tuple(reader.functions), reader.tree)


class _Reader:
    """Reads one syntax tree; every place of it is a place of one line."""

    def __init__(self, line: str, body: ast.expr) -> None:
        # Python counts places in bytes.
        self._line = line.encode()
        self._parts = 0
        # Dictionaries keep what they hold in order, and once.
        self.names: dict[str, None] = {}
        self.functions: dict[str, None] = {}
        self.tree = self._node(body)

    def _node(self, node: ast.expr) -> tree.Node:
        read = _READERS.get(type(node))
        if read is None:
            raise self._refused(node, node)
        return read(self, node)

    def _source(self, node: ast.expr | ast.keyword) -> str:
        return self._line[node.col_offset : node.end_col_offset].decode()

    def _refused(self, kind: ast.AST, node: ast.expr) -> RefusalError:
        default = (f"{type(kind).__name__}", "leave it out")
        what, remedy = _REFUSED.get(type(kind), default)
        part = shown(self._source(node))
        return RefusalError(f"{part!r} holds {what}, which is not allowed", remedy)

    def _constant(self, node: ast.expr) -> tree.Constant:
        return constant_of(cast(ast.Constant, node), self._source(node))

    def _name(self, node: ast.expr) -> tree.Column:
        # Python would turn some letters into their kin: the micro sign into mu.
        name = self._source(node)
        if name.startswith("__"):
            raise RefusalError(
                f"the name {shown(name)!r} begins with two underscores",
                f"write a column of this name as col({shown(name)!r})",
            )
        return self._column(name, name)

    def _column(self, source: str, name: str) -> tree.Column:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise too_many(self._parts)
        self.names.setdefault(name)
        return tree.Column(source, name)

    def _unary(self, node: ast.expr) -> tree.Node:
        node = cast(ast.UnaryOp, node)
        source = self._source(node)
        if isinstance(node.op, ast.Not):
            return tree.Not(source, self._node(node.operand))
        if not isinstance(node.op, ast.USub):
            raise self._refused(node.op, node)
        operand = self._node(node.operand)
        if isinstance(operand, tree.Constant) and isinstance(operand.value, float):
            return tree.Constant(source, -operand.value)
        return tree.Minus(source, operand)

    def _arithmetic(self, node: ast.expr) -> tree.Arithmetic:
        node = cast(ast.BinOp, node)
        if type(node.op) not in _OPERATORS:
            raise self._refused(node.op, node)
        operator = _OPERATORS[type(node.op)]
        left, right = self._node(node.left), self._node(node.right)
        if operator == "**":
            exponent = right.value if isinstance(right, tree.Constant) else None
            if not isinstance(exponent, float) or abs(exponent) > LARGEST_EXPONENT:
                raise RefusalError(
                    f"the exponent {shown(right.source)!r} is no number "
                    f"from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}",
                    "write it out, as in x ** 2; exp(x) for powers of e",
                )
        return tree.Arithmetic(self._source(node), operator, left, right)

    def _logic(self, node: ast.expr) -> tree.Logic:
        node = cast(ast.BoolOp, node)
        parts = tuple(self._node(part) for part in node.values)
        joined_by: Literal["and", "or"] = (
            "and" if isinstance(node.op, ast.And) else "or"
        )
        return tree.Logic(self._source(node), joined_by, parts)

    def _compare(self, node: ast.expr) -> tree.Node:
        node = cast(ast.Compare, node)
        for op in node.ops:
            if isinstance(op, ast.Is | ast.IsNot):
                raise self._refused(op, node)
            # What is left is in and not in.
            if type(op) not in _COMPARISONS:
                return self._membership(node)
        operands = tuple(self._node(n) for n in (node.left, *node.comparators))
        operators = tuple(_COMPARISONS[type(op)] for op in node.ops)
        return _comparison(self._source(node), operands, operators)

    def _membership(self, node: ast.Compare) -> tree.Membership:
        source, listed = self._source(node), node.comparators[0]
        if len(node.ops) > 1:
            raise RefusalError(
                f"{shown(source)!r} joins in with other comparisons",
                "write them apart, joined by and",
            )
        if not isinstance(listed, ast.Tuple | ast.List):
            raise RefusalError(
                f"no list stands behind in: {shown(self._source(listed))!r}",
                "write x in ('a', 'b'), x == 'a' for one value, "
                "contains(x, 'a') for a part of a text",
            )
        members = [self._node(member) for member in listed.elts]
        for member in members:
            if not isinstance(member, tree.Constant):
                raise RefusalError(
                    f"the list behind in holds {shown(member.source)!r}, "
                    "which is no number, text or date('2024-03-01')",
                    "compare columns by ==, joined by or",
                )
        if not members:
            raise RefusalError("the list behind in is empty", "write what it holds")
        return tree.Membership(
            source,
            self._node(node.left),
            tuple(cast(list[tree.Constant], members)),
            not isinstance(node.ops[0], ast.In),
        )

    def _choice(self, node: ast.expr) -> tree.Choice:
        node = cast(ast.IfExp, node)
        # In the order of the text, which is the order of the names.
        chosen = self._branch(node.body)
        condition = self._node(node.test)
        otherwise = self._branch(node.orelse)
        return tree.Choice(self._source(node), condition, chosen, otherwise)

    def _branch(self, node: ast.expr) -> tree.Node:
        if isinstance(node, ast.Constant) and node.value is None:
            return tree.Constant("None", None)
        return self._node(node)

    def _call(self, node: ast.expr) -> tree.Node:
        node = cast(ast.Call, node)
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                raise self._refused(node.func, node.func)
            raise RefusalError(
                f"{shown(self._source(node))!r} calls something that is no function",
                "write *, to multiply, or use the functions of the language",
            )
        name, source = self._source(node.func), self._source(node)
        refuse_unknown(name)
        self.functions.setdefault(name)
        if name == "col":
            return self._column(source, _column_name(node, source))
        if name == "items":
            raise RefusalError(
                f"{shown(source)!r} stands alone",
                "write items(…) within sum, mean, min, max, coalesce or count",
            )
        if name == "between":
            return self._between(node, source)
        function = FUNCTIONS[name]
        operands, rest = self._operands(node, function.operands)
        if name == "date" and len(operands) == 1 and not rest and not node.keywords:
            operand = operands[0]
            if isinstance(operand, tree.Constant) and isinstance(operand.value, str):
                return _date(source, operand.value)
        if name in {"present", "missing", "count"}:
            check_presence(source, operands)
        return call_of(name, source, operands, rest, node.keywords)

    def _operands(
        self, node: ast.Call, wanted: int | None
    ) -> tuple[tuple[tree.Node, ...], list[ast.expr]]:
        """Return the operands of a call, and what stands behind them."""
        if wanted is not None:
            read = tuple(self._node(argument) for argument in node.args[:wanted])
            return read, node.args[wanted:]
        operands: list[tree.Node] = []
        for argument in node.args:
            called = isinstance(argument, ast.Call) and argument.func
            if isinstance(called, ast.Name) and called.id == "items":
                source = self._source(argument)
                self.functions.setdefault("items")
                names = item_names(cast(ast.Call, argument), source)
                operands += [self._column(name, name) for name in names]
            else:
                operands.append(self._node(argument))
        return tuple(operands), []

    def _between(self, node: ast.Call, source: str) -> tree.Comparison:
        if len(node.args) != 3 or node.keywords:
            usage = WRITTEN_AS_FUNCTIONS["between"]
            raise RefusalError(
                f"{shown(source)!r} has not three values", f"write {usage}"
            )
        operand, low, high = (self._node(argument) for argument in node.args)
        return _comparison(source, (low, operand, high), ("<=", "<="))


_READERS: dict[type[ast.expr], Callable[[_Reader, Any], tree.Node]] = {
    ast.Constant: _Reader._constant,
    ast.Name: _Reader._name,
    ast.UnaryOp: _Reader._unary,
    ast.BinOp: _Reader._arithmetic,
    ast.BoolOp: _Reader._logic,
    ast.Compare: _Reader._compare,
    ast.IfExp: _Reader._choice,
    ast.Call: _Reader._call,
}


def _comparison(
    source: str, operands: Sequence[tree.Node], operators: Sequence[tree.Operator]
) -> tree.Comparison:
    neighbours = pairwise(operands)
    if any(
        isinstance(left, tree.Constant) and isinstance(right, tree.Constant)
        for left, right in neighbours
    ):
        raise RefusalError(
            f"{shown(source)!r} compares two constants",
            "a column stands without quotes, or as col('…')",
        )
    return tree.Comparison(source, tuple(operands), tuple(operators))


def _column_name(node: ast.Call, source: str) -> str:
    name = plain_constant(node.args[0]) if len(node.args) == 1 else None
    if not isinstance(name, str) or not name or node.keywords:
        usage = WRITTEN_AS_FUNCTIONS["col"]
        raise RefusalError(f"{shown(source)!r} names no column", f"write {usage}")
    return name


def _date(source: str, text: str) -> tree.Constant:
    value = iso_date(text)
    if value is None:
        raise RefusalError(
            f"{shown(source)!r} is no date", "write year-month-day: date('2024-03-01')"
        )
    return tree.Constant(source, value)
