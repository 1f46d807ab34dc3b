"""Check the published results and write the rows that one synthesis uses."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import evidence_rows, io
from trialstats.analyses.synthesis_inputs import select_evidence
from trialstats.clean.published import published_frames


def main(
    effects: str,
    published_trials: str,
    published_pools: str,
    *,
    config: Mapping[str, Any],
    **tables: str,
) -> None:
    cells = {name: io.read_cells(path) for name, path in tables.items()}
    used = select_evidence(config, *published_frames(cells, files=tables))
    io.write_table(used[0], effects, evidence_rows.EFFECTS)
    io.write_table(used[1], published_trials, evidence_rows.PUBLISHED_TRIALS)
    io.write_table(used[2], published_pools, evidence_rows.PUBLISHED_POOLS)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
