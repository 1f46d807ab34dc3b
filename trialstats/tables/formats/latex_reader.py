r"""Read tables back from LaTeX: what TeX would print.

The reader takes a document apart as TeX does, into characters, commands and groups,
and prints the commands of the tables. A command that it does not know is an error: it
might print, or run, anything.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trialstats.errors import DataError
from trialstats.tables.formats.gathering import Line, Part, ReadRow, gathered
from trialstats.tables.formats.printed import PrintedTable

_TOKEN = re.compile(r"\\([a-zA-Z]+) *|\\(.)|%[^\n]*\n[ \t]*|([{}])|(.)", re.DOTALL)

#: Commands that print one character.
_CHARACTERS = {
    "textbackslash": "\\",
    "textasciicircum": "^",
    "textasciitilde": "~",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "newline": " ",
    "leq": "\N{LESS-THAN OR EQUAL TO}",
    "geq": "\N{GREATER-THAN OR EQUAL TO}",
    "neq": "\N{NOT EQUAL TO}",
    "approx": "\N{ALMOST EQUAL TO}",
    "rightarrow": "\N{RIGHTWARDS ARROW}",
    "infty": "\N{INFINITY}",
    "allowbreak": "",
}

#: Commands of lines outside the body, and the styles that they stand for.
_LINES = {
    "tableprotocol": "Protocol",
    "tablepopulation": "Population",
    "tablenumber": "Table Number",
    "tabletitle": "Table Title",
    "tabletitlefurther": "Table Title of Further Columns",
    "tablesubtitle": "Table Subtitle",
    "tablesource": "Table Source",
}

#: Commands of a row that print nothing, and how many groups they take.
_SILENT = {"toprule": 0, "midrule": 0, "bottomrule": 0, "addlinespace": 0} | {
    "cmidrule": 1,
    "endfirsthead": 0,
}


@dataclass(slots=True)
class _Node:
    """A character, a command or a group."""

    name: str = ""
    text: str = ""
    inside: list["_Node"] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        """Whether this is a group."""
        return not self.name and not self.text


def read_latex(text: str) -> tuple[PrintedTable, ...]:
    """Return the tables of a LaTeX document, or of a part of one, as they are printed.

    Parameters
    ----------
    text : str
        The document.

    Returns
    -------
    tuple of PrintedTable
        In order; parts with further columns joined to the table that they continue.

    Raises
    ------
    DataError
        When a table holds a command that the tables do not have, or parts do not
        belong together.
    """
    found = re.findall(r"\\begin\{longtable\}(.*?)\\end\{longtable\}", text, re.DOTALL)
    return gathered([_part(one) for one in found])


def _part(text: str) -> Part:
    nodes = _nodes(text)
    columns, nodes = nodes[0], nodes[1:]
    wide = sum(node.text == ">" for node in columns.inside)
    first, rest = _divided(nodes, "endfirsthead")
    again, rest = _divided(rest, "endhead")
    foot, body = _divided(rest, "endfoot")
    part = Part()
    for row in (*_rows(first), *_rows(foot)):
        _take(part, row, wide, head=True)
    for row in _rows(body):
        _take(part, row, wide, head=False)
    repeated = Part()
    for row in _rows(again):
        _take(repeated, row, wide, head=True)
    if repeated.rows != [row for row in part.rows if row.style == "Table Head"]:
        raise DataError("the pages of a table have different heads")
    return part


def _take(part: Part, row: list[_Node], wide: int, *, head: bool) -> None:
    """Add a row to a part: a line over all columns, or cells."""
    if row and row[0].name == "tableline":
        part.lines.append(_line(row[2].inside))
        return
    cells, edges, edge = [], [], 0
    for cell in _cells(row):
        span = 1
        if cell and cell[0].name == "multicolumn":
            span, cell = int(_printed(cell[1].inside)), cell[3].inside
        edge += span
        edges.append(edge)
        cells.append(_printed(cell))
    if edge != wide:
        raise DataError(f"a row of a table has {edge} columns of {wide}")
    style = "Table Head" if head else "Table Cell"
    part.rows.append(ReadRow(style, tuple(cells), tuple(edges)))


def _line(nodes: Sequence[_Node]) -> Line:
    command, *groups = nodes
    if command.name == "tablepreface":
        label, told = (_printed(group.inside) for group in groups[1:3])
        return Line("Table Preface", f"{label}\t{told}")
    if command.name == "tablefootnote":
        mark, told = (_printed(group.inside) for group in groups)
        return Line("Table Footnote", f" {told}" if mark else told, mark)
    if command.name not in _LINES:
        raise DataError("a line of a table of no known kind", value=command.name)
    return Line(_LINES[command.name], _printed(groups[0].inside))


def _nodes(text: str) -> list[_Node]:
    """Take text apart."""
    stack: list[list[_Node]] = [[]]
    for match in _TOKEN.finditer(text):
        word, symbol, brace, character = match.groups()
        if word or symbol:
            stack[-1].append(_Node(name=word or symbol))
        elif brace == "{":
            stack.append([])
        elif brace == "}":
            inside = stack.pop()
            stack[-1].append(_Node(inside=inside))
        elif character:
            stack[-1].append(_Node(text=character))
    if len(stack) != 1:
        raise DataError("braces of a table that do not close")
    return [node for node in stack[0] if node.text != "\n"]


def _divided(nodes: list[_Node], name: str) -> tuple[list[_Node], list[_Node]]:
    places = [k for k, node in enumerate(nodes) if node.name == name]
    if len(places) != 1:
        raise DataError(f"a table without \\{name}")
    return nodes[: places[0]], nodes[places[0] + 1 :]


def _rows(nodes: Sequence[_Node]) -> Iterator[list[_Node]]:
    """Yield rows, without the rules between them."""
    row: list[_Node] = []
    rule = 0
    for node in nodes:
        if rule and (node.is_group or node.text):
            # The columns of a rule: "(lr){2-3}".
            rule -= node.is_group
        elif node.name in _SILENT:
            rule = _SILENT[node.name]
        elif node.name == "\\":
            yield row
            row = []
        elif row or node.text not in {"*", " "}:
            row.append(node)
    if row:
        raise DataError("a row of a table that does not end")


def _cells(row: Sequence[_Node]) -> Iterator[list[_Node]]:
    cell: list[_Node] = []
    for node in (*row, _Node(text="&")):
        if node.text == "&":
            yield _stripped(cell)
            cell = []
        else:
            cell.append(node)


def _stripped(cell: list[_Node]) -> list[_Node]:
    while cell and cell[0].text == " ":
        cell = cell[1:]
    while cell and cell[-1].text == " ":
        cell = cell[:-1]
    return cell


def _printed(nodes: Sequence[_Node]) -> str:
    """Return what nodes print."""
    text, waiting = "", list(nodes)
    while waiting:
        node = waiting.pop(0)
        if node.text:
            text += "\N{NO-BREAK SPACE}" if node.text == "~" else node.text
        elif node.is_group:
            text += _printed(node.inside)
        elif node.name in _TAKES:
            first, last = _TAKES[node.name]
            groups = [waiting.pop(0).inside for _ in range(last)]
            text += "".join(_printed(group) for group in groups[first:])
        elif node.name == "tableother":
            number, _ = (waiting.pop(0).inside for _ in range(2))
            points = _printed(number).replace("U+", "").split(" ")
            text += "".join(chr(int(point, 16)) for point in points)
        elif node.name == "ensuremath":
            text += _maths(waiting.pop(0).inside)
        else:
            text += _symbol(node.name)
    return text


#: Commands that print groups: the first that is printed, and how many they take.
_TAKES = {
    "tablespanner": (0, 1),
    "tablelabel": (0, 1),
    "tableheading": (0, 1),
    "tablemarks": (0, 1),
    "tablestub": (1, 2),
    "tablealigned": (1, 3),
}


def _maths(nodes: Sequence[_Node]) -> str:
    return _printed(nodes).replace("-", "\N{MINUS SIGN}")


def _symbol(name: str) -> str:
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if name in set("{}$&#%_"):
        return name
    try:
        case = "CAPITAL" if name[0].isupper() else "SMALL"
        # Unicode has its own spelling of one letter.
        letter = {"LAMBDA": "LAMDA"}.get(name.upper(), name.upper())
        return unicodedata.lookup(f"GREEK {case} LETTER {letter}")
    except KeyError:
        raise DataError("a command that tables do not have", value=name) from None
