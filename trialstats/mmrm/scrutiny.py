"""What a covariance has to be before its numbers may be used."""

import numpy as np

from trialstats.errors import NotEstimableError, SingularCovarianceError
from trialstats.linear_model import FloatArray
from trialstats.mmrm.likelihood import Likelihood, Solution
from trialstats.mmrm.pseudo_subjects import BoolArray, Layout
from trialstats.mmrm.sandwich import block_covariances

#: Smallest eigenvalue of a residual correlation matrix that is not rounding. At a
#: singular solution the likelihood has no maximum, and an iteration ends near here.
_SINGULAR = 1e-7
#: The same, and the smallest share of the largest variance, where no step leads on.
_NEARLY = 1e-3

#: Largest correlation, at the times seen, that says nothing about a range.
_UNRELATED = 1e-6

#: Share of a singular direction from which a visit is named.
_INVOLVED = 0.1

_SIMPLER = "A simpler covariance structure, or fewer fixed effects, may fit."


def check_identified(name: str, likelihood: Likelihood, layout: Layout) -> None:
    """Raise NotEstimableError when no subject's data depend on a parameter.

    An unstructured covariance needs subjects with both of any two visits; every other
    structure needs subjects at some lag of each parameter.
    """
    for g in range(len(layout.groups)):
        where = _where(layout, g)
        if likelihood.structure.spatial:
            if not (likelihood.distance(g) > 0).any():
                raise NotEstimableError(
                    f"No subject{where} has data at two times: the range of the "
                    "correlation is not identified."
                )
        elif name == "unstructured":
            _check_pairs(layout, _together(layout, g), where)
        else:
            _check_parameters(likelihood, layout, g, where)


def _check_pairs(layout: Layout, together: BoolArray, where: str) -> None:
    if together.all():
        return
    i, j = np.argwhere(~together)[0]
    first, second = layout.visits[i], layout.visits[j]
    pair = first if i == j else f"both {first} and {second}"
    raise NotEstimableError(
        f"No subject{where} has data at {pair}: their covariance is not identified. A "
        "simpler covariance structure does not need it."
    )


def _check_parameters(
    likelihood: Likelihood, layout: Layout, g: int, where: str
) -> None:
    structure, t = likelihood.structure, likelihood.t
    visits = tuple(str(visit) for visit in layout.visits)
    distance = likelihood.distance(g)
    usual = structure.start((np.eye(t) + 1) / 2, distance)
    moved = (structure.first(usual, distance) != 0) & _together(layout, g)
    for name, matters in zip(
        structure.names(visits), moved.any(axis=(1, 2)), strict=True
    ):
        if not matters:
            raise NotEstimableError(
                f"No subject{where} has data that depend on the {name}: it is not "
                "identified. A simpler covariance structure does not need it."
            )


def _together(layout: Layout, g: int) -> BoolArray:
    """Return whether some subject of a group has both of two visits, (t, t)."""
    first = np.flatnonzero(np.diff(layout.block, prepend=-1))
    seen = layout.observed[first][layout.group[first] == g].astype(float)
    return np.asarray(seen.T @ seen > 0)


def check_covariance(
    likelihood: Likelihood, layout: Layout, at: Solution, *, stopped: bool = False
) -> None:
    """Raise when a residual covariance is singular, or a range is out of sight.

    Where the iterations have `stopped` short of a maximum, a covariance that is nearly
    singular is why.

    Raises
    ------
    SingularCovarianceError
        When a variance is zero, or the residuals determine one another.
    NotEstimableError
        When a spatial correlation is nil at all distances between observed times.
    """
    both = likelihood.both
    sigma = np.where(both, block_covariances(likelihood, at.theta), 0.0)
    variance = np.diagonal(sigma, axis1=1, axis2=2)
    seen = np.diagonal(both, axis1=1, axis2=2)
    least = likelihood.data.rounding**2
    if stopped:
        least = max(least, _NEARLY * float(variance.max()))
    nil = seen & (variance < least)
    if nil.any():
        block, visit = np.argwhere(nil)[0]
        where = _where(layout, likelihood.data.group[block])
        raise SingularCovarianceError(
            f"The residuals{where} at {_visit(layout, int(visit))} have no variance: a "
            f"constant response, or the fixed effects, leave none. {_SIMPLER}"
        )
    deviation = np.sqrt(np.where(seen, variance, 1.0))
    correlation = sigma / (deviation[:, :, None] * deviation[:, None, :])
    correlation = np.where(both, correlation, np.eye(likelihood.t))
    smallest = np.linalg.eigvalsh(correlation)[:, 0]
    if smallest.min() < (_NEARLY if stopped else _SINGULAR):
        block = int(smallest.argmin())
        where = _where(layout, likelihood.data.group[block])
        _refuse_singular(layout, where, correlation[block])
    if likelihood.structure.spatial:
        _check_range(likelihood, layout, correlation)


def _refuse_singular(layout: Layout, where: str, correlation: FloatArray) -> None:
    direction = np.linalg.eigh(correlation)[1][:, 0]
    involved = np.flatnonzero(np.abs(direction) > _INVOLVED)
    visits = ", ".join(_visit(layout, int(visit)) for visit in involved)
    raise SingularCovarianceError(
        f"The residual covariance{where} is singular: the likelihood rises towards "
        f"residuals at {visits} that determine one another. {_SIMPLER}"
    )


def _check_range(
    likelihood: Likelihood, layout: Layout, correlation: FloatArray
) -> None:
    for g, members in enumerate(likelihood.members):
        apart = likelihood.distance(g) > 0
        if correlation[members][apart].max() < _UNRELATED:
            raise NotEstimableError(
                f"The residuals{_where(layout, g)} are not correlated at any distance "
                "between the observed times: the range is not identified."
            )


def _where(layout: Layout, g: int) -> str:
    return f" in {layout.groups[g]}" if len(layout.groups) > 1 else ""


def _visit(layout: Layout, visit: int) -> str:
    if layout.times is None:
        return str(layout.visits[visit])
    return f"time {visit + 1} of a subject"
