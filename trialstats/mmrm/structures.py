"""Covariance structures over visits: natural parameters, derivatives, start values.

Each structure gives the covariance ``Sigma(theta)`` of all visits, its first and its
second derivatives. The parameters are those that SAS prints, because the adjustment of
Kenward and Roger depends on them: covariances where ``Sigma`` is linear in them
(unstructured, compound symmetry, Toeplitz), otherwise variances with correlations, and
a range for the spatial structures. Adding a structure is one entry in `STRUCTURES`.

References
----------
Kenward & Roger, Biometrics 1997;53:983-997. Zimmerman & Nunez-Anton, Antedependence
Models for Longitudinal Data, 2009. Jennrich & Schluchter, Biometrics 1986;42:805-820.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from trialstats.errors import DataError
from trialstats.linear_model import FloatArray

#: Correlations of a start value stay this far from one.
_START_CORRELATION = 0.95


class Structure(ABC):
    """One covariance structure; ``t`` is the number of visits, ``k`` of parameters."""

    #: Whether the covariance depends on distances in time instead of visits.
    spatial = False
    #: Whether ``Sigma`` is linear in the parameters: no second derivatives.
    linear = False

    @abstractmethod
    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        """Return the k names of the natural parameters."""

    @abstractmethod
    def start(self, moments: FloatArray, distance: FloatArray) -> FloatArray:
        """Return (k,) start values from a positive definite (t, t) covariance."""

    @abstractmethod
    def matrix(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        """Return ``Sigma``, (..., t, t); `distance` has that shape."""

    @abstractmethod
    def first(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        """Return ``d Sigma / d theta_k``, (..., k, t, t)."""

    def second(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        """Return ``d2 Sigma / d theta_k d theta_l``, (..., k, k, t, t)."""
        k, t = len(theta), distance.shape[-1]
        return np.zeros((*distance.shape[:-2], k, k, t, t))


class Unstructured(Structure):
    """Every variance and covariance is a parameter."""

    linear = True

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        pairs = zip(*np.tril_indices(len(visits)), strict=True)
        return tuple(f"covariance {visits[i]}, {visits[j]}" for i, j in pairs)

    def start(self, moments: FloatArray, distance: FloatArray) -> FloatArray:
        return moments[np.tril_indices(len(moments))]

    def matrix(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        sigma = np.zeros_like(distance)
        rows, columns = np.tril_indices(len(sigma))
        sigma[rows, columns] = sigma[columns, rows] = theta
        return sigma

    def first(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        t, k = len(distance), len(theta)
        rows, columns = np.tril_indices(t)
        result = np.zeros((k, t, t))
        result[np.arange(k), rows, columns] = 1.0
        result[np.arange(k), columns, rows] = 1.0
        return result


class Banded(Structure):
    """One covariance per lag: Toeplitz, or compound symmetry where lags share one."""

    linear = True

    def __init__(self, *, one_covariance: bool) -> None:
        self.one_covariance = one_covariance

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        if len(visits) == 1:
            return ("variance",)
        if self.one_covariance:
            return ("variance", "covariance")
        lags = range(1, len(visits))
        return ("variance", *(f"covariance at lag {lag}" for lag in lags))

    def start(self, moments: FloatArray, distance: FloatArray) -> FloatArray:
        bands = self.first(np.empty(0), moments)
        sums = np.tensordot(bands, moments, axes=2)
        return np.asarray(sums / bands.sum(axis=(1, 2)))

    def matrix(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        return np.asarray(np.tensordot(theta, self.first(theta, distance), axes=1))

    def first(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        lag = _lags(len(distance))
        last = int(lag.max())
        if self.one_covariance:
            lag, last = np.minimum(lag, 1), min(last, 1)
        return np.stack([(lag == j).astype(float) for j in range(last + 1)])


class Correlation(ABC):
    """A correlation matrix ``R(phi)`` with its derivatives."""

    @abstractmethod
    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]: ...

    @abstractmethod
    def start(self, correlation: FloatArray, distance: FloatArray) -> FloatArray: ...

    @abstractmethod
    def derivatives(
        self, phi: FloatArray, distance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return ``R`` (..., t, t), ``dR`` (..., k, t, t) and ``d2R``."""


class LagCorrelation(Correlation):
    """One correlation per lag, or one for all lags."""

    def __init__(self, *, one: bool) -> None:
        self.one = one

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        if self.one:
            return ("correlation",)
        return tuple(f"correlation at lag {lag}" for lag in range(1, len(visits)))

    def _bands(self, t: int) -> FloatArray:
        lag = np.minimum(_lags(t), 1) if self.one else _lags(t)
        return np.stack([(lag == j).astype(float) for j in range(1, lag.max() + 1)])

    def start(self, correlation: FloatArray, distance: FloatArray) -> FloatArray:
        bands = self._bands(len(correlation))
        sums = np.tensordot(bands, correlation, axes=2)
        return np.asarray(sums / bands.sum(axis=(1, 2)))

    def derivatives(
        self, phi: FloatArray, distance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        t, k = len(distance), len(phi)
        bands = self._bands(t)
        value = np.eye(t) + np.tensordot(phi, bands, axes=1)
        return value, bands, np.zeros((k, k, t, t))


class Autoregressive(Correlation):
    """``R_ij = rho^|i - j|``: visits count as equally spaced."""

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        return ("correlation",)

    def start(self, correlation: FloatArray, distance: FloatArray) -> FloatArray:
        return np.array([_inside(float(np.mean(np.diag(correlation, 1))))])

    def derivatives(
        self, phi: FloatArray, distance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        rho, lag = float(phi[0]), _lags(len(distance)).astype(float)
        value = rho**lag
        first = lag * rho ** np.maximum(lag - 1, 0)
        second = lag * (lag - 1) * rho ** np.maximum(lag - 2, 0)
        return value, first[None], second[None, None]


class Antedependence(Correlation):
    """First order: ``R_ij`` is the product of the correlations of adjacent visits."""

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        pairs = itertools.pairwise(visits)
        return tuple(f"correlation {a}, {b}" for a, b in pairs)

    def start(self, correlation: FloatArray, distance: FloatArray) -> FloatArray:
        return np.array([_inside(r) for r in np.diag(correlation, 1)])

    def derivatives(
        self, phi: FloatArray, distance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        t, k = len(distance), len(phi)
        early = np.minimum.outer(np.arange(t), np.arange(t))
        late = np.maximum.outer(np.arange(t), np.arange(t))
        steps = np.arange(k)[:, None, None]
        between = (early <= steps) & (steps < late)
        factors = np.where(between, phi[:, None, None], 1.0)
        keep = ~np.eye(k, dtype=bool)
        left = np.array([np.prod(factors[keep[a]], axis=0) for a in range(k)])
        first = np.where(between, left, 0.0)
        second = np.zeros((k, k, t, t))
        for a in range(k):
            for b in range(a):
                rest = np.prod(factors[keep[a] & keep[b]], axis=0)
                both = between[a] & between[b]
                second[a, b] = second[b, a] = np.where(both, rest, 0.0)
        return np.prod(factors, axis=0), first, second


class SpatialCorrelation(Correlation):
    """``exp(-d / range)``, or its Gaussian form ``exp(-(d / range)^2)``."""

    def __init__(self, power: int) -> None:
        self.power = power

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        return ("range",)

    def start(self, correlation: FloatArray, distance: FloatArray) -> FloatArray:
        # The correlation halves at the middle of the observed distances.
        middle = float(np.median(distance[distance > 0]))
        return np.array([middle / np.log(2) ** (1 / self.power)])

    def derivatives(
        self, phi: FloatArray, distance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        n, reach = self.power, float(phi[0])
        if reach <= 0:
            # A negative range would give the Gaussian form of the positive one.
            value = np.full(distance.shape, np.nan)
            return value, value[..., None, :, :], value[..., None, None, :, :]
        decay = (distance / reach) ** n
        value = np.exp(-decay)
        first = value * n * decay / reach
        second = value * n * decay * (n * decay - n - 1) / reach**2
        return value, first[..., None, :, :], second[..., None, None, :, :]


class Homogeneous(Structure):
    """``sigma^2 R(phi)``: one variance at all visits."""

    def __init__(self, correlation: Correlation, *, spatial: bool = False) -> None:
        self.correlation, self.spatial = correlation, spatial

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        return ("variance", *self.correlation.names(visits))

    def start(self, moments: FloatArray, distance: FloatArray) -> FloatArray:
        variance = float(np.mean(np.diag(moments)))
        return np.array(
            [variance, *self.correlation.start(_correlation(moments), distance)]
        )

    def matrix(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        value, _, _ = self.correlation.derivatives(theta[1:], distance)
        return np.asarray(theta[0] * value)

    def first(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        value, first, _ = self.correlation.derivatives(theta[1:], distance)
        return np.concatenate([value[..., None, :, :], theta[0] * first], axis=-3)

    def second(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        result = super().second(theta, distance)
        _, first, second = self.correlation.derivatives(theta[1:], distance)
        result[..., 0, 1:, :, :] = result[..., 1:, 0, :, :] = first
        result[..., 1:, 1:, :, :] = theta[0] * second
        return result


class Heterogeneous(Structure):
    """``sqrt(v_i v_j) R_ij(phi)``: a variance per visit."""

    def __init__(self, correlation: Correlation) -> None:
        self.correlation = correlation

    def names(self, visits: tuple[str, ...]) -> tuple[str, ...]:
        variances = (f"variance {visit}" for visit in visits)
        return (*variances, *self.correlation.names(visits))

    def start(self, moments: FloatArray, distance: FloatArray) -> FloatArray:
        inner = self.correlation.start(_correlation(moments), distance)
        return np.concatenate([np.diag(moments), inner])

    def matrix(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        t = len(distance)
        if (theta[:t] <= 0).any():
            return np.full((t, t), np.nan)
        deviation = np.sqrt(theta[:t])
        value, _, _ = self.correlation.derivatives(theta[t:], distance)
        return np.outer(deviation, deviation) * value

    def first(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        t = len(distance)
        scale, share = _scales(theta[:t])
        value, first, _ = self.correlation.derivatives(theta[t:], distance)
        return np.concatenate([scale * value * share, scale * first])

    def second(self, theta: FloatArray, distance: FloatArray) -> FloatArray:
        t = len(distance)
        result = super().second(theta, distance)
        scale, share = _scales(theta[:t])
        value, first, second = self.correlation.derivatives(theta[t:], distance)
        sigma = scale * value
        result[:t, :t] = sigma * share[:, None] * share[None, :]
        variances = np.arange(t)
        result[variances, variances] -= sigma * share / theta[:t, None, None]
        mixed = scale * first[None, :] * share[:, None]
        result[:t, t:], result[t:, :t] = mixed, np.swapaxes(mixed, 0, 1)
        result[t:, t:] = scale * second
        return result


#: Structures by the name that a user writes.
STRUCTURES: Mapping[str, Structure] = MappingProxyType(
    {
        "unstructured": Unstructured(),
        "toeplitz": Banded(one_covariance=False),
        "toeplitz_heterogeneous": Heterogeneous(LagCorrelation(one=False)),
        "ar1": Homogeneous(Autoregressive()),
        "ar1_heterogeneous": Heterogeneous(Autoregressive()),
        "compound_symmetry": Banded(one_covariance=True),
        "compound_symmetry_heterogeneous": Heterogeneous(LagCorrelation(one=True)),
        "antedependence": Homogeneous(Antedependence()),
        "antedependence_heterogeneous": Heterogeneous(Antedependence()),
        "spatial_exponential": Homogeneous(SpatialCorrelation(1), spatial=True),
        "spatial_gaussian": Homogeneous(SpatialCorrelation(2), spatial=True),
    }
)


@dataclass(frozen=True, slots=True)
class NamedStructure:
    """A structure with the name under which it is chosen."""

    name: str
    structure: Structure


def structure_named(name: str) -> NamedStructure:
    """Return the structure of that name, or raise DataError listing the known ones."""
    if name not in STRUCTURES:
        known = ", ".join(STRUCTURES)
        raise DataError(
            f"unknown covariance structure {name!r}", remedy=f"write one of {known}"
        )
    return NamedStructure(name, STRUCTURES[name])


def _lags(t: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    return np.abs(np.subtract.outer(np.arange(t), np.arange(t)))


def _correlation(moments: FloatArray) -> FloatArray:
    deviation = np.sqrt(np.diag(moments))
    return np.asarray(moments / np.outer(deviation, deviation))


def _inside(correlation: float) -> float:
    return float(np.clip(correlation, -_START_CORRELATION, _START_CORRELATION))


def _scales(variances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``sqrt(v_i v_j)`` and its relative derivatives by each variance."""
    deviation = np.sqrt(variances)
    unit = np.eye(len(variances))
    share = (unit[:, :, None] + unit[:, None, :]) / (2 * variances[:, None, None])
    return np.outer(deviation, deviation), share
