"""Tests of several combinations of coefficients at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc, fdtrc

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray


@dataclass(frozen=True, slots=True)
class OmnibusTest:
    """Test that several coefficients are zero: chi-squared, or F with `df2`."""

    statistic: float
    df1: int
    df2: float
    p_value: float


def contrast_test(
    coefficient: FloatArray,
    covariance: FloatArray,
    df: float,
    weights: Any,
    value: Any,
) -> OmnibusTest:
    """Test that combinations of coefficients equal `value`.

    Parameters
    ----------
    coefficient, covariance : ndarray of shape (p,) and (p, p)
    df : float
        NaN for chi-squared, else that of the denominator of F.
    weights : array_like of shape (j, p) or (p,)
    value : float or array_like of shape (j,)
    """
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if rows.shape[1] != len(coefficient):
        raise DataError(
            f"{rows.shape[1]} weights a row, {len(coefficient)} coefficients"
        )
    j = len(rows)
    distance = rows @ coefficient - value
    spread = rows @ covariance @ rows.T
    # In units of each combination, so that scales of moderators do not matter.
    unit = np.sqrt(np.diag(spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = spread / np.outer(unit, unit)
    if not (unit > 0).all() or np.linalg.matrix_rank(correlation) < j:
        raise NotEstimableError(
            f"the covariance of the {j} tested combinations is singular"
        )
    scaled = distance / unit
    q = float(scaled @ np.linalg.solve(correlation, scaled))
    if np.isnan(df):
        return OmnibusTest(q, j, df, float(chdtrc(j, q)))
    return OmnibusTest(q / j, j, df, float(fdtrc(j, df, q / j)))
