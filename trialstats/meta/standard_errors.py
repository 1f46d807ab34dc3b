"""Standard errors of effects that papers give with an interval, a p-value or a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from trialstats.errors import DataError
from trialstats.meta.inputs import BoolArray, FloatArray, Values, refuse
from trialstats.meta.measures import Call, Notes, no_notes, read_columns

#: Share of an interval's width by which the effect may miss its middle unremarked.
OFF_CENTRE = 0.1


@dataclass(frozen=True, slots=True)
class _Given:
    """Columns of one call, NaN where absent."""

    effect: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: FloatArray
    df: FloatArray
    names: Mapping[str, str]

    def name(self, column: str) -> str:
        """Return what the caller calls a column."""
        return self.names.get(column, column)

    def quantile(self, tail: FloatArray) -> FloatArray:
        """Return the quantile above which `tail` lies; Student's where df is known."""
        with np.errstate(invalid="ignore"):
            normal = -np.asarray(ndtri(tail))
            student = -np.asarray(stdtrit(self.df, tail))
        return np.where(np.isnan(self.df), normal, student)

    def law(self, where: BoolArray) -> list[str]:
        """Return the words for the distribution of some rows."""
        return [
            "normal distribution" if np.isnan(df) else f"t distribution with {df:g} df"
            for df in self.df[where]
        ]


def recover_standard_errors(
    *,
    effect: Values = None,
    ci_lower: Values = None,
    ci_upper: Values = None,
    t: Values = None,
    f: Values = None,
    p_value: Values = None,
    df: Values = None,
    level: Values = 0.95,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover standard errors from what papers print, a row an effect.

    The first source that a row has is used, in the order: interval, t (or z), F,
    p-value. Ratios are passed as logarithms, effect and limits alike.

    Parameters
    ----------
    effect : array_like of shape (k,) or str, optional
        Effects; with an interval only checked, with a test needed.
    ci_lower, ci_upper : array_like of shape (k,) or str, optional
        Limits of a two-sided interval. With an effect and one limit, the half width
        is used.
    t : array_like of shape (k,) or str, optional
        Test statistic of the effect, Student's t or z.
    f : array_like of shape (k,) or str, optional
        F statistic with one numerator degree of freedom, t squared.
    p_value : array_like of shape (k,) or str, optional
        Two-sided p-values, in (0, 1).
    df : array_like of shape (k,), number or str, optional
        Degrees of freedom of Student's t behind interval and p-value; absent or
        missing, the normal distribution.
    level : array_like of shape (k,), number or str
        Confidence levels in (0, 1).
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns standard_error and how. Rounded input gives a rounded error.

    Raises
    ------
    DataError
        For a row without a source, limits out of order, an effect outside its
        interval, a p-value outside (0, 1), or a test beside an effect of zero.

    References
    ----------
    .. [1] Higgins JPT, Li T, Deeks JJ (2023). Choosing effect measures and computing
       estimates of effect. Cochrane Handbook for Systematic Reviews of Interventions,
       chapter 6, sections 6.3.1, 6.3.2 and 6.5.2.3.

    Examples
    --------
    >>> found = recover_standard_errors(
    ...     effect=[-3.8, 2.0], t=[None, 2.5], p_value=[0.008, None], df=[23, 23]
    ... )
    >>> found["standard_error"].round(2).tolist()
    [1.31, 0.8]
    """
    call = Call(
        {
            "effect": effect,
            "ci_lower": ci_lower,
            "ci_upper": ci_upper,
            "t": t,
            "f": f,
            "p_value": p_value,
            "df": df,
            "level": level,
        },
        data,
    )
    names = ("effect", "ci_lower", "ci_upper", "t", "f", "p_value", "df")
    columns = read_columns(call, [], (*names, "level"))
    if not set(columns) - {"level", "df"}:
        raise DataError(
            "there is nothing to recover a standard error from",
            remedy="give ci_lower and ci_upper, or effect with t, f or p_value",
        )
    error, how = errors_of(columns)
    return recovered_frame({"standard_error": error}, how, data)


def recovered_frame(
    values: Mapping[str, FloatArray], how: Notes, data: pd.DataFrame | None
) -> pd.DataFrame:
    """Return recovered numbers beside the words for how they were found."""
    index = data.index if data is not None and len(data) == len(how) else None
    return pd.DataFrame(
        {**values, "how": pd.array(how.tolist(), dtype="str")}, index=index
    )


def errors_of(
    columns: Mapping[str, FloatArray],
    needed: BoolArray | None = None,
    names: Mapping[str, str] | None = None,
) -> tuple[FloatArray, Notes]:
    """Return standard errors and how each was found.

    A row that is not `needed` may have no source; `names` is what the caller's
    arguments are called, for messages.
    """
    k = max(len(values) for values in columns.values())
    absent = np.full(k, np.nan)

    def column(name: str) -> FloatArray:
        values = columns.get(name, absent)
        return np.full(k, values[0]) if len(values) == 1 < k else values

    level = column("level")
    given = _Given(
        column("effect"),
        column("ci_lower"),
        column("ci_upper"),
        np.where(np.isnan(level), 0.95, level),
        column("df"),
        names or {},
    )
    _check(given)
    error, how = np.full(k, np.nan), no_notes(k)
    for name, source in _SOURCES.items():
        value = column(name) if name != "interval" else absent
        found, words, usable = source(given, value)
        use = np.isnan(error) & usable
        error = np.where(use, found, error)
        if use.any():
            how[use] = np.array(words(use), dtype=object)
    refuse(
        np.isnan(error) & (True if needed is None else needed),
        "nothing gives a standard error",
        column=given.name(
            next((x for x in ("ci_lower", "p_value", "t", "f") if x in columns), "t")
        ),
        values=absent,
        remedy="supply both limits, or the effect with t, F or a p-value",
    )
    return error, how


def _check(given: _Given) -> None:
    refuse(
        ~((given.level > 0) & (given.level < 1)),
        "level must lie between 0 and 1",
        column="level",
        values=given.level,
        remedy="write 0.95 for 95%",
    )
    refuse(given.df <= 0, "df is not above zero", column="df", values=given.df)
    refuse(
        given.lower >= given.upper,
        "the limits are not in order",
        column="ci_lower",
        values=given.lower,
        remedy="the lower limit comes first; logarithms for ratios",
    )
    refuse(
        (given.effect < given.lower) | (given.effect > given.upper),
        "the effect lies outside its interval",
        column=given.name("effect"),
        values=given.effect,
        remedy="give effect and limits on the same scale",
    )


_Words = Callable[[BoolArray], list[str]]
_Found = tuple[FloatArray, _Words, BoolArray]


def _interval(given: _Given, _: FloatArray) -> _Found:
    """Return width / (2 q), or half width / q of one limit."""
    q = given.quantile((1 - given.level) / 2)
    width = given.upper - given.lower
    half = np.where(
        np.isnan(given.lower), given.upper - given.effect, given.effect - given.lower
    )
    both = ~np.isnan(width)
    found = np.where(both, width / 2, half) / q
    centre = np.abs((given.upper + given.lower) / 2 - given.effect)

    def words(use: BoolArray) -> list[str]:
        rows = zip(
            both[use], given.level[use], q[use], (centre / width)[use], given.law(use),
            strict=True,
        )  # fmt: skip
        return [
            (
                f"standard error = width of the {level * 100:g}% interval / "
                f"(2 x {quantile:.3f}), {law}"
                if two
                else f"standard error = half width of the {level * 100:g}% interval / "
                f"{quantile:.3f}, {law}"
            )
            + (
                "; the effect is not in the middle of its interval"
                if off > OFF_CENTRE
                else ""
            )
            for two, level, quantile, off, law in rows
        ]

    return found, words, found > 0


def _refuse_zero(given: _Given, value: FloatArray, name: str) -> None:
    known = ~np.isnan(value)
    refuse(
        known & ~np.isnan(given.effect) & (given.effect == 0),
        f"{name} gives no standard error beside an effect of zero",
        column=given.name("effect"),
        values=given.effect,
        remedy="use the interval",
    )


def _t(given: _Given, t: FloatArray) -> _Found:
    _refuse_zero(given, t, "a test statistic")
    refuse(
        t == 0,
        "a statistic of zero gives no standard error",
        column=given.name("t"),
        values=t,
    )
    refuse(
        t * given.effect < 0,
        "the statistic and the effect have opposite signs",
        column=given.name("t"),
        values=t,
    )
    found = given.effect / t

    def words(use: BoolArray) -> list[str]:
        return [f"standard error = effect / {x:g}, the test statistic" for x in t[use]]

    return found, words, found > 0


def _f(given: _Given, f: FloatArray) -> _Found:
    _refuse_zero(given, f, "F")
    refuse(f <= 0, "F is not above zero", column="f", values=f)
    found = np.abs(given.effect) / np.sqrt(f)

    def words(use: BoolArray) -> list[str]:
        return [
            f"standard error = |effect| / sqrt({x:g}), the F statistic" for x in f[use]
        ]

    return found, words, found > 0


def _p(given: _Given, p: FloatArray) -> _Found:
    refuse(
        (p <= 0) | (p >= 1),
        "a p-value must lie between 0 and 1",
        column="p_value",
        values=p,
        remedy="a bound such as <0.01 gives no standard error",
    )
    _refuse_zero(given, p, "a p-value")
    q = given.quantile(p / 2)
    with np.errstate(divide="ignore"):
        found = np.abs(given.effect) / q

    def words(use: BoolArray) -> list[str]:
        return [
            f"standard error = |effect| / {quantile:.3f}, from the two-sided "
            f"p = {value:g}, {law}"
            for quantile, value, law in zip(q[use], p[use], given.law(use), strict=True)
        ]

    return found, words, (found > 0) & np.isfinite(found)


#: Sources of an error in the order of preference; an interval was fitted, a p-value
#: is usually rounded more.
_SOURCES: dict[str, Callable[[_Given, FloatArray], _Found]] = {
    "interval": _interval,
    "t": _t,
    "f": _f,
    "p_value": _p,
}
