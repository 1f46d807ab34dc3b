"""Read tables back from DOCX: what a word processor would show."""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from trialstats.tables.formats.gathering import Line, Part, ReadRow, gathered
from trialstats.tables.formats.printed import PrintedTable

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"

#: Elements of a run that stand for a character.
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": " ", f"{_W}noBreakHyphen": "\u2011"}


def read_docx(data: bytes) -> tuple[PrintedTable, ...]:
    """Return the tables of a DOCX document as they are printed.

    Parameters
    ----------
    data : bytes
        The document.

    Returns
    -------
    tuple of PrintedTable
        In order; parts with further columns joined to the table that they continue.

    Raises
    ------
    DataError
        When parts do not belong together.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    return gathered(list(_Document(files).parts()))


class _Document:
    """The files of a package."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        styles = ElementTree.fromstring(files["word/styles.xml"])
        self.styles = {
            style.get(f"{_W}styleId", ""): _value(style.find(f"{_W}name"))
            for style in styles.iter(f"{_W}style")
        }
        relations = ElementTree.fromstring(files["word/_rels/document.xml.rels"])
        self.targets = {r.get("Id", ""): r.get("Target", "") for r in relations}

    def parts(self) -> Iterator[Part]:
        """Yield what stands in each section."""
        body = ElementTree.fromstring(self.files["word/document.xml"])[0]
        part = Part()
        for element in body:
            if element.tag == f"{_W}tbl":
                part.rows += map(self._row, element.findall(f"{_W}tr"))
            elif element.tag == f"{_W}p":
                part.lines.append(self._line(element))
            ends = [*element.iter(f"{_W}sectPr")]
            if ends:
                part.lines += self._around(ends[0])
                yield part
                part = Part()

    def _around(self, section: ElementTree.Element) -> Iterator[Line]:
        """Yield the lines of header and footer."""
        for kind in ("header", "footer"):
            for reference in section.findall(f"{_W}{kind}Reference"):
                target = self.targets[reference.get(f"{_R}id", "")]
                name = posixpath.normpath(posixpath.join("word", target))
                content = ElementTree.fromstring(self.files[name])
                yield from map(self._line, content.iter(f"{_W}p"))

    def _row(self, row: ElementTree.Element) -> ReadRow:
        cells, edges, style, edge = [], [], "", 0
        for cell in row.findall(f"{_W}tc"):
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            edge += int(_value(span) or 1)
            lines = [self._line(p) for p in cell.iter(f"{_W}p")]
            cells.append(" ".join(line.raised + line.text for line in lines))
            style = style or lines[0].style
            edges.append(edge)
        return ReadRow(style, tuple(cells), tuple(edges))

    def _line(self, paragraph: ElementTree.Element) -> Line:
        style = _value(paragraph.find(f"{_W}pPr/{_W}pStyle"))
        runs = [_run(run) for run in paragraph.iter(f"{_W}r")]
        raised = ""
        while len(runs) > 1 and runs[0][1]:
            raised += runs.pop(0)[0]
        return Line(self.styles.get(style, ""), "".join(t for t, _ in runs), raised)


def _run(run: ElementTree.Element) -> tuple[str, bool]:
    """Return the text of a run, and whether it is raised."""
    text = ""
    for element in run:
        if element.tag == f"{_W}t":
            text += element.text or ""
        else:
            text += _CHARACTERS.get(element.tag, "")
    look = run.find(f"{_W}rPr/{_W}vertAlign")
    return text, _value(look) == "superscript"


def _value(element: ElementTree.Element | None) -> str:
    return "" if element is None else element.get(f"{_W}val", "")
