"""Check the published results and write them as Parquet."""

import logging

from _step import run

from trialstats import cleaning_rows, evidence_rows, io
from trialstats.clean.published import published_frames
from trialstats.clean.published_warnings import published_warnings as warnings_of
from trialstats.clean.published_warnings import warnings_in_words


def main(
    effects: str,
    published_trials: str,
    published_pools: str,
    published_warnings: str,
    **tables: str,
) -> None:
    cells = {name: io.read_cells(path) for name, path in tables.items()}
    checked = published_frames(cells, files=tables)
    io.write_table(checked[0], effects, evidence_rows.EFFECTS)
    io.write_table(checked[1], published_trials, evidence_rows.PUBLISHED_TRIALS)
    io.write_table(checked[2], published_pools, evidence_rows.PUBLISHED_POOLS)
    warned = warnings_of(checked[0])
    io.write_table(warned, published_warnings, cleaning_rows.PUBLISHED_WARNINGS)
    for sentence in warnings_in_words(warned):
        logging.warning("%s", sentence)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
