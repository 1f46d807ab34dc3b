"""The estimand, what it did to the records, and the model: lines above a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialstats.estimands import estimand_block
from trialstats.records import Record, distinct, find, one
from trialstats.tables import cells
from trialstats.tables.table import Cell, Footnotes
from trialstats.version import __version__
from trialstats.vocabulary import FIT_STATISTICS, NOT_TRIED, upper_first

_VARIANCES = {
    "variance_between_subjects": "Variance between subjects",
    "variance_within_subjects": "Variance within subjects",
}


#: Counts of the account of an estimand, in words after the number.
_COUNTED = {
    "n_subjects_with_event": "with the event",
    "n_subjects_without_date": "without a date of it",
    "n_subjects_excluded": "left out",
    "n_records_excluded": "{records} not used",
    "n_records_last": "{records} carried from before it to the visit",
    "n_subjects_composite": "counted as the composite value",
    "n_records_changed": "{records} replaced by it",
    "n_records_added": "{records} added with it",
}


def estimand_lines(
    rows: Sequence[Record], trial: Mapping[str, Any], analysis: str
) -> list[tuple[str, Cell]]:
    """Return the five attributes of the estimand, and what its strategies did.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of one analysis.
    trial : mapping
        Configuration of the trial.
    analysis : str
        The analysis.

    Returns
    -------
    list of (str, Cell)
        Label and text of each line; of the events that the trial defines also how
        many had them and what became of their records, by arm.
    """
    lines = [(label, Cell(text)) for label, text in estimand_block(trial, analysis)]
    counts = [row for row in rows if row["statistic"] in _COUNTED]
    done: list[tuple[str, Cell]] = []
    for event in distinct(counts, "subgroup"):
        mine = find(counts, subgroup=event)
        said = "; ".join(
            _done(find(mine, group=arm), arm)
            for arm in dict.fromkeys(row["group"] for row in mine)
        )
        ids = tuple(str(row["row_id"]) for row in mine)
        done.append(("" if done else "Records", Cell(f"{event}: {said}", ids)))
    return lines + done


def _done(rows: Sequence[Record], arm: str | None) -> str:
    """Return the counts of one event in one arm."""
    counts = []
    for row in rows:
        number = int(row["estimate"])
        noun = "record" if number == 1 else "records"
        words = _COUNTED[str(row["statistic"])].format(records=noun)
        counts.append(f"{number} {words}")
    return f"{f'{arm}: ' if arm else ''}{', '.join(counts)}"


def left_out_lines(rows: Sequence[Record]) -> list[tuple[str, Cell]]:
    """Return how many subjects the model leaves out for a missing covariate, by arm."""
    counts = find(rows, statistic="n_without_covariate")
    if not counts:
        return []
    arms = [f"{r['group']}: {int(r['estimate'])} of {r['n_subjects']}" for r in counts]
    text = f"{'; '.join(arms)}. {counts[0]['method']}"
    return [("Left out", Cell(text, tuple(str(r["row_id"]) for r in counts)))]


def specification(rows: Sequence[Record], notes: Footnotes) -> list[tuple[str, Cell]]:
    """Return what was fitted: covariance with the ladder, variances, fit, software.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of one analysis.
    notes : Footnotes
        Footnotes of the table.

    Returns
    -------
    list of (str, Cell)
        Label and text of each line; none for a model that is not mixed.
    """
    lines = _covariance(rows)
    for statistic, words in _VARIANCES.items():
        record = one(rows, statistic=statistic)
        if record:
            lines.append((words, cells.value(record, notes)))
    fit = _fit(rows, notes)
    if fit.text:
        lines.append(("Fit", fit))
    if lines:
        lines.append(("Software", Cell(f"trialstats {__version__}")))
    return lines


def _covariance(rows: Sequence[Record]) -> list[tuple[str, Cell]]:
    """Return the structure that fitted, after those that were left with the reason."""
    lines: list[tuple[str, Cell]] = []
    steps = find(rows, statistic="covariance_structure")
    for step in steps:
        name, why = str(step["subgroup"]), step["not_estimable"]
        if why == NOT_TRIED:
            continue
        if why:
            text = f"{name}: left. {upper_first(str(why)).rstrip('.')}."
        else:
            n = int(step["estimate"])
            text = f"{name}, {n} parameter{'s' if n > 1 else ''}"
        cell = Cell(text, (str(step["row_id"]),))
        lines.append(("" if lines else "Covariance", cell))
    spare = [step for step in steps if step["not_estimable"] == NOT_TRIED]
    if spare:
        names = ", ".join(str(step["subgroup"]) for step in spare)
        ids = tuple(str(step["row_id"]) for step in spare)
        lines.append(("", Cell(f"had that not fitted, in this order: {names}", ids)))
    return lines


def _fit(rows: Sequence[Record], notes: Footnotes) -> Cell:
    """Print likelihood, information criteria and numbers on one line."""
    texts, used = [], []
    for statistic, words in FIT_STATISTICS.items():
        record = one(rows, statistic=statistic)
        if record is None:
            continue
        counted = statistic.startswith("n_")
        number = cells.value(record, notes, 0 if counted else 2)
        texts.append(f"{number.text} {words}" if counted else f"{words} {number.text}")
        used.append(str(record["row_id"]))
    return Cell("; ".join(texts), tuple(used))
