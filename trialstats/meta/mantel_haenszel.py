"""Mantel-Haenszel: one effect from sums over the tables of all trials.

Symbols of a trial: a and b are the participants with and without the event under
treatment, c and d under control, n1 = a + b, n2 = c + d, N = n1 + n2; or x1, x2 events
in the person-time t1, t2, T = t1 + t2. Sums run over trials. No number is added to a
cell: a trial with a zero cell enters the sums as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from trialstats.meta.association import association_tests
from trialstats.meta.common_effect import (
    CommonEffect,
    common_effect,
    counted,
    distance,
    heterogeneity,
    normal_likelihood,
)
from trialstats.meta.inputs import BoolArray, FloatArray, Values, check_level, one_of
from trialstats.meta.strata import (
    PERSON_TIME,
    Cells,
    Strata,
    ZeroRule,
    above_zero,
    read_strata,
    rules,
)

#: Variance of the risk difference -> what is assumed, in words.
RD_VARIANCE: dict[str, str] = {
    "sato": "Sato's variance",
    "greenland_robins": "Greenland and Robins' variance",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """Estimates of sets of trials: shape (m,), weights of shape (m, k)."""

    estimate: FloatArray
    variance: FloatArray
    weight: FloatArray


def _ratio(
    upper: FloatArray, lower: FloatArray, variance: FloatArray, weight: FloatArray
) -> Sums:
    """Return ln(upper/lower); neither exists where a sum is zero."""
    there = (upper > 0) & (lower > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(upper / lower)
    return Sums(
        np.where(there, log_ratio, np.nan), np.where(there, variance, np.nan), weight
    )


def _odds_ratio(cells: Cells, variance: str) -> Sums:
    """Return sum(ad/N) / sum(bc/N), variance of Robins, Breslow and Greenland."""
    a, b, c, d = cells
    total = above_zero(a + b + c + d)
    p, q = (a + d) / total, (b + c) / total
    r, s = a / total * d, b / total * c
    upper, lower = r.sum(-1), s.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = 0.5 * (
            (p * r).sum(-1) / upper**2
            + (p * s + q * r).sum(-1) / (upper * lower)
            + (q * s).sum(-1) / lower**2
        )
    return _ratio(upper, lower, spread, s)


def _risk_ratio(cells: Cells, variance: str) -> Sums:
    """Return sum(a n2/N) / sum(c n1/N), variance of Greenland and Robins."""
    a, b, c, d = cells
    n1, n2 = a + b, c + d
    total = above_zero(n1 + n2)
    r, s = a * (n2 / total), c * (n1 / total)
    upper, lower = r.sum(-1), s.sum(-1)
    parts = (n1 / total) * (n2 / total) * (a + c) - a / total * c
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = parts.sum(-1) / (upper * lower)
    return _ratio(upper, lower, spread, s)


def _risk_difference(cells: Cells, variance: str) -> Sums:
    """Return sum(a n2/N - c n1/N) / sum(n1 n2/N)."""
    a, b, c, d = cells
    n1, n2 = a + b, c + d
    total = above_zero(n1 + n2)
    weight = n1 * (n2 / total)
    over = weight.sum(-1)
    share1, share2 = n1 / total, n2 / total
    estimate = (a * share2 - c * share1).sum(-1) / over
    if variance == "sato":
        slope = c * share1**2 - a * share2**2 + share1 * share2 * (n2 - n1) / 2
        constant = (a * (n2 - c) + c * (n1 - a)) / total
        squared = estimate * slope.sum(-1) + constant.sum(-1) / 2
    else:
        parts = a * b / above_zero(n1) * share2**2 + c * d / above_zero(n2) * share1**2
        squared = parts.sum(-1)
    return Sums(estimate, squared / over**2, weight)


def _rate_ratio(cells: Cells, variance: str) -> Sums:
    """Return sum(x1 t2/T) / sum(x2 t1/T), variance of Greenland and Robins."""
    x1, t1, x2, t2 = cells
    total = above_zero(t1 + t2)
    r, s = x1 * (t2 / total), x2 * (t1 / total)
    upper, lower = r.sum(-1), s.sum(-1)
    parts = (t1 / total) * (t2 / total) * (x1 + x2)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = parts.sum(-1) / (upper * lower)
    return _ratio(upper, lower, spread, s)


def _rate_difference(cells: Cells, variance: str) -> Sums:
    """Return sum((x1 t2 - x2 t1)/T) / sum(t1 t2/T), variance of Rothman."""
    x1, t1, x2, t2 = cells
    total = above_zero(t1 + t2)
    share1, share2 = t1 / total, t2 / total
    weight = share1 * t2
    over = weight.sum(-1)
    estimate = (x1 * share2 - x2 * share1).sum(-1) / over
    spread = (x1 * share2**2 + x2 * share1**2).sum(-1) / over**2
    return Sums(estimate, spread, weight)


_POOLED: dict[str, Callable[[Cells, str], Sums]] = {
    "OR": _odds_ratio,
    "RR": _risk_ratio,
    "RD": _risk_difference,
    "IRR": _rate_ratio,
    "IRD": _rate_difference,
}

_WORDS = {
    "OR": "odds ratio",
    "RR": "risk ratio",
    "RD": "risk difference",
    "IRR": "incidence rate ratio",
    "IRD": "incidence rate difference",
}


def mantel_haenszel(
    measure: str,
    *,
    ai: Values = None,
    bi: Values = None,
    ci: Values = None,
    di: Values = None,
    n1i: Values = None,
    n2i: Values = None,
    x1i: Values = None,
    t1i: Values = None,
    x2i: Values = None,
    t2i: Values = None,
    data: pd.DataFrame | None = None,
    add: float | tuple[float, float] = (0.5, 0.0),
    to: str | tuple[str, str] = ("only0", "none"),
    drop00: bool | tuple[bool, bool] = (True, False),
    correct: bool = True,
    rd_variance: str = "sato",
    level: float = 0.95,
) -> CommonEffect:
    """Pool the tables of k trials by Mantel and Haenszel's method.

    Parameters
    ----------
    measure : {"OR", "RR", "RD", "IRR", "IRD"}
        Odds ratio, risk ratio, risk difference, incidence rate ratio or difference;
        ratios on the log scale.
    ai, bi, ci, di, n1i, n2i : array_like of shape (k,) or str
        Participants with and without the event under treatment (ai, bi) and control
        (ci, di), or events and numbers of participants (ai, n1i, ci, n2i).
    x1i, t1i, x2i, t2i : array_like of shape (k,) or str
        Events and person-time of both arms, for IRR and IRD.
    data : DataFrame, optional
        Where names of columns are looked up.
    add, to, drop00 : value or pair of values
        What is added to zero cells, to which trials ("only0", "all", "if0all",
        "none"), and whether trials without events, or with nothing but events, are
        left out: first for the trials' own effects, which are shown and enter Q;
        second for what is pooled. One value is for the effects alone; by default
        nothing is added to what is pooled.
    correct : bool
        Whether the Cochran-Mantel-Haenszel tests take the continuity correction.
    rd_variance : {"sato", "greenland_robins"}
        Variance of the risk difference; Sato's holds for few large trials and for
        many small ones.
    level : float
        Confidence level.

    Returns
    -------
    CommonEffect
        NaN with a reason where there is no estimate, such as a ratio when one arm has
        no events in any trial.

    Raises
    ------
    DataError
        For an unknown measure or rule, absent arguments or impossible counts.

    References
    ----------
    .. [1] Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data
       from retrospective studies of disease. JNCI 22(4), 719-748.
    .. [2] Robins J, Breslow N, Greenland S (1986). Estimators of the Mantel-Haenszel
       variance consistent in both sparse data and large-strata limiting models.
       Biometrics 42(2), 311-323.
    .. [3] Greenland S, Robins JM (1985). Estimation of a common effect parameter from
       sparse follow-up data. Biometrics 41(1), 55-68.
    .. [4] Sato T, Greenland S, Robins JM (1989). On the variance estimator for the
       Mantel-Haenszel risk difference. Biometrics 45(4), 1323-1324.
    .. [5] Tarone RE (1985). On heterogeneity tests based on efficient scores.
       Biometrika 72(1), 91-95.

    Examples
    --------
    >>> pooled = mantel_haenszel(
    ...     "OR", ai=[0, 3, 6], n1i=[50, 60, 80], ci=[2, 9, 11], n2i=[50, 62, 79]
    ... )
    >>> round(pooled.estimate, 4), round(pooled.standard_error, 4)
    (-0.9814, 0.4145)
    """
    one_of("measure", measure, _POOLED)
    one_of("rd_variance", rd_variance, RD_VARIANCE)
    check_level(level)
    own, pooled = rules(add, to, drop00)
    given = {
        "ai": ai, "bi": bi, "ci": ci, "di": di, "n1i": n1i, "n2i": n2i,
        "x1i": x1i, "t1i": t1i, "x2i": x2i, "t2i": t2i,
    }  # fmt: skip
    strata = read_strata(measure, given, data)

    everything = np.ones(strata.k, dtype=bool)
    found, sums = _pool_sets(strata, everything[None], own, pooled, rd_variance)
    effect, variance = strata.effects(everything, own)
    likelihood, deviance = normal_likelihood(
        effect, variance, float(found["estimate"][0])
    )
    cells = strata.with_added(everything, pooled)
    return common_effect(
        found,
        level=level,
        reason=_reason(measure, cells, found),
        k=counted(int(strata.entered(everything, pooled).sum())),
        weights=strata.in_input_order(_shares(sums.weight[0])),
        measure=measure,
        method=_in_words(measure, rd_variance, pooled, level),
        effect=strata.in_input_order(effect),
        variance=strata.in_input_order(variance),
        log_likelihood=likelihood,
        deviance=deviance,
        pool_sets=partial(_found_in_sets, strata, own, pooled, rd_variance),
        **association_tests(measure, cells, float(found["estimate"][0]), correct),
    )


def _found_in_sets(
    strata: Strata,
    own: ZeroRule,
    pooled: ZeroRule,
    rd_variance: str,
    include: BoolArray,
) -> dict[str, FloatArray]:
    return _pool_sets(strata, strata.sorted_sets(include), own, pooled, rd_variance)[0]


def _pool_sets(
    strata: Strata,
    include: BoolArray,
    own: ZeroRule,
    pooled: ZeroRule,
    rd_variance: str,
) -> tuple[dict[str, FloatArray], Sums]:
    """Return estimates, errors and heterogeneity of sets of trials, and the sums."""
    with np.errstate(divide="ignore", invalid="ignore"):
        cells = strata.with_added(include, pooled)
        sums = _POOLED[strata.measure](cells, rd_variance)
    variance = np.where(sums.variance > 0, sums.variance, np.nan)
    effect, spread = strata.effects(include, own)
    squares = distance(effect, spread, sums.estimate)
    there = np.isfinite(effect).sum(axis=-1)
    found = {"estimate": sums.estimate, "standard_error": np.sqrt(variance)}
    return found | heterogeneity(squares, there), sums


def _shares(weight: FloatArray) -> FloatArray:
    total = float(weight.sum())
    return weight / total if total > 0 else np.zeros_like(weight)


def _reason(measure: str, cells: Cells, found: dict[str, FloatArray]) -> str | None:
    """Return why there is no estimate or no error, else None."""
    if np.isfinite(found["standard_error"][0]):
        return None
    treated, control = float(cells.first.sum()), float(cells.third.sum())
    if treated == 0 and control == 0:
        return "no events in any trial"
    if measure in ("RR", "IRR", "OR") and 0 in (treated, control):
        arm = "treatment" if treated == 0 else "control"
        return f"no events under {arm} in any trial"
    if measure in PERSON_TIME or measure == "RR":
        return "the sums of the method are zero"
    if measure == "RD":
        return "the variance of the difference is estimated as zero or less"
    return "no trial has both events under one arm and none-events under the other"


def _in_words(measure: str, rd_variance: str, rule: ZeroRule, level: float) -> str:
    words = f"Mantel-Haenszel {_WORDS[measure]}"
    if measure == "RD":
        words += f", {RD_VARIANCE[rd_variance]}"
    added = (
        "nothing added to zero cells"
        if rule.to == "none" or rule.add == 0
        else f"{rule.add:g} added to cells ({rule.to})"
    )
    return f"{words}; {added}; {level * 100:g}% normal interval"
