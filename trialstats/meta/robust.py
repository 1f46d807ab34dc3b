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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray, check_level, one_of
from trialstats.meta.moderators import Moderators
from trialstats.meta.multilevel_inputs import read_factor
from trialstats.meta.multilevel_results import columns_to_test, quantiles, tails
from trialstats.meta.pooled import OmnibusTest
from trialstats.meta.robust_clusters import (
    Block,
    Satterthwaite,
    bias_reduced,
    clusters_of,
)

#: Kinds of covariance, with the words for them.
KINDS = {
    "CR0": "unadjusted, t with clusters minus coefficients df",
    "CR1": "times J/(J - p), t with clusters minus coefficients df",
    "CR2": "bias-reduced, Satterthwaite's df",
}


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
        clusters = clusters_of(design, residual, codes, labels, blocks)
        halves = bias_reduced(clusters, bread)
        scores = np.stack(
            [h.T @ c.residual for h, c in zip(halves, clusters, strict=True)]
        )
        degrees = Satterthwaite(clusters, halves, bread)
        df = np.array([degrees(np.eye(p)[[j]]) for j in range(p)])
        gone = degrees.biased()
        joint: Callable[[FloatArray], float] = degrees
    else:
        scores = np.zeros((n, p))
        np.add.at(scores, codes, weighted * residual[:, None])
        df, gone = np.full(p, float(n - p)), np.zeros(p, dtype=bool)
        joint = _Given(float(n - p))
    covariance = bread @ (scores.T @ scores) @ bread
    if kind == "CR1":
        covariance = covariance * n / (n - p)
    # As small as rounding: there are no residuals.
    gone = gone | (np.diag(covariance) <= 1e-20 * np.diag(bread))
    covariance[gone], covariance[:, gone] = np.nan, np.nan
    frame, reasons = _coefficients(fit, beta, covariance, df, level)
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
    level: float,
) -> tuple[pd.DataFrame, dict[str, str]]:
    gone = np.isnan(np.diag(covariance))
    error = np.sqrt(np.diag(covariance))
    statistic, df = beta / error, np.where(gone, np.nan, df)
    usable = np.where(gone, 1.0, df)
    reach = quantiles(usable, level) * error
    names = list(fit.coefficients["term"])
    reasons = {
        f"standard_error[{names[j]}]": (
            "it takes up a cluster, which then leaves no residual for it"
        )
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


@dataclass(frozen=True)
class _Given:
    """Degrees of freedom that do not depend on the contrast."""

    df: float

    def __call__(self, contrasts: FloatArray) -> float:
        return self.df


def _working(fit: Any) -> tuple[FloatArray, list[Block]]:
    """Return W X, (k, p), and the independent blocks of a fit."""
    design = np.asarray(fit.design, dtype=float)
    weighted = np.empty_like(design)
    blocks: list[Block] = []
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
