"""Effect sizes of two-by-two tables of two independent arms.

Symbols: a and b are the participants with and without the event under treatment, c
and d under control; n1 = a + b, n2 = c + d; p1 = a/n1, p2 = c/n2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialstats.errors import DataError
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    Values,
    refuse,
)
from trialstats.meta.measures import (
    Call,
    Measure,
    Notes,
    Rows,
    read_columns,
    weighted_mean,
)
from trialstats.meta.zero_cells import ZERO_CELLS, Words, constant, left_out

__all__ = ["TWO_BY_TWO", "ZERO_CELLS", "Counts", "read_counts", "read_tables"]


@dataclass(frozen=True, slots=True)
class Counts:
    """The cells of k two-by-two tables, each an array of shape (k,)."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    @property
    def n1(self) -> FloatArray:
        """Participants under treatment."""
        return self.a + self.b

    @property
    def n2(self) -> FloatArray:
        """Participants under control."""
        return self.c + self.d

    @property
    def n(self) -> FloatArray:
        """Participants in both arms."""
        return self.a + self.b + self.c + self.d

    @property
    def p1(self) -> FloatArray:
        """Share with the event under treatment."""
        return self.a / self.n1

    @property
    def p2(self) -> FloatArray:
        """Share with the event under control."""
        return self.c / self.n2

    @property
    def p(self) -> FloatArray:
        """Share with the event in both arms together."""
        return (self.a + self.c) / self.n

    @property
    def has_zero(self) -> BoolArray:
        """Whether any cell of the table is zero."""
        cells = np.stack([self.a, self.b, self.c, self.d])
        return np.asarray((cells == 0).any(axis=0))

    @property
    def no_events(self) -> BoolArray:
        """Whether neither arm has an event."""
        return np.asarray((self.a == 0) & (self.c == 0))

    @property
    def only_events(self) -> BoolArray:
        """Whether every participant of both arms has the event."""
        return np.asarray((self.b == 0) & (self.d == 0))

    def plus(self, added: FloatArray) -> "Counts":
        """Return the tables with `added` in every cell."""
        return Counts(self.a + added, self.b + added, self.c + added, self.d + added)


def read_counts(
    given: Mapping[str, Values], data: pd.DataFrame | None, *, empty_rows: bool = False
) -> Counts:
    """Return the cells from ai with bi or n1i, and ci with di or n2i.

    Parameters
    ----------
    given : mapping
        Argument -> numbers or name of a column.
    data : DataFrame or None
        Where column names are looked up.
    empty_rows : bool
        Let n1i or n2i be zero: in tables of pairs they are no sizes of arms.

    Raises
    ------
    DataError
        For an absent argument, a negative count, events above n, n of zero or less,
        or cells that contradict n.
    """
    call = Call(given, data)
    for total, no_event in (("n1i", "bi"), ("n2i", "di")):
        if not call.has(total) and not call.has(no_event):
            raise DataError(
                f"missing argument {total}", remedy=f"give {total}, or {no_event}"
            )
    others = [name for name in ("bi", "n1i", "di", "n2i") if call.has(name)]
    columns = read_columns(call, ["ai", "ci", *others])
    treated = _arm("ai", "bi", "n1i", columns, empty_rows)
    return Counts(*treated, *_arm("ci", "di", "n2i", columns, empty_rows))


def _arm(
    event: str,
    no_event: str,
    total: str,
    columns: Mapping[str, FloatArray],
    empty: bool,
) -> tuple[FloatArray, FloatArray]:
    """Return the cells of one arm."""
    events = columns[event]
    refuse(events < 0, "a count is negative", column=event, values=events)
    if total not in columns:
        others = columns[no_event]
        refuse(others < 0, "a count is negative", column=no_event, values=others)
        refuse(
            (events + others <= 0) & (not empty),
            f"{event} + {no_event} is zero: no participants",
            column=event,
            values=events,
        )
        return events, others
    n = columns[total]
    refuse(
        (n <= 0) & ~((n == 0) & empty),
        "the number of participants is not above zero",
        column=total,
        values=n,
    )
    above = np.flatnonzero(events > n)
    if above.size:
        refuse(
            events > n,
            f"more events than participants ({total} = {n[above[0]]:g})",
            column=event,
            values=events,
            remedy=f"count participants with the event, at most {total}",
        )
    others = n - events
    if no_event in columns:
        refuse(
            columns[no_event] != others,
            f"{event} + {no_event} is not {total}",
            column=no_event,
            values=columns[no_event],
            remedy=f"give {no_event} or {total}, not both",
        )
    return events, others


def read_tables(measure: Measure, call: Call) -> Rows:
    """Return tables after the zero-cell rule of the call."""
    cells = read_counts(call.given, call.data)
    dropped = (cells.no_events | cells.only_events) & call.drop00
    added, done = constant(cells.has_zero, dropped, call, measure.add, Words())
    kept = Counts(*(left_out(x, dropped) for x in (cells.a, cells.b, cells.c, cells.d)))
    one_sided = cells.no_events | cells.only_events
    return Rows(
        kept.plus(added),
        cells.n,
        done,
        reasons(cells),
        zero="variance is zero: no event, or nothing but events, in each arm",
        alone=one_sided & (added > 0) & (measure.effect is risk_difference),
    )


def reasons(cells: Counts) -> Notes:
    """Return why a table may give no effect, one text a row."""
    text = np.full(
        len(cells.a), "a cell is zero and nothing is added", dtype=np.dtype(object)
    )
    text[cells.only_events] = "every participant has the event in both arms"
    text[cells.no_events] = "no events in either arm"
    return text


def _averages(cells: Counts) -> tuple[float, float]:
    """Return the shares with the event over all trials, each arm."""
    return weighted_mean(cells.p1, cells.n1), weighted_mean(cells.p2, cells.n2)


def log_risk_ratio(cells: Counts) -> FloatArray:
    """Return ln(a/n1) - ln(c/n2)."""
    return np.log(cells.p1) - np.log(cells.p2)


def _rr_large(cells: Counts, _: FloatArray) -> FloatArray:
    return cells.b / (cells.a * cells.n1) + cells.d / (cells.c * cells.n2)


def _rr_average(cells: Counts, _: FloatArray) -> FloatArray:
    p1, p2 = _averages(cells)
    return (1 - p1) / (p1 * cells.n1) + (1 - p2) / (p2 * cells.n2)


def _rr_null(cells: Counts, _: FloatArray) -> FloatArray:
    return (1 - cells.p) / cells.p * (1 / cells.n1 + 1 / cells.n2)


def log_odds_ratio(cells: Counts) -> FloatArray:
    """Return ln(ad/bc)."""
    return np.log(cells.a / cells.b) - np.log(cells.c / cells.d)


def _or_large(cells: Counts, _: FloatArray) -> FloatArray:
    return 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d


def _or_average(cells: Counts, _: FloatArray) -> FloatArray:
    p1, p2 = _averages(cells)
    return 1 / (p1 * (1 - p1) * cells.n1) + 1 / (p2 * (1 - p2) * cells.n2)


def _or_null(cells: Counts, _: FloatArray) -> FloatArray:
    return (1 / cells.n1 + 1 / cells.n2) / (cells.p * (1 - cells.p))


def risk_difference(cells: Counts) -> FloatArray:
    """Return a/n1 - c/n2."""
    return cells.p1 - cells.p2


def _rd_large(cells: Counts, _: FloatArray) -> FloatArray:
    return cells.a * cells.b / cells.n1**3 + cells.c * cells.d / cells.n2**3


def _rd_unbiased(cells: Counts, _: FloatArray) -> FloatArray:
    first = cells.a * cells.b / (cells.n1**2 * (cells.n1 - 1))
    return first + cells.c * cells.d / (cells.n2**2 * (cells.n2 - 1))


def _rd_average(cells: Counts, _: FloatArray) -> FloatArray:
    p1, p2 = _averages(cells)
    return p1 * (1 - p1) / cells.n1 + p2 * (1 - p2) / cells.n2


def _rd_null(cells: Counts, _: FloatArray) -> FloatArray:
    return (1 / cells.n1 + 1 / cells.n2) * cells.p * (1 - cells.p)


def arcsine_difference(cells: Counts) -> FloatArray:
    """Return arcsin sqrt(p1) - arcsin sqrt(p2) (Rücker 2009)."""
    return np.arcsin(np.sqrt(cells.p1)) - np.arcsin(np.sqrt(cells.p2))


def _arcsine_variance(cells: Counts, _: FloatArray) -> FloatArray:
    return 1 / (4 * cells.n1) + 1 / (4 * cells.n2)


def _hypergeometric_variance(cells: Counts) -> FloatArray:
    """Return the variance of a, given the margins, when the arms do not differ."""
    events, others = cells.a + cells.c, cells.b + cells.d
    return events * others * cells.n1 * cells.n2 / (cells.n**2 * (cells.n - 1))


def peto_log_odds_ratio(cells: Counts) -> FloatArray:
    """Return (a - E)/V with the hypergeometric mean and variance of a (Yusuf 1985)."""
    expected = (cells.a + cells.c) * cells.n1 / cells.n
    return (cells.a - expected) / _hypergeometric_variance(cells)


def _peto_variance(cells: Counts, _: FloatArray) -> FloatArray:
    return 1 / _hypergeometric_variance(cells)


def probit_difference(cells: Counts) -> FloatArray:
    """Return the difference of normal quantiles of p1 and p2 (Sánchez-Meca 2003)."""
    return np.asarray(ndtri(cells.p1) - ndtri(cells.p2))


def _probit_variance(cells: Counts, _: FloatArray) -> FloatArray:
    def of(p: FloatArray, n: FloatArray) -> FloatArray:
        return np.asarray(2 * np.pi * p * (1 - p) * np.exp(ndtri(p) ** 2) / n)

    return of(cells.p1, cells.n1) + of(cells.p2, cells.n2)


#: SD of the standard logistic distribution: a log odds ratio over it is an SMD.
LOGISTIC_SD = np.pi / np.sqrt(3)

#: Cox and Snell's divisor of a log odds ratio, for normal distributions.
COX_DIVISOR = 1.65


def _as_smd(words: str, divisor: float) -> Measure:
    def effect(cells: Counts) -> FloatArray:
        return log_odds_ratio(cells) / divisor

    def scaled(
        variance: Callable[[Counts, FloatArray], FloatArray],
    ) -> Callable[[Counts, FloatArray], FloatArray]:
        return lambda cells, y: variance(cells, y) / divisor**2

    return Measure(
        f"standardized mean difference from an odds ratio ({words})",
        "natural",
        read_tables,
        effect,
        {"LS": scaled(_or_large), "AV": scaled(_or_average), "H0": scaled(_or_null)},
    )


#: Measures of two-by-two tables, under the names metafor gives them.
TWO_BY_TWO: dict[str, Measure] = {
    "RR": Measure(
        "risk ratio",
        "log",
        read_tables,
        log_risk_ratio,
        {"LS": _rr_large, "AV": _rr_average, "H0": _rr_null},
    ),
    "OR": Measure(
        "odds ratio",
        "log",
        read_tables,
        log_odds_ratio,
        {"LS": _or_large, "AV": _or_average, "H0": _or_null},
    ),
    "RD": Measure(
        "risk difference",
        "natural",
        read_tables,
        risk_difference,
        {
            "LS": _rd_large,
            "UB": _rd_unbiased,
            "AV": _rd_average,
            "H0": _rd_null,
        },
    ),
    "AS": Measure(
        "difference of arcsine-square-root risks",
        "natural",
        read_tables,
        arcsine_difference,
        {"LS": _arcsine_variance},
        add=0,
    ),
    "PETO": Measure(
        "odds ratio (Peto's one-step)",
        "log",
        read_tables,
        peto_log_odds_ratio,
        {"LS": _peto_variance},
    ),
    "PBIT": Measure(
        "standardized mean difference from risks (probit)",
        "natural",
        read_tables,
        probit_difference,
        {"LS": _probit_variance},
    ),
    "OR2D": _as_smd("logistic", LOGISTIC_SD),
    "OR2DL": _as_smd("logistic", LOGISTIC_SD),
    "OR2DN": _as_smd("normal, Cox", COX_DIVISOR),
}
