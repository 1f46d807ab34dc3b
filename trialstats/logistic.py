"""Logistic regression by maximum likelihood.

    log(p_i / (1 - p_i)) = x_i' beta,    y_i ~ Bernoulli(p_i)

The estimate exists when no combination of the columns separates events from the rest:
no b other than zero with ``(2 y_i - 1) x_i' b >= 0`` in every row, with more than 0 in
one (Albert and Anderson). A linear program looks for such a b before anything is
fitted.
"""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, special

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.fixed_effects import (
    Design,
    FixedEffectsResult,
    build_design,
    check_rank,
)
from trialstats.linear_model import FloatArray, check_level
from trialstats.one_thread import one_thread
from trialstats.small_sample import GivenDegrees

#: The linear program's answer is a vertex of the cube from -1 to 1 when something
#: separates, and zero up to its tolerance of 1e-7 otherwise.
SEPARATES = 0.5

#: The derivative of the log-likelihood, per row, for orthogonal columns of length 1
#: a row.
FLAT = 1e-8


@dataclass(frozen=True, eq=False, kw_only=True)
class Logistic(FixedEffectsResult):
    """A logistic regression: coefficients are log odds ratios, tests are Wald's.

    Tables and contrasts are on the logit scale with normal intervals (infinite degrees
    of freedom); `FixedEffectsResult` says what there is.

    Attributes
    ----------
    log_likelihood : float
    deviance, null_deviance : float
        Of the model, and of the intercept alone.
    n_events : int
        Rows whose response is 1.
    """

    log_likelihood: float
    deviance: float
    null_deviance: float
    n_events: int
    level: float = field(default=0.95)

    @property
    def n_observations(self) -> int:
        """Rows used."""
        return len(self.design.response)

    @property
    def df_residual(self) -> int:
        """Rows minus coefficients."""
        return self.n_observations - len(self.beta)

    def __repr__(self) -> str:
        """Say what was fitted, in a few words."""
        return (
            f"Logistic({self.design.formula}; {self.n_events} events in "
            f"{self.n_observations} observations; deviance {self.deviance:.6g})"
        )


def fit_logistic(formula: str, data: pd.DataFrame, *, level: float = 0.95) -> Logistic:
    """Fit a logistic regression by maximum likelihood.

    Parameters
    ----------
    formula : str
        As formulaic writes it, such as ``"event ~ treatment + C(site) + age"``; the
        response is 1 for an event and 0 otherwise.
    data : DataFrame
        One row per observation; rows with a missing value in a column that the formula
        uses are left out.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Logistic

    Raises
    ------
    DataError
        When the response is other than 0 and 1, or a column or the formula is wrong.
    NotEstimableError
        When every response is the same, columns are aliased (`RankDeficientError`), or
        columns separate events from the rest: then an odds ratio is 0 or infinite.
    ConvergenceError
        When the iteration does not reach the maximum that exists.

    References
    ----------
    .. [1] McCullagh P, Nelder JA (1989). Generalized Linear Models, 2nd ed., ch. 4.
    .. [2] Albert A, Anderson JA (1984). On the existence of maximum likelihood
       estimates in logistic regression models. Biometrika 71(1), 1-10.

    Examples
    --------
    >>> rows = pd.DataFrame({"y": [1, 0, 0, 1, 1, 0], "arm": list("PPPTTT")})
    >>> fit_logistic("y ~ arm", rows).coefficients["estimate"].round(4).tolist()
    [-0.6931, 1.3863]
    """
    check_level(level)
    design = build_design(formula, data)
    response = design.response
    _check_response(design, data)
    with one_thread():
        x = design.matrix()
        check_rank(x, design)
        n, p = x.shape
        if n <= p:
            raise NotEstimableError(
                f"{n} observations cannot estimate {p} coefficients."
            )
        # Orthogonal columns: neither the linear program nor the fit sees units.
        orthogonal, back = _orthogonal(x)
        _check_separation(x, response, design)
        turned, covariance = _maximum(orthogonal, response)
        # Sums of p (1 - p) would lose what is left of log p near 0 and 1.
        fitted = orthogonal @ turned
        log_likelihood = float(-np.logaddexp(0, (1 - 2 * response) * fitted).sum())
    share = float(response.mean())
    null = special.xlogy(share, share) + special.xlog1py(1 - share, -share)
    return Logistic(
        design=design,
        beta=back @ turned,
        small_sample=GivenDegrees(back @ covariance @ back.T, np.full(p, math.inf)),
        crossproduct=x.T @ x,
        level=level,
        log_likelihood=log_likelihood,
        deviance=-2 * log_likelihood,
        null_deviance=float(-2 * len(response) * null),
        n_events=int(response.sum()),
    )


def _check_response(design: Design, data: pd.DataFrame) -> None:
    response = design.response
    wrong = ~np.isin(response, (0.0, 1.0))
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            "the response is neither 0 nor 1",
            row=str(data.index[design.rows[at]]),
            column=design.response_name,
            value=float(response[at]),
            remedy="write 1 for an event and 0 otherwise",
        )
    if np.ptp(response) == 0:
        which = "an event" if response[0] == 1 else "no event"
        raise NotEstimableError(
            f"Every analysed row has {which}: odds ratios have no estimate."
        )


def _orthogonal(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return orthogonal columns of length 1 a row, and the way back to coefficients."""
    size = np.sqrt((x**2).sum(axis=0))
    orthogonal, triangle = np.linalg.qr(x / size)
    length = np.sqrt(len(x))
    back = np.linalg.inv(triangle) / size[:, None] * length
    return np.asarray(orthogonal * length), np.asarray(back)


def _check_separation(x: FloatArray, response: FloatArray, design: Design) -> None:
    """Raise NotEstimableError when columns separate events from the rest."""
    if not _separates(x, response):
        return
    # As few columns as still separate: the others have nothing to do with it.
    kept = list(range(x.shape[1]))
    for j in range(x.shape[1]):
        fewer = [k for k in kept if k != j]
        if fewer and _separates(x[:, fewer], response):
            kept = fewer
    names = [design.names[j] for j in kept]
    named = [name for name in names if name != "Intercept"] or names
    raise NotEstimableError(
        f"{', '.join(named)} separate{'s' if len(named) == 1 else ''} the events from "
        "the rest (no event, or events only, at some values): the likelihood has no "
        "maximum, an odds ratio is 0 or infinite. Leave the column out, join "
        "categories, or use an exact test."
    )


def _separates(x: FloatArray, response: FloatArray) -> bool:
    """Return whether a combination of the columns separates events from the rest."""
    signed = np.unique((2 * response - 1)[:, None] * _orthogonal(x)[0], axis=0)
    found = optimize.linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        bounds=[(-1, 1)] * x.shape[1],
        method="highs",
    )
    if found.status != 0:
        raise ConvergenceError(
            f"The linear program that looks for separation did not end: {found.message}"
        )
    return bool(np.abs(found.x).max() > SEPARATES)


def _maximum(x: FloatArray, response: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients at the maximum and their covariance."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        # Separation and convergence are judged here.
        warnings.simplefilter("ignore")
        fit = GLM(response, x, family=Binomial()).fit(tol=1e-13, maxiter=200)
    beta = np.asarray(fit.params, dtype=float)
    for _ in range(5):
        chance = special.expit(x @ beta)
        slope = x.T @ (response - chance)
        information = (x * (chance * (1 - chance))[:, None]).T @ x
        covariance = _inverse(information)
        if np.abs(slope).max() <= FLAT * FLAT * len(x):
            break
        beta = beta + covariance @ slope
    if not np.abs(slope).max() <= FLAT * len(x):
        raise ConvergenceError(
            "The logistic regression did not reach the maximum of its likelihood; "
            "columns nearly separate the events from the rest."
        )
    return beta, covariance


def _inverse(information: FloatArray) -> FloatArray:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        raise NotEstimableError(
            "The information of the logistic regression is not positive definite: its "
            "columns nearly depend on each other, or nearly separate the events."
        ) from None
    inverse = np.linalg.inv(information)
    return np.asarray((inverse + inverse.T) / 2)
