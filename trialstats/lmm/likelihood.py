"""The (restricted) likelihood with its exact first and second derivatives.

    V = sum_k theta_k V_k,    V_k = Z D_k Z' for the random part, I for the residual
    P = V^-1 - V^-1 X Phi X' V^-1,    Phi = (X' V^-1 X)^-1,    e = y - X beta

    -2 l = log|V| [+ log|X' V^-1 X|] + y' P y + constant
    d(-2 l) / d theta_k             = tr(P V_k) - y' P V_k P y
    d2(-2 l) / d theta_k d theta_l  = -tr(P V_k P V_l) + 2 y' P V_k P V_l P y

``P`` under a trace is ``V^-1`` for maximum likelihood. The natural parameters,
variances and covariances, make ``V`` linear, so its second derivatives vanish.
"""

from dataclasses import dataclass

import numpy as np

from trialstats.linear_model import FloatArray
from trialstats.lmm.rotation import Rotated


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The likelihood at one ``theta``; K1 is the number of parameters.

    Parameters
    ----------
    deviance : float
        ``-2 l`` without ``(n - p) log 2 pi``.
    beta, phi : (p,), (p, p) arrays
        Coefficients and their model covariance.
    gradient, curvature : (K1,), (K1, K1) arrays
        Derivatives of the deviance.
    expected : (K1, K1) array
        ``tr(P V_k P V_l)``, the expectation of the curvature.
    unadjusted : (K1, K1) array
        ``tr(V^-1 V_k V^-1 V_l)``.
    quadratic : (K1,) array
        ``y' P V_k P y``.
    first : (K1, p, p) array
        ``X' V^-1 V_k V^-1 X``.
    second : (K1, K1, p, p) array
        ``X' V^-1 V_k V^-1 V_l V^-1 X``.
    """

    deviance: float
    beta: FloatArray
    phi: FloatArray
    gradient: FloatArray
    curvature: FloatArray
    expected: FloatArray
    unadjusted: FloatArray
    quadratic: FloatArray
    first: FloatArray
    second: FloatArray


def evaluate(
    rotated: Rotated, theta: FloatArray, *, restricted: bool
) -> Evaluation | None:
    """Return the likelihood at ``theta``, residual variance last.

    None where ``V`` is not positive definite, or X has no full rank under it.
    """
    width, size = len(rotated.within), len(theta)
    sums = _Sums(width, size)
    try:
        for block in rotated.blocks:
            sums.add(block.structure, block.counts, block.data, theta)
        sums.add_within(rotated.within, rotated.n_within, float(theta[-1]))
        return _evaluation(sums, restricted=restricted)
    except np.linalg.LinAlgError:
        return None


class _Sums:
    """Sums over components of log-determinant, traces and cross-products."""

    def __init__(self, width: int, size: int) -> None:
        self.width, self.size = width, size
        self.log_determinant = 0.0
        self.traces = np.zeros(size)
        self.double_traces = np.zeros((size, size))
        #: [X y]' V^-1 [X y] with zero, one and two V_k between inverses.
        self.zero = np.zeros((width, width))
        self.one = np.zeros((width, size * width))
        self.two = np.zeros((size * width, size * width))

    def add(
        self,
        structure: FloatArray,
        counts: FloatArray,
        data: FloatArray,
        theta: FloatArray,
    ) -> None:
        """Add components (g, K, r, r) with data (g, r, J, p + 1)."""
        g, k, r, _ = structure.shape
        v = (theta[:-1] @ structure.reshape(g, k, r * r)).reshape(g, r, r)
        v[:, np.arange(r), np.arange(r)] += theta[-1]
        root = np.linalg.cholesky(v)
        diagonal = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        self.log_determinant += 2 * float(counts @ diagonal)
        inverse = np.linalg.inv(v)[:, None]
        change = np.concatenate([inverse @ structure, inverse], axis=1)
        flat = change.reshape(g, k + 1, r * r)
        turned = np.swapaxes(change, 2, 3).reshape(g, k + 1, r * r)
        self.traces += counts @ flat[:, :, :: r + 1].sum(axis=2)
        products = flat @ np.swapaxes(turned, 1, 2)
        self.double_traces += np.tensordot(counts, products, axes=1)
        weighted = inverse @ data.reshape(g, 1, r, -1)
        once = np.concatenate([structure @ weighted, weighted], axis=1)
        self._cross(data, weighted, once, inverse @ once)

    def _cross(
        self,
        data: FloatArray,
        weighted: FloatArray,
        once: FloatArray,
        twice: FloatArray,
    ) -> None:
        """Add the cross-products, each as one matrix product."""

        def stacked(part: FloatArray) -> FloatArray:
            shape = (len(part), self.size, data.shape[1] * data.shape[2], self.width)
            rows = part.reshape(shape).transpose(0, 2, 1, 3)
            return rows.reshape(-1, self.size * self.width)

        left = weighted.reshape(-1, self.width)
        middle = stacked(once)
        self.zero += data.reshape(-1, self.width).T @ left
        self.one += left.T @ middle
        self.two += middle.T @ stacked(twice)

    def add_within(self, within: FloatArray, number: int, variance: float) -> None:
        """Add rows with the residual variance alone."""
        if variance <= 0:
            raise np.linalg.LinAlgError
        last = slice((self.size - 1) * self.width, None)
        self.log_determinant += number * float(np.log(variance))
        self.traces[-1] += number / variance
        self.double_traces[-1, -1] += number / variance**2
        self.zero += within / variance
        self.one[:, last] += within / variance**2
        self.two[last, last] += within / variance**3


def _evaluation(sums: _Sums, *, restricted: bool) -> Evaluation:
    p, size, width = sums.width - 1, sums.size, sums.width
    one = sums.one.reshape(width, size, width).transpose(1, 0, 2)
    two = sums.two.reshape(size, width, size, width).transpose(0, 2, 1, 3)
    precision = sums.zero[:p, :p]
    root = np.linalg.cholesky(precision)
    phi = np.linalg.inv(precision)
    beta = phi @ sums.zero[:p, p]
    residual = np.append(-beta, 1.0)
    first, second = one[:, :p, :p], two[:, :, :p, :p]
    quadratic = (one @ residual) @ residual
    slopes = (one @ residual)[:, :p]
    bends = (two @ residual) @ residual - slopes @ phi @ slopes.T
    bends = (bends + bends.T) / 2
    turned = phi @ first
    flat = turned.reshape(size, -1)
    back = np.swapaxes(turned, 1, 2).reshape(size, -1)
    reduced = (second * phi).sum(axis=(2, 3))
    adjusted = sums.double_traces - reduced - reduced.T + flat @ back.T
    deviance = sums.log_determinant + float(residual @ sums.zero @ residual)
    gradient = sums.traces - quadratic
    if restricted:
        deviance += 2 * float(np.log(np.diagonal(root)).sum())
        gradient = gradient - np.trace(turned, axis1=1, axis2=2)
    information = adjusted if restricted else sums.double_traces
    information = (information + information.T) / 2
    return Evaluation(
        deviance=deviance,
        beta=beta,
        phi=(phi + phi.T) / 2,
        gradient=gradient,
        curvature=2 * bends - information,
        expected=information,
        unadjusted=(sums.double_traces + sums.double_traces.T) / 2,
        quadratic=quadratic,
        first=(first + np.swapaxes(first, 1, 2)) / 2,
        second=second,
    )
