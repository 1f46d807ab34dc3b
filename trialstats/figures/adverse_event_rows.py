"""Adverse events as the rows count them, and what they say in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_percent
from trialstats.records import Record, distinct, find, is_synthetic, records
from trialstats.vocabulary import SYNTHETIC

#: Terms shown; the rarer ones are counted in a note.
_MOST_TERMS = 20

#: How the parameters begin that are no terms.
SUMMARY = "Any "


@dataclass(frozen=True, slots=True)
class Event:
    """One row: counts by arm, and the risk difference where there is one."""

    label: str
    counts: dict[str, tuple[float, float]]
    difference: Record | None


def adverse_event_alt_text(rows: pd.DataFrame, *, title: str) -> str:
    """Return what the adverse events show, in one or two sentences."""
    listed = records(rows, needs=("statistic", "parameter", "group", "n_subjects"))
    arms, events, _ = events_of(listed)
    summaries = [e for e in events if e.label.startswith(SUMMARY)] or events[:3]
    told = "; ".join(
        f"{e.label}: "
        + ", ".join(f"{arm} {_share(e.counts[arm])}" for arm in arms if arm in e.counts)
        for e in summaries
    )
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    terms = len(events) - sum(e.label.startswith(SUMMARY) for e in events)
    return f"{start}{title}. {told}. {terms} reported terms by arm."


def _share(count: tuple[float, float]) -> str:
    events, n = count
    return f"{events:g} of {n:g} ({format_percent(events / n)})"


def events_of(listed: Sequence[Record]) -> tuple[list[str], list[Event], int]:
    """Return arms, events in the order of the rows, and how many terms are left out."""
    counted = [
        r
        for r in find(listed, statistic="subjects_with_event")
        if r["estimate"] is not None and r["n_subjects"]
    ]
    if not counted:
        raise DataError(
            "there are no counts of adverse events to draw",
            column="statistic",
            remedy="rows of 'subjects_with_event' with n_subjects",
        )
    events = []
    for label in distinct(counted, "parameter"):
        counts = {
            str(r["group"]): (float(r["estimate"]), float(r["n_subjects"]))
            for r in find(counted, parameter=label)
        }
        differences = [
            r
            for r in find(listed, statistic="risk_difference", parameter=label)
            if r["estimate"] is not None
        ]
        first = differences[0] if differences else None
        events.append(Event(str(label), counts, first))
    summaries = [e for e in events if e.label.startswith(SUMMARY)]
    terms = [e for e in events if not e.label.startswith(SUMMARY)]
    arms = [str(a) for a in distinct(counted, "group")]
    left_out = max(0, len(terms) - _MOST_TERMS)
    return _control_last(arms, listed), summaries + terms[:_MOST_TERMS], left_out


def _control_last(arms: list[str], listed: Sequence[Record]) -> list[str]:
    contrasts = distinct(listed, "contrast")
    control = str(contrasts[0]).rpartition(" versus ")[2] if contrasts else "Placebo"
    return sorted(arms, key=lambda arm: arm == control)
