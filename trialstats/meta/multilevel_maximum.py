"""Climb to the highest point of a likelihood in a box, from several starts.

Newton's method on the parameters that are not held by a bound, with the exact
Hessian; where that is not negative definite its eigenvalues are turned downwards. A
bound holds a parameter when the likelihood rises beyond it, so zero variances come out
as zero.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import BoolArray, FloatArray

#: Newton decrement (twice the gain that is left) at which the climb ends.
ENOUGH = 1e-16
#: A climb that cannot go on is at the top when no more than this is left.
NEAR_ENOUGH = 1e-9
LONGEST = 300
#: Climbs that reach a top, from the highest starts.
CLIMBS = 5


class HasSlope(Protocol):
    """Score, Hessian and expected information."""

    @property
    def score(self) -> FloatArray:
        """Score, (t,)."""

    @property
    def hessian(self) -> FloatArray:
        """Hessian, (t, t)."""

    @property
    def information(self) -> FloatArray:
        """Expected information, (t, t)."""


@dataclass(frozen=True)
class Surface:
    """A function to climb: its value (-inf outside) and its slope, with bounds.

    `same` gives other parameters of the same point, where some are redundant.
    """

    value: Callable[[FloatArray], float]
    slope: Callable[[FloatArray], HasSlope]
    lower: FloatArray
    upper: FloatArray
    same: Callable[[FloatArray], Iterable[FloatArray]] = lambda theta: ()


@dataclass(frozen=True)
class Top:
    """The highest point found.

    ``free`` are the parameters that no bound holds.
    """

    theta: FloatArray
    value: float
    slope: HasSlope
    free: BoolArray


def highest(surface: Surface, starts: Iterable[FloatArray], *, what: str) -> Top:
    """Return the highest of the tops that the starts lead to.

    Raises
    ------
    ConvergenceError
        When no start leads to a top.
    """
    ranked = sorted(starts, key=surface.value, reverse=True)
    tops: list[Top] = []
    reason = "no start"
    for start in ranked:
        if len(tops) == CLIMBS:
            break
        try:
            tops.append(climb(surface, start))
        except ConvergenceError as error:
            reason = str(error)
    if not tops:
        raise ConvergenceError(f"{what} did not converge: {reason}")
    return max(tops, key=lambda top: top.value)


def climb(surface: Surface, start: FloatArray) -> Top:
    """Climb from one start.

    Raises
    ------
    ConvergenceError
        When the climb is stuck, runs away or takes too long.
    """
    theta = np.clip(start, surface.lower, surface.upper)
    value = surface.value(theta)
    if not np.isfinite(value):
        raise ConvergenceError("the likelihood does not exist at the start")
    for _ in range(LONGEST):
        slope = surface.slope(theta)
        step, free = _step(surface, theta, slope)
        gain = float(slope.score @ step)
        if gain <= ENOUGH:
            other = _way_out(surface, theta)
            if other is not None:
                theta = other
                value = surface.value(theta)
                continue
            return _polished(surface, Top(theta, value, slope, free), step)
        moved = _search(surface, theta, value, step, slope.score, gain)
        if moved is None:
            if gain <= NEAR_ENOUGH:
                return Top(theta, value, slope, free)
            raise ConvergenceError(f"no ascent with {gain:.2g} left to gain")
        theta, value = moved
        if np.abs(theta).max() > 1e12:
            raise ConvergenceError("a parameter runs away")
    raise ConvergenceError(f"no top after {LONGEST} steps")


def _way_out(surface: Surface, theta: FloatArray) -> FloatArray | None:
    """Return other parameters of a point from which the surface rises after all."""
    for other in surface.same(theta):
        step, _ = _step(surface, other, surface.slope(other))
        if float(surface.slope(other).score @ step) > NEAR_ENOUGH:
            return other
    return None


def _polished(surface: Surface, top: Top, step: FloatArray) -> Top:
    """Take the last step when it brings the score nearer to zero."""
    theta = np.clip(top.theta + step, surface.lower, surface.upper)
    value = surface.value(theta)
    if not np.isfinite(value) or not step.any():
        return top
    slope = surface.slope(theta)
    after, free = _step(surface, theta, slope)
    if abs(slope.score @ after) <= abs(top.slope.score @ step):
        return Top(theta, value, slope, free)
    return top


def _step(
    surface: Surface, theta: FloatArray, slope: HasSlope
) -> tuple[FloatArray, BoolArray]:
    """Return the Newton step of the free parameters, and which are free."""
    score = slope.score
    at_lower, at_upper = theta <= surface.lower, theta >= surface.upper
    free = ~((at_lower & (score <= 0)) | (at_upper & (score >= 0)))
    step = np.zeros_like(theta)
    while free.any():
        step[:] = 0
        step[free] = _direction(slope, free)
        # A step that a bound would cut off holds its parameter after all.
        blocked = free & ((at_lower & (step < 0)) | (at_upper & (step > 0)))
        if not blocked.any():
            break
        free = free & ~blocked
    return (step if free.any() else np.zeros_like(theta)), free


def _direction(slope: HasSlope, free: BoolArray) -> FloatArray:
    """Return an ascent direction: Newton's where the surface bends down."""
    score = slope.score[free]
    bend = -slope.hessian[np.ix_(free, free)]
    scale = np.sqrt(np.maximum(np.abs(np.diag(bend)), 1e-300))
    scale = np.maximum(
        scale, np.sqrt(np.maximum(np.diag(slope.information)[free], 1e-300)) * 1e-6
    )
    scaled = bend / np.outer(scale, scale)
    roots, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    steep = np.maximum(np.abs(roots), 1e-9 * max(1.0, float(np.abs(roots).max())))
    along = vectors.T @ (score / scale)
    return np.asarray((vectors @ (along / steep)) / scale)


def _search(
    surface: Surface,
    theta: FloatArray,
    value: float,
    step: FloatArray,
    score: FloatArray,
    gain: float,
) -> tuple[FloatArray, float] | None:
    """Return the first point on the way, halved and halved again, that is higher."""
    share = 1.0
    # Below this the value of the likelihood has no digits left to compare.
    noise = 1e-13 * (1 + abs(value))
    for _ in range(50):
        point = np.clip(theta + share * step, surface.lower, surface.upper)
        found = surface.value(point)
        wanted = 1e-4 * float(score @ (point - theta))
        if np.isfinite(found) and found >= value + wanted - noise:
            return point, found
        share /= 2
    return None
