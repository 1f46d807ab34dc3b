"""The result of pooling: numbers, the reasons for those that do not exist."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.fitting import Fitted, fitted
from trialstats.meta.inference import INFERENCE, SCALES, CoefficientTests, half_width
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.moderators import Moderators
from trialstats.meta.omnibus import OmnibusTest, contrast_test
from trialstats.meta.prediction import PREDICTION, prediction_limits
from trialstats.meta.tau_squared_intervals import INTERVALS, tau_squared_limits
from trialstats.meta.weighting_given import GivenWeights, arranged_trials

__all__ = ["OmnibusTest", "Pooled"]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """A pooled effect, or a meta-regression. All unrounded, in the effects' scale.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper : float
        Pooled effect, its standard error and interval. With moderators these, the
        test and the prediction interval are NaN: see `coefficients`, `predict`.
    statistic, df, p_value : float
        Test that the effect is zero, two-sided; df is NaN for a normal test.
    tau_squared, tau_squared_standard_error : float
        Between-trial variance, and its standard error.
    tau_squared_lower, tau_squared_upper : float
        Its interval by the method `tau_squared_interval` of `options`.
    i_squared, h_squared : float
        tau2/(tau2 + s2) in [0, 1) and (tau2 + s2)/s2 with the typical sampling
        variance s2. Under equal effects, where tau2 is zero by assumption, they are
        max(0, (Q - df)/Q) and Q/df. With moderators: of what these leave.
    r_squared : float
        Share of the between-trial variance that moderators account for.
    typical_variance : float
        s2.
    q, q_df, q_p_value : float
        Cochran's test; with moderators that of the residual heterogeneity.
    prediction_lower, prediction_upper, prediction_df : float
        Interval for the true effect in a new trial.
    weights : ndarray of shape (k,)
        Weights in the order of the input; they add to 1. Read-only.
    k : int
        Number of trials.
    level : float
        Confidence level of every interval.
    tau_squared_method, inference, prediction : str
        Names of the methods; "given" for a tau-squared that was a number.
    scale : float
        q* of Knapp and Hartung, or the factor on the covariance that the inference
        takes in its place.
    log_likelihood : float
        Restricted for REML, else plain; see `fit_statistics`.
    log_likelihoods : tuple of float
        Plain and restricted.
    covariance : ndarray of shape (p, p)
        Of the coefficients. Read-only.
    tests : CoefficientTests
        Of the coefficients, arrays of shape (p,).
    coefficient : ndarray of shape (p,)
    effect, variance : ndarray of shape (k,)
        What was pooled, in the order of the input. Read-only.
    moderators : Moderators
        Their design, and how to make rows of new ones.
    options : mapping
        The keyword arguments: ``pool(p.effect, p.variance, **p.options)`` refits.
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
    tau_squared_standard_error: float
    tau_squared_lower: float
    tau_squared_upper: float
    i_squared: float
    h_squared: float
    r_squared: float
    typical_variance: float
    q: float
    q_df: int
    q_p_value: float
    prediction_lower: float
    prediction_upper: float
    prediction_df: float
    weights: FloatArray = field(repr=False)
    k: int
    level: float
    tau_squared_method: str
    inference: str
    prediction: str
    scale: float
    log_likelihood: float
    log_likelihoods: tuple[float, float] = field(repr=False)
    coefficient: FloatArray = field(repr=False)
    covariance: FloatArray = field(repr=False)
    tests: CoefficientTests = field(repr=False)
    effect: FloatArray = field(repr=False)
    variance: FloatArray = field(repr=False)
    moderators: Moderators = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    not_estimable: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def custom_weights(self) -> bool:
        """Whether the weights were given."""
        return self.options["weights"] is not None

    @property
    def design(self) -> FloatArray:
        """Rows of the trials, (k, p); a column of ones without moderators."""
        return self.moderators.design

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.moderators.names

    @property
    def equal_effects(self) -> bool:
        """Whether tau2 is zero by assumption."""
        return self.tau_squared_method == "EE"

    @property
    def has_moderators(self) -> bool:
        """Whether the design is more than an intercept."""
        return self.moderators.names != ("Intercept",)

    @property
    def coefficients(self) -> pd.DataFrame:
        """Coefficients, one row a term with its test and interval."""
        tests = self.tests
        return pd.DataFrame(
            {
                "term": list(self.terms),
                "estimate": self.coefficient,
                "standard_error": tests.standard_error,
                "df": tests.df,
                "statistic": tests.statistic,
                "p_value": tests.p_value,
                "ci_lower": tests.ci_lower,
                "ci_upper": tests.ci_upper,
            }
        )

    @property
    def fit_statistics(self) -> pd.DataFrame:
        """Log-likelihood, deviance and information criteria, columns ML and REML.

        The deviance under ML is from the saturated model, whose fitted values are the
        effects; under REML it is minus twice the restricted log-likelihood. AICc has
        k (ML) or k - p (REML) observations, but at least two more than parameters.
        """
        p = len(self.coefficient)
        parameters = p + (self.tau_squared_method not in ("EE", "given"))
        plain, restricted = self.log_likelihoods
        saturated = -0.5 * float(np.log(2 * np.pi * self.variance).sum())
        columns = {}
        for name, value, base, n in (
            ("ML", plain, saturated, self.k),
            ("REML", restricted, 0.0, self.k - p),
        ):
            enough = max(n, parameters + 2)
            correction = enough / (enough - parameters - 1)
            bic = -2 * value + parameters * math.log(n) if n else math.nan
            columns[name] = {
                "log_likelihood": value,
                "deviance": -2 * (value - base),
                "aic": -2 * value + 2 * parameters,
                "bic": bic,
                "aicc": -2 * value + 2 * parameters * correction,
            }
        return pd.DataFrame(columns)

    @property
    def method(self) -> str:
        """The method in words, complete."""
        percent = f"{self.level * 100:g}%"
        if self.k == 1:
            return f"the trial's own effect; {percent} normal interval"
        names = {"EE": "equal effects", "given": "random effects, given tau-squared"}
        model = names.get(
            self.tau_squared_method, f"random effects, {self.tau_squared_method}"
        )
        if self.has_moderators:
            model += f"; moderators {', '.join(self.moderators.terms)}"
        weights = "given weights" if self.custom_weights else "inverse-variance weights"
        return f"{model}; {weights}; {percent} {INFERENCE[self.inference]}"

    def options_for(self, rows: Any) -> dict[str, Any]:
        """Return `options` for some of the trials, by position or as a mask."""
        chosen = dict(self.options)
        for name in ("weights", "moderators"):
            if chosen[name] is not None:
                given = chosen[name]
                chosen[name] = (
                    given.take(rows)
                    if isinstance(given, Moderators)
                    else np.asarray(given)[np.asarray(rows)]
                )
        return chosen

    def test(self, terms: Any = None) -> OmnibusTest:
        """Test that coefficients are zero, all of them at a time.

        Parameters
        ----------
        terms : str, int or sequence of these, optional
            Terms of the formula, coefficients, or positions from 0. Without: every
            coefficient but the intercept, the intercept when it is alone.

        Returns
        -------
        OmnibusTest
            Chi-squared for a normal inference, F with the residual df else; NaN where
            the covariance is singular.
        """
        p, intercept = len(self.coefficient), self.moderators.intercept
        if terms is None:
            columns = [j for j in range(p) if p == 1 or j != intercept]
        else:
            columns = self.moderators.columns_of(terms)
        if not columns:
            raise DataError("no coefficient is tested", remedy="name one")
        return self.contrast(np.eye(p)[columns])

    def contrast(self, weights: Any, value: Any = 0.0) -> OmnibusTest:
        """Test that combinations of coefficients equal `value`.

        Parameters
        ----------
        weights : array_like of shape (j, p) or (p,)
        value : float or array_like of shape (j,)
        """
        return contrast_test(
            self.coefficient, self.covariance, float(self.tests.df[0]), weights, value
        )

    def predict(
        self,
        new: Any = None,
        *,
        level: float | None = None,
        prediction: str | None = None,
    ) -> pd.DataFrame:
        """Predict mean effects, with confidence and prediction intervals.

        Parameters
        ----------
        new : DataFrame or array_like, optional
            New values of the moderators, one row a prediction: the variables of the
            formula, or the columns. Without: the trials' own, and one row when there
            are no moderators.
        level, prediction : optional
            Those of the fit unless given; see `pool`.

        Returns
        -------
        DataFrame
            estimate, standard_error, ci_lower, ci_upper, prediction_lower,
            prediction_upper, prediction_df.
        """
        level = self.level if level is None else level
        check_level(level)
        if new is not None and not self.has_moderators:
            raise DataError("there are no moderators to predict from")
        form = self.prediction if prediction is None else prediction
        one_of("prediction interval", form, PREDICTION)
        if not self.has_moderators:
            rows = np.ones((1, 1))
        elif new is None:
            rows = self.design
        else:
            rows = self.moderators.rows_for(new)
        estimate = rows @ self.coefficient
        fit, _ = self.refitted()
        unscaled = np.einsum("ja,ab,jb->j", rows, fit.covariance[0], rows)
        scale, df = SCALES[self._inference](fit, level)
        error = np.sqrt(scale[0] * unscaled)
        reach = half_width(df, level)[0] * error
        lower, upper, prediction_df = prediction_limits(
            fit,
            estimate[np.newaxis],
            unscaled[np.newaxis],
            (scale, df),
            form,
            level,
        )
        exists = self.k > 1 and not self.equal_effects
        absent = np.full(len(rows), np.nan)
        return pd.DataFrame(
            {
                "estimate": estimate,
                "standard_error": error,
                "ci_lower": estimate - reach,
                "ci_upper": estimate + reach,
                "prediction_lower": lower[0] if exists else absent,
                "prediction_upper": upper[0] if exists else absent,
                "prediction_df": prediction_df[0] if exists else absent,
            }
        )

    def refitted(self) -> tuple[Fitted, GivenWeights | None]:
        """Return the fit with everything it was computed from, and given weights."""
        design = self.design if self.has_moderators else None
        trials, given = arranged_trials(
            self.effect, self.variance, design, self.options["weights"]
        )
        between = 0.0 if self.k == 1 else self.tau_squared
        return fitted(trials, np.array([between]), given), given

    @property
    def _inference(self) -> str:
        return "wald" if self.k == 1 else self.inference

    def heterogeneity(
        self, interval: str | None = None, *, level: float | None = None
    ) -> pd.DataFrame:
        """Return tau-squared and what follows from it, with an interval.

        Parameters
        ----------
        interval : str, optional
            Of `pool`'s `tau_squared_interval`; that of the fit unless given.
        level : float, optional
            That of the fit unless given.

        Returns
        -------
        DataFrame
            Rows tau_squared, tau, i_squared, h_squared; columns estimate, ci_lower,
            ci_upper. The limits of I2 and H2 follow from those of tau-squared.
        """
        kind = self.options["tau_squared_interval"] if interval is None else interval
        one_of("interval of tau-squared", kind, INTERVALS)
        level = self.level if level is None else level
        check_level(level)
        if self.k == 1 or self.tau_squared_method in ("EE", "given"):
            raise NotEstimableError(
                "there is no interval of tau-squared: it is not estimated"
            )
        fit, given = self.refitted()
        lower, upper = tau_squared_limits(
            kind,
            fit,
            self.tau_squared_method,
            given,
            level,
            self.tau_squared_standard_error,
        )
        tau = np.array([self.tau_squared, lower, upper])
        i_squared = tau / (self.typical_variance + tau)
        h_squared = tau / self.typical_variance + 1
        return pd.DataFrame(
            [tau, np.sqrt(tau), i_squared, h_squared],
            index=["tau_squared", "tau", "i_squared", "h_squared"],
            columns=["estimate", "ci_lower", "ci_upper"],
        )

    def residuals(self) -> FloatArray:
        """Return effects less their fitted values, (k,)."""
        return self.effect - self.design @ self.coefficient

    def blups(self, *, level: float | None = None) -> pd.DataFrame:
        """Return best linear unbiased predictions of the trials' true effects.

        Returns
        -------
        DataFrame
            One row a trial: estimate, standard_error, prediction_lower,
            prediction_upper; shrunken from the effect toward its fitted value.

        References
        ----------
        .. [1] Raudenbush SW, Bryk AS (1985). Empirical Bayes meta-analysis. Journal
           of Educational Statistics 10(2), 75-98.
        """
        if self.custom_weights:
            raise NotEstimableError(
                "best linear unbiased predictions are derived for inverse-variance "
                "weights, not for given ones"
            )
        level = self.level if level is None else level
        check_level(level)
        fit, _ = self.refitted()
        _, df = SCALES[self._inference](fit, level)
        share = fit.tau_squared[0] / (fit.tau_squared[0] + self.variance)
        fitted_values = self.design @ self.coefficient
        spread = np.einsum("ja,ab,jb->j", self.design, self.covariance, self.design)
        estimate = share * self.effect + (1 - share) * fitted_values
        error = np.sqrt(share * self.variance + (1 - share) ** 2 * spread)
        reach = half_width(df, level)[0] * error
        return pd.DataFrame(
            {
                "estimate": estimate,
                "standard_error": error,
                "prediction_lower": estimate - reach,
                "prediction_upper": estimate + reach,
            }
        )


def check_pooled(value: object, what: str) -> None:
    """Raise a DataError unless `value` is what `pool` returns for one set of trials."""
    if not isinstance(value, Pooled):
        raise DataError(
            f"{what} takes what pool() returns for one set of independent trials, not "
            f"{type(value).__name__}",
        )
