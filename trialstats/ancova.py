"""Analysis of covariance: arms compared at one visit, adjusted for covariates.

    y_i = mu_a(i) + sum_j beta_j (x_ij - mean(x_j)) + e_i,    e_i ~ N(0, sigma^2)

``a(i)`` is the arm of subject i. Covariates are centred at their mean over the
analysed subjects, so ``mu_a`` is the least-squares mean of arm a, and
``mu_treatment - mu_control`` is the adjusted difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from types import MappingProxyType

import numpy as np
import pandas as pd

from trialstats.errors import NotEstimableError
from trialstats.linear_model import (
    Estimate,
    FloatArray,
    check_arms,
    check_design,
    check_level,
    check_residuals,
    complete_rows,
    indicators,
    linear_combination,
)


@dataclass(frozen=True, slots=True)
class Ancova:
    """An analysis of covariance; mappings go by arm, differences by treatment.

    `covariances` go by two treatments: those of their differences, which share the
    control and the covariates' slopes.
    """

    ls_means: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    covariances: Mapping[tuple[str, str], float]
    n: Mapping[str, int]
    covariate_means: Mapping[str, float]
    residual_standard_deviation: float
    df: int
    level: float


def fit_ancova(
    data: pd.DataFrame,
    *,
    response: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    covariates: Sequence[str] = (),
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
        terms, rows are too few, or the residual variance is zero.
    """
    from statsmodels.regression.linear_model import OLS

    check_level(level)
    rows = complete_rows(data, numeric=[response, *covariates], labels=[treatment])
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    counts = {arm: int((rows[treatment] == arm).sum()) for arm in arms}
    for arm, count in counts.items():
        if count == 0:
            needed = " and ".join([response, *covariates])
            raise NotEstimableError(f"{arm} has no subject with {needed}.")

    means = {name: float(rows[name].mean()) for name in covariates}
    design = np.column_stack(
        [indicators(rows[treatment], arms)]
        + [_centred(rows[name].to_numpy(dtype=float), name) for name in covariates]
    )
    check_design(design, [*arms, *covariates])
    y = rows[response].to_numpy(dtype=float)
    fit = OLS(y, design).fit(method="qr")
    df = len(y) - design.shape[1]
    check_residuals(float(fit.ssr), y, df)

    beta, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
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
        covariate_means=MappingProxyType(means),
        residual_standard_deviation=float(fit.ssr / df) ** 0.5,
        df=df,
        level=level,
    )


def _centred(values: FloatArray, name: str) -> FloatArray:
    if np.ptp(values) == 0:
        raise NotEstimableError(
            f"The covariate {name} is {values[0]:g} in every analysed row: "
            "it has no slope."
        )
    return np.asarray(values - values.mean())
