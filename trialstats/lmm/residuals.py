"""Residuals of a fitted linear mixed model."""

from typing import TYPE_CHECKING

import numpy as np

from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import FloatArray
from trialstats.lmm.ordering import Codes

if TYPE_CHECKING:
    from trialstats.lmm.model import Lmm

KINDS = ("response", "pearson", "normalized")


def residuals(fit: "Lmm", kind: str, order: Codes | None) -> FloatArray:
    """Return residuals of one kind in the order of the rows used, (n,)."""
    if kind not in KINDS:
        raise DataError(
            f"unknown kind of residual {kind!r}",
            remedy=f"write one of {', '.join(KINDS)}",
        )
    raw = np.asarray(fit.design.response - fit.fitted())
    if order is not None and len(order) != len(raw):
        raise DataError(f"the order is of {len(order)} rows, the fit of {len(raw)}")
    if kind == "response":
        return raw
    if kind == "pearson":
        return np.asarray(raw / np.sqrt(_variances(fit)))
    return _normalized(fit, raw, np.arange(len(raw)) if order is None else order)


def _variances(fit: "Lmm") -> FloatArray:
    """Return the variance of each observation, (n,)."""
    total = np.full(fit.n_observations, fit.residual_variance)
    for group, covariance in zip(
        fit.groupings, fit.fitted_arrays.covariances, strict=True
    ):
        total += ((group.values @ covariance) * group.values).sum(axis=1)
    return total


def _normalized(fit: "Lmm", raw: FloatArray, order: Codes) -> FloatArray:
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
