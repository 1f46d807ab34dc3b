"""Effect sizes and sampling variances of two-arm trials: MD, SMD, RR, OR, RD.

Names of measures and arguments are metafor's, so that a call can be compared line by
line. Treatment is arm 1, control arm 2; effects are treatment minus (log: over)
control.
"""

import pandas as pd

from trialstats.meta.inputs import Values, effects_frame, one_of
from trialstats.meta.means import MEANS, read_moments
from trialstats.meta.two_by_two import from_counts, read_counts

#: Every measure that `effect_sizes` knows, with the scale its effects stand on.
MEASURES: dict[str, str] = {
    "MD": "natural",
    "SMD": "natural",
    "RR": "log",
    "OR": "log",
    "RD": "natural",
}


def effect_sizes(
    measure: str,
    *,
    ai: Values = None,
    bi: Values = None,
    ci: Values = None,
    di: Values = None,
    n1i: Values = None,
    n2i: Values = None,
    m1i: Values = None,
    sd1i: Values = None,
    m2i: Values = None,
    sd2i: Values = None,
    data: pd.DataFrame | None = None,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
) -> pd.DataFrame:
    """Compute effects and sampling variances, a row a trial.

    Parameters
    ----------
    measure : {"MD", "SMD", "RR", "OR", "RD"}
        Mean difference, Hedges' g, risk ratio, odds ratio, risk difference.
    ai, bi, n1i : array_like of shape (k,) or str
        Participants with the event, without it, and in all, under treatment; two of
        the three are enough. A text names a column of `data`.
    ci, di, n2i : array_like of shape (k,) or str
        The same under control.
    m1i, sd1i, n1i, m2i, sd2i, n2i : array_like of shape (k,) or str
        Mean, standard deviation and size of each arm (MD, SMD).
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.
    add : float
        What is added to the cells (RR, OR, RD).
    to : {"only0", "all", "if0all", "none"}
        Which tables receive `add` in all four cells: those with a zero cell, all,
        all as soon as one of them has a zero cell, none.
    drop00 : bool
        Give no effect for a trial without events, or with nothing but events, in
        both arms.

    Returns
    -------
    DataFrame
        Columns effect, variance and note. RR and OR are on the log scale. The note is
        null, or says what was added, or why effect and variance are NaN.

    Raises
    ------
    DataError
        For an unknown measure or rule, an absent column, text, a missing value, a
        negative count, events above n, n or SD of zero or less.

    Notes
    -----
    Formulae and references: docs/methods/meta_analysis.md. They are those of
    ``metafor::escalc`` with ``vtype = "LS"``.

    Examples
    --------
    >>> effect_sizes("RD", ai=[5, 0], n1i=[20, 20], ci=[2, 0], n2i=[20, 20], to="none")
       effect  variance                                               note
    0    0.15  0.013875                                                NaN
    1    0.00  0.000000  variance is zero: no event, or nothing but eve...
    """
    one_of("measure", measure, MEASURES)
    index = None if data is None else data.index
    if measure in MEANS:
        given = dict(m1i=m1i, sd1i=sd1i, n1i=n1i, m2i=m2i, sd2i=sd2i, n2i=n2i)
        effect, variance = MEANS[measure](read_moments(given, data))
        notes: list[str | None] = [None] * len(effect)
    else:
        given = dict(ai=ai, bi=bi, ci=ci, di=di, n1i=n1i, n2i=n2i)
        effect, variance, notes = from_counts(
            measure, read_counts(given, data), add=add, to=to, drop00=drop00
        )
    if index is not None and len(index) != len(effect):
        index = None
    return effects_frame(effect, variance, notes, index)
