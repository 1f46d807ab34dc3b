"""Read the cells of the published tables as typed values, and collect what is wrong.

The tables were transcribed by hand, so every problem of all four files is found before
anything is refused: one corrected file is better than ten runs.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.clean.canonical import plain_number
from trialstats.config.checking import suggestion
from trialstats.errors import DataError, combined

Record = Mapping[str, str | None]

#: How a number is known, from the surest to the least sure.
EVIDENCE = ("seen", "derived", "recalled")

#: Whether a row may enter a synthesis.
USES = ("ship", "caution", "context", "not usable", "conflict", "alternative")


@dataclass(slots=True)
class Findings:
    """The problems found so far."""

    found: list[DataError] = field(default_factory=list)

    def add(self, what: str, **where: Any) -> None:
        """Note a problem once; `where` is file, row, column, value and remedy."""
        problem = DataError(what, **where)
        if str(problem) not in {str(other) for other in self.found}:
            self.found.append(problem)

    def refuse(self) -> None:
        """Raise a `DataError` with every problem, if there is any."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise DataError(combined(str(problem) for problem in self.found))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a published table, with what is needed to name its cells.

    Attributes
    ----------
    file : str
        File of the row.
    number : int
        Row of the file; the header is row 1.
    cells : mapping of str to str or None
        Text by column; None where empty.
    findings : Findings
        Where problems are noted.
    """

    file: str
    number: int
    cells: Record
    findings: Findings

    def problem(self, what: str, column: str, *, remedy: str) -> None:
        """Note a problem of the cell in `column`."""
        self.findings.add(
            what,
            file=self.file,
            row=self.number,
            column=column,
            value=self.cells.get(column),
            remedy=remedy,
        )

    def text(self, column: str, *, required: bool = False) -> str | None:
        """Return a cell as text."""
        value = self.cells.get(column)
        if value is None and required:
            self.problem("the cell is empty", column, remedy="fill it in")
        return value

    def number_in(self, column: str) -> float | None:
        """Return a cell as a number, None where empty or not a number."""
        text = self.cells.get(column)
        if text is None:
            return None
        value = plain_number(text)
        if value is not None:
            return value
        self.problem(
            "not a number",
            column,
            remedy="write a number with a decimal point, or leave the cell empty",
        )
        return None

    def count_in(self, column: str) -> int | None:
        """Return a cell as a whole number of zero or more."""
        value = self.number_in(column)
        if value is None:
            return None
        if value < 0 or not value.is_integer():
            self.problem(
                "not a count",
                column,
                remedy="write a whole number of 0 or more, or leave the cell empty",
            )
            return None
        return int(value)

    def choice(
        self, column: str, known: Iterable[str], *, required: bool = True
    ) -> str | None:
        """Return a cell that must be one of `known`."""
        value = self.text(column, required=required)
        names = list(known)
        if value is not None and value not in names:
            remedy = f"write one of: {', '.join(names)}"
            self.problem(f"unknown {column}", column, remedy=remedy)
            return None
        return value


def rows_in(
    cells: pd.DataFrame,
    *,
    file: str,
    columns: Iterable[str],
    key: tuple[str, ...],
    findings: Findings,
) -> list[Row]:
    """Return the rows of a table, after its columns and keys were checked.

    Parameters
    ----------
    cells : DataFrame
        Cells as received; the index is the row of the file.
    file : str
        Name of the file.
    columns : iterable of str
        Columns that must be there.
    key : tuple of str
        Columns that name a row.
    findings : Findings
        Where problems are noted.

    Returns
    -------
    list of Row
        Empty when a column is missing, for nothing can then be checked.
    """
    missing = [name for name in columns if name not in cells.columns]
    for name in missing:
        findings.add(
            "missing column",
            file=file,
            row=1,
            column=name,
            remedy=f"add it to the header; {suggestion(name, cells.columns)}",
        )
    if missing:
        return []
    rows = [Row(file, number, record, findings) for number, record in _records(cells)]
    _check_keys(rows, key)
    return rows


def _records(cells: pd.DataFrame) -> Iterator[tuple[int, dict[str, str | None]]]:
    names = [str(name) for name in cells.columns]
    for number, values in zip(cells.index, cells.to_numpy(dtype=object), strict=True):
        texts = [None if _empty(v) else str(v).strip() or None for v in values]
        yield int(number), dict(zip(names, texts, strict=True))


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _check_keys(rows: list[Row], key: tuple[str, ...]) -> None:
    first: dict[tuple[str | None, ...], int] = {}
    for row in rows:
        name = tuple(row.cells[column] for column in key)
        if name in first:
            row.findings.add(
                f"the key {', '.join(key)} is already that of row {first[name]}",
                file=row.file,
                row=row.number,
                column=key[-1] if len(key) == 1 else ", ".join(key),
                value=name[0] if len(name) == 1 else name,
                remedy="remove one of the two rows, or tell them apart in the key",
            )
        first.setdefault(name, row.number)
