"""Rules for counts of zero: which rows receive a constant, and the words for it."""

import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialstats.errors import DataError
from trialstats.meta.inputs import BoolArray, FloatArray, one_of
from trialstats.meta.measures import Call, Notes, no_notes

#: Rules for the zero cells: which tables receive the constant.
ZERO_CELLS: dict[str, Callable[[BoolArray], BoolArray]] = {
    "only0": lambda zero: zero,
    "all": np.ones_like,
    "if0all": lambda zero: np.full_like(zero, zero.any()),
    "none": np.zeros_like,
}

_WORDS = {
    "only0": "{add:g} added to {cells}: {a_cell} is zero",
    "all": "{add:g} added to {cells} of every trial",
    "if0all": "{add:g} added to {cells} of every trial: one of them has {zero}",
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words for the counts of a family of measures."""

    cells: str = "every cell"
    a_cell: str = "a cell"
    zero: str = "a zero cell"


def constant(
    has_zero: BoolArray, dropped: BoolArray, call: Call, default: float, words: Words
) -> tuple[FloatArray, Notes]:
    """Return what each row receives and the notes that say so.

    A dropped row is out of the analysis: its zeros do not make `if0all` add.

    Raises
    ------
    DataError
        For an unknown rule, or a constant that is negative or not a number.
    """
    one_of("zero-cell rule to=", call.to, ZERO_CELLS)
    add = default if call.add is None else call.add
    if not (isinstance(add, numbers.Real) and 0 <= add < float("inf")):
        raise DataError(f"add must be zero or more, got {add!r}", remedy="write 0.5")
    receives = ZERO_CELLS[call.to](has_zero & ~dropped) & (add > 0)
    note = no_notes(len(has_zero))
    if receives.any():
        note[receives] = _WORDS[call.to].format(
            add=add, cells=words.cells, a_cell=words.a_cell, zero=words.zero
        )
    return np.where(receives, float(add), 0.0), note


def left_out(values: FloatArray, dropped: BoolArray) -> FloatArray:
    """Return counts with NaN in the rows that are out of the analysis."""
    return np.where(dropped, np.nan, values) if dropped.any() else values
