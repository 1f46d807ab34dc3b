"""The likelihood of the between-trial variance, the coefficients maximised out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtri

from trialstats.errors import NotEstimableError
from trialstats.meta.fitting import (
    Fitted,
    estimated_tau_squared,
    fitted,
    log_likelihoods,
)
from trialstats.meta.inputs import (
    FloatArray,
    check_level,
    numbers,
    one_of,
    refuse,
)
from trialstats.meta.likelihood import LIKELIHOODS, grid_of
from trialstats.meta.pooled import Pooled, check_pooled
from trialstats.meta.tau_squared_intervals import tau_squared_limits
from trialstats.meta.weighting import Trials
from trialstats.meta.weighting_given import arranged_trials


@dataclass(frozen=True, slots=True, eq=False)
class ProfileLikelihood:
    """Log-likelihood as a function of the between-trial variance.

    Attributes
    ----------
    curve : DataFrame
        `tau_squared`, `log_likelihood`, and a column for each term with the
        coefficient at that tau-squared.
    likelihood : str
        "REML" or "ML".
    maximum : float
        The highest log-likelihood.
    tau_squared : float
        Where it is reached.
    tau_squared_lower, tau_squared_upper : float
        Ends of the interval: where the log-likelihood is half a chi-squared quantile
        below the maximum; the lower one is zero when it is not reached.
    connected : bool
        Whether every tau-squared between the ends belongs to the interval. It does not
        when the likelihood has a second maximum beyond a valley.
    level : float
        Confidence level of the interval.
    """

    curve: pd.DataFrame
    likelihood: str
    maximum: float
    tau_squared: float
    tau_squared_lower: float
    tau_squared_upper: float
    connected: bool
    level: float


def profile_likelihood(
    pooled: Pooled,
    *,
    tau_squared: ArrayLike | None = None,
    points: int = 101,
    likelihood: str | None = None,
    level: float | None = None,
) -> ProfileLikelihood:
    """Follow the likelihood of the between-trial variance.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, with or without moderators.
    tau_squared : array_like, optional
        Where the curve is drawn; `points` of equal distance from zero to a little
        beyond the interval when absent.
    points : int
        Number of points of the curve.
    likelihood : {"REML", "ML"}, optional
        Restricted or full; "ML" for a fit by ML and "REML" for others when absent.
    level : float, optional
        Confidence level, that of the fit when absent.

    Returns
    -------
    ProfileLikelihood
        Curve, maximum and interval.

    Raises
    ------
    DataError
        For a negative or missing tau-squared, or an unknown likelihood.
    NotEstimableError
        When there are no more trials than coefficients, or under equal effects.

    References
    ----------
    .. [1] Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with
       random effects. Statistics in Medicine 15(6), 619-629.
    """
    check_pooled(pooled, "profile_likelihood")
    default = "ML" if pooled.tau_squared_method == "ML" else "REML"
    chosen = default if likelihood is None else likelihood
    one_of("likelihood", chosen, LIKELIHOODS)
    width = pooled.level if level is None else level
    check_level(width)
    if pooled.equal_effects:
        raise NotEstimableError("under equal effects tau-squared is zero by assumption")
    if pooled.k <= len(pooled.coefficient):
        raise NotEstimableError(
            f"{pooled.k} trials and {len(pooled.coefficient)} coefficients hold "
            "nothing about tau-squared"
        )
    design = pooled.design if pooled.has_moderators else None
    trials, _ = arranged_trials(pooled.effect, pooled.variance, design, None)
    best = fitted(trials, estimated_tau_squared(trials, chosen))
    limits = tau_squared_limits(
        "profile_likelihood", best, chosen, None, width, float("nan")
    )
    at = np.linspace(0, 1.1 * limits[1], points)
    if tau_squared is not None:
        at = numbers("tau_squared", tau_squared, data=None)
        refuse(at < 0, "below zero", column="tau_squared", values=at)
    fits = fitted(trials, at)
    terms = dict(zip(pooled.terms, fits.coefficient.T, strict=True))
    maximum = float(_height(best, chosen)[0])
    inside = _inside(trials, chosen, limits)
    drop = float(chdtri(1, 1 - width)) / 2
    return ProfileLikelihood(
        pd.DataFrame(
            {"tau_squared": at, "log_likelihood": _height(fits, chosen), **terms}
        ),
        chosen,
        maximum,
        float(best.tau_squared[0]),
        *limits,
        bool((inside >= maximum - drop).all()),
        width,
    )


def _height(fits: Fitted, likelihood: str) -> FloatArray:
    plain, restricted = log_likelihoods(fits)
    return {"ML": plain, "REML": restricted}[likelihood]


def _inside(trials: Trials, likelihood: str, limits: tuple[float, float]) -> FloatArray:
    """Return the likelihood at points strictly between the limits."""
    points = grid_of(trials)[0]
    points = points[(points > limits[0]) & (points < limits[1])]
    return _height(fitted(trials, points), likelihood)
