"""A random intercept by statsmodels' MixedLM; the only module that uses it.

Its optimisers stop where the gradient is about 1e-5, and those that follow the gradient
can lose their way near zero variance and report convergence all the same. Several are
tried and the highest likelihood is taken; non-convergence and warnings are refused.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import NotEstimableError

FloatArray = NDArray[np.float64]

#: Optimisers of statsmodels. The first one needs no gradient.
OPTIMISERS = ("powell", "bfgs", "cg")


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients with their covariance, and the two variances."""

    beta: FloatArray
    covariance: FloatArray
    between: float
    within: float


def random_intercept(y: FloatArray, design: FloatArray, subject: Sequence[Any]) -> Fit:
    """Fit a random intercept by REML.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Response.
    design : ndarray of shape (n, p)
        Fixed effects.
    subject : sequence of shape (n,)
        Subjects.

    Returns
    -------
    Fit

    Raises
    ------
    NotEstimableError
        When no optimiser arrives.
    """
    best, height, problems = None, -np.inf, []
    for optimiser in OPTIMISERS:
        found = _attempt(y, design, subject, optimiser)
        if isinstance(found, str):
            problems.append(f"{optimiser}: {found}")
        elif float(found.llf) > height:
            best, height = found, float(found.llf)
    if best is None:
        raise NotEstimableError(f"MixedLM does not converge: {'; '.join(problems)}.")
    p = design.shape[1]
    return Fit(
        beta=np.asarray(best.fe_params, dtype=float),
        covariance=np.asarray(best.cov_params(), dtype=float)[:p, :p],
        between=float(np.asarray(best.cov_re)[0, 0]),
        within=float(best.scale),
    )


def _attempt(
    y: FloatArray, design: FloatArray, subject: Sequence[Any], optimiser: str
) -> Any:
    """Return statsmodels' fit, or what is wrong with it."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = MixedLM(y, design, groups=np.asarray(subject)).fit(
                reml=True, method=[optimiser]
            )
            numbers = [*fit.fe_params, float(fit.cov_re[0, 0]), float(fit.scale)]
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as reason:
            return f"{type(reason).__name__}: {reason}"
    if caught:
        return str(caught[0].message).rstrip(".")
    if not fit.converged:
        return "it reports no convergence"
    if not np.isfinite(numbers).all() or not np.any(fit.fe_params):
        return "the estimates are not finite, or all zero"
    return fit
