"""From a solution to inference: the rules of degrees of freedom of a fitted model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects import Design
from trialstats.linear_model import FloatArray
from trialstats.mmrm.likelihood import Curvature, Likelihood, Solution
from trialstats.mmrm.pseudo_subjects import Layout
from trialstats.mmrm.sandwich import Sandwich, sandwich
from trialstats.small_sample import (
    GivenDegrees,
    KenwardRoger,
    Satterthwaite,
    SmallSample,
)

#: Rules of degrees of freedom, in the names a user writes.
DEGREES_OF_FREEDOM = (
    "kenward_roger",
    "kenward_roger_linear",
    "satterthwaite",
    "between_within",
    "residual",
)
#: Covariances of the coefficients besides the model's own.
SANDWICHES = ("CR0", "CR2", "CR3")

#: The information is taken as singular when, scaled to a unit diagonal, its smallest
#: eigenvalue is below this.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class Fitted:
    """The model-based quantities of a fit, in the coordinates of the design.

    Attributes
    ----------
    beta : (p,) array
    root : (p, p) array
        ``F`` with ``Phi = F F'``.
    parameter_covariance : (k, k) array
        Inverse of the observed information of the covariance parameters.
    """

    beta: FloatArray
    root: FloatArray
    parameter_covariance: FloatArray

    @property
    def covariance(self) -> FloatArray:
        """``Phi``, (p, p)."""
        return self.root @ self.root.T


def fitted_model(likelihood: Likelihood, at: Solution, curvature: Curvature) -> Fitted:
    """Return coefficients and covariances of a solution.

    Raises
    ------
    NotEstimableError
        When the information of the covariance parameters is not positive definite.
    """
    data = likelihood.data
    triangle = data.triangle
    beta = linalg.solve_triangular(triangle, data.coefficients + at.beta)
    root = linalg.solve_triangular(triangle, at.root)
    return Fitted(beta, root, parameter_covariance(curvature.observed))


def parameter_covariance(observed: FloatArray) -> FloatArray:
    """Return the inverse of half the second derivatives of ``-2 l``."""
    diagonal = np.diag(observed)
    if (diagonal > 0).all():
        scale = 1 / np.sqrt(diagonal)
        values, vectors = np.linalg.eigh(observed * np.outer(scale, scale))
        if values[0] > _SINGULAR * values[-1]:
            scaled = scale[:, None] * vectors
            return np.asarray(2 * (scaled / values) @ scaled.T)
    raise NotEstimableError(
        "The observed information of the covariance parameters is singular: the data "
        "do not identify all of them. A simpler covariance structure has fewer."
    )


def small_sample_rule(
    df: str,
    vcov: str | None,
    *,
    design: Design,
    layout: Layout,
    likelihood: Likelihood,
    at: Solution,
    curvature: Curvature,
    fitted: Fitted,
    weights: FloatArray | None,
) -> SmallSample:
    """Return the rule named by `df` with the covariance named by `vcov`."""
    if vcov is not None:
        robust = sandwich(vcov, design, layout, likelihood, at, fitted, weights)
        if df == "satterthwaite":
            return robust
        return _given(df, robust.covariance, design, layout)
    if df in ("between_within", "residual"):
        return _given(df, fitted.covariance, design, layout)
    first, into = _precision_derivatives(curvature, fitted)
    if df == "satterthwaite":
        return Satterthwaite(fitted.covariance, first, fitted.parameter_covariance)
    bent = likelihood.adjustment(
        at, fitted.parameter_covariance, second=df == "kenward_roger"
    )
    return KenwardRoger(
        fitted.covariance,
        first,
        into.T @ bent @ into,
        fitted.parameter_covariance,
    )


def _precision_derivatives(
    curvature: Curvature, fitted: Fitted
) -> tuple[FloatArray, FloatArray]:
    """Return ``d Phi^-1 / d theta_k``, (k, p, p), and ``F^-1``."""
    p = len(fitted.beta)
    into = np.asarray(np.linalg.inv(fitted.root), dtype=float)
    whitened = curvature.products[:, :p, :p]
    return np.asarray(-(into.T @ whitened @ into)), into


def _given(
    df: str, covariance: FloatArray, design: Design, layout: Layout
) -> GivenDegrees:
    n, p = len(design.response), len(design.names)
    if df == "residual":
        degrees = np.full(p, float(n - p))
    else:
        degrees = between_within(design, layout)
    return GivenDegrees(covariance, degrees)


def between_within(design: Design, layout: Layout) -> FloatArray:
    """Return the between-within degrees of freedom of each coefficient, (p,).

    A column that varies within some subject has ``n - s - w`` degrees of freedom, with
    n observations, s subjects and w such columns; the other columns but the intercept
    have ``s - b - 1``, with b such columns (``s - b`` without an intercept). The
    intercept counts as within. These are the rules of R's mmrm 0.3.18; SAS, whose
    DDFM=BW counts by the rank of the design within subjects, can differ.

    References
    ----------
    Schluchter & Elashoff, J Stat Comput Simul 1990;37:69-87.
    """
    n, s = len(design.response), len(layout.positions)
    intercept = np.array([name == "Intercept" for name in design.names])
    within = np.array([varies_within(design, layout, j) for j in range(len(intercept))])
    within &= ~intercept
    between = ~within & ~intercept
    inner = float(n - s - within.sum())
    outer = float(s - between.sum() - intercept.sum())
    if min(inner, outer) <= 0:
        raise NotEstimableError(
            f"No between-within degrees of freedom are left: {outer:g} between and "
            f"{inner:g} within subjects."
        )
    return np.where(between, outer, inner)


def varies_within(design: Design, layout: Layout, column: int) -> bool:
    """Return whether a column of the design changes within some subject."""
    values = design.coding[design.cells, column]
    values = values * design.numeric[:, design.numeric_of[column]]
    seen = layout.observed
    first = layout.positions[np.arange(len(seen)), seen.argmax(axis=1)]
    spread = values[layout.positions] != values[first][:, None]
    return bool((spread & seen).any())


def check_inference(df: Any, vcov: Any, method: str) -> None:
    """Raise DataError when a rule is unknown, or does not go with the other options."""
    if df not in DEGREES_OF_FREEDOM:
        raise DataError(
            f"unknown degrees of freedom {df!r}",
            remedy=f"write one of {', '.join(DEGREES_OF_FREEDOM)}",
        )
    if vcov is not None and vcov not in SANDWICHES:
        raise DataError(
            f"unknown covariance of the coefficients {vcov!r}",
            remedy=f"write one of {', '.join(SANDWICHES)}, or leave it out",
        )
    if vcov is not None and str(df).startswith("kenward_roger"):
        raise DataError(
            f"Kenward-Roger has a covariance of its own, not {vcov}",
            remedy="choose df='satterthwaite', 'between_within' or 'residual'",
        )
    if method == "ml" and str(df).startswith("kenward_roger"):
        raise DataError(
            "Kenward and Roger's adjustment belongs to restricted likelihood",
            value=method,
            remedy="write method='reml', or df='satterthwaite'",
        )


__all__ = [
    "DEGREES_OF_FREEDOM",
    "SANDWICHES",
    "Fitted",
    "Sandwich",
    "between_within",
    "check_inference",
    "fitted_model",
    "small_sample_rule",
]
