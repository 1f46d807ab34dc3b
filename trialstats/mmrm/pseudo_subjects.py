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
from typing import Any

import numpy as np
import pandas as pd
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
#: Ratio of the spread at two visits from which rows are brought to one scale.
_UNLIKE = 2.0**10


@dataclass(frozen=True)
class Layout:
    """Where each subject's rows stand: ``n`` subjects in canonical order, t visits.

    Attributes
    ----------
    positions : (n, t) array
        Row of the design at each visit, -1 where there is none.
    visits : tuple
        Labels of the visits, or slot numbers for spatial structures.
    times : (n, t) array, optional
        Visit times, for spatial structures.
    group : (n,) array
        Covariance group of each subject.
    groups : tuple
        Labels of the covariance groups.
    subjects : (n,) array
        Code of each subject among `labels`.
    labels : Index
    """

    positions: IntArray
    visits: tuple[Any, ...]
    times: FloatArray | None
    group: IntArray
    groups: tuple[Any, ...]
    subjects: IntArray
    labels: pd.Index

    @property
    def observed(self) -> BoolArray:
        """Where there is a row, (n, t)."""
        return self.positions >= 0


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
    kind, block = _classes(design, layout)
    parts, blocks = _reduced(design, layout, kind, root)
    rows, owner = np.concatenate(parts), np.concatenate(blocks)
    of_row = block[owner]
    order = np.argsort(of_row, kind="stable")
    rows, of_row = rows[order], of_row[order]

    first = np.unique(block, return_index=True)[1]
    observed = layout.observed[first]
    counts = np.bincount(block).astype(float)
    seen = observed[of_row]
    triangle, coefficients, rows, crossproduct = _orthonormal(design, rows, seen)
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
        crossproduct=crossproduct,
        sum_log_weights=0.0
        if weights is None
        else float(np.sort(np.log(weights)).sum()),
        n_observations=len(design.response),
        n_subjects=len(layout.positions),
        rounding=_ROUNDING * float(size.max()),
    )


def _classes(design: Design, layout: Layout) -> tuple[IntArray, IntArray]:
    """Return the class and the block of each subject, numbered by first appearance.

    The subjects stand in canonical order, sorted by block and then by class.
    """
    columns = [layout.group, *layout.observed.T.astype(np.int64)]
    if layout.times is not None:
        columns += [np.unique(at, return_inverse=True)[1] for at in layout.times.T]
    block = _runs(columns)
    cells = np.where(layout.observed, design.cells[layout.positions], -1)
    return _runs([block, *cells.T]), block


def _runs(columns: list[IntArray]) -> IntArray:
    """Return the number of each run of equal values in sorted columns."""
    change = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    return np.cumsum(change)


def _reduced(
    design: Design, layout: Layout, kind: IntArray, root: FloatArray | None
) -> tuple[list[FloatArray], list[IntArray]]:
    """Return rows (r, t, p + 1) of pseudo-subjects and the subject each comes from."""
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
    for start, size in zip(starts[large], sizes[large], strict=True):
        part = _factored(design, layout, start, size, constant, root)
        parts.append(part)
        owners.append(np.full(len(part), start))
    return parts, owners


def _constant(design: Design, layout: Layout) -> BoolArray:
    """Return which numeric columns have one value per subject."""
    first = layout.positions[
        np.arange(len(layout.positions)), layout.observed.argmax(axis=1)
    ]
    subject = np.empty(len(design.response), dtype=np.int64)
    subject[layout.positions[layout.observed]] = np.nonzero(layout.observed)[0]
    result = np.ones(design.numeric.shape[1], dtype=bool)
    for j in range(1, len(result)):
        column = design.numeric[:, j]
        result[j] = np.array_equal(column[first][subject], column)
    result[0] = True
    return result


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
    root: FloatArray | None,
) -> FloatArray:
    """Return the pseudo-subjects of one class of subjects."""
    positions = layout.positions[start : start + size]
    visits = np.flatnonzero(positions[0] >= 0)
    at = positions[:, visits]
    fixed, moving = np.flatnonzero(constant), np.flatnonzero(~constant)
    numbers = [design.numeric[at[:, 0]][:, fixed]]
    for j in moving:
        column = design.numeric[:, j][at]
        numbers.append(column if root is None else column * root[at])
    response = design.response[at]
    numbers.append(response if root is None else response * root[at])
    factor = np.asarray(np.linalg.qr(np.concatenate(numbers, axis=1), mode="r"))

    # Column of the factor that holds each numeric column at each visit.
    place = np.empty((len(visits), len(constant)), dtype=np.int64)
    place[:, fixed] = np.arange(len(fixed))
    steps = np.arange(len(visits))
    for i, j in enumerate(moving):
        place[:, j] = len(fixed) + i * len(visits) + steps
    coding = design.coding[design.cells[at[0]]]
    result = np.zeros((len(factor), positions.shape[1], len(design.names) + 1))
    result[:, visits, :-1] = factor[:, place[:, design.numeric_of]] * coding
    result[:, visits, -1] = factor[:, factor.shape[1] - len(visits) :]
    return result


def _orthonormal(
    design: Design, rows: FloatArray, seen: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the triangle of the design, coefficients, orthonormal rows, and ``X' X``.

    Where visits differ in scale by orders of magnitude, the rows are orthonormal once
    each visit is divided by its spread: ``X' V^-1 X`` is then formed without loss.
    """
    p = len(design.names)
    stacked = rows[seen]
    size = np.sqrt((stacked[:, :p] ** 2).sum(axis=0))
    safe = np.where(size > 0, size, 1.0)
    orthonormal, triangle = np.linalg.qr(stacked[:, :p] / safe)
    check_rank(triangle * np.where(size > 0, 1.0, 0.0), design)
    coefficients = orthonormal.T @ stacked[:, p]
    residual = stacked[:, p] - orthonormal @ coefficients
    _check_residual(design, residual, stacked[:, p])
    whole = triangle * size
    scale = _scales(residual, np.nonzero(seen)[1])
    if scale is not None:
        orthonormal, triangle = np.linalg.qr(stacked[:, :p] / (safe * scale))
        coefficients = orthonormal.T @ (stacked[:, p] / scale[:, 0])
        orthonormal *= scale
        residual = stacked[:, p] - orthonormal @ coefficients
    result = np.zeros_like(rows)
    result[seen] = np.column_stack([orthonormal, residual])
    return triangle * size, coefficients, result, whole.T @ whole


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


def _scales(residual: FloatArray, visit: IntArray) -> FloatArray | None:
    """Return the spread at the visit of each row, (rows, 1); None where they are alike.

    Powers of two, so that dividing by them is exact.
    """
    squares = np.bincount(visit, residual**2)
    spread = np.sqrt(squares / np.maximum(np.bincount(visit), 1))
    floor = spread.max() / 2.0**30
    if spread.max() < _UNLIKE * spread.min():
        return None
    powers = 2.0 ** np.round(np.log2(np.maximum(spread, floor)))
    return np.asarray(powers[visit][:, None])


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
