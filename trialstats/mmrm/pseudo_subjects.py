"""One pass over the data: subjects become few pseudo-subjects that fit as they do.

The likelihood depends on the subjects that were seen at the same visits only through
the cross-products of their design rows and responses. Subjects that also share their
categorical variables ("a class") have design rows that are linear in a few numbers, so
the triangular factor of those numbers, one row a pseudo-subject, stands for all of
them: after the pass no cost depends on the number of subjects.

The design is made orthonormal and the response replaced by its least-squares residual,
so that later cross-products lose no digits.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects import Design, check_rank
from trialstats.linear_model import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

#: A class with fewer subjects than this multiple of its numbers is kept as it is: a
#: triangular factor would save nothing.
_WORTH_A_FACTOR = 2

#: Residuals below this share of the largest response may be rounding errors.
_ROUNDING = 1e-13
#: Sizes of residuals whose fourth powers are numbers.
_SMALLEST, _LARGEST = 1e-50, 1e50


@dataclass(frozen=True)
class Layout:
    """Where each subject's rows stand: ``n`` subjects in canonical order, t visits.

    Attributes
    ----------
    positions : (n, t) array
        Row of the design at each visit, -1 where there is none.
    visits : tuple
        Labels of the visits, or slot numbers for spatial structures.
    in_order : bool
        Whether the visits stand in their order: text sorts "Week 12" before "Week 4".
    times : (n, t) array, optional
        Visit times, for spatial structures.
    group : (n,) array
        Covariance group of each subject.
    groups : tuple
        Labels of the covariance groups.
    subjects : (n,) array
        Code of each subject, as in `of_row`.
    block, kind : (n,) array
        Number of each subject's pattern of visits within its group, and of its class
        within that; both ascending.
    of_row : (rows,) array
        Code of the subject of each row of the design.
    """

    positions: IntArray
    visits: tuple[Any, ...]
    in_order: bool
    times: FloatArray | None
    group: IntArray
    groups: tuple[Any, ...]
    subjects: IntArray
    block: IntArray
    kind: IntArray
    of_row: IntArray

    @cached_property
    def observed(self) -> BoolArray:
        """Where there is a row, (n, t)."""
        return self.positions >= 0

    @cached_property
    def first(self) -> IntArray:
        """First row of each subject, (n,)."""
        visit = self.observed.argmax(axis=1)
        return np.asarray(self.positions[np.arange(len(visit)), visit])


@dataclass(frozen=True)
class PseudoSubjects:
    """What the likelihood needs of the data.

    ``r`` pseudo-subjects, ``b`` blocks (distinct patterns of visits within a covariance
    group), t visits, p columns of the design.

    Attributes
    ----------
    rows : (r, t, p + 1) array
        Orthonormal design and residual response; zero at visits that are not observed.
    block : (r,) array
        Block of each pseudo-subject, ascending; `starts` are the first of each block.
    observed : (b, t) array
    counts : (b,) array
        Real subjects in each block.
    group : (b,) array
        Covariance group of each block.
    n_groups : int
    distance : (b or 1, t, t) array
        Distances in time for spatial structures, else zeros.
    triangle : (p, p) array
        Factor R of the design, ``X = Q R`` with Q orthonormal.
    coefficients : (p,) array
        Least-squares coefficients, in the orthonormal coordinates.
    crossproduct : (p, p) array
        ``X' X``.
    sum_log_weights : float
    n_observations, n_subjects : int
    rounding : float
        Standard deviation below which residuals may be rounding errors.
    """

    rows: FloatArray
    block: IntArray
    starts: IntArray
    observed: BoolArray
    counts: FloatArray
    group: IntArray
    n_groups: int
    distance: FloatArray
    triangle: FloatArray
    coefficients: FloatArray
    crossproduct: FloatArray
    sum_log_weights: float
    n_observations: int
    n_subjects: int
    rounding: float


def pseudo_subjects(
    design: Design, layout: Layout, weights: FloatArray | None
) -> PseudoSubjects:
    """Reduce the data to pseudo-subjects.

    Parameters
    ----------
    design : Design
    layout : Layout
        Subjects in canonical order, as `trialstats.mmrm.layout.lay_out` makes it.
    weights : (rows,) array, optional
        Weight of each row of the design: the residual variance is divided by it.

    Raises
    ------
    NotEstimableError
        When columns of the design are aliased (`RankDeficientError`), or the fixed
        effects leave no residual.
    """
    root = None if weights is None else np.sqrt(weights)
    block = layout.block
    parts, blocks = _reduced(design, layout, root)
    rows, owner = np.concatenate(parts), np.concatenate(blocks)
    of_row = block[owner]
    order = np.argsort(of_row, kind="stable")
    rows, of_row = rows[order], of_row[order]

    first = np.flatnonzero(np.diff(block, prepend=-1))
    observed = layout.observed[first]
    counts = np.bincount(block).astype(float)
    seen = observed[of_row]
    triangle, coefficients, rows = _orthonormal(design, rows, seen)
    size = np.abs(design.response if root is None else design.response * root)
    return PseudoSubjects(
        rows=rows,
        block=of_row,
        starts=np.flatnonzero(np.diff(of_row, prepend=-1)),
        observed=observed,
        counts=counts,
        group=layout.group[first],
        n_groups=len(layout.groups),
        distance=_distance(layout, first),
        triangle=triangle,
        coefficients=coefficients,
        crossproduct=triangle.T @ triangle,
        sum_log_weights=0.0
        if weights is None
        else float(np.sort(np.log(weights)).sum()),
        n_observations=len(design.response),
        n_subjects=len(layout.positions),
        rounding=_ROUNDING * float(size.max()),
    )


def _reduced(
    design: Design, layout: Layout, root: FloatArray | None
) -> tuple[list[FloatArray], list[IntArray]]:
    """Return rows (r, t, p + 1) of pseudo-subjects and the subject each comes from."""
    kind = layout.kind
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    sizes = np.diff(np.append(starts, len(kind)))
    constant = (
        _constant(design, layout)
        if root is None
        else np.zeros(design.numeric.shape[1], dtype=bool)
    )
    n_numbers = constant.sum() + layout.observed[starts].sum(axis=1) * (
        1 + (~constant).sum()
    )
    large = sizes > _WORTH_A_FACTOR * n_numbers
    parts, owners = [], []
    small = ~large[kind]
    if small.any():
        parts.append(_stacked(design, layout, np.flatnonzero(small), root))
        owners.append(np.flatnonzero(small))
    if large.any():
        numbers = _gathered(design, layout, constant, root)
        for start, size in zip(starts[large], sizes[large], strict=True):
            part = _factored(design, layout, start, size, constant, numbers)
            parts.append(part)
            owners.append(np.full(len(part), start))
    return parts, owners


def _constant(design: Design, layout: Layout) -> BoolArray:
    """Return which numeric columns have one value per subject."""
    first = np.empty_like(layout.first)
    first[layout.subjects] = layout.first
    result = np.ones(design.numeric.shape[1], dtype=bool)
    for j in range(1, len(result)):
        column = design.numeric[:, j]
        result[j] = np.array_equal(column[first].take(layout.of_row), column)
    return result


def _gathered(
    design: Design, layout: Layout, constant: BoolArray, root: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return the numbers of all subjects: constant (n, f), by visit (m, n, t).

    The response is the last of those by visit; absent visits hold any number.
    """
    columns = [*design.numeric.T[~constant], design.response]
    if root is not None:
        columns = [column * root for column in columns]
    by_visit = np.stack([column.take(layout.positions) for column in columns])
    return design.numeric[layout.first][:, constant], by_visit


def _stacked(
    design: Design, layout: Layout, subjects: IntArray, root: FloatArray | None
) -> FloatArray:
    """Return the design rows and responses of subjects, (s, t, p + 1)."""
    positions = layout.positions[subjects]
    seen = positions >= 0
    at = positions[seen]
    result = np.zeros((*positions.shape, len(design.names) + 1))
    values = np.empty((len(at), result.shape[-1]))
    values[:, :-1] = design.matrix(at)
    values[:, -1] = design.response[at]
    if root is not None:
        values *= root[at, None]
    result[seen] = values
    return result


def _factored(
    design: Design,
    layout: Layout,
    start: int,
    size: int,
    constant: BoolArray,
    numbers: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """Return the pseudo-subjects of one class of subjects."""
    visits = np.flatnonzero(layout.observed[start])
    n_visits, n_fixed = len(visits), int(constant.sum())
    fixed, by_visit = numbers
    # One number a row: LAPACK takes the transpose without another copy.
    block = np.empty((n_fixed + len(by_visit) * n_visits, size))
    block[:n_fixed] = fixed[start : start + size].T
    for i, values in enumerate(by_visit):
        at = n_fixed + i * n_visits
        block[at : at + n_visits] = values[start : start + size].T[visits]
    factor = np.asarray(np.linalg.qr(block.T, mode="r"))

    # Column of the factor that holds each numeric column at each visit.
    place = np.empty((n_visits, len(constant)), dtype=np.int64)
    place[:, constant] = np.arange(n_fixed)
    for i, j in enumerate(np.flatnonzero(~constant)):
        place[:, j] = n_fixed + i * n_visits + np.arange(n_visits)
    at_visits = layout.positions[start, visits]
    result = np.zeros((len(factor), len(layout.visits), len(design.names) + 1))
    coding = design.coding[design.cells[at_visits]]
    result[:, visits, :-1] = factor[:, place[:, design.numeric_of]] * coding
    result[:, visits, -1] = factor[:, len(block) - n_visits :]
    return result


def _orthonormal(
    design: Design, rows: FloatArray, seen: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the triangle of the design, coefficients, and rows made orthonormal."""
    p = len(design.names)
    stacked = rows[seen]
    size = np.sqrt((stacked[:, :p] ** 2).sum(axis=0))
    safe = np.where(size > 0, size, 1.0)
    orthonormal, triangle = np.linalg.qr(stacked[:, :p] / safe)
    check_rank(triangle * np.where(size > 0, 1.0, 0.0), design)
    coefficients = orthonormal.T @ stacked[:, p]
    residual = stacked[:, p] - orthonormal @ coefficients
    _check_residual(design, residual, stacked[:, p])
    result = np.zeros_like(rows)
    result[seen] = np.column_stack([orthonormal, residual])
    return triangle * size, coefficients, result


def _check_residual(design: Design, residual: FloatArray, response: FloatArray) -> None:
    """Raise unless there is a residual, of a size that can be computed with."""
    largest = float(np.abs(response).max())
    if largest > 0 and not _SMALLEST < largest < _LARGEST:
        raise DataError(
            "the response is too large or too small to compute with",
            column=design.response_name,
            value=largest,
            remedy="write it in another unit",
        )
    spare = len(design.response) - len(design.names)
    if spare < 1 or float(residual @ residual) <= 1e-24 * float(response @ response):
        raise NotEstimableError(
            "The fixed effects leave no residual variation: no covariance can be "
            "estimated."
        )


def _distance(layout: Layout, first: IntArray) -> FloatArray:
    t = layout.positions.shape[1]
    if layout.times is None:
        return np.zeros((1, t, t))
    times = layout.times[first]
    seen = layout.observed[first]
    both = seen[:, :, None] & seen[:, None, :]
    return np.where(both, np.abs(times[:, :, None] - times[:, None, :]), 0.0)


def check_weights(weights: FloatArray, name: str) -> None:
    """Raise DataError unless every weight is positive and finite."""
    bad = ~(np.isfinite(weights) & (weights > 0))
    if bad.any():
        raise DataError(
            "a weight is not a positive number",
            column=name,
            value=float(weights[bad][0]),
            remedy="write a positive weight or leave the row out",
        )
