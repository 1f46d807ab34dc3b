"""Which columns of SAS, SPSS and Stata are dates: their display formats say."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trialstats.io.canonical import (
    DAY,
    Cells,
    all_of,
    dates,
    moments,
    number_text,
    numbers,
    times,
)
from trialstats.raw import CELL, NUMBER

#: Days from 1970-01-01 to the zero of each package: 1960-01-01 and 1582-10-14.
SAS_ZERO, SPSS_ZERO = -3653, -141428

# Formats that show a whole date, or a part of one (MONYY, YEAR): the value is a day.
_SAS_DATE = re.compile(
    r"(DATE|(DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(MMYY|YYMM|YYQR?)[CDNPS]?|MONYY|YYMON"
    r"|WEEKDAT[EX]|WORDDAT[EX]|JULIAN|YEAR|[BE]8601DA|IS8601DA|NLDATE[A-Z]*"
    r"|EURDFD[DEMNW][A-Z]*)"
)
_SAS_MOMENT = re.compile(
    r"(DATETIME|DATEAMPM|MDYAMPM|DTDATE|DTMONYY|DTWKDATX|DTYEAR|DTYYQC|EURDFDT"
    r"|[BE]8601D[NTXZ]|IS8601DT|NLDATM[A-Z]*)"
)
_SAS_TIME = re.compile(r"(TIME|TIMEAMPM|HHMM|MMSS|TOD|[BE]8601TM|IS8601TM|NLTIME)")

_SPSS_MOMENT = re.compile(
    r"(DATE|ADATE|EDATE|JDATE|SDATE|QYR|MOYR|WKYR|DATETIME|YMDHMS)"
)
_SPSS_TIME = re.compile(r"(TIME|DTIME|MTIME)")

#: Periods of Stata: letter of the format -> periods in a year.
_STATA_PERIODS = {"w": 52, "m": 12, "q": 4, "h": 2}


def sas_cells(values: npt.NDArray[np.float64], format_: str | None) -> Cells:
    """Return the cells of a numeric SAS column.

    Parameters
    ----------
    values : array of float
        NaN is an empty cell.
    format_ : str, optional
        Its display format, such as ``DATE9`` or ``DATETIME20.3``.

    >>> sas_cells(np.array([23440.0]), "DATE9")[0].to_pylist()
    ['2024-03-05']
    """
    name = _stem(format_)
    if _SAS_DATE.fullmatch(name):
        return dates(values, origin=SAS_ZERO)
    if _SAS_MOMENT.fullmatch(name):
        return moments(values, origin=SAS_ZERO * DAY)
    if _SAS_TIME.fullmatch(name):
        return times(values), None
    return plain_cells(values)


def spss_cells(values: npt.NDArray[np.float64], format_: str | None) -> Cells:
    """Return the cells of a numeric SPSS column, whose dates are seconds.

    >>> spss_cells(np.array([13928976000.0]), "DATE11")[0].to_pylist()
    ['2024-03-05']
    """
    name = _stem(format_)
    if _SPSS_MOMENT.fullmatch(name):
        return moments(values, origin=SPSS_ZERO * DAY)
    if _SPSS_TIME.fullmatch(name):
        return times(values), None
    return plain_cells(values)


def stata_cells(values: npt.NDArray[np.floating[Any]], format_: str | None) -> Cells:
    """Return the cells of a numeric Stata column.

    Weeks, quarters and half-years are written as Stata shows them, months as ISO 8601.
    What counts leap seconds (``%tC``) stays a number: it is not read as a moment.

    >>> stata_cells(np.array([23440.0]), "%tdD_m_Y")[0].to_pylist()
    ['2024-03-05']
    >>> stata_cells(np.array([770.0]), "%tm")[0].to_pylist()
    ['2024-03']
    """
    text = re.sub(r"^%-?", "", format_ or "")
    if text.startswith(("td", "d")):
        return dates(values.astype(np.float64), origin=SAS_ZERO)
    if text.startswith("tc"):
        if len(text) > 2 and not re.search("[CcDdJjLlNnQqWwYy]", text[2:]):
            return times(values.astype(np.float64) / 1e3), None
        return moments(values.astype(np.float64), origin=SAS_ZERO * DAY, unit=1e-3)
    if text[:1] == "t" and text[1:2] in _STATA_PERIODS:
        return _periods(values, text[1]), None
    return plain_cells(values)


def plain_cells(values: npt.NDArray[Any]) -> Cells:
    """Return the cells of a column of numbers."""
    return numbers(values), all_of(NUMBER, len(values))


def with_tags(cells: Cells, tags: dict[int, str]) -> Cells:
    """Return a column with the reasons of special missing values, as ``.A``.

    Parameters
    ----------
    cells : Cells
        The column; the cells of missing values are null.
    tags : mapping of int to str
        Position -> letter.
    """
    if not tags:
        return cells
    column, kinds = cells
    places = np.array(sorted(tags), np.int64)
    mask = np.zeros(len(column), np.bool_)
    mask[places] = True
    reasons = pa.array([f".{tags[place]}" for place in places.tolist()], CELL)
    marked = pc.replace_with_mask(column, mask, reasons)
    if kinds is not None:
        kinds = np.where(mask, 0, kinds).astype(np.uint8)
    return marked, kinds


def _stem(format_: str | None) -> str:
    """Return the name of a format without its width: DATE of DATE9."""
    return re.sub(r"[\d.]*$", "", (format_ or "").upper())


def _periods(values: npt.NDArray[np.floating[Any]], letter: str) -> pa.Array:
    def shown(value: float | None) -> str | None:
        if value is None or value != value:
            return None
        if not value.is_integer():
            return number_text(value)
        year, part = divmod(int(value), _STATA_PERIODS[letter])
        if letter == "m":
            return f"{1960 + year:04d}-{part + 1:02d}"
        return f"{1960 + year}{letter}{part + 1}"

    return pa.array(list(map(shown, values.astype(np.float64).tolist())), CELL)
