"""Adverse events by arm: participants with an event, and events."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, one, records, usual_level
from trialstats.tables import cells
from trialstats.tables.selection import arms_of, groups_in_order
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Footnotes, Row, Table, heading

#: Beginning of the parameters that count any event of a kind.
ANY = "Any "


def adverse_events_table(rows: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate adverse events: any event by kind, then each reported term.

    Parameters
    ----------
    rows : DataFrame
        Rows of the estimates of one trial; the analysis is the one whose statistics
        are ``subjects_with_event`` and ``events``.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        For each arm participants with an event (percentage) and number of events;
        for the summary lines of parallel trials the risk difference.

    Raises
    ------
    DataError
        When the analysis has no rows.
    """
    everything = records(rows)
    subjects = find(everything, statistic="subjects_with_event")
    if not subjects:
        return _not_estimable(everything, trial)
    listed = find(everything, analysis=subjects[0]["analysis"])
    arms = groups_in_order(subjects, arms_of(trial))
    contrasts = distinct(find(listed, statistic="risk_difference"), "contrast")
    notes = Footnotes()
    notes.note(
        "Participants with at least one event (percentage of those at risk) and "
        "number of events. CI, confidence interval."
    )
    if trial.get("design") == "crossover":
        notes.note("Events are counted under the treatment taken when they began.")
    parameters = distinct(subjects, "parameter")
    summary = [p for p in parameters if p.startswith(ANY)]
    terms = [p for p in parameters if not p.startswith(ANY)]
    body = [_line(listed, p, arms, contrasts, notes) for p in summary]
    if terms:
        body.append(heading("By reported term"))
        body += [_line(listed, p, arms, contrasts, notes) for p in terms]
    name = str(listed[0]["trial"])
    return Table(
        id=f"{name}_{listed[0]['analysis']}",
        title="Adverse events",
        subtitle=trial_subtitle(trial, listed, listed[0]["analysis_set"]),
        columns=_columns(listed, arms, contrasts),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{name}/{listed[0]['analysis']}.parquet",
    )


def _not_estimable(rows: list[Record], trial: Mapping[str, Any]) -> Table:
    """Return the table of an analysis that could not be made, with the reason."""
    names = [
        name
        for name, analysis in trial["analyses"].items()
        if analysis["model"]["type"] == "adverse_events"
    ]
    listed = [row for row in rows if row["analysis"] in names]
    if not listed:
        raise DataError("there are no rows with the statistic 'subjects_with_event'")
    notes, name = Footnotes(), str(listed[0]["trial"])
    contrasts = distinct(listed, "contrast")
    made = [
        cells.not_estimable(row, notes)
        for row in find(listed, statistic="risk_difference")
    ]
    return Table(
        id=f"{name}_{listed[0]['analysis']}",
        title="Adverse events",
        subtitle=trial_subtitle(trial, listed, listed[0]["analysis_set"]),
        columns=_columns(listed, [], contrasts),
        rows=(Row((Cell("Any adverse event"), *made)),),
        footnotes=notes.lines(),
        source=f"results/estimates/trial/{name}/{listed[0]['analysis']}.parquet",
    )


def _columns(
    listed: list[Record], arms: list[str], contrasts: list[str]
) -> tuple[Column, ...]:
    subjects = find(listed, statistic="subjects_with_event")
    columns = [Column("Event", "left")]
    for arm in arms:
        sizes = distinct(find(subjects, group=arm), "n_subjects")
        size = f" (N = {sizes[0]})" if len(sizes) == 1 else ""
        columns.append(Column("n (%)", spanner=f"{arm}{size}"))
        columns.append(Column("Events", spanner=f"{arm}{size}"))
    interval = format_level(usual_level(listed))
    label = f"Risk difference, percentage points ({interval})"
    return (*columns, *(Column(label, spanner=c) for c in contrasts))


def _line(
    listed: list[Record],
    parameter: str,
    arms: list[str],
    contrasts: list[str],
    notes: Footnotes,
) -> Row:
    part = find(listed, parameter=parameter)
    made = [Cell(parameter)]
    for arm in arms:
        having = one(part, group=arm, statistic="subjects_with_event")
        made.append(cells.count_percent(having, notes))
        made.append(cells.count(one(part, group=arm, statistic="events"), notes))
    for contrast in contrasts:
        difference = one(part, contrast=contrast, statistic="risk_difference")
        made.append(cells.value_interval(difference, notes, 1))
    return Row(tuple(made))
