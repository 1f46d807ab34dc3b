"""Permutation tests of a pooled effect and of moderators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.batch import REASONS
from trialstats.meta.inputs import FloatArray, one_of
from trialstats.meta.pooled import Pooled
from trialstats.meta.rearrangements import (
    all_arrangements,
    half_of_all_signs,
    number_of_arrangements,
)
from trialstats.meta.refitting import IntArray, refit, settled_order
from trialstats.randomness import stream

#: Statistics that differ by less are equal: the square root of the last bit.
TIE = float(np.sqrt(np.finfo(np.float64).eps))

#: Arrangements that are fitted at a time.
_BLOCK = 20_000

#: More arrangements than this are not gone through, even when asked for.
LARGEST_EXACT = 2**20

#: Reason of a fit whose Hartung-Knapp standard error is zero.
FITS_PERFECTLY = REASONS[3]

#: Alternative -> how a statistic is turned so that large values speak against zero.
ALTERNATIVES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "two_sided": np.abs,
    "greater": np.asarray,
    "less": np.negative,
}


@dataclass(frozen=True, slots=True, eq=False)
class PermutationTest:
    """Tests whose distribution comes from rearranging the trials.

    Attributes
    ----------
    coefficients : DataFrame of p rows
        `term`, `estimate`, `statistic` and `p_value`.
    omnibus, omnibus_p_value : float
        Wald statistic (divided by the number of coefficients where the tests are t
        tests) of all coefficients but the intercept, and its p-value.
    iterations : int
        Number of arrangements, the observed one included.
    exact : bool
        Whether these are all arrangements.
    failed : int
        Arrangements without a fit, which the p-values leave out.
    alternative : str
        Alternative of the tests of coefficients.
    """

    coefficients: pd.DataFrame
    omnibus: float
    omnibus_p_value: float
    iterations: int
    exact: bool
    failed: int
    alternative: str


def permutation_test(
    pooled: Pooled,
    *,
    exact: bool | str = "auto",
    iterations: int = 1000,
    seed: int = 1,
    alternative: str = "two_sided",
) -> PermutationTest:
    """Test coefficients by rearranging the trials.

    Without moderators the signs of the effects are changed, in all 2^k ways; with them
    the rows of the design are permuted over the trials, in all ways that differ.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials. Its method of inference gives the statistic.
    exact : bool or "auto"
        Go through all arrangements; "auto": when there are at most `iterations`.
    iterations : int
        Number of random arrangements, of which the observed one is the first.
    seed : int
        Seed of the random ones.
    alternative : {"two_sided", "greater", "less"}
        For the coefficients. Two-sided: as large in absolute value.

    Returns
    -------
    PermutationTest
        p-values are the part of arrangements with a statistic at least as extreme as
        the observed one.

    Raises
    ------
    DataError
        For an unknown alternative, less than 2 iterations, given weights with
        moderators, or too many arrangements for an exact test.
    NotEstimableError
        For a single trial.

    Notes
    -----
    Under Hartung and Knapp an arrangement that the model fits exactly has a standard
    error of zero: its statistic counts as infinite.

    References
    ----------
    .. [1] Follmann DA, Proschan MA (1999). Valid inference in random effects
       meta-analysis. Biometrics 55(3), 732-737.
    .. [2] Higgins JPT, Thompson SG (2004). Controlling the risk of spurious findings
       from meta-regression. Statistics in Medicine 23(11), 1663-1682.
    """
    one_of("alternative", alternative, ALTERNATIVES)
    if iterations < 2:
        raise DataError(f"iterations must be at least 2, got {iterations!r}")
    if pooled.k < 2:
        raise NotEstimableError("a permutation test needs at least 2 trials")
    signs = not pooled.has_moderators
    if pooled.custom_weights and not signs:
        raise DataError(
            "rows of the moderators are permuted under inverse-variance weights only",
            remedy="leave the weights out",
        )
    groups = np.bincount(_groups(pooled))
    number = 2**pooled.k if signs else number_of_arrangements(groups)
    every = number <= iterations if exact == "auto" else bool(exact)
    if every and number > LARGEST_EXACT:
        raise DataError(
            f"there are {number} arrangements of {pooled.k} trials",
            remedy=f"use exact=False; at most {LARGEST_EXACT} are gone through",
        )
    drawn = None if every else iterations
    found = (_by_signs if signs else _by_rows)(pooled, drawn, seed)
    return _result(pooled, np.concatenate(list(found)), every, alternative)


def _groups(pooled: Pooled) -> IntArray:
    """Return a number for each trial, the same for equal rows of the design."""
    inverse = np.unique(pooled.design, axis=0, return_inverse=True)[1]
    return np.asarray(inverse, dtype=np.intp).reshape(-1)


def _by_signs(pooled: Pooled, drawn: int | None, seed: int) -> Iterator[FloatArray]:
    """Yield statistics, one row an arrangement: the coefficient and the omnibus."""
    k = pooled.k
    if drawn is None:
        changes = half_of_all_signs(k)
    else:
        minus = stream(seed, "signs").integers(0, 2, (drawn - 1, k))
        changes = np.concatenate([np.ones((1, k)), 1.0 - 2.0 * minus])
    ordered = np.empty_like(changes)
    ordered[:, settled_order(pooled)] = changes
    for start in range(0, len(ordered), _BLOCK):
        effect = ordered[start : start + _BLOCK] * pooled.effect
        found = _statistics(pooled, effect, pooled.variance[np.newaxis])
        yield found
        if drawn is None:
            # Opposite signs give the opposite coefficient and the same omnibus.
            yield found * np.array([-1.0, 1.0])


def _by_rows(pooled: Pooled, drawn: int | None, seed: int) -> Iterator[FloatArray]:
    """Yield statistics, one row an arrangement: the coefficients and the omnibus."""
    # Rows of the design in the order of their groups, and the trials that come there.
    groups = _groups(pooled)
    place = np.argsort(groups, kind="stable")
    if drawn is None:
        given = all_arrangements(np.bincount(groups))
        came = np.argsort(given, axis=1, kind="stable")
    else:
        settled = np.tile(settled_order(pooled), (drawn - 1, 1))
        shuffled = stream(seed, "rows").permuted(settled, axis=1)
        came = np.concatenate([place[np.newaxis], shuffled])
    chosen = np.empty(came.shape, dtype=np.intp)
    chosen[:, place] = came
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        yield _statistics(pooled, pooled.effect[block], pooled.variance[block])


def _statistics(pooled: Pooled, effect: FloatArray, variance: FloatArray) -> FloatArray:
    """Return statistics of arrangements: of the coefficients, then the omnibus."""
    fits = refit(pooled, effect=effect, variance=variance)
    tested = _tested(pooled)
    statistic, omnibus = fits.tests.statistic, fits.omnibus(tested)
    exactly = np.flatnonzero(fits.reason == FITS_PERFECTLY)
    if exactly.size:
        rows = np.broadcast_to(variance, effect.shape)[exactly]
        fits = refit(pooled, effect=effect[exactly], variance=rows, inference="wald")
        sign = np.where(np.abs(fits.tests.statistic) < TIE, 0.0, fits.coefficient)
        statistic[exactly] = np.where(sign == 0, 0.0, np.sign(sign) * np.inf)
        omnibus[exactly] = np.where((sign[:, tested] != 0).any(axis=1), np.inf, 0.0)
    return np.column_stack([statistic, omnibus])


def _tested(pooled: Pooled) -> IntArray:
    """Return the columns that the omnibus test is about: all but the intercept."""
    p, intercept = len(pooled.coefficient), pooled.moderators.intercept
    return np.array([j for j in range(p) if p == 1 or j != intercept], dtype=np.intp)


def _result(
    pooled: Pooled, statistics: FloatArray, every: bool, alternative: str
) -> PermutationTest:
    own = pooled.effect[np.newaxis], pooled.variance[np.newaxis]
    observed = _statistics(pooled, *own)[0]
    known = ~np.isnan(statistics).any(axis=1)
    turn = ALTERNATIVES[alternative]
    extreme = turn(statistics[known, :-1]) >= turn(observed[:-1]) - TIE
    beyond = statistics[known, -1] >= observed[-1] - TIE
    coefficients = pd.DataFrame(
        {
            "term": list(pooled.terms),
            "estimate": pooled.coefficient,
            "statistic": observed[:-1],
            "p_value": extreme.mean(axis=0),
        }
    )
    return PermutationTest(
        coefficients,
        float(observed[-1]),
        float(beyond.mean()),
        len(statistics),
        every,
        int((~known).sum()),
        alternative,
    )
