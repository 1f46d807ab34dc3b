"""Predicted random effects: best linear unbiased, at the estimated covariance.

(Z' Z + sigma^2 D^-1) b = Z' (y - X beta)
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from trialstats.linear_model import FloatArray
from trialstats.lmm.ordering import Codes, canonical_order
from trialstats.lmm.random_part import Grouping


def predicted_effects(
    residual: FloatArray,
    content: FloatArray,
    groupings: Sequence[Grouping],
    covariances: Sequence[FloatArray],
    variance: float,
) -> list[FloatArray]:
    """Return the random effects (levels, q) of each grouping factor.

    Parameters
    ----------
    residual : (n,) array
        ``y - X beta``.
    content : (n, c) array
        The numbers of each row; sums follow an order that depends on these alone.
    groupings : sequence of Grouping
    covariances : sequence of (q, q) arrays
        Positive definite.
    variance : float
        Of the residual.
    """
    order, levels = canonical_order(content, [g.codes for g in groupings])
    if len(groupings) == 1:
        place = levels[0]
        found = _one_factor(
            residual[order], groupings[0], place[order], order, covariances[0], variance
        )
        return [_as_given(found, groupings[0], place)]
    return _several_factors(residual, groupings, levels, order, covariances, variance)


def _one_factor(
    residual: FloatArray,
    group: Grouping,
    level: Codes,
    order: Codes,
    covariance: FloatArray,
    variance: float,
) -> FloatArray:
    """Return the effects of a single factor, each level by itself."""
    z = group.values[order]
    starts = np.flatnonzero(np.diff(level, prepend=-1))
    products = np.add.reduceat(z[:, :, None] * z[:, None, :], starts)
    right = np.add.reduceat(z * residual[:, None], starts)
    left = products + variance * np.linalg.inv(covariance)
    return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0])


def _several_factors(
    residual: FloatArray,
    groupings: Sequence[Grouping],
    levels: Sequence[Codes],
    order: Codes,
    covariances: Sequence[FloatArray],
    variance: float,
) -> list[FloatArray]:
    """Return the effects of crossed or nested factors by one sparse system."""
    columns, penalties = [], []
    n = len(residual)
    for group, level, covariance in zip(groupings, levels, covariances, strict=True):
        q = len(group.effects)
        place = level[order][:, None] * q + np.arange(q)
        columns.append(
            sparse.csr_array(
                (
                    group.values[order].ravel(),
                    (np.repeat(np.arange(n), q), place.ravel()),
                ),
                shape=(n, group.n_levels * q),
            )
        )
        inverse = variance * np.linalg.inv(covariance)
        penalties.append(sparse.kron(sparse.eye_array(group.n_levels), inverse))
    z = sparse.hstack(columns).tocsc()
    system = (z.T @ z + sparse.block_diag(penalties)).tocsc()
    solved = splu(system).solve(z.T @ residual[order])
    bounds = np.cumsum([c.shape[1] for c in columns])[:-1]
    return [
        _as_given(part.reshape(-1, len(group.effects)), group, level)
        for part, group, level in zip(
            np.split(solved, bounds), groupings, levels, strict=True
        )
    ]


def _as_given(found: FloatArray, group: Grouping, level: Codes) -> FloatArray:
    """Return effects by canonical level in the order of the factor's labels."""
    place = np.empty(group.n_levels, dtype=np.int64)
    place[group.codes] = level
    return np.asarray(found[place])
