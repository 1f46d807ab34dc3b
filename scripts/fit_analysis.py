"""Fit one configured analysis of one trial; a mixed model has residuals too."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.analyses.trial import analysis_residuals, fit_analysis
from trialstats.config.checking import said_at


def main(
    adsl: str,
    bds: str,
    adae: str,
    adtte: str,
    estimates: str,
    residuals: str,
    *,
    config: Mapping[str, Any],
) -> None:
    (name,) = config["analyses"]
    datasets = (
        io.read_table(adsl, rows.ADSL_CORE),
        io.read_table(bds, rows.BDS),
        io.read_table(adae, rows.ADAE),
    )
    times = io.read_table(adtte, rows.ADTTE)
    with said_at(f"config/trials/{config['id']}.yaml", f"analyses.{name}"):
        fitted = fit_analysis(config, name, *datasets, times)
        left = analysis_residuals(config, name, *datasets)
    io.write_table(fitted, estimates, rows.ESTIMATES)
    io.write_table(left, residuals, rows.RESIDUALS)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
