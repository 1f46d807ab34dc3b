"""Tabulate the published trials and the evidence map."""

from _step import run

from trialstats import evidence_rows, io, tables
from trialstats.analyses.evidence import EVIDENCE


def main(
    effects: str,
    published_trials: str,
    evidence: str,
    characteristics: str,
    characteristics_csv: str,
    evidence_html: str,
    evidence_csv: str,
) -> None:
    trials = tables.trial_characteristics(
        io.read_table(published_trials, evidence_rows.PUBLISHED_TRIALS),
        io.read_table(effects, evidence_rows.EFFECTS),
    )
    mapped = tables.evidence_table(io.read_table(evidence, EVIDENCE))
    io.write_text(tables.to_page([trials], trials.title), characteristics)
    io.write_csv(tables.to_csv_frame(trials), characteristics_csv)
    io.write_text(tables.to_page([mapped], mapped.title), evidence_html)
    io.write_csv(tables.to_csv_frame(mapped), evidence_csv)


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
