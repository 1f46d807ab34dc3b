"""Rows of adverse events: subjects with an event, events, differences and tests."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import pandas as pd

from trialstats.analyses.adverse_event_grades import graded_rows
from trialstats.analyses.adverse_event_lines import (
    Line,
    event_lines,
    levels_of,
    onset_in_words,
)
from trialstats.analyses.trial_models import adverse_events_method
from trialstats.analyses.trial_proportions import comparison_columns
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.binary import Comparison, compare_proportions
from trialstats.contingency import fisher_exact_test
from trialstats.errors import DataError, NotEstimableError
from trialstats.vocabulary import EVENTS_OVERVIEW


def adverse_event_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of treatment-emergent adverse events.

    An event belongs to the treatment at its onset. A missing seriousness, relation or
    severity is not counted as the serious, related or severe; where the trial did not
    record one of them at all, its line is left out. In a crossover no treatments are
    compared: they have the same subjects.
    """
    subjects = analysis.subjects()
    at_risk = _at_risk(analysis, subjects)
    empty = [arm for arm, n in at_risk.items() if n == 0]
    if empty:
        raise NotEstimableError(f"{', '.join(empty)} has no subject at risk.")
    events = analysis.adae[
        (analysis.adae["TRTEMFL"] == "Y")
        & analysis.adae["USUBJID"].isin(subjects["USUBJID"])
    ]
    _require_treatment(analysis, events)
    lines = event_lines(analysis, events)
    kept = [line for line in lines if _is_kept(analysis, line, at_risk)]
    for line in kept:
        yield from _count_rows(analysis, line, at_risk)
        if analysis.crossover:
            continue
        if line.part == EVENTS_OVERVIEW or "by" in analysis.model:
            yield from _difference_rows(analysis, line, at_risk)
        if "test" in analysis.model:
            yield from _test_rows(analysis, line, at_risk)
    for key in ("severity", "relation"):
        if key in analysis.model:
            yield from graded_rows(analysis, kept, analysis.model[key], at_risk)
    if "minimum_percent" in analysis.model:
        yield from _left_out_rows(analysis, lines, kept)


def _at_risk(analysis: Analysis, subjects: pd.DataFrame) -> dict[str, int]:
    """Return how many subjects of the set began each treatment."""
    if not analysis.crossover:
        return {arm: int((subjects["TRT01P"] == arm).sum()) for arm in analysis.arms}
    numbers = dict.fromkeys(analysis.arms, 0)
    for sequence, order in analysis.config["sequences"].items():
        begun = subjects[subjects["TRTSEQP"] == sequence]
        for treatment, start in zip(order, analysis.config["periods"], strict=True):
            numbers[treatment] += int(begun[start].notna().sum())
    return numbers


def _require_treatment(analysis: Analysis, events: pd.DataFrame) -> None:
    unknown = events[~events["TRTP"].isin(analysis.arms)]
    if len(unknown):
        raise DataError(
            f"a treatment-emergent event ({unknown['AETERM'].iloc[0]}) of subject "
            f"{unknown['USUBJID'].iloc[0]} has no treatment of this trial",
            column="TRTP",
            value=unknown["TRTP"].iloc[0],
            remedy=f"give it one of {', '.join(analysis.arms)}",
        )


def _is_kept(analysis: Analysis, line: Line, at_risk: Mapping[str, int]) -> bool:
    """Return whether a line is frequent enough; the overview always is."""
    least = analysis.model.get("minimum_percent", 0)
    return line.part == EVENTS_OVERVIEW or any(
        100 * line.people[arm] >= least * n for arm, n in at_risk.items()
    )


def _left_out_rows(
    analysis: Analysis, lines: list[Line], kept: list[Line]
) -> Iterator[Row]:
    """Yield how many terms of each level are too rare for a line."""
    least = analysis.model["minimum_percent"]
    for level in levels_of(analysis):
        number = sum(line.part == level for line in lines)
        yield analysis.row(
            "terms_left_out",
            key=[level],
            estimate=number - sum(line.part == level for line in kept),
            method=f"Number of terms ({level}) that fewer than {least:g}% of the "
            "subjects of every treatment had",
            model_id=level,
        )


def _count_rows(
    analysis: Analysis, line: Line, at_risk: Mapping[str, int]
) -> Iterator[Row]:
    for arm in analysis.arms:
        shared: Row = {
            "key": [line.key],
            "group": arm,
            "parameter": line.name,
            "n_subjects": at_risk[arm],
            "model_id": line.part,
        }
        yield analysis.row(
            "subjects_with_event",
            estimate=line.people[arm],
            method="Number of subjects with a treatment-emergent event, "
            f"{onset_in_words(analysis)}",
            **shared,
        )
        yield analysis.row(
            "events",
            estimate=line.numbers[arm],
            method=f"Number of treatment-emergent events, {onset_in_words(analysis)}",
            **shared,
        )


@lru_cache(maxsize=4096)
def _compared(a: int, n1: int, c: int, n2: int, level: float) -> Comparison:
    """Return a risk difference; rare terms have the same few counts."""
    return compare_proportions(a, n1, c, n2, level=level).risk_difference


@lru_cache(maxsize=4096)
def _tested(a: int, n1: int, c: int, n2: int) -> Row:
    """Return the columns of Fisher's test, or why it has no p-value."""
    try:
        exact = fisher_exact_test([[a, n1 - a], [c, n2 - c]])
    except NotEstimableError:
        who = "Every subject" if a else "No subject"
        return {"not_estimable": f"{who} of either arm had the event."}
    return {"estimate": exact.probability, "p_value": exact.p_value}


def _difference_rows(
    analysis: Analysis, line: Line, at_risk: Mapping[str, int]
) -> Iterator[Row]:
    control = (line.people[analysis.control], at_risk[analysis.control])
    for arm in analysis.treatments:
        result = _compared(line.people[arm], at_risk[arm], *control, analysis.level)
        yield analysis.row(
            "risk_difference",
            key=[line.key],
            contrast=analysis.contrast(arm),
            parameter=line.name,
            n_subjects=at_risk[arm] + at_risk[analysis.control],
            method=adverse_events_method(analysis),
            model_id=line.part,
            **comparison_columns(result, analysis.level),
        )


def _test_rows(
    analysis: Analysis, line: Line, at_risk: Mapping[str, int]
) -> Iterator[Row]:
    """Yield Fisher's test of each treatment against the control."""
    for arm in analysis.treatments:
        counts = [(line.people[a], at_risk[a]) for a in (arm, analysis.control)]
        yield analysis.row(
            "fisher_test",
            key=[line.key],
            contrast=analysis.contrast(arm),
            parameter=line.name,
            n_subjects=at_risk[arm] + at_risk[analysis.control],
            method="Fisher's exact test of the subjects with the event, two-sided",
            model_id=line.part,
            **_tested(*counts[0], *counts[1]),
        )
