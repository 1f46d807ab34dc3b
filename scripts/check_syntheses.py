"""Compute every synthesis by a second engine; stop when they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run, stacked

from trialstats import io, rows
from trialstats.analyses.agreement import require_agreement
from trialstats.analyses.synthesis_agreement import check_synthesis


def main(
    estimates: list[str], agreement: str, *, configs: Sequence[Mapping[str, Any]]
) -> None:
    compared = (
        check_synthesis(config, io.read_table(path, rows.ESTIMATES))
        for config, path in zip(configs, estimates, strict=True)
    )
    frame = stacked(compared, rows.AGREEMENT)
    require_agreement(frame)
    io.write_table(frame, agreement, rows.AGREEMENT)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
