"""Heterogeneity that depends on moderators: location-scale models.

    y_i ~ N(x_i' beta, v_i + tau2_i),   tau2_i = exp(z_i' alpha)

alpha maximises the (restricted) likelihood; its covariance is the inverse of the
negative Hessian there, beta profiled out. With w_i = 1/(v_i + tau2_i), P as usual and
u = P y, the second derivatives by tau2 are P_ij^2/2 - u_i P_ij u_j.
"""

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray, check_level, one_of, same_order
from trialstats.meta.moderators import INTERCEPT, Moderators, read_moderators
from trialstats.meta.multilevel_covariances import IntArray
from trialstats.meta.multilevel_inputs import read_effects
from trialstats.meta.multilevel_likelihood import LOG_2_PI, Slope
from trialstats.meta.multilevel_maximum import Surface, highest
from trialstats.meta.multilevel_results import INFERENCE, criteria, quantiles, tails
from trialstats.one_thread import one_thread

#: Between-trial variances below this share of the smallest sampling variance are zero.
_VANISHED = 1e-8
#: Eigenvalue of the information of alpha, scaled, that counts as zero.
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LocationScale:
    """A location-scale model. Everything unrounded, on the scale of the effects.

    Attributes
    ----------
    coefficients, scale_coefficients : DataFrame
        Of the mean, and of the logarithm of tau-squared: term, estimate,
        standard_error, df, statistic, p_value, ci_lower, ci_upper.
    covariance, scale_covariance : ndarray
    tau_squared : ndarray of shape (k,)
        Between-trial variance of each trial, in input order.
    log_likelihood : float
        The criterion that was maximised.
    fit_statistics : DataFrame
        Columns ML and REML; rows log_likelihood, deviance, aic, bic, aicc.
    q, q_df, q_p_value : float
        Test of residual heterogeneity.
    k : int
    level : float
    criterion, inference : str
    effect, variance : ndarray of shape (k,)
    design, scale_design : ndarray of shape (k, p) and (k, r)
    terms : tuple of str
    options : mapping
    not_estimable : mapping of str to str
    """

    coefficients: pd.DataFrame
    scale_coefficients: pd.DataFrame
    covariance: FloatArray
    scale_covariance: FloatArray
    tau_squared: FloatArray
    log_likelihood: float
    fit_statistics: pd.DataFrame
    q: float
    q_df: int
    q_p_value: float
    k: int
    level: float
    criterion: str
    inference: str
    effect: FloatArray
    variance: FloatArray
    design: FloatArray
    scale_design: FloatArray
    terms: tuple[str, ...]
    options: MappingProxyType[str, Any]
    not_estimable: MappingProxyType[str, str]
    moderators: Moderators = field(repr=False)
    scale_moderators: Moderators = field(repr=False)

    @property
    def method(self) -> str:
        """The method in words, complete."""
        return (
            "random effects, tau-squared log-linear in "
            f"{', '.join(self.scale_moderators.names)}, {self.criterion}; "
            f"inverse-variance weights; {self.level * 100:g}% "
            f"{INFERENCE[self.inference]}"
        )

    def blocks(self) -> list[tuple[IntArray, FloatArray]]:
        """Return each trial as a block of its own with its marginal variance."""
        total = self.variance + self.tau_squared
        return [
            (np.array([row], dtype=np.intp), total[[row], None])
            for row in range(self.k)
        ]

    def predict(
        self, new: Any = None, *, scale: Any = None, level: float | None = None
    ) -> pd.DataFrame:
        """Predict mean, tau-squared and true effects for new trials.

        Parameters
        ----------
        new, scale : DataFrame or array_like, optional
            Values of the moderators of mean and scale, one row a trial; `scale` is
            `new` when absent.
        level : float, optional

        Returns
        -------
        DataFrame
            estimate, standard_error, ci_lower, ci_upper, tau_squared,
            prediction_lower, prediction_upper.
        """
        level = self.level if level is None else level
        check_level(level)
        rows = _rows(self.moderators, new, "new")
        scale_rows = _rows(
            self.scale_moderators, new if scale is None else scale, "scale"
        )
        mean = rows @ self.coefficients["estimate"].to_numpy()
        error = np.sqrt(np.einsum("ip,pq,iq->i", rows, self.covariance, rows))
        alpha = self.scale_coefficients["estimate"].to_numpy()
        tau_squared = np.broadcast_to(np.exp(scale_rows @ alpha), mean.shape)
        df = np.full(len(mean), self.coefficients["df"].iloc[0])
        reach = quantiles(df, level)
        ahead = np.sqrt(error**2 + tau_squared)
        return pd.DataFrame(
            {
                "estimate": mean,
                "standard_error": error,
                "ci_lower": mean - reach * error,
                "ci_upper": mean + reach * error,
                "tau_squared": tau_squared,
                "prediction_lower": mean - reach * ahead,
                "prediction_upper": mean + reach * ahead,
            }
        )


def _rows(moderators: Moderators, new: Any, name: str) -> FloatArray:
    if moderators.names == (INTERCEPT,):
        return np.ones((1 if new is None else len(new), 1))
    if new is None:
        raise DataError("predictions need values of moderators", remedy=f"pass {name}=")
    return moderators.rows_for(new)


def pool_location_scale(
    effect: Any,
    variance: Any,
    *,
    moderators: Any = None,
    scale: Any = None,
    data: pd.DataFrame | None = None,
    method: str = "REML",
    inference: str = "t",
    level: float = 0.95,
) -> LocationScale:
    """Pool effects whose between-trial variance depends on moderators.

    Parameters
    ----------
    effect, variance : array_like of shape (k,) or str
        Effects, ratios on the log scale, and sampling variances, not standard errors;
        or names of columns of `data`.
    moderators, scale : str, DataFrame or array_like, optional
        Moderators of the mean, and of the logarithm of the between-trial variance: a
        formula such as ``"~ year"`` over `data`, or columns to which an intercept is
        added. Absent: the intercept alone.
    data : DataFrame, optional
    method : {"REML", "ML"}
    inference : {"t", "wald"}
        t with k - p df for the mean and k - r df for the scale, or normal.
    level : float

    Returns
    -------
    LocationScale

    Raises
    ------
    DataError
        For values that are missing, infinite or of the wrong kind.
    NotEstimableError
        When the likelihood is highest with a variance of zero, whose logarithm does
        not exist, or trials are too few.
    ConvergenceError
        When no maximum is reached.

    References
    ----------
    .. [1] Viechtbauer W, López-López JA (2022). Location-scale models for
       meta-analysis. Research Synthesis Methods 13(6), 697-715.

    Examples
    --------
    >>> fit = pool_location_scale(
    ...     [0.1, 0.2, 0.0, 0.3, 1.0, -0.6, 0.9, -0.2],
    ...     [0.01] * 8,
    ...     scale=[[0], [0], [0], [0], [1], [1], [1], [1]],
    ... )
    >>> fit.scale_coefficients["estimate"].round(2).tolist()
    [-5.03, 4.31]
    """
    one_of("method", method, ("REML", "ML"))
    one_of("inference", inference, INFERENCE)
    check_level(level)
    same_order({"effect": effect, "moderators": moderators, "scale": scale})
    y, sampling = read_effects(effect, variance, None, data)
    v, k = sampling.variance, len(y)
    location = read_moderators(moderators, data, k)
    spread = read_moderators(scale, data, k)
    p, r = location.design.shape[1], spread.design.shape[1]
    if k < p + 2:
        raise NotEstimableError(
            f"{k} trials are too few for {p} coefficients of the mean"
        )
    order = np.lexsort((y, v))
    problem = _Problem(
        y[order], v[order], location.design[order], spread.design[order], method
    )
    with one_thread():
        surface = Surface(
            problem.value, problem.slope, np.full(r, -np.inf), np.full(r, np.inf)
        )
        top = highest(surface, problem.starts(), what="the location-scale model")
    alpha_covariance = _inverse(problem, top.theta, spread.names)
    solved = problem.at(top.theta)
    tau_squared = np.exp(spread.design @ top.theta)
    by_t = inference == "t"
    options = {
        "moderators": moderators,
        "scale": scale,
        "data": data,
        "method": method,
        "inference": inference,
        "level": level,
    }
    bare = problem.weighted(1 / problem.v)
    q, q_df = bare.squares, k - p
    for array in (y, v, tau_squared, location.design, spread.design):
        array.flags.writeable = False
    return LocationScale(
        coefficients=_table(
            location.names, solved.beta, solved.phi, k - p if by_t else math.nan, level
        ),
        scale_coefficients=_table(
            spread.names,
            top.theta,
            alpha_covariance,
            max(k - r, 1) if by_t else math.nan,
            level,
        ),
        covariance=solved.phi,
        scale_covariance=alpha_covariance,
        tau_squared=tau_squared,
        log_likelihood=top.value,
        fit_statistics=_fit_statistics(problem, solved, p + r),
        q=q,
        q_df=q_df,
        q_p_value=float(chdtrc(q_df, q)),
        k=k,
        level=level,
        criterion=method,
        inference=inference,
        effect=y,
        variance=v,
        design=location.design,
        scale_design=spread.design,
        terms=location.names,
        options=MappingProxyType(options),
        not_estimable=MappingProxyType({}),
        moderators=location,
        scale_moderators=spread,
    )


@dataclass(frozen=True)
class _Solved:
    """Weighted least squares: what the likelihoods are made of."""

    weight: FloatArray
    phi: FloatArray
    beta: FloatArray
    residual: FloatArray
    squares: float
    ml: float
    reml: float


@dataclass(frozen=True)
class _Problem:
    """Trials in canonical order, and the criterion as a function of alpha."""

    y: FloatArray
    v: FloatArray
    x: FloatArray
    z: FloatArray
    method: str

    def weighted(self, weight: FloatArray) -> _Solved:
        """Return the weighted regression."""
        k, p = self.x.shape
        root = np.sqrt(weight)
        q, triangle = np.linalg.qr(self.x * root[:, None])
        beta = np.linalg.solve(triangle, q.T @ (self.y * root))
        inverse = np.linalg.inv(triangle)
        residual = self.y - self.x @ beta
        squares = float((weight * residual**2).sum())
        log_weight = float(np.log(weight).sum())
        ml = (log_weight - k * LOG_2_PI - squares) / 2
        log_cross = 2 * float(np.log(np.abs(np.diag(triangle))).sum())
        log_design = float(np.linalg.slogdet(self.x.T @ self.x)[1])
        reml = ml + (p * LOG_2_PI + log_design - log_cross) / 2
        phi = inverse @ inverse.T
        return _Solved(weight, phi, beta, residual, squares, ml, reml)

    def at(self, alpha: FloatArray) -> _Solved:
        """Return the regression at alpha."""
        return self.weighted(1 / (self.v + np.exp(self.z @ alpha)))

    def value(self, alpha: FloatArray) -> float:
        """Return the criterion; -inf where a variance leaves the arithmetic."""
        if np.abs(self.z @ alpha).max() > 300:
            return -np.inf
        solved = self.at(alpha)
        return solved.reml if self.method == "REML" else solved.ml

    def slope(self, alpha: FloatArray) -> Slope:
        """Return score, Hessian and expected information of alpha."""
        solved = self.at(alpha)
        w, wx = solved.weight, solved.weight[:, None] * self.x
        u = w * solved.residual
        projection = np.diag(w) - wx @ solved.phi @ wx.T
        kernel = projection if self.method == "REML" else np.diag(w)
        by_variance = (u**2 - np.diag(kernel)) / 2
        tau_squared = np.exp(self.z @ alpha)
        scaled = self.z * tau_squared[:, None]
        information = scaled.T @ (kernel**2) @ scaled / 2
        curve = scaled.T @ (projection * np.outer(u, u)) @ scaled
        bend = self.z.T @ ((tau_squared * by_variance)[:, None] * self.z)
        return Slope(scaled.T @ by_variance, information - curve + bend, information)

    def starts(self) -> list[FloatArray]:
        """Return starts: one variance for all trials, of several sizes."""
        solved = self.weighted(np.ones_like(self.v))
        crude = solved.squares / max(len(self.y) - self.x.shape[1], 1)
        sizes = (crude, 0.1 * crude, float(np.median(self.v)))
        ones = np.ones(len(self.y))
        logs = [math.log(max(size, 1e-300)) * ones for size in sizes]
        found = [np.linalg.lstsq(self.z, log, rcond=None)[0] for log in logs]
        return [np.asarray(alpha, dtype=float) for alpha in found]


def _inverse(
    problem: _Problem, alpha: FloatArray, names: tuple[str, ...]
) -> FloatArray:
    """Return the covariance of alpha; refuse a likelihood that is flat there."""
    tau_squared = np.exp(problem.z @ alpha)
    if tau_squared.max() < _VANISHED * problem.v.min():
        raise NotEstimableError(
            "the likelihood is highest without heterogeneity, and the logarithm of "
            "zero does not exist: pool without a scale model"
        )
    slope = problem.slope(alpha)
    size = np.sqrt(np.maximum(np.diag(slope.information), 1e-300))
    spread = -slope.hessian / np.outer(size, size)
    roots, vectors = np.linalg.eigh(spread)
    if roots[0] <= _FLAT or (tau_squared < _VANISHED * problem.v.min()).any():
        worst = np.abs(vectors[:, 0] / size)
        listed = ", ".join(
            name
            for name, share in zip(names, worst / worst.max(), strict=True)
            if share > 0.1
        )
        raise NotEstimableError(
            f"the likelihood does not fall in {listed} of the scale: for some trials "
            "it is highest with a variance of zero; leave it out of the scale"
        )
    inverse = (vectors / roots) @ vectors.T
    return np.asarray(inverse / np.outer(size, size))


def _table(
    names: tuple[str, ...],
    estimate: FloatArray,
    covariance: FloatArray,
    df: float,
    level: float,
) -> pd.DataFrame:
    error = np.sqrt(np.diag(covariance))
    degrees = np.full(len(estimate), float(df))
    statistic = estimate / error
    reach = quantiles(degrees, level) * error
    return pd.DataFrame(
        {
            "term": list(names),
            "estimate": estimate,
            "standard_error": error,
            "df": degrees,
            "statistic": statistic,
            "p_value": tails(statistic, degrees),
            "ci_lower": estimate - reach,
            "ci_upper": estimate + reach,
        }
    )


def _fit_statistics(problem: _Problem, solved: _Solved, n: int) -> pd.DataFrame:
    k, p = problem.x.shape
    saturated = -(k * LOG_2_PI + float(np.log(problem.v).sum())) / 2
    return pd.DataFrame(
        {
            "ML": criteria(solved.ml, -2 * (solved.ml - saturated), n, k),
            "REML": criteria(solved.reml, -2 * solved.reml, n, k - p),
        }
    )
