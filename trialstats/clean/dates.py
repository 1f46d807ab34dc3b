"""Read dates from text: formats in their order, partial dates with their rules."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.sources import Source

Spec = Mapping[str, Any]

#: Name of the format of CDISC: a date, or a date and time, as ISO 8601 writes it.
ISO8601 = "ISO8601"

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(T([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d(\.\d+)?)?)?Z?)?"
)

#: Years in which a trial and the births of its subjects may lie.
FIRST_YEAR, LAST_YEAR = 1850, 2200

#: What the parts of a format look like, to tell a date that no month has.
_SHAPES = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]+",
}

#: What stands for a part of a date that is not known.
_UNKNOWN = r"(?:UN|UNK|NK|XX|--|\?\?|00)"
_YEAR = re.compile(
    rf"(?:{_UNKNOWN}[ /.-]?){{0,2}}(\d{{4}})|(\d{{4}})(?:-?-?-{_UNKNOWN})*"
)
_YEAR_MONTH = re.compile(rf"(\d{{4}})-(\d{{2}})(?:-{_UNKNOWN})?")
_MONTH_NAME = re.compile(rf"(?:{_UNKNOWN}[ /.-]?)?([A-Za-z]{{3}})[ /.-]?(\d{{4}})")
_MONTH_YEAR = re.compile(rf"(?:{_UNKNOWN}[/.-])?(\d{{1,2}})[/.](\d{{4}})")

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun"]
_MONTHS += ["jul", "aug", "sep", "oct", "nov", "dec"]


def read_dates(
    source: Source, spec: Spec, cells: pd.Series, ledger: Ledger
) -> pd.Series:
    """Return cells as dates, datetime64[s].

    Parameters
    ----------
    source : Source
        Its formats are tried in their order.
    spec : mapping
        ``column``, and ``partial`` where partial dates are completed.
    cells : Series of str
        Cells of the column, codes for missing values left out.
    ledger : Ledger
        Receives dates read by another format than the first, or completed.
    """
    column = spec["column"]
    typed = source.dates_typed(column)
    # Among the typed dates of a spreadsheet, a date written as text is an exception.
    exceptional = column in source.dated
    present = cells.notna().to_numpy()
    days = np.full(len(cells), np.datetime64("NaT", "s"))
    whole = typed & present
    days[whole] = cells[whole].str.slice(0, 10).to_numpy(dtype="datetime64[s]")
    written = cells[present & ~typed]
    read = {t: _read(t, source.date_formats) for t in written.unique()}
    unread = [text for text, (date, _) in read.items() if date is None]
    completed = _completed(unread, spec.get("partial"))
    bad = written[written.isin([text for text in unread if text not in completed])]
    if len(bad):
        _refuse(source, spec, bad, ledger)
    dates = {t: date for t, (date, _) in read.items() if date is not None} | completed
    found = written.map(dates)
    _refuse_strange_years(source, column, written, dates, ledger)
    _query_ambiguous(source, column, written, read, ledger)
    places = np.flatnonzero(present & ~typed)
    days[places] = pd.to_datetime(found).to_numpy(dtype="datetime64[s]")
    _record_formats(source, column, written, read, exceptional, ledger)
    _record_completed(source, column, written, completed, ledger)
    return pd.Series(days, index=cells.index)


def _refuse_strange_years(
    source: Source,
    column: str,
    written: pd.Series,
    dates: Mapping[str, dt.date],
    ledger: Ledger,
) -> None:
    strange = [t for t, d in dates.items() if not FIRST_YEAR <= d.year <= LAST_YEAR]
    chosen = written[written.isin(strange)]
    if len(chosen):
        ledger.problem(
            [f"the year {dates[text].year} is not one of a trial" for text in chosen],
            source.name,
            positions=chosen.index,
            column=column,
            values=chosen,
            remedy="mend the date, or list it under missing_codes",
        )


def _query_ambiguous(
    source: Source,
    column: str,
    written: pd.Series,
    read: Mapping[str, tuple[dt.date | None, int]],
    ledger: Ledger,
) -> None:
    """Name dates that two formats read differently, where the column has both."""
    used = sorted({position for _, position in read.values() if position >= 0})
    if len(used) < 2:
        return
    formats = source.date_formats
    other: dict[str, str] = {}
    for text, (date, position) in read.items():
        for later in used:
            if later > position >= 0:
                again, _ = _read(text, (formats[later],))
                if again is not None and again != date:
                    other[text] = f"{formats[later]} would read {again}"
    chosen = written[written.isin(list(other))]
    if len(chosen):
        ledger.query(
            "date that two formats read differently",
            source.name,
            positions=chosen.index,
            column=column,
            values=chosen,
            finding=[other[text] for text in chosen],
            resolution=[f"read as {read[text][0]}" for text in chosen],
        )


def _completed(unread: list[str], rule: Mapping[str, str] | None) -> dict[str, dt.date]:
    """Return the partial dates among texts that no format reads, completed."""
    if not rule:
        return {}
    found = {text: complete(text, rule) for text in unread}
    return {text: date for text, date in found.items() if date is not None}


def _read(text: str, formats: tuple[str, ...]) -> tuple[dt.date | None, int]:
    """Return the date by the first format that reads it, and which that is."""
    for position, format_ in enumerate(formats):
        if format_ == ISO8601:
            whole = _ISO.fullmatch(text)
            if whole is None:
                continue
            text, format_ = whole[1], "%Y-%m-%d"
        try:
            return dt.datetime.strptime(text, format_).date(), position
        except ValueError:
            continue
    return None, -1


def complete(text: str, rule: Mapping[str, str]) -> dt.date | None:
    """Return a partial date with its missing parts put in, None when it is none.

    >>> rule = {"month": "first", "day": "last"}
    >>> complete("2024-02", rule), complete("2024", rule)
    (datetime.date(2024, 2, 29), datetime.date(2024, 1, 31))
    >>> complete("UN MAR 2024", rule), complete("soon", rule)
    (datetime.date(2024, 3, 31), None)
    """
    year, month = _parts(text.strip().upper())
    if year is None or not 1 <= year <= 9999:
        return None
    if month is None:
        month = {"first": 1, "middle": 7, "last": 12}[rule["month"]]
    if not 1 <= month <= 12:
        return None
    if rule["day"] == "last":
        following = dt.date(year + month // 12, month % 12 + 1, 1)
        return following - dt.timedelta(days=1)
    return dt.date(year, month, 1 if rule["day"] == "first" else 15)


def missing_parts(text: str) -> str | None:
    """Return M where month and day of a partial date are missing, D for the day.

    >>> missing_parts("2024"), missing_parts("2024-03"), missing_parts("2024-03-01")
    ('M', 'D', None)
    """
    year, month = _parts(text.strip().upper())
    if year is None:
        return None
    return "M" if month is None else "D"


def _parts(text: str) -> tuple[int | None, int | None]:
    if found := _YEAR_MONTH.fullmatch(text):
        return int(found[1]), int(found[2])
    if found := _MONTH_NAME.fullmatch(text):
        name = found[1].lower()
        if name in _MONTHS:
            return int(found[2]), _MONTHS.index(name) + 1
    if found := _MONTH_YEAR.fullmatch(text):
        return int(found[2]), int(found[1])
    if found := _YEAR.fullmatch(text):
        return int(found[1] or found[2]), None
    return None, None


def _refuse(source: Source, spec: Spec, bad: pd.Series, ledger: Ledger) -> None:
    formats = " or ".join(source.date_formats)
    partial = any(missing_parts(text) for text in bad.unique())
    further = ", or say under `partial` how it is completed" if partial else ""
    no_day = [_looks_like_a_date(text, source.date_formats) for text in bad]
    ledger.problem(
        ["not a date: there is no such day" if n else "not a date" for n in no_day],
        source.name,
        positions=bad.index,
        column=spec["column"],
        values=bad,
        remedy=f"write it as {formats}, or list the format under date_formats{further}",
    )


def _looks_like_a_date(text: str, formats: tuple[str, ...]) -> bool:
    """Return whether a text has the shape of a format, but no day of that kind exists.

    >>> _looks_like_a_date("31.02.2024", ("%d.%m.%Y",))
    True
    """
    for format_ in formats:
        shape = re.escape("%Y-%m-%d" if format_ == ISO8601 else format_)
        for part, pattern in _SHAPES.items():
            shape = shape.replace(re.escape(part), pattern)
        if re.fullmatch(shape, text):
            return True
    return False


def _record_formats(
    source: Source,
    column: str,
    written: pd.Series,
    read: Mapping[str, tuple[dt.date | None, int]],
    exceptional: bool,
    ledger: Ledger,
) -> None:
    """Record the dates that were not read by the first format."""
    used = written.map({t: position for t, (_, position) in read.items()})
    other = (used > 0) | ((used == 0) & exceptional)
    if not other.any():
        return
    formats = np.array(source.date_formats, dtype=object)
    names = formats[used[other].astype(int)]
    ledger.change(
        source.name,
        written.index[other],
        rule="date format",
        column=column,
        old=written[other],
        new=written[other].map({t: d for t, (d, _) in read.items()}),
        reason=[f"read as {name}" for name in names],
    )


def _record_completed(
    source: Source,
    column: str,
    written: pd.Series,
    completed: Mapping[str, dt.date],
    ledger: Ledger,
) -> None:
    chosen = written.isin(list(completed))
    if not chosen.any():
        return
    part = {t: "month and day" if missing_parts(t) == "M" else "day" for t in completed}
    reason = ("partial date: " + written[chosen].map(part) + " put in").to_numpy(object)
    places = written.index[chosen]
    new = written[chosen].map(dict(completed))
    ledger.change(
        source.name,
        places,
        rule="partial date",
        column=column,
        old=written[chosen],
        new=new,
        reason=reason,
    )
    ledger.query(
        "partial date",
        source.name,
        positions=places,
        column=column,
        values=written[chosen],
        finding=reason,
        resolution=("read as " + new.astype(str)).to_numpy(object),
    )
