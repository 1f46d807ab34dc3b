"""Analysis of covariance: arms compared at one visit, adjusted for covariates.

    y_i = mu_a(i) + sum_j beta_j (x_ij - mean(x_j))
        + sum_f sum_l gamma_fl (1[f_i = l] - w_fl) + e_i,    e_i ~ N(0, sigma^2)

``a(i)`` is the arm of subject i. Covariates are centred at their mean over the
analysed subjects, and indicators of a factor's levels at the weights w of its levels,
so ``mu_a`` is the least-squares mean of arm a, and ``mu_treatment - mu_control`` is
the adjusted difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from trialstats.adjustment import (
    Weights,
    adjustment_of,
    check_roles,
    least_squares,
)
from trialstats.errors import NotEstimableError
from trialstats.linear_model import (
    Estimate,
    check_arms,
    check_level,
    complete_rows,
    indicators,
    linear_combination,
)


@dataclass(frozen=True, slots=True)
class Ancova:
    """An analysis of covariance; mappings go by arm, differences by treatment.

    `covariances` go by two treatments: those of their differences, which share the
    control and the covariates' slopes. `pairwise` goes by two arms, the first minus
    the second, each later arm against each earlier one. `factor_weights` goes by
    factor and level: what a level counts in a least-squares mean.
    """

    ls_means: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    covariances: Mapping[tuple[str, str], float]
    n: Mapping[str, int]
    covariate_means: Mapping[str, float]
    residual_standard_deviation: float
    df: int
    level: float
    pairwise: Mapping[tuple[str, str], Estimate] = field(
        default_factory=lambda: MappingProxyType({})
    )
    factor_weights: Mapping[str, Mapping[Any, float]] = field(
        default_factory=lambda: MappingProxyType({})
    )


def fit_ancova(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    covariates: Sequence[str] = (),
    factors: Sequence[str] = (),
    weights: Weights = "equal",
    level: float = 0.95,
) -> Ancova:
    """Compare arms at one visit by least squares, adjusted for covariates.

    Parameters
    ----------
    data : DataFrame
        One row per subject. Rows without response or covariate are left out
        (observed cases).
    response, treatment : str
        Columns of the response (numbers) and of the arm (labels).
    control : str
        Label of the control arm.
    treatments : sequence of str
        Labels of the other arms; each is compared with the control, with one common
        residual variance and no adjustment for multiplicity.
    covariates : sequence of str
        Columns of numbers, entered linearly with one slope over the arms.
    factors : sequence of str
        Columns of labels, such as the site, that shift the response alike in every
        arm. Numbers stand for labels here. A missing label is an error.
    weights : {"equal", "proportional"}
        How a least-squares mean averages the levels of a factor: each alike, or in
        proportion to the analysed subjects (observed margins). Differences do not
        depend on it.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Ancova
        Least-squares means at the covariates' mean over the analysed subjects,
        differences treatment minus control, with t intervals on the residual degrees
        of freedom.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described.
    NotEstimableError
        When an arm has no data, a covariate is constant or a combination of other
        terms, a factor has one level, rows are too few, or the residual variance is
        zero.
    """
    check_level(level)
    check_roles(
        {"response": response, "treatment": treatment},
        {"covariates": covariates, "factors": factors},
    )
    rows = complete_rows(
        data, numeric=[response, *covariates], labels=[treatment, *factors]
    )
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    counts = {arm: int((rows[treatment] == arm).sum()) for arm in arms}
    for arm, count in counts.items():
        if count == 0:
            needed = " and ".join([response, *covariates])
            raise NotEstimableError(f"{arm} has no subject with {needed}.")

    adjustment = adjustment_of(rows, covariates, factors, weights)
    design = np.column_stack([indicators(rows[treatment], arms), adjustment.columns])
    y = rows[response].to_numpy(dtype=float)
    fit = least_squares(y, design, [*arms, *adjustment.names])
    beta, covariance, df = fit.beta, fit.covariance, fit.df
    unit = np.eye(len(beta))
    ls_means = {
        arm: linear_combination(unit[i], beta, covariance, df=df, level=level)
        for i, arm in enumerate(arms)
    }
    differences = {
        arm: linear_combination(unit[i] - unit[0], beta, covariance, df=df, level=level)
        for i, arm in enumerate(arms)
        if i > 0
    }
    pairwise = {
        (arms[j], arms[i]): linear_combination(
            unit[j] - unit[i], beta, covariance, df=df, level=level
        )
        for i, j in combinations(range(len(arms)), 2)
    }
    against_control = unit[1 : len(arms)] - unit[0]
    shared = against_control @ covariance @ against_control.T
    covariances = {
        (arms[i + 1], arms[j + 1]): float(shared[min(i, j), max(i, j)])
        for i, j in permutations(range(len(shared)), 2)
    }
    return Ancova(
        ls_means=MappingProxyType(ls_means),
        differences=MappingProxyType(differences),
        covariances=MappingProxyType(covariances),
        n=MappingProxyType(counts),
        covariate_means=adjustment.means,
        residual_standard_deviation=float(fit.residual_sum / df) ** 0.5,
        df=df,
        level=level,
        pairwise=MappingProxyType(pairwise),
        factor_weights=adjustment.shares,
    )
