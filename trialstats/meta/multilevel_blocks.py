"""Effects in independent blocks, and the terms that make them dependent.

    y = X beta + sum of random terms + sampling errors
    M = V + sum_s G_s[inner_i, inner_j] (outer_i = outer_j)

Rows are dependent when V has a covariance between them or when a term has them in one
group; the connected components are the blocks. Blocks of one size are stacked, so that
the cost is linear in their number. A random intercept is a term whose inner factor has
one level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, row_label
from trialstats.meta.multilevel_covariances import IntArray, Structure


@dataclass(frozen=True)
class Term:
    """Random effects of the levels of an inner factor in each group of an outer one.

    Attributes
    ----------
    name : str
    outer, inner : (k,) array of int
        Codes of each row.
    outer_labels, inner_labels : tuple
        What the codes stand for.
    structure : Structure
    kind : str
        Name in `STRUCTURES`; empty for a random intercept.
    several : bool
        Whether levels have their own variances.
    """

    name: str
    outer: IntArray
    inner: IntArray
    outer_labels: tuple[Any, ...]
    inner_labels: tuple[Any, ...]
    structure: Structure
    kind: str = ""
    several: bool = False

    @property
    def is_intercept(self) -> bool:
        """Whether the term is a random intercept."""
        return not self.kind


@dataclass(frozen=True)
class Batch:
    """Blocks of m rows, n of them.

    Attributes
    ----------
    rows : (n, m) array of int
        Positions in the input.
    effect : (n, m) array
    design : (n, m, p) array
    sampling : (n, m, m) array
        V.
    same : tuple of (n, m, m) arrays
        For each term 1 where two rows are in one group, else 0.
    inner : tuple of (n, m) arrays of int
        For each term the levels of the inner factor.
    """

    rows: IntArray
    effect: FloatArray
    design: FloatArray
    sampling: FloatArray
    same: tuple[FloatArray, ...]
    inner: tuple[IntArray, ...]


@dataclass(frozen=True)
class Sampling:
    """The covariance of the sampling errors: a diagonal, or a whole matrix."""

    variance: FloatArray
    matrix: FloatArray | None = None

    def block(self, rows: IntArray) -> FloatArray:
        """Return V of (n, m) rows, (n, m, m)."""
        if self.matrix is not None:
            return np.asarray(self.matrix[rows[:, :, None], rows[:, None, :]])
        result = np.zeros((*rows.shape, rows.shape[1]))
        diagonal = np.arange(rows.shape[1])
        result[:, diagonal, diagonal] = self.variance[rows]
        return result


def codes_of(values: Any) -> tuple[IntArray, tuple[Any, ...]]:
    """Return codes and sorted labels of a factor."""
    labels, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.intp), tuple(labels.tolist())


def in_canonical_order(effect: FloatArray, variance: FloatArray) -> IntArray:
    """Return an order of the rows that does not depend on how they were given."""
    return np.lexsort((effect, variance)).astype(np.intp)


def components(sampling: Sampling, terms: Sequence[Term]) -> IntArray:
    """Return the block of each row, (k,)."""
    k = len(sampling.variance)
    nodes, ends, first = [], [], k
    # A group is a node too: linking rows to it takes k links and not k squared.
    for term in terms:
        nodes.append(np.arange(k))
        ends.append(first + term.outer)
        first += len(term.outer_labels)
    if sampling.matrix is not None:
        linked = np.nonzero(np.triu(sampling.matrix, 1))
        nodes.append(linked[0])
        ends.append(linked[1])
    if not nodes:
        return np.arange(k)
    left, right = np.concatenate(nodes), np.concatenate(ends)
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(first, first))
    return np.asarray(connected_components(graph, directed=False)[1][:k])


def batches(
    effect: FloatArray, design: FloatArray, sampling: Sampling, terms: Sequence[Term]
) -> tuple[Batch, ...]:
    """Return the rows in blocks, blocks of one size together."""
    block = components(sampling, terms)
    order = in_canonical_order(effect, sampling.variance)
    # Stable: within a block rows stay in the canonical order.
    order = order[np.argsort(block[order], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(block[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    result = []
    for size in np.unique(sizes):
        first = starts[sizes == size]
        rows = order[first[:, None] + np.arange(size)[None, :]]
        # Blocks in the order of their first rows, however they were numbered.
        leading = rows[:, 0]
        rank = np.lexsort((effect[leading], sampling.variance[leading]))
        rows = rows[rank].astype(np.intp)
        result.append(_batch(rows, effect, design, sampling, terms))
    return tuple(result)


def _batch(
    rows: IntArray,
    effect: FloatArray,
    design: FloatArray,
    sampling: Sampling,
    terms: Sequence[Term],
) -> Batch:
    same, inner = [], []
    for term in terms:
        groups = term.outer[rows]
        same.append((groups[:, :, None] == groups[:, None, :]).astype(float))
        inner.append(term.inner[rows])
    return Batch(
        rows,
        effect[rows],
        design[rows],
        sampling.block(rows),
        tuple(same),
        tuple(inner),
    )


def over_rows(matrix: FloatArray, batch: Batch, position: int) -> FloatArray:
    """Return (…, q, q) over levels as (…, n, m, m) over the rows of a term's groups."""
    same = batch.same[position]
    if matrix.shape[-1] == 1:
        return np.asarray(matrix[..., 0, 0, None, None, None] * same)
    levels = batch.inner[position]
    spread = matrix[..., levels[:, :, None], levels[:, None, :]]
    return np.asarray(spread * same)


def over_levels(matrix: FloatArray, batch: Batch, position: int, q: int) -> FloatArray:
    """Return the sums of (n, m, m) over pairs of rows in a group, by levels: (q, q)."""
    within = matrix * batch.same[position]
    if q == 1:
        return np.array([[within.sum()]])
    levels = batch.inner[position]
    pair = levels[:, :, None] * q + levels[:, None, :]
    sums = np.bincount(pair.ravel(), weights=within.ravel(), minlength=q * q)
    return np.asarray(sums.reshape(q, q))


def check_positive_definite(stacked: Sequence[Batch]) -> None:
    """Raise a DataError that names the first block whose V is not positive definite."""
    for batch in stacked:
        try:
            np.linalg.cholesky(batch.sampling)
        except np.linalg.LinAlgError:
            smallest = np.linalg.eigvalsh(batch.sampling)[:, 0]
            at = int(np.argmin(smallest))
            rows = ", ".join(str(int(r) + 1) for r in sorted(batch.rows[at]))
            raise DataError(
                "the sampling covariance of the block of rows "
                f"{rows} is not positive definite "
                f"(smallest eigenvalue {smallest[at]:.3g})",
                row=row_label(int(min(batch.rows[at]))),
                column="covariance",
                remedy="correct the correlations, or leave out an effect that follows "
                "from the others",
            ) from None
