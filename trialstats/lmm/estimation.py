"""The maximum of the (restricted) likelihood over covariances of random effects.

    G_f = Lambda_f Lambda_f',   sigma^2 = rho^2,   lambda = (Lambda_1, ..., rho)

Steps are Newton's in ``lambda``, where every value is feasible and a boundary (a
variance at zero, a correlation at +-1) is an ordinary point: the natural parameters are
quadratic in it, ``theta_k = lambda' H_k lambda / 2``, so the chain rule carries their
exact derivatives over. Directions of negative curvature are turned (absolute
eigenvalues), steps are halved until the likelihood rises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trialstats.linear_model import FloatArray
from trialstats.lmm.likelihood import Evaluation, evaluate
from trialstats.lmm.rotation import Places, Rotated

#: Rise of the deviance that a Newton step promises, below which it is the last: the
#: step after it would be smaller than the rounding of the first.
LAST_RISE = 1e-9

MAX_ITERATIONS = 100

#: A variance of random effects is zero when it is smaller than this share of what the
#: residual alone would let it appear to be; an estimate that is pressed against the
#: boundary is smaller by many powers of ten.
ZERO_VARIANCE = 1e-8

#: Eigenvalue of a correlation matrix of random effects that counts as zero.
ZERO_EIGENVALUE = 1e-7

#: Residual variance, in units of the variance that the fixed effects leave, at which a
#: search that can get no further has run into the boundary.
VANISHING = 1e-6

#: Smallest eigenvalue of the matrices of the start, in units of the residual variance.
START_EIGENVALUE = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation of the iteration: deviance, largest change, times halved."""

    deviance: float
    change: float
    halvings: int


@dataclass(frozen=True, slots=True)
class Maximum:
    """The estimate: natural parameters, likelihood there, way to it."""

    theta: FloatArray
    evaluation: Evaluation
    history: tuple[Step, ...]


class Shape:
    """The matrices ``G_f`` of a random part, and where their parameters stand.

    Parameters
    ----------
    sizes : sequence of int
        Effects per factor.
    correlated : sequence of bool
        Whether the effects of a factor have covariances.
    """

    def __init__(self, sizes: Sequence[int], correlated: Sequence[bool]) -> None:
        self.sizes = tuple(sizes)
        self.places: Places = []
        for factor, (size, full) in enumerate(zip(sizes, correlated, strict=True)):
            self.places += [
                (factor, i, j)
                for i in range(size)
                for j in range(i + 1)
                if full or i == j
            ]
        n = len(self.places)
        #: ``H_k``: second derivatives of theta_k by lambda.
        self.bends = np.zeros((n + 1, n + 1, n + 1))
        self.bends[n, n, n] = 2.0
        for k, (factor, i, j) in enumerate(self.places):
            for a, (owner, row, column) in enumerate(self.places):
                for b, (other, row_b, column_b) in enumerate(self.places):
                    if owner == other == factor and column == column_b:
                        here = (row == i and row_b == j) + (row == j and row_b == i)
                        self.bends[k, a, b] = here

    def matrices(self, theta: FloatArray) -> list[FloatArray]:
        """Return ``G_f`` of the natural parameters."""
        found = [np.zeros((size, size)) for size in self.sizes]
        for (factor, i, j), value in zip(self.places, theta[:-1], strict=True):
            found[factor][i, j] = found[factor][j, i] = value
        return found

    def roots(self, theta: FloatArray) -> FloatArray:
        """Return ``lambda`` of natural parameters whose matrices are definite."""
        factors = [np.linalg.cholesky(g) for g in self.matrices(theta)]
        values = [factors[f][i, j] for f, i, j in self.places]
        return np.array([*values, theta[-1] ** 0.5])

    def natural(self, roots: FloatArray) -> FloatArray:
        """Return theta of ``lambda``."""
        return np.asarray(0.5 * (self.bends @ roots) @ roots)

    def feasible(self, theta: FloatArray, least: float) -> FloatArray:
        """Return theta with eigenvalues of at least `least`."""
        raised = theta.copy()
        for f, g in enumerate(self.matrices(theta)):
            values, vectors = np.linalg.eigh(g)
            if values[0] < least:
                g = (vectors * np.maximum(values, least)) @ vectors.T
                for k, (owner, i, j) in enumerate(self.places):
                    if owner == f:
                        raised[k] = g[i, j]
        return raised


def equal_variances(shape: Shape) -> FloatArray:
    """Return theta with random variances and residual variance of one."""
    return np.array([*(float(i == j) for _, i, j in shape.places), 1.0])


def moments(shape: Shape, reference: Evaluation) -> FloatArray:
    """Return the estimate by moments with the weights of an evaluation (MINQUE).

    Solves ``sum_l tr(P V_k P V_l) theta_l = y' P V_k P y``: in balanced data the
    estimates of the analysis of variance.
    """
    theta = np.asarray(np.linalg.solve(reference.expected, reference.quadratic))
    theta[-1] = max(theta[-1], START_EIGENVALUE)
    return shape.feasible(theta, START_EIGENVALUE * theta[-1])


def maximise(
    rotated: Rotated, shape: Shape, start: FloatArray, *, restricted: bool
) -> Maximum | None:
    """Return the maximum that Newton steps reach from natural parameters, if any."""
    roots = shape.roots(start)
    here = evaluate(rotated, start, restricted=restricted)
    if here is None:
        return None
    history = [Step(here.deviance, np.inf, 0)]
    for _ in range(MAX_ITERATIONS):
        step, rise = _newton_step(shape, roots, here)
        last = rise < LAST_RISE
        roots, found, halvings = _along(
            rotated, shape, roots, here, step, restricted=restricted, whole=last
        )
        if found is None:
            if roots[-1] ** 2 < VANISHING:
                # The steps end at a residual variance of zero.
                return Maximum(shape.natural(roots), here, tuple(history))
            break
        here = found
        history.append(Step(here.deviance, float(np.abs(step).max()), halvings))
        if last:
            return Maximum(shape.natural(roots), here, tuple(history))
    return None


def _newton_step(
    shape: Shape, roots: FloatArray, here: Evaluation
) -> tuple[FloatArray, float]:
    """Return the step in ``lambda`` and the fall of the deviance that it promises."""
    slopes = shape.bends @ roots
    gradient = here.gradient @ slopes
    curvature = slopes.T @ here.curvature @ slopes
    curvature = curvature + np.tensordot(here.gradient, shape.bends, axes=1)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    size = np.maximum(np.abs(values), 1e-10 * np.abs(values).max())
    along = vectors.T @ gradient
    step = -vectors @ (along / size)
    # A step longer than the parameters themselves leaves the region that the
    # second derivatives describe.
    longest = float(np.linalg.norm(step) / np.linalg.norm(roots))
    return step / max(1.0, longest), float((along**2 / size).sum())


def _along(
    rotated: Rotated,
    shape: Shape,
    roots: FloatArray,
    here: Evaluation,
    step: FloatArray,
    *,
    restricted: bool,
    whole: bool,
) -> tuple[FloatArray, Evaluation | None, int]:
    """Return the first point along a step where the deviance falls."""
    share = 1.0
    for halvings in range(40):
        trial = roots + share * step
        found = evaluate(rotated, shape.natural(trial), restricted=restricted)
        if found is not None and (whole or found.deviance < here.deviance):
            return trial, found, halvings
        share /= 2
    return roots, None, 40
