"""Pool several outcomes of the same trials: multivariate meta-analysis.

    y_ij = x_ij' beta + u_ij + e_ij,   u_i ~ N(0, G),   e_i ~ N(0, V_i), V_i known

for outcome j of trial i; G is a structure over the outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import one_of
from trialstats.meta.moderators import Moderators, read_moderators
from trialstats.meta.multilevel import random_intercepts
from trialstats.meta.multilevel_blocks import Term
from trialstats.meta.multilevel_components import groups_of_levels, levels_of
from trialstats.meta.multilevel_covariances import IntArray
from trialstats.meta.multilevel_inference import pooled
from trialstats.meta.multilevel_inputs import read_effects, read_factor
from trialstats.meta.multilevel_results import PooledMultilevel
from trialstats.meta.multilevel_structures import (
    STRUCTURES,
    Levels,
    rho_pairs,
)

#: What a structure becomes when no trial has two levels: its correlation is unknown.
_WITHOUT_CORRELATION = {
    "CS": "ID",
    "AR": "ID",
    "CAR": "ID",
    "HCS": "DIAG",
    "HAR": "DIAG",
    "UN": "DIAG",
}


def pool_multivariate(
    effect: Any,
    covariance: Any,
    *,
    outcome: Any,
    study: Any,
    structure: str = "UN",
    data: pd.DataFrame | None = None,
    moderators: Any = None,
    levels: Sequence[Any] | Mapping[str, Any] | str | None = None,
    method: str = "REML",
    inference: str = "t",
    df: Any = "residual",
    level: float = 0.95,
    component_intervals: bool = True,
) -> PooledMultilevel:
    """Pool outcomes (or arms, or times) that come from the same trials.

    Parameters
    ----------
    effect : array_like of shape (k,) or str
        One row for each outcome of each trial; ratios on the log scale.
    covariance : array_like of shape (k, k) or (k,), or list of square arrays, or str
        Covariance of the sampling errors, whole or its blocks in the order of the
        rows; a vector, or the name of a column, gives variances of independent errors.
        See `sampling_covariance`.
    outcome : array_like of shape (k,) or str
        Inner factor: the levels whose true effects are correlated within a trial.
        Times, for the autoregressive structures, in order; CAR takes their distances.
    study : array_like of shape (k,) or str
        Outer factor: the trial.
    structure : {"UN", "CS", "HCS", "DIAG", "ID", "AR", "HAR", "CAR"}
        Covariance of the true effects of a trial.
    data : DataFrame, optional
    moderators : str, DataFrame or array_like, optional
        As in `pool_multilevel`. When absent, a mean for each outcome; ``"~ 1"`` is
        one mean for all.
    levels : as in `pool_multilevel`, optional
        Random intercepts besides.
    method, inference, df, level, component_intervals
        As in `pool_multilevel`.

    Returns
    -------
    PooledMultilevel

    Raises
    ------
    DataError
        As in `pool_multilevel`.
    NotEstimableError
        When an outcome with its own variance occurs in one trial only, two outcomes
        with their own correlation in none, or the components cannot be told apart.
    ConvergenceError
        When the likelihood has no maximum that can be reached.

    Notes
    -----
    When no trial has two outcomes the correlation is not estimated and the outcomes are
    independent, as `not_estimable` says.

    References
    ----------
    .. [1] Berkey CS et al. (1998). Meta-analysis of multiple outcomes by regression
       with random effects. Statistics in Medicine 17(22), 2537-2550.
    .. [2] Jackson D, Riley R, White IR (2011). Multivariate meta-analysis: potential
       and promise. Statistics in Medicine 30(20), 2481-2498.

    Examples
    --------
    >>> pooled = pool_multivariate(
    ...     [0.1, 0.5, 0.3, 0.9, 0.6, 1.0, 0.2, 0.9],
    ...     [0.01, 0.02, 0.02, 0.02, 0.01, 0.03, 0.02, 0.01],
    ...     outcome=["pain", "sleep"] * 4,
    ...     study=[1, 1, 2, 2, 3, 3, 4, 4],
    ...     structure="CS",
    ... )
    >>> pooled.coefficients[["term", "estimate"]].round(3).values.tolist()
    [['pain', 0.319], ['sleep', 0.844]]
    """
    one_of("structure", structure, STRUCTURES)
    options = {
        "outcome": outcome,
        "study": study,
        "structure": structure,
        "data": data,
        "moderators": moderators,
        "levels": levels,
        "method": method,
        "inference": inference,
        "df": df,
        "level": level,
        "component_intervals": component_intervals,
    }
    diagonal = isinstance(covariance, str) or np.ndim(_first(covariance)) == 0
    variance, matrix = (covariance, None) if diagonal else (None, covariance)
    y, sampling = read_effects(effect, variance, matrix, data)
    k = len(y)
    inner, labels = read_factor("outcome", outcome, data, k)
    outer, trials = read_factor("study", study, data, k)
    design = (
        _means(inner, labels)
        if moderators is None
        else read_moderators(moderators, data, k)
    )
    names = [x if isinstance(x, str) else "study" for x in (outcome, study)]
    term = Term(
        f"{names[0] if isinstance(outcome, str) else 'outcome'} | {names[1]}",
        outer,
        inner,
        trials,
        labels,
        STRUCTURES["ID"].make(Levels(len(labels), 1, np.zeros(len(labels)))),
        structure,
    )
    term, reasons = _identified(term)
    others = random_intercepts(levels, None, data, k)
    words = f"random effects of {term.name}, {STRUCTURES[term.kind].words}"
    if others:
        words += "; random intercepts of " + ", ".join(t.name for t in others)
    return pooled(
        y,
        sampling,
        design,
        [*others, term],
        words=words,
        options=options,
        reasons=reasons,
    )


def _first(covariance: Any) -> Any:
    """Return the first entry: a number of a vector, a row, or a block."""
    if isinstance(covariance, pd.DataFrame | pd.Series):
        covariance = covariance.to_numpy()
    if not len(covariance):
        raise DataError("there are no rows", remedy="supply at least one trial")
    return covariance[0]


def _means(inner: IntArray, labels: tuple[Any, ...]) -> Moderators:
    """Return a design with a mean for each outcome."""
    names = tuple(str(label) for label in labels)
    return Moderators(
        np.eye(len(labels))[inner], names, {n: (j,) for j, n in enumerate(names)}
    )


def _identified(term: Term) -> tuple[Term, dict[str, str]]:
    """Return the term with the structure that the groups can tell about.

    Raises
    ------
    NotEstimableError
        When a variance or correlation of its own has no trials.
    """
    reasons: dict[str, str] = {}
    kind, levels = term.kind, levels_of(term)
    if levels.together == 1 and kind in _WITHOUT_CORRELATION:
        reasons["rho"] = "no trial has two outcomes: they are taken as independent"
        kind = _WITHOUT_CORRELATION[kind]
    seen = groups_of_levels(term)
    labels = term.inner_labels
    if STRUCTURES[kind].several:
        single = [labels[i] for i in range(len(labels)) if seen[i, i] < 2]
        if single:
            raise NotEstimableError(
                f"{', '.join(map(str, single))} occurs in one trial only and has a "
                f"variance of its own under {kind}; leave it out, or use CS or ID"
            )
    if kind == "UN":
        pairs = [p for p in rho_pairs(len(labels)) if not seen[p]]
        if pairs:
            listed = ", ".join(f"{labels[i]} and {labels[j]}" for i, j in pairs)
            raise NotEstimableError(
                f"no trial has both {listed}: their correlation cannot be estimated; "
                "use HCS, CS or DIAG"
            )
    chosen = STRUCTURES[kind]
    term = replace(
        term, kind=kind, structure=chosen.make(levels), several=chosen.several
    )
    return term, reasons
