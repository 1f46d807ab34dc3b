"""Functions of one number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trialstats.expressions.operands import Operand, number

#: From here on a double has no digits behind the point to round.
_WHOLE_FROM = 2.0**52


def of_one_number(
    function: Callable[[Any], Any],
) -> Callable[[Sequence[Operand], Mapping[str, Any]], Operand]:
    """Return a numpy function as one of the language.

    Outside the function's domain numpy gives NaN or an infinity; both are missing.
    """

    def compute(operands: Sequence[Operand], options: Mapping[str, Any]) -> Operand:
        # Adding 0 makes -0 plain 0, which prints as people write it.
        return number(function(operands[0].data) + 0.0)

    return compute


def rounded(operands: Sequence[Operand], options: Mapping[str, Any]) -> Operand:
    """Round half away from zero, on the shortest decimal that names the number.

    That is how tables of trials are rounded, and what SAS does: 2.5 is 3 and -2.5
    is -3, where Python's round gives 2 and -2. 1.005 is stored a little below
    1.005 and still rounds to 1.01: the number is compared with the double nearest to
    the half, which is correctly rounded because both parts of the fraction are exact.
    """
    values, digits = operands[0].data, options["digits"]
    power = 10.0 ** abs(digits)
    size = np.abs(values)
    below = np.floor(size * power if digits >= 0 else size / power)
    double_half = 2 * below + 1
    half = double_half / (2 * power) if digits >= 0 else double_half * power / 2
    whole = np.where(size >= half, below + 1, below)
    result = whole / power if digits >= 0 else whole * power
    result = np.where(below >= _WHOLE_FROM, size, result)
    return number(np.copysign(result, values) + 0.0)
