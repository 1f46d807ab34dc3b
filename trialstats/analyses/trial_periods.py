"""Rows that describe a crossover: means by sequence and period, subject differences."""

import math
from collections.abc import Iterator

import pandas as pd

from trialstats.analyses.trial_rows import Analysis, Row, mean_columns
from trialstats.errors import NotEstimableError
from trialstats.linear_model import t_estimate
from trialstats.rows import distinct_keys

#: Statistics of these rows, which no model gives.
PERIOD_STATISTICS = ("period_mean", "subject_difference")


def period_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield observed means by sequence and period, and the difference of each subject.

    Parameters
    ----------
    analysis : Analysis
        Of a crossover.

    Yields
    ------
    dict
        ``period_mean`` for each sequence and period with a value, with the t interval
        of its mean where there are two values; ``subject_difference``, the mean of a
        subject under a treatment minus that under the control, for each subject with
        both.
    """
    response = analysis.settings["response"]
    data = analysis.observations().dropna(subset=[response])
    for sequence, treatments in analysis.config["sequences"].items():
        own = data[data["TRTSEQP"] == sequence]
        for number in range(1, len(treatments) + 1):
            seen = own.loc[own["APERIOD"] == number, response].astype(float)
            if len(seen):
                yield _mean(analysis, sequence, number, seen)
    yield from _differences(analysis, data, response)


def _mean(analysis: Analysis, sequence: str, number: int, seen: pd.Series) -> Row:
    columns: Row = {"estimate": float(seen.mean())}
    if len(seen) > 1:
        error = float(seen.std()) / math.sqrt(len(seen))
        try:
            found = t_estimate(
                columns["estimate"], error, df=len(seen) - 1, level=analysis.level
            )
        except NotEstimableError:
            pass  # All values are the same: there is a mean, and no interval.
        else:
            columns = mean_columns(found)
    period = f"period {number}"
    return analysis.row(
        "period_mean",
        key=[period],
        group=sequence,
        subgroup=period,
        unit=analysis.unit,
        n_subjects=len(seen),
        method=f"Observed mean, unadjusted; {analysis.percent} t interval of the "
        "values of the sequence in the period",
        **columns,
    )


def _differences(
    analysis: Analysis, data: pd.DataFrame, response: str
) -> Iterator[Row]:
    wide = data.astype({response: float}).pivot_table(
        index="USUBJID", columns="TRTP", values=response, aggfunc="mean"
    )
    if analysis.control not in wide:
        return
    sequences = dict(zip(data["USUBJID"], data["TRTSEQP"], strict=True))
    for treatment in analysis.treatments:
        if treatment not in wide:
            continue
        found = (wide[treatment] - wide[analysis.control]).dropna()
        found.index = found.index.astype(str)
        keys = distinct_keys(found.index)
        for subject, difference in found.items():
            yield analysis.row(
                "subject_difference",
                key=[analysis.contrast(treatment), keys[str(subject)]],
                group=sequences[str(subject)],
                contrast=analysis.contrast(treatment),
                subgroup=str(subject),
                unit=analysis.unit,
                estimate=float(difference),
                n_subjects=1,
                method=f"{response} of the subject, mean under the treatment minus "
                "mean under the control",
            )
