"""A table of studies: from its cells to a checked frame, one row a study.

Nothing is computed here; numbers stand under the names of the arguments they are for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.clean.canonical import plain_number
from trialstats.clean.cell_texts import as_text
from trialstats.clean.published_cells import Findings, Row
from trialstats.config.checking import suggestion
from trialstats.evidence_rows import STUDIES
from trialstats.rows import COUNT, NUMBER, TEXT, field, frame_of, with_fields

#: What each role of a column is, for the metadata of the Parquet.
ROLES = {
    "ai": "Participants with the event, treatment",
    "bi": "Participants without the event, treatment",
    "ci": "Participants with the event, control",
    "di": "Participants without the event, control",
    "n1i": "Participants, treatment",
    "n2i": "Participants, control",
    "m1i": "Mean, treatment",
    "sd1i": "Standard deviation, treatment",
    "m2i": "Mean, control",
    "sd2i": "Standard deviation, control",
    "x1i": "Events, treatment",
    "t1i": "Person-time, treatment",
    "x2i": "Events, control",
    "t2i": "Person-time, control",
    "effect": "Effect as published",
    "variance": "Sampling variance of the effect",
    "standard_error": "Standard error of the effect",
    "ci_lower": "Lower limit as published",
    "ci_upper": "Upper limit as published",
    "participants": "Participants of the study",
}

#: Roles that count people or events.
COUNTS = ("ai", "bi", "ci", "di", "n1i", "n2i", "x1i", "x2i", "participants")

#: Roles that may not be below zero.
_NOT_NEGATIVE = ("sd1i", "sd2i", "t1i", "t2i", "variance", "standard_error")


def build_studies(
    cells: pd.DataFrame, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pa.Schema]:
    """Check a table of studies and return it typed, with its schema.

    Parameters
    ----------
    cells : DataFrame
        Cells as `trialstats.io.read_cells` gives them; the row of the file as index.
    settings : mapping
        The key ``studies`` of a synthesis.

    Returns
    -------
    frame : DataFrame
        `evidence_rows.STUDIES` with a column for each role that is named and for each
        covariate. A covariate whose cells are all numbers is a number.
    schema : pyarrow.Schema
        The schema of the frame.

    Raises
    ------
    DataError
        With every problem: file, row, column, value and what to write instead.
    """
    findings, file = Findings(), str(settings["file"])
    columns, covariates = settings["columns"], list(settings["covariates"])
    for name in (settings["study"], *columns.values(), *covariates):
        if name not in cells.columns:
            findings.add(
                "there is no such column",
                file=file,
                column=name,
                remedy=suggestion(name, cells.columns),
            )
    findings.refuse()
    listed = [
        Row(file, int(number), _text_cells(cells.columns, values), findings)
        for number, values in zip(
            cells.index, cells.itertuples(index=False, name=None), strict=True
        )
    ]
    if not listed:
        findings.add("the table has no study", file=file, remedy="add a row a study")
    _check_names(listed, str(settings["study"]), findings)
    rows = [
        {
            "study": row.text(settings["study"], required=True),
            "file": file,
            "row": row.number,
            "data_status": settings["data_status"],
        }
        | {role: _value(row, role, column) for role, column in columns.items()}
        for row in listed
    ]
    numeric = [name for name in covariates if _is_numeric(cells[name])]
    for made, row in zip(rows, listed, strict=True):
        for name in covariates:
            made[name] = row.number_in(name) if name in numeric else row.text(name)
    findings.refuse()
    schema = with_fields(
        STUDIES,
        [
            *(
                field(role, COUNT if role in COUNTS else NUMBER, ROLES[role])
                for role in columns
            ),
            *(
                field(name, NUMBER if name in numeric else TEXT, name)
                for name in covariates
            ),
        ],
    )
    return frame_of(rows, schema), schema


def _text_cells(names: Iterable[str], values: Iterable[Any]) -> dict[str, str | None]:
    """Return a row as text: the cells of a spreadsheet have types of their own."""
    return {
        name: None if pd.isna(value) else as_text(value).strip() or None
        for name, value in zip(names, values, strict=True)
    }


def _check_names(listed: list[Row], column: str, findings: Findings) -> None:
    """Note every study that stands in the table twice."""
    seen: dict[str, int] = {}
    for row in listed:
        name = row.cells.get(column)
        if name is not None and name in seen:
            row.problem(
                f"the study stands in row {seen[name]} too",
                column,
                remedy="name each row once, such as with a letter after the year",
            )
        elif name is not None:
            seen[name] = row.number


def _value(row: Row, role: str, column: str) -> float | int | None:
    value = row.count_in(column) if role in COUNTS else row.number_in(column)
    if value is not None and value < 0 and role in _NOT_NEGATIVE:
        row.problem("the number is below zero", column, remedy="write it without sign")
    return value


def _is_numeric(values: pd.Series) -> bool:
    """Return whether every cell that is filled is a plain number."""
    filled = [as_text(value).strip() for value in values if not pd.isna(value)]
    return bool(filled) and all(plain_number(text) is not None for text in filled)
