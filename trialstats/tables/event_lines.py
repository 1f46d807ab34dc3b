"""Rows of an analysis of adverse events, found by line and column."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from trialstats.errors import DataError
from trialstats.records import Record, distinct
from trialstats.vocabulary import EVENTS_OVERVIEW, GRADED_BY, PATH, events_part

#: Statistics with one row a line and column.
_STATISTICS = ("subjects_with_event", "events", "risk_difference", "fisher_test")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the rows, its label, its depth; no depth in the overview.

    >>> Line.of("Skin > Rash", 1, ["Any adverse event", "Skin"]).label
    'Rash'
    """

    name: str
    label: str
    depth: int | None

    @classmethod
    def of(cls, name: str, depth: int | None, before: Sequence[str]) -> "Line":
        """Return a line whose label is what follows the term above it."""
        above = [b for b in before if name.startswith(f"{b}{PATH}")] if depth else []
        start = f"{max(above, key=len)}{PATH}" if above else ""
        return cls(name, name.removeprefix(start), depth)


@dataclass(slots=True)
class EventRows:
    """The rows of one analysis of adverse events.

    Attributes
    ----------
    listed : list of mapping
        Rows of the estimates of the analysis.
    lines : list of Line
        In the order of the rows.
    levels : list of str
        Variables of the hierarchy, the widest first.
    """

    listed: Sequence[Record]
    lines: list[Line] = field(init=False)
    levels: list[str] = field(init=False)
    _places: dict[tuple[object, ...], Record] = field(init=False)

    def __post_init__(self) -> None:
        """Index the rows."""
        self._places = {}
        for row in self.listed:
            if row["statistic"] not in _STATISTICS:
                continue
            column = row["group"] or row["contrast"]
            key = (row["statistic"], row["parameter"], column, row["subgroup"])
            if key in self._places:
                other = self._places[key]["row_id"]
                raise DataError(
                    f"two rows where one was expected: {other}, {row['row_id']}"
                )
            self._places[key] = row
        counted = [r for r in self.listed if r["statistic"] == "subjects_with_event"]
        parts = {
            str(r["parameter"]): events_part(str(r["parameter"]), r["model_id"])
            for r in counted
            if r["subgroup"] is None
        }
        named = [part for part in parts.values() if part != EVENTS_OVERVIEW]
        self.levels = list(dict.fromkeys(named))
        self.lines = []
        names: dict[str, str] = {}
        for name, part in parts.items():
            depth = None if part == EVENTS_OVERVIEW else self.levels.index(part)
            above = self.levels[depth - 1] if depth else None
            before = [n for n, own in names.items() if own == above] if depth else []
            # The term above is the last one of its level, or has no line of its own.
            self.lines.append(Line.of(name, depth, before[-1:]))
            names[name] = part

    def at(
        self, statistic: str, line: Line, column: str, subgroup: str | None = None
    ) -> Record | None:
        """Return the row of a line in a column, or None."""
        return self._places.get((statistic, line.name, column, subgroup))

    def has(self, statistic: str) -> bool:
        """Return whether there are rows of a statistic."""
        return any(row["statistic"] == statistic for row in self.listed)

    def grades(self, variable: str) -> list[str]:
        """Return the subgroups of a variable of grades, in the order of the rows."""
        start = f"{GRADED_BY[variable]}: "
        subgroups = distinct(self.listed, "subgroup") if self.listed else []
        return [name for name in subgroups if name.startswith(start)]
