"""Effect sizes of a single proportion and of genotype counts.

Symbols: x of n participants have the event; p = x/n. Of genotypes a and c are the
homozygotes, b the heterozygotes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import Call, Measure, Rows, read_columns, weighted_mean
from trialstats.meta.zero_cells import Words, constant


@dataclass(frozen=True, slots=True)
class Proportions:
    """Participants with and without the event, each an array of shape (k,)."""

    x: FloatArray
    m: FloatArray

    @property
    def n(self) -> FloatArray:
        """Participants."""
        return self.x + self.m

    @property
    def p(self) -> FloatArray:
        """Share with the event."""
        return self.x / self.n


def read_proportions(call: Call) -> Proportions:
    """Return participants with and without the event from xi and ni, or xi and mi.

    Raises
    ------
    DataError
        For an absent argument, a negative count, events above n, n of zero or less,
        or counts that contradict n.
    """
    if not call.has("ni") and not call.has("mi"):
        raise DataError("missing argument ni", remedy="give ni, or mi")
    names = [name for name in ("xi", "mi", "ni") if name == "xi" or call.has(name)]
    columns = read_columns(call, names)
    x = columns["xi"]
    n = columns["ni"] if "ni" in columns else x + columns["mi"]
    m = columns["mi"] if "mi" in columns else n - x
    refuse(x < 0, "a count is negative", column="xi", values=x)
    refuse(
        (x > n) & ("ni" in columns),
        "more events than participants",
        column="xi",
        values=x,
        remedy="count participants with the event, at most ni",
    )
    refuse(m < 0, "a count is negative", column="mi", values=m)
    refuse(
        n <= 0, "the number of participants is not above zero", column="ni", values=n
    )
    refuse(
        x + m != n,
        "xi + mi is not ni",
        column="mi",
        values=m,
        remedy="give mi or ni, not both",
    )
    return Proportions(x, m)


def _read(measure: Measure, call: Call) -> Rows:
    given = read_proportions(call)
    has_zero = (given.x == 0) | (given.m == 0)
    words = Words(
        "events and non-events", "one of them", "no events, or nothing but events"
    )
    dropped = np.zeros(len(given.x), dtype=np.bool_)
    added, done = constant(has_zero, dropped, call, measure.add, words)
    reason = np.full(len(added), "no events and nothing is added", dtype=object)
    reason[given.m == 0] = "every participant has the event and nothing is added"
    return Rows(
        Proportions(given.x + added, given.m + added),
        given.n,
        done,
        reason,
        zero="variance is zero: no event, or nothing but events",
    )


def _mean(x: Proportions) -> float:
    """Return the share with the event over all studies."""
    return weighted_mean(x.p, x.n)


def _raw_average(x: Proportions, _: FloatArray) -> FloatArray:
    p = _mean(x)
    return p * (1 - p) / x.n


def _log_average(x: Proportions, _: FloatArray) -> FloatArray:
    return (1 / _mean(x) - 1) / x.n


def _logit_average(x: Proportions, _: FloatArray) -> FloatArray:
    p = _mean(x)
    return 1 / (p * (1 - p) * x.n)


def _double_arcsine(x: Proportions) -> FloatArray:
    """Return the mean of two angles (Freeman, Tukey 1950), half their sum."""
    above = x.n + 1
    first = np.arcsin(np.sqrt(x.x / above))
    return np.asarray((first + np.arcsin(np.sqrt((x.x + 1) / above))) / 2)


def _read_genotypes(_: Measure, call: Call) -> Rows:
    columns = read_columns(call, ["ai", "bi", "ci"])
    for name, counts in columns.items():
        refuse(counts < 0, "a count is negative", column=name, values=counts)
    n = columns["ai"] + columns["bi"] + columns["ci"]
    reason = np.full(len(n), "a genotype does not occur", dtype=object)
    none = np.full(len(n), None, dtype=object)
    return Rows(tuple(columns[name] for name in ("ai", "bi", "ci")), n, none, reason)


def _excess_variance(
    counts: tuple[FloatArray, FloatArray, FloatArray], _: FloatArray
) -> FloatArray:
    """Return the delta method for ln(b) - ln(a)/2 - ln(c)/2 of a multinomial."""
    a, b, c = counts
    return 1 / b + 1 / (4 * a) + 1 / (4 * c)


#: Measures of a single proportion, under the names metafor gives them.
SINGLE_PROPORTIONS: dict[str, Measure] = {
    "PR": Measure(
        "proportion",
        "natural",
        _read,
        lambda x: x.p,
        {
            "LS": lambda x, _: x.x * x.m / x.n**3,
            "UB": lambda x, _: x.x * x.m / (x.n**2 * (x.n - 1)),
            "AV": _raw_average,
        },
    ),
    "PLN": Measure(
        "proportion",
        "log",
        _read,
        lambda x: np.log(x.p),
        {"LS": lambda x, _: x.m / (x.x * x.n), "AV": _log_average},
    ),
    "PLO": Measure(
        "proportion",
        "logit",
        _read,
        lambda x: np.log(x.x / x.m),
        {"LS": lambda x, _: 1 / x.x + 1 / x.m, "AV": _logit_average},
    ),
    "PRZ": Measure(
        "proportion",
        "probit",
        _read,
        lambda x: ndtri(x.p),
        {"LS": lambda x, z: 2 * np.pi * x.p * (1 - x.p) * np.exp(z**2) / x.n},
    ),
    "PAS": Measure(
        "proportion",
        "arcsine",
        _read,
        lambda x: np.arcsin(np.sqrt(x.p)),
        {"LS": lambda x, _: 1 / (4 * x.n)},
        add=0,
    ),
    "PFT": Measure(
        "proportion",
        "double_arcsine",
        _read,
        _double_arcsine,
        {"LS": lambda x, _: 1 / (4 * x.n + 2)},
        add=0,
    ),
    "REH": Measure(
        "relative excess heterozygosity",
        "log",
        _read_genotypes,
        lambda x: np.log(x[1]) - np.log(2) - (np.log(x[0]) + np.log(x[2])) / 2,
        {"LS": _excess_variance},
    ),
}
