"""Roots of many equations at a time: Newton's steps, kept in a bracket."""

from collections.abc import Callable

import numpy as np

from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.weighting import IntArray

#: Value and derivative of the functions named by position, at one point each.
Evaluated = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

#: A step this small against the root leaves an error of the order of its square.
_LAST_STEP = 1e-9
_STEPS = 200


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
    active = np.arange(len(root))
    lower, upper = lower.copy(), upper.copy()
    for _ in range(_STEPS):
        point = root[active]
        value, slope = function(point, active)
        above = value > 0
        lower[active] = np.where(above, point, lower[active])
        upper[active] = np.where(above, upper[active], point)
        low, high = lower[active], upper[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = point - value / slope
        inside = (newton >= low) & (newton <= high)
        following = np.where(inside, newton, low + (high - low) / 2)
        near = np.maximum(_LAST_STEP * following, smallest[active])
        done = (np.abs(following - point) <= near) & inside
        done |= (high - low <= 4 * np.finfo(float).eps * high) | (value == 0)
        root[active] = np.where(value == 0, point, following)
        active = active[~done]
        if not len(active):
            break
    reached = np.ones(len(root), dtype=bool)
    reached[active] = False
    return root, reached
