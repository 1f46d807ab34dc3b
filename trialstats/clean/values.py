"""Read the columns of a raw source as typed values, and record every alteration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.canonical import numbers_of
from trialstats.clean.cell_texts import as_text, texts
from trialstats.clean.dates import read_dates
from trialstats.clean.sources import Source
from trialstats.clean.units import conversions
from trialstats.expressions import parse, value

Spec = Mapping[str, Any]

#: What stands in a cell whose formula failed.
SPREADSHEET_ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"}
)


def read_column(source: Source, spec: Spec, ledger: Ledger) -> pd.Series:
    """Return one column as typed values.

    Missing codes become missing; then text is recoded, numbers are converted to the
    unit of the variable, corrected and held against their range, dates are read.

    Parameters
    ----------
    source : Source
        The source; the column must exist.
    spec : mapping
        ``column``, or ``derive`` with an expression over the columns, and ``type``,
        ``unit``, ``recode``, ``units``, ``corrections``, ``range``, ``partial``.
    ledger : Ledger
        Receives every alteration, finding and error.

    Returns
    -------
    Series
        On the positions of the source: str, float64 (whole numbers too) or
        datetime64[s].
    """
    kind = spec.get("type", "text")
    if "derive" in spec:
        return _derived(source, spec, kind, ledger)
    cells = _without_codes(source, spec["column"], ledger)
    if kind == "date":
        return read_dates(source, spec, cells, ledger)
    if kind == "text" or "recode" in spec:
        cells = _recoded(source, spec, cells, ledger)
    if kind == "text":
        return cells
    return _number(source, spec, cells, ledger)


def _derived(source: Source, spec: Spec, kind: str, ledger: Ledger) -> pd.Series:
    for column in parse(spec["derive"]).names:
        if column in source.frame:
            _without_codes(source, column, ledger)
    found = value(spec["derive"], source.seen_by(spec["derive"]))
    if kind == "text":
        return found.astype("str")
    if kind == "date":
        return found.astype("datetime64[s]")
    named = {**spec, "column": spec["derive"]}
    return _in_range(source, named, found.astype("float64"), found, ledger)


def _without_codes(source: Source, column: str, ledger: Ledger) -> pd.Series:
    """Return the cells of a column, those with a code for a missing value missing."""
    cells = source.frame[column]
    failed = cells.isin(SPREADSHEET_ERRORS) & ~cells.isin(list(source.missing_codes))
    if failed.any():
        ledger.problem(
            "an error of the spreadsheet",
            source.name,
            positions=cells.index[failed],
            column=column,
            values=cells[failed],
            remedy="mend the formula, or list it under missing_codes",
        )
    codes = source.codes(column)
    coded = codes.notna()
    if coded.any():
        meaning = codes[coded].map(dict(source.missing_codes))
        places = cells.index[coded]
        ledger.change(
            source.name,
            places,
            rule="missing code",
            column=column,
            old=cells[coded],
            new=None,
            reason=meaning.to_numpy(dtype=object),
        )
        ledger.query(
            "missing code",
            source.name,
            positions=places,
            column=column,
            values=cells[coded],
            finding=("code for a missing value: " + meaning).to_numpy(dtype=object),
            resolution="read as missing",
        )
    return cells.mask(coded | failed)


def _recoded(source: Source, spec: Spec, cells: pd.Series, ledger: Ledger) -> pd.Series:
    recode = spec.get("recode")
    if recode is None:
        return cells
    unknown = cells.notna() & ~cells.isin(list(recode))
    if unknown.any():
        ledger.problem(
            "unknown label",
            source.name,
            positions=cells.index[unknown],
            column=spec["column"],
            values=cells[unknown],
            remedy=f"write one of {', '.join(recode)} or list it under recode",
        )
    new = cells.map({old: as_text(target) for old, target in recode.items()})
    new = new.astype("str")
    altered = new.notna() & (new != cells)
    if altered.any() and spec.get("type", "text") == "text":
        ledger.change(
            source.name,
            cells.index[altered],
            rule="recode",
            column=spec["column"],
            old=cells[altered],
            new=new[altered],
            reason="label listed under recode",
        )
    return new


def _number(source: Source, spec: Spec, cells: pd.Series, ledger: Ledger) -> pd.Series:
    # What a spreadsheet or a statistics program holds as a number has a point.
    typed = source.numbers_typed(spec["column"]) | ("recode" in spec)
    numbers = numbers_of(cells, source.decimal)
    if source.decimal != "." and typed.any():
        numbers = np.where(typed, numbers_of(cells), numbers)
    whole = spec.get("type") == "integer"
    wrong = cells.notna().to_numpy() & np.isnan(numbers)
    if whole:
        wrong |= ~np.isnan(numbers) & (numbers != np.floor(numbers))
    if wrong.any():
        mark = "point" if source.decimal == "." else "comma"
        ledger.problem(
            "not a whole number" if whole else "not a number",
            source.name,
            positions=cells.index[wrong],
            column=spec["column"],
            values=cells[wrong],
            remedy=f"write a number with a decimal {mark}, "
            "or list the code under missing_codes",
        )
    series = pd.Series(np.where(wrong, np.nan, numbers), index=cells.index)
    if "units" in spec:
        series = _in_unit(source, spec, series, ledger)
    for correction in spec.get("corrections", []):
        series = _corrected(source, spec, correction, series, ledger)
    return _in_range(source, spec, series, cells, ledger)


def _in_unit(
    source: Source, spec: Spec, series: pd.Series, ledger: Ledger
) -> pd.Series:
    units_spec = spec["units"]
    if "column" in units_spec:
        column = {"column": units_spec["column"], "type": "text"}
        units = read_column(source, column, ledger)
    else:
        units = pd.Series(units_spec["received"], index=series.index, dtype="str")
    known = conversions(units_spec, spec.get("unit"), units.dropna().unique())
    present = series.notna()
    unknown = present & ~units.isin(list(known))
    if unknown.any():
        bare = units[unknown].isna().to_numpy()
        ledger.problem(
            np.where(bare, "no unit", "unknown unit").astype(object),
            source.name,
            positions=series.index[unknown],
            column=units_spec.get("column", spec["column"]),
            values=units[unknown],
            remedy=f"write one of {', '.join(known)} or list it under units",
        )
    new = series.mask(unknown)
    for unit, (factor, offset, what) in known.items():
        rows = present & (units == unit)
        if (factor, offset) == (1.0, 0.0) or not rows.any():
            continue
        converted = series[rows] * factor + offset
        _alter(source, spec, converted, "unit conversion", what, ledger)
        new = new.mask(rows, converted)
    return new


def _corrected(
    source: Source, spec: Spec, correction: Spec, series: pd.Series, ledger: Ledger
) -> pd.Series:
    low, high = correction.get("below"), correction.get("above")
    applies = pd.Series(False, index=series.index)
    if low is not None:
        applies |= series < low
    if high is not None:
        applies |= series > high
    if not applies.any():
        return series
    new = series[applies] * correction["multiply"]
    _alter(source, spec, new, "correction", correction["reason"], ledger)
    return series.mask(applies, new)


def _in_range(
    source: Source, spec: Spec, series: pd.Series, received: pd.Series, ledger: Ledger
) -> pd.Series:
    if "range" not in spec:
        return series
    low, high = spec["range"]
    outside = (series < low) | (series > high)
    if not outside.any():
        return series
    what = f"impossible: outside {as_text(low)} to {as_text(high)}"
    new = pd.Series(np.nan, index=series.index[outside])
    _alter(source, spec, new, "impossible value", what, ledger, received=received)
    return series.mask(outside)


def _alter(
    source: Source,
    spec: Spec,
    new: pd.Series,
    rule: str,
    reason: str,
    ledger: Ledger,
    received: pd.Series | None = None,
) -> None:
    """Record altered numbers in the account and as findings."""
    column = spec["column"]
    old = source.frame.get(column, received)
    if old is None:
        old = new
    old = texts(old.loc[new.index])
    written = texts(new)
    ledger.change(
        source.name,
        new.index,
        rule=rule,
        column=column,
        old=old,
        new=written,
        reason=reason,
    )
    ledger.query(
        rule,
        source.name,
        positions=new.index,
        column=column,
        values=old,
        finding=reason,
        resolution=[
            "read as missing" if t is None else f"read as {t}" for t in written
        ],
    )
