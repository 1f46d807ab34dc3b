"""The texts of a page, each with the rows that it names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: Elements that have no end.
_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link"),
    *("meta", "source", "track", "wbr"),
}

#: Elements whose text nobody reads on the page.
_UNREAD = frozenset({"script", "style", "template", "desc"})


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a page.

    Attributes
    ----------
    text : str
        What stands between two tags.
    rows : tuple of str
        The ``row_id`` of each row that the nearest element around it names.
    given : str
        Where the text comes from when it prints no row, as the page says it.
    path : tuple of str
        The elements around it, outermost first.
    """

    text: str
    rows: tuple[str, ...]
    given: str
    path: tuple[str, ...]


def texts_of_page(page: str) -> list[Said]:
    """Return the texts of an HTML page, in its order; white space alone is none.

    >>> [(s.text, s.rows) for s in texts_of_page('<p data-row="a b">5 <i>of</i></p>')]
    [('5 ', ('a', 'b')), ('of', ('a', 'b'))]
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.said


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    rows: tuple[str, ...]
    given: str


@dataclass
class _Reader(HTMLParser):
    said: list[Said] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        named = dict(attrs)
        around = self.stack[-1] if self.stack else _Open("", (), "")
        rows, given = around.rows, around.given
        if "data-row" in named:
            rows, given = tuple((named["data-row"] or "").split()), ""
        elif "data-given" in named:
            rows, given = (), named["data-given"] or ""
        self.stack.append(_Open(tag, rows, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Do nothing: an element that closes itself has no text."""

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            if self.stack.pop().tag == tag:
                return

    def handle_data(self, data: str) -> None:
        path = tuple(one.tag for one in self.stack)
        if data.strip() and not _UNREAD & set(path):
            around = self.stack[-1] if self.stack else _Open("", (), "")
            self.said.append(Said(data, around.rows, around.given, path))


def said_with_numbers(page: str) -> Iterator[Said]:
    """Yield the texts of a page in which there is a digit."""
    return (said for said in texts_of_page(page) if any(c.isdigit() for c in said.text))
