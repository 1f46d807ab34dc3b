"""Clean the raw files of one trial into ADaM-like datasets and their account."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows
from trialstats.clean.adsl import adsl_schema
from trialstats.clean.bds import bds_schema
from trialstats.clean.trial import clean_trial


def main(
    files: list[str],
    adsl: str,
    bds: str,
    adae: str,
    account: str,
    set_aside: str,
    queries: str,
    *,
    config: Mapping[str, Any],
) -> None:
    sources = config["sources"]
    cells = {
        name: io.read_cells(file, sheet=spec.get("sheet"))
        for file, (name, spec) in zip(files, sources.items(), strict=True)
    }
    clean = clean_trial(config, cells)
    io.write_table(clean.adsl, adsl, adsl_schema(config))
    io.write_table(clean.bds, bds, bds_schema(config))
    io.write_table(clean.adae, adae, rows.ADAE)
    io.write_table(clean.account, account, rows.ACCOUNT)
    io.write_table(clean.set_aside, set_aside, rows.SET_ASIDE)
    io.write_table(clean.queries, queries, rows.QUERIES)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
