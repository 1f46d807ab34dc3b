"""Which row and column a printed number comes from."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

from trialstats.formatting import MINUS, format_number
from trialstats.tracing.numbers import Number, numbers_in

Record = Mapping[str, Any]

#: What follows a share that is printed in percent.
_PERCENT = re.compile(r"\s?(?:%|percentage point)")

#: Columns whose digits are names of things, not texts about them.
_KEYS = ("row_id", "model_id", "of")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text.

    Attributes
    ----------
    text : str
        The piece; the pieces of a text, joined, are the text.
    row_id, column : str
        Where its number stands; empty for text between numbers, and for a number that
        was not found.
    printing : str
        How the value is printed: as one of `PRINTINGS`, or "text".
    number : bool
        Whether it is a number.
    """

    text: str
    row_id: str = ""
    column: str = ""
    printing: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Printing:
    """A way from a stored value to a printed one.

    Attributes
    ----------
    name : str
        What is done to the value, in words.
    of : callable
        Takes the row and the value; returns what is rounded.
    fits : callable
        Takes the row and whether a percent sign follows; returns whether a number of
        the row may be printed so.
    columns : tuple of str
        The columns that may be printed so; all when there is none.
    """

    name: str
    of: Callable[[Record, float], float]
    fits: Callable[[Record, bool], bool] = lambda row, percent: True
    columns: tuple[str, ...] = ()


#: What is on the scale of the effect.
_EFFECT = ("estimate", "ci_lower", "ci_upper")

#: Statistics and units that are shares of one, which tables print in percent.
_WEIGHTS = frozenset({"weight", "subgroup_weight", "total_weight"})
_SHARES = _WEIGHTS | {"risk", "risk_difference", "share", "i_squared"}

#: How far weights of one decimal may be from their own rounding where all are rounded
#: together so that they add up to what stands under them; a subtotal collects several.
_TOGETHER = {"weight": 0.1, "subgroup_weight": 0.3}


def _is_log(row: Record, _percent: bool) -> bool:
    return row.get("scale") == "log"


def _is_share(row: Record, percent: bool) -> bool:
    named = row.get("statistic") in _SHARES or row.get("unit") == "proportion"
    return not _is_log(row, percent) and (percent or named)


def _is_risk(row: Record, _percent: bool) -> bool:
    return str(row.get("statistic", "")).startswith("risk_")


def _exponential(_row: Record, value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _share_of_subjects(row: Record, value: float) -> float:
    return 100 * value / float(row["n_subjects"])


def _is_count(row: Record, _percent: bool) -> bool:
    value = row.get("estimate")
    return bool(row.get("n_subjects")) and value is not None and value == int(value)


def _is_bioequivalence(row: Record, _percent: bool) -> bool:
    """Return whether a row is a ratio of geometric means, its limits or its CV."""
    return str(row.get("statistic", "")).startswith(
        ("geometric_mean_ratio", "acceptance_", "cv_")
    )


def _ratio_in_percent(row: Record, value: float) -> float:
    return 100 * (_exponential(row, value) if _is_log(row, False) else value)


#: From the plainest on; the first that gives the printed number is the one reported.
PRINTINGS = (
    Printing("as stored", lambda row, value: value),
    Printing("exponential", _exponential, _is_log, _EFFECT),
    Printing("percent", lambda row, value: 100 * value, _is_share, _EFFECT),
    Printing("percent", lambda row, value: 100 * value, columns=("confidence_level",)),
    Printing("percent of n_subjects", _share_of_subjects, _is_count, ("estimate",)),
    Printing("ratio in percent", _ratio_in_percent, _is_bioequivalence, _EFFECT),
    Printing("without its sign", lambda row, value: abs(value)),
    Printing(
        "percent without its sign",
        lambda row, value: abs(100 * value),
        _is_share,
        _EFFECT,
    ),
    Printing("per thousand", lambda row, value: 1000 * value, _is_risk, _EFFECT),
    Printing(
        "per thousand without its sign",
        lambda row, value: abs(1000 * value),
        _is_risk,
        _EFFECT,
    ),
    Printing(
        "change in percent",
        lambda row, value: 100 * abs(_exponential(row, value) - 1),
        lambda row, percent: percent and _is_log(row, percent),
        _EFFECT,
    ),
)


def trace(
    text: str, rows: Sequence[Record], *, label: bool = False
) -> tuple[Piece, ...]:
    """Split a text at its numbers and find each in rows.

    Parameters
    ----------
    text : str
        A printed text.
    rows : sequence of mapping
        The rows that it prints, each with a ``row_id``; of a number that several rows
        hold, the first counts.
    label : bool
        Whether the text only names what rows are about, such as a heading: then their
        texts and confidence levels count, and not their values.

    Returns
    -------
    tuple of Piece
        Joined, they are the text. A number that no row holds has no ``row_id``.

    Examples
    --------
    >>> row = {"row_id": "a.difference", "estimate": -0.342, "ci_lower": -0.951}
    >>> [(p.text, p.column) for p in trace("−0.34 (from −0.95)", [row])]
    [('−0.34', 'estimate'), (' (from ', ''), ('−0.95', 'ci_lower'), (')', '')]
    """
    pieces, position = [], 0
    for number in numbers_in(text):
        if number.start > position:
            pieces.append(Piece(text[position : number.start]))
        percent = bool(_PERCENT.match(text, number.end))
        pieces.append(_resolved(number, rows, label, percent))
        position = number.end
    if position < len(text):
        pieces.append(Piece(text[position:]))
    return tuple(pieces)


def unresolved(
    text: str,
    rows: Sequence[Record],
    given: Iterable[str] = (),
    *,
    label: bool = False,
) -> list[str]:
    """Return the numbers of a text that neither rows nor given texts hold.

    Parameters
    ----------
    text : str
        A printed text.
    rows : sequence of mapping
        The rows it may print.
    given : iterable of str
        Texts of the configuration or of the library that it may repeat.
    label : bool
        As in `trace`.

    Returns
    -------
    list of str
        As printed, from left to right.
    """
    for left in (text, without(text, given)):
        pieces = trace(left, rows, label=label)
        missing = [p.text for p in pieces if p.number and not p.row_id]
        if not missing:
            return []
    return missing


def without(text: str, given: Iterable[str]) -> str:
    """Return a text without the given texts in it, the longest first."""
    for known in sorted({g for g in given if g}, key=lambda g: (-len(g), g)):
        if known in text:
            before = r"(?<![\w.])" if known[0].isalnum() else ""
            after = r"(?!\w|\.\d)" if known[-1].isalnum() else ""
            text = re.sub(f"{before}{re.escape(known)}{after}", " … ", text)
    return text


def _resolved(
    number: Number, rows: Sequence[Record], label: bool, percent: bool
) -> Piece:
    found = _in_a_row(number, rows, _among_levels if label else _among_values, percent)
    if found is None and not label:
        found = _over_rows(number, rows)
    if found is None:
        found = _in_a_row(number, rows, _among_texts, percent)
    return Piece(number.text, number=True) if found is None else found


def _in_a_row(
    number: Number,
    rows: Sequence[Record],
    find: Callable[[Number, Record, bool], Iterator[tuple[str, str]]],
    percent: bool,
) -> Piece | None:
    for row in rows:
        for column, printing in find(number, row, percent):
            row_id = str(row.get("row_id", ""))
            return Piece(number.text, row_id, column, printing, number=True)
    return None


def _over_rows(number: Number, rows: Sequence[Record]) -> Piece | None:
    """Return what the rows of a listing add up to, or how many there are."""
    for name, over in (("sum of rows", _summed), ("number of rows", _counted)):
        column = over(number, rows)
        if column:
            first = str(rows[0].get("row_id", ""))
            return Piece(number.text, first, column, name, number=True)
    return None


def _summed(number: Number, rows: Sequence[Record]) -> str:
    """Return the column of a listing whose sum over several rows is the number."""
    if len(rows) < 2 or not all(_is_listed(row) for row in rows) or number.decimals:
        return ""
    for column, value in rows[0].items():
        if isinstance(value, Real) and not isinstance(value, bool):
            values = (row.get(column) for row in rows)
            known = [float(v) for v in values if isinstance(v, Real) and v == v]
            if float(number.value) == sum(known):
                return str(column)
    return ""


def _counted(number: Number, rows: Sequence[Record]) -> str:
    """Return what the number counts: trials, rows of a listing, or some of either."""
    listing = all(_is_listed(row) for row in rows)
    if not rows or not listing or number.decimals or number.bound:
        return ""
    if number.value == len(rows):
        return "row_id"
    subjects = {row["USUBJID"] for row in rows if row.get("USUBJID")}
    if subjects and number.value == len(subjects):
        return "USUBJID"
    for column in ("agrees", "data_status"):
        counts = Counter(row[column] for row in rows if row.get(column))
        if number.value in counts.values():
            return column
    return ""


def _is_listed(row: Record) -> bool:
    """Return whether a row is one of a file that lists, or the effect of one trial."""
    return ":" in str(row.get("row_id", "")) or row.get("statistic") == "effect"


def _among_values(
    number: Number, row: Record, percent: bool
) -> Iterator[tuple[str, str]]:
    """Yield the columns of numbers that are printed so, with the printing."""
    values = {
        column: float(value)
        for column, value in row.items()
        if isinstance(value, Real) and not isinstance(value, bool)
    }
    for printing in PRINTINGS:
        if not printing.fits(row, percent):
            continue
        for column in printing.columns or values:
            value = values.get(column, math.nan)
            if math.isfinite(value) and _prints_as(number, printing.of(row, value)):
                yield column, printing.name
    weight = values.get("estimate", math.nan)
    away = abs(100 * weight - float(number.value))
    room = _TOGETHER.get(str(row.get("statistic")), 0.0)
    if number.decimals == 1 and away < room:
        yield "estimate", "percent, rounded with the other weights"


def _among_levels(
    number: Number, row: Record, _percent: bool
) -> Iterator[tuple[str, str]]:
    """Yield the confidence level, which is all that a label says of values."""
    level = row.get("confidence_level")
    if level is not None and not math.isnan(level) and _prints_as(number, 100 * level):
        yield "confidence_level", "percent"


def _among_texts(
    number: Number, row: Record, _percent: bool
) -> Iterator[tuple[str, str]]:
    """Yield the columns of text in which the number stands as a word."""
    bare = number.text.lstrip("<>≤≥ +-" + MINUS)
    word = re.compile(rf"(?<![\d.]){re.escape(bare)}(?!\d|\.\d)")
    for column, value in row.items():
        text = value if isinstance(value, str) else _day(value)
        if text and column not in _KEYS and word.search(text):
            yield column, "text"


def _day(value: object) -> str:
    """Return a day as it is printed; nothing for what is none."""
    return value.isoformat()[:10] if isinstance(value, date) and value == value else ""


def _prints_as(number: Number, shown: float) -> bool:
    """Return whether a value, rounded as printed, is the number."""
    if math.isinf(shown):
        return False
    limit = float(number.value)
    if number.bound in ("<", "≤"):
        return 0 <= shown < limit <= 1
    if number.bound in (">", "≥"):
        return 0.9 <= limit < shown <= 1
    if number.scientific:
        digits = len(
            re.split("[e×]", number.text)[0].lstrip("+-" + MINUS).replace(".", "")
        )
        return Decimal(f"{shown:.{digits - 1}e}") == number.value
    # Rounding takes time; nearly all values are far from the number.
    if abs(shown - limit) > 0.51 * 10.0**-number.decimals:
        return False
    return Decimal(format_number(shown, number.decimals)) == number.value
