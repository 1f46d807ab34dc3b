"""Write the report, one page that holds everything, and the works that it cites."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from _step import run, stacked

from trialstats import cleaning_rows, evidence_rows, io, rows
from trialstats.analyses.evidence import EVIDENCE
from trialstats.exports import DATA_DICTIONARY
from trialstats.report.content import (
    Figure,
    SynthesisMaterial,
    TrialMaterial,
    figure_of,
)
from trialstats.report.manifest import CODE, file_digests, installed_versions
from trialstats.report.page import write_report
from trialstats.report.references import bibtex
from trialstats.report.sections import build_content


def main(
    estimates: list[str],
    steps: list[str],
    changes: list[str],
    dictionaries: list[str],
    queries: list[str],
    set_aside: list[str],
    adsl: list[str],
    bds: list[str],
    adae: list[str],
    adtte: list[str],
    trial_figures: list[str],
    syntheses: list[str],
    forests: list[str],
    further_figures: list[str],
    certainty: str,
    published_trials: str,
    published_effects: str,
    published_warnings: str,
    evidence: str,
    evidence_figure: str | list[str],
    agreement: list[str],
    data: list[str],
    page: str,
    bibliography: str,
    *,
    config: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    configs: Sequence[Mapping[str, Any]],
    figures: Sequence[int],
    further: Mapping[str, int],
) -> None:
    fitted = stacked(
        (io.read_table(path, rows.ESTIMATES) for path in estimates), rows.ESTIMATES
    )
    # The rule lists the figures trial by trial and synthesis by synthesis, and how many
    # each has.
    drawn = map(read_figure, trial_figures)
    materials = [
        TrialMaterial(
            config=trial,
            rows=fitted[fitted["trial"] == trial["id"]],
            account=io.read_table(steps[i], cleaning_rows.STEPS),
            changes=io.read_table(changes[i], cleaning_rows.CHANGES),
            queries=io.read_table(queries[i], rows.QUERIES),
            set_aside=io.read_table(set_aside[i], rows.SET_ASIDE),
            dictionary=io.read_table(dictionaries[i], DATA_DICTIONARY),
            figures=tuple(islice(drawn, figures[i])),
            datasets={
                "adsl": io.read_table(adsl[i], rows.ADSL_CORE),
                "bds": io.read_table(bds[i], rows.BDS),
                "adae": io.read_table(adae[i], rows.ADAE),
                "adtte": io.read_table(adtte[i], rows.ADTTE),
            },
        )
        for i, trial in enumerate(trials)
    ]
    beside = map(read_figure, further_figures)
    pooled = [
        SynthesisMaterial(
            config=synthesis,
            rows=io.read_table(path, rows.ESTIMATES),
            figures=(read_figure(forest), *islice(beside, further[synthesis["id"]])),
        )
        for synthesis, path, forest in zip(configs, syntheses, forests, strict=True)
    ]
    compared = (io.read_table(path, rows.AGREEMENT) for path in agreement)
    content = build_content(
        config,
        materials,
        pooled,
        published_trials=io.read_table(
            published_trials, evidence_rows.PUBLISHED_TRIALS
        ),
        published_effects=io.read_table(published_effects, evidence_rows.EFFECTS),
        published_warnings=io.read_table(
            published_warnings, cleaning_rows.PUBLISHED_WARNINGS
        ),
        evidence=io.read_table(evidence, EVIDENCE),
        evidence_figure=(
            read_figure(evidence_figure) if isinstance(evidence_figure, str) else None
        ),
        agreement=stacked(compared, rows.AGREEMENT),
        certainty=io.read_table(certainty, evidence_rows.CERTAINTY),
        versions=installed_versions(CODE),
        digests=file_digests(data),
    )
    io.write_text(write_report(content), page)
    io.write_text(bibtex(content.references), bibliography)


def read_figure(path: str) -> Figure:
    return figure_of(Path(path).stem, io.read_text(path))


if __name__ == "__main__":
    run(main, snakemake)  # noqa: F821
