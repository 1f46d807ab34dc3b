"""Hold what a dossier says against its rows: every number of every page and figure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.tracing.constants import CONSTANTS
from trialstats.tracing.numbers import numbers_in
from trialstats.tracing.resolving import Record, trace, unresolved


@dataclass(frozen=True, slots=True)
class Text:
    """A text that was read back.

    Attributes
    ----------
    text : str
        The text.
    rows : tuple of str
        The ``row_id`` of the rows that it names; none for a label.
    given : str
        Where it is from when one place holds it whole, such as a version.
    held : tuple of str
        Numbers in it that rows hold, as other texts say.
    """

    text: str
    rows: tuple[str, ...] = ()
    given: str = ""
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A text with numbers that no row holds."""

    text: str
    numbers: tuple[str, ...]
    rows: tuple[str, ...]

    def __str__(self) -> str:
        """Return what is wrong, in words."""
        numbers = ", ".join(self.numbers)
        where = f"rows {', '.join(self.rows[:3])}" if self.rows else "no row named"
        return f"{numbers} in {self.text.strip()[:160]!r} ({where})"


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of the texts of one file.

    Attributes
    ----------
    n_numbers : int
        Numbers in them.
    n_of_rows : int
        Numbers that a named row holds.
    n_of_texts : int
        Numbers of names: of visits, trials, methods, confidence levels.
    problems : tuple of Problem
        The others.
    """

    n_numbers: int
    n_of_rows: int
    n_of_texts: int
    problems: tuple[Problem, ...]


_DIGITS = re.compile(r"\d+")
_BARE = re.compile(r"[-+\u2212]?[\d.,]+")

#: Characters from which on a text may be a part of a longer one.
_PART = 5


class Sources:
    """What a dossier may print.

    Parameters
    ----------
    records : iterable of mapping
        Every row, each with its ``row_id``.
    given : collection of str
        Texts of the configuration.
    exact : mapping of str to str
        Where a text is from, to the text: versions and digests.
    """

    def __init__(
        self,
        records: Iterable[Record],
        given: Collection[str] = (),
        exact: Mapping[str, str] | None = None,
    ) -> None:
        self._exact = dict(exact or {})
        self._records = {str(row["row_id"]): row for row in records}
        named = (str(v) for row in self._records.values() for v in _texts(row))
        levels = {row.get("confidence_level") for row in self._records.values()}
        known = (f"{100 * x:g}%" for x in levels if x is not None and x == x)
        # Figures print names of sources and files with spaces.
        names = [text.replace("_", " ") for text in given if "_" in text]
        told = (*CONSTANTS, *given, *names, *named, *known, *self._records)
        texts = {_plain(text) for text in told if _DIGITS.search(text)}
        self._given: dict[str, list[str]] = defaultdict(list)
        for text in sorted(texts, key=lambda t: (-len(t), t)):
            # A bare number of the configuration would explain any other.
            if not _BARE.fullmatch(text):
                for digits in dict.fromkeys(_DIGITS.findall(text)):
                    self._given[digits].append(text)

    def trace(self, texts: Iterable[Text]) -> Traced:
        """Find every number of the texts of one file.

        Parameters
        ----------
        texts : iterable of Text
            Of one page or figure.

        Returns
        -------
        Traced
        """
        listed = [text for text in texts if numbers_in(text.text)]
        n_numbers = n_of_rows = 0
        problems = []
        for text in listed:
            n_numbers += len(numbers_in(text.text)) - len(text.held)
            rows = self._rows(text)
            held = sum(1 for p in trace(text.text, rows) if p.row_id)
            n_of_rows += held if text.rows else 0
            missing = self._missing(text, rows)
            for number in text.held:
                if number in missing:
                    missing.remove(number)
            if missing:
                problems.append(Problem(text.text, tuple(missing), text.rows))
        lost = sum(len(problem.numbers) for problem in problems)
        of_texts = n_numbers - n_of_rows - lost
        return Traced(n_numbers, n_of_rows, of_texts, tuple(problems))

    def _rows(self, text: Text) -> list[Record]:
        return [self._records[i] for i in text.rows if i in self._records]

    def _missing(self, text: Text, rows: Sequence[Record]) -> list[str]:
        if text.given:
            return [] if self._exact.get(text.given) == text.text else [text.text]
        unknown = [i for i in text.rows if i not in self._records]
        if unknown:
            return [f"unknown row {i}" for i in unknown]
        missing = unresolved(text.text, rows, label=not text.rows)
        if not missing:
            return []
        # A name begins with a small letter in the middle of a sentence.
        part = _plain(text.text)
        told = [self._given.get(digits, []) for digits in _DIGITS.findall(part)]
        known = {given for listed in told for given in listed if given in part}
        left = unresolved(part, rows, known, label=not text.rows)
        if not left or len(part) < _PART:
            return left
        # A long text breaks into lines, each a part of what is known.
        if any(part in given for given in min(told, key=len)):
            return []
        return [number for number in left if not self._is_quoted(number, part)]

    def _is_quoted(self, number: str, text: str) -> bool:
        """Return whether a number stands in a text as in a known one, words and all."""
        for found in re.finditer(rf"(?:\S+ )?\S*{re.escape(number)}\S*", text):
            words = found.group().strip("().,;:")
            listed = self._given.get(_DIGITS.findall(words)[-1], [])
            # One word alone must say more than the number.
            telling = " " in words or words != number.strip("().,;:")
            if telling and any(words in given for given in listed):
                return True
        return False


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _texts(row: Record) -> Iterator[Any]:
    return (v for k, v in row.items() if isinstance(v, str) and k != "row_id")


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text of a configuration, keys and numbers included.

    >>> list(texts_in({"visits": {"Week 4": [1, 28]}, "label": "Pain"}))
    ['visits', 'Week 4', '1', '28', 'label', 'Pain']
    """
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from texts_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_in(part)
    elif value is not None:
        yield str(value)
