"""Texts that are no results: what a configuration, a file or the library itself says.

A page prints names of trials, visits and files, and versions, beside its results. Their
digits stand in no row; the page says where each comes from.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """A text, and where it is from."""

    text: str
    source: str


def texts_of(value: Any, source: str) -> tuple[Given, ...]:
    """Return the texts with digits in a configuration, each with its key.

    A bare number is left out: it would be found in every number that repeats it.

    Parameters
    ----------
    value : Any
        The configuration or a part of it.
    source : str
        Where it stands, such as the path of its file.

    Returns
    -------
    tuple of Given
        Values that are texts, and keys, in the order of the configuration.

    Examples
    --------
    >>> texts_of({"visits": {"Week 4": [1, 28]}}, "a.yaml")[0]
    Given(text='Week 4', source='a.yaml: visits')
    """
    return tuple(_leaves(value, source, ()))


def _leaves(value: Any, source: str, path: tuple[str, ...]) -> Iterator[Given]:
    place = f"{source}: {'.'.join(path)}" if path else source
    if isinstance(value, Mapping):
        for key, part in value.items():
            if _is_text(key):
                yield Given(str(key), place)
            yield from _leaves(part, source, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part, source, path)
    elif _is_text(value):
        yield Given(str(value), place)


def _is_text(value: Any) -> bool:
    """Return whether a value is a text with a digit and a letter."""
    if not isinstance(value, str):
        return False
    return bool(_DIGITS.search(value) and _LETTER.search(value))


_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[^\W\d_]")


class Known:
    """Finds the given text that a number on the page is part of.

    Parameters
    ----------
    given : iterable of Given
        Of texts that hold one another the longest counts, of equal ones the first.
    """

    def __init__(self, given: Iterable[Given]) -> None:
        self._by_digits: dict[str, list[Given]] = defaultdict(list)
        for one in sorted(dict.fromkeys(given), key=lambda g: -len(g.text)):
            for digits in dict.fromkeys(_DIGITS.findall(one.text)):
                self._by_digits[digits].append(one)

    def source(self, text: str, start: int, end: int) -> str:
        """Return where the characters from `start` to `end` of a text are from.

        Returns
        -------
        str
            The source of the longest given text that covers them; "" for none.
        """
        digits = _DIGITS.search(text, start, end)
        if digits is None:
            return ""
        for one in self._by_digits.get(digits.group(), ()):
            for at in _places(one.text, text):
                if at <= start and end <= at + len(one.text):
                    return one.source
        return ""


def _places(part: str, text: str) -> Iterator[int]:
    """Yield where a part stands in a text as words of its own, in any case."""
    low, wanted = text.lower(), part.lower()
    at = low.find(wanted)
    while at >= 0:
        around = low[at - 1 : at] + low[at + len(wanted) : at + len(wanted) + 1]
        if not any(character.isalnum() for character in around):
            yield at
        at = low.find(wanted, at + 1)
