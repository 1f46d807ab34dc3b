"""Compute the effects of one trial by a second engine; stop when they differ."""

from collections.abc import Mapping
from typing import Any

from _step import run, stacked

from trialstats import io, rows
from trialstats.analyses.agreement import require_agreement
from trialstats.analyses.trial_agreement import check_trial


def main(
    adsl: str,
    bds: str,
    adtte: str,
    estimates: list[str],
    agreement: str,
    *,
    config: Mapping[str, Any],
) -> None:
    fitted = [io.read_table(path, rows.ESTIMATES) for path in estimates]
    compared = check_trial(
        config,
        io.read_table(adsl, rows.ADSL_CORE),
        io.read_table(bds, rows.BDS),
        stacked(fitted, rows.ESTIMATES),
        io.read_table(adtte, rows.ADTTE),
    )
    require_agreement(compared)
    io.write_table(compared, agreement, rows.AGREEMENT)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
