"""Coefficients and between-trial variance of n fits, before tests and intervals.

Model: y_i ~ N(x_i'b, v_i + tau2), independent. Symbols as in `weighting`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trialstats.meta.inputs import FloatArray
from trialstats.meta.tau_squared import TAU_SQUARED, crude_variance
from trialstats.meta.weighting import (
    Trials,
    Weighted,
    WeightedMean,
    WeightedRegression,
    weigh,
)
from trialstats.meta.weighting_given import GivenWeights

#: A residual below this share of the effects is the rounding of a perfect fit.
_ROUNDING = 64 * float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True)
class Fitted:
    """n fits.

    Attributes
    ----------
    trials : Trials
    tau_squared : ndarray of shape (n,)
    fixed, weighted : Weighted
        The trials at tau2 = 0 and at `tau_squared`.
    coefficient : ndarray of shape (n, p)
    covariance : ndarray of shape (n, p, p)
        Of the coefficients, before a scale of Knapp and Hartung.
    scale : ndarray of shape (n,)
        q* = y'Py/(k - p) at `tau_squared`, inverse-variance weights; zero when the
        fit is perfect.
    rest : ndarray of shape (n,)
        Sum of w_i (y_i - fitted)^2; differs from y'Py under given weights.
    """

    trials: Trials
    tau_squared: FloatArray
    fixed: WeightedMean | WeightedRegression
    weighted: WeightedMean | WeightedRegression
    coefficient: FloatArray
    covariance: FloatArray
    scale: FloatArray
    rest: FloatArray


def fitted(
    trials: Trials, tau_squared: FloatArray, given: GivenWeights | None = None
) -> Fitted:
    """Return the fits at values of tau2, one for each set of trials."""
    weighted = weigh(trials, tau_squared)
    q = weighted.q
    with np.errstate(divide="ignore", invalid="ignore"):
        # A single trial has no degrees of freedom, and no such scale.
        scale = np.where(_perfect(trials, weighted), 0.0, q / trials.df)
    if isinstance(weighted, WeightedMean):
        gain = weighted.mean[np.newaxis]
        spread = (1 / weighted.total)[:, np.newaxis, np.newaxis]
    else:
        gain = weighted.coefficient
        spread = np.moveaxis(weighted.inverse, 2, 0)
    if given is not None:
        gain, spread, q = _with_given(trials, tau_squared, weighted, given)
    coefficient = (trials.origin + gain).T
    if trials.back is not None:
        coefficient = np.einsum("nab,nb->na", trials.back, coefficient)
        spread = trials.back @ spread @ np.swapaxes(trials.back, 1, 2)
    return Fitted(
        trials,
        tau_squared,
        weigh(trials, np.zeros(len(tau_squared))),
        weighted,
        coefficient,
        spread,
        scale,
        q,
    )


def _perfect(trials: Trials, weighted: Weighted) -> FloatArray:
    """Return whether nothing but rounding is left of the effects."""
    largest = np.abs(weighted.residual).max(axis=0)
    if trials.rows is None:
        return np.asarray(largest == 0)
    size = np.abs(trials.origin).max(axis=0) + np.abs(trials.deviation).max(axis=0)
    return np.asarray(largest <= _ROUNDING * size)


def _with_given(
    trials: Trials, tau_squared: FloatArray, weighted: Weighted, given: GivenWeights
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return coefficients, their covariance and the sum of squares, given weights."""
    fit = given.fit
    total = trials.variance + tau_squared
    middle = np.einsum(
        "ka...,k...,kb...->ab...", fit.rows, given.weight**2 * total, fit.rows
    )
    spread = np.einsum("ab...,bc...,cd...->ad...", fit.inverse, middle, fit.inverse)
    rest = (weighted.weight * fit.residual**2).sum(axis=0)
    return fit.coefficient, np.moveaxis(spread, 2, 0), np.asarray(rest)


def _error_of_moments(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    """Of DerSimonian and Laird."""
    fixed, tau = fit.fixed, fit.tau_squared
    trace = fixed.trace
    variance = _squares(fit, fixed, trace) / trace**2
    return np.sqrt(variance + 0 * tau)


def _squares(fit: Fitted, fixed: Weighted, trace: FloatArray) -> FloatArray:
    tau = fit.tau_squared
    return np.asarray(
        2 * fit.trials.df + 4 * tau * trace + 2 * tau**2 * fixed.trace_of_square
    )


def _error_of_hunter_schmidt(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    variance = _squares(fit, fit.fixed, fit.fixed.trace)
    return np.sqrt(variance) / fit.fixed.total


def _error_of_corrected(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    factor = fit.trials.count / fit.trials.df
    return factor * _error_of_hunter_schmidt(fit, given)


def _error_of_hedges(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    plain = np.isfinite(fit.trials.variance).astype(np.float64)
    return GivenWeights(fit.trials, plain).standard_error(fit.tau_squared)


def _error_of_sidik_jonkman(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    crude = crude_variance(fit.trials)
    start = GivenWeights(fit.trials, 1 / (fit.trials.variance + crude))
    error = start.standard_error(fit.tau_squared)
    return error * start.trace * crude / fit.trials.df


def _error_of_given(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    if given is None:
        return np.full(len(fit.tau_squared), np.nan)
    return given.standard_error(fit.tau_squared)


def _error_of_ml(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    return np.asarray(np.sqrt(2 / (fit.weighted.weight**2).sum(axis=0)))


def _error_of_reml(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    return np.sqrt(2 / fit.weighted.trace_of_square)


def _error_of_paule_mandel(fit: Fitted, given: GivenWeights | None) -> FloatArray:
    k, df = fit.trials.count, fit.trials.df
    return np.asarray(np.sqrt(2 * k**2 / df) / fit.weighted.total)


#: Standard error of each estimator of tau2: of its expected information, or from the
#: variance that the quadratic form it solves has at the estimate.
STANDARD_ERRORS: dict[str, Callable[[Fitted, GivenWeights | None], FloatArray]] = {
    "DL": _error_of_moments,
    "HE": _error_of_hedges,
    "HS": _error_of_hunter_schmidt,
    "HSk": _error_of_corrected,
    "SJ": _error_of_sidik_jonkman,
    "GENQ": _error_of_given,
    "GENQM": _error_of_given,
    "ML": _error_of_ml,
    "REML": _error_of_reml,
    "PM": _error_of_paule_mandel,
    "EB": _error_of_paule_mandel,
    "PMM": _error_of_paule_mandel,
    "DLIT": _error_of_paule_mandel,
    "SJIT": _error_of_paule_mandel,
}


def estimated_tau_squared(
    trials: Trials, method: str | float, given: GivenWeights | None = None
) -> FloatArray:
    """Return tau2 of each fit by an estimator of `TAU_SQUARED`, or the one given."""
    if isinstance(method, str):
        return TAU_SQUARED[method](trials, given)
    return np.full(len(trials.count), float(method))


def typical_variances(fit: Fitted) -> FloatArray:
    """Return the typical sampling variance (k - p) / tr P at tau2 = 0."""
    return np.asarray(fit.trials.df / fit.fixed.trace)


def log_likelihoods(fit: Fitted) -> tuple[FloatArray, FloatArray]:
    """Return the logarithms of the likelihood and of the restricted likelihood.

    The restricted one is that of the residual contrasts of unit length: it has half
    the log-determinant of X'X.
    """
    with np.errstate(divide="ignore"):
        logarithm = np.log(fit.weighted.weight)
    logarithm = np.where(np.isfinite(logarithm), logarithm, 0.0).sum(axis=0)
    both = (logarithm - fit.rest) / 2
    constant = np.log(2 * np.pi) / 2
    if fit.trials.rows is None:
        unweighted = np.log(fit.trials.count)
    else:
        present = np.isfinite(fit.trials.variance).astype(np.float64)
        zero = np.zeros(len(fit.tau_squared))
        unweighted = weigh(fit.trials, zero, weight=present).log_determinant
    # The determinant of the basis is in both, and falls out.
    determinants = (unweighted - fit.weighted.log_determinant) / 2
    return (
        both - fit.trials.count * constant,
        both - fit.trials.df * constant + determinants,
    )
