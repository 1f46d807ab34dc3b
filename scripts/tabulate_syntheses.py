"""Tabulate all effects, what they mean for people, and how two engines agree."""

from collections.abc import Mapping, Sequence
from typing import Any

from _step import run, stacked

from trialstats import evidence_rows, io, rows, tables
from trialstats.tables.formats.files import write_tables


def main(
    estimates: list[str],
    agreement: list[str],
    certainty: str,
    summary: list[str],
    findings: list[str],
    pages: Sequence[str],
    agreed: list[str],
    *,
    configs: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    paper: str,
) -> None:
    read = (io.read_table(path, rows.ESTIMATES) for path in estimates)
    pooled = stacked(read, rows.ESTIMATES)
    effects = tables.summary_of_effects(pooled, syntheses=configs)
    judged = io.read_table(certainty, evidence_rows.CERTAINTY)
    found = tables.findings_tables(pooled, syntheses=configs, judged=judged)
    formats = len(summary)
    for position, config in enumerate(configs):
        own = pooled[pooled["synthesis"] == config["synthesis"]]
        made = tables.synthesis_tables(own, synthesis=config, labels=labels).values()
        files = pages[position * formats : (position + 1) * formats]
        write_tables(list(made), config["title"], files, paper=paper)
    compared = (io.read_table(path, rows.AGREEMENT) for path in agreement)
    table = tables.agreement_table(stacked(compared, rows.AGREEMENT))
    write_tables([effects], effects.title, summary, paper=paper)
    write_tables(found, "Summary of findings", findings, paper=paper)
    write_tables([table], table.title, agreed, paper=paper)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
