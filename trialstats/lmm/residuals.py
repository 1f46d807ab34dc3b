"""Residuals of a fitted linear mixed model."""

import numpy as np

from trialstats.errors import NotEstimableError
from trialstats.linear_model import FloatArray
from trialstats.lmm.model import Lmm
from trialstats.lmm.ordering import Codes


def normalized_residuals(fit: Lmm, *, order: Codes) -> FloatArray:
    """Return residuals with variance one, uncorrelated within the subject.

    ``L^-1 (y - X beta)`` with ``Z D Z' + sigma^2 I = L L'`` in each level of the
    grouping factor; without a random part the residuals over ``sigma``.

    Parameters
    ----------
    fit : Lmm
        With one grouping factor at most.
    order : (n,) array of int
        Order of the rows within a level, such as the period: each residual is freed
        from those before it.

    Returns
    -------
    (n,) array
        In the order of the rows used.

    Raises
    ------
    NotEstimableError
        When the model has several grouping factors.
    """
    raw = fit.design.response - fit.fitted()
    if not fit.groupings:
        return np.asarray(raw / np.sqrt(fit.residual_variance))
    if len(fit.groupings) > 1:
        raise NotEstimableError(
            "Normalised residuals need one grouping factor: with several, all rows "
            "are correlated."
        )
    (group,), (covariance,) = fit.groupings, fit.fitted_arrays.covariances
    result = np.empty_like(raw)
    for level in range(group.n_levels):
        rows = np.flatnonzero(group.codes == level)
        rows = rows[np.argsort(order[rows], kind="stable")]
        z = group.values[rows]
        variance = z @ covariance @ z.T + fit.residual_variance * np.eye(len(rows))
        result[rows] = np.linalg.solve(np.linalg.cholesky(variance), raw[rows])
    return result
