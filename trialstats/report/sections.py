"""Make the sections of the report from rows, configuration and figures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats import tables
from trialstats.records import distinct, find, records
from trialstats.report.content import (
    Block,
    Figure,
    MethodsAsRun,
    ReportContent,
    SynthesisMaterial,
    TrialMaterial,
    TrialSection,
)
from trialstats.report.sentences import agreement_sentence, trial_sentences
from trialstats.report.synthesis_section import SYNTHETIC_BANNER, synthesis_section
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
    return ReportContent(
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
        syntheses=tuple(synthesis_section(m, labels) for m in materials),
        characteristics=(
            None
            if published_trials.empty
            else tables.trial_characteristics(published_trials, published_effects)
        ),
        plausibility=(
            None if published_trials.empty else _plausibility(published_warnings)
        ),
        trials=tuple(trial_section(m) for m in trials),
        agreement=_agreement(agreement),
        methods=_methods(trials, materials),
        versions=tuple(sorted(versions.items())),
        digests=tuple(sorted(digests.items())),
        licence=licence,
    )


def labels_of_trials(published_trials: pd.DataFrame) -> dict[str, str]:
    """Return author and year of each published trial."""
    return {str(r["trial"]): str(r["label"]) for r in records(published_trials)}


def trial_section(material: TrialMaterial) -> TrialSection:
    """Make the section of one trial, from its design to the cleaning of its data."""
    trial, rows = material.config, material.rows
    made = tables.trial_tables(
        rows,
        trial=trial,
        account=material.account,
        changes=material.changes,
        queries=material.queries,
        set_aside=material.set_aside,
        dictionary=material.dictionary,
    )
    events = [
        name
        for name, settings in trial["analyses"].items()
        if settings["model"]["type"] == "adverse_events"
    ]
    efficacy = [name for name in trial["analyses"] if name not in events]
    figures = _figures_by_place(material.figures)
    blocks = (
        Block("Participants", (), (), (made["disposition"], made["baseline"])),
        Block("Efficacy", (), figures[""], tuple(made[n] for n in efficacy)),
        Block("Residuals of the mixed models", (), figures[_RESIDUALS], ()),
        Block(
            "Adverse events",
            (),
            figures["_adverse_events"],
            tuple(made[n] for n in events),
        ),
        Block(
            "From raw files to datasets",
            (_CLEANING_WORDS,),
            figures["_account"],
            tuple(made[n] for n in _CLEANING if made[n].rows or n == "account"),
        ),
        *_folded(made),
    )
    synthetic = trial.get("data_status") == "synthetic"
    return TrialSection(
        id=str(trial["id"]),
        title=str(trial["title"]),
        banner=SYNTHETIC_BANNER if synthetic else "",
        facts=_facts(trial),
        sentences=trial_sentences(rows, trial=trial),
        blocks=tuple(b for b in blocks if b.figures or b.tables),
    )


_CLEANING = ("account", "quality")

#: Long tables, each in a part that a reader opens.
_FOLDED = ("changes", "queries", "set_aside", "dictionary")


def _folded(made: Mapping[str, Table]) -> Iterator[Block]:
    """Yield the long tables of the cleaning, each in a part that a reader opens."""
    for name in _FOLDED:
        if made[name].rows:
            yield Block(made[name].title, tables=(made[name],), folded=True)


_CLEANING_WORDS = (
    "Every raw row is kept as received, changed by a named rule, or set aside with a "
    "reason. Findings name file row, subject and value, and what was done."
)


def _figures_by_place(figures: Sequence[Figure]) -> dict[str, tuple[Figure, ...]]:
    """Sort the figures of a trial by their names: what they hold, or their end."""
    places: dict[str, tuple[Figure, ...]] = dict.fromkeys(
        ("_adverse_events", "_account", _RESIDUALS, ""), ()
    )
    for figure in figures:
        ends = (p for p in ("_adverse_events", "_account") if figure.id.endswith(p))
        place = _RESIDUALS if _RESIDUALS in figure.id else next(ends, "")
        places[place] += (figure,)
    return places


#: Stands in the name of a figure of residuals, before the name of the analysis.
_RESIDUALS = "_residuals_"


def _facts(trial: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    arms = trial.get("arms", {})
    treatments = sentence_list(arms.get("treatments", []))
    facts = [
        ("Trial", str(trial["trial"])),
        ("Condition", str(trial.get("condition") or "")),
        ("Design", str(trial.get("design") or "")),
        ("Comparison", f"{treatments} versus {arms.get('control', '')}"),
    ]
    sequences = trial.get("sequences") or {}
    if sequences:
        order = "; ".join(f"{n}: {', then '.join(ts)}" for n, ts in sequences.items())
        facts.append(("Sequences", order))
    sets = trial.get("analysis_sets") or {}
    facts.append(("Analysis sets", "; ".join(f"{n}: {w}" for n, w in sets.items())))
    return tuple((name, text) for name, text in facts if text)


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
            f"The {len(published_trials)} published trials and every synthesis of "
            "them. Their numbers were read in abstracts and registry entries, unless "
            "a mark says otherwise.",
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
    said = agreement_sentence(agreement).text
    table = tables.agreement_table(agreement)
    return Block("Agreement of two engines", (text, said), tables=(table,))


def _methods(
    trials: Sequence[TrialMaterial], syntheses: Sequence[SynthesisMaterial]
) -> tuple[MethodsAsRun, ...]:
    """List the distinct methods of every analysis, as the rows state them."""
    made = []
    for material in trials:
        listed = records(material.rows)
        for analysis in distinct(listed, "analysis"):
            methods = distinct(find(listed, analysis=analysis), "method")
            title = material.config["analyses"].get(analysis, {}).get("title", analysis)
            name = f"{material.config['trial']}: {title}"
            made.append(MethodsAsRun(name, tuple(methods)))
    for synthesis in syntheses:
        methods = distinct(records(synthesis.rows), "method")
        made.append(MethodsAsRun(short_title(synthesis.config), tuple(methods)))
    return tuple(made)
