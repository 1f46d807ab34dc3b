"""Likelihood of a model with random effects, with exact first and second derivatives.

    M(theta) = V + sum of terms,  W = M^-1,  Phi = (X'WX)^-1,  P = W - W X Phi X'W
    u = P y = W (y - X beta),  M_k = dM/dtheta_k,  M_kl = d2M/dtheta_k dtheta_l

    score_k   = (u'M_k u - tr(C M_k)) / 2
    hessian_kl = tr(C M_k C M_l)/2 - u'M_k P M_l u + (u'M_kl u - tr(C M_kl))/2

with C = P for the restricted likelihood and C = W for the likelihood, in which beta is
profiled out. The expected information is tr(C M_k C M_l)/2. Everything is a sum over
independent blocks.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trialstats.meta.inputs import FloatArray
from trialstats.meta.multilevel_blocks import Batch, Term, over_levels, over_rows

LOG_2_PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Weights:
    """What one value of theta gives: W, beta and both log-likelihoods."""

    inverse: tuple[FloatArray, ...]
    weighted_design: tuple[FloatArray, ...]
    weighted_residual: tuple[FloatArray, ...]
    covariance: FloatArray
    beta: FloatArray
    residual_squares: float
    log_likelihood_ml: float
    log_likelihood_reml: float


@dataclass(frozen=True)
class Slope:
    """Score, Hessian and expected information, (t,) and twice (t, t)."""

    score: FloatArray
    hessian: FloatArray
    information: FloatArray


@dataclass(frozen=True)
class Model:
    """Blocks, terms and the criterion; theta runs over the terms in order."""

    batches: tuple[Batch, ...]
    terms: tuple[Term, ...]
    restricted: bool

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where the parameters of each term stand in theta."""
        sizes = [len(term.structure.lower) for term in self.terms]
        ends = np.cumsum([0, *sizes])
        return tuple(slice(a, b) for a, b in itertools.pairwise(ends))

    @cached_property
    def lower(self) -> FloatArray:
        """Lower bounds of theta."""
        return np.concatenate([np.zeros(0), *(t.structure.lower for t in self.terms)])

    @cached_property
    def upper(self) -> FloatArray:
        """Upper bounds of theta."""
        return np.concatenate([np.zeros(0), *(t.structure.upper for t in self.terms)])

    @cached_property
    def k(self) -> int:
        """Number of effects."""
        return sum(batch.effect.size for batch in self.batches)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.batches[0].design.shape[2])

    @cached_property
    def log_det_design(self) -> float:
        """Log |X'X|, which the restricted likelihood of metafor includes."""
        cross = sum(_cross(b.design, b.design) for b in self.batches)
        return float(np.linalg.slogdet(cross)[1])

    def covariances(self, theta: FloatArray) -> tuple[FloatArray, ...]:
        """Return G of each term."""
        return tuple(
            term.structure.matrix(theta[part])
            for term, part in zip(self.terms, self.slices, strict=True)
        )

    def marginal(self, batch: Batch, covariances: Sequence[FloatArray]) -> FloatArray:
        """Return M of a batch, (n, m, m)."""
        total = batch.sampling.copy()
        for position, matrix in enumerate(covariances):
            total += over_rows(matrix, batch, position)
        return total

    def log_likelihood(self, weights: Weights) -> float:
        """Return the criterion."""
        if self.restricted:
            return weights.log_likelihood_reml
        return weights.log_likelihood_ml

    def weigh(self, theta: FloatArray) -> Weights | None:
        """Return W and what follows from it; None when M is not positive definite."""
        return self.weigh_by(self.covariances(theta))

    def weigh_by(self, covariances: Sequence[FloatArray]) -> Weights | None:
        """Return W and what follows from it for given covariances of the terms."""
        inverse, weighted = [], []
        log_det = 0.0
        cross = np.zeros((self.p, self.p))
        score = np.zeros(self.p)
        for batch in self.batches:
            marginal = self.marginal(batch, covariances)
            try:
                factor = np.linalg.cholesky(marginal)
            except np.linalg.LinAlgError:
                return None
            diagonal = np.diagonal(factor, axis1=1, axis2=2)
            log_det += 2 * float(np.log(diagonal).sum())
            unit = np.broadcast_to(np.eye(factor.shape[1]), factor.shape)
            half = np.linalg.solve(factor, unit)
            w = half.transpose(0, 2, 1) @ half
            wx = w @ batch.design
            inverse.append(w)
            weighted.append(wx)
            cross += _cross(batch.design, wx)
            score += _flat(wx).T @ batch.effect.ravel()
        sign, log_det_cross = np.linalg.slogdet(cross)
        if sign <= 0 or not np.isfinite(log_det_cross):
            return None
        covariance = np.linalg.inv(cross)
        covariance = (covariance + covariance.T) / 2
        beta = np.linalg.solve(cross, score)
        # One step of refinement: the normal equations are met to the last digits.
        beta = beta + covariance @ sum(
            _flat(wx).T @ (b.effect - b.design @ beta).ravel()
            for wx, b in zip(weighted, self.batches, strict=True)
        )
        residuals = [b.effect - b.design @ beta for b in self.batches]
        u = [
            (w @ r[..., None])[..., 0] for w, r in zip(inverse, residuals, strict=True)
        ]
        squares = float(sum((a * b).sum() for a, b in zip(u, residuals, strict=True)))
        ml = -(self.k * LOG_2_PI + log_det + squares) / 2
        reml = ml + (self.p * LOG_2_PI + self.log_det_design - log_det_cross) / 2
        return Weights(
            tuple(inverse),
            tuple(weighted),
            tuple(u),
            covariance,
            beta,
            squares,
            float(ml),
            float(reml),
        )

    def slope(self, theta: FloatArray, weights: Weights) -> Slope:
        """Return score, Hessian and expected information at theta."""
        t, p = len(theta), self.p
        phi = weights.covariance
        first = [
            term.structure.first(theta[part])
            for term, part in zip(self.terms, self.slices, strict=True)
        ]
        sums = _Sums(t, p)
        contracted = [np.zeros(g.shape[1:]) for g in first]
        for number, batch in enumerate(self.batches):
            w, wx = weights.inverse[number], weights.weighted_design[number]
            u = weights.weighted_residual[number]
            change = np.concatenate(
                [over_rows(g, batch, s) for s, g in enumerate(first)]
            )
            sums.add(change, w, wx, u, phi)
            kernel = w - wx @ phi @ wx.transpose(0, 2, 1) if self.restricted else w
            spread = u[:, :, None] * u[:, None, :] - kernel
            for s, total in enumerate(contracted):
                total += over_levels(spread, batch, s, len(total))
        trace, information = sums.traces(phi, restricted=self.restricted)
        score = (sums.quadratic - trace) / 2
        curve = sums.squares - sums.projected @ phi @ sums.projected.T
        hessian = information / 2 - curve
        for term, part, total in zip(self.terms, self.slices, contracted, strict=True):
            second = term.structure.second(theta[part])
            if second is not None:
                bend = np.tensordot(second, total, axes=([2, 3], [0, 1]))
                hessian[part, part] += bend / 2
        return Slope(score, (hessian + hessian.T) / 2, information / 2)


class _Sums:
    """The sums over blocks that the derivatives are made of."""

    def __init__(self, t: int, p: int) -> None:
        self.trace = np.zeros(t)
        self.quadratic = np.zeros(t)
        self.squares = np.zeros((t, t))
        self.projected = np.zeros((t, p))
        self.first = np.zeros((t, p, p))
        self.pairs = np.zeros((t, t))
        self.crossed = np.zeros((t, t))

    def add(
        self,
        change: FloatArray,
        w: FloatArray,
        wx: FloatArray,
        u: FloatArray,
        phi: FloatArray,
    ) -> None:
        """Add a batch; `change` is M_k, (t, n, m, m)."""
        t = len(change)
        weighted = w @ change
        self.trace += np.trace(weighted, axis1=2, axis2=3).sum(axis=1)
        column = change @ u[..., None]
        moved = column.reshape(t, -1)
        self.quadratic += moved @ u.ravel()
        self.squares += moved @ (w @ column).reshape(t, -1).T
        self.projected += moved @ _flat(wx)
        of_design = change @ wx
        self.first += _flat(wx).T @ of_design.reshape(t, -1, wx.shape[2])
        flat = weighted.reshape(t, -1)
        turned = weighted.transpose(0, 1, 3, 2).reshape(t, -1)
        self.pairs += flat @ turned.T
        left = (of_design @ phi).reshape(t, -1)
        self.crossed += left @ (w @ of_design).reshape(t, -1).T

    def traces(
        self, phi: FloatArray, *, restricted: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return tr(C M_k) and tr(C M_k C M_l)."""
        if not restricted:
            return self.trace, self.pairs
        turned = phi @ self.first
        own = np.einsum("kij,lji->kl", turned, turned)
        trace = self.trace - np.trace(turned, axis1=1, axis2=2)
        return trace, self.pairs - 2 * self.crossed + own


def _cross(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the sum over blocks and rows of left' right, (p, p)."""
    return np.asarray(_flat(left).T @ _flat(right))


def _flat(rows: FloatArray) -> FloatArray:
    """Return (n, m, p) as (n m, p)."""
    return rows.reshape(-1, rows.shape[-1])
