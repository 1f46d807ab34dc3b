"""Describe the participants of one trial: baseline and disposition."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.analyses.trial import describe_trial


def main(
    adsl: str, bds: str, baseline: str, disposition: str, *, config: Mapping[str, Any]
) -> None:
    made = describe_trial(
        config, io.read_table(adsl, rows.ADSL_CORE), io.read_table(bds, rows.BDS)
    )
    io.write_table(made["baseline"], baseline, rows.ESTIMATES)
    io.write_table(made["disposition"], disposition, rows.ESTIMATES)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
