"""Tables of who took part: characteristics at baseline, and what became of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.records import Record, distinct, find, one, records
from trialstats.tables import cells
from trialstats.tables.selection import arms_of, groups_in_order, sized_column
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Footnotes, Row, Table, heading

#: Levels of CDISC variables that are stored as codes.
LEVELS: dict[str, dict[str, str]] = {"SEX": {"F": "Female", "M": "Male"}}

_DISPOSITION = {
    "randomised": "Randomised",
    "treated": "Received treatment",
    "completed": "Completed",
    "discontinued": "Discontinued",
}


def labels_of(trial: Mapping[str, Any]) -> dict[str, str]:
    """Return the label of every variable of a trial's configuration, with its unit."""
    variables = {**trial.get("adsl", {}).get("variables", {}), **trial.get("bds", {})}
    variables |= {**trial.get("responders", {}), **trial.get("adtte", {})}
    return {
        name: f"{spec['label']} ({spec['unit']})" if spec.get("unit") else spec["label"]
        for name, spec in variables.items()
        if spec.get("label")
    }


def baseline_table(
    rows: pd.DataFrame, labels: Mapping[str, str], *, trial: Mapping[str, Any]
) -> Table:
    """Tabulate baseline characteristics by group and in total, without tests.

    Parameters
    ----------
    rows : DataFrame
        Rows of the analysis ``baseline`` of one trial, schema `ESTIMATES`.
    labels : mapping of str to str
        Variable to label, with its unit; see `labels_of`.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        For each variable its number, mean (SD) and median (minimum, maximum), or the
        count and percentage of each level, and the number missing.
    """
    listed = find(records(rows), analysis="baseline")
    if not listed:
        return _nothing_recorded(trial)
    groups = groups_in_order(listed, arms_of(trial))
    notes = Footnotes()
    body: list[Row] = []
    for parameter in distinct(listed, "parameter"):
        part = find(listed, parameter=parameter)
        body.append(heading(labels.get(parameter, parameter)))
        body.extend(characteristic_rows(part, parameter, groups, notes))
    notes.note(
        "SD, standard deviation. Percentages are of the participants with a value."
    )
    return Table(
        id=f"{_name(listed)}_baseline",
        title="Baseline characteristics",
        subtitle=trial_subtitle(trial, listed, _analysis_set(listed)),
        columns=_group_columns(listed, groups, "Characteristic"),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{_name(listed)}/baseline.parquet",
    )


def _nothing_recorded(trial: Mapping[str, Any]) -> Table:
    """Return the table of a trial whose data hold no characteristic."""
    name = str(trial["id"])
    line = Row((Cell("The data hold no characteristic of the participants."),))
    return Table(
        id=f"{name}_baseline",
        title="Baseline characteristics",
        subtitle=trial_subtitle(trial, [{"data_status": trial["data_status"]}]),
        columns=(Column("Characteristic", "left"),),
        rows=(line,),
        source=f"results/estimates/trial/{name}/baseline.parquet",
    )


def characteristic_rows(
    part: list[Record], parameter: str, groups: Sequence[str], notes: Footnotes
) -> list[Row]:
    """Return the lines of one variable: its moments, or the counts of its levels."""
    categorical = bool(find(part, statistic="count"))
    make = _level_rows if categorical else _moment_rows
    return make(part, parameter, groups, notes)


def _moment_rows(
    part: list[Record], parameter: str, groups: Sequence[str], notes: Footnotes
) -> list[Row]:
    def at(group: str, statistic: str) -> Record | None:
        return one(part, group=group, statistic=statistic)

    def line(label: str, made: list[Cell]) -> Row:
        return Row((Cell(label), *made), indent=1)

    body = [
        line("n", [cells.count(at(g, "n"), notes) for g in groups]),
        line(
            "Mean (SD)",
            [
                cells.pair(at(g, "mean"), at(g, "standard_deviation"), notes, 1)
                for g in groups
            ],
        ),
        line(
            "Median (minimum, maximum)",
            [
                cells.middle_and_range(
                    at(g, "median"), at(g, "minimum"), at(g, "maximum"), notes, 1
                )
                for g in groups
            ],
        ),
    ]
    return [*body, *_missing_row(part, groups, notes)]


def _level_rows(
    part: list[Record], parameter: str, groups: Sequence[str], notes: Footnotes
) -> list[Row]:
    names = LEVELS.get(parameter, {})
    counts = find(part, statistic="count")
    body = [
        Row(
            (
                Cell(names.get(level, str(level))),
                *(
                    cells.count_percent(
                        one(counts, group=g, subgroup=level), notes, fraction=True
                    )
                    for g in groups
                ),
            ),
            indent=1,
        )
        for level in distinct(counts, "subgroup")
    ]
    return [*body, *_missing_row(part, groups, notes)]


def _missing_row(
    part: list[Record], groups: Sequence[str], notes: Footnotes
) -> list[Row]:
    missing = find(part, statistic="n_missing")
    if not missing:
        return []
    made = (cells.count(one(missing, group=g), notes) for g in groups)
    return [Row((Cell("Missing"), *made), indent=1)]


def disposition_table(rows: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate what became of the participants, by group.

    Parameters
    ----------
    rows : DataFrame
        Rows of the analysis ``disposition`` of one trial, schema `ESTIMATES`.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        Randomised, treated, completed, and discontinued with its reasons.
    """
    listed = find(_needed(rows, "disposition"), statistic="count")
    groups = groups_in_order(listed, arms_of(trial))
    notes = Footnotes()
    body = []
    for parameter in distinct(listed, "parameter"):
        part = find(listed, parameter=parameter)
        for reason in [None, *distinct(part, "subgroup")]:
            line = find(part, subgroup=reason)
            if not line:
                continue
            label = reason or _DISPOSITION.get(parameter, parameter)
            made = [cells.count_percent(one(line, group=g), notes) for g in groups]
            body.append(Row((Cell(label), *made), indent=1 if reason else 0))
    notes.note("Number of participants (percentage of those randomised).")
    return Table(
        id=f"{_name(listed)}_disposition",
        title="Disposition of participants",
        subtitle=trial_subtitle(trial, listed, _analysis_set(listed)),
        columns=(Column("Participants", "left"), *(Column(g) for g in groups)),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{_name(listed)}/disposition.parquet",
    )


def _needed(rows: pd.DataFrame, analysis: str) -> list[Record]:
    listed = find(records(rows), analysis=analysis)
    if not listed:
        raise DataError(f"there are no rows of the analysis {analysis!r}")
    return listed


def _name(listed: Sequence[Record]) -> str:
    return str(listed[0]["trial"])


def _analysis_set(listed: Sequence[Record]) -> str | None:
    sets = distinct(listed, "analysis_set")
    return str(sets[0]) if len(sets) == 1 else None


def _group_columns(
    listed: Sequence[Record], groups: Sequence[str], stub: str
) -> tuple[Column, ...]:
    return (
        Column(stub, "left"),
        *(sized_column(g, find(listed, group=g)) for g in groups),
    )
