"""Tabulate one trial: participants, analyses, and what cleaning did."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from _step import run

from trialstats import cleaning_rows, io, rows, tables
from trialstats.exports import DATA_DICTIONARY


def main(
    estimates: list[str],
    steps: str,
    changes: str,
    dictionary: str,
    queries: str,
    set_aside: str,
    html: list[str],
    csv: list[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
) -> None:
    fitted = pd.concat(
        [io.read_table(path, rows.ESTIMATES) for path in estimates], ignore_index=True
    )
    made = tables.trial_tables(
        fitted,
        trial=config,
        account=io.read_table(steps, cleaning_rows.STEPS),
        changes=io.read_table(changes, cleaning_rows.CHANGES),
        queries=io.read_table(queries, rows.QUERIES),
        set_aside=io.read_table(set_aside, rows.SET_ASIDE),
        dictionary=io.read_table(dictionary, DATA_DICTIONARY),
    )
    for name, page, cells in zip(names, html, csv, strict=True):
        io.write_text(tables.to_page([made[name]], made[name].title), page)
        io.write_csv(tables.to_csv_frame(made[name]), cells)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
