"""Probability that a treated participant's result exceeds a control's, ties halved.

Also called common language effect size, or area under the ROC curve. Symbols: a is the
probability, n1 and n2 the sizes of the arms; d is the difference of two normal arms
over the root of their mean variance, for which a = Phi(d / sqrt(2)).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from trialstats.meta.correlations import t_from_p
from trialstats.meta.inputs import FloatArray, refuse
from trialstats.meta.measures import (
    Call,
    Measure,
    Rows,
    no_notes,
    read_columns,
    refuse_deviations,
    refuse_outside,
    refuse_sizes,
)


@dataclass(frozen=True, slots=True)
class Superiority:
    """Probability of superiority of k trials, each array of shape (k,).

    `share` is the treatment arm's part of sd1^2 + sd2^2, NaN where the two are taken
    to be equal.
    """

    probability: FloatArray
    n1: FloatArray
    n2: FloatArray
    ties: FloatArray
    share: FloatArray
    d: FloatArray


def _read_u(_: Measure, call: Call) -> Rows:
    columns = read_columns(call, ["ai", "n1i", "n2i"], ["mi"])
    refuse_outside(columns["ai"], "ai", 0, 1, "a probability of superiority")
    refuse_sizes(columns, {"n1i": 1, "n2i": 1})
    n1, n2 = columns["n1i"], columns["n2i"]
    ties = np.nan_to_num(columns.get("mi", np.zeros(len(n1))))
    refuse_outside(ties, "mi", 0, 1, "a share of ties")
    unknown = np.full(len(n1), np.nan)
    found = Superiority(columns["ai"], n1, n2, ties, unknown, unknown)
    k = len(n1)
    reason = np.full(k, "an arm of one participant has no variance", dtype=object)
    zero = "variance is zero: every participant of one arm is above the other"
    return Rows(found, n1 + n2, no_notes(k), reason, zero)


def _newcombe(x: Superiority, a: FloatArray) -> FloatArray:
    """Return the variance of method 5 of Newcombe 2006, with (n1 - 1)(n2 - 1) below."""
    mean = (x.n1 + x.n2) / 2
    inner = 2 * mean - 1 - (3 * mean - 3) / ((2 - a) * (1 + a))
    return a * (1 - a) / ((x.n1 - 1) * (x.n2 - 1)) * inner


def _hanley(x: Superiority, a: FloatArray) -> FloatArray:
    """Return the variance of Hanley and McNeil 1982, less the ties (Cho 2019)."""
    first = (x.n1 - 1) * (a / (2 - a) - a**2)
    second = (x.n2 - 1) * (2 * a**2 / (1 + a) - a**2)
    total = a * (1 - a) - x.ties / 4 + first + second
    return total / ((x.n1 - 1) * (x.n2 - 1))


def _null(x: Superiority, _: FloatArray) -> FloatArray:
    return (x.n1 + x.n2 + 1) / (12 * x.n1 * x.n2)


def _largest(x: Superiority, a: FloatArray) -> FloatArray:
    return np.asarray(a * (1 - a) / (np.minimum(x.n1, x.n2) - 1))


def _read_normal(_: Measure, call: Call) -> Rows:
    """Return what normal arms imply: from moments, or di, ti, pi, or ai itself."""
    summary = ("m1i", "sd1i", "m2i", "sd2i")
    columns = read_columns(call, ["n1i", "n2i"], (*summary, "di", "ti", "pi", "ai"))
    refuse_sizes(columns, {"n1i": 2, "n2i": 2})
    refuse_deviations(columns, [name for name in ("sd1i", "sd2i") if name in columns])
    n1, n2 = columns["n1i"], columns["n2i"]
    absent = np.full(len(n1), np.nan)
    m1, sd1, m2, sd2 = (columns.get(name, absent) for name in summary)
    di, ti, pi, ai = (columns.get(name, absent) for name in ("di", "ti", "pi", "ai"))
    refuse_outside(pi, "pi", -1, 1, "a p-value (with the sign of the difference)")
    refuse_outside(ai, "ai", 0, 1, "a probability of superiority")
    root = np.sqrt(1 / n1 + 1 / n2)
    for other in (ti * root, t_from_p(pi, n1 + n2 - 2) * root):
        di = np.where(np.isnan(di), other, di)
    stated = ~np.isnan(di)
    with np.errstate(invalid="ignore"):
        of_moments = (m1 - m2) / np.sqrt((sd1**2 + sd2**2) / 2)
        share = sd1**2 / (sd1**2 + sd2**2)
    d = np.where(stated, di, of_moments)
    share = np.where(stated, np.nan, share)
    a = np.where(np.isnan(ai), np.asarray(ndtr(d / np.sqrt(2))), ai)
    refuse(
        np.isnan(a),
        "the row has neither m1i, sd1i, m2i, sd2i, nor di, ti, pi or ai",
        column="n1i",
        values=n1,
        remedy="supply them, or leave the row out and say so",
    )
    note = no_notes(len(n1))
    note[np.isnan(share)] = "standard deviations taken to be equal"
    reason = np.full(len(n1), "a probability of 0 or 1 has no variance", dtype=object)
    d = np.where(np.isnan(d), np.sqrt(2) * np.asarray(ndtri(a)), d)
    found = Superiority(a, n1, n2, np.zeros(len(n1)), share, d)
    return Rows(found, n1 + n2, note, reason, "variance is zero")


def _binormal(
    minus_mean: int, minus_sd: int
) -> Callable[[Superiority, FloatArray], FloatArray]:
    """Return the delta method from d, with n or n - 1 under the mean and the SD.

    Of the two arms' own variances where they are known, else of equal ones.
    """

    def variance(x: Superiority, _: FloatArray) -> FloatArray:
        q, q2 = x.share, 1 - x.share
        of_mean = 4 * (q / (x.n1 - minus_mean) + q2 / (x.n2 - minus_mean))
        of_sd = x.d**2 * (q**2 / (x.n1 - minus_sd) + q2**2 / (x.n2 - minus_sd))
        density = np.exp(-(x.d**2) / 2) / (8 * np.pi)
        n = x.n1 + x.n2
        equal = 2 * density * (1 / x.n1 + 1 / x.n2 + x.d**2 / (2 * n))
        return np.where(np.isnan(q), equal, density * (of_mean + of_sd))

    return variance


def _binormal_null(x: Superiority, _: FloatArray) -> FloatArray:
    share = np.where(np.isnan(x.share), 0.5, x.share)
    return (share / (x.n1 - 1) + (1 - share) / (x.n2 - 1)) / (2 * np.pi)


_RANKS = Measure(
    "probability of superiority",
    "natural",
    _read_u,
    lambda x: x.probability,
    {"LS": _newcombe, "LS2": _hanley, "H0": _null, "MAX": _largest},
)
_NORMAL = Measure(
    "probability of superiority of normal distributions",
    "natural",
    _read_normal,
    lambda x: x.probability,
    {
        "LS": _binormal(1, 1),
        "LS2": _binormal(0, 0),
        "LS3": _binormal(0, 1),
        "H0": _binormal_null,
    },
)

#: Probabilities of superiority, under the names metafor gives them.
SUPERIORITY: dict[str, Measure] = {
    "CLES": _RANKS,
    "AUC": _RANKS,
    "CLESN": _NORMAL,
    "AUCN": _NORMAL,
}
