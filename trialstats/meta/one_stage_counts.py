"""Read the counts of a one-stage model and choose the trials that enter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    Values,
    numbers,
    refuse,
    required,
    same_length,
)
from trialstats.meta.one_stage_models import MEASURES, Model, TrialCounts
from trialstats.meta.two_by_two import read_counts

#: Arguments of the measures.
_TWO_ARMS = ("ai", "bi", "ci", "di", "n1i", "n2i")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The trials that enter, sorted so that no sum depends on the order of the input.

    Attributes
    ----------
    counts : TrialCounts
    rows : ndarray of int
        Position in the input of each.
    typical_variance : float
        Of the trials' own effects, 0.5 added to counts with a zero; NaN: none.
    """

    counts: TrialCounts
    rows: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    typical_variance: float


def read_trial_counts(
    measure: str, given: dict[str, Values], data: pd.DataFrame | None
) -> TrialCounts:
    """Return the counts of a call, with a column of ones as design.

    Raises
    ------
    DataError
        For absent arguments, counts that are negative or no whole numbers, more events
        than participants, or person-time of zero or less.
    """
    x, size = _READERS[measure](given, data)
    for column in (x, size) if not MEASURES[measure] else (x,):
        for arm in column.T:
            refuse(
                arm != np.round(arm),
                "a count is not a whole number",
                column="events or participants",
                values=arm,
                remedy="give the counts as they were observed",
            )
    return TrialCounts(measure, x, size, np.ones((len(x), 1)))


def _odds(
    given: dict[str, Values], data: pd.DataFrame | None
) -> tuple[FloatArray, FloatArray]:
    cells = read_counts({name: given[name] for name in _TWO_ARMS}, data)
    x = np.column_stack([cells.a, cells.c])
    return x, np.column_stack([cells.a + cells.b, cells.c + cells.d])


def _rates(
    given: dict[str, Values], data: pd.DataFrame | None
) -> tuple[FloatArray, FloatArray]:
    columns = required(["x1i", "t1i", "x2i", "t2i"], given, data=data)
    _check_rates(columns, ("x1i", "x2i"), ("t1i", "t2i"))
    x = np.column_stack([columns["x1i"], columns["x2i"]])
    return x, np.column_stack([columns["t1i"], columns["t2i"]])


def _single_rates(
    given: dict[str, Values], data: pd.DataFrame | None
) -> tuple[FloatArray, FloatArray]:
    columns = required(["xi", "ti"], given, data=data)
    _check_rates(columns, ("xi",), ("ti",))
    return columns["xi"][:, None], columns["ti"][:, None]


def _single_odds(
    given: dict[str, Values], data: pd.DataFrame | None
) -> tuple[FloatArray, FloatArray]:
    events = required(["xi"], given, data=data)["xi"]
    refuse(events < 0, "a count is negative", column="xi", values=events)
    if given.get("ni") is None and given.get("mi") is None:
        raise DataError("missing argument ni", remedy="give ni, or mi")
    name = "mi" if given.get("ni") is None else "ni"
    size = numbers(name, given[name], data=data)
    same_length({"xi": events, name: size})
    if name == "mi":
        refuse(size < 0, "a count is negative", column="mi", values=size)
        size = events + size
    refuse(
        size <= 0,
        "the number of participants is not above zero",
        column=name,
        values=size,
    )
    refuse(events > size, "more events than participants", column="xi", values=events)
    return events[:, None], size[:, None]


def _check_rates(
    columns: dict[str, FloatArray], events: tuple[str, ...], times: tuple[str, ...]
) -> None:
    for name in events:
        refuse(
            columns[name] < 0, "a count is negative", column=name, values=columns[name]
        )
    for name in times:
        refuse(
            columns[name] <= 0,
            "the person-time is not above zero",
            column=name,
            values=columns[name],
        )


_READERS = {"OR": _odds, "IRR": _rates, "PLO": _single_odds, "IRLN": _single_rates}


def choose(counts: TrialCounts, model: Model, *, drop00: bool) -> Chosen:
    """Return the trials that enter a model.

    A trial without events, or with nothing but events, in both arms enters only a
    model with random intercepts, on which it bears, and only if it is not dropped.
    """
    enters = np.ones(counts.k, dtype=bool)
    if counts.x.shape[1] == 2 and (drop00 or not model.random_intercept):
        enters = counts.informative
    rows = np.flatnonzero(enters)
    keys = (*counts.design[rows].T[::-1], *counts.size[rows].T, *counts.x[rows].T)
    rows = rows[np.lexsort(keys)]
    chosen = TrialCounts(
        counts.measure, counts.x[rows], counts.size[rows], counts.design[rows]
    )
    return Chosen(chosen, rows, _typical_variance(chosen))


def _typical_variance(counts: TrialCounts) -> float:
    """Return (k - p) / tr(P) of the trials' own effects, P the weighted projection."""
    if counts.k <= counts.design.shape[1]:
        return float("nan")
    variance = _own_variances(counts)
    design, there = counts.design, np.isfinite(variance)
    weight = np.where(there, 1 / variance, 0.0)
    rest = int(there.sum()) - design.shape[1]
    inner = design.T @ (weight[:, None] * design)
    leverage = np.linalg.lstsq(
        inner, design.T @ (weight[:, None] ** 2 * design), rcond=None
    )
    trace = float(weight.sum() - np.trace(leverage[0]))
    return rest / trace if rest > 0 and trace > 0 else float("nan")


def _own_variances(counts: TrialCounts) -> FloatArray:
    x, size = counts.x.T, counts.size.T
    names = {
        "OR": ("ai", "n1i", "ci", "n2i"),
        "IRR": ("x1i", "t1i", "x2i", "t2i"),
        "PLO": ("xi", "ni"),
        "IRLN": ("xi", "ti"),
    }[counts.measure]
    columns = [column for arm in zip(x, size, strict=True) for column in arm]
    arguments: dict[str, Values] = dict(zip(names, columns, strict=True))
    found = effect_sizes(counts.measure, add=0.5, to="only0", **arguments)
    return found["variance"].to_numpy(dtype=np.float64)


def entered(chosen: Chosen, k: int) -> BoolArray:
    """Return which of k trials enter."""
    mask = np.zeros(k, dtype=bool)
    mask[chosen.rows] = True
    return mask
