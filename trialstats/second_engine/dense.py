"""Mixed models by dense matrices, in another coding than the first engine's.

``Var(y) = sigma^2 (I + rho Z Z')`` is written out in full. Its eigenvectors do not
depend on ``rho``, which makes the search over ``rho`` short; the coefficients then
come from the Cholesky factor of the whole matrix. Designs are in reference coding
with covariates as they stand, so a mean or difference is a combination of many
coefficients where the first engine reads one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

from trialstats.errors import NotEstimableError

FloatArray = NDArray[np.float64]
Quantities = dict[str, float]


@dataclass(frozen=True, slots=True)
class DenseFit:
    """Coefficients with their covariance, and the two variances."""

    beta: FloatArray
    covariance: FloatArray
    between: float
    within: float

    def combination(self, weights: FloatArray, df: float, level: float) -> Quantities:
        """Return ``w' beta`` with error, limits and p-value."""
        estimate = float(weights @ self.beta)
        error = float(np.sqrt(weights @ self.covariance @ weights))
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error
        return {
            "estimate": estimate,
            "standard_error": error,
            "ci_lower": estimate - reach,
            "ci_upper": estimate + reach,
            "p_value": float(2 * stats.t.cdf(-abs(estimate / error), df)),
        }


def fit_dense(y: FloatArray, design: FloatArray, subject: Sequence[Any]) -> DenseFit:
    """Fit a random intercept by REML with the full covariance matrix.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Response.
    design : ndarray of shape (n, p)
        Fixed effects.
    subject : sequence of shape (n,)
        Subjects.

    Returns
    -------
    DenseFit

    Raises
    ------
    NotEstimableError
        When the design has not full rank or no subject has two rows.
    """
    n, p = design.shape
    if n <= p or np.linalg.matrix_rank(design) < p:
        raise NotEstimableError("The design of the mixed model has not full rank.")
    names = np.asarray(subject, dtype=object)
    together = (names[:, None] == names[None, :]).astype(float)
    if together.sum() == n:
        raise NotEstimableError("No subject has two observations.")
    values, vectors = linalg.eigh(together)
    rotated_y, rotated_x = vectors.T @ y, vectors.T @ design

    def slope(log_ratio: float) -> float:
        """Return the derivative of -2 log REML by the logarithm of the ratio."""
        ratio = float(np.exp(log_ratio))
        weight = 1 / (1 + ratio * values)
        information = (rotated_x.T * weight) @ rotated_x
        solved = np.linalg.solve(information, rotated_x.T * weight)
        residual = rotated_y - rotated_x @ (solved @ rotated_y)
        scale = float(weight @ residual**2) / (n - p)
        change = ratio * values * weight
        leverage: FloatArray = np.einsum("ij,ji->i", rotated_x, solved)
        trace: float = float(change @ (1 - leverage))
        misfit: float = float(change @ (weight * residual**2)) / scale
        return float(trace - misfit)

    ratio = _steepest_zero(slope)
    covariance = np.eye(n) + ratio * together
    factor = linalg.cho_factor(covariance, lower=True)
    solved_x = linalg.cho_solve(factor, design)
    inverse = np.linalg.inv(design.T @ solved_x)
    beta = inverse @ (solved_x.T @ y)
    residual = y - design @ beta
    within = float(residual @ linalg.cho_solve(factor, residual)) / (n - p)
    return DenseFit(beta, inverse * within, ratio * within, within)


def _steepest_zero(slope: Any) -> float:
    """Return the ratio at the highest minimum of -2 log REML, or 0 on the boundary.

    The integral of the slope between grid points tells which zero is lowest.
    """
    grid = np.linspace(np.log(1e-7), np.log(1e7), 65)
    slopes = np.array([slope(at) for at in grid])
    steps = np.diff(grid) * (slopes[1:] + slopes[:-1]) / 2
    heights = np.concatenate([[0.0], np.cumsum(steps)])
    falls = (slopes[:-1] < 0) & (slopes[1:] >= 0)
    if not falls.any():
        return 0.0
    where = int(np.flatnonzero(falls)[np.argmin(heights[:-1][falls])])
    if slopes[0] > 0 and heights[where] > 0:
        return 0.0
    root = optimize.brentq(
        slope, grid[where], grid[where + 1], xtol=1e-13, rtol=1e-14, maxiter=200
    )
    return float(np.exp(root))


def random_intercept(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    visit: str,
    covariates: Sequence[str],
    level: float,
) -> tuple[
    Mapping[tuple[Any, str], Quantities],
    Mapping[tuple[Any, str], Quantities],
    Quantities,
]:
    """Fit treatment x visit and covariate x visit with a random subject.

    Returns
    -------
    tuple of (means, differences, variances)
        Keys are (visit, arm); the variances are named as the statistics are.
    """
    rows = data.dropna(subset=[response, *covariates])
    visits, arms = sorted(rows[visit].unique()), [control, *treatments]
    columns: dict[Any, FloatArray] = {"intercept": np.ones(len(rows))}
    for arm in treatments:
        columns["arm", arm] = (rows[treatment] == arm).to_numpy().astype(np.float64)
    for at in visits[1:]:
        here = (rows[visit] == at).to_numpy().astype(np.float64)
        columns["visit", at] = here
        for arm in treatments:
            columns["both", at, arm] = here * columns["arm", arm]
    for name in covariates:
        values = rows[name].to_numpy(dtype=float)
        columns["slope", name] = values
        for at in visits[1:]:
            columns["slope", name, at] = values * columns["visit", at]
    place = {key: i for i, key in enumerate(columns)}
    fit = fit_dense(
        rows[response].to_numpy(dtype=float),
        np.column_stack(list(columns.values())),
        rows[subject].tolist(),
    )

    def weights(at: Any, arm: str) -> FloatArray:
        w = np.zeros(len(place))
        for key in ("intercept", ("arm", arm), ("visit", at), ("both", at, arm)):
            if key in place:
                w[place[key]] = 1
        for name in covariates:
            mean = float(rows.loc[rows[visit] == at, name].mean())
            for key in (("slope", name), ("slope", name, at)):
                if key in place:
                    w[place[key]] = mean
        return w

    df = rows[subject].nunique() - len(arms) - len(covariates)
    means = {
        (at, arm): fit.combination(weights(at, arm), df, level)
        for at in visits
        for arm in arms
    }
    differences = {
        (at, arm): fit.combination(weights(at, arm) - weights(at, control), df, level)
        for at in visits
        for arm in treatments
    }
    return means, differences, _variances(fit)


def crossover(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    period: str,
    sequence: str,
    level: float,
) -> tuple[Mapping[str, Quantities], Mapping[str, Quantities], Quantities]:
    """Fit treatment, period and sequence with a random subject.

    Returns
    -------
    tuple of (means, effects, variances)
        Means by treatment; effects ``difference``, ``period_effect`` and
        ``sequence_effect``.
    """
    rows = data.dropna(subset=[response])
    treated = rows[treatment].isin(treatments).to_numpy(dtype=float)
    second = (rows[period] == rows[period].max()).to_numpy(dtype=float)
    later = (rows[sequence] == rows[sequence].max()).to_numpy(dtype=float)
    design = np.column_stack([np.ones(len(rows)), treated, second, later])
    fit = fit_dense(
        rows[response].to_numpy(dtype=float), design, rows[subject].tolist()
    )
    n = rows[subject].nunique()
    within, between = len(rows) - n - 2, n - 2
    base = np.array([1, 0, 0.5, 0.5])
    unit = np.eye(4)
    means = {control: fit.combination(base, between, level)}
    means |= {a: fit.combination(base + unit[1], between, level) for a in treatments}
    effects = {
        "difference": fit.combination(unit[1], within, level),
        "period_effect": fit.combination(unit[2], within, level),
        "sequence_effect": fit.combination(unit[3], between, level),
    }
    return means, effects, _variances(fit)


def _variances(fit: DenseFit) -> Quantities:
    return {
        "variance_between_subjects": fit.between,
        "variance_within_subjects": fit.within,
    }
