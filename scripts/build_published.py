"""Check the published results and write them as Parquet."""

from _step import run

from trialstats import evidence_rows, io
from trialstats.clean.published import published_frames


def main(
    effects: str,
    published_trials: str,
    published_pools: str,
    **tables: str,
) -> None:
    cells = {name: io.read_cells(path) for name, path in tables.items()}
    checked = published_frames(cells, files=tables)
    io.write_table(checked[0], effects, evidence_rows.EFFECTS)
    io.write_table(checked[1], published_trials, evidence_rows.PUBLISHED_TRIALS)
    io.write_table(checked[2], published_pools, evidence_rows.PUBLISHED_POOLS)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
