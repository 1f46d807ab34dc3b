"""Times to an event once more: statsmodels' curves and log-rank test, a likelihood.

The partial likelihood is written out over the sets at risk, one event time after the
other, and maximised by Newton's method.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from trialstats.errors import NotEstimableError

FloatArray = NDArray[np.float64]


def median(time: FloatArray, event: FloatArray) -> float | None:
    """Return the time by which half have had the event, None when not reached.

    A curve that stands at one half and falls later has its median in the middle.
    """
    curve = SurvfuncRight(time, event)
    left, falls = np.asarray(curve.surv_prob), np.asarray(curve.surv_times)
    reached = np.flatnonzero(left <= 0.5 + 1e-9)
    if not len(reached):
        return None
    first = int(reached[0])
    level = abs(left[first] - 0.5) < 1e-9
    if level and first + 1 < len(falls):
        return float(falls[first] + falls[first + 1]) / 2
    return float(falls[first])


def log_rank(
    time: FloatArray,
    event: FloatArray,
    group: Sequence[str],
    stratum: Sequence[str] | None,
) -> Mapping[str, float]:
    """Return statistic and p-value of the log-rank test."""
    strata = None if stratum is None else np.asarray(stratum, dtype=str)
    labels = np.asarray(group, dtype=str)
    statistic, _ = survdiff(time, event, labels, strata=strata)
    # The upper tail itself: one minus the lower one loses small p-values.
    p = stats.chi2.sf(statistic, len(set(labels)) - 1)
    return {"estimate": float(statistic), "p_value": float(p)}


def cox(
    time: FloatArray,
    event: FloatArray,
    design: FloatArray,
    stratum: Sequence[str],
    *,
    ties: str,
    level: float,
) -> list[Mapping[str, float]]:
    """Return each coefficient of a Cox regression with error, limits and test.

    Raises
    ------
    NotEstimableError
        When Newton's method does not settle: a coefficient has no finite maximum.
    """
    centred = design - design.mean(axis=0)
    labels = np.asarray(stratum, dtype=str)
    parts = [labels == label for label in dict.fromkeys(labels)]
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        slope = np.zeros(len(beta))
        information = np.zeros((len(beta), len(beta)))
        for part in parts:
            score, curvature = _stratum(
                time[part], event[part], centred[part], beta, ties
            )
            slope += score
            information += curvature
        if np.linalg.matrix_rank(information) < len(beta):
            raise NotEstimableError("The information has not full rank.")
        step = np.linalg.solve(information, slope)
        beta = beta + step
        if np.abs(step).max() < 1e-11:
            break
    else:
        raise NotEstimableError("Newton's method does not settle.")
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    quantile = float(stats.norm.ppf((1 + level) / 2))
    return [
        {
            "estimate": float(b),
            "standard_error": float(se),
            "ci_lower": float(b - quantile * se),
            "ci_upper": float(b + quantile * se),
            "p_value": float(2 * stats.norm.sf(abs(b / se))),
        }
        for b, se in zip(beta, errors, strict=True)
    ]


def _stratum(
    time: FloatArray, event: FloatArray, x: FloatArray, beta: FloatArray, ties: str
) -> tuple[FloatArray, FloatArray]:
    """Return slope and information of the partial likelihood of one stratum."""
    risk = np.exp(x @ beta)
    slope = np.zeros(x.shape[1])
    information = np.zeros((x.shape[1], x.shape[1]))
    for moment in np.unique(time[event == 1]):
        at_risk = time >= moment
        having = (time == moment) & (event == 1)
        d = int(having.sum())
        slope += x[having].sum(axis=0)
        for number in range(d):
            # Efron lets the events leave the set one after the other, in shares.
            share = number / d if ties == "efron" else 0.0
            weight = risk * (at_risk - share * having)
            total = weight.sum()
            mean = weight @ x / total
            slope -= mean
            information += (weight[:, None] * x).T @ x / total - np.outer(mean, mean)
    return slope, information
