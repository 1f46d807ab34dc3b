"""The non-central hypergeometric distribution of a two-by-two table given its margins.

With n1 and n2 participants, m events in all and log odds ratio t, the events x under
treatment have probability C(n1, x) C(n2, m - x) exp(x t) / exp(K(t)). K is the
cumulant function: its derivatives in t are the mean, the variance and the third
cumulant. All terms are formed relative to the largest, so that counts of a hundred
thousand neither overflow nor vanish, and only the x near the mode are summed when the
support is long.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from trialstats.errors import ConvergenceError
from trialstats.meta.inputs import BoolArray, FloatArray

IntArray = NDArray[np.intp]

#: Supports up to this length are summed whole.
_WHOLE = 256
#: What is left out lies so far below the largest term, on the log scale.
_NEGLIGIBLE = 45.0
#: Log odds ratios beyond which a distribution sits on one end of its support.
_FARTHEST = 300.0
#: Weights that are kept; of more, those that are asked for are formed anew.
_KEPT = 4_000_000
#: Terms that are formed at a time.
_BLOCK = 4_000_000


class Cumulants(NamedTuple):
    """K(t) and its first three derivatives, each of the shape of t."""

    function: FloatArray
    mean: FloatArray
    variance: FloatArray
    third: FloatArray


@dataclass(frozen=True, slots=True)
class Margins:
    """The margins of k tables.

    Attributes
    ----------
    n1, n2, events : ndarray of shape (k,)
        Participants under treatment and control, events in all; whole numbers.
    """

    n1: FloatArray
    n2: FloatArray
    events: FloatArray
    lowest: FloatArray = field(init=False)
    highest: FloatArray = field(init=False)
    #: ln C(n1, x) C(n2, m - x) for every x of every support, one after the other, and
    #: where the x = 0 of each table would stand; empty when they are too many.
    _weight: FloatArray = field(init=False, repr=False)
    _origin: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Add the ends of the supports and the weights of their points."""
        lowest = np.maximum(0.0, self.events - self.n2)
        highest = np.minimum(self.n1, self.events)
        length = (highest - lowest + 1).astype(np.intp)
        before = np.concatenate([[0], np.cumsum(length)[:-1]]) - lowest
        weight = np.empty(0)
        if length.sum() <= _KEPT:
            table = np.repeat(np.arange(len(length)), length)
            weight = self._formed(table, np.arange(len(table)) - before[table])
        found = {
            "lowest": lowest,
            "highest": highest,
            "_weight": weight,
            "_origin": before,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def log_weight(self, table: IntArray, x: FloatArray) -> FloatArray:
        """Return ln C(n1, x) + ln C(n2, m - x) for x in the support of a table."""
        if not self._weight.size:
            return self._formed(table, x)
        return np.asarray(self._weight[(self._origin[table] + x).astype(np.intp)])

    def _formed(self, table: IntArray, x: FloatArray) -> FloatArray:
        n1, n2, rest = self.n1[table], self.n2[table], self.events[table] - x
        return _log_choose(n1, x) + _log_choose(n2, rest)

    def cumulants(self, t: FloatArray) -> Cumulants:
        """Return the cumulants at log odds ratios t of shape (k, ...)."""
        longest = float((self.highest - self.lowest).max(initial=0.0))
        if longest <= _WHOLE:
            return self._whole(t, int(longest) + 1)
        return self._windows(t)

    def _whole(self, t: FloatArray, length: int) -> Cumulants:
        """Return the cumulants from every point of the supports."""
        x = self.lowest[:, None] + np.arange(length)
        inside = x <= self.highest[:, None]
        x = np.where(inside, x, self.highest[:, None])
        weight = self.log_weight(np.arange(len(x))[:, None], x)
        weight = np.where(inside, weight, -np.inf)
        shape = (len(x), *(1,) * (t.ndim - 1), length)
        parts = weight.reshape(shape) + x.reshape(shape) * t[..., None]
        return _moments(parts, x.reshape(shape))

    def _windows(self, t: FloatArray) -> Cumulants:
        """Return the cumulants from points around the modes, block by block."""
        flat = t.reshape(len(t), -1)
        table, column = np.divmod(np.arange(flat.size), flat.shape[1])
        values = flat[table, column]
        mode, spread = self._modes(table, values)
        half = np.ceil(14 * spread) + 24
        found = np.empty((4, flat.size))
        order = np.argsort(half, kind="stable")
        start = 0
        while start < len(order):
            # Windows of like width together, as many as memory allows.
            ahead = half[order[start:]]
            fits = np.arange(1, len(ahead) + 1) * (2 * ahead + 1) <= _BLOCK
            fits &= ahead <= 2 * ahead[0]
            stop = start + max(1, int(fits.sum()))
            chosen = order[start:stop]
            found[:, chosen] = self._window(
                table[chosen], values[chosen], mode[chosen], float(half[chosen].max())
            )
            start = stop
        return Cumulants(*(row.reshape(t.shape) for row in found))

    def _window(
        self, table: IntArray, t: FloatArray, mode: FloatArray, half: float
    ) -> FloatArray:
        """Return the cumulants at t, one table each, from x within half of the mode."""
        low, high = self.lowest[table][:, None], self.highest[table][:, None]
        while True:
            steps = np.arange(-half, half + 1)
            x = mode[:, None] + steps
            inside = (x >= low) & (x <= high)
            weight = self.log_weight(table[:, None], np.clip(x, low, high))
            parts = np.where(inside, weight + steps * t[:, None], -np.inf)
            # Log-concave: if the ends are negligible, so is all beyond them.
            ends = parts[:, [0, -1]]
            if (ends <= parts.max(axis=1, keepdims=True) - _NEGLIGIBLE).all():
                break
            half *= 2
        found = _moments(parts, steps)
        shifted = (found.function + mode * t, found.mean + mode)
        return np.stack([*shifted, found.variance, found.third])

    def _modes(self, table: IntArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return modes and approximate standard deviations."""
        n1, n2, m = self.n1[table], self.n2[table], self.events[table]
        ratio = np.exp(np.clip(t, -_FARTHEST, _FARTHEST))
        # Root of x (n2 - m + x) = ratio (n1 - x)(m - x), without cancellation.
        middle = ratio * (n1 + m) + (n2 - m)
        root = np.sqrt(np.maximum(middle**2 - 4 * ratio * (ratio - 1) * n1 * m, 0.0))
        upper = np.where(middle >= 0, 2 * ratio * n1 * m, middle - root)
        x = upper / np.where(middle >= 0, middle + root, 2 * (ratio - 1))
        x = np.clip(np.rint(x), self.lowest[table], self.highest[table])
        cells = (x, n1 - x, m - x, n2 - m + x)
        spread = 1 / sum(1 / (cell + 0.5) for cell in cells)
        return x, np.sqrt(spread)


def _moments(parts: FloatArray, x: FloatArray) -> Cumulants:
    """Return ln of the sum of exp(parts) over the last axis, and cumulants of x."""
    largest = parts.max(axis=-1, keepdims=True)
    density = np.exp(parts - largest)
    total = density.sum(axis=-1, keepdims=True)
    density /= total
    mean = (density * x).sum(axis=-1, keepdims=True)
    deviation = x - mean
    squares = density * deviation**2
    return Cumulants(
        (largest + np.log(total))[..., 0],
        mean[..., 0],
        squares.sum(axis=-1),
        (squares * deviation).sum(axis=-1),
    )


def _log_choose(n: FloatArray, x: FloatArray) -> FloatArray:
    return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))


def conditional_estimates(
    margins: Margins, events: FloatArray, *, iterations: int = 100
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return each table's conditional log odds ratio and its information.

    Parameters
    ----------
    margins : Margins
        Of k tables.
    events : ndarray of shape (k,)
        Events under treatment.
    iterations : int
        Most steps of Newton's method.

    Returns
    -------
    tuple of ndarray of shape (k,)
        Estimates, information (the variance of the events at the estimate), and
        whether they exist; at an end of the support the estimate is infinite and the
        information zero.

    Raises
    ------
    ConvergenceError
        When a root is not found.
    """
    inner = (events > margins.lowest) & (events < margins.highest)
    estimate = np.where(events <= margins.lowest, -np.inf, np.inf)
    information = np.zeros_like(events)
    if not inner.any():
        return estimate, information, inner
    some = Margins(margins.n1[inner], margins.n2[inner], margins.events[inner])
    x = events[inner]
    t = np.log(x * (some.n2 - some.events + x)) - np.log(
        (some.n1 - x) * (some.events - x)
    )
    low, high = np.full_like(t, -np.inf), np.full_like(t, np.inf)
    for _ in range(iterations):
        found = some.cumulants(t[:, None])
        short = x - found.mean[:, 0]
        low, high = np.where(short >= 0, t, low), np.where(short <= 0, t, high)
        step = short / found.variance[:, 0]
        moved = t + np.clip(step, -2.0, 2.0)
        bracketed = np.isfinite(low) & np.isfinite(high)
        outside = bracketed & ~((moved >= low) & (moved <= high))
        with np.errstate(invalid="ignore"):
            t = np.where(outside, (low + high) / 2, moved)
        if (np.abs(step) <= 1e-12 * (1 + np.abs(t))).all():
            estimate[inner], information[inner] = t, found.variance[:, 0]
            return estimate, information, inner
    raise ConvergenceError("the conditional odds ratio of a table was not found")
