"""Effect sizes of events in person-time, of two groups and of one.

Symbols: x1 events in t1 units of person-time under treatment, x2 in t2 under control;
x events in t units in a single group.
"""

from dataclasses import dataclass

import numpy as np

from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import Call, Measure, Rows, read_columns
from trialstats.meta.zero_cells import Words, constant, left_out


@dataclass(frozen=True, slots=True)
class Rates:
    """Events and person-time of two groups, each an array of shape (k,)."""

    x1: FloatArray
    t1: FloatArray
    x2: FloatArray
    t2: FloatArray


@dataclass(frozen=True, slots=True)
class Rate:
    """Events and person-time of one group, each an array of shape (k,)."""

    x: FloatArray
    t: FloatArray


def read_rates(call: Call) -> Rates:
    """Return events and person-time from x1i, t1i, x2i, t2i, as they are given.

    Raises
    ------
    DataError
        For an absent argument, a negative count, or person-time of zero or less.
    """
    columns = read_columns(call, ["x1i", "t1i", "x2i", "t2i"])
    _refuse(columns, ("x1i", "x2i"), ("t1i", "t2i"))
    return Rates(columns["x1i"], columns["t1i"], columns["x2i"], columns["t2i"])


def _refuse(
    columns: dict[str, FloatArray], counts: tuple[str, ...], times: tuple[str, ...]
) -> None:
    for name in counts:
        x = columns[name]
        refuse(x < 0, "a count is negative", column=name, values=x)
    for name in times:
        t = columns[name]
        refuse(t <= 0, "the person-time is not above zero", column=name, values=t)


def _two(measure: Measure, call: Call) -> Rows:
    given = read_rates(call)
    no_events = (given.x1 == 0) & (given.x2 == 0)
    has_zero = (given.x1 == 0) | (given.x2 == 0)
    dropped = no_events & call.drop00
    words = Words("both counts", "a count", "a count of zero")
    added, done = constant(has_zero, dropped, call, measure.add, words)
    columns = Rates(
        left_out(given.x1, dropped) + added,
        given.t1,
        left_out(given.x2, dropped) + added,
        given.t2,
    )
    reason = np.full(len(added), "a count is zero and nothing is added", dtype=object)
    reason[no_events] = "no events in either arm"
    return Rows(
        columns,
        given.t1 + given.t2,
        done,
        reason,
        zero="variance is zero: no events in either arm",
        alone=no_events & (added > 0) & (measure.effect is _difference),
    )


def _one(measure: Measure, call: Call) -> Rows:
    columns = read_columns(call, ["xi", "ti"])
    _refuse(columns, ("xi",), ("ti",))
    x, t = columns["xi"], columns["ti"]
    dropped = np.zeros(len(x), dtype=np.bool_)
    words = Words("the count", "it", "a count of zero")
    added, done = constant(x == 0, dropped, call, measure.add, words)
    reason = np.full(len(x), "no events and nothing is added", dtype=object)
    return Rows(Rate(x + added, t), t, done, reason, "variance is zero: no events")


def _difference(r: Rates) -> FloatArray:
    return r.x1 / r.t1 - r.x2 / r.t2


#: Measures of person-time, under the names metafor gives them.
RATES: dict[str, Measure] = {
    "IRR": Measure(
        "incidence rate ratio",
        "log",
        _two,
        lambda r: np.log(r.x1 / r.t1) - np.log(r.x2 / r.t2),
        {"LS": lambda r, _: 1 / r.x1 + 1 / r.x2},
    ),
    "IRD": Measure(
        "incidence rate difference",
        "natural",
        _two,
        _difference,
        {"LS": lambda r, _: r.x1 / r.t1**2 + r.x2 / r.t2**2},
    ),
    "IRSD": Measure(
        "difference of square-root incidence rates",
        "natural",
        _two,
        lambda r: np.sqrt(r.x1 / r.t1) - np.sqrt(r.x2 / r.t2),
        {"LS": lambda r, _: 1 / (4 * r.t1) + 1 / (4 * r.t2)},
        add=0,
    ),
    "IR": Measure(
        "incidence rate",
        "natural",
        _one,
        lambda r: r.x / r.t,
        {"LS": lambda r, _: r.x / r.t**2},
    ),
    "IRLN": Measure(
        "incidence rate",
        "log",
        _one,
        lambda r: np.log(r.x / r.t),
        {"LS": lambda r, _: 1 / r.x},
    ),
    "IRS": Measure(
        "incidence rate",
        "square_root",
        _one,
        lambda r: np.sqrt(r.x / r.t),
        {"LS": lambda r, _: 1 / (4 * r.t)},
        add=0,
    ),
    "IRFT": Measure(
        "incidence rate",
        "freeman_tukey_rate",
        _one,
        lambda r: (np.sqrt(r.x / r.t) + np.sqrt((r.x + 1) / r.t)) / 2,
        {"LS": lambda r, _: 1 / (4 * r.t)},
        add=0,
    ),
}
