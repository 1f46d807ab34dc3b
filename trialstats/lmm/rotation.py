"""Rows rotated until those with random effects are few: what a fit needs to know.

    y = X beta + sum_f Z_f b_f + e

An orthogonal rotation of the rows leaves the distribution of ``e`` as it is and splits
off rows in which no random effect is left. Three rotations follow each other.

1. Twins. Levels of a factor whose rows have equal coefficients in every factor (the
   subjects of a centre seen at the same visits) become their mean, times the root of
   their number, and contrasts in which the other factors have cancelled.
2. Components. Rows joined by a level form a component; ``Z = Q R`` within it leaves
   ``R`` and ``T = Q' [X y]``, and residuals ``[X y] - Q T`` of which the
   cross-products suffice.
3. Copies. Components with the same ``R`` share their covariance, so their ``T``,
   stacked, are replaced by the triangle of their QR decomposition.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph

from trialstats.linear_model import FloatArray
from trialstats.lmm.ordering import Codes

#: Length below which a row of R is zero; the squares of a random effect's coefficients
#: sum to about one per level.
RANK = 1e-10

#: Diagonal of R above which the rank needs no closer look.
FULL_RANK = 1e-3


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the model: level and coefficients per factor, and ``[X y]``."""

    levels: list[Codes]
    values: list[FloatArray]
    data: FloatArray


@dataclass(frozen=True, slots=True)
class Block:
    """Rotated components of one size.

    Parameters
    ----------
    structure : (g, K, r, r) array
        ``V_k = R D_k R'`` of each distinct covariance.
    counts : (g,) array
        How many components have that covariance.
    data : (g, r, J, p + 1) array
        Their rotated ``[X y]``, in J copies, some of which may be zero.
    """

    structure: FloatArray
    counts: FloatArray
    data: FloatArray


@dataclass(frozen=True, slots=True)
class Rotated:
    """What the likelihood needs of the data.

    Parameters
    ----------
    blocks : tuple of Block
        Rows with random effects.
    within : (p + 1, p + 1) array
        ``[X y]'[X y]`` over the rows without.
    n_within, n : int
        Number of rows without random effects, and of all rows.
    """

    blocks: tuple[Block, ...]
    within: FloatArray
    n_within: int
    n: int


#: For each parameter of the random part: factor, row and column in its matrix.
Places = list[tuple[int, int, int]]


class _Collector:
    """Blocks and cross-products as they are found."""

    def __init__(self, places: Places, width: int) -> None:
        self.places, self.width = places, width
        self.within = np.zeros((width, width))
        self.rows_used = 0
        self.found: dict[tuple[int, bool], list[tuple[FloatArray, ...]]] = defaultdict(
            list
        )

    def structure(self, factor: int, triangle: FloatArray) -> FloatArray:
        """Return ``V_k`` (u, K, r, r) of triangles (u, r, levels, q) of a factor."""
        shape = (len(triangle), len(self.places), triangle.shape[1], triangle.shape[1])
        found = np.zeros(shape)
        for k, (owner, i, j) in enumerate(self.places):
            if owner == factor:
                left, right = triangle[..., i], triangle[..., j]
                product = left @ np.swapaxes(right, 1, 2)
                found[:, k] = (
                    product if i == j else product + np.swapaxes(product, 1, 2)
                )
        return found

    def add(self, structure: FloatArray, count: int, copies: FloatArray) -> None:
        """Add one covariance (K, r, r) with its components' data (J, r, p + 1)."""
        rank = structure.shape[-1]
        self.rows_used += count * rank
        if len(copies) > rank * self.width:
            flat = copies.reshape(len(copies), -1)
            copies = np.asarray(np.linalg.qr(flat, mode="r"))
            copies = copies.reshape(-1, rank, self.width)
        data = copies.transpose(1, 0, 2)
        self.found[rank, len(copies) > 1].append(
            (structure[None], np.array([float(count)]), data[None])
        )

    def add_single(
        self, structure: FloatArray, data: FloatArray, classes: Codes
    ) -> None:
        """Add components (g, r, p + 1), each of one of the classes of covariances."""
        counts = np.bincount(classes, minlength=len(structure))
        alone = counts[classes] == 1
        rank = structure.shape[-1]
        if alone.any():
            self.rows_used += int(alone.sum()) * rank
            self.found[rank, False].append(
                (
                    structure[classes[alone]],
                    np.ones(int(alone.sum())),
                    data[alone][:, :, None, :],
                )
            )
        for each in np.flatnonzero(counts > 1):
            self.add(structure[each], int(counts[each]), data[classes == each])

    def result(self, n: int) -> Rotated:
        """Return the blocks, those of one size together."""
        blocks = []
        for (rank, _), parts in sorted(self.found.items()):
            copies = max(part[2].shape[2] for part in parts)
            data = [
                np.pad(
                    part[2], ((0, 0), (0, 0), (0, copies - part[2].shape[2]), (0, 0))
                )
                if part[2].shape[2] < copies
                else part[2]
                for part in parts
            ]
            if rank:
                blocks.append(
                    Block(
                        np.concatenate([part[0] for part in parts]),
                        np.concatenate([part[1] for part in parts]),
                        np.concatenate(data),
                    )
                )
        return Rotated(tuple(blocks), self.within, n - self.rows_used, n)


def rotate(rows: Rows, places: Places) -> Rotated:
    """Return what the likelihood needs of rows in canonical order.

    Parameters
    ----------
    rows : Rows
        Every row has a level of every factor.
    places : list of (factor, row, column)
        The parameters of the random part.
    """
    n, width = rows.data.shape
    collected = _Collector(places, width)
    if not rows.levels:
        collected.within += rows.data.T @ rows.data
    elif len(rows.levels) == 1:
        _add_levels(collected, 0, rows.levels[0], rows.values[0], rows.data)
    else:
        sizes = [int(codes.max()) + 1 for codes in rows.levels]
        for factor in sorted(range(len(sizes)), key=lambda f: (-sizes[f], f)):
            rows, contrasts = _merge_twins(rows, factor)
            if contrasts is not None:
                _add_levels(collected, factor, *contrasts)
        _add_components(collected, rows)
    return collected.result(n)


def _add_levels(
    collected: _Collector,
    factor: int,
    level: Codes,
    values: FloatArray,
    data: FloatArray,
) -> None:
    """Add rows that have effects of one factor: each level is a component."""
    for index in _by_size(level, values):
        z = values[index]
        classes, first = _classes(z.reshape(len(z), -1))
        q, r, ranks = _ranked(z[first])
        for rank in np.unique(ranks):
            chosen = np.flatnonzero(ranks == rank)
            members = np.isin(classes, chosen)
            own = np.searchsorted(chosen, classes[members])
            here = data[index[members]]
            rotation = q[chosen][own][:, :, :rank]
            rotated = np.swapaxes(rotation, 1, 2) @ here
            left = (here - rotation @ rotated).reshape(-1, data.shape[1])
            collected.within += left.T @ left
            structure = collected.structure(factor, r[chosen][:, :rank, None, :])
            collected.add_single(structure, rotated, own)


def _ranked(z: FloatArray) -> tuple[FloatArray, FloatArray, Codes]:
    """Return Q, R and the rank of each matrix; rows of R from the rank on are zero."""
    q, r = np.linalg.qr(z)
    diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
    if (diagonal > FULL_RANK).all():
        return q, r, np.full(len(z), r.shape[1])
    left, size, right = np.linalg.svd(r, full_matrices=False)
    return q @ left, size[:, :, None] * right, (size > RANK).sum(axis=1)


def _by_size(level: Codes, values: FloatArray) -> list[Codes]:
    """Return positions (levels, rows) of the levels with each number of rows."""
    order = np.lexsort((*values.T[::-1], level))
    _, start, counts = np.unique(level[order], return_index=True, return_counts=True)
    return [
        order[start[counts == size][:, None] + np.arange(size)]
        for size in np.unique(counts)
    ]


def _classes(keys: FloatArray) -> tuple[Codes, Codes]:
    """Return the class of each row of (g, c) keys, and the first row of each class."""
    if (keys == keys[0]).all():
        return np.zeros(len(keys), dtype=np.int64), np.zeros(1, dtype=np.int64)
    whole = np.ascontiguousarray(keys).view(f"V{keys.itemsize * keys.shape[1]}")
    _, first, classes = np.unique(whole.ravel(), return_index=True, return_inverse=True)
    return classes, first


def _merge_twins(
    rows: Rows, factor: int
) -> tuple[Rows, tuple[Codes, FloatArray, FloatArray] | None]:
    """Replace levels of a factor with equal coefficients by mean and contrasts."""
    others = [f for f in range(len(rows.levels)) if f != factor]
    keys = np.column_stack(
        [
            *(rows.levels[f].astype(float) for f in others),
            *(rows.values[f] for f in others),
            rows.values[factor],
        ]
    )
    kept_rows: list[Codes] = []
    scales: list[FloatArray] = []
    means: list[FloatArray] = []
    contrasts: list[tuple[Codes, FloatArray, FloatArray]] = []
    next_level = 0
    for index in _by_size(rows.levels[factor], keys):
        group = keys[index].reshape(len(index), -1)
        classes, first = _classes(group)
        counts = np.bincount(classes)
        alone = index[counts[classes] == 1].ravel()
        kept_rows.append(alone)
        scales.append(np.ones(len(alone)))
        means.append(rows.data[alone])
        for each in np.flatnonzero(counts > 1):
            data = rows.data[index[classes == each]]
            size = len(data)
            kept_rows.append(index[first[each]])
            scales.append(np.full(index.shape[1], size**0.5))
            means.append(data.sum(axis=0) / size**0.5)
            level = next_level + np.repeat(np.arange(size - 1), index.shape[1])
            values = np.tile(rows.values[factor][index[first[each]]], (size - 1, 1))
            left = _contrasts(data).reshape(-1, data.shape[2])
            contrasts.append((level, values, left))
            next_level += size - 1
    if not contrasts:
        return rows, None
    position = np.concatenate(kept_rows)
    scale = np.concatenate(scales)
    order = np.argsort(position, kind="stable")
    at, times = position[order], scale[order, None]
    merged = Rows(
        [codes[at] for codes in rows.levels],
        [
            values[at] if f == factor else values[at] * times
            for f, values in enumerate(rows.values)
        ],
        np.concatenate(means)[order],
    )
    level, values, left = (
        np.concatenate(part) for part in zip(*contrasts, strict=True)
    )
    return merged, (level, values, left)


def _contrasts(data: FloatArray) -> FloatArray:
    """Return the J - 1 orthonormal contrasts of the first axis of (J, ...) data."""
    number = np.arange(1, len(data)).reshape(-1, *[1] * (data.ndim - 1))
    before = np.cumsum(data[:-1], axis=0)
    return np.asarray((before - number * data[1:]) / np.sqrt(number * (number + 1)))


def _add_components(collected: _Collector, rows: Rows) -> None:
    """Add rows that have effects of several factors, a connected set at a time."""
    n = len(rows.data)
    sizes = [int(codes.max()) + 1 for codes in rows.levels]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    nodes = [
        codes + start for codes, start in zip(rows.levels, starts[:-1], strict=True)
    ]
    edges = sparse.coo_array(
        (
            np.ones(n * (len(nodes) - 1)),
            (np.tile(nodes[0], len(nodes) - 1), np.concatenate(nodes[1:])),
        ),
        shape=(starts[-1], starts[-1]),
    )
    _, label = csgraph.connected_components(edges, directed=False)
    component = label[nodes[0]]
    # Components follow each other as their first rows do.
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")[inverse]
    order = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[order], np.arange(len(first) + 1))
    alike: dict[bytes, list[Codes]] = defaultdict(list)
    blocks: dict[bytes, list[FloatArray]] = {}
    for start, stop in itertools.pairwise(bounds):
        at = order[start:stop]
        columns = [
            _own_columns(codes[at], values[at])
            for codes, values in zip(rows.levels, rows.values, strict=True)
        ]
        key = b"".join(c.tobytes() + repr(c.shape).encode() for c in columns)
        alike[key].append(at)
        blocks.setdefault(key, columns)
    for key, members in alike.items():
        _add_component(collected, blocks[key], rows.data[np.stack(members)])


def _own_columns(codes: Codes, values: FloatArray) -> FloatArray:
    """Return the columns (rows, levels, q) of one factor within a component."""
    present, local = np.unique(codes, return_inverse=True)
    columns = np.zeros((len(codes), len(present), values.shape[1]))
    columns[np.arange(len(codes)), local] = values
    return columns


def _add_component(
    collected: _Collector, columns: list[FloatArray], data: FloatArray
) -> None:
    """Add components (J, rows, p + 1) that share their columns."""
    flat = [c.reshape(len(c), -1) for c in columns]
    q, r, pivots = linalg.qr(np.hstack(flat), mode="economic", pivoting=True)
    # Columns of crossed factors depend on each other: the last rows of R are zero.
    rank = int((np.abs(np.diag(r)) > RANK).sum())
    q, r = q[:, :rank], r[:rank, np.argsort(pivots)]
    rotated = q.T @ data
    left = (data - q @ rotated).reshape(-1, data.shape[2])
    collected.within += left.T @ left
    bounds = np.cumsum([c.shape[1] for c in flat])[:-1]
    structure = sum(
        collected.structure(f, part.reshape(1, len(r), *c.shape[1:]))
        for f, (part, c) in enumerate(
            zip(np.split(r, bounds, axis=1), columns, strict=True)
        )
    )
    collected.add(np.asarray(structure)[0], len(data), rotated)
