"""Log hazard ratios from what papers print of a log-rank test."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialstats.errors import DataError
from trialstats.meta.inputs import Values, refuse
from trialstats.meta.measures import Call, no_notes, read_columns
from trialstats.meta.standard_errors import recovered_frame


def recover_log_hazard_ratios(
    *,
    observed_minus_expected: Values = None,
    variance: Values = None,
    p_value: Values = None,
    favours: Values = None,
    events: Values = None,
    n1: Values = None,
    n2: Values = None,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover log hazard ratios from log-rank statistics, a row a trial.

    With O - E and V of the treatment arm, ln HR = (O - E)/V with variance 1/V. With a
    two-sided log-rank p-value and all events, V is about events n1 n2/(n1 + n2)^2 and
    ln HR = -+ z/sqrt(V).

    Parameters
    ----------
    observed_minus_expected, variance : array_like of shape (k,) or str, optional
        O - E under treatment and its log-rank variance.
    p_value, events, n1, n2 : array_like of shape (k,) or str, optional
        Two-sided p-value, events in both arms, participants randomised; used where
        O - E or V is missing.
    favours : array_like of shape (k,) or str, optional
        Which arm has fewer events than expected, needed with a p-value: 1 treatment
        (HR below 1), 2 control.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns effect, variance and how, as `effect_sizes` takes them for "HR".

    Raises
    ------
    DataError
        For a row without source, a variance of zero or less, a p-value outside
        (0, 1), or a direction other than 1 and 2.

    References
    ----------
    .. [1] Parmar MKB, Torri V, Stewart L (1998). Extracting summary statistics to
       perform meta-analyses of the published literature for survival endpoints.
       Statistics in Medicine 17(24), 2815-2834.
    .. [2] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.8.2.

    Examples
    --------
    >>> recover_log_hazard_ratios(
    ...     observed_minus_expected=[-5.2], variance=[12.0]
    ... )[["effect", "variance"]].round(4).values.tolist()
    [[-0.4333, 0.0833]]
    """
    given = dict(
        oe=observed_minus_expected, variance=variance, p_value=p_value,
        favours=favours, events=events, n1=n1, n2=n2,
    )  # fmt: skip
    columns = read_columns(Call(given, data), [], list(given))
    k = max((len(values) for values in columns.values()), default=0)
    if not k:
        raise DataError("there is nothing to recover a hazard ratio from")
    absent = np.full(k, np.nan)
    oe, v, p, side, d, first, second = (columns.get(x, absent) for x in given)
    refuse(v <= 0, "the variance is not above zero", column="variance", values=v)
    refuse((p <= 0) | (p >= 1), "a p-value lies in (0, 1)", column="p_value", values=p)
    refuse(
        ~np.isin(side, [1, 2]) & ~np.isnan(side),
        "the favoured arm is 1 (treatment) or 2 (control)",
        column="favours",
        values=side,
    )
    for name, values in (("events", d), ("n1", first), ("n2", second)):
        refuse(values <= 0, f"{name} is not above zero", column=name, values=values)
    with np.errstate(invalid="ignore"):
        of_events = d * first * second / (first + second) ** 2
        of_p = (
            np.where(side == 1, -1, 1) * -np.asarray(ndtri(p / 2)) / np.sqrt(of_events)
        )
    exact = ~np.isnan(oe + v)
    effect = np.where(exact, oe / v, np.where(np.isnan(side), np.nan, of_p))
    refuse(
        np.isnan(effect),
        "nothing gives a hazard ratio",
        column="variance" if "variance" in columns else "p_value",
        values=absent,
        remedy="supply O - E with V, or p_value with favours, events, n1 and n2",
    )
    how = no_notes(k)
    how[exact] = "ln HR = (O - E)/V, variance 1/V"
    how[~exact] = "ln HR = z/sqrt(V) from the log-rank p, V = events n1 n2/(n1 + n2)^2"
    error = np.where(exact, 1 / v, 1 / of_events)
    return recovered_frame({"effect": effect, "variance": error}, how, data)
