"""Tabulate all effects, what they mean for people, and how two engines agree."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run, stacked

from trialstats import evidence_rows, io, rows, tables


def main(
    estimates: list[str],
    agreement: list[str],
    certainty: str,
    summary: str,
    summary_csv: str,
    findings: str,
    findings_csv: str,
    pages: Sequence[str],
    pages_csv: Sequence[str],
    agreement_html: str,
    agreement_csv: str,
    *,
    configs: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
) -> None:
    read = (io.read_table(path, rows.ESTIMATES) for path in estimates)
    pooled = stacked(read, rows.ESTIMATES)
    effects = tables.summary_of_effects(pooled, syntheses=configs)
    judged = io.read_table(certainty, evidence_rows.CERTAINTY)
    found = tables.findings_tables(pooled, syntheses=configs, judged=judged)
    for config, page, csv in zip(configs, pages, pages_csv, strict=True):
        own = pooled[pooled["synthesis"] == config["synthesis"]]
        made = tables.synthesis_tables(own, synthesis=config, labels=labels).values()
        io.write_text(tables.to_page(list(made), config["title"]), page)
        io.write_csv(tables.to_csv_frame(*made), csv)
    compared = (io.read_table(path, rows.AGREEMENT) for path in agreement)
    agreed = tables.agreement_table(stacked(compared, rows.AGREEMENT))
    io.write_text(tables.to_page([effects], effects.title), summary)
    io.write_csv(tables.to_csv_frame(effects), summary_csv)
    io.write_text(tables.to_page(found, "Summary of findings"), findings)
    io.write_csv(tables.to_csv_frame(*found), findings_csv)
    io.write_text(tables.to_page([agreed], agreed.title), agreement_html)
    io.write_csv(tables.to_csv_frame(agreed), agreement_csv)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
