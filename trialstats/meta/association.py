"""Tests on the tables of several trials: no association, and one odds ratio.

Cochran-Mantel-Haenszel compares the events under treatment with those expected from
the margins of each trial; Breslow and Day compare each table with the one that the
common odds ratio and the margins imply, and Tarone corrects for the ratio being
estimated. Symbols as in `mantel_haenszel`.
"""

import numpy as np

from trialstats.meta.common_effect import NO_TEST, ChiSquaredTest, chi_squared_test
from trialstats.meta.strata import Cells, above_zero, excess_and_variance


def association_tests(
    measure: str, cells: Cells, estimate: float, correct: bool
) -> dict[str, ChiSquaredTest]:
    """Return the tests that a measure has, by their name in `CommonEffect`.

    Parameters
    ----------
    measure : str
        OR, RR, RD, IRR or IRD.
    cells : Cells
        Tables or person-time of the trials, each of shape (k,).
    estimate : float
        The pooled log odds ratio, around which odds ratios are compared; NaN: none.
    correct : bool
        Whether 0.5 is taken off the distance from the expected number of events.
    """
    if measure == "IRD":
        return {}
    if measure == "IRR":
        test = _person_time_association(cells, correct)
        return {"mantel_haenszel_test": test, "cochran_test": test}
    tests = dict(
        zip(
            ("mantel_haenszel_test", "cochran_test"),
            _association(cells, correct),
            strict=True,
        )
    )
    if measure == "OR" and np.isfinite(estimate):
        names = ("breslow_day_test", "tarone_test")
        tests |= zip(
            names, _one_odds_ratio(cells, float(np.exp(estimate))), strict=True
        )
    return tests


def _corrected(excess: float, variance: float, correct: bool) -> ChiSquaredTest:
    if not variance > 0:
        return NO_TEST
    distance_ = abs(excess) - (0.5 if correct else 0.0)
    return chi_squared_test(distance_**2 / variance, 1)


def _association(cells: Cells, correct: bool) -> tuple[ChiSquaredTest, ChiSquaredTest]:
    """Return the tests with Mantel's and Cochran's variance."""
    excess, variance = excess_and_variance(cells)
    total = above_zero(np.asarray(sum(cells)))
    binomial = variance * (total - 1) / total
    observed = float(excess.sum())
    return (
        _corrected(observed, float(variance.sum()), correct),
        _corrected(observed, float(binomial.sum()), correct),
    )


def _person_time_association(cells: Cells, correct: bool) -> ChiSquaredTest:
    x1, t1, x2, t2 = cells
    total = above_zero(t1 + t2)
    events, share = x1 + x2, t1 / total
    variance = float((events * share * (t2 / total)).sum())
    return _corrected(float((x1 - events * share).sum()), variance, correct)


def _one_odds_ratio(
    cells: Cells, odds_ratio: float
) -> tuple[ChiSquaredTest, ChiSquaredTest]:
    """Return Breslow and Day's test and Tarone's.

    The expected a under the common odds ratio psi is the root, within the margins, of
    a (n2 - m + a) = psi (n1 - a)(m - a) with m events.
    """
    a, b, c, d = cells
    n1, n2, events = a + b, c + d, a + c
    coefficient = odds_ratio * (n1 + events) + (n2 - events)
    product = n1 * events * odds_ratio
    root = np.sqrt(np.maximum(coefficient**2 - 4 * product * (odds_ratio - 1), 0.0))
    # The small root of the quadratic without a difference of near numbers.
    below = coefficient + root
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(below > 0, 2 * product / below, 0.0)
    used = (expected > 0) & (events > 0) & (b + d > 0)
    e = expected[used]
    spread = 1 / (
        1 / e
        + 1 / (n1[used] - e)
        + 1 / (events[used] - e)
        + 1 / (n2[used] - events[used] + e)
    )
    excess = a[used] - e
    breslow_day = float((excess**2 / spread).sum())
    surplus = float(excess.sum()) ** 2 / float(spread.sum()) if used.any() else 0.0
    df = int(used.sum()) - 1
    return (
        chi_squared_test(breslow_day, max(df, 0)),
        chi_squared_test(max(0.0, breslow_day - surplus), max(df, 0)),
    )
