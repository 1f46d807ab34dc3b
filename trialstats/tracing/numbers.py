"""The numbers in a text, as a reader sees them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from trialstats.formatting import MINUS

#: A sign only where nothing stands before it that it could separate: the hyphen of
#: "0-10" and of "12-week" is none.
_NUMBER = re.compile(
    rf"""
    (?P<version>(?<![\w.])\d+(?:\.\d+){{2,}}(?!\w))
    |
    (?P<bound>[<>≤≥]\ ?)?
    (?P<sign>(?<![\w.%)\]])[-+{MINUS}])?
    (?P<digits>\d{{1,3}}(?:[,\u202f\u2009]\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?:e(?P<power>[-+{MINUS}]?\d{{1,3}})|×10(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?
    """,
    re.VERBOSE,
)

#: What makes digits the end of a name, such as HAMD17 or COMP8FL.
_NAME = re.compile(r"[^\W\d]|_")

#: The same behind a hyphen: SF-36, or the parts of a ``row_id``.
_JOINED = re.compile(r"[^\W\d]-")


_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes
    ----------
    start, end : int
        Where it stands, with its sign and its bound.
    text : str
        As printed.
    value : Decimal
        What it is.
    decimals : int
        Digits after the point.
    bound : str
        "<" or ">" of a bound such as "<0.001", or nothing.
    """

    start: int
    end: int
    text: str
    value: Decimal
    decimals: int
    bound: str

    @property
    def signed(self) -> bool:
        """Whether a sign is printed."""
        return self.text.lstrip("<>≤≥ ")[:1] in ("-", "+", MINUS)

    @property
    def scientific(self) -> bool:
        """Whether it is printed with a power of ten."""
        return "e" in self.text or "×" in self.text


def numbers_in(text: str) -> list[Number]:
    """Return the numbers in a text, from left to right.

    Digits that end a name are part of it; superscripts, and versions with two points or
    more, are no numbers.

    >>> [n.text for n in numbers_in("HAMD17: −0.34 (−0.95 to 0.27), p <0.001, I² 61%")]
    ['−0.34', '−0.95', '0.27', '<0.001', '61']
    >>> [str(n.value) for n in numbers_in("0-10, 1,250 of 2e−12, trialstats 0.1.0")]
    ['0', '10', '1250', '2E-12']
    """
    return list(_numbers(text))


def _numbers(text: str) -> Iterator[Number]:
    position = 0
    while found := _NUMBER.search(text, position):
        position = found.end()
        if found["version"]:
            continue
        before = text[found.start() - 1 : found.start()]
        joined = _JOINED.fullmatch(text[max(found.start() - 2, 0) : found.start()])
        if (_NAME.match(before) or joined) and not found["bound"]:
            # The rest of the name is no number either.
            rest = re.compile(r"[\w.-]*\w" if joined else r"[\w.]*").match(
                text, position
            )
            position = rest.end() if rest else position
            continue
        digits = re.sub(r"[,\u202f\u2009]", "", found["digits"])
        sign = "-" if found["sign"] in ("-", MINUS) else ""
        raised = (found["raised"] or "").translate(_RAISED)
        power = (found["power"] or raised).replace(MINUS, "-")
        try:
            value = Decimal(f"{sign}{digits}E{power}" if power else sign + digits)
        except InvalidOperation:  # pragma: no cover - the pattern excludes it
            continue
        _, _, decimals = digits.partition(".")
        yield Number(
            found.start(),
            found.end(),
            found.group(),
            value,
            len(decimals),
            (found["bound"] or "").strip(),
        )
