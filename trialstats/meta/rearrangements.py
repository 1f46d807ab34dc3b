"""All arrangements of labels, and random ones: what a permutation test goes through."""

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.intp]


def number_of_arrangements(sizes: IntArray) -> int:
    """Return in how many ways groups of these sizes can be given to the trials."""
    number = math.factorial(int(sizes.sum()))
    for size in sizes:
        number //= math.factorial(int(size))
    return number


def all_arrangements(sizes: IntArray) -> IntArray:
    """Return every way to give groups of these sizes to the trials.

    Parameters
    ----------
    sizes : ndarray of shape (g,)
        Number of trials of each group.

    Returns
    -------
    ndarray of shape (m, k)
        The group of each trial, from 0 to g - 1; all rows differ.

    Examples
    --------
    >>> all_arrangements(np.array([1, 2])).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    k = int(sizes.sum())
    groups = np.full((1, k), -1, dtype=np.intp)
    for group, size in enumerate(sizes):
        # Columns of the trials without a group yet: as many in every row.
        free = np.nonzero(groups < 0)[1].reshape(len(groups), -1)
        picks = np.array(list(combinations(range(free.shape[1]), int(size))))
        places = free[:, picks].reshape(-1, int(size))
        groups = np.repeat(groups, len(picks), axis=0)
        np.put_along_axis(groups, places, group, axis=1)
    return groups


def half_of_all_signs(k: int) -> NDArray[np.float64]:
    """Return every choice of signs of k trials with a plus at the first.

    The other half are the negatives of these. Shape (2^(k - 1), k).
    """
    codes = np.arange(2 ** (k - 1), dtype=np.int64)[:, np.newaxis]
    minus = (codes >> np.arange(k)[::-1]) & 1
    return np.asarray(1.0 - 2.0 * minus)
