"""Find the column that names the subject, in one file and across files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialstats.describe.columns import WHOLE, WORDS, Column
from trialstats.describe.standards import standard_name
from trialstats.describe.words import SUBJECT, says, tokens

Columns = dict[str, Column]


@dataclass(frozen=True, eq=False)
class Table:
    """A file whose rows belong to subjects.

    Attributes
    ----------
    number : int
        Its place among the files.
    columns : dict of str to Column
        Its columns.
    subject : str or None
        Column that names the subject; None where each row is one.
    """

    number: int
    columns: Columns
    subject: str | None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())).cells)

    @cached_property
    def subject_ids(self) -> npt.NDArray[np.int64]:
        """Number of the subject of each row."""
        if self.subject is None:
            return np.arange(self.rows)
        return self.columns[self.subject].ids

    @cached_property
    def once(self) -> bool:
        """Whether every subject has one row; a row that came twice counts once."""
        if self.subject is None:
            return True
        subjects = len(np.unique(self.subject_ids))
        if subjects == self.rows:
            return True
        ids = pd.DataFrame({name: c.ids for name, c in self.columns.items()})
        return bool(subjects == len(ids.drop_duplicates()))

    def constant(self, column: Column) -> bool:
        """Return whether a column is the same in all rows of a subject that hold it."""
        return self.once or determines(self.subject_ids, column.ids)


def determines(groups: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> bool:
    """Return whether every group has one value, of those that are not missing (-1)."""
    held = (values >= 0) & (groups >= 0)
    if not held.any():
        return True
    inside, value = groups[held], values[held]
    first = np.full(int(inside.max()) + 1, -1, dtype=np.int64)
    # Whichever row of a group is written last, all others must have its value.
    first[inside] = value
    return bool((first[inside] == value).all())


def linked(files: Sequence[Columns]) -> tuple[list[Table], list[int], int]:
    """Return the tables of one trial, the files that do not belong, and the main one.

    The subject is the column whose values most files share. The main table, first in
    order, has one row a subject where a file has, and every subject.

    Returns
    -------
    list of Table, list of int, int
        Tables by the order of the files, numbers of the files left out, place of the
        main table.
    """
    hubs = []
    for number, columns in enumerate(files):
        for name, column in columns.items():
            if (score := likeness(columns, name)) >= 2:
                hubs.append((_reach(files, column), score, -number, name))
    if not hubs:
        first = max(range(len(files)), key=lambda n: (_rows(files[n]), -n))
        out = [n for n in range(len(files)) if n != first]
        return [Table(first, files[first], None)], out, 0
    reach = max(hub[0] for hub in hubs)
    best = max((h for h in hubs if h[0] == reach), key=lambda h: (h[1], h[2]))
    ids = set(files[-best[2]][best[3]].levels)
    tables, out = [], []
    for number, columns in enumerate(files):
        own = _column_of(columns, ids, best[3])
        if own is None:
            out.append(number)
        else:
            tables.append(Table(number, columns, own))
    main = max(range(len(tables)), key=lambda n: _mainness(tables[n]))
    return tables, out, main


def likeness(columns: Columns, name: str) -> float:
    """Return how much a column looks like the one that names the subject."""
    column = columns[name]
    rows, distinct = len(column.cells), len(column.levels)
    negative = column.numbers is not None and np.nanmin(column.numbers) < 0
    if column.kind not in (WHOLE, WORDS) or negative:
        return 0.0
    if column.missing > 0.02 * rows or distinct < min(5, rows) or distinct < rows / 200:
        return 0.0
    score = _by_name(column)
    if distinct == rows:
        return score + (2.0 if _patterned(column) else 0.0)
    others = [c for other, c in columns.items() if other != name and len(c.levels) > 1]
    sizes = np.bincount(column.ids[column.ids >= 0])
    if not others:
        return score
    fixed = sum(determines(column.ids, c.ids) for c in others)
    usual = np.median(sizes)
    if usual < 2:
        # Most subjects have one row: many columns must be the same in the others.
        enough = distinct <= 0.85 * rows and fixed >= max(3, 0.3 * len(others))
    else:
        enough = fixed >= 2 or (fixed == 1 and sizes.max() <= 2 * usual)
    if enough:
        score += 2.0 + 2.0 * fixed / len(others) + distinct / rows
    return score


def _by_name(column: Column) -> float:
    standard = standard_name(column.name, column.label)
    if standard == "USUBJID":
        return 8.0
    if standard == "SUBJID":
        return 5.0
    if column.name.lower() in SUBJECT:
        return 4.0
    first = tokens(column.name)[:1]
    if first and first[0] in SUBJECT - {"id", "record"}:
        return 4.0
    return 1.0 if says(column.name, SUBJECT) else 0.0


def _patterned(column: Column) -> bool:
    """Return whether distinct values look like names of subjects: of one shape."""
    if column.kind == WHOLE and column.numbers is not None:
        low, high = np.nanmin(column.numbers), np.nanmax(column.numbers)
        dense = low >= 0 and high - low < 3 * len(column.levels)
        even = len({len(level) for level in column.levels}) == 1
        return bool(dense or (even and low >= 100))
    shapes = {
        "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in level)
        for level in column.levels
    }
    return len(shapes) <= 3 and any("9" in shape for shape in shapes)


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())).cells)


def _reach(files: Sequence[Columns], hub: Column) -> int:
    """Return how many files have a column with the subjects of a hub."""
    ids = set(hub.levels)
    return sum(_column_of(columns, ids, hub.name) is not None for columns in files)


def _column_of(columns: Columns, ids: set[str], name: str) -> str | None:
    """Return the column of a file that holds subjects, the one of that name first."""
    found = []
    for other, column in columns.items():
        if column.kind not in (WHOLE, WORDS):
            continue
        levels = column.levels
        within = sum(level in ids for level in levels) / max(len(levels), 1)
        share = len(levels) / len(ids)
        likely = other == name or likeness(columns, other) >= 3
        if within >= 0.9 and (share >= 0.3 or (likely and len(levels) > 1)):
            found.append((other == name, share, likeness(columns, other), other))
    return max(found, key=lambda f: f[:3])[3] if found else None


def _mainness(table: Table) -> tuple[bool, int, int, int]:
    """Return what makes a table the main one: one row a subject, who, what, where."""
    known = [standard_name(c.name, c.label) for c in table.columns.values()]
    planned = sum(name in ("TRT01P", "ARM", "SEX", "RACE") for name in known)
    subjects = len(np.unique(table.subject_ids))
    return table.once, subjects + 1000 * planned, len(table.columns), -table.number


def contained(files: Sequence[Columns]) -> dict[int, int]:
    """Return the files whose every row is in a larger file with the same columns."""
    found: dict[int, int] = {}
    for small, columns in enumerate(files):
        for large, others in enumerate(files):
            bigger = _rows(others) > _rows(columns) or (
                _rows(others) == _rows(columns) and large < small
            )
            if small == large or not bigger or set(columns) != set(others):
                continue
            names = list(columns)
            left = pd.DataFrame({n: columns[n].cells for n in names}).fillna("")
            right = pd.DataFrame({n: others[n].cells for n in names}).fillna("")
            rows = set(right.itertuples(index=False, name=None))
            if all(row in rows for row in left.itertuples(index=False, name=None)):
                found[small] = large
                break
    return found
