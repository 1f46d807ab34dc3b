"""Effects of counts with zero cells, the constant added where R meta adds it.

`effect_sizes` adds to every cell, so that an arm grows by twice the constant. The
forms here differ where an effect is one of risks: risk ratio and log proportion add
the constant to the events and to the participants alike, which leaves the participants
without an event as they are; difference and proportion keep the plain effect, and take
the constant into the variance alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    Values,
    effects_frame,
    one_of,
)
from trialstats.meta.measures import Call
from trialstats.meta.proportions import read_proportions
from trialstats.meta.two_by_two import read_counts
from trialstats.meta.zero_cells import Words, constant

#: What a trial that holds no information about a ratio is called.
UNINFORMATIVE = "not estimable: no events in either arm"

#: What the note says of a variance of zero, which `pool` refuses.
ZERO_VARIANCE = "variance is zero: no event, or nothing but events"


@dataclass(frozen=True, slots=True)
class _Arm:
    """Events and participants of one arm, and the constant of each row."""

    x: FloatArray
    n: FloatArray
    added: FloatArray

    @property
    def risk(self) -> FloatArray:
        return self.x / self.n

    @property
    def risk_variance(self) -> FloatArray:
        others, size = self.n - self.x, self.n + 2 * self.added
        return np.asarray((self.x + self.added) * (others + self.added) / size**3)

    @property
    def log_risk(self) -> FloatArray:
        return np.asarray(np.log((self.x + self.added) / (self.n + self.added)))

    def log_risk_variance(self, all_events: BoolArray) -> FloatArray:
        # With events in all participants 1/(x + c) - 1/(n + c) would be zero.
        events = self.x + np.where(all_events, 0.0, self.added)
        return np.asarray(1 / events - 1 / (self.n + self.added))


_Effect = Callable[[list[_Arm]], tuple[FloatArray, FloatArray]]


def _risks(arms: list[_Arm]) -> tuple[FloatArray, FloatArray]:
    """Return a risk, or the difference of two, and its variance."""
    effect = arms[0].risk - (arms[1].risk if len(arms) > 1 else 0.0)
    return effect, np.asarray(sum(arm.risk_variance for arm in arms))


def _log_risks(arms: list[_Arm]) -> tuple[FloatArray, FloatArray]:
    """Return a log risk, or the difference of two, and its variance."""
    effect = arms[0].log_risk - (arms[1].log_risk if len(arms) > 1 else 0.0)
    whole = np.all([arm.x == arm.n for arm in arms], axis=0)
    return effect, np.asarray(sum(arm.log_risk_variance(whole) for arm in arms))


#: Measures of two arms, and of one, under the names of `effect_sizes`.
_TWO_ARMS: dict[str, _Effect] = {"RR": _log_risks, "RD": _risks}
_ONE_ARM: dict[str, _Effect] = {"PLN": _log_risks, "PR": _risks}

#: Measures for which the constant is added to events.
MEASURES = (*_TWO_ARMS, *_ONE_ARM)


def effects_with_events_added(
    measure: str,
    *,
    ai: Values = None,
    bi: Values = None,
    n1i: Values = None,
    ci: Values = None,
    di: Values = None,
    n2i: Values = None,
    xi: Values = None,
    mi: Values = None,
    ni: Values = None,
    data: pd.DataFrame | None = None,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> pd.DataFrame:
    """Compute effects of risks, the constant for zero cells added to events.

    Parameters
    ----------
    measure : {"RR", "RD", "PLN", "PR"}
        Log risk ratio, risk difference, log proportion, proportion.
    ai, bi, n1i, ci, di, n2i, xi, mi, ni : array_like of shape (k,) or str
        Counts as in `effect_sizes`.
    data : DataFrame, optional
        Where names of columns are looked up.
    add, to : float, str
        What is added to which rows, as in `effect_sizes`.
    drop00 : bool
        Give no risk ratio for a trial without events in either arm.

    Returns
    -------
    DataFrame
        effect, variance and note as in `effect_sizes`, and `added`, the constant of
        each row.

    Raises
    ------
    DataError
        For an unknown measure or rule, absent arguments or impossible counts.

    References
    ----------
    .. [1] Pettigrew HM, Gart JJ, Thomas DG (1986). The bias and higher cumulants of
       the logarithm of a binomial variate. Biometrika 73(2), 425-435.
    .. [2] Hartung J, Knapp G (2001). A refined method for the meta-analysis of
       controlled clinical trials with binary outcome. Statistics in Medicine 20(24),
       3875-3889. Equation 18.

    Examples
    --------
    >>> counts = dict(ai=[0, 4], n1i=[20, 25], ci=[3, 6], n2i=[20, 25])
    >>> effects_with_events_added("RR", **counts)["effect"].round(4).tolist()
    [-1.9459, -0.4055]
    """
    one_of("measure", measure, MEASURES)
    given = {
        "ai": ai, "bi": bi, "n1i": n1i, "ci": ci, "di": di, "n2i": n2i,
        "xi": xi, "mi": mi, "ni": ni,
    }  # fmt: skip
    call = Call(given, data, add, to)
    if measure in _TWO_ARMS:
        tables = read_counts(given, data)
        sizes = [(tables.a, tables.n1), (tables.c, tables.n2)]
        words, has_zero = Words(), tables.has_zero
        dropped = tables.no_events & (drop00 and measure == "RR")
    else:
        counts = read_proportions(call)
        sizes = [(counts.x, counts.n)]
        words = Words("events", "a cell", "a zero cell")
        has_zero = (counts.x == 0) | (counts.m == 0)
        dropped = np.zeros_like(has_zero)
    added, note = constant(has_zero, dropped, call, add, words)
    arms = [_Arm(x, n, added) for x, n in sizes]
    form = (_TWO_ARMS | _ONE_ARM)[measure]
    with np.errstate(divide="ignore", invalid="ignore"):
        effect, variance = form(arms)
    absent = dropped | ~np.isfinite(effect) | ~np.isfinite(variance)
    note[absent] = "not estimable: a cell is zero and nothing is added"
    note[dropped] = UNINFORMATIVE
    note[~absent & (variance == 0)] = ZERO_VARIANCE
    index = None if data is None or len(data) != len(effect) else data.index
    frame = effects_frame(
        np.where(absent, np.nan, effect),
        np.where(absent, np.nan, variance),
        note.tolist(),
        index,
    )
    return frame.assign(added=added)
