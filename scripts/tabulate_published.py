"""Tabulate the published trials and the evidence map."""

from _step import run

from trialstats import evidence_rows, io, tables
from trialstats.analyses.evidence import EVIDENCE
from trialstats.tables.formats.files import write_tables


def main(
    effects: str,
    published_trials: str,
    evidence: str,
    characteristics: list[str],
    evidence_map: list[str],
    *,
    paper: str,
) -> None:
    trials = tables.trial_characteristics(
        io.read_table(published_trials, evidence_rows.PUBLISHED_TRIALS),
        io.read_table(effects, evidence_rows.EFFECTS),
    )
    mapped = tables.evidence_table(io.read_table(evidence, EVIDENCE))
    write_tables([trials], trials.title, characteristics, paper=paper)
    write_tables([mapped], mapped.title, evidence_map, paper=paper)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
