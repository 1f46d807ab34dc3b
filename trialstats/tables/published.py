"""Tables of what is published: the trials, and the map of the evidence."""

import re
from collections.abc import Mapping

import pandas as pd

from trialstats.records import Record, distinct, find, identified, records
from trialstats.tables.cells import text_cell
from trialstats.tables.table import (
    EMPTY,
    Cell,
    Column,
    Footnotes,
    Row,
    Table,
    heading,
    of_row,
)
from trialstats.vocabulary import STATUS_MARKS, upper_first

#: How a registry number is addressed; a number of another registry is plain text.
_CLINICAL_TRIALS = re.compile(r"NCT\d{8}")

_USE = {
    "ship": "may be pooled",
    "caution": "only as the note says",
    "context": "context only",
    "not usable": "not usable",
    "conflict": "conflicting numbers, not pooled",
    "alternative": "alternative numbers, not pooled",
}


def trial_characteristics(trials: pd.DataFrame, effects: pd.DataFrame) -> Table:
    """Tabulate the published trials.

    Parameters
    ----------
    trials : DataFrame
        Schema `PUBLISHED_TRIALS`.
    effects : DataFrame
        Schema `EFFECTS`: gives the outcomes for which a trial has numbers.

    Returns
    -------
    Table
        One row a trial, grouped by condition: design, dose, weeks, participants, use,
        how its numbers are known, outcomes, and identifiers as links.
    """
    notes = Footnotes()
    listed, outcomes = identified(trials, "published_trials"), records(effects)
    body = []
    for group in distinct(listed, "condition_group"):
        body.append(heading(upper_first(str(group))))
        for trial in find(listed, condition_group=group):
            row = _trial_row(trial, find(outcomes, trial=trial["trial"]))
            body.append(of_row(row, str(trial["row_id"])))
    notes.note(
        "Participants analysed: LDN / comparator. Outcomes: those with numbers in the "
        "project's tables."
    )
    return Table(
        id="trial_characteristics",
        title="Characteristics of the published trials",
        subtitle="Published trials; no synthetic data",
        columns=(
            Column("Trial", "left"),
            Column("Condition", "left"),
            Column("Design", "wide"),
            Column("Comparator", "left"),
            Column("Dose, mg", "left"),
            Column("Weeks", "left"),
            Column("Randomised"),
            Column("Analysed"),
            Column("Use", "wide"),
            Column("Outcomes", "widest"),
            Column("Identifiers", "wide"),
        ),
        rows=tuple(body),
        footnotes=_explained(notes.lines(), listed),
        source="data/published/trials.csv",
    )


#: A trial is marked for any fact of it that was recalled, be it the citation alone.
_RECALLED = (
    "Recalled in part, and that part not sighted; `verification` in "
    "data/published/trials.csv says what."
)


def _mark(trial: Record) -> str:
    """Return the dagger of a trial of which some fact was not sighted."""
    recalled = trial["evidence_status"] == "recalled"
    return STATUS_MARKS["recalled"][0] if recalled else ""


def _explained(
    lines: tuple[tuple[str, str], ...], listed: list[Record]
) -> tuple[tuple[str, str], ...]:
    """Put what the dagger of a trial means before the other footnotes."""
    mark = next((m for m in map(_mark, listed) if m), "")
    return ((mark, _RECALLED), *lines) if mark else lines


def _trial_row(trial: Record, outcomes: list[Record]) -> Row:
    use = _USE.get(trial["use"], str(trial["use"]))
    if trial["use_note"]:
        use = f"{use}: {trial['use_note']}"
    endpoints = distinct(outcomes, "endpoint")
    return Row(
        (
            Cell(str(trial["label"]), marks=_mark(trial)),
            text_cell(trial["condition"]),
            text_cell(trial["design"]),
            text_cell(trial["comparator"]),
            text_cell(trial["dose"]),
            text_cell(trial["weeks"]),
            text_cell(trial["n_randomised"]),
            _analysed(trial),
            Cell(use),
            Cell("; ".join(str(e) for e in endpoints) or "none"),
            _identifiers(trial),
        ),
        indent=1,
    )


def _analysed(trial: Record) -> Cell:
    arms = (trial["n_analysed_ldn"], trial["n_analysed_placebo"])
    if arms == (None, None):
        return EMPTY
    return Cell(" / ".join("–" if n is None else str(n) for n in arms))


def _identifiers(trial: Record) -> Cell:
    links: list[tuple[str, str]] = []
    if trial["doi"]:
        links.append((f"doi {trial['doi']}", f"https://doi.org/{trial['doi']}"))
    if trial["pmid"]:
        address = f"https://pubmed.ncbi.nlm.nih.gov/{trial['pmid']}/"
        links.append((f"PMID {trial['pmid']}", address))
    for number in str(trial["registry"] or "").split(";"):
        if number.strip():
            links.append(_registered(number.strip()))
    return Cell("; ".join(text for text, _ in links), links=tuple(links))


def _registered(number: str) -> tuple[str, str]:
    if _CLINICAL_TRIALS.fullmatch(number):
        return number, f"https://clinicaltrials.gov/study/{number}"
    return number, ""


def evidence_table(
    evidence: pd.DataFrame, *, titles: Mapping[str, str] | None = None
) -> Table:
    """Tabulate what exists for each condition, and where no usable number exists.

    Parameters
    ----------
    evidence : DataFrame
        The evidence map: columns group, condition_group, label, design_class,
        comparator, dose, weeks, n, n_how, offers, syntheses, reason (null where a
        number can be used), remark and evidence_status.
    titles : mapping of str to str, optional
        Synthesis to title, printed instead of its name.

    Returns
    -------
    Table
        One row a trial, grouped by topic and condition.
    """
    notes = Footnotes()
    listed = identified(evidence, "evidence_map")
    body = []
    for group in distinct(listed, "group"):
        for condition in distinct(find(listed, group=group), "condition_group"):
            title = f"{group}: {condition}"
            body.append(heading(upper_first(title)))
            part = find(listed, group=group, condition_group=condition)
            body += [
                of_row(_evidence_row(r, titles or {}), str(r["row_id"])) for r in part
            ]
    notes.note("Participants are those randomised unless the cell says otherwise.")
    return Table(
        id="evidence_map",
        title="What exists, what can be pooled, and where no usable number exists",
        subtitle="Published trials; no synthetic data",
        columns=(
            Column("Trial", "left"),
            Column("Offers", "left"),
            Column("Enters, or why no number is usable", "widest"),
            Column("Design", "left"),
            Column("Comparator", "left"),
            Column("Dose, mg", "left"),
            Column("Weeks", "left"),
            Column("Participants", "left"),
            Column("Remark", "widest"),
        ),
        rows=tuple(body),
        footnotes=_explained(notes.lines(), listed),
        source="results/estimates/evidence_map.parquet",
    )


def _evidence_row(trial: Record, titles: Mapping[str, str]) -> Row:
    size = EMPTY if trial["n"] is None else Cell(str(int(trial["n"])))
    if trial["n_how"] not in (None, "randomised"):
        size = Cell(f"{size.text} {trial['n_how']}")
    names = [name.strip() for name in (trial["syntheses"] or "").split(",")]
    entered = "; ".join(titles.get(name, name) for name in names if name)
    return Row(
        (
            Cell(str(trial["label"]), marks=_mark(trial)),
            text_cell(trial["offers"]),
            text_cell(trial["reason"] or entered),
            text_cell(trial["design_class"]),
            text_cell(trial["comparator"]),
            text_cell(trial["dose"]),
            text_cell(trial["weeks"]),
            size,
            text_cell(trial["remark"]),
        ),
        indent=1,
    )
