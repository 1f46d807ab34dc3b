"""Effect sizes of two independent means: MD and SMD (Hedges' g).

Symbols: m1, sd1, n1 are mean, standard deviation and size of the treatment arm, m2,
sd2, n2 of the control arm; df = n1 + n2 - 2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln

from trialstats.meta.inputs import (
    FloatArray,
    Values,
    effects_frame,
    refuse,
    required,
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Means, standard deviations and sizes of two arms in k trials, shape (k,)."""

    m1: FloatArray
    sd1: FloatArray
    n1: FloatArray
    m2: FloatArray
    sd2: FloatArray
    n2: FloatArray


def read_moments(given: dict[str, Values], data: pd.DataFrame | None) -> Moments:
    """Return the moments from m1i, sd1i, n1i, m2i, sd2i, n2i.

    Raises
    ------
    DataError
        For an absent argument, a standard deviation of zero or less, or an arm with
        fewer than two participants, in whom no standard deviation exists.
    """
    names = ["m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"]
    columns = required(names, given, data=data)
    for name in ("sd1i", "sd2i"):
        refuse(
            columns[name] <= 0,
            "the standard deviation is not above zero",
            column=name,
            values=columns[name],
            remedy="supply the standard deviation, not a standard error of zero",
        )
    for name in ("n1i", "n2i"):
        refuse(
            columns[name] < 2,
            "a standard deviation needs at least two participants",
            column=name,
            values=columns[name],
        )
    return Moments(*(columns[name] for name in names))


def hedges_correction(df: FloatArray) -> FloatArray:
    """Return J(df), the factor that removes the bias of d, by gamma functions.

    References
    ----------
    .. [1] Hedges LV (1981). Distribution theory for Glass's estimator of effect size
       and related estimators. Journal of Educational Statistics 6(2), 107-128.

    >>> hedges_correction(np.array([10.0])).round(4).tolist()
    [0.9227]
    """
    log_ratio = gammaln(df / 2) - gammaln((df - 1) / 2)
    return np.asarray(np.exp(log_ratio - np.log(df / 2) / 2))


def mean_difference(arms: Moments) -> tuple[FloatArray, FloatArray]:
    """Return m1 - m2 and its variance sd1^2/n1 + sd2^2/n2."""
    return arms.m1 - arms.m2, arms.sd1**2 / arms.n1 + arms.sd2**2 / arms.n2


def standardized_mean_difference(arms: Moments) -> tuple[FloatArray, FloatArray]:
    """Return Hedges' g and its large-sample variance 1/n1 + 1/n2 + g^2/(2(n1+n2))."""
    df = arms.n1 + arms.n2 - 2
    squares = (arms.n1 - 1) * arms.sd1**2 + (arms.n2 - 1) * arms.sd2**2
    effect = (arms.m1 - arms.m2) / np.sqrt(squares / df) * hedges_correction(df)
    return effect, _variance_of_g(effect, arms.n1, arms.n2)


def _variance_of_g(effect: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    return 1 / n1 + 1 / n2 + effect**2 / (2 * (n1 + n2))


#: Measures of two means, under the names metafor gives them.
MEANS: dict[str, Callable[[Moments], tuple[FloatArray, FloatArray]]] = {
    "MD": mean_difference,
    "SMD": standardized_mean_difference,
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
    variance = _variance_of_g(effect, size1, size2)
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
