"""Effect sizes of correlations: raw, unbiased, Fisher's z, partial, R squared.

Symbols: r is a correlation of n pairs; in regressions R2 is the coefficient of
determination, m the number of predictors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtri, hyp2f1, stdtrit

from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import (
    Call,
    Measure,
    Notes,
    Rows,
    no_notes,
    read_columns,
    refuse_outside,
    weighted_mean,
)


def to_fisher_z(r: FloatArray) -> FloatArray:
    """Return arctanh(r); infinite at -1 and 1, NaN beyond."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.arctanh(r))


def variance_of_z(variance: FloatArray, r: FloatArray) -> FloatArray:
    """Return the variance of Fisher's z by the delta method: v / (1 - r^2)^2."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(variance / (1 - r**2) ** 2)


def unbiased_correlation(r: FloatArray, n: FloatArray) -> FloatArray:
    """Return r F(1/2, 1/2; (n - 2)/2; 1 - r^2), unbiased for n above 4, else NaN.

    References
    ----------
    .. [1] Olkin I, Pratt JW (1958). Unbiased estimation of certain correlation
       coefficients. Annals of Mathematical Statistics 29(1), 201-211.
    """
    known = n > 4
    safe = np.where(known, n, 5.0)
    return np.where(known, r * hyp2f1(0.5, 0.5, (safe - 2) / 2, 1 - r**2), np.nan)


def t_from_p(p: FloatArray, df: FloatArray) -> FloatArray:
    """Return Student's t of two-sided p-values; the sign of p is that of t."""
    with np.errstate(invalid="ignore"):
        return np.asarray(-np.sign(p) * stdtrit(df, np.abs(p) / 2))


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of k samples, each an array of shape (k,)."""

    r: FloatArray
    n: FloatArray


@dataclass(frozen=True, slots=True)
class Regressions:
    """Statistics of k regressions, each an array of shape (k,)."""

    r: FloatArray
    n: FloatArray
    m: FloatArray
    r_squared: FloatArray


def first_known(sources: dict[str, FloatArray], what: str) -> tuple[FloatArray, Notes]:
    """Return, a row, the first of several sources that is known, and notes.

    `sources` maps the name of an argument to what it says; the first one is what
    was wanted, so using it is not noted.

    Raises
    ------
    DataError
        For a row in which no source is known.
    """
    k = len(next(iter(sources.values())))
    found, note = np.full(k, np.nan), no_notes(k)
    for position, (name, values) in enumerate(sources.items()):
        used = np.isnan(found) & ~np.isnan(values)
        found = np.where(used, values, found)
        if position:
            note[used] = f"{what} from {name}"
    names = list(sources)
    refuse(
        np.isnan(found),
        f"the row has none of {', '.join(names)}",
        column=names[0].split(",")[0],
        values=found,
        remedy="supply one of them, or leave the row out and say so",
    )
    return found, note


def _column(columns: dict[str, FloatArray], name: str, k: int) -> FloatArray:
    return columns.get(name, np.full(k, np.nan))


def _read(_: Measure, call: Call) -> Rows:
    columns = read_columns(call, ["ni"], ["ri", "ti", "pi"])
    n = columns["ni"]
    refuse(n < 2, "a correlation needs at least two pairs", column="ni", values=n)
    ri, ti, pi = (_column(columns, x, len(n)) for x in ("ri", "ti", "pi"))
    refuse_outside(pi, "pi", -1, 1, "a p-value (with the sign of r)")
    refuse_outside(ri, "ri", -1, 1, "a correlation")
    with np.errstate(invalid="ignore", divide="ignore"):
        from_t = ti / np.sqrt(ti**2 + n - 2)
        of_p = t_from_p(pi, n - 2)
        from_p = of_p / np.sqrt(of_p**2 + n - 2)
    r, note = first_known({"ri": ri, "ti": from_t, "pi": from_p}, "r")
    reason = np.full(len(n), "a correlation of 1 or -1 has no z", dtype=object)
    reason[n <= 4] = "needs more than four pairs"
    return Rows(
        Correlations(r, n),
        n,
        note,
        reason,
        zero="variance is zero: the correlation is 1 or -1",
    )


def _more_than_three(n: FloatArray, variance: FloatArray) -> FloatArray:
    return np.where(n > 3, variance, np.nan)


def _large(x: Correlations, y: FloatArray) -> FloatArray:
    return _more_than_three(x.n, (1 - y**2) ** 2 / (x.n - 1))


def _average(x: Correlations, y: FloatArray) -> FloatArray:
    mean = weighted_mean(y, x.n)
    return _more_than_three(x.n, (1 - mean**2) ** 2 / (x.n - 1))


def _unbiased(x: Correlations, y: FloatArray) -> FloatArray:
    known = x.n > 4
    n, rest = np.where(known, x.n, 5.0), 1 - x.r**2
    square = 1 - (n - 3) / (n - 2) * rest * hyp2f1(1, 1, n / 2, rest)
    return np.where(known, y**2 - square, np.nan)


def _null(x: Correlations, y: FloatArray) -> FloatArray:
    return _more_than_three(x.n, (1 - y**2) / (x.n - 2))


def _null_of_n(x: Correlations, _: FloatArray) -> FloatArray:
    return _more_than_three(x.n, 1 / x.n)


def _fisher_variance(x: Correlations, _: FloatArray) -> FloatArray:
    return _more_than_three(x.n, 1 / (x.n - 3))


@dataclass(frozen=True, slots=True)
class _Given:
    """What a regression may be given with; NaN where it is not."""

    ri: FloatArray
    ti: FloatArray
    pi: FloatArray
    r2i: FloatArray
    fi: FloatArray
    df: FloatArray
    m: FloatArray


def _partial(x: _Given) -> dict[str, FloatArray]:
    t = t_from_p(x.pi, x.df)
    by_t, by_p = (t / np.sqrt(t**2 + x.df) for t in (x.ti, t))
    return {"ri": x.ri, "ti": by_t, "pi": by_p}


def _semi_partial(x: _Given) -> dict[str, FloatArray]:
    refuse(np.isnan(x.r2i), "R squared is missing", column="r2i", values=x.r2i)
    factor = np.sqrt((1 - x.r2i) / x.df)
    return {"ri": x.ri, "ti": x.ti * factor, "pi": t_from_p(x.pi, x.df) * factor}


def _determination(x: _Given) -> dict[str, FloatArray]:
    refuse(x.pi < 0, "a p-value of F is negative", column="pi", values=x.pi)
    f = np.asarray(fdtri(x.m, x.df, 1 - x.pi))
    by_f, by_p = (x.m * f / (x.m * f + x.df) for f in (x.fi, f))
    return {"r2i": x.r2i, "fi": by_f, "pi": by_p}


_REGRESSION = ("ri", "ti", "pi", "r2i", "fi")


def _regression(
    what: str, convert: Callable[[_Given], dict[str, FloatArray]]
) -> Callable[[Measure, Call], Rows]:
    """Return a reader of regressions."""

    def read(_: Measure, call: Call) -> Rows:
        columns = read_columns(call, ["ni", "mi"], _REGRESSION)
        n, m = columns["ni"], columns["mi"]
        df = n - m - 1
        refuse(m < 1, "a regression has at least one predictor", column="mi", values=m)
        refuse(
            df <= 0,
            "no degrees of freedom are left: ni is not above mi + 1",
            column="ni",
            values=n,
        )
        absent = np.full(len(n), np.nan)
        ri, ti, pi, r2i, fi = (columns.get(name, absent) for name in _REGRESSION)
        x = _Given(ri, ti, pi, r2i, fi, df, m)
        refuse_outside(x.ri, "ri", -1, 1, "a correlation")
        refuse_outside(x.pi, "pi", -1, 1, "a p-value (with the sign of r)")
        refuse_outside(x.r2i, "r2i", 0, 1, "R squared")
        refuse(x.fi < 0, "F is negative", column="fi", values=x.fi)
        with np.errstate(invalid="ignore", divide="ignore"):
            found, note = first_known(convert(x), what)
        reason = np.full(len(n), "no variance at a bound, or n too small", dtype=object)
        return Rows(Regressions(found, n, m, x.r2i), n, note, reason)

    return read


_read_partial = _regression("partial r", _partial)
_read_semi = _regression("semi-partial r", _semi_partial)
_read_r_squared = _regression("R squared", _determination)


def _partial_variance(x: Regressions, y: FloatArray | float) -> FloatArray:
    return np.asarray((1 - np.square(y)) ** 2 / (x.n - x.m))


def _semi_variance(x: Regressions, y: FloatArray | float) -> FloatArray:
    rest = x.r_squared - np.square(y)
    return np.asarray(((1 - x.r_squared) ** 2 + rest - rest**2) / x.n)


def _r2_variance(x: Regressions, y: FloatArray | float) -> FloatArray:
    return np.asarray(4 * y * np.square(1 - y) / x.n)


def _r2_full(x: Regressions, y: FloatArray | float) -> FloatArray:
    df = x.n - x.m - 1
    return np.asarray(4 * y * np.square(1 - y) * df**2 / ((x.n**2 - 1) * (x.n + 3)))


def _homogeneous(
    variance: Callable[[Regressions, Any], FloatArray],
) -> Callable[[Regressions, FloatArray], FloatArray]:
    """Return the variance at the mean of all effects."""
    return lambda x, y: variance(x, weighted_mean(y, x.n))


def _on_z(
    variance: Callable[[Regressions, FloatArray], FloatArray],
) -> Callable[[Regressions, FloatArray], FloatArray]:
    return lambda x, z: variance_of_z(variance(x, np.tanh(z)), np.tanh(z))


_SEMI = {"LS": _semi_variance, "AV": _homogeneous(_semi_variance)}
_N3 = "variance not estimable: too few pairs, or negative by this formula"

#: Measures of correlations, under the names metafor gives them.
CORRELATIONS: dict[str, Measure] = {
    "COR": Measure(
        "correlation",
        "natural",
        _read,
        lambda x: x.r,
        {
            "LS": _large,
            "UB": _large,
            "AV": _average,
            "H0": _null,
            "H0a": _null,
            "H0b": _null_of_n,
        },
        only_effect=_N3,
    ),
    "UCOR": Measure(
        "correlation, corrected for bias",
        "natural",
        _read,
        lambda x: unbiased_correlation(x.r, x.n),
        {"LS": _large, "UB": _unbiased, "AV": _average},
        only_effect=_N3,
    ),
    "ZCOR": Measure(
        "Fisher's z of a correlation",
        "fisher_z",
        _read,
        lambda x: to_fisher_z(x.r),
        {"LS": _fisher_variance},
        only_effect=_N3,
    ),
    "PCOR": Measure(
        "partial correlation",
        "natural",
        _read_partial,
        lambda x: x.r,
        {"LS": _partial_variance, "AV": _homogeneous(_partial_variance)},
    ),
    "ZPCOR": Measure(
        "Fisher's z of a partial correlation",
        "fisher_z",
        _read_partial,
        lambda x: to_fisher_z(x.r),
        {"LS": lambda x, _: np.where(x.n > x.m + 2, 1 / (x.n - x.m - 2), np.nan)},
    ),
    "SPCOR": Measure(
        "semi-partial correlation", "natural", _read_semi, lambda x: x.r, _SEMI
    ),
    "ZSPCOR": Measure(
        "semi-partial correlation, Fisher's z",
        "fisher_z",
        _read_semi,
        lambda x: to_fisher_z(x.r),
        {name: _on_z(of) for name, of in _SEMI.items()},
    ),
    "R2": Measure(
        "coefficient of determination",
        "natural",
        _read_r_squared,
        lambda x: x.r,
        {
            "LS": _r2_variance,
            "AV": _homogeneous(_r2_variance),
            "LS2": _r2_full,
            "AV2": _homogeneous(_r2_full),
        },
    ),
    "ZR2": Measure(
        "Fisher's z of the multiple correlation",
        "fisher_z_of_root",
        _read_r_squared,
        lambda x: to_fisher_z(np.sqrt(x.r)),
        {"LS": lambda x, _: 1 / x.n},
    ),
}
