"""Adverse events as the rows count them, and what they say in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_percent
from trialstats.records import Record, distinct, find, is_synthetic, records
from trialstats.vocabulary import EVENTS_OVERVIEW, PATH, SYNTHETIC, events_part

#: Terms shown; the rarer ones are counted in a note.
_MOST_TERMS = 20


@dataclass(frozen=True, slots=True)
class Event:
    """One row: counts by arm, and the risk difference where there is one.

    Attributes
    ----------
    label : str
    counts : dict
        Participants with the event, and at risk, by arm.
    difference : mapping or None
    part : str
        The overview, or the variable of the term.
    rows : dict
        The ``row_id`` of the counts, by arm.
    """

    label: str
    counts: dict[str, tuple[float, float]]
    difference: Record | None
    part: str = ""
    rows: dict[str, str] = field(default_factory=dict)

    @property
    def is_summary(self) -> bool:
        """Whether it counts events of a kind, and is no term."""
        return self.part == EVENTS_OVERVIEW


def adverse_event_alt_text(rows: pd.DataFrame, *, title: str) -> str:
    """Return what the adverse events show, in one or two sentences."""
    listed = records(rows, needs=("statistic", "parameter", "group", "n_subjects"))
    arms, events, _ = events_of(listed)
    summaries = [e for e in events if e.is_summary] or events[:3]
    told = "; ".join(
        f"{e.label}: "
        + ", ".join(f"{arm} {_share(e.counts[arm])}" for arm in arms if arm in e.counts)
        for e in summaries
    )
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    terms = len(events) - sum(e.is_summary for e in events)
    return f"{start}{title}. {told}. {terms} reported terms by arm."


def _share(count: tuple[float, float]) -> str:
    events, n = count
    return f"{events:g} of {n:g} ({format_percent(events / n)})"


def events_of(listed: Sequence[Record]) -> tuple[list[str], list[Event], int]:
    """Return arms, events, and how many terms are left out.

    Of a hierarchy only the narrowest terms are events. They stand in the order of the
    rows; when they are too many, those that most participants had.
    """
    counted = [
        r
        for r in find(listed, statistic="subjects_with_event")
        if r["estimate"] is not None and r["n_subjects"] and not r.get("subgroup")
    ]
    if not counted:
        raise DataError(
            "there are no counts of adverse events to draw",
            column="statistic",
            remedy="rows of 'subjects_with_event' with n_subjects",
        )
    events = list(_events(counted, listed))
    summaries = [e for e in events if e.is_summary]
    terms = [e for e in events if not e.is_summary]
    narrowest = terms[-1].part if terms else ""
    terms = [e for e in terms if e.part == narrowest]
    arms = [str(a) for a in distinct(counted, "group")]
    left_out = max(0, len(terms) - _MOST_TERMS)
    if left_out:
        terms.sort(key=lambda event: -sum(n for n, _ in event.counts.values()))
    return _control_last(arms, listed), summaries + terms[:_MOST_TERMS], left_out


def _events(counted: Sequence[Record], listed: Sequence[Record]) -> Iterator[Event]:
    """Yield each line of the rows, labelled by what follows the wider term above."""
    lines: dict[str, list[Record]] = {}
    for row in counted:
        lines.setdefault(str(row["parameter"]), []).append(row)
    differences: dict[str, Record] = {}
    for row in find(listed, statistic="risk_difference"):
        if row["estimate"] is not None:
            differences.setdefault(str(row["parameter"]), row)
    above: list[str] = []
    for name, rows in lines.items():
        above = [term for term in above if name.startswith(f"{term}{PATH}")]
        label = name.removeprefix(f"{above[-1]}{PATH}") if above else name
        above.append(name)
        yield Event(
            label,
            {
                str(r["group"]): (float(r["estimate"]), float(r["n_subjects"]))
                for r in rows
            },
            differences.get(name),
            events_part(name, rows[0].get("model_id")),
            {str(r["group"]): str(r["row_id"]) for r in rows},
        )


def _control_last(arms: list[str], listed: Sequence[Record]) -> list[str]:
    contrasts = distinct(listed, "contrast")
    control = str(contrasts[0]).rpartition(" versus ")[2] if contrasts else "Placebo"
    return sorted(arms, key=lambda arm: arm == control)
