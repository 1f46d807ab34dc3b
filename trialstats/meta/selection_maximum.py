"""Where the likelihood of a selection model is highest.

Newton steps with the analytic Hessian, damped until the likelihood rises, inside
bounds; from several starts, as the likelihood can have several maxima.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.selection_likelihood import Evaluated, SelectionLikelihood

_ITERATIONS = 500

#: Twice the rise in log-likelihood that a Newton step promises, at the end.
_SETTLED = 1e-18

#: Weights on the log scale, and those that may be zero, stay inside these.
LARGEST_LOG, LARGEST = math.log(1e5), 1e4


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """A maximum in (b, tau2, d).

    `free` are the parameters that were varied; `at_bound` those of them that ended on
    a bound.
    """

    parameters: FloatArray
    evaluated: Evaluated
    free: BoolArray
    at_bound: BoolArray

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood."""
        return self.evaluated.value


@dataclass(frozen=True, slots=True, eq=False)
class _Working:
    """The likelihood in parameters for the search.

    Coefficients of orthogonal columns and tau2 in units of a typical standard error,
    so that the search is the same whatever the units of the trials; logarithms of
    weights that are positive.
    """

    likelihood: SelectionLikelihood
    free: BoolArray
    #: (b, tau2) = linear @ their working values.
    linear: FloatArray
    logged: BoolArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, likelihood: SelectionLikelihood, free: BoolArray) -> "_Working":
        """Return the working likelihood."""
        count, family = likelihood.fixed_effects, likelihood.family
        k = len(likelihood.effect)
        typical = k / math.fsum(1 / likelihood.variance)
        upper = np.linalg.qr(likelihood.design, mode="r")
        linear = np.zeros((count + 1, count + 1))
        linear[:count, :count] = math.sqrt(k * typical) * np.linalg.inv(upper)
        linear[count, count] = typical
        logged = np.zeros(likelihood.size, dtype=np.bool_)
        logged[count + 1 :] = family.positive
        low = np.full(likelihood.size, -np.inf)
        high = np.full(likelihood.size, np.inf)
        low[count] = 0.0
        low[count + 1 :] = -LARGEST_LOG if family.positive else 0.0
        high[count + 1 :] = LARGEST_LOG if family.positive else LARGEST
        return cls(likelihood, free, linear, logged, low, high)

    def natural(self, working: FloatArray) -> FloatArray:
        """Return (b, tau2, d) of working values."""
        first = len(self.linear)
        natural = np.where(
            self.logged, np.exp(np.where(self.logged, working, 0)), working
        )
        natural[:first] = self.linear @ working[:first]
        return natural

    def working(self, natural: FloatArray) -> FloatArray:
        """Return the working values of (b, tau2, d)."""
        first = len(self.linear)
        working = np.where(
            self.logged, np.log(np.where(self.logged, natural, 1)), natural
        )
        working[:first] = np.linalg.solve(self.linear, natural[:first])
        return np.clip(working, self.low, self.high)

    def at(self, working: FloatArray) -> Evaluated:
        """Return the likelihood and its derivatives in the working values."""
        natural = self.natural(working)
        # Where all outcomes have the weight zero the likelihood is none, and the climb
        # turns back.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = self.likelihood.at(natural)
            return self._chained(found, natural)

    def _chained(self, found: Evaluated, natural: FloatArray) -> Evaluated:
        first = len(self.linear)
        chain = np.diag(np.where(self.logged, natural, 1.0))
        chain[:first, :first] = self.linear
        gradient = chain.T @ found.gradient
        hessian = chain.T @ found.hessian @ chain
        hessian += np.diag(np.where(self.logged, gradient, 0.0))
        return Evaluated(found.value, gradient, hessian)


def maxima(
    likelihood: SelectionLikelihood,
    starts: Iterable[FloatArray],
    free: BoolArray,
) -> list[Maximum]:
    """Return the maxima that are reached from `starts`, the highest first.

    Parameters
    ----------
    likelihood : SelectionLikelihood
    starts : iterable of ndarray
        Values of (b, tau2, d); those not `free` stay.
    free : ndarray of bool

    Raises
    ------
    ConvergenceError
        When no start leads to a maximum.
    """
    working = _Working.of(likelihood, free)
    found = [
        result
        for start in starts
        if (result := _climb(working, working.working(start))) is not None
    ]
    if not found:
        raise ConvergenceError(
            "the likelihood of the selection model has no maximum that the search "
            "reaches; use fewer steps or another weight function"
        )
    found.sort(key=lambda result: -result.log_likelihood)
    distinct = found[:1]
    for result in found[1:]:
        if not any(_same(result, other) for other in distinct):
            distinct.append(result)
    return distinct


def _same(one: Maximum, other: Maximum) -> bool:
    """Return whether two maxima are one: equally high but for rounding."""
    return abs(one.log_likelihood - other.log_likelihood) < 1e-7


def _climb(working: _Working, at: FloatArray) -> Maximum | None:
    """Return the maximum uphill from a start, or nothing when the climb stops early."""
    low, high = working.low, working.high
    here = working.at(at)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        moving = _moving(working.free, at, here.gradient, low, high)
        step, promised, curved = _step(here, moving, damping)
        if promised <= _SETTLED and curved:
            bound = working.free & ~moving
            # The step that is left polishes the last digits.
            natural = working.natural(np.clip(at + step, low, high))
            evaluated = working.likelihood.at(natural)
            return Maximum(natural, evaluated, working.free, bound)
        to = np.clip(at + step, low, high)
        there = working.at(to)
        # The last steps rise by less than the rounding of the sum.
        slack = 1e-13 * abs(here.value)
        if math.isfinite(there.value) and there.value >= here.value - slack:
            at, here = to, there
            damping = max(damping / 10, 1e-14)
        else:
            damping *= 10
            if damping > 1e12:
                return None
    return None


def _moving(
    free: BoolArray,
    at: FloatArray,
    gradient: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> BoolArray:
    """Return the free parameters that no bound holds back."""
    held = ((at <= low) & (gradient <= 0)) | ((at >= high) & (gradient >= 0))
    return free & ~held


def _step(
    here: Evaluated, moving: BoolArray, damping: float
) -> tuple[FloatArray, float, bool]:
    """Return a damped Newton step, the rise it promises, and whether it is a summit's.

    Directions in which the likelihood does not bend down are walked uphill.
    """
    step = np.zeros(len(moving))
    if not moving.any():
        return step, 0.0, True
    bend, axes = np.linalg.eigh(-here.hessian[np.ix_(moving, moving)])
    slope = axes.T @ here.gradient[moving]
    curved = bool(bend[0] > 1e-12 * bend[-1])
    floor = 1e-8 * max(1.0, float(np.abs(bend).max()))
    size = np.maximum(np.abs(bend), floor)
    promised = float(np.sum(slope**2 / size))
    # A step of at most 2 in any direction: beyond, the quadratic says nothing.
    walk = slope / (size * (1 + damping))
    longest = float(np.abs(walk).max())
    step[moving] = axes @ (walk * min(1.0, 2.0 / longest) if longest else walk)
    if damping > 1:
        step /= damping
    return step, promised, curved
