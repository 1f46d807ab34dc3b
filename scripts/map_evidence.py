"""Say for every published trial what it offers."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run

from trialstats import evidence_rows, io
from trialstats.analyses.evidence import EVIDENCE, evidence_map


def main(
    effects: str,
    published_trials: str,
    evidence: str,
    *,
    configs: Sequence[Mapping[str, Any]],
) -> None:
    mapped = evidence_map(
        io.read_table(published_trials, evidence_rows.PUBLISHED_TRIALS),
        io.read_table(effects, evidence_rows.EFFECTS),
        configs,
    )
    io.write_table(mapped, evidence, EVIDENCE)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
