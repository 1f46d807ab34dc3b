"""Pool dependent effects by random intercepts: multilevel meta-analysis.

    y = X beta + sum_s Z_s b_s + e,   b_s ~ N(0, sigma2_s I),   e ~ N(0, V), V known

Levels are nested (effects in schools in districts) or crossed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.moderators import read_moderators
from trialstats.meta.multilevel_blocks import Term
from trialstats.meta.multilevel_covariances import IntArray
from trialstats.meta.multilevel_inference import pooled
from trialstats.meta.multilevel_inputs import named_factors, read_effects, read_factor
from trialstats.meta.multilevel_results import PooledMultilevel
from trialstats.meta.multilevel_structures import STRUCTURES, Levels


def pool_multilevel(
    effect: Any,
    variance: Any = None,
    *,
    levels: Sequence[Any] | Mapping[str, Any] | str | None = None,
    crossed: Sequence[Any] | Mapping[str, Any] | str | None = None,
    data: pd.DataFrame | None = None,
    moderators: Any = None,
    covariance: Any = None,
    method: str = "REML",
    inference: str = "t",
    df: Any = "residual",
    level: float = 0.95,
    component_intervals: bool = True,
) -> PooledMultilevel:
    """Pool effects that are grouped, with a random intercept for each grouping.

    Parameters
    ----------
    effect : array_like of shape (k,) or str
        Effects, ratios on the log scale; or the name of a column of `data`.
    variance : array_like of shape (k,) or str, optional
        Sampling variances, not standard errors; may be absent with `covariance`.
    levels : sequence of str, mapping of str to array_like, or str, optional
        Nested factors, outermost first: ``["district", "school"]`` gives every
        district a random intercept, and every school within its district. Labels of
        an inner factor may repeat in other groups.
    crossed : as `levels`, optional
        Factors that are not nested: each has its own random intercept.
    data : DataFrame, optional
        Where names of columns are looked up.
    moderators : str, DataFrame or array_like, optional
        A formula such as ``"~ year"`` over `data`, or columns to which an intercept is
        added.
    covariance : array_like of shape (k, k) or list of square arrays, optional
        Covariance of the sampling errors, whole or its blocks in the order of the
        rows; see `sampling_covariance`.
    method : {"REML", "ML"}
        What the variances maximise.
    inference : {"t", "wald"}
        Student's t or normal.
    df : {"residual", "contain"} or float or sequence of float
        Degrees of freedom of t: k - p; or, for each coefficient, the number of groups
        of the smallest factor within which its column is constant, minus p, at least
        one; or given.
    level : float
        Confidence level of every interval.
    component_intervals : bool
        Whether to find the profile-likelihood intervals of the variances.

    Returns
    -------
    PooledMultilevel

    Raises
    ------
    DataError
        For a missing or infinite value, a variance of zero or less, a covariance that
        is not positive definite (the block is named), or an unknown method.
    NotEstimableError
        When variances cannot be told apart, or effects are too few.
    ConvergenceError
        When the likelihood has no maximum that can be reached.

    Notes
    -----
    A factor with a single level beside an intercept has no variance to estimate: it is
    held at zero, and `components` says so. Equations: docs/methods/
    multilevel_meta_analysis.md.

    References
    ----------
    .. [1] Konstantopoulos S (2011). Fixed effects and variance components estimation
       in three-level meta-analysis. Research Synthesis Methods 2(1), 61-76.
    .. [2] Van den Noortgate W et al. (2013). Three-level meta-analysis of dependent
       effect sizes. Behavior Research Methods 45(2), 576-594.

    Examples
    --------
    >>> pooled = pool_multilevel(
    ...     [0.1, 0.3, 0.2, 0.9, 1.1, 0.4, 0.6],
    ...     [0.01, 0.02, 0.02, 0.03, 0.01, 0.02, 0.02],
    ...     levels={"trial": ["a", "a", "a", "b", "b", "c", "c"]},
    ... )
    >>> round(pooled.estimate, 3), round(pooled.component["sigma2[trial]"], 3)
    (0.574, 0.19)
    """
    options = {
        "levels": levels,
        "crossed": crossed,
        "data": data,
        "moderators": moderators,
        "covariance": covariance,
        "method": method,
        "inference": inference,
        "df": df,
        "level": level,
        "component_intervals": component_intervals,
    }
    y, sampling = read_effects(effect, variance, covariance, data)
    design = read_moderators(moderators, data, len(y))
    terms = random_intercepts(levels, crossed, data, len(y))
    return pooled(
        y,
        sampling,
        design,
        terms,
        words=_words(terms),
        options=options,
        reasons={},
    )


def random_intercepts(
    levels: Any, crossed: Any, data: pd.DataFrame | None, k: int
) -> list[Term]:
    """Return a random intercept for each nested level and each crossed factor.

    Raises
    ------
    DataError
        For a factor that is named twice, or that cannot be read.
    """
    terms: list[Term] = []
    path = ""
    codes: IntArray = np.zeros(k, dtype=np.intp)
    labels: tuple[Any, ...] = ("",)
    for name, values in named_factors(levels, "level"):
        own, found = read_factor(name, values, data, k)
        # A label stands for another group in every group of the level above.
        pairs, codes = np.unique(codes * len(found) + own, return_inverse=True)
        above, within = np.divmod(pairs, len(found))
        labels = tuple(
            f"{labels[i]}/{found[j]}" if path else found[j]
            for i, j in zip(above, within, strict=True)
        )
        codes = codes.astype(np.intp)
        path = f"{path}/{name}" if path else name
        terms.append(_intercept(path, codes, labels))
    for name, values in named_factors(crossed, "crossed"):
        terms.append(_intercept(name, *read_factor(name, values, data, k)))
    names = [term.name for term in terms]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise DataError(f"{', '.join(sorted(repeated))} is given twice")
    return terms


def _intercept(name: str, codes: IntArray, labels: tuple[Any, ...]) -> Term:
    structure = STRUCTURES["ID"].make(Levels(1, 1, np.zeros(1)))
    inner = np.zeros(len(codes), dtype=np.intp)
    return Term(name, codes, inner, labels, (name,), structure)


def _words(terms: Sequence[Term]) -> str:
    if not terms:
        return "equal effects with known covariance"
    return "random intercepts of " + ", ".join(term.name for term in terms)
