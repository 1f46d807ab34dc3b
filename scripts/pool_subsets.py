"""Fit the main model of one synthesis to subsets of its trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _step import run

from trialstats import evidence_rows, io, rows
from trialstats.analyses.synthesis_subsets import subsets_of


def main(
    effects: str,
    published_trials: str,
    subsets: str,
    analyses: list[str] | str = (),
    studies: list[str] | str = (),
    *,
    config: Mapping[str, Any],
) -> None:
    paths = [analyses] if isinstance(analyses, str) else analyses
    fitted = {
        f"{Path(path).parent.name}.{Path(path).stem}": io.read_table(
            path, rows.ESTIMATES
        )
        for path in paths
    }
    made = subsets_of(
        config,
        io.read_table(effects, evidence_rows.EFFECTS),
        io.read_table(published_trials, evidence_rows.PUBLISHED_TRIALS),
        fitted,
        io.read_table(studies) if isinstance(studies, str) else None,
    )
    io.write_table(made, subsets, rows.SUBSETS)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
