"""Check the table of studies of one synthesis and write it as Parquet."""

from collections.abc import Mapping
from typing import Any

from _step import run

from trialstats import io
from trialstats.clean.studies import build_studies


def main(table: str, studies: str, *, settings: Mapping[str, Any]) -> None:
    frame, schema = build_studies(io.read_cells(table), settings)
    io.write_table(frame, studies, schema)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
