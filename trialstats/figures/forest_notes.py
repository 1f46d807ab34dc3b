"""The notes under a forest plot."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstats.figures.forest_rows import IMPUTED_MARK, Effect, Panel
from trialstats.figures.pages import Note
from trialstats.formatting import format_level
from trialstats.records import usual_level
from trialstats.version import __version__
from trialstats.vocabulary import (
    BINARY_MEASURES,
    DATA_STATUS,
    STATUS_MARKS,
    sentence_list,
    upper_first,
)


def footnotes(
    found: Sequence[Panel], synthesis: Mapping[str, Any], *, band: str = ""
) -> list[Note]:
    """Return the notes under the plot, each a sentence or two.

    Those that print numbers of rows stand with the rows.
    """
    lines = [t for p in found for t in (*p.trials, *p.published)]
    notes: list[Note] = [
        f"{mark} {meaning}"
        for status, (mark, meaning) in STATUS_MARKS.items()
        if any(t.status == status for t in lines)
    ]
    notes += [
        f"Not estimable: {', '.join(names)}; {reason}."
        for reason, names in _by_reason(t for p in found for t in p.trials).items()
    ]
    imputed = [t.label for p in found for t in p.trials if t.imputed]
    if imputed:
        notes.append(f"{IMPUTED_MARK} With imputed numbers: {sentence_list(imputed)}.")
    if any(t.estimable for t in lines):
        notes.append((_reading(found), level_rows(found)))
    if band:
        notes.append(f"Shaded: effects smaller than the minimal important {band}.")
    zero = _zero_cells(found, synthesis)
    notes += [zero] if zero else []
    if any(_same_people(t) for p in found for t in p.trials):
        notes.append("Crossover trials: the same people are counted under both arms.")
    notes += [str(n) for n in synthesis.get("notes") or []]
    trials = [t for p in found for t in p.trials]
    counted = tuple(row for t in trials for row in t.rows)
    notes.append((f"{data_words(trials)}Software: trialstats {__version__}.", counted))
    return notes


def level_rows(found: Sequence[Panel]) -> tuple[str, ...]:
    """Return a row whose interval has the level that heads and notes name."""
    level = usual_level({"confidence_level": panel.level} for panel in found)
    lines = [line for p in found for line in (*p.trials, *p.published)]
    return next((line.rows for line in lines if line.level == level), ())


def data_words(trials: Iterable[Effect]) -> str:
    """Return how the numbers of the trials are known, and of how many trials.

    >>> trial = Effect("A", 0.1, 0.0, 0.2, status="derived")
    >>> data_words([trial, trial])
    'Data: derived (2 trials). '
    """
    # Outcomes and treatments of one trial are not several trials.
    distinct = {(t.trial or number, t.status) for number, t in enumerate(trials)}
    counts = Counter(status for _, status in distinct)
    known = [s for s in DATA_STATUS if counts[s]]
    listed = [
        f"{'individual data' if s == 'individual' else s} ({counts[s]}"
        f"{'' if i else ' trial' + ('s' if counts[s] > 1 else '')})"
        for i, s in enumerate(known)
    ]
    return f"Data: {', '.join(listed)}. " if listed else ""


def _same_people(trial: Effect) -> bool:
    """Return whether the arms of a trial add to more than its people."""
    counts = [numbers["n"] for numbers in trial.arms.values() if "n" in numbers]
    return trial.n_subjects is not None and sum(counts) > trial.n_subjects


def _by_reason(trials: Iterable[Effect]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for trial in trials:
        if not trial.estimable:
            reasons.setdefault(trial.reason or "no reason given", []).append(
                trial.label
            )
    return reasons


def _reading(found: Sequence[Panel]) -> str:
    """Return what each mark stands for, of those that are drawn."""
    parts = []
    if any(t.estimable for p in found for t in p.trials):
        pooled = [t for p in found if p.pooled is not None for t in p.trials]
        weighted = any(t.weight is not None for t in pooled)
        square = "area proportional to weight" if weighted else "estimate"
        level = usual_level({"confidence_level": panel.level} for panel in found)
        lines = format_level(level, "confidence intervals")
        parts += [f"squares: {square}", f"lines: {lines}"]
        if weighted:
            parts.append("weights: rounded together so that they add up")
        if any(p.subgroups for p in found):
            parts.append("subtotals: the model of the whole fitted to each group")
    if any(p.pooled for p in found):
        parts.append("diamonds: pooled effects with their intervals")
        if any("prediction_interval" in p.main for p in found):
            parts.append("bar: prediction interval, for the effect in a new trial")
    if any(p.published for p in found):
        parts.append("open diamonds: pooled results with intervals as published")
    return f"{upper_first('; '.join(parts))}; arrows: beyond the axis."


def _zero_cells(found: Sequence[Panel], synthesis: Mapping[str, Any]) -> str:
    """Return the zero-cell rule from the methods of the trials, else as configured."""
    if not any(p.measure.code in BINARY_MEASURES and p.trials for p in found):
        return ""
    rule = synthesis.get("zero_cells")
    if not rule:
        parts = [
            part.strip()
            for panel in found
            for trial in panel.trials
            for part in trial.method.split(";")
            if "zero" in part.lower()
        ]
        return f"Zero cells: {'; '.join(dict.fromkeys(parts))}." if parts else ""
    where = {
        "only0": "every cell of a table that holds a zero",
        "all": "every cell of every table",
        "if0all": "every cell of every table when any holds a zero",
    }.get(rule["to"])
    added = f"{rule['add']:g} added to {where}" if where else "nothing added"
    fate = {
        "not_estimable": "trials without events in either arm are not estimable",
        "include": "trials without events in either arm are included",
    }[rule["double_zero"]]
    return f"Zero cells: {added}; {fate}."
