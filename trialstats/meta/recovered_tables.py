"""Two-by-two tables from what papers print: risks, margins, a ratio or a statistic.

Symbols: a events of n1 participants under treatment, c of n2 under control, e = a + c,
n = n1 + n2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.meta.inputs import FloatArray, Values, refuse
from trialstats.meta.measures import Call, Notes, no_notes, read_columns, refuse_outside
from trialstats.meta.standard_errors import recovered_frame


@dataclass(frozen=True, slots=True)
class _Margins:
    n1: FloatArray
    n2: FloatArray
    e: FloatArray

    @property
    def n(self) -> FloatArray:
        return self.n1 + self.n2

    @property
    def root(self) -> FloatArray:
        """Square root of the product of the four margins."""
        return np.sqrt(self.n1 * self.n2) * np.sqrt(self.e * (self.n - self.e))


def _by_odds_ratio(x: _Margins, ratio: FloatArray) -> FloatArray:
    """Return the root of a (n2 - e + a) = OR (n1 - a)(e - a) that is a table."""
    second = ratio - 1
    first = -(ratio * (x.n1 + x.e) + x.n2 - x.e)
    last = ratio * x.n1 * x.e
    spread = np.sqrt(np.maximum(first**2 - 4 * second * last, 0))
    # The small root without a difference of large numbers; it holds at OR = 1 too.
    return 2 * last / (spread - first)


def _by_risk_ratio(x: _Margins, ratio: FloatArray) -> FloatArray:
    return ratio * x.n1 * x.e / (x.n2 + ratio * x.n1)


def _by_difference(x: _Margins, difference: FloatArray) -> FloatArray:
    return (difference + x.e / x.n2) * x.n1 * x.n2 / x.n


def _by_phi(x: _Margins, phi: FloatArray) -> FloatArray:
    return (x.n1 * x.e + phi * x.root) / x.n


def _by_chi_squared(x: _Margins, signed: FloatArray) -> FloatArray:
    return _by_phi(x, np.sign(signed) * np.sqrt(np.abs(signed) / x.n))


def _by_corrected(x: _Margins, signed: FloatArray) -> FloatArray:
    """Undo Yates's correction: it took n/2 from |ad - bc|."""
    size = np.sqrt(np.abs(signed) / x.n) + x.n / (2 * x.root)
    return _by_phi(x, np.sign(signed) * size)


#: Argument -> events under treatment from it and the margins, and its name.
_BY: dict[str, tuple[Callable[[_Margins, FloatArray], FloatArray], str]] = {
    "odds_ratio": (_by_odds_ratio, "odds ratio"),
    "risk_ratio": (_by_risk_ratio, "risk ratio"),
    "risk_difference": (_by_difference, "risk difference"),
    "phi": (_by_phi, "phi"),
    "chi_squared": (_by_chi_squared, "chi-squared"),
    "chi_squared_yates": (_by_corrected, "chi-squared with Yates's correction"),
}

#: The treatment risk from the control risk q and a ratio or difference y.
_RISK: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "odds_ratio": lambda q, y: y * q / (1 - q + y * q),
    "risk_ratio": lambda q, y: y * q,
    "risk_difference": lambda q, y: q + y,
}


def recover_tables(
    *,
    n1: Values,
    n2: Values,
    risk1: Values = None,
    risk2: Values = None,
    events: Values = None,
    odds_ratio: Values = None,
    risk_ratio: Values = None,
    risk_difference: Values = None,
    phi: Values = None,
    chi_squared: Values = None,
    chi_squared_yates: Values = None,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Recover the counts of two-by-two tables, a row a trial.

    The first source that a row has is used: both risks; the control risk with an odds
    ratio, risk ratio or risk difference; all events with an odds ratio, risk ratio,
    risk difference, phi or chi-squared. Counts are rounded to whole participants.

    Parameters
    ----------
    n1, n2 : array_like of shape (k,) or str
        Participants under treatment and control.
    risk1, risk2 : array_like of shape (k,) or str, optional
        Shares with the event, in [0, 1].
    events : array_like of shape (k,) or str, optional
        Events in both arms together.
    odds_ratio, risk_ratio, risk_difference, phi : array_like or str, optional
        Effects as printed: ratios, not logarithms.
    chi_squared, chi_squared_yates : array_like of shape (k,) or str, optional
        Pearson's statistic without and with continuity correction, with a minus sign
        where treatment has the lower risk.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.

    Returns
    -------
    DataFrame
        Columns ai, bi, ci, di and how, which gives the counts before rounding. NaN
        with the reason where no table has these numbers.

    Raises
    ------
    DataError
        For a row without source, sizes of zero or less, a risk outside [0, 1], or
        more events than participants.

    References
    ----------
    .. [1] Di Pietrantonj C (2006). Four-fold table cell frequencies imputation in meta
       analysis. Statistics in Medicine 25(13), 2299-2322.

    Examples
    --------
    >>> found = recover_tables(n1=[50], n2=[50], events=[30], odds_ratio=[0.375])
    >>> found[["ai", "bi", "ci", "di"]].values.tolist()
    [[10.0, 40.0, 20.0, 30.0]]
    >>> found["how"][0]
    'ai = 10, ci = 20 before rounding, from the odds ratio and all events'
    """
    given = dict(
        n1=n1, n2=n2, risk1=risk1, risk2=risk2, events=events, odds_ratio=odds_ratio,
        risk_ratio=risk_ratio, risk_difference=risk_difference, phi=phi,
        chi_squared=chi_squared, chi_squared_yates=chi_squared_yates,
    )  # fmt: skip
    optional = [name for name in given if name not in ("n1", "n2")]
    columns = read_columns(Call(given, data), ["n1", "n2"], optional)
    _check(columns)
    k = len(columns["n1"])
    margins = _Margins(
        columns["n1"], columns["n2"], columns.get("events", np.full(k, np.nan))
    )
    a, c, how = _exact(columns, margins)
    counts, how = _whole(a, c, margins, how)
    return recovered_frame(counts, how, data)


def _check(columns: dict[str, FloatArray]) -> None:
    for name in ("n1", "n2"):
        refuse(
            columns[name] <= 0,
            "the number of participants is not above zero",
            column=name,
            values=columns[name],
        )
    absent = np.full(len(columns["n1"]), np.nan)
    for name in ("risk1", "risk2"):
        refuse_outside(columns.get(name, absent), name, 0, 1, "a risk")
    refuse_outside(
        columns.get("risk_difference", absent), "risk_difference", -1, 1, "a difference"
    )
    refuse_outside(columns.get("phi", absent), "phi", -1, 1, "phi")
    for name in ("odds_ratio", "risk_ratio"):
        values = columns.get(name, absent)
        refuse(
            values < 0,
            "a ratio is not negative",
            column=name,
            values=values,
            remedy="give ratios as printed, not logarithms",
        )
    events = columns.get("events", absent)
    refuse(
        (events < 0) | (events > columns["n1"] + columns["n2"]),
        "events are fewer than none or more than all participants",
        column="events",
        values=events,
    )


def _exact(
    columns: dict[str, FloatArray], x: _Margins
) -> tuple[FloatArray, FloatArray, Notes]:
    """Return events of each arm before rounding and the words for the source."""
    k = len(x.n1)
    absent = np.full(k, np.nan)
    risk1, risk2 = (columns.get(name, absent) for name in ("risk1", "risk2"))
    a, c, how = risk1 * x.n1, risk2 * x.n2, no_notes(k)
    how[~np.isnan(a + c)] = "the risks"
    for name, risk in _RISK.items():
        if name in columns:
            found = risk(risk2, columns[name]) * x.n1
            use = np.isnan(a + c) & ~np.isnan(found)
            a = np.where(use, found, a)
            how[use] = f"the {_BY[name][1]} and the control risk"
    for name, (by, words) in _BY.items():
        if name in columns:
            with np.errstate(invalid="ignore", divide="ignore"):
                found = by(x, columns[name])
            use = np.isnan(a + c) & ~np.isnan(found)
            a, c = np.where(use, found, a), np.where(use, x.e - found, c)
            how[use] = f"the {words} and all events"
    refuse(
        np.isnan(a + c),
        "nothing gives the counts",
        column="risk1" if "risk1" in columns else "events",
        values=absent,
        remedy="supply risk1 and risk2, or events (or risk2) with an effect",
    )
    return a, c, how


def _whole(
    a: FloatArray, c: FloatArray, x: _Margins, how: Notes
) -> tuple[dict[str, FloatArray], Notes]:
    """Return whole counts; NaN where one leaves its arm by more than rounding."""
    half = 0.5
    possible = (a > -half) & (a < x.n1 + half) & (c > -half) & (c < x.n2 + half)
    words = no_notes(len(a))
    for row, text in enumerate(how):
        words[row] = (
            f"ai = {a[row]:.4g}, ci = {c[row]:.4g} before rounding, from {text}"
            if possible[row]
            else f"not recovered: {text} would give ai = {a[row]:.4g} of "
            f"{x.n1[row]:g}, ci = {c[row]:.4g} of {x.n2[row]:g}"
        )
    events1 = np.clip(np.round(a), 0, x.n1)
    # With all events known the margins hold exactly.
    rest = np.where(np.isnan(x.e), np.round(c), x.e - events1)
    events2 = np.clip(rest, 0, x.n2)
    cells = {
        "ai": events1,
        "bi": x.n1 - events1,
        "ci": events2,
        "di": x.n2 - events2,
    }
    return {name: np.where(possible, v, np.nan) for name, v in cells.items()}, words
