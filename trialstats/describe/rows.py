"""Find measurements in long tables: visits, values, baselines and changes."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.describe.columns import DATED, WHOLE, WORDS, Column, Floats
from trialstats.describe.families import UNITS
from trialstats.describe.subjects import Table, determines
from trialstats.describe.words import BASELINE, VISIT, natural, says, tokens, yes_no

#: Columns of numbers that are compared with each other; a table may have thousands.
MOST = 80


#: Short words of the names of visits.
_SHORT = {"DAY", "END", "OF", "TO", "THE", "PRE"}


@dataclass(frozen=True)
class Visits:
    """How the rows of a table are told apart within a subject.

    Attributes
    ----------
    column : str
        Column that names the visit.
    names : dict of str to (float, str)
        Visit to its number and the name received.
    evidence : str
        Why this column.
    """

    column: str
    names: dict[str, tuple[float, str]]
    evidence: str

    @property
    def baseline(self) -> str | None:
        """Visit that is the baseline, None without one."""
        first = next(iter(self.names))
        return first if says(first, BASELINE) else None


def visits_of(
    table: Table, within: np.ndarray, taken: Collection[str], rows: np.ndarray
) -> Visits | None:
    """Return the column of the visit: few values, each once a subject.

    Parameters
    ----------
    table : Table
        A table with several rows a subject.
    within : array of int
        Number of the subject, or of the subject and parameter, of each row.
    taken : collection of str
        Columns that hold something else.
    rows : array of bool
        Rows that count.
    """
    found = []
    for position, column in enumerate(table.columns.values()):
        if column.name in taken or column.kind not in (WHOLE, WORDS):
            continue
        number = len(column.levels)
        if not 2 <= number <= 40 or table.constant(column):
            continue
        pairs = pd.DataFrame({"in": within[rows], "value": column.ids[rows]})
        pairs = pairs[pairs["value"] >= 0]
        once = 1.0 - float(pairs.duplicated().mean()) if len(pairs) else 0.0
        shared = pairs.groupby("value")["in"].nunique().max() / len(np.unique(within))
        named = says(column.name, VISIT) or says(column.label or "", VISIT)
        worded = any(says(level, VISIT | BASELINE) for level in column.levels)
        if once < 0.98 or shared < 0.3:
            continue
        score = 3 * named + 2 * worded + once + shared
        if number == len(np.unique(pairs["value"])) and score >= 1.5:
            found.append((score, -number, -position, column))
    if not found:
        return None
    column = max(found, key=lambda f: f[:3])[3]
    numbers = _twin_numbers(table, column)
    return Visits(
        column.name,
        visit_names(column, numbers),
        f"{len(column.levels)} values, each once a subject",
    )


def _twin_numbers(table: Table, column: Column) -> dict[str, float]:
    """Return numbers of visits from a column of numbers that goes with their names."""
    if column.kind == WHOLE:
        return {}
    for other in table.columns.values():
        if other is column or not other.numeric or other.numbers is None:
            continue
        if len(other.levels) == len(column.levels) and twins(column, other):
            pairs = pd.DataFrame({"name": column.cells, "number": other.values})
            return dict(pairs.dropna().drop_duplicates().itertuples(index=False))
    return {}


def twins(first: Column, second: Column) -> bool:
    """Return whether each value of one column goes with one value of the other."""
    one, other = (np.sort(np.bincount(c.ids + 1)[1:]) for c in (first, second))
    return (
        np.array_equal(one, other)
        and bool(((first.ids < 0) == (second.ids < 0)).all())
        and determines(first.ids, second.ids)
        and determines(second.ids, first.ids)
    )


def visit_word(name: str) -> str:
    """Return what the visits of a column are counted in.

    >>> visit_word("visit_month"), visit_word("VISIT"), visit_word("var6")
    ('Month', 'Visit', 'Visit')
    """
    found = [UNITS[word] for word in tokens(name) if word in UNITS]
    return next((word for word in found if word != "Visit"), "Visit")


def sentence_case(levels: Sequence[str]) -> dict[str, str]:
    """Return visits in capitals as words, by the visit; empty where two are one then.

    >>> sentence_case(["BASELINE", "DAY 1", "END OF STUDY", "EOT"])
    {'BASELINE': 'Baseline', 'DAY 1': 'Day 1', 'END OF STUDY': 'End of study', \
'EOT': 'EOT'}
    """
    found = {}
    for level in levels:
        text = re.sub(
            r"[A-Z]+",
            lambda m: m[0].lower() if len(m[0]) > 3 or m[0] in _SHORT else m[0],
            level,
        )
        capital = level.isupper() and text != level
        found[level] = text[:1].upper() + text[1:] if capital else level
    return found if len(set(found.values())) == len(found) else {}


def visit_names(
    column: Column, numbers: Mapping[str, float]
) -> dict[str, tuple[float, str]]:
    """Return visits with their numbers and what the file calls them, in order.

    A number received gets the word of its column: 4 in ``week`` is Week 4.
    """
    found: dict[str, tuple[float, str]] = {}
    whole = column.kind == WHOLE
    word = visit_word(column.name)
    plain = sentence_case(column.levels)
    for place, level in enumerate(column.levels):
        if whole:
            name = "Baseline" if float(level) == 0 else f"{word} {float(level):g}"
            number = float(level)
        else:
            name = plain.get(level, level)
            digits = re.findall(r"\d+(?:\.\d+)?", level)
            own = (
                float(digits[-1])
                if digits
                else 0.0
                if says(level, BASELINE)
                else 900.0 + place
            )
            number = numbers.get(level, own)
        found[name] = (number, level)
    if len({number for number, _ in found.values()}) < len(found):
        ordered = sorted(found, key=lambda n: (not says(n, BASELINE), natural(n)))
        found = {n: (float(p), found[n][1]) for p, n in enumerate(ordered)}
    return dict(sorted(found.items(), key=lambda item: item[1][0]))


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
    order = visit.numbers if visit.numbers is not None else visit.ids.astype(float)
    frame = pd.DataFrame(
        {"subject": table.subject_ids, "visit": order, "value": column.values}
    ).dropna()
    frame = frame.sort_values(["subject", "visit"], kind="stable")
    steps = frame.groupby("subject")["value"].diff().dropna()
    if len(steps) >= 5 and float((steps > 0).mean()) >= 0.99:
        return f"a day or a number that counts on with {visits}"
    return None
