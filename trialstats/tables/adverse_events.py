"""Adverse events by arm: participants with an event, events, differences and tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, records, usual_level
from trialstats.tables import cells
from trialstats.tables.event_lines import EventRows, Line
from trialstats.tables.event_style import REPORT, EventStyle
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table, heading
from trialstats.vocabulary import GRADED_BY, lower_first, sentence_list

Config = Mapping[str, Any]

#: Parts of the table, in the order of print.
PARTS = ("overview", "terms", "severity", "relation")

#: Variables of the dictionary in words.
_LEVELS = {
    "AETERM": "reported term",
    "AELLT": "lowest level term",
    "AEDECOD": "preferred term",
    "AEHLT": "high level term",
    "AEHLGT": "high level group term",
    "AESOC": "system organ class",
    "AEBODSYS": "body system",
}

#: Variables of grades by the part that shows them.
_GRADED = {"severity": ("AESEV", "AETOXGR"), "relation": ("AEREL",)}


def adverse_events_table(
    rows: pd.DataFrame,
    *,
    trial: Config,
    analysis: str | None = None,
    parts: Sequence[str] = PARTS,
    style: EventStyle = REPORT,
    labels: Mapping[str, str] | None = None,
    footnotes: Sequence[str] = (),
) -> Table:
    """Tabulate adverse events: an overview, each term, severity and relation.

    Parameters
    ----------
    rows : DataFrame
        Rows of the estimates of one trial.
    trial : mapping
        Configuration of the trial.
    analysis : str, optional
        The analysis; when absent the one whose statistics are ``subjects_with_event``
        and ``events``.
    parts : sequence of str
        Of `PARTS`, those that are shown, as far as the rows have them.
    style : EventStyle
        How numbers are written, and which columns there are.
    labels : mapping of str to str, optional
        Heads of the columns of arms and contrasts, where not their names.
    footnotes : sequence of str
        Further notes.

    Returns
    -------
    Table
        For each arm participants with an event (percentage) and number of events, and
        for each contrast the risk difference and the p-value of Fisher's test, as far
        as the analysis has them. A term stands below the terms of the wider level.

    Raises
    ------
    DataError
        When the analysis has no rows, or a part is unknown.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise DataError(
            f"there is no part {unknown[0]!r} of a table of adverse events",
            remedy=f"write one of {', '.join(PARTS)}",
        )
    everything = records(rows)
    if analysis is not None:
        everything = find(everything, analysis=analysis)
    counted = find(everything, statistic="subjects_with_event")
    if not counted:
        return _not_estimable(everything, trial)
    listed = find(everything, analysis=counted[0]["analysis"])
    notes = Footnotes()
    sheet = _Sheet(
        events=EventRows(listed),
        arms=groups_in_order(counted, arms_of(trial)),
        contrasts=distinct(listed, "contrast"),
        level=usual_level(listed),
        style=style,
        labels=labels or {},
        notes=notes,
    )
    body = [row for part in PARTS if part in parts for row in sheet.part(part, parts)]
    sheet.note(parts, crossover=trial.get("design") == "crossover")
    for text in footnotes:
        notes.note(text)
    settings = trial.get("analyses", {}).get(listed[0]["analysis"], {})
    return _table(
        listed,
        trial,
        columns=sheet.columns(),
        body=body,
        preface=tuple(_left_out(listed, settings)) if "terms" in parts else (),
        notes=notes,
        title=sheet.title(settings.get("title", "Adverse events"), parts),
        suffix="" if tuple(parts) == PARTS else f"_{'_'.join(parts)}",
    )


def _table(
    listed: Sequence[Record],
    trial: Config,
    *,
    columns: tuple[Column, ...],
    body: Sequence[Row],
    notes: Footnotes,
    preface: tuple[tuple[str, Cell], ...] = (),
    title: str = "Adverse events",
    suffix: str = "",
) -> Table:
    name, analysis = str(listed[0]["trial"]), listed[0]["analysis"]
    return Table(
        id=f"{name}_{analysis}{suffix}",
        title=title,
        subtitle=trial_subtitle(trial, listed, listed[0]["analysis_set"]),
        columns=columns,
        rows=tuple(body),
        preface=preface,
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{name}/{analysis}.parquet",
    )


def _not_estimable(rows: list[Record], trial: Config) -> Table:
    """Return the table of an analysis that could not be made, with the reason."""
    names = [
        name
        for name, analysis in trial["analyses"].items()
        if analysis["model"]["type"] == "adverse_events"
    ]
    listed = [row for row in rows if row["analysis"] in names]
    if not listed:
        raise DataError("there are no rows with the statistic 'subjects_with_event'")
    notes = Footnotes()
    differences = find(listed, statistic="risk_difference")
    made = [cells.not_estimable(row, notes) for row in differences]
    label = _difference_label(usual_level(listed))
    columns = [Column(label, spanner=str(row["contrast"])) for row in differences]
    return _table(
        listed,
        trial,
        columns=(Column("Event", "left"), *columns),
        body=[Row((Cell("Any adverse event"), *made))],
        notes=notes,
    )


def _difference_label(level: float | None) -> str:
    return f"Risk difference, percentage points ({format_level(level)})"


def _left_out(listed: Sequence[Record], settings: Config) -> Iterator[tuple[str, Cell]]:
    """Yield how many terms are too rare for a line."""
    found = find(listed, statistic="terms_left_out")
    if not found:
        return
    words = [f"{_level(str(r['model_id']))}: {r['estimate']:g}" for r in found]
    least = settings.get("model", {}).get("minimum_percent")
    rare = f", in every arm below {least:g}%" if least is not None else ""
    ids = tuple(str(r["row_id"]) for r in found)
    yield f"Terms not shown{rare}", Cell("; ".join(words), ids)


def _level(variable: str) -> str:
    return _LEVELS.get(variable, variable)


@dataclass(slots=True)
class _Sheet:
    """What every line of one table needs."""

    events: EventRows
    arms: list[str]
    contrasts: list[str]
    level: float | None
    style: EventStyle
    labels: Mapping[str, str]
    notes: Footnotes

    @property
    def compared(self) -> list[str]:
        """Statistics of the comparisons that have a column."""
        shown = ["risk_difference"] if self.style.differences else []
        return [name for name in (*shown, "fisher_test") if self.events.has(name)]

    def columns(self) -> tuple[Column, ...]:
        """Return the heads."""
        columns = [Column("Event", "left")]
        for arm in self.arms:
            label, rows = self._sized(arm)
            if self.style.together:
                columns.append(Column("n (%) [events]", spanner=label, rows=rows))
                continue
            columns.append(Column("n (%)", spanner=label, rows=rows))
            columns.append(Column("Events", spanner=label, rows=rows))
        heads = {
            "risk_difference": _difference_label(self.level),
            "fisher_test": "p-value",
        }
        for contrast in self.contrasts if self.compared else []:
            spanner = self.labels.get(contrast, contrast)
            columns += [Column(heads[n], spanner=spanner) for n in self.compared]
        return tuple(columns)

    def _sized(self, arm: str) -> tuple[str, tuple[str, ...]]:
        """Return the name of an arm with its size, and the row that has it."""
        label = self.labels.get(arm, arm)
        counted = find(self.events.listed, statistic="subjects_with_event", group=arm)
        if len(distinct(counted, "n_subjects")) != 1:
            return label, ()
        return f"{label} (N = {counted[0]['n_subjects']})", (str(counted[0]["row_id"]),)

    def title(self, words: str, parts: Sequence[str]) -> str:
        """Return the title; a part that stands alone is named."""
        if len(parts) != 1:
            return words
        known = [v for v in _GRADED.get(parts[0], ()) if self.events.grades(v)]
        graded = " and ".join(lower_first(GRADED_BY[v]) for v in known)
        return {
            "overview": f"{words}: overview",
            "terms": f"{words} by {self.of_terms}",
        }.get(parts[0], f"{words} by {graded}" if graded else words)

    @property
    def of_terms(self) -> str:
        """The levels of the terms in words."""
        return " and ".join(map(_level, self.events.levels))

    def part(self, name: str, parts: Sequence[str]) -> list[Row]:
        """Return the rows of one part, headed where another one goes before."""
        alone = len(parts) == 1
        overview = [line for line in self.events.lines if line.depth is None]
        terms = [line for line in self.events.lines if line.depth is not None]
        if name == "overview":
            return [self.line(line) for line in overview]
        if name == "terms":
            # Alone, the terms stand below the line of all events.
            first = [self.top(overview)] if alone else []
            made = [self.line(line) for line in terms]
            headed = [] if alone or not made else [heading(f"By {self.of_terms}")]
            return headed + first + made
        body = []
        for variable in _GRADED[name]:
            grades = self.events.grades(variable)
            if grades and not alone:
                body.append(heading(f"By {lower_first(GRADED_BY[variable])}"))
            for line in [*overview[:1], *terms] if grades else []:
                body.append(self.line(line))
                body += [self.grade(line, grade, variable) for grade in grades]
        return body

    def top(self, overview: Sequence[Line]) -> Row:
        """Return the line of all events, as the style calls it."""
        return self.line(Line(overview[0].name, self.style.any_event, None))

    def line(self, line: Line) -> Row:
        """Return a line of counts and comparisons."""
        made = [Cell(line.label), *self.counts(line, None)]
        for contrast in self.contrasts if self.compared else []:
            for statistic in self.compared:
                made.append(self.comparison(line, contrast, statistic))
        return Row(tuple(made), indent=line.depth or 0)

    def grade(self, line: Line, grade: str, variable: str) -> Row:
        """Return the counts of a line at one grade, without comparisons."""
        label = grade.removeprefix(f"{GRADED_BY[variable]}: ").capitalize()
        made = [Cell(label), *self.counts(line, grade)]
        blanks = [EMPTY] * (len(self.contrasts) * len(self.compared))
        return Row((*made, *blanks), indent=(line.depth or 0) + 1)

    def counts(self, line: Line, subgroup: str | None) -> Iterator[Cell]:
        """Yield the cells of the arms."""
        for arm in self.arms:
            having = self.events.at("subjects_with_event", line, arm, subgroup)
            events = self.events.at("events", line, arm, subgroup)
            participants = self._participants(having)
            if not self.style.together:
                yield participants
                yield cells.count(events, self.notes)
            elif events is None or not having or not having["estimate"]:
                yield participants
            else:
                number = cells.count(events, self.notes)
                text = f"{participants.text} [{number.text}]"
                yield Cell(text, (*participants.rows, *number.rows))

    def _participants(self, having: Record | None) -> Cell:
        cell = cells.count(having, self.notes)
        if having is None or having["estimate"] is None:
            return cell
        text = self.style.count(having["estimate"], having["n_subjects"] or 0)
        return Cell(text, cell.rows)

    def comparison(self, line: Line, contrast: str, statistic: str) -> Cell:
        """Return the cell of a difference or a test."""
        row = self.events.at(statistic, line, contrast)
        if statistic == "risk_difference" or row is None:
            return cells.value_interval(row, self.notes, 1)
        if row["p_value"] is None:
            if self.style.untested:
                return cells.not_estimable(row, self.notes)
            return EMPTY
        return Cell(self.style.p_value(row["p_value"]), (str(row["row_id"]),))

    def note(self, parts: Sequence[str], *, crossover: bool) -> None:
        """Add what the numbers are."""
        intervals = "" if self.style.together else " CI, confidence interval."
        self.notes.note(
            "Participants with at least one event (percentage of those at risk) and "
            f"number of events.{intervals}"
        )
        if crossover:
            self.notes.note(
                "Events are counted under the treatment taken when they began."
            )
        if "fisher_test" in self.compared:
            mark = self.style.p_mark
            below = f"; {mark} below {self.style.p_marked:g}" if mark else ""
            self.notes.note(f"p-values: Fisher's exact test, two-sided{below}.")
            if not self.style.untested:
                self.notes.note("No p-value where nobody in either arm had the event.")
        graded = [v for part in _GRADED if part in parts for v in _GRADED[part]]
        shown = [v for v in graded if self.events.grades(v)]
        if shown:
            words = sentence_list(lower_first(GRADED_BY[v]) for v in shown)
            self.notes.note(
                f"By {words} each participant is counted once on a line, at the "
                "highest value of the events of that line; an event without a value "
                "is below all others."
            )
