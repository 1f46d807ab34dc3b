"""Check the published results and write them as Parquet."""

from _step import run

from trialstats import io, rows
from trialstats.clean.published import build_published


def main(
    trials: str,
    continuous: str,
    binary: str,
    pools: str,
    effects: str,
    published_trials: str,
    published_pools: str,
) -> None:
    files = {
        "trials": trials,
        "continuous": continuous,
        "binary": binary,
        "pools": pools,
    }
    cells = {name: io.read_cells(path) for name, path in files.items()}
    checked = build_published(**cells, files=files)
    io.write_table(checked[0], effects, rows.EFFECTS)
    io.write_table(checked[1], published_trials, rows.PUBLISHED_TRIALS)
    io.write_table(checked[2], published_pools, rows.PUBLISHED_POOLS)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
