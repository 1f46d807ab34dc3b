"""Tables of the cleaning: the account, the findings, and the rows set aside."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.records import Record, distinct, find, records
from trialstats.tables.cells import scientific_text, significant_text, text_cell
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import Cell, Column, Footnotes, Row, Table, heading
from trialstats.vocabulary import SYNTHETIC


def account_table(counts: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate what became of every raw row, by source.

    Parameters
    ----------
    counts : DataFrame
        Columns source, file, received, kept, changed, set_aside; one row a source.
    trial : mapping
        Configuration of the trial.

    Raises
    ------
    DataError
        When kept, changed and set aside do not add up to received.
    """
    body = []
    for row in records(counts):
        parts = [row["kept"], row["changed"], row["set_aside"]]
        if sum(parts) != row["received"]:
            total = " + ".join(map(str, parts))
            raise DataError(
                f"the account of {row['source']!r} does not add up: "
                f"{row['received']} received, {total} accounted for",
                file=row["file"],
            )
        numbers = (Cell(str(n)) for n in (row["received"], *parts))
        body.append(Row((Cell(row["source"]), Cell(row["file"]), *numbers)))
    return Table(
        id=f"{_name(trial)}_account",
        title="Account of every raw row",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Source", "left"),
            Column("File", "code left"),
            Column("Received"),
            Column("Kept as received"),
            Column("Changed"),
            Column("Set aside"),
        ),
        rows=tuple(body),
        footnotes=(
            ("", "Kept, changed and set aside add up to received in each line."),
        ),
        source=f"results/datasets/{_name(trial)}/account.parquet",
    )


def queries_table(queries: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate the data-quality findings and what was done about each.

    Parameters
    ----------
    queries : DataFrame
        Schema `QUERIES`.
    trial : mapping
        Configuration of the trial.
    """
    body = [
        Row(
            (
                text_cell(row["kind"]),
                text_cell(row["source"]),
                text_cell(row["row"]),
                text_cell(row["USUBJID"]),
                text_cell(row["column"]),
                text_cell(row["value"]),
                text_cell(row["finding"]),
                text_cell(row["resolution"]),
            )
        )
        for row in records(queries)
    ]
    return Table(
        id=f"{_name(trial)}_queries",
        title=f"Findings in the raw data ({len(body)})",
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
        footnotes=(("", "Row: as a spreadsheet numbers it; the header is row 1."),),
        source=f"results/datasets/{_name(trial)}/queries.parquet",
    )


def set_aside_table(set_aside: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate the raw rows that no dataset uses, as received, with the reason.

    Parameters
    ----------
    set_aside : DataFrame
        Schema `SET_ASIDE`.
    trial : mapping
        Configuration of the trial.
    """
    body = [
        Row(
            (
                text_cell(row["source"]),
                text_cell(row["row"]),
                text_cell(row["rule"]),
                text_cell(row["reason"]),
                Cell(_readable(row["raw"])),
            )
        )
        for row in records(set_aside)
    ]
    return Table(
        id=f"{_name(trial)}_set_aside",
        title=f"Rows set aside ({len(body)})",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Source", "left"),
            Column("Row"),
            Column("Rule", "left"),
            Column("Reason", "wide"),
            Column("As received", "wide"),
        ),
        rows=tuple(body),
        source=f"results/datasets/{_name(trial)}/set_aside.parquet",
    )


def agreement_table(agreement: pd.DataFrame) -> Table:
    """Tabulate the double programming: the largest difference under each engine.

    Parameters
    ----------
    agreement : DataFrame
        Schema `AGREEMENT`, all trials and syntheses.

    Returns
    -------
    Table
        Under a heading for each trial and synthesis, one row an engine: checks that
        agree, and the check that differs most with both values, its relative
        difference and its tolerance; footnotes give the reason of each tolerance.
    """
    notes = Footnotes()
    listed = [
        {**r, "subject": str(r["row_id"]).split(".")[0]} for r in records(agreement)
    ]
    body: list[Row] = []
    for subject in distinct(listed, "subject"):
        body.append(heading(str(subject).replace("-", " ")))
        part = find(listed, subject=subject)
        body += [
            _engine_row(find(part, engine=engine), notes)
            for engine in distinct(part, "engine")
        ]
    notes.note(
        "Differences are relative to the first engine; where that is zero, absolute."
    )
    return Table(
        id="agreement",
        title="Agreement of two engines",
        subtitle=f"Every primary estimate computed twice; {SYNTHETIC} in the trials",
        columns=(
            Column("Second engine", "left wide"),
            Column("Checks that agree"),
            Column("Largest difference"),
            Column("Tolerance"),
            Column("First engine"),
            Column("Second engine"),
            Column("Check that differs most", "code widest"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source="results/estimates/agreement/*.parquet",
    )


def _engine_row(part: Sequence[Record], notes: Footnotes) -> Row:
    worst = max(part, key=_severity)
    source = (str(worst["row_id"]),)
    quantity = f" ({worst['quantity']})" if worst["quantity"] else ""
    reason = notes.letter(f"Tolerance: {worst['tolerance_reason']}")
    return Row(
        (
            Cell(str(worst["engine"])),
            Cell(f"{len(find(part, agrees=True))} of {len(part)}"),
            Cell(_scientific(worst["relative_difference"])),
            Cell(_scientific(worst["tolerance"]), marks=reason),
            Cell(_compared(worst["estimate"]), source),
            Cell(_compared(worst["second_estimate"])),
            Cell(f"{source[0]}{quantity}", source),
        ),
        indent=1,
    )


def _severity(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Order checks: those that disagree first, then by difference over tolerance."""
    difference = row["relative_difference"]
    share = 0.0 if difference is None else difference / row["tolerance"]
    return (not row["agrees"], share)


def _compared(value: float | None) -> str:
    return "" if value is None else significant_text(value, 8)


def _scientific(value: float | None) -> str:
    return "" if value is None else scientific_text(value)


def _readable(raw: str) -> str:
    """Return a raw row kept as JSON as "column: value" pairs."""
    try:
        cells = json.loads(raw)
    except ValueError:
        return raw
    if not isinstance(cells, dict):
        return raw
    return "; ".join(f"{k}: {v}" for k, v in cells.items() if v is not None)


def _name(trial: Mapping[str, Any]) -> str:
    return str(trial.get("id") or trial["trial"])
