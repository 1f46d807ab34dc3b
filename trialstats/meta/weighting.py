"""Inverse-variance weighting that keeps its digits and ignores the order of trials.

Symbols: y_i the effect and v_i the sampling variance of trial i of k, x_i its row of
the design (1 without moderators), p coefficients, tau2 the between-trial variance,
w_i = 1/(v_i + tau2), W = diag(w), P = W - W X (X'WX)^-1 X'W.

Sums of w_i cancel when variances span many powers of ten: the most precise trial
fits itself, and what is left of it is a small difference of large numbers. The
remedy is an origin: p precise trials with linearly independent rows, the basis. They
are put first, effects are measured from the fit through them, and rows are expressed
in theirs (z_i = x_i X_B^-1, the identity for the basis). Then X'WX is diag(w_B) plus
the sum over the rest, and every quantity below follows without a cancelling
subtraction. Without moderators the basis is the most precise trial and z_i = 1.

Trials are sorted by variance, then effect, so that every sum is independent of the
order of the input, bit for bit. Arrays run over trials first and over fits last: n
sets of trials, or n values of tau2 of one set, are computed at a time.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trialstats.meta.inputs import FloatArray

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Trials:
    """Sorted trials of n fits.

    Attributes
    ----------
    deviation : ndarray of shape (k, n)
        Effects minus the fit through the basis; zero for the basis itself.
    variance : ndarray of shape (k, n)
        Sampling variances, the basis first, then ascending; infinite for a trial that
        is absent from a fit.
    rows : ndarray of shape (k, p, n) or None
        z_i; None without moderators.
    count : ndarray of shape (n,)
        Trials in each fit.
    origin : ndarray of shape (p, n)
        Effects of the basis.
    back : ndarray of shape (n, p, p) or None
        X_B^-1: coefficients are back @ (origin + those of the deviations).
    order : ndarray of shape (k, n)
        Position in the input of each trial.
    squares : ndarray of shape (n,)
        Unweighted sum of (y_i - mean)^2.
    """

    deviation: FloatArray
    variance: FloatArray
    rows: FloatArray | None
    count: FloatArray
    origin: FloatArray
    back: FloatArray | None
    order: IntArray
    squares: FloatArray

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return len(self.origin)

    @property
    def df(self) -> FloatArray:
        """Residual degrees of freedom k - p of each fit."""
        return self.count - self.p

    def take(self, fits: IntArray) -> "Trials":
        """Return some of the fits, each as often as it is named."""
        return replace(
            self,
            deviation=self.deviation[:, fits],
            variance=self.variance[:, fits],
            rows=None if self.rows is None else self.rows[:, :, fits],
            count=self.count[fits],
            origin=self.origin[:, fits],
            back=None if self.back is None else self.back[fits],
            order=self.order[:, fits],
            squares=self.squares[fits],
        )


class Weighted(Protocol):
    """Trials weighted at values of tau2; the first axis runs over trials."""

    @property
    def weight(self) -> FloatArray:
        """w_i, the shape (k, ...)."""

    @property
    def residual(self) -> FloatArray:
        """y_i less its fitted value, the shape (k, ...)."""

    @property
    def total(self) -> FloatArray:
        """Sum of w_i."""

    @property
    def q(self) -> FloatArray:
        """Generalised Q: y'Py."""

    @property
    def q_slope(self) -> FloatArray:
        """Minus the derivative of Q in tau2: y'PPy."""

    @property
    def q_curvature(self) -> FloatArray:
        """Half the second derivative of Q in tau2: y'PPPy."""

    @property
    def trace(self) -> FloatArray:
        """Trace of P."""

    @property
    def trace_of_square(self) -> FloatArray:
        """Trace of PP."""

    @property
    def log_determinant(self) -> FloatArray:
        """Logarithm of the determinant of X'WX, up to a constant of the design."""


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Trials without moderators.

    Attributes
    ----------
    weight, residual : ndarray of shape (k, ...)
    rest, second : ndarray of shape (...)
        Sums of w_i and of w_i^2 over all trials but the first.
    total, mean : ndarray of shape (...)
        W, and the weighted mean of the deviations.
    pull : ndarray of shape (k, ...)
        Py.
    """

    weight: FloatArray
    rest: FloatArray
    second: FloatArray
    total: FloatArray
    mean: FloatArray
    residual: FloatArray
    pull: FloatArray

    @property
    def q(self) -> FloatArray:
        """Quadratic form y'Py."""
        return _products(self.pull, self.residual)

    @property
    def q_slope(self) -> FloatArray:
        """Quadratic form y'PPy."""
        return _products(self.pull, self.pull)

    @property
    def q_curvature(self) -> FloatArray:
        """Quadratic form y'PPPy."""
        pull = self.pull
        centred = pull - _products(self.weight, pull) / self.total
        return _products(self.weight, pull, centred)

    @property
    def trace(self) -> FloatArray:
        """Sum of w_i (W - w_i) / W; W - w_0 is summed, the others are above W/2."""
        first = 1 + self.weight[0] / self.total
        return np.asarray(first * self.rest - self.second / self.total)

    @property
    def trace_of_square(self) -> FloatArray:
        """Sum of squares of the elements of P."""
        others, second = self.weight[1:], self.second
        third = _products(others, others, others)
        first = self.weight[0] / self.total
        own = (first * self.rest) ** 2 + 2 * first**2 * second
        return np.asarray(
            own + second - 2 * third / self.total + (second / self.total) ** 2
        )

    @property
    def log_determinant(self) -> FloatArray:
        """Logarithm of the sum of w_i."""
        return np.asarray(np.log(self.total))


@dataclass(frozen=True, slots=True)
class WeightedRegression:
    """Trials with moderators; the design in terms of the basis.

    With B the basis and R the rest, S = Z_R'W_R Z_R, T = D^-1/2 S D^-1/2 where
    D = W_B, the matrix X'WX is D^1/2 (1 + T) D^1/2. The rows of the basis are at least
    about as precise as the trials that depend on them, so 1 + T is well conditioned.
    """

    weight: FloatArray
    rows: FloatArray
    inverse: FloatArray
    own: FloatArray
    coefficient: FloatArray
    residual: FloatArray
    pull: FloatArray
    log_determinant: FloatArray

    @property
    def total(self) -> FloatArray:
        """Sum of w_i."""
        return np.asarray(self.weight.sum(axis=0))

    @property
    def q(self) -> FloatArray:
        """Quadratic form y'Py."""
        return np.asarray((self.pull * self.residual).sum(axis=0))

    @property
    def q_slope(self) -> FloatArray:
        """Quadratic form y'PPy."""
        return np.asarray((self.pull * self.pull).sum(axis=0))

    @property
    def q_curvature(self) -> FloatArray:
        """Quadratic form y'PPPy."""
        product = self.weight * self.pull
        fitted = _fitted(self.rows, _solved(self.inverse, _crossed(self.rows, product)))
        return np.asarray((product * (self.pull - fitted)).sum(axis=0))

    @property
    def _distance(self) -> FloatArray:
        """z_i'(Z'WZ)^-1 z_i of the rest, (k - p, ...)."""
        rest = self.rows[self.rows.shape[1] :]
        return np.asarray(
            np.einsum("ka...,ab...,kb...->k...", rest, self.inverse, rest)
        )

    @property
    def diagonal(self) -> FloatArray:
        """Diagonal of P, (k, ...)."""
        p = self.rows.shape[1]
        rest = self.weight[p:]
        own = np.einsum("aa...->a...", self.own)
        shape = np.broadcast_shapes(own.shape[1:], rest.shape[1:])
        return np.concatenate(
            [
                np.broadcast_to(own, (p, *shape)),
                np.broadcast_to(
                    rest * (1 - rest * self._distance), (len(rest), *shape)
                ),
            ]
        )

    @property
    def trace(self) -> FloatArray:
        """Trace of P."""
        return np.asarray(self.diagonal.sum(axis=0))

    @property
    def trace_of_square(self) -> FloatArray:
        """Sum of squares of the elements of P."""
        ones = np.ones_like(self.weight)
        return self.trace_between(ones, ones)

    def trace_between(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return the trace of P diag(left) P diag(right): sum of P_ij^2 l_j r_i."""
        p = self.rows.shape[1]
        weight, rows, inverse = self.weight[p:], self.rows[p:], self.inverse
        basis = np.einsum("ab...,b...,a...->...", self.own**2, left[:p], right[:p])
        toward = self.weight[:p] * np.einsum("ab...,kb...->ka...", inverse, rows)
        mixed = (weight[:, np.newaxis] * toward) ** 2
        between = np.einsum("ka...,k...,a...->...", mixed, left[p:], right[:p])
        between += np.einsum("ka...,a...,k...->...", mixed, left[:p], right[p:])
        both = left[p:] * right[p:] * weight**2
        alone = (both * (1 - 2 * weight * self._distance)).sum(axis=0)
        inner = [
            np.einsum("ka...,k...,kb...->ab...", rows, weight**2 * part[p:], rows)
            for part in (left, right)
        ]
        crossed = np.einsum(
            "ab...,bc...,cd...,da...->...", inverse, inner[0], inverse, inner[1]
        )
        return np.asarray(basis + between + alone + crossed)


def weigh(
    trials: Trials, tau_squared: FloatArray, *, weight: FloatArray | None = None
) -> WeightedMean | WeightedRegression:
    """Weight the trials at `tau_squared`.

    Parameters
    ----------
    trials : Trials
        Of n fits.
    tau_squared : ndarray of shape (n,) or (n, g)
        One or g values for each fit; with one fit any number n of values.
    weight : ndarray of shape (k, n), optional
        Weights to take instead of 1/(v_i + tau2).
    """
    deviation, variance, rows = trials.deviation, trials.variance, trials.rows
    if tau_squared.ndim > 1:
        deeper = (..., *([np.newaxis] * (tau_squared.ndim - 1)))
        deviation, variance = deviation[deeper], variance[deeper]
        rows = None if rows is None else rows[deeper]
    if weight is None:
        weight = 1.0 / (variance + tau_squared)
    if rows is None:
        rest = np.add.reduce(weight[1:], axis=0)
        total = weight[0] + rest
        mean = _products(weight, deviation) / total
        residual = deviation - mean
        second = _products(weight[1:], weight[1:])
        return WeightedMean(
            weight, rest, second, total, mean, residual, weight * residual
        )
    return _regression(weight, rows, deviation)


#: Below this size arrays in between cost less than the call that does without them.
_SMALL = 2048
_SUBSCRIPTS = {2: "k...,k...->...", 3: "k...,k...,k...->..."}


def _products(first: FloatArray, *others: FloatArray) -> FloatArray:
    """Return sums over trials of products."""
    if first.size > _SMALL:
        subscripts = _SUBSCRIPTS[1 + len(others)]
        return np.asarray(np.einsum(subscripts, first, *others))
    product = first
    for factor in others:
        product = product * factor
    return np.asarray(np.add.reduce(product, axis=0))


def _regression(
    weight: FloatArray, rows: FloatArray, deviation: FloatArray
) -> WeightedRegression:
    p = rows.shape[1]
    root = np.sqrt(weight[:p])
    inner = np.empty((p, p, *weight.shape[1:]))
    for a in range(p):
        for b in range(a + 1):
            product = (weight[p:] * rows[p:, a] * rows[p:, b]).sum(axis=0)
            inner[a, b] = inner[b, a] = product / (root[a] * root[b])
    # Matrices last, where the routines of linear algebra expect them.
    inner = np.moveaxis(inner, (0, 1), (-2, -1))
    scaled = np.linalg.inv(np.eye(p) + inner)
    scaled = (scaled + np.swapaxes(scaled, -2, -1)) / 2
    own = np.moveaxis(scaled @ inner, (-2, -1), (0, 1)) * root * root[:, np.newaxis]
    log_determinant = np.linalg.slogdet(np.eye(p) + inner)[1]
    log_determinant = log_determinant + np.log(weight[:p]).sum(axis=0)
    inverse = np.moveaxis(scaled, (-2, -1), (0, 1)) / (root * root[:, np.newaxis])
    coefficient = _solved(inverse, _crossed(rows, weight * deviation))
    residual = deviation - _fitted(rows, coefficient)
    return WeightedRegression(
        weight,
        rows,
        inverse,
        own,
        coefficient,
        residual,
        weight * residual,
        log_determinant,
    )


def _crossed(rows: FloatArray, values: FloatArray) -> FloatArray:
    """Return Z' values, (p, ...)."""
    parts = [(rows[:, a] * values).sum(axis=0) for a in range(rows.shape[1])]
    return np.array(parts)


def _solved(inverse: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray((inverse * right).sum(axis=1))


def _fitted(rows: FloatArray, coefficient: FloatArray) -> FloatArray:
    return np.asarray((rows * coefficient).sum(axis=1))
