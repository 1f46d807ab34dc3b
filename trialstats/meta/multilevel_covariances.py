"""Covariances of true effects within a group, as functions of free parameters.

A structure gives G(theta), (q, q), over the q levels of the inner factor, with its
first and second derivatives. Parameters live in a box or are free:

- affine in variances, so that zero is an ordinary bound;
- entries of a Cholesky factor, where a singular G is an ordinary point;
- standard deviations or a variance with one correlation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trialstats.meta.inputs import FloatArray

IntArray = NDArray[np.intp]

#: Correlations of the levels, with their first and second derivatives in rho.
Powers = tuple[FloatArray, FloatArray, FloatArray]


class Structure(Protocol):
    """A covariance with its derivatives; t parameters, q levels."""

    @property
    def lower(self) -> FloatArray:
        """Lower bounds, (t,)."""

    @property
    def upper(self) -> FloatArray:
        """Upper bounds, (t,)."""

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return G, (q, q)."""

    def first(self, theta: FloatArray) -> FloatArray:
        """Return the derivatives of G, (t, q, q)."""

    def second(self, theta: FloatArray) -> FloatArray | None:
        """Return the second derivatives, (t, t, q, q), None when all are zero."""

    def near(self, matrix: FloatArray) -> FloatArray:
        """Return parameters whose G is near a given one."""

    def same(self, theta: FloatArray) -> list[FloatArray]:
        """Return other parameters with the same G, from which G may rise."""


@dataclass(frozen=True)
class Affine:
    """``G = constant + sum_k theta_k basis_k``."""

    constant: FloatArray
    basis: FloatArray
    lower: FloatArray
    upper: FloatArray

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return G."""
        return self.constant + np.tensordot(theta, self.basis, axes=1)

    def first(self, theta: FloatArray) -> FloatArray:
        """Return the basis."""
        return self.basis

    def second(self, theta: FloatArray) -> None:
        """Return None: G is affine."""
        return

    def near(self, matrix: FloatArray) -> FloatArray:
        """Return the parameters of the nearest G within the bounds."""
        if not len(self.basis):
            return np.zeros(0)
        flat = self.basis.reshape(len(self.basis), -1).T
        found = np.linalg.lstsq(flat, (matrix - self.constant).ravel(), rcond=None)[0]
        return np.clip(found, self.lower, self.upper)

    def same(self, theta: FloatArray) -> list[FloatArray]:
        """Return none: parameters are unique."""
        return []


@dataclass(frozen=True)
class Factored:
    """``G = L L'`` with ``L = constant + sum_k theta_k elements_k``.

    The first `positive` parameters are sizes of rows, whose sign is that of a
    correlation.
    """

    constant: FloatArray
    elements: FloatArray
    order: IntArray
    positive: int = 0

    @property
    def lower(self) -> FloatArray:
        """No bounds but for sizes: G is never less than semidefinite."""
        bounded = np.arange(len(self.elements)) < self.positive
        return np.where(bounded, 0.0, -np.inf)

    @property
    def upper(self) -> FloatArray:
        """No bounds."""
        return np.full(len(self.elements), np.inf)

    def _factor(self, theta: FloatArray) -> FloatArray:
        return self.constant + np.tensordot(theta, self.elements, axes=1)

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return G."""
        factor = self._factor(theta)
        return factor @ factor.T

    def first(self, theta: FloatArray) -> FloatArray:
        """Return ``E L' + L E'`` for each element E."""
        half = self.elements @ self._factor(theta).T
        return np.asarray(half + half.transpose(0, 2, 1))

    def second(self, theta: FloatArray) -> FloatArray:
        """Return ``E_k E_l' + E_l E_k'``."""
        half = np.einsum("kij,lmj->klim", self.elements, self.elements)
        return np.asarray(half + half.transpose(0, 1, 3, 2))

    def near(self, matrix: FloatArray) -> FloatArray:
        """Return the entries of the factor of a matrix, in the order of the levels."""
        order = self.order
        least = 1e-4 * max(float(np.trace(matrix)) / len(matrix), 1e-12)
        inner = matrix[np.ix_(order, order)]
        lift = max(least - float(np.linalg.eigvalsh(inner)[0]), least)
        inner = inner + lift * np.eye(len(matrix))
        factor = np.zeros_like(matrix)
        factor[order] = np.linalg.cholesky(inner)
        flat = self.elements.reshape(len(self.elements), -1)
        # The elements are orthogonal: each parameter is a projection.
        found = (flat @ factor.ravel()) / (flat**2).sum(axis=1)
        return np.asarray(np.maximum(found, self.lower))

    def same(self, theta: FloatArray) -> list[FloatArray]:
        """Return none: a singular factor has slopes or bends in every direction."""
        return []


@dataclass(frozen=True)
class Correlated:
    """Variances times correlations that depend on one parameter.

    ``theta`` is ``(s_1..s_q, rho)`` with standard deviations s when `several`, else
    ``(tau2, rho)``. `held` fixes a position of it.
    """

    size: int
    correlation: Callable[[float], Powers]
    several: bool
    lowest: float
    highest: float
    first_guess: Callable[[FloatArray], float]
    held: tuple[int, float] | None = None

    def _free(self, whole: FloatArray) -> FloatArray:
        return whole if self.held is None else np.delete(whole, self.held[0], axis=0)

    def _whole(self, theta: FloatArray) -> FloatArray:
        return theta if self.held is None else np.insert(theta, *self.held)

    @property
    def lower(self) -> FloatArray:
        """Zero for the variances, the lowest correlation."""
        n = self.size if self.several else 1
        return self._free(np.append(np.zeros(n), self.lowest))

    @property
    def upper(self) -> FloatArray:
        """None for the variances, the highest correlation."""
        n = self.size if self.several else 1
        return self._free(np.append(np.full(n, np.inf), self.highest))

    def matrix(self, theta: FloatArray) -> FloatArray:
        """Return G."""
        whole = self._whole(theta)
        power = self.correlation(float(whole[-1]))[0]
        if not self.several:
            return np.asarray(whole[0] * power)
        return np.asarray(np.outer(whole[:-1], whole[:-1]) * power)

    def first(self, theta: FloatArray) -> FloatArray:
        """Return the derivatives by the variances, then by the correlation."""
        whole = self._whole(theta)
        power, slope, _ = self.correlation(float(whole[-1]))
        if not self.several:
            return self._free(np.stack([power, whole[0] * slope]))
        deviation = whole[:-1]
        unit = np.eye(self.size)
        half = unit[:, :, None] * deviation[None, None, :] * power
        by_deviation = half + half.transpose(0, 2, 1)
        by_rho = np.outer(deviation, deviation) * slope
        return self._free(np.concatenate([by_deviation, by_rho[None]]))

    def second(self, theta: FloatArray) -> FloatArray:
        """Return the second derivatives."""
        whole = self._whole(theta)
        power, slope, bend = self.correlation(float(whole[-1]))
        n = len(whole)
        result = np.zeros((n, n, self.size, self.size))
        if not self.several:
            result[0, 1] = result[1, 0] = slope
            result[1, 1] = whole[0] * bend
        else:
            deviation = whole[:-1]
            unit = np.eye(self.size)
            half = np.einsum("ka,lb->klab", unit, unit) * power
            result[:-1, :-1] = half + half.transpose(0, 1, 3, 2)
            half = unit[:, :, None] * deviation[None, None, :] * slope
            result[:-1, -1] = result[-1, :-1] = half + half.transpose(0, 2, 1)
            result[-1, -1] = np.outer(deviation, deviation) * bend
        if self.held is None:
            return result
        return np.delete(np.delete(result, self.held[0], 0), self.held[0], 1)

    def near(self, matrix: FloatArray) -> FloatArray:
        """Return the deviations of a matrix and the correlation that it suggests.

        Off the bounds: at a variance of zero no correlation has a slope.
        """
        diagonal = np.diag(matrix)
        variance = np.maximum(diagonal, max(1e-3 * float(diagonal.max()), 1e-12))
        scale = np.sqrt(variance)
        rho = 0.98 * self.first_guess(matrix / np.outer(scale, scale))
        size = scale if self.several else np.array([variance.mean()])
        whole = np.append(size, np.clip(rho, self.lowest, self.highest))
        return self._free(whole)

    def same(self, theta: FloatArray) -> list[FloatArray]:
        """Return other correlations where a variance of zero leaves them open.

        A variance may rise from zero at one correlation and not at another.
        """
        whole = self._whole(theta)
        needed = 2 if self.several else 1
        held = self.held is not None and self.held[0] == len(whole) - 1
        if held or np.count_nonzero(whole[:-1]) >= needed:
            return []
        others = np.linspace(self.lowest, self.highest, 9)
        return [self._free(np.append(whole[:-1], rho)) for rho in others]
