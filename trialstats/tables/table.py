"""A table as a value: what is printed, and which row each number came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trialstats.errors import DataError
from trialstats.vocabulary import STATUS_MARKS


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed cell.

    Parameters
    ----------
    text : str
        What is printed, without footnote marks.
    rows : tuple of str
        The ``row_id`` of each row of the estimates that `text` prints.
    marks : str
        Footnote marks, printed after the text.
    links : tuple of (str, str)
        Pieces of `text` with their address; an empty address makes plain text. The
        pieces, joined by ``"; "``, are `text`.
    """

    text: str
    rows: tuple[str, ...] = ()
    marks: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def printed(self) -> str:
        """The text with its footnote marks, as a reader sees it."""
        return self.text + self.marks

    @property
    def data_row(self) -> str:
        """The row identifiers, separated by spaces."""
        return " ".join(self.rows)


EMPTY = Cell("")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and the heading it shares with its neighbours.

    `rows` are the ``row_id`` of the numbers in the heading, such as the size of an arm.
    """

    label: str
    align: str = "right"
    spanner: str = ""
    rows: tuple[str, ...] = ()

    @property
    def full_label(self) -> str:
        """The heading with its spanner, unique within the table."""
        return f"{self.spanner}: {self.label}" if self.spanner else self.label


@dataclass(frozen=True, slots=True)
class Row:
    """One row; the first cell is the stub. A heading row has one cell."""

    cells: tuple[Cell, ...]
    indent: int = 0
    heading: bool = False


def of_row(row: Row, row_id: str) -> Row:
    """Return a row of a listing, each cell of which names the row that it prints."""
    cells = tuple(replace(c, rows=c.rows or (row_id,)) for c in row.cells)
    return replace(row, cells=cells)


def heading(text: str) -> Row:
    """Return a row that heads the rows below it."""
    return Row((Cell(text),), heading=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to print.

    Parameters
    ----------
    id : str
        Name of the table, unique in the dossier.
    title, subtitle : str
        What it shows; population, model and status of the data.
    columns : tuple of Column
        The first heads the stub.
    rows : tuple of Row
        The body, top to bottom.
    preface : tuple of (str, Cell)
        Lines printed above the body: estimand, model, scale.
    footnotes : tuple of (str, str)
        Mark and text; an empty mark makes a general note.
    source : str
        Where the rows come from.
    number : str
        Number under which a study report files it, as "Table 14-1.01".
    protocol, population : str
        Lines above the number in the layout of a study report.
    listed : (int, int), optional
        Rows of the file that `source` names and rows of it that are shown, where the
        table lists a file.
    """

    id: str
    title: str
    subtitle: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    preface: tuple[tuple[str, Cell], ...] = ()
    footnotes: tuple[tuple[str, str], ...] = ()
    source: str = ""
    number: str = ""
    protocol: str = ""
    population: str = ""
    listed: tuple[int, int] | None = None

    @property
    def file_record(self) -> Mapping[str, Any] | None:
        """What a listing says of its file, as a row; None for other tables."""
        if self.listed is None:
            return None
        rows, shown = self.listed
        return {
            "row_id": f"file:{self.source}",
            "n_rows": rows,
            "n_shown": shown,
            "n_not_shown": rows - shown,
        }

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns."""
        for number, row in enumerate(self.rows, start=1):
            expected = 1 if row.heading else len(self.columns)
            if len(row.cells) != expected:
                raise DataError(
                    f"table {self.id}: {len(row.cells)} cells in row {number}, "
                    f"expected {expected}"
                )

    @property
    def row_ids(self) -> tuple[str, ...]:
        """Every ``row_id`` that the table prints, in order of first appearance."""
        cells = [c for _, c in self.preface] + [c for r in self.rows for c in r.cells]
        named = [*(column.rows for column in self.columns), *(c.rows for c in cells)]
        return tuple(dict.fromkeys(i for rows in named for i in rows))


@dataclass(slots=True)
class Footnotes:
    """Collects the footnotes of one table while its cells are made."""

    letters: dict[str, str] = field(default_factory=dict)
    statuses: set[str] = field(default_factory=set)
    general: list[str] = field(default_factory=list)

    def letter(self, text: str) -> str:
        """Return the letter of a footnote, the same for the same text."""
        return self.letters.setdefault(text, _letter(len(self.letters)))

    def status(self, *statuses: str | None) -> str:
        """Return the marks of these statuses; no mark for numbers seen in print."""
        marked = [s for s in STATUS_MARKS if s in statuses]
        self.statuses.update(marked)
        return "".join(STATUS_MARKS[s][0] for s in marked)

    def note(self, text: str) -> None:
        """Add a general note, once."""
        if text and text not in self.general:
            self.general.append(text)

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return marks and texts: statuses, letters, general notes."""
        statuses = [STATUS_MARKS[s] for s in STATUS_MARKS if s in self.statuses]
        letters = [(mark, text) for text, mark in self.letters.items()]
        return (*statuses, *letters, *(("", text) for text in self.general))


def _letter(position: int) -> str:
    """Return a, b, ... z, aa, ab, ... for 0, 1, ..."""
    text, rest = "", position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        text = chr(ord("a") + digit) + text
    return text
