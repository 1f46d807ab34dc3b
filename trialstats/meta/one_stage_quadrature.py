"""Integrate random effects out of a likelihood by adaptive Gauss-Hermite quadrature.

For a trial, the predictors of its J arms are l = o + Lambda b with D standard normal
random effects b, o the fixed part and Lambda linear in the parameters theta of the
random effects: Lambda[j, d] = sum over r of loadings[j, d, r] theta[r]. The marginal
likelihood is the integral of exp(sum_j L_j(l_j)) over the density of b. The integrand
is log-concave; the nodes are placed around its mode u with scale S, S S' the inverse of
its curvature H there.

The gradient is that of the approximation itself, so that few nodes (one is Laplace's
approximation) have their own exact maximum: the nodes move with the parameters, by
du = H^-1 d(h_b) and dS = -S Phi(S' dH S)' where Phi halves the diagonal and drops what
is above it. Second derivatives follow from Louis' formula, to which the moves add
nothing when the nodes are many.

Parameters of a trial are phi = (o_1 ... o_J, theta_1 ... theta_m), P = J + m of them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import roots_hermite

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.one_stage_likelihoods import Likelihood

#: From so many points an axis on, Louis' formula holds as a rule.
FINE = 15


@dataclass(frozen=True, slots=True)
class Rule:
    """Points z of shape (N, D) and log weights that undo the normal density at them."""

    points: FloatArray
    log_weights: FloatArray
    per_axis: int

    @property
    def fine(self) -> bool:
        """Whether the rule is taken for the integral itself."""
        return self.per_axis >= FINE


@lru_cache(maxsize=32)
def rule_of(per_axis: int, dimension: int) -> Rule:
    """Return the product rule with so many points an axis."""
    if dimension == 0:
        return Rule(np.zeros((1, 0)), np.zeros(1), FINE)
    x, weight = roots_hermite(per_axis)
    # Weights of far points underflow: their points are beyond every integrand's reach.
    kept = weight > 0
    x, weight = x[kept], weight[kept]
    log_weight = np.log(weight) + x**2 - 0.5 * np.log(np.pi)
    grids = np.meshgrid(*[x] * dimension, indexing="ij")
    logs = np.meshgrid(*[log_weight] * dimension, indexing="ij")
    points = np.sqrt(2.0) * np.stack([g.ravel() for g in grids], axis=1)
    return Rule(points, sum(g.ravel() for g in logs), per_axis)


@dataclass(frozen=True, slots=True)
class Integral:
    """Marginal log-likelihoods of k trials and their derivatives.

    Attributes
    ----------
    value : ndarray of shape (k,)
    gradient : ndarray of shape (k, P)
    hessian : ndarray of shape (k, P, P)
        Louis' formula; exact for a fine rule, a guide otherwise.
    mode : ndarray of shape (k, D)
    at_mode : ndarray of shape (k,)
        Log-likelihood of the counts given the random effects at the mode.
    """

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    mode: FloatArray
    at_mode: FloatArray


@dataclass(frozen=True, slots=True)
class Integrand:
    """A likelihood and how the random effects enter its predictors.

    Attributes
    ----------
    likelihood : Likelihood
    loadings : ndarray of shape (J, D, m)
    """

    likelihood: Likelihood
    loadings: FloatArray

    def loaded(self, theta: FloatArray) -> FloatArray:
        """Return Lambda, shape (J, D)."""
        return np.asarray(self.loadings @ theta)

    def mode(
        self, fixed: FloatArray, theta: FloatArray, start: FloatArray
    ) -> FloatArray:
        """Return the modes of the integrands by Newton's method, shape (k, D)."""
        lam, b = self.loaded(theta), start.copy()
        height = self._height(fixed, lam, b)
        for _ in range(200):
            found = self.likelihood.at(fixed + b @ lam.T)
            slope = found.first @ lam - b
            step = np.linalg.solve(_curvature(found.second, lam), slope[..., None])
            step = step[..., 0]
            moved = b + step
            taller = self._height(fixed, lam, moved)
            for _ in range(60):
                # Rounding of the height is no reason to turn back.
                worse = taller < height - 1e-12 * (1 + np.abs(height))
                if not worse.any():
                    break
                step = np.where(worse[:, None], step / 2, step)
                moved = b + step
                taller = self._height(fixed, lam, moved)
            b, height = moved, taller
            if np.abs(step).max(initial=0.0) < 1e-10:
                return b
        raise ConvergenceError("the mode of a random effect was not found")

    def _height(self, fixed: FloatArray, lam: FloatArray, b: FloatArray) -> FloatArray:
        value = self.likelihood.at(fixed + b @ lam.T).value
        return np.asarray(value.sum(axis=1) - 0.5 * (b**2).sum(axis=1))

    def integrate(
        self, fixed: FloatArray, theta: FloatArray, rule: Rule, start: FloatArray
    ) -> Integral:
        """Return the marginal log-likelihoods.

        Parameters
        ----------
        fixed : ndarray of shape (k, J)
            o.
        theta : ndarray of shape (m,)
        rule : Rule
        start : ndarray of shape (k, D)
            Where the search for the modes starts.
        """
        lam = self.loaded(theta)
        b = self.mode(fixed, theta, start) if lam.shape[1] else start
        place = self._placement(fixed, lam, b)
        nodes = b[:, None, :] + rule.points @ place.scale.transpose(0, 2, 1)
        found = self.likelihood.at(fixed[:, None, :] + nodes @ lam.T)
        height = found.value.sum(axis=2) - 0.5 * (nodes**2).sum(axis=2)
        share = height + rule.log_weights
        largest = share.max(axis=1)
        share = np.exp(share - largest[:, None])
        total = largest + np.log(share.sum(axis=1))
        share /= share.sum(axis=1, keepdims=True)
        along = self._along(nodes)
        score = np.einsum("knj,knjp->knp", found.first, along)
        gradient = np.einsum("kn,knp->kp", share, score)
        hessian = (
            np.einsum("kn,knj,knjp,knjq->kpq", share, found.second, along, along)
            + np.einsum("kn,knp,knq->kpq", share, score, score)
            - gradient[:, :, None] * gradient[:, None, :]
        )
        if lam.shape[1]:
            moves = place.move[:, None] + np.einsum(
                "kpde,ne->kndp", place.rescale, rule.points
            )
            slope = found.first @ lam - nodes
            gradient += np.einsum("kn,knd,kndp->kp", share, slope, moves)
            gradient += place.log_scale_gradient
        value = total + np.log(np.linalg.det(place.scale))
        return Integral(value, gradient, hessian, b, place.at_mode)

    def _along(self, nodes: FloatArray) -> FloatArray:
        """Return dl_j/dphi_p at the nodes, shape (k, N, J, P)."""
        arms, _, m = self.loadings.shape
        eye = np.zeros((*nodes.shape[:2], arms, arms + m))
        eye[..., :arms] = np.eye(arms)
        if m:
            eye[..., arms:] = np.einsum("knd,jdm->knjm", nodes, self.loadings)
        return eye

    def _placement(
        self, fixed: FloatArray, lam: FloatArray, b: FloatArray
    ) -> "_Placement":
        """Return where the nodes stand, and how that moves with the parameters."""
        arms, dimension, m = self.loadings.shape
        found = self.likelihood.at(fixed + b @ lam.T)
        curvature = _curvature(found.second, lam)
        scale = np.linalg.inv(np.linalg.cholesky(curvature)).transpose(0, 2, 1)
        along = self._along(b[:, None, :])[:, 0]
        d_lam = np.zeros((arms, dimension, arms + m))
        d_lam[:, :, arms:] = self.loadings
        cross = np.einsum("kj,kjp,jd->kdp", found.second, along, lam) + np.einsum(
            "kj,jdp->kdp", found.first, d_lam
        )
        move = np.linalg.solve(curvature, cross)
        total = along + np.einsum("jd,kdp->kjp", lam, move)
        bend = -np.einsum("kj,kjp,jd,je->kpde", found.third, total, lam, lam)
        twist = np.einsum("kj,jdp,je->kpde", found.second, d_lam, lam)
        bend -= twist + twist.transpose(0, 1, 3, 2)
        inner = np.einsum("kad,kpab,kbe->kpde", scale, bend, scale)
        half = np.tril(inner)
        half[..., range(dimension), range(dimension)] /= 2
        return _Placement(
            scale=scale,
            move=move,
            rescale=-np.einsum("kde,kpfe->kpdf", scale, half),
            log_scale_gradient=-0.5 * np.trace(inner, axis1=2, axis2=3),
            at_mode=found.value.sum(axis=1),
        )


@dataclass(frozen=True, slots=True)
class _Placement:
    """Scale S (k, D, D), du/dphi (k, D, P), dS/dphi (k, P, D, D), d ln|S| (k, P)."""

    scale: FloatArray
    move: FloatArray
    rescale: FloatArray
    log_scale_gradient: FloatArray
    at_mode: FloatArray


def _curvature(second: FloatArray, lam: FloatArray) -> FloatArray:
    """Return I - sum_j L''_j Lambda_j Lambda_j', shape (k, D, D)."""
    outer = np.einsum("kj,jd,je->kde", second, lam, lam)
    return np.asarray(np.eye(lam.shape[1]) - outer)
