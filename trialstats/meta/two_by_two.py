"""Effect sizes of two-by-two tables: RR and OR on the log scale, RD as it is.

Symbols: a and b are the participants with and without the event under treatment, c
and d under control; n1 = a + b, n2 = c + d.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    Values,
    numbers,
    one_of,
    refuse,
    required,
    same_length,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """The cells of k two-by-two tables, each an array of shape (k,)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    @property
    def n1(self) -> FloatArray:
        """Participants under treatment."""
        return self.a + self.b

    @property
    def n2(self) -> FloatArray:
        """Participants under control."""
        return self.c + self.d

    @property
    def has_zero(self) -> BoolArray:
        """Whether any cell of the table is zero."""
        cells = np.stack([self.a, self.b, self.c, self.d])
        return np.asarray((cells == 0).any(axis=0))

    def plus(self, added: FloatArray) -> "Counts":
        """Return the tables with `added` in every cell."""
        return Counts(self.a + added, self.b + added, self.c + added, self.d + added)


def read_counts(given: dict[str, Values], data: pd.DataFrame | None) -> Counts:
    """Return the cells from ai with bi or n1i, and ci with di or n2i.

    Raises
    ------
    DataError
        For an absent argument, a negative count, events above n, n of zero or less,
        or cells that contradict n.
    """
    treated = _arm("ai", "bi", "n1i", given, data)
    control = _arm("ci", "di", "n2i", given, data)
    same_length({"ai": treated[0], "ci": control[0]})
    return Counts(*treated, *control)


def _arm(
    event: str,
    no_event: str,
    total: str,
    given: dict[str, Values],
    data: pd.DataFrame | None,
) -> tuple[FloatArray, FloatArray]:
    """Return the cells of one arm."""
    if given.get(no_event) is None and given.get(total) is None:
        raise DataError(
            f"missing argument {total}", remedy=f"give {total}, or {no_event}"
        )
    events = required([event], given, data=data)[event]
    refuse(events < 0, "a count is negative", column=event, values=events)
    if given.get(total) is None:
        others = numbers(no_event, given[no_event], data=data)
        same_length({event: events, no_event: others})
        refuse(others < 0, "a count is negative", column=no_event, values=others)
        refuse(
            events + others <= 0,
            f"{event} + {no_event} is zero: no participants",
            column=event,
            values=events,
        )
        return events, others
    n = numbers(total, given[total], data=data)
    same_length({event: events, total: n})
    refuse(
        n <= 0, "the number of participants is not above zero", column=total, values=n
    )
    above = np.flatnonzero(events > n)
    if above.size:
        refuse(
            events > n,
            f"more events than participants ({total} = {n[above[0]]:g})",
            column=event,
            values=events,
            remedy=f"count participants with the event, at most {total}",
        )
    others = n - events
    if given.get(no_event) is not None:
        stated = numbers(no_event, given[no_event], data=data)
        same_length({event: events, no_event: stated})
        refuse(
            stated != others,
            f"{event} + {no_event} is not {total}",
            column=no_event,
            values=stated,
            remedy=f"give {no_event} or {total}, not both",
        )
    return events, others


#: Rules for the zero cells: which tables receive the constant, and the words for it.
ZERO_CELLS: dict[str, Callable[[BoolArray], BoolArray]] = {
    "only0": lambda zero: zero,
    "all": np.ones_like,
    "if0all": lambda zero: np.full_like(zero, zero.any()),
    "none": np.zeros_like,
}

_ADDED = {
    "only0": "{add:g} added to every cell: a cell is zero",
    "all": "{add:g} added to every cell of every trial",
    "if0all": "{add:g} added to every cell of every trial: one of them has a zero cell",
}


def log_risk_ratio(cells: Counts) -> tuple[FloatArray, FloatArray]:
    """Return ln(a/n1) - ln(c/n2) and its variance b/(a n1) + d/(c n2)."""
    effect = np.log(cells.a / cells.n1) - np.log(cells.c / cells.n2)
    return effect, cells.b / (cells.a * cells.n1) + cells.d / (cells.c * cells.n2)


def log_odds_ratio(cells: Counts) -> tuple[FloatArray, FloatArray]:
    """Return ln(ad/bc) and its variance 1/a + 1/b + 1/c + 1/d (Woolf 1955)."""
    effect = np.log(cells.a / cells.b) - np.log(cells.c / cells.d)
    return effect, 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d


def risk_difference(cells: Counts) -> tuple[FloatArray, FloatArray]:
    """Return a/n1 - c/n2 and its variance ab/n1^3 + cd/n2^3."""
    effect = cells.a / cells.n1 - cells.c / cells.n2
    return effect, cells.a * cells.b / cells.n1**3 + cells.c * cells.d / cells.n2**3


#: Measures of two-by-two tables, under the names metafor gives them.
PROPORTIONS: dict[str, Callable[[Counts], tuple[FloatArray, FloatArray]]] = {
    "RR": log_risk_ratio,
    "OR": log_odds_ratio,
    "RD": risk_difference,
}


def from_counts(
    measure: str, cells: Counts, *, add: float, to: str, drop00: bool
) -> tuple[FloatArray, FloatArray, list[str | None]]:
    """Return effects, variances and notes of `measure` under a zero-cell rule.

    A row without an effect is NaN in both and its note says why.
    """
    one_of("zero-cell rule to=", to, ZERO_CELLS)
    if not (np.isfinite(add) and add >= 0):
        raise DataError(f"add must be zero or more, got {add!r}", remedy="write 0.5")
    no_events = (cells.a == 0) & (cells.c == 0)
    only_events = (cells.b == 0) & (cells.d == 0)
    dropped = (no_events | only_events) & drop00
    # A dropped trial is out of the analysis: its zeros do not make `if0all` add.
    receives = ZERO_CELLS[to](cells.has_zero & ~dropped) & (add > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect, variance = PROPORTIONS[measure](
            cells.plus(np.where(receives, add, 0.0))
        )
    absent = ~(np.isfinite(effect) & np.isfinite(variance)) | dropped
    effect, variance = (
        np.where(absent, np.nan, effect),
        np.where(absent, np.nan, variance),
    )
    notes = [
        _note(
            absent=bool(absent[i]),
            receives=bool(receives[i]),
            no_events=bool(no_events[i]),
            only_events=bool(only_events[i]),
            variance=float(variance[i]),
            difference=measure == "RD",
            added=_ADDED.get(to, "").format(add=add),
        )
        for i in range(len(effect))
    ]
    return effect, variance, notes


def _note(
    *,
    absent: bool,
    receives: bool,
    no_events: bool,
    only_events: bool,
    variance: float,
    difference: bool,
    added: str,
) -> str | None:
    """Return what was done to a table or why it gives no effect, else None."""
    if absent and no_events:
        return "not estimable: no events in either arm"
    if absent and only_events:
        return "not estimable: every participant has the event in both arms"
    if absent:
        return "not estimable: a cell is zero and nothing is added"
    if variance == 0:
        return "variance is zero: no event, or nothing but events, in each arm"
    if receives and difference and (no_events or only_events):
        return f"{added}; the variance comes from this alone"
    return added if receives else None
