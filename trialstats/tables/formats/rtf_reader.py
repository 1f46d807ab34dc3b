r"""Read tables back from RTF: what a word processor would show.

The reader knows RTF and the names of our styles, and nothing of how the document was
written: groups, control words, ``\u`` with its substitutes, ``\'`` in code page 1252,
destinations that are not text.
"""

import re
from dataclasses import dataclass, field, replace
from itertools import groupby

from trialstats.tables.formats.gathering import Line, Part, ReadRow, gathered
from trialstats.tables.formats.printed import PrintedTable

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]+)(?P<value>-?\d+)? ?"
    r"|\\'(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<symbol>[^a-zA-Z'])"
    r"|(?P<brace>[{}])"
    r"|[\r\n]+"
    r"|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)

#: Destinations whose text is not on the page.
_HIDDEN = frozenset({"fonttbl", "colortbl", "info", "fldinst", "pict", "object"})

#: Control words that stand for a character.
_CHARACTERS = {"tab": "\t", "line": " ", "emdash": "—", "endash": "–", "bullet": "•"}


@dataclass(slots=True)
class _State:
    """What a group inherits and its end takes back."""

    place: str = "body"
    hidden: bool = False
    raised: bool = False
    style: int = 0
    skip: int = 1


@dataclass(slots=True)
class _Reader:
    """The document so far."""

    state: _State = field(default_factory=_State)
    stack: list[_State] = field(default_factory=list)
    styles: dict[int, str] = field(default_factory=dict)
    text: list[tuple[str, bool]] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)
    cells: list[tuple[str, str]] = field(default_factory=list)
    part: Part = field(default_factory=Part)
    parts: list[Part] = field(default_factory=list)
    to_skip: int = 0
    ignorable: bool = False


def read_rtf(data: bytes) -> tuple[PrintedTable, ...]:
    """Return the tables of an RTF document as they are printed.

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
    reader = _Reader()
    for match in _TOKEN.finditer(data.decode("latin-1")):
        _take(reader, match)
    reader.parts.append(reader.part)
    return gathered(reader.parts)


def _take(reader: _Reader, match: re.Match[str]) -> None:
    kind = match.lastgroup
    if kind == "brace":
        _brace(reader, match["brace"])
    elif match["word"]:
        _word(reader, match["word"], match["value"])
    elif kind == "byte":
        _show(reader, bytes([int(match["byte"], 16)]).decode("cp1252", "replace"))
    elif kind == "symbol":
        _symbol(reader, match["symbol"])
    elif kind == "text":
        _show(reader, match["text"])


def _brace(reader: _Reader, brace: str) -> None:
    if brace == "{":
        reader.stack.append(reader.state)
        reader.state = replace(reader.state)
        return
    if reader.state.place == "stylesheet":
        name = "".join(text for text, _ in reader.text).rstrip(";")
        if name:
            reader.styles[reader.state.style] = name
        reader.text.clear()
    reader.state = reader.stack.pop()


def _symbol(reader: _Reader, symbol: str) -> None:
    if symbol == "*":
        reader.ignorable = True
    else:
        shown = {"~": "\N{NO-BREAK SPACE}", "_": "\N{NON-BREAKING HYPHEN}", "-": ""}
        _show(reader, shown.get(symbol, symbol))


def _word(reader: _Reader, word: str, value: str | None) -> None:
    state = reader.state
    if reader.ignorable or word in _HIDDEN:
        state.hidden, reader.ignorable = True, False
    elif word in {"header", "footer", "headerf", "footerf", "stylesheet"}:
        state.place = word
    elif word == "u":
        _show(reader, chr(int(value or 0) % 65536))
        reader.to_skip = state.skip
    elif word == "uc":
        state.skip = int(value or 1)
    elif word == "super":
        state.raised = value != "0"
    elif word in {"pard", "plain"}:
        state.raised, state.style = False, 0
    elif word == "s":
        state.style = int(value or 0)
    elif word in _CHARACTERS:
        _show(reader, _CHARACTERS[word])
    else:
        _structure(reader, word, value)


def _structure(reader: _Reader, word: str, value: str | None) -> None:
    if word == "trowd":
        reader.edges, reader.cells = [], []
    elif word == "cellx":
        reader.edges.append(int(value or 0))
    elif word == "cell":
        line = _taken(reader)
        reader.cells.append((line.style, line.raised + line.text))
    elif word == "row":
        _end_row(reader)
    elif word == "par":
        _end_line(reader)
    elif word == "sect":
        reader.parts.append(reader.part)
        reader.part = Part()


def _show(reader: _Reader, text: str) -> None:
    skipped = min(reader.to_skip, len(text))
    reader.to_skip -= skipped
    if not reader.state.hidden and text[skipped:]:
        reader.text.append((text[skipped:], reader.state.raised))


def _taken(reader: _Reader) -> Line:
    """Return the line that ends here; what is raised at its beginning is its mark."""
    runs = _merged(reader.text)
    reader.text.clear()
    raised = ""
    while len(runs) > 1 and runs[0][1]:
        raised += runs.pop(0)[0]
    style = reader.styles.get(reader.state.style, "")
    return Line(style, "".join(text for text, _ in runs), raised)


def _merged(runs: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Join neighbours that stand alike, and halves of characters of two."""
    merged = []
    for raised, group in groupby(runs, key=lambda run: run[1]):
        halves = "".join(text for text, _ in group).encode("utf-16", "surrogatepass")
        merged.append((halves.decode("utf-16", "replace"), raised))
    return merged


def _end_line(reader: _Reader) -> None:
    line = _taken(reader)
    # The first page has a header of its own, which says the same as the others.
    if reader.state.place in {"body", "headerf", "footerf"}:
        reader.part.lines.append(line)


def _end_row(reader: _Reader) -> None:
    if reader.state.place == "body":
        texts = tuple(text for _, text in reader.cells)
        style = reader.cells[0][0] if reader.cells else ""
        reader.part.rows.append(ReadRow(style, texts, tuple(reader.edges)))
    reader.cells = []
