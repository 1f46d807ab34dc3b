"""The texts of a page, each with the rows that it names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import groupby

#: How a page names the source of a number that labels an axis.
OF_AXIS = "Scale of an axis"

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
    block : int
        Number of the paragraph, cell or heading that holds it.
    """

    text: str
    rows: tuple[str, ...]
    given: str
    path: tuple[str, ...]
    block: int


def texts_of_page(page: str) -> list[Said]:
    """Return the texts of an HTML page, in its order; white space alone is none.

    >>> [(s.text, s.rows) for s in texts_of_page('<p data-row="a b">5 <i>of</i></p>')]
    [('5 ', ('a', 'b')), ('of', ('a', 'b'))]
    """
    reader = _read(page)
    return [said for said in reader.said if said.text.strip()]


#: Elements that hold texts which are read together.
_BLOCKS = {
    *("p", "li", "td", "th", "dt", "dd", "caption", "figcaption", "summary", "svg"),
    *("sup", "sub"),
    *("div", "section", "article", "header", "nav", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "title", "button", "option", "label"),
}


def _read(page: str) -> "_Reader":
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    rows: tuple[str, ...]
    given: str
    block: int


_OUTSIDE = _Open("", (), "", 0)


@dataclass
class _Reader(HTMLParser):
    said: list[Said] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    blocks: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        named = dict(attrs)
        around = self.stack[-1] if self.stack else _OUTSIDE
        rows, given, block = around.rows, around.given, around.block
        if tag in _BLOCKS or (tag == "span" and named.get("class")):
            self.blocks += 1
            block = self.blocks
        if "data-row" in named:
            rows, given = tuple((named["data-row"] or "").split()), ""
        elif named.get("class") == "axis":
            rows, given = (), OF_AXIS
        elif "data-given" in named:
            rows, given = (), named["data-given"] or ""
        self.stack.append(_Open(tag, rows, given, block))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Do nothing: an element that closes itself has no text."""

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            if self.stack.pop().tag == tag:
                return

    def handle_data(self, data: str) -> None:
        path = tuple(one.tag for one in self.stack)
        if not _UNREAD & set(path):
            one = self.stack[-1] if self.stack else _OUTSIDE
            self.said.append(Said(data, one.rows, one.given, path, one.block))


def blocks_of_page(page: str) -> Iterator[list[Said]]:
    """Yield the texts of each paragraph, cell or heading of a page together."""
    for _, texts in groupby(_read(page).said, key=lambda said: said.block):
        listed = list(texts)
        if any(said.text.strip() for said in listed):
            yield listed
