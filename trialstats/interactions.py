"""Whether the effect of treatment differs between the levels of a factor.

    likelihood ratio:  2 (l(arm, factor, arm by factor) - l(arm, factor))
    heterogeneity:     Q = sum_l w_l (theta_l - theta)^2,  w_l = 1 / v_l,
                       theta = sum_l w_l theta_l / sum_l w_l

The first compares two models that were fitted to the same rows; the second the effects
that were estimated within each level. Both are chi-squared when the effect is the same
in every level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from trialstats.errors import DataError, NotEstimableError
from trialstats.logistic import fit_logistic
from trialstats.survival.cox import Ties, fit_cox


@dataclass(frozen=True, slots=True)
class InteractionTest:
    """A chi-squared test that the effect of treatment is the same in every level."""

    statistic: float
    df: int
    p_value: float


def heterogeneity_test(
    estimates: Sequence[float], standard_errors: Sequence[float]
) -> InteractionTest:
    """Test whether independent estimates differ by more than their errors.

    Parameters
    ----------
    estimates, standard_errors : sequence of float
        Of the levels, on one scale.

    Returns
    -------
    InteractionTest
        Cochran's Q with one degree of freedom less than estimates.

    Raises
    ------
    DataError
        When a standard error is not positive, or lengths differ.
    NotEstimableError
        When there are fewer than two estimates.

    References
    ----------
    .. [1] Cochran WG (1954). The combination of estimates from different experiments.
       Biometrics 10(1), 101-129.

    Examples
    --------
    >>> found = heterogeneity_test([0.5, -0.1], [0.3, 0.4])
    >>> round(found.statistic, 6), found.df
    (1.44, 1)
    """
    theta = np.asarray(estimates, dtype=float)
    errors = np.asarray(standard_errors, dtype=float)
    if theta.shape != errors.shape:
        raise DataError(f"{len(theta)} estimates and {len(errors)} standard errors")
    if not (np.isfinite(theta).all() and np.isfinite(errors).all()):
        raise DataError("an estimate or its standard error is no finite number")
    if (errors <= 0).any():
        raise DataError("a standard error is not positive", value=float(errors.min()))
    if len(theta) < 2:
        raise NotEstimableError(f"{len(theta)} level with an estimate: nothing to test")
    weights = errors**-2
    mean = float(weights @ theta / weights.sum())
    statistic = float(weights @ (theta - mean) ** 2)
    return _test(statistic, len(theta) - 1)


def logistic_interaction(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    by: str,
    covariates: Sequence[str] = (),
) -> InteractionTest:
    """Test by likelihood ratio whether an odds ratio depends on a factor.

    Parameters
    ----------
    data : DataFrame
        One row per observation.
    response, treatment, by : str
        Columns of 0 and 1, of the arm, and of the factor.
    covariates : sequence of str
        Further columns of both models.

    Returns
    -------
    InteractionTest

    Raises
    ------
    NotEstimableError
        When a level lacks an arm, or one of the models has no estimate.

    References
    ----------
    .. [1] McCullagh P, Nelder JA (1989). Generalized Linear Models, 2nd ed., ch. 4.
    """
    rows = data.dropna(subset=[response, treatment, by, *covariates])
    _check_cells(rows, treatment, by)
    terms = " + ".join([treatment, *covariates, by])
    smaller = fit_logistic(f"{response} ~ {terms}", rows)
    larger = fit_logistic(f"{response} ~ {terms} + {treatment}:{by}", rows)
    return _test(
        smaller.deviance - larger.deviance, len(larger.beta) - len(smaller.beta)
    )


def cox_interaction(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    by: str,
    covariates: Sequence[str] = (),
    factors: Sequence[str] = (),
    strata: Sequence[str] = (),
    ties: Ties = "efron",
) -> InteractionTest:
    """Test by likelihood ratio whether a hazard ratio depends on a factor.

    Parameters
    ----------
    data, time, event, treatment, control, treatments, covariates, factors, strata, ties
        As for `fit_cox`.
    by : str
        Column of the factor. It multiplies the hazard, unless it is one of `strata`,
        which have baseline hazards of their own.

    Returns
    -------
    InteractionTest
        Of twice the difference of the logarithms of the partial likelihoods.

    Raises
    ------
    NotEstimableError
        When a level lacks an arm, or one of the models has no estimate.

    References
    ----------
    .. [1] Cox DR (1972). Regression models and life-tables. Journal of the Royal
       Statistical Society B 34(2), 187-220.
    """
    named = [time, event, treatment, by, *covariates, *factors, *strata]
    rows = data.dropna(subset=list(dict.fromkeys(named)))
    _check_cells(rows, treatment, by)
    # Of each level but the first the difference to the first, for each treatment.
    others = sorted(rows[by].unique())[1:]
    made = {
        f"{arm} by {level}": ((rows[treatment] == arm) & (rows[by] == level)).astype(
            float
        )
        for arm, level in product(treatments, others)
    }
    shared: dict[str, Any] = {
        "time": time,
        "event": event,
        "treatment": treatment,
        "control": control,
        "treatments": treatments,
        "factors": [*factors, *([] if by in strata else [by])],
        "strata": strata,
        "ties": ties,
    }
    wide = rows.assign(**made)
    smaller = fit_cox(wide, covariates=covariates, **shared)
    larger = fit_cox(wide, covariates=[*covariates, *made], **shared)
    statistic = 2 * (larger.log_likelihood - smaller.log_likelihood)
    return _test(statistic, len(made))


def _check_cells(rows: pd.DataFrame, treatment: str, by: str) -> None:
    """Raise NotEstimableError when a level has no row of an arm that others have."""
    counts = pd.crosstab(rows[by].astype("str"), rows[treatment].astype("str"))
    if len(counts) < 2:
        raise NotEstimableError(f"Only one level of {by} has data: nothing to test.")
    for level, arm in product(counts.index, counts.columns):
        if counts.loc[level, arm] == 0:
            raise NotEstimableError(f"{arm} has no data in {by} = {level}.")


def _test(statistic: float, df: int) -> InteractionTest:
    # Two maxima that are equal may differ in their last digit.
    statistic = max(statistic, 0.0)
    return InteractionTest(statistic, df, float(special.chdtrc(df, statistic)))
