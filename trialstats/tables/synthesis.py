"""Tables of syntheses: trials as entered, models beside each other, all effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, one, records, usual_level
from trialstats.tables import cells
from trialstats.tables.subtitles import data_words
from trialstats.tables.table import (
    EMPTY,
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
)
from trialstats.vocabulary import DATA_STATUS, MEASURES, upper_first


@dataclass(frozen=True, slots=True)
class Synthesised:
    """The rows of one synthesis, sorted by what they are."""

    id: str
    rows: list[Record]
    effects: list[Record]
    pooled: list[Record]

    @property
    def main(self) -> Record | None:
        """The pooled effect of the main model; None where nothing is pooled."""
        return one(self.pooled, role="primary")

    def beside(self, pooled: Record, statistic: str) -> Record | None:
        """Return another statistic of the model of a pooled effect.

        Models of a grid, and those without a trial, have statistics of their own.
        """
        same: dict[str, Any] = {"model_id": pooled["model_id"]}
        for prefix in ("grid", "leave_one_out"):
            if pooled["statistic"] == f"{prefix}_effect":
                statistic = f"{prefix}_{statistic}"
                same |= {name: pooled[name] for name in ("trial", "analysis")}
        return one(self.rows, statistic=statistic, **same)

    @property
    def published_pools(self) -> list[Record]:
        """Pooled results of published reviews."""
        return find(self.rows, statistic="published_pool")


def synthesised(rows: pd.DataFrame) -> Synthesised:
    """Sort the rows of one synthesis.

    Raises
    ------
    DataError
        When the rows belong to none or to several syntheses.
    """
    listed = records(rows)
    names = distinct(listed, "synthesis")
    if len(names) != 1:
        raise DataError(f"expected the rows of one synthesis, found {names}")
    return Synthesised(
        id=str(names[0]),
        rows=listed,
        effects=find(listed, statistic="effect"),
        pooled=find(listed, statistic="pooled_effect"),
    )


def measure_words(settings: Mapping[str, Any]) -> str:
    """Return the effect measure of a synthesis in words."""
    code = str(settings["measure"])
    return MEASURES[code].name if code in MEASURES else code


def short_title(settings: Mapping[str, Any]) -> str:
    """Return the title of a synthesis without its comparison with placebo.

    Another comparator stays in the title.
    """
    title, comparison = str(settings["title"]), settings["comparison"]
    usual = f": {comparison['treatment']} versus placebo"
    return title[: -len(usual)] if title.endswith(usual) else title


def statuses_text(effects: Sequence[Record]) -> str:
    """Say how the numbers of trials are known: "1 seen, 1 derived"."""
    if not effects:
        return ""
    found = [r["data_status"] for r in effects]
    counts = {s: found.count(s) for s in dict.fromkeys(found)}
    return ", ".join(f"{n} {DATA_STATUS.get(s, s)}" for s, n in counts.items())


def trial_effects_table(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Table:
    """Tabulate the trials of a synthesis as they entered, and how each is known.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    Table
        For each trial the numbers of its arms, effect (95% CI), weight in the main
        model and status of the numbers; footnotes say how each effect was obtained.
    """
    made = synthesised(rows)
    notes = Footnotes()
    arms = [synthesis["comparison"][side] for side in ("treatment", "control")]
    measure = measure_words(synthesis)
    pooled = made.main is not None
    columns = [Column("Trial", "left")]
    if len(distinct(made.effects, "parameter")) > 1:
        columns.append(Column("Outcome", "left"))
    # A fitted trial enters with its contrast: there are no numbers by arm to show.
    numbers = [row for row in made.rows if row["statistic"] in _BY_ARM]
    by_arm = [arm for arm in arms if find(numbers, role="descriptive", group=arm)]
    columns += [Column(arm) for arm in by_arm] or [Column("n")]
    level = usual_level(made.effects)
    columns.append(Column(f"{upper_first(measure)} ({format_level(level)})"))
    columns += [Column("Weight")] if pooled else []
    columns.append(Column("Evidence", "left"))
    body = [
        _effect_row(made, effect, columns, by_arm, labels, notes)
        for effect in made.effects
    ]
    notes.note(
        "Arms: events/participants, or mean (SD), participants."
        if by_arm
        else "n, participants analysed."
    )
    notes.note("CI, confidence interval.")
    return Table(
        id=f"{made.id}_trials",
        title=f"{short_title(synthesis)}: trials, and how their results are known",
        subtitle=f"{arms[0]} versus {arms[1]} · {data_words(made.rows)}",
        columns=tuple(columns),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )


#: What a trial may publish of each arm.
_BY_ARM = ("events", "n", "mean", "standard_deviation", "person_time")


def _effect_row(
    made: Synthesised,
    effect: Record,
    columns: Sequence[Column],
    arms: Sequence[str],
    labels: Mapping[str, str],
    notes: Footnotes,
) -> Row:
    trial, outcome = effect["trial"], effect["parameter"]
    mark = notes.status(effect["data_status"])
    treatment = effect["group"]
    name = labels.get(trial, str(trial)) + (f", {treatment}" if treatment else "")
    line = [Cell(name, marks=mark)]
    if columns[1].label == "Outcome":
        line.append(cells.text_cell(outcome))
    same = {name: effect[name] for name in ("trial", "analysis", "parameter", "visit")}
    inputs = find(made.rows, role="descriptive", **same)
    for arm in arms:
        line.append(_arm_cell(find(inputs, group=arm), notes))
    if not arms:
        line.append(participants_cell(effect))
    line.append(cells.value_interval(effect, notes, cells.effect_digits(effect)))
    if made.main is not None:
        place = {"model_id": made.main["model_id"], "group": treatment}
        weight = one(made.rows, statistic="weight", **place, **same)
        line.append(_weight_cell(weight))
    status = str(effect["data_status"])
    letter = notes.letter(upper_first(str(effect["method"])))
    line.append(Cell(DATA_STATUS.get(status, status), marks=letter))
    return Row(tuple(line))


def _arm_cell(inputs: Sequence[Record], notes: Footnotes) -> Cell:
    """Print "5/18", or "-1.30 (1.57), 49", or what there is of it."""
    events, n = one(inputs, statistic="events"), one(inputs, statistic="n")
    mean = one(inputs, statistic="mean")
    size = cells.count(n, notes)
    if events is not None:
        first = cells.count(events, notes)
        return Cell(f"{first.text}/{size.text}", first.rows + size.rows)
    if mean is None:
        return Cell(f"n = {size.text}", size.rows) if n else EMPTY
    first = cells.pair(mean, one(inputs, statistic="standard_deviation"), notes)
    text = f"{first.text}, {size.text}" if size.text else first.text
    return Cell(text, first.rows + size.rows, first.marks)


def participants_cell(record: Record) -> Cell:
    """Print the number of participants of a row."""
    if record["n_subjects"] is None:
        return EMPTY
    return Cell(str(record["n_subjects"]), (str(record["row_id"]),))


def _weight_cell(weight: Record | None) -> Cell:
    if weight is None or weight["estimate"] is None:
        return EMPTY
    percent = cells.number_text(100 * weight["estimate"], 1)
    return Cell(f"{percent}%", (str(weight["row_id"]),))


def trials_cell(pooled: Record) -> Cell:
    """Print the number of trials."""
    if pooled["n_trials"] is None:
        return EMPTY
    return Cell(str(pooled["n_trials"]), (str(pooled["row_id"]),))


def heterogeneity_cells(
    made: Synthesised, pooled: Record, notes: Footnotes, level: float | None
) -> tuple[Cell, Cell, Cell]:
    """Print prediction interval, tau-squared and I-squared of a model.

    Intervals of another level than that of the table say so.
    """
    predicted = made.beside(pooled, "prediction_interval")
    return (
        cells.interval(predicted, notes, level=level),
        _tau_squared_cell(made.beside(pooled, "tau_squared"), notes, level),
        cells.share(made.beside(pooled, "i_squared"), notes),
    )


def _tau_squared_cell(
    record: Record | None, notes: Footnotes, level: float | None
) -> Cell:
    """Print tau-squared; three decimals, since it is a variance of small numbers."""
    if record is None or record["estimate"] is None:
        return cells.value(record, notes)
    return cells.value_interval(record, notes, 3, level=level)
