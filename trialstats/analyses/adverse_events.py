"""Rows of adverse events: subjects with an event, events, risk differences."""

from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd

from trialstats.analyses.trial_models import adverse_events_method
from trialstats.analyses.trial_proportions import comparison_columns
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.binary import compare_proportions
from trialstats.errors import DataError, NotEstimableError
from trialstats.rows import distinct_keys

#: Summary lines: name, and the column and value that an event must have.
SUMMARIES: Mapping[str, tuple[str, str] | None] = {
    "Any adverse event": None,
    "Any serious adverse event": ("AESER", "Y"),
    "Any related adverse event": ("AEREL", "RELATED"),
    "Any severe adverse event": ("AESEV", "SEVERE"),
}


def adverse_event_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of treatment-emergent adverse events.

    An event belongs to the treatment at its onset. A missing seriousness, relation or
    severity is not counted as the serious, related or severe; where the trial did not
    record one of them at all, its summary is left out.
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
    keys = distinct_keys([*SUMMARIES, *_terms_by_frequency(events)])
    recorded = {"TRTEMFL", *analysis.config["adae"]["variables"]}
    for name, condition in SUMMARIES.items():
        if condition and condition[0] not in recorded:
            continue  # Nothing was recorded: not the same as no such event.
        column, value = condition or ("TRTEMFL", "Y")
        chosen = events[events[column] == value]
        yield from _count_rows(analysis, name, keys[name], chosen, at_risk)
        if not analysis.crossover:
            yield from _difference_rows(analysis, name, chosen, at_risk)
    for term in _terms_by_frequency(events):
        chosen = events[events["AETERM"] == term]
        yield from _count_rows(analysis, term, keys[term], chosen, at_risk)


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


def _terms_by_frequency(events: pd.DataFrame) -> list[str]:
    """Return the terms, those of most subjects first, then by name."""
    pairs = events[["AETERM", "USUBJID"]].drop_duplicates()
    numbers = Counter(pairs["AETERM"].astype(str))
    return sorted(numbers, key=lambda term: (-numbers[term], term))


def _subjects_with(events: pd.DataFrame, arm: str) -> int:
    return int(events.loc[events["TRTP"] == arm, "USUBJID"].nunique())


def _count_rows(
    analysis: Analysis,
    name: str,
    key: str,
    events: pd.DataFrame,
    at_risk: Mapping[str, int],
) -> Iterator[Row]:
    under = "at onset" if analysis.crossover else "as randomised"
    for arm in analysis.arms:
        shared: Row = {"group": arm, "parameter": name, "n_subjects": at_risk[arm]}
        yield analysis.row(
            "subjects_with_event",
            key=[key],
            estimate=_subjects_with(events, arm),
            method="Number of subjects with a treatment-emergent event, by treatment "
            f"{under}",
            **shared,
        )
        yield analysis.row(
            "events",
            key=[key],
            estimate=int((events["TRTP"] == arm).sum()),
            method=f"Number of treatment-emergent events, by treatment {under}",
            **shared,
        )


def _difference_rows(
    analysis: Analysis, name: str, events: pd.DataFrame, at_risk: Mapping[str, int]
) -> Iterator[Row]:
    control = (_subjects_with(events, analysis.control), at_risk[analysis.control])
    for arm in analysis.treatments:
        result = compare_proportions(
            _subjects_with(events, arm), at_risk[arm], *control, level=analysis.level
        )
        yield analysis.row(
            "risk_difference",
            key=[name],
            contrast=analysis.contrast(arm),
            parameter=name,
            n_subjects=at_risk[arm] + control[1],
            method=adverse_events_method(analysis),
            **comparison_columns(result.risk_difference, analysis.level),
        )
