"""Bias-reduced scores of clusters, and the degrees of freedom that go with them.

Symbols and references as in `robust`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trialstats.errors import DataError
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.multilevel_covariances import IntArray

#: Eigenvalues of S_c below this share of the largest count as zero: the coefficients
#: take up the cluster.
_RANK = 1e-10

#: Share of a variance that may be missing on average. Clusters whose means are taken
#: up leave slopes a little short (0.02); a coefficient that one cluster tells, much.
_SHORT = 0.1

#: A block of rows with its working covariance and its weights.
Block = tuple[IntArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class Cluster:
    """Rows of a cluster with what is theirs: X_c, Phi_c, W_c and e_c."""

    rows: IntArray
    design: FloatArray
    working: FloatArray
    weight: FloatArray
    residual: FloatArray


def clusters_of(
    design: FloatArray,
    residual: FloatArray,
    codes: IntArray,
    labels: tuple[Any, ...],
    blocks: Sequence[Block],
) -> list[Cluster]:
    """Return the clusters, in the order of the labels.

    Raises
    ------
    DataError
        When a block reaches over several clusters.
    """
    own: list[list[Block]] = [[] for _ in labels]
    for block in blocks:
        found = np.unique(codes[block[0]])
        if len(found) > 1:
            listed = ", ".join(str(labels[c]) for c in found[:5])
            raise DataError(
                f"clusters {listed} share random effects or sampling errors",
                column="cluster",
                remedy="use the outermost grouping as cluster, or kind='CR1'",
            )
        own[int(found[0])].append(block)
    result = []
    for parts in own:
        rows = np.concatenate([rows for rows, _, _ in parts])
        working = np.zeros((len(rows), len(rows)))
        weight = np.zeros_like(working)
        at = 0
        for block_rows, phi, w in parts:
            span = slice(at, at + len(block_rows))
            working[span, span], weight[span, span] = phi, w
            at += len(block_rows)
        result.append(Cluster(rows, design[rows], working, weight, residual[rows]))
    return result


def _left_over(
    clusters: Sequence[Cluster], bread: FloatArray
) -> Callable[[int], tuple[FloatArray, FloatArray, FloatArray]]:
    """Return what ((I - H) Phi (I - H)')_cd is made of.

    For cluster c the parts X_c, Phi_c W_c X_c and, common to all, the middle matrix
    B (sum X'W Phi W X) B: the block is
    Phi_c [c = d] - X_c B X_d'W_d Phi_d - Phi_c W_c X_c B X_d' + X_c middle X_d'.
    """
    moved = [c.working @ c.weight @ c.design for c in clusters]
    inner = sum(
        (c.weight @ c.design).T @ m for c, m in zip(clusters, moved, strict=True)
    )
    middle = bread @ inner @ bread

    def parts(number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        return clusters[number].design, moved[number], middle

    return parts


def bias_reduced(clusters: Sequence[Cluster], bread: FloatArray) -> list[FloatArray]:
    """Return A_c W_c X_c of each cluster, (m, p)."""
    parts = _left_over(clusters, bread)
    result = []
    for number, c in enumerate(clusters):
        x, moved, middle = parts(number)
        crossed = moved @ bread @ x.T
        left = c.working - crossed - crossed.T + x @ middle @ x.T
        factor = np.linalg.cholesky(c.working).T
        inner = factor @ left @ factor.T
        roots, vectors = np.linalg.eigh((inner + inner.T) / 2)
        keep = roots > _RANK * max(float(roots[-1]), 0.0)
        power = np.where(keep, np.where(keep, roots, 1.0) ** -0.5, 0.0)
        adjust = factor.T @ (vectors * power) @ vectors.T @ factor
        result.append(np.asarray(adjust @ c.weight @ x))
    return result


class Satterthwaite:
    """Degrees of freedom of contrasts with bias-reduced errors."""

    def __init__(
        self,
        clusters: Sequence[Cluster],
        halves: Sequence[FloatArray],
        bread: FloatArray,
    ) -> None:
        self.bread = bread
        parts = _left_over(clusters, bread)
        found = [parts(number) for number in range(len(clusters))]
        self.own = np.stack(
            [h.T @ c.working @ h for h, c in zip(halves, clusters, strict=True)]
        )
        self.on_design = np.stack(
            [h.T @ x for h, (x, _, _) in zip(halves, found, strict=True)]
        )
        self.on_moved = np.stack(
            [h.T @ m for h, (_, m, _) in zip(halves, found, strict=True)]
        )
        self.middle = found[0][2]

    def __call__(self, contrasts: FloatArray) -> float:
        """Return the degrees of freedom of (q, p) contrasts together.

        For one contrast Satterthwaite's; for several those of the Wishart matrix
        whose total variance is that of the robust covariance.
        """
        q = len(contrasts)
        rows = contrasts @ self.bread
        cross = self._covariances(rows)
        mean = np.einsum("stcc->st", cross)
        roots, vectors = np.linalg.eigh((mean + mean.T) / 2)
        if roots[0] <= _RANK * roots[-1]:
            return math.nan
        rows = (vectors * roots**-0.5) @ vectors.T @ rows
        cross = self._covariances(rows)
        own = np.einsum("sscd->scd", cross)
        total = np.einsum("scd,tcd->", own, own)
        total += np.einsum("stcd,stdc->", cross, cross)
        return float(q * (q + 1) / total)

    def biased(self) -> BoolArray:
        """Return the coefficients, (p,), whose variance falls short on average.

        A cluster that a coefficient takes up leaves no residual for it, and the others
        do not know how it varies.
        """
        met = np.array(
            [
                float(np.einsum("stcc->", self._covariances(self.bread[[j]])))
                for j in range(len(self.bread))
            ]
        )
        wanted = np.diag(self.middle)
        return np.asarray(met < (1 - _SHORT) * wanted)

    def _covariances(self, rows: FloatArray) -> FloatArray:
        """Return the covariance of the scores of clusters, (q, q, J, J)."""
        u = np.einsum("sp,cpq->scq", rows, self.on_design)
        m = np.einsum("sp,cpq->scq", rows, self.on_moved)
        crossed = np.einsum("scp,pq,tdq->stcd", m, self.bread, u, optimize=True)
        cross = np.einsum("scp,pq,tdq->stcd", u, self.middle, u, optimize=True)
        cross = cross - crossed - crossed.transpose(1, 0, 3, 2)
        at = np.arange(len(self.own))
        cross[:, :, at, at] += np.einsum("sp,cpq,tq->stc", rows, self.own, rows)
        return np.asarray(cross)
