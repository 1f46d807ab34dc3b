"""From a fit to the result of a one-stage model."""

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc, ndtr, stdtr

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.moderators import Moderators
from trialstats.meta.one_stage_counts import Chosen
from trialstats.meta.one_stage_fit import SMALLEST_DEVIATION, Fit, Problem
from trialstats.meta.one_stage_heterogeneity import Heterogeneity
from trialstats.meta.one_stage_models import Effects, Model
from trialstats.meta.one_stage_results import (
    INFERENCE,
    PREDICTION,
    OneStage,
    quantile,
)

_NAN = float("nan")

_EFFECT = (
    "estimate",
    "standard_error",
    "ci_lower",
    "ci_upper",
    "statistic",
    "p_value",
)

_WORDS = {
    "OR": "odds ratio",
    "IRR": "incidence rate ratio",
    "PLO": "odds",
    "IRLN": "incidence rate",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the maximisation leaves: the model asked for, and that of equal effects."""

    chosen: Chosen
    model: Model
    effects: Effects
    moderators: Moderators
    fit: Fit
    equal: Fit
    tests: Heterogeneity
    identified: bool
    problem: Problem


def one_stage_result(
    found: Fitted, *, k_given: int, inference: str, prediction: str, level: float
) -> OneStage:
    """Return the result of a fit."""
    fit, counts = found.fit, found.chosen.counts
    k, p = counts.design.shape
    reasons: dict[str, str] = {}
    df = INFERENCE[inference][0](k, p)
    if df < 1:
        reasons |= dict.fromkeys(
            ("ci_lower", "ci_upper", "p_value"),
            f"{k} trials leave no degrees of freedom for a t interval",
        )
    covariance = _covariance(fit)
    spread: dict[str, Any] = _spread(found, covariance, reasons)
    coefficients = _coefficients(found, covariance[:p, :p], df, level)
    alone = p == 1 and found.moderators.intercept is not None
    names = _EFFECT
    effect: dict[str, Any] = {name: float(coefficients[name].iloc[0]) for name in names}
    df_prediction = PREDICTION[prediction](k, p, df)
    ahead: dict[str, Any] = _prediction(
        found, effect, spread, df_prediction, level, reasons
    )
    if not alone:
        ahead |= dict.fromkeys(("prediction_lower", "prediction_upper"), _NAN)
        effect = dict.fromkeys(names, _NAN)
        why = "has moderators; see coefficients"
        reasons |= dict.fromkeys((*names, "prediction_lower", "prediction_upper"), why)
    tests = found.tests
    if tests.df < 1:
        reasons |= dict.fromkeys(
            ("q", "q_p_value", "likelihood_ratio", "likelihood_ratio_p_value"),
            "as many coefficients as trials",
        )
    parameters, observations = _sizes(found, k, p)
    return OneStage(
        **effect,
        **spread,
        **ahead,
        df=df,
        q=tests.wald,
        q_df=tests.df,
        q_p_value=tests.wald_p_value,
        likelihood_ratio=tests.likelihood_ratio,
        likelihood_ratio_p_value=tests.likelihood_ratio_p_value,
        ratio_at_modes=tests.ratio_at_modes,
        **_omnibus(found, covariance[:p, :p], df),
        weights=_weights(found, spread["tau_squared"], k_given),
        k=k,
        level=level,
        measure=counts.measure,
        model=found.model.name,
        inference=inference,
        prediction=prediction,
        method=_in_words(found, inference, level),
        coefficients=coefficients,
        covariance=covariance[:p, :p],
        moderators=found.moderators,
        log_likelihood=fit.log_likelihood,
        log_likelihood_at_modes=fit.at_modes,
        log_likelihood_saturated=float(
            found.problem.integrand.likelihood.saturated.sum()
        ),
        n_parameters=parameters,
        n_observations=observations,
        n_quadrature=fit.per_axis if fit.point.mode.shape[1] else 0,
        not_estimable=MappingProxyType(reasons),
    )


def _covariance(fit: Fit) -> FloatArray:
    """Return the inverse of the information of (gamma, theta).

    A standard deviation of zero is left out: the likelihood is even in it, so that it
    bears on nothing else.
    """
    theta = fit.point.theta
    kept = np.concatenate(
        [np.ones(len(fit.point.gamma), bool), np.abs(theta) > SMALLEST_DEVIATION]
    )
    value, vector = np.linalg.eigh(fit.information[np.ix_(kept, kept)])
    if value[0] <= 1e-10 * value[-1]:
        raise NotEstimableError(
            "the information is singular at the maximum: the standard errors do not "
            "exist; use a simpler model"
        )
    covariance = np.zeros(fit.information.shape)
    covariance[np.ix_(kept, kept)] = (vector / value) @ vector.T
    return covariance


def _spread(
    found: Fitted, covariance: FloatArray, reasons: dict[str, str]
) -> dict[str, float]:
    """Return variances between trials, I2 and H2."""
    theta, p = found.fit.point.theta, found.chosen.counts.design.shape[1]
    random = found.model.random_intercept
    inner = covariance[p + int(random) :, p + int(random) :]
    sigma = theta[0] ** 2 if random else _NAN
    zero = found.fit is found.equal
    tau2, correlation = 0.0, _NAN
    slope = np.zeros(len(theta))
    if not zero:
        own = theta[1:] if random else theta
        slope[len(theta) - len(own) :] = 2 * own
        tau2 = float((own**2).sum())
        if found.effects.correlated:
            correlation = float(np.sign(theta[0]) * own[0] / math.sqrt(tau2))
    error = _NAN if zero else math.sqrt(float(slope @ inner @ slope))
    if not found.effects.between:
        reason = "tau-squared is zero by assumption under equal effects"
        reasons["tau_squared_standard_error"] = reason
    elif not found.identified:
        reason = "needs more trials than coefficients"
        names = ("tau_squared", "tau_squared_standard_error", "i_squared", "h_squared")
        reasons |= dict.fromkeys(names, reason)
        tau2 = _NAN
    elif zero:
        reason = "the estimate is zero, at the end of its range"
        reasons["tau_squared_standard_error"] = reason
    if found.effects.correlated and math.isnan(correlation):
        reasons["correlation"] = "the effects do not vary between trials"
    if not random:
        reasons["sigma_squared"] = "the model has no random levels of the trials"
    if not found.effects.correlated:
        reasons["correlation"] = "the model has no correlated random effects"
    typical = found.chosen.typical_variance
    if math.isnan(typical) and not math.isnan(tau2):
        reason = "fewer than two trials have an effect of their own"
        reasons |= dict.fromkeys(("i_squared", "h_squared"), reason)
    return {
        "tau_squared": tau2,
        "tau_squared_standard_error": error,
        "sigma_squared": float(sigma),
        "correlation": correlation,
        "i_squared": tau2 / (typical + tau2),
        "h_squared": tau2 / typical + 1,
    }


def _coefficients(
    found: Fitted, covariance: FloatArray, df: float, level: float
) -> pd.DataFrame:
    p = len(covariance)
    estimate = found.fit.point.gamma[:p]
    error = np.sqrt(np.diag(covariance))
    statistic = estimate / error
    if math.isnan(df):
        p_value = 2 * ndtr(-np.abs(statistic))
    else:
        p_value = 2 * stdtr(df, -np.abs(statistic)) if df >= 1 else np.full(p, _NAN)
    half = quantile(df, level) * error
    return pd.DataFrame(
        {
            "term": found.moderators.names,
            "estimate": estimate,
            "standard_error": error,
            "df": df,
            "statistic": statistic,
            "p_value": p_value,
            "ci_lower": estimate - half,
            "ci_upper": estimate + half,
        }
    )


def _omnibus(found: Fitted, covariance: FloatArray, df: float) -> dict[str, Any]:
    p, intercept = len(covariance), found.moderators.intercept
    tested = [j for j in range(p) if j != intercept] or [0]
    estimate = found.fit.point.gamma[tested]
    inner = covariance[np.ix_(tested, tested)]
    statistic, m = float(estimate @ np.linalg.solve(inner, estimate)), len(tested)
    if math.isnan(df):
        tail = float(chdtrc(m, statistic))
    else:
        tail = float(fdtrc(m, df, statistic / m)) if df >= 1 else _NAN
        statistic /= m
    return {"omnibus": statistic, "omnibus_df": m, "omnibus_p_value": tail}


def _prediction(
    found: Fitted,
    effect: dict[str, float],
    spread: dict[str, float],
    df: float,
    level: float,
    reasons: dict[str, str],
) -> dict[str, float]:
    names = ("prediction_lower", "prediction_upper")
    absent = {**dict.fromkeys(names, _NAN), "prediction_df": _NAN}
    reason = None
    if not found.effects.between:
        reason = "under equal effects a new trial has the same true effect"
    elif not found.identified:
        reason = "needs more trials than coefficients"
    elif df < 1:
        reason = f"the prediction interval has {df:g} degrees of freedom"
    if reason:
        reasons |= dict.fromkeys((*names, "prediction_df"), reason)
        return absent
    total = math.hypot(effect["standard_error"], math.sqrt(spread["tau_squared"]))
    half = quantile(df, level) * total
    return {
        "prediction_lower": effect["estimate"] - half,
        "prediction_upper": effect["estimate"] + half,
        "prediction_df": df,
    }


def _weights(found: Fitted, tau2: float, k_given: int) -> FloatArray:
    """Return the shares of the trials in the information on the effect."""
    point, problem = found.fit.point, found.problem
    if found.fit is not found.equal:
        problem, _ = found.model.build(found.chosen.counts, found.effects)
    fixed = problem.fixed(point.gamma, point.nu)
    predictor = fixed + point.mode @ problem.integrand.loaded(point.theta).T
    information = -problem.integrand.likelihood.at(predictor).second
    if information.shape[1] == 2:
        # The trial's level is estimated beside its effect.
        both = information.prod(axis=1)
        own = both / information.sum(axis=1)
    else:
        own = information[:, 0]
    share = own / (1 + (0.0 if math.isnan(tau2) else tau2) * own)
    weights = np.zeros(k_given)
    weights[found.chosen.rows] = share / share.sum()
    weights.flags.writeable = False
    return weights


def _sizes(found: Fitted, k: int, p: int) -> tuple[int, int]:
    """Return the numbers of parameters and of observations."""
    own = k if found.problem.own is not None else int(found.model.random_intercept)
    parameters = p + own + int(found.model.random_intercept)
    if found.effects.between:
        parameters += 1 + int(found.effects.correlated)
    arms = found.chosen.counts.x.shape[1]
    return parameters, k * (1 if found.model.conditional else arms)


def _in_words(found: Fitted, inference: str, level: float) -> str:
    measure = _WORDS[found.chosen.counts.measure]
    spread = "random effects, ML" if found.effects.between else "equal effects"
    words = f"one-stage {measure}, {found.model.words}; {spread}"
    return f"{words}; {level * 100:g}% {INFERENCE[inference][1]}"
