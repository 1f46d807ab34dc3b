"""Effect sizes of two means of the same participants: change, or matched pairs.

Symbols: m1, sd1 and m2, sd2 are means and standard deviations under the two conditions
(treatment and control, or after and before), n the pairs, r the correlation of a
pair's two results, sd_c the standard deviation of the change; J as in
`trialstats.meta.means`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialstats.meta.correlations import first_known, t_from_p, unbiased_correlation
from trialstats.meta.hedges import bias_correction
from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.mean_ratios import cv_squared, refuse_not_positive, refuse_ratio
from trialstats.meta.means import TOO_FEW
from trialstats.meta.measures import (
    Call,
    Measure,
    Rows,
    plain_rows,
    read_columns,
    refuse_deviations,
    refuse_outside,
    refuse_sizes,
)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Means, standard deviations and correlation of k samples of pairs, shape (k,)."""

    m1: FloatArray
    sd1: FloatArray
    m2: FloatArray
    sd2: FloatArray
    n: FloatArray
    r: FloatArray
    correct: bool = True

    @property
    def change_variance(self) -> FloatArray:
        """Variance of the change, sd_c^2."""
        product = self.r * self.sd1 * self.sd2
        return np.asarray(self.sd1**2 + self.sd2**2 - 2 * product)

    @property
    def mean_variance(self) -> FloatArray:
        """Plain mean of the two variances."""
        return np.asarray((self.sd1**2 + self.sd2**2) / 2)


def _checked(columns: dict[str, FloatArray]) -> None:
    refuse_deviations(columns, [x for x in ("sd1i", "sd2i") if x in columns])
    refuse_sizes(columns, {"ni": 2})
    refuse_outside(columns["ri"], "ri", -1, 1, "a correlation")


def _reader(
    needed: str, check: Callable[[FloatArray, FloatArray], None] | None = None
) -> Callable[[Measure, Call], Rows]:
    """Return a reader of the arguments `needed`, with ni and ri."""
    names = [*needed.split(), "ni", "ri"]

    def read(_: Measure, call: Call) -> Rows:
        columns = read_columns(call, names)
        _checked(columns)
        n = columns["ni"]
        absent = np.full(len(n), np.nan)
        m1, sd1, m2, sd2 = (columns.get(x, absent) for x in _MOMENTS)
        pairs = Pairs(m1, sd1, m2, sd2, n, columns["ri"], call.correct)
        if check is not None:
            check(pairs.m1, pairs.m2)
        return plain_rows(pairs, n, "too few pairs")

    return read


_MOMENTS = ("m1i", "sd1i", "m2i", "sd2i")


def _read_change(_: Measure, call: Call) -> Rows:
    """Return pairs, or what stands for them: di, ti or pi, with ni."""
    columns = read_columns(call, ["ni"], (*_MOMENTS, "ri", "di", "ti", "pi"))
    n = columns["ni"]
    absent = np.full(len(n), np.nan)
    m1, sd1, m2, sd2, r = (columns.get(x, absent) for x in (*_MOMENTS, "ri"))
    di, ti, pi = (columns.get(x, absent) for x in ("di", "ti", "pi"))
    _checked(columns | {"ri": r})
    refuse_outside(pi, "pi", -1, 1, "a p-value (with the sign of the change)")
    moments = Pairs(m1, sd1, m2, sd2, n, r)
    root = np.sqrt(1 / n)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_moments = (m1 - m2) / np.sqrt(moments.change_variance)
    refuse(
        np.isinf(of_moments) | ((moments.change_variance == 0) & ~np.isnan(m1 - m2)),
        "the change has no spread: the correlation is 1 and the deviations are equal",
        column="ri",
        values=r,
    )
    sources = {
        "di": di,
        "ti": ti * root,
        "pi": t_from_p(pi, n - 1) * root,
    }
    stated = np.isfinite(np.stack(list(sources.values()))).any(axis=0)
    given = {"m1i, m2i, sd1i, sd2i, ri": np.where(stated, np.nan, of_moments)}
    d, note = first_known(given | sources, "standardized change")
    # An SD of 1 under both conditions and r = 1/2: the change has an SD of 1.
    one, zero = np.ones(len(n)), np.zeros(len(n))
    pairs = Pairs(d, one, zero, one, n, one / 2, call.correct)
    return Rows(pairs, n, note, plain_rows(pairs, n, "too few pairs").reason)


def _j(x: Pairs, df: FloatArray) -> FloatArray:
    return bias_correction(df, correct=x.correct)


def _inflation(x: Pairs, y: FloatArray) -> FloatArray:
    """Return the part of an unbiased variance that grows with the effect."""
    df = x.n - 1
    return (1 - (df - 2) / (df * _j(x, df) ** 2)) * y**2


def _over_df(x: Pairs) -> FloatArray:
    """Return df/(df - 2), NaN where it does not exist."""
    df = x.n - 1
    return np.where(df > 2, df / (df - 2), np.nan)


# -- over the standard deviation of the change


def _d_change(x: Pairs) -> FloatArray:
    return np.asarray((x.m1 - x.m2) / np.sqrt(x.change_variance))


def _change_scaled(x: Pairs, _: FloatArray) -> FloatArray:
    return _j(x, x.n - 1) ** 2 * (1 / x.n + _d_change(x) ** 2 / (2 * x.n))


# -- over the standard deviation of one condition


def _d_first(x: Pairs) -> FloatArray:
    return (x.m1 - x.m2) / x.sd1


def _first_large(x: Pairs, y: FloatArray) -> FloatArray:
    return 2 * (1 - x.r) / x.n + y**2 / (2 * x.n)


def _first_scaled(x: Pairs, _: FloatArray) -> FloatArray:
    return _j(x, x.n - 1) ** 2 * _first_large(x, _d_first(x))


def _first_unbiased(x: Pairs, y: FloatArray) -> FloatArray:
    return 2 * (1 - unbiased_correlation(x.r, x.n)) / x.n + _inflation(x, y)


def _first_null(x: Pairs, _: FloatArray) -> FloatArray:
    spread = 2 * (1 - unbiased_correlation(x.r, x.n)) / x.n
    return _j(x, x.n - 1) ** 2 * spread * _over_df(x)


def _first_separate(minus: int) -> Callable[[Pairs, FloatArray], FloatArray]:
    def variance(x: Pairs, y: FloatArray) -> FloatArray:
        n = x.n - minus
        return x.change_variance / (x.sd1**2 * n) + y**2 / (2 * n)

    return variance


# -- over the root of the mean variance


def _d_mean(x: Pairs) -> FloatArray:
    return np.asarray((x.m1 - x.m2) / np.sqrt(x.mean_variance))


def _mean_effect(x: Pairs) -> FloatArray:
    """Return J d; the mean of two correlated variances has 2(n - 1)/(1 + r^2) df."""
    return _j(x, 2 * (x.n - 1) / (1 + x.r**2)) * _d_mean(x)


def _mean_large(x: Pairs, y: FloatArray) -> FloatArray:
    return 2 * (1 - x.r) / x.n + y**2 * (1 + x.r**2) / (4 * x.n)


def _fourth(x: Pairs) -> FloatArray:
    mixed = 2 * x.r**2 * x.sd1**2 * x.sd2**2
    return (x.sd1**4 + x.sd2**4 + mixed) / (8 * x.mean_variance**2)


def _mean_separate(minus: int) -> Callable[[Pairs, FloatArray], FloatArray]:
    def variance(x: Pairs, y: FloatArray) -> FloatArray:
        n = x.n - minus
        return x.change_variance / (x.mean_variance * n) + y**2 * _fourth(x) / n

    return variance


def _superiority(x: Pairs) -> FloatArray:
    return np.asarray(ndtr(_d_mean(x) / np.sqrt(2)))


def _superiority_variance(x: Pairs, _: FloatArray) -> FloatArray:
    d = _d_mean(x)
    return np.exp(-(d**2) / 2) / (4 * np.pi) * _mean_separate(1)(x, d)


# -- ratios


def _squares(x: Pairs) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the squared CVs of the two means and their covariance on the log scale."""
    first, second = cv_squared(x.sd1, x.m1, x.n), cv_squared(x.sd2, x.m2, x.n)
    return first, second, x.r * x.sd1 * x.sd2 / (x.m1 * x.m2 * x.n)


def _ratio_of_means(x: Pairs) -> FloatArray:
    first, second, _ = _squares(x)
    return np.log(x.m1 / x.m2) + x.correct * (first - second) / 2


def _ratio_large(x: Pairs, _: FloatArray) -> FloatArray:
    first, second, shared = _squares(x)
    return first + second - 2 * shared


def _ratio_second_order(x: Pairs, y: FloatArray) -> FloatArray:
    first, second, shared = _squares(x)
    ratios = (x.m1 / x.m2) ** 2 + (x.m2 / x.m1) ** 2
    return _ratio_large(x, y) + (first**2 + second**2 + shared**2 * ratios) / 2


def _spread_large(x: Pairs, _: FloatArray) -> FloatArray:
    return (1 - x.r**2) / (x.n - 1)


def _spread_second_order(x: Pairs, _: FloatArray) -> FloatArray:
    df = x.n - 1
    ratio = (x.sd1 / x.sd2) ** 4
    return x.n / df**2 - x.r**2 / df + x.r**4 * (ratio + 1 / ratio) / (2 * df**2)


def _ratio_of_cvs(x: Pairs) -> FloatArray:
    first, second, _ = _squares(x)
    ratio = np.log(x.sd1 / x.m1) - np.log(x.sd2 / x.m2)
    return ratio + x.correct * (second - first) / 2


_ALL = "m1i sd1i m2i sd2i"
_SUPERIORITY = Measure(
    "probability of superiority of normal distributions, same participants",
    "natural",
    _reader(_ALL),
    _superiority,
    {"LS": _superiority_variance},
)

#: Measures of change and of matched pairs, under the names metafor gives them.
CHANGE: dict[str, Measure] = {
    "MC": Measure(
        "mean change",
        "natural",
        _reader(_ALL),
        lambda x: x.m1 - x.m2,
        {"LS": lambda x, _: x.change_variance / x.n},
    ),
    "SMCC": Measure(
        "standardized mean change, by the SD of the change",
        "natural",
        _read_change,
        lambda x: _j(x, x.n - 1) * _d_change(x),
        {
            "LS": lambda x, y: 1 / x.n + y**2 / (2 * x.n),
            "LS2": _change_scaled,
            "UB": lambda x, y: 1 / x.n + _inflation(x, y),
            "H0": lambda x, _: _j(x, x.n - 1) ** 2 / x.n * _over_df(x),
        },
        only_effect=TOO_FEW,
    ),
    "SMCR": Measure(
        "standardized mean change, by the SD of the first condition",
        "natural",
        _reader("m1i sd1i m2i"),
        lambda x: _j(x, x.n - 1) * _d_first(x),
        {
            "LS": _first_large,
            "LS2": _first_scaled,
            "UB": _first_unbiased,
            "H0": _first_null,
        },
        only_effect=TOO_FEW,
    ),
    "SMCRH": Measure(
        "standardized mean change, by the SD of the first condition, unequal variances",
        "natural",
        _reader(_ALL),
        lambda x: _j(x, x.n - 1) * _d_first(x),
        {"LS": _first_separate(1), "LS2": _first_separate(0)},
    ),
    "SMCRP": Measure(
        "standardized mean change, by the mean variance",
        "natural",
        _reader(_ALL),
        _mean_effect,
        {"LS": _mean_large},
    ),
    "SMCRPH": Measure(
        "standardized mean change, by the mean variance, unequal variances",
        "natural",
        _reader(_ALL),
        _mean_effect,
        {"LS": _mean_separate(1), "LS2": _mean_separate(0)},
    ),
    "CLESCN": _SUPERIORITY,
    "AUCCN": _SUPERIORITY,
    "ROMC": Measure(
        "ratio of means of the same participants",
        "log",
        _reader(_ALL, refuse_ratio),
        _ratio_of_means,
        {"LS": _ratio_large, "LS2": _ratio_second_order},
    ),
    "VRC": Measure(
        "ratio of standard deviations of the same participants",
        "log",
        _reader("sd1i sd2i"),
        lambda x: np.log(x.sd1 / x.sd2),
        {"LS": _spread_large, "LS2": _spread_second_order},
    ),
    "CVRC": Measure(
        "ratio of coefficients of variation of the same participants",
        "log",
        _reader(_ALL, refuse_not_positive),
        _ratio_of_cvs,
        {
            "LS": lambda x, y: _ratio_large(x, y) + _spread_large(x, y),
            "LS2": lambda x, y: _ratio_second_order(x, y) + _spread_second_order(x, y),
        },
    ),
}
