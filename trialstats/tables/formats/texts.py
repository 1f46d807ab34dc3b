"""Text that every format can hold, and how wide it is in a font of one width."""

import re
import unicodedata

from trialstats.formatting import STEERING
from trialstats.tables.table import Cell

#: White space that a page shows as one space; no-break and thin spaces stay.
_BREAKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")

#: The size of an arm at the end of a heading.
_SIZE = re.compile(r" (\(N = [^ ()]+\))$")

#: What becomes of a character that no document may hold.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    r"""Return text as one line of characters that every format can hold.

    Runs of white space become one space, as a browser shows them. Control characters,
    marks of direction and code points that are no characters become the replacement
    character, so that a reader sees that something was there.

    >>> plain(" two\n lines\0 ")
    'two lines�'
    """
    line = _BREAKS.sub(" ", text).strip(" ")
    return "".join(_REPLACEMENT if _is_no_text(c) else c for c in line)


def cell_text(cell: Cell) -> str:
    """Return a cell with its marks, as every format prints it."""
    return plain(cell.text) + plain(cell.marks)


def width(text: str) -> int:
    """Return how many places a text takes in a font of one width.

    >>> width("−0.34"), width("é"), width("試")
    (5, 1, 2)
    """
    if text.isascii():
        return len(text)
    return sum(_places(character) for character in text)


def head_lines(label: str) -> list[str]:
    """Return the lines of a heading: the size of an arm has one of its own.

    >>> head_lines("Placebo (N = 49)")
    ['Placebo', '(N = 49)']
    """
    return _SIZE.sub(r"\n\1", plain(label)).split("\n")


def longest_word(text: str) -> int:
    """Return the width of the longest piece that no line break may split."""
    return max((width(word) for word in text.split(" ")), default=0)


def _places(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _is_no_text(character: str) -> bool:
    if " " <= character <= "~":
        return False
    point = ord(character)
    return (
        character in STEERING
        or unicodedata.category(character) in {"Cc", "Cs"}
        or point & 0xFFFE == 0xFFFE
        or 0xFDD0 <= point <= 0xFDEF
    )
