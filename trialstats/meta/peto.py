"""Peto: one log odds ratio from observed minus expected events.

For trial i, a - E events under treatment beyond those expected from the margins, with
hypergeometric variance V; the pooled log odds ratio is sum(a - E) / sum(V) with
variance 1 / sum(V). Good for rare events, similar group sizes and small effects.
"""

from functools import partial

import numpy as np
import pandas as pd

from trialstats.meta.common_effect import (
    CommonEffect,
    common_effect,
    counted,
    heterogeneity,
    normal_likelihood,
)
from trialstats.meta.inputs import BoolArray, FloatArray, Values, check_level
from trialstats.meta.strata import (
    Strata,
    ZeroRule,
    excess_and_variance,
    read_strata,
    rules,
)


def peto(
    *,
    ai: Values = None,
    bi: Values = None,
    ci: Values = None,
    di: Values = None,
    n1i: Values = None,
    n2i: Values = None,
    data: pd.DataFrame | None = None,
    add: float | tuple[float, float] = (0.5, 0.0),
    to: str | tuple[str, str] = ("only0", "none"),
    drop00: bool | tuple[bool, bool] = (True, False),
    level: float = 0.95,
) -> CommonEffect:
    """Pool the odds ratios of k trials by Peto's method.

    Parameters
    ----------
    ai, bi, ci, di, n1i, n2i : array_like of shape (k,) or str
        Participants with and without the event under treatment (ai, bi) and control
        (ci, di), or events and numbers of participants (ai, n1i, ci, n2i).
    data : DataFrame, optional
        Where names of columns are looked up.
    add, to, drop00 : value or pair of values
        As in `mantel_haenszel`: first for the trials' own effects, second for what is
        pooled, to which nothing is added by default.
    level : float
        Confidence level.

    Returns
    -------
    CommonEffect
        On the log scale; NaN with a reason when no trial has both events and
        participants without one.

    Raises
    ------
    DataError
        For an unknown rule, absent arguments or impossible counts.

    References
    ----------
    .. [1] Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Beta blockade during
       and after myocardial infarction. Progress in Cardiovascular Diseases 27(5),
       335-371.

    Examples
    --------
    >>> pooled = peto(ai=[0, 3], n1i=[50, 60], ci=[2, 9], n2i=[50, 62])
    >>> round(pooled.estimate, 4), round(pooled.standard_error, 4)
    (-1.2111, 0.5571)
    """
    check_level(level)
    own, pooled = rules(add, to, drop00)
    given = {"ai": ai, "bi": bi, "ci": ci, "di": di, "n1i": n1i, "n2i": n2i}
    strata = read_strata("PETO", given, data)

    everything = np.ones(strata.k, dtype=bool)
    found = _pool_sets(strata, everything[None], pooled)
    effect, variance = strata.effects(everything, own)
    likelihood, deviance = normal_likelihood(
        effect, variance, float(found["estimate"][0])
    )
    information = excess_and_variance(strata.with_added(everything, pooled))[1]
    total = float(information.sum())
    missing = "no trial has both events and participants without one"
    return common_effect(
        found,
        level=level,
        reason=None if total > 0 else missing,
        k=counted(int(strata.entered(everything, pooled).sum())),
        weights=strata.in_input_order(
            information / total if total > 0 else np.zeros_like(information)
        ),
        measure="OR",
        method=f"Peto odds ratio; {level * 100:g}% normal interval",
        effect=strata.in_input_order(effect),
        variance=strata.in_input_order(variance),
        log_likelihood=likelihood,
        deviance=deviance,
        pool_sets=partial(_found_in_sets, strata, pooled),
    )


def _found_in_sets(
    strata: Strata, rule: ZeroRule, include: BoolArray
) -> dict[str, FloatArray]:
    return _pool_sets(strata, strata.sorted_sets(include), rule)


def _pool_sets(
    strata: Strata, include: BoolArray, rule: ZeroRule
) -> dict[str, FloatArray]:
    """Return estimates, errors and Peto's heterogeneity of sets of trials."""
    excess, variance = excess_and_variance(strata.with_added(include, rule))
    observed, information = excess.sum(axis=-1), variance.sum(axis=-1)
    informative = variance > 0
    total = np.where(information > 0, information, np.nan)
    parts = np.where(informative, excess**2, 0.0) / np.where(informative, variance, 1.0)
    q = parts.sum(axis=-1) - observed**2 / total
    found = {"estimate": observed / total, "standard_error": np.sqrt(1 / total)}
    return found | heterogeneity(q, informative.sum(axis=-1))
