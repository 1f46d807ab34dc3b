"""Pool the effects of trials: equal- and random-effects models, meta-regression.

Model: y_i ~ N(x_i'b, v_i + tau2), independent; w_i = 1/(v_i + tau2) unless weights
are given. Symbols as in `weighting`.
"""

import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.batch import PooledBatch, fit_many
from trialstats.meta.fitting import (
    Fitted,
    estimated_tau_squared,
    fitted,
    log_likelihoods,
)
from trialstats.meta.inference import (
    INFERENCE,
    SCALES,
    WITHOUT_MODERATORS,
    coefficient_tests,
)
from trialstats.meta.inputs import (
    FloatArray,
    check_level,
    check_variance,
    dimensions,
    numbers,
    one_of,
    refuse,
    same_length,
    same_order,
)
from trialstats.meta.moderators import read_moderators
from trialstats.meta.pooled import Pooled
from trialstats.meta.prediction import PREDICTION, prediction_limits
from trialstats.meta.tau_squared import TAU_SQUARED, WITH_WEIGHTS
from trialstats.meta.tau_squared_intervals import INTERVALS
from trialstats.meta.trials import checked_trials
from trialstats.meta.variation import variation
from trialstats.meta.weighting_given import GivenWeights, arranged_trials

__all__ = ["INFERENCE", "PREDICTION", "TAU_SQUARED", "Pooled", "PooledBatch", "pool"]

_NAN = float("nan")
_SEE_COEFFICIENTS = "has moderators; see coefficients"

#: What a mean has and coefficients of moderators have each.
_OF_THE_MEAN = (
    *("estimate", "standard_error", "ci_lower", "ci_upper", "statistic", "df"),
    *("p_value", "prediction_lower", "prediction_upper", "prediction_df"),
)


def pool(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    moderators: Any = None,
    data: pd.DataFrame | None = None,
    tau_squared: str | float = "REML",
    inference: str = "knapp_hartung",
    prediction: str = "t",
    weights: ArrayLike | None = None,
    level: float = 0.95,
    tau_squared_interval: str = "q_profile",
) -> Any:
    """Pool the effects of k trials.

    Parameters
    ----------
    effect, variance : array_like of shape (k,) or (m, k)
        Effects, ratios on the log scale, and their sampling variances, not standard
        errors. Values pair by position; pandas columns that have the same labels in
        another order are refused. The result does not depend on the order of the
        trials. Arrays of two dimensions are m sets of trials, pooled at a time.
    moderators : str, DataFrame or array_like, optional
        A formula on the columns of `data`, such as ``"~ year + C(allocation)"``, or
        the columns, to which an intercept is added.
    data : DataFrame, optional
        One row a trial.
    tau_squared : str or float
        Estimator of the between-trial variance, of `TAU_SQUARED`; "EE" is the
        equal-effects model; or the variance itself.
    inference : str
        Of `INFERENCE`. Hartung-Knapp: covariance multiplied by
        q* = sum(w_i (y_i - fitted)^2)/(k - p) and t with k - p df. The ad hoc variant
        takes max(1, q*).
    prediction : str
        Prediction interval, of `PREDICTION`: "t" has k - p df, "HTS" k - p - 1
        (Higgins, Thompson, Spiegelhalter), which do not exist for two trials.
    weights : array_like of shape (k,), optional
        Weights to use instead of the inverse variances; GENQ and GENQM need them.
    level : float
        Confidence level of every interval.
    tau_squared_interval : str
        Interval of the between-trial variance, of `INTERVALS`.

    Returns
    -------
    Pooled, or PooledBatch for m sets
        With k = 1 the trial's own effect with a normal interval, whatever
        `inference` says; heterogeneity and prediction do not exist.

    Raises
    ------
    DataError
        For an unknown method, a missing or infinite value, a variance of zero or
        less, or weights that do not fit.
    NotEstimableError
        For Hartung-Knapp when the effects are identical or fitted perfectly: the
        standard error would be zero; for moderators that depend on each other, and
        as many coefficients as trials.
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
    _check_names(tau_squared, inference, prediction, tau_squared_interval)
    check_level(level)
    if 2 in (dimensions(effect), dimensions(variance)):
        return _many(
            effect,
            variance,
            moderators=moderators,
            data=data,
            weights=weights,
            tau_squared=tau_squared,
            inference=inference,
            prediction=prediction,
            level=level,
            tau_squared_interval=tau_squared_interval,
        )
    y, v = checked_trials(effect, variance)
    same_order(
        {
            "effect": effect,
            "variance": variance,
            "moderators": moderators,
            "data": data,
            "weights": weights,
        }
    )
    regression = read_moderators(moderators, data, len(y))
    given_weights = _checked_weights(weights, len(y), tau_squared, inference)
    options = {
        "moderators": None if moderators is None else regression,
        "tau_squared": tau_squared,
        "inference": inference,
        "prediction": prediction,
        "weights": given_weights,
        "level": level,
        "tau_squared_interval": tau_squared_interval,
    }
    for array in (y, v):
        array.flags.writeable = False
    names: dict[str, Any] = {
        "k": len(y),
        "level": level,
        "tau_squared_method": tau_squared if isinstance(tau_squared, str) else "given",
        "inference": inference,
        "prediction": prediction,
        "effect": y,
        "variance": v,
        "moderators": regression,
        "options": MappingProxyType(options),
    }
    if len(y) == 1:
        return Pooled(**_single_trial(y, v, level), **names)
    mean_only = moderators is None or regression.names == ("Intercept",)
    trials, given = arranged_trials(
        y, v, None if mean_only else regression.design, given_weights
    )
    between = estimated_tau_squared(trials, tau_squared, given)
    if math.isnan(between[0]):
        raise ConvergenceError(
            f"{tau_squared}: tau-squared does not reach a solution to full precision; "
            "use a closed-form estimator such as DL"
        )
    fit = fitted(trials, between, given)
    return Pooled(**_fields(fit, given, names, mean_only=mean_only), **names)


def _many(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    moderators: Any,
    data: pd.DataFrame | None,
    weights: ArrayLike | None,
    **settings: Any,
) -> PooledBatch:
    """Pool m sets of trials that share their moderators."""
    if weights is not None:
        raise DataError(
            "many sets of trials are pooled with inverse-variance weights",
            remedy="pool them one by one, or leave the weights out",
        )
    same_order({"effect": effect, "variance": variance})
    k = np.shape(effect if dimensions(effect) == 2 else variance)[1]
    design = None
    if moderators is not None:
        design = read_moderators(moderators, data, k).design
    return fit_many(effect, variance, design=design, **settings)


def _check_names(
    tau_squared: str | float, inference: str, prediction: str, interval: str
) -> None:
    if isinstance(tau_squared, str):
        one_of("tau_squared estimator", tau_squared, TAU_SQUARED)
    else:
        check_variance("tau_squared", tau_squared, TAU_SQUARED)
    one_of("inference", inference, INFERENCE)
    one_of("prediction interval", prediction, PREDICTION)
    one_of("interval of tau-squared", interval, INTERVALS)


def _checked_weights(
    weights: ArrayLike | None, k: int, tau_squared: str | float, inference: str
) -> FloatArray | None:
    """Return given weights, read-only."""
    if weights is None:
        if tau_squared in WITH_WEIGHTS:
            raise DataError(
                f"tau_squared={tau_squared!r} needs weights",
                remedy="pass weights=, such as 1/variance, or use another estimator",
            )
        return None
    given = numbers("weights", weights, data=None)
    same_length({"effect": np.empty(k), "weights": given})
    refuse(given <= 0, "the weight is not above zero", column="weights", values=given)
    if inference in WITHOUT_MODERATORS:
        raise DataError(
            f"{inference} is derived for inverse-variance weights, not for given ones",
            remedy="use inference='wald', 't' or 'knapp_hartung'",
        )
    given.flags.writeable = False
    return given


def _fields(
    fit: Fitted, given: GivenWeights | None, names: dict[str, Any], *, mean_only: bool
) -> dict[str, Any]:
    """Return the fields of a fit of several trials."""
    inference, level = names["inference"], names["level"]
    if not mean_only and inference in WITHOUT_MODERATORS:
        raise DataError(
            f"{inference} is derived for a mean, not for moderators",
            remedy="use inference='knapp_hartung' or 'knapp_hartung_adhoc'",
        )
    scale, df = SCALES[inference](fit, level)
    if scale[0] == 0:
        what = "identical" if mean_only else "fitted perfectly"
        raise NotEstimableError(
            f"Hartung-Knapp gives a standard error of zero: all {names['k']} effects "
            f"are {what}; use inference='knapp_hartung_adhoc'"
        )
    coefficient, covariance = fit.coefficient[0], scale[0] * fit.covariance[0]
    tests = coefficient_tests(
        coefficient, np.diag(covariance), np.full(len(coefficient), df[0]), level
    )
    spread, reasons = variation(fit, given, names)
    plain, restricted = (float(value[0]) for value in log_likelihoods(fit))
    fields = {
        "scale": float(scale[0]),
        "coefficient": _fixed(coefficient),
        "covariance": _fixed(covariance),
        "tests": tests,
        "weights": _weights(fit, given),
        "log_likelihoods": (plain, restricted),
        "log_likelihood": (
            restricted if names["tau_squared_method"] == "REML" else plain
        ),
        **spread,
    }
    if mean_only:
        ahead, more = _prediction(fit, (scale, df), names)
        fields |= ahead | {
            "estimate": float(coefficient[0]),
            **{name: float(value[0]) for name, value in tests._asdict().items()},
        }
    else:
        fields |= dict.fromkeys(_OF_THE_MEAN, _NAN)
        more = dict.fromkeys(_OF_THE_MEAN, _SEE_COEFFICIENTS)
    return fields | {"not_estimable": MappingProxyType(reasons | more)}


def _fixed(values: FloatArray) -> FloatArray:
    values = np.array(values)
    values.flags.writeable = False
    return values


def _weights(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    """Return the weights in the order of the input; they add to 1."""
    weight = (fit.weighted.weight if given is None else given.weight)[:, 0]
    unsorted = np.empty_like(weight)
    unsorted[fit.trials.order[:, 0]] = weight / math.fsum(weight)
    unsorted.flags.writeable = False
    return unsorted


_PREDICTION_FIELDS = ("prediction_lower", "prediction_upper", "prediction_df")


def _prediction(
    fit: Fitted, own: tuple[FloatArray, FloatArray], names: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the prediction interval, or the reason why there is none."""
    form, k = names["prediction"], names["k"]
    if names["tau_squared_method"] == "EE":
        reason = "under equal effects a new trial has the same true effect"
    else:
        try:
            lower, upper, df = prediction_limits(
                fit,
                fit.coefficient[:, 0],
                fit.covariance[:, 0, 0],
                own,
                form,
                names["level"],
            )
        except NotEstimableError as why:
            reason = str(why)
        else:
            if not df[0] <= 0:
                values = (float(lower[0]), float(upper[0]), float(df[0]))
                return dict(zip(_PREDICTION_FIELDS, values, strict=True)), {}
            reason = f"the {form} prediction interval has {df[0]:g} df with {k} trials"
    absent = dict.fromkeys(_PREDICTION_FIELDS, _NAN)
    return absent, dict.fromkeys(_PREDICTION_FIELDS, reason)


def _single_trial(y: FloatArray, v: FloatArray, level: float) -> dict[str, Any]:
    """Return the fields of a single trial: its own effect, nothing between trials."""
    absent = (
        *("tau_squared", "tau_squared_standard_error", "tau_squared_lower"),
        *("tau_squared_upper", "i_squared", "h_squared", "r_squared"),
        *("typical_variance", "q", "q_p_value", "log_likelihood"),
        *_PREDICTION_FIELDS,
    )
    tests = coefficient_tests(y, v, np.full(1, _NAN), level)
    plain = -0.5 * math.log(2 * math.pi * float(v[0]))
    return {
        "estimate": float(y[0]),
        **{name: float(value[0]) for name, value in tests._asdict().items()},
        "weights": _fixed(np.ones(1)),
        "q_df": 0,
        "scale": 1.0,
        "coefficient": _fixed(y),
        "covariance": _fixed(v.reshape(1, 1)),
        "tests": tests,
        "log_likelihoods": (plain, 0.0),
        "not_estimable": MappingProxyType(
            dict.fromkeys(absent, "needs at least 2 trials")
        ),
        **dict.fromkeys(absent, _NAN),
    }
