"""What a column holds, by its cells: numbers, dates, categories, codes for missing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from trialstats.describe.received import Received
from trialstats.describe.words import natural
from trialstats.raw import DATE, NUMBER, TEXT

Floats = npt.NDArray[np.float64]

#: Kinds of columns.
EMPTY, NUMERIC, WHOLE, DATED, WORDS = "empty", "number", "whole number", "date", "text"

#: Texts that stand for a missing value, with what they usually mean.
TEXT_CODES = {
    ".": "not recorded",
    "-": "not recorded",
    "#N/A": "not available",
    "N/A": "not applicable",
    "NA": "not available",
    "NA_NA": "not available",
    "NULL": "not recorded",
    "NAN": "not available",
    "MISSING": "not recorded",
    "ND": "not done",
    "NOT DONE": "not done",
    "NK": "not known",
    "UNK": "not known",
}

#: Numbers that stand for a missing value where no other value is near them.
NUMBER_CODES = ("-9", "-99", "-999", "-9999", "99", "999", "9999")

#: Formats of dates, in the order in which they are tried, with their shapes.
DATE_SHAPES = {
    "%Y-%m-%d": r"\d{4}-\d{1,2}-\d{1,2}",
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%m/%d/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%d %b %Y": r"\d{1,2} [A-Za-z]{3} \d{4}",
    "%d.%m.%Y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "%d-%b-%Y": r"\d{1,2}-[A-Za-z]{3}-\d{4}",
    "%d%b%Y": r"\d{1,2}[A-Za-z]{3}\d{4}",
    "%Y/%m/%d": r"\d{4}/\d{1,2}/\d{1,2}",
    "%d %B %Y": r"\d{1,2} [A-Za-z]{4,9} \d{4}",
    "%Y%m%d": r"(?:19|20)\d{6}",
}
ISO8601 = "ISO8601"
_MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?Z?"


_PARTIAL = r"\d{4}(-\d{2})?(-(UN|UNK|XX))?"
_LIKE_A_DATE = re.compile("|".join((*DATE_SHAPES.values(), _MOMENT, _PARTIAL)))


@dataclass(frozen=True, eq=False)
class Column:
    """A column and what it holds.

    Attributes
    ----------
    name : str
        Its name.
    label : str or None
        Its label in the file.
    value_labels : mapping of str to str
        Labels of its values in the file.
    cells : Series of str
        Its cells without spaces around them; missing where empty or a code.
    kind : str
        What all its values are.
    typed : bool
        Whether the file holds it as numbers or dates, and not as text.
    numbers : array or None
        Its values where they are numbers.
    days : array or None
        Its values where they are dates.
    codes : tuple of str
        Codes for missing values among its cells.
    formats : tuple of str
        Formats that its dates in text are written in.
    partial : bool
        Whether some of its dates lack the day or the month.
    """

    name: str
    label: str | None
    value_labels: Mapping[str, str]
    cells: pd.Series
    kind: str
    typed: bool = False
    numbers: Floats | None = None
    days: npt.NDArray[np.datetime64] | None = None
    codes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    partial: bool = False

    @cached_property
    def levels(self) -> list[str]:
        """Distinct values, numbers in them by size."""
        return sorted(self.cells.dropna().unique(), key=natural)

    @cached_property
    def ids(self) -> npt.NDArray[np.int64]:
        """Number of the level of each cell, -1 where missing."""
        return np.asarray(pd.factorize(self.cells, sort=True)[0], dtype=np.int64)

    @cached_property
    def missing(self) -> int:
        """Number of cells without a value."""
        return int(self.cells.isna().sum())

    @cached_property
    def values(self) -> Floats:
        """Its values as numbers, NaN where they are none."""
        if self.numbers is None:
            return np.full(len(self.cells), np.nan)
        return self.numbers

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in (NUMERIC, WHOLE)

    @property
    def few(self) -> bool:
        """Whether it could be a category: from 2 to 12 levels, no broken numbers."""
        return self.kind in (WHOLE, WORDS) and 2 <= len(self.levels) <= 12

    @property
    def evidence(self) -> str:
        """What it holds, in words."""
        if self.kind == DATED:
            return "dates"
        if self.numeric and len(self.levels) > 6 and self.numbers is not None:
            low, high = np.nanmin(self.numbers), np.nanmax(self.numbers)
            return f"{self.kind}s from {low:g} to {high:g}"
        shown = ", ".join(self.levels[:4])
        more = ", ..." if len(self.levels) > 4 else ""
        number = len(self.levels)
        return f"{number} value{'s' if number != 1 else ''}: {shown}{more}"


def columns_of(file: Received) -> dict[str, Column]:
    """Return the columns of a file by their names."""
    table = file.table
    comma = file.options.get("decimal") == ","
    frame = table.cells.to_pandas().astype("str")
    typed_file = any((kinds != TEXT).any() for kinds in table.kinds.values())
    found = {}
    for column in table.columns:
        kinds = table.kinds_of(column.name)
        cells = frame[column.name].str.strip()
        cells = cells.mask(cells == "")
        found[column.name] = _column(
            column.name,
            column.label,
            dict(column.value_labels),
            cells,
            is_number=bool((kinds == NUMBER).any()),
            is_date=bool((kinds == DATE).any()),
            only_text=typed_file and not (kinds != TEXT).any(),
            comma=comma,
        )
    return found


def _column(
    name: str,
    label: str | None,
    value_labels: Mapping[str, str],
    cells: pd.Series,
    *,
    is_number: bool,
    is_date: bool,
    only_text: bool,
    comma: bool,
) -> Column:
    """Return the column that cells make, by the first reading that fits all."""
    values = cells.dropna().unique()
    if len(values) == 0:
        return Column(name, label, value_labels, cells, EMPTY)
    coded = [
        v for v in values if v.upper() in TEXT_CODES or re.fullmatch(r"\.[a-zA-Z_]", v)
    ]
    rest = [v for v in values if v not in coded]
    numbers = None if only_text or is_date else _numbers(rest, comma)
    if rest and numbers is not None:
        coded += _outlying(cells, rest, numbers)
        kept = cells.mask(cells.isin(coded))
        values_of = dict(zip(rest, numbers, strict=True))
        array = kept.map(values_of).to_numpy(dtype=np.float64)
        present = array[~np.isnan(array)]
        kind = WHOLE if (present == np.floor(present)).all() else NUMERIC
        column = Column(
            name,
            label,
            value_labels,
            kept,
            kind,
            typed=is_number,
            numbers=array,
            codes=tuple(sorted(coded)),
        )
        calendar = None if is_number else _dates(rest)
        if calendar is None:
            return column
    dated = _dates(rest) if rest else None
    if dated is not None:
        days, formats, partial = dated
        kept = cells.mask(cells.isin(coded))
        found = kept.map(days).to_numpy(dtype="datetime64[D]")
        return Column(
            name,
            label,
            value_labels,
            kept,
            DATED,
            typed=is_date,
            days=found,
            codes=tuple(sorted(coded)),
            formats=() if is_date and formats == ("%Y-%m-%d",) else formats,
            partial=partial,
        )
    codes = _codes_of_categories(cells, coded, rest)
    kept = cells.mask(cells.isin(codes))
    return Column(name, label, value_labels, kept, WORDS, codes=tuple(sorted(codes)))


def _numbers(values: list[str], comma: bool) -> Floats | None:
    """Return texts as numbers, None when one of them is none."""
    # A number with a zero before it, such as 006, is the name of something.
    if any(re.match(r"-?0\d", value) for value in values):
        return None
    written = [v.replace(",", ".") for v in values] if comma else values
    shape = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
    if not all(shape.fullmatch(value) for value in written):
        return None
    found = np.array([float(value) for value in written], dtype=np.float64)
    return found if np.isfinite(found).all() else None


def _outlying(cells: pd.Series, values: list[str], numbers: Floats) -> list[str]:
    """Return numbers that are codes: far from all others, or negative among counts."""
    found = []
    for code in NUMBER_CODES:
        same = [v for v, n in zip(values, numbers, strict=True) if n == float(code)]
        others = numbers[numbers != float(code)]
        if not same or len(others) < 3:
            continue
        often = int(cells.isin(same).sum()) >= 2
        negative = float(code) < 0 and others.min() >= 0
        far = float(code) > 0 and often and 3 * others.max() < float(code)
        if negative or far:
            found += same
    return found


def _codes_of_categories(
    cells: pd.Series, coded: list[str], rest: list[str]
) -> list[str]:
    """Return the texts among categories that are codes and not categories."""
    if len(rest) < 2:
        return []
    # Initials: ND is one of them where all values are two capitals.
    alike = (
        all(v.isupper() and len(v) == len(coded[0]) for v in rest) if coded else False
    )
    rare = [v for v in coded if (cells == v).mean() < 0.2]
    return [] if alike else rare


def _dates(
    values: list[str],
) -> tuple[dict[str, np.datetime64], tuple[str, ...], bool] | None:
    """Return texts as days, with the formats read; None when one of them is none."""
    if not all(_LIKE_A_DATE.fullmatch(value) for value in values):
        return None
    left = pd.Series(values, dtype="str")
    days: dict[str, np.datetime64] = {}
    formats = []
    while len(left):
        best: tuple[str, pd.Series] | None = None
        for name, shape in [*DATE_SHAPES.items(), (ISO8601, _MOMENT)]:
            fits = left[left.str.fullmatch(shape)]
            given = "ISO8601" if name == ISO8601 else name
            read = pd.to_datetime(
                fits.str.slice(0, 10) if name == ISO8601 else fits,
                format=given,
                errors="coerce",
            ).dropna()
            read = read[(read.dt.year >= 1850) & (read.dt.year <= 2150)]
            if best is None or len(read) > len(best[1]):
                best = name, read
        if best is None or not len(best[1]):
            break
        formats.append(best[0])
        read_days = best[1].to_numpy(dtype="datetime64[D]")
        days |= dict(zip(left[best[1].index], read_days, strict=True))
        left = left.drop(best[1].index)
    partial = left.str.fullmatch(_PARTIAL)
    if not days or not partial.all() or len(left) > len(days):
        return None
    days |= dict.fromkeys(left, np.datetime64("NaT", "D"))
    order = [*DATE_SHAPES, ISO8601]
    return days, tuple(sorted(formats, key=order.index)), len(left) > 0
