"""Tabulate one trial: participants, analyses, and what cleaning did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from _step import run

from trialstats import cleaning_rows, io, rows, tables
from trialstats.exports import DATA_DICTIONARY
from trialstats.tables.formats.files import write_tables

#: Schemas of the datasets that listings print; further columns are kept.
DATASETS = {"adsl": rows.ADSL_CORE, "bds": rows.BDS, "adae": rows.ADAE}


def main(
    estimates: list[str],
    steps: str,
    changes: str,
    dictionary: str,
    queries: str,
    set_aside: str,
    datasets: list[str],
    files: list[str],
    *,
    config: Mapping[str, Any],
    names: Sequence[str],
    paper: str,
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
        datasets={
            Path(path).stem: io.read_table(path, DATASETS[Path(path).stem])
            for path in datasets
        },
    )
    formats = len(files) // len(names)
    for position, name in enumerate(names):
        own = files[position * formats : (position + 1) * formats]
        write_tables([made[name]], made[name].title, own, paper=paper)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
