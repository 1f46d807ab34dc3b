"""Tabulate one synthesis: trials, models, subgroups, influence, small studies."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io, rows, tables


def main(
    estimates: str,
    html: str,
    csv: str,
    *,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    made = tables.synthesis_tables(
        io.read_table(estimates, rows.ESTIMATES), synthesis=config, labels=labels
    ).values()
    io.write_text(tables.to_page(list(made), config["title"]), html)
    io.write_csv(tables.to_csv_frame(*made), csv)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
