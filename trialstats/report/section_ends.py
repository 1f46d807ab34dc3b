"""The end of every section: methods as run, agreement of two engines, warnings."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from trialstats import tables
from trialstats.records import Record, distinct, find, records
from trialstats.report.content import Block
from trialstats.report.phrases import Sentence
from trialstats.vocabulary import NOT_TRIED, sentence_list

_AGREEMENT = "results/estimates/agreement"


def methods_block(rows: Sequence[Record], prose: tuple[Sentence, ...] = ()) -> Block:
    """Return the distinct methods that rows state, after a paragraph for a paper."""
    listed = tuple(_stated(rows, method) for method in distinct(rows, "method"))
    part = Block("As the rows state them", sentences=listed, folded=True)
    return Block("Methods as run", prose=prose, parts=(part,) if listed else ())


def _stated(rows: Sequence[Record], method: str) -> Sentence:
    """Return the words of a method, with the first row that states them."""
    first = find(rows, method=method)[0]
    return Sentence(method, (str(first["row_id"]),))


def agreement_block(rows: pd.DataFrame, agreement: pd.DataFrame, name: str) -> Block:
    """Return the checks by a second engine of these rows.

    Parameters
    ----------
    rows : DataFrame
        Rows of one trial or synthesis, schema `ESTIMATES`.
    agreement : DataFrame
        Schema `AGREEMENT`, of all.
    name : str
        Begins the identifier of the table.
    """
    title = "Agreement of two engines"
    chosen = agreement["row_id"].isin(set(rows["row_id"]))
    part = agreement[chosen]
    if part.empty:
        text = "No estimate of this section is computed by a second engine."
        return Block(title, (text,))
    places = [n for n, held in enumerate(chosen, start=1) if held]
    table = _renumbered(tables.agreement_table(part), places)
    table = replace(table, id=f"{name}_agreement")
    folded = Block(table.title, tables=(table,), folded=True)
    return Block(title, sentences=(agreement_sentence(part),), parts=(folded,))


def _renumbered(table: tables.Table, places: Sequence[int]) -> tables.Table:
    """Return a table of some checks whose cells name them by their place among all."""
    names = {f"agreement:{n}": f"agreement:{at}" for n, at in enumerate(places, 1)}
    body = []
    for row in table.rows:
        cells = (
            replace(cell, rows=tuple(names.get(name, name) for name in cell.rows))
            for cell in row.cells
        )
        body.append(replace(row, cells=tuple(cells)))
    return replace(table, rows=tuple(body))


def agreement_sentence(agreement: pd.DataFrame) -> Sentence:
    """Say how many checks of the double programming agree."""
    listed = records(agreement)
    agreeing = len(find(listed, agrees=True))
    engines = "; ".join(str(e) for e in distinct(listed, "engine"))
    text = f"{agreeing} of {len(listed)} checks agree within their tolerance"
    return Sentence(
        f"{text} ({engines}).",
        tuple(dict.fromkeys(str(r["row_id"]) for r in listed)),
        given=f"A count of the rows of {_AGREEMENT}",
    )


def warnings_block(
    rows: Sequence[Record],
    agreement: pd.DataFrame,
    further: Iterable[Sentence] = (),
) -> Block:
    """Return what a reader should be warned of, or that there is nothing.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of one trial or synthesis.
    agreement : DataFrame
        Schema `AGREEMENT`, of all.
    further : iterable of Sentence
        Warnings about the data.
    """
    said = [*further, *_disagreeing(rows, agreement), *_not_estimable(rows)]
    return Block("Warnings", () if said else ("None.",), sentences=tuple(said))


def _not_estimable(rows: Sequence[Record]) -> list[Sentence]:
    """Say which statistics have no estimate and why, each reason once."""
    said = []
    reasons = (None, NOT_TRIED)
    absent = [row for row in rows if row["not_estimable"] not in reasons]
    for reason in distinct(absent, "not_estimable"):
        part = find(absent, not_estimable=reason)
        names = sentence_list(
            str(name).replace("_", " ") for name in distinct(part, "statistic")
        )
        text = f"Without an estimate: {names} ({str(reason).rstrip('.')})."
        ids = tuple(str(row["row_id"]) for row in part)
        said.append(Sentence(text, ids, given="A count of the rows it names"))
    return said


def _disagreeing(rows: Sequence[Record], agreement: pd.DataFrame) -> list[Sentence]:
    names = {str(row["row_id"]) for row in rows}
    wrong = [
        row
        for row in find(records(agreement), agrees=False)
        if str(row["row_id"]) in names
    ]
    if not wrong:
        return []
    text = f"{len(wrong)} checks by a second engine do not agree."
    ids = tuple(dict.fromkeys(str(row["row_id"]) for row in wrong))
    return [Sentence(text, ids, given=f"A count of the rows of {_AGREEMENT}")]
