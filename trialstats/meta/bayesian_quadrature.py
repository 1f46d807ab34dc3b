"""Integrate over tau: the posterior of the normal-normal model as a mixture.

Model: y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau^2), tau ~ a prior, mu flat or
N(m0, 1/p0). Given tau everything is normal: with w_i = 1/(v_i + tau^2) and
W = sum(w_i) + p0, mu has mean m = (sum(w_i y_i) + p0 m0)/W and variance 1/W. The
posterior of tau is the prior times

    L(tau) = prod(w_i)^(1/2) W^(-1/2) exp(-Q/2),
    Q = sum(w_i (y_i - m)^2) + p0 (m0 - m)^2,

and one dimension is left to integrate numerically.

Substitution: tau = c sinh(u) with c the smaller of the smallest standard error and the
unit of the prior. Near zero u is linear in tau and far out logarithmic, and the
singularities of the integrand (tau^2 = -v_i) lie at a distance of pi/2 from the real
line for every v_i, so that variances of very different sizes need no more points. The
part of the line that holds the mass is cut into panels with sixteen Gauss-Legendre
points each; the panels are halved until nothing changes.

Arrays: m data sets, N points of tau, k trials; several sets are integrated at once.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.bayesian_priors import TauPrior
from trialstats.meta.bayesian_sets import IntArray, Sets
from trialstats.meta.inputs import BoolArray, FloatArray

POINTS = 16
NODE, NODE_WEIGHT = np.polynomial.legendre.leggauss(POINTS)

#: Fall of the log integrand below its maximum at which it counts as zero: 1e-20.
_DROP = 46.0
#: Points of a look at the log integrand, and how often the interval is narrowed.
_LOOK, _LOOKS = 65, 60
#: Largest step in u of the first look; the log integrand is smooth on the scale of 1.
_STEP = 0.25
#: Panels of the first and the last rule.
_FIRST_PANELS, _LAST_PANELS = 2, 4096
#: Change from one rule to the next, with twice the panels, that is accepted. The error
#: of the finer one is about its square.
_ACCEPTED = 1e-10
#: Size of the log posterior at its maximum beyond which rounding moves the ninth digit.
_FARTHEST = 1e7
_TOO_FAR = (
    "the integral over tau does not settle: prior and data contradict each other; use "
    "a prior of tau with a larger scale"
)
#: Largest number of points times trials that are evaluated at once.
_BLOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class Conditional:
    """What is known about mu given tau, each of shape (m, N).

    Attributes
    ----------
    log_likelihood : ndarray
        log L(tau), without the factors of 2 pi.
    mean : ndarray
        m, measured from the origin.
    precision : ndarray
        W.
    """

    log_likelihood: FloatArray
    mean: FloatArray
    precision: FloatArray


def conditional(sets: Sets, tau: FloatArray) -> Conditional:
    """Return mean and precision of mu and the likelihood at `tau`, (m, N)."""
    step = max(1, _BLOCK // max(1, sets.variance.size))
    blocks = [
        _conditional(sets, tau[:, start : start + step])
        for start in range(0, tau.shape[1], step)
    ]
    parts = zip(*blocks, strict=True)
    return Conditional(*(np.concatenate(part, axis=1) for part in parts))


def _conditional(
    sets: Sets, tau: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    total = sets.variance[:, None, :] + (tau**2)[:, :, None]
    log_total = np.log(total)
    weight = np.reciprocal(total, out=total)
    if sets.present is not None:
        there = sets.present[:, None, :]
        weight, log_total = np.where(there, weight, 0), np.where(there, log_total, 0)
    precision = weight.sum(axis=-1) + sets.mean_precision
    offset = sets.mean_deviation[:, None]
    mean = np.einsum("mnk,mk->mn", weight, sets.deviation)
    mean = (mean + sets.mean_precision * offset) / precision
    residual = sets.deviation[:, None, :] - mean[:, :, None]
    weight *= residual
    q = np.einsum("mnk,mnk->mn", weight, residual)
    q += sets.mean_precision * (offset - mean) ** 2
    log_likelihood = -0.5 * (log_total.sum(axis=-1) + np.log(precision) + q)
    return log_likelihood, mean, precision


@dataclass(frozen=True, slots=True)
class TauGrid:
    """The posterior of tau on Gauss-Legendre points.

    Attributes
    ----------
    rows : ndarray of shape (m,)
        Which sets of the batch these are.
    sets : Sets
        The sets themselves.
    unit : ndarray of shape (m,)
        c of the substitution tau = c sinh(u).
    edges : ndarray of shape (m, P + 1)
        Ends of the panels in u.
    tau, probability, mean, precision : ndarray of shape (m, N)
        Points, their posterior probabilities (they add to 1), and mean (from the
        origin) and precision of mu given tau.
    log_constant : ndarray of shape (m,)
        Log of the integral of prior times L.
    tail : ndarray of shape (m, 2)
        What lies beyond the last point of E(tau) and E(tau^2); NaN where the moment
        does not exist.
    """

    rows: IntArray
    sets: Sets
    unit: FloatArray
    edges: FloatArray
    tau: FloatArray
    probability: FloatArray
    mean: FloatArray
    precision: FloatArray
    log_constant: FloatArray
    tail: FloatArray

    def moment_of_tau(self, power: int) -> FloatArray:
        """Return E(tau^power), power 1 or 2, (m,); NaN where it does not exist."""
        moment = (self.probability * self.tau**power).sum(axis=1)
        return np.asarray(moment + self.tail[:, power - 1])


def log_integrand(
    sets: Sets, prior: TauPrior, unit: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray, Conditional]:
    """Return tau, the log of prior times L times dtau/du, and the conditionals.

    `u` has the shape (m, N), `unit` (m,).
    """
    tau = unit[:, None] * np.sinh(u)
    if np.isfinite(prior.upper):
        tau = np.minimum(tau, prior.upper)
    given = conditional(sets, tau)
    slope = np.log(unit)[:, None] + np.log(np.cosh(u))
    return tau, prior.log_density(tau) + given.log_likelihood + slope, given


def tail_power(sets: Sets, prior: TauPrior) -> FloatArray:
    """Return a of each set: the posterior of tau falls as tau^-a, (m,)."""
    lost = 1.0 if sets.flat_mean else 0.0
    return np.asarray(sets.k - lost + prior.tail, dtype=np.float64)


def check_proper(sets: Sets, prior: TauPrior) -> None:
    """Raise NotEstimableError when the posterior of tau is not a distribution."""
    needed = 3 if sets.flat_mean else 2
    if (tail_power(sets, prior) <= 1).any():
        mean = "a flat" if sets.flat_mean else "a normal"
        raise NotEstimableError(
            f"the posterior of tau is improper: the improper uniform prior of tau and "
            f"{mean} prior of the mean need at least {needed} trials, got "
            f"{int(sets.k.min())}; use a proper prior of tau, such as half_normal"
        )


def integrate(sets: Sets, prior: TauPrior) -> Iterator[TauGrid]:
    """Integrate over tau.

    Yields
    ------
    TauGrid
        The sets that were done with the same number of panels, until all are.

    Raises
    ------
    NotEstimableError
        When a posterior is improper.
    ConvergenceError
        When the rules do not agree with 4,096 panels, or the prior is so far from the
        data that rounding rules.
    """
    check_proper(sets, prior)
    rows = np.arange(len(sets.k))
    unit = np.minimum(np.sqrt(_smallest(sets)), prior.unit)
    ends = _support(sets, prior, unit)
    panels, coarse = _FIRST_PANELS, None
    while len(rows):
        if panels > _LAST_PANELS:
            raise ConvergenceError(_TOO_FAR)
        fine = _grid(rows, sets, prior, unit, ends, panels)
        if coarse is not None:
            done = _change(coarse, fine) <= _ACCEPTED
            if done.any():
                yield _part(fine, done)
                rows, unit, ends = rows[~done], unit[~done], ends[~done]
                fine = _part(fine, ~done)
                sets = fine.sets
        panels, coarse = 2 * panels, fine


def _smallest(sets: Sets) -> FloatArray:
    """Return the smallest variance of each set; trials are sorted."""
    return sets.variance[:, 0]


def _reach(sets: Sets, prior: TauPrior) -> FloatArray:
    """Return a tau beyond which the posterior has no mass that counts, (m,).

    Beyond b with b^4 = s2 (b^2 + v), the bound of the maxima of the likelihood, L
    falls, so that only the decay of the prior or the power of the tail is waited for.
    """
    there = True if sets.present is None else sets.present
    center = sets.mean_deviation if not sets.flat_mean else None
    count = np.maximum(sets.k - 1, 1)
    middle = (
        np.sum(sets.deviation, axis=1, where=there) / sets.k
        if center is None
        else center
    )
    squares = np.sum((sets.deviation - middle[:, None]) ** 2, axis=1, where=there)
    largest = np.max(sets.variance, axis=1, where=there, initial=0)
    if not sets.flat_mean:
        largest = largest + np.where(sets.k == 1, 1 / sets.mean_precision, 0)
    s2 = squares / count
    peak = np.sqrt((s2 + np.sqrt(s2**2 + 4 * s2 * largest)) / 2) + np.sqrt(largest)
    power = tail_power(sets, prior)
    if np.isfinite(prior.tail):
        start = np.maximum(peak, prior.unit if np.isfinite(prior.unit) else 0)
        return np.asarray(start * np.exp(2 * _DROP / (power - 1)))
    end = np.hypot(peak, 2 * prior.decay(2 * _DROP))
    return np.asarray(np.minimum(end, prior.upper))


def _support(sets: Sets, prior: TauPrior, unit: FloatArray) -> FloatArray:
    """Return the interval of u that holds the mass of each set, (m, 2).

    The log integrand is looked at on a grid. Between two points it rises by no more
    than its second difference, since it is smooth on the scale of u = 1.
    """
    with np.errstate(over="ignore"):
        reach = np.minimum(_reach(sets, prior), 1e150)
    ends = np.stack([np.zeros_like(unit), np.arcsinh(reach / unit)], axis=1)
    active = np.arange(len(unit))
    for look in range(_LOOKS):
        width = (ends[active, 1] - ends[active, 0]).max()
        points = max(_LOOK, 1 + math.ceil(width / _STEP)) if look == 0 else _LOOK
        u = _spread(ends[active], np.linspace(0, 1, points))
        _, log, _ = log_integrand(sets.part(active), prior, unit[active], u)
        bend = np.zeros_like(log)
        bend[:, 1:-1] = np.abs(log[:, :-2] - 2 * log[:, 1:-1] + log[:, 2:])
        bend[:, 0], bend[:, -1] = bend[:, 1], bend[:, -2]
        kept = log + bend > log.max(axis=1, keepdims=True) - _DROP
        first = np.maximum(kept.argmax(axis=1) - 1, 0)
        last = np.minimum(points - kept[:, ::-1].argmax(axis=1), points - 1)
        row = np.arange(len(active))
        ends[active, 0], ends[active, 1] = u[row, first], u[row, last]
        active = active[last - first < points // 2]
        if not len(active):
            break
    return ends


def _spread(ends: FloatArray, share: FloatArray) -> FloatArray:
    return np.asarray(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * share)


def _grid(
    rows: IntArray,
    sets: Sets,
    prior: TauPrior,
    unit: FloatArray,
    ends: FloatArray,
    panels: int,
) -> TauGrid:
    """Return the posterior of tau on panels of equal width."""
    share = (np.arange(panels)[:, None] + (NODE + 1) / 2).ravel() / panels
    u = _spread(ends, share)
    tau, log, given = log_integrand(sets, prior, unit, u)
    top = log.max(axis=1, keepdims=True)
    if np.abs(top).max() > _FARTHEST:
        raise ConvergenceError(_TOO_FAR)
    half = (ends[:, 1:] - ends[:, :1]) / (2 * panels)
    mass = np.exp(log - top) * half * np.tile(NODE_WEIGHT, panels)
    total = mass.sum(axis=1, keepdims=True)
    constant = (top + np.log(total))[:, 0]
    return TauGrid(
        rows,
        sets,
        unit,
        _spread(ends, np.linspace(0, 1, panels + 1)),
        tau,
        mass / total,
        given.mean,
        given.precision,
        constant,
        _tail(sets, prior, unit, ends[:, 1:], constant),
    )


def _tail(
    sets: Sets, prior: TauPrior, unit: FloatArray, end: FloatArray, constant: FloatArray
) -> FloatArray:
    """Return what the moments of tau have beyond the last point, (m, 2)."""
    if not np.isfinite(prior.tail):
        return np.zeros((len(unit), 2))
    tau, log, _ = log_integrand(sets, prior, unit, end)
    power = tail_power(sets, prior)[:, None] - 1
    moments = np.array([1.0, 2.0])
    exists = power > moments
    # Per unit of log tau, which is u out there.
    with np.errstate(over="ignore", under="ignore"):
        mass = np.exp(log - constant[:, None] + moments * np.log(tau))
    return np.where(exists, mass / np.where(exists, power - moments, 1), np.nan)


def mean_and_spread(grid: TauGrid, prior: TauPrior) -> tuple[FloatArray, FloatArray]:
    """Return posterior mean (from the origin) and standard deviation of mu, (m,).

    NaN where the tail of tau is too heavy for them.
    """
    mean = (grid.probability * grid.mean).sum(axis=1)
    squares = (grid.mean - mean[:, None]) ** 2 + 1 / grid.precision
    square = (grid.probability * squares).sum(axis=1)
    if grid.sets.flat_mean:
        # Far out 1/W is tau^2/k.
        square = square + grid.tail[:, 1] / grid.sets.k
        mean = np.where(tail_power(grid.sets, prior) > 2, mean, np.nan)
    return mean, np.sqrt(square)


def _change(coarse: TauGrid, fine: TauGrid) -> FloatArray:
    """Return the largest change of what the posterior is used for, (m,)."""
    middle = (fine.probability * fine.mean).sum(axis=1)
    spread = (fine.probability / np.sqrt(fine.precision)).sum(axis=1)
    changes = [coarse.log_constant - fine.log_constant]
    for shift in (-2, -1, 0, 1, 2):
        at = (middle + shift * spread)[:, None]
        changes.append(_below(coarse, at) - _below(fine, at))
    for power in (1, 2):
        with np.errstate(invalid="ignore"):
            ratio = coarse.moment_of_tau(power) / fine.moment_of_tau(power) - 1
        changes.append(np.nan_to_num(ratio))
    return np.asarray(np.abs(changes).max(axis=0))


def _below(grid: TauGrid, at: FloatArray) -> FloatArray:
    standardised = (at - grid.mean) * np.sqrt(grid.precision)
    return np.asarray((grid.probability * ndtr(standardised)).sum(axis=1))


def _part(grid: TauGrid, chosen: BoolArray) -> TauGrid:
    return TauGrid(
        grid.rows[chosen],
        grid.sets.part(chosen),
        *(
            getattr(grid, name)[chosen]
            for name in (
                *("unit", "edges", "tau", "probability", "mean", "precision"),
                *("log_constant", "tail"),
            )
        ),
    )
