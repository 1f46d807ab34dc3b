"""How far a pooled effect depends on estimator, interval and single trials."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, one, usual_level
from trialstats.tables import cells
from trialstats.tables.subtitles import data_words
from trialstats.tables.synthesis import (
    Synthesised,
    measure_words,
    short_title,
    synthesised,
)
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table
from trialstats.vocabulary import INTERVALS, upper_first


def grid_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate the pooled effect by estimator of tau-squared and kind of interval.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`, with statistic ``grid_effect``.
    synthesis : mapping
        Configuration of the synthesis.

    Returns
    -------
    Table
        A line an estimator, with tau-squared, I-squared and the estimate; a column an
        interval.
    """
    made = synthesised(rows)
    grid, notes = find(made.rows, statistic="grid_effect"), Footnotes()
    level = usual_level(grid)
    models = {str(row["model_id"]) for row in grid}
    kinds = [k for k in INTERVALS if any(m.endswith(f".{k}") for m in models)]
    body = [
        _grid_row(made, find(grid, group=estimator), kinds, notes, level)
        for estimator in distinct(grid, "group")
    ]
    notes.note("Estimators by metafor's codes; EE, one true effect (tau-squared zero).")
    return Table(
        id=f"{made.id}_grid",
        title=f"{short_title(synthesis)}: estimators and intervals",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column("Estimator", "left code"),
            Column("τ²"),
            Column("I²"),
            Column("Estimate"),
            *(
                Column(INTERVALS[kind], spanner=format_level(level, "interval"))
                for kind in kinds
            ),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )


def _grid_row(
    made: Synthesised,
    effects: Sequence[Record],
    kinds: Sequence[str],
    notes: Footnotes,
    level: float | None,
) -> Row:
    estimator = str(effects[0]["group"])
    tau_squared, i_squared = (
        one(made.rows, statistic=name, group=estimator)
        for name in ("grid_tau_squared", "grid_i_squared")
    )
    digits = cells.effect_digits(effects[0])
    shown = [one(effects, model_id=f"{estimator}.{kind}") for kind in kinds]
    return Row(
        (
            Cell(estimator),
            cells.value(tau_squared, notes, 3),
            cells.share(i_squared, notes),
            cells.value(effects[0], notes, digits),
            *(cells.interval(row, notes, digits, level=level) for row in shown),
        )
    )


def leave_one_out_table(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Table:
    """Tabulate the pooled effect without each trial in turn.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with statistic ``leave_one_out_effect``.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.
    """
    made = synthesised(rows)
    left_out, notes = find(made.rows, statistic="leave_one_out_effect"), Footnotes()
    level = usual_level(left_out)
    body = []
    for row in left_out:
        beside = {
            name: one(
                made.rows,
                statistic=f"leave_one_out_{name}",
                trial=row["trial"],
                analysis=row["analysis"],
            )
            for name in ("tau_squared", "i_squared")
        }
        body.append(
            Row(
                (
                    Cell(labels.get(row["trial"], str(row["trial"]))),
                    cells.value_interval(
                        row, notes, cells.effect_digits(row), level=level
                    ),
                    cells.p_value(row),
                    cells.value(beside["tau_squared"], notes, 3),
                    cells.share(beside["i_squared"], notes),
                )
            )
        )
    notes.note("CI, confidence interval; the model is the main one.")
    return Table(
        id=f"{made.id}_leave_one_out",
        title=f"{short_title(synthesis)}: without each trial in turn",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column("Without", "left"),
            Column(f"Estimate ({format_level(level)})"),
            Column("p"),
            Column("τ²"),
            Column("I²"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )


#: Statistics of the influence of a trial and the heads of their columns.
_INFLUENCE = {
    "studentized_residual": "Studentized residual",
    "dffits": "DFFITS",
    "cook_distance": "Cook's distance",
    "covariance_ratio": "Covariance ratio",
    "tau_squared_deleted": "τ² without it",
    "q_deleted": "Q without it",
    "hat": "Hat value",
    "influence_weight": "Weight",
}


def influence_table(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Table:
    """Tabulate what each trial does to the fit; influential ones are marked.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with statistic ``studentized_residual``.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.
    """
    made, notes = synthesised(rows), Footnotes()
    body = []
    for first in find(made.rows, statistic="studentized_residual"):
        same = {"trial": first["trial"], "analysis": first["analysis"]}
        flag = one(made.rows, statistic="influential", **same)
        marked = flag is not None and bool(flag["estimate"])
        words = f"Influential: {flag['method']}." if marked and flag else ""
        mark = notes.letter(words) if words else ""
        line = [Cell(labels.get(first["trial"], str(first["trial"])), marks=mark)]
        for statistic in _INFLUENCE:
            row = one(made.rows, statistic=statistic, **same)
            if statistic == "influence_weight":
                line.append(cells.share(row, notes, 1))
            else:
                line.append(cells.value(row, notes, 3) if row else EMPTY)
        body.append(Row(tuple(line)))
    notes.note("Each number compares the main model with the same model without it.")
    return Table(
        id=f"{made.id}_influence",
        title=f"{short_title(synthesis)}: influence of each trial",
        subtitle=data_words(made.rows),
        columns=(Column("Trial", "left"), *(Column(h) for h in _INFLUENCE.values())),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )
