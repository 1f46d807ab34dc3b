"""Lines of an analysis of adverse events: the overview, and terms in a hierarchy."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.analyses.trial_rows import Analysis
from trialstats.errors import DataError
from trialstats.expressions import condition
from trialstats.rows import distinct_keys
from trialstats.vocabulary import EVENTS_OVERVIEW, PATH, UNCODED

#: Line that counts every event; it opens the overview.
ANY_EVENT = "Any adverse event"

#: Further lines of the overview where the configuration names none, as far as the
#: trial recorded them: the values of a variable that an event must have.
SUMMARIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Any serious adverse event": {"AESER": ("Y",)},
    "Any related adverse event": {"AEREL": ("RELATED",)},
    "Any severe adverse event": {"AESEV": ("SEVERE",)},
    "Any adverse event leading to discontinuation of treatment": {
        "AEACN": ("DRUG WITHDRAWN",)
    },
    "Any adverse event leading to death": {"AESDTH": ("Y",), "AEOUT": ("FATAL",)},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its part of a row's key, what it belongs to, its events.

    Attributes
    ----------
    name : str
        The path of a term from the widest level on, or a name of the overview.
    key : str
        Part of the key of its rows.
    part : str
        Variable of ADAE of its level, or `EVENTS_OVERVIEW`.
    events : DataFrame
    people, numbers : Counter
        Subjects with an event, and events, by treatment.
    """

    name: str
    key: str
    part: str
    events: pd.DataFrame
    people: Counter[str]
    numbers: Counter[str]

    @classmethod
    def of(cls, name: str, key: str, part: str, events: pd.DataFrame) -> "Line":
        """Count the events of a line."""
        arms = events["TRTP"].tolist()
        pairs = set(zip(arms, events["USUBJID"].tolist(), strict=True))
        people = Counter(arm for arm, _ in pairs)
        return cls(name, key, part, events, people, Counter(arms))


def event_lines(analysis: Analysis, events: pd.DataFrame) -> list[Line]:
    """Return the lines in the order of print, each with its events."""
    overview = list(_overview(analysis, events))
    by = levels_of(analysis)
    terms = list(_terms(events, by, _orders(analysis, len(by))))
    names = [*(name for name, _ in overview), *(name for name, _, _ in terms)]
    keys = distinct_keys(names)
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise DataError(
            "an adverse event has the name of another line",
            column=by[-1],
            value=twice[0],
            remedy="recode the term, or name the line of the overview otherwise",
        )
    of_overview = [(name, EVENTS_OVERVIEW, own) for name, own in overview]
    return [
        Line.of(name, keys[name], part, own)
        for name, part, own in [*of_overview, *terms]
    ]


def levels_of(analysis: Analysis) -> list[str]:
    """Return the variables of the hierarchy, the widest first."""
    return list(analysis.model.get("by", ["AETERM"]))


def onset_in_words(analysis: Analysis) -> str:
    """Return which treatment an event belongs to."""
    return f"by treatment {'at onset' if analysis.crossover else 'as randomised'}"


def _overview(
    analysis: Analysis, events: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame]]:
    yield ANY_EVENT, events
    given = analysis.model.get("overview")
    if given:
        for name, text in given.items():
            if name != ANY_EVENT:
                yield name, events[condition(text, events)]
        return
    recorded = analysis.config["adae"]["variables"]
    for name, wanted in SUMMARIES.items():
        known = [column for column in wanted if column in recorded]
        if known:  # Where nothing was recorded it is not the same as no such event.
            meets = [events[column].isin(wanted[column]) for column in known]
            yield name, events[pd.concat(meets, axis=1).any(axis=1)]


def _terms(
    events: pd.DataFrame,
    by: Sequence[str],
    orders: Sequence["Order"],
    path: tuple[str, ...] = (),
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield each term of a level followed by those below it, in their order."""
    labels = events[by[0]].astype("str").fillna(UNCODED)
    for label in sorted(labels.unique(), key=orders[0](events, labels)):
        own = events[labels == label]
        yield PATH.join([*path, label]), by[0], own
        if len(by) > 1:
            yield from _terms(own, by[1:], orders[1:], (*path, label))


#: Makes, from events and their labels, what the labels are sorted by.
Order = Callable[[pd.DataFrame, pd.Series], Callable[[str], Any]]


def _orders(analysis: Analysis, levels: int) -> list[Order]:
    given = analysis.model.get("order", "frequency")
    listed = [given] * levels if isinstance(given, str) else list(given)
    return [_order(name) for name in listed]


def _order(name: str) -> Order:
    def made(events: pd.DataFrame, labels: pd.Series) -> Callable[[str], Any]:
        if name == "alphabet":
            return lambda label: label
        chosen = labels.index == labels.index
        if name != "frequency":
            chosen = (events["TRTP"] == name).to_numpy()
        people = events.loc[chosen, "USUBJID"].groupby(labels[chosen]).nunique()
        numbers = {str(label): int(n) for label, n in people.items()}
        return lambda label: (-numbers.get(label, 0), label)

    return made
