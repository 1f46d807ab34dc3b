"""Fail-safe N: how many unseen trials without an effect would undo a result."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.special import chdtrc, log_ndtr, ndtr, ndtri
from scipy.stats import binom

from trialstats.errors import ConvergenceError, DataError
from trialstats.meta.funnel import Trials, trials_of, weigh
from trialstats.meta.inputs import FloatArray, is_between, one_of
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled, pool

#: A number this near to an integer is that integer.
_ROUNDING = 1.5e-8

#: More unseen trials than this are not looked for.
LARGEST = 10_000_000

#: More trials than this are not put into a refit.
LARGEST_REFIT = 5_000

#: Fields of the result that are no findings.
_DESCRIPTION = ("alpha", "kind", "k", "method", "not_estimable")

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class FailSafe:
    """A fail-safe number and what it is derived from. Unrounded.

    Attributes
    ----------
    number : float
        Number of unseen trials, a whole number or infinity.
    estimate, tau_squared, p_value : float
        What the observed trials give: the mean, the between-trial variance, and the
        p-value (one-sided for "Rosenthal", else two-sided).
    estimate_with, tau_squared_with, p_value_with : float
        The same with the unseen trials added; for "General".
    target : float
        Effect to which the mean is to fall, for "Orwin" and, if asked, "General".
    alpha : float
        Level above which the p-value is to rise.
    kind : str
        Definition.
    k : int
        Number of trials observed.
    method : str
        The method in words.
    not_estimable : mapping of str to str
        Reason for each field that is NaN.
    """

    number: float
    estimate: float
    tau_squared: float
    p_value: float
    estimate_with: float
    tau_squared_with: float
    p_value_with: float
    target: float
    alpha: float
    kind: str
    k: int
    method: str
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked of the trials."""

    pooled: Pooled
    trials: Trials
    alpha: float
    target: float | None
    combine: str

    @property
    def effect(self) -> FloatArray:
        return self.trials.origin + self.trials.deviation

    @property
    def z(self) -> FloatArray:
        return np.asarray(self.effect / np.sqrt(self.trials.variance))


@dataclass(frozen=True, slots=True)
class _With:
    """Model with unseen trials added."""

    estimate: float
    tau_squared: float
    p_value: float


def _ceiling(number: float) -> float:
    """Return the whole number of trials that reaches `number`, at least 0."""
    number = max(0.0, number)
    nearest = round(number)
    near = abs(number - nearest) < _ROUNDING
    return float(nearest if near else math.ceil(number))


def _smallest(holds: Callable[[int], bool], what: str) -> int:
    """Return the smallest whole number above 0 at which `holds`, which stays true."""
    high = 1
    while not holds(high):
        high *= 2
        if high > LARGEST:
            raise ConvergenceError(
                f"{what}: more than {LARGEST} unseen trials, or none would be enough"
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _rosenthal(ask: _Question) -> dict[str, float]:
    return COMBINATIONS[ask.combine](ask)


def _stouffer(ask: _Question) -> dict[str, float]:
    """Add up z-statistics; an unseen trial adds zero."""
    k = ask.trials.k
    z = abs(math.fsum(ask.z)) / math.sqrt(k)
    number = k * (z / -float(ndtri(ask.alpha))) ** 2 - k
    return {"number": _ceiling(number), "p_value": float(ndtr(-z))}


def _fisher(ask: _Question) -> dict[str, float]:
    """Add up logarithms of one-sided p-values; an unseen trial has p = 1/2."""
    k = ask.trials.k
    observed = -2 * math.fsum(log_ndtr(-np.abs(ask.z)))

    def p_value(unseen: int) -> float:
        statistic = observed + 2 * math.log(2) * unseen
        return float(chdtrc(2 * (k + unseen), statistic))

    number = 0
    if p_value(0) < ask.alpha:
        number = _smallest(
            lambda unseen: p_value(unseen) >= ask.alpha, "fail-safe N of Fisher's sum"
        )
    return {"number": float(number), "p_value": p_value(0)}


def _binomial(ask: _Question) -> dict[str, float]:
    """Test the number of positive effects; unseen trials come as pairs, one of each."""
    k, positive = ask.trials.k, int(np.sum(ask.effect > 0))

    def p_value(pairs: int) -> float:
        fewer = min(positive, k - positive) + pairs
        return min(1.0, 2 * float(binom.cdf(fewer, k + 2 * pairs, 0.5)))

    pairs = 0
    if p_value(0) < ask.alpha:
        pairs = _smallest(
            lambda unseen: p_value(unseen) >= ask.alpha, "fail-safe N of the signs"
        )
    return {"number": float(2 * pairs), "p_value": p_value(0)}


def _target(ask: _Question, estimate: float, default: float | None) -> float | None:
    """Return the effect to reach, on the side of the estimate."""
    if ask.target is None:
        return default
    return math.copysign(ask.target, estimate) if ask.target else 0.0


def _orwin(ask: _Question) -> dict[str, float]:
    """Let the weighted mean fall to the target; an unseen trial has the mean weight."""
    estimate = ask.trials.origin + weigh(ask.trials).mean
    target = _target(ask, estimate, estimate / 2)
    if target == 0:
        number = math.inf if estimate else 0.0
    else:
        assert target is not None  # noqa: S101 - half of the estimate stands in
        number = _ceiling(ask.trials.k * (estimate - target) / target)
    return {"number": number, "estimate": estimate, "target": target}


def _rosenberg(ask: _Question) -> dict[str, float]:
    """Let the equal-effects test fall; an unseen trial has the mean precision."""
    fit = weigh(ask.trials)
    total = fit.total
    estimate = ask.trials.origin + fit.mean
    needed = (estimate * total / float(ndtri(ask.alpha / 2))) ** 2 - total
    return {
        "number": _ceiling(needed * ask.trials.k / total),
        "estimate": estimate,
        "p_value": 2 * float(ndtr(-abs(estimate) * math.sqrt(total))),
    }


def _general(ask: _Question) -> dict[str, float]:
    """Let the model itself fall, by its test or to a target."""
    pooled = ask.pooled
    observed = {
        "estimate": pooled.estimate,
        "tau_squared": pooled.tau_squared,
        "p_value": pooled.p_value,
    }
    target = _target(ask, pooled.estimate, None)
    if target is None:
        enough = pooled.p_value >= ask.alpha
    else:
        enough = abs(target) >= abs(pooled.estimate)
    if target == 0 and not enough:
        return {"number": math.inf, **observed, "target": target}

    def undone(unseen: int) -> bool:
        fit = with_unseen(pooled, unseen)
        if target is None:
            return fit.p_value >= ask.alpha
        return abs(fit.estimate) <= abs(target)

    number = 0 if enough else _smallest(undone, "general fail-safe N")
    fit = with_unseen(pooled, number)
    return {
        "number": float(number),
        **observed,
        "estimate_with": fit.estimate,
        "tau_squared_with": fit.tau_squared,
        "p_value_with": fit.p_value,
        **({} if target is None else {"target": target}),
    }


def with_unseen(pooled: Pooled, number: int) -> _With:
    """Return the model with `number` unseen trials of mean effect zero.

    Each unseen trial has the harmonic mean of the variances; together they vary as the
    model says, by that variance plus tau-squared. Under a normal test their total
    variance is put together from its parts (observed, unseen, and between the two);
    under a t test the model is refitted with such trials.
    """
    if number == 0:
        return _With(pooled.estimate, pooled.tau_squared, pooled.p_value)
    effect, variance = np.asarray(pooled.effect), np.asarray(pooled.variance)
    typical = len(variance) / math.fsum(1 / variance)
    if pooled.inference != "wald" and number <= LARGEST_REFIT:
        return _refitted(pooled, number, typical)
    between = _total_tau_squared(pooled, number)
    weight = 1 / (variance + between)
    unseen = number / (typical + between)
    total = math.fsum(weight) + unseen
    estimate = math.fsum(weight * effect) / total
    p_value = 2 * float(ndtr(-abs(estimate) * math.sqrt(total)))
    return _With(estimate, between, p_value)


def _total_tau_squared(pooled: Pooled, number: int) -> float:
    """Return tau-squared of k observed and `number` unseen true effects together."""
    if pooled.tau_squared_method in ("EE", "given"):
        return pooled.tau_squared
    k = pooled.k
    mean = k * pooled.estimate / (k + number)
    within = (k - 1 + number - 1) * pooled.tau_squared
    between = k * (pooled.estimate - mean) ** 2 + number * mean**2
    return max(0.0, (within + between) / (k + number - 1))


def _refitted(pooled: Pooled, number: int, typical: float) -> _With:
    """Return the refit with unseen trials, half above zero and half below.

    Fits see of trials with one variance only their mean and their sum of squares.
    """
    spread = math.sqrt(typical + pooled.tau_squared)
    pattern = np.zeros(number)
    half = number // 2
    pattern[:half], pattern[number - half :] = 1.0, -1.0
    if number > 1:
        pattern *= spread * math.sqrt((number - 1) / (2 * half))
    fit = pool(
        np.concatenate([pooled.effect, pattern]),
        np.concatenate([pooled.variance, np.full(number, typical)]),
        **pooled.options,
    )
    return _With(fit.estimate, fit.tau_squared, fit.p_value)


#: Definition -> its computation and its words.
KINDS: dict[str, tuple[Callable[[_Question], dict[str, float]], str]] = {
    "Rosenthal": (_rosenthal, "combined one-sided p-value above alpha"),
    "Binomial": (_binomial, "sign test of the effects above alpha"),
    "Orwin": (_orwin, "weighted mean effect down to the target"),
    "Rosenberg": (_rosenberg, "two-sided equal-effects p-value above alpha"),
    "General": (_general, "test or estimate of the model itself"),
}

#: Way to combine p-values for "Rosenthal" -> its computation.
COMBINATIONS: dict[str, Callable[[_Question], dict[str, float]]] = {
    "stouffer": _stouffer,
    "fisher": _fisher,
}


def fail_safe_n(
    pooled: Pooled,
    *,
    kind: str = "Rosenthal",
    alpha: float = 0.05,
    target: float | None = None,
    combine: str = "stouffer",
) -> FailSafe:
    """Count the unseen trials without an effect that would undo a result.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, at least 2 trials. "General" asks this model;
        the others its effects and variances alone.
    kind : {"Rosenthal", "Binomial", "Orwin", "Rosenberg", "General"}
        What is undone: the combined one-sided p-value; the sign test; the weighted
        mean (to `target`); the equal-effects p-value; the p-value, or with `target`
        the estimate, of `pooled` itself.
    alpha : float
        The p-value is to reach this.
    target : float, optional
        Size of effect to reach, for "Orwin" (by default half of the mean) and
        "General"; its sign is that of the estimate.
    combine : {"stouffer", "fisher"}
        How "Rosenthal" combines p-values.

    Returns
    -------
    FailSafe

    Raises
    ------
    NotEstimableError
        With fewer than 2 trials.
    DataError
        For moderators, given weights, an unknown name, alpha outside 0 to 0.5, or a
        target that is not used.
    ConvergenceError
        When more than ten million trials are needed.

    References
    ----------
    Rosenthal R (1979). The "file drawer problem" and tolerance for null results.
    Psychol Bull 86, 638-641.

    Orwin RG (1983). A fail-safe N for effect size in meta-analysis. J Educ Stat 8,
    157-159.

    Rosenberg MS (2005). The file-drawer problem revisited: a general weighted method
    for calculating fail-safe numbers in meta-analysis. Evolution 59, 464-468.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.4, 0.5, 0.6], [0.02, 0.03, 0.04])
    >>> fail_safe_n(pooled).number
    26.0
    >>> fail_safe_n(pooled, kind="Orwin", target=0.1).number
    12.0
    """
    check_pooled(pooled, "fail_safe_n")
    one_of("fail-safe N", kind, KINDS)
    one_of("way to combine p-values", combine, COMBINATIONS)
    if not is_between(alpha, 0, 0.5):
        raise DataError(
            f"alpha must lie between 0 and 0.5, got {alpha!r}", remedy="write 0.05"
        )
    if target is not None and kind not in ("Orwin", "General"):
        raise DataError(f"{kind} has no target", remedy="use kind='Orwin' or 'General'")
    if target is not None and not is_between(target, -math.inf, math.inf):
        raise DataError(
            f"target must be a finite number, got {target!r}", remedy="leave it out"
        )
    trials = trials_of(pooled, "the fail-safe N", at_least=2)
    compute, words = KINDS[kind]
    found = compute(_Question(pooled, trials, alpha, target, combine))
    names = [name for name in FailSafe.__slots__ if name not in _DESCRIPTION]
    given = {name: found.get(name, _NAN) for name in names}
    how = f", {combine}" if kind == "Rosenthal" else ""
    return FailSafe(
        **given,
        alpha=alpha,
        kind=kind,
        k=trials.k,
        method=f"fail-safe N of {kind}{how}: {words}",
        not_estimable=MappingProxyType(
            {
                name: f"{kind} does not define it"
                for name in names
                if math.isnan(given[name])
            }
        ),
    )
