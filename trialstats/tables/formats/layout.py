"""Where the columns of a table stand on a page: widths, parts and decimal points.

Widths are counted in characters. A column is as wide as its texts where the page has
room for all; else texts are set on several lines, but numbers are not; what still does
not fit goes to a further part of the table, with the stub repeated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from trialstats.tables.formats.texts import (
    cell_text,
    head_lines,
    longest_word,
    plain,
    width,
)
from trialstats.tables.table import Column, Table

#: Most characters that a column insists on: of numbers, of texts, of the stub.
_NUMBERS, _WORDS, _STUB = 30, 18, 24

#: Most characters that a column of a small table is widened by.
_AIR = 6.0

#: Characters by which each level of a row is moved in.
INDENT = 2

#: Alignments of columns whose texts are numbers, and may not be broken.
NUMBERS = frozenset({"right", "center"})

#: What stands before the decimal point of the first number, with sign and bracket.
_BEFORE_POINT = re.compile(r"[(\[<>≤≥=~ ]*[-−+±]?\d[\d,   ]*")


@dataclass(frozen=True, slots=True)
class Part:
    """Columns that stand beside one another: their positions and widths."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]

    @property
    def width(self) -> float:
        """Characters of all columns."""
        return sum(self.widths)


@dataclass(frozen=True, slots=True)
class Block:
    """The texts of a column set below one another by their decimal points.

    `points` are the characters before the point in each row, `before` their width.
    """

    points: tuple[int, ...]
    before: tuple[int, ...]
    most_before: int
    width: int

    def indent(self, row: int, space: float) -> float | None:
        """Return the characters before a text in a column, or None without room."""
        if self.width > space:
            return None
        left = (space - self.width) / 2
        return left + max(self.most_before - self.before[row], 0)


@dataclass(frozen=True, slots=True)
class _Need:
    """Characters of a column: the least, and what sets every text on one line."""

    least: float
    full: float


class Layout:
    """The texts of a table and where they stand.

    Parameters
    ----------
    table : Table
        The table.
    capacity : float
        Characters that fit the page, less those between the columns.
    gap : float
        Characters that each column needs beside its text.
    """

    def __init__(self, table: Table, capacity: float, gap: float) -> None:
        self.table, self.capacity, self.gap = table, capacity, gap
        self.texts = [[cell_text(c) for c in row.cells] for row in table.rows]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts into which the columns fall, widths with their gaps."""
        needs = [self._need(k) for k in range(len(self.table.columns))]
        return tuple(self._part(columns, needs) for columns in self._split(needs))

    @cached_property
    def blocks(self) -> tuple[Block | None, ...]:
        """The block of each column; none for columns of text."""
        return tuple(self._block(k) for k in range(len(self.table.columns)))

    def _column(self, k: int) -> list[str]:
        rows = zip(self.table.rows, self.texts, strict=True)
        return [texts[k] for row, texts in rows if not row.heading]

    def _need(self, k: int) -> _Need:
        column = self.table.columns[k]
        words, head = _head_needs(column)
        texts = set(self._column(k))
        full: float = max((width(t) for t in texts), default=0)
        if k == 0:
            full += INDENT * max((r.indent for r in self.table.rows), default=0)
        block = self.blocks[k]
        if block is not None:
            full = max(full, block.width)
        if column.align in NUMBERS and k:
            least = min(full, _NUMBERS)
        else:
            most = _WORDS if k else _STUB
            longest = max((longest_word(t) for t in texts), default=0)
            least = min(full, most, max(longest, 8) if k else most)
        limit = max(0.45 * self.capacity, 1) if k == 0 else self.capacity
        least = min(max(least, min(words, _WORDS), 2), limit)
        return _Need(
            least + self.gap, max(min(max(full, head), limit), least) + self.gap
        )

    def _split(self, needs: Sequence[_Need]) -> list[list[int]]:
        """Share columns out so that each part fits, spanned columns together."""
        stub = needs[0].least
        room = self.capacity - stub
        units = self._units(needs, room)
        fewest = len(_filled(units, needs, room))
        total = sum(needs[k].least for unit in units for k in unit)
        # As many parts as are needed, and then as even as they can be.
        for share in (total / fewest * s for s in (1.0, 1.15, 1.3, 1.5)):
            groups = _filled(units, needs, min(share, room))
            if len(groups) <= fewest:
                return [[0, *group] for group in groups]
        return [[0, *group] for group in _filled(units, needs, room)]

    def _units(self, needs: Sequence[_Need], room: float) -> list[list[int]]:
        """Return columns that stay together: those of a spanner, where they fit."""
        columns = self.table.columns
        units: list[list[int]] = []
        for spanner, run in groupby(
            range(1, len(columns)), lambda k: columns[k].spanner
        ):
            listed = list(run)
            together = spanner and sum(needs[k].least for k in listed) <= room
            units += [listed] if together else [[k] for k in listed]
        return units

    def _part(self, columns: Sequence[int], needs: Sequence[_Need]) -> Part:
        least = [min(needs[k].least, self.capacity) for k in columns]
        full = [max(needs[k].full, low) for k, low in zip(columns, least, strict=True)]
        spare = self.capacity - sum(full)
        if spare >= 0:
            air = min(spare / len(columns), _AIR)
            return Part(tuple(columns), tuple(w + air for w in full))
        room = max(self.capacity - sum(least), 0.0)
        wanted = sum(full) - sum(least)
        shares = [
            low + room * (high - low) / wanted
            for low, high in zip(least, full, strict=True)
        ]
        scale = min(self.capacity / sum(shares), 1.0)
        return Part(tuple(columns), tuple(share * scale for share in shares))

    def _block(self, k: int) -> Block | None:
        if k == 0 or self.table.columns[k].align not in NUMBERS:
            return None
        texts = [t[k] if len(t) > k else "" for t in self.texts]
        starts = [_BEFORE_POINT.match(text) for text in texts]
        numbers = [width(m.group().rstrip()) for m in starts if m]
        if not numbers:
            return None
        most = max(numbers)
        points = [
            len(m.group().rstrip()) if m else len(text)
            for m, text in zip(starts, texts, strict=True)
        ]
        before = [width(t[:p]) for t, p in zip(texts, points, strict=True)]
        ends = [max(most - b, 0) + width(t) for b, t in zip(before, texts, strict=True)]
        return Block(tuple(points), tuple(before), most, max(ends))


def _head_needs(column: Column) -> tuple[int, int]:
    """Return the widest piece of a heading, and what sets it on few lines."""
    first, *size = head_lines(column.label)
    pieces = [longest_word(first), longest_word(plain(column.spanner))]
    widest = max(*pieces, *map(width, size), 0)
    return widest, max(widest, (width(first) + 1) // 2)


def _filled(
    units: Sequence[Sequence[int]], needs: Sequence[_Need], room: float
) -> list[list[int]]:
    """Put units into as few groups as hold them in order; one at least."""
    groups: list[list[int]] = [[]]
    taken = 0.0
    for unit in units:
        wide = sum(needs[k].least for k in unit)
        if groups[-1] and taken + wide > room + 1e-9:
            groups.append([])
            taken = 0.0
        groups[-1].extend(unit)
        taken += wide
    return groups
