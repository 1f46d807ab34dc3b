"""The errors of a site, planted one by one and listed as they are planted.

A `Submission` is one source as it will be sent. Each function below damages some of its
cells and adds an entry to `planted` that says where, what stands there now, and what a
correct cleaning makes of it. A row is damaged once at most, so that each entry can be
looked for on its own.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

_MONTHS = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]

#: Ways to write a date. The months' names are written out here because those of the
#: standard library follow the locale.
DATE_FORMATS: dict[str, Callable[[dt.date], str]] = {
    "%Y-%m-%d": lambda day: day.isoformat(),
    "%d/%m/%Y": lambda day: f"{day.day:02d}/{day.month:02d}/{day.year}",
    "%d %b %Y": lambda day: f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}",
    "%d.%m.%Y": lambda day: f"{day.day:02d}.{day.month:02d}.{day.year}",
}
#: Shares of the subjects whose dates are written in each way.
DATE_SHARES = (0.55, 0.2, 0.15, 0.1)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that was not asked for.

    Parameters
    ----------
    column : str
        Column that names the unit.
    name : str
        Its name there.
    factor : float
        What brings a value back to the unit asked for.
    digits : int
        Decimals with which such values are written.
    """

    column: str
    name: str
    factor: float
    digits: int


@dataclass(slots=True)
class Submission:
    """One source as a site sends it.

    Parameters
    ----------
    source : str
        Name of the source in the trial's configuration.
    file : str
        File that the source is sent in.
    cells : DataFrame
        Its cells, as objects, numbered from 0.
    planted : list of dict
        The errors planted so far.
    damaged : set of int
        Positions of the rows that hold a planted error.
    date_formats : dict
        How many dates of a column are written in each format.
    """

    source: str
    file: str
    cells: pd.DataFrame
    planted: list[dict[str, Any]] = field(default_factory=list)
    damaged: set[int] = field(default_factory=set)
    date_formats: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the cells objects, numbered from 0, with None where nothing stands."""
        self.cells = self.cells.reset_index(drop=True).astype(object)
        self.cells = self.cells.where(self.cells.notna(), None)

    def cell(self, row: int, column: str) -> Any:
        """Return what stands in a cell now."""
        return self.cells.loc[row, column]

    def write(self, row: int, column: str, value: Any) -> None:
        """Write into a cell without listing it."""
        self.cells.loc[row, column] = value

    def pick(self, rng: np.random.Generator, n: int, where: pd.Series) -> list[int]:
        """Draw `n` rows without an error, in order, among those where `where` holds."""
        free = [int(i) for i in np.flatnonzero(where) if int(i) not in self.damaged]
        return sorted(rng.choice(free, size=n, replace=False).tolist())

    def plant(
        self,
        row: int,
        column: str,
        value: object,
        kind: str,
        cleaning: str,
        **more: object,
    ) -> None:
        """Write `value` into a cell and list it."""
        self.write(row, column, value)
        self.note(row, column, value, kind, cleaning, **more)

    def note(
        self,
        row: int,
        column: str | None,
        value: object,
        kind: str,
        cleaning: str,
        **more: object,
    ) -> None:
        """List an error without writing; the row is numbered as a spreadsheet does."""
        self.damaged.add(row)
        entry = {
            "kind": kind,
            "source": self.source,
            "file": self.file,
            "row": row + 2,
            "subject": self.cell(row, "subject"),
            "column": column,
            "value": None if value is None else str(value),
            "cleaning": cleaning,
        }
        self.planted.append(entry | more)


def missing_codes(
    sent: Submission,
    rng: np.random.Generator,
    column: str,
    codes: Sequence[object],
    where: pd.Series | None = None,
) -> None:
    """Write each code into a row of its own."""
    filled = sent.cells[column].notna()
    rows = sent.pick(rng, len(codes), filled if where is None else filled & where)
    for row, code in zip(rows, codes, strict=True):
        sent.plant(row, column, code, "missing code", "read as missing", becomes=None)


def other_unit(sent: Submission, rows: Sequence[int], column: str, unit: Unit) -> None:
    """Give values in another unit, and say so in the column of the unit."""
    for row in rows:
        there = round(sent.cell(row, column) / unit.factor, unit.digits)
        value = there if unit.digits else int(there)
        sent.write(row, unit.column, unit.name)
        sent.plant(
            row,
            column,
            value,
            "unit conversion",
            f"multiply by {unit.factor} ({unit.name})",
            becomes=float(f"{value * unit.factor:.12g}"),
        )


def heights_in_metres(sent: Submission, rows: Sequence[int]) -> None:
    """Give heights in metres where centimetres were asked for; no column says so."""
    for row in rows:
        centimetres = sent.cell(row, "height")
        sent.plant(
            row,
            "height",
            centimetres / 100,
            "correction",
            "multiply by 100: height given in metres",
            becomes=float(centimetres),
        )


def impossible_value(
    sent: Submission, row: int, column: str, value: object, limits: tuple[float, float]
) -> None:
    """Write a value outside the range of its instrument."""
    cleaning = f"read as missing: outside {limits[0]:g} to {limits[1]:g}"
    sent.plant(row, column, value, "impossible value", cleaning, becomes=None)


def late_visit(visits: Submission, disposition: Submission, row: int) -> None:
    """Move a final visit three weeks later, outside every window.

    The last contact of the subject moves with it, so that no record is later than that.
    """
    late = visits.cell(row, "visit_date") + dt.timedelta(weeks=3)
    subject = visits.cell(row, "subject")
    cleaning = "keep, in no visit window, not analysed"
    visits.plant(row, "visit_date", late, "out of window", cleaning)
    (own,) = np.flatnonzero(disposition.cells["subject"] == subject).tolist()
    disposition.write(own, "last_date", late)


def forgotten_days(
    sent: Submission, subject: str, first: dt.date, *, days: int = 7, left: int = 3
) -> None:
    """Delete entries of a week until fewer are left than a weekly mean needs."""
    theirs = sent.cells["subject"] == subject
    offset = sent.cells["date"].map(lambda day: (day - first).days)
    rows = sent.cells.index[theirs & (offset >= 0) & (offset < days)]
    sent.cells = sent.cells.drop(index=rows[left:]).reset_index(drop=True)
    last = int(rows[left - 1])
    cleaning = f"no weekly mean: {left} of {days} days"
    value = sent.cell(last, "date")
    sent.note(last, "date", value, "week not summarised", cleaning)
    # The other days of that week stay as they are too: they must not be damaged again.
    sent.damaged.update(int(row) for row in rows[:left])


def label_variants(
    sent: Submission,
    rng: np.random.Generator,
    column: str,
    variants: dict[str, list[str]],
) -> None:
    """Write labels in the ways that the configuration's recodes list."""
    sent.cells[column] = [
        value if rng.random() < 0.6 else str(rng.choice(variants[value]))
        for value in sent.cells[column]
    ]


def mixed_dates(sent: Submission, rng: np.random.Generator, column: str) -> None:
    """Turn dates into text, in one format for each subject, ISO in damaged rows."""
    names = list(DATE_FORMATS)
    people = list(dict.fromkeys(sent.cells["subject"]))
    own = dict(
        zip(people, rng.choice(names, size=len(people), p=DATE_SHARES), strict=True)
    )
    counts = dict.fromkeys(names, 0)
    for row, value in sent.cells[column].items():
        if isinstance(value, dt.date):
            position = int(str(row))
            subject = sent.cell(position, "subject")
            name = names[0] if position in sent.damaged else str(own[subject])
            sent.write(position, column, DATE_FORMATS[name](value))
            counts[name] += 1
    sent.date_formats[column] = counts


def text_dates(sent: Submission, rng: np.random.Generator, column: str, n: int) -> None:
    """Write some dates of an Excel source as text, the rest stay dates of Excel."""
    dated = sent.cells[column].map(lambda value: isinstance(value, dt.date))
    names = list(DATE_FORMATS)
    for number, row in enumerate(sent.pick(rng, n, dated)):
        day = sent.cell(row, column)
        name = names[number % len(names)]
        text = DATE_FORMATS[name](day)
        cleaning = f"read as a date, {name}"
        sent.plant(row, column, text, "text date", cleaning, becomes=day.isoformat())


def resubmit(sent: Submission, rng: np.random.Generator, n: int) -> None:
    """Send `n` whole rows once more, at the end of the file."""
    everywhere = pd.Series(True, index=sent.cells.index)
    rows = sent.pick(rng, n, everywhere)
    last = len(sent.cells)
    again = sent.cells.loc[rows]
    sent.cells = pd.concat([sent.cells, again], ignore_index=True)
    for number, row in enumerate(rows):
        cleaning = f"set aside: identical to row {row + 2}"
        sent.note(last + number, None, None, "duplicate", cleaning, same_as_row=row + 2)
        sent.damaged.add(row)
