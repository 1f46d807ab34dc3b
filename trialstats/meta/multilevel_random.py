"""Best linear unbiased predictions of random effects, and their errors.

    prediction b = D Z' W (y - X beta),   Var(prediction - b) = D - D Z' P Z D

with D the covariance of the random effects of a term and Z their rows. Blocks are
independent, so that only the diagonal blocks of P are needed.
"""

import numpy as np
import pandas as pd

from trialstats.meta.inputs import FloatArray
from trialstats.meta.multilevel_blocks import over_rows
from trialstats.meta.multilevel_fit import Fitted


def group_effects(fitted: Fitted, position: int) -> pd.DataFrame:
    """Return prediction and error of each group of a random intercept."""
    term = fitted.model.terms[position]
    variance = float(fitted.covariances[position][0, 0])
    n = len(term.outer_labels)
    score, taken = np.zeros(n), np.zeros(n)
    for number, batch in enumerate(fitted.model.batches):
        groups = term.outer[batch.rows]
        np.add.at(score, groups, fitted.weights.weighted_residual[number])
        within = _projection(fitted, number) * batch.same[position]
        np.add.at(taken, groups, within.sum(axis=2))
    left = np.maximum(variance - variance**2 * taken, 0.0)
    return pd.DataFrame(
        {
            "level": list(term.outer_labels),
            "estimate": variance * score,
            "standard_error": np.sqrt(left),
        }
    )


def row_effects(fitted: Fitted, position: int) -> pd.DataFrame:
    """Return prediction and error of each level of the inner factor in each group."""
    term = fitted.model.terms[position]
    q = len(term.inner_labels)
    shape = (len(term.outer_labels), q)
    estimate, error = np.full(shape, np.nan), np.full(shape, np.nan)
    for number, batch in enumerate(fitted.model.batches):
        spread = over_rows(fitted.covariances[position], batch, position)
        u = fitted.weights.weighted_residual[number]
        at = (term.outer[batch.rows], term.inner[batch.rows])
        estimate[at] = np.einsum("nij,nj->ni", spread, u)
        taken = spread @ _projection(fitted, number) @ spread
        left = np.diagonal(spread - taken, axis1=1, axis2=2)
        error[at] = np.sqrt(np.maximum(left, 0.0))
    outer, inner = np.nonzero(~np.isnan(estimate))
    return pd.DataFrame(
        {
            "level": [term.outer_labels[i] for i in outer],
            "inner": [term.inner_labels[j] for j in inner],
            "estimate": estimate[outer, inner],
            "standard_error": error[outer, inner],
        }
    )


def true_effects(fitted: Fitted, effect: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return prediction y - V P y and error, from V - V P V, of the true effects."""
    ahead, left = effect.copy(), np.empty_like(effect)
    for number, batch in enumerate(fitted.model.batches):
        v, u = batch.sampling, fitted.weights.weighted_residual[number]
        ahead[batch.rows] -= np.einsum("nij,nj->ni", v, u)
        rest = v - v @ _projection(fitted, number) @ v
        left[batch.rows] = np.diagonal(rest, axis1=1, axis2=2)
    return ahead, np.sqrt(np.maximum(left, 0.0))


def _projection(fitted: Fitted, number: int) -> FloatArray:
    """Return the diagonal blocks of P of a batch."""
    w = fitted.weights.inverse[number]
    wx = fitted.weights.weighted_design[number]
    taken = wx @ fitted.weights.covariance @ wx.transpose(0, 2, 1)
    return np.asarray(w - taken)
