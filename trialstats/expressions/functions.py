"""The functions of the language: how each is written, and what computes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trialstats.expressions import across, dates, numbers, texts
from trialstats.expressions.numbers import of_one_number
from trialstats.expressions.operands import Kind, Operand

Compute = Callable[[Sequence[Operand], Mapping[str, Any]], Operand]

_NUMBER = (Kind.NUMBER,)
_TEXT = (Kind.TEXT,)
_DATE = (Kind.DATE,)
_ORDERED = (Kind.NUMBER, Kind.DATE)
_VALUE = (Kind.NUMBER, Kind.TEXT, Kind.DATE)
_ANYTHING = (*_VALUE, Kind.CONDITION, Kind.MISSING)


@dataclass(frozen=True, slots=True)
class Option:
    """What a function takes as a constant.

    Attributes
    ----------
    name : str
        Its name.
    type : {"whole", "text", "flag"}
        A whole number, text, or True and False.
    lowest, highest : int
        Limits of a whole number, or of the characters of a text.
    default : optional
        Its value when it is left out.
    required : bool
        Whether it may not be left out.
    """

    name: str
    type: Literal["whole", "text", "flag"]
    lowest: int = 0
    highest: int = 1000
    default: Any = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes
    ----------
    usage : str
        How it is written.
    compute : callable
        Takes the operands and the options.
    kinds : tuple of Kind
        Types of operands; a column without a type is taken for the first one.
    operands : int, optional
        How many operands; None for the functions across columns, which take two or
        more.
    options : tuple of Option
        Its constants: by place after the operands or by name, across columns by name
        only.
    alike : bool
        Whether the operands must be of one type.
    """

    usage: str
    compute: Compute
    kinds: tuple[Kind, ...]
    operands: int | None = 1
    options: tuple[Option, ...] = ()
    alike: bool = False


def _wanted(usage: str, compute: Compute) -> Function:
    return Function(usage, compute, _TEXT, options=(Option("text", "text", 1),))


_AT_LEAST = Option("at_least", "whole", 1, required=False)
_PRORATE = Option("prorate", "flag", default=False, required=False)
_DIGITS = Option("digits", "whole", -15, 15, default=0, required=False)
_SEPARATOR = Option("separator", "text", 1)
_PART = Option("number", "whole", 1)
_OLD, _NEW = Option("old", "text", 1), Option("new", "text")

#: Every function that is computed as one, by its name.
FUNCTIONS: dict[str, Function] = {
    "present": Function("present(x)", across.present, _ANYTHING),
    "missing": Function("missing(x)", across.missing, _ANYTHING),
    "abs": Function("abs(x)", of_one_number(np.abs), _NUMBER),
    "round": Function("round(x, digits=0)", numbers.rounded, _NUMBER, 1, (_DIGITS,)),
    "floor": Function("floor(x)", of_one_number(np.floor), _NUMBER),
    "ceil": Function("ceil(x)", of_one_number(np.ceil), _NUMBER),
    "sqrt": Function("sqrt(x)", of_one_number(np.sqrt), _NUMBER),
    "log": Function("log(x)", of_one_number(np.log), _NUMBER),
    "log10": Function("log10(x)", of_one_number(np.log10), _NUMBER),
    "exp": Function("exp(x)", of_one_number(np.exp), _NUMBER),
    "min": Function("min(a, b, …)", across.smallest, _ORDERED, None, alike=True),
    "max": Function("max(a, b, …)", across.largest, _ORDERED, None, alike=True),
    "coalesce": Function(
        "coalesce(a, b, …)", across.first_present, _VALUE, None, alike=True
    ),
    "sum": Function(
        "sum(a, b, …, at_least=n, prorate=True)",
        across.total,
        _NUMBER,
        None,
        (_AT_LEAST, _PRORATE),
    ),
    "mean": Function(
        "mean(a, b, …, at_least=n)", across.mean, _NUMBER, None, (_AT_LEAST,)
    ),
    "count": Function("count(a, b, …)", across.count, _ANYTHING, None),
    "upper": Function("upper(x)", texts.upper, _TEXT),
    "lower": Function("lower(x)", texts.lower, _TEXT),
    "strip": Function("strip(x)", texts.strip, _TEXT),
    "contains": _wanted("contains(x, 'text')", texts.contains),
    "startswith": _wanted("startswith(x, 'text')", texts.starts_with),
    "endswith": _wanted("endswith(x, 'text')", texts.ends_with),
    "replace": Function(
        "replace(x, 'old', 'new')", texts.replaced, _TEXT, 1, (_OLD, _NEW)
    ),
    "part": Function(
        "part(x, 'separator', number)", texts.part, _TEXT, 1, (_SEPARATOR, _PART)
    ),
    "text": Function("text(x)", texts.as_text, (Kind.TEXT, Kind.NUMBER, Kind.DATE)),
    "number": Function("number(x)", texts.as_number, (Kind.TEXT, Kind.NUMBER)),
    "date": Function("date(x)", dates.as_date, (Kind.TEXT, Kind.DATE)),
    "year": Function("year(x)", dates.year, _DATE),
    "month": Function("month(x)", dates.month, _DATE),
    "day": Function("day(x)", dates.day, _DATE),
    "days": Function("days(later, earlier)", dates.days_between, _DATE, 2),
}

#: What is written as a function and read as something else: a comparison, columns.
WRITTEN_AS_FUNCTIONS = {
    "between": "between(x, low, high)",
    "col": "col('column')",
    "items": "items('prefix', first, last)",
}
