"""Marginal posterior distributions: mixtures of normals, and tau itself.

Each is a distribution with a density, probabilities and quantiles, from which central
and shortest intervals follow alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from trialstats.errors import ConvergenceError
from trialstats.meta.bayesian_priors import TauPrior
from trialstats.meta.bayesian_quadrature import (
    NODE,
    NODE_WEIGHT,
    POINTS,
    TauGrid,
    conditional,
    log_integrand,
)
from trialstats.meta.inputs import FloatArray

#: Change of a quantile, in standard deviations, at which the search ends.
_SETTLED = 1e-13
_STEPS = 200
#: Points of the grid on which a shortest interval is looked for.
_SHORTEST_GRID = 101


class Distribution(Protocol):
    """A distribution on the real line."""

    def density(self, at: ArrayLike) -> FloatArray:
        """Return the density at each point of `at`."""

    def probability_below(self, at: ArrayLike) -> FloatArray:
        """Return the probability of a value below each point of `at`."""

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the quantile of each probability."""


def mixture_quantiles(
    share: FloatArray, mean: FloatArray, spread: FloatArray, probability: FloatArray
) -> FloatArray:
    """Return quantiles of mixtures of normal distributions.

    Parameters
    ----------
    share, mean, spread : ndarray of shape (m, N)
        Shares (adding to 1), means and standard deviations of the components of each
        of m mixtures.
    probability : ndarray of shape (m,)
        In (0, 1).

    Raises
    ------
    ConvergenceError
        When a quantile is not found.

    Notes
    -----
    Newton's method on the normal scale, where the distribution function of a mixture
    is nearly a line, kept between the least and the largest quantile of a component.
    """
    # The upper half is turned over: small probabilities keep their digits.
    turn = np.where(probability > 0.5, -1.0, 1.0)
    target = ndtri(np.where(turn < 0, 1 - probability, probability))
    mean = turn[:, None] * mean
    quantile = mean + target[:, None] * spread
    used = share > 0
    low = np.min(quantile, axis=1, where=used, initial=np.inf)
    high = np.max(quantile, axis=1, where=used, initial=-np.inf)
    # The component in the middle: components far out may be wider by many powers.
    middle = (np.cumsum(share, axis=1) < 0.5).sum(axis=1).clip(max=share.shape[1] - 1)
    row = np.arange(len(share))
    at, scale = quantile[row, middle], spread[row, middle]
    active, result = row, at.copy()
    for _ in range(_STEPS):
        z = (at[:, None] - mean) / spread
        below = (share * ndtr(z)).sum(axis=1)
        density = (share * np.exp(-0.5 * z**2) / spread).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            normal = ndtri(below)
            # d/dx of ndtri(F) is f/phi(ndtri(F)); the roots of 2 pi cancel.
            step = (normal - target) * np.exp(-0.5 * normal**2) / density
        high = np.where(normal >= target, np.minimum(high, at), high)
        low = np.where(normal <= target, np.maximum(low, at), low)
        new = at - step
        inside = (new >= low) & (new <= high)
        new = np.where(inside, new, (low + high) / 2)
        moved = np.abs(new - at)
        result[active] = new
        go = moved > _SETTLED * np.maximum(scale, np.abs(new))
        if not go.any():
            return np.asarray(turn * result)
        active, at, scale = active[go], new[go], scale[go]
        share, mean, spread = share[go], mean[go], spread[go]
        low, high, target = low[go], high[go], target[go]
    raise ConvergenceError("a quantile of the posterior was not found")


@dataclass(frozen=True, slots=True, eq=False)
class NormalMixture:
    """A mixture of normal distributions: mu, a trial's own effect, or a new trial's.

    Attributes
    ----------
    share, mean, spread : ndarray of shape (N,)
        Shares, means (from `origin`) and standard deviations of the components.
    origin : float
        Where the means are measured from.
    """

    share: FloatArray
    mean: FloatArray
    spread: FloatArray
    origin: float

    def density(self, at: ArrayLike) -> FloatArray:
        """Return the density at each point of `at`."""
        z = self._standardised(at)
        height = self.share / (np.sqrt(2 * np.pi) * self.spread)
        return np.asarray((height * np.exp(-0.5 * z**2)).sum(axis=-1))

    def probability_below(self, at: ArrayLike) -> FloatArray:
        """Return the probability of a value below each point of `at`."""
        return np.asarray((self.share * ndtr(self._standardised(at))).sum(axis=-1))

    def probability_above(self, at: ArrayLike) -> FloatArray:
        """Return the probability of a value above each point of `at`."""
        return np.asarray((self.share * ndtr(-self._standardised(at))).sum(axis=-1))

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the quantile of each probability in (0, 1)."""
        wanted = np.asarray(probability, dtype=np.float64)
        flat = np.atleast_1d(wanted).ravel()
        inside = (flat > 0) & (flat < 1)
        result = np.where(flat <= 0, -np.inf, np.inf)
        n = int(inside.sum())
        if n:
            shape = (n, len(self.share))
            result[inside] = self.origin + mixture_quantiles(
                np.broadcast_to(self.share, shape),
                np.broadcast_to(self.mean, shape),
                np.broadcast_to(self.spread, shape),
                flat[inside],
            )
        return np.asarray(result.reshape(wanted.shape))

    def _standardised(self, at: ArrayLike) -> FloatArray:
        value = np.asarray(at, dtype=np.float64)[..., None]
        return np.asarray((value - self.origin - self.mean) / self.spread)


@dataclass(frozen=True, slots=True, eq=False)
class TauPosterior:
    """The posterior distribution of tau of one data set.

    Attributes
    ----------
    grid : TauGrid
        Of one set.
    prior : TauPrior
    cumulated : ndarray of shape (P + 1,)
        Probability up to each end of a panel.
    """

    grid: TauGrid
    prior: TauPrior
    cumulated: FloatArray

    def density(self, at: ArrayLike) -> FloatArray:
        """Return the density at each point of `at`; 0 outside the support."""
        tau = np.asarray(at, dtype=np.float64)
        inside = (tau >= 0) & (tau <= self.prior.upper)
        with np.errstate(under="ignore"):
            height = np.exp(self._log_density(np.where(inside, tau, 0).ravel()))
        return np.where(inside, height.reshape(tau.shape), 0.0)

    def _log_density(self, tau: FloatArray) -> FloatArray:
        given = conditional(self.grid.sets, tau[None, :])
        log = self.prior.log_density(tau) + given.log_likelihood[0]
        return np.asarray(log - self.grid.log_constant[0])

    def probability_below(self, at: ArrayLike) -> FloatArray:
        """Return the probability of a tau below each point of `at`."""
        tau = np.asarray(at, dtype=np.float64)
        edges = self.grid.edges[0]
        u = np.arcsinh(np.maximum(tau, 0).ravel() / self.grid.unit[0])
        return self._below(np.clip(u, edges[0], edges[-1]))[0].reshape(tau.shape)

    def _below(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probability below each `u`, and the density in u there."""
        edges = self.grid.edges[0]
        panel = np.clip(np.searchsorted(edges, u, "right") - 1, 0, len(edges) - 2)
        half = (u - edges[panel]) / 2
        points = edges[panel][:, None] + half[:, None] * (NODE + 1)
        points = np.append(points.ravel(), u)[None, :]
        _, log, _ = log_integrand(self.grid.sets, self.prior, self.grid.unit, points)
        height = np.exp(log[0] - self.grid.log_constant[0])
        inner = height[: -len(u)].reshape(-1, POINTS) @ NODE_WEIGHT * half
        return self.cumulated[panel] + inner, height[-len(u) :]

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the quantile of each probability in [0, 1]."""
        wanted = np.asarray(probability, dtype=np.float64)
        flat = np.atleast_1d(wanted).ravel()
        edges = self.grid.edges[0]
        panel = np.clip(
            np.searchsorted(self.cumulated, flat, "right") - 1, 0, len(edges) - 2
        )
        low, high = edges[panel], edges[panel + 1]
        u = (low + high) / 2
        for _ in range(_STEPS):
            below, density = self._below(u)
            low = np.where(below <= flat, u, low)
            high = np.where(below >= flat, u, high)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                new = u - (below - flat) / density
            new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
            moved, u = np.abs(new - u), new
            if (moved <= _SETTLED * np.maximum(1e-3, u)).all():
                break
        else:
            raise ConvergenceError("a quantile of the posterior of tau was not found")
        tau = np.minimum(self.grid.unit[0] * np.sinh(u), self.prior.upper)
        tau = np.where(flat <= 0, 0.0, np.where(flat >= 1, self.prior.upper, tau))
        return np.asarray(tau.reshape(wanted.shape))

    def mode(self) -> float:
        """Return where the density is highest; 0 when it falls from there on."""
        tau = np.append(0.0, self.grid.tau[0])
        best = int(self._log_density(tau).argmax())
        # The score of an even prior is zero at zero: begin just beside it.
        left = tau[best - 1] if best > 0 else 0.0
        left = left if left > 0 else 1e-3 * tau[1]
        right = tau[min(best + 1, len(tau) - 1)]
        if self._score(left) <= 0:
            return 0.0 if best <= 1 else float(tau[best])
        if self._score(right) >= 0:
            return float(min(right, self.prior.upper))
        return float(brentq(self._score, left, right, xtol=1e-15 * right, rtol=1e-14))

    def _score(self, tau: float) -> float:
        """Return the derivative of the log density with respect to tau."""
        sets = self.grid.sets
        weight = 1 / (sets.variance[0] + tau**2)
        given = conditional(sets, np.array([[tau]]))
        residual = weight * (sets.deviation[0] - given.mean[0, 0])
        trace = weight @ (1 - weight / given.precision[0, 0])
        likelihood = float(tau * (residual @ residual - trace))
        return likelihood + float(self.prior.slope(np.array([tau]))[0])


def tau_posterior(grid: TauGrid, prior: TauPrior) -> TauPosterior:
    """Return the posterior of tau from the grid of one data set."""
    mass = grid.probability[0].reshape(-1, POINTS).sum(axis=1)
    return TauPosterior(grid, prior, np.append(0.0, np.cumsum(mass)))


def central_interval(of: Distribution, level: float) -> tuple[float, float]:
    """Return the interval that leaves (1 - level)/2 out on either side."""
    lower, upper = of.quantile([(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def shortest_interval(of: Distribution, level: float) -> tuple[float, float]:
    """Return the shortest interval that holds a probability of `level`.

    At its ends the density is the same, unless it begins at the end of the support.
    """
    outside = 1 - level

    def ends(left_out: float) -> FloatArray:
        return of.quantile([left_out, left_out + level])

    shares = np.linspace(0, outside, _SHORTEST_GRID)
    lower, upper = of.quantile(shares), of.quantile(np.minimum(shares + level, 1))
    best = int((upper - lower).argmin())

    def excess(left_out: float) -> float:
        heights = of.density(ends(left_out))
        return float(heights[0] - heights[1])

    before, after = shares[max(best - 1, 0)], shares[min(best + 1, len(shares) - 1)]
    if best == 0:
        before = outside * 1e-9
        if excess(before) >= 0:
            return float(lower[0]), float(upper[0])
    if best == len(shares) - 1:
        after = outside * (1 - 1e-9)
        if excess(after) <= 0:
            return float(lower[-1]), float(upper[-1])
    if excess(before) < 0 < excess(after):
        share = brentq(excess, before, after, xtol=1e-16, rtol=1e-13)
        low, high = ends(share)
        return float(low), float(high)
    return float(lower[best]), float(upper[best])


#: Kinds of interval.
INTERVALS: dict[str, Callable[[Distribution, float], tuple[float, float]]] = {
    "central": central_interval,
    "shortest": shortest_interval,
}
