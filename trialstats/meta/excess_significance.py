"""More significant trials than their power explains (Ioannidis, Trikalinos 2007)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri
from scipy.stats import binomtest

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.funnel import refuse_weights
from trialstats.meta.inputs import BoolArray, FloatArray, is_between, one_of
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled

#: Directions of a hypothesis.
ALTERNATIVES = ("two_sided", "greater", "less")

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class ExcessSignificance:
    """Observed and expected number of significant trials. Unrounded.

    Attributes
    ----------
    observed : int
        Number of significant trials.
    expected : float
        Sum of the powers.
    ratio : float
        observed / expected.
    statistic : float
        Chi-squared statistic, for the test "chi_squared".
    p_value : float
        Of the test that observed is not more than expected.
    effect : float or ndarray of shape (k,)
        True effect for which the powers are computed.
    power : ndarray of shape (k,)
        Power of each trial, in the order of the input. Read-only.
    significant : ndarray of bool, shape (k,)
        Which trials are significant, in the order of the input. Read-only.
    effect_limit : float
        True effect, on the side of `effect`, at which the p-value is `excess_alpha`.
    alpha, excess_alpha : float
        Level of the trials' own tests, and of the test of excess.
    test : str
        How the p-value is computed.
    k : int
        Number of trials.
    not_estimable : mapping of str to str
        Reason for each field that is NaN.
    """

    observed: int
    expected: float
    ratio: float
    statistic: float
    p_value: float
    effect: float | FloatArray
    power: FloatArray
    significant: BoolArray
    effect_limit: float
    alpha: float
    excess_alpha: float
    test: str
    k: int
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words."""
        return (
            f"test of excess significance, {TESTS[self.test][1]}; trials significant "
            f"at {self.alpha:g}"
        )


def _chi_squared(observed: int, power: FloatArray, tail: str) -> tuple[float, float]:
    """Approximate a binomial with the mean power by a normal distribution."""
    k, expected = len(power), math.fsum(power)
    excess = observed - expected
    spread = expected * (k - expected) / k
    # Every trial certain to be significant, or certain not to be.
    certain = math.inf if excess else 0.0
    statistic = excess**2 / spread if spread > 0 else certain
    z = math.copysign(math.sqrt(statistic), excess)
    p_value = {
        "two_sided": float(chdtrc(1, statistic)),
        "greater": float(ndtr(-z)),
        "less": float(ndtr(z)),
    }
    return statistic, p_value[tail]


def _binomial(observed: int, power: FloatArray, tail: str) -> tuple[float, float]:
    """Take each trial to have the mean power."""
    mean = math.fsum(power) / len(power)
    test = binomtest(observed, len(power), mean, tail.replace("_", "-"))
    return _NAN, float(test.pvalue)


def _exact(observed: int, power: FloatArray, tail: str) -> tuple[float, float]:
    """Add up independent trials, each with its own power."""
    chance = np.ones(1)
    for each in np.sort(power):
        chance = np.convolve(chance, [1 - each, each])
    if tail == "greater":
        p_value = math.fsum(chance[observed:])
    elif tail == "less":
        p_value = math.fsum(chance[: observed + 1])
    else:
        # Numbers at most as likely as the one observed; 1.5e-8 for rounding.
        p_value = math.fsum(chance[chance <= chance[observed] + 1.5e-8])
    return _NAN, min(1.0, p_value)


#: Test -> its computation and its words.
TESTS: dict[str, tuple[Callable[[int, FloatArray, str], tuple[float, float]], str]] = {
    "exact": (_exact, "exact distribution of the number of significant trials"),
    "binomial": (_binomial, "binomial with the mean power"),
    "chi_squared": (_chi_squared, "normal approximation with the mean power"),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """The trials' own tests against `null`."""

    effect: FloatArray
    variance: FloatArray
    null: float
    alpha: float
    alternative: str

    def power(self, true: FloatArray | float, tau_squared: float) -> FloatArray:
        """Return the power of each trial when the true effects vary around `true`."""
        error = np.sqrt(self.variance)
        spread = np.sqrt(self.variance + tau_squared)
        away = np.asarray(true, dtype=np.float64) - self.null
        if self.alternative == "two_sided":
            limit = -float(ndtri(self.alpha / 2)) * error
            return np.asarray(
                ndtr((away - limit) / spread) + ndtr((-away - limit) / spread)
            )
        limit = -float(ndtri(self.alpha)) * error
        sign = 1 if self.alternative == "greater" else -1
        return np.asarray(ndtr((sign * away - limit) / spread))

    def significant(self) -> BoolArray:
        """Return which trials are significant."""
        z = (self.effect - self.null) / np.sqrt(self.variance)
        if self.alternative == "two_sided":
            return np.asarray(np.abs(z) >= -ndtri(self.alpha / 2))
        sign = 1 if self.alternative == "greater" else -1
        return np.asarray(sign * z >= -ndtri(self.alpha))


def excess_significance(
    pooled: Pooled,
    *,
    null: float = 0.0,
    alternative: str = "two_sided",
    alpha: float = 0.05,
    test: str = "exact",
    excess_alternative: str = "greater",
    excess_alpha: float = 0.10,
) -> ExcessSignificance:
    """Test whether there are more significant trials than their power explains.

    The power of a trial is that of its own normal test when its true effect is drawn
    around the pooled one with variance tau-squared; with moderators, around the fitted
    one.

    Parameters
    ----------
    pooled : Pooled
        At least 2 trials.
    null : float
        Effect under the trials' null hypothesis.
    alternative : {"two_sided", "greater", "less"}
        Direction of the trials' tests.
    alpha : float
        Level of the trials' tests.
    test : {"exact", "binomial", "chi_squared"}
        Distribution of the number of significant trials.
    excess_alternative : {"greater", "less", "two_sided"}
        Direction of the test of excess.
    excess_alpha : float
        Level of `effect_limit`.

    Returns
    -------
    ExcessSignificance

    Raises
    ------
    NotEstimableError
        With fewer than 2 trials.
    DataError
        For given weights, an unknown name, or a level outside 0 to 1.

    References
    ----------
    Ioannidis JPA, Trikalinos TA (2007). An exploratory test for an excess of
    significant findings. Clin Trials 4, 245-253.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.4, 0.5, 0.1], [0.02, 0.03, 0.01], tau_squared="EE")
    >>> test = excess_significance(pooled)
    >>> test.observed, round(test.expected, 3), round(test.p_value, 3)
    (2, 1.47, 0.48)
    """
    check_pooled(pooled, "excess_significance")
    one_of("test of excess significance", test, TESTS)
    one_of("alternative", alternative, ALTERNATIVES)
    one_of("alternative of excess", excess_alternative, ALTERNATIVES)
    for name, value in {"alpha": alpha, "excess_alpha": excess_alpha}.items():
        if not is_between(value, 0, 1):
            raise DataError(
                f"{name} must lie between 0 and 1, got {value!r}", remedy="write 0.05"
            )
    what = "the test of excess significance"
    refuse_weights(pooled, what)
    if pooled.k < 2:
        raise NotEstimableError(f"{what} needs at least 2 trials, there is 1")
    trials = _Trials(
        np.asarray(pooled.effect),
        np.asarray(pooled.variance),
        null,
        alpha,
        alternative,
    )
    with_moderators = pooled.design.shape[1] > 1
    true: float | FloatArray = pooled.estimate
    if with_moderators:
        true = pooled.design @ pooled.coefficients["estimate"].to_numpy()
    power = trials.power(true, pooled.tau_squared)
    significant = trials.significant()
    observed, expected = int(significant.sum()), math.fsum(power)
    statistic, p_value = TESTS[test][0](observed, power, excess_alternative)
    reasons = {} if test == "chi_squared" else {"statistic": "the test has none"}
    limit, reason = _NAN, "the true effects differ by trial"
    if not with_moderators:
        limit, reason = _limit(
            trials, pooled, observed, test, excess_alternative, excess_alpha
        )
    if math.isnan(limit):
        reasons["effect_limit"] = reason
    power.flags.writeable = significant.flags.writeable = False
    return ExcessSignificance(
        observed=observed,
        expected=expected,
        ratio=observed / expected,
        statistic=statistic,
        p_value=p_value,
        effect=true,
        power=power,
        significant=significant,
        effect_limit=limit,
        alpha=alpha,
        excess_alpha=excess_alpha,
        test=test,
        k=pooled.k,
        not_estimable=MappingProxyType(reasons),
    )


def _limit(
    trials: _Trials, pooled: Pooled, observed: int, test: str, tail: str, alpha: float
) -> tuple[float, str]:
    """Return the true effect at which p equals `alpha`, or why there is none.

    The powers grow with the distance from the null, and the p-value with them for
    "greater", against them for "less".
    """
    if tail == "two_sided" or trials.alternative != "two_sided":
        return _NAN, "only for trials tested two-sided and one direction of excess"
    side = 1.0 if pooled.estimate >= trials.null else -1.0
    sign = 1.0 if tail == "greater" else -1.0

    def beyond(distance: float) -> float:
        power = trials.power(trials.null + side * distance, pooled.tau_squared)
        return sign * (TESTS[test][0](observed, power, tail)[1] - alpha)

    # At this distance each trial is as good as certain to be significant.
    far = 10 * float(np.sqrt(trials.variance.max() + pooled.tau_squared))
    if beyond(0.0) >= 0 or beyond(far) < 0:
        return _NAN, f"p is on the same side of {alpha:g} whatever the true effect"
    distance = float(brentq(beyond, 0.0, far, xtol=1e-14 * far, rtol=1e-14))
    return trials.null + side * distance, ""
