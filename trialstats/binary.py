"""Two proportions compared: risk difference, risk ratio, odds ratio.

``x_1`` of ``n_1`` subjects have the event under treatment, ``x_0`` of ``n_0`` under
control; ``p_i = x_i / n_i`` and ``N = n_1 + n_0``.

Intervals for the difference and the ratio of risks invert the score test of Miettinen
and Nurminen: a value is in the interval when

    z = (p_1 - p_0 - d) / sqrt(V),   or   z = (p_1 - r p_0) / sqrt(V),

stays within the normal quantile, where V is the variance at the maximum-likelihood
estimate constrained to that value, times N / (N - 1). The interval for the odds ratio
is exact, from its distribution given both margins. A quantity that would be infinite
or without a finite error is None, with the reason beside it.

statsmodels is not used: its score interval for the difference has a wrong coefficient
in the cubic of the constrained estimate (up to 0.15.0), and cannot be bracketed in
sparse tables (0 of 12 against 0 of 15). The tests show both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import optimize, stats
from scipy.stats import contingency

from trialstats.errors import DataError
from trialstats.linear_model import check_level

#: Roots are found to the last digits that a double holds near 1.
_ROOT = {"xtol": 1e-15, "rtol": 8.9e-16}

#: Stands for an infinite score statistic; far beyond every normal quantile.
_BEYOND = 1e8


@dataclass(frozen=True, slots=True)
class Risk:
    """Risk in one arm with its exact (Clopper-Pearson) interval."""

    events: int
    n: int
    level: float
    ci_lower: float
    ci_upper: float

    @property
    def estimate(self) -> float:
        """Share of subjects with the event."""
        return self.events / self.n


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of treatment against control.

    For ratios every number is on the log scale. None stands for what does not exist;
    `not_estimable` then says why (null when estimate and both limits exist).
    """

    estimate: float | None
    standard_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    statistic: float | None
    p_value: float | None
    not_estimable: str | None


@dataclass(frozen=True, slots=True)
class ProportionsComparison:
    """Two proportions compared, treatment minus (or over) control."""

    risk: Risk
    control_risk: Risk
    risk_difference: Comparison
    log_risk_ratio: Comparison
    log_odds_ratio: Comparison
    level: float


def compare_proportions(
    events: int, n: int, control_events: int, control_n: int, *, level: float = 0.95
) -> ProportionsComparison:
    """Compare the risk under treatment with the risk under control.

    Parameters
    ----------
    events, n : int
        Subjects with the event, and all subjects, under treatment.
    control_events, control_n : int
        The same under control.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    ProportionsComparison
        Risks with Clopper-Pearson intervals; the risk difference and the log risk
        ratio with score intervals and the score test of equal risks; the log odds
        ratio (sample odds ratio, not the conditional estimate) with the conditional
        exact interval and Fisher's two-sided p-value. Standard errors are those of
        the delta method, None where a cell without subjects makes them zero or
        infinite.

    Raises
    ------
    DataError
        When counts are not whole, negative, greater than n, or n is zero.

    References
    ----------
    .. [1] Miettinen O, Nurminen M (1985). Comparative analysis of two rates.
       Statistics in Medicine 4(2), 213-226.
    .. [2] Clopper CJ, Pearson ES (1934). The use of confidence or fiducial limits
       illustrated in the case of the binomial. Biometrika 26(4), 404-413.
    .. [3] Fisher RA (1935). The logic of inductive inference. Journal of the Royal
       Statistical Society 98(1), 39-82.

    Examples
    --------
    >>> result = compare_proportions(56, 70, 48, 80)
    >>> f"{result.risk_difference.ci_lower:.6f} {result.risk_difference.ci_upper:.6f}"
    '0.052830 0.338173'
    """
    check_level(level)
    _check_counts(events, n, "treatment")
    _check_counts(control_events, control_n, "control")
    counts = (int(events), int(n), int(control_events), int(control_n))
    return ProportionsComparison(
        risk=_risk(counts[0], counts[1], level),
        control_risk=_risk(counts[2], counts[3], level),
        risk_difference=_risk_difference(counts, level),
        log_risk_ratio=_log_risk_ratio(counts, level),
        log_odds_ratio=_log_odds_ratio(counts, level),
        level=level,
    )


Counts = tuple[int, int, int, int]


def _check_counts(events: float, n: float, arm: str) -> None:
    for value, column in ((events, "events"), (n, "n")):
        if not (math.isfinite(value) and float(value).is_integer() and value >= 0):
            raise DataError(f"not a count ({arm})", column=column, value=value)
    if n == 0:
        raise DataError(f"no subjects ({arm})", column="n", value=n)
    if events > n:
        raise DataError(
            f"more events than subjects ({arm}, n = {n})", column="events", value=events
        )


def _risk(events: int, n: int, level: float) -> Risk:
    tail = (1 - level) / 2
    lower = float(stats.beta.ppf(tail, events, n - events + 1)) if events else 0.0
    upper = float(stats.beta.isf(tail, events + 1, n - events)) if events < n else 1.0
    return Risk(events, n, level, lower, upper)


def score_difference(difference: float, counts: Counts) -> float:
    """Return the score statistic of a risk difference (x1, n1, x0, n0)."""
    x1, n1, x0, n0 = counts
    p0 = _constrained_difference(difference, counts)
    p1 = min(max(p0 + difference, 0.0), 1.0)
    variance = (p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * (n1 + n0) / (n1 + n0 - 1)
    return _standardised(x1 / n1 - x0 / n0 - difference, variance)


def _constrained_difference(difference: float, counts: Counts) -> float:
    """Return the control risk of greatest likelihood given the difference.

    The root of Miettinen and Nurminen's cubic in trigonometric form; the arguments
    are kept in their range because rounding pushes them out in sparse tables.
    """
    x1, n1, x0, n0 = counts
    n, x = n1 + n0, x1 + x0
    l2 = (n1 + 2 * n0) * difference - n - x
    l1 = (n0 * difference - n - 2 * x0) * difference + x
    l0 = x0 * difference * (1 - difference)
    q = (l2 / (3 * n)) ** 3 - l1 * l2 / (6 * n**2) + l0 / (2 * n)
    p = math.copysign(math.sqrt(max((l2 / (3 * n)) ** 2 - l1 / (3 * n), 0.0)), q)
    ratio = min(max(q / p**3, -1.0), 1.0) if p else 0.0
    p0 = 2 * p * math.cos((math.pi + math.acos(ratio)) / 3) - l2 / (3 * n)
    return min(max(p0, 0.0, -difference), 1.0, 1.0 - difference)


def score_ratio(log_ratio: float, counts: Counts) -> float:
    """Return the score statistic of a log risk ratio (x1, n1, x0, n0)."""
    x1, n1, x0, n0 = counts
    n, ratio = n1 + n0, math.exp(log_ratio)
    # The smaller root of a p0^2 - b p0 + c, written so that nothing cancels.
    a, c = n * ratio, x1 + x0
    b = n1 * ratio + x1 + n0 + x0 * ratio
    p0 = 2 * c / (b + math.sqrt(max(b * b - 4 * a * c, 0.0)))
    p0 = min(p0, 1.0, 1.0 / ratio)
    p1 = min(p0 * ratio, 1.0)
    variance = (p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - p0) / n0) * n / (n - 1)
    return _standardised(x1 / n1 - ratio * x0 / n0, variance)


def _standardised(distance: float, variance: float) -> float:
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(_BEYOND, distance)
    return min(max(distance / math.sqrt(variance), -_BEYOND), _BEYOND)


def _risk_difference(counts: Counts, level: float) -> Comparison:
    x1, n1, x0, n0 = counts
    p1, p0 = x1 / n1, x0 / n0
    quantile = float(stats.norm.isf((1 - level) / 2))
    estimate = p1 - p0
    variance = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0

    def root(target: float, end: float) -> float:
        if estimate == end:
            return end
        edge = math.nextafter(end, 0.0)
        if abs(score_difference(edge, counts)) < abs(target):
            return end
        return _root(lambda d: score_difference(d, counts) - target, estimate, edge)

    statistic = score_difference(0.0, counts)
    return Comparison(
        estimate=estimate,
        standard_error=math.sqrt(variance) if variance > 0 else None,
        ci_lower=root(quantile, -1.0),
        ci_upper=root(-quantile, 1.0),
        statistic=statistic,
        p_value=2 * float(stats.norm.sf(abs(statistic))),
        not_estimable=None,
    )


def _log_risk_ratio(counts: Counts, level: float) -> Comparison:
    x1, n1, x0, n0 = counts
    quantile = float(stats.norm.isf((1 - level) / 2))
    statistic = score_difference(0.0, counts)
    p_value = 2 * float(stats.norm.sf(abs(statistic)))
    if x1 == x0 == 0:
        return _nothing("No event in either arm: the risk ratio is 0/0.")
    estimate = math.log((x1 / n1) / (x0 / n0)) if x1 and x0 else None
    start = math.log(((x1 + 0.5) / n1) / ((x0 + 0.5) / n0))
    inside = estimate if estimate is not None else start

    def limit(target: float, step: float) -> float:
        return _outward(lambda r: score_ratio(r, counts) - target, inside, step)

    variance = (1 / x1 - 1 / n1 + 1 / x0 - 1 / n0) if x1 and x0 else 0.0
    return Comparison(
        estimate=estimate,
        standard_error=math.sqrt(variance) if variance > 0 else None,
        ci_lower=limit(quantile, -1.0) if x1 else None,
        ci_upper=limit(-quantile, 1.0) if x0 else None,
        statistic=statistic,
        p_value=p_value,
        not_estimable=_why_infinite(x1 == 0, x0 == 0, "risk ratio"),
    )


def _log_odds_ratio(counts: Counts, level: float) -> Comparison:
    x1, n1, x0, n0 = counts
    table = [[x1, n1 - x1], [x0, n0 - x0]]
    p_value = float(stats.fisher_exact(table).pvalue)
    if x1 + x0 in (0, n1 + n0):
        which = "No" if x1 + x0 == 0 else "Every subject has the"
        return _nothing(f"{which} event in either arm: the odds ratio is 0/0.")
    zero, infinite = x1 == 0 or x0 == n0, x0 == 0 or x1 == n1
    finite = not (zero or infinite)
    interval = contingency.odds_ratio(table, kind="conditional").confidence_interval(
        confidence_level=level
    )
    cells = [cell for row in table for cell in row]
    return Comparison(
        estimate=math.log(x1 * (n0 - x0) / (x0 * (n1 - x1))) if finite else None,
        standard_error=math.sqrt(sum(1 / c for c in cells)) if finite else None,
        ci_lower=None if zero else math.log(interval.low),
        ci_upper=None if infinite else math.log(interval.high),
        statistic=None,
        p_value=p_value,
        not_estimable=_why_infinite(zero, infinite, "odds ratio"),
    )


def _why_infinite(zero: bool, infinite: bool, measure: str) -> str | None:
    if zero:
        return (
            f"The {measure} is 0, its logarithm infinite: only an upper limit exists."
        )
    if infinite:
        return f"The {measure} is infinite: only a lower limit exists."
    return None


def _nothing(reason: str) -> Comparison:
    return Comparison(None, None, None, None, None, None, reason)


def _outward(function: Callable[[float], float], inside: float, step: float) -> float:
    """Return the root beyond `inside`, looking ever further in one direction."""
    near, far = inside, inside + step
    while function(near) * function(far) > 0:
        near, far, step = far, far + 2 * step, 2 * step
    return _root(function, near, far)


def _root(function: Callable[[float], float], one: float, other: float) -> float:
    low, high = sorted((one, other))
    return float(optimize.brentq(function, low, high, maxiter=500, **_ROOT))
