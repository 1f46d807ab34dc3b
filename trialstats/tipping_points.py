"""How far those without data must differ before a conclusion changes.

Counts: of the m subjects of an arm without a value, k are taken to have the event,

    p = (x + k) / (n + m),    k = 0, 1, ..., m,

and the two arms are compared as they would be with complete data.

Means (a pattern-mixture model): in each arm a share pi of the subjects has no value.
Given arm and covariates, their mean is that of the subjects with a value plus a shift
delta, which no data inform. Averaged over both patterns, treatment minus control is

    Delta = beta + pi_1 delta_1 - pi_0 delta_0,

beta being the adjusted difference of those with a value. With the shares estimated by
``m / (n + m)``, and independent of the estimate of beta given the pattern, the delta
method gives

    Var(Delta) = Var(beta) + sum_a delta_a^2 pi_a (1 - pi_a) / (n_a + m_a).

Shifts of zero give back beta and its error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from trialstats.binary import score_difference
from trialstats.errors import DataError
from trialstats.linear_model import Estimate, t_estimate

#: Numbers of events that are tried in an arm without a step.
MOST = 60


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: subjects with a value and without one, and events of those with one."""

    n: int
    missing: int
    events: int = 0

    @property
    def share(self) -> float:
        """Share of the subjects without a value."""
        return self.missing / (self.n + self.missing)


def counts_tried(missing: int, *, most: int = MOST) -> list[int]:
    """Return the numbers of events that are tried among those without data.

    Parameters
    ----------
    missing : int
        Subjects without data.
    most : int
        Up to so many are tried one by one; of more, every second, third, ... and the
        last.

    Returns
    -------
    list of int
        From 0 to `missing`.

    Examples
    --------
    >>> counts_tried(3), counts_tried(7, most=3)
    ([0, 1, 2, 3], [0, 3, 6, 7])
    """
    if missing < 0:
        raise DataError("a negative number of subjects", value=missing)
    tried = list(range(0, missing + 1, step_of(missing, most=most)))
    return tried if tried[-1] == missing else [*tried, missing]


def step_of(missing: int, *, most: int = MOST) -> int:
    """Return the step between the numbers of events that are tried.

    >>> step_of(60), step_of(61)
    (1, 2)
    """
    return max(1, math.ceil(missing / most))


def expected_count(arm: Arm) -> int:
    """Return the events among those without data at the risk of those with data.

    Rounded half up to a whole number, among those that are tried.

    >>> expected_count(Arm(n=40, missing=10, events=18))
    5
    """
    expected = math.floor(arm.missing * arm.events / arm.n + 0.5)
    return min(counts_tried(arm.missing), key=lambda k: (abs(k - expected), k))


@dataclass(frozen=True, slots=True)
class AssumedDifference:
    """A risk difference under an assumption, with the score test of equal risks."""

    estimate: float
    standard_error: float | None
    statistic: float
    p_value: float


def difference_with(
    treatment: Arm, control: Arm, events: tuple[int, int]
) -> AssumedDifference:
    """Compare two risks when so many of those without data have the event.

    Parameters
    ----------
    treatment, control : Arm
        What was observed.
    events : pair of int
        Events assumed among those without data, of treatment and of control.

    Returns
    -------
    AssumedDifference
        As `compare_proportions` has it; the error is None where it would be zero.

    Raises
    ------
    DataError
        When more events are assumed than subjects are without data, or an arm has no
        subject.

    References
    ----------
    .. [1] Yan X, Lee S, Li N (2009). Missing data handling methods in medical device
       clinical trials. Journal of Biopharmaceutical Statistics 19(6), 1085-1098.

    Examples
    --------
    >>> found = difference_with(Arm(40, 10, 20), Arm(45, 5, 9), (2, 1))
    >>> round(found.estimate, 6)
    0.24
    """
    arms = (treatment, control)
    for arm, assumed in zip(arms, events, strict=True):
        if not 0 <= assumed <= arm.missing:
            raise DataError(
                f"{arm.missing} subjects without data cannot have so many events",
                value=assumed,
            )
        if arm.n + arm.missing == 0:
            raise DataError("no subjects in an arm", value=0)
    x1, x0 = (a.events + k for a, k in zip(arms, events, strict=True))
    n1, n0 = (a.n + a.missing for a in arms)
    p1, p0 = x1 / n1, x0 / n0
    variance = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0
    statistic = score_difference(0.0, (x1, n1, x0, n0))
    return AssumedDifference(
        estimate=p1 - p0,
        standard_error=math.sqrt(variance) if variance > 0 else None,
        statistic=statistic,
        p_value=2 * float(special.ndtr(-abs(statistic))),
    )


def shifted_difference(
    observed: Estimate,
    treatment: Arm,
    control: Arm,
    shifts: Sequence[float],
) -> Estimate:
    """Return the difference of means when those without a value differ by shifts.

    Parameters
    ----------
    observed : Estimate
        The adjusted difference of those with a value, treatment minus control.
    treatment, control : Arm
        Subjects with and without a value.
    shifts : pair of float
        Mean of those without a value minus mean of those with one, given arm and
        covariates, of treatment and of control.

    Returns
    -------
    Estimate
        With the t interval and test of the degrees of freedom of `observed`.

    Raises
    ------
    DataError
        When a shift is no finite number.

    References
    ----------
    .. [1] Little RJA (1993). Pattern-mixture models for multivariate incomplete data.
       Journal of the American Statistical Association 88(421), 125-134.
    .. [2] Hedeker D, Gibbons RD (1997). Application of random-effects pattern-mixture
       models for missing data in longitudinal studies. Psychological Methods 2(1),
       64-78. (The delta method with estimated shares.)
    .. [3] White IR, Horton NJ, Carpenter J, Pocock SJ (2011). Strategy for intention
       to treat analysis in randomised trials with missing outcome data. BMJ 342, d40.

    Examples
    --------
    >>> from trialstats.linear_model import t_estimate
    >>> seen = t_estimate(-1.2, 0.4, df=80.0, level=0.95)
    >>> found = shifted_difference(seen, Arm(40, 10), Arm(45, 5), (1.5, 0.0))
    >>> round(found.estimate, 6), round(found.standard_error, 6)
    (-0.9, 0.408901)
    """
    if len(shifts) != 2 or not all(math.isfinite(s) for s in shifts):
        raise DataError("the shifts are not two finite numbers", value=list(shifts))
    variance, estimate = observed.standard_error**2, observed.estimate
    for sign, arm, shift in zip((1, -1), (treatment, control), shifts, strict=True):
        estimate += sign * arm.share * shift
        spread = arm.share * (1 - arm.share) / (arm.n + arm.missing)
        variance += shift**2 * spread
    return t_estimate(
        estimate, math.sqrt(variance), df=observed.df, level=observed.level
    )
