"""What a covariance has to be before its numbers may be used."""

from typing import Any

import numpy as np

from trialstats.errors import NotEstimableError, SingularCovarianceError
from trialstats.mmrm.likelihood import Likelihood, Solution
from trialstats.mmrm.pseudo_subjects import Layout
from trialstats.mmrm.sandwich import block_covariances

#: Smallest eigenvalue of a residual correlation matrix that is not rounding. At a
#: singular solution the likelihood has no maximum, and an iteration ends near here.
_SINGULAR = 1e-7


def check_identified(structure: str, layout: Layout) -> None:
    """Raise NotEstimableError when no subject has both of two visits.

    An unstructured covariance then has a parameter on which the likelihood does not
    depend.
    """
    if structure != "unstructured":
        return
    for g, label in enumerate(layout.groups):
        seen = layout.observed[layout.group == g].astype(float)
        together = seen.T @ seen
        if (together > 0).all():
            continue
        i, j = np.argwhere(together == 0)[0]
        where = f" in {label}" if len(layout.groups) > 1 else ""
        pair = _listed(layout.visits[i], layout.visits[j])
        raise NotEstimableError(
            f"No subject{where} has data at {pair}: their covariance is not "
            "identified. A simpler covariance structure does not need it."
        )


def check_covariance(likelihood: Likelihood, at: Solution, layout: Layout) -> None:
    """Raise SingularCovarianceError when the residual covariance is singular."""
    sigma = block_covariances(likelihood, at.theta)
    sigma = np.where(likelihood.both, sigma, np.eye(likelihood.t))
    deviation = np.sqrt(np.diagonal(sigma, axis1=1, axis2=2))
    correlation = sigma / (deviation[:, :, None] * deviation[:, None, :])
    smallest = np.linalg.eigvalsh(correlation)[:, 0]
    if smallest.min() < _SINGULAR:
        g = likelihood.data.group[int(smallest.argmin())]
        where = f" in {layout.groups[g]}" if len(layout.groups) > 1 else ""
        raise SingularCovarianceError(
            f"The residual covariance{where} is singular: the likelihood rises towards "
            "residuals that determine one another. A simpler covariance structure, or "
            "fewer fixed effects, may fit."
        )


def _listed(first: Any, second: Any) -> str:
    return f"{first}" if first == second else f"both {first} and {second}"
