"""What an effect measure is, and how a call becomes effects and variances.

A measure reads its arguments into checked rows, computes the effects, and has one or
more formulas of their sampling variance, named by `vtype` as in metafor.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialstats.errors import DataError
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    Values,
    numbers,
    refuse,
    row_label,
    same_length,
    same_order,
)

#: Texts or None, one a row.
Notes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call of `effect_sizes`, not yet read."""

    given: Mapping[str, Values]
    data: pd.DataFrame | None = None
    add: float | None = None
    to: str = "only0"
    drop00: bool = False
    correct: bool = True

    def has(self, name: str) -> bool:
        """Return whether an argument was given."""
        return self.given.get(name) is not None


@dataclass(frozen=True, slots=True)
class Rows:
    """Checked rows of k trials.

    Attributes
    ----------
    columns : object
        What the formulas of the measure take; rows left out are NaN.
    n : ndarray of shape (k,)
        Participants as they were given, or person-time of a rate.
    done : ndarray of shape (k,)
        What was done to a row, or None.
    reason : ndarray of shape (k,)
        Why a row has no effect, should it have none.
    zero : str
        Why a variance is zero, should it be.
    alone : ndarray of shape (k,)
        Rows whose variance comes from what was added alone.
    """

    columns: Any
    n: FloatArray
    done: Notes
    reason: Notes
    zero: str = "variance is zero"
    alone: BoolArray | None = None


_Variance = Callable[[Any, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Measure:
    """An effect measure.

    Attributes
    ----------
    words : str
        Its name.
    scale : str
        Key of `trialstats.meta.scales.SCALES`: what the effects stand on.
    read : callable
        From the call to checked rows.
    effect : callable
        From the columns of the rows to effects, shape (k,).
    variances : mapping
        vtype -> from columns and effects to sampling variances; the first is the
        default.
    add : float
        What is added to counts when the caller does not say.
    only_effect : str or None
        What the note says where the effect exists and its variance does not; None:
        such a row has no effect either.
    """

    words: str
    scale: str
    read: Callable[["Measure", Call], Rows]
    effect: Callable[[Any], FloatArray]
    variances: Mapping[str, _Variance] = field(default_factory=dict)
    add: float = 0.5
    only_effect: str | None = None


def compute(
    name: str, measure: Measure, call: Call, vtype: Values
) -> tuple[FloatArray, FloatArray, Notes, FloatArray]:
    """Return effects, variances, notes and sizes, each of shape (k,).

    A row without an effect is NaN and its note says why.
    """
    rows = measure.read(measure, call)
    k = len(rows.n)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        effect = np.asarray(measure.effect(rows.columns), dtype=np.float64)
        chosen = _vtypes(name, measure, vtype, call.data, k)
        variance = np.full(k, np.nan)
        for each in dict.fromkeys(chosen.tolist()):
            of_all = measure.variances[each](rows.columns, effect)
            variance = np.where(chosen == each, of_all, variance)
    effect, variance, absent = _estimable(effect, variance, measure.only_effect)
    note = rows.done.copy()
    if rows.alone is not None:
        note[rows.alone] += "; the variance comes from this alone"
    _append(note, variance == 0, rows.zero)
    if measure.only_effect is not None:
        _append(note, ~absent & np.isnan(variance), measure.only_effect)
    note[absent] = np.array(
        [f"not estimable: {text}" for text in rows.reason[absent]], dtype=object
    )
    return effect, variance, note, rows.n


def _estimable(
    effect: FloatArray, variance: FloatArray, only_effect: str | None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return effects and variances, NaN where they are not numbers, and where."""
    known = np.isfinite(variance) & (variance >= 0)
    absent = ~np.isfinite(effect)
    if only_effect is None:
        absent |= ~known
    variance = np.where(known & ~absent, variance, np.nan)
    return np.where(absent, np.nan, effect), variance, absent


def _append(note: Notes, where: BoolArray, text: str) -> None:
    """Add a text to the notes of some rows."""
    for position in np.flatnonzero(where):
        before = note[position]
        note[position] = text if before is None else f"{before}; {text}"


def _vtypes(
    name: str, measure: Measure, vtype: Values, data: pd.DataFrame | None, k: int
) -> NDArray[np.object_]:
    """Return the vtype of each row, checked."""
    column = isinstance(vtype, str) and vtype not in measure.variances
    if column and data is not None and vtype in data.columns:
        vtype = data[vtype]
    listed = np.atleast_1d(np.asarray(vtype, dtype=object)).ravel()
    if len(listed) == 1:
        listed = np.repeat(listed, k)
    if len(listed) != k:
        raise DataError(f"vtype has {len(listed)} rows, the other columns have {k}")
    for position, value in enumerate(listed):
        if value not in measure.variances:
            allowed = ", ".join(measure.variances)
            where = {} if isinstance(vtype, str) else {"row": row_label(position)}
            raise DataError(
                f"{name} has no variance vtype={value!r}",
                remedy=f"use {'one of ' if len(measure.variances) > 1 else ''}"
                f"{allowed}",
                **where,
            )
    return listed


def no_notes(k: int) -> Notes:
    """Return notes of k rows that say nothing."""
    return np.full(k, None, dtype=object)


def plain_rows(columns: Any, n: FloatArray, reason: str) -> Rows:
    """Return rows to which nothing is done."""
    k = len(n)
    return Rows(columns, n, no_notes(k), np.full(k, reason, dtype=object))


def read_columns(
    call: Call, needed: Iterable[str], may_miss: Iterable[str] = ()
) -> dict[str, FloatArray]:
    """Return arguments as arrays of one length.

    A single number holds for every row. A column of `may_miss` that was not given is
    absent from the result; its missing values are NaN.

    Raises
    ------
    DataError
        For an absent or unreadable argument of `needed`, or columns that differ in
        length.
    """
    wanted = list(needed)
    absent = [name for name in wanted if not call.has(name)]
    if absent:
        raise DataError(
            f"missing argument {', '.join(absent)}",
            remedy=f"this measure needs {', '.join(wanted)}",
        )
    optional = [name for name in may_miss if call.has(name)]
    same_order(
        {
            name: call.data if isinstance(call.given[name], str) else call.given[name]
            for name in [*wanted, *optional]
        }
    )
    found = {
        name: numbers(name, call.given[name], data=call.data, missing=name in optional)
        for name in [*wanted, *optional]
    }
    return broadcast(found, call)


def broadcast(found: dict[str, FloatArray], call: Call) -> dict[str, FloatArray]:
    """Return columns of one length: single numbers are repeated."""
    single = {
        name
        for name in found
        if np.ndim(call.given[name]) == 0 and not isinstance(call.given[name], str)
    }
    lengths = {len(values) for name, values in found.items() if name not in single}
    if len(lengths) == 1:
        k = lengths.pop()
        for name in single:
            found[name] = np.full(k, found[name][0])
    same_length(found)
    return found


def weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """Return the mean over the rows that have a number."""
    known = np.isfinite(values) & np.isfinite(weights)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum() / total) if total else np.nan


def refuse_sizes(columns: Mapping[str, FloatArray], least: Mapping[str, float]) -> None:
    """Raise a DataError for sizes below the least that each column may have."""
    for name, minimum in least.items():
        refuse(
            columns[name] < minimum,
            "a standard deviation needs at least two participants"
            if minimum == 2
            else f"at least {minimum:g} participants are needed",
            column=name,
            values=columns[name],
        )


def refuse_deviations(columns: Mapping[str, FloatArray], names: Iterable[str]) -> None:
    """Raise a DataError for standard deviations of zero or less."""
    for name in names:
        refuse(
            columns[name] <= 0,
            "the standard deviation is not above zero",
            column=name,
            values=columns[name],
            remedy="supply the standard deviation, not a standard error of zero",
        )


def refuse_outside(
    values: FloatArray, column: str, lower: float, upper: float, what: str
) -> None:
    """Raise a DataError for numbers outside [lower, upper]; NaN passes."""
    refuse(
        (values < lower) | (values > upper),
        f"{what} lies between {lower:g} and {upper:g}",
        column=column,
        values=values,
    )
