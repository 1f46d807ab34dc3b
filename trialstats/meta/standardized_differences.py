"""Standardized mean differences as R meta and RevMan compute them.

`effect_sizes` has Hedges' g with the variances of metafor. The forms here are the
others in use: g with the approximate correction of RevMan, Cohen's d with the variance
of g, Glass's delta with n2 - 1 in its variance.

Symbols: m = n1 + n2 - 2, J the bias correction, d the difference over the pooled
standard deviation, g = J d.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialstats.meta.hedges import hedges_correction
from trialstats.meta.inputs import FloatArray, Values, effects_frame, one_of
from trialstats.meta.means import Moments, read_moments
from trialstats.meta.measures import Call

#: The note of a row without an effect.
TOO_FEW = "not estimable: too few participants"

_Estimates = tuple[FloatArray, FloatArray]


def _exact_share(x: Moments) -> FloatArray:
    """Return the factor of g^2 in the unbiased variance, 1 - (m - 2)/(m J^2)."""
    return np.asarray(1 - (x.df - 2) / (x.df * hedges_correction(x.df) ** 2))


def _hedges(x: Moments) -> _Estimates:
    g = hedges_correction(x.df) * x.d
    return g, x.by_sizes + g**2 * _exact_share(x)


def _hedges_approximate(x: Moments) -> _Estimates:
    g = (1 - 3 / (4 * x.df - 1)) * x.d
    return g, x.by_sizes + g**2 / (2 * (x.df - 1.94))


def _cohen(x: Moments) -> _Estimates:
    g = hedges_correction(x.df) * x.d
    return x.d, x.by_sizes + g**2 * _exact_share(x)


def _cohen_approximate(x: Moments) -> _Estimates:
    return x.d, x.by_sizes + x.d**2 / (2 * x.n)


def _glass(x: Moments) -> _Estimates:
    delta = (x.m1 - x.m2) / x.sd2
    return delta, x.by_sizes + delta**2 / (2 * (x.n2 - 1))


#: Forms by name.
STANDARDIZED: dict[str, Callable[[Moments], _Estimates]] = {
    "hedges": _hedges,
    "hedges_approximate": _hedges_approximate,
    "cohen": _cohen,
    "cohen_approximate": _cohen_approximate,
    "glass": _glass,
}


def standardized_differences(
    form: str,
    *,
    m1i: Values,
    sd1i: Values,
    n1i: Values,
    m2i: Values,
    sd2i: Values,
    n2i: Values,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compute standardized mean differences in one of their forms.

    Parameters
    ----------
    form : str
        Of `STANDARDIZED`: Hedges' g with exact correction and unbiased variance, or
        with RevMan's approximations; Cohen's d with the unbiased variance, or with
        d^2/(2 N); Glass's delta, over the control arm's standard deviation.
    m1i, sd1i, n1i, m2i, sd2i, n2i : array_like of shape (k,) or str
        Mean, standard deviation and size of each arm.
    data : DataFrame, optional
        Where names of columns are looked up.

    Returns
    -------
    DataFrame
        effect, variance and note.

    Raises
    ------
    DataError
        For an unknown form, absent arguments, a standard deviation of zero or less, or
        fewer than two participants in an arm.

    References
    ----------
    .. [1] White IR, Thomas J (2005). Standardized mean differences in
       individually-randomized and cluster-randomized trials, with applications to
       meta-analysis. Clinical Trials 2(2), 141-151.
    .. [2] Deeks JJ, Higgins JPT (2010). Statistical algorithms in Review Manager 5.
       Cochrane Statistical Methods Group.
    .. [3] Borenstein M, Hedges LV, Higgins JPT, Rothstein HR (2009). Introduction to
       meta-analysis. Wiley. Chapter 4.

    Examples
    --------
    >>> found = standardized_differences(
    ...     "hedges_approximate",
    ...     m1i=[10.0], sd1i=[2.0], n1i=[12], m2i=[8.0], sd2i=[2.5], n2i=[12],
    ... )
    >>> found[["effect", "variance"]].round(4).values.tolist()
    [[0.853, 0.1848]]
    """  # fmt: skip
    one_of("form of the standardized difference", form, STANDARDIZED)
    given = {
        "m1i": m1i, "sd1i": sd1i, "n1i": n1i,
        "m2i": m2i, "sd2i": sd2i, "n2i": n2i,
    }  # fmt: skip
    moments = read_moments(Call(given, data))
    with np.errstate(invalid="ignore", divide="ignore"):
        effect, variance = STANDARDIZED[form](moments)
    absent = ~np.isfinite(effect) | ~np.isfinite(variance) | (variance <= 0)
    note = [TOO_FEW if row else None for row in absent]
    index = None if data is None or len(data) != len(effect) else data.index
    return effects_frame(
        np.where(absent, np.nan, effect),
        np.where(absent, np.nan, variance),
        note,
        index,
    )
