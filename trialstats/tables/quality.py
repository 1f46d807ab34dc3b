"""Tables of what was found in the raw data, and of the rows that are not used."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.records import finding_counts, identified
from trialstats.tables.cells import text_cell
from trialstats.tables.shortened import SHOWN, brief, left_out, shortened
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Row, Table, of_row


def quality_table(queries: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate how many findings there are of each kind in each source.

    Parameters
    ----------
    queries : DataFrame
        Schema `QUERIES`.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        Number of findings and of subjects, and what was done where it is the same for
        all of a kind.
    """
    body = []
    for row in identified(finding_counts(queries), "findings", name_of(trial)):
        line = Row(
            (
                Cell(str(row["kind"])),
                Cell(str(row["source"])),
                Cell(str(row["n"])),
                Cell(str(row["n_subjects"] or "")),
                brief(row["resolution"] or "as the list says"),
            )
        )
        body.append(of_row(line, str(row["row_id"])))
    return Table(
        id=f"{name_of(trial)}_quality",
        title="Findings in the raw data by kind",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Kind", "left"),
            Column("Source", "left"),
            Column("Findings"),
            Column("Subjects"),
            Column("Resolution", "wide"),
        ),
        rows=tuple(body),
        source=f"results/datasets/{name_of(trial)}/queries.parquet",
    )


def queries_table(
    queries: pd.DataFrame, *, trial: Mapping[str, Any], limit: int = SHOWN
) -> Table:
    """Tabulate the data-quality findings and what was done about each.

    Parameters
    ----------
    queries : DataFrame
        Schema `QUERIES`.
    trial : mapping
        Configuration of the trial.
    limit : int
        Most findings that are shown, some of each kind.
    """
    shown = shortened(identified(queries, "queries", name_of(trial)), "kind", limit)
    file = f"results/datasets/{name_of(trial)}/queries.parquet"
    body = [
        of_row(
            Row(
                (
                    text_cell(row["kind"]),
                    text_cell(row["source"]),
                    text_cell(row["row"]),
                    text_cell(row["USUBJID"]),
                    text_cell(row["column"]),
                    brief(row["value"]),
                    brief(row["finding"]),
                    brief(row["resolution"]),
                )
            ),
            str(row["row_id"]),
        )
        for row in shown
    ]
    return Table(
        id=f"{name_of(trial)}_queries",
        title="Findings in the raw data",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Kind", "left"),
            Column("Source", "left"),
            Column("Row"),
            Column("Subject", "left"),
            Column("Column", "left"),
            Column("Value as received", "left"),
            Column("Finding", "wide"),
            Column("Resolution", "wide"),
        ),
        rows=tuple(body),
        footnotes=(
            *left_out(len(queries), len(shown), "findings", file),
            ("", "Row: as a spreadsheet numbers it; the header is row 1."),
        ),
        source=file,
        listed=(len(queries), len(shown)),
    )


def set_aside_table(
    set_aside: pd.DataFrame, *, trial: Mapping[str, Any], limit: int = SHOWN
) -> Table:
    """Tabulate the raw rows that no dataset uses, as received, with the reason.

    Parameters
    ----------
    set_aside : DataFrame
        Schema `SET_ASIDE`.
    trial : mapping
        Configuration of the trial.
    limit : int
        Most rows that are shown, some of each rule.
    """
    shown = shortened(identified(set_aside, "set_aside", name_of(trial)), "rule", limit)
    file = f"results/datasets/{name_of(trial)}/set_aside.parquet"
    body = [
        of_row(
            Row(
                (
                    text_cell(row["source"]),
                    text_cell(row["row"]),
                    text_cell(row["rule"]),
                    brief(row["reason"]),
                    brief(_readable(row["raw"])),
                )
            ),
            str(row["row_id"]),
        )
        for row in shown
    ]
    return Table(
        id=f"{name_of(trial)}_set_aside",
        title="Rows set aside",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Source", "left"),
            Column("Row"),
            Column("Rule", "left"),
            Column("Reason", "wide"),
            Column("As received", "wide"),
        ),
        rows=tuple(body),
        footnotes=left_out(len(set_aside), len(shown), "rows", file),
        source=file,
        listed=(len(set_aside), len(shown)),
    )


def warnings_table(warnings: pd.DataFrame, *, limit: int = SHOWN) -> Table:
    """Tabulate the numbers of published tables that can hardly be meant.

    Parameters
    ----------
    warnings : DataFrame
        Schema `cleaning_rows.PUBLISHED_WARNINGS`.
    limit : int
        Most warnings that are shown, some of each kind.
    """
    shown = shortened(identified(warnings, "warnings"), "kind", limit)
    file = "results/datasets/published/warnings.parquet"
    body = [
        of_row(
            Row(
                (
                    text_cell(row["label"]),
                    brief(row["outcome"]),
                    text_cell(row["kind"]),
                    brief(row["finding"]),
                    brief(row["look"]),
                    Cell(f"{row['file']}, row {int(row['row'])}, {row['column']}"),
                )
            ),
            str(row["row_id"]),
        )
        for row in shown
    ]
    return Table(
        id="published_warnings",
        title="Published numbers that can hardly be meant",
        subtitle="Warnings; the numbers stand as they are transcribed",
        columns=(
            Column("Trial", "left"),
            Column("Outcome", "wide"),
            Column("Warning", "wide"),
            Column("Finding", "wide"),
            Column("Look again at", "wide"),
            Column("Place", "code left"),
        ),
        rows=tuple(body),
        footnotes=left_out(len(warnings), len(shown), "warnings", file),
        source=file,
        listed=(len(warnings), len(shown)),
    )


def _readable(raw: str) -> str:
    """Return a raw row kept as JSON as "column: value" pairs."""
    try:
        cells = json.loads(raw)
    except ValueError:
        return raw
    if not isinstance(cells, dict):
        return raw
    return "; ".join(f"{k}: {v}" for k, v in cells.items() if v is not None)


def name_of(trial: Mapping[str, Any]) -> str:
    """Return the name of a trial in the names of files."""
    return str(trial.get("id") or trial["trial"])
