"""Whether a one-stage model has a maximum: enough information, and no separation.

A count at an end of its range (no event; all have it; the lowest or highest number
given the margins) does not stop its predictor from running away on that side. If some
direction of the coefficients moves no predictor but such ones, each outwards, the
likelihood rises along it for ever (Albert and Anderson 1984). That is a linear
programme.

References
----------
- Albert A, Anderson JA (1984). On the existence of maximum likelihood estimates in
  logistic regression models. Biometrika 71(1), 1-10.
"""

import numpy as np
from scipy.optimize import linprog

from trialstats.errors import NotEstimableError, RankDeficientError
from trialstats.meta.inputs import BoolArray, FloatArray
from trialstats.meta.one_stage_models import Model, TrialCounts


def check_existence(
    counts: TrialCounts, model: Model, names: tuple[str, ...], *, between: bool
) -> None:
    """Refuse counts from which the coefficients of a model cannot be estimated.

    Parameters
    ----------
    counts : TrialCounts
        The trials that enter.
    model : Model
    names : tuple of str
        Coefficients.
    between : bool
        Whether the variance between trials is estimated.

    Raises
    ------
    NotEstimableError
        When a coefficient is infinite, or no trial holds information.
    RankDeficientError
        When the trials that hold information do not tell the coefficients apart.
    """
    if counts.k == 0:
        raise NotEstimableError(
            "no trial holds information: in each, none or all of both arms have the "
            "event"
        )
    rows, low, high = _rows(counts, model)
    rank = np.linalg.matrix_rank(rows)
    if rank < rows.shape[1]:
        raise RankDeficientError(
            f"the trials that hold information determine {rank} of {rows.shape[1]} "
            "coefficients",
            names[-(rows.shape[1] - rank) :],
        )
    if _separated(rows, low, high):
        raise NotEstimableError(_reason(counts))
    one_count = model.conditional or counts.x.shape[1] == 1
    if between and one_count and counts.k > 1 and (low | high).all():
        raise NotEstimableError(
            "the variance between trials has no bound: every trial lies at an end of "
            "what is possible; use tau_squared='EE'"
        )


def _rows(counts: TrialCounts, model: Model) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Return what multiplies the shared coefficients, and the ends of the range."""
    none, full = counts.x == 0, counts.full
    if counts.x.shape[1] == 1:
        return counts.design, none[:, 0], full[:, 0]
    if not model.random_intercept:
        # The trial's own level is free: the ends are those given all events.
        lowest = none[:, 0] | full[:, 1]
        return counts.design, lowest, full[:, 0] | none[:, 1]
    k, p = counts.design.shape
    treated = np.column_stack([counts.design, np.ones(k)])
    control = np.column_stack([np.zeros((k, p)), np.ones(k)])
    return (
        np.concatenate([treated, control]),
        none.T.ravel(),
        full.T.ravel(),
    )


def _separated(rows: FloatArray, low: BoolArray, high: BoolArray) -> bool:
    """Return whether a direction raises the likelihood for ever."""
    inner = ~(low | high)
    if np.linalg.matrix_rank(rows[inner]) == rows.shape[1] if inner.any() else False:
        return False
    outwards = np.where(low[:, None], -rows, rows)[~inner]
    scale = np.abs(rows).max(axis=0)
    outwards, fixed = outwards / scale, rows[inner] / scale
    found = linprog(
        -outwards.sum(axis=0),
        A_ub=np.concatenate([-outwards, outwards]),
        b_ub=np.concatenate([np.zeros(len(outwards)), np.ones(len(outwards))]),
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=(None, None),
    )
    return bool(found.status != 0 or -found.fun > 1e-7)


def _reason(counts: TrialCounts) -> str:
    total = counts.x.sum(axis=0)
    arms = ("under treatment", "under control") if len(total) == 2 else ("",)
    for arm, events, full in zip(
        arms, total, np.atleast_1d(counts.full.all(axis=0)), strict=True
    ):
        where = f" {arm}" if arm else ""
        if events == 0:
            return f"no events{where} in any trial: the estimate is infinite"
        if full:
            return f"nothing but events{where} in any trial: the estimate is infinite"
    return (
        "the trials are separated: a coefficient is infinite, since every trial that "
        "bears on it lies at an end of what its margins allow"
    )
