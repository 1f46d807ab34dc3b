"""A mixed model on plain arrays: from columns and groups to estimates.

Inside, columns are rescaled so that nothing depends on units: ``X = Q R`` with
orthonormal ``Q``, the response is its least-squares residual over its root mean square,
and each random effect has coefficients whose squares sum to one per level. ``theta`` in
those units is *scaled*, otherwise *natural*.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.linear_model import FloatArray, check_residuals
from trialstats.lmm.boundary import (
    check_groups,
    check_information,
    check_inside,
    check_within,
    inward,
    simpler,
    well_inside,
)
from trialstats.lmm.estimation import (
    Maximum,
    Shape,
    Step,
    equal_variances,
    maximise,
    moments,
)
from trialstats.lmm.likelihood import Evaluation, evaluate
from trialstats.lmm.ordering import Codes, canonical_order
from trialstats.lmm.random_part import Grouping
from trialstats.lmm.rotation import Rotated, Rows, rotate

#: Maxima that a search from the boundary inwards may find before it gives up.
RESTARTS = 4

#: Deviances that differ by less belong to one maximum.
SAME_MAXIMUM = 1e-9

NOT_CONVERGED = (
    "The mixed model did not converge: the likelihood still changes. Center and scale "
    "the covariates of the random part, or make it simpler."
)


@dataclass(frozen=True)
class Fitted:
    """Estimates of a mixed model; K1 parameters, the residual variance last.

    Parameters
    ----------
    beta, phi : (p,), (p, p) arrays
        Coefficients and ``(X' V^-1 X)^-1``.
    theta : (K1,) array
        Variances and covariances.
    theta_names : tuple of str
    precision_derivatives : (K1, p, p) array
        ``-X' V^-1 V_k V^-1 X``.
    second : (K1, K1, p, p) array
        ``Q_kl = X' V^-1 V_k V^-1 V_l V^-1 X``.
    expected, observed : (K1, K1) arrays
        Information of theta: expectation and negative second derivatives.
    log_likelihood : float
    crossproduct : (p, p) array
        ``X' X``.
    covariances : tuple of (q, q) arrays
        One per grouping factor.
    order : (n,) array
        An order of the rows that depends on their values alone.
    history : tuple of Step
    """

    beta: FloatArray
    phi: FloatArray
    theta: FloatArray
    theta_names: tuple[str, ...]
    precision_derivatives: FloatArray
    second: FloatArray
    expected: FloatArray
    observed: FloatArray
    log_likelihood: float
    crossproduct: FloatArray
    covariances: tuple[FloatArray, ...]
    order: Codes
    history: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Scaled:
    """The model in units of its own: rows in canonical order."""

    rows: Rows
    order: Codes
    triangle: FloatArray
    start: FloatArray
    unit: float
    lengths: list[FloatArray]


def theta_names(groupings: Sequence[Grouping], shape: Shape) -> tuple[str, ...]:
    """Return what each natural parameter is called."""
    names = []
    for factor, i, j in shape.places:
        group = groupings[factor]
        effect = group.effects[i]
        if i != j:
            effect = f"{group.effects[j]}, {effect}"
        names.append(f"{group.name}: {effect}")
    return (*names, "residual")


def ordered_triangle(
    x: FloatArray, y: FloatArray, groupings: Sequence[Grouping]
) -> tuple[Codes, list[Codes], FloatArray]:
    """Return canonical order, levels in it, and the triangle of ``[X y]`` in it."""
    content = np.column_stack([y, x, *(g.values for g in groupings)])
    order, levels = canonical_order(content, [g.codes for g in groupings])
    columns = content[order][:, [*range(1, x.shape[1] + 1), 0]]
    triangle = np.asarray(np.linalg.qr(columns, mode="r"))
    return order, [codes[order] for codes in levels], triangle


def fit_arrays(
    x: FloatArray,
    y: FloatArray,
    groupings: Sequence[Grouping],
    *,
    restricted: bool,
    ordered: tuple[Codes, list[Codes], FloatArray] | None = None,
) -> Fitted:
    """Return the estimates of ``y = X beta + sum_f Z_f b_f + e``.

    Parameters
    ----------
    x : (n, p) array
        Of full rank.
    y : (n,) array
    groupings : sequence of Grouping
        None for least squares.
    restricted : bool
        REML rather than ML.
    ordered : optional
        What `ordered_triangle` gives, when it is known already.

    Raises
    ------
    NotEstimableError
        When the data do not determine the parameters.
    SingularCovarianceError
        When the likelihood is highest on the boundary.
    ConvergenceError
        When the steps do not settle.
    """
    n, p = x.shape
    if n <= p:
        raise NotEstimableError(
            f"{n} observations cannot estimate {p} coefficients and a variance."
        )
    check_groups(groupings, n)
    if ordered is None:
        ordered = ordered_triangle(x, y, groupings)
    scaled = _scaled(x, y, groupings, ordered)
    shape = Shape(
        [len(g.effects) for g in groupings], [g.correlated for g in groupings]
    )
    names = theta_names(groupings, shape)
    rotated = rotate(scaled.rows, shape.places)
    reference = evaluate(rotated, equal_variances(shape), restricted=True)
    if reference is None:
        raise NotEstimableError("The coefficients cannot be told apart.")
    check_information(names, reference)
    check_within(rotated, restricted=restricted)
    found = _search(rotated, shape, reference, restricted=restricted)
    check_inside(groupings, shape, found.theta)
    return _in_natural_units(scaled, shape, found, names, n, restricted=restricted)


def _scaled(
    x: FloatArray,
    y: FloatArray,
    groupings: Sequence[Grouping],
    ordered: tuple[Codes, list[Codes], FloatArray],
) -> _Scaled:
    order, levels, triangle = ordered
    n, p = x.shape
    upper = triangle[:p, :p]
    start = linalg.solve_triangular(upper, triangle[:p, p])
    x, y = x[order], y[order]
    residual = y - x @ start
    squares = float(residual @ residual)
    check_residuals(squares, y, n - p)
    unit = (squares / n) ** 0.5
    basis = linalg.solve_triangular(upper, x.T, trans="T").T
    values, lengths = [], []
    for group in groupings:
        z = group.values[order]
        length = np.sqrt((z**2).sum(axis=0) / group.n_levels)
        values.append(z / length)
        lengths.append(length)
    data = np.column_stack([basis, residual / unit])
    return _Scaled(Rows(levels, values, data), order, upper, start, unit, lengths)


def _search(
    rotated: Rotated,
    shape: Shape,
    reference: Evaluation,
    *,
    restricted: bool,
) -> Maximum:
    """Return the highest maximum that the starts lead to."""
    first = _upwards(rotated, shape, moments(shape, reference), restricted=restricted)
    found = [first]
    # Where a variance is not far from zero, the likelihood may have a second maximum
    # at or near a simpler model.
    if first is None or not well_inside(shape, first):
        equal = equal_variances(shape)
        near = simpler(shape, equal if first is None else first.theta)
        found += [
            _upwards(rotated, shape, start, restricted=restricted)
            for start in (equal, *near)
        ]
    reached = [each for each in found if each is not None]
    if not reached:
        raise ConvergenceError(NOT_CONVERGED)
    best = reached[0]
    for each in reached[1:]:
        if each.evaluation.deviance < best.evaluation.deviance - SAME_MAXIMUM:
            best = each
    return best


def _upwards(
    rotated: Rotated, shape: Shape, start: FloatArray, *, restricted: bool
) -> Maximum | None:
    """Return the maximum reached from a start, if any.

    From a boundary where the likelihood rises inwards the steps start again.
    """
    found = maximise(rotated, shape, start, restricted=restricted)
    for _ in range(RESTARTS):
        inside = None if found is None else inward(shape, found)
        if inside is None:
            break
        found = maximise(rotated, shape, inside, restricted=restricted)
    return found


def _in_natural_units(
    scaled: _Scaled,
    shape: Shape,
    found: Maximum,
    names: tuple[str, ...],
    n: int,
    *,
    restricted: bool,
) -> Fitted:
    here, upper, unit = found.evaluation, scaled.triangle, scaled.unit
    p = len(here.beta)
    inverse = linalg.solve_triangular(upper, np.eye(p))
    root = unit * inverse
    phi = root @ here.phi @ root.T
    sizes = np.array(
        [
            *(scaled.lengths[f][i] * scaled.lengths[f][j] for f, i, j in shape.places),
            1.0,
        ]
    )
    # theta = scaled theta * change, so derivatives by theta are divided by it.
    change = unit**2 / sizes
    theta = found.theta * change
    precision = upper.T @ here.first @ upper / unit**2
    second = upper.T @ here.second @ upper / unit**2
    products = np.outer(change, change)
    degrees = n - p if restricted else n
    deviance = here.deviance + degrees * 2 * np.log(unit)
    if restricted:
        deviance += 2 * float(np.log(np.abs(np.diag(upper))).sum())
    return Fitted(
        beta=scaled.start + root @ here.beta,
        phi=(phi + phi.T) / 2,
        theta=theta,
        theta_names=names,
        precision_derivatives=-precision / change[:, None, None],
        second=second / products[:, :, None, None],
        expected=here.expected / (2 * products),
        observed=here.curvature / (2 * products),
        log_likelihood=-0.5 * (float(deviance) + degrees * float(np.log(2 * np.pi))),
        crossproduct=upper.T @ upper,
        covariances=tuple(shape.matrices(theta)),
        order=scaled.order,
        history=found.history,
    )
