"""Standard errors of effects that a paper gives with an interval or a p-value."""

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit

from trialstats.errors import DataError
from trialstats.meta.inputs import check_level


@dataclass(frozen=True, slots=True)
class DerivedError:
    """A standard error that follows from printed numbers.

    Attributes
    ----------
    standard_error : float
        In the unit of the effect; log units for a ratio.
    how : str
        What was done, in words.
    """

    standard_error: float
    how: str


def standard_error_from(
    *,
    effect: float | None = None,
    ci_lower: float | None = None,
    ci_upper: float | None = None,
    p_value: float | None = None,
    level: float = 0.95,
    df: float | None = None,
) -> DerivedError:
    """Derive a standard error from an interval, or from an effect and its p-value.

    Ratios are passed as logarithms. Rounded input gives a rounded error: the result
    carries about as many digits as the width of the interval or the p-value.

    Parameters
    ----------
    effect : float, optional
        Needed with `p_value`; with an interval it is checked to lie inside.
    ci_lower, ci_upper : float, optional
        Two-sided interval.
    p_value : float, optional
        Two-sided p-value of the hypothesis that the effect is zero.
    level : float
        Confidence level of the interval.
    df : float, optional
        Degrees of freedom of Student's t; absent, the normal distribution.

    Returns
    -------
    DerivedError
        The standard error and how it was found.

    Raises
    ------
    DataError
        When neither or both sources are given, the limits are not in order, the
        p-value is not in (0, 1), or the effect is zero beside a p-value.

    Examples
    --------
    >>> derived = standard_error_from(ci_lower=-0.95, ci_upper=0.27)
    >>> round(derived.standard_error, 4)
    0.3112
    >>> derived.how
    'standard error = width of the 95% interval / (2 x 1.960), normal distribution'
    """
    check_level(level)
    if df is not None and not df > 0:
        raise DataError(f"df must be above zero, got {df!r}")
    interval = ci_lower is not None or ci_upper is not None
    if interval == (p_value is not None):
        raise DataError(
            "a standard error follows from an interval or from a p-value",
            remedy="give ci_lower and ci_upper, or effect and p_value, not both",
        )
    if p_value is not None:
        return _from_p_value(effect, p_value, df)
    if ci_lower is None or ci_upper is None:
        raise DataError("one limit of the interval is missing", remedy="give both")
    return _from_interval(effect, ci_lower, ci_upper, level, df)


def _from_interval(
    effect: float | None, lower: float, upper: float, level: float, df: float | None
) -> DerivedError:
    if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
        raise DataError(
            f"the limits are not in order: {lower!r} to {upper!r}",
            remedy="the lower limit comes first; logarithms for ratios",
        )
    if effect is not None and not lower <= effect <= upper:
        raise DataError(
            f"the effect {effect!r} lies outside its interval {lower!r} to {upper!r}",
            remedy="give effect and limits on the same scale",
        )
    quantile = _quantile((1 + level) / 2, df)
    return DerivedError(
        (upper - lower) / (2 * quantile),
        f"standard error = width of the {level * 100:g}% interval / "
        f"(2 x {quantile:.3f}), {_distribution(df)}",
    )


def _from_p_value(effect: float | None, p: float, df: float | None) -> DerivedError:
    if not 0 < p < 1:
        raise DataError(
            f"a p-value must lie between 0 and 1, got {p!r}",
            remedy="a bound such as <0.01 gives no standard error",
        )
    if effect is None or not math.isfinite(effect) or effect == 0:
        raise DataError(
            f"a p-value gives a standard error only beside an effect, got {effect!r}",
            remedy="give an effect other than zero",
        )
    quantile = _quantile(1 - p / 2, df)
    return DerivedError(
        abs(effect) / quantile,
        f"standard error = |effect| / {quantile:.3f}, from the two-sided "
        f"p = {p:g}, {_distribution(df)}",
    )


def _quantile(probability: float, df: float | None) -> float:
    """Return the quantile of the normal or of Student's t distribution."""
    if df is None:
        return float(ndtri(probability))
    return float(stdtrit(df, probability))


def _distribution(df: float | None) -> str:
    if df is None:
        return "normal distribution"
    return f"t distribution with {df:g} df"
