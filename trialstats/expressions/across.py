"""Functions across the columns of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from trialstats.expressions.operands import (
    Kind,
    Operand,
    date,
    flag,
    is_known,
    number,
    text,
)

Options = Mapping[str, Any]


def total(operands: Sequence[Operand], options: Options) -> Operand:
    """Add the present values of a row, when there are enough of them."""
    items = len(operands)
    sums, present = _sums(operands)
    if options["prorate"]:
        sums = sums * items / np.maximum(present, 1)
    return _enough(sums, present, options["at_least"] or items)


def mean(operands: Sequence[Operand], options: Options) -> Operand:
    """Average the present values of a row, when there are enough of them."""
    sums, present = _sums(operands)
    required = options["at_least"] or len(operands)
    return _enough(sums / np.maximum(present, 1), present, required)


def _sums(operands: Sequence[Operand]) -> tuple[Any, Any]:
    """Return the sum and the number of the present values, from left to right."""
    sums: Any = np.float64(0)
    present: Any = np.float64(0)
    for operand in operands:
        known = ~np.isnan(operand.data)
        sums = sums + np.where(known, operand.data, 0.0)
        present = present + known
    return sums, present


def _enough(values: Any, present: Any, required: int) -> Operand:
    return number(np.where(present >= required, values, np.nan))


def smallest(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the smallest value of a row; missing when one is missing."""
    return _extreme(np.minimum, operands)


def largest(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the largest value of a row; missing when one is missing."""
    return _extreme(np.maximum, operands)


def _extreme(choose: np.ufunc, operands: Sequence[Operand]) -> Operand:
    # numpy's minimum and maximum keep NaN and NaT.
    result = operands[0].data
    for operand in operands[1:]:
        result = choose(result, operand.data)
    return Operand(operands[0].kind, result)


def first_present(operands: Sequence[Operand], options: Options) -> Operand:
    """Return the first value of a row that is present."""
    kind = operands[0].kind
    if kind is Kind.TEXT:
        return text(pc.coalesce(*[operand.data for operand in operands]))
    result = operands[-1].data
    for operand in reversed(operands[:-1]):
        result = np.where(is_known(operand), operand.data, result)
    return date(result) if kind is Kind.DATE else Operand(kind, result)


def count(operands: Sequence[Operand], options: Options) -> Operand:
    """Count the present values of a row."""
    present: Any = np.float64(0)
    for operand in operands:
        present = present + is_known(operand)
    return number(present)


def present(operands: Sequence[Operand], options: Options) -> Operand:
    """Return whether a value is there."""
    return flag(is_known(operands[0]))


def missing(operands: Sequence[Operand], options: Options) -> Operand:
    """Return whether no value is there."""
    return flag(~is_known(operands[0]))
