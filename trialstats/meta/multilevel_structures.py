"""Structures of the covariance of true effects, by the names that metafor gives them.

ID, DIAG and CS are affine in variances (CS in its two eigenvalues), UN is a Cholesky
factor, HCS, AR, HAR and CAR are variances with one correlation. `tau2` and `rho` are
what metafor calls the parameters in print.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialstats.meta.inputs import FloatArray
from trialstats.meta.multilevel_covariances import (
    Affine,
    Correlated,
    Factored,
    IntArray,
    Powers,
    Structure,
)

#: A correlation per unit of time below this counts as none; its powers have no slope
#: at zero.
SMALLEST_DECAY = 1e-8


@dataclass(frozen=True)
class Levels:
    """The inner factor: q levels, at most m of them in one group, at `positions`."""

    size: int
    together: int
    positions: FloatArray


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


def _equal_powers(size: int) -> Callable[[float], Powers]:
    off = 1.0 - np.eye(size)
    none = np.zeros((size, size))

    def powers(rho: float) -> Powers:
        return np.eye(size) + rho * off, off, none

    return powers


def _decay(positions: FloatArray) -> Callable[[float], Powers]:
    """Return rho to the power of the distance, with derivatives."""
    d = np.abs(positions[:, None] - positions[None, :])

    def powers(rho: float) -> Powers:
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
