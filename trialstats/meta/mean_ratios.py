"""Ratios of two arms: of means, standard deviations, coefficients of variation.

Symbols as in `trialstats.meta.means`; CV is sd/mean.
"""

import numpy as np

from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.means import Moments, read_moments, reader
from trialstats.meta.measures import Call, Measure, Rows, plain_rows, weighted_mean


def _read(_: Measure, call: Call) -> Rows:
    """Return moments whose means share a sign, so that their ratio has a logarithm."""
    arms = read_moments(call)
    refuse_ratio(arms.m1, arms.m2)
    return plain_rows(arms, arms.n, "its numbers give no effect")


def _read_positive(_: Measure, call: Call) -> Rows:
    """Return moments whose means are above zero, so that a CV has a logarithm."""
    arms = read_moments(call)
    refuse_not_positive(arms.m1, arms.m2)
    return plain_rows(arms, arms.n, "its numbers give no effect")


def refuse_ratio(m1: FloatArray, m2: FloatArray) -> None:
    """Raise a DataError for means without a logarithm of their ratio."""
    refuse(
        ~(m1 * m2 > 0) & ~(np.sign(m1) * np.sign(m2) > 0),
        "the ratio of the means has no logarithm: one is zero, or their signs differ",
        column="m1i",
        values=m1,
        remedy="use a difference, such as MD or SMD",
    )


def refuse_not_positive(m1: FloatArray, m2: FloatArray) -> None:
    """Raise a DataError for means of zero or less."""
    for name, mean in (("m1i", m1), ("m2i", m2)):
        refuse(
            mean <= 0,
            "a coefficient of variation needs a mean above zero",
            column=name,
            values=mean,
        )


def cv_squared(sd: FloatArray, mean: FloatArray, n: FloatArray) -> FloatArray:
    """Return sd^2/(n mean^2), the squared coefficient of variation of the mean."""
    return np.asarray((sd / mean) ** 2 / n)


def _squares(x: Moments) -> tuple[FloatArray, FloatArray]:
    return cv_squared(x.sd1, x.m1, x.n1), cv_squared(x.sd2, x.m2, x.n2)


def _ratio_of_means(x: Moments) -> FloatArray:
    first, second = _squares(x)
    return np.log(x.m1 / x.m2) + x.correct * (first - second) / 2


def _rom_large(x: Moments, _: FloatArray) -> FloatArray:
    first, second = _squares(x)
    return first + second


def _rom_second_order(x: Moments, _: FloatArray) -> FloatArray:
    first, second = _squares(x)
    return first + second + (first**2 + second**2) / 2


def _rom_homogeneous(x: Moments, _: FloatArray) -> FloatArray:
    return x.pooled_variance * (1 / (x.n1 * x.m1**2) + 1 / (x.n2 * x.m2**2))


def _rom_average(x: Moments, _: FloatArray) -> FloatArray:
    first = weighted_mean(x.sd1 / x.m1, x.n1)
    return first**2 / x.n1 + weighted_mean(x.sd2 / x.m2, x.n2) ** 2 / x.n2


def _rom_shared_average(x: Moments, _: FloatArray) -> FloatArray:
    cv = np.concatenate([x.sd1 / x.m1, x.sd2 / x.m2])
    return weighted_mean(cv, np.concatenate([x.n1, x.n2])) ** 2 * x.by_sizes


def _half_inverse(x: Moments) -> FloatArray:
    """Return the difference of 1/(2(n - 1)), the bias of ln(sd1/sd2) with its sign."""
    return 1 / (2 * (x.n1 - 1)) - 1 / (2 * (x.n2 - 1))


def _sd_large(x: Moments, _: FloatArray) -> FloatArray:
    return 1 / (2 * (x.n1 - 1)) + 1 / (2 * (x.n2 - 1))


def _sd_second_order(x: Moments, _: FloatArray) -> FloatArray:
    return (x.n1 / (x.n1 - 1) ** 2 + x.n2 / (x.n2 - 1) ** 2) / 2


def _ratio_of_cvs(x: Moments) -> FloatArray:
    first, second = _squares(x)
    bias = _half_inverse(x) + (second - first) / 2
    return np.log(x.sd1 / x.m1) - np.log(x.sd2 / x.m2) + x.correct * bias


#: Measures of ratios of two arms, under the names metafor gives them.
MEAN_RATIOS: dict[str, Measure] = {
    "ROM": Measure(
        "ratio of means",
        "log",
        _read,
        _ratio_of_means,
        {
            "LS": _rom_large,
            "LS2": _rom_second_order,
            "HO": _rom_homogeneous,
            "AV": _rom_average,
            "AVHO": _rom_shared_average,
        },
    ),
    "VR": Measure(
        "ratio of standard deviations",
        "log",
        reader(("sd1i", "n1i", "sd2i", "n2i")),
        lambda x: np.log(x.sd1 / x.sd2) + x.correct * _half_inverse(x),
        {"LS": _sd_large, "LS2": _sd_second_order},
    ),
    "CVR": Measure(
        "ratio of coefficients of variation",
        "log",
        _read_positive,
        _ratio_of_cvs,
        {
            "LS": lambda x, y: _rom_large(x, y) + _sd_large(x, y),
            "LS2": lambda x, y: _rom_second_order(x, y) + _sd_second_order(x, y),
        },
    ),
}
