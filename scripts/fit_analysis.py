"""Fit one configured analysis of one trial."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.analyses.trial import fit_analysis


def main(
    adsl: str, bds: str, adae: str, estimates: str, *, config: Mapping[str, Any]
) -> None:
    (name,) = config["analyses"]
    made = fit_analysis(
        config,
        name,
        io.read_table(adsl, rows.ADSL_CORE),
        io.read_table(bds, rows.BDS),
        io.read_table(adae, rows.ADAE),
    )
    io.write_table(made, estimates, rows.ESTIMATES)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
