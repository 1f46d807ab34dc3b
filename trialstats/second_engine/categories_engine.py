"""Check categorical tables from single subjects, without any table of moments.

Arms and categories become vectors of each subject (indicators or scores). Under a
random permutation within a stratum the sum of their products has the covariance of the
centred cross-products of both sides over N - 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from trialstats.errors import NotEstimableError
from trialstats.second_engine.counts import mantel_haenszel_pooled

_Array = NDArray[np.float64]

PERMUTATION = "moments of permutations of single subjects"
STRATIFIED = "statsmodels StratifiedTable"


def permutation_test(
    arms: Sequence[float],
    categories: Sequence[float],
    strata: Sequence[str],
    statistic: str,
    scores: str,
) -> dict[str, float | None]:
    """Compute one Cochran-Mantel-Haenszel test once more.

    Parameters
    ----------
    arms, categories : sequence of float
        Of each subject its arm and its category, by their table scores.
    strata : sequence of str
        Of each subject its stratum.
    statistic : {"correlation", "row_means", "general_association"}
    scores : {"table", "rank", "ridit", "modified_ridit"}

    Returns
    -------
    dict of str to float
        ``estimate``, ``df`` and ``p_value``; None where the arms cannot be compared.
    """
    x, y, place = np.asarray(arms), np.asarray(categories), np.asarray(strata)
    total: _Array | None = None
    spread: _Array | None = None
    for stratum in dict.fromkeys(strata):
        here = place == stratum
        if here.sum() < 2:
            continue
        left = _vectors(x, here, scores, indicators=statistic != "correlation")
        right = _vectors(y, here, scores, indicators=statistic == "general_association")
        left, right = left - left.mean(axis=0), right - right.mean(axis=0)
        own = (left.T @ right).ravel()
        covariance = np.kron(left.T @ left, right.T @ right) / (here.sum() - 1)
        total = own if total is None else total + own
        spread = covariance if spread is None else spread + covariance
    none: dict[str, float | None] = {"estimate": None, "df": None, "p_value": None}
    if total is None or spread is None:
        return none
    n_rows, n_columns = len(set(arms)), len(set(categories))
    wanted = {
        "correlation": 1,
        "row_means": n_rows - 1,
        "general_association": (n_rows - 1) * (n_columns - 1),
    }[statistic]
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    if values[-1] <= 0 or kept.sum() != wanted:
        return none
    turned = vectors[:, kept].T @ total
    value = float((turned**2 / values[kept]).sum())
    p_value = float(stats.chi2.sf(value, wanted))
    return {"estimate": value, "df": float(wanted), "p_value": p_value}


def _vectors(
    values: _Array, here: NDArray[np.bool_], scores: str, *, indicators: bool
) -> _Array:
    """Return a vector for each subject of a stratum."""
    own = values[here]
    if indicators:
        made: _Array = (own[:, None] == np.unique(values)[None]).astype(np.float64)
        return made
    if scores == "table":
        return own[:, None].astype(np.float64)
    over = {"rank": 1, "ridit": len(own), "modified_ridit": len(own) + 1}[scores]
    ranks: _Array = stats.rankdata(own)[:, None] / over
    return ranks


def stratified_results(
    tables: Sequence[Sequence[int]], level: float
) -> Mapping[str, tuple[str, dict[str, float | None]]]:
    """Compute the common effects of two arms, and their homogeneity, once more.

    Parameters
    ----------
    tables : sequence of (int, int, int, int)
        Of each stratum with both arms: events and others under treatment, events and
        others under control.
    level : float
        Confidence level.

    Returns
    -------
    mapping of str to (str, dict)
        By statistic the engine, and its quantities.

    Raises
    ------
    NotEstimableError
        When there is no such stratum.
    """
    if not tables:
        raise NotEstimableError("No stratum has both arms.")
    a, b, c, d = np.array(tables, dtype=np.float64).T
    half = float(stats.norm.isf((1 - level) / 2))
    made: dict[str, tuple[str, dict[str, float | None]]] = {}
    for statistic, measure in (
        ("risk_difference", "RD"),
        ("risk_ratio", "RR"),
        ("odds_ratio", "OR"),
    ):
        engine, estimate, error = mantel_haenszel_pooled(measure, a, b, c, d)
        if not (np.isfinite(estimate) and np.isfinite(error) and error > 0):
            made[statistic] = engine, dict.fromkeys(("estimate", "p_value"))
            continue
        made[statistic] = (
            engine,
            {
                "estimate": estimate,
                "standard_error": error,
                "ci_lower": estimate - half * error,
                "ci_upper": estimate + half * error,
                "p_value": float(2 * stats.norm.sf(abs(estimate / error))),
            },
        )
    told = (a + c > 0) & (b + d > 0)
    if told.sum() > 1 and made["odds_ratio"][1]["estimate"] is not None:
        table = StratifiedTable(np.array([[a[told], b[told]], [c[told], d[told]]]))
        for name, adjust in (("breslow_day_test", False), ("tarone_test", True)):
            test = table.test_equal_odds(adjust=adjust)
            made[name] = (
                STRATIFIED,
                {"estimate": float(test.statistic), "p_value": float(test.pvalue)},
            )
    return made
