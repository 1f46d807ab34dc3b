"""Two proportions once more: likelihoods and sums written out, limits by root finding.

The first engine has closed forms for the constrained estimates and scipy's
distributions for the exact limits. Here the constrained likelihood is maximised by the
root of its derivative, and exact limits come from sums of binomial and noncentral
hypergeometric terms.
"""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import gammaln

Counts = tuple[int, int, int, int]
Limits = tuple[float | None, float | None]

#: Distance from an end of the unit interval at which a likelihood is not looked at.
_EDGE = 1e-15


def risk_limits(events: int, n: int, level: float) -> Limits:
    """Return exact limits of one proportion from sums of binomial terms."""
    tail = (1 - level) / 2
    terms = np.arange(n + 1)

    def upper_tail(p: float) -> float:
        return float(np.exp(_binomial(terms[events:], n, p)).sum()) - tail

    def lower_tail(p: float) -> float:
        return float(np.exp(_binomial(terms[: events + 1], n, p)).sum()) - tail

    lower = _root(upper_tail, _EDGE, 1 - _EDGE) if events else 0.0
    upper = _root(lower_tail, _EDGE, 1 - _EDGE) if events < n else 1.0
    return lower, upper


def _binomial(x: NDArray[np.int64], n: int, p: float) -> NDArray[np.float64]:
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    terms: NDArray[np.float64] = choose + x * math.log(p) + (n - x) * math.log1p(-p)
    return terms


def simple_limits(counts: Counts, level: float) -> Mapping[str, float]:
    """Return limits of p1 - p0 from the two binomial variances."""
    x1, n1, x0, n0 = counts
    p1, p0 = x1 / n1, x0 / n0
    error = math.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return {"ci_lower": p1 - p0 - half, "ci_upper": p1 - p0 + half}


def risk_difference_limits(counts: Counts, level: float) -> Limits:
    """Return score limits of p1 - p0."""
    x1, n1, x0, n0 = counts
    estimate = x1 / n1 - x0 / n0
    quantile = NormalDist().inv_cdf((1 + level) / 2)

    def statistic(d: float) -> float:
        low, high = max(0.0, -d), min(1.0, 1.0 - d)

        def slope(p: float) -> float:
            return _slope(x0, n0, p) + _slope(x1, n1, p + d)

        p0 = _highest(slope, low, high)
        variance = p0 * (1 - p0) / n0 + (p0 + d) * (1 - p0 - d) / n1
        return _score(estimate - d, variance, n1 + n0)

    def limit(target: float, end: float) -> float:
        edge = end * (1 - 1e-12)
        if abs(estimate - end) < _EDGE or abs(statistic(edge)) < quantile:
            return end
        return _root(lambda d: statistic(d) - target, estimate, edge)

    return limit(quantile, -1.0), limit(-quantile, 1.0)


def log_risk_ratio_limits(counts: Counts, level: float) -> Limits:
    """Return score limits of log(p1 / p0); None where there is none."""
    x1, n1, x0, n0 = counts
    quantile = NormalDist().inv_cdf((1 + level) / 2)

    def statistic(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)

        def slope(p: float) -> float:
            return _slope(x0, n0, p) + ratio * _slope(x1, n1, ratio * p)

        p0 = _highest(slope, 0.0, min(1.0, 1.0 / ratio))
        p1 = min(ratio * p0, 1.0)
        variance = p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - p0) / n0
        return _score(x1 / n1 - ratio * x0 / n0, variance, n1 + n0)

    middle = math.log(((x1 + 0.5) * n0) / ((x0 + 0.5) * n1))
    lower = _outward(lambda r: statistic(r) - quantile, middle, -0.5) if x1 else None
    upper = _outward(lambda r: statistic(r) + quantile, middle, 0.5) if x0 else None
    return lower, upper


def log_odds_ratio_limits(counts: Counts, level: float) -> Limits:
    """Return conditional exact limits of the log odds ratio; None where none is."""
    x1, n1, x0, n0 = counts
    tail, total = (1 - level) / 2, x1 + x0
    support = np.arange(max(0, total - n0), min(n1, total) + 1)
    ways = -(
        gammaln(support + 1)
        + gammaln(n1 - support + 1)
        + gammaln(total - support + 1)
        + gammaln(n0 - total + support + 1)
    )

    def share(log_odds: float, chosen: NDArray[np.bool_]) -> float:
        terms = ways + support * log_odds
        terms = np.exp(terms - terms.max())
        return float(terms[chosen].sum() / terms.sum()) - tail

    lower = upper = None
    if x1 > support[0]:
        lower = _outward(lambda t: share(t, support >= x1), 0.0, -1.0, both=True)
    if x1 < support[-1]:
        upper = _outward(lambda t: share(t, support <= x1), 0.0, 1.0, both=True)
    return lower, upper


def fisher_p_value(counts: Counts) -> float:
    """Return Fisher's two-sided p-value: tables no more probable than this one."""
    x1, n1, x0, n0 = counts
    total = x1 + x0
    support = range(max(0, total - n0), min(n1, total) + 1)
    ways = {x: math.comb(n1, x) * math.comb(n0, total - x) for x in support}
    rare = sum(w for w in ways.values() if w <= ways[x1])
    return rare / math.comb(n1 + n0, total)


def _slope(x: int, n: int, p: float) -> float:
    """Return the derivative of a binomial log-likelihood; terms of 0 events drop."""
    slope = 0.0
    if x:
        slope += x / p if p > 0 else math.inf
    if n - x:
        slope -= (n - x) / (1 - p) if p < 1 else math.inf
    return slope


def _highest(slope: Callable[[float], float], low: float, high: float) -> float:
    """Return where a concave likelihood is highest between two ends."""
    gap = (high - low) * 1e-14
    near, far = low + gap, high - gap
    if not near < far or slope(near) <= 0:
        return low
    if slope(far) >= 0:
        return high
    return _root(slope, near, far)


def _score(distance: float, variance: float, n: int) -> float:
    variance *= n / (n - 1)
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(1e8, distance)
    return max(-1e8, min(1e8, distance / math.sqrt(variance)))


def _outward(
    function: Callable[[float], float], start: float, step: float, both: bool = False
) -> float:
    """Return the root beyond `start`, or on either side of it when `both`."""
    near, far = start, start + step
    for _ in range(60):
        if function(near) * function(far) <= 0:
            return _root(function, near, far)
        far += step
        near = near - step if both else near
        step *= 1.5
    raise ArithmeticError("no root")


def _root(function: Callable[[float], float], one: float, other: float) -> float:
    low, high = min(one, other), max(one, other)
    return float(
        optimize.bisect(function, low, high, xtol=1e-15, rtol=8.9e-16, maxiter=2000)
    )


def effects(counts: Counts, level: float) -> dict[str, dict[str, float | None]]:
    """Return estimate, limits and p-value of difference, ratio and odds ratio.

    Ratios are on the log scale; None stands for what does not exist.
    """
    x1, n1, x0, n0 = counts
    odds = x1 * x0 * (n1 - x1) * (n0 - x0)
    found: dict[str, dict[str, float | None]] = {
        "risk_difference": {"estimate": x1 / n1 - x0 / n0},
        "risk_ratio": {
            "estimate": math.log(x1 * n0 / (x0 * n1)) if x1 and x0 else None
        },
        "odds_ratio": {
            "estimate": math.log(x1 * (n0 - x0)) - math.log(x0 * (n1 - x1))
            if odds
            else None
        },
    }
    limits = {
        "risk_difference": risk_difference_limits(counts, level),
        "risk_ratio": log_risk_ratio_limits(counts, level),
        "odds_ratio": log_odds_ratio_limits(counts, level),
    }
    total = x1 + x0
    pooled = total / (n1 + n0)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n0)
    z = abs(_score(x1 / n1 - x0 / n0, variance, n1 + n0))
    p_values: dict[str, float | None] = {
        "risk_difference": 2 * NormalDist().cdf(-z),
        "risk_ratio": 2 * NormalDist().cdf(-z) if total else None,
        "odds_ratio": fisher_p_value(counts) if 0 < total < n1 + n0 else None,
    }
    for name, (lower, upper) in limits.items():
        found[name] |= {
            "ci_lower": lower,
            "ci_upper": upper,
            "p_value": p_values[name],
        }
    return found
