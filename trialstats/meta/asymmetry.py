"""Tests of funnel asymmetry by name: for any effects, and for 2x2 tables.

The regression of log odds ratios on their standard errors finds asymmetry where there
is none, because both are computed from the same counts. The tests for 2x2 tables
regress on something else, or weight by something else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.funnel import refuse_moderators
from trialstats.meta.hypergeometric import Margins
from trialstats.meta.inputs import FloatArray, Values, numbers, one_of, refuse
from trialstats.meta.inputs import same_length as check_lengths
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.rank_test import RankTest, kendall_test, rank_test
from trialstats.meta.small_study import (
    RegressionTest,
    regression_test,
    weighted_regression,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """2x2 tables: a, c with the event in arms 1 and 2; n1, n2 the sizes."""

    a: FloatArray
    n1: FloatArray
    c: FloatArray
    n2: FloatArray

    @property
    def n(self) -> FloatArray:
        return self.n1 + self.n2

    @property
    def events(self) -> FloatArray:
        return self.a + self.c

    @property
    def others(self) -> FloatArray:
        return self.n - self.events


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    pooled: Pooled
    tables: _Tables | None
    n1: FloatArray | None
    n2: FloatArray | None
    measure: str
    continuity: bool

    @property
    def counts(self) -> _Tables:
        if self.tables is None:
            raise DataError(
                "this test needs the counts of the 2x2 tables",
                remedy="pass ai, bi (or n1i), ci, di (or n2i)",
            )
        return self.tables

    @property
    def sizes(self) -> tuple[FloatArray, FloatArray]:
        if self.n1 is None or self.n2 is None:
            raise DataError(
                "this test needs the sizes of both arms", remedy="pass n1i and n2i"
            )
        return self.n1, self.n2

    def regress(
        self,
        variance: FloatArray,
        values: FloatArray,
        *,
        test: str,
        words: str,
        effect: FloatArray | None = None,
        vanishes: bool = True,
    ) -> RegressionTest:
        """Return a weighted regression of the effects."""
        return weighted_regression(
            np.asarray(self.pooled.effect) if effect is None else effect,
            variance,
            values,
            level=self.pooled.level,
            predictor="predictor",
            vanishes=vanishes,
            test=test,
            words=words,
        )


def _begg(ask: _Question) -> RankTest:
    return rank_test(ask.pooled, exact=False, continuity=ask.continuity)


def _egger(ask: _Question) -> RegressionTest:
    return regression_test(ask.pooled, model="weighted_regression")


def _thompson(ask: _Question) -> RegressionTest:
    """Meta-regression on the standard error with t tests."""
    options = {**ask.pooled.options, "inference": "t"}
    pooled = pool(ask.pooled.effect, ask.pooled.variance, **options)
    return replace(regression_test(pooled), test="Thompson and Sharp")


def _harbord(ask: _Question) -> RegressionTest:
    """Regress the efficient score over its information on its standard error."""
    t = ask.counts
    if ask.measure == "RR":
        score = (t.a * t.n - t.events * t.n1) / t.others
        information = t.n1 * t.n2 * t.events / (t.n * t.others)
    else:
        score = t.a - t.events * t.n1 / t.n
        information = t.n1 * t.n2 * t.events * t.others / (t.n**2 * (t.n - 1))
    _positive(information, "no information: no events, or nothing but events")
    return ask.regress(
        1 / information,
        1 / np.sqrt(information),
        effect=score / information,
        test=f"Harbord, {ask.measure}",
        words="standard error of the score",
    )


def _peters(ask: _Question) -> RegressionTest:
    """Regress on 1/n, weighted by the information of the average event risk."""
    t = ask.counts
    _positive(t.events * t.others, "no weight: no events, or nothing but events")
    return ask.regress(
        1 / t.events + 1 / t.others,
        1 / t.n,
        test="Peters",
        words="inverse of the total sample size, weights by the average event risk",
    )


def _macaskill(ask: _Question) -> RegressionTest:
    """Regress on the total sample size, weighted by the inverse variance."""
    n1, n2 = ask.sizes
    return ask.regress(
        np.asarray(ask.pooled.variance),
        n1 + n2,
        vanishes=False,
        test="Macaskill",
        words="total sample size",
    )


def _deeks(ask: _Question) -> RegressionTest:
    """Regress on the inverse root of the effective sample size, which weights."""
    n1, n2 = ask.sizes
    effective = 4 * n1 * n2 / (n1 + n2)
    return ask.regress(
        1 / effective,
        1 / np.sqrt(effective),
        test="Deeks",
        words="inverse square root of the effective sample size, which weights",
    )


def _pustejovsky(ask: _Question) -> RegressionTest:
    """Regress on the part of the standard error that does not hold the effect."""
    n1, n2 = ask.sizes
    return ask.regress(
        np.asarray(ask.pooled.variance),
        np.sqrt(1 / n1 + 1 / n2),
        test="Pustejovsky and Rodgers",
        words="square root of the summed inverse arm sizes",
    )


def _schwarzer(ask: _Question) -> RankTest:
    """Rank standardised numbers of events, given both margins, against 1/variance."""
    t = ask.counts
    log_odds_ratio = np.full(len(t.a), math.log(mantel_haenszel_odds_ratio(t)))
    given = Margins(t.n1, t.n2, t.events).cumulants(log_odds_ratio)
    _positive(
        given.variance, "no variance given its margins: no events, or nothing else"
    )
    return kendall_test(
        (t.a - given.mean) / np.sqrt(given.variance),
        1 / given.variance,
        exact=False,
        continuity=ask.continuity,
        test="Schwarzer",
    )


def _positive(values: FloatArray, what: str) -> None:
    refuse(
        ~(values > 0),
        f"the table has {what}",
        column="ai",
        values=values,
        remedy="leave the trial out",
    )


def mantel_haenszel_odds_ratio(tables: _Tables) -> float:
    """Return the common odds ratio of Mantel and Haenszel."""
    b, d = tables.n1 - tables.a, tables.n2 - tables.c
    above = float(np.sum(tables.a * d / tables.n))
    below = float(np.sum(b * tables.c / tables.n))
    if above == 0 or below == 0:
        raise DataError(
            "the common odds ratio is zero or infinite",
            remedy="use a test that does not need it",
        )
    return above / below


#: Test -> its computation.
TESTS: dict[str, Callable[[_Question], RegressionTest | RankTest]] = {
    "Begg": _begg,
    "Egger": _egger,
    "Thompson": _thompson,
    "Harbord": _harbord,
    "Macaskill": _macaskill,
    "Peters": _peters,
    "Deeks": _deeks,
    "Pustejovsky": _pustejovsky,
    "Schwarzer": _schwarzer,
}


def asymmetry_test(
    pooled: Pooled,
    test: str = "Egger",
    *,
    ai: Values | None = None,
    bi: Values | None = None,
    ci: Values | None = None,
    di: Values | None = None,
    n1i: Values | None = None,
    n2i: Values | None = None,
    data: pd.DataFrame | None = None,
    measure: str = "OR",
    continuity: bool = False,
) -> RegressionTest | RankTest:
    """Test funnel asymmetry by a test that has a name.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, at least 3 trials.
    test : str
        For any effects: "Begg", "Egger", "Thompson" (Thompson and Sharp), and with the
        sizes of both arms "Macaskill", "Deeks" and "Pustejovsky". For 2x2 tables:
        "Harbord", "Peters" and "Schwarzer".
    ai, bi, ci, di, n1i, n2i : array_like of shape (k,), optional
        Counts with and without the event in arms 1 and 2, and the sizes of the arms,
        in the order of the effects; or names of columns of `data`. For odds ratios
        Deeks' test is the one for diagnostic odds ratios when arm 1 are the diseased.
    data : DataFrame, optional
        Where column names are looked up.
    measure : {"OR", "RR"}
        Which score Harbord's test takes.
    continuity : bool
        Continuity correction of the rank tests.

    Returns
    -------
    RegressionTest or RankTest
        Rank tests take the normal approximation here.

    Raises
    ------
    DataError
        For an unknown name, missing or impossible counts, or moderators.
    NotEstimableError
        With fewer than 3 trials, or where a test does not exist.

    References
    ----------
    Deeks JJ, Macaskill P, Irwig L (2005). The performance of tests of publication bias
    and other sample size effects in systematic reviews of diagnostic test accuracy was
    assessed. J Clin Epidemiol 58, 882-893.

    Harbord RM, Egger M, Sterne JAC (2006). A modified test for small-study effects in
    meta-analyses of controlled trials with binary endpoints. Stat Med 25, 3443-3457.

    Macaskill P, Walter SD, Irwig L (2001). A comparison of methods to detect
    publication bias in meta-analysis. Stat Med 20, 641-654.

    Peters JL et al. (2006). Comparison of two methods to detect publication bias in
    meta-analysis. JAMA 295, 676-680.

    Pustejovsky JE, Rodgers MA (2019). Testing for funnel plot asymmetry of
    standardized mean differences. Res Synth Methods 10, 57-71.

    Schwarzer G, Antes G, Schumacher M (2007). A test for publication bias in
    meta-analysis with sparse binary data. Stat Med 26, 721-733.

    Thompson SG, Sharp SJ (1999). Explaining heterogeneity in meta-analysis: a
    comparison of methods. Stat Med 18, 2693-2708.

    Examples
    --------
    >>> from trialstats.meta.effect_sizes import effect_sizes
    >>> from trialstats.meta.pooling import pool
    >>> counts = dict(
    ...     ai=[4, 6, 3, 62], n1i=[123, 306, 231, 13598],
    ...     ci=[11, 29, 11, 248], n2i=[139, 303, 220, 12867],
    ... )
    >>> odds = effect_sizes("OR", **counts)
    >>> pooled = pool(odds["effect"], odds["variance"])
    >>> test = asymmetry_test(pooled, "Peters", **counts)
    >>> test.df
    2.0
    """
    one_of("test of funnel asymmetry", test, TESTS)
    one_of("measure", measure, ("OR", "RR"))
    refuse_moderators(pooled, f"the test {test!r}")
    given = {"ai": ai, "bi": bi, "ci": ci, "di": di, "n1i": n1i, "n2i": n2i}
    columns = {
        name: numbers(name, values, data=data)
        for name, values in given.items()
        if values is not None
    }
    check_lengths({"effect": np.asarray(pooled.effect), **columns})
    n1 = _size(columns, "n1i", "ai", "bi")
    n2 = _size(columns, "n2i", "ci", "di")
    a, c = columns.get("ai"), columns.get("ci")
    tables = None
    if a is not None and c is not None and n1 is not None and n2 is not None:
        for name, values, size in (("ai", a, n1), ("ci", c, n2)):
            refuse(
                (values < 0) | (values > size),
                "not between 0 and the size of the arm",
                column=name,
                values=values,
            )
        tables = _Tables(a, n1, c, n2)
    return TESTS[test](_Question(pooled, tables, n1, n2, measure, continuity))


def _size(
    columns: dict[str, FloatArray], size: str, events: str, others: str
) -> FloatArray | None:
    """Return the size of an arm, given or summed, or nothing."""
    if size in columns:
        values = columns[size]
    elif events in columns and others in columns:
        values = columns[events] + columns[others]
    else:
        return None
    refuse(values <= 0, "the arm is empty", column=size, values=values)
    return values
