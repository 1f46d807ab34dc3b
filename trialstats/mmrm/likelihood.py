"""The (restricted) likelihood of a mixed model for repeated measures, with derivatives.

Subjects of block g, seen at visits O, have ``V_g = Sigma(theta)[O, O]``; ``K_g`` is its
inverse, zero elsewhere. With ``r_i`` the residual and ``X_i`` the design of subject i,

    -2 l = c + sum_g n_g log|V_g| + log|X' V^-1 X| + sum_i r_i' K_g r_i

(the middle term for REML only, the coefficients profiled out). Writing ``Phi = C C'``
for the inverse of ``X' V^-1 X`` and ``E_i = K_g [X_i C, r_i]``, all derivatives come
from three sums over pseudo-subjects, none of which grows with the number of subjects:

    Omega_g = sum_i E_i E_i',   D[a, b] = sum_i e_ia e_ib',   n_g K_g.

For ``S_k = d Sigma / d theta_k`` and ``G_k = sum_i E_i' S_k E_i``,

    d(-2l)_k    = sum_g <S_k, n_g K_g - Omega_g>
    d2(-2l)_kl  = sum_g -n_g tr(K S_k K S_l) + 2 tr(S_k K S_l Omega)
                  + <S_kl, n_g K_g - Omega_g> - <G_k, G_l>

where ``<G_k, G_l>`` counts the residual's own square not at all, and its products with
the design twice. docs/methods/mmrm.md derives them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from trialstats.linear_model import FloatArray
from trialstats.mmrm.pseudo_subjects import PseudoSubjects
from trialstats.mmrm.structures import Structure

#: Ratio of the diagonal of the factor of ``X' V^-1 X`` below which it is formed twice.
_ILL_CONDITIONED = 1e-4


@dataclass(frozen=True)
class Solution:
    """The coefficients at one ``theta``, and what the derivatives start from.

    ``root`` is C of the module's text, in orthonormal coordinates; ``weighted`` holds
    ``E_i``, (r, t, p + 1); ``inverse`` holds ``K_g``, (b, t, t).
    """

    theta: FloatArray
    objective: float
    log_determinant: float
    beta: FloatArray
    root: FloatArray
    inverse: FloatArray
    weighted: FloatArray


@dataclass(frozen=True, eq=False)
class Curvature:
    """Gradient and second derivatives of ``-2 l`` by the covariance parameters.

    ``observed`` and ``expected`` are (k, k); ``products`` holds ``G_k``,
    (k, p + 1, p + 1). The expected ones are made when they are asked for: few steps
    need them.
    """

    gradient: FloatArray
    observed: FloatArray
    products: FloatArray
    likelihood: "Likelihood"
    at: Solution

    @cached_property
    def expected(self) -> FloatArray:
        """Expected second derivatives."""
        return self.likelihood.expected(self.at, self.products)


class Likelihood:
    """``-2 l`` of one covariance structure, with its parameters group after group."""

    def __init__(self, data: PseudoSubjects, structure: Structure, reml: bool) -> None:
        self.data, self.structure, self.reml = data, structure, reml
        self.t, self.p = data.rows.shape[1], data.rows.shape[2] - 1
        self.both = data.observed[:, :, None] & data.observed[:, None, :]
        self.members = [np.flatnonzero(data.group == g) for g in range(data.n_groups)]
        self.owners = [
            np.flatnonzero(data.group[data.block] == g) for g in range(data.n_groups)
        ]
        free = data.n_observations - (self.p if reml else 0)
        self.constant = free * np.log(2 * np.pi) - data.sum_log_weights
        if reml:
            logs = np.log(np.abs(np.diag(data.triangle)))
            self.constant += 2 * float(logs.sum())

    def parts(self, theta: FloatArray) -> list[FloatArray]:
        """Split the parameters by covariance group."""
        return list(theta.reshape(self.data.n_groups, -1))

    def distance(self, group: int) -> FloatArray:
        """Return the distances that the structure of a group is evaluated at."""
        chosen = self.members[group] if self.structure.spatial else 0
        return np.asarray(self.data.distance[chosen])

    def solve(self, theta: FloatArray) -> Solution | None:
        """Return the coefficients at `theta`; None where ``Sigma`` is not positive."""
        sigma = np.empty((len(self.data.observed), self.t, self.t))
        for g, part in enumerate(self.parts(theta)):
            value = self.structure.matrix(part, self.distance(g))
            if not np.isfinite(value).all():
                return None
            if not self.structure.spatial and _factor(value) is None:
                return None
            sigma[self.members[g]] = value
        return self.solve_at(theta, sigma)

    def solve_at(self, theta: FloatArray, sigma: FloatArray) -> Solution | None:
        """Return the coefficients at the covariance (b, t, t) of each block."""
        data, p = self.data, self.p
        factor = _factor(np.where(self.both, sigma, np.eye(self.t)))
        if factor is None:
            return None
        diagonal = np.diagonal(factor, axis1=1, axis2=2)
        log_determinant = float(data.counts @ (2 * np.log(diagonal).sum(axis=1)))
        half = np.linalg.inv(factor)
        inverse = np.where(self.both, np.swapaxes(half, 1, 2) @ half, 0.0)
        weighted = inverse[data.block] @ data.rows
        flat = weighted.reshape(-1, p + 1)
        cross = data.rows[:, :, :p].reshape(-1, p).T @ flat
        found = _root(cross[:, :p])
        if found is None:
            return None
        root, diagonal = found
        beta = root @ (root.T @ cross[:, p])
        if diagonal.min() < _ILL_CONDITIONED * diagonal.max():
            # Visits of unlike scale: the cross-product has lost digits, and is formed
            # again in the coordinates in which it is the identity but for that loss.
            design = data.rows[:, :, :p].reshape(-1, p) @ root
            again = _root(design.T @ (flat[:, :p] @ root))
            if again is None:
                return None
            root, diagonal = root @ again[0], diagonal * again[1]
            rest = flat[:, p] - flat[:, :p] @ beta
            design = data.rows[:, :, :p].reshape(-1, p) @ root
            beta = beta + root @ (design.T @ rest)
        basis = np.zeros((p + 1, p + 1))
        basis[:p, :p], basis[:p, p], basis[p, p] = root, -beta, 1.0
        weighted = (flat @ basis).reshape(weighted.shape)
        residual = data.rows.reshape(-1, p + 1) @ basis[:, p]
        objective = self.constant + log_determinant
        objective += float(residual @ weighted.reshape(-1, p + 1)[:, p])
        if self.reml:
            objective += 2 * float(np.log(diagonal).sum())
        return Solution(
            theta, objective, log_determinant, beta, root, inverse, weighted
        )

    def curvature(self, at: Solution) -> Curvature:
        """Return gradient and second derivatives at a solution."""
        p = self.p
        omega = _by_block(at.weighted[:, :, 0 if self.reml else p :], self.data)
        slopes, bends, products = [], [], []
        for g in range(self.data.n_groups):
            slope, bend, product = self._of_group(at, g, omega)
            slopes.append(slope)
            bends.append(bend)
            products.append(product)
        joined = np.concatenate(products)
        across = joined[:, :p, p]
        observed = _diagonal(bends) - 2 * across @ across.T
        if self.reml:
            observed -= _among(joined)
        return Curvature(np.concatenate(slopes), observed, joined, self, at)

    def expected(self, at: Solution, products: FloatArray) -> FloatArray:
        """Return expected second derivatives at a solution, (k, k)."""
        fixed = _by_block(at.weighted[:, :, : self.p], self.data)
        bends = []
        for g, theta in enumerate(self.parts(at.theta)):
            members = self.members[g]
            inverse = at.inverse[members]
            other = self.data.counts[members, None, None] * inverse
            if self.reml:
                other = other - 2 * fixed[members]
            first = self.structure.first(theta, self.distance(g))
            bends.append(_quadratic(first, inverse, other, each=self.structure.spatial))
        total = _diagonal(bends)
        return total + _among(products) if self.reml else total

    def _of_group(
        self, at: Solution, g: int, omega: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return gradient, own second derivatives and ``G_k`` of one group."""
        theta, distance = self.parts(at.theta)[g], self.distance(g)
        members = self.members[g]
        inverse, loads = at.inverse[members], omega[members]
        determinant = self.data.counts[members, None, None] * inverse
        first = self.structure.first(theta, distance)
        change, each = determinant - loads, self.structure.spatial
        observed = _quadratic(first, inverse, 2 * loads - determinant, each=each)
        if not self.structure.linear:
            second = self.structure.second(theta, distance)
            observed = observed + _product(second, change, each=each)
        gradient = _product(first, change, each=each)
        return gradient, observed, self.products(at, g, first)

    def products(self, at: Solution, g: int, first: FloatArray) -> FloatArray:
        """Return ``G_k = sum_i E_i' S_k E_i`` of a group, (k, p + 1, p + 1)."""
        weighted = at.weighted[self.owners[g]]
        q = self.p + 1
        if not self.structure.spatial:
            flat = weighted.reshape(len(weighted), -1)
            square = (flat.T @ flat).reshape(self.t, q, self.t, q)
            pairs = square.transpose(0, 2, 1, 3).reshape(self.t**2, q * q)
            k = len(first)
            return np.asarray((first.reshape(k, -1) @ pairs).reshape(k, q, q))
        place = np.searchsorted(self.members[g], self.data.block[self.owners[g]])
        spread = first[place] @ weighted[:, None]
        found = np.einsum("rap,rkaq->kpq", weighted, spread, optimize=True)
        return np.asarray(found)

    def adjustment(
        self, at: Solution, weight: FloatArray, *, second: bool
    ) -> FloatArray:
        """Return ``sum_kl W_kl (Q_kl - R_kl / 4)`` of Kenward and Roger, whitened.

        Parameters
        ----------
        at : Solution
        weight : (k, k) array
            ``W``, the covariance of the parameters.
        second : bool
            Whether the second derivatives ``R`` count.

        Returns
        -------
        (p, p) array
            In the coordinates in which ``Phi`` is the identity.
        """
        k = len(at.theta) // self.data.n_groups
        total = np.zeros((self.p, self.p))
        for g, theta in enumerate(self.parts(at.theta)):
            part = weight[g * k : (g + 1) * k, g * k : (g + 1) * k]
            distance, members = self.distance(g), self.members[g]
            first = self.structure.first(theta, distance)
            # sum_kl W_kl S_k K S_l by contraction over k, then over l.
            left = np.tensordot(part, first, axes=(1, -3))
            if self.structure.spatial:
                left = np.moveaxis(left, 0, 1)
                inner = first @ at.inverse[members][:, None]
                middle = np.einsum("gkab,gkbc->gac", inner, left)
            else:
                middle = _between(first, left, at.inverse[members])
            if second and not self.structure.linear:
                bend = self.structure.second(theta, distance)
                middle = middle - np.einsum("kl,...klab->...ab", part, bend) / 4
            owners = self.owners[g]
            place = np.searchsorted(members, self.data.block[owners])
            design = at.weighted[owners][:, :, : self.p]
            total += np.tensordot(design, middle[place] @ design, axes=((0, 1), (0, 1)))
        return (total + total.T) / 2


def _factor(sigma: FloatArray) -> FloatArray | None:
    """Return Cholesky factors, or None when a matrix is not positive definite."""
    try:
        return np.asarray(np.linalg.cholesky(sigma), dtype=float)
    except np.linalg.LinAlgError:
        return None


def _root(product: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Return C with ``C C'`` the inverse, and the diagonal of the Cholesky factor."""
    triangle = _factor(product)
    if triangle is None:
        return None
    root = linalg.solve_triangular(triangle, np.eye(len(product)), lower=True).T
    return root, np.diag(triangle)


def _by_block(weighted: FloatArray, data: PseudoSubjects) -> FloatArray:
    """Return ``sum_i E_i E_i'`` of each block, (b, t, t)."""
    return np.add.reduceat(weighted @ np.swapaxes(weighted, 1, 2), data.starts, axis=0)


def _among(products: FloatArray) -> FloatArray:
    """Return ``<G_k, G_l>`` over the design's part, (k, k)."""
    k, p = len(products), products.shape[1] - 1
    flat = products[:, :p, :p].reshape(k, -1)
    return np.asarray(flat @ flat.T)


def _diagonal(blocks: list[FloatArray]) -> FloatArray:
    return blocks[0] if len(blocks) == 1 else np.asarray(linalg.block_diag(*blocks))


def _product(derivatives: FloatArray, change: FloatArray, *, each: bool) -> FloatArray:
    """Return ``sum_g <S_g, C_g>`` for every S; with `each`, blocks have their own S."""
    if each:
        return np.asarray(np.einsum("g...ab,gab->...", derivatives, change))
    return np.asarray(np.tensordot(derivatives, change.sum(axis=0), axes=2))


def _quadratic(
    first: FloatArray, inverse: FloatArray, other: FloatArray, *, each: bool
) -> FloatArray:
    """Return ``sum_g tr(S_k K_g S_l C_g)``, (k, k)."""
    if each:
        spread = first @ inverse[:, None]
        loaded = first @ other[:, None]
        found = np.einsum("gkab,glba->kl", spread, loaded, optimize=True)
        return np.asarray(found + found.T) / 2
    k, t = len(first), first.shape[-1]
    # One Sigma for all blocks: K[b, c] times C[d, a] are summed over them first, and
    # the derivatives contract the sums of every pair of elements.
    product = inverse.reshape(-1, t * t).T @ other.reshape(-1, t * t)
    pairs = product.reshape(t, t, t, t).transpose(3, 0, 1, 2).reshape(t * t, t * t)
    jacobian = first.reshape(k, -1)
    found = jacobian @ pairs @ jacobian.T
    return np.asarray(found + found.T) / 2


def _between(first: FloatArray, left: FloatArray, inverse: FloatArray) -> FloatArray:
    """Return ``sum_k S_k K_g L_k`` of each block, (b, t, t)."""
    t = first.shape[-1]
    # M[a, d] = sum_bc (sum_k S_k[a, b] L_k[c, d]) K[b, c]
    joint = np.tensordot(first, left, axes=(0, 0)).transpose(1, 2, 0, 3)
    return (inverse.reshape(-1, t * t) @ joint.reshape(t * t, t * t)).reshape(-1, t, t)
