"""Subjects by the highest grade of their adverse events, and events by their grades."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from trialstats.analyses.adverse_event_lines import Line, onset_in_words
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.rows import distinct_keys
from trialstats.vocabulary import EVENT_GRADES, EVENTS_OVERVIEW, GRADED_BY, NO_GRADE

#: Rank of an event without a grade: below all others.
_NONE = -1


def graded_rows(
    analysis: Analysis, lines: Sequence[Line], column: str, at_risk: Mapping[str, int]
) -> Iterator[Row]:
    """Yield the counts of each line by the values of a variable of grades.

    Parameters
    ----------
    analysis : Analysis
    lines : sequence of Line
        The first counts all events; the others of the overview are left out, since
        they choose their events.
    column : str
        Variable of ADAE, a key of `vocabulary.EVENT_GRADES`.
    at_risk : mapping of str to int
        Subjects of each arm.
    """
    grades = EVENT_GRADES[column]
    ranks = {grade: rank for rank, grade in enumerate(grades)}
    if (~lines[0].events[column].isin(grades)).any():
        ranks[NO_GRADE] = _NONE
    keys = distinct_keys(f"{column} {grade}" for grade in ranks)
    counted = {
        "subjects_with_event": "Number of subjects by the highest",
        "events": "Number of events by their",
    }
    for line in (lines[0], *(x for x in lines if x.part != EVENTS_OVERVIEW)):
        numbers = _numbers(line.events, column, ranks)
        for arm in analysis.arms:
            for grade, rank in ranks.items():
                for statistic, words in counted.items():
                    yield analysis.row(
                        statistic,
                        key=[line.key, keys[f"{column} {grade}"]],
                        group=arm,
                        parameter=line.name,
                        subgroup=f"{GRADED_BY[column]}: {grade}",
                        estimate=numbers[statistic][arm, rank],
                        n_subjects=at_risk[arm],
                        method=f"{words} {column} of treatment-emergent events, "
                        f"{onset_in_words(analysis)}",
                        model_id=line.part,
                    )


def _numbers(
    events: pd.DataFrame, column: str, ranks: Mapping[str, int]
) -> dict[str, Counter[tuple[str, int]]]:
    """Return subjects and events by treatment and rank."""
    highest: dict[tuple[str, str], int] = {}
    graded = []
    columns = (events[name].tolist() for name in ("TRTP", "USUBJID", column))
    for arm, subject, grade in zip(*columns, strict=True):
        rank = ranks.get(grade, _NONE)
        graded.append((arm, rank))
        highest[arm, subject] = max(rank, highest.get((arm, subject), _NONE))
    people = Counter((arm, rank) for (arm, _), rank in highest.items())
    return {"subjects_with_event": people, "events": Counter(graded)}
