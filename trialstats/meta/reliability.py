"""Effect sizes of Cronbach's alpha, raw and transformed.

Symbols: alpha of m items in n participants.
"""

from dataclasses import dataclass

import numpy as np

from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import Call, Measure, Rows, plain_rows, read_columns


@dataclass(frozen=True, slots=True)
class Alphas:
    """Alpha, items and participants of k studies, each of shape (k,)."""

    alpha: FloatArray
    m: FloatArray
    n: FloatArray


def _read(_: Measure, call: Call) -> Rows:
    columns = read_columns(call, ["ai", "mi", "ni"])
    alpha, m, n = (columns[name] for name in ("ai", "mi", "ni"))
    refuse(alpha > 1, "Cronbach's alpha is above 1", column="ai", values=alpha)
    refuse(m < 2, "Cronbach's alpha needs at least two items", column="mi", values=m)
    refuse(n < 3, "at least three participants are needed", column="ni", values=n)
    return plain_rows(Alphas(alpha, m, n), n, "an alpha of 1 has no logarithm")


def _raw_variance(x: Alphas, _: FloatArray) -> FloatArray:
    return 2 * x.m * (1 - x.alpha) ** 2 / ((x.m - 1) * (x.n - 2))


def _cube_root_variance(x: Alphas, _: FloatArray) -> FloatArray:
    top = 18 * x.m * (x.n - 1) * np.cbrt(1 - x.alpha) ** 2
    return np.asarray(top / ((x.m - 1) * (9 * x.n - 11) ** 2))


#: Measures of reliability, under the names metafor gives them.
RELIABILITY: dict[str, Measure] = {
    "ARAW": Measure(
        "Cronbach's alpha", "natural", _read, lambda x: x.alpha, {"LS": _raw_variance}
    ),
    # Hakstian, Whalen 1976; taken from 1, so that it rises with alpha.
    "AHW": Measure(
        "Cronbach's alpha",
        "one_minus_cube_root",
        _read,
        lambda x: 1 - np.cbrt(1 - x.alpha),
        {"LS": _cube_root_variance},
    ),
    # Bonett 2002, without correction for bias; with the sign that rises with alpha.
    "ABT": Measure(
        "Cronbach's alpha",
        "minus_log_complement",
        _read,
        lambda x: -np.log1p(-x.alpha),
        {"LS": lambda x, _: 2 * x.m / ((x.m - 1) * (x.n - 2))},
    ),
}
