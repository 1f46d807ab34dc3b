"""Maximum likelihood of one-stage models: Newton's method with analytic derivatives.

The fixed part of trial i is o_i = offset_i + A_i gamma + B_i nu_i: gamma is shared by
all trials, nu_i (if there is one) belongs to trial i alone. The nuisance parameters are
eliminated trial by trial, so that a step costs no more with a hundred of them. For
given theta the marginal likelihood is log-concave in gamma and nu; in theta it is not,
and the search starts from several values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.one_stage_quadrature import (
    FINE,
    Integral,
    Integrand,
    Rule,
    rule_of,
)

#: A standard deviation between trials, in log units, beyond which it has no bound.
LARGEST_DEVIATION = 50.0
#: A standard deviation so small is zero.
SMALLEST_DEVIATION = 1e-6
#: The Newton decrement at which the search stops: a distance of 1e-8 standard errors.
_DECREMENT = 1e-16
_STEPS = 100
_PATIENCE = 12
#: Points an axis that are tried, for one and for two random effects, until the
#: log-likelihood stands still to _STILL.
_LADDER = {0: (FINE,), 1: (FINE, 31, 61, 121, 241, 481, 961), 2: (FINE, 25, 41, 61)}
_STILL = 1e-9
#: Length, in the predictor or theta, of the differences of the gradient.
_DIFFERENCE = 1e-3


@dataclass(frozen=True, slots=True)
class Problem:
    """A model and its data.

    Attributes
    ----------
    integrand : Integrand
    offset : ndarray of shape (k, J)
    shared : ndarray of shape (k, J, n)
        A.
    own : ndarray of shape (k, J) or None
        B; None: no parameter belongs to a trial alone.
    """

    integrand: Integrand
    offset: FloatArray
    shared: FloatArray
    own: FloatArray | None

    @property
    def dimension(self) -> int:
        """Number of random effects of a trial."""
        return int(self.integrand.loadings.shape[1])

    def fixed(self, gamma: FloatArray, nu: FloatArray) -> FloatArray:
        """Return o, shape (k, J)."""
        fixed = self.offset + self.shared @ gamma
        return fixed if self.own is None else fixed + self.own * nu[:, None]


@dataclass(frozen=True, slots=True)
class Point:
    """Values of all parameters, with the modes from which the next search starts."""

    gamma: FloatArray
    nu: FloatArray
    theta: FloatArray
    mode: FloatArray


@dataclass(frozen=True, slots=True)
class Fit:
    """A maximum.

    Attributes
    ----------
    point : Point
    log_likelihood : float
    at_modes : float
        Log-likelihood of the counts given the random effects at their modes.
    information : ndarray of shape (n + m, n + m)
        Of (gamma, theta), nuisance parameters eliminated.
    nuisance : ndarray of shape (k, n + m + 1)
        For each trial the information between nu and (gamma, theta), and that of nu.
    per_axis : int
        Points an axis of the quadrature.
    """

    point: Point
    log_likelihood: float
    at_modes: float
    information: FloatArray
    nuisance: FloatArray
    per_axis: int


def maximise(problem: Problem, starts: Sequence[Point], per_axis: int | None) -> Fit:
    """Return the highest maximum that the starts lead to.

    Parameters
    ----------
    problem : Problem
    starts : sequence of Point
    per_axis : int or None
        Points an axis; None: as many as the log-likelihood needs to stand still.

    Raises
    ------
    ConvergenceError
        When the maximum is not reached, or the quadrature does not settle.
    NotEstimableError
        When a variance grows without bound.
    """
    ladder = _LADDER[problem.dimension]
    # A rule with second derivatives in closed form finds the place, also for a
    # coarser one, whose maximum is near.
    first = rule_of(ladder[0], problem.dimension)
    fit = max(
        (_maximise(problem, start, first) for start in starts),
        key=lambda found: found.log_likelihood,
    )
    if problem.dimension == 0:
        return fit
    if per_axis is not None:
        return _maximise(problem, fit.point, rule_of(per_axis, problem.dimension))
    for points in ladder[1:]:
        finer = _maximise(problem, fit.point, rule_of(points, problem.dimension))
        change = abs(finer.log_likelihood - fit.log_likelihood)
        if change <= _STILL * (1 + abs(finer.log_likelihood)):
            return finer
        fit = finer
    raise ConvergenceError(
        "the integral over the random effects does not settle with "
        f"{ladder[-1]} points; use an equal-effects model or give n_quadrature"
    )


def _maximise(problem: Problem, point: Point, rule: Rule) -> Fit:
    best = _integral(problem, point, rule)
    height = float(best.value.sum())
    for i in range(_STEPS):
        point = replace(point, mode=best.mode)
        # A search that takes long has too few nodes for Louis' formula.
        by_formula = rule.fine and i < _PATIENCE
        system = _system(problem, point, rule, best, by_formula=by_formula)
        step, decrement = _step(system)
        factor = 1.0
        while True:
            trial = _moved(point, step, factor)
            if np.abs(trial.theta).max(initial=0.0) > LARGEST_DEVIATION:
                raise NotEstimableError(
                    "the likelihood grows with the variance between trials without "
                    "bound: too many trials have nothing but events, or none, in an arm"
                )
            found = _integral(problem, trial, rule)
            taller = float(found.value.sum())
            if taller >= height - 1e-11 * (1 + abs(height)):
                break
            factor /= 2
            if factor < 1e-8:
                raise ConvergenceError("no step raises the likelihood")
        point, best, height = trial, found, taller
        if factor == 1.0 and decrement < _DECREMENT:
            point = replace(point, mode=best.mode)
            return _fit(problem, point, rule, best)
    raise ConvergenceError(f"the likelihood has no maximum after {_STEPS} steps")


def _integral(problem: Problem, point: Point, rule: Rule) -> Integral:
    return problem.integrand.integrate(
        problem.fixed(point.gamma, point.nu), point.theta, rule, point.mode
    )


@dataclass(frozen=True, slots=True)
class _System:
    """Score and information of (gamma, theta) and of the nuisance parameters."""

    score: FloatArray
    information: FloatArray
    own_score: FloatArray
    own_cross: FloatArray
    own_information: FloatArray


def _system(
    problem: Problem, point: Point, rule: Rule, found: Integral, *, by_formula: bool
) -> _System:
    """Return the score and the information in the parameters of the model."""
    hessian = found.hessian if by_formula else _differenced(problem, point, rule)
    k, arms, n = problem.shared.shape
    m = len(point.theta)
    to_model = np.zeros((k, arms + m, n + m))
    to_model[:, :arms, :n] = problem.shared
    to_model[:, arms:, n:] = np.eye(m)
    score = np.einsum("kp,kpn->n", found.gradient, to_model)
    information = -np.einsum("kpn,kpq,kqr->nr", to_model, hessian, to_model)
    if problem.own is None:
        empty = np.zeros(0)
        return _System(score, information, empty, np.zeros((0, n + m)), empty)
    inner = hessian[:, :arms, :arms]
    return _System(
        score,
        information,
        np.einsum("kj,kj->k", found.gradient[:, :arms], problem.own),
        -np.einsum("kj,kjq,kqn->kn", problem.own, hessian[:, :arms], to_model),
        -np.einsum("kj,kji,ki->k", problem.own, inner, problem.own),
    )


def _differenced(problem: Problem, point: Point, rule: Rule) -> FloatArray:
    """Return second derivatives of a coarse rule: differences of its exact gradient.

    The parameters phi of the trials are moved in all trials at once; central
    differences of two lengths leave an error of the fourth power of the length.
    """
    fixed = problem.fixed(point.gamma, point.nu)
    arms = fixed.shape[1]
    size = arms + len(point.theta)
    hessian = np.empty((len(fixed), size, size))

    def gradient(which: int, length: float) -> FloatArray:
        o, theta = fixed.copy(), point.theta.copy()
        if which < arms:
            o[:, which] += length
        else:
            theta[which - arms] += length
        return problem.integrand.integrate(o, theta, rule, point.mode).gradient

    for p in range(size):
        h = _DIFFERENCE
        near = (gradient(p, h) - gradient(p, -h)) / (2 * h)
        far = (gradient(p, 2 * h) - gradient(p, -2 * h)) / (4 * h)
        hessian[:, :, p] = (4 * near - far) / 3
    return (hessian + hessian.transpose(0, 2, 1)) / 2


@dataclass(frozen=True, slots=True)
class _Step:
    shared: FloatArray
    own: FloatArray


def _reduced(system: _System) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return score and information without the nuisance parameters, and their own."""
    own = np.maximum(system.own_information, 1e-12)
    score = system.score - system.own_cross.T @ (system.own_score / own)
    information = system.information - system.own_cross.T @ (
        system.own_cross / own[:, None]
    )
    return score, information, own


def _step(system: _System) -> tuple[_Step, float]:
    """Return the step to the maximum of a concave quadratic, and the decrement."""
    score, information, own = _reduced(system)
    value, vector = np.linalg.eigh((information + information.T) / 2)
    # Where the likelihood is not concave (in theta) the step goes uphill all the same.
    safe = np.maximum(np.abs(value), 1e-10 * np.abs(value).max(initial=1e-300))
    shared = vector @ ((vector.T @ score) / safe)
    longest = np.abs(shared).max(initial=0.0)
    decrement = float(score @ shared)
    if longest > 2.0:
        shared *= 2.0 / longest
    rest = system.own_score - system.own_cross @ shared
    decrement += float((system.own_score**2 / own).sum())
    return _Step(shared, np.clip(rest / own, -4.0, 4.0)), decrement


def _moved(point: Point, step: _Step, factor: float) -> Point:
    n = len(point.gamma)
    nu = point.nu + factor * step.own if len(step.own) else point.nu
    return replace(
        point,
        gamma=point.gamma + factor * step.shared[:n],
        theta=point.theta + factor * step.shared[n:],
        nu=nu,
    )


def _fit(problem: Problem, point: Point, rule: Rule, found: Integral) -> Fit:
    system = _system(problem, point, rule, found, by_formula=rule.fine)
    _, information, own = _reduced(system)
    nuisance = np.column_stack([system.own_cross, own])
    return Fit(
        point=point,
        log_likelihood=float(found.value.sum()),
        at_modes=float(found.at_mode.sum()),
        information=(information + information.T) / 2,
        nuisance=nuisance,
        per_axis=rule.per_axis,
    )
