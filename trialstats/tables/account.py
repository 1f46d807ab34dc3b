"""Tables of what was done: the account of the cleaning, and the agreement."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.cleaning_rows import RECEIVED
from trialstats.errors import DataError
from trialstats.records import Record, distinct, find, identified, records
from trialstats.tables.cells import scientific_text, significant_text, text_cell
from trialstats.tables.quality import name_of
from trialstats.tables.shortened import SHOWN, brief, left_out, shortened
from trialstats.tables.subtitles import trial_subtitle
from trialstats.tables.table import (
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
    heading,
    of_row,
)
from trialstats.vocabulary import SYNTHETIC


def account_table(steps: pd.DataFrame, *, trial: Mapping[str, Any]) -> Table:
    """Tabulate what became of every raw row, by source and step.

    Parameters
    ----------
    steps : DataFrame
        Schema `cleaning_rows.STEPS`.
    trial : mapping
        Configuration of the trial.

    Returns
    -------
    Table
        Under a heading for each source: the rows received, each rule that sets rows
        aside, and the rows used.

    Raises
    ------
    DataError
        When the rows out of a step and those set aside do not add up to the rows in,
        or a step does not begin with what the one before left.
    """
    listed = identified(steps, "steps", name_of(trial))
    body: list[Row] = []
    for source in distinct(listed, "source"):
        part = find(listed, source=source)
        require_balance(part)
        body.append(heading(str(source)))
        body += [_step_row(step) for step in part]
    return Table(
        id=f"{name_of(trial)}_account",
        title="Account of every raw row",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Step", "left"),
            Column("Rows in"),
            Column("Set aside"),
            Column("Rows out"),
            Column("Of these changed"),
            Column("Reason, or where they are from", "wide"),
        ),
        rows=tuple(body),
        footnotes=(
            (
                "",
                "Rows in are rows set aside and rows out in every line. Changed: at "
                "least one value was altered by a rule.",
            ),
        ),
        source=f"results/datasets/{name_of(trial)}/steps.parquet",
    )


def require_balance(steps: Sequence[Record]) -> None:
    """Refuse steps of a source whose rows do not add up.

    Parameters
    ----------
    steps : sequence of mapping
        Rows of `cleaning_rows.STEPS` of one source, in order.

    Raises
    ------
    DataError
        With the step that does not add up.
    """
    left = steps[0]["n_in"]
    for step in steps:
        if step["n_in"] != left or step["n_in"] != step["n_set_aside"] + step["n_out"]:
            raise DataError(
                f"the account of {step['source']!r} does not add up at "
                f"{step['rule']!r}: {left} rows before, {step['n_in']} in, "
                f"{step['n_set_aside']} set aside, {step['n_out']} out",
                file=step["files"],
            )
        left = step["n_out"]


def _step_row(step: Record) -> Row:
    changed = step["n_changed"]
    counts = (step["n_in"], step["n_set_aside"] or "", step["n_out"])
    row = Row(
        (
            Cell(str(step["rule"])),
            *(Cell(str(count)) for count in counts),
            Cell("" if changed is None else str(int(changed))),
            brief(step["files"] if step["rule"] == RECEIVED else step["reason"]),
        ),
        indent=1,
    )
    return of_row(row, str(step["row_id"]))


def changes_table(
    changes: pd.DataFrame, *, trial: Mapping[str, Any], limit: int = SHOWN
) -> Table:
    """Tabulate the values that rules changed, with the first of each as examples.

    Parameters
    ----------
    changes : DataFrame
        Schema `cleaning_rows.CHANGES`.
    trial : mapping
        Configuration of the trial.
    limit : int
        Most lines that are shown.
    """
    shown = shortened(identified(changes, "changes", name_of(trial)), "rule", limit)
    file = f"results/datasets/{name_of(trial)}/changes.parquet"
    body = [
        of_row(
            Row(
                (
                    text_cell(row["rule"]),
                    text_cell(row["source"]),
                    text_cell(row["column"]),
                    Cell(str(row["n"])),
                    brief(row["reason"]),
                    brief(row["examples"]),
                )
            ),
            str(row["row_id"]),
        )
        for row in shown
    ]
    return Table(
        id=f"{name_of(trial)}_changes",
        title="Values changed by a rule",
        subtitle=trial_subtitle(trial),
        columns=(
            Column("Rule", "left"),
            Column("Source", "left"),
            Column("Column", "left"),
            Column("Values"),
            Column("Reason", "wide"),
            Column("First examples: value received, value used", "widest"),
        ),
        rows=tuple(body),
        footnotes=(
            *left_out(len(changes), len(shown), "lines", file),
            (
                "",
                "Every changed value stands in results/datasets/"
                f"{name_of(trial)}/account.parquet.",
            ),
        ),
        source=file,
        listed=(len(changes), len(shown)),
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
        # The row of the agreement, not that of the estimates which it is about.
        {**r, "of": str(r["row_id"]), "row_id": f"agreement:{place}"}
        | {"subject": str(r["row_id"]).split(".")[0]}
        for place, r in enumerate(records(agreement), start=1)
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
    source = (str(worst["of"]),)
    every = tuple(str(row["row_id"]) for row in part)
    quantity = f" ({worst['quantity']})" if worst["quantity"] else ""
    reason = notes.letter(f"Tolerance: {worst['tolerance_reason']}")
    row = Row(
        (
            Cell(str(worst["engine"])),
            Cell(f"{len(find(part, agrees=True))} of {len(part)}", every),
            Cell(_scientific(worst["relative_difference"])),
            Cell(_scientific(worst["tolerance"]), marks=reason),
            Cell(_compared(worst["estimate"]), (str(worst["row_id"]), *source)),
            Cell(_compared(worst["second_estimate"])),
            Cell(f"{source[0]}{quantity}", source),
        ),
        indent=1,
    )
    return of_row(row, str(worst["row_id"]))


def _severity(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Order checks: those that disagree first, then by difference over tolerance."""
    difference = row["relative_difference"]
    share = 0.0 if difference is None else difference / row["tolerance"]
    return (not row["agrees"], share)


def _compared(value: float | None) -> str:
    return "" if value is None else significant_text(value, 8)


def _scientific(value: float | None) -> str:
    return "" if value is None else scientific_text(value)
