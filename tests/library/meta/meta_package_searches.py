"""Limits of tau-squared, and Paule and Mandel's estimate, where meta finds them.

meta leaves metafor's searches at their default tolerance, 1.2e-4 of tau-squared, which
is much for risk differences; where it refits, REML stops early, too. The searches are
repeated here on our functions; what they end at must be within that tolerance of ours,
and stands in for it in the walk.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
from scipy.special import chdtri

from tests.library.meta.coarse_search import COARSE, stopped_early, zero_within
from trialstats.meta.quadratic_forms import upper_tail_of
from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.tau_squared_intervals import INTERVALS, Request
from trialstats.meta.weighting import Trials, weigh
from trialstats.meta.weighting_given import GivenWeights

#: Ours, as they are without the searches.
EXACT = dict(INTERVALS)
PAULE_MANDEL = TAU_SQUARED["PM"]


def ended(
    function: Callable[[float], float], exact: float, highest: float, *, rises: bool
) -> float:
    """Return where a search between zero and `highest` ends: a root, or an end.

    A limit beyond the end of the search is that end; meta's results do not keep the
    mark that metafor gives it.
    """
    if (function(0.0) >= 0) == rises:
        assert exact == 0
        return 0.0
    if (function(highest) < 0) == rises:
        assert exact >= highest
        return highest
    zero = zero_within(function, 0.0, highest, COARSE)
    assert abs(zero - exact) <= COARSE
    return zero


def generalised_q(trials: Trials) -> Callable[[float], float]:
    """Return Q as a function of tau-squared."""
    return lambda tau_squared: float(weigh(trials, np.array([tau_squared])).q[0])


def q_profile(request: Request) -> tuple[float, float]:
    """Return the limits of Q-profile where the search ends."""
    trials, tail = request.fit.trials, (1 - request.level) / 2
    q = generalised_q(trials)
    highest = max(100.0, 10 * float(request.fit.tau_squared[0]))
    targets = [float(chdtri(trials.df[0], at)) for at in (tail, 1 - tail)]
    found = [
        ended(lambda t, at=at: q(t) - at, limit, highest, rises=False)
        for at, limit in zip(targets, EXACT["q_profile"](request), strict=True)
    ]
    return found[0], found[1]


def weighted(name: str, power: float) -> Callable[[Request], tuple[float, float]]:
    """Return limits of generalised Q with weights 1/v^power where the search ends."""

    def limits(request: Request) -> tuple[float, float]:
        trials = request.fit.trials
        given = GivenWeights(trials, trials.variance**-power)
        highest = max(100.0, 10 * float(TAU_SQUARED["GENQ"](trials, given)[0]))
        q, tail = float(given.q[0]), (1 - request.level) / 2
        exact = EXACT[name](request)
        found = [
            ended(
                lambda t, at=at: upper_tail_of(given, q, t) - at,
                limit,
                highest,
                rises=True,
            )
            for at, limit in zip((tail, 1 - tail), exact, strict=True)
        ]
        return found[0], found[1]

    return limits


def paule_mandel(trials: Trials, given: GivenWeights | None) -> np.ndarray:
    """Return Paule and Mandel's tau-squared where the search ends."""
    y = trials.deviation[:, 0]
    deviation = 1.482602218505602 * float(np.median(np.abs(y - np.median(y))))
    q, df = generalised_q(trials), float(trials.df[0])
    exact = float(PAULE_MANDEL(trials, given)[0])
    highest = max(100.0, 10 * deviation**2)
    return np.array([ended(lambda t: q(t) - df, exact, highest, rises=False)])


@contextmanager
def searched_as_metafor(*, early: bool = False) -> Iterator[None]:
    """Let pooling end its searches where metafor does, REML too where `early`."""
    intervals = {
        "q_profile": q_profile,
        "jackson": weighted("jackson", 0.5),
        "biggerstaff_jackson": weighted("biggerstaff_jackson", 1.0),
    }
    estimators = {"PM": paule_mandel} | ({"REML": stopped_early} if early else {})
    with patch.dict(INTERVALS, intervals), patch.dict(TAU_SQUARED, estimators):
        yield
