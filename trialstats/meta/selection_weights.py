"""How likely a result is selected, as a function of its p-value.

A family gives the logarithm of its weight function with derivatives in its parameters.
`cells` cuts the outcomes of a trial into pieces on which the integral of weight times
density is exact (constant weight) or a quadrature node (varying weight).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from trialstats.meta.inputs import FloatArray

#: Beyond this many standard errors a p-value is 0 or 1 to the last digit.
_FAR = 9.0

#: Longest panel of the quadrature, in standard errors, and its points. The density is
#: no narrower than one standard error.
_PANEL, _POINTS = 3.0, 24

#: Directions of the trials' tests.
ALTERNATIVES = ("greater", "less", "two_sided")


@dataclass(frozen=True, slots=True, eq=False)
class PValues:
    """p-values with their logarithms, and those of 1 - p."""

    p: FloatArray
    log_p: FloatArray
    log_q: FloatArray

    @classmethod
    def of(cls, z: FloatArray, alternative: str) -> "PValues":
        """Return the p-values of z-statistics."""
        if alternative == "two_sided":
            log_p = log_ndtr(-np.abs(z)) + math.log(2)
            p = np.exp(log_p)
            with np.errstate(divide="ignore"):
                # 1 - p = 2 (Phi(|z|) - 1/2), which is zero only at z = 0.
                log_q = np.log(2 * (ndtr(np.abs(z)) - 0.5))
            return cls(p, np.minimum(log_p, 0.0), log_q)
        sign = -1 if alternative == "greater" else 1
        return cls(ndtr(sign * z), log_ndtr(sign * z), log_ndtr(-sign * z))

    def clipped(self, low: float, high: float) -> "PValues":
        """Return p-values no smaller than `low` and no larger than `high`."""
        with np.errstate(divide="ignore"):
            return PValues(
                np.clip(self.p, low, high),
                np.clip(self.log_p, np.log(low), np.log(high)),
                np.clip(self.log_q, np.log1p(-high), np.log1p(-low)),
            )


#: log w, its gradient (parameters first) and its Hessian at p-values.
LogWeight = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of weight functions with `size` parameters.

    `null` are the parameters without selection. Parameters that are positive are
    varied on the log scale; the others may be zero, where selection ends.
    `starts` are where the search begins. p-values below `smallest_p` or above its
    complement count as equal to it, so that no weight is infinite.
    """

    words: str
    log_weight: Callable[[PValues, FloatArray], LogWeight]
    null: tuple[float, ...]
    positive: bool
    starts: tuple[tuple[float, ...], ...]
    smallest_p: float = 0.0

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.null)


def _linear(value: FloatArray, slope: FloatArray) -> LogWeight:
    size, count = slope.shape
    return value, slope, np.zeros((size, size, count))


def _beta(p: PValues, delta: FloatArray) -> LogWeight:
    """Beta density without its constant (Citkowicz, Vevea 2017)."""
    slope = np.stack([p.log_p, p.log_q])
    return _linear((delta - 1) @ slope, slope)


def _half_normal(p: PValues, delta: FloatArray) -> LogWeight:
    slope = -(p.p**2)[np.newaxis]
    return _linear(delta @ slope, slope)


def _negative_exponential(p: PValues, delta: FloatArray) -> LogWeight:
    slope = -p.p[np.newaxis]
    return _linear(delta @ slope, slope)


def _logistic(p: PValues, delta: FloatArray) -> LogWeight:
    down = np.exp(-delta[0] * p.p)
    value = math.log(2) - delta[0] * p.p - np.log1p(down)
    slope = -p.p / (1 + down)
    bend = -(p.p**2) * down / (1 + down) ** 2
    return value, slope[np.newaxis], bend[np.newaxis, np.newaxis]


def _power(p: PValues, delta: FloatArray) -> LogWeight:
    slope = p.log_q[np.newaxis]
    return _linear(delta @ slope, slope)


_ONE = ((0.0,), (0.5,), (2.0,), (8.0,))

#: Families whose weight varies with the p-value (Preston, Ashby, Smyth 2004).
FAMILIES: dict[str, Family] = {
    "beta": Family(
        "beta weight function",
        _beta,
        (1.0, 1.0),
        True,
        ((1.0, 1.0), (0.5, 1.5), (1.5, 1.5), (2.0, 0.7)),
        smallest_p=1e-5,
    ),
    "half_normal": Family(
        "half-normal weight function", _half_normal, (0.0,), False, _ONE
    ),
    "negative_exponential": Family(
        "negative exponential weight function",
        _negative_exponential,
        (0.0,),
        False,
        _ONE,
    ),
    "logistic": Family("logistic weight function", _logistic, (0.0,), False, _ONE),
    "power": Family(
        "power weight function", _power, (0.0,), False, _ONE, smallest_p=1e-5
    ),
}


def step_family(steps: FloatArray) -> Family:
    """Return the step function with the cut points `steps`, of which the last is 1.

    A parameter for each interval of p-values (Hedges, Vevea 1996).
    """
    size = len(steps)

    def log_weight(p: PValues, delta: FloatArray) -> LogWeight:
        inside = interval_of(p.p, steps)[np.newaxis] == np.arange(size)[:, np.newaxis]
        value = np.log(delta) @ inside
        slope = inside / delta[:, np.newaxis]
        bend = -np.einsum("an,ab->abn", slope / delta[:, np.newaxis], np.eye(size))
        return value, slope, bend

    starts = tuple(
        (1.0, *np.linspace(1.0, last, size)[1:]) for last in (1.0, 0.4, 0.1, 0.02)
    )
    return Family("step function", log_weight, (1.0,) * size, True, starts)


def interval_of(p: FloatArray, steps: FloatArray) -> np.ndarray:
    """Return the interval (from 0) of each p-value; a cut belongs to the left one."""
    return np.minimum(np.searchsorted(steps, p, side="left"), len(steps) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Pieces of the outcomes of a trial, in standard errors from zero.

    The first `nodes` pieces are quadrature nodes at `lower` with the weights `share`,
    the others intervals from `lower` to `upper`. `p` are their p-values.
    """

    lower: FloatArray
    upper: FloatArray
    share: FloatArray
    nodes: int
    p: PValues


def step_cells(steps: FloatArray, alternative: str) -> Cells:
    """Return the intervals of a step function; none is a node."""
    if alternative == "two_sided":
        cuts = -ndtri(steps[:-1] / 2)
        edges = np.concatenate([[-np.inf], -cuts, cuts[::-1], [np.inf]])
    else:
        cuts = ndtri(steps[:-1])
        cuts = -cuts[::-1] if alternative == "greater" else cuts
        edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    lower, upper = edges[:-1], edges[1:]
    # Any point inside stands for the interval, as the weight is constant.
    inside = np.clip(lower, -50, 50) / 2 + np.clip(upper, -50, 50) / 2
    return Cells(
        lower,
        upper,
        np.ones(len(lower)),
        0,
        PValues.of(inside, alternative),
    )


def varying_cells(alternative: str, low: float, high: float) -> Cells:
    """Return nodes for a weight that varies between the p-values `low` and `high`.

    Beyond them, and beyond 9 standard errors, the weight is constant.
    """
    edges = _edges(alternative, low, high)
    node, share = np.polynomial.legendre.leggauss(_POINTS)
    z, weight = [], []
    for left, right in pairwise(edges):
        count = max(1, math.ceil((right - left) / _PANEL))
        bounds = np.linspace(left, right, count + 1)
        middle, half = (bounds[1:] + bounds[:-1]) / 2, np.diff(bounds) / 2
        z.append((middle[:, np.newaxis] + half[:, np.newaxis] * node).ravel())
        weight.append((half[:, np.newaxis] * share).ravel())
    gaps = _constant_parts(alternative, edges)
    nodes = np.concatenate(z)
    lower = np.concatenate([nodes, [left for left, _ in gaps]])
    upper = np.concatenate([nodes, [right for _, right in gaps]])
    stand_in = np.clip(lower, -50, 50) / 2 + np.clip(upper, -50, 50) / 2
    return Cells(
        lower,
        upper,
        np.concatenate([*weight, np.ones(len(gaps))]),
        len(nodes),
        PValues.of(stand_in, alternative).clipped(low, high),
    )


def _edges(alternative: str, low: float, high: float) -> FloatArray:
    """Return where the panels begin and end: the bounds, and the kink at zero."""
    if alternative == "two_sided":
        far = min(_FAR, -float(ndtri(low / 2))) if low > 0 else _FAR
        # Powers of 1 - p have a kink at zero as sharp as |z|**power: finer panels
        # towards it.
        near = -float(ndtri(high / 2)) if high < 1 else far
        finer = near * 4.0 ** np.arange(math.ceil(math.log(far / near, 4)))
        edges = np.concatenate([[0.0], finer, [far]])
        return np.unique(np.concatenate([-edges, edges]))
    right = min(_FAR, -float(ndtri(low))) if low > 0 else _FAR
    left = max(-_FAR, -float(ndtri(high))) if high < 1 else -_FAR
    return np.array([left, right] if alternative == "greater" else [-right, -left])


def _constant_parts(alternative: str, edges: FloatArray) -> list[tuple[float, float]]:
    """Return the intervals outside the panels."""
    return [(-np.inf, float(edges[0])), (float(edges[-1]), np.inf)]
