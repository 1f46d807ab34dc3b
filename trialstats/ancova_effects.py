"""Questions beside the comparison of arms, in the same analysis of covariance.

Does the response move with the dose, and does the effect of treatment depend on a
covariate or a factor? Each is a change of the arms' columns alone:

    dose:         mu + beta d_a(i)                 in place of    mu_a(i)
    interaction:  mu_a(i) + delta_a(i) (z_i - mean(z))   beside    mu_a(i)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from trialstats.adjustment import (
    Adjustment,
    adjustment_of,
    check_roles,
    least_squares,
)
from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import (
    Estimate,
    check_arms,
    check_level,
    complete_rows,
    indicators,
    linear_combination,
)
from trialstats.small_sample import GivenDegrees


@dataclass(frozen=True, slots=True)
class Interaction:
    """Whether the effect of treatment depends on a covariate or factor.

    Attributes
    ----------
    statistic, numerator_df, df, p_value
        F test that no treatment's effect depends on it.
    changes : mapping
        (treatment, what changes) -> change of treatment minus control: by one unit of
        the covariate, or from the first level of the factor to the one named.
    level : float
    """

    statistic: float
    numerator_df: int
    df: float
    p_value: float
    changes: Mapping[tuple[str, str], Estimate]
    level: float


def dose_response(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    doses: Mapping[Any, float],
    covariates: Sequence[str] = (),
    factors: Sequence[str] = (),
    level: float = 0.95,
) -> Estimate:
    """Estimate the slope of the response over the dose, adjusted for covariates.

    Parameters
    ----------
    data : DataFrame
        One row per subject, as for `fit_ancova`.
    response, treatment : str
        Columns of the response and of the arm.
    doses : mapping
        Arm -> its dose, such as ``{"Placebo": 0, "Low": 54, "High": 81}``.
    covariates, factors, level
        As for `fit_ancova`.

    Returns
    -------
    Estimate
        Change of the response by one unit of dose; its p-value is the test of a linear
        dose response.

    Raises
    ------
    DataError
        When a dose is no number, an arm has none, or columns are not as described.
    NotEstimableError
        As for `fit_ancova`, and when all analysed subjects have one dose.
    """
    check_level(level)
    if not isinstance(doses, Mapping) or len(doses) < 2:
        raise DataError(
            "the doses are no mapping of two arms or more",
            value=doses,
            remedy="write {'Placebo': 0, 'Active': 10}",
        )
    for arm, dose in doses.items():
        number = isinstance(dose, (int, float, np.integer, np.floating))
        if isinstance(dose, bool) or not number or not np.isfinite(dose):
            raise DataError(f"the dose of {arm} is no finite number", value=dose)
    _check_columns(response, treatment, covariates, factors)
    rows = complete_rows(
        data, numeric=[response, *covariates], labels=[treatment, *factors]
    )
    first, *others = doses
    arms = check_arms(rows, treatment, control=first, treatments=others)
    dose_of = {arm: float(dose) for arm, dose in doses.items()}
    given = rows[treatment].map(dose_of).to_numpy(dtype=float)
    if not len(given) or np.ptp(given) == 0:
        raise NotEstimableError(
            f"The subjects with data have one dose of those of {', '.join(arms)}: "
            "no slope."
        )
    adjustment = adjustment_of(rows, covariates, factors)
    design = np.column_stack([np.ones(len(rows)), given - given.mean()])
    fit = least_squares(
        rows[response].to_numpy(dtype=float),
        np.hstack([design, adjustment.columns]),
        ["the mean", "the dose", *adjustment.names],
    )
    weights = np.eye(len(fit.beta))[1]
    return linear_combination(weights, fit.beta, fit.covariance, df=fit.df, level=level)


def treatment_interaction(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    by: str,
    covariates: Sequence[str] = (),
    factors: Sequence[str] = (),
    level: float = 0.95,
) -> Interaction:
    """Test whether the effect of treatment depends on a covariate or a factor.

    Parameters
    ----------
    data, response, treatment, control, treatments, covariates, factors, level
        As for `fit_ancova`.
    by : str
        The covariate or factor on which the effect may depend: one of `covariates` or
        `factors`, so that it has its own effect too.

    Returns
    -------
    Interaction

    Raises
    ------
    DataError
        When `by` is neither a covariate nor a factor, or as for `fit_ancova`.
    NotEstimableError
        As for `fit_ancova`, and when the interaction cannot be told from other terms,
        such as a level of the factor without subjects of an arm.
    """
    check_level(level)
    _check_columns(response, treatment, covariates, factors)
    if by not in [*covariates, *factors]:
        raise DataError(
            "what the effect depends on is no covariate and no factor",
            column=str(by),
            remedy="name it among the covariates or the factors too",
        )
    rows = complete_rows(
        data, numeric=[response, *covariates], labels=[treatment, *factors]
    )
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    adjustment = adjustment_of(rows, covariates, factors)
    own = _own_columns(rows, by, covariates)
    group = indicators(rows[treatment], arms)
    products = np.column_stack(
        [group[:, [i]] * own.columns for i in range(1, len(arms))]
    )
    keys = [(arm, name) for arm in arms[1:] for name in own.names]
    fit = least_squares(
        rows[response].to_numpy(dtype=float),
        np.column_stack([group, adjustment.columns, products]),
        [*arms, *adjustment.names, *(f"{arm} by {name}" for arm, name in keys)],
    )
    unit = np.eye(len(fit.beta))[-len(keys) :]
    rule = GivenDegrees(fit.covariance, np.full(len(fit.beta), float(fit.df)))
    test = rule.joint_test(unit, unit @ fit.beta)
    changes = {
        key: linear_combination(
            weights, fit.beta, fit.covariance, df=fit.df, level=level
        )
        for key, weights in zip(keys, unit, strict=True)
    }
    return Interaction(
        statistic=test.statistic,
        numerator_df=int(test.numerator_df),
        df=test.df,
        p_value=test.p_value,
        changes=MappingProxyType(changes),
        level=level,
    )


def _own_columns(rows: pd.DataFrame, by: str, covariates: Sequence[str]) -> Adjustment:
    """Return the columns of the covariate or factor alone."""
    if by in covariates:
        return adjustment_of(rows, [by], [])
    return adjustment_of(rows, [], [by])


def _check_columns(
    response: str,
    treatment: str,
    covariates: Sequence[str],
    factors: Sequence[str],
) -> None:
    check_roles(
        {"response": response, "treatment": treatment},
        {"covariates": covariates, "factors": factors},
    )
