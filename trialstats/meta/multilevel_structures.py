"""Covariances of true effects within a group, as functions of free parameters.

A structure gives G(theta), (q, q), over the q levels of the inner factor, with its
first and second derivatives. Parameters live in a box or are free:

- affine in variances (ID, DIAG, CS), so that zero is an ordinary bound;
- entries of a Cholesky factor (UN), where a singular G is an ordinary point;
- standard deviations or a variance with one correlation (HCS, AR, HAR, CAR).

`tau2` and `rho` are what metafor calls the parameters in print.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trialstats.meta.inputs import FloatArray

IntArray = NDArray[np.intp]

#: Correlation of levels at a distance, with its first and second derivative in rho.
_Powers = tuple[FloatArray, FloatArray, FloatArray]

#: A correlation per unit of time below this counts as none; its powers have no slope
#: at zero.
SMALLEST_DECAY = 1e-8


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
        ridge = 1e-4 * max(float(np.trace(matrix)) / len(matrix), 1e-12)
        inner = matrix[np.ix_(order, order)] + ridge * np.eye(len(matrix))
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
    correlation: Callable[[float], _Powers]
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
        variance = np.maximum(diagonal, max(1e-2 * float(diagonal.max()), 1e-12))
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


@dataclass(frozen=True)
class Kind:
    """A structure by name: how it is made, and what its parameters are called.

    `several` says whether each level has its own tau2; `rhos` how many correlations
    there are for q levels.
    """

    words: str
    make: Callable[["Levels"], Structure]
    several: bool
    rhos: Callable[[int], int]
    hold: Callable[["Levels", str, int, float], Structure]


@dataclass(frozen=True)
class Levels:
    """The inner factor: q levels, at most m of them in one group, at `positions`."""

    size: int
    together: int
    positions: FloatArray


def _variances(levels: Levels, constant: FloatArray, basis: FloatArray) -> Affine:
    return Affine(constant, basis, np.zeros(len(basis)), np.full(len(basis), np.inf))


def _identity(levels: Levels) -> Affine:
    q = levels.size
    return _variances(levels, np.zeros((q, q)), np.eye(q)[None])


def _diagonal(levels: Levels) -> Affine:
    q = levels.size
    unit = np.eye(q)
    return _variances(levels, np.zeros((q, q)), unit[:, :, None] * unit[:, None, :])


def _compound(levels: Levels) -> Affine:
    """Return CS by the two eigenvalues of G over the m levels that occur together."""
    q, m = levels.size, levels.together
    shared = np.ones((q, q)) / m
    within = np.eye(q) - shared
    return _variances(levels, np.zeros((q, q)), np.stack([within, shared]))


def _unstructured(levels: Levels) -> Factored:
    return _factored(levels.size, np.arange(levels.size), free_from=0)


def _factored(
    size: int,
    order: IntArray,
    *,
    free_from: int,
    constant: FloatArray | None = None,
    leading: list[FloatArray] | None = None,
) -> Factored:
    """Return a lower triangle, rows in an order, whose first rows are special."""
    elements = list(leading or [])
    for row in range(free_from, size):
        for column in range(row + 1):
            element = np.zeros((size, size))
            element[order[row], column] = 1.0
            elements.append(element)
    start = np.zeros((size, size)) if constant is None else constant
    stacked = np.stack(elements) if elements else np.zeros((0, size, size))
    return Factored(start, stacked, order, positive=len(leading or []))


def _equal_powers(size: int) -> Callable[[float], _Powers]:
    off = 1.0 - np.eye(size)
    none = np.zeros((size, size))

    def powers(rho: float) -> _Powers:
        return np.eye(size) + rho * off, off, none

    return powers


def _decay(positions: FloatArray) -> Callable[[float], _Powers]:
    """Return rho to the power of the distance, with derivatives."""
    d = np.abs(positions[:, None] - positions[None, :])

    def powers(rho: float) -> _Powers:
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(d > 0, d * np.power(rho, d - 1), 0.0)
            bend = np.where((d > 0) & (d != 1), d * (d - 1) * np.power(rho, d - 2), 0.0)
            return np.power(rho, d), slope, bend

    return powers


def _mean_correlation(matrix: FloatArray) -> float:
    q = len(matrix)
    return float((matrix.sum() - q) / (q * (q - 1))) if q > 1 else 0.0


def _guess_decay(positions: FloatArray) -> Callable[[FloatArray], float]:
    d = np.abs(positions[:, None] - positions[None, :])

    def guess(matrix: FloatArray) -> float:
        nearest = float(d[d > 0].min())
        mean = float(matrix[d == nearest].mean())
        return float(np.sign(mean) * abs(mean) ** (1 / nearest))

    return guess


def _heterogeneous_compound(levels: Levels) -> Correlated:
    lowest = -1 / (levels.together - 1)
    powers = _equal_powers(levels.size)
    return Correlated(levels.size, powers, True, lowest, 1.0, _mean_correlation)


def _steps(levels: Levels) -> FloatArray:
    return np.arange(levels.size, dtype=float)


def _autoregressive(levels: Levels, several: bool) -> Correlated:
    steps = _steps(levels)
    return Correlated(
        levels.size, _decay(steps), several, -1.0, 1.0, _guess_decay(steps)
    )


def _continuous(levels: Levels) -> Correlated:
    times = levels.positions
    return Correlated(
        levels.size, _decay(times), False, SMALLEST_DECAY, 1.0, _guess_decay(times)
    )


def _hold_identity(levels: Levels, what: str, index: int, value: float) -> Affine:
    q = levels.size
    return _variances(levels, value * np.eye(q), np.zeros((0, q, q)))


def _hold_diagonal(levels: Levels, what: str, index: int, value: float) -> Affine:
    whole = _diagonal(levels)
    constant = value * whole.basis[index]
    return _variances(levels, constant, np.delete(whole.basis, index, axis=0))


def _hold_compound(levels: Levels, what: str, index: int, value: float) -> Affine:
    q = levels.size
    off = 1.0 - np.eye(q)
    if what == "rho":
        basis = (np.eye(q) + value * off)[None]
        return _variances(levels, np.zeros((q, q)), basis)
    # tau2 is held: the covariance is left, tau2 times the range of the correlation.
    lowest = -value / (levels.together - 1)
    return Affine(value * np.eye(q), off[None], np.array([lowest]), np.array([value]))


def rho_pairs(size: int) -> list[tuple[int, int]]:
    """Return the pairs of levels in metafor's order of correlations."""
    return [(i, j) for i in range(size) for j in range(i + 1, size)]


def _hold_unstructured(levels: Levels, what: str, index: int, value: float) -> Factored:
    q = levels.size
    if what == "tau2":
        order = np.array([index, *(i for i in range(q) if i != index)])
        constant = np.zeros((q, q))
        constant[index, 0] = np.sqrt(value)
        return _factored(q, order, free_from=1, constant=constant)
    i, j = rho_pairs(q)[index]
    order = np.array([i, j, *(r for r in range(q) if r not in (i, j))])
    top, next_ = np.zeros((q, q)), np.zeros((q, q))
    top[i, 0] = 1.0
    next_[j, 0], next_[j, 1] = value, np.sqrt(1 - value**2)
    return _factored(q, order, free_from=2, leading=[top, next_])


def _hold_correlated(
    make: Callable[[Levels], Correlated],
) -> Callable[[Levels, str, int, float], Correlated]:
    def hold(levels: Levels, what: str, index: int, value: float) -> Correlated:
        whole = make(levels)
        if what == "tau2":
            given = np.sqrt(value) if whole.several else value
            held = (index, float(given))
        else:
            held = (whole.size if whole.several else 1, value)
        return Correlated(
            whole.size,
            whole.correlation,
            whole.several,
            whole.lowest,
            whole.highest,
            whole.first_guess,
            held,
        )

    return hold


def _none(q: int) -> int:
    return 0


def _one(q: int) -> int:
    return 1


def _ar(levels: Levels) -> Correlated:
    return _autoregressive(levels, several=False)


def _har(levels: Levels) -> Correlated:
    return _autoregressive(levels, several=True)


#: Structures of G, under the names metafor gives them.
STRUCTURES: dict[str, Kind] = {
    "ID": Kind("one variance, no correlation", _identity, False, _none, _hold_identity),
    "DIAG": Kind(
        "a variance for each level, no correlation",
        _diagonal,
        True,
        _none,
        _hold_diagonal,
    ),
    "CS": Kind("compound symmetry", _compound, False, _one, _hold_compound),
    "HCS": Kind(
        "heterogeneous compound symmetry",
        _heterogeneous_compound,
        True,
        _one,
        _hold_correlated(_heterogeneous_compound),
    ),
    "UN": Kind(
        "unstructured",
        _unstructured,
        True,
        lambda q: q * (q - 1) // 2,
        _hold_unstructured,
    ),
    "AR": Kind("autoregressive", _ar, False, _one, _hold_correlated(_ar)),
    "HAR": Kind(
        "heterogeneous autoregressive", _har, True, _one, _hold_correlated(_har)
    ),
    "CAR": Kind(
        "autoregressive in continuous time",
        _continuous,
        False,
        _one,
        _hold_correlated(_continuous),
    ),
}
