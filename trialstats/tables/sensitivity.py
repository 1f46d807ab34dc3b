"""How far a pooled effect depends on estimator, interval and single trials."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.formatting import format_level
from trialstats.records import Record, find, one, usual_level
from trialstats.tables import cells
from trialstats.tables.subtitles import data_words
from trialstats.tables.synthesis import (
    Synthesised,
    heterogeneity_cells,
    measure_words,
    short_title,
    synthesised,
    trials_cell,
)
from trialstats.tables.table import EMPTY, Cell, Column, Footnotes, Row, Table, heading
from trialstats.vocabulary import PROPORTION, upper_first


def sensitivity_table(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Table:
    """Tabulate the models of one synthesis beside each other, main model first.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`, with at least one pooled effect.
    synthesis : mapping
        Configuration of the synthesis.
    labels : mapping of str to str
        Trial to author and year.

    Returns
    -------
    Table
        The main model, the configured variations, Bayesian models, every estimator
        with every interval, and the main model without each trial: k, estimate
        (95% CI), p, prediction interval, tau-squared and I-squared. Footnotes say in
        words what each model is.

    Raises
    ------
    DataError
        When nothing was pooled.
    """
    made = synthesised(rows)
    if not made.pooled:
        raise DataError(f"synthesis {made.id!r} has no pooled effect to compare")
    notes, level = Footnotes(), usual_level(made.pooled)
    body: list[Row] = []
    for title, part in _sections(made, labels).items():
        if part:
            body.append(heading(title))
            body += [_line(made, name, row, notes, level) for name, row in part]
    if find(made.pooled, unit=PROPORTION):
        notes.note("Risk differences are in percentage points, their τ² is not.")
    notes.note(
        "k, number of trials; CI, confidence interval, of Bayesian models the credible "
        "interval; p, test of no effect. Models are named as in the rows of the "
        "estimates; footnotes say what each is."
    )
    return Table(
        id=f"{made.id}_models",
        title=f"{short_title(synthesis)}: how far the result depends on the model",
        subtitle=f"{upper_first(measure_words(synthesis))} · {data_words(made.rows)}",
        columns=(
            Column("Model", "left code"),
            Column("k"),
            Column(f"Estimate ({format_level(level)})"),
            Column("p"),
            Column("Prediction interval"),
            Column(f"τ² ({format_level(level)})"),
            Column("I²"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )


_Named = list[tuple[str, Record]]


def _sections(made: Synthesised, labels: Mapping[str, str]) -> dict[str, _Named]:
    """Return the pooled effects by the heading under which they stand."""
    others = find(made.pooled, role="sensitivity")
    bayesian = [row for row in others if str(row["model_id"]).startswith("bayesian")]
    return {
        "Main model": _by_model(find(made.pooled, role="primary")),
        "Sensitivity": _by_model([row for row in others if row not in bayesian]),
        "Bayesian": _by_model(bayesian),
        "Estimators and intervals": _by_model(find(made.rows, statistic="grid_effect")),
        "Main model without": [
            (labels.get(row["trial"], str(row["trial"])), row)
            for row in find(made.rows, statistic="leave_one_out_effect")
        ],
    }


def _by_model(rows: Sequence[Record]) -> _Named:
    return [(str(row["model_id"] or ""), row) for row in rows]


def _line(
    made: Synthesised,
    name: str,
    effect: Record,
    notes: Footnotes,
    level: float | None,
) -> Row:
    # The heads of the grid and of single trials say all that their lines differ in.
    explained = effect["statistic"] == "pooled_effect"
    letter = notes.letter(upper_first(str(effect["method"]))) if explained else ""
    head = Cell(name, marks=letter)
    return Row(
        (
            head,
            trials_cell(effect),
            cells.value_interval(
                effect, notes, cells.effect_digits(effect), level=level
            ),
            cells.p_value(effect),
            *heterogeneity_cells(made, effect, notes, level),
        )
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
