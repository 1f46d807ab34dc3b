"""Degrees of freedom and joint tests of coefficients when a covariance is estimated.

    Phi = (X' V^-1 X)^-1,   P_k = d Phi^-1 / d theta_k,   W = Cov(theta_hat)

A rule of degrees of freedom has the covariance of the coefficients that goes with it,
the degrees of freedom of single contrasts, and the F test of several at once.

References
----------
Kenward & Roger, Biometrics 1997;53:983-997. Satterthwaite, Biometrics Bull.
1946;2:110-114. Fai & Cornelius, J Stat Comput Simul 1996;54:363-378.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy import special

from trialstats.errors import NotEstimableError
from trialstats.linear_model import FloatArray

#: Eigenvalues of the covariance of several contrasts below this share of the largest
#: count as zero: the contrasts repeat one another.
RANK_TOLERANCE = 1.5e-8


@dataclass(frozen=True, slots=True)
class JointTest:
    """An F test; ``df`` belongs to the denominator."""

    statistic: float
    numerator_df: int
    df: float
    p_value: float


class SmallSample(Protocol):
    """A rule of degrees of freedom, with the covariance that it prescribes."""

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the coefficients, (p, p)."""

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom, (c,), of each row of (c, p) contrasts."""

    def joint_test(self, contrasts: FloatArray, values: FloatArray) -> JointTest:
        """Test that (c, p) contrasts, estimated as (c,) values, are all zero."""


@dataclass(frozen=True)
class Satterthwaite:
    """Degrees of freedom that match the variance of each contrast's variance.

    Parameters
    ----------
    covariance : (p, p) array
        ``Phi``.
    precision_derivatives : (t, p, p) array
        ``P_k``.
    parameter_covariance : (t, t) array
        ``W``.
    """

    covariance: FloatArray
    precision_derivatives: FloatArray
    parameter_covariance: FloatArray
    derivatives: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the covariance by each parameter."""
        change = self.covariance @ self.precision_derivatives @ self.covariance
        object.__setattr__(self, "derivatives", change)

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        """Return ``2 v^2 / Var(v)`` for the variance v of each contrast."""
        return _matched(
            contrasts, self.covariance, self.derivatives, self.parameter_covariance
        )

    def joint_test(self, contrasts: FloatArray, values: FloatArray) -> JointTest:
        """Test by the independent single contrasts of Fai and Cornelius."""
        return fai_cornelius(self, contrasts, values)


@dataclass(frozen=True)
class KenwardRoger:
    """The adjusted covariance of Kenward and Roger, with the moments of its F.

    Parameters
    ----------
    model_covariance : (p, p) array
        ``Phi``.
    precision_derivatives : (t, p, p) array
        ``P_k``.
    curvature : (p, p) array
        ``sum_kl W_kl (Q_kl - R_kl / 4)`` with ``Q_kl = X' V^-1 V_k V^-1 V_l V^-1 X``
        and ``R_kl = X' V^-1 V_kl V^-1 X``; the linear form leaves out ``R``.
    parameter_covariance : (t, t) array
        ``W``.
    """

    model_covariance: FloatArray
    precision_derivatives: FloatArray
    curvature: FloatArray
    parameter_covariance: FloatArray
    derivatives: FloatArray = field(init=False, repr=False)
    covariance: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        """Adjust the covariance of the model."""
        phi, first = self.model_covariance, self.precision_derivatives
        change = phi @ first @ phi
        weighted = np.tensordot(self.parameter_covariance, change, axes=1)
        shrink = np.einsum("kij,kjl->il", weighted, first @ phi, optimize=True)
        adjusted = phi + 2 * (phi @ self.curvature @ phi - shrink)
        object.__setattr__(self, "derivatives", change)
        object.__setattr__(self, "covariance", (adjusted + adjusted.T) / 2)

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom; for one contrast they are Satterthwaite's."""
        return _matched(
            contrasts,
            self.model_covariance,
            self.derivatives,
            self.parameter_covariance,
        )

    def joint_test(self, contrasts: FloatArray, values: FloatArray) -> JointTest:
        """Test by the scaled F whose first two moments are matched."""
        variances, basis = independent(contrasts, self.model_covariance)
        rows = basis @ contrasts
        scaled = rows / np.sqrt(variances)[:, None]
        size = len(rows)
        # Theta Phi P_k Phi has the trace of this (c, c) matrix.
        change = scaled @ self.derivatives @ scaled.T
        traces = np.trace(change, axis1=1, axis2=2)
        weight = self.parameter_covariance
        a1 = float(traces @ weight @ traces)
        flat = change.reshape(len(change), -1)
        a2 = float(np.sum(weight * (flat @ flat.T)))
        scale, df = _moments(a1, a2, size)
        projected = basis @ values
        adjusted = rows @ self.covariance @ rows.T
        statistic = float(projected @ np.linalg.solve(adjusted, projected)) / size
        if not statistic >= 0:
            raise NotEstimableError(
                "Kenward and Roger's covariance of the contrasts is not positive "
                "definite: the data are too few."
            )
        return f_test(scale * statistic, size, df)


@dataclass(frozen=True)
class GivenDegrees:
    """Degrees of freedom fixed beforehand for each coefficient.

    A contrast takes the smallest of the coefficients that it involves.
    """

    covariance: FloatArray
    by_coefficient: FloatArray

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        """Return the smallest degrees of freedom among the involved coefficients."""
        involved = np.asarray(contrasts) != 0
        smallest = np.where(involved, self.by_coefficient, np.inf).min(axis=1)
        return np.asarray(smallest)

    def joint_test(self, contrasts: FloatArray, values: FloatArray) -> JointTest:
        """Test by the Wald F."""
        variances, basis = independent(contrasts, self.covariance)
        statistic = float(np.mean((basis @ values) ** 2 / variances))
        df = float(self.degrees_of_freedom(contrasts).min())
        return f_test(statistic, len(variances), df)


def fai_cornelius(
    rule: SmallSample, contrasts: FloatArray, values: FloatArray
) -> JointTest:
    """Test contrasts by their uncorrelated combinations.

    Parameters
    ----------
    rule : SmallSample
        Gives the covariance and the degrees of freedom of each combination.
    contrasts : (c, p) array
    values : (c,) array
        The estimated contrasts.

    Returns
    -------
    JointTest
        The mean of the squared t statistics, with the denominator degrees of freedom
        whose F has the mean of theirs (Fai & Cornelius 1996).
    """
    variances, basis = independent(contrasts, rule.covariance)
    rows = basis @ contrasts
    statistic = float(np.mean((basis @ values) ** 2 / variances))
    return f_test(statistic, len(rows), _pooled(rule.degrees_of_freedom(rows)))


def independent(
    contrasts: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return uncorrelated combinations of contrasts: their variances and weights.

    Parameters
    ----------
    contrasts : (c, p) array
    covariance : (p, p) array

    Returns
    -------
    variances : (r,) array
        Eigenvalues of the contrasts' covariance other than zero, largest first.
    basis : (r, c) array
        The eigenvectors, one a row.

    Raises
    ------
    NotEstimableError
        When every contrast has variance zero.
    """
    product = contrasts @ covariance @ contrasts.T
    variances, vectors = np.linalg.eigh((product + product.T) / 2)
    order = np.argsort(-variances, kind="stable")
    variances, vectors = variances[order], vectors[:, order]
    if not len(variances) or variances[0] <= 0:
        raise NotEstimableError("The contrasts have no variance: nothing to test.")
    keep = variances > RANK_TOLERANCE * variances[0]
    return variances[keep], vectors[:, keep].T


def f_test(statistic: float, numerator_df: int, df: float) -> JointTest:
    """Return the F test with its upper-tail p value."""
    if np.isinf(df):
        p_value = special.chdtrc(numerator_df, numerator_df * statistic)
    else:
        p_value = special.fdtrc(numerator_df, df, statistic)
    return JointTest(statistic, numerator_df, df, float(p_value))


def _matched(
    contrasts: FloatArray,
    covariance: FloatArray,
    derivatives: FloatArray,
    weight: FloatArray,
) -> FloatArray:
    """Return ``2 v^2 / (g' W g)`` with g the derivatives of each variance v."""
    rows = np.atleast_2d(contrasts)
    variance = np.einsum("cp,pq,cq->c", rows, covariance, rows, optimize=True)
    slopes = np.einsum("cp,tpq,cq->ct", rows, derivatives, rows, optimize=True)
    spread = np.einsum("cs,st,ct->c", slopes, weight, slopes, optimize=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2 * variance**2 / spread)


def _pooled(degrees: FloatArray) -> float:
    """Return the denominator df whose F has the mean of the independent t^2."""
    finite = degrees[np.isfinite(degrees)]
    if not len(finite):
        return np.inf
    if len(finite) == len(degrees) and np.ptp(degrees) < RANK_TOLERANCE:
        return float(degrees.mean())
    if (finite <= 2).any():
        return 2.0
    # nu / (nu - 2) is one where nu is infinite.
    excess = float(np.sum(2 / (finite - 2)))
    return 2 * (excess + len(degrees)) / excess


def _moments(a1: float, a2: float, size: int) -> tuple[float, float]:
    """Return the scale and the denominator df of Kenward and Roger's F.

    The formulas hold where the moments of the F do not exist any more (df of 4 and
    less), as long as scale and df stay positive.
    """
    if a2 <= 0:
        return 1.0, np.inf
    if size == 1:
        # What the formulas below reduce to, without their cancellation.
        return 1.0, 2 / a2
    b = (a1 + 6 * a2) / (2 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    below = 3 * size + 2 * (1 - g)
    c1, c2, c3 = g / below, (size - g) / below, (size + 2 - g) / below
    shrink = 1 - a2 / size
    spread_below = (1 - c2 * b) ** 2 * (1 - c3 * b)
    ratio = shrink**2 / size * (1 + c1 * b)
    excess = size * ratio - spread_below
    df = 4 + (size + 2) * spread_below / excess if excess else np.inf
    scale = df * shrink / (df - 2) if df != 2 else np.inf
    if not (df > 0 and 0 < scale < np.inf):
        raise NotEstimableError(
            f"Kenward and Roger's F for {size} contrasts at once has no degrees of "
            "freedom here: the data are too few."
        )
    return scale, df
