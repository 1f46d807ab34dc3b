"""The section of one trial, from its question to the warnings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from trialstats import tables
from trialstats.estimands import estimand_block
from trialstats.records import Record, records
from trialstats.report import places
from trialstats.report.content import Block, Section, TrialMaterial
from trialstats.report.given import texts_of
from trialstats.report.phrases import Sentence
from trialstats.report.section_ends import (
    agreement_block,
    methods_block,
    warnings_block,
)
from trialstats.report.sentences import trial_sentences
from trialstats.tables.table import Table
from trialstats.vocabulary import SYNTHETIC, lower_first, sentence_list

#: Printed on every section of a synthetic trial.
SYNTHETIC_BANNER = (
    f"{SYNTHETIC}. These participants do not exist: the raw files were generated to "
    "show the pipeline at work. Nothing here is evidence about a treatment, "
    "and none of it enters a synthesis with published results."
)

_CLEANING_WORDS = (
    "Every raw row is kept as received, changed by a named rule, or set aside with a "
    "reason. Findings name file row, subject and value, and what was done."
)

#: Tables that say who took part and what became of the raw rows.
_DATA = ("disposition", "baseline", "account", "quality")

#: Long tables, each in a part that a reader opens.
_FOLDED = ("changes", "queries", "set_aside", "dictionary")


def trial_section(material: TrialMaterial, agreement: pd.DataFrame) -> Section:
    """Make the section of one trial.

    Parameters
    ----------
    material : TrialMaterial
        Its configuration, rows, account and figures.
    agreement : DataFrame
        Schema `AGREEMENT`, of all trials and syntheses.
    """
    trial, rows = material.config, material.rows
    made = tables.trial_tables(
        rows,
        trial=trial,
        account=material.account,
        changes=material.changes,
        queries=material.queries,
        set_aside=material.set_aside,
        dictionary=material.dictionary,
        datasets=material.datasets,
    )
    synthetic = trial.get("data_status") == "synthetic"
    said = trial_sentences(rows, trial=trial)
    file = f"config/trials/{trial['id']}.yaml"
    blocks = [
        Block("Question", (_question(trial),), given=file),
        _estimand(trial, file),
        _data(material, made),
        *_results(material, made, said),
        methods_block(records(rows)),
        agreement_block(rows, agreement, str(trial["id"])),
        warnings_block(records(rows), agreement, _about_data(material)),
    ]
    return Section(
        id=str(trial["id"]),
        title=str(trial["title"]),
        condition=str(trial.get("condition") or ""),
        banner=SYNTHETIC_BANNER if synthetic else "",
        blocks=tuple(block for block in blocks if not block.empty),
        sentences=said,
        given=texts_of(trial, file),
    )


def _analyses(trial: Mapping[str, Any], *roles: str) -> list[str]:
    return [n for n, a in trial["analyses"].items() if a.get("role") in roles]


def _question(trial: Mapping[str, Any]) -> str:
    """Ask what the primary analyses answer."""
    arms = trial.get("arms", {})
    primary = [
        lower_first(str(trial["analyses"][name].get("title", name)))
        for name in _analyses(trial, "primary")
    ]
    condition = f" in {trial['condition']}" if trial.get("condition") else ""
    about = f": {sentence_list(primary)}" if primary else ""
    treatments = sentence_list(arms.get("treatments", []))
    if not treatments:
        return f"What do these data show{condition}{about}?"
    control = arms.get("control", "")
    return f"How does {treatments} compare with {control}{condition}{about}?"


def _estimand(trial: Mapping[str, Any], file: str) -> Block:
    """State the estimand of each primary analysis."""
    facts: list[tuple[str, str]] = []
    primary = _analyses(trial, "primary")
    for name in primary:
        if len(primary) > 1:
            facts.append(("Analysis", str(trial["analyses"][name].get("title", name))))
        facts += estimand_block(trial, name)
    if not facts:
        return Block("Estimand", ("No analysis states a primary estimand.",))
    return Block("Estimand", facts=tuple(facts), given=file)


def _data(material: TrialMaterial, made: Mapping[str, Table]) -> Block:
    """Say who took part, and what became of every raw row."""
    placed = places.of_trial(material.figures, material.config)
    shown = [made[n] for n in _DATA if n in made and (made[n].rows or n != "quality")]
    return Block(
        "Data and their account",
        (_CLEANING_WORDS,),
        figures=placed.get(places.DATA, ()),
        tables=tuple(shown),
        facts=_facts(material.config),
        parts=tuple(
            Block(made[n].title, tables=(made[n],), folded=True)
            for n in _FOLDED
            if n in made and made[n].rows
        ),
        given=f"config/trials/{material.config['id']}.yaml",
    )


def _results(
    material: TrialMaterial, made: Mapping[str, Table], said: tuple[Sentence, ...]
) -> Iterator[Block]:
    """Yield results, tables, subgroups, safety, sensitivity and what is left."""
    trial = material.config
    placed = places.of_trial(material.figures, trial)
    names = _tables_by_block(trial, made)

    def block(title: str, place: str, names: Sequence[str] = ()) -> Block:
        listed = tuple(made[n] for n in names if n in made)
        return Block(title, figures=placed.get(place, ()), tables=listed)

    yield Block("Result", figures=placed.get(places.RESULT, ()), sentences=said)
    yield block("Tables", "", names["Tables"])
    yield block("Subgroups", places.SUBGROUPS)
    yield block("Adverse events", places.SAFETY, names["Adverse events"])
    yield block("Sensitivity", places.SENSITIVITY, names["Sensitivity"])
    yield block("Residuals of the mixed models", places.DIAGNOSTICS)
    yield block("Further tables", "", names["Further tables"])
    yield block("Further figures", places.FURTHER)


def _tables_by_block(
    trial: Mapping[str, Any], made: Mapping[str, Table]
) -> dict[str, list[str]]:
    """Sort tables by the analyses that they print; none is lost."""
    sorted_: dict[str, list[str]] = {
        name: [] for name in ("Tables", "Adverse events", "Sensitivity")
    }
    sorted_["Further tables"] = []
    for name in made:
        if name in (*_DATA, *_FOLDED):
            continue
        said = trial.get("tables", {}).get(name, {}).get("analysis", name)
        printed = [said] if isinstance(said, str) else list(said)
        analyses = [trial["analyses"][n] for n in printed if n in trial["analyses"]]
        sorted_[_block_of(analyses)].append(name)
    return sorted_


def _block_of(analyses: Sequence[Mapping[str, Any]]) -> str:
    if not analyses:
        return "Further tables"
    if any(a["model"]["type"] == "adverse_events" for a in analyses):
        return "Adverse events"
    if all(a.get("role") == "sensitivity" for a in analyses):
        return "Sensitivity"
    return "Tables"


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


def _about_data(material: TrialMaterial) -> list[Sentence]:
    """Warn of findings in the raw data, by kind, and of rows that no dataset uses."""
    place = f"results/datasets/{material.config['id']}"
    said = []
    found: list[Record] = records(material.queries)
    if found:
        noun = "finding" if len(found) == 1 else "findings"
        text = f"{len(found)} {noun} in the raw data; each is listed with the data."
        given = f"A count of the rows of {place}/queries.parquet"
        said.append(Sentence(text, given=given))
    if len(material.set_aside):
        number = len(material.set_aside)
        noun = "raw row is" if number == 1 else "raw rows are"
        text = f"{number} {noun} in no dataset; each is listed with its reason."
        given = f"A count of the rows of {place}/set_aside.parquet"
        said.append(Sentence(text, given=given))
    return said
