"""An order of rows and levels that depends on their values alone.

Sums of floating-point numbers depend on the order of the terms. Here each row has a
fingerprint of its numbers, each level of a grouping factor that of the rows it holds;
with several factors, the fingerprints of rows and levels are exchanged until they part
no more (colour refinement). Levels that stay alike can be swapped without a change,
once one of them has been set apart.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trialstats.linear_model import FloatArray

Codes = NDArray[np.int64]
Prints = NDArray[np.uint64]

_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)


def canonical_order(
    content: FloatArray, groups: Sequence[Codes]
) -> tuple[Codes, list[Codes]]:
    """Return an order of the rows, and levels renumbered, that labels do not touch.

    Parameters
    ----------
    content : (n, c) array
        The numbers of each row.
    groups : sequence of (n,) arrays
        Level of each row in each grouping factor, 0 to the number of levels - 1.

    Returns
    -------
    order : (n,) array
        Positions of the rows, first to last.
    levels : list of (n,) arrays
        For each factor the new number of each row's level, rows as given.
    """
    rows = fingerprints(content)
    sizes = [int(codes.max(initial=-1)) + 1 for codes in groups]
    tints = [np.zeros(size, dtype=np.uint64) for size in sizes]
    while True:
        prints = _refined(rows, groups, tints)
        tied = [_first_tie(each) for each in prints]
        open_factors = [(f, tie) for f, tie in enumerate(tied) if tie is not None]
        # Levels of one factor that look alike while all other factors are told
        # apart hold the same rows: any order of them gives the same arrays.
        if len(open_factors) < 2:
            break
        chosen, level = open_factors[0]
        # A slice, since NumPy warns of scalars that overflow, which is meant here.
        one = slice(level, level + 1)
        tints[chosen][one] = _mixed(prints[chosen][one] + _STEP)
    levels = [
        np.argsort(np.argsort(each, kind="stable"), kind="stable")[codes]
        for each, codes in zip(prints, groups, strict=True)
    ]
    order = np.lexsort((rows, *reversed(levels)))
    return order, levels


def fingerprints(content: FloatArray) -> Prints:
    """Return one integer for each row of (n, c) numbers, equal for equal rows."""
    # Adding zero makes -0.0 and 0.0 one number.
    bits = np.ascontiguousarray(content + 0.0).view(np.uint64)
    found = np.full(len(bits), _STEP)
    for column in range(bits.shape[1]):
        found = _mixed(found ^ bits[:, column])
    return found


def _refined(
    rows: Prints, groups: Sequence[Codes], tints: Sequence[Prints]
) -> list[Prints]:
    """Return the fingerprints of all levels, refined until they part no more."""
    prints: list[Prints] = [tint.copy() for tint in tints]
    parted = 0
    while True:
        colours = rows
        for codes, each in zip(groups, prints, strict=True):
            colours = _mixed(colours ^ each[codes])
        prints = [
            _gathered(colours, codes, tint)
            for codes, tint in zip(groups, tints, strict=True)
        ]
        apart = sum(len(np.unique(each)) for each in prints)
        if apart == parted or apart == sum(map(len, prints)):
            return prints
        parted = apart


def _gathered(colours: Prints, codes: Codes, tint: Prints) -> Prints:
    """Return a fingerprint for each level from those of its rows, in any order."""
    total = tint.copy()
    np.add.at(total, codes, colours)
    return _mixed(total)


def _first_tie(prints: Prints) -> int | None:
    """Return a level whose smallest fingerprint it shares with another, if any."""
    order = np.argsort(prints, kind="stable")
    ordered = prints[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    return int(order[same[0]]) if len(same) else None


def _mixed(values: Prints) -> Prints:
    """Return the values scattered over 64 bits, one to one (splitmix64)."""
    mixed = values + _STEP
    mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _FACTORS[0]
    mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _FACTORS[1]
    return mixed ^ (mixed >> _SHIFTS[2])
