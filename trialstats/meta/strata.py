"""Two-arm strata whose counts are pooled: which enter, what is added, their effects.

A stratum is a trial. Its four numbers are the cells a, b, c, d of a two-by-two table,
or the events and the person-time x1, t1, x2, t2 of two arms. The last axis of every
array runs over trials, so that many sets of trials are pooled at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import BoolArray, FloatArray, Values, one_of, refuse
from trialstats.meta.inputs import required as required_columns
from trialstats.meta.two_by_two import read_counts

#: Measures of two-by-two tables and of person-time that a pooled count can estimate.
TABLES = ("OR", "RR", "RD", "PETO")
PERSON_TIME = ("IRR", "IRD")


class Cells(NamedTuple):
    """Four numbers a trial, each of shape (..., k): a, b, c, d or x1, t1, x2, t2."""

    first: FloatArray
    second: FloatArray
    third: FloatArray
    fourth: FloatArray


@dataclass(frozen=True, slots=True)
class ZeroRule:
    """What is added to zero cells, and whether trials without events are left out.

    Attributes
    ----------
    add : float
        The constant.
    to : {"only0", "all", "if0all", "none"}
        Which trials receive it.
    drop00 : bool
        Whether a trial without events, or with nothing but events, is left out.
    """

    add: float
    to: str
    drop00: bool

    def __post_init__(self) -> None:
        """Refuse a constant or a rule that does not exist."""
        one_of("zero-cell rule to=", self.to, _RECEIVES)
        if not (np.isfinite(self.add) and self.add >= 0):
            raise DataError(
                f"add must be zero or more, got {self.add!r}", remedy="write 0.5"
            )


#: Rule -> which trials of a set receive the constant.
_RECEIVES: dict[str, Callable[[BoolArray, BoolArray], BoolArray]] = {
    "only0": lambda zero, entered: entered & zero,
    "all": lambda zero, entered: entered,
    "if0all": lambda zero, entered: (
        entered & (entered & zero).any(axis=-1, keepdims=True)
    ),
    "none": lambda zero, entered: np.zeros_like(entered),
}


def rules(
    add: float | tuple[float, float],
    to: str | tuple[str, str],
    drop00: bool | tuple[bool, bool],
) -> tuple[ZeroRule, ZeroRule]:
    """Return the rules for the trials' own effects and for the pooled counts.

    A single value is for the effects; nothing is added to, or left out of, what is
    pooled unless a pair says so.
    """
    adds = _pair("add", add, 0.0)
    words = _pair("to", to, "none")
    drops = _pair("drop00", drop00, False)
    for one in adds:
        if not isinstance(one, Real):
            raise DataError(f"add must be a number, got {one!r}", remedy="write 0.5")
    own, pooled = (
        ZeroRule(float(a), w, bool(d))
        for a, w, d in zip(adds, words, drops, strict=True)
    )
    return own, pooled


def _pair(name: str, value: Any, second: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list):
        return value, second
    if len(value) != 2:
        raise DataError(
            f"{name} must be one value or two, got {len(value)}",
            remedy="give one for the trials' effects and one for what is pooled",
        )
    return value[0], value[1]


@dataclass(frozen=True, slots=True)
class Strata:
    """The trials, sorted so that no sum depends on the order of the input.

    Attributes
    ----------
    cells : Cells
        The counts as given, each of shape (k,), sorted.
    measure : str
        OR, RR, RD, PETO, IRR or IRD.
    order : ndarray of shape (k,)
        Position in the input of each sorted trial.
    """

    cells: Cells
    measure: str
    order: "np.ndarray[tuple[int], np.dtype[np.intp]]"

    @property
    def k(self) -> int:
        """Number of trials in the input."""
        return len(self.order)

    @property
    def uninformative(self) -> BoolArray:
        """Whether a trial has no events, or nothing but events, in both arms."""
        a, b, c, d = self.cells
        if self.measure in PERSON_TIME:
            return np.asarray((a == 0) & (c == 0))
        return np.asarray(((a == 0) & (c == 0)) | ((b == 0) & (d == 0)))

    def entered(self, include: BoolArray, rule: ZeroRule) -> BoolArray:
        """Return which of the included trials enter under a rule."""
        return include & ~(self.uninformative & rule.drop00)

    def with_added(self, include: BoolArray, rule: ZeroRule) -> Cells:
        """Return the counts of the trials that enter; zeros stand for the others."""
        entered = self.entered(include, rule)
        a, b, c, d = self.cells
        person_time = self.measure in PERSON_TIME
        zero = (a == 0) | (c == 0)
        if not person_time:
            zero |= (b == 0) | (d == 0)
        added = np.where(_RECEIVES[rule.to](zero, entered), rule.add, 0.0)
        others = 0.0 if person_time else added
        summed = (a + added, b + others, c + added, d + others)
        return Cells(*(np.where(entered, x, 0.0) for x in summed))

    def effects(self, include: BoolArray, rule: ZeroRule) -> tuple[FloatArray, ...]:
        """Return the trials' own effects and variances; NaN where there is none."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            effect, variance = _OWN[self.measure](self.with_added(include, rule))
            there = np.isfinite(effect) & np.isfinite(variance)
        return np.where(there, effect, np.nan), np.where(there, variance, np.nan)

    def in_input_order(self, values: FloatArray) -> FloatArray:
        """Return sorted values in the order of the input, read-only."""
        unsorted = np.empty_like(values)
        unsorted[self.order] = values
        unsorted.flags.writeable = False
        return unsorted

    def sorted_sets(self, include: BoolArray) -> BoolArray:
        """Return sets of trials, given in the order of the input, in sorted order."""
        return np.asarray(include[..., self.order])


def read_strata(
    measure: str, given: dict[str, Values], data: pd.DataFrame | None
) -> Strata:
    """Return the checked trials of a call.

    Raises
    ------
    DataError
        For an absent argument, a negative count, more events than participants, or
        person-time of zero or less.
    """
    one_of("measure", measure, (*TABLES, *PERSON_TIME))
    if measure in PERSON_TIME:
        cells = _person_time(given, data)
    else:
        tables = read_counts(given, data)
        cells = Cells(tables.a, tables.b, tables.c, tables.d)
    order = np.lexsort(cells[::-1])
    return Strata(Cells(*(x[order] for x in cells)), measure, order)


def _person_time(given: dict[str, Values], data: pd.DataFrame | None) -> Cells:
    columns = required_columns(["x1i", "t1i", "x2i", "t2i"], given, data=data)
    for name in ("x1i", "x2i"):
        refuse(
            columns[name] < 0,
            "a count is negative",
            column=name,
            values=columns[name],
        )
    for name in ("t1i", "t2i"):
        refuse(
            columns[name] <= 0,
            "the person-time is not above zero",
            column=name,
            values=columns[name],
        )
    return Cells(*columns.values())


def _log_odds_ratio(cells: Cells) -> tuple[FloatArray, FloatArray]:
    a, b, c, d = cells
    return np.log(a / b) - np.log(c / d), 1 / a + 1 / b + 1 / c + 1 / d


def _log_risk_ratio(cells: Cells) -> tuple[FloatArray, FloatArray]:
    a, b, c, d = cells
    effect = np.log(a / (a + b)) - np.log(c / (c + d))
    return effect, b / (a * (a + b)) + d / (c * (c + d))


def _risk_difference(cells: Cells) -> tuple[FloatArray, FloatArray]:
    a, b, c, d = cells
    n1, n2 = a + b, c + d
    return a / n1 - c / n2, a * b / n1**3 + c * d / n2**3


def _peto(cells: Cells) -> tuple[FloatArray, FloatArray]:
    excess, variance = excess_and_variance(cells)
    return excess / variance, 1 / variance


def _log_rate_ratio(cells: Cells) -> tuple[FloatArray, FloatArray]:
    x1, t1, x2, t2 = cells
    return np.log(x1 / t1) - np.log(x2 / t2), 1 / x1 + 1 / x2


def _rate_difference(cells: Cells) -> tuple[FloatArray, FloatArray]:
    x1, t1, x2, t2 = cells
    return x1 / t1 - x2 / t2, x1 / t1**2 + x2 / t2**2


_OWN: dict[str, Callable[[Cells], tuple[FloatArray, FloatArray]]] = {
    "OR": _log_odds_ratio,
    "RR": _log_risk_ratio,
    "RD": _risk_difference,
    "PETO": _peto,
    "IRR": _log_rate_ratio,
    "IRD": _rate_difference,
}


def excess_and_variance(cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Return events under treatment minus expected ones, and their variance.

    Both are those of the hypergeometric distribution of a given all margins; they are
    zero for a trial that does not enter.
    """
    a, b, c, d = cells
    n1, n2 = a + b, c + d
    total = above_zero(n1 + n2)
    excess = a - n1 / total * (a + c)
    variance = (n1 / total) * (n2 / total) * (a + c) * (b + d) / above_zero(n1 + n2 - 1)
    return excess, np.maximum(variance, 0.0)


def above_zero(total: FloatArray) -> FloatArray:
    """Return totals to divide by: 1 where a trial does not enter."""
    return np.where(total > 0, total, 1.0)
