"""Pool the effects of trials: equal- and random-effects models.

Model: y_i ~ N(mu, v_i + tau2), independent; w_i = 1/(v_i + tau2) unless weights are
given; mu is estimated by sum(w_i y_i) / sum(w_i). Symbols as in `weighting`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.heterogeneity import cochran_q, q_profile, typical_variance
from trialstats.meta.inputs import (
    FloatArray,
    check_level,
    numbers,
    one_of,
    refuse,
    same_length,
)
from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.weighting import Trials, Weighted, sorted_trials, weigh

#: Ways to an interval, with the words for them.
INFERENCE: dict[str, str] = {
    "wald": "normal interval",
    "t": "t interval",
    "knapp_hartung": "Hartung-Knapp interval",
    "knapp_hartung_adhoc": "Hartung-Knapp interval, never narrower than a t interval",
}

#: Degrees of freedom of the prediction interval for k trials.
PREDICTION: dict[str, Callable[[int], int]] = {
    "t": lambda k: k - 1,
    "HTS": lambda k: k - 2,
}

#: How the scale q of Knapp and Hartung multiplies the variance of the estimate.
_SCALE: dict[str, Callable[[float], float]] = {
    "wald": lambda q: 1.0,
    "t": lambda q: 1.0,
    "knapp_hartung": lambda q: q,
    "knapp_hartung_adhoc": lambda q: max(1.0, q),
}

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A pooled effect. Everything unrounded, on the scale of the effects.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper : float
        Pooled effect, its standard error and interval.
    statistic, df, p_value : float
        Test that the effect is zero, two-sided; df is NaN for a normal test.
    tau_squared, tau_squared_lower, tau_squared_upper : float
        Between-trial variance and its Q-profile interval.
    i_squared, h_squared : float
        tau2/(tau2 + s2) in [0, 1) and (tau2 + s2)/s2 with the typical sampling
        variance s2. Under equal effects, where tau2 is zero by assumption, they are
        max(0, (Q - df)/Q) and Q/df.
    q, q_df, q_p_value : float
        Cochran's test.
    prediction_lower, prediction_upper, prediction_df : float
        Interval for the true effect in a new trial.
    weights : ndarray of shape (k,)
        Weights in the order of the input; they add to 1. Read-only.
    k : int
        Number of trials.
    level : float
        Confidence level of every interval.
    tau_squared_method, inference, prediction : str
        Names of the methods.
    custom_weights : bool
        Whether the weights were given.
    not_estimable : mapping of str to str
        Reason for each field that is NaN because it does not exist.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    df: float
    p_value: float
    tau_squared: float
    tau_squared_lower: float
    tau_squared_upper: float
    i_squared: float
    h_squared: float
    q: float
    q_df: int
    q_p_value: float
    prediction_lower: float
    prediction_upper: float
    prediction_df: float
    weights: FloatArray
    k: int
    level: float
    tau_squared_method: str
    inference: str
    prediction: str
    custom_weights: bool = False
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words, complete."""
        percent = f"{self.level * 100:g}%"
        if self.k == 1:
            return f"the trial's own effect; {percent} normal interval"
        model = (
            "equal effects"
            if self.tau_squared_method == "EE"
            else f"random effects, {self.tau_squared_method}"
        )
        weights = "given weights" if self.custom_weights else "inverse-variance weights"
        return f"{model}; {weights}; {percent} {INFERENCE[self.inference]}"


def pool(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    tau_squared: str = "REML",
    inference: str = "knapp_hartung",
    prediction: str = "t",
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Pooled:
    """Pool the effects of k trials.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects, ratios on the log scale, and their sampling variances, not standard
        errors. The result does not depend on the order of the trials.
    tau_squared : {"REML", "DL", "PM", "ML", "HE", "SJ", "EB", "HS", "EE"}
        Estimator of the between-trial variance; "EE" is the equal-effects model.
    inference : {"knapp_hartung", "knapp_hartung_adhoc", "t", "wald"}
        Hartung-Knapp: variance multiplied by q = sum(w_i (y_i - mu)^2)/(k - 1) and t
        with k - 1 df. The ad hoc variant takes max(1, q).
    prediction : {"t", "HTS"}
        Degrees of freedom of the prediction interval: k - 1, or k - 2 (Higgins,
        Thompson, Spiegelhalter), which does not exist for two trials.
    weights : array_like of shape (k,), optional
        Weights to use instead of the inverse variances; "wald" or "t" only.
    level : float
        Confidence level of every interval.

    Returns
    -------
    Pooled
        With k = 1 the trial's own effect with a normal interval, whatever
        `inference` says; heterogeneity and prediction do not exist.

    Raises
    ------
    DataError
        For an unknown method, a missing or infinite value, a variance of zero or
        less, or weights that do not fit.
    NotEstimableError
        For Hartung-Knapp when all effects are identical: the standard error would
        be zero.
    ConvergenceError
        When an iterative estimator finds no solution.

    Notes
    -----
    Equations and references: docs/methods/meta_analysis.md.

    Examples
    --------
    >>> pooled = pool([0.1, 0.3, 0.35], [0.01, 0.02, 0.05])
    >>> round(pooled.estimate, 4), round(pooled.tau_squared, 4)
    (0.1976, 0.0036)
    >>> pooled.method
    'random effects, REML; inverse-variance weights; 95% Hartung-Knapp interval'
    """
    one_of("tau_squared estimator", tau_squared, TAU_SQUARED)
    one_of("inference", inference, INFERENCE)
    one_of("prediction interval", prediction, PREDICTION)
    check_level(level)
    trials = sorted_trials(effect, variance)
    given = _checked_weights(weights, trials, inference)
    names: dict[str, Any] = {
        "k": trials.k,
        "level": level,
        "tau_squared_method": tau_squared,
        "inference": inference,
        "prediction": prediction,
        "custom_weights": given is not None,
    }
    if trials.k == 1:
        return Pooled(**_single_trial(trials, level), **names)
    # The unsorted effects are passed on: they carry no rounding of the origin.
    between = TAU_SQUARED[tau_squared](effect, variance)
    fit = weigh(trials, between)
    mean, error, weight = _estimate(trials, fit, between, given, inference)
    estimate = trials.origin + mean
    interval = _test_and_interval(estimate, error, inference, trials.k, level)
    spread, spread_reasons = _heterogeneity(
        effect, variance, tau_squared, between, level
    )
    ahead, ahead_reasons = _prediction(
        estimate, math.hypot(error, math.sqrt(between)), names
    )
    return Pooled(
        estimate=estimate,
        standard_error=error,
        weights=_in_input_order(weight, trials),
        not_estimable=MappingProxyType(spread_reasons | ahead_reasons),
        **interval,
        **spread,
        **ahead,
        **names,
    )


def _checked_weights(
    weights: ArrayLike | None, trials: Trials, inference: str
) -> FloatArray | None:
    """Return given weights in sorted order, adding to 1."""
    if weights is None:
        return None
    given = numbers("weights", weights, data=None)
    same_length({"effect": trials.variance, "weights": given})
    refuse(given <= 0, "the weight is not above zero", column="weights", values=given)
    if inference.startswith("knapp_hartung"):
        raise DataError(
            f"{inference} is derived for inverse-variance weights, not for given ones",
            remedy="use inference='wald' or 't', or leave the weights out",
        )
    given = given / given.max()
    return np.asarray(given[trials.order] / math.fsum(given))


def _estimate(
    trials: Trials,
    fit: Weighted,
    between: float,
    given: FloatArray | None,
    inference: str,
) -> tuple[float, float, FloatArray]:
    """Return the mean from the origin, its standard error, and the weights."""
    if given is not None:
        total_variance = trials.variance + between
        # fsum: trials that tie in the sort may carry different given weights.
        mean = math.fsum(given * trials.deviation)
        return mean, math.sqrt(math.fsum(given**2 * total_variance)), given
    scale = _SCALE[inference](float(fit.q) / (trials.k - 1))
    if scale == 0:
        raise NotEstimableError(
            f"Hartung-Knapp gives a standard error of zero: all {trials.k} effects are "
            "identical; use inference='knapp_hartung_adhoc'"
        )
    error = math.sqrt(scale / float(fit.total))
    return float(fit.mean), error, fit.weight / fit.total


def _in_input_order(weight: FloatArray, trials: Trials) -> FloatArray:
    unsorted = np.empty_like(weight)
    unsorted[trials.order] = weight
    unsorted.flags.writeable = False
    return unsorted


def _test_and_interval(
    estimate: float, error: float, inference: str, k: int, level: float
) -> dict[str, Any]:
    """Return test and interval of an estimate: normal, or t with k - 1 df."""
    statistic, above = estimate / error, (1 + level) / 2
    if inference == "wald":
        df, quantile, tail = _NAN, ndtri(above), ndtr(-abs(statistic))
    else:
        df = float(k - 1)
        quantile, tail = stdtrit(df, above), stdtr(df, -abs(statistic))
    return {
        "ci_lower": float(estimate - quantile * error),
        "ci_upper": float(estimate + quantile * error),
        "statistic": statistic,
        "df": df,
        "p_value": float(2 * tail),
    }


def _heterogeneity(
    effect: ArrayLike, variance: ArrayLike, method: str, between: float, level: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return tau2 with its interval, I2, H2 and Q, and reasons for what is absent."""
    test = cochran_q(effect, variance)
    lower, upper, reasons = _NAN, _NAN, {}
    if method == "EE":
        i_squared = max(0.0, 1 - test.df / test.statistic) if test.statistic else 0.0
        h_squared = test.statistic / test.df
        reason = "tau-squared is zero by assumption under equal effects"
        reasons = dict.fromkeys(("tau_squared_lower", "tau_squared_upper"), reason)
    else:
        typical = typical_variance(effect, variance)
        i_squared = between / (between + typical)
        h_squared = (between + typical) / typical
        lower, upper = q_profile(effect, variance, level=level)
    fields = {
        "tau_squared": between,
        "tau_squared_lower": lower,
        "tau_squared_upper": upper,
        "i_squared": i_squared,
        "h_squared": h_squared,
        "q": test.statistic,
        "q_df": test.df,
        "q_p_value": test.p_value,
    }
    return fields, reasons


_PREDICTION_FIELDS = ("prediction_lower", "prediction_upper", "prediction_df")


def _prediction(
    estimate: float, spread: float, names: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the prediction interval, or the reason why there is none."""
    k, form = names["k"], names["prediction"]
    df = PREDICTION[form](k)
    if names["tau_squared_method"] == "EE":
        reason = "under equal effects a new trial has the same true effect"
    elif df < 1:
        reason = f"the {form} prediction interval has {df} df with {k} trials"
    else:
        quantile = float(stdtrit(df, (1 + names["level"]) / 2))
        return {
            "prediction_lower": estimate - quantile * spread,
            "prediction_upper": estimate + quantile * spread,
            "prediction_df": float(df),
        }, {}
    absent = dict.fromkeys(_PREDICTION_FIELDS, _NAN)
    return absent, dict.fromkeys(_PREDICTION_FIELDS, reason)


def _single_trial(trials: Trials, level: float) -> dict[str, Any]:
    """Return the fields of a single trial: its own effect, nothing between trials."""
    error = math.sqrt(float(trials.variance[0]))
    absent = (
        "tau_squared",
        "tau_squared_lower",
        "tau_squared_upper",
        "i_squared",
        "h_squared",
        "q",
        "q_p_value",
        *_PREDICTION_FIELDS,
    )
    return {
        "estimate": trials.origin,
        "standard_error": error,
        "weights": _in_input_order(np.ones(1), trials),
        "q_df": 0,
        "not_estimable": MappingProxyType(
            dict.fromkeys(absent, "needs at least 2 trials")
        ),
        **_test_and_interval(trials.origin, error, "wald", 1, level),
        **dict.fromkeys(absent, _NAN),
    }
