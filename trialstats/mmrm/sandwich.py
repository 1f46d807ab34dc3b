"""Cluster-robust covariances of the coefficients: CR0, CR2, CR3.

With ``U_i`` and ``e_i`` the whitened design and residual of subject i, and
``H_i = U_i Phi U_i'``,

    V = Phi [sum_i U_i' A_i e_i e_i' A_i U_i] Phi,   A_i = (I - H_i)^d,

``d`` is 0 for CR0, -1/2 for CR2 (bias-reduced) and -1 for CR3 (jackknife). Subjects
enter one by one here, since no cross-product of the data suffices.

References
----------
Liang & Zeger, Biometrika 1986;73:13-22. Bell & McCaffrey, Survey Methodology
2002;28:169-181. Pustejovsky & Tipton, J Bus Econ Stat 2018;36:672-683.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trialstats.errors import NotEstimableError
from trialstats.fixed_effects import Design
from trialstats.linear_model import FloatArray
from trialstats.mmrm.likelihood import Likelihood, Solution
from trialstats.mmrm.pseudo_subjects import Layout
from trialstats.small_sample import JointTest, fai_cornelius

if TYPE_CHECKING:
    from trialstats.mmrm.inference import Fitted

_POWER = {"CR0": 0.0, "CR2": -0.5, "CR3": -1.0}

#: Eigenvalues of ``I - H_i`` below this count as zero: the subject decides some
#: coefficient alone, and the generalised inverse is taken.
_ZERO = 1e-10

#: Share of the working variance of the scores that is left when they are not zero.
_NO_DEGREES = 1e-12


@dataclass(frozen=True)
class Sandwich:
    """A robust covariance with Satterthwaite degrees of freedom.

    Attributes
    ----------
    covariance : (p, p) array
    adjusted : (n, t, p) array
        ``A_i U_i Phi`` of each subject.
    spread : (n, t, p) array
        ``U_i F`` with ``Phi = F F'``.
    """

    covariance: FloatArray
    adjusted: FloatArray
    spread: FloatArray

    def degrees_of_freedom(self, contrasts: FloatArray) -> FloatArray:
        """Return ``tr(G)^2 / tr(G^2)`` with G the working covariance of the scores."""
        return np.array([self._degrees(row) for row in np.atleast_2d(contrasts)])

    def _degrees(self, contrast: FloatArray) -> float:
        scores = self.adjusted @ contrast
        own = (scores**2).sum(axis=1)
        shared = np.einsum("ntp,nt->np", self.spread, scores)
        squares = (shared**2).sum(axis=1)
        joint = shared.T @ shared
        trace = own.sum() - squares.sum()
        total = (own**2).sum() - 2 * (own * squares).sum() + (joint**2).sum()
        # With one subject to each coefficient the scores are zero whatever the data.
        if not total > _NO_DEGREES * (own**2).sum():
            raise NotEstimableError(
                "The empirical covariance has no degrees of freedom for a contrast: "
                "its subjects leave no residual."
            )
        return float(trace**2 / total)

    def joint_test(self, contrasts: FloatArray, values: FloatArray) -> JointTest:
        """Test by the independent single contrasts of Fai and Cornelius."""
        return fai_cornelius(self, contrasts, values)


def sandwich(
    kind: str,
    design: Design,
    layout: Layout,
    likelihood: Likelihood,
    at: Solution,
    fitted: "Fitted",
    weights: FloatArray | None,
) -> Sandwich:
    """Return the robust covariance named CR0, CR2 or CR3."""
    half = whitening(layout, likelihood, at)
    design_rows, residual = subject_rows(design, layout, fitted.beta, weights)
    white = half @ design_rows
    errors = (half @ residual[:, :, None])[:, :, 0]
    phi, root = fitted.covariance, fitted.root
    power = _POWER[kind]
    spread = white @ root
    adjusted = white if power == 0 else _adjust(white, spread, power)
    scores = np.einsum("ntp,nt->np", adjusted, errors) @ phi
    covariance = scores.T @ scores
    return Sandwich(
        covariance=(covariance + covariance.T) / 2,
        adjusted=adjusted @ phi,
        spread=spread,
    )


def _adjust(white: FloatArray, spread: FloatArray, power: float) -> FloatArray:
    """Return ``(I - H_i)^power U_i`` of each subject, ``H_i = spread spread'``."""
    remainder = np.eye(white.shape[1]) - spread @ np.swapaxes(spread, 1, 2)
    values, vectors = np.linalg.eigh(remainder)
    safe = np.where(values > _ZERO, values, 1.0)
    powers = np.where(values > _ZERO, safe**power, 0.0)
    return np.asarray(
        (vectors * powers[:, None, :]) @ (np.swapaxes(vectors, 1, 2) @ white)
    )


def whitening(layout: Layout, likelihood: Likelihood, at: Solution) -> FloatArray:
    """Return ``L_i^-1`` of each subject with ``V_i = L_i L_i'``, (n, t, t).

    Rows and columns of visits that are not observed are those of the identity.
    """
    sigma = block_covariances(likelihood, at.theta)
    factor = np.linalg.cholesky(np.where(likelihood.both, sigma, np.eye(likelihood.t)))
    block = np.repeat(
        np.arange(len(likelihood.data.counts)),
        likelihood.data.counts.astype(np.int64),
    )
    return np.asarray(np.linalg.inv(factor)[block])


def block_covariances(likelihood: Likelihood, theta: FloatArray) -> FloatArray:
    """Return the covariance of each block at all its visits, (b, t, t)."""
    sigma = np.empty(likelihood.both.shape)
    for g, part in enumerate(likelihood.parts(theta)):
        sigma[likelihood.members[g]] = likelihood.structure.matrix(
            part, likelihood.distance(g)
        )
    return sigma


def subject_rows(
    design: Design, layout: Layout, beta: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return design rows (n, t, p) and residuals (n, t) of subjects, zero if unseen."""
    at = layout.positions[layout.observed]
    matrix = design.matrix(at)
    values = design.response[at] - matrix @ beta
    if weights is not None:
        root = np.sqrt(weights[at])
        matrix, values = matrix * root[:, None], values * root
    rows = np.zeros((*layout.positions.shape, matrix.shape[1]))
    residual = np.zeros(layout.positions.shape)
    rows[layout.observed], residual[layout.observed] = matrix, values
    return rows, residual
