"""Likelihood of trials that are selected by their p-values, with two derivatives.

y_i ~ N(x_i b, v_i + tau2), seen with a probability proportional to w(p_i; d):
log L = sum of log w(p_i; d) + log N(y_i) - log A_i, where A_i is the mean of w(p; d)
over all outcomes of trial i. Parameters in this order: b, tau2, d.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialstats.meta.inputs import FloatArray
from trialstats.meta.selection_weights import Cells, Family, PValues

#: The normal density is zero beyond this many standard deviations.
_FAR = 40.0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Log-likelihood with its gradient and Hessian in (b, tau2, d)."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SelectionLikelihood:
    """Trials, how they are selected, and the cells of their outcomes."""

    effect: FloatArray
    variance: FloatArray
    design: FloatArray
    p: PValues
    family: Family
    cells: Cells

    @property
    def fixed_effects(self) -> int:
        """Number of coefficients b."""
        return int(self.design.shape[1])

    @property
    def size(self) -> int:
        """Number of all parameters."""
        return self.fixed_effects + 1 + self.family.size

    def at(self, parameters: FloatArray) -> Evaluated:
        """Return the log-likelihood and its derivatives at (b, tau2, d)."""
        count = self.fixed_effects
        mean = self.design @ parameters[:count]
        total = self.variance + parameters[count]
        delta = parameters[count + 1 :]
        density = _normal(self.effect - mean, total)
        selected = self.family.log_weight(self.p, delta)
        normaliser = self._log_normaliser(mean, total, delta)
        value = density.value + selected[0] - normaliser.value
        # Per trial, in (mean, variance, d).
        gradient = _embedded(density.gradient, selected[1]) - normaliser.gradient
        hessian = -normaliser.hessian
        hessian[:2, :2] += density.hessian
        hessian[2:, 2:] += selected[2]
        return self._collected(value, gradient, hessian)

    def _collected(
        self, value: FloatArray, gradient: FloatArray, hessian: FloatArray
    ) -> Evaluated:
        """Sum over trials; the mean of a trial is its row of the design times b."""
        x, count = self.design, self.fixed_effects
        first = np.concatenate([x.T @ gradient[0], gradient[1:].sum(axis=1)])
        second = np.empty((self.size, self.size))
        second[:count, :count] = (x.T * hessian[0, 0]) @ x
        second[:count, count:] = x.T @ hessian[0, 1:].T
        second[count:, :count] = second[:count, count:].T
        second[count:, count:] = hessian[1:, 1:].sum(axis=-1)
        return Evaluated(math.fsum(value), first, second)

    def _log_normaliser(
        self, mean: FloatArray, total: FloatArray, delta: FloatArray
    ) -> "_PerTrial":
        """Return log A_i with derivatives in (mean, variance, d)."""
        size, k = len(delta), len(mean)
        log_weight, slope, bend = self.family.log_weight(self.cells.p, delta)
        weight = np.exp(log_weight)
        weight_1 = weight * slope
        weight_2 = weight * (slope[:, np.newaxis] * slope[np.newaxis] + bend)
        mass = self._masses(mean, total)
        a = mass[0] @ weight
        first = np.empty((2 + size, k))
        first[0], first[1] = mass[1] @ weight, mass[2] @ weight
        first[2:] = weight_1 @ mass[0].T
        second = np.empty((2 + size, 2 + size, k))
        # The normal density solves the heat equation: d/d(variance) is half of
        # d2/d(mean)2.
        second[0, 0] = 2 * first[1]
        second[0, 1] = second[1, 0] = mass[3] @ weight
        second[1, 1] = mass[4] @ weight
        for row, derivative in enumerate((mass[1], mass[2])):
            second[row, 2:] = second[2:, row] = weight_1 @ derivative.T
        second[2:, 2:] = weight_2 @ mass[0].T
        relative = first / a
        return _PerTrial(
            np.log(a), relative, second / a - relative[:, np.newaxis] * relative
        )

    def _masses(self, mean: FloatArray, total: FloatArray) -> tuple[FloatArray, ...]:
        """Return the probability of each cell and its derivatives.

        In order: itself, in the mean, in the variance, in both, twice in the variance;
        each of shape (k, cells).
        """
        error = np.sqrt(self.variance)[:, np.newaxis]
        spread, variance = np.sqrt(total)[:, np.newaxis], total[:, np.newaxis]
        cells, nodes = self.cells, self.cells.nodes

        def standard(z: FloatArray) -> FloatArray:
            return np.clip((z * error - mean[:, np.newaxis]) / spread, -_FAR, _FAR)

        scale = cells.share[:nodes] * error / spread
        at_nodes = _node(standard(cells.lower[:nodes]), spread, variance)
        above = _below(standard(cells.upper[nodes:]), spread, variance)
        below = _below(standard(cells.lower[nodes:]), spread, variance)
        return tuple(
            np.hstack([scale * node, high - low])
            for node, high, low in zip(at_nodes, above, below, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _PerTrial:
    """A value of each trial with derivatives; the last axis runs over trials."""

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray


def _normal(residual: FloatArray, total: FloatArray) -> _PerTrial:
    """Return the log density with derivatives in (mean, variance)."""
    square = residual**2
    value = -(np.log(2 * np.pi * total) + square / total) / 2
    slope = np.stack([residual / total, (square / total - 1) / (2 * total)])
    mixed = -residual / total**2
    bend = np.array([[-1 / total, mixed], [mixed, (0.5 - square / total) / total**2]])
    return _PerTrial(value, slope, bend)


def _embedded(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.concatenate([first, second])


def _density(t: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-(t * t) / 2) / math.sqrt(2 * math.pi))


def _node(
    t: FloatArray, spread: FloatArray, variance: FloatArray
) -> tuple[FloatArray, ...]:
    """Return the density at t, times the spread, and its derivatives."""
    f, square = _density(t), t * t
    return (
        f,
        t * f / spread,
        (square - 1) * f / (2 * variance),
        (square - 3) * t * f / (2 * variance * spread),
        ((square - 6) * square + 3) * f / (4 * variance * variance),
    )


def _below(
    t: FloatArray, spread: FloatArray, variance: FloatArray
) -> tuple[FloatArray, ...]:
    """Return the probability below t and its derivatives."""
    f, square = _density(t), t * t
    return (
        np.asarray(ndtr(t)),
        -f / spread,
        -t * f / (2 * variance),
        -(square - 1) * f / (2 * variance * spread),
        -(square - 3) * t * f / (4 * variance * variance),
    )
