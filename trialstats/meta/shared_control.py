"""The covariance of two effects that share one control arm.

The control's part of each effect is the same random number, so that the covariance is
the variance of that part:

    RD   p (1 - p) / n          p = c / n, the risk under control
    RR   1 / c - 1 / n          on the log scale
    OR   1 / c + 1 / (n - c)    on the log scale
    SMD  1 / n + g1 g2 n / (2 N1 N2)
"""

import math
from collections.abc import Callable

from trialstats.errors import DataError
from trialstats.meta.inputs import one_of


def covariance_of_proportions(measure: str, events: float, n: float) -> float:
    """Return the covariance of two comparisons of proportions with one control arm.

    Parameters
    ----------
    measure : {"RD", "RR", "OR"}
        What both compare; RR and OR as logarithms.
    events, n : float
        Subjects of the control arm with the event, and all of them.

    Returns
    -------
    float
        NaN where the logarithm of the control's risk or odds does not exist.

    Raises
    ------
    DataError
        For another measure, or counts that are none.

    References
    ----------
    .. [1] Gleser LJ, Olkin I (2009). Stochastically dependent effect sizes. In The
       Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 357-376.

    Examples
    --------
    >>> round(covariance_of_proportions("RR", 10, 40), 6)
    0.075
    """
    one_of("measure", measure, _OF_PROPORTIONS)
    if not (n > 0 and 0 <= events <= n):
        raise DataError(
            "not the counts of an arm",
            column="events",
            value=events,
            remedy=f"it is between 0 and n = {n}, and n above zero",
        )
    return _OF_PROPORTIONS[measure](float(events), float(n))


def _of_difference(events: float, n: float) -> float:
    return events * (n - events) / n**3


def _of_log_risk(events: float, n: float) -> float:
    return 1 / events - 1 / n if events else math.nan


def _of_log_odds(events: float, n: float) -> float:
    return 1 / events + 1 / (n - events) if 0 < events < n else math.nan


_OF_PROPORTIONS: dict[str, Callable[[float, float], float]] = {
    "RD": _of_difference,
    "RR": _of_log_risk,
    "OR": _of_log_odds,
}


def covariance_of_g(
    first: float, second: float, *, n_first: int, n_second: int, n_control: int
) -> float:
    """Return the covariance of two standardised mean differences with one control arm.

    Each is standardised by the standard deviation pooled over its own two arms, as in
    `effect_sizes`; these share the control's. With one standard deviation pooled over
    all N subjects the second term is g1 g2 / (2 N).

    Parameters
    ----------
    first, second : float
        Hedges' g of the two treatments against the control.
    n_first, n_second, n_control : int
        Sizes of the three arms.

    Returns
    -------
    float
        1 / n_c + g1 g2 n_c / (2 N1 N2), N1 = n_1 + n_c, N2 = n_2 + n_c: to the same
        order as the variance 1 / n_1 + 1 / n_c + g1^2 / (2 N1).

    References
    ----------
    .. [1] Gleser LJ, Olkin I (2009). Stochastically dependent effect sizes. In The
       Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 357-376.

    Examples
    --------
    >>> round(covariance_of_g(0.5, 1.0, n_first=20, n_second=20, n_control=20), 6)
    0.053125
    """
    pairs = (n_first + n_control) * (n_second + n_control)
    return 1 / n_control + first * second * n_control / (2 * pairs)
