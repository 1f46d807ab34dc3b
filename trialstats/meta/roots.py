"""Roots of many equations at a time: Newton's steps, kept in a bracket."""

from collections.abc import Callable

import numpy as np

from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.weighting import IntArray

#: Value and derivative of the functions named by position, at one point each.
Evaluated = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

#: A step this small against the root leaves an error of the order of its square.
_LAST_STEP = 2e-8
_STEPS = 200
_EPS = float(np.finfo(float).eps)


def falling_roots(
    function: Evaluated,
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray,
    smallest: FloatArray,
) -> tuple[FloatArray, BoolArray]:
    """Return where functions fall through zero, and whether each was reached.

    Parameters
    ----------
    function : callable
        Takes points of shape (j,) and the positions of the functions that are still
        looked at; returns values and derivatives of shape (j,).
    lower, upper : ndarray of shape (n,)
        Brackets: the function is positive at `lower` and not at `upper`.
    start : ndarray of shape (n,)
        Where to begin, within the bracket.
    smallest : ndarray of shape (n,)
        Differences below this leave the function unchanged.

    Returns
    -------
    root : ndarray of shape (n,)
    reached : ndarray of shape (n,) of bool
    """
    root = start.copy()
    reached = np.zeros(len(root), dtype=bool)
    active = np.arange(len(root))
    point, low, high, least = start, lower, upper, smallest
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_STEPS):
            value, slope = function(point, active)
            above = value > 0
            low, high = np.where(above, point, low), np.where(above, high, point)
            following = point - value / slope
            inside = (following >= low) & (following <= high)
            near = np.maximum(_LAST_STEP * following, least)
            done = inside & (np.abs(following - point) <= near)
            if not inside.all():
                middle = np.where(value == 0, point, low + (high - low) / 2)
                following = np.where(inside, following, middle)
                done |= (high - low <= 4 * _EPS * high) | (value == 0)
            if done.all():
                root[active], reached[active] = following, True
                break
            if done.any():
                root[active[done]], reached[active[done]] = following[done], True
                going = ~done
                active, following = active[going], following[going]
                low, high, least = low[going], high[going], least[going]
            point = following
    return root, reached
