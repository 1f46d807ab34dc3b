"""Regression of effects on their precision (Egger 1997; Sterne, Egger 2005)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.funnel import (
    Trials,
    enough_trials,
    refuse_moderators,
    refuse_weights,
    sorted_trials,
)
from trialstats.meta.inputs import FloatArray, numbers, one_of, refuse, same_length
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled, pool

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Predictor:
    """A measure of precision: of standard errors or sample sizes.

    `vanishes` says whether it falls to zero in a trial without error, so that the
    intercept is the effect of such a trial.
    """

    values: Callable[[FloatArray], FloatArray]
    of_sizes: bool
    vanishes: bool
    words: str


#: Predictors, by the names that metafor gives them.
PREDICTORS: dict[str, _Predictor] = {
    "sei": _Predictor(np.sqrt, False, True, "standard error"),
    "vi": _Predictor(np.array, False, True, "sampling variance"),
    "ni": _Predictor(np.array, True, False, "sample size"),
    "ninv": _Predictor(np.reciprocal, True, True, "inverse of the sample size"),
    "sqrtni": _Predictor(np.sqrt, True, False, "square root of the sample size"),
    "sqrtninv": _Predictor(
        lambda size: np.reciprocal(np.sqrt(size)),
        True,
        True,
        "inverse square root of the sample size",
    ),
}

#: Models, with the words for them.
MODELS: dict[str, str] = {
    "meta_regression": "meta-regression",
    "weighted_regression": "weighted regression, multiplicative dispersion",
}


@dataclass(frozen=True, slots=True, eq=False)
class RegressionTest:
    """A regression test of funnel asymmetry. Unrounded.

    A number that does not exist is NaN and `not_estimable` says why.

    Attributes
    ----------
    estimate, standard_error : float
        Slope of the predictor: zero without small-study effects.
    statistic, df, p_value : float
        Two-sided test of the slope; df is NaN for a normal test.
    limit_estimate, limit_lower, limit_upper : float
        Effect of a trial without error, with its interval, where the predictor falls
        to zero in such a trial.
    tau_squared : float
        Between-trial variance beside the regression, of a meta-regression.
    dispersion : float
        Factor by which the variances are multiplied, of a weighted regression.
    coefficients : DataFrame
        term, estimate, standard_error, df, statistic, p_value, ci_lower, ci_upper.
    k : int
        Number of trials.
    level : float
        Confidence level.
    predictor, model, test : str
        Names of the predictor, the model and the test.
    words : str
        Predictor, and what weights the trials where it is not the inverse variance.
    not_estimable : mapping of str to str
        Reason for each field that is NaN.
    """

    estimate: float
    standard_error: float
    statistic: float
    df: float
    p_value: float
    limit_estimate: float
    limit_lower: float
    limit_upper: float
    tau_squared: float
    dispersion: float
    coefficients: pd.DataFrame
    k: int
    level: float
    predictor: str
    model: str
    tau_squared_method: str | None
    test: str
    words: str
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words."""
        model = MODELS[self.model]
        if self.tau_squared_method is not None:
            model += (
                ", equal effects"
                if self.tau_squared_method == "EE"
                else f", {self.tau_squared_method}"
            )
        test = "t test" if math.isfinite(self.df) else "normal test"
        return f"{self.test}; {model}; predictor: {self.words}; {test}"


def regression_test(
    pooled: Pooled,
    *,
    predictor: str = "sei",
    model: str = "meta_regression",
    sizes: ArrayLike | None = None,
) -> RegressionTest:
    """Test funnel asymmetry by a regression on the precision of the trials.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect, at least 3 trials. A meta-regression takes its options; its
        moderators, if any, stay in the regression.
    predictor : {"sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv"}
        Standard error, sampling variance, sample size, its inverse, its square root,
        or the inverse of that.
    model : {"meta_regression", "weighted_regression"}
        Meta-regression with the estimator of tau-squared and the inference of
        `pooled`; or Egger's test, weighted least squares with a multiplicative
        dispersion and a t test with k - 2 df.
    sizes : array_like of shape (k,), optional
        Numbers of participants, for the predictors that need them.

    Returns
    -------
    RegressionTest

    Raises
    ------
    NotEstimableError
        With fewer than 3 trials, when the predictor is the same in every trial, or
        when a weighted regression fits exactly.
    DataError
        For an unknown name, missing or unusable sizes, or given weights.

    References
    ----------
    Egger M et al. (1997). Bias in meta-analysis detected by a simple, graphical test.
    BMJ 315, 629-634.

    Sterne JAC, Egger M (2005). Regression methods to detect publication and other bias
    in meta-analysis. In Rothstein HR et al. (eds), Publication bias in meta-analysis.

    Moreno SG et al. (2009). Assessment of regression-based methods to adjust for
    publication bias through a comprehensive simulation study. BMC Med Res Methodol 9,
    2 (limit estimate).

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.15, 0.3, 0.5, 0.9], [0.01, 0.02, 0.04, 0.1, 0.2])
    >>> test = regression_test(pooled, model="weighted_regression")
    >>> round(test.estimate, 3), round(test.p_value, 4)
    (2.106, 0.0013)
    >>> test.method
    'Egger; weighted regression, multiplicative dispersion; predictor: standard error; t test'
    """  # noqa: E501 - a doctest shows one line
    check_pooled(pooled, "regression_test")
    one_of("predictor", predictor, PREDICTORS)
    one_of("model of the regression test", model, MODELS)
    variance = np.asarray(pooled.variance)
    measure = PREDICTORS[predictor]
    base = _sizes(sizes, variance) if measure.of_sizes else variance
    values = measure.values(base)
    if model == "weighted_regression":
        refuse_moderators(pooled, "the weighted regression test")
        return weighted_regression(
            np.asarray(pooled.effect),
            variance,
            values,
            level=pooled.level,
            predictor=predictor,
            vanishes=measure.vanishes,
            test="Egger" if predictor == "sei" else "regression test",
            words=measure.words,
        )
    return _meta_regression(pooled, values, predictor, measure)


def _sizes(sizes: ArrayLike | None, variance: FloatArray) -> FloatArray:
    if sizes is None:
        raise DataError(
            "this predictor needs the numbers of participants", remedy="pass sizes="
        )
    given = numbers("sizes", sizes, data=None)
    same_length({"effect": variance, "sizes": given})
    refuse(given <= 0, "the size is not above zero", column="sizes", values=given)
    return given


def _differs(values: FloatArray, words: str) -> None:
    """Raise a NotEstimableError when a predictor is constant but for rounding."""
    if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
        raise NotEstimableError(
            f"the regression test does not exist: the {words} is the same in all "
            f"{len(values)} trials"
        )


def weighted_regression(
    effect: FloatArray,
    variance: FloatArray,
    values: FloatArray,
    *,
    level: float,
    predictor: str,
    vanishes: bool,
    test: str,
    words: str,
) -> RegressionTest:
    """Regress effects on a predictor by weighted least squares.

    The weights are the inverse variances, of which the residuals estimate a common
    factor.

    Parameters
    ----------
    effect, variance, values : ndarray of shape (k,)
        Effects, the variances whose inverses are the weights, and the predictor.
    level : float
        Confidence level.
    predictor, test, words : str
        Names for the result.
    vanishes : bool
        Whether the predictor falls to zero in a trial without error.

    Raises
    ------
    NotEstimableError
        With fewer than 3 trials, a constant predictor, or an exact fit.
    """
    trials = sorted_trials(effect, variance)
    enough_trials(trials, "the regression test", 3)
    x = values[trials.order]
    _differs(x, words)
    fit = _least_squares(trials, x)
    k, df = trials.k, float(trials.k - 2)
    if fit.dispersion <= 1e-28 * fit.scale:
        raise NotEstimableError(
            "the regression test does not exist: the line goes through the effects of "
            f"all {k} trials, and its standard error is zero"
        )
    estimate = np.array([fit.intercept, fit.slope])
    error = math.sqrt(fit.dispersion) * np.sqrt([fit.unit_intercept, fit.unit_slope])
    half = float(stdtrit(df, (1 + level) / 2)) * error
    statistic = estimate / error
    coefficients = pd.DataFrame(
        {
            "term": pd.array(["Intercept", predictor], dtype="str"),
            "estimate": estimate,
            "standard_error": error,
            "df": df,
            "statistic": statistic,
            "p_value": 2 * stdtr(df, -np.abs(statistic)),
            "ci_lower": estimate - half,
            "ci_upper": estimate + half,
        }
    )
    return _result(
        coefficients,
        vanishes=vanishes,
        reasons={"tau_squared": "a weighted regression has a dispersion instead"},
        tau_squared=_NAN,
        dispersion=fit.dispersion,
        k=k,
        level=level,
        predictor=predictor,
        model="weighted_regression",
        tau_squared_method=None,
        test=test,
        words=words,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A weighted least-squares line; `unit_*` are variances at a dispersion of 1."""

    intercept: float
    slope: float
    unit_intercept: float
    unit_slope: float
    dispersion: float
    scale: float


def _least_squares(trials: Trials, x: FloatArray) -> _Line:
    weight = 1 / trials.variance
    total = math.fsum(weight)
    centre = math.fsum(weight * x) / total
    away = x - centre
    spread = math.fsum(weight * away**2)
    mean = math.fsum(weight * trials.deviation) / total
    slope = math.fsum(weight * away * (trials.deviation - mean)) / spread
    residual = trials.deviation - mean - slope * away
    df = trials.k - 2
    return _Line(
        intercept=trials.origin + (mean - slope * centre),
        slope=slope,
        unit_intercept=1 / total + centre**2 / spread,
        unit_slope=1 / spread,
        dispersion=math.fsum(weight * residual**2) / df,
        scale=math.fsum(weight * trials.deviation**2) / df,
    )


def _meta_regression(
    pooled: Pooled, values: FloatArray, name: str, measure: _Predictor
) -> RegressionTest:
    refuse_weights(pooled, "the regression test")
    columns = _moderators(pooled, values, name)
    trials = sorted_trials(np.asarray(pooled.effect), np.asarray(pooled.variance))
    enough_trials(trials, "the regression test", columns.shape[1] + 2)
    _differs(values, measure.words)
    options = {
        key: value
        for key, value in pooled.options.items()
        if key not in ("moderators", "data")
    }
    fit = pool(pooled.effect, pooled.variance, moderators=columns, **options)
    alone = columns.shape[1] == 1
    return _result(
        fit.coefficients,
        vanishes=measure.vanishes and alone,
        reasons={"dispersion": "a meta-regression has a tau-squared instead"},
        tau_squared=fit.tau_squared,
        dispersion=_NAN,
        k=trials.k,
        level=pooled.level,
        predictor=name,
        model="meta_regression",
        tau_squared_method=pooled.tau_squared_method,
        test="regression test",
        words=measure.words,
    )


def _moderators(pooled: Pooled, values: FloatArray, name: str) -> pd.DataFrame:
    """Return the predictor after the moderators that the model has already."""
    design = np.asarray(pooled.design)
    if not np.all(design[:, 0] == 1):
        raise DataError(
            "the regression test needs a model with an intercept",
            remedy="pool the effects with an intercept",
        )
    present = dict(zip(pooled.terms[1:], design[:, 1:].T, strict=True))
    return pd.DataFrame({**present, name: values})


def _result(
    coefficients: pd.DataFrame,
    *,
    vanishes: bool,
    reasons: dict[str, str],
    **fields: Any,
) -> RegressionTest:
    """Return the test of the last coefficient, and the first as the limit."""
    first, last = coefficients.iloc[0], coefficients.iloc[-1]
    limit = {"limit_estimate": _NAN, "limit_lower": _NAN, "limit_upper": _NAN}
    if vanishes:
        names = ("estimate", "ci_lower", "ci_upper")
        limit = {
            there: float(first[here]) for there, here in zip(limit, names, strict=True)
        }
    else:
        why = "the intercept is not the effect of a trial without error"
        reasons |= dict.fromkeys(limit, why)
    return RegressionTest(
        estimate=float(last["estimate"]),
        standard_error=float(last["standard_error"]),
        statistic=float(last["statistic"]),
        df=float(last["df"]),
        p_value=float(last["p_value"]),
        coefficients=coefficients,
        not_estimable=MappingProxyType(reasons),
        **fields | limit,
    )
