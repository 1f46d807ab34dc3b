"""Put files of one shape on each other: a file a visit, or a file a site."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
import pyarrow as pa

from trialstats.describe.columns import Column, columns_of
from trialstats.describe.families import AFTER, UNITS
from trialstats.describe.received import Received, Stack, stem
from trialstats.describe.subjects import likeness
from trialstats.describe.words import BASELINE, pretty
from trialstats.raw import CELL, RawColumn, RawTable

#: Words before the number of a file that holds some of the subjects.
PLACES = {"site", "centre", "center", "country", "region", "hospital", "clinic"}


@dataclass(frozen=True)
class Named:
    """What the name of a file says about its part of a table.

    Attributes
    ----------
    rest : tuple of str
        Words of the name that say nothing about it.
    part : str
        The visit, the number of the period, or the place.
    order : float
        Where the part comes among others.
    of : str
        What it is a part of: visit, period, or the word of a place.
    """

    rest: tuple[str, ...]
    part: str
    order: float
    of: str = "visit"


def stacked(files: Sequence[Received]) -> list[Received]:
    """Return the files, those of one shape and trial as one table.

    Files belong together when they have the same columns, are read in one way, and
    their names differ in a visit only while they hold the same subjects, or in a place
    only while they share none.

    Parameters
    ----------
    files : sequence of Received
        The files as received.
    """
    groups: dict[object, list[tuple[Named, int]]] = {}
    for number, file in enumerate(files):
        named = part_of(stem(file.path))
        if named is not None:
            folder = PurePath(file.path).parent
            how = sorted((key, str(value)) for key, value in file.options.items())
            shape = frozenset(file.table.column_names)
            key = (folder, named.rest, named.of, tuple(how), shape)
            groups.setdefault(key, []).append((named, number))
    found = list(files)
    gone = set()
    for members in groups.values():
        members.sort(key=lambda m: (m[0].order, m[0].part, m[1]))
        parts = [(named, files[number]) for named, number in members]
        if (one := _together(parts)) is not None:
            numbers = sorted(number for _, number in members)
            found[numbers[0]] = one
            gone |= set(numbers[1:])
    return [file for number, file in enumerate(found) if number not in gone]


def part_of(name: str) -> Named | None:
    """Return what the name of a file says, None when it names no visit and no place.

    >>> part_of("pain_week_4")
    Named(rest=('pain',), part='Week 4', order=4.0, of='visit')
    >>> part_of("baseline").part, part_of("x_visit_0").part, part_of("site_2").part
    ('Baseline', 'Baseline', 'Site 2')
    >>> part_of("patients"), part_of("labs_2024")
    (None, None)
    """
    words = re.findall(r"[^\W\d_]+|\d+", name.lower())
    numbers = [float(w) if w.isdigit() and len(w) < 4 else None for w in words]
    for place in range(len(words) - 1, -1, -1):
        number = ([*numbers, None])[place + 1]
        found = _of_word(words[place], number)
        if found is not None:
            after = place + (1 if number is None else 2)
            return replace(found, rest=(*words[:place], *words[after:]))
    for place in range(len(words) - 1, -1, -1):
        number = numbers[place]
        if number is not None:
            part = f"Visit {number:g}" if number else "Baseline"
            return Named((*words[:place], *words[place + 1 :]), part, number)
    return None


def _of_word(word: str, number: float | None) -> Named | None:
    """Return what a word says with the number after it."""
    if word in BASELINE:
        early = word == "screening"
        return Named((), "Screening" if early else "Baseline", -1.0 if early else 0.0)
    if word in AFTER:
        counted = "" if number is None else f" {number:g}"
        return Named((), f"{AFTER[word]}{counted}", 900.0 + (number or 0.0))
    if number is None:
        return None
    if word in PLACES:
        return Named((), f"{pretty(word)} {number:g}", number, word)
    if UNITS.get(word) == "Period":
        return Named((), f"{number:g}", number, "period")
    if word in UNITS:
        # Nobody has been treated at visit 0, week 0 or month 0.
        return Named((), f"{UNITS[word]} {number:g}" if number else "Baseline", number)
    return None


def _together(parts: Sequence[tuple[Named, Received]]) -> Received | None:
    """Return files as one table, None when they are not parts of one."""
    names = [named.part for named, _ in parts]
    if len(parts) < 2 or len(set(names)) < len(names):
        return None
    columns = [columns_of(file) for _, file in parts]
    of, (_, first) = parts[0][0].of, parts[0]
    low, high = _shared(columns)
    if high > 0 if of in PLACES else low < 0.5:
        return None
    short = ", ".join(PurePath(file.path).name for _, file in parts)
    evidence = f"{short} have the same columns"
    evidence += ", other subjects" if of in PLACES else " and subjects"
    into = None if _told(columns) else _free(of, first.table)
    if into is not None:
        evidence += f"; {into} is what their names say"
    paths = {named.part: file.path for named, file in parts}
    stack = Stack(_name(parts[0][0]), paths, into, evidence)
    tables = [file.table for _, file in parts]
    return replace(first, table=_one_table(tables, names, into), stack=stack)


def _name(named: Named) -> str:
    """Return a name of the table: what is measured, else what the files are of."""
    silent = {*UNITS, named.of}
    rest = [w for w in named.rest if w not in silent and not w.isdigit()]
    return "_".join(rest) or f"{named.of}s"


def _shared(files: Sequence[dict[str, Column]]) -> tuple[float, float]:
    """Return which share of their subjects two files have in common: least and most.

    As if some were shared and some not where no column can be the subject.
    """
    likely = {name: likeness(files[0], name) for name in files[0]}
    name = max(likely, key=lambda n: likely[n])
    if likely[name] < 2:
        return 0.0, 1.0
    ids = [set(columns[name].levels) for columns in files]
    shares = [
        len(one & other) / max(min(len(one), len(other)), 1)
        for one, other in itertools.combinations(ids, 2)
    ]
    return min(shares), max(shares)


def _told(files: Sequence[dict[str, Column]]) -> bool:
    """Return whether a column tells the files apart already: one value in each."""
    for name in files[0]:
        held = [columns[name].levels for columns in files]
        whole = all(columns[name].missing == 0 for columns in files)
        once = whole and all(len(levels) == 1 for levels in held)
        if once and len({levels[0] for levels in held}) == len(files):
            return True
    return False


def _free(name: str, table: RawTable) -> str:
    while name in table.column_names:
        name += "_"
    return name


def _one_table(
    tables: Sequence[RawTable], names: Sequence[str], into: str | None
) -> RawTable:
    """Return tables on each other, with a column of what each of them is."""
    order = tables[0].column_names
    whole = RawTable.concat([table.select(order) for table in tables])
    if into is None:
        return whole
    sizes = [table.num_rows for table in tables]
    parts = pa.array(np.repeat(np.array(names, dtype=object), sizes), type=CELL)
    return RawTable(
        whole.file,
        (*whole.columns, RawColumn(into)),
        whole.cells.append_column(into, parts),
        whole.rows,
        whole.kinds,
    )
