"""Standard errors, degrees of freedom and intervals of coefficients.

Symbols as in `weighting`; q* = y'Py/(k - p) is the scale of Knapp and Hartung.

References
----------
- Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with
  a single covariate. Statistics in Medicine 22(17), 2693-2710.
- Jackson D, Law M, Ruecker G, Schwarzer G (2017). The Hartung-Knapp modification for
  random-effects meta-analysis: a useful refinement but are there any residual
  concerns? Statistics in Medicine 36(25), 3923-3934.
- IQWiG (2022). General Methods, version 6.1.
- Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of
  95% confidence and prediction intervals following REML estimation. Statistics in
  Medicine 36(2), 301-317.
- Kenward MG, Roger JH (1997). Small sample inference for fixed effects from
  restricted maximum likelihood. Biometrics 53(3), 983-997.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from trialstats.meta.fitting import Fitted
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.weighting import weigh

#: Factor on the covariance and degrees of freedom (NaN: normal) of n fits at a level.
Scaled = Callable[[Fitted, float], tuple[FloatArray, FloatArray]]

#: Ways to an interval, with the words for them.
INFERENCE: dict[str, str] = {
    "wald": "normal interval",
    "t": "t interval",
    "knapp_hartung": "Hartung-Knapp interval",
    "knapp_hartung_adhoc": "Hartung-Knapp interval, never narrower than a t interval",
    "knapp_hartung_adhoc_ci": (
        "Hartung-Knapp interval, never narrower than a normal interval"
    ),
    "knapp_hartung_adhoc_iqwig": (
        "Hartung-Knapp interval, a t interval where it is narrower than the normal "
        "interval of DerSimonian and Laird"
    ),
    "kenward_roger": "Kenward-Roger interval",
}

#: Those that are derived for a mean alone, not for coefficients of moderators.
WITHOUT_MODERATORS = (
    "knapp_hartung_adhoc_ci",
    "knapp_hartung_adhoc_iqwig",
    "kenward_roger",
)


def half_width(df: FloatArray, level: float) -> FloatArray:
    """Return the quantile that an interval reaches, of t or, where df is NaN, normal.

    NaN where there are no degrees of freedom.
    """
    above, df = (1 + level) / 2, np.asarray(df, dtype=np.float64)
    normal = np.isnan(df)
    if normal.all():
        return np.full(df.shape, ndtri(above))
    if df.size == 1:
        return np.full(df.shape, stdtrit(df.item() if df.item() > 0 else np.nan, above))
    # Many fits have few different degrees of freedom, and the quantile is costly.
    different, place = np.unique(df, return_inverse=True)
    with np.errstate(invalid="ignore"):
        t = stdtrit(np.where(different > 0, different, np.nan), above)
    t = np.where(np.isnan(different), ndtri(above), t)
    return np.asarray(t[place].reshape(df.shape))


def two_sided(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Return two-sided p-values of t or, where df is NaN, of the normal."""
    below, normal = -np.abs(statistic), np.isnan(df)
    if np.all(normal):
        return np.asarray(2 * ndtr(below))
    with np.errstate(invalid="ignore"):
        t = stdtr(np.where(df > 0, df, np.nan), below)
    return np.asarray(2 * np.where(normal, ndtr(below), t))


def _normal(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    return np.ones_like(fit.scale), np.full_like(fit.scale, np.nan)


def _t(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    return np.ones_like(fit.scale), fit.trials.df


def _knapp_hartung(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    return fit.scale, fit.trials.df


def _never_below_t(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    return np.maximum(1.0, fit.scale), fit.trials.df


def _narrower(fit: Fitted, level: float, variance: FloatArray) -> BoolArray:
    """Return whether Knapp and Hartung's interval is narrower than a normal one."""
    reach = half_width(fit.trials.df, level) * np.sqrt(fit.scale * _variance(fit))
    return np.asarray(reach < ndtri((1 + level) / 2) * np.sqrt(variance))


def _variance(fit: Fitted) -> FloatArray:
    return fit.covariance[:, 0, 0]


def _wider_of_both(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    narrower = _narrower(fit, level, _variance(fit))
    return (
        np.where(narrower, 1.0, fit.scale),
        np.where(narrower, np.nan, fit.trials.df),
    )


def _by_dersimonian_laird(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    moments = weigh(fit.trials, TAU_SQUARED["DL"](fit.trials, None))
    narrower = _narrower(fit, level, 1 / moments.total)
    return np.where(narrower, 1.0, fit.scale), fit.trials.df


def _kenward_roger(fit: Fitted, level: float) -> tuple[FloatArray, FloatArray]:
    """Return Kenward and Roger's factor and df, NaN where they do not exist.

    With S_j the sum of w_i^j and information I = tr(PP)/2 of tau2, the factor is
    1 + 2 (S_3/S_1 - (S_2/S_1)^2)/I and df = 2 I S_1^2/(factor S_2)^2.
    """
    weighted = fit.weighted
    first = weighted.total
    second = (weighted.weight**2).sum(axis=0) / first
    # S_3/S_1 - (S_2/S_1)^2 is a variance of the weights, weighted by themselves.
    centred = weighted.weight - second
    spread = (weighted.weight * centred**2).sum(axis=0) / first
    information = weighted.trace_of_square / 2
    factor = 1 + 2 * spread / information
    return factor, 2 * information / (factor * second) ** 2


SCALES: dict[str, Scaled] = {
    "wald": _normal,
    "t": _t,
    "knapp_hartung": _knapp_hartung,
    "knapp_hartung_adhoc": _never_below_t,
    "knapp_hartung_adhoc_ci": _wider_of_both,
    "knapp_hartung_adhoc_iqwig": _by_dersimonian_laird,
    "kenward_roger": _kenward_roger,
}


class CoefficientTests(NamedTuple):
    """Tests that estimates are zero and their intervals, arrays of one shape."""

    standard_error: FloatArray
    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def coefficient_tests(
    estimate: FloatArray, variance: FloatArray, df: FloatArray, level: float
) -> CoefficientTests:
    """Return test and interval of estimates: normal where df is NaN, else t."""
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    reach = half_width(df, level) * error
    p_value = two_sided(statistic, df)
    return CoefficientTests(
        error, statistic, df, p_value, estimate - reach, estimate + reach
    )
