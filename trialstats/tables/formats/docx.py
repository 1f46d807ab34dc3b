"""Print tables as DOCX in the layout of a study report.

Every part of a table is a section, whose header and footer hold what stands on each of
its pages. python-docx makes the package; its parts are written here as they are, since
a table of thousands of rows made cell by cell takes minutes.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

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
from trialstats.tables.formats.layout import Layout, Part
from trialstats.tables.formats.page import POINTS, Page
from trialstats.tables.formats.texts import plain
from trialstats.tables.table import Table

#: Twentieths of a point.
_TWIPS = 20

#: The date of every file of the package; no earlier one can be written.
_DATE = (1980, 1, 1, 0, 0, 0)

_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

_CENTRED = '<w:jc w:val="center"/>'

#: Looks of the lines above a table.
_LOOKS = {
    "Population": ("", False),
    "Table Number": (f'<w:spacing w:before="120"/>{_CENTRED}', True),
    "Table Title": (_CENTRED, True),
    "Table Title of Further Columns": (_CENTRED, True),
    "Table Subtitle": (_CENTRED, False),
}

_RULE = '<w:pBdr><w:top w:val="single" w:sz="4" w:space="2" w:color="auto"/></w:pBdr>'


def to_docx(tables: Sequence[Table], *, page: Page | None = None) -> bytes:
    """Return tables as one DOCX document.

    Parameters
    ----------
    tables : sequence of Table
        Each begins a page.
    page : Page, optional
        Paper and type; landscape Letter in Courier New 9 when absent.

    Returns
    -------
    bytes
        The same for the same tables: the document holds no times and no author.
    """
    page = page or Page()
    document = _empty_document(page, tables[0].title if tables else "")
    layouts = [layout_of(table, page) for table in tables]
    parts = [(one, n) for one in layouts for n in range(len(one.parts))]
    for position, (layout, n) in enumerate(parts):
        section = _next_section(document) if position else document.sections[0]
        _fill_section(section, layout.table, page, first=n == 0)
        lines = _body(layout, layout.parts[n], page, first=n == 0)
        for element in _elements("".join(lines)):
            document.element.body.sectPr.addprevious(element)
    buffer = io.BytesIO()
    document.save(buffer)
    return _without_times(buffer.getvalue())


def _empty_document(page: Page, title: str) -> Any:
    """Return a document with our styles, and without what python-docx ships."""
    from docx import Document
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt

    document = Document()
    styles = document.styles
    for style in list(styles.element.style_lst):
        if style.get(qn("w:type")) != "paragraph" and not style.get(qn("w:default")):
            styles.element.remove(style)
    for name in STYLES:
        known = name == "Normal"
        style = (
            styles[name] if known else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        )
        style.font.name, style.font.size = page.font, Pt(page.size)
        style.element.rPr.rFonts.set(qn("w:eastAsia"), page.font)
        style.element.rPr.rFonts.set(qn("w:cs"), page.font)
        look = style.paragraph_format
        look.space_before, look.space_after, look.line_spacing = Pt(0), Pt(0), 1.0
    for holder in (document.part.rels, document.part.package.rels):
        for key, relation in list(holder.items()):
            if relation.reltype.endswith(("WithEffects", "customXml", "thumbnail")):
                del holder[key]
    told = document.core_properties
    for child in list(told._element):
        told._element.remove(child)
    told.title = plain(title)[:255]
    return document


def _next_section(document: Any) -> Any:
    """Add a section; the line that ends the one before takes no room."""
    added = document.add_section()
    end = document.element.body.sectPr.getprevious().pPr
    (small,) = _elements(_small(1))
    for child in reversed(list(small.pPr)):
        end.insert(0, child)
    return added


def _fill_section(section: Any, table: Table, page: Page, *, first: bool) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Inches

    lies = page.orientation == "landscape"
    section.orientation = WD_ORIENT.LANDSCAPE if lies else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Inches(page.width), Inches(page.height)
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Inches(page.margin))
    section.header_distance = section.footer_distance = Inches(page.margin * 0.6)
    for part, lines in (
        (section.header, _header(table, page, first)),
        (section.footer, _footer(table)),
    ):
        part.is_linked_to_previous = False
        element = part._element
        for child in list(element):
            element.remove(child)
        element.extend(_elements("".join(lines)))


def _header(table: Table, page: Page, first: bool) -> Iterator[str]:
    right = round(page.text_width * POINTS * _TWIPS)
    tab = f'<w:tabs><w:tab w:val="right" w:pos="{right}"/></w:tabs>'
    number = f"{_run('Page ')}{_field('PAGE')}{_run(' of ')}{_field('NUMPAGES')}"
    line = f"{_run(plain(table.protocol))}<w:r><w:tab/></w:r>{number}"
    yield _paragraph("Protocol", line, tab)
    for style, text in title_lines(table, first):
        look, bold = _LOOKS[style]
        yield _paragraph(style, _run(text, bold=bold), look)
    yield _small(4)


def _footer(table: Table) -> Iterator[str]:
    look = _RULE
    for mark, text in table.footnotes:
        raised = _run(plain(mark), raised=True)
        raised += _run(" ") if raised else ""
        yield _paragraph("Table Footnote", raised + _run(plain(text)), look)
        look = ""
    if table.source:
        source = _run(f"Source: {plain(table.source)}")
        yield _paragraph("Table Source", source, look)
    yield _small(1)


def _body(layout: Layout, part: Part, page: Page, *, first: bool) -> Iterator[str]:
    table = layout.table
    if first and table.preface:
        left = round(hang(table) * page.character * _TWIPS)
        look = (
            f'<w:tabs><w:tab w:val="left" w:pos="{left}"/></w:tabs>'
            f'<w:ind w:left="{left}" w:hanging="{left}"/>'
        )
        for label, cell in table.preface:
            text = _run(plain(cell.text)) + _run(plain(cell.marks), raised=True)
            line = f"{_run(plain(label), bold=True)}<w:r><w:tab/></w:r>{text}"
            yield _paragraph("Table Preface", line, look)
        yield _small(4)
    yield from _table(layout, part, page)
    # A document may not end with a table.
    yield _small(1)


def _table(layout: Layout, part: Part, page: Page) -> Iterator[str]:
    unit = page.character * _TWIPS
    widths = [round(wide * unit) for wide in part.widths]
    side = round(PADDING * POINTS * _TWIPS)
    yield (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>{_CENTRED}'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar>'
        f'<w:left w:w="{side}" w:type="dxa"/><w:right w:w="{side}" w:type="dxa"/>'
        f"</w:tblCellMar><w:tblCaption w:val={quoteattr(plain(layout.table.title))}/>"
        "</w:tblPr><w:tblGrid>"
    )
    yield "".join(f'<w:gridCol w:w="{wide}"/>' for wide in widths) + "</w:tblGrid>"
    for row in drawn_rows(layout, part):
        head = "<w:tblHeader/>" if row.head else ""
        cells = "".join(_cell(cell, row, unit) for cell in row.cells)
        yield f"<w:tr><w:trPr><w:cantSplit/>{head}</w:trPr>{cells}</w:tr>"
    yield "</w:tbl>"


def _cell(cell: DrawnCell, row: DrawnRow, unit: float) -> str:
    rules = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="auto"/>'
        for edge, drawn in (("top", cell.top), ("bottom", cell.bottom))
        if drawn
    )
    borders = f"<w:tcBorders>{rules}</w:tcBorders>" if rules else ""
    span = f'<w:gridSpan w:val="{cell.span}"/>' if cell.span > 1 else ""
    keep = "<w:keepNext/>" if row.keep else ""
    stands = '<w:vAlign w:val="bottom"/>' if row.head else ""
    indent = f'<w:ind w:left="{round(cell.indent * unit)}"/>' if cell.indent else ""
    look = (
        f'{keep}<w:spacing w:before="20" w:after="10"/>{indent}'
        f'<w:jc w:val="{cell.side}"/>'
    )
    lines = [_run(line, bold=cell.bold) for line in cell.text.split("\n")]
    text = "<w:r><w:br/></w:r>".join(lines) + _run(cell.marks, raised=True)
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{round(cell.width * unit)}" w:type="dxa"/>'
        f"{span}{borders}{stands}</w:tcPr>{_paragraph(row.style, text, look)}</w:tc>"
    )


def _paragraph(style: str, runs: str, look: str = "") -> str:
    named = style.replace(" ", "")
    return f'<w:p><w:pPr><w:pStyle w:val="{named}"/>{look}</w:pPr>{runs}</w:p>'


def _small(points: int) -> str:
    """Return an empty line that is so high."""
    look = f'<w:spacing w:line="{points * _TWIPS}" w:lineRule="exact"/>'
    return _paragraph("Normal", "", look)


def _run(text: str, *, bold: bool = False, raised: bool = False) -> str:
    if not text:
        return ""
    look = "<w:b/>" if bold else ""
    look += '<w:vertAlign w:val="superscript"/>' if raised else ""
    look = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _field(name: str) -> str:
    return f'<w:fldSimple w:instr="{name}"><w:r><w:t>1</w:t></w:r></w:fldSimple>'


def _elements(xml: str) -> list[Any]:
    from docx.oxml import parse_xml

    return list(parse_xml(f"<w:body {_NAMESPACE}>{xml}</w:body>"))


def _without_times(package: bytes) -> bytes:
    """Write a package again: files in the order of their names, with one date."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as made,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as clean,
    ):
        # The list of contents comes first; that is how programs know the package.
        names = sorted(made.namelist(), key=lambda n: (n != "[Content_Types].xml", n))
        for name in names:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            clean.writestr(entry, made.read(name))
    return buffer.getvalue()
