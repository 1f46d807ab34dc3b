"""Residuals of a fitted mixed model for repeated measures."""

from typing import TYPE_CHECKING

import numpy as np

from trialstats.errors import DataError
from trialstats.linear_model import FloatArray
from trialstats.mmrm.layout import require_order
from trialstats.mmrm.sandwich import block_covariances

if TYPE_CHECKING:
    from trialstats.mmrm.result import Mmrm

KINDS = ("response", "pearson", "normalized")


def residuals(fit: "Mmrm", kind: str) -> FloatArray:
    """Return residuals of one kind in the order of the rows used, (n,)."""
    if kind not in KINDS:
        raise DataError(
            f"unknown kind of residual {kind!r}",
            remedy=f"write one of {', '.join(KINDS)}",
        )
    if kind == "normalized":
        require_order(fit.layout, fit.columns[1], "normalized residuals depend")
    raw = fit.design.response - fit.fitted()
    if kind == "response":
        return np.asarray(raw)
    observed = fit.layout.observed
    positions = fit.layout.positions[observed]
    factor = subject_factors(fit)
    if kind == "pearson":
        spread = np.sqrt((factor**2).sum(axis=2))
        result = np.empty_like(raw)
        result[positions] = raw[positions] / spread[observed]
        return result
    by_subject = np.zeros(observed.shape)
    by_subject[observed] = raw[positions]
    white = np.linalg.solve(factor, by_subject[:, :, None])[:, :, 0]
    result = np.empty_like(raw)
    result[positions] = white[observed]
    return result


def subject_factors(fit: "Mmrm") -> FloatArray:
    """Return ``L_i`` of each subject with ``V_i = L_i L_i'``, weights included.

    Shape (n, t, t); visits that are not observed have the rows of the identity.
    """
    likelihood = fit.likelihood
    sigma = block_covariances(likelihood, fit.theta)
    factor = np.linalg.cholesky(np.where(likelihood.both, sigma, np.eye(likelihood.t)))
    counts = likelihood.data.counts.astype(np.int64)
    factor = factor[np.repeat(np.arange(len(counts)), counts)]
    if fit.weights is not None:
        seen = fit.layout.observed
        scale = np.ones(seen.shape)
        scale[seen] = 1 / np.sqrt(fit.weights[fit.layout.positions[seen]])
        factor = factor * scale[:, :, None]
    return np.asarray(factor)
