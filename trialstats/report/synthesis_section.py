"""The section of one synthesis: question, figure, results, sensitivity, diagnostics."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from trialstats import tables
from trialstats.report.content import (
    Block,
    Figure,
    SynthesisMaterial,
    SynthesisSection,
)
from trialstats.report.paragraph import synthesis_paragraph
from trialstats.report.sentences import synthesis_sentences
from trialstats.tables.synthesis import short_title, synthesised
from trialstats.tables.table import Table
from trialstats.vocabulary import STATUS_MARKS, SYNTHETIC

#: Printed on every section of a synthetic trial.
SYNTHETIC_BANNER = (
    f"{SYNTHETIC}. These participants do not exist: the raw files were generated to "
    "show the pipeline at work. Nothing here is evidence about a treatment, "
    "and none of it enters a synthesis with published results."
)

#: Trials from which on a figure that compares trials or models shows anything.
_FEWEST = {"sensitivity": 2, "funnel": 3, "influence": 3, "baujat": 3}


#: Tables that stand before the paragraph.
_FIRST = ("trials", "published_pools")

#: Title of a block -> its figures and its tables.
_BLOCKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Sensitivity": (("sensitivity",), ("sensitivity",)),
    "Heterogeneity": (("baujat",), ("components", "subgroups", "meta_regression")),
    "Influence": (("influence",), ("influence",)),
    "Small-study effects": (("funnel",), ("small_study",)),
}


def synthesis_section(
    material: SynthesisMaterial, labels: Mapping[str, str]
) -> SynthesisSection:
    """Make the section of one synthesis: sentences, figures and tables."""
    settings, rows = material.config, material.rows
    made = tables.synthesis_tables(rows, synthesis=settings, labels=labels)
    figures = _by_kind(material)
    return SynthesisSection(
        id=str(settings["synthesis"]),
        title=short_title(settings),
        question=str(settings["question"]),
        condition=str(settings["condition"]),
        sentences=synthesis_sentences(rows, synthesis=settings, labels=labels),
        figure=_with_reading(figures.get("forest"), rows, settings),
        tables=tuple(made[name] for name in _FIRST if name in made),
        notes=tuple(settings.get("notes") or ()),
        banner=SYNTHETIC_BANNER if "synthetic" in set(rows["data_status"]) else "",
        paragraph=synthesis_paragraph(rows, synthesis=settings, labels=labels),
        blocks=tuple(_blocks(rows, made, figures)),
    )


def _by_kind(material: SynthesisMaterial) -> dict[str, Figure]:
    """Sort figures by what follows the name of the synthesis in theirs."""
    name = str(material.config["id"])
    kinds = {f.id: f.id.removeprefix(name).removeprefix(".") for f in material.figures}
    return {kinds[figure.id] or "forest": figure for figure in material.figures}


def _blocks(
    rows: pd.DataFrame, made: Mapping[str, Table], figures: Mapping[str, Figure]
) -> Iterator[Block]:
    """Yield the blocks that have something to show."""
    main = synthesised(rows).main
    k = 0 if main is None else main["n_trials"] or 0
    for title, (drawn, tabulated) in _BLOCKS.items():
        shown = tuple(figures[n] for n in drawn if n in figures and k >= _FEWEST[n])
        listed = tuple(made[name] for name in tabulated if name in made)
        if shown or listed:
            yield Block(title, (), shown, listed)


def _with_reading(
    figure: Figure | None, rows: pd.DataFrame, settings: Mapping[str, Any]
) -> Figure | None:
    """Return a forest plot whose caption says how to read it."""
    if figure is None:
        return None
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
