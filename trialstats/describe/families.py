"""Find measurements in wide tables: one measurement over several columns."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from trialstats.describe.columns import Column
from trialstats.describe.words import BASELINE, code, label

#: Words before the number of a visit, and how the visit is printed.
UNITS = {
    **dict.fromkeys(("week", "wk", "w"), "Week"),
    **dict.fromkeys(("month", "mon", "mo", "m"), "Month"),
    **dict.fromkeys(("day", "d"), "Day"),
    **dict.fromkeys(("year", "yr", "y"), "Year"),
    **dict.fromkeys(("hour", "hr", "h"), "Hour"),
    **dict.fromkeys(("visit", "vis", "v"), "Visit"),
    **dict.fromkeys(("period", "per", "p"), "Period"),
    **dict.fromkeys(("time", "t", ""), "Visit"),
}
AFTER = {
    "post": "After",
    "after": "After",
    "end": "End",
    "final": "End",
} | dict.fromkeys(("followup", "fu"), "Follow-up")
_WORDS = "|".join(sorted((w for w in UNITS if w), key=len, reverse=True))
_NUMBERED = re.compile(
    rf"(?P<stem>.*?[^\d_. -])?[_. -]?(?P<word>{_WORDS})?[_. -]?(?P<n>\d+)"
)


@dataclass(frozen=True)
class Family:
    """One measurement over several columns.

    Attributes
    ----------
    stem : str
        What the names share, or the first name.
    members : dict of str to (str, float)
        Column to the name and number of its visit, in order.
    evidence : str
        Why they belong together.
    """

    stem: str
    members: dict[str, tuple[str, float]]
    evidence: str

    @property
    def baseline(self) -> str | None:
        """Visit that is the baseline, None without one."""
        visits = [visit for visit, _ in self.members.values()]
        return "Baseline" if "Baseline" in visits else None


def families_of(columns: Sequence[Column], taken: Collection[str]) -> list[Family]:
    """Return the measurements of a table with one row a subject.

    By the names of the columns; by their values where the names are only numbered.

    Parameters
    ----------
    columns : sequence of Column
        All columns of the table, in order.
    taken : collection of str
        Columns that hold something else.
    """
    free = [
        c for c in columns if c.numeric and c.name not in taken and len(c.levels) > 2
    ]
    named: dict[str, list[tuple[float, str, Column]]] = {}
    for column in free:
        split = split_name(column.name)
        if split is not None:
            stem, word, number = split
            named.setdefault(stem, []).append((number, word, column))
    stems = [(split_name(c.name) or ("", "", 0.0))[0] for c in columns]
    silent = {s for s in stems if s and stems.count(s) > 0.7 * len(columns) > 3}
    families = [
        _by_name(stem, members, columns)
        for stem, members in named.items()
        if len(members) > 1 and stem not in silent and _alike(members)
    ]
    if families or not silent:
        return families
    return list(_by_values(columns, {c.name for c in free}))


def split_name(name: str) -> tuple[str, str, float] | None:
    """Return what a name measures, and the word and number of its visit.

    >>> split_name("pk5"), split_name("pain_w12"), split_name("pain.baseline")
    (('pk', 'Visit', 5.0), ('pain', 'Week', 12.0), ('pain', 'Baseline', 0.0))
    >>> split_name("age")
    """
    low = name.lower()
    for word in sorted(BASELINE, key=len, reverse=True):
        for pattern in (rf"(.+?)[_. -]{word}", rf"{word}[_. -](.+)"):
            if found := re.fullmatch(pattern, low):
                return found[1], "Baseline", 0.0
    for word, printed in AFTER.items():
        if found := re.fullmatch(rf"(.+?)[_. -]{word}|{word}[_. -](.+)", low):
            return found[1] or found[2], printed, 900.0
    if found := re.fullmatch(rf"({_WORDS})[_. -]?(\d+)[_. -](.+)", low):
        return found[3], UNITS[found[1]], float(found[2])
    found = _NUMBERED.fullmatch(low)
    if found is None:
        return None
    stem, word = found["stem"], found["word"] or ""
    if stem is None:
        # The word is the measurement itself: v1, v2 are no visits of nothing.
        return (word, "Visit", float(found["n"])) if word else None
    return stem, UNITS[word], float(found["n"])


def _alike(members: list[tuple[float, str, Column]]) -> bool:
    """Return whether columns of one stem can be one measurement."""
    numbers = [(word, number) for number, word, _ in members]
    return len(set(numbers)) == len(numbers)


def _by_name(
    stem: str, members: list[tuple[float, str, Column]], columns: Sequence[Column]
) -> Family:
    ordered = sorted(members, key=lambda m: m[:1])
    lost = any(column.missing for _, _, column in ordered[1:])
    visits = {}
    for place, (number, word, column) in enumerate(ordered):
        first = (
            place == 0 and not column.missing and (number <= 1 or word == "Baseline")
        )
        if first:
            visits[column.name] = ("Baseline", 0.0)
        elif word in ("After", "End", "Follow-up"):
            visits[column.name] = (word, float(max(number - 899, place)))
        else:
            visits[column.name] = (f"{word} {number:g}", number)
    names = ", ".join(column.name for *_, column in ordered)
    evidence = f"{names} are one measurement by their names"
    if "Baseline" in {visit for visit, _ in visits.values()}:
        why = "no value missing, later ones missing" if lost else "no value missing"
        evidence += f"; {ordered[0][2].name} is the baseline ({why})"
    return Family(stem, visits, evidence)


def _by_values(columns: Sequence[Column], free: set[str]) -> list[Family]:
    """Return runs of neighbouring columns of one range that go together."""
    runs: list[list[Column]] = []
    for column in columns:
        last = runs[-1][-1] if runs and runs[-1] else None
        if column.name not in free or len(column.levels) < 6:
            runs.append([])
        elif last is not None and _together(last, column):
            runs[-1].append(column)
        else:
            runs.append([column])
    families = []
    for run in runs:
        if len(run) < 2:
            continue
        members = {
            c.name: (f"Visit {place}", float(place)) for place, c in enumerate(run, 1)
        }
        whole = run[0].missing == 0
        if whole:
            members[run[0].name] = ("Baseline", 0.0)
        evidence = f"{', '.join(members)} have one range and go together"
        if whole:
            evidence += f"; {run[0].name} is the baseline (no value missing)"
        families.append(Family(run[0].name, members, evidence))
    return families


def _together(first: Column, second: Column) -> bool:
    """Return whether two columns have one range and a correlation of 0.4 or more."""
    a, b = first.values, second.values
    both = ~np.isnan(a) & ~np.isnan(b)
    tops = sorted(float(np.nanquantile(np.abs(x), 0.95)) for x in (a, b))
    if both.sum() < 5 or tops[1] > 1.5 * tops[0]:
        return False
    if np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return False
    return float(np.corrcoef(a[both], b[both])[0, 1]) >= 0.4


def parameter_name(stem: str, taken: Collection[str]) -> tuple[str, str]:
    """Return code and label of a measurement from what its columns share."""
    return code(stem, taken), label(stem)
