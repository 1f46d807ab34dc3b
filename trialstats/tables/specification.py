"""The specification of a mixed model, as lines above its table."""

from collections.abc import Sequence

from trialstats.records import Record, find, one
from trialstats.tables import cells
from trialstats.tables.table import Cell, Footnotes
from trialstats.version import __version__
from trialstats.vocabulary import FIT_STATISTICS, NOT_TRIED, upper_first

_VARIANCES = {
    "variance_between_subjects": "Variance between subjects",
    "variance_within_subjects": "Variance within subjects",
}


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
