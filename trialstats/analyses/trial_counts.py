"""How many subjects each arm has: in the set, with data, in the model."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from trialstats.analyses.trial_left_out import left_out_rows, needed_columns
from trialstats.analyses.trial_rows import Analysis, Row, observed
from trialstats.errors import DataError
from trialstats.vocabulary import AVERAGE_OVER_VISITS


def counts_at_visit(analysis: Analysis) -> Iterator[Row]:
    """Yield the number with data by arm at the visit of the analysis."""
    column = "TRTP" if analysis.crossover else "TRT01P"
    data = analysis.observations(columns=needed_columns(analysis))
    yield from _counts(analysis, data, column)
    yield from left_out_rows(analysis, data, analysis.settings["response"], arm=column)


def counts_by_visit(analysis: Analysis) -> Iterator[Row]:
    """Yield the number with data by visit and arm, none at a visit that nobody has."""
    data = analysis.observations(columns=needed_columns(analysis))
    before = visits_by_number(data[data["AVISITN"] <= 0]).values()
    for visit in (*before, *visits_after_baseline(analysis)):
        yield from _counts(
            analysis, data[data["AVISIT"] == visit], "TRT01P", visit=visit
        )
    yield from left_out_rows(analysis, data, analysis.settings["response"])


def _counts(
    analysis: Analysis, data: pd.DataFrame, column: str, **where: Any
) -> Iterator[Row]:
    """Yield, for each arm, how many subjects have an observed value."""
    subjects, real = analysis.subjects(), observed(data)
    for arm in analysis.arms:
        size = len(subjects)
        if not analysis.crossover:
            size = int((subjects["TRT01P"] == arm).sum())
        yield analysis.row(
            "n_with_data",
            group=arm,
            estimate=real.loc[real[column] == arm, "USUBJID"].nunique(),
            n_subjects=size,
            method="Number of subjects of the analysis set with an observed value",
            **where,
        )


def n_analysed(analysis: Analysis, arm: str, n: int, **values: Any) -> Row:
    """Return the row of the number of subjects in the model."""
    return analysis.row(
        "n_analysed",
        group=arm,
        estimate=n,
        method="Number of subjects in the model",
        **values,
    )


def visits_by_number(data: pd.DataFrame) -> dict[float, str]:
    """Return the visits by their number, in its order."""
    pairs = data[["AVISITN", "AVISIT"]].drop_duplicates().sort_values("AVISITN")
    return dict(zip(pairs["AVISITN"], pairs["AVISIT"], strict=True))


def visits_after_baseline(analysis: Analysis) -> list[str]:
    """Return the visits after baseline, configured or with data, by their number.

    The visit of the analysis is one of them, whether or not anybody has it.
    """
    data = analysis.observations()
    parameter = analysis.config["bds"].get(analysis.settings["parameter"], {})
    visits = parameter.get("visits", {})
    windows = visits.get("windows", {})
    named = {float(window["number"]): visit for visit, window in windows.items()}
    every = named | visits_by_number(data)
    listed = [every[number] for number in sorted(every) if number > 0]
    at = analysis.settings.get("at")
    if not isinstance(at, str) or at in (*every.values(), AVERAGE_OVER_VISITS):
        return listed
    number = visits.get("names", {}).get(at, {}).get("number", math.inf)
    earlier = sum(0 < n < number for n in every)
    return [*listed[:earlier], at, *listed[earlier:]]


def require_one_row(data: pd.DataFrame, analysis: Analysis) -> None:
    """Raise DataError when a subject has two records."""
    repeated = data[data.duplicated(["USUBJID"])]
    if len(repeated):
        raise DataError(
            f"subject {repeated['USUBJID'].iloc[0]} has two records of "
            f"{analysis.settings['parameter']} at {analysis.settings.get('at')}",
            column="ANL01FL",
            remedy="flag one record for analysis",
        )
