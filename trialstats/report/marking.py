"""Mark each number of a text with the row it comes from, or with what else gives it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from markupsafe import Markup, escape

from trialstats.records import Record
from trialstats.report.given import Given, Known
from trialstats.tracing import trace

#: A word with a digit in it, such as HAMD17.
_WORD = re.compile(r"[^\W\d]*\d[\w.%]*")

#: Rows from which on a text speaks of a whole table, and names no single row.
_MANY = 100

#: Where a number is from when nothing else is known of it.
LIBRARY = "Text that the library writes; no result"


class Marker:
    """Writes texts as HTML whose numbers name their row and column.

    Parameters
    ----------
    records : mapping of str to mapping
        By ``row_id``, every row that the page may print.
    given : iterable of Given
        Texts that are no results, the more specific first.
    """

    def __init__(
        self, records: Mapping[str, Record], given: Iterable[Given] = ()
    ) -> None:
        self._records = records
        self._given = tuple(given)
        self._made: dict[tuple[str, tuple[str, ...], str], Markup] = {}

    def knowing(self, given: Sequence[Given]) -> "Marker":
        """Return a marker that looks among further given texts first."""
        return Marker(self._records, (*given, *self._given))

    @cached_property
    def _known(self) -> Known:
        return Known(self._given)

    def __call__(
        self, text: str, rows: tuple[str, ...] = (), given: str = LIBRARY
    ) -> Markup:
        """Return a text as HTML.

        Parameters
        ----------
        text : str
            The text.
        rows : tuple of str
            The ``row_id`` of the rows that it prints.
        given : str
            Where its other numbers are from, unless a known text holds them.

        Returns
        -------
        Markup
            Escaped. A number of a row stands in an element with ``data-row`` and
            ``data-column``, any other word with a digit in one with ``data-given``.
        """
        key = text, rows, given
        if key not in self._made:
            self._made[key] = self._marked(text, rows, given)
        return self._made[key]

    def _marked(self, text: str, rows: tuple[str, ...], given: str) -> Markup:
        if not any(c.isdigit() for c in text):
            return escape(text)
        made, position = [], 0
        for piece in trace(text, self._numbers_of(rows)):
            end = position + len(piece.text)
            if piece.row_id:
                # A count or a sum is of all the rows.
                over_rows = piece.printing.endswith("of rows")
                named = " ".join(rows) if over_rows else piece.row_id
                made.append(_of_row(piece.text, named, piece.column, rows))
            elif piece.number:
                made.append(self._of_text(text, position, end, given))
            else:
                made.append(self._of_words(text, position, end, given))
            position = end
        return Markup("").join(made)

    def _numbers_of(self, rows: tuple[str, ...]) -> list[Record]:
        """Return rows without what is null: there is nothing to find in it."""
        if len(rows) > _MANY:
            return []
        found = (self._records[name] for name in rows if name in self._records)
        return [{k: v for k, v in row.items() if v is not None} for row in found]

    def _of_words(self, text: str, start: int, end: int, given: str) -> Markup:
        made, position = [], start
        for word in _WORD.finditer(text, start, end):
            made.append(escape(text[position : word.start()]))
            made.append(self._of_text(text, word.start(), word.end(), given))
            position = word.end()
        return Markup("").join([*made, escape(text[position:end])])

    def _of_text(self, text: str, start: int, end: int, given: str) -> Markup:
        source = self.source(text, start, end) or given
        return _GIVEN.format(source, text[start:end])

    def source(self, text: str, start: int = 0, end: int | None = None) -> str:
        """Return which given text a part of a text is from; "" for none."""
        return self._known.source(text, start, len(text) if end is None else end)


_GIVEN = Markup('<span data-given="{}">{}</span>')
_COLUMN = Markup('<span data-column="{}">{}</span>')
_ROW = Markup('<span data-row="{}" data-column="{}">{}</span>')


def _of_row(text: str, row: str, column: str, rows: tuple[str, ...]) -> Markup:
    """Return a number of a row; where there is one row only, what holds it names it."""
    if len(rows) == 1:
        return _COLUMN.format(column, text)
    return _ROW.format(row, column, text)


def data_row(rows: tuple[str, ...], given: str = LIBRARY) -> Markup:
    """Return the attribute that names rows, for what holds a marked text.

    A text about more rows than a reader would look at names none of them.
    """
    if not rows:
        return Markup("")
    if len(rows) > _MANY:
        return Markup(' data-given="{}"').format(
            f"{given}: it counts {len(rows)} rows, from {rows[0]} to {rows[-1]}"
        )
    return Markup(' data-row="{}"').format(" ".join(rows))
