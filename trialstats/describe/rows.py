"""Find measurements in long tables: values, baselines and changes."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.describe.columns import DATED, Column, Floats
from trialstats.describe.subjects import Table, determines
from trialstats.describe.words import BASELINE, says, yes_no

#: Columns of numbers that are compared with each other; a table may have thousands.
MOST = 80


def twins(first: Column, second: Column) -> bool:
    """Return whether each value of one column goes with one value of the other."""
    one, other = (np.sort(np.bincount(c.ids + 1)[1:]) for c in (first, second))
    return (
        np.array_equal(one, other)
        and bool(((first.ids < 0) == (second.ids < 0)).all())
        and determines(first.ids, second.ids)
        and determines(second.ids, first.ids)
    )


@dataclass(frozen=True)
class Value:
    """A measurement in a column of a long table.

    Attributes
    ----------
    column : Column
        Its values.
    baseline : str or None
        Column that holds its baseline in each row.
    recode : dict of str to int
        Text received to 1 or 0.
    evidence : str
        Why it is a measurement.
    """

    column: Column
    baseline: str | None
    recode: dict[str, int]
    evidence: str


def changes(
    columns: Sequence[Column], within: np.ndarray
) -> dict[str, tuple[str, str]]:
    """Return columns that are the difference of two others: change to value, baseline.

    The baseline is the same in all rows of a subject (and parameter).
    """
    found: dict[str, tuple[str, str]] = {}
    numeric = [c for c in columns if c.numeric and len(c.levels) > 3][:MOST]
    fixed = [c for c in numeric if determines(within, c.ids)]
    for change, value, base in _likely_changes(numeric, fixed):
        if change.name in found or value.name in found:
            continue
        if _same(change.values, value.values - base.values):
            found[change.name] = (value.name, base.name)
    return found


def _likely_changes(
    numeric: Sequence[Column], fixed: Sequence[Column]
) -> Iterator[tuple[Column, Column, Column]]:
    """Yield change, value and baseline that fit in some rows, spread over the table."""
    if not fixed or len(numeric) < 3:
        return
    size = len(numeric[0].cells)
    rows = np.unique(np.linspace(0, size - 1, min(size, 60)).astype(int))
    sample = np.array([c.values[rows] for c in numeric])
    for (place, value), base in itertools.product(enumerate(numeric), fixed):
        expected = sample[place] - base.values[rows]
        off = np.abs(sample - expected) > 1e-6 * (1 + np.abs(expected))
        for change in itertools.compress(numeric, off.sum(axis=1) <= 1):
            if len({change.name, value.name, base.name}) == 3:
                yield change, value, base


def percents(
    columns: Sequence[Column], known: Mapping[str, tuple[str, str]]
) -> list[str]:
    """Return columns that are a known change in percent of its baseline."""
    by_name = {c.name: c.numbers for c in columns if c.numbers is not None}
    found = []
    for change, (_, base) in known.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            percent = 100 * by_name[change] / by_name[base]
        found += [n for n, x in by_name.items() if n != change and _same(x, percent)]
    return found


def logarithms(columns: Sequence[Column]) -> dict[str, str]:
    """Return columns that are the natural logarithm of another."""
    numeric = [c for c in columns if c.numbers is not None and len(c.levels) > 3]
    numeric = numeric[:MOST]
    found = {}
    for log, value in itertools.permutations(numeric, 2):
        if np.nanmin(value.values) > 0 and _same(
            log.values, np.log(value.values), 1e-4
        ):
            found[log.name] = value.name
    return found


def _same(found: Floats, expected: Floats, tolerance: float = 1e-6) -> bool:
    """Return whether numbers agree wherever both are, in at least half of the rows."""
    both = ~np.isnan(found) & np.isfinite(expected)
    if both.sum() < 5 or both.sum() < 0.5 * (~np.isnan(found)).sum():
        return False
    if len(np.unique(found[both])) < 3:
        return False
    near = np.abs(found[both] - expected[both]) <= tolerance * (
        1 + np.abs(expected[both])
    )
    return bool(near.mean() >= 0.99)


def values_of(
    table: Table, visits: str | None, taken: Collection[str]
) -> tuple[list[Value], dict[str, str]]:
    """Return the measurements of a long table, and columns that follow from others.

    Returns
    -------
    list of Value, dict of str to str
        Measurements in the order of the columns; column -> what it is instead.
    """
    columns = [
        c
        for c in table.columns.values()
        if c.name not in (table.subject, visits) and c.name not in taken
    ]
    known = changes(columns, table.subject_ids)
    other = {c: f"{value} minus {base}" for c, (value, base) in known.items()}
    other |= dict.fromkeys(percents(columns, known), "a change in percent")
    bases = {value: base for value, base in known.values()}
    found = []
    for column in columns:
        name = column.name
        if name in other or table.constant(column):
            continue
        reason = None if visits is None else _clock(table, column, visits)
        if reason is not None:
            other[name] = reason
            continue
        varies = f"{column.evidence}, changing within subjects"
        if column.numeric and len(column.levels) > 2:
            base = bases.get(name) or _named_baseline(table, column, bases.values())
            found.append(Value(column, base, {}, varies))
        elif column.few and len(column.levels) == 2:
            found.append(Value(column, None, scored(column.levels), varies))
    return found, other


def _named_baseline(
    table: Table, column: Column, claimed: Collection[str]
) -> str | None:
    """Return a column of the same range that is named as a baseline, of no other."""
    numeric = [
        c
        for c in table.columns.values()
        if c.numeric
        and c is not column
        and c.name not in claimed
        and says(c.name, BASELINE)
    ]
    middle = float(np.nanmedian(column.values))
    for other in numeric:
        low, high = np.nanmin(other.values), np.nanmax(other.values)
        if low <= middle <= high:
            return other.name
    return None


def scored(levels: Sequence[str]) -> dict[str, int]:
    """Return two texts as 0 and 1, by their words or else by the alphabet."""
    known = yes_no(levels)
    if known is not None:
        return dict(sorted(known.items(), key=lambda item: item[1]))
    return {level: place for place, level in enumerate(levels)}


def _clock(table: Table, column: Column, visits: str) -> str | None:
    """Return what a column is when it only counts on with the visits."""
    visit = table.columns[visits]
    if column.kind == DATED:
        return "a date"
    if not column.numeric:
        return None
    if twins(column, visit):
        return f"the number of {visits}"
    places = {level: place for place, level in enumerate(visit.levels)}
    order: Floats = np.asarray(visit.cells.map(places), dtype=np.float64)
    if visit.numbers is not None:
        order = visit.numbers
    frame = pd.DataFrame(
        {"subject": table.subject_ids, "visit": order, "value": column.values}
    ).dropna()
    frame = frame.sort_values(["subject", "visit"], kind="stable")
    steps = frame.groupby("subject")["value"].diff().dropna()
    if len(steps) >= 5 and float((steps > 0).mean()) >= 0.99:
        return f"a day or a number that counts on with {visits}"
    return None
