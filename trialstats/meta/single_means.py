"""Effect sizes of a single group's mean and standard deviation.

Symbols: m, s, n are mean, standard deviation and size of the group.
"""

from dataclasses import dataclass

import numpy as np

from trialstats.meta.hedges import bias_correction
from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import (
    Call,
    Measure,
    Rows,
    plain_rows,
    read_columns,
    refuse_deviations,
    refuse_sizes,
    weighted_mean,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Mean, standard deviation and size of k groups, each of shape (k,)."""

    m: FloatArray
    s: FloatArray
    n: FloatArray
    correct: bool

    @property
    def squared_cv(self) -> FloatArray:
        """Squared coefficient of variation of the mean, s^2/(n m^2)."""
        return np.asarray((self.s / self.m) ** 2 / self.n)


def _read(measure: Measure, call: Call) -> Rows:
    needs_mean = measure.effect is not _log_sd
    columns = read_columns(call, ["mi", "sdi", "ni"] if needs_mean else ["sdi", "ni"])
    refuse_deviations(columns, ["sdi"])
    refuse_sizes(columns, {"ni": 2})
    n = columns["ni"]
    m = columns.get("mi", np.full(len(n), np.nan))
    refuse(
        (m <= 0) & (measure.scale == "log"),
        "the logarithm needs a mean above zero",
        column="mi",
        values=m,
    )
    group = Group(m, columns["sdi"], n, call.correct)
    return plain_rows(group, n, "too few participants for the correction for bias")


def _common_deviation(x: Group, _: FloatArray) -> FloatArray:
    return weighted_mean(x.s**2, x.n - 1) / x.n


def _standardized(x: Group) -> FloatArray:
    return x.m / x.s * bias_correction(x.n - 1, correct=x.correct)


def _log_sd(x: Group) -> FloatArray:
    return np.log(x.s) + x.correct / (2 * (x.n - 1))


def _log_cv(x: Group) -> FloatArray:
    return np.log(x.s / x.m) + x.correct / (2 * (x.n - 1))


#: Measures of one mean, under the names metafor gives them.
SINGLE_MEANS: dict[str, Measure] = {
    "MN": Measure(
        "mean",
        "natural",
        _read,
        lambda x: x.m,
        {"LS": lambda x, _: x.s**2 / x.n, "HO": _common_deviation},
    ),
    "SMN": Measure(
        "standardized mean",
        "natural",
        _read,
        _standardized,
        {"LS": lambda x, y: 1 / x.n + y**2 / (2 * x.n)},
    ),
    "MNLN": Measure(
        "mean",
        "log",
        _read,
        lambda x: np.log(x.m),
        {"LS": lambda x, _: x.squared_cv},
    ),
    "SDLN": Measure(
        "standard deviation",
        "log",
        _read,
        _log_sd,
        {"LS": lambda x, _: 1 / (2 * (x.n - 1))},
    ),
    "CVLN": Measure(
        "coefficient of variation",
        "log",
        _read,
        _log_cv,
        {"LS": lambda x, _: 1 / (2 * (x.n - 1)) + x.squared_cv},
    ),
}
