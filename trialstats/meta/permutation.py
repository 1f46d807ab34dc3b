"""Permutation tests of a pooled effect and of moderators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.batch import REASONS
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.rearrangements import (
    all_arrangements,
    half_of_all_signs,
    number_of_arrangements,
)
from trialstats.meta.refitting import IntArray, refit, settled_order
from trialstats.randomness import stream

#: Statistics that differ by less are equal: the square root of the last bit.
TIE = float(np.sqrt(np.finfo(np.float64).eps))

#: Limits are sought up to this many standard errors, to this part of the distance.
_FARTHEST, _NEAR = 2.0**20, 1e-9

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
    check_pooled(pooled, "permutation_test")
    one_of("alternative", alternative, ALTERNATIVES)
    arrangements = _arrangements(pooled, exact, iterations, seed)
    statistics = arrangements.statistics(pooled.effect)
    observed = arrangements.observed(pooled.effect)
    known = ~np.isnan(statistics).any(axis=1)
    coefficients = pd.DataFrame(
        {
            "term": list(pooled.terms),
            "estimate": pooled.coefficient,
            "statistic": observed[:-1],
            "p_value": _extreme(statistics[:, :-1], observed[:-1], alternative),
        }
    )
    return PermutationTest(
        coefficients,
        float(observed[-1]),
        float(_extreme(statistics[:, -1:], observed[-1:], "greater")[0]),
        len(statistics),
        arrangements.exact,
        int((~known).sum()),
        alternative,
    )


def permutation_intervals(
    pooled: Pooled,
    *,
    exact: bool | str = "auto",
    iterations: int = 1000,
    seed: int = 1,
    level: float | None = None,
) -> pd.DataFrame:
    """Return the values of each coefficient that permutation tests do not reject.

    Parameters
    ----------
    pooled, exact, iterations, seed
        As for `permutation_test`; the same arrangements at every value.
    level : float, optional
        Confidence level, that of the fit when absent.

    Returns
    -------
    DataFrame of p rows
        `term`, `estimate`, `ci_lower`, `ci_upper`, and `reason` why a limit is NaN,
        empty where none is.

    Raises
    ------
    DataError, NotEstimableError
        As `permutation_test`.

    Notes
    -----
    A value t is tested by the effects less t times the column of the design. The
    p-value of a one-sided test is a step function of t; a limit is the step where it
    passes (1 - level)/2, the one found by halving when there are several.
    """
    check_pooled(pooled, "permutation_intervals")
    arrangements = _arrangements(pooled, exact, iterations, seed)
    width = pooled.level if level is None else level
    check_level(width)
    tail = (1 - width) / 2
    few = arrangements.total * tail < 1
    rows: list[dict[str, Any]] = []
    for column, term in enumerate(pooled.terms):
        lower, upper = (
            float("nan") if few else _limit(arrangements, column, tail, *end)
            for end in (("greater", -1.0), ("less", 1.0))
        )
        reason = f"{arrangements.total} arrangements are too few for this level"
        if not few:
            reason = ""
            if np.isnan(lower) or np.isnan(upper):
                # One limit alone would not say that the other side has none.
                lower = upper = float("nan")
                reason = "the estimate is rejected, or no value is"
        rows.append(
            {
                "term": term,
                "estimate": float(pooled.coefficient[column]),
                "ci_lower": lower,
                "ci_upper": upper,
                "reason": reason,
            }
        )
    return pd.DataFrame(rows)


def _limit(
    arrangements: "_Arrangements",
    column: int,
    tail: float,
    alternative: str,
    direction: float,
) -> float:
    """Return where a one-sided p-value passes `tail` on one side of the estimate."""
    pooled = arrangements.pooled
    estimate = float(pooled.coefficient[column])
    unit = float(pooled.tests.standard_error[column])

    def kept(steps: float) -> bool:
        value = estimate + direction * steps * unit
        effect = pooled.effect - value * pooled.design[:, column]
        statistics = arrangements.statistics(effect)[:, [column]]
        observed = arrangements.observed(effect)[[column]]
        return bool(_extreme(statistics, observed, alternative)[0] >= tail)

    if not kept(0.0):
        return float("nan")
    inside, outside = 0.0, 2.0
    while kept(outside):
        inside, outside = outside, 2 * outside
        if outside > _FARTHEST:
            return float("nan")
    while outside - inside > _NEAR * max(1.0, outside):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if kept(middle) else (inside, middle)
    return estimate + direction * inside * unit


def _extreme(
    statistics: FloatArray, observed: FloatArray, alternative: str
) -> FloatArray:
    """Return the part of arrangements at least as extreme; those without a fit not."""
    turn = ALTERNATIVES[alternative]
    known = statistics[~np.isnan(statistics).any(axis=1)]
    return np.asarray((turn(known) >= turn(observed) - TIE).mean(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class _Arrangements:
    """Ways to rearrange the trials of a fit.

    Attributes
    ----------
    pooled : Pooled
    signs : ndarray of shape (m, k) or None
        Signs of the effects.
    sources : ndarray of shape (m, k) or None
        The trial that comes to each row of the design.
    exact : bool
        Whether these are all; of signs, half of all stand for the other half, too.
    """

    pooled: Pooled
    signs: FloatArray | None
    sources: IntArray | None
    exact: bool

    @property
    def total(self) -> int:
        """Number of arrangements."""
        if self.sources is not None:
            return len(self.sources)
        assert self.signs is not None  # noqa: S101
        return len(self.signs) * (2 if self.exact else 1)

    def observed(self, effect: FloatArray) -> FloatArray:
        """Return the statistics of effects as they are."""
        own = effect[np.newaxis], self.pooled.variance[np.newaxis]
        return np.asarray(_statistics(self.pooled, *own)[0])

    def statistics(self, effect: FloatArray) -> FloatArray:
        """Return a row an arrangement: of the coefficients, then the omnibus."""
        return np.concatenate(list(self._blocks(effect)))

    def _blocks(self, effect: FloatArray) -> Iterator[FloatArray]:
        variance = self.pooled.variance
        if self.sources is not None:
            for start in range(0, len(self.sources), _BLOCK):
                block = self.sources[start : start + _BLOCK]
                yield _statistics(self.pooled, effect[block], variance[block])
            return
        assert self.signs is not None  # noqa: S101
        for start in range(0, len(self.signs), _BLOCK):
            signed = self.signs[start : start + _BLOCK] * effect
            found = _statistics(self.pooled, signed, variance[np.newaxis])
            yield found
            if self.exact:
                # Opposite signs give the opposite coefficient and the same omnibus.
                yield found * np.array([-1.0, 1.0])


def _arrangements(
    pooled: Pooled, exact: bool | str, iterations: int, seed: int
) -> _Arrangements:
    """Return all arrangements of the trials, or random ones."""
    if not (isinstance(iterations, int | np.integer) and iterations >= 2):
        raise DataError(f"iterations must be at least 2, got {iterations!r}")
    if exact not in ("auto", True, False):
        raise DataError(f"unknown exact={exact!r}", remedy="use 'auto', True or False")
    if pooled.k < 2:
        raise NotEstimableError("a permutation test needs at least 2 trials")
    signs = not pooled.has_moderators
    if pooled.custom_weights and not signs:
        raise DataError(
            "rows of the moderators are permuted under inverse-variance weights only",
            remedy="leave the weights out",
        )
    groups = _groups(pooled)
    sizes = np.bincount(groups)
    number = 2**pooled.k if signs else number_of_arrangements(sizes)
    every = number <= iterations if exact == "auto" else bool(exact)
    if every and number > LARGEST_EXACT:
        raise DataError(
            f"there are {number} arrangements of {pooled.k} trials",
            remedy=f"use exact=False; at most {LARGEST_EXACT} are gone through",
        )
    drawn = None if every else iterations
    if signs:
        return _Arrangements(pooled, _signs(pooled, drawn, seed), None, every)
    return _Arrangements(pooled, None, _sources(pooled, groups, drawn, seed), every)


def _groups(pooled: Pooled) -> IntArray:
    """Return a number for each trial, the same for equal rows of the design."""
    inverse = np.unique(pooled.design, axis=0, return_inverse=True)[1]
    return np.asarray(inverse, dtype=np.intp).reshape(-1)


def _signs(pooled: Pooled, drawn: int | None, seed: int) -> FloatArray:
    k = pooled.k
    if drawn is None:
        changes = half_of_all_signs(k)
    else:
        minus = stream(seed, "signs").integers(0, 2, (drawn - 1, k))
        changes = np.concatenate([np.ones((1, k)), 1.0 - 2.0 * minus])
    ordered = np.empty_like(changes)
    ordered[:, settled_order(pooled)] = changes
    return ordered


def _sources(
    pooled: Pooled, groups: IntArray, drawn: int | None, seed: int
) -> IntArray:
    # Rows of the design in the order of their groups, and the trials that come there.
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
    return chosen


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
