"""The summary of all effects: a line a synthesis, or an outcome where not pooled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, records, usual_level
from trialstats.tables import cells
from trialstats.tables.synthesis import (
    Synthesised,
    heterogeneity_cells,
    participants_cell,
    short_title,
    statuses_text,
    synthesised,
    trials_cell,
)
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table, heading
from trialstats.vocabulary import SYNTHETIC, lower_first, short_review, upper_first

#: Statistics that give a line of the table.
_LINES_OF_SUMMARY = frozenset({"effect", "pooled_effect", "published_pool"})


def _columns(level: float | None) -> tuple[Column, ...]:
    return (
        Column("Question", "left wide"),
        Column("Measure", "left"),
        Column("k"),
        Column("n"),
        Column(f"Estimate ({format_level(level)})"),
        Column("p"),
        Column("Prediction interval"),
        Column(f"τ² ({format_level(level)})"),
        Column("I²"),
        Column("Trials' numbers", "left"),
    )


def summary_of_effects(
    rows: pd.DataFrame, *, syntheses: Sequence[Mapping[str, Any]]
) -> Table:
    """Tabulate the main result of every synthesis.

    Parameters
    ----------
    rows : DataFrame
        Rows of all syntheses, schema `ESTIMATES`.
    syntheses : sequence of mapping
        Their configurations, in the order of the table; grouped by condition.

    Returns
    -------
    Table
        Measure, k, n, estimate (95% CI), p, prediction interval, tau-squared,
        I-squared and how the numbers are known; below it what reviews pooled.
    """
    notes = Footnotes()
    level = usual_level(
        row for row in records(rows) if row["statistic"] in _LINES_OF_SUMMARY
    )
    columns = _columns(level)
    body: list[Row] = []
    condition = None
    for settings in syntheses:
        part = rows[rows["synthesis"] == settings["synthesis"]]
        if not (part["statistic"] == "effect").any():
            continue
        if settings["condition"] != condition:
            condition = settings["condition"]
            body.append(heading(upper_first(condition)))
        made = synthesised(part)
        if made.main is None:
            body += _outcome_rows(made, settings, notes, level)
        else:
            body.append(_pooled_row(made, made.main, settings, notes, level))
            body += [_review_row(p, notes, level) for p in made.published_pools]
    notes.note(
        "k, number of trials; n, participants; CI, confidence interval; MD, mean "
        "difference; SMD, standardized mean difference; RR, risk ratio; OR, odds "
        "ratio; RD, risk difference."
    )
    notes.note(_direction([s["comparison"] for s in syntheses]))
    return Table(
        id="summary_of_effects",
        title="Summary of all effects",
        subtitle=_subtitle(set(rows["data_status"].dropna())),
        columns=columns,
        rows=tuple(body),
        footnotes=notes.lines(),
        source="results/estimates/synthesis/*.parquet",
    )


def _direction(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """Say what effects are, by the arms that most lines compare."""
    if not comparisons:
        return ""
    treatments, controls = (
        [str(comparison[arm]) for comparison in comparisons]
        for arm in ("treatment", "control")
    )
    treatment = treatments[0] if len(set(treatments)) == 1 else "Treatment"
    usual, times = Counter(controls).most_common(1)[0]
    if len(set(controls)) == 1:
        return f"Effects are {treatment} minus, or over, {lower_first(usual)}."
    if 2 * times < len(controls):
        return f"Effects are {treatment} minus, or over, control."
    return (
        f"Effects are {treatment} minus, or over, the comparator: "
        f"{lower_first(usual)} unless the line says otherwise."
    )


def _subtitle(statuses: set[str]) -> str:
    if "synthetic" not in statuses:
        return "Published results; no synthetic data enter"
    return f"Published results and, in lines of their own, {SYNTHETIC}"


def _status_marks(effects: Sequence[Record], notes: Footnotes) -> str:
    """Return the marks of a line: daggers, and a letter where data are synthetic."""
    statuses = [r["data_status"] for r in effects]
    letter = notes.letter(f"{SYNTHETIC}.") if "synthetic" in statuses else ""
    return notes.status(*statuses) + letter


def _pooled_row(
    made: Synthesised,
    main: Record,
    settings: Mapping[str, Any],
    notes: Footnotes,
    level: float | None,
) -> Row:
    mark = _status_marks(made.effects, notes)
    return Row(
        (
            Cell(short_title(settings), marks=mark),
            Cell(str(settings["measure"])),
            trials_cell(main),
            participants_cell(main),
            cells.value_interval(main, notes, cells.effect_digits(main), level=level),
            cells.p_value(main),
            *heterogeneity_cells(made, main, notes, level),
            Cell(statuses_text(made.effects), _ids(made.effects)),
        ),
        indent=1,
    )


def _outcome_rows(
    made: Synthesised,
    settings: Mapping[str, Any],
    notes: Footnotes,
    level: float | None,
) -> list[Row]:
    """Return a line a result of a synthesis that shows and does not pool."""
    title = Cell(short_title(settings), marks=notes.letter("Shown, not pooled."))
    blank = [EMPTY] * (len(_columns(level)) - 1)
    lines = [Row((title, *blank), indent=1)]
    for effect in made.effects:
        outcome = str(effect["parameter"] or settings["outcome"]["name"])
        lines.append(
            Row(
                (
                    Cell(outcome, marks=_status_marks([effect], notes)),
                    Cell(str(settings["measure"])),
                    Cell("1", _ids([effect])),
                    participants_cell(effect),
                    cells.value_interval(
                        effect, notes, cells.effect_digits(effect), level=level
                    ),
                    cells.p_value(effect),
                    EMPTY,
                    EMPTY,
                    EMPTY,
                    Cell(statuses_text([effect]), _ids([effect])),
                ),
                indent=2,
            )
        )
    return [*lines, *(_review_row(p, notes, level) for p in made.published_pools)]


def _ids(effects: Sequence[Record]) -> tuple[str, ...]:
    return tuple(str(effect["row_id"]) for effect in effects)


def _review_row(pool: Record, notes: Footnotes, level: float | None) -> Row:
    """Return a line for what a review pooled, under the line that it stands beside."""
    review = short_review(str(pool["group"]))
    return Row(
        (
            Cell(
                f"{review}: {pool['parameter']}",
                marks=notes.status(pool["data_status"])
                + notes.letter("Pooled result of a published review, as printed."),
            ),
            Cell(str(pool["unit"] or "")),
            trials_cell(pool),
            EMPTY,
            cells.value_interval(pool, notes, cells.effect_digits(pool), level=level),
            *[EMPTY] * 5,
        ),
        indent=2,
    )
