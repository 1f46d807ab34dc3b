"""Effect sizes of pairs: each participant, or matched pair, under both conditions.

Symbols: a pairs have the event under both conditions, b under treatment only, c under
control only, d under neither; n = a + b + c + d. `MPORM` takes the table of the two
margins instead (events and others under treatment, then under control), with the
correlation of the pairs' results.
"""

import numpy as np

from trialstats.meta.inputs import FloatArray, refuse, same_length
from trialstats.meta.measures import (
    Call,
    Measure,
    Rows,
    read_columns,
    refuse_outside,
)
from trialstats.meta.two_by_two import Counts, log_odds_ratio, read_counts
from trialstats.meta.zero_cells import Words, constant, left_out


def _read(measure: Measure, call: Call) -> Rows:
    """Return the tables of pairs after the zero-cell rule of the call."""
    cells = read_counts(call.given, call.data, empty_rows=True)
    refuse(cells.n <= 0, "there are no pairs", column="ai", values=cells.a)
    no_event, only_event = cells.no_events, cells.only_events
    dropped = (no_event | only_event) & call.drop00
    added, done = constant(cells.has_zero, dropped, call, measure.add, Words())
    kept = Counts(*(left_out(x, dropped) for x in (cells.a, cells.b, cells.c, cells.d)))
    reason = np.full(len(added), "a cell is zero and nothing is added", dtype=object)
    discordant = (cells.b == 0) & (cells.c == 0)
    reason[discordant] = "no pair differs and nothing is added"
    reason[dropped] = "left out by drop00: ai and ci, or bi and di, are zero"
    return Rows(
        kept.plus(added), cells.n, done, reason, "variance is zero: no pair differs"
    )


def _treated(x: Counts) -> FloatArray:
    return (x.a + x.b) / x.n


def _control(x: Counts) -> FloatArray:
    return (x.a + x.c) / x.n


def _difference_variance(x: Counts, _: FloatArray) -> FloatArray:
    only, other = x.b / x.n, x.c / x.n
    return (only + other - (only - other) ** 2) / x.n


def _ratio_variance(x: Counts, _: FloatArray) -> FloatArray:
    return (x.b + x.c) / ((x.a + x.b) * (x.a + x.c))


def _marginal_odds(x: Counts) -> FloatArray:
    p, q = _treated(x), _control(x)
    return np.log(p / (1 - p)) - np.log(q / (1 - q))


def _marginal_odds_variance(x: Counts, y: FloatArray) -> FloatArray:
    p, q = _treated(x), _control(x)
    return _difference_variance(x, y) / (p * (1 - p) * q * (1 - q))


def _conditional_variance(x: Counts, _: FloatArray) -> FloatArray:
    return 1 / x.b + 1 / x.c


def _read_margins(measure: Measure, call: Call) -> Rows:
    """Return the margins of tables of pairs, and the correlation within pairs.

    The correlation ri is that of the two results (phi); pi, the share of all pairs
    with the event under both conditions, stands for it.
    """
    given = read_counts(call.given, call.data)
    found = read_columns(call, [], ["ri", "pi"]) if _has_link(call) else {}
    k = len(given.a)
    refuse(
        given.n1 != given.n2,
        "the two conditions have different numbers of pairs",
        column="ci",
        values=given.c,
        remedy="ai + bi and ci + di are both the number of pairs",
    )
    same_length({"ai": given.a, **found})
    ri, pi = (found.get(name, np.full(k, np.nan)) for name in ("ri", "pi"))
    refuse_outside(ri, "ri", -1, 1, "a correlation")
    refuse_outside(pi, "pi", 0, 1, "a share")
    refuse(
        np.isnan(ri) & np.isnan(pi),
        "the row has neither ri nor pi",
        column="ri",
        values=ri,
        remedy="supply the correlation of the paired results, or pi",
    )
    both = pi * given.n1
    rest = given.b - given.c + both
    table = Counts(both, given.a - both, given.c - both, rest)
    impossible = np.minimum(np.minimum(table.b, table.c), table.d) < 0
    refuse(impossible, "no table of pairs has this share", column="pi", values=pi)
    margins = np.sqrt(given.a * given.b) * np.sqrt(given.c * given.d)
    with np.errstate(invalid="ignore", divide="ignore"):
        implied = (table.a * table.d - table.b * table.c) / margins
    r = np.where(np.isnan(ri), implied, ri)
    added, done = constant(
        given.has_zero, np.zeros(k, dtype=np.bool_), call, measure.add, Words()
    )
    reason = np.full(k, "a cell is zero and nothing is added", dtype=object)
    columns = (given.plus(added), r)
    return Rows(columns, np.round(given.n / 2), done, reason)


def _has_link(call: Call) -> bool:
    return call.has("ri") or call.has("pi")


def _margin_variance(columns: tuple[Counts, FloatArray], _: FloatArray) -> FloatArray:
    """Return Woolf's variance less twice the covariance of the two log odds."""
    x, r = columns
    pairs = np.round((x.a + x.b + x.c + x.d) / 2)
    woolf = 1 / x.a + 1 / x.b + 1 / x.c + 1 / x.d
    joint = (r * np.sqrt(x.a * x.b * x.c * x.d) + x.a * x.b) / pairs
    shared = pairs**2 * (pairs * joint - x.a * x.b) / (x.a * x.b * x.c * x.d)
    return woolf - 2 * shared / pairs


#: Measures of pairs, under the names metafor gives them.
MATCHED: dict[str, Measure] = {
    "MPRD": Measure(
        "risk difference of pairs",
        "natural",
        _read,
        lambda x: (x.b - x.c) / x.n,
        {"LS": _difference_variance},
    ),
    "MPRR": Measure(
        "risk ratio of pairs",
        "log",
        _read,
        lambda x: np.log((x.a + x.b) / (x.a + x.c)),
        {"LS": _ratio_variance},
    ),
    "MPOR": Measure(
        "marginal odds ratio of pairs",
        "log",
        _read,
        _marginal_odds,
        {"LS": _marginal_odds_variance},
    ),
    "MPORC": Measure(
        "conditional odds ratio of pairs",
        "log",
        _read,
        lambda x: np.log(x.b / x.c),
        {"LS": _conditional_variance},
    ),
    "MPPETO": Measure(
        "conditional odds ratio of pairs (Peto's one-step)",
        "log",
        _read,
        lambda x: 2 * (x.b - x.c) / (x.b + x.c),
        {"LS": lambda x, _: 4 / (x.b + x.c)},
    ),
    "MPORM": Measure(
        "marginal odds ratio of pairs, from the margins",
        "log",
        _read_margins,
        lambda x: log_odds_ratio(x[0]),
        {"LS": _margin_variance},
    ),
}
