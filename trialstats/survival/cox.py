"""Cox regression: hazards compared by maximum partial likelihood.

    lambda_i(t) = lambda_s(i)(t) exp(x_i' beta)

``s(i)`` is the stratum of subject i. The estimate exists when no b other than zero
makes every subject with an event the one with the greatest ``x' b`` of all at risk;
such a b sends a hazard ratio to 0 or infinity, and a linear program looks for it.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from trialstats.adjustment import adjustment_of, check_roles
from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.fixed_effects.columns import IntArray
from trialstats.linear_model import (
    Estimate,
    FloatArray,
    check_arms,
    check_design,
    check_level,
    indicators,
    linear_combination,
)
from trialstats.one_thread import one_thread
from trialstats.survival.existence import without_maximum
from trialstats.survival.follow_up import follow_up_rows, strata_of

Ties = Literal["efron", "breslow"]

#: The derivative of the partial likelihood, per row, for columns of length 1 a row.
FLAT = 1e-9

#: A step may lose this share of the log-likelihood, which rounds at the top.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ChiSquareTest:
    """A test of all coefficients together."""

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Cox:
    """A Cox regression; ratios are on the log scale.

    Attributes
    ----------
    log_hazard_ratios : mapping
        Treatment -> log hazard ratio to control, with a normal interval (infinite
        degrees of freedom).
    coefficients : mapping
        Column, in words -> its coefficient: treatments (``"arm = Active"``),
        covariates, levels of factors against their first.
    covariance : DataFrame
        Of the coefficients.
    n, n_events : mapping
        Arm -> subjects, events.
    log_likelihood, null_log_likelihood : float
        Partial, at the maximum and at zero.
    likelihood_ratio, wald, score : ChiSquareTest
        That every coefficient is zero. The score test of arms alone is the log-rank
        test when no two events are tied.
    """

    log_hazard_ratios: Mapping[str, Estimate]
    coefficients: Mapping[str, Estimate]
    covariance: pd.DataFrame = field(repr=False)
    n: Mapping[str, int]
    n_events: Mapping[str, int]
    log_likelihood: float
    null_log_likelihood: float
    likelihood_ratio: ChiSquareTest
    wald: ChiSquareTest
    score: ChiSquareTest
    ties: str
    level: float


def fit_cox(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    covariates: Sequence[str] = (),
    factors: Sequence[str] = (),
    strata: Sequence[str] = (),
    ties: Ties = "efron",
    level: float = 0.95,
) -> Cox:
    """Compare the hazards of arms by Cox regression.

    Parameters
    ----------
    data : DataFrame
        One row per subject; rows without a covariate are left out.
    time, event : str
        Columns of the follow-up, and of 1 (event) or 0 (censored).
    treatment, control, treatments
        Column of the arm; label of the control; labels of the others.
    covariates, factors : sequence of str
        Columns of numbers, and of labels, that multiply the hazard.
    strata : sequence of str
        Columns of labels; each of their combinations has its own baseline hazard.
    ties : {"efron", "breslow"}
        How events at one time are ordered; R has efron, SAS breslow unless told.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Cox

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described.
    NotEstimableError
        When an arm has no subject, there is no event, terms cannot be told apart, or
        the partial likelihood has no maximum (an arm without events, for one).
    ConvergenceError
        When the iteration does not reach the maximum that exists.

    References
    ----------
    .. [1] Cox DR (1972). Regression models and life-tables. Journal of the Royal
       Statistical Society B 34(2), 187-220.
    .. [2] Efron B (1977). The efficiency of Cox's likelihood function for censored
       data. Journal of the American Statistical Association 72(359), 557-565.
    .. [3] Breslow NE (1974). Covariance analysis of censored survival data. Biometrics
       30(1), 89-99.
    """
    check_level(level)
    if ties not in ("efron", "breslow"):
        raise DataError("no such rule", value=ties, remedy="write efron or breslow")
    check_roles(
        {"time": time, "event": event, "treatment": treatment},
        {"covariates": covariates, "factors": factors, "strata": strata},
    )
    rows = follow_up_rows(
        data,
        time=time,
        event=event,
        labels=[treatment, *factors, *strata],
        numeric=covariates,
    )
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    group = indicators(rows[treatment], arms)
    events = rows[event].to_numpy()
    n = dict(zip(arms, group.sum(axis=0).astype(int).tolist(), strict=True))
    n_events = dict(zip(arms, (events @ group).astype(int).tolist(), strict=True))
    for arm, count in n.items():
        if count == 0:
            raise NotEstimableError(f"{arm} has no subject with {time} and covariates.")
    if not events.any():
        raise NotEstimableError(f"No {event} in any arm: hazards have no ratio.")
    adjustment = adjustment_of(rows, covariates, factors)
    names = [f"{treatment} = {arm}" for arm in arms[1:]] + list(adjustment.names)
    x = np.column_stack([group[:, 1:], adjustment.columns])
    with one_thread():
        fit = _maximum(
            x, rows[time].to_numpy(), events, strata_of(rows, strata), names, ties
        )
    unit = np.eye(len(names))
    coefficients = {
        name: linear_combination(
            unit[i], fit.beta, fit.covariance, df=math.inf, level=level
        )
        for i, name in enumerate(names)
    }
    df = len(names)
    tests = [ChiSquareTest(s, df, float(stats.chi2.sf(s, df))) for s in fit.statistics]
    return Cox(
        log_hazard_ratios=MappingProxyType(
            dict(zip(arms[1:], coefficients.values(), strict=False))
        ),
        coefficients=MappingProxyType(coefficients),
        covariance=pd.DataFrame(fit.covariance, index=names, columns=names),
        n=MappingProxyType(n),
        n_events=MappingProxyType(n_events),
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=fit.null_log_likelihood,
        likelihood_ratio=tests[0],
        wald=tests[1],
        score=tests[2],
        ties=ties,
        level=level,
    )


@dataclass(frozen=True, slots=True)
class _Maximum:
    """Coefficients, covariance, and the three statistics of the test of zero."""

    beta: FloatArray
    covariance: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    statistics: tuple[float, float, float]


def _maximum(
    x: FloatArray,
    time: FloatArray,
    event: FloatArray,
    stratum: IntArray,
    names: Sequence[str],
    ties: str,
) -> _Maximum:
    # What is constant in a stratum belongs to its baseline hazard.
    centred = x - _stratum_means(x, stratum)
    check_design(centred, names)
    size = np.sqrt((centred**2).sum(axis=0))
    orthogonal, triangle = np.linalg.qr(centred / size)
    length = np.sqrt(len(x))
    orthogonal = orthogonal * length
    back = np.linalg.inv(triangle) / size[:, None] * length
    reason = without_maximum(centred / size * length, time, event, stratum, names)
    if reason:
        raise NotEstimableError(reason)
    model = _model(orthogonal, time, event, stratum, ties)
    zero = np.zeros(len(names))
    beta = _climb(model, len(x))
    covariance = _inverse(-np.asarray(model.hessian(beta)))
    slope = np.asarray(model.score(zero))
    gain = float(model.loglike(beta) - model.loglike(zero))
    return _Maximum(
        beta=back @ beta,
        covariance=back @ covariance @ back.T,
        log_likelihood=float(model.loglike(beta)),
        null_log_likelihood=float(model.loglike(zero)),
        statistics=(
            2 * gain,
            float(beta @ np.linalg.solve(covariance, beta)),
            float(slope @ _inverse(-np.asarray(model.hessian(zero))) @ slope),
        ),
    )


def _stratum_means(x: FloatArray, stratum: IntArray) -> FloatArray:
    counts = np.bincount(stratum)
    sums = [np.bincount(stratum, weights=column) / counts for column in x.T]
    return np.column_stack(sums)[stratum]


def _model(
    x: FloatArray, time: FloatArray, event: FloatArray, stratum: IntArray, ties: str
) -> Any:
    from statsmodels.duration.hazard_regression import PHReg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PHReg(time, x, status=event, strata=stratum, ties=ties)


def _climb(model: Any, n: int) -> FloatArray:
    """Return the maximum by Newton's steps, halved while they do not climb."""
    beta = np.zeros(model.exog.shape[1])
    height = float(model.loglike(beta))
    for _ in range(100):
        slope = np.asarray(model.score(beta))
        if np.abs(slope).max() <= FLAT * n:
            # One more step: the last digits come from the quadratic convergence.
            return np.asarray(beta + _inverse(-model.hessian(beta)) @ slope)
        step = _inverse(-np.asarray(model.hessian(beta))) @ slope
        for _ in range(40):
            trial = float(model.loglike(beta + step))
            if trial >= height - ROUNDING * (1 + abs(height)):
                break
            step = step / 2
        beta, height = beta + step, trial
    raise ConvergenceError(
        "The Cox regression did not reach the maximum of its partial likelihood."
    )


def _inverse(information: Any) -> FloatArray:
    matrix = np.asarray(information, dtype=float)
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise NotEstimableError(
            "The information of the Cox regression is not positive definite: among "
            "the subjects at risk when events happen, terms cannot be told apart."
        ) from None
    inverse = np.linalg.inv(matrix)
    return np.asarray((inverse + inverse.T) / 2)
