"""Read the columns of a raw source as typed values, and record every alteration."""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.clean.account import Ledger, as_text

Spec = Mapping[str, Any]

#: What stands in a cell whose formula failed.
SPREADSHEET_ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"}
)


@dataclass(frozen=True, slots=True)
class Source:
    """A raw source whose rows may still be used.

    Attributes
    ----------
    name, file : str
        Its name in the configuration and its file.
    cells : DataFrame
        Cells as received, without rows set aside; the index is the row of the file.
    missing_codes : mapping of str to str
        Codes for a missing value, with their meaning.
    date_formats : sequence of str
        Formats of dates in text cells, in the order in which they are tried.
    """

    name: str
    file: str
    cells: pd.DataFrame
    missing_codes: Mapping[str, str]
    date_formats: tuple[str, ...]

    def is_missing(self, cell: object) -> bool:
        """Return whether a cell is empty or holds a code for a missing value."""
        text = "" if cell is None else as_text(cell).strip()
        return not text or _missing_code(text, self.missing_codes) is not None


def numbered(values: pd.Series) -> Iterator[tuple[int, Any]]:
    """Yield the row of the file and the value of each cell."""
    return zip(values.index.tolist(), values.tolist(), strict=True)


def read_column(source: Source, spec: Spec, ledger: Ledger) -> pd.Series:
    """Return one column as typed values.

    Missing codes become missing; then text is recoded, numbers are converted to the
    unit of the variable, corrected and held against their range, dates are read.

    Parameters
    ----------
    source : Source
        The source; the column must exist.
    spec : mapping
        ``column`` with ``type``, ``recode``, ``units``, ``corrections``, ``range``.
    ledger : Ledger
        Receives every alteration, finding and error.

    Returns
    -------
    Series of object
        On the index of ``source.cells``; text, float, int, `datetime.date` or None.
    """
    column = spec["column"]
    values = [
        _without_codes(source, row, column, cell, ledger)
        for row, cell in numbered(source.cells.loc[:, column])
    ]
    typed = pd.Series(values, index=source.cells.index, dtype=object)
    return _READERS[spec.get("type", "text")](source, spec, typed, ledger)


def _without_codes(
    source: Source, row: int, column: str, cell: object, ledger: Ledger
) -> object:
    if cell is None:
        return None
    text = as_text(cell).strip()
    code = _missing_code(text, source.missing_codes)
    if code is not None:
        meaning = source.missing_codes[code]
        ledger.change(
            source.name,
            row,
            rule="missing code",
            column=column,
            old=text,
            new=None,
            reason=meaning,
        )
        ledger.query(
            "missing code",
            source.name,
            row=row,
            column=column,
            value=text,
            finding=f"code for a missing value: {meaning}",
            resolution="read as missing",
        )
        return None
    if text in SPREADSHEET_ERRORS:
        ledger.problem(
            "an error of the spreadsheet",
            source.name,
            row=row,
            column=column,
            value=text,
            remedy="mend the formula, or list it under missing_codes",
        )
        return None
    return (text or None) if isinstance(cell, str) else cell


def _missing_code(text: str, codes: Mapping[str, str]) -> str | None:
    """Return the code that a cell holds; -99.0 is the code -99."""
    if text in codes:
        return text
    value = plain_number(text)
    if value is None:
        return None
    return next((code for code in codes if plain_number(code) == value), None)


def plain_number(text: str) -> float | None:
    """Return a finite number written with digits, point and exponent, or None.

    Python would also read 1_5, which is a slip of the keyboard for 1.5.

    >>> plain_number("-99.0"), plain_number("1_5"), plain_number("1e400")
    (-99.0, None, None)
    """
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, _ASCII):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


_ASCII = re.ASCII | re.IGNORECASE


def _read_text(
    source: Source, spec: Spec, values: pd.Series, ledger: Ledger
) -> pd.Series:
    recode = spec.get("recode")
    read = []
    for row, value in numbered(values):
        text = None if value is None else as_text(value)
        if text is not None and recode is not None:
            if text not in recode:
                ledger.problem(
                    "unknown label",
                    source.name,
                    row=row,
                    column=spec["column"],
                    value=text,
                    remedy=f"write one of {', '.join(recode)} or list it under recode",
                )
                text = None
            elif recode[text] != text:
                ledger.change(
                    source.name,
                    row,
                    rule="recode",
                    column=spec["column"],
                    old=text,
                    new=recode[text],
                    reason="label listed under recode",
                )
                text = recode[text]
        read.append(text)
    return pd.Series(read, index=values.index, dtype=object)


def _read_number(
    source: Source, spec: Spec, values: pd.Series, ledger: Ledger
) -> pd.Series:
    numbers = [
        _number(source, row, spec, value, ledger) for row, value in numbered(values)
    ]
    series = pd.Series(numbers, index=values.index, dtype=object)
    if "units" in spec:
        series = _in_unit(source, spec, series, ledger)
    for correction in spec.get("corrections", []):
        series = _corrected(source, spec, correction, series, ledger)
    if "range" in spec:
        series = _within(source, spec, series, ledger)
    return series


def _number(
    source: Source, row: int, spec: Spec, value: object, ledger: Ledger
) -> float | int | None:
    if value is None:
        return None
    whole = spec.get("type") == "integer"
    number = None if isinstance(value, bool) else plain_number(str(value))
    if number is None or (whole and not number.is_integer()):
        ledger.problem(
            "not a whole number" if whole else "not a number",
            source.name,
            row=row,
            column=spec["column"],
            value=as_text(value),
            remedy="write a number with a decimal point, "
            "or list the code under missing_codes",
        )
        return None
    return int(number) if whole else number


def _in_unit(
    source: Source, spec: Spec, series: pd.Series, ledger: Ledger
) -> pd.Series:
    factors = spec["units"]["factors"]
    unit_spec = {"column": spec["units"]["column"], "type": "text"}
    units = read_column(source, unit_spec, ledger)
    converted: list[float | None] = []
    for row, value in numbered(series):
        unit = units[row]
        if value is None:
            converted.append(None)
        elif unit not in factors:
            ledger.problem(
                "no unit" if unit is None else "unknown unit",
                source.name,
                row=row,
                column=unit_spec["column"],
                value=unit,
                remedy=f"write one of {', '.join(factors)} or list it under units",
            )
            converted.append(None)
        elif factors[unit] == 1:
            converted.append(value)
        else:
            new = value * factors[unit]
            what = f"{unit} multiplied by {factors[unit]}"
            _alter(source, row, spec, value, new, "unit conversion", what, ledger)
            converted.append(new)
    return pd.Series(converted, index=series.index, dtype=object)


def _corrected(
    source: Source, spec: Spec, correction: Spec, series: pd.Series, ledger: Ledger
) -> pd.Series:
    low, high = correction.get("below"), correction.get("above")
    values = []
    for row, value in numbered(series):
        applies = value is not None and (
            (low is not None and value < low) or (high is not None and value > high)
        )
        new = value * correction["multiply"] if applies else value
        if applies:
            reason = correction["reason"]
            _alter(source, row, spec, value, new, "correction", reason, ledger)
        values.append(new)
    return pd.Series(values, index=series.index, dtype=object)


def _within(source: Source, spec: Spec, series: pd.Series, ledger: Ledger) -> pd.Series:
    low, high = spec["range"]
    values = []
    for row, value in numbered(series):
        if value is not None and not low <= value <= high:
            what = f"impossible: outside {as_text(low)} to {as_text(high)}"
            _alter(source, row, spec, value, None, "impossible value", what, ledger)
            value = None
        values.append(value)
    return pd.Series(values, index=series.index, dtype=object)


def _alter(
    source: Source,
    row: int,
    spec: Spec,
    old: float,
    new: float | None,
    rule: str,
    reason: str,
    ledger: Ledger,
) -> None:
    """Record an altered number in the account and as a finding."""
    column = spec["column"]
    received = source.cells.at[row, column]
    ledger.change(
        source.name, row, rule=rule, column=column, old=received, new=new, reason=reason
    )
    ledger.query(
        rule,
        source.name,
        row=row,
        column=column,
        value=received,
        finding=reason,
        resolution="read as missing" if new is None else f"read as {as_text(new)}",
    )


def _read_date(
    source: Source, spec: Spec, values: pd.Series, ledger: Ledger
) -> pd.Series:
    dates = [
        _date(source, row, spec["column"], value, ledger)
        for row, value in numbered(values)
    ]
    return pd.Series(dates, index=values.index, dtype=object)


def _date(
    source: Source, row: int, column: str, value: object, ledger: Ledger
) -> dt.date | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = as_text(value)
    # Among the typed dates of a spreadsheet, a date written as text is an exception.
    exceptional = source.file.lower().endswith(".xlsx")
    for position, format_ in enumerate(source.date_formats):
        try:
            date = dt.datetime.strptime(text, format_).date()
        except ValueError:
            continue
        if position or exceptional:
            ledger.change(
                source.name,
                row,
                rule="date format",
                column=column,
                old=text,
                new=date,
                reason=f"read as {format_}",
            )
        return date
    ledger.problem(
        "not a date",
        source.name,
        row=row,
        column=column,
        value=text,
        remedy=f"write it as {' or '.join(source.date_formats)}, "
        "or list the format under date_formats",
    )
    return None


_READERS: dict[str, Callable[[Source, Spec, pd.Series, Ledger], pd.Series]] = {
    "text": _read_text,
    "number": _read_number,
    "integer": _read_number,
    "date": _read_date,
}
