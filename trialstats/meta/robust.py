"""Cluster-robust covariance of the coefficients of a meta-analysis.

    V = B (sum_c X_c' W_c A_c e_c e_c' A_c' W_c X_c) B,   B = (X'WX)^-1

with clusters c, residuals e and weights W. CR0 has A_c = I; CR1 multiplies by
J/(J - p) for J clusters and p coefficients; CR2 takes the symmetric A_c that makes V
unbiased when the working covariance Phi (sampling errors and random effects) is the
true one:

    A_c = D' S_c^{-1/2} D,   S_c = D ((I - H) Phi (I - H)')_cc D',   D'D = Phi_c

Then t has Satterthwaite's degrees of freedom: with p_c the vectors of a contrast,
P = (p_c' ((I - H) Phi (I - H)')_cd p_d), they are (tr P)^2 / sum P_cd^2.

References
----------
Hedges LV, Tipton E, Johnson MC, Res Synth Methods 2010;1:39-65. Bell RM, McCaffrey
DF, Surv Methodol 2002;28:169-181. Pustejovsky JE, Tipton E, J Bus Econ Stat
2018;36:672-683.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.moderators import Moderators
from trialstats.meta.multilevel_covariances import IntArray
from trialstats.meta.multilevel_inputs import read_factor
from trialstats.meta.multilevel_results import columns_to_test, quantiles, tails
from trialstats.meta.pooled import OmnibusTest

#: Eigenvalues of S_c below this share of the largest count as zero: the coefficients
#: take up the cluster.
_RANK = 1e-10

#: Kinds of covariance, with the words for them.
KINDS = {
    "CR0": "unadjusted, t with clusters minus coefficients df",
    "CR1": "times J/(J - p), t with clusters minus coefficients df",
    "CR2": "bias-reduced, Satterthwaite's df",
}


@dataclass(frozen=True)
class _Cluster:
    """Rows of a cluster with what is theirs."""

    rows: IntArray
    design: FloatArray
    working: FloatArray
    weight: FloatArray
    residual: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ClusterRobust:
    """Coefficients with cluster-robust errors. Unrounded.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper, statistic, df, p_value : float
        The coefficient of a model with one; NaN with several: see `coefficients`.
    coefficients : DataFrame
        term, estimate, standard_error, df, statistic, p_value, ci_lower, ci_upper.
    covariance : ndarray of shape (p, p)
    kind : str
    n_clusters, k : int
    level : float
    terms : tuple of str
    not_estimable : mapping of str to str
        Reason for each error that does not exist.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    df: float
    p_value: float
    coefficients: pd.DataFrame
    covariance: FloatArray
    kind: str
    n_clusters: int
    k: int
    level: float
    terms: tuple[str, ...]
    not_estimable: dict[str, str]
    _moderators: Moderators = field(repr=False)
    _joint: Callable[[FloatArray], float] = field(repr=False)

    @property
    def method(self) -> str:
        """The method in words, complete."""
        return (
            f"cluster-robust {self.kind}, {self.n_clusters} clusters: "
            f"{KINDS[self.kind]}; {self.level * 100:g}% t intervals"
        )

    def test(self, terms: Any = None) -> OmnibusTest:
        """Test that coefficients are zero together.

        With CR2 by the approximate Hotelling test of Pustejovsky and Tipton ("HTZ"),
        else by the F test with clusters minus coefficients df.

        Parameters
        ----------
        terms : str, int or sequence of these, optional
            All but the intercept when absent.

        Returns
        -------
        OmnibusTest
            NaN where the clusters are too few to test so many coefficients.
        """
        p = len(self.terms)
        chosen = columns_to_test(self._moderators, terms)
        size = len(chosen)
        beta = self.coefficients["estimate"].to_numpy()[chosen]
        block = self.covariance[np.ix_(chosen, chosen)]
        # In units of each coefficient, so that scales of moderators do not matter.
        unit = np.sqrt(np.diag(block))
        if not (unit > 0).all():
            return OmnibusTest(math.nan, size, math.nan, math.nan)
        scaled = block / np.outer(unit, unit)
        if np.linalg.matrix_rank(scaled) < size:
            return OmnibusTest(math.nan, size, math.nan, math.nan)
        square = float(beta / unit @ np.linalg.solve(scaled, beta / unit))
        df = self._joint(np.eye(p)[chosen])
        below = df - size + 1 if self.kind == "CR2" else df
        if not below > 0:
            return OmnibusTest(math.nan, size, math.nan, math.nan)
        statistic = square / size
        if self.kind == "CR2":
            statistic *= below / df
        p_value = float(fdtrc(size, below, statistic))
        return OmnibusTest(statistic, size, below, p_value)


def cluster_robust(
    fit: Any,
    cluster: Any,
    *,
    kind: str = "CR2",
    data: pd.DataFrame | None = None,
    level: float | None = None,
) -> ClusterRobust:
    """Return errors that hold when effects in a cluster are dependent in any way.

    Parameters
    ----------
    fit : Pooled, PooledMultilevel or LocationScale
        Its weights make the estimate, and its covariance is the working one.
    cluster : array_like of shape (k,) or str
        Cluster of each effect, in the order in which the effects were given; or the
        name of a column of `data`, by default the data of the fit.
    kind : {"CR2", "CR1", "CR0"}
        CR2 with Satterthwaite's degrees of freedom is the one for few clusters.
    data : DataFrame, optional
    level : float, optional
        Confidence level; that of the fit when absent.

    Returns
    -------
    ClusterRobust

    Raises
    ------
    DataError
        For an unknown kind, a missing label, or, with CR2, random effects or sampling
        errors that are shared by several clusters.
    NotEstimableError
        When there are no more clusters than coefficients (CR0, CR1), or only one.

    Examples
    --------
    >>> from trialstats.meta.multilevel import pool_multilevel
    >>> pooled = pool_multilevel(
    ...     [0.1, 0.3, 0.2, 0.9, 1.1, 0.4, 0.6],
    ...     [0.01, 0.02, 0.02, 0.03, 0.01, 0.02, 0.02],
    ...     levels={"trial": ["a", "a", "a", "b", "b", "c", "c"]},
    ... )
    >>> robust = cluster_robust(pooled, ["a", "a", "a", "b", "b", "c", "c"])
    >>> round(robust.standard_error, 3), round(robust.df, 2)
    (0.253, 2.0)
    """
    one_of("kind", kind, KINDS)
    level = fit.level if level is None else level
    check_level(level)
    if data is None:
        data = fit.options.get("data")
    design = np.asarray(fit.design, dtype=float)
    k, p = design.shape
    codes, labels = read_factor("cluster", cluster, data, k)
    n = len(labels)
    if n < 2 or (kind != "CR2" and n <= p):
        raise NotEstimableError(
            f"{kind} needs more clusters than coefficients: {n} and {p}"
        )
    beta = fit.coefficients["estimate"].to_numpy(dtype=float)
    weighted, blocks = _working(fit)
    bread = np.linalg.inv(design.T @ weighted)
    bread = (bread + bread.T) / 2
    residual = np.asarray(fit.effect, dtype=float) - design @ beta
    if kind == "CR2":
        clusters = _clusters(design, residual, codes, labels, blocks)
        halves = _bias_reduced(clusters, bread)
        scores = np.stack(
            [h.T @ c.residual for h, c in zip(halves, clusters, strict=True)]
        )
        degrees = _Satterthwaite(clusters, halves, bread)
        df = np.array([degrees(np.eye(p)[[j]]) for j in range(p)])
        joint: Callable[[FloatArray], float] = degrees
    else:
        scores = np.zeros((n, p))
        np.add.at(scores, codes, weighted * residual[:, None])
        df = np.full(p, float(n - p))
        joint = _Given(float(n - p))
    covariance = bread @ (scores.T @ scores) @ bread
    if kind == "CR1":
        covariance = covariance * n / (n - p)
    frame, reasons = _coefficients(fit, beta, covariance, df, bread, level)
    single = {
        name: float(frame[name].iloc[0]) if p == 1 else math.nan
        for name in frame.columns
        if name != "term"
    }
    if p > 1:
        reasons |= dict.fromkeys(single, "several coefficients; see coefficients")
    return ClusterRobust(
        **single,
        coefficients=frame,
        covariance=covariance,
        kind=kind,
        n_clusters=n,
        k=k,
        level=level,
        terms=tuple(frame["term"]),
        not_estimable=reasons,
        _moderators=fit.moderators,
        _joint=joint,
    )


def _coefficients(
    fit: Any,
    beta: FloatArray,
    covariance: FloatArray,
    df: FloatArray,
    bread: FloatArray,
    level: float,
) -> tuple[pd.DataFrame, dict[str, str]]:
    diagonal = np.diag(covariance)
    # As large as rounding: the clusters leave the coefficient no residual.
    gone = diagonal <= 1e-20 * np.diag(bread)
    error = np.where(gone, np.nan, np.sqrt(np.where(gone, 1.0, diagonal)))
    df = np.where(gone, np.nan, df)
    statistic = beta / error
    usable = np.where(gone, 1.0, df)
    reach = quantiles(usable, level) * error
    names = list(fit.coefficients["term"])
    reasons = {
        f"standard_error[{names[j]}]": "the clusters leave no residual for it"
        for j in np.flatnonzero(gone)
    }
    frame = pd.DataFrame(
        {
            "term": names,
            "estimate": beta,
            "standard_error": error,
            "df": df,
            "statistic": statistic,
            "p_value": tails(statistic, usable),
            "ci_lower": beta - reach,
            "ci_upper": beta + reach,
        }
    )
    return frame, reasons


#: A block of rows with its working covariance and its weights.
_Block = tuple[IntArray, FloatArray, FloatArray]


def _working(fit: Any) -> tuple[FloatArray, list[_Block]]:
    """Return W X, (k, p), and the independent blocks of a fit."""
    design = np.asarray(fit.design, dtype=float)
    weighted = np.empty_like(design)
    blocks: list[_Block] = []
    if hasattr(fit, "blocks"):
        for rows, marginal in fit.blocks():
            weight = np.linalg.inv(marginal)
            weighted[rows] = weight @ design[rows]
            blocks.append((rows, marginal, weight))
        return weighted, blocks
    total = np.asarray(fit.variance, dtype=float) + float(fit.tau_squared)
    weights = 1 / total
    if fit.options.get("weights") is not None:
        weights = np.asarray(fit.weights, dtype=float) / np.mean(fit.weights * total)
    for row in range(len(total)):
        one = np.array([row], dtype=np.intp)
        blocks.append((one, total[[row], None], weights[[row], None]))
    return weights[:, None] * design, blocks


def _clusters(
    design: FloatArray,
    residual: FloatArray,
    codes: IntArray,
    labels: tuple[Any, ...],
    blocks: Sequence[_Block],
) -> list[_Cluster]:
    """Return the clusters; refuse blocks that reach over several."""
    own: list[list[_Block]] = [[] for _ in labels]
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
        result.append(_Cluster(rows, design[rows], working, weight, residual[rows]))
    return result


def _left_over(
    clusters: Sequence[_Cluster], bread: FloatArray
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


def _bias_reduced(clusters: Sequence[_Cluster], bread: FloatArray) -> list[FloatArray]:
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


@dataclass(frozen=True)
class _Given:
    """Degrees of freedom that do not depend on the contrast."""

    df: float

    def __call__(self, contrasts: FloatArray) -> float:
        return self.df


class _Satterthwaite:
    """Degrees of freedom of contrasts with bias-reduced errors."""

    def __init__(
        self,
        clusters: Sequence[_Cluster],
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
        if roots[0] <= 0:
            return math.nan
        rows = (vectors * roots**-0.5) @ vectors.T @ rows
        cross = self._covariances(rows)
        own = np.einsum("sscd->scd", cross)
        total = np.einsum("scd,tcd->", own, own)
        total += np.einsum("stcd,stdc->", cross, cross)
        return float(q * (q + 1) / total)

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
