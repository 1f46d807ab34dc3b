"""Common effects of two arms on a yes-or-no value over strata, by Mantel and Haenszel.

The sums are those of `trialstats.meta.mantel_haenszel`, with strata in the place of
trials: nothing is added to a cell, and a stratum with a zero enters as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstats.cochran_mantel_haenszel import tables_of
from trialstats.errors import DataError
from trialstats.meta.common_effect import ChiSquaredTest, CommonEffect
from trialstats.meta.mantel_haenszel import mantel_haenszel

_Array = NDArray[np.float64]

#: Effect -> its code as a measure.
MEASURES = {"risk_difference": "RD", "risk_ratio": "RR", "odds_ratio": "OR"}


@dataclass(frozen=True, slots=True)
class CommonEffectOfStrata:
    """One effect over strata; ratios as logarithms.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper, statistic, p_value : float or None
        The estimate with its normal interval and test; None when there is none.
    n_strata : int
        Number of strata with subjects in both arms, which alone count.
    not_estimable : str or None
        Why there is no estimate.
    """

    estimate: float | None
    standard_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    statistic: float | None
    p_value: float | None
    n_strata: int
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Tests that one odds ratio holds in all strata.

    Attributes
    ----------
    breslow_day, tarone : ChiSquaredTest or None
        Breslow and Day's statistic, and with Tarone's correction for the odds ratio
        being estimated; None when there is no test.
    not_estimable : str or None
        Why there is no test.
    """

    breslow_day: ChiSquaredTest | None
    tarone: ChiSquaredTest | None
    not_estimable: str | None = None


def stratified_effect(
    tables: Sequence[Any] | NDArray[Any],
    measure: str,
    *,
    rd_variance: str = "sato",
    level: float = 0.95,
) -> CommonEffectOfStrata:
    """Estimate one effect of treatment over strata.

    Parameters
    ----------
    tables : array_like of shape (k, 2, 2)
        Counts of each stratum: treatment and control; with and without the event.
    measure : {"risk_difference", "risk_ratio", "odds_ratio"}
        Ratios are given as logarithms.
    rd_variance : {"sato", "greenland_robins"}
        Variance of the risk difference.
    level : float
        Confidence level.

    Returns
    -------
    CommonEffectOfStrata

    Raises
    ------
    DataError
        When the tables are no counts or the measure is unknown.

    References
    ----------
    .. [1] Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data
       from retrospective studies of disease. JNCI 22(4), 719-748.
    .. [2] Greenland S, Robins JM (1985). Estimation of a common effect parameter from
       sparse follow-up data. Biometrics 41(1), 55-68.
    .. [3] Sato T, Greenland S, Robins JM (1989). On the variance estimator for the
       Mantel-Haenszel risk difference. Biometrics 45(4), 1323-1324.

    Examples
    --------
    >>> import math
    >>> women, men = [[16, 11], [5, 20]], [[12, 16], [7, 19]]
    >>> found = stratified_effect([women, men], "odds_ratio")
    >>> ends = (found.estimate, found.ci_lower, found.ci_upper)
    >>> [round(math.exp(end), 4) for end in ends]
    [3.3132, 1.4456, 7.5934]
    """
    if measure not in MEASURES:
        raise DataError(
            f"no measure {measure!r}", remedy=f"write one of {', '.join(MEASURES)}"
        )
    counts = _two_by_two(tables)
    why = _no_effect(counts, measure)
    if why:
        return _none(len(counts), why)
    found = _pooled(counts, MEASURES[measure], rd_variance, level)
    if not np.isfinite(found.standard_error):
        return _none(len(counts), "The variance is estimated as zero.")
    return CommonEffectOfStrata(
        estimate=found.estimate,
        standard_error=found.standard_error,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        statistic=found.statistic,
        p_value=found.p_value,
        n_strata=len(counts),
    )


def homogeneity_tests(tables: Sequence[Any] | NDArray[Any]) -> Homogeneity:
    """Test that one odds ratio holds in all strata.

    Parameters
    ----------
    tables : array_like of shape (k, 2, 2)
        As for `stratified_effect`.

    Returns
    -------
    Homogeneity
        Only strata with events and subjects without one, in both arms together,
        count; the degrees of freedom are one less than their number.

    References
    ----------
    .. [1] Breslow NE, Day NE (1980). Statistical Methods in Cancer Research I. IARC.
    .. [2] Tarone RE (1985). On heterogeneity tests based on efficient scores.
       Biometrika 72(1), 91-95.

    Examples
    --------
    >>> women, men = [[16, 11], [5, 20]], [[12, 16], [7, 19]]
    >>> found = homogeneity_tests([women, men]).breslow_day
    >>> round(found.statistic, 4), found.df, round(found.p_value, 4)
    (1.4929, 1, 0.2218)
    """
    counts = _two_by_two(tables)
    why = _no_effect(counts, "odds_ratio")
    if why:
        return Homogeneity(None, None, why)
    found = _pooled(counts, "OR", "sato", 0.95)
    test = found.breslow_day_test
    if not np.isfinite(test.p_value):
        return Homogeneity(
            None, None, "Fewer than two strata have subjects with and without it."
        )
    return Homogeneity(test, found.tarone_test)


def _two_by_two(tables: Sequence[Any] | NDArray[Any]) -> _Array:
    """Return the tables with subjects in both arms."""
    counts = tables_of(tables)
    if counts.shape[1:] != (2, 2):
        raise DataError(
            f"the tables are {counts.shape[1]} x {counts.shape[2]}",
            remedy="give two arms, and counts with and without the event",
        )
    both: _Array = counts[(counts.sum(axis=2) > 0).all(axis=1)]
    return both


def _pooled(counts: _Array, code: str, rd_variance: str, level: float) -> CommonEffect:
    a, b, c, d = (counts[:, i, j] for i in (0, 1) for j in (0, 1))
    return mantel_haenszel(
        code,
        ai=a,
        n1i=a + b,
        ci=c,
        n2i=c + d,
        rd_variance=rd_variance,
        level=level,
        correct=False,
    )


def _no_effect(counts: _Array, measure: str) -> str | None:
    """Return why there is no effect."""
    if not len(counts):
        return "No stratum has subjects in both arms."
    a, b, c, d = (counts[:, i, j] for i in (0, 1) for j in (0, 1))
    if measure == "risk_difference":
        return None
    over, under = ((a * (c + d)), (c * (a + b)))
    if measure == "odds_ratio":
        over, under = a * d, b * c
    if over.any() and under.any():
        return None
    if not over.any() and not under.any():
        return "No stratum tells the arms apart: the ratio is zero over zero."
    which = "zero" if not over.any() else "infinite"
    return f"The ratio is estimated as {which}: it has no logarithm."


def _none(n_strata: int, why: str) -> CommonEffectOfStrata:
    return CommonEffectOfStrata(None, None, None, None, None, None, n_strata, why)
