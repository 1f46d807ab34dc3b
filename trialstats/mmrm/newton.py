"""Newton's method with a safeguard, its start, and the stop that SAS uses.

Steps follow the observed second derivatives where they are positive definite, the
expected ones (Fisher scoring) elsewhere, and damped ones where these are singular. A
step is halved until the covariance is positive definite and ``-2 l`` falls. The last
step is taken in full, so that the solution is exact to rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import numpy as np
from scipy import linalg

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.linear_model import FloatArray
from trialstats.mmrm.likelihood import Curvature, Likelihood, Solution
from trialstats.mmrm.pseudo_subjects import PseudoSubjects
from trialstats.mmrm.structures import STRUCTURES
from trialstats.randomness import stream

#: The Newton decrement ``g' H^-1 g``, in units of ``-2 l``, at which the next step is
#: the last: the error after it is about the square.
_LAST_STEP = 1e-9
#: Decrement from which a full step needs no check: rounding hides the fall of ``-2 l``.
_UNCHECKED = 1e-6
_ITERATIONS = 200
_HALVINGS = 40
#: Share of the predicted fall of ``-2 l`` that a step has to reach.
_FALL = 1e-4
#: The covariance is looked at after a step below this share, and every so often.
_SMALL_STEP, _WATCHED = 1e-2, 10
#: A climb of more iterations is repeated from other starts; a maximum is another one
#: when ``-2 l`` is lower by this.
_FEW, _HIGHER = 8, 1e-6
#: So many observations beyond the coefficients for each parameter are ample: with fewer
#: every fit is repeated from other starts. So many of these are drawn at random.
_AMPLE, _N_DRAWN = 10, 8
#: Factors of the usual start of a spatial range.
_OTHER_RANGES = (0.3, 3.0, 10.0)
#: Steps and decrements that lead nowhere.
_NO_STEP, _NIL = 1e-5, 1e-12
#: Smallest curvature of a damped step, relative to that of each parameter.
_DAMPING = 1e-4

#: SAS stops when the decrement is below this share of ``-2 l`` without its constant.
SAS_CRITERION = 1e-8
_SAS_ITERATIONS = 50


class Watch(Protocol):
    """Raises when the covariance of a solution is singular."""

    def __call__(self, at: Solution, *, stopped: bool = False) -> None:
        """Look at a solution; `stopped` where no step leads further."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One row of the history of a fit.

    ``decrement`` is ``g' H^-1 g`` before the step, ``step`` the share of the full step
    that was taken, and ``derivatives`` which second derivatives gave its direction.
    """

    iteration: int
    minus_two_log_likelihood: float
    decrement: float
    step: float
    derivatives: str


def start_values(likelihood: Likelihood) -> FloatArray:
    """Return feasible start values: the structure nearest to the moments.

    The moments are the minimum-variance quadratic unbiased estimates of all variances
    and covariances at identity (MIVQUE0), shrunk to their diagonal as far as needed.

    Raises
    ------
    ConvergenceError
        When not even variances without covariances are feasible.
    """
    structure = likelihood.structure
    moments = _moments(likelihood)
    for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
        parts = []
        for g, moment in enumerate(moments):
            shrunk = (1 - share) * moment + share * np.diag(np.diag(moment))
            deviation = np.sqrt(np.diag(shrunk))
            correlation = shrunk / np.outer(deviation, deviation)
            if np.linalg.eigvalsh(correlation)[0] <= 1e-6:
                break
            parts.append(structure.start(shrunk, likelihood.distance(g)))
        if len(parts) < len(moments):
            continue
        theta = np.concatenate(parts)
        if likelihood.solve(theta) is not None:
            return theta
    raise ConvergenceError("No start values are a positive definite covariance.")


def _moments(likelihood: Likelihood) -> list[FloatArray]:
    """Return the estimated covariance of the residuals of each group, (t, t)."""
    data, t = likelihood.data, likelihood.t
    if likelihood.structure.spatial:
        residual = data.rows[:, :, -1]
        variance = float((residual**2).sum()) / (data.n_observations - likelihood.p)
        return [variance * np.eye(t)] * data.n_groups
    theta = mivque(data)
    result = []
    for part, squares in zip(
        theta.reshape(data.n_groups, -1), _mean_squares(data), strict=True
    ):
        moment = STRUCTURES["unstructured"].matrix(part, np.zeros((t, t)))
        # The unbiased estimates may be negative; mean squares are not.
        np.fill_diagonal(moment, np.maximum(np.diag(moment), squares / 10))
        result.append(moment)
    return result


def _mean_squares(data: PseudoSubjects) -> FloatArray:
    """Return the mean squared residual of each group at each visit, (groups, t).

    Where a residual is nil, a share of the others stands in: the maximum decides
    whether the variance is zero.
    """
    place = data.group[data.block]
    sums = np.zeros((data.n_groups, data.rows.shape[1]))
    np.add.at(sums, place, data.rows[:, :, -1] ** 2)
    counts = np.zeros_like(sums)
    np.add.at(counts, data.group, data.counts[:, None] * data.observed)
    squares = sums / np.maximum(counts, 1)
    floor = 1e-4 * float(sums.sum() / counts.sum())
    return np.where(squares > data.rounding**2, squares, floor)


def mivque(data: PseudoSubjects) -> FloatArray:
    """Return the MIVQUE0 estimates of an unstructured covariance, group by group."""
    saturated = Likelihood(data, STRUCTURES["unstructured"], reml=True)
    t = saturated.t
    k = t * (t + 1) // 2 * data.n_groups
    identity = np.broadcast_to(np.eye(t), (len(data.observed), t, t))
    at = saturated.solve_at(np.zeros(k), identity)
    if at is None:
        raise ConvergenceError("The least-squares fit broke down.")
    curvature = saturated.curvature(at)
    squares = curvature.products[:, -1, -1]
    return np.asarray(np.linalg.lstsq(curvature.expected, squares, rcond=1e-10)[0])


def _other_starts(likelihood: Likelihood) -> Iterator[FloatArray]:
    """Yield start values far from the moments: other correlations, other ranges."""
    structure, t = likelihood.structure, likelihood.t
    moments = _moments(likelihood)
    ranges = _OTHER_RANGES if structure.spatial else repeat(1.0)
    for correlation, reach in zip(_correlations(t), ranges, strict=False):
        parts = []
        for g, moment in enumerate(moments):
            deviation = np.sqrt(np.diag(moment))
            part = structure.start(
                np.outer(deviation, deviation) * correlation, likelihood.distance(g)
            )
            if structure.spatial:
                part[-1] *= reach
            parts.append(part)
        theta = np.concatenate(parts)
        if likelihood.solve(theta) is not None:
            yield theta


def _correlations(t: int) -> Iterator[FloatArray]:
    """Yield correlation matrices: three of equal correlations, then drawn ones."""
    for correlation in (0.0, 0.5, -0.8 / max(t - 1, 1)):
        yield correlation + (1 - correlation) * np.eye(t)
    for factor in stream(0, "starts").standard_normal((_N_DRAWN, t, t + 1)):
        product = factor @ factor.T
        deviation = np.sqrt(np.diag(product))
        yield product / np.outer(deviation, deviation)


def maximise(
    likelihood: Likelihood, theta: FloatArray, watch: Watch
) -> tuple[Solution, Curvature, tuple[Iteration, ...]]:
    """Return the solution at the highest likelihood, its derivatives, and the history.

    Few data can give a likelihood several maxima. Where the data are few (`_ample`), or
    the way up is not that of a likelihood with one (`_straight`), others are looked for
    from other starts.

    Parameters
    ----------
    likelihood : Likelihood
    theta : (k,) array
        Start values.
    watch : Watch
        Raises when the covariance of a solution is singular. It is asked where the
        iterations stop or are slow, and where residuals are predicted to rounding.

    Raises
    ------
    ConvergenceError
        When the iterations end before the maximum, with what stopped them.
    NotEstimableError
        When the data do not identify a parameter.
    """
    best, stopped = None, None
    try:
        best = _climb(likelihood, theta, watch)
    except ConvergenceError as error:
        stopped = error
    if best is not None and _ample(likelihood, len(theta)) and _straight(best[2]):
        return best
    for start in _other_starts(likelihood):
        try:
            found = _climb(likelihood, start, watch)
        except (ConvergenceError, NotEstimableError):
            continue
        if best is None or found[0].objective < best[0].objective - _HIGHER:
            best = found
    if best is None:
        raise stopped or ConvergenceError("No start leads to a maximum.")
    return best


def _ample(likelihood: Likelihood, n_parameters: int) -> bool:
    """Return whether the data are too many for a second maximum.

    An unstructured covariance shows none even with few, and would be the slowest.
    """
    free = likelihood.data.n_observations - likelihood.p
    unstructured = likelihood.structure is STRUCTURES["unstructured"]
    return unstructured or free >= _AMPLE * n_parameters


def _straight(history: tuple[Iteration, ...]) -> bool:
    """Return whether few, full Newton steps have led to the maximum."""
    return len(history) <= _FEW and all(
        row.step == 1 and row.derivatives == "observed" for row in history[1:]
    )


def _climb(
    likelihood: Likelihood, theta: FloatArray, watch: Watch
) -> tuple[Solution, Curvature, tuple[Iteration, ...]]:
    """Return the maximum that Newton's method finds from one start."""
    at = likelihood.solve(theta)
    if at is None:
        raise ConvergenceError(
            "The start values are not a positive definite covariance."
        )
    history: list[Iteration] = []
    for number in range(_ITERATIONS):
        curvature = likelihood.curvature(at)
        found = _search(likelihood, at, curvature, number, history)
        if found is None:
            watch(at, stopped=True)
            raise _stuck(curvature, history[-1])
        at = found
        if _at_rounding(likelihood.data, at) or _slow(history[-1]):
            watch(at)
        if history[-1].decrement < _LAST_STEP and history[-1].derivatives == "observed":
            return at, likelihood.curvature(at), tuple(history)
        if _stands(history):
            watch(at, stopped=True)
            raise _stuck(curvature, history[-1])
    watch(at, stopped=True)
    raise ConvergenceError(
        f"The likelihood still rises after {_ITERATIONS} iterations."
    )


def _at_rounding(data: PseudoSubjects, at: Solution) -> bool:
    """Return whether some visit is predicted by the others to rounding.

    The inverse covariance holds the reciprocals of the variances that are left.
    """
    precision = float(np.diagonal(at.inverse, axis1=1, axis2=2).max())
    return precision * data.rounding**2 > 1


def _slow(last: Iteration) -> bool:
    """Return whether an iteration looks like one towards a singular covariance."""
    return last.step < _SMALL_STEP or last.iteration % _WATCHED == _WATCHED - 1


def _stands(history: list[Iteration]) -> bool:
    """Return whether the iterations stand still where there is no maximum."""
    if history[-1].decrement < _NIL:
        return True
    return len(history) >= _WATCHED and all(
        row.step < _NO_STEP for row in history[-_WATCHED:]
    )


def _stuck(curvature: Curvature, last: Iteration) -> Exception:
    """Return why no step raises the likelihood."""
    flat = last.derivatives != "observed" and last.decrement < _UNCHECKED
    if flat and direction(curvature.observed, curvature.gradient) is None:
        return NotEstimableError(
            "The data do not identify every covariance parameter: the information is "
            "singular. A simpler covariance structure has fewer parameters."
        )
    return ConvergenceError(
        f"No step raises the likelihood further after {last.iteration} iterations, and "
        f"the gradient is not zero (decrement {last.decrement:.2g})."
    )


def _search(
    likelihood: Likelihood,
    at: Solution,
    curvature: Curvature,
    number: int,
    history: list[Iteration],
) -> Solution | None:
    """Return the next solution along the best direction, and write the history."""
    for name in ("observed", "expected", "damped"):
        step = _direction(name, curvature)
        if step is None:
            continue
        decrement = float(-curvature.gradient @ step)
        size = 1.0
        for _ in range(_HALVINGS):
            new = likelihood.solve(at.theta + size * step)
            if new is not None and (
                new.objective <= at.objective - _FALL * size * decrement
                or (name == "observed" and decrement < _UNCHECKED and size == 1.0)
            ):
                history.append(Iteration(number, at.objective, decrement, size, name))
                return new
            size /= 2
        history.append(Iteration(number, at.objective, decrement, 0.0, name))
    return None


def _direction(name: str, curvature: Curvature) -> FloatArray | None:
    if name == "damped":
        return damped(curvature.expected, curvature.gradient)
    return direction(getattr(curvature, name), curvature.gradient)


def direction(second: FloatArray, gradient: FloatArray) -> FloatArray | None:
    """Return ``-H^-1 g``; None where H is not safely positive definite."""
    diagonal = np.diag(second)
    if not np.isfinite(second).all() or (diagonal <= 0).any():
        return None
    scale = 1 / np.sqrt(diagonal)
    try:
        factor = linalg.cho_factor(second * np.outer(scale, scale), lower=True)
    except linalg.LinAlgError:
        return None
    if np.diag(factor[0]).min() < 1e-7:
        return None
    return np.asarray(-scale * linalg.cho_solve(factor, scale * gradient))


def damped(second: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return a descent where the second derivatives are singular.

    Directions along which the information is nil are taken as if it were small.
    """
    diagonal = np.diag(second)
    positive = diagonal > 0
    scale = np.where(positive, 1 / np.sqrt(np.where(positive, diagonal, 1.0)), 0.0)
    values, vectors = np.linalg.eigh(second * np.outer(scale, scale))
    values = np.maximum(np.abs(values), _DAMPING)
    return np.asarray(-scale * (vectors @ ((vectors.T @ (scale * gradient)) / values)))


def maximise_as_sas(
    likelihood: Likelihood, theta: FloatArray
) -> tuple[Solution, Curvature, tuple[Iteration, ...]]:
    """Stop where SAS stops: at the first iterate whose relative decrement is small.

    PROC MIXED starts at MIVQUE0, takes Newton steps, and stops before the step whose
    decrement, relative to ``-2 l`` without its constant, is below 1e-8.
    """
    at = likelihood.solve(theta)
    if at is None:
        raise ConvergenceError(
            "The MIVQUE0 start is not a positive definite covariance."
        )
    free = likelihood.data.n_observations - (likelihood.p if likelihood.reml else 0)
    history: list[Iteration] = []
    for number in range(_SAS_ITERATIONS):
        curvature = likelihood.curvature(at)
        step = direction(curvature.observed, curvature.gradient)
        if step is None:
            raise ConvergenceError("The second derivatives are not positive definite.")
        decrement = float(-curvature.gradient @ step)
        size = abs(at.objective - free * np.log(2 * np.pi))
        history.append(
            Iteration(number, at.objective, decrement / size, 1.0, "observed")
        )
        if decrement / size < SAS_CRITERION:
            return at, curvature, tuple(history)
        new = likelihood.solve(at.theta + step)
        if new is None:
            raise ConvergenceError("A Newton step left the positive definite matrices.")
        at = new
    raise ConvergenceError(f"No convergence after {_SAS_ITERATIONS} iterations.")
