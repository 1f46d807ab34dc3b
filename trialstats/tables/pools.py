"""Pooled results of published reviews, as they stand in the reviews."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.formatting import format_level
from trialstats.records import Record, distinct, find, usual_level
from trialstats.tables import cells
from trialstats.tables.synthesis import (
    measure_words,
    short_title,
    synthesised,
    trials_cell,
)
from trialstats.tables.table import (
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
    heading,
)
from trialstats.vocabulary import (
    DATA_STATUS,
    MEASURES,
    sentence_list,
    upper_first,
)


def published_pools_table(rows: pd.DataFrame, *, synthesis: Mapping[str, Any]) -> Table:
    """Tabulate the pooled results of published reviews beside our own.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `ESTIMATES`.
    synthesis : mapping
        Configuration of the synthesis.

    Returns
    -------
    Table
        Reviews with outcome, k, pooled result (95% CI) and how it was pooled, under
        a heading for each measure where there are several; our main model last.
    """
    made = synthesised(rows)
    notes, level = Footnotes(), usual_level(made.published_pools)
    body: list[Row] = []
    measures = distinct(made.published_pools, "subgroup")
    for measure in measures if len(measures) > 1 else [None]:
        pools = made.published_pools
        if measure is not None:
            known = MEASURES.get(measure)
            title = known.title if known else upper_first(f"{measure} measures")
            body.append(heading(title))
            pools = find(pools, subgroup=measure)
        body += [_pool_row(pool, notes, level) for pool in pools]
    beside = ""
    if made.main is not None:
        beside = " beside ours"
        if len(measures) > 1:
            body.append(heading(f"This report: {measure_words(synthesis)}"))
        body.append(_own_row(made.main, synthesis, notes, level))
    notes.note("k, number of trials; CI, confidence interval.")
    found = distinct(made.published_pools, "data_status")
    statuses = sentence_list(DATA_STATUS.get(s, s) for s in found)
    return Table(
        id=f"{made.id}_published_pools",
        title=f"{short_title(synthesis)}: published pooled results{beside}",
        subtitle=f"Published results, {statuses}" if statuses else "Published results",
        columns=(
            Column("Review", "left wide"),
            Column("Outcome", "wide"),
            Column("k"),
            Column(f"Pooled result ({format_level(level)})"),
            Column("Measure and model", "wide"),
        ),
        rows=tuple(body),
        footnotes=notes.lines(),
        source=f"results/estimates/synthesis/{made.id}.parquet",
    )


def _pool_row(pool: Record, notes: Footnotes, level: float | None) -> Row:
    return Row(
        (
            Cell(str(pool["group"]), marks=notes.status(pool["data_status"])),
            cells.text_cell(pool["parameter"]),
            trials_cell(pool),
            cells.value_interval(pool, notes, cells.effect_digits(pool), level=level),
            cells.text_cell(pool["method"]),
        )
    )


def _own_row(
    main: Record,
    synthesis: Mapping[str, Any],
    notes: Footnotes,
    level: float | None,
) -> Row:
    return Row(
        (
            Cell("This report"),
            cells.text_cell(synthesis["outcome"]["name"]),
            trials_cell(main),
            cells.value_interval(main, notes, cells.effect_digits(main), level=level),
            Cell(str(main["method"])),
        )
    )
