"""What the strategies of an estimand did, as rows that stand beside its estimates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.analyses.estimand_events import Event
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.config.estimands import OF_RECORDS
from trialstats.estimands import (
    COMPOSITE,
    HYPOTHETICAL,
    PRINCIPAL_STRATUM,
    REMOVING,
    WHILE_ON_TREATMENT,
)

#: Statistics of the account, with what each counts.
COUNTED = {
    "n_subjects_with_event": "Number of subjects of the analysis set with the event",
    "n_subjects_without_date": "Number of those whose event has no date; it counts as "
    "before every visit after baseline",
    "n_subjects_excluded": "Number of subjects left out because they had the event",
    "n_records_excluded": "Number of records not used because they are of a time after "
    "the event",
    "n_records_last": "Number of subjects and periods for which the last record before "
    "the event stands at the visit",
    "n_subjects_composite": "Number of subjects who count as the composite value",
    "n_records_changed": "Number of records whose value the composite value replaces",
    "n_records_added": "Number of records made for visits without one, with the "
    "composite value",
}

#: Further counts of each strategy.
_OF_STRATEGY = {
    PRINCIPAL_STRATUM: ("n_subjects_excluded",),
    HYPOTHETICAL: ("n_records_excluded",),
    WHILE_ON_TREATMENT: ("n_records_excluded", "n_records_last"),
    COMPOSITE: ("n_subjects_composite", "n_records_changed", "n_records_added"),
}


@dataclass(frozen=True, slots=True)
class _Counts:
    """Subjects of the analysis set in one arm, and what was done to their records."""

    people: frozenset[str]
    changes: pd.DataFrame

    def number(self, event: Event, statistic: str) -> int:
        """Return one statistic of one event."""
        return _COUNT[statistic](self, event)

    def with_event(self, event: Event) -> int:
        return len(self.people & set(event.subjects))

    def undated(self, event: Event) -> int:
        return len(self.people & set(event.subjects[np.isnat(event.dates)]))

    def of(self, event: Event, *changes: str) -> pd.DataFrame:
        made = self.changes
        mine = made["USUBJID"].isin(self.people) & made["change"].isin(changes)
        return made[mine & (made["event"] == event.handling.event)]


_COUNT: dict[str, Callable[[_Counts, Event], int]] = {
    "n_subjects_with_event": _Counts.with_event,
    "n_subjects_without_date": _Counts.undated,
    "n_subjects_excluded": _Counts.with_event,
    "n_records_excluded": lambda c, e: len(c.of(e, "excluded")),
    "n_records_last": lambda c, e: len(c.of(e, "last")),
    "n_subjects_composite": lambda c, e: c.of(e, "changed", "added")[
        "USUBJID"
    ].nunique(),
    "n_records_changed": lambda c, e: len(c.of(e, "changed")),
    "n_records_added": lambda c, e: len(c.of(e, "added")),
}


def estimand_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield how many subjects had each event, and what its strategy did.

    Parameters
    ----------
    analysis : Analysis
        An analysis of measurements; one of other data has only the counts of subjects.

    Yields
    ------
    Row
        Descriptive, by arm (of all subjects in a crossover), the event under
        ``subgroup``; none of events that the trial does not define. Records are
        counted at the visits of the analysis.
    """
    events = analysis.events()
    if not events:
        return
    changes = pd.DataFrame(columns=["USUBJID", "event", "change", "AVISIT"])
    if analysis.model["type"] in OF_RECORDS:
        changes = analysis.used().changes
    members = analysis.members()
    arms: list[str | None] = [None] if analysis.crossover else list(analysis.arms)
    for event in events:
        handling = event.handling
        for arm in arms:
            own = members if arm is None else members[members["TRT01P"] == arm]
            counts = _Counts(frozenset(own["USUBJID"]), changes)
            for statistic in _statistics(event):
                yield analysis.row(
                    statistic,
                    key=[handling.event],
                    group=arm,
                    subgroup=handling.label,
                    estimate=counts.number(event, statistic),
                    n_subjects=len(own),
                    method=f"{COUNTED[statistic]}; {handling.strategy} strategy",
                )


def _statistics(event: Event) -> list[str]:
    """Return which counts an event has."""
    strategy = event.handling.strategy
    when = strategy in (*REMOVING, COMPOSITE) and event.dated
    dated = ["n_subjects_without_date"] if when else []
    return ["n_subjects_with_event", *dated, *_OF_STRATEGY.get(strategy, ())]
