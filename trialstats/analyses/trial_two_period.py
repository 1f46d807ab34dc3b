"""Rows of two treatments in two periods: t tests within subjects, and of ranks."""

from collections.abc import Iterator

import pandas as pd

from trialstats.analyses.trial_counts import n_analysed
from trialstats.analyses.trial_periods import period_rows
from trialstats.analyses.trial_rows import (
    Analysis,
    Row,
    estimate_columns,
)
from trialstats.two_period_crossover import two_period_crossover


def two_period_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return the comparison adjusted for the period in words."""
    return (
        f"Differences of {analysis.settings['response']} within subjects, adjusted for "
        "the period by the two-sample t test of the sequences; subjects with both "
        f"periods; {analysis.percent} t interval"
    )


def two_period_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the treatment effect, the paired and rank tests, period and carry-over."""
    response = analysis.settings["response"]
    data = analysis.observations().dropna(subset=[response])
    fit = two_period_crossover(
        data,
        response=response,
        subject="USUBJID",
        treatment="TRTP",
        period="APERIOD",
        sequence="TRTSEQP",
        control=analysis.control,
        level=analysis.level,
    )
    n = sum(fit.n.values())
    both = data[data.groupby("USUBJID")["APERIOD"].transform("nunique") == 2]
    for arm in analysis.arms:
        yield n_analysed(analysis, arm, n)
        yield from _moments(analysis, arm, both.loc[both["TRTP"] == arm, response])
    yield from period_rows(analysis)
    contrast = analysis.contrast(analysis.treatments[0])
    shared: Row = {"unit": analysis.unit, "n_subjects": n}
    yield analysis.row(
        "difference",
        contrast=contrast,
        role=analysis.settings["role"],
        method=two_period_method(analysis),
        **shared,
        **estimate_columns(fit.treatment),
    )
    yield analysis.row(
        "paired_difference",
        contrast=contrast,
        role="sensitivity",
        method=f"Paired t test of {response}, the period left aside; subjects with "
        f"both periods; {analysis.percent} t interval",
        **shared,
        **estimate_columns(fit.paired),
    )
    yield analysis.row(
        "signed_rank_test",
        contrast=contrast,
        role="sensitivity",
        estimate=fit.signed_rank.statistic,
        test_statistic=fit.signed_rank.statistic,
        p_value=fit.signed_rank.p_value,
        n_subjects=fit.signed_rank.n,
        method="Wilcoxon's signed-rank test, exact, also with ties; sum of the ranks "
        "of the positive differences; differences of zero left out",
    )
    period = [f"Period {number}" for number in sorted(data["APERIOD"].unique())]
    for statistic, words, found, method in (
        (
            "period_effect",
            f"{period[1]} versus {period[0].lower()}",
            fit.period,
            "second minus first period, adjusted for treatment",
        ),
        (
            "carryover_effect",
            f"{fit.sequences[1]} versus {fit.sequences[0]}",
            fit.carryover,
            "sums of the periods compared between the sequences",
        ),
    ):
        yield analysis.row(
            statistic,
            contrast=words,
            method=f"Two-sample t test of {response}: {method}",
            **shared,
            **estimate_columns(found),
        )


def _moments(analysis: Analysis, arm: str, seen: pd.Series) -> Iterator[Row]:
    for statistic, value in (
        ("mean", seen.mean()),
        ("standard_deviation", seen.std()),
    ):
        yield analysis.row(
            statistic,
            group=arm,
            unit=analysis.unit,
            estimate=float(value),
            n_subjects=len(seen),
            method="Observed values of subjects with both periods, unadjusted",
        )
