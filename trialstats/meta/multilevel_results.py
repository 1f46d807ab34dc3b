"""The result of a multilevel or multivariate meta-analysis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, fdtrc, ndtr, ndtri, stdtr, stdtrit

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, check_level
from trialstats.meta.moderators import INTERCEPT, Moderators
from trialstats.meta.multilevel_covariances import IntArray
from trialstats.meta.multilevel_fit import Fitted
from trialstats.meta.multilevel_random import group_effects, row_effects, true_effects
from trialstats.meta.pooled import OmnibusTest

INFERENCE = {"wald": "normal intervals", "t": "t intervals"}

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class PooledMultilevel:
    """A pooled effect of dependent effects. Unrounded, on the scale of the effects.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper, statistic, df, p_value : float
        The coefficient of a model with one, as in `Pooled`; df is NaN for a normal
        test. With several coefficients NaN: see `coefficients`.
    coefficients : DataFrame
        term, estimate, standard_error, df, statistic, p_value, ci_lower, ci_upper.
    covariance : ndarray of shape (p, p)
        Covariance of the coefficients.
    components : DataFrame
        One row for each variance or correlation of the true effects: name, kind
        (``sigma2``, ``tau2`` or ``rho``), term, estimate, ci_lower and ci_upper
        (profile likelihood), n_levels, i_squared (variances), note.
    tau_squared : float
        Variance of a true effect: the sum of the variances. NaN when levels of the
        inner factor have their own.
    i_squared : float
        tau_squared / (tau_squared + s2) with the typical sampling variance
        s2 = (k - p)/tr(P).
    q, q_df, q_p_value : float
        Test of residual heterogeneity, from the sampling covariance alone.
    prediction_lower, prediction_upper, prediction_df : float
        Interval of a new true effect, with the distribution of the inference.
    log_likelihood : float
        The criterion that was maximised.
    fit_statistics : DataFrame
        Columns ML and REML; rows log_likelihood, deviance, aic, bic, aicc. Both at
        the estimates of the model.
    k, n_blocks : int
        Number of effects, and of independent blocks of them.
    level : float
    criterion, inference : str
        "REML" or "ML"; "wald" or "t".
    structure : str
        What is random, in words.
    effect, variance : ndarray of shape (k,)
        As given; read-only.
    design : ndarray of shape (k, p)
    terms : tuple of str
        Names of the coefficients.
    options : mapping
        The keyword arguments.
    not_estimable : mapping of str to str
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    df: float
    p_value: float
    coefficients: pd.DataFrame
    covariance: FloatArray
    components: pd.DataFrame
    tau_squared: float
    i_squared: float
    q: float
    q_df: int
    q_p_value: float
    prediction_lower: float
    prediction_upper: float
    prediction_df: float
    log_likelihood: float
    fit_statistics: pd.DataFrame
    k: int
    n_blocks: int
    level: float
    criterion: str
    inference: str
    structure: str
    effect: FloatArray
    variance: FloatArray
    design: FloatArray
    terms: tuple[str, ...]
    options: MappingProxyType[str, Any]
    not_estimable: MappingProxyType[str, str]
    fitted: Fitted = field(repr=False)
    moderators: Moderators = field(repr=False)

    @property
    def method(self) -> str:
        """The method in words, complete."""
        percent = f"{self.level * 100:g}%"
        return (
            f"{self.structure}, {self.criterion}; generalised least squares; "
            f"{percent} {INFERENCE[self.inference]}"
        )

    @property
    def component(self) -> Mapping[str, float]:
        """Estimates of the components by name."""
        return dict(
            zip(self.components["name"], self.components["estimate"], strict=True)
        )

    @property
    def weights(self) -> FloatArray:
        """The share of each effect in the estimate, (k,), in input order.

        1'M^-1 / 1'M^-1 1 with the marginal covariance M: they add to one, and one may
        be negative where errors are strongly correlated. NaN for every effect of a
        model with moderators, whose coefficients have weights of their own.
        """
        if self.terms != (INTERCEPT,):
            return np.full(self.k, _NAN)
        found = np.empty(self.k)
        fit = self.fitted
        for batch, weighted in zip(
            fit.model.batches, fit.weights.weighted_design, strict=True
        ):
            found[batch.rows] = (weighted @ fit.weights.covariance)[:, :, 0]
        return found

    def blocks(self) -> list[tuple[IntArray, FloatArray]]:
        """Return the rows of each independent block and their marginal covariance."""
        model, covariances = self.fitted.model, self.fitted.covariances
        result = []
        for batch in model.batches:
            marginal = model.marginal(batch, covariances)
            result += list(zip(batch.rows, marginal, strict=True))
        return result

    def residuals(self) -> FloatArray:
        """Return the effects minus their fitted means, (k,), in input order."""
        fitted = self.design @ self.coefficients["estimate"].to_numpy()
        return np.asarray(self.effect - fitted)

    def test(self, terms: Any = None) -> OmnibusTest:
        """Test that coefficients are zero together.

        Parameters
        ----------
        terms : str, int or sequence of these, optional
            Terms of the formula, coefficients, or positions from 0; all but the
            intercept when absent, or the intercept if it is alone.

        Returns
        -------
        OmnibusTest
            Chi-squared for a normal inference, else F with the smallest degrees of
            freedom of the coefficients.
        """
        chosen = columns_to_test(self.moderators, terms)
        beta = self.coefficients["estimate"].to_numpy()[chosen]
        block = self.covariance[np.ix_(chosen, chosen)]
        square, size = float(beta @ np.linalg.solve(block, beta)), len(chosen)
        if self.inference == "wald":
            return OmnibusTest(square, size, _NAN, float(chdtrc(size, square)))
        df = float(self.coefficients["df"].to_numpy()[chosen].min())
        p_value = float(fdtrc(size, df, square / size))
        return OmnibusTest(square / size, size, df, p_value)

    def predict(
        self,
        new: Any = None,
        *,
        of: Sequence[Any] | Any | None = None,
        level: float | None = None,
    ) -> pd.DataFrame:
        """Predict mean and true effects.

        Parameters
        ----------
        new : DataFrame or array_like, optional
            Values of the moderators, one row for each prediction. Without moderators
            leave it out.
        of : label or sequence of labels, optional
            Level of the inner factor of each row, where levels have their own
            variance: needed for the prediction interval.
        level : float, optional

        Returns
        -------
        DataFrame
            estimate, standard_error, ci_lower, ci_upper, prediction_lower,
            prediction_upper, df.
        """
        level = self.level if level is None else level
        check_level(level)
        if new is None:
            rows, of = self._rows_without_moderators(of)
        else:
            rows = self.moderators.rows_for(new)
        spread = self._true_variance(of, len(rows))
        mean = rows @ self.coefficients["estimate"].to_numpy()
        error = np.sqrt(np.einsum("ip,pq,iq->i", rows, self.covariance, rows))
        df = self._df_of(rows)
        reach = quantiles(df, level)
        ahead = np.sqrt(error**2 + spread)
        return pd.DataFrame(
            {
                "estimate": mean,
                "standard_error": error,
                "ci_lower": mean - reach * error,
                "ci_upper": mean + reach * error,
                "prediction_lower": mean - reach * ahead,
                "prediction_upper": mean + reach * ahead,
                "df": df,
            }
        )

    def _rows_without_moderators(self, of: Any) -> tuple[FloatArray, Any]:
        """Return a row for the mean, or for the mean of each outcome."""
        if self.terms == (INTERCEPT,):
            several = of is not None and not (isinstance(of, str) or np.isscalar(of))
            return np.ones((len(of) if several else 1, 1)), of
        inner = [t.inner_labels for t in self.fitted.model.terms if not t.is_intercept]
        if inner and tuple(map(str, inner[0])) == self.terms:
            labels = list(inner[0])
            wanted = labels if of is None else np.atleast_1d(of).tolist()
            known = [label for label in wanted if label in labels]
            at = [labels.index(label) for label in known]
            return np.eye(len(labels))[at], wanted
        raise DataError("predictions need values of the moderators", remedy="pass new=")

    def _df_of(self, rows: FloatArray) -> FloatArray:
        """Return the smallest df among the coefficients of each row."""
        own = self.coefficients["df"].to_numpy(dtype=float)
        smallest = np.where(rows != 0, own, np.inf).min(axis=1)
        return np.where(np.isinf(smallest), _NAN, smallest)

    def _true_variance(self, of: Any, n: int) -> FloatArray:
        total = np.zeros(n)
        for term, g in zip(
            self.fitted.model.terms, self.fitted.covariances, strict=True
        ):
            variances = np.diag(g)
            if len(set(variances.tolist())) == 1:
                total += variances[0]
                continue
            if of is None:
                return np.full(n, _NAN)
            wanted = [of] * n if isinstance(of, str) or np.isscalar(of) else list(of)
            labels = list(term.inner_labels)
            absent = [label for label in wanted if label not in labels]
            if absent or len(wanted) != n:
                raise DataError(
                    f"of={of!r} does not name a level for each of {n} rows",
                    remedy=f"the levels are {', '.join(map(str, labels))}",
                )
            total += variances[[labels.index(label) for label in wanted]]
        return total

    def random_effects(self, *, level: float | None = None) -> dict[str, pd.DataFrame]:
        """Return the best linear unbiased predictions of the random effects.

        Returns
        -------
        dict of DataFrame
            For each random intercept, by name: level, estimate, standard_error,
            prediction_lower, prediction_upper; for a term with an inner factor
            also the column inner. The error is that of the difference between
            prediction and effect, with the coefficients estimated; intervals are
            normal, or t with the number of groups minus that of the coefficients.
        """
        level = self.level if level is None else level
        check_level(level)
        found = {}
        for position, term in enumerate(self.fitted.model.terms):
            by = group_effects if term.is_intercept else row_effects
            frame = by(self.fitted, position)
            df = _NAN
            if self.inference == "t":
                groups = len(term.outer_labels)
                by_rows = self.options.get("df") == "residual"
                n = self.k if by_rows else groups
                df = float(max(n - len(self.terms), 1))
            reach = float(quantiles(np.array([df]), level)[0])
            half = reach * frame["standard_error"]
            frame["prediction_lower"] = frame["estimate"] - half
            frame["prediction_upper"] = frame["estimate"] + half
            found[term.name] = frame
        return found

    def blups(self, *, level: float | None = None) -> pd.DataFrame:
        """Return best linear unbiased predictions of the true effects.

        Returns
        -------
        DataFrame
            One row an effect, in input order: estimate, standard_error,
            prediction_lower, prediction_upper.
        """
        level = self.level if level is None else level
        check_level(level)
        ahead, error = true_effects(self.fitted, self.effect)
        df = self._df_of(self.design)
        reach = quantiles(df, level) * error
        return pd.DataFrame(
            {
                "estimate": ahead,
                "standard_error": error,
                "prediction_lower": ahead - reach,
                "prediction_upper": ahead + reach,
            }
        )


def columns_to_test(moderators: Moderators, terms: Any) -> list[int]:
    """Return the columns of terms; without terms all but the intercept, if others are.

    Raises
    ------
    DataError
        For a term that does not exist, or none.
    """
    p = len(moderators.names)
    if terms is None:
        return [j for j in range(p) if p == 1 or j != moderators.intercept]
    columns = moderators.columns_of(terms)
    if not columns:
        raise DataError("no coefficient is tested", remedy="name one")
    return columns


def quantiles(df: FloatArray, level: float) -> FloatArray:
    """Return two-sided quantiles; normal where df is NaN."""
    above = (1 + level) / 2
    normal = np.isnan(df)
    by_t = stdtrit(np.where(normal, 1.0, df), above)
    return np.asarray(np.where(normal, ndtri(above), by_t))


def tails(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Return two-sided p-values; normal where df is NaN."""
    normal, below = np.isnan(df), -np.abs(statistic)
    by_t = stdtr(np.where(normal, 1.0, df), below)
    return np.asarray(2 * np.where(normal, ndtr(below), by_t))


def criteria(
    log_likelihood: float, deviance: float, n_parameters: int, n: int
) -> dict[str, float]:
    """Return a log-likelihood of n observations with its information criteria."""
    size = max(n, n_parameters + 2)
    return {
        "log_likelihood": log_likelihood,
        "deviance": deviance,
        "aic": -2 * log_likelihood + 2 * n_parameters,
        "bic": -2 * log_likelihood + n_parameters * math.log(n) if n else _NAN,
        "aicc": -2 * log_likelihood
        + 2 * n_parameters * size / (size - n_parameters - 1),
    }
