"""Effect sizes and sampling variances of trials, from what their papers report.

Names of measures and arguments are metafor's, so that a call can be compared line by
line. Treatment is arm 1, control arm 2; effects are treatment minus (log: over)
control. The measures stand by kind of data in modules of their own.
"""

from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialstats.errors import DataError
from trialstats.meta.change import CHANGE
from trialstats.meta.correlations import CORRELATIONS
from trialstats.meta.estimates import (
    STATED_MEASURES,
    is_stated,
    refuse_unused,
    stated_effects,
)
from trialstats.meta.inputs import FloatArray, Values, check_data, effects_frame
from trialstats.meta.matched import MATCHED
from trialstats.meta.mean_conversions import MEAN_CONVERSIONS
from trialstats.meta.mean_ratios import MEAN_RATIOS
from trialstats.meta.means import MEANS
from trialstats.meta.measures import Call, Measure, compute
from trialstats.meta.proportions import SINGLE_PROPORTIONS
from trialstats.meta.rates import RATES
from trialstats.meta.reliability import RELIABILITY
from trialstats.meta.scales import to_natural
from trialstats.meta.single_means import SINGLE_MEANS
from trialstats.meta.superiority import SUPERIORITY
from trialstats.meta.table_correlations import TABLE_CORRELATIONS
from trialstats.meta.two_by_two import TWO_BY_TWO

#: Code -> how the measure is read and computed.
REGISTRY: dict[str, Measure] = {
    **MEANS,
    **TWO_BY_TWO,
    **TABLE_CORRELATIONS,
    **MATCHED,
    **RATES,
    **MEAN_RATIOS,
    **MEAN_CONVERSIONS,
    **SUPERIORITY,
    **CHANGE,
    **SINGLE_MEANS,
    **SINGLE_PROPORTIONS,
    **CORRELATIONS,
    **RELIABILITY,
    **STATED_MEASURES,
}

#: Every measure that `effect_sizes` knows, with the scale its effects stand on.
MEASURES: dict[str, str] = {code: each.scale for code, each in REGISTRY.items()}


def effect_sizes(
    measure: str,
    *,
    ai: Values = None,
    bi: Values = None,
    ci: Values = None,
    di: Values = None,
    n1i: Values = None,
    n2i: Values = None,
    x1i: Values = None,
    t1i: Values = None,
    x2i: Values = None,
    t2i: Values = None,
    m1i: Values = None,
    sd1i: Values = None,
    m2i: Values = None,
    sd2i: Values = None,
    xi: Values = None,
    mi: Values = None,
    ni: Values = None,
    sdi: Values = None,
    ti: Values = None,
    ri: Values = None,
    pi: Values = None,
    r2i: Values = None,
    fi: Values = None,
    yi: Values = None,
    vi: Values = None,
    sei: Values = None,
    estimate: Values = None,
    ci_lower: Values = None,
    ci_upper: Values = None,
    p_value: Values = None,
    zi: Values = None,
    df: Values = None,
    level: Values = 0.95,
    data: pd.DataFrame | None = None,
    vtype: Values = "LS",
    correct: bool = True,
    add: float | None = None,
    to: str = "only0",
    drop00: bool = False,
) -> pd.DataFrame:
    """Compute effects and sampling variances, a row a trial.

    Parameters
    ----------
    measure : str
        A key of `MEASURES`; docs/methods/effect_sizes.md lists them with their
        arguments and formulae.
    ai, bi, n1i : array_like of shape (k,) or str
        Participants with the event, without it, and in all, under treatment; two of
        the three are enough. A text names a column of `data`; a single number holds
        for every row. Of pairs: both, and treatment only. `ai` is also Cronbach's
        alpha, or a probability of superiority.
    ci, di, n2i : array_like of shape (k,) or str
        The same under control. Of pairs: control only, and neither. `di` is also a
        standardized difference.
    x1i, t1i, x2i, t2i : array_like of shape (k,) or str
        Events and person-time of each arm.
    m1i, sd1i, n1i, m2i, sd2i, n2i : array_like of shape (k,) or str
        Mean, standard deviation and size of each arm, or condition.
    xi, mi, sdi, ni, ti : array_like of shape (k,) or str
        Of a single group: events and participants (`mi`: without the event) or
        person-time `ti`; mean, standard deviation and size. `mi` is also the number
        of items or predictors.
    ri, ti, pi, r2i, fi : array_like of shape (k,) or str
        Correlation, t statistic, two-sided p-value with the sign of the effect, R
        squared, F statistic.
    yi, vi, sei : array_like of shape (k,) or str
        Stated effects with variance or standard error, on the scale of the analysis
        (logarithms of ratios). For any measure on the natural or log scale.
    estimate, ci_lower, ci_upper, zi, p_value : array_like of shape (k,) or str
        Stated effects as printed (ratios as ratios) with interval, test statistic or
        two-sided p-value.
    df, level : array_like of shape (k,), number or str
        Degrees of freedom (absent: normal distribution) and confidence level behind
        interval and p-value.
    data : DataFrame, optional
        Holds the columns named by the arguments; its index is kept.
    vtype : str or array_like of shape (k,)
        Formula of the variance: "LS" large-sample (every measure), "LS2", "LS3",
        "UB" unbiased, "AV" at the average over trials, "HO" equal variances, "AVHO",
        "ST" and "CS" sampling, "H0" under no effect, "MAX", where they exist.
    correct : bool
        Remove small-sample bias from standardized differences and ratios.
    add : float, optional
        What is added to counts of zero; by default 0.5, and 0 for measures that need
        nothing (AS, PHI, RTET, PAS, PFT, IRSD, IRS, IRFT and their z).
    to : {"only0", "all", "if0all", "none"}
        Which rows receive `add` in all their counts: those with a zero, all, all as
        soon as one of them has a zero, none.
    drop00 : bool
        Give no effect for a trial without events, or with nothing but events, in
        both arms.

    Returns
    -------
    DataFrame
        Columns effect, variance, note and n. Effects stand on the scale that
        `MEASURES` names. The note is null, or says what was added or derived, or why
        effect and variance are NaN ("not estimable: ..."). n is the number of
        participants, or pairs, or the person-time, as it was given.

    Raises
    ------
    DataError
        For an unknown measure, rule or vtype, an absent column, text, a missing value
        for which nothing stands, a negative count, events above n, n or SD of zero or
        less, a correlation beyond 1.

    Notes
    -----
    Formulae and references: docs/methods/effect_sizes.md. They are those of
    ``metafor::escalc``.

    Examples
    --------
    >>> columns = ["effect", "variance", "note"]
    >>> found = effect_sizes(
    ...     "RD", ai=[5, 0], n1i=[20, 20], ci=[2, 0], n2i=[20, 20], to="none"
    ... )
    >>> found[columns]
       effect  variance                                               note
    0    0.15  0.013875                                                NaN
    1    0.00  0.000000  variance is zero: no event, or nothing but eve...
    >>> hazard = effect_sizes("HR", estimate=[0.66], ci_lower=[0.53], ci_upper=[0.81])
    >>> hazard[["effect", "variance"]].round(4).values.tolist()
    [[-0.4155, 0.0117]]
    """
    given = dict(
        ai=ai, bi=bi, ci=ci, di=di, n1i=n1i, n2i=n2i,
        x1i=x1i, t1i=t1i, x2i=x2i, t2i=t2i,
        m1i=m1i, sd1i=sd1i, m2i=m2i, sd2i=sd2i,
        xi=xi, mi=mi, ni=ni, sdi=sdi, ti=ti, ri=ri, pi=pi, r2i=r2i, fi=fi,
        yi=yi, vi=vi, sei=sei, estimate=estimate, ci_lower=ci_lower,
        ci_upper=ci_upper, p_value=p_value, zi=zi, df=df, level=level,
    )  # fmt: skip
    _refuse_unknown(measure)
    check_data(data)
    call = Call(given, data, add, to, drop00, correct)
    chosen = REGISTRY[measure]
    if is_stated(call):
        effect, variance, note, n = stated_effects(measure, chosen, call)
    else:
        refuse_unused(call)
        effect, variance, note, n = compute(measure, chosen, call, vtype)
    index = None if data is None else data.index
    if index is not None and len(index) != len(effect):
        index = None
    return effects_frame(effect, variance, note.tolist(), index).assign(n=n)


def _refuse_unknown(measure: str) -> None:
    """Raise a DataError for a measure that is not known, with those like it."""
    if measure in MEASURES:
        return
    like = get_close_matches(str(measure).upper(), MEASURES, n=4)
    listed = "MEASURES lists the codes, such as MD, SMD, RR, OR, RD, HR"
    raise DataError(
        f"unknown measure {measure!r}",
        remedy=f"did you mean {' or '.join(like)}? {listed}" if like else listed,
    )


def back_transform(
    measure: str, values: ArrayLike, *, n: ArrayLike | None = None
) -> FloatArray:
    """Return effects or limits of a measure on the scale that readers know.

    Ratios are no longer logarithms, proportions are proportions.

    Parameters
    ----------
    measure : str
        A key of `MEASURES`.
    values : array_like
        Effects, estimates or limits of intervals, on the scale of the analysis.
    n : array_like, optional
        Sizes, for PFT (participants) and IRFT (person-time): of each trial, or for a
        pooled effect the harmonic mean of all (`trialstats.meta.scales.harmonic_mean`).

    Returns
    -------
    ndarray
        In the shape of `values`.

    Raises
    ------
    DataError
        For an unknown measure, or a size that is needed and absent.

    Examples
    --------
    >>> back_transform("OR", [-0.6931, 0.0]).round(3).tolist()
    [0.5, 1.0]
    >>> back_transform("PFT", [0.3282], n=100).round(3).tolist()
    [0.1]
    """
    _refuse_unknown(measure)
    return np.asarray(to_natural(MEASURES[measure], values, n=n))
