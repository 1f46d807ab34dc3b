"""Means and standard deviations from medians, quartiles and ranges.

Symbols: a minimum, q1 lower quartile, m median, q3 upper quartile, b maximum, n
participants. Three cases: range (a, m, b), quartiles (q1, m, q3), five numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from trialstats.meta.inputs import BoolArray, FloatArray, Values, one_of, refuse
from trialstats.meta.measures import Call, Notes, no_notes, read_columns
from trialstats.meta.standard_errors import recovered_frame


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The five numbers and n of some rows, each of shape (rows,)."""

    a: FloatArray
    q1: FloatArray
    m: FloatArray
    q3: FloatArray
    b: FloatArray
    n: FloatArray

    def part(self, rows: BoolArray) -> "_Numbers":
        return _Numbers(*(getattr(self, each.name)[rows] for each in fields(self)))

    @property
    def mid_range(self) -> FloatArray:
        return (self.a + self.b) / 2

    @property
    def mid_quartiles(self) -> FloatArray:
        return (self.q1 + self.q3) / 2

    @property
    def of_range(self) -> FloatArray:
        """Range over its expectation in units of the SD, Blom's approximation."""
        expected = 2 * np.asarray(ndtri((self.n - 0.375) / (self.n + 0.25)))
        return np.asarray((self.b - self.a) / expected)

    @property
    def of_quartiles(self) -> FloatArray:
        """Distance of the quartiles over its expectation in units of the SD."""
        expected = np.asarray(ndtri((0.75 * self.n - 0.125) / (self.n + 0.25)))
        return np.asarray((self.q3 - self.q1) / (2 * expected))


def _luo_range(x: _Numbers) -> FloatArray:
    weight = 4 / (4 + x.n**0.75)
    return weight * x.mid_range + (1 - weight) * x.m


def _luo_quartiles(x: _Numbers) -> FloatArray:
    weight = 0.7 + 0.39 / x.n
    return weight * x.mid_quartiles + (1 - weight) * x.m


def _luo_five(x: _Numbers) -> FloatArray:
    outer, inner = 2.2 / (2.2 + x.n**0.75), 0.7 - 0.72 / x.n**0.55
    rest = (1 - outer - inner) * x.m
    return outer * x.mid_range + inner * x.mid_quartiles + rest


def _shi_five(x: _Numbers) -> FloatArray:
    weight = 1 / (1 + 0.07 * x.n**0.6)
    return weight * x.of_range + (1 - weight) * x.of_quartiles


def _hozo_mean(x: _Numbers) -> FloatArray:
    return np.where(x.n <= 25, (x.a + 2 * x.m + x.b) / 4, x.m)


def _hozo_deviation(x: _Numbers) -> FloatArray:
    width = x.b - x.a
    small = np.sqrt(((x.a - 2 * x.m + x.b) ** 2 / 4 + width**2) / 12)
    return np.where(x.n <= 15, small, np.where(x.n <= 70, width / 4, width / 6))


def _bland_deviation(x: _Numbers) -> FloatArray:
    middle = x.q1**2 + x.m**2 + x.q3**2
    neighbours = x.a * x.q1 + x.q1 * x.m + x.m * x.q3 + x.q3 * x.b
    total = x.a + 2 * x.q1 + 2 * x.m + 2 * x.q3 + x.b
    square = (x.a**2 + 2 * middle + x.b**2) / 16 + neighbours / 8 - total**2 / 64
    return np.sqrt(np.maximum(square, 0))


_Formula = Callable[[_Numbers], FloatArray]


@dataclass(frozen=True, slots=True)
class _Estimator:
    mean: _Formula
    deviation: _Formula
    words: str


_WAN_FIVE = _Estimator(
    lambda x: (x.a + 2 * x.q1 + 2 * x.m + 2 * x.q3 + x.b) / 8,
    lambda x: (x.of_range + x.of_quartiles) / 2,
    "mean and SD by Wan 2014",
)

#: Method -> what is known -> estimators; a method may lack a case.
FIVE_NUMBER_METHODS: dict[str, dict[str, _Estimator]] = {
    "luo_wan_shi": {
        "range": _Estimator(
            _luo_range, lambda x: x.of_range, "mean by Luo 2018, SD by Wan 2014"
        ),
        "quartiles": _Estimator(
            _luo_quartiles, lambda x: x.of_quartiles, "mean by Luo 2018, SD by Wan 2014"
        ),
        "five": _Estimator(_luo_five, _shi_five, "mean by Luo 2018, SD by Shi 2020"),
    },
    "wan": {
        "range": _Estimator(
            lambda x: (x.a + 2 * x.m + x.b) / 4,
            lambda x: x.of_range,
            "mean and SD by Wan 2014",
        ),
        "quartiles": _Estimator(
            lambda x: (x.q1 + x.m + x.q3) / 3,
            lambda x: x.of_quartiles,
            "mean and SD by Wan 2014",
        ),
        "five": _WAN_FIVE,
    },
    "hozo": {
        "range": _Estimator(_hozo_mean, _hozo_deviation, "mean and SD by Hozo 2005")
    },
    "bland": {
        "five": _Estimator(
            _WAN_FIVE.mean, _bland_deviation, "mean and SD by Bland 2015"
        )
    },
}

_KNOWN = {
    "range": "median and range",
    "quartiles": "median and quartiles",
    "five": "median, quartiles and range",
}


def _skewness(x: _Numbers, case: str) -> tuple[FloatArray, FloatArray]:
    """Return the statistic of Shi 2023 and its critical value at 5%."""
    outer = np.abs(x.a + x.b - 2 * x.m) / (x.b - x.a)
    inner = np.abs(x.q1 + x.q3 - 2 * x.m) / (x.q3 - x.q1)
    root = np.sqrt(x.n)
    both = np.fmax(2.65 * np.log(0.6 * x.n) / root * outer, inner)
    found = {
        "range": (outer, 1 / np.log(x.n + 9) + 2.5 / (x.n + 1)),
        "quartiles": (inner, 2.65 / root - 6 / x.n**2),
        "five": (both, 3 / root - 40 / x.n**3),
    }
    return found[case]


#: What the squares of the SD of the logarithms miss, and the coefficients of the
#: corrections for bias of the way back (Shi 2020b).
_LOGNORMAL: dict[str, tuple[Callable[[FloatArray], FloatArray], float, float]] = {
    "range": (lambda n: 1.01 + 0.25 / np.log(n) ** 2, 0.565, 0.37),
    "quartiles": (lambda n: 1 + 1.58 / n, 0.57, 0.75),
    "five": (lambda n: 1 + 0.28 / np.log(n) ** 2, 0.405, 0.315),
}
_FOURTH: dict[str, Callable[[FloatArray], FloatArray]] = {
    "range": lambda n: 1 + 2.23 / np.log(n) ** 2,
    "quartiles": lambda n: 1 + 19.2 / n**1.2,
    "five": lambda n: 1 + 3.93 / n,
}


def _of_logarithms(
    mean: FloatArray, deviation: FloatArray, n: FloatArray, case: str
) -> tuple[FloatArray, FloatArray]:
    """Return mean and SD of a log-normal from those of its logarithms."""
    inflation, first, second = _LOGNORMAL[case]
    square = deviation**2 / inflation(n)
    fourth = deviation**4 / _FOURTH[case](n)
    bias = 1 + first * square / n + second * fourth / n
    both = 1 + 4 * first * square / n + 16 * second * fourth / n
    of_mean = 1 + 4 * first * square / n + 4 * second * fourth / n
    spread = np.exp(2 * mean + 2 * square) / both - np.exp(2 * mean + square) / of_mean
    return np.exp(mean + square / 2) / bias, np.sqrt(spread)


def recover_means(
    *,
    n: Values,
    median: Values = None,
    q1: Values = None,
    q3: Values = None,
    minimum: Values = None,
    maximum: Values = None,
    method: str = "luo_wan_shi",
    distribution: str = "normal",
    test: bool = True,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Estimate means and standard deviations from medians, a row a group.

    Parameters
    ----------
    n : array_like of shape (k,) or str
        Participants; at least five.
    median, q1, q3, minimum, maximum : array_like of shape (k,) or str, optional
        What is published; missing values where it is not. A row needs both quartiles
        or both limits of the range. Without the median only the standard deviation is
        found.
    method : {"luo_wan_shi", "wan", "hozo", "bland"}
        Luo 2018 for means with Wan 2014 and Shi 2020 for standard deviations; Wan
        2014 for both; Hozo 2005 (range only); Bland 2015 (five numbers only).
    distribution : {"normal", "lognormal"}
        What the results are taken to follow. "lognormal" (positive numbers,
        "luo_wan_shi" only) works on logarithms and goes back as in Shi 2020b.
    test : bool
        Give no mean where the numbers are too skewed for the distribution, by the
        test of Shi 2023 at 5%.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns mean, standard_deviation, skewness, critical (statistic of the test
        and the value from which it is significant) and how. NaN, with the reason in
        how, where nothing is estimated. Such means vary more than published ones:
        variances computed from them are too small.

    Raises
    ------
    DataError
        For a row with neither quartiles nor range, numbers out of order, a range of
        zero, or numbers that are not positive under "lognormal".

    References
    ----------
    .. [1] Luo D, Wan X, Liu J, Tong T (2018). Optimally estimating the sample mean
       from the sample size, median, mid-range, and/or mid-quartile range. Statistical
       Methods in Medical Research 27(6), 1785-1805.
    .. [2] Wan X, Wang W, Liu J, Tong T (2014). Estimating the sample mean and standard
       deviation from the sample size, median, range and/or interquartile range. BMC
       Medical Research Methodology 14, 135.
    .. [3] Shi J et al. (2020). Optimally estimating the sample standard deviation from
       the five-number summary. Research Synthesis Methods 11(5), 641-654.
    .. [4] Shi J et al. (2023). Detecting the skewness of data from the five-number
       summary and its application in meta-analysis. Statistical Methods in Medical
       Research 32(7), 1338-1360.

    Examples
    --------
    >>> found = recover_means(n=[20], q1=[4], median=[6], q3=[10])
    >>> found[["mean", "standard_deviation"]].round(2).values.tolist()
    [[6.72, 4.79]]
    >>> found["how"][0]
    'from median and quartiles: mean by Luo 2018, SD by Wan 2014'
    """
    one_of("method", method, FIVE_NUMBER_METHODS)
    one_of("distribution", distribution, ("normal", "lognormal"))
    logarithms = distribution == "lognormal"
    if logarithms:
        one_of("method of a log-normal distribution", method, ("luo_wan_shi",))
    given = dict(minimum=minimum, q1=q1, median=median, q3=q3, maximum=maximum, n=n)
    columns = read_columns(Call(given, data), ["n"], _FIVE)
    x = _checked(columns, logarithms)
    cases = _cases(x)
    k = len(x.n)
    mean, deviation, skewness, critical = (np.full(k, np.nan) for _ in range(4))
    how = no_notes(k)
    for case, words in _KNOWN.items():
        rows = cases == case
        if not rows.any():
            continue
        part = x.part(rows)
        skewness[rows], critical[rows] = _skewness(part, case)
        estimator = FIVE_NUMBER_METHODS[method].get(case)
        if estimator is None:
            how[rows] = f"not estimated: method {method!r} does not use {words}"
            continue
        of_mean, of_deviation = estimator.mean(part), estimator.deviation(part)
        law = ""
        if logarithms:
            of_mean, of_deviation = _of_logarithms(of_mean, of_deviation, part.n, case)
            law = ", on logarithms, back by Shi 2020b"
        mean[rows], deviation[rows] = of_mean, of_deviation
        how[rows] = f"from {words}: {estimator.words}{law}"
    _withhold(x, mean, deviation, how, skewness, critical, test, distribution)
    return recovered_frame(
        {
            "mean": mean,
            "standard_deviation": deviation,
            "skewness": skewness,
            "critical": critical,
        },
        how,
        data,
    )


_FIVE = ("minimum", "q1", "median", "q3", "maximum")

#: Fewest participants for which the formulas were derived.
_LEAST = 5


def _checked(columns: dict[str, FloatArray], logarithms: bool) -> _Numbers:
    """Return the numbers, or their logarithms, in order."""
    n = columns["n"]
    refuse(n <= 0, "there are no participants", column="n", values=n)
    five = {name: columns.get(name, np.full(len(n), np.nan)) for name in _FIVE}
    before, previous = np.full(len(n), -np.inf), "-"
    for name, values in five.items():
        refuse(
            values < before,
            f"{name} is below {previous}",
            column=name,
            values=values,
            remedy="minimum <= q1 <= median <= q3 <= maximum",
        )
        refuse(
            (values <= 0) & logarithms,
            "a log-normal distribution has positive numbers",
            column=name,
            values=values,
        )
        before = np.where(np.isnan(values), before, values)
        previous = name if not np.isnan(values).all() else previous
    for low, high in (("minimum", "maximum"), ("q1", "q3")):
        refuse(
            five[low] == five[high],
            f"{low} and {high} are equal: nothing tells the standard deviation",
            column=high,
            values=five[high],
        )
    if logarithms:
        five = {name: np.asarray(np.log(values)) for name, values in five.items()}
    ordered = (five[name] for name in _FIVE)
    a, q1, m, q3, b = ordered
    return _Numbers(a, q1, m, q3, b, n)


def _cases(x: _Numbers) -> NDArray[np.object_]:
    """Return what is known of each row: a key of `_KNOWN`."""
    outer, inner = ~np.isnan(x.a + x.b), ~np.isnan(x.q1 + x.q3)
    refuse(
        ~outer & ~inner,
        "the row has neither both quartiles nor both limits of the range",
        column="q1",
        values=x.q1,
        remedy="supply them, or leave the row out and say so",
    )
    found = np.full(len(x.n), "range", dtype=object)
    found[inner] = "quartiles"
    found[inner & outer] = "five"
    return found


def _withhold(
    x: _Numbers,
    mean: FloatArray,
    deviation: FloatArray,
    how: Notes,
    skewness: FloatArray,
    critical: FloatArray,
    test: bool,
    distribution: str,
) -> None:
    """Take back what the numbers do not bear, with the reason."""
    few = x.n < _LEAST
    skewed = (skewness >= critical) & test & ~few
    for row in np.flatnonzero(skewed):
        how[row] = (
            f"not estimated: too skewed for a {distribution} distribution, "
            f"{skewness[row]:.3g} >= {critical[row]:.3g} (Shi 2023); "
            + ("try distribution='lognormal'" if distribution == "normal" else "")
        ).removesuffix("; ")
    how[few] = f"not estimated: needs at least {_LEAST} participants"
    for values in (mean, deviation):
        values[few | skewed] = np.nan
    no_mean = np.isnan(mean) & ~np.isnan(deviation)
    for row in np.flatnonzero(no_mean):
        how[row] += "; no mean without the median"
