"""Check Mantel-Haenszel and Peto by engines that share no code with `trialstats.meta`.

statsmodels' stratified tables give the pooled ratios and the error of the odds ratio;
scipy's hypergeometric distribution the expected counts and variances of Peto; the error
of the risk ratio and of the risk difference is written out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from trialstats.second_engine.check import Check, comparison

_Array = NDArray[np.float64]

_STRATIFIED = "statsmodels StratifiedTable"
_WRITTEN_OUT = "sums over trials written out one by one"
_HYPERGEOMETRIC = "scipy's hypergeometric distribution"


def check_counts(
    method: str,
    measure: str,
    tables: Sequence[Mapping[str, float]],
    stored: Mapping[str, float],
) -> list[Check]:
    """Compute a pooled effect of counts once more.

    Parameters
    ----------
    method : {"mantel_haenszel", "peto"}
        How the counts were combined.
    measure : {"OR", "RR", "RD"}
        What was pooled; ratios as logarithms.
    tables : sequence of mapping
        ``ai``, ``n1i``, ``ci`` and ``n2i`` of each trial.
    stored : mapping
        ``estimate``, ``standard_error``, ``ci_lower``, ``ci_upper`` and ``level``.

    Returns
    -------
    list of dict
        As `trialstats.second_engine.pooling.check_pooling`.
    """
    a, n1, c, n2 = (
        np.array([table[name] for table in tables], dtype=np.float64)
        for name in ("ai", "n1i", "ci", "n2i")
    )
    engine, estimate, error = _ENGINES[method, measure](a, n1 - a, c, n2 - c)
    half = float(stats.norm.isf((1 - stored["level"]) / 2)) * error
    second = {
        "estimate": estimate,
        "standard_error": error,
        "ci_lower": estimate - half,
        "ci_upper": estimate + half,
    }
    return [
        comparison(quantity, engine, stored[quantity], value)
        for quantity, value in second.items()
    ]


def mantel_haenszel_pooled(
    measure: str, a: _Array, b: _Array, c: _Array, d: _Array
) -> tuple[str, float, float]:
    """Return the engine, a pooled effect and its error; NaN where there is none.

    Parameters
    ----------
    measure : {"OR", "RR", "RD"}
    a, b, c, d : ndarray of shape (k,)
        With and without the event, under treatment and under control.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        try:
            return _ENGINES["mantel_haenszel", measure](a, b, c, d)
        except (ValueError, ZeroDivisionError):
            return _WRITTEN_OUT, math.nan, math.nan


_Second = tuple[str, float, float]


def _stratified(a: _Array, b: _Array, c: _Array, d: _Array) -> Any:
    return StratifiedTable(np.array([[a, b], [c, d]]))


def _odds_ratio(a: _Array, b: _Array, c: _Array, d: _Array) -> _Second:
    table = _stratified(a, b, c, d)
    return _STRATIFIED, float(table.logodds_pooled), float(table.logodds_pooled_se)


def _risk_ratio(a: _Array, b: _Array, c: _Array, d: _Array) -> _Second:
    estimate = math.log(float(_stratified(a, b, c, d).riskratio_pooled))
    above = treated = control = 0.0
    for ai, bi, ci, di in zip(a, b, c, d, strict=True):
        n1, n2, n = ai + bi, ci + di, ai + bi + ci + di
        above += (n1 * n2 * (ai + ci) - ai * ci * n) / n**2
        treated += ai * n2 / n
        control += ci * n1 / n
    error = math.sqrt(above / (treated * control))
    return f"{_STRATIFIED}; error: {_WRITTEN_OUT}", estimate, error


def _risk_difference(a: _Array, b: _Array, c: _Array, d: _Array) -> _Second:
    """Sato's variance: the estimate times one sum, and another."""
    above = below = first = second = 0.0
    for ai, bi, ci, di in zip(a, b, c, d, strict=True):
        n1, n2, n = ai + bi, ci + di, ai + bi + ci + di
        above += (ai * n2 - ci * n1) / n
        below += n1 * n2 / n
        first += ci * (n1 / n) ** 2 - ai * (n2 / n) ** 2
        first += n1 * n2 * (n2 - n1) / (2 * n**2)
        second += (ai * (n2 - ci) / n + ci * (n1 - ai) / n) / 2
    estimate = above / below
    error = math.sqrt((estimate * first + second) / below**2)
    return _WRITTEN_OUT, estimate, error


def _peto(a: _Array, b: _Array, c: _Array, d: _Array) -> _Second:
    # scipy works out a kurtosis too, which small tables do not have.
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, variance = stats.hypergeom.stats(
            a + b + c + d, a + c, a + b, moments="mv"
        )
    spread = float(np.sum(variance))
    estimate = float(np.sum(a - mean)) / spread
    return _HYPERGEOMETRIC, estimate, 1 / math.sqrt(spread)


_ENGINES: dict[tuple[str, str], Callable[[_Array, _Array, _Array, _Array], _Second]] = {
    ("mantel_haenszel", "OR"): _odds_ratio,
    ("mantel_haenszel", "RR"): _risk_ratio,
    ("mantel_haenszel", "RD"): _risk_difference,
    ("peto", "OR"): _peto,
}
