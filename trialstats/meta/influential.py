"""Outliers and influence: what each trial does to a fit.

Symbols: h_i leverage, b and C the coefficients and their covariance, x_i the row of the
design, v_i the sampling variance, tau2 the between-trial variance. (i) marks what is
estimated without trial i, and s2 the scale of Knapp and Hartung (1 otherwise).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtr

from trialstats.errors import DataError
from trialstats.meta.fitting import fitted
from trialstats.meta.inputs import FloatArray, one_of
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.refitting import Refits, refit
from trialstats.meta.weighting_given import arranged_trials

_NO_REMAINDER = "the trial alone determines a coefficient"


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What each trial does to a fit.

    Attributes
    ----------
    trials : DataFrame of k rows
        `studentized_residual`, `dffits`, `cooks_distance`, `covariance_ratio`,
        `tau_squared_deleted`, `q_deleted`, `hat` (leverage), `weight` (they add to 1),
        `influential`, and `reason` why numbers are NaN, empty where none is.
    dfbetas : DataFrame of shape (k, p)
        Change of each coefficient in standard errors, a column a term.
    """

    trials: pd.DataFrame
    dfbetas: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class _Deleted:
    """The fits without each trial, beside the fit of all."""

    pooled: Pooled
    fits: Refits

    @property
    def change(self) -> FloatArray:
        """B - b(i), shape (k, p)."""
        return np.asarray(self.pooled.coefficient - self.fits.coefficient)

    @property
    def predicted(self) -> FloatArray:
        """The prediction x_i b(i)."""
        return np.asarray((self.pooled.design * self.fits.coefficient).sum(axis=1))

    @property
    def prediction_variance(self) -> FloatArray:
        """The variance x_i C(i) x_i'."""
        x = self.pooled.design
        return np.asarray(np.einsum("kp,kpq,kq->k", x, self.fits.covariance, x))


def influence(pooled: Pooled) -> Influence:
    """Measure what each trial does to a fit.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators.

    Returns
    -------
    Influence
        A trial without which the model cannot be fitted has NaN and a reason.

    Raises
    ------
    DataError
        When the methods of the fit cannot be refitted.

    Notes
    -----
    Measures of Viechtbauer and Cheung [1]_; a trial counts as influential when
    abs(dffits) > 3 sqrt(p/(k - p)), Cook's distance exceeds the median of chi-squared
    with p df, its leverage exceeds 3 p/k, or one of its dfbetas exceeds 1.

    References
    ----------
    .. [1] Viechtbauer W, Cheung MW-L (2010). Outlier and influence diagnostics for
       meta-analysis. Research Synthesis Methods 1(2), 112-125.
    """
    check_pooled(pooled, "influence")
    deleted = _without_each(pooled)
    fits, k, p = deleted.fits, pooled.k, pooled.design.shape[1]
    projection = hat_matrix(pooled)
    # A leverage is at most 1, whatever rounding says.
    hat = np.minimum(np.diagonal(projection), 1.0)
    outlying = _studentized(deleted)
    at_deleted, spread = _variances_at_deleted(deleted, projection)
    covariance = pooled.covariance
    with np.errstate(divide="ignore", invalid="ignore"):
        dffits = (pooled.design * deleted.change).sum(axis=1) / np.sqrt(spread)
        dfbetas = deleted.change / np.sqrt(at_deleted)
        largest = 3 * np.sqrt(np.float64(p) / (k - p))
        ratio = np.linalg.det(fits.covariance) / np.linalg.det(pooled.covariance)
    cook = np.einsum(
        "kp,kp->k", deleted.change, np.linalg.solve(covariance, deleted.change.T).T
    )
    influential = (
        (np.abs(dffits) > largest)
        | (chdtr(p, cook) > 0.5)
        | (hat > 3 * p / k)
        | (np.abs(dfbetas) > 1).any(axis=1)
    )
    trials = pd.DataFrame(
        {
            "studentized_residual": outlying["z"],
            "dffits": dffits,
            "cooks_distance": cook,
            "covariance_ratio": ratio,
            "tau_squared_deleted": fits.tau_squared,
            "q_deleted": fits.q,
            "hat": hat,
            "weight": pooled.weights,
            "influential": influential,
            "reason": fits.reason,
        }
    )
    return Influence(trials, pd.DataFrame(dfbetas, columns=list(pooled.terms)))


#: Kinds of residuals, in words.
RESIDUALS: dict[str, str] = {
    "standardized": "from the fit of all trials, over their standard error",
    "conditional": "from the predicted true effect of the trial, over their error",
    "studentized": "from the prediction without the trial, over its standard error",
}


def residuals(pooled: Pooled, kind: str = "standardized") -> pd.DataFrame:
    """Return residuals with their standard errors.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators.
    kind : {"standardized", "conditional", "studentized"}
        From the fitted value; from the predicted true effect of the trial; from the
        value predicted without the trial, which tests for an outlier.

    Returns
    -------
    DataFrame of k rows
        `residual`, `standard_error`, `z` and `reason`, empty where nothing is NaN.

    Raises
    ------
    DataError
        For an unknown kind, or conditional residuals under given weights.

    References
    ----------
    .. [1] Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic
       Press.
    .. [2] Viechtbauer W, Cheung MW-L (2010). Outlier and influence diagnostics for
       meta-analysis. Research Synthesis Methods 1(2), 112-125.
    """
    check_pooled(pooled, "residuals")
    one_of("kind of residual", kind, RESIDUALS)
    if kind == "studentized":
        return _studentized(_without_each(pooled))
    hat = hat_matrix(pooled)
    total = pooled.variance + _between(pooled)
    left = pooled.effect - pooled.design @ pooled.coefficient
    if kind == "standardized":
        left_over = np.eye(pooled.k) - hat
        variance = (left_over**2 * total).sum(axis=1)
        return _residual_table(left, variance, hat)
    if pooled.custom_weights:
        raise DataError(
            "conditional residuals need inverse-variance weights",
            remedy="leave the weights out",
        )
    own = pooled.variance / total
    variance = own * pooled.variance * (1 - np.diagonal(hat))
    return _residual_table(own * left, variance, hat)


def baujat(pooled: Pooled) -> pd.DataFrame:
    """Return the coordinates of a Baujat plot.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators.

    Returns
    -------
    DataFrame of k rows
        `heterogeneity`: the squared residual over its variance v_i + tau2, under equal
        effects the part of the trial in Q. `influence`: the squared change of the
        fitted value when the trial is left out, over the variance of the value
        without it. `reason`: why numbers are NaN, empty where none is.

    References
    ----------
    .. [1] Baujat B, Mahe C, Pignon J-P, Hill C (2002). A graphical method for
       exploring heterogeneity in meta-analyses. Statistics in Medicine 21(18),
       2641-2652.
    """
    check_pooled(pooled, "baujat")
    deleted = _without_each(pooled)
    fitted = pooled.design @ pooled.coefficient
    total = pooled.variance + _between(pooled)
    return pd.DataFrame(
        {
            "heterogeneity": (pooled.effect - fitted) ** 2 / total,
            "influence": (deleted.predicted - fitted) ** 2
            / deleted.prediction_variance,
            "reason": deleted.fits.reason,
        }
    )


def hat_matrix(pooled: Pooled) -> FloatArray:
    """Return the matrix that turns effects into fitted values, shape (k, k)."""
    basis = np.linalg.qr(pooled.design)[0]
    weight = _weights(pooled)
    root = np.sqrt(weight)[:, np.newaxis]
    scaled = np.linalg.qr(root * basis)[0]
    hat = scaled @ scaled.T / root * root.T
    return np.asarray(hat)


def _weights(pooled: Pooled) -> FloatArray:
    """Return the weights of the fit: those given, or the inverse variances."""
    given = pooled.options.get("weights")
    if given is not None:
        return np.asarray(given, dtype=np.float64)
    return np.asarray(1 / (pooled.variance + _between(pooled)))


def _between(pooled: Pooled) -> float:
    """Return tau2; a single trial has none to speak of."""
    return 0.0 if np.isnan(pooled.tau_squared) else pooled.tau_squared


def _without_each(pooled: Pooled) -> _Deleted:
    return _Deleted(pooled, refit(pooled, include=~np.eye(pooled.k, dtype=bool)))


def _variances_at_deleted(
    deleted: _Deleted, hat: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return variances of the coefficients and of the fitted value of each trial.

    Both are those of the fit of all trials, at tau2 and scale without the trial.
    """
    pooled, fits = deleted.pooled, deleted.fits
    rows = np.flatnonzero(~np.isnan(fits.tau_squared))
    between, scale = fits.tau_squared[rows], fits.scale[rows]
    trials, given = arranged_trials(
        pooled.effect,
        pooled.variance,
        pooled.design if pooled.has_moderators else None,
        pooled.options["weights"],
    )
    covariance = fitted(trials, between, given).covariance
    total = pooled.variance + between[:, np.newaxis]
    if pooled.custom_weights:
        own = (hat[rows] ** 2 * total).sum(axis=1)
    else:
        at = np.arange(rows.size), rows
        own = hat[rows, rows] * total[at]
    coefficients = np.full((pooled.k, len(pooled.coefficient)), np.nan)
    of_value = np.full(pooled.k, np.nan)
    diagonal = np.diagonal(covariance, axis1=1, axis2=2)
    coefficients[rows] = scale[:, np.newaxis] * diagonal
    of_value[rows] = scale * own
    return coefficients, of_value


def _studentized(deleted: _Deleted) -> pd.DataFrame:
    pooled, fits = deleted.pooled, deleted.fits
    own = fits.scale * (pooled.variance + fits.tau_squared)
    left = pooled.effect - deleted.predicted
    error = np.sqrt(own + deleted.prediction_variance)
    left = np.where(np.isnan(error), np.nan, left)
    return pd.DataFrame(
        {
            "residual": left,
            "standard_error": error,
            "z": left / error,
            "reason": fits.reason,
        }
    )


def _residual_table(
    left: FloatArray, variance: FloatArray, hat: FloatArray
) -> pd.DataFrame:
    # At a leverage of one the fit goes through the trial: nothing is left to judge.
    alone = np.diagonal(hat) > 1 - 1e-12
    error = np.sqrt(np.where(alone, np.nan, variance))
    reason = np.full(len(left), "", dtype=object)
    reason[alone] = _NO_REMAINDER
    return pd.DataFrame(
        {
            "residual": left,
            "standard_error": error,
            "z": left / error,
            "reason": reason,
        }
    )
