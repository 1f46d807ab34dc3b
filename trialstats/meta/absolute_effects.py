"""From a relative effect and a baseline risk to absolute risks."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstats.errors import DataError

_Array = NDArray[np.float64]


def _of_odds(effect: _Array, p: float) -> _Array:
    odds = np.exp(effect) * p
    return np.asarray(odds / (1 - p + odds))


def _of_hazards(effect: _Array, p: float) -> _Array:
    return np.asarray(-np.expm1(np.exp(effect) * math.log1p(-p)))


#: Measure -> the risk under treatment from an effect and a baseline risk. Effects of
#: ratios are logarithms, as everywhere.
ABSOLUTE: dict[str, Callable[[_Array, float], _Array]] = {
    "RR": lambda effect, p: np.asarray(np.exp(effect) * p),
    "OR": _of_odds,
    "RD": lambda effect, p: np.asarray(p + effect),
    "HR": _of_hazards,
}


def risk_with_treatment(
    measure: str, effect: ArrayLike, baseline_risk: float
) -> NDArray[np.float64]:
    """Return the risk under treatment for a baseline risk under control.

    With baseline risk p: RR p; OR p / (1 - p + OR p); p + RD; 1 - (1 - p)^HR. A risk
    that would leave [0, 1] ends at the limit.

    Parameters
    ----------
    measure : {"RR", "OR", "RD", "HR"}
        Measure of the effect.
    effect : array_like
        Effects; logarithms of ratios.
    baseline_risk : float
        Risk under control, above 0 and below 1.

    Returns
    -------
    ndarray
        Risks under treatment, in the shape of `effect`.

    Raises
    ------
    DataError
        For a measure that gives no risk, or a baseline risk outside (0, 1).

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, version 6,
       chapter 14: completing summary of findings tables.

    Examples
    --------
    >>> round(float(risk_with_treatment("OR", math.log(2), 0.2)), 4)
    0.3333
    """
    if measure not in ABSOLUTE:
        raise DataError(
            f"{measure} and a baseline risk give no risk under treatment",
            remedy=f"use one of {', '.join(ABSOLUTE)}",
        )
    if not 0 < baseline_risk < 1:
        raise DataError(
            "a baseline risk is above 0 and below 1",
            value=baseline_risk,
            remedy="write it as a proportion, such as 0.15",
        )
    risk = ABSOLUTE[measure](np.asarray(effect, dtype=np.float64), baseline_risk)
    return np.asarray(np.clip(risk, 0.0, 1.0))
