"""A common effect from pooled counts, and what is looked at beside it.

Mantel-Haenszel, Peto and Cochran differ in how they pool; test, interval,
heterogeneity, leaving trials out, adding them up and residuals are the same.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri, stdtr

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import BoolArray, FloatArray, numbers, same_length

_NAN = float("nan")

#: Pools sets of trials, (m, k) in the order of the input, into arrays of shape (m,).
PoolSets = Callable[[BoolArray], dict[str, FloatArray]]


@dataclass(frozen=True, slots=True)
class ChiSquaredTest:
    """A test whose statistic is chi-squared under the hypothesis; NaN: none."""

    statistic: float
    df: int
    p_value: float


#: Fields that an estimate brings, and those that its heterogeneity brings.
_ESTIMATES = (
    "estimate",
    "standard_error",
    "ci_lower",
    "ci_upper",
    "statistic",
    "p_value",
)
_SPREAD = ("q", "q_p_value", "i_squared", "h_squared")

#: Test that does not exist for a measure or for these data.
NO_TEST = ChiSquaredTest(_NAN, 0, _NAN)


def chi_squared_test(statistic: float, df: int) -> ChiSquaredTest:
    """Return the test of a statistic; without degrees of freedom there is no p."""
    p_value = float(chdtrc(df, statistic)) if df > 0 else _NAN
    return ChiSquaredTest(float(statistic), df, p_value)


@dataclass(frozen=True, slots=True, eq=False)
class CommonEffect:
    """A common effect of trials. Everything unrounded; ratios on the log scale.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper : float
        Pooled effect, its standard error and normal interval.
    statistic, df, p_value : float
        Normal test that the effect is none, two-sided; df is NaN.
    tau_squared : float
        Zero: a common effect assumes it.
    i_squared, h_squared : float
        max(0, (Q - df)/Q) and Q/df.
    q, q_df, q_p_value : float
        Test of heterogeneity. Mantel-Haenszel and Cochran: the inverse-variance
        distance of the trials' own effects from the pooled one; Peto: his own.
    weights : ndarray of shape (k,)
        Weights in the order of the input; they add to 1, and are zero for a trial
        that holds no information. Read-only.
    k : int
        Number of trials that entered.
    level : float
        Confidence level.
    measure, method : str
        The measure, and the method in words.
    effect, variance : ndarray of shape (k,)
        The trials' own effects and variances under the rule for zero cells, NaN where
        there is none. They enter Q and the residuals, never the estimate. Read-only.
    mantel_haenszel_test, cochran_test : ChiSquaredTest
        Cochran-Mantel-Haenszel test of no association in any trial, with Mantel's
        (N - 1) and Cochran's N variance; of events in person-time for IRR, where the
        two are one.
    breslow_day_test, tarone_test : ChiSquaredTest
        Tests that one odds ratio holds for all trials (OR only).
    log_likelihood : float
        Of `effect`, normal with `variance` around the estimate.
    not_estimable : mapping of str to str
        Reason for each field that does not exist.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    p_value: float
    i_squared: float
    h_squared: float
    q: float
    q_df: int
    q_p_value: float
    weights: FloatArray
    k: int
    level: float
    measure: str
    method: str
    effect: FloatArray
    variance: FloatArray
    log_likelihood: float
    deviance: float
    pool_sets: PoolSets = field(repr=False)
    mantel_haenszel_test: ChiSquaredTest = NO_TEST
    cochran_test: ChiSquaredTest = NO_TEST
    breslow_day_test: ChiSquaredTest = NO_TEST
    tarone_test: ChiSquaredTest = NO_TEST
    not_estimable: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    df: float = _NAN
    tau_squared: float = 0.0

    @property
    def fit_statistics(self) -> dict[str, float]:
        """Log-likelihood, deviance, AIC, BIC and AICc of the trials' own effects."""
        n = int(np.isfinite(self.effect).sum())
        minus_two = -2 * self.log_likelihood
        small = max(n, 3)
        return {
            "log_likelihood": self.log_likelihood,
            "deviance": self.deviance,
            "aic": minus_two + 2,
            "bic": minus_two + math.log(n) if n else _NAN,
            "aicc": minus_two + 2 * small / (small - 2),
        }

    def leave_one_out(self) -> pd.DataFrame:
        """Return the analysis without each trial in turn, a row a trial left out.

        Returns
        -------
        DataFrame
            Columns estimate, standard_error, statistic, p_value, ci_lower, ci_upper,
            q, q_df, q_p_value, i_squared, h_squared; NaN where the other trials give
            no estimate. With fewer than two effects Q is 0 with p = 1.
        """
        return self._frame(~np.eye(len(self.weights), dtype=bool))

    def cumulative(self, order: ArrayLike | None = None) -> pd.DataFrame:
        """Return the analysis of the first 1, 2, ... k trials.

        Parameters
        ----------
        order : array_like of shape (k,), optional
            Values that sort the trials, such as years; the order of the input
            otherwise. Trials that tie stay in the order of the input.

        Returns
        -------
        DataFrame
            Columns as in `leave_one_out`, and `trial`, the position in the input
            (counted from 1) of the trial that came last.
        """
        k = len(self.weights)
        ranked = np.arange(k)
        if order is not None:
            keys = numbers("order", order, data=None)
            same_length({"weights": self.weights, "order": keys})
            ranked = np.argsort(keys, kind="stable")
        position = np.empty(k, dtype=np.intp)
        position[ranked] = np.arange(k)
        frame = self._frame(position[None, :] <= np.arange(k)[:, None])
        frame.insert(0, "trial", ranked + 1)
        return frame

    def _frame(self, include: BoolArray) -> pd.DataFrame:
        found = self.pool_sets(include)
        found |= normal_test(found["estimate"], found["standard_error"], self.level)
        names = ("estimate", "standard_error", "statistic", "p_value")
        spread = ("q", "q_df", "q_p_value", "i_squared", "h_squared")
        columns = (*names, "ci_lower", "ci_upper", *spread)
        return pd.DataFrame({name: found[name] for name in columns})

    def residuals(self) -> pd.DataFrame:
        """Return the trials' own effects minus the pooled one, also standardised.

        Returns
        -------
        DataFrame
            Columns residual, standard_error, standardized; a row a trial, NaN where
            a trial has no effect of its own. The standard error is that of the trial
            alone.
        """
        residual = self.effect - self.estimate
        rounding = 100 * np.finfo(float).eps
        residual = np.where(np.abs(residual) < rounding, 0.0, residual)
        error = np.sqrt(self.variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            standardized = residual / error
        return pd.DataFrame(
            {
                "residual": residual,
                "standard_error": error,
                "standardized": standardized,
            }
        )

    def regression_test(self) -> dict[str, float]:
        """Test funnel asymmetry: regress the effects on their standard errors.

        Weighted least squares with weights 1/v and an estimated dispersion; t test
        of the slope with two less than the number of effects as df.

        Returns
        -------
        dict
            statistic, df, p_value, and the effect of an infinitely precise trial as
            `limit_estimate`.

        Raises
        ------
        NotEstimableError
            With fewer than three effects or when all standard errors are the same.

        References
        ----------
        .. [1] Egger M, Davey Smith G, Schneider M, Minder C (1997). Bias in
           meta-analysis detected by a simple, graphical test. BMJ 315, 629-634.
        """
        there = np.isfinite(self.effect) & (self.variance > 0)
        return _egger(self.effect[there], self.variance[there])


def _egger(effect: FloatArray, variance: FloatArray) -> dict[str, float]:
    df, error = len(effect) - 2, np.sqrt(variance)
    if df < 1 or float(np.ptp(error)) == 0.0:
        raise NotEstimableError(
            "the regression test needs three effects or more with different standard "
            "errors"
        )
    order = np.lexsort((effect, variance))
    effect, error = effect[order], error[order]
    # Both sides divided by the standard error: the slope is then the intercept.
    precision = 1.0 / error
    standard = effect * precision
    centred = precision - precision.mean()
    squares = float(centred @ centred)
    limit = float(centred @ standard) / squares
    slope = float(standard.mean() - limit * precision.mean())
    rest = standard - slope - limit * precision
    dispersion = float(rest @ rest) / df
    spread = dispersion * (1 / len(effect) + float(precision.mean()) ** 2 / squares)
    if spread == 0:
        raise NotEstimableError("the regression fits the effects without error")
    statistic = slope / math.sqrt(spread)
    return {
        "statistic": statistic,
        "df": float(df),
        "p_value": float(2 * stdtr(df, -abs(statistic))),
        "limit_estimate": limit,
    }


def normal_test(
    estimate: FloatArray, error: FloatArray, level: float
) -> dict[str, FloatArray]:
    """Return normal tests and intervals of estimates."""
    half = float(ndtri((1 + level) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    return {
        "statistic": statistic,
        "p_value": 2 * ndtr(-np.abs(statistic)),
        "ci_lower": estimate - half,
        "ci_upper": estimate + half,
    }


def distance(
    effect: FloatArray, variance: FloatArray, estimate: FloatArray
) -> FloatArray:
    """Return the sum of (effect - estimate)^2 / variance over trials with effects.

    Infinite where a variance is zero: such a trial would alone decide.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (effect - estimate[..., None]) ** 2 / variance
    parts = np.where(variance == 0, np.inf, parts)
    return np.asarray(np.where(np.isfinite(effect), parts, 0.0).sum(axis=-1))


def heterogeneity(q: FloatArray, effects: Any) -> dict[str, FloatArray]:
    """Return Q, its test, I2 and H2 for numbers of effects; none for one or less."""
    df = np.asarray(effects) - 1
    several = df > 0
    safe = np.where(several, df, 1)
    q = np.where(np.isfinite(q), np.maximum(q, 0.0), _NAN)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(q > safe, 1 - safe / q, np.where(np.isnan(q), _NAN, 0.0))
        tail = chdtrc(safe, q)
    return {
        "q": np.where(several, q, 0.0),
        "q_df": np.maximum(df, 0),
        "q_p_value": np.where(several, tail, 1.0),
        "i_squared": np.where(several, share, 0.0),
        "h_squared": np.where(several, q / safe, 1.0),
    }


def normal_likelihood(
    effect: FloatArray, variance: FloatArray, estimate: float
) -> tuple[float, float]:
    """Return log-likelihood and deviance of the effects around an estimate."""
    there = np.isfinite(effect)
    squares = float(distance(effect, variance, np.asarray(estimate)))
    if not there.any() or not math.isfinite(squares):
        return _NAN, _NAN
    logs = float(np.log(variance[there]).sum())
    return -0.5 * (there.sum() * math.log(2 * math.pi) + logs + squares), squares


def common_effect(
    found: dict[str, FloatArray],
    *,
    level: float,
    reason: str | None,
    **fields: Any,
) -> CommonEffect:
    """Return the result of one set of trials with the reasons for what is absent.

    Parameters
    ----------
    found : dict
        Arrays of shape (1,): estimate, standard_error and the heterogeneity.
    level : float
        Confidence level.
    reason : str or None
        Why the estimate does not exist, or its error.
    **fields
        The other fields of `CommonEffect`.
    """
    found = found | normal_test(found["estimate"], found["standard_error"], level)
    values: dict[str, Any] = {name: float(np.ravel(x)[0]) for name, x in found.items()}
    reasons = {}
    if reason is not None:
        absent = [name for name in _ESTIMATES if not math.isfinite(values[name])]
        reasons = dict.fromkeys(absent, reason)
        if not fields["weights"].any():
            reasons["weights"] = reason
    if values["q_df"] < 1:
        values |= dict.fromkeys(_SPREAD, _NAN)
        reasons |= dict.fromkeys(_SPREAD, "fewer than 2 trials have an effect")
    elif math.isnan(values["q"]):
        why = reason or "the variance of a trial's own effect is zero"
        reasons |= dict.fromkeys(_SPREAD, why)
    if math.isnan(fields["log_likelihood"]):
        reasons["log_likelihood"] = reason or "no trial has an effect with a variance"
    values["q_df"] = int(values["q_df"])
    return CommonEffect(
        **values, **fields, level=level, not_estimable=MappingProxyType(reasons)
    )


def counted(trials: int) -> int:
    """Return the number of trials, refusing none."""
    if trials < 1:
        raise DataError(
            "no trial is left: each has no events, or nothing but events",
            remedy="write drop00=(True, False) to keep them",
        )
    return trials
