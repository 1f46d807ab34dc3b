"""Covariances over visits for the second engine, in the parameters that SAS prints."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstats.randomness import stream

FloatArray = NDArray[np.float64]

#: Relative step of the derivatives.
_STEP = 1e-5

#: Correlation between visits from which fits start.
_START = 0.3

#: Further starts with correlations drawn from -this to this: the likelihood of a few
#: subjects can have several maxima. Drawn starts that are no covariance are left out.
_WIDTH, _N_DRAWN = 0.8, 12


@dataclass(frozen=True, slots=True)
class Covariance:
    """A covariance as a function of its parameters, with where to start.

    Attributes
    ----------
    matrix : callable
        Parameters of shape (k,) -> covariance of shape (t, t).
    start : callable
        Variance, correlations of shape (n_correlations,) -> parameters.
    n_correlations : int
        Number of correlations that a fit of few subjects may have at several maxima.
    """

    matrix: Callable[[FloatArray], FloatArray]
    start: Callable[[float, FloatArray], FloatArray]
    n_correlations: int

    def starts(self, variance: float) -> list[FloatArray]:
        """Return parameters to start from, the usual ones first."""
        size = self.n_correlations
        usual = self.start(variance, np.full(size, _START))
        draws = stream(0, "starts", str(size)).uniform(
            -_WIDTH, _WIDTH, (_N_DRAWN if size else 0, size)
        )
        drawn = [self.start(variance, draw) for draw in draws]
        return [usual] + [
            theta
            for theta in drawn
            if float(np.linalg.eigvalsh(self.matrix(theta)).min()) > 0
        ]

    def slopes(self, theta: FloatArray) -> FloatArray:
        """Return the derivative by each parameter, (k, t, t), by differences."""
        steps = _STEP * np.maximum(np.abs(theta), 0.1)
        return np.array(
            [
                (self.matrix(theta + step) - self.matrix(theta - step))
                / (2 * float(step.sum()))
                for step in np.diag(steps)
            ]
        )


def covariance_named(name: str, times: FloatArray) -> Covariance:
    """Return a covariance over visits at these times by its name."""
    t = len(times)
    if t == 1:
        return Covariance(lambda v: v.reshape(1, 1), lambda s, _: np.array([s]), 0)
    if name == "unstructured":
        return _unstructured(t)
    plain = name.removesuffix("_heterogeneous")
    lags = np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
    if name in ("compound_symmetry", "toeplitz"):
        # Linear in a variance and covariances, one for each lag or one for all.
        which = np.minimum(lags, 1) if name == "compound_symmetry" else lags
        size = int(which.max())
        return Covariance(lambda v: v[which], lambda s, r: np.r_[s, r * s], size)
    correlation, size = _correlation(plain, times, lags)
    n_variances = t if name.endswith("_heterogeneous") else 1

    def matrix(theta: FloatArray) -> FloatArray:
        deviation = np.sqrt(np.abs(np.broadcast_to(theta[:n_variances], t)))
        return np.outer(deviation, deviation) * correlation(theta[n_variances:])

    if plain.startswith("spatial"):
        scale = float(np.ptp(times)) / 2
        return Covariance(matrix, lambda s, _: np.array([s, scale]), 0)
    return Covariance(matrix, lambda s, r: np.r_[np.full(n_variances, s), r], size)


def _unstructured(t: int) -> Covariance:
    rows, columns = np.tril_indices(t)
    place = np.zeros((t, t), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    mixed = np.where(rows == columns, 1.0, _START)
    return Covariance(lambda v: v[place], lambda s, _: s * mixed, 0)


def _correlation(
    name: str, times: FloatArray, lags: NDArray[np.int64]
) -> tuple[Callable[[FloatArray], FloatArray], int]:
    """Return a correlation matrix as a function of parameters, and their number."""
    t, apart = len(times), np.abs(np.subtract.outer(times, times))
    if name == "compound_symmetry":
        return (lambda r: np.where(lags == 0, 1.0, r[0])), 1
    if name == "toeplitz":
        return (lambda r: np.r_[1.0, r][lags]), t - 1
    if name == "ar1":
        return (lambda r: np.float_power(r[0], lags)), 1
    if name == "spatial_exponential":
        return (lambda r: np.exp(-apart / r[0])), 1
    if name == "spatial_gaussian":
        return (lambda r: np.exp(-((apart / r[0]) ** 2))), 1

    def antedependence(r: FloatArray) -> FloatArray:
        # The product of the correlations of the steps in between.
        made = np.eye(t)
        for i in range(t):
            for j in range(i + 1, t):
                made[i, j] = made[j, i] = r[i:j].prod()
        return made

    return antedependence, t - 1
