"""Find who was treated with what: arms of parallel trials, sequences of crossovers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialstats.describe.columns import Column
from trialstats.describe.standards import standard_name
from trialstats.describe.subjects import Table
from trialstats.describe.words import (
    ARM,
    in_no_arm,
    is_active,
    is_control,
    pretty,
    says,
    spelt_out,
    unprefixed,
)


@dataclass(frozen=True)
class Arms:
    """Arms of a parallel trial, or treatments of a crossover.

    Attributes
    ----------
    table : Table
        Where the column stands.
    column : str
        Column that names the arm.
    names : dict of str to str
        Value in the file to the name of the arm.
    control : str
        Name of the control.
    evidence : str
        Why this column, in words.
    why_control : str
        Why this control, in words.
    outside : tuple of str
        Values in the file of those who were in no arm.
    """

    table: Table
    column: str
    names: dict[str, str]
    control: str
    evidence: str
    why_control: str
    outside: tuple[str, ...] = ()

    @property
    def treatments(self) -> list[str]:
        """Names of the other arms."""
        names = dict.fromkeys(self.names.values())
        return [name for name in names if name != self.control]


def arms_of(tables: Sequence[Table], main: int) -> Arms | None:
    """Return the arms, by name, by words among the values, by balance."""
    order = [tables[main], *(t for n, t in enumerate(tables) if n != main)]
    found = []
    for place, table in enumerate(order):
        for position, (name, column) in enumerate(table.columns.items()):
            if name == table.subject or not column.few or not table.constant(column):
                continue
            outside = tuple(level for level in column.levels if in_no_arm(level))
            score, evidence = _armness(table, column, outside)
            if score >= 2:
                rank = (score, -place, -position)
                found.append((rank, table, name, evidence, outside))
    if not found:
        return None
    _, table, name, evidence, outside = max(found, key=lambda f: f[0])
    names, control, why = named_treatments(_without(table.columns[name], outside))
    return Arms(table, name, names, control, evidence, why, outside)


def _without(column: Column, levels: Sequence[str]) -> Column:
    """Return a column in which some levels are missing."""
    if not levels:
        return column
    return replace(column, cells=column.cells.mask(column.cells.isin(levels)))


def _armness(
    table: Table, received: Column, outside: Sequence[str]
) -> tuple[float, str]:
    """Return how much a column looks like the arm, and why."""
    column = _without(received, outside)
    counts = subjects_by_level(table, column)
    standard = standard_name(column.name, column.label)
    in_arms = _subjects(table) - subjects_by_level(table, received).sum() + counts.sum()
    # In SDTM those who were not randomised may be without an arm.
    known = standard == "ARM" or counts.sum() >= 0.9 * in_arms
    if not 2 <= len(counts) <= 8 or not known:
        return 0.0, ""
    balance = float(counts.min() / counts.max())
    shown = "/".join(str(count) for count in counts)
    score = 2.0 if balance >= 0.8 else 1.0 if balance >= 0.6 else 0.0
    evidence = f"{len(counts)} values, {'balanced ' if score == 2 else ''}{shown}"
    words = [pretty(level) for level in column.levels]
    if any(is_control(word) and len(word) > 1 for word in words):
        score += 4.0
        evidence += ", one of them named as a control"
    if standard in ("TRT01P", "ARM"):
        return score + (8.0 if standard == "TRT01P" else 6.0), evidence
    if says(column.name, ARM) and standard is None:
        score += 3.0
        evidence += ", named as an arm"
    return score, evidence


def subjects_by_level(table: Table, column: Column) -> pd.Series:
    """Return how many subjects have each level, by the level."""
    pairs = pd.DataFrame({"subject": table.subject_ids, "level": column.ids})
    pairs = pairs[pairs["level"] >= 0].drop_duplicates()
    return pairs.groupby("level").size()


def _subjects(table: Table) -> int:
    return len(np.unique(table.subject_ids))


def named_treatments(column: Column) -> tuple[dict[str, str], str, str]:
    """Return names of treatments by their values, the control, and why that one."""
    levels = column.levels
    letters = spelt_out(levels) if not column.value_labels else {}
    plain = letters or unprefixed(levels) or {level: level for level in levels}
    plain = {
        level: column.value_labels.get(level, text) for level, text in plain.items()
    }
    names = {level: pretty(text) for level, text in plain.items()}
    if len(set(names.values())) < len(names):
        names = dict(plain)
    controls = [level for level in levels if is_control(plain[level])]
    others = [level for level in levels if not is_active(plain[level])]
    if len(controls) == 1:
        control, why = controls[0], "its name says so"
        if letters:
            why = f"{control} usually stands for {plain[control].lower()}"
    elif len(others) == 1:
        control, why = others[0], "the others are named as active"
    else:
        control = (others or levels)[0]
        why = "the lowest value" if column.numeric else "the first by the alphabet"
    if column.numeric and not column.value_labels:
        names = _numbered_arms(levels, control)
    ordered = {
        control: names[control],
        **{k: v for k, v in names.items() if k != control},
    }
    return ordered, names[control], why


def _numbered_arms(levels: list[str], control: str) -> dict[str, str]:
    others = [level for level in levels if level != control]
    if len(others) == 1:
        return {control: "Control", others[0]: "Treatment"}
    return {control: "Control", **{level: f"Treatment {level}" for level in others}}
