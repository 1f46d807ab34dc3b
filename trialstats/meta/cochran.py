"""Cochran's pooled rate ratio: the mortality ratio of the Surgeon General's report.

ln(IRR) of each trial is weighted with the events expected under treatment at the
control rate, x2 t1/t2; the variance is 1/sum(x1) + 1/sum(x2), as if all events were
counted in one trial.
"""

import numpy as np
import pandas as pd

from trialstats.meta.common_effect import (
    CommonEffect,
    common_effect,
    distance,
    heterogeneity,
    normal_likelihood,
)
from trialstats.meta.inputs import BoolArray, FloatArray, Values, check_level
from trialstats.meta.strata import Strata, ZeroRule, read_strata


def cochran_rate_ratio(
    *,
    x1i: Values,
    t1i: Values,
    x2i: Values,
    t2i: Values,
    data: pd.DataFrame | None = None,
    add: float = 0.5,
    to: str = "only0",
    level: float = 0.95,
) -> CommonEffect:
    """Pool the incidence rate ratios of k trials by Cochran's weights.

    Parameters
    ----------
    x1i, t1i, x2i, t2i : array_like of shape (k,) or str
        Events and person-time under treatment and control.
    data : DataFrame, optional
        Where names of columns are looked up.
    add, to : float, str
        What is added to the events of which trials for the trials' own log rate
        ratios; the weights and the variance take the events as they are.
    level : float
        Confidence level.

    Returns
    -------
    CommonEffect
        On the log scale; NaN with a reason without events in an arm. A trial without
        events under control has no weight.

    Raises
    ------
    DataError
        For absent arguments or impossible counts.

    References
    ----------
    .. [1] Smoking and Health: report of the Advisory Committee to the Surgeon General
       of the Public Health Service (1964). Public Health Service Publication 1103,
       chapter 8.

    Examples
    --------
    >>> pooled = cochran_rate_ratio(x1i=[3, 5], t1i=[90, 80], x2i=[6, 4], t2i=[85, 95])
    >>> round(pooled.estimate, 4), round(pooled.standard_error, 4)
    (-0.3535, 0.4743)
    """
    check_level(level)
    rule = ZeroRule(add, to, drop00=False)
    given = {"x1i": x1i, "t1i": t1i, "x2i": x2i, "t2i": t2i}
    strata = read_strata("IRR", given, data)

    def pool_sets(include: BoolArray) -> dict[str, FloatArray]:
        return _pool_sets(strata, strata.sorted_sets(include), rule)[0]

    everything = np.ones(strata.k, dtype=bool)
    found, weight = _pool_sets(strata, everything[None], rule)
    effect, variance = strata.effects(everything, rule)
    likelihood, deviance = normal_likelihood(
        effect, variance, float(found["estimate"][0])
    )
    estimable = bool(np.isfinite(found["standard_error"][0]))
    return common_effect(
        found,
        level=level,
        reason=None if estimable else "no events in one arm of all trials",
        k=strata.k,
        weights=strata.in_input_order(np.nan_to_num(weight[0])),
        measure="IRR",
        method=f"Cochran incidence rate ratio; {level * 100:g}% normal interval",
        effect=strata.in_input_order(effect),
        variance=strata.in_input_order(variance),
        log_likelihood=likelihood,
        deviance=deviance,
        pool_sets=pool_sets,
    )


def _pool_sets(
    strata: Strata, include: BoolArray, rule: ZeroRule
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return estimates, errors and heterogeneity of sets of trials, and weights."""
    x1, t1, x2, t2 = (np.where(include, x, 0.0) for x in strata.cells)
    effect, variance = strata.effects(include, rule)
    expected = x2 * t1 / np.where(include, t2, 1.0)
    used = np.where(np.isfinite(effect), expected, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = used / used.sum(axis=-1, keepdims=True)
        error = np.sqrt(1 / x1.sum(axis=-1) + 1 / x2.sum(axis=-1))
    estimate = (weight * np.where(np.isfinite(effect), effect, 0.0)).sum(axis=-1)
    there = np.isfinite(error) & np.isfinite(estimate)
    found = {
        "estimate": np.where(there, estimate, np.nan),
        "standard_error": np.where(there, error, np.nan),
    }
    q = distance(effect, variance, found["estimate"])
    return found | heterogeneity(q, np.isfinite(effect).sum(axis=-1)), weight
