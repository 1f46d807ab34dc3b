r"""Print tables as RTF in the layout of a study report.

Every part of a table is a section. The header of its pages holds protocol, population,
page number, table number and titles and, from the second page on, the head of the
table; the footer holds footnotes and source. So each page has them, however a word
processor breaks the pages: not every one repeats rows that RTF marks as a head.

The rows are written by rtflite. It would take ``\alpha`` in a text for a letter and
``{`` for a group, so it is given texts in which nothing is left to interpret.
"""

from collections.abc import Callable, Iterator, Sequence

from trialstats.tables.formats.drawn import (
    PADDING,
    STYLES,
    DrawnCell,
    DrawnRow,
    drawn_rows,
    hang,
    layout_of,
    title_lines,
)
from trialstats.tables.formats.layout import Layout
from trialstats.tables.formats.page import POINTS, Page
from trialstats.tables.formats.texts import plain
from trialstats.tables.table import Table

#: Twentieths of a point.
TWIPS = 20

#: Looks of the lines above a table.
_LOOKS = {
    "Population": "",
    "Table Number": "\\qc\\sb120\\b",
    "Table Title": "\\qc\\b",
    "Table Title of Further Columns": "\\qc\\b",
    "Table Subtitle": "\\qc",
}


def to_rtf(tables: Sequence[Table], *, page: Page | None = None) -> bytes:
    r"""Return tables as one RTF document.

    Parameters
    ----------
    tables : sequence of Table
        Each begins a page.
    page : Page, optional
        Paper and type; landscape Letter in Courier New 9 when absent.

    Returns
    -------
    bytes
        ASCII, the same for the same tables: every other character is written as
        ``\u``, and no text of a table is read as a control word.
    """
    page = page or Page()
    write_row = _row_writer(page)
    sections = (
        "".join(_Section(layout, number, page, write_row).lines())
        for layout in (layout_of(table, page) for table in tables)
        for number in range(len(layout.parts))
    )
    return (_start(page) + "\\sect\n".join(sections) + "}\n").encode("ascii")


def escaped(text: str) -> str:
    r"""Return text as RTF that prints it.

    >>> escaped(r"{\b x} − 😀")
    '\\{\\\\b x\\} \\u8722? \\u-10179?\\u-8704?'
    """
    return "".join(_character(c) for c in plain(text))


def _character(character: str) -> str:
    if character in "\\{}":
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-le")
    pairs = (units[k : k + 2] for k in range(0, len(units), 2))
    return "".join(f"\\u{int.from_bytes(p, 'little', signed=True)}?" for p in pairs)


def _start(page: Page) -> str:
    styles = "".join(f"{{\\s{n} {name};}}" for n, name in enumerate(STYLES))
    return (
        "{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0\\deflang1033\n"
        f"{{\\fonttbl{{\\f0\\fmodern\\fcharset0\\fprq1 {page.font};}}}}\n"
        f"{{\\stylesheet{styles}}}\n"
        f"\\paperw{_twips(page.width)}\\paperh{_twips(page.height)}"
        f"{_margins(page)}{_lies(page, 'landscape')}\\widowctrl\\fs{2 * page.size}\n"
    )


def _margins(page: Page, suffix: str = "") -> str:
    margin = _twips(page.margin)
    return "".join(f"\\marg{side}{suffix}{margin}" for side in "lrtb")


def _lies(page: Page, word: str) -> str:
    return f"\\{word}" if page.orientation == "landscape" else ""


class _Section:
    """One part of a table as a section of the document."""

    def __init__(
        self,
        layout: Layout,
        number: int,
        page: Page,
        write_row: Callable[[DrawnRow], str],
    ) -> None:
        self.table, self.page, self.first = layout.table, page, number == 0
        rows = [
            (r.head, write_row(r)) for r in drawn_rows(layout, layout.parts[number])
        ]
        self.head = [text for is_head, text in rows if is_head]
        self.body = [text for _, text in rows]

    def lines(self) -> Iterator[str]:
        """Yield the section: its settings, headers, footers and body."""
        page = self.page
        edge = _twips(page.margin * 0.6)
        yield f"\\sectd\\sbkpage\\titlepg\\pgwsxn{_twips(page.width)}"
        yield f"\\pghsxn{_twips(page.height)}{_margins(page, 'sxn')}"
        yield f"{_lies(page, 'lndscpsxn')}\\headery{edge}\\footery{edge}\n"
        header, footer = list(self._header()), list(self._footer())
        small = self._line("Normal", "", "\\fs2")
        yield from ("{\\headerf\n", *header, "}\n{\\footerf\n", *footer, "}\n")
        yield from ("{\\header\n", *header, *self.head, small, "}\n")
        yield from ("{\\footer\n", *footer, "}\n")
        # A section that begins with a row would be taken for more of the last table.
        yield from (self._preface() if self.first else ())
        yield from (small, *self.body, small)

    def _header(self) -> Iterator[str]:
        table = self.table
        number = "Page {} of {}".format(*map(_field, ("PAGE", "NUMPAGES")))
        right = f"\\tqr\\tx{_twips(self.page.text_width)}"
        yield self._line("Protocol", f"{escaped(table.protocol)}\\tab {number}", right)
        for style, text in title_lines(table, self.first):
            yield self._line(style, escaped(text), _LOOKS[style])
        yield self._line("Normal", "", "\\fs8")

    def _footer(self) -> Iterator[str]:
        rule = "\\brdrt\\brdrs\\brdrw10\\brsp40"
        for mark, text in self.table.footnotes:
            raised = f"{{\\super {escaped(mark)}}} " if plain(mark) else ""
            yield self._line("Table Footnote", raised + escaped(text), rule)
            rule = ""
        if self.table.source:
            source = f"Source: {escaped(self.table.source)}"
            yield self._line("Table Source", source, rule)
        yield self._line("Normal", "", "\\fs2")

    def _preface(self) -> Iterator[str]:
        """Yield estimand and model, which stand above the body on the first page."""
        if not self.table.preface:
            return
        left = round(hang(self.table) * self.page.character * TWIPS)
        place = f"\\li{left}\\fi-{left}\\tx{left}"
        for label, cell in self.table.preface:
            told = _content(plain(cell.text), cell.marks)
            text = f"{{\\b {escaped(label)}}}\\tab {told}"
            yield self._line("Table Preface", text, place)
        yield self._line("Normal", "", "\\fs6")

    def _line(self, style: str, text: str, look: str = "") -> str:
        type_ = "" if "\\fs" in look else f"\\fs{2 * self.page.size}"
        start = f"\\pard\\plain\\s{STYLES.index(style)}\\f0"
        return f"{{{start}{type_}{look} {text}\\par}}\n"


def _row_writer(page: Page) -> Callable[[DrawnRow], str]:
    """Return what writes a row; rtflite is imported where rows are written only."""
    from rtflite.row import Border, Cell, Row, TextContent

    rule = Border(style="single", width=10)

    def cell(drawn: DrawnCell, edge: float) -> Cell:
        text = TextContent(
            text=_content(drawn.text, drawn.marks),
            size=page.size,
            format="b" if drawn.bold else None,
            justification=drawn.side[0],
            indent_left=round(drawn.indent * page.character * TWIPS),
            convert=False,
            hyphenation=False,
            space_before=25,
            space_after=15,
        )
        return Cell(
            text=text,
            width=edge * page.character / POINTS,
            vertical_justification="bottom" if drawn.bold else "top",
            border_top=rule if drawn.top else None,
            border_bottom=rule if drawn.bottom else None,
            border_left=None,
            border_right=None,
        )

    def write(row: DrawnRow) -> str:
        edge, made = 0.0, []
        for drawn in row.cells:
            edge += drawn.width
            made.append(cell(drawn, edge))
        start, *rest = Row(row_cells=made, height=2 * PADDING)._as_rtf()
        # What rtflite has no words for: whole rows, styles, and rows kept together.
        start = start.replace("\\trowd", "\\trowd\\trkeep", 1)
        keep = "\\keepn" if row.keep else ""
        inside = f"\\pard\\intbl\\s{STYLES.index(row.style)}{keep}"
        lines = [
            line.replace("\\pard", inside, 1) if line.endswith("\\cell") else line
            for line in rest
        ]
        return "\n".join([start, *lines]) + "\n"

    return write


def _field(name: str) -> str:
    return f"{{\\field{{\\*\\fldinst {name}}}{{\\fldrslt 1}}}}"


def _content(text: str, marks: str) -> str:
    lines = "\\line ".join(escaped(line) for line in text.split("\n"))
    return lines + (f"{{\\super {escaped(marks)}}}" if marks else "")


def _twips(inches: float) -> int:
    return round(inches * POINTS * TWIPS)
