"""Pool every subset of the trials: the graphical display of study heterogeneity."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.refitting import Refits, refit, settled_order
from trialstats.randomness import stream

#: Subsets that are fitted at a time, so that memory does not go with their number.
_BLOCK = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Gosh:
    """The model fitted to many subsets of the trials, the smallest subsets first.

    Attributes
    ----------
    fits : DataFrame of m rows
        `k` trials of the subset, `tau_squared`, `i_squared`, `h_squared`, `q`, and
        `reason` why numbers are NaN, empty where none is.
    coefficients : DataFrame of shape (m, p)
        A column a term.
    included : ndarray of shape (m, k)
        Which trials are in each subset.
    exhaustive : bool
        Whether these are all subsets, or a random sample of them.
    """

    fits: pd.DataFrame
    coefficients: pd.DataFrame
    included: NDArray[np.bool_]
    exhaustive: bool


def gosh(
    pooled: Pooled,
    *,
    subsets: int = 100_000,
    smallest: int | None = None,
    seed: int = 1,
) -> Gosh:
    """Fit the model to all subsets of the trials, or to a random sample of them.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators (p coefficients).
    subsets : int
        The largest number of fits. When there are more subsets, this many are drawn,
        with replacement, each of them equally likely.
    smallest : int, optional
        Number of trials of the smallest subsets; p + 1 when absent, the fewest that
        hold something about heterogeneity.
    seed : int
        Seed of the sample.

    Returns
    -------
    Gosh
        A subset that does not determine the model is NaN and has its reason. The sample
        goes with the trials and not with their order.

    Raises
    ------
    DataError
        For numbers of subsets or trials that do not exist.
    NotEstimableError
        When there are fewer than `smallest` trials.

    References
    ----------
    .. [1] Olkin I, Dahabreh IJ, Trikalinos TA (2012). GOSH - a graphical display of
       study heterogeneity. Research Synthesis Methods 3(3), 214-223.
    """
    check_pooled(pooled, "gosh")
    least = len(pooled.coefficient) + 1 if smallest is None else smallest
    for name, value in {"subsets": subsets, "smallest": least}.items():
        if not (isinstance(value, int | np.integer) and value >= 1):
            raise DataError(f"{name} must be a whole number from 1, got {value!r}")
    if pooled.k < least:
        raise NotEstimableError(
            f"there is no subset of {least} trials among {pooled.k}"
        )
    number = sum(math.comb(pooled.k, size) for size in range(least, pooled.k + 1))
    exhaustive = number <= subsets
    chosen = (
        _all_subsets(pooled.k, least)
        if exhaustive
        else _sample(pooled.k, least, subsets, seed)
    )
    included = np.empty_like(chosen)
    included[:, settled_order(pooled)] = chosen
    included = included[np.argsort(included.sum(axis=1), kind="stable")]
    blocks = [
        refit(pooled, include=included[start : start + _BLOCK])
        for start in range(0, len(included), _BLOCK)
    ]
    coefficients = np.concatenate([fits.coefficient for fits in blocks])
    included.flags.writeable = False
    return Gosh(
        pd.concat([_table(fits) for fits in blocks], ignore_index=True),
        pd.DataFrame(coefficients, columns=list(pooled.terms)),
        included,
        exhaustive,
    )


def _all_subsets(k: int, least: int) -> NDArray[np.bool_]:
    codes = np.arange(1, 2**k, dtype=np.int64)
    included = (codes[:, np.newaxis] >> np.arange(k)) & 1 == 1
    return np.asarray(included[included.sum(axis=1) >= least])


def _sample(k: int, least: int, subsets: int, seed: int) -> NDArray[np.bool_]:
    """Return random subsets: their size first, then their members."""
    random = stream(seed, "gosh")
    sizes = np.arange(least, k + 1)
    ways = np.array([math.comb(k, int(size)) for size in sizes], dtype=np.float64)
    size = random.choice(sizes, subsets, p=ways / ways.sum())
    rank = random.random((subsets, k)).argsort(axis=1).argsort(axis=1)
    return np.asarray(rank < size[:, np.newaxis])


def _table(fits: Refits) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "k": fits.k,
            "tau_squared": fits.tau_squared,
            "i_squared": fits.i_squared,
            "h_squared": fits.h_squared,
            "q": fits.q,
            "reason": fits.reason,
        }
    )
