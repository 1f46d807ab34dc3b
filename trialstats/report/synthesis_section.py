"""The section of one synthesis, from its question to the warnings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats import tables
from trialstats.records import Record, find, records
from trialstats.report import places
from trialstats.report.content import Block, Figure, Section, SynthesisMaterial
from trialstats.report.given import texts_of
from trialstats.report.paragraph import synthesis_paragraph
from trialstats.report.phrases import Sentence, label_of
from trialstats.report.section_ends import (
    agreement_block,
    methods_block,
    warnings_block,
)
from trialstats.report.sentences import synthesis_sentences
from trialstats.report.trial_section import SYNTHETIC_BANNER
from trialstats.rows import AGREEMENT, frame_of
from trialstats.tables.synthesis import measure_words, short_title, synthesised
from trialstats.tables.table import Table
from trialstats.vocabulary import (
    DATA_STATUS,
    STATUS_MARKS,
    sentence_list,
    upper_first,
)

#: Trials from which on a figure that compares trials or models shows anything.
_FEWEST = {"sensitivity": 2, "funnel": 3, "influence": 3, "baujat": 3}

#: Tables of the trials and of published reviews, under the forest plot.
_FIRST = ("trials", "published_pools")

#: Title of a block -> the place of its figures and the names of its tables.
_BLOCKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Sensitivity": (places.SENSITIVITY, ("sensitivity",)),
    "Heterogeneity": (
        places.HETEROGENEITY,
        ("components", "subgroups", "meta_regression"),
    ),
    "Influence": (places.INFLUENCE, ("influence",)),
    "Small-study effects": (places.SMALL_STUDIES, ("small_study",)),
    "Further figures": (places.FURTHER, ()),
}


def synthesis_section(
    material: SynthesisMaterial,
    labels: Mapping[str, str],
    *,
    agreement: pd.DataFrame | None = None,
    warnings: pd.DataFrame | None = None,
) -> Section:
    """Make the section of one synthesis, from its question to the warnings.

    Parameters
    ----------
    material : SynthesisMaterial
        Its configuration, rows and figures.
    labels : mapping of str to str
        Trial to author and year.
    agreement : DataFrame, optional
        Schema `AGREEMENT`, of all trials and syntheses.
    warnings : DataFrame, optional
        Schema `cleaning_rows.PUBLISHED_WARNINGS`.
    """
    settings, rows = material.config, material.rows
    made = tables.synthesis_tables(rows, synthesis=settings, labels=labels)
    placed = _placed(material)
    said = synthesis_sentences(rows, synthesis=settings, labels=labels)
    name = str(settings["synthesis"])
    file = f"config/syntheses/{name}.yaml"
    listed = records(rows)
    checks = frame_of([], AGREEMENT) if agreement is None else agreement
    blocks = [
        Block("Question", (str(settings["question"]),), given=file),
        Block("Estimand", facts=_estimand(settings), given=file),
        _data(settings, listed, labels, placed, file),
        Block("Result", sentences=said, figures=placed.get(places.RESULT, ())),
        Block("Trials", tables=tuple(made[n] for n in _FIRST if n in made)),
        *_compared(made, placed),
        methods_block(
            listed, synthesis_paragraph(rows, synthesis=settings, labels=labels)
        ),
        agreement_block(rows, checks, name),
        warnings_block(listed, checks, _about_data(listed, warnings)),
    ]
    return Section(
        id=name,
        title=short_title(settings),
        condition=str(settings["condition"]),
        blocks=tuple(block for block in blocks if not block.empty),
        banner=SYNTHETIC_BANNER if "synthetic" in set(rows["data_status"]) else "",
        sentences=tuple(sentence for sentence in said if sentence.key),
        given=texts_of(settings, file),
    )


def _estimand(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """State what is estimated, in the order of the attributes of an estimand."""
    arms, outcome = settings["comparison"], settings["outcome"]
    time = f" at {outcome['timepoint']}" if outcome.get("timepoint") else ""
    scale = f", {outcome['scale']}" if outcome.get("scale") else ""
    better = f"; {outcome['better']} is better" if outcome.get("better") else ""
    return (
        ("Treatment", f"{arms['treatment']} versus {arms['control']}"),
        ("Population", upper_first(str(settings["condition"]))),
        ("Variable", f"{outcome['name']}{scale}{time}{better}"),
        ("Intercurrent events", "As each trial handled them"),
        ("Summary", upper_first(measure_words(settings))),
    )


def _data(
    settings: Mapping[str, Any],
    rows: Sequence[Record],
    labels: Mapping[str, str],
    placed: places.Placed,
    file: str,
) -> Block:
    """Say which trials enter, how their numbers are known, and what is to note."""
    effects = find(rows, statistic="effect")
    facts = []
    for status in DATA_STATUS:
        part = find(effects, data_status=status)
        names = dict.fromkeys(label_of(row, labels) for row in part)
        if names:
            facts.append((upper_first(DATA_STATUS[status]), sentence_list(names)))
    return Block(
        "Data and their account",
        figures=placed.get(places.DATA, ()),
        facts=tuple(facts),
        sentences=tuple(
            Sentence(str(note), given=f"{file}: notes")
            for note in settings.get("notes") or ()
        ),
        given="Author and year, or name, of the trial",
    )


def _placed(material: SynthesisMaterial) -> places.Placed:
    """Sort figures by block; those that would compare too few trials are left out."""
    name = str(material.config["id"])
    made = synthesised(material.rows)
    k = 0 if made.main is None else made.main["n_trials"] or 0
    placed: places.Placed = {}
    for figure in material.figures:
        kind = figure.id.removeprefix(name).removeprefix(".")
        if kind in _FEWEST and k < _FEWEST[kind]:
            continue
        place = places.place_of_synthesis_figure(kind)
        if place == places.RESULT:
            figure = _with_reading(figure, material.rows, material.config)
        placed[place] = (*placed.get(place, ()), figure)
    return placed


def _compared(made: Mapping[str, Table], placed: places.Placed) -> Iterator[Block]:
    """Yield the blocks that compare models and trials."""
    for title, (place, names) in _BLOCKS.items():
        listed = tuple(made[name] for name in names if name in made)
        yield Block(title, figures=placed.get(place, ()), tables=listed)
    named = {name for _, names in _BLOCKS.values() for name in names}
    others = [t for n, t in made.items() if n not in {*_FIRST, *named}]
    yield Block("Further tables", tables=tuple(others))


def _about_data(
    rows: Sequence[Record], warnings: pd.DataFrame | None
) -> list[Sentence]:
    """Repeat what looks wrong in the published numbers of the trials that enter."""
    if warnings is None:
        return []
    trials = {row["trial"] for row in find(rows, statistic="effect")}
    return [
        Sentence(
            f"{row['label']}, {row['outcome']}: {str(row['finding']).rstrip('.')}.",
            given=f"{row['file']}, row {int(row['row'])}, {row['column']}",
        )
        for row in records(warnings)
        if row["trial"] in trials
    ]


def _with_reading(
    figure: Figure, rows: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure:
    """Return a forest plot whose caption says how to read it."""
    arms = settings["comparison"]
    made = synthesised(rows)
    several = made.main is not None and (made.main["n_trials"] or 0) > 1
    statuses = {r["data_status"] for r in (*made.effects, *made.published_pools)}
    said = [figure.caption or str(settings["title"])]
    if made.effects:
        area = ", their area the weight in the main model" if several else ""
        said.append(f"Squares are trials{area}; lines are confidence intervals")
    if several:
        said.append("Filled diamonds are pooled effects with their intervals")
    if made.published_pools:
        said.append("Open diamonds are pooled results as reviews published them")
    said.append(f"Effects are {arms['treatment']} minus, or over, {arms['control']}")
    said += [
        f"{mark} {text.rstrip('.')}"
        for status, (mark, text) in STATUS_MARKS.items()
        if status in statuses
    ]
    return replace(figure, caption=". ".join(said) + ".")
