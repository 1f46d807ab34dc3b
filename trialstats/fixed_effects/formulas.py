"""What a formula says: its response, its terms and the variables they use."""

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser.types import Factor
from formulaic.parser.types import Term as FormulaTerm
from formulaic.transforms import TRANSFORMS

from trialstats.errors import DataError


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
    _check_left_side(formula)
    terms = tuple(found.rhs)
    labels: set[str] = set()
    plain: set[str] = set()
    variables: dict[str, None] = {}
    for factor in dict.fromkeys(f for term in terms for f in term.factors):
        own = variables_of(factor)
        if factor.expr.startswith("offset("):
            raise DataError(
                "offsets are not supported",
                value=factor.expr,
                remedy="subtract it from the response, as in I(AVAL - BASE)",
            )
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


def _check_left_side(formula: str) -> None:
    """Refuse operators between terms on the left: formulaic drops what they say.

    ``Y - B`` takes the term B out of the left side, ``Y ** 2`` is Y by itself.
    """
    text = formula.partition("~")[0].strip()
    bare = re.sub(r"`[^`]*`|\"[^\"]*\"|'[^']*'", "", text)
    # Brackets that follow a name are a call's; others only group.
    inside = re.compile(r"(?<=\w)\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
    group = re.compile(r"(?<!\w)\(([^()]*)\)")
    before = ""
    while before != bare:
        before, bare = bare, inside.sub("", bare)
        if before == bare:
            bare = group.sub(r"\1", bare, count=1)
    if re.search(r"[-+*/^:%|]", bare):
        raise DataError(
            "arithmetic on the left side is read as terms of a model",
            value=text,
            remedy=f"write I({text})",
        )


@lru_cache(maxsize=256)
def variables_of(factor: Factor) -> tuple[str, ...]:
    """Return the names of the data columns that a factor uses, sorted."""
    found = {str(name) for name in factor.required_variables}
    if factor.eval_method is Factor.EvalMethod.PYTHON:
        # formulaic names no variable of a stateful transform such as poly(b, 2).
        tree, quoted = _tree(factor.expr)
        if tree is None:
            return tuple(sorted(found))
        nodes = list(ast.walk(tree))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        found |= {
            quoted.get(node.id, node.id)
            for node in nodes
            if isinstance(node, ast.Name) and id(node) not in called
        } - set(TRANSFORMS)
    return tuple(sorted(found))


def categorical_variable(factor: Factor) -> str | None:
    """Return the variable of a factor such as ``C(arm)``, otherwise None."""
    if factor.eval_method is not Factor.EvalMethod.PYTHON:
        return None
    call, quoted = _tree(factor.expr)
    if (
        not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Name)
        or call.func.id != "C"
        or not call.args
    ):
        return None
    match call.args[0]:
        case ast.Name(id=name):
            return quoted.get(name, name)
        case ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=str(name))]):
            return name
    return None


def _tree(expression: str) -> tuple[ast.expr | None, dict[str, str]]:
    """Return the syntax tree of an expression, None when it is not Python.

    Names in backticks, which only formulaic reads, become stand-ins; the mapping
    gives the name of each.
    """
    quoted: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        name = f"__quoted_{len(quoted)}__"
        quoted[name] = found.group(1)
        return name

    try:
        parsed = ast.parse(re.sub(r"`([^`]*)`", stand_in, expression), mode="eval")
    except SyntaxError:
        return None, quoted
    return parsed.body, quoted
