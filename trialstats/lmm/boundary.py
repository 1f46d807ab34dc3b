"""When a mixed model has no estimate inside its parameter space, and why.

Three cases: covariances that the data cannot tell from each other, a response that is
fitted without residual, and a likelihood whose maximum lies on the boundary (a variance
at zero, correlations that leave the matrix singular).
"""

from collections.abc import Sequence

import numpy as np

from trialstats.errors import NotEstimableError, SingularCovarianceError
from trialstats.linear_model import ZERO_RESIDUAL, FloatArray
from trialstats.lmm.estimation import (
    START_EIGENVALUE,
    VANISHING,
    ZERO_EIGENVALUE,
    ZERO_VARIANCE,
    Maximum,
    Shape,
)
from trialstats.lmm.likelihood import Evaluation
from trialstats.lmm.random_part import Grouping
from trialstats.lmm.rotation import Rotated

#: Eigenvalue of the expected information, every parameter scaled to what it would be
#: without coefficients, below which parameters depend on each other.
CONFOUNDED = 1e-10

#: Standard errors above zero from which on one search is enough: among 3,336 generated
#: small designs no second maximum was higher where all variances had more than 1.2.
FAR_FROM_ZERO = 1.5

#: Variances of the starts near simpler models, in units of the residual variance.
NEARLY_ZERO = 1e-3

#: Eigenvalue of X'X within levels, X orthonormal over all rows, that counts as zero.
WITHIN_TOLERANCE = 1e-10


def check_groups(groupings: Sequence[Grouping], n: int) -> None:
    """Raise NotEstimableError for factors with one level, or one row in each."""
    for group in groupings:
        if group.n_levels < 2:
            raise NotEstimableError(
                f"{group.name} has one level: a variance between its levels has no "
                "estimate. Leave it out of the random part."
            )
        constant = (group.values == group.values[0]).all()
        if group.n_levels == n and constant:
            raise NotEstimableError(
                f"Every level of {group.name} has one row: its variance cannot be "
                "told from the residual variance. Leave it out of the random part."
            )
    for i, group in enumerate(groupings):
        for other in groupings[:i]:
            pairs = np.unique(group.codes * other.n_levels + other.codes)
            same = len(pairs) == group.n_levels == other.n_levels
            if same and set(group.effects) & set(other.effects):
                raise NotEstimableError(
                    f"{other.name} and {group.name} group the rows in the same way: "
                    "their variances cannot be told apart. Keep one of them."
                )


def check_information(names: Sequence[str], reference: Evaluation) -> None:
    """Raise NotEstimableError for parameters that the data cannot tell apart."""
    size = np.diag(reference.unadjusted)
    apart = [name for name, each in zip(names, size, strict=True) if each <= 0]
    if apart:
        raise NotEstimableError(
            f"No level has rows with both effects, so these covariances have no "
            f"estimate: {'; '.join(apart)}. Use correlated=False (with labels as "
            "'0 + arm', an effect for each), or make the random part simpler."
        )
    scale = np.sqrt(size)
    scaled = reference.expected / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    null = vectors[:, values < CONFOUNDED]
    if not null.shape[1]:
        return
    weights = np.abs(null).max(axis=1)
    involved = [n for n, w in zip(names, weights, strict=True) if w > 1e-4]
    alone = [
        name
        for name, value in zip(names, np.diag(scaled), strict=True)
        if value < CONFOUNDED
    ]
    if alone:
        raise NotEstimableError(
            f"The fixed effects leave nothing to estimate {'; '.join(alone)} by. "
            "Make the random part or the formula simpler."
        )
    raise NotEstimableError(
        f"The data cannot tell these variances and covariances apart: "
        f"{'; '.join(involved)}. Make the random part simpler."
    )


def check_within(rotated: Rotated, *, restricted: bool) -> None:
    """Raise NotEstimableError when fixed and random effects fit without residual.

    The likelihood then grows without bound as the residual variance goes to zero; the
    restricted one only when observations are left beyond those that the effects take.
    """
    p = len(rotated.within) - 1
    x, xy = rotated.within[:p, :p], rotated.within[:p, p]
    values, vectors = np.linalg.eigh(x)
    keep = values > WITHIN_TOLERANCE
    along = vectors[:, keep].T @ xy
    left = rotated.within[p, p] - float(along @ (along / values[keep]))
    degrees = rotated.n_within - (int(keep.sum()) if restricted else 0)
    if degrees > 0 and left <= ZERO_RESIDUAL * rotated.n:
        raise NotEstimableError(
            "The residual variance is zero: fixed and random effects fit the response "
            "exactly."
        )


def inward(shape: Shape, found: Maximum) -> FloatArray | None:
    """Return parameters further inside, where the likelihood rises towards there.

    A point on the boundary is stationary for the roots of the covariances whatever
    the slope across the boundary is.
    """
    slopes = found.evaluation.gradient
    theta = found.theta.copy()
    moved = False
    for f, g in enumerate(shape.matrices(theta)):
        slope = np.zeros_like(g)
        for (owner, i, j), value in zip(shape.places, slopes[:-1], strict=True):
            if owner == f:
                slope[i, j] = slope[j, i] = value if i == j else value / 2
        values, vectors = np.linalg.eigh(g)
        for value, vector in zip(values, vectors.T, strict=True):
            steep = float(vector @ slope @ vector)
            if value <= ZERO_VARIANCE * theta[-1] and steep < -1e-6:
                moved = True
                g = g + 0.1 * theta[-1] * np.outer(vector, vector)
        for k, (owner, i, j) in enumerate(shape.places):
            if owner == f:
                theta[k] = g[i, j]
    return shape.feasible(theta, ZERO_VARIANCE * theta[-1]) if moved else None


def well_inside(shape: Shape, found: Maximum) -> bool:
    """Return whether each variance is well above zero, given its standard error."""
    try:
        root = np.linalg.cholesky(found.evaluation.expected / 2)
    except np.linalg.LinAlgError:
        return False
    errors = np.sqrt((np.linalg.inv(root) ** 2).sum(axis=0))
    variance = np.array([*(i == j for _, i, j in shape.places), True])
    return bool((found.theta > FAR_FROM_ZERO * errors)[variance].all())


def simpler(shape: Shape, theta: FloatArray) -> list[FloatArray]:
    """Return parameters just inside simpler models: one effect, or all, near zero."""
    alone = np.zeros_like(theta)
    alone[-1] = 1.0
    found = [alone]
    effects = [(f, i) for f, i, j in shape.places if i == j]
    if len(effects) > 1:
        for factor, effect in effects:
            without = theta.copy()
            without[-1] = max(theta[-1], START_EIGENVALUE)
            for k, (owner, i, j) in enumerate(shape.places):
                if owner == factor and effect in (i, j):
                    without[k] = 0.0
            found.append(without)
    return [shape.feasible(each, NEARLY_ZERO * each[-1]) for each in found]


def singular_cause(
    groupings: Sequence[Grouping], shape: Shape, theta: FloatArray
) -> tuple[str, str] | None:
    """Return the factor and the words for what is singular in an estimate, if any."""
    if theta[-1] <= VANISHING:
        return "residual", "the residual variance is estimated as zero"
    for group, g in zip(groupings, shape.matrices(theta), strict=True):
        diagonal = np.diag(g)
        zero = diagonal <= ZERO_VARIANCE * theta[-1]
        if zero.any():
            names = [n for n, z in zip(group.effects, zero, strict=True) if z]
            plural = "variances" if len(names) > 1 else "variance"
            verb = "are" if len(names) > 1 else "is"
            return group.name, (
                f"the {plural} of {', '.join(names)} between levels of {group.name} "
                f"{verb} estimated as zero"
            )
        scale = np.sqrt(diagonal)
        values = np.linalg.eigvalsh(g / np.outer(scale, scale))
        if values[0] <= ZERO_EIGENVALUE:
            if len(scale) == 2:
                sign = "+1" if g[0, 1] > 0 else "-1"
                return group.name, (
                    f"the correlation of {group.effects[0]} and {group.effects[1]} "
                    f"between levels of {group.name} is estimated as {sign}"
                )
            return group.name, (
                f"the covariance matrix of {', '.join(group.effects)} between levels "
                f"of {group.name} is estimated as singular"
            )
    return None


def check_inside(
    groupings: Sequence[Grouping], shape: Shape, theta: FloatArray
) -> None:
    """Raise SingularCovarianceError when an estimate lies on the boundary."""
    cause = singular_cause(groupings, shape, theta)
    if cause is None:
        return
    factor, words = cause
    if factor == "residual":
        remedy = "Make the random part simpler: it follows every observation."
    elif "zero" in words and len(groupings) == 1 and shape.sizes == (1,):
        remedy = (
            "Without it the fit is ordinary least squares: choose that with random={}, "
            "and say so."
        )
    elif "zero" in words:
        remedy = "Leave the effect out of the random part."
    else:
        remedy = "Leave an effect out of the random part, or use correlated=False."
    raise SingularCovarianceError(
        f"The maximum lies on the boundary of the parameter space: {words}. {remedy}",
        factor,
    )
