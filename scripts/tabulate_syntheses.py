"""Tabulate all effects, and the agreement of the two engines."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run, stacked

from trialstats import io, rows, tables


def main(
    estimates: list[str],
    agreement: list[str],
    summary: str,
    summary_csv: str,
    agreement_html: str,
    agreement_csv: str,
    *,
    configs: Sequence[Mapping[str, Any]],
) -> None:
    pooled = (io.read_table(path, rows.ESTIMATES) for path in estimates)
    effects = tables.summary_of_effects(
        stacked(pooled, rows.ESTIMATES), syntheses=configs
    )
    compared = (io.read_table(path, rows.AGREEMENT) for path in agreement)
    agreed = tables.agreement_table(stacked(compared, rows.AGREEMENT))
    io.write_text(tables.to_page([effects], effects.title), summary)
    io.write_csv(tables.to_csv_frame(effects), summary_csv)
    io.write_text(tables.to_page([agreed], agreed.title), agreement_html)
    io.write_csv(tables.to_csv_frame(agreed), agreement_csv)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
