"""Make the sections of the report from rows, configuration and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats import tables
from trialstats.records import distinct, find, finding_counts, records
from trialstats.report.content import (
    Block,
    Figure,
    ReportContent,
    SynthesisMaterial,
    TrialMaterial,
)
from trialstats.report.given import Given, texts_of
from trialstats.report.methods import methods_as_run, references_of
from trialstats.report.origins import Origins
from trialstats.report.other_rows import other_rows
from trialstats.report.section_ends import agreement_sentence
from trialstats.report.synthesis_section import synthesis_section
from trialstats.report.trial_section import trial_section
from trialstats.tables.synthesis import short_title
from trialstats.tables.table import Table
from trialstats.vocabulary import sentence_list

LICENCE = (
    "The code is licensed under the Apache License 2.0, copyright The trialstats "
    "developers. The double programming calls pingouin, which is licensed under the "
    "GPL 3; no other part uses it. Published numbers are facts from the sources named "
    "beside them."
)


def build_content(
    config: Mapping[str, Any],
    trials: Sequence[TrialMaterial],
    syntheses: Sequence[SynthesisMaterial],
    *,
    published_trials: pd.DataFrame,
    published_effects: pd.DataFrame,
    published_warnings: pd.DataFrame,
    evidence: pd.DataFrame,
    evidence_figure: Figure | None,
    agreement: pd.DataFrame,
    certainty: pd.DataFrame,
    versions: Mapping[str, str],
    digests: Mapping[str, str],
    licence: str = LICENCE,
) -> ReportContent:
    """Make the content of the report.

    Parameters
    ----------
    config : mapping
        ``config/config.yaml``: gives title and subtitle.
    trials : sequence of TrialMaterial
        Trials analysed from individual data, in order.
    syntheses : sequence of SynthesisMaterial
        Syntheses, in order.
    published_trials, published_effects : DataFrame
        Schemas `PUBLISHED_TRIALS` and `EFFECTS`.
    published_warnings : DataFrame
        Schema `cleaning_rows.PUBLISHED_WARNINGS`.
    evidence : DataFrame
        The evidence map, see `trialstats.tables.evidence_table`.
    evidence_figure : Figure, optional
        Its figure.
    agreement : DataFrame
        Schema `AGREEMENT`, all trials and syntheses together.
    certainty : DataFrame
        Schema `evidence_rows.CERTAINTY`: what people judged.
    versions, digests : mapping of str to str
        Software to version; file to SHA-256.
    licence : str
        Licence note.

    Returns
    -------
    ReportContent
    """
    labels = labels_of_trials(published_trials)
    labels |= {str(m.config["id"]): str(m.config["trial"]) for m in trials}
    materials = [m for m in syntheses if not m.rows.empty]
    methods = methods_as_run(
        _ran(trials, materials), _guidance(trials, materials, certainty)
    )
    content = ReportContent(
        title=str(config["title"]),
        subtitle=str(config.get("subtitle") or ""),
        about=_about(published_trials, trials, syntheses),
        data_kinds=_data_kinds(published_trials, materials, trials, labels),
        evidence=(
            None
            if published_trials.empty
            else _evidence(evidence, evidence_figure, syntheses)
        ),
        summary=_summary(materials),
        findings=_findings(materials, certainty),
        syntheses=tuple(
            synthesis_section(
                m, labels, agreement=agreement, warnings=published_warnings
            )
            for m in materials
        ),
        characteristics=(
            None
            if published_trials.empty
            else tables.trial_characteristics(published_trials, published_effects)
        ),
        plausibility=(
            None if published_trials.empty else _plausibility(published_warnings)
        ),
        trials=tuple(trial_section(m, agreement) for m in trials),
        agreement=_agreement(agreement),
        methods=methods,
        references=references_of(methods),
        estimates=tuple(
            row
            for frame in (*(m.rows for m in trials), *(m.rows for m in materials))
            for row in records(frame)
        ),
        origins=Origins(
            [m.config for m in trials],
            [m.config for m in materials],
            list((config.get("published") or {}).values()),
        ),
        given=_given(config, published_trials, labels, versions),
        versions=tuple(sorted(versions.items())),
        digests=tuple(sorted(digests.items())),
        licence=licence,
    )
    frames: dict[tuple[str, str], pd.DataFrame] = {
        ("published_trials", ""): published_trials,
        ("warnings", ""): published_warnings,
        ("evidence_map", ""): evidence,
        ("agreement", ""): agreement,
    }
    for material in trials:
        frames |= _frames_of(material)
    return replace(content, records=other_rows(content.tables, content.figures, frames))


def _frames_of(material: TrialMaterial) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the files of a trial whose rows a page may print."""
    named = {
        "steps": material.account,
        "changes": material.changes,
        "queries": material.queries,
        "findings": finding_counts(material.queries),
        "set_aside": material.set_aside,
        "dictionary": material.dictionary,
        **material.datasets,
    }
    return {(kind, str(material.config["id"])): frame for kind, frame in named.items()}


def labels_of_trials(published_trials: pd.DataFrame) -> dict[str, str]:
    """Return author and year of each published trial."""
    return {str(r["trial"]): str(r["label"]) for r in records(published_trials)}


def _about(
    published_trials: pd.DataFrame,
    trials: Sequence[TrialMaterial],
    syntheses: Sequence[SynthesisMaterial],
) -> tuple[str, ...]:
    pipeline = (
        "This report goes from raw files to results in one command. Every number "
        "stands in a row of the estimates; figures, tables and sentences print those "
        "rows and compute nothing."
    )
    published = [m for m in syntheses if "synthetic" not in set(m.rows["data_status"])]
    covered = [
        f"{number} {one if number == 1 else several}"
        for number, one, several in (
            (len(published_trials), "published trial", "published trials"),
            (len(published), "synthesis of results", "syntheses of their results"),
            (len(trials), "trial", "trials"),
        )
        if number
    ]
    if trials:
        covered[-1] += " analysed from individual data"
    return pipeline, f"It covers {sentence_list(covered)}."


def _data_kinds(
    published_trials: pd.DataFrame,
    syntheses: Sequence[SynthesisMaterial],
    trials: Sequence[TrialMaterial],
    labels: Mapping[str, str],
) -> tuple[tuple[str, str], ...]:
    """Say plainly what is real, recalled, derived and synthetic."""
    effects = [r for m in syntheses for r in find(records(m.rows), statistic="effect")]
    kinds = [
        (
            "Real",
            "The published trials and every synthesis of them. Their numbers were "
            "read in abstracts and registry entries, unless a mark says otherwise.",
        )
    ]
    for status, kind, words in _MARKED_KINDS:
        names = distinct(find(effects, data_status=status), "trial")
        if names:
            listed = sentence_list(labels.get(n, str(n)) for n in names)
            kinds.append((kind, words.format(names=listed)))
    synthetic = [
        str(m.config["title"]) for m in trials if m.config["data_status"] == "synthetic"
    ]
    individual = [
        str(m.config["title"])
        for m in trials
        if m.config["data_status"] == "individual"
    ]
    if individual:
        if published_trials.empty:
            kinds = kinds[1:]
        said = "Analysed from the data of each participant."
        kinds.insert(0, ("Individual data", f"{'; '.join(individual)}. {said}"))
    if synthetic:
        kinds.append(
            (
                "Synthetic",
                f"{'; '.join(synthetic)}. Generated to show the way from raw files "
                "to tables. No participant exists, and no synthetic "
                "result enters an estimate together with a published one.",
            )
        )
    return tuple(kinds)


_MARKED_KINDS = (
    (
        "recalled",
        "Recalled (†)",
        "Effects of {names} come from memory of the published review. They were "
        "checked by arithmetic; the page itself was not sighted.",
    ),
    (
        "derived",
        "Derived (‡)",
        "Effects of {names} rest in part on numbers that follow from published ones "
        "by arithmetic; the table of each synthesis says how.",
    ),
)


def _evidence(
    evidence: pd.DataFrame,
    figure: Figure | None,
    syntheses: Sequence[SynthesisMaterial],
) -> Block:
    titles = {str(m.config["synthesis"]): short_title(m.config) for m in syntheses}
    listed = records(evidence)
    counted = "; ".join(
        f"{len(find(listed, offers=offer))} {offer}"
        for offer in distinct(listed, "offers")
    )
    text = (
        f"{len(listed)} entries, a trial once for its condition and once more where "
        f"it counts adverse events: {counted}. Pooled means that a synthesis of "
        "several trials lists it."
    )
    figures = (figure,) if figure else ()
    table = tables.evidence_table(evidence, titles=titles)
    return Block("Evidence map", (text,), figures, (table,))


def _plausibility(warnings: pd.DataFrame) -> Block:
    """Say which published numbers can hardly be meant, also when none is so."""
    text = (
        "Every published number is held against its scale, against the interval beside "
        "it and against other trials of the same outcome: a standard error in the "
        "place of a standard deviation, a standardised difference above 3, a ratio "
        "above 20, a mean or a standard deviation that the scale does not allow."
    )
    count = f"{len(warnings)} look wrong" if len(warnings) else "None looks wrong"
    said = f"{count}; the numbers stand as they are transcribed."
    table = (tables.warnings_table(warnings),) if len(warnings) else ()
    return Block("Plausibility of the published numbers", (text, said), tables=table)


def _summary(materials: Sequence[SynthesisMaterial]) -> Table | None:
    if not materials:
        return None
    rows = pd.concat([m.rows for m in materials], ignore_index=True)
    return tables.summary_of_effects(rows, syntheses=[m.config for m in materials])


def _findings(
    materials: Sequence[SynthesisMaterial], certainty: pd.DataFrame
) -> tuple[Table, ...]:
    if not materials:
        return ()
    rows = pd.concat([m.rows for m in materials], ignore_index=True)
    return tables.findings_tables(
        rows, syntheses=[m.config for m in materials], judged=certainty
    )


def _agreement(agreement: pd.DataFrame) -> Block:
    text = (
        "Each primary estimate is computed once more by another engine, in a step of "
        "its own; a difference beyond the tolerance stops the run."
    )
    if agreement.empty:
        return Block("Agreement of two engines", (text,))
    said = (agreement_sentence(agreement),)
    table = tables.agreement_table(agreement)
    return Block("Agreement of two engines", (text,), tables=(table,), sentences=said)


def _ran(
    trials: Sequence[TrialMaterial], syntheses: Sequence[SynthesisMaterial]
) -> dict[str, list[str]]:
    """Return the words of each analysis and synthesis about its methods."""
    ran: dict[str, list[str]] = {}
    for material in trials:
        listed = records(material.rows)
        for analysis in distinct(listed, "analysis"):
            methods = distinct(find(listed, analysis=analysis), "method")
            title = material.config["analyses"].get(analysis, {}).get("title", analysis)
            ran[f"{material.config['trial']}: {title}"] = methods
    for synthesis in syntheses:
        name = short_title(synthesis.config)
        ran.setdefault(name, []).extend(distinct(records(synthesis.rows), "method"))
    return ran


def _guidance(
    trials: Sequence[TrialMaterial],
    syntheses: Sequence[SynthesisMaterial],
    certainty: pd.DataFrame,
) -> list[str]:
    """Name the guidance that applies to what is in the dossier."""
    kinds = {f.id.split(".")[-1] for m in syntheses for f in m.figures if "." in f.id}
    found = {
        "estimands": bool(trials),
        "trials": bool(trials),
        "syntheses": bool(syntheses),
        "findings": bool(syntheses) and not certainty.empty,
        **{kind: kind in kinds for kind in ("risk_of_bias", "labbe", "gosh")},
    }
    return [name for name, applies in found.items() if applies]


def _given(
    config: Mapping[str, Any],
    published_trials: pd.DataFrame,
    labels: Mapping[str, str],
    versions: Mapping[str, str],
) -> tuple[Given, ...]:
    """Return texts that stand in every section: names of trials, and versions."""
    published = f"{config.get('published', {}).get('trials', 'published trials')}"
    of_trials = {str(row["trial"]) for row in records(published_trials)}
    names = [
        Given(text, f"{published}: label" if name in of_trials else f"{name}: trial")
        for name, text in labels.items()
    ]
    names += [Given(name, f"{published}: trial") for name in sorted(of_trials)]
    installed = [Given(v, f"Installed version of {n}") for n, v in versions.items()]
    return (*texts_of(config, "config/config.yaml"), *names, *installed)
