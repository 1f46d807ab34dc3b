"""Sort trials and choose the basis from which their effects are measured.

Symbols as in `weighting`.
"""

import numpy as np

from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.weighting import IntArray, Trials

#: A row enters the basis when this share of the longest row that is left of any trial
#: is left of it, once the rows in the basis are taken out: bounds the entries of z_i.
_LONG_ENOUGH = 0.1


def arranged(
    effect: FloatArray,
    variance: FloatArray,
    *,
    design: FloatArray | None = None,
    ties: FloatArray | None = None,
) -> Trials:
    """Return sorted trials of m fits.

    Parameters
    ----------
    effect, variance : ndarray of shape (m, k)
        Checked; the variance of an absent trial is infinite.
    design : ndarray of shape (k, p), optional
        Rows of full rank among the trials present in every fit.
    ties : ndarray of shape (k, ...), optional
        What else tells trials of equal variance and effect apart.
    """
    m, k = effect.shape
    keys = [effect, variance]
    further = [] if design is None else list(design.T)
    further += [] if ties is None else list(ties.reshape(k, -1).T)
    keys = [np.broadcast_to(extra, (m, k)) for extra in further] + keys
    order = np.lexsort(keys, axis=-1)
    y = np.ascontiguousarray(np.take_along_axis(effect, order, axis=-1).T)
    v = np.ascontiguousarray(np.take_along_axis(variance, order, axis=-1).T)
    order = np.ascontiguousarray(order.T)
    absent = np.isinf(v)
    count = (~absent).sum(axis=0).astype(np.float64)
    if absent.any():
        y = np.where(absent, y[0], y)
    squares = _sum_of_squares(y - y[0], ~absent, count)
    if design is None:
        return Trials(y - y[0], v, None, count, y[:1].copy(), None, order, squares)
    rows = np.moveaxis(design[order], 2, 1)
    rows = np.where(absent[:, np.newaxis], 0.0, rows)
    first = _basis(rows)
    kept = np.ones((k, m), dtype=bool)
    np.put_along_axis(kept, first, False, axis=0)
    rest = np.nonzero(kept.T)[1].reshape(m, k - len(first)).T
    place = np.concatenate([first, rest])
    y, v = (np.take_along_axis(a, place, axis=0) for a in (y, v))
    order = np.take_along_axis(order, place, axis=0)
    rows = np.take_along_axis(rows, place[:, np.newaxis], axis=0)
    return _from_basis(y, v, rows, count, order, squares)


def _from_basis(
    y: FloatArray,
    v: FloatArray,
    rows: FloatArray,
    count: FloatArray,
    order: IntArray,
    squares: FloatArray,
) -> Trials:
    """Return trials whose basis stands first, measured from the fit through it."""
    p = rows.shape[1]
    square = np.moveaxis(rows[:p], 2, 0)
    back = np.asarray(np.linalg.inv(square), dtype=np.float64)
    # Z' = X_B'^-1 X': solved, which is nearer than a product with the inverse.
    inside = np.linalg.solve(np.swapaxes(square, 1, 2), np.transpose(rows, (2, 1, 0)))
    z = np.ascontiguousarray(np.transpose(inside, (2, 1, 0)))
    z[:p] = np.eye(p)[:, :, np.newaxis]
    origin = y[:p].copy()
    deviation = y - np.einsum("kan,an->kn", z, origin)
    deviation[:p] = 0.0
    deviation[np.isinf(v)] = 0.0
    return Trials(deviation, v, z, count, origin, back, order, squares)


def _basis(rows: FloatArray) -> IntArray:
    """Return positions (p, n) of the most precise independent rows of (k, p, n)."""
    size = np.abs(rows).max(axis=0)
    left = rows / np.where(size == 0, 1.0, size)
    chosen = []
    for _ in range(rows.shape[1]):
        length = np.sqrt((left**2).sum(axis=1))
        at = np.argmax(length >= _LONG_ENOUGH * length.max(axis=0), axis=0)
        chosen.append(at)
        row = np.take_along_axis(left, at[np.newaxis, np.newaxis], axis=0)[0]
        norm = np.sqrt((row**2).sum(axis=0))
        direction = row / np.where(norm == 0, 1.0, norm)
        # Twice: what rounding left of the first projection goes with the second.
        for _ in range(2):
            along = np.einsum("kpn,pn->kn", left, direction)
            left = left - along[:, np.newaxis] * direction
    return np.array(chosen)


def _sum_of_squares(
    deviation: FloatArray, present: BoolArray, count: FloatArray
) -> FloatArray:
    mean = deviation.sum(axis=0) / np.maximum(count, 1)
    return np.asarray((np.where(present, deviation - mean, 0.0) ** 2).sum(axis=0))
