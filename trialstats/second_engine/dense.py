"""Models with random subjects by dense matrices, written out in full.

``Var(y) = sigma^2 (I + rho Z Z')``. Its eigenvectors do not depend on ``rho``, which
makes the search over ``rho`` short; the coefficients then come from the Cholesky factor
of the whole matrix, and the information of the variances from the traces of the n by n
matrix ``P = V^-1 - V^-1 X Phi X' V^-1``.
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
    """Coefficients with their covariance, and the two variances.

    Attributes
    ----------
    together : (n, n) array
        ``Z Z'``: one where two rows are of one subject.
    """

    beta: FloatArray
    covariance: FloatArray
    between: float
    within: float
    y: FloatArray
    design: FloatArray
    together: FloatArray

    def rule(self, name: str) -> "Rule":
        """Return the degrees of freedom and the covariance of a rule.

        ``residual`` also stands for a fit without variance between subjects.
        """
        n, p = self.design.shape
        if self.between == 0 or name == "residual":
            return Rule(self, self.covariance, None, None, float(n - p))
        phi, x = self.covariance, self.design
        inverse = np.linalg.inv(self.between * self.together + self.within * np.eye(n))
        solved = inverse @ x
        projection = inverse - solved @ phi @ solved.T
        parts = (self.together, np.eye(n))
        changes = [projection @ part for part in parts]
        expected = 0.5 * np.array([[np.sum(a * b.T) for b in changes] for a in changes])
        information = expected
        if name == "satterthwaite":
            # Observed, as lmerTest has it; Kenward and Roger write the expected one.
            r = projection @ self.y
            bent = [[a @ projection @ (b @ r) @ r for b in parts] for a in parts]
            information = np.array(bent) - expected
        w = np.asarray(np.linalg.inv(information))
        first = [-solved.T @ part @ solved for part in parts]
        gradients = np.array([-phi @ slope @ phi for slope in first])
        adjusted = phi
        if name == "kenward_roger":
            excess = np.zeros_like(phi)
            for k, a in enumerate(parts):
                for m, b in enumerate(parts):
                    q = solved.T @ a @ inverse @ b @ solved
                    excess += w[k, m] * (q - first[k] @ phi @ first[m])
            adjusted = phi + 2 * phi @ excess @ phi
        return Rule(self, adjusted, gradients, w, float(n - p))


@dataclass(frozen=True, slots=True)
class Rule:
    """A covariance of the coefficients with its degrees of freedom."""

    fit: DenseFit
    covariance: FloatArray
    gradients: FloatArray | None
    w: FloatArray | None
    residual_df: float

    def combination(self, weights: FloatArray, level: float) -> Quantities:
        """Return ``w' beta`` with errors, degrees of freedom, limits and p-value."""
        estimate = float(weights @ self.fit.beta)
        plain = float(weights @ self.fit.covariance @ weights)
        error = float(weights @ self.covariance @ weights) ** 0.5
        df = self.residual_df
        if self.gradients is not None and self.w is not None:
            slope = np.array([weights @ one @ weights for one in self.gradients])
            df = 2 * plain**2 / float(slope @ self.w @ slope)
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error
        return {
            "estimate": estimate,
            "unadjusted": plain**0.5,
            "standard_error": error,
            "df": df,
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
    return DenseFit(beta, inverse * within, ratio * within, within, y, design, together)


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


@dataclass(frozen=True, slots=True)
class Crossed:
    """A crossover: means by treatment, effects by statistic and level, variances."""

    means: Mapping[str, Quantities]
    effects: Mapping[tuple[str, Any], Quantities]
    variances: Quantities
    fit: DenseFit


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
    baseline: str | None = None,
    rule: str = "kenward_roger",
    level: float = 0.95,
) -> Crossed:
    """Fit treatment, period and sequence with a random subject.

    Returns
    -------
    Crossed
        Effects ``difference`` by treatment, ``period_effect`` and ``sequence_effect``
        by level, each against the control or the first level.
    """
    needed = [response, baseline] if baseline else [response]
    rows = data.dropna(subset=needed)
    levels = {
        treatment: [control, *treatments],
        period: sorted(rows[period].unique()),
        sequence: sorted(rows[sequence].unique()),
    }
    # A column a level: the last of each factor is the reference here.
    columns: dict[tuple[str, Any], FloatArray] = {("mean", ""): np.ones(len(rows))}
    for name, known in levels.items():
        for one in known[:-1]:
            columns[name, one] = (rows[name] == one).to_numpy(dtype=float)
    if baseline:
        columns[baseline, ""] = rows[baseline].to_numpy(dtype=float)
    fit = fit_dense(
        rows[response].to_numpy(dtype=float),
        np.column_stack(list(columns.values())),
        rows[subject].tolist(),
    )
    made = fit.rule(rule)
    place = {key: i for i, key in enumerate(columns)}

    def mean(of: str, one: Any) -> FloatArray:
        w = np.zeros(len(place))
        w[0] = 1
        for name, known in levels.items():
            for other in known[:-1]:
                w[place[name, other]] = other == one if name == of else 1 / len(known)
        if baseline:
            w[place[baseline, ""]] = float(rows[baseline].mean())
        return w

    named = {treatment: "difference", period: "period_effect"}
    named[sequence] = "sequence_effect"
    return Crossed(
        means={
            arm: made.combination(mean(treatment, arm), level)
            for arm in levels[treatment]
        },
        effects={
            (statistic, one): made.combination(
                mean(name, one) - mean(name, levels[name][0]), level
            )
            for name, statistic in named.items()
            for one in levels[name][1:]
        },
        variances={
            "variance_between_subjects": fit.between,
            "variance_within_subjects": fit.within,
        },
        fit=fit,
    )
