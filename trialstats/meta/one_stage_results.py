"""The result of a one-stage model: coefficients, heterogeneity, prediction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.moderators import Moderators
from trialstats.meta.one_stage_counts import Chosen
from trialstats.meta.one_stage_fit import SMALLEST_DEVIATION, Fit, Problem
from trialstats.meta.one_stage_heterogeneity import Heterogeneity
from trialstats.meta.one_stage_models import Effects, Model

_NAN = float("nan")

#: Inference -> degrees of freedom for k trials and p coefficients, and words.
INFERENCE: dict[str, tuple[Callable[[int, int], float], str]] = {
    "t": (lambda k, p: float(k - p), "t interval"),
    "wald": (lambda k, p: _NAN, "normal interval"),
}
#: Prediction -> degrees of freedom from k, p and those of the inference.
PREDICTION: dict[str, Callable[[int, int, float], float]] = {
    "t": lambda k, p, df: float(k - p),
    "HTS": lambda k, p, df: float(k - p - 1),
    "inference": lambda k, p, df: df,
}

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


@dataclass(frozen=True, slots=True, eq=False)
class OneStage:
    """A one-stage model of counts. Everything unrounded, on the log scale.

    A number that does not exist is NaN and `not_estimable` says why, under its name.
    With moderators the fields of a pooled effect are NaN: see `coefficients`.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper, statistic, df, p_value : float
        Effect, its error, interval and test; df is NaN for a normal test.
    tau_squared, tau_squared_standard_error : float
        Variance of the effects between trials.
    sigma_squared, correlation : float
        UM.RS: variance of the levels, and their correlation with the effects.
    i_squared, h_squared : float
        tau2/(tau2 + s2) and (tau2 + s2)/s2, s2 the typical variance of the trials' own
        effects (0.5 added where a count is zero).
    q, q_df, q_p_value : float
        Wald's test of (residual) heterogeneity.
    likelihood_ratio, likelihood_ratio_p_value : float
        The likelihood-ratio test of the same, on q_df degrees of freedom.
    ratio_at_modes : float
        The same ratio with random levels at their modes.
    omnibus, omnibus_df, omnibus_p_value : float
        Wald test of all coefficients but the intercept (of the intercept when it is
        alone): chi-squared, or F with k - p denominator degrees of freedom.
    prediction_lower, prediction_upper, prediction_df : float
        Interval for the true effect in a new trial.
    weights : ndarray of shape (k given,)
        Shares of the trials in the information on the effect, I/(1 + tau2 I) with I
        the curvature of a trial's log-likelihood in its effect; in the order of the
        input, adding to 1, zero for a trial that does not enter. Read-only.
    k : int
        Number of trials that entered.
    level : float
    measure, model, inference, prediction, method : str
    coefficients : DataFrame
        term, estimate, standard_error, df, statistic, p_value, ci_lower, ci_upper.
    covariance : ndarray of shape (p, p)
    log_likelihood : float
        Marginal, of all counts.
    log_likelihood_at_modes : float
        Of the counts given the random effects at their modes.
    log_likelihood_saturated : float
        Of the counts if every arm were fitted without error.
    n_parameters, n_observations : int
        Of the likelihood, for information criteria.
    n_quadrature : int
        Points an axis that were used; 0 without random effects.
    not_estimable : mapping of str to str
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    df: float
    p_value: float
    tau_squared: float
    tau_squared_standard_error: float
    sigma_squared: float
    correlation: float
    i_squared: float
    h_squared: float
    q: float
    q_df: int
    q_p_value: float
    likelihood_ratio: float
    likelihood_ratio_p_value: float
    ratio_at_modes: float
    omnibus: float
    omnibus_df: int
    omnibus_p_value: float
    prediction_lower: float
    prediction_upper: float
    prediction_df: float
    weights: FloatArray
    k: int
    level: float
    measure: str
    model: str
    inference: str
    prediction: str
    method: str
    coefficients: pd.DataFrame
    covariance: FloatArray
    moderators: Moderators = field(repr=False)
    log_likelihood: float
    log_likelihood_at_modes: float
    log_likelihood_saturated: float
    n_parameters: int
    n_observations: int
    n_quadrature: int
    not_estimable: Mapping[str, str]

    @property
    def fit_statistics(self) -> dict[str, float]:
        """Log-likelihood, AIC, BIC and AICc of the marginal likelihood."""
        return information_criteria(
            self.log_likelihood, self.n_parameters, self.n_observations
        )

    def predict(self, new: Any = None) -> pd.DataFrame:
        """Return effects with intervals for values of the moderators.

        Parameters
        ----------
        new : DataFrame or array_like, optional
            Values of the moderators; without moderators, or by default, one row of
            the intercept, or the rows of the trials.

        Returns
        -------
        DataFrame
            estimate, standard_error, ci_lower, ci_upper, prediction_lower,
            prediction_upper.
        """
        alone = self.moderators.names == ("Intercept",)
        if new is None:
            rows = np.ones((1, 1)) if alone else self.moderators.design
        else:
            rows = self.moderators.rows_for(new)
        estimate = rows @ self.coefficients["estimate"].to_numpy()
        error = np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows))
        df = float(self.coefficients["df"].iloc[0])
        half = _quantile(df, self.level) * error
        spread = np.sqrt(error**2 + self.tau_squared)
        if "prediction_lower" in self.not_estimable and alone:
            spread = np.full_like(error, np.nan)
        wide = _quantile(self.prediction_df, self.level, absent=_NAN) * spread
        return pd.DataFrame(
            {
                "estimate": estimate,
                "standard_error": error,
                "ci_lower": estimate - half,
                "ci_upper": estimate + half,
                "prediction_lower": estimate - wide,
                "prediction_upper": estimate + wide,
            }
        )


def information_criteria(
    log_likelihood: float, parameters: int, observations: int
) -> dict[str, float]:
    """Return AIC, BIC and AICc (AICc with at least two observations to spare)."""
    minus_two = -2 * log_likelihood
    n = max(observations, parameters + 2)
    return {
        "log_likelihood": log_likelihood,
        "aic": minus_two + 2 * parameters,
        "bic": minus_two + parameters * math.log(observations),
        "aicc": minus_two + 2 * parameters * n / (n - parameters - 1),
    }


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


def _quantile(df: float, level: float, absent: float | None = None) -> float:
    """Return the two-sided t quantile, normal for a df that is NaN."""
    if math.isnan(df):
        return float(ndtri((1 + level) / 2)) if absent is None else absent
    return float(stdtrit(df, (1 + level) / 2)) if df >= 1 else _NAN


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
    half = _quantile(df, level) * error
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
    half = _quantile(df, level) * total
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
