"""What a reader finds in a table, whatever the format it is printed in."""

from dataclasses import dataclass

from trialstats.tables.formats.texts import cell_text, plain
from trialstats.tables.table import Table


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """The texts of a table as they stand in a document.

    Parameters
    ----------
    title, subtitle, number, protocol, population, source : str
        As of a `Table`; empty where nothing is printed.
    columns : tuple of (str, str)
        Spanner and label of each column.
    rows : tuple of tuple of str
        Cells with their marks; a heading is a row of one cell.
    preface : tuple of (str, str)
        Labels and texts above the body.
    footnotes : tuple of (str, str)
        Marks and texts.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    subtitle: str = ""
    number: str = ""
    protocol: str = ""
    population: str = ""
    preface: tuple[tuple[str, str], ...] = ()
    footnotes: tuple[tuple[str, str], ...] = ()
    source: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """Every cell of the body, row by row."""
        return tuple(cell for row in self.rows for cell in row)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the table, top to bottom."""
        heads = [text for column in self.columns for text in column]
        lines = [text for pair in (*self.preface, *self.footnotes) for text in pair]
        titles = (self.protocol, self.population, self.number, self.title)
        found = [*titles, self.subtitle, *lines, *heads, *self.cells, self.source]
        return tuple(text for text in found if text)


def printed(table: Table) -> PrintedTable:
    """Return what every document that prints `table` must hold.

    >>> from trialstats.tables.table import Cell, Column, Row
    >>> made = Table("t", "T", "", (Column("A"),), (Row((Cell("1", marks="a"),)),))
    >>> printed(made).rows
    (('1a',),)
    """
    return PrintedTable(
        title=plain(table.title),
        subtitle=plain(table.subtitle),
        number=plain(table.number),
        protocol=plain(table.protocol),
        population=plain(table.population),
        columns=tuple((plain(c.spanner), plain(c.label)) for c in table.columns),
        rows=tuple(tuple(cell_text(c) for c in row.cells) for row in table.rows),
        preface=tuple((plain(label), cell_text(c)) for label, c in table.preface),
        footnotes=tuple((plain(mark), plain(text)) for mark, text in table.footnotes),
        source=plain(table.source),
    )
