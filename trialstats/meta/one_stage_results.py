"""The result of a one-stage model: coefficients, heterogeneity, prediction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from trialstats.meta.inputs import FloatArray
from trialstats.meta.moderators import Moderators

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
        half = quantile(df, self.level) * error
        spread = np.sqrt(error**2 + self.tau_squared)
        wide = quantile(self.prediction_df, self.level) * spread
        if "prediction_df" in self.not_estimable:
            wide = np.full_like(error, np.nan)
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


def quantile(df: float, level: float) -> float:
    """Return the two-sided t quantile: normal for a df that is NaN, none below 1."""
    if math.isnan(df):
        return float(ndtri((1 + level) / 2))
    return float(stdtrit(df, (1 + level) / 2)) if df >= 1 else _NAN
