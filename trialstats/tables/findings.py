"""Summary of findings: what each pooled outcome means for people, and how certain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats.formatting import MINUS, format_level
from trialstats.judgements import (
    CERTAINTY_SIGNS,
    NOT_JUDGED,
    certainty,
    missing_domains,
)
from trialstats.records import Record, distinct, find, records, usual_level
from trialstats.tables import cells
from trialstats.tables.synthesis import measure_words, synthesised
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table, heading
from trialstats.vocabulary import SYNTHETIC, sentence_list, upper_first

#: Outcomes that a table of GRADE holds at most.
MOST_OUTCOMES = 7

#: Points of certainty that a body of evidence starts with.
START = {"randomised": 4, "observational": 2}

_PER = 1000

_RISKS = ("risk_with_control", "risk_with_treatment", "risk_change")


def findings_tables(
    rows: pd.DataFrame,
    *,
    syntheses: Sequence[Mapping[str, Any]],
    judged: pd.DataFrame,
) -> tuple[Table, ...]:
    """Tabulate pooled outcomes for each condition and comparison.

    Parameters
    ----------
    rows : DataFrame
        Rows of all syntheses, schema `ESTIMATES`.
    syntheses : sequence of mapping
        Their configurations, in the order of the tables.
    judged : DataFrame
        Schema `evidence_rows.CERTAINTY`; an outcome without judgements is printed as
        not judged.

    Returns
    -------
    tuple of Table
        At most seven outcomes each: risk under control and under treatment per 1000
        people, relative effect or difference, participants (trials) and certainty
        with its reasons.
    """
    graded = records(judged)
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for settings in syntheses:
        part = rows[rows["synthesis"] == settings["synthesis"]]
        if not part.empty and synthesised(part).main is not None:
            arms = settings["comparison"]
            status = SYNTHETIC if "synthetic" in set(part["data_status"]) else ""
            key = (settings["condition"], arms["treatment"], arms["control"], status)
            groups.setdefault(key, []).append(settings)
    made: list[Table] = []
    for of, members in groups.items():
        for first in range(0, len(members), MOST_OUTCOMES):
            chunk = members[first : first + MOST_OUTCOMES]
            made.append(_table(len(made), of, chunk, rows, graded))
    return tuple(made)


def _table(
    number: int,
    key: tuple[str, ...],
    members: Sequence[Mapping[str, Any]],
    rows: pd.DataFrame,
    graded: Sequence[Record],
) -> Table:
    condition, treatment, control, status = key
    notes = Footnotes()
    parts = [rows[rows["synthesis"] == settings["synthesis"]] for settings in members]
    mains = [synthesised(part).main for part in parts]
    level = usual_level([main for main in mains if main is not None])
    interval = format_level(level)
    body: list[Row] = []
    for settings, part in zip(members, parts, strict=True):
        body += _outcome(settings, records(part), graded, notes, level)
    columns = _columns(treatment, control, interval)
    with_risks = any(cell.text for row in body for cell in row.cells[1:4])
    if with_risks:
        notes.note(
            "Risks are per 1000 people; a risk under treatment is the relative effect "
            "applied to the risk under control, and its interval that of the effect."
        )
    else:
        columns = (columns[0], *columns[4:])
        body = [replace(row, cells=(row.cells[0], *row.cells[4:])) for row in body]
    notes.note("CI, confidence interval. NE, not estimable.")
    return Table(
        id=f"findings_{number + 1}",
        title=f"{upper_first(condition)}: {treatment} versus {control}",
        subtitle=f"{status} · not evidence about a treatment" if status else "",
        columns=columns,
        rows=tuple(body),
        footnotes=notes.lines(),
        source="results/estimates/synthesis/*.parquet",
    )


def _columns(treatment: str, control: str, interval: str) -> tuple[Column, ...]:
    return (
        Column("Outcome", "left wide"),
        Column(f"with {control}", spanner="Risk per 1000"),
        Column(f"with {treatment} ({interval})", spanner="Risk per 1000"),
        Column(f"difference ({interval})", spanner="Risk per 1000"),
        Column(f"Effect ({interval})", "left"),
        Column("Participants (trials)"),
        Column("Certainty (GRADE)", "left"),
    )


def _outcome(
    settings: Mapping[str, Any],
    listed: Sequence[Record],
    graded: Sequence[Record],
    notes: Footnotes,
    level: float | None,
) -> Iterator[Row]:
    """Yield the line of an outcome, or a heading and a line for each risk."""
    main = find(listed, statistic="pooled_effect", role="primary")[0]
    common = (
        _effect(main, settings, notes, level),
        _participants(main),
        _certainty_cell(settings, graded, notes),
    )
    name, mark = _name(settings), notes.status(main["data_status"])
    groups = distinct(find(listed, statistic="risk_with_treatment"), "group")
    if len(groups) < 2:
        risks = _risks(listed, groups[0] if groups else None, notes, level)
        yield Row((Cell(name, marks=mark), *risks, *common))
        return
    yield heading(name)
    for group in groups:
        risks = _risks(listed, group, notes, level)
        yield Row(
            (Cell(upper_first(str(group)), marks=mark), *risks, *common), indent=1
        )


def _name(settings: Mapping[str, Any]) -> str:
    outcome = settings["outcome"]
    parts = [str(outcome["name"]), outcome.get("scale"), outcome.get("timepoint")]
    return ", ".join(str(part) for part in parts if part)


def _risks(
    listed: Sequence[Record],
    group: object,
    notes: Footnotes,
    level: float | None,
) -> tuple[Cell, Cell, Cell]:
    if group is None:
        return EMPTY, EMPTY, EMPTY
    found = {
        row["statistic"]: row
        for row in find(listed, group=group)
        if row["statistic"] in _RISKS
    }
    treated = found["risk_with_treatment"]
    if "risk_with_control" not in found:
        return EMPTY, cells.not_estimable(treated, notes), EMPTY
    control, change = found["risk_with_control"], found["risk_change"]
    mark = notes.letter(upper_first(str(control["method"])) + ".")
    return (
        Cell(_people(control["estimate"]), (str(control["row_id"]),), mark),
        Cell(_people_interval(treated), (str(treated["row_id"]),)),
        Cell(_people_interval(change, signed=True), (str(change["row_id"]),)),
    )


def _people(share: float, *, signed: bool = False) -> str:
    text = cells.number_text(_PER * share, 0)
    return f"+{text}" if signed and not text.startswith((MINUS, "0")) else text


def _people_interval(row: Record, *, signed: bool = False) -> str:
    estimate, lower, upper = (
        _people(row[name], signed=signed)
        for name in ("estimate", "ci_lower", "ci_upper")
    )
    return f"{estimate} ({lower} to {upper})"


def _effect(
    main: Record, settings: Mapping[str, Any], notes: Footnotes, level: float | None
) -> Cell:
    cell = cells.value_interval(main, notes, cells.effect_digits(main), level=level)
    words = upper_first(measure_words(settings))
    return Cell(f"{words} {cell.text}", cell.rows, cell.marks)


def _participants(main: Record) -> Cell:
    trials = main["n_trials"]
    words = f"{trials} trial" if trials == 1 else f"{trials} trials"
    people = "" if main["n_subjects"] is None else f"{main['n_subjects']} "
    return Cell(f"{people}({words})", (str(main["row_id"]),))


def _certainty_cell(
    settings: Mapping[str, Any], graded: Sequence[Record], notes: Footnotes
) -> Cell:
    """Print the certainty with a letter for each reason, or that nobody judged it."""
    found = find(graded, synthesis=settings["synthesis"])
    levels = {str(row["domain"]): int(row["levels"]) for row in found}
    start = settings.get("evidence", "randomised")
    word = certainty(levels, start=START[start])
    if word is None:
        missing = missing_domains(levels)
        said = f"Not judged: {sentence_list(missing)}." if levels else ""
        return Cell(NOT_JUDGED, marks=notes.letter(said) if said else "")
    reasons = [
        f"{upper_first(str(row['domain']))} ({row['levels']:+d}): {row['reason']}"
        for row in found
        if row["levels"]
    ]
    marks = "".join(notes.letter(reason) for reason in reasons)
    return Cell(f"{CERTAINTY_SIGNS[word]} {word}", marks=marks)
