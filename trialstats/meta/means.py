"""Effect sizes of two independent means and standard deviations.

Symbols: m1, sd1, n1 are mean, standard deviation and size of the treatment arm, m2,
sd2, n2 of the control arm; df = n1 + n2 - 2; J is the correction of
`trialstats.meta.hedges`; d is the difference over a standard deviation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.correlations import first_known, t_from_p
from trialstats.meta.hedges import bias_correction, hedges_correction
from trialstats.meta.inputs import (
    FloatArray,
    Values,
    effects_frame,
    refuse,
    required,
)
from trialstats.meta.measures import (
    Call,
    Measure,
    Notes,
    Rows,
    plain_rows,
    read_columns,
    refuse_deviations,
    refuse_outside,
    refuse_sizes,
    weighted_mean,
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Means, standard deviations and sizes of two arms in k trials, shape (k,).

    `correct` says whether small-sample bias is removed from the effects.
    """

    m1: FloatArray
    sd1: FloatArray
    n1: FloatArray
    m2: FloatArray
    sd2: FloatArray
    n2: FloatArray
    correct: bool = True

    @property
    def n(self) -> FloatArray:
        """Participants in both arms."""
        return self.n1 + self.n2

    @property
    def df(self) -> FloatArray:
        """Degrees of freedom of the pooled variance."""
        return self.n - 2

    @property
    def pooled_variance(self) -> FloatArray:
        """Variance within arms, shared by both."""
        squares = (self.n1 - 1) * self.sd1**2 + (self.n2 - 1) * self.sd2**2
        return np.asarray(squares / self.df)

    @property
    def mean_variance(self) -> FloatArray:
        """Plain mean of the two arms' variances."""
        return np.asarray((self.sd1**2 + self.sd2**2) / 2)

    @property
    def d(self) -> FloatArray:
        """Difference over the pooled standard deviation, not corrected."""
        return np.asarray((self.m1 - self.m2) / np.sqrt(self.pooled_variance))

    @property
    def by_sizes(self) -> FloatArray:
        """Sum of the inverse sizes, 1/n1 + 1/n2."""
        return 1 / self.n1 + 1 / self.n2


ALL_MOMENTS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
_SDS = ("sd1i", "sd2i")


def read_moments(call: Call, needed: Iterable[str] = ALL_MOMENTS) -> Moments:
    """Return the moments from m1i, sd1i, n1i, m2i, sd2i, n2i; NaN where not needed.

    Raises
    ------
    DataError
        For an absent argument, a standard deviation of zero or less, or an arm with
        fewer than two participants, in whom no standard deviation exists.
    """
    names = list(needed)
    columns = read_columns(call, names)
    refuse_deviations(columns, [name for name in _SDS if name in columns])
    refuse_sizes(columns, {"n1i": 2 if "sd1i" in columns else 1, "n2i": 2})
    absent = np.full(len(columns["n1i"]), np.nan)
    m1, sd1, n1, m2, sd2, n2 = (columns.get(name, absent) for name in ALL_MOMENTS)
    return Moments(m1, sd1, n1, m2, sd2, n2, call.correct)


def reader(needed: Iterable[str] = ALL_MOMENTS) -> Callable[[Measure, Call], Rows]:
    """Return a reader of the moments that a measure needs."""
    names = tuple(needed)

    def read(_: Measure, call: Call) -> Rows:
        arms = read_moments(call, names)
        return plain_rows(arms, arms.n, "too few participants")

    return read


def read_standardized(_: Measure, call: Call) -> Rows:
    """Return moments, or what stands for them: di, ti, pi or ri, with n1i and n2i."""
    others = [name for name in ("di", "ti", "pi", "ri") if call.has(name)]
    missing = [name for name in ALL_MOMENTS if not call.has(name)]
    if not others and missing:
        raise DataError(
            f"missing argument {', '.join(missing)}",
            remedy=f"this measure needs {', '.join(ALL_MOMENTS)}, or n1i, n2i with di, "
            "ti, pi or ri",
        )
    if not others:
        arms, note = read_moments(call), None
    else:
        arms, note = _moments_or_d(call)
    rows = plain_rows(arms, arms.n, "too few participants")
    return Rows(arms, arms.n, rows.done if note is None else note, rows.reason)


def _moments_or_d(call: Call) -> tuple[Moments, Notes]:
    """Return moments in which an arm of mean d and SD 1 stands for a known d."""
    summary = ("m1i", "sd1i", "m2i", "sd2i")
    columns = read_columns(call, ["n1i", "n2i"], (*summary, "di", "ti", "pi", "ri"))
    refuse_sizes(columns, {"n1i": 2, "n2i": 2})
    n1, n2 = columns["n1i"], columns["n2i"]
    absent, df = np.full(len(n1), np.nan), n1 + n2 - 2
    m1, sd1, m2, sd2 = (columns.get(name, absent) for name in summary)
    di, ti, pi, ri = (columns.get(name, absent) for name in ("di", "ti", "pi", "ri"))
    for name in ("sd1i", "sd2i"):
        if name in columns:
            refuse_deviations(columns, [name])
    refuse_outside(pi, "pi", -1, 1, "a p-value (with the sign of the difference)")
    refuse(
        np.abs(ri) >= 1, "the correlation is not inside (-1, 1)", column="ri", values=ri
    )
    root = np.sqrt(1 / n1 + 1 / n2)
    with np.errstate(invalid="ignore"):
        of_r = np.sqrt(df * (1 / n1 + 1 / n2)) * ri / np.sqrt(1 - ri**2)
        sources = {"di": di, "ti": ti * root, "pi": t_from_p(pi, df) * root, "ri": of_r}
        moments = Moments(m1, sd1, n1, m2, sd2, n2).d
    given = {"m1i, sd1i, m2i, sd2i": moments} | sources
    # A stated d comes before moments: they may be of another analysis.
    stated = np.isfinite(np.stack(list(sources.values()))).any(axis=0)
    given["m1i, sd1i, m2i, sd2i"] = np.where(stated, np.nan, moments)
    d, note = first_known(given, "standardized difference")
    one, zero = np.ones(len(n1)), np.zeros(len(n1))
    arms = Moments(
        np.where(stated, d, m1),
        np.where(stated, one, sd1),
        n1,
        np.where(stated, zero, m2),
        np.where(stated, one, sd2),
        n2,
        correct=call.correct,
    )
    return arms, note


def variance_of_g(
    effect: FloatArray, n1: FloatArray, n2: FloatArray, n: FloatArray
) -> FloatArray:
    """Return 1/n1 + 1/n2 + g^2/(2 n), n participants behind the standard deviation."""
    return 1 / n1 + 1 / n2 + effect**2 / (2 * n)


def _md_homogeneous(x: Moments, _: FloatArray) -> FloatArray:
    return x.pooled_variance * x.by_sizes


def _separate(x: Moments, _: FloatArray) -> FloatArray:
    return x.sd1**2 / x.n1 + x.sd2**2 / x.n2


#: Variances of a difference over one standard deviation, of which: the shared one, or
#: that of the control arm (Glass); its degrees of freedom and participants.
@dataclass(frozen=True, slots=True)
class _Unit:
    squared: Callable[[Moments], FloatArray]
    df: Callable[[Moments], FloatArray]
    n: Callable[[Moments], FloatArray]

    def correction(self, x: Moments) -> FloatArray:
        return bias_correction(self.df(x), correct=x.correct)

    def raw(self, x: Moments) -> FloatArray:
        return np.asarray((x.m1 - x.m2) / np.sqrt(self.squared(x)))

    def effect(self, x: Moments) -> FloatArray:
        return self.correction(x) * self.raw(x)

    def large(self, x: Moments, y: FloatArray) -> FloatArray:
        return variance_of_g(y, x.n1, x.n2, self.n(x))

    def scaled(self, x: Moments, _: FloatArray) -> FloatArray:
        of_d = variance_of_g(self.raw(x), x.n1, x.n2, self.n(x))
        return self.correction(x) ** 2 * of_d

    def unbiased(self, x: Moments, y: FloatArray) -> FloatArray:
        df = self.df(x)
        share = 1 - (df - 2) / (df * self.correction(x) ** 2)
        return x.by_sizes + share * y**2

    def average(self, x: Moments, y: FloatArray) -> FloatArray:
        mean = np.full(len(y), weighted_mean(y, x.n))
        return variance_of_g(mean, x.n1, x.n2, self.n(x))

    def null(self, x: Moments, _: FloatArray) -> FloatArray:
        df = self.df(x)
        spread = self.correction(x) ** 2 * x.by_sizes * df / (df - 2)
        return np.where(df > 2, spread, np.nan)

    def variances(self) -> dict[str, Callable[[Moments, FloatArray], FloatArray]]:
        return {
            "LS": self.large,
            "LS2": self.scaled,
            "UB": self.unbiased,
            "AV": self.average,
            "H0": self.null,
        }


_POOLED = _Unit(lambda x: x.pooled_variance, lambda x: x.df, lambda x: x.n)
_CONTROL = _Unit(lambda x: x.sd2**2, lambda x: x.n2 - 1, lambda x: x.n2)


def _mean_sd_effect(x: Moments) -> FloatArray:
    correction = bias_correction(x.df, correct=x.correct)
    return np.asarray((x.m1 - x.m2) / np.sqrt(x.mean_variance) * correction)


def _mean_sd_variance(
    minus_mean: int, minus_sd: int
) -> Callable[[Moments, FloatArray], FloatArray]:
    """Return Bonett's variance (2008) with n or n - 1 under the mean and the SD."""

    def variance(x: Moments, y: FloatArray) -> FloatArray:
        shared = x.mean_variance
        of_mean = x.sd1**2 / (x.n1 - minus_mean) + x.sd2**2 / (x.n2 - minus_mean)
        of_sd = x.sd1**4 / (x.n1 - minus_sd) + x.sd2**4 / (x.n2 - minus_sd)
        return np.asarray(of_mean / shared + y**2 * of_sd / (8 * shared**2))

    return variance


def _control_separate(x: Moments, y: FloatArray) -> FloatArray:
    ratio = x.sd1**2 / x.sd2**2
    return ratio / (x.n1 - 1) + 1 / (x.n2 - 1) + y**2 / (2 * (x.n2 - 1))


#: What the note says where a variance needs more participants than its effect.
TOO_FEW = "variance not estimable: too few participants"

#: Measures of two means, under the names metafor gives them.
MEANS: dict[str, Measure] = {
    "MD": Measure(
        "mean difference",
        "natural",
        reader(),
        lambda x: x.m1 - x.m2,
        {"LS": _separate, "UB": _separate, "HO": _md_homogeneous},
    ),
    "SMD": Measure(
        "standardized mean difference",
        "natural",
        read_standardized,
        _POOLED.effect,
        _POOLED.variances(),
        only_effect=TOO_FEW,
    ),
    "SMDH": Measure(
        "standardized mean difference, unequal variances",
        "natural",
        reader(),
        _mean_sd_effect,
        {
            "LS": _mean_sd_variance(1, 1),
            "LS2": _mean_sd_variance(0, 0),
            "LS3": _mean_sd_variance(0, 1),
        },
    ),
    "SMD1": Measure(
        "mean difference over the control arm's standard deviation",
        "natural",
        reader(("m1i", "n1i", "m2i", "sd2i", "n2i")),
        _CONTROL.effect,
        _CONTROL.variances(),
        only_effect=TOO_FEW,
    ),
    "SMD1H": Measure(
        "mean difference over the control arm's standard deviation, unequal variances",
        "natural",
        reader(),
        _CONTROL.effect,
        {"LS": _control_separate},
    ),
}


def standardise_difference(
    *, difference: Values, standard_error: Values, n1: Values, n2: Values
) -> pd.DataFrame:
    """Turn a published mean difference with its error into Hedges' g.

    The standard deviation is the one that gives this standard error in two
    independent arms, sd = standard_error / sqrt(1/n1 + 1/n2). When the difference is
    adjusted for baseline, this is the residual standard deviation: smaller than the
    raw one, so that g comes out larger than from raw arms.

    Parameters
    ----------
    difference, standard_error : array_like of shape (k,)
        Treatment minus control, and its standard error, in units of the scale.
    n1, n2 : array_like of shape (k,)
        Participants analysed under treatment and control.

    Returns
    -------
    DataFrame
        Columns effect, variance (as in `standardized_mean_difference`) and note.

    Raises
    ------
    DataError
        For a standard error of zero or less, or an arm with fewer than two
        participants.

    References
    ----------
    .. [1] Higgins JPT, Li T, Deeks JJ (2019). Choosing effect measures and computing
       estimates of effect. Cochrane Handbook for Systematic Reviews of
       Interventions, chapter 6, section 6.5.2.3.
    """
    given = dict(difference=difference, standard_error=standard_error, n1=n1, n2=n2)
    columns = required(given, given, data=None)
    refuse_errors(columns["standard_error"])
    for name in ("n1", "n2"):
        refuse(
            columns[name] < 2,
            "a standard deviation needs at least two participants",
            column=name,
            values=columns[name],
        )
    size1, size2 = columns["n1"], columns["n2"]
    deviation = columns["standard_error"] / np.sqrt(1 / size1 + 1 / size2)
    correction = hedges_correction(size1 + size2 - 2)
    effect = columns["difference"] / deviation * correction
    variance = variance_of_g(effect, size1, size2, size1 + size2)
    note = "standardised by the SD that the standard error implies"
    return effects_frame(effect, variance, [note] * len(effect))


def refuse_errors(standard_error: FloatArray) -> None:
    """Raise a DataError for a standard error of zero or less."""
    refuse(
        standard_error <= 0,
        "the standard error is not above zero",
        column="standard_error",
        values=standard_error,
    )
