"""Adverse events with a known risk under each treatment.

Each term happens or not, independently of the other terms, so that the risk of any
event is 1 minus the product of the terms' chances of not happening.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.simulation.designs import BoolArray, IntArray

#: Share of events that come a second time, and of those judged related.
RECURRENCE, RELATED = 0.2, 0.4
#: Shares of mild, moderate and severe events.
SEVERITIES = (0.62, 0.30, 0.08)


@dataclass(frozen=True, slots=True)
class TermRisk:
    """Risk of one reported term under treatment and under control."""

    term: str
    treatment: float
    control: float


def risk_of_any(terms: Sequence[TermRisk], *, treated: bool) -> float:
    """Return the true risk of at least one event.

    >>> risk_of_any([TermRisk("a", 0.5, 0.0), TermRisk("b", 0.5, 0.1)], treated=True)
    0.75
    """
    none = [1 - (t.treatment if treated else t.control) for t in terms]
    return float(1 - np.prod(none))


def simulate_occurrences(
    terms: Sequence[TermRisk], treated: BoolArray, rng: np.random.Generator
) -> BoolArray:
    """Return whether each subject has each term, shape (n, terms)."""
    treatment = np.array([term.treatment for term in terms])
    control = np.array([term.control for term in terms])
    risk = np.where(treated[:, None], treatment, control)
    return np.asarray(rng.random(risk.shape) < risk)


def simulate_events(
    terms: Sequence[TermRisk],
    treated: BoolArray,
    days: IntArray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the events of subjects, with their day and description.

    Parameters
    ----------
    terms : sequence of TermRisk
        What may happen.
    treated : ndarray of bool, shape (n,)
        Whether each subject has the treatment.
    days : ndarray of int, shape (n,)
        Days under observation; an event starts on one of them, from day 1.
    rng : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    DataFrame
        Columns ``subject`` (position), ``event``, ``day``, ``severity`` (1 to 3),
        ``serious`` and ``related`` (Y or N), by subject and day; one event of a term
        at most on one day.
    """
    names = [term.term for term in terms]
    subject, term = np.nonzero(simulate_occurrences(terms, treated, rng))
    rows = []
    for person, number in zip(subject.tolist(), term.tolist(), strict=True):
        first = int(rng.integers(1, days[person] + 1))
        starts = {first}
        if rng.random() < RECURRENCE:
            starts.add(int(rng.integers(first, days[person] + 1)))
        for day in sorted(starts):
            rows.append(
                {
                    "subject": person,
                    "event": names[number],
                    "day": day,
                    "severity": int(rng.choice([1, 2, 3], p=SEVERITIES)),
                    "serious": "N",
                    "related": "Y" if rng.random() < RELATED else "N",
                }
            )
    return pd.DataFrame(rows).sort_values(["subject", "day", "event"], kind="stable")


def with_serious_event(
    events: pd.DataFrame, term: str, rng: np.random.Generator
) -> pd.DataFrame:
    """Add one serious event on the day of an existing event drawn at random.

    The subject has an event already, so the risk of any event stays what it is.
    """
    place = events.iloc[int(rng.integers(len(events)))]
    serious = {
        "subject": place["subject"],
        "event": term,
        "day": place["day"],
        "severity": 3,
        "serious": "Y",
        "related": "N",
    }
    together = pd.concat([events, pd.DataFrame([serious])], ignore_index=True)
    return together.sort_values(["subject", "day", "event"], kind="stable")
