"""Tables of what is described without a model: summaries, characteristics, counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_p_value
from trialstats.records import Record, distinct, find, one, records
from trialstats.tables import cells
from trialstats.tables.categorical import shift_layout, shift_test_lines
from trialstats.tables.efficacy_bodies import described_rows
from trialstats.tables.efficacy_parts import Parts
from trialstats.tables.participants import characteristic_rows, labels_of
from trialstats.tables.selection import arms_of, groups_in_order, sized_column
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import (
    EMPTY,
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
    heading,
)
from trialstats.vocabulary import lower_first

Config = Mapping[str, Any]

#: Statistics of the tests that stand beside what is described.
TESTS = {
    "anova_test": "one-way analysis of variance",
    "chi_square_test": "Pearson's chi-square test",
    "fisher_test": "Fisher's exact test",
}


def description_table(rows: pd.DataFrame, *, trial: Config, analysis: str) -> Table:
    """Tabulate an analysis that describes and fits no model.

    Parameters
    ----------
    rows : DataFrame
        Rows of the estimates of the trial; those of other analyses are left out.
    trial : mapping
        Configuration of the trial.
    analysis : str
        The analysis, whose model is of a type in `LAYOUTS`.

    Raises
    ------
    DataError
        When there are no rows of the analysis.
    """
    listed = find(records(rows), analysis=analysis)
    if not listed:
        raise DataError(f"there are no rows of the analysis {analysis!r}")
    settings = trial["analyses"][analysis]
    notes = Footnotes()
    if any(r["not_estimable"] and r["statistic"] == "n" for r in listed):
        columns, body = _nobody(listed, notes)
    else:
        make = LAYOUTS[settings["model"]["type"]]
        columns, body = make(listed, trial, settings, notes)
    name, role = str(listed[0]["trial"]), settings.get("role")
    return Table(
        id=f"{name}_{analysis}",
        title=settings.get("title", analysis) + (f" ({role} analysis)" if role else ""),
        subtitle=trial_subtitle(trial, listed, listed[0]["analysis_set"]),
        columns=columns,
        rows=tuple(body),
        preface=(
            *_preface(listed, trial, settings),
            *shift_test_lines(listed, notes),
        ),
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{name}/{analysis}.parquet",
    )


def _nobody(
    listed: Sequence[Record], notes: Footnotes
) -> tuple[tuple[Column, ...], list[Row]]:
    columns = (Column("Statistic", "left"), Column("Value"))
    cell = cells.not_estimable(listed[0], notes)
    return columns, [Row((Cell("n"), cell))]


def _preface(
    listed: Sequence[Record], trial: Config, settings: Config
) -> list[tuple[str, Cell]]:
    label = labels_of(trial).get(settings.get("parameter", ""))
    lines = [("Scale", Cell(label))] if label else []
    if settings.get("records"):
        lines.append(("Derived records", Cell(", ".join(settings["records"]))))
    return lines


def _summary(
    listed: list[Record], trial: Config, settings: Config, notes: Footnotes
) -> tuple[tuple[Column, ...], list[Row]]:
    """Lay out values, baselines and changes by visit and arm."""
    values = find(listed, statistic="value_mean")
    parts = Parts(
        rows=listed,
        arms=groups_in_order(listed, arms_of(trial)),
        contrasts=[],
        notes=notes,
        digits=cells.decimals(values),
        level=None,
    )
    body = []
    for visit in distinct(listed, "visit"):
        for row in described_rows(replace(parts, rows=find(listed, visit=visit))):
            words = lower_first(row.cells[0].text)
            body.append(heading(f"{visit}, {words}") if row.heading else row)
    notes.note("SD, standard deviation.")
    columns = (Column("Visit", "left"), *(Column(arm) for arm in parts.arms))
    return columns, body


def _characteristics(
    listed: list[Record], trial: Config, settings: Config, notes: Footnotes
) -> tuple[tuple[Column, ...], list[Row]]:
    """Lay out variables by arm and in total, with the tests at the end of a line."""
    groups = groups_in_order(listed, arms_of(trial))
    labels = labels_of(trial)
    tests = [r for r in listed if r["statistic"] in TESTS]
    body: list[Row] = []
    for name in distinct(listed, "parameter"):
        part = find(listed, parameter=name)
        body.append(heading(labels.get(name, name)))
        made = characteristic_rows(part, name, groups, notes)
        test = [r for r in tests if r["parameter"] == name]
        body += _with_tests(made, test, notes) if tests else made
    columns = [
        Column("Characteristic", "left"),
        *(sized_column(g, find(listed, group=g)) for g in groups),
        *([Column("p-value")] if tests else []),
    ]
    notes.note(
        "SD, standard deviation. Percentages are of the participants with a value."
    )
    _note_tests(tests, notes)
    return tuple(columns), body


def _with_tests(
    rows: Sequence[Row], tests: Sequence[Record], notes: Footnotes
) -> list[Row]:
    """Return rows with one more cell, that of the first row the test."""
    cell = _tested(tests[0], notes) if tests else EMPTY
    return [
        replace(row, cells=(*row.cells, cell if place == 0 else EMPTY))
        for place, row in enumerate(rows)
    ]


def _tested(record: Record, notes: Footnotes) -> Cell:
    if record["p_value"] is None:
        return cells.not_estimable(record, notes)
    return Cell(format_p_value(record["p_value"]), (str(record["row_id"]),))


def _note_tests(tests: Sequence[Record], notes: Footnotes) -> None:
    used = {r["statistic"] for r in tests}
    if used:
        words = "; ".join(text for name, text in TESTS.items() if name in used)
        notes.note(f"p-values: {words}, of the arms.")


def _counts(
    listed: list[Record], trial: Config, settings: Config, notes: Footnotes
) -> tuple[tuple[Column, ...], list[Row]]:
    """Lay out a line a row; the places of `by` follow under headings of their own."""
    groups = groups_in_order(listed, arms_of(trial))
    tests = [r for r in listed if r["statistic"] in TESTS]
    body = _lines(find(listed, subgroup=None), groups, settings, notes, bool(tests))
    for place in distinct(listed, "subgroup"):
        part = find(listed, subgroup=place)
        named = (str(part[0]["row_id"]),)
        body.append(Row((Cell(str(place), named),), heading=True))
        body += _lines(part, groups, settings, notes, bool(tests))
    whole = find(listed, subgroup=None)
    columns = [
        Column("Participants", "left"),
        *(sized_column(g, find(whole, group=g)) for g in groups),
        *([Column("p-value")] if tests else []),
    ]
    notes.note("Number of participants (percentage of all in the column).")
    if tests:
        _note_tests(tests, notes)
        notes.note("Each test is of the line against all other participants.")
    return tuple(columns), body


def _lines(
    listed: Sequence[Record],
    groups: Sequence[str],
    settings: Config,
    notes: Footnotes,
    tested: bool,
) -> list[Row]:
    body, headed = [], set()
    lines = settings["model"]["lines"]
    for name in distinct(listed, "parameter"):
        line = next((x for x in lines if name.startswith(f"{x}: ")), None)
        own = None if name in lines else line
        if own and own not in headed:
            headed.add(own)
            body.append(heading(own))
        part = find(listed, parameter=name)
        made = []
        for group in groups:
            counted = one(part, group=group, statistic="count")
            total = one(part, group=group, statistic="total")
            cell = cells.count_percent(counted, notes)
            made.append(cell if counted else cells.value(total, notes, 0))
        test = [r for r in part if r["statistic"] in TESTS]
        if tested:
            made.append(_tested(test[0], notes) if test else EMPTY)
        label = name.removeprefix(f"{own}: ") if own else name
        body.append(Row((Cell(label), *made), indent=1 if own else 0))
    return body


#: How each type of model is laid out.
LAYOUTS = {
    "summary": _summary,
    "characteristics": _characteristics,
    "counts": _counts,
    "shift": shift_layout,
}
