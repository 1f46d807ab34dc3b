"""Effect sizes of crossover trials: every participant is in both arms.

Symbols: r is the correlation of a participant's two results, J the correction of
`hedges_correction`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialstats.meta.hedges import hedges_correction
from trialstats.meta.inputs import (
    FloatArray,
    Values,
    effects_frame,
    one_of,
    refuse,
    required,
)
from trialstats.meta.means import refuse_errors

_Columns = dict[str, FloatArray]


def _paired_mean_difference(given: _Columns) -> tuple[FloatArray, FloatArray]:
    return given["difference"], given["standard_error"] ** 2


def _paired_standardized(given: _Columns) -> tuple[FloatArray, FloatArray]:
    n, unshared = given["n"], 2 * (1 - given["correlation"])
    deviation = given["standard_error"] * np.sqrt(n) / np.sqrt(unshared)
    effect = given["difference"] / deviation * hedges_correction(n - 1)
    return effect, (1 / n + effect**2 / (2 * n)) * unshared


#: Paired measures and the arguments that each needs.
PAIRED: dict[
    str,
    tuple[Callable[[_Columns], tuple[FloatArray, FloatArray]], tuple[str, ...]],
] = {
    "MD": (_paired_mean_difference, ("difference", "standard_error")),
    "SMD": (
        _paired_standardized,
        ("difference", "standard_error", "n", "correlation"),
    ),
}


def paired_effect_sizes(
    measure: str,
    *,
    difference: Values,
    standard_error: Values,
    n: Values = None,
    correlation: Values = None,
) -> pd.DataFrame:
    """Compute effects and variances from paired mean differences, a row a trial.

    MD is the difference with its squared error. SMD is on the scale of the raw
    score, so that it can be pooled with parallel trials: the standard deviation of
    the differences, standard_error * sqrt(n), is divided by sqrt(2(1 - r)) to give
    the standard deviation of one result, and d = difference / sd is multiplied by
    J(n - 1). Its variance is (1/n + d^2/(2n)) * 2(1 - r), with the corrected d.

    Parameters
    ----------
    measure : {"MD", "SMD"}
        Paired measure.
    difference, standard_error : array_like of shape (k,)
        Mean of treatment minus control within participants, and its standard error.
    n : array_like of shape (k,)
        Participants with both results (SMD).
    correlation : array_like of shape (k,) or float
        r, in (-1, 1) (SMD); a single number holds for every trial.

    Returns
    -------
    DataFrame
        Columns effect, variance and note; the note of an SMD states r.

    Raises
    ------
    DataError
        For an unknown measure, a standard error of zero or less, n below 3, or a
        correlation outside (-1, 1).

    References
    ----------
    .. [1] Higgins JPT, Eldridge S, Li T (2019). Including variants on randomized
       trials. Cochrane Handbook for Systematic Reviews of Interventions, chapter 23,
       section 23.2.7.
    .. [2] Elbourne DR et al. (2002). Meta-analyses involving cross-over trials:
       methodological issues. International Journal of Epidemiology 31(1), 140-149.
    .. [3] Becker BJ (1988). Synthesizing standardized mean-change measures. British
       Journal of Mathematical and Statistical Psychology 41(2), 257-278.

    Examples
    --------
    >>> paired_effect_sizes("MD", difference=[-0.5], standard_error=[0.2])
       effect  variance note
    0    -0.5      0.04  NaN
    """
    one_of("paired measure", measure, PAIRED)
    compute, names = PAIRED[measure]
    if np.ndim(correlation) == 0 and isinstance(correlation, (int, float)):
        correlation = np.full(np.size(difference), float(correlation))
    given = {
        "difference": difference,
        "standard_error": standard_error,
        "n": n,
        "correlation": correlation,
    }
    columns = required(names, given, data=None)
    _check(columns)
    effect, variance = compute(columns)
    notes: list[str | None] = [None] * len(effect)
    if "correlation" in columns:
        notes = [
            f"paired: SD of one result from a correlation of {r:g}"
            for r in columns["correlation"]
        ]
    return effects_frame(effect, variance, notes)


def _check(columns: _Columns) -> None:
    refuse_errors(columns["standard_error"])
    if "n" in columns:
        # J(n - 1) exists from two degrees of freedom on.
        refuse(
            columns["n"] < 3,
            "a standardised paired difference needs at least three participants",
            column="n",
            values=columns["n"],
        )
    if "correlation" in columns:
        refuse(
            np.abs(columns["correlation"]) >= 1,
            "the correlation does not lie between -1 and 1",
            column="correlation",
            values=columns["correlation"],
        )
