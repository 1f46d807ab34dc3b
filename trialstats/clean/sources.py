"""Open the raw sources of a trial: columns, keys, resubmissions, rows set aside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.canonical import as_column, numbers_of, plain_number
from trialstats.clean.preparing import Prepared
from trialstats.config.checking import suggestion
from trialstats.errors import ConfigError
from trialstats.expressions import condition, parse, texts_compared, value
from trialstats.raw import DATE, NUMBER, RawColumn

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A raw source whose rows may still be used.

    Attributes
    ----------
    name : str
        Its name in the configuration.
    frame : DataFrame of str
        Cells without spaces around them, empty ones missing; the index is the position
        of the row in the source.
    kinds : mapping of str to ndarray
        Kind of each cell of a column whose cells are not all text (`trialstats.raw`).
    columns : mapping of str to RawColumn
        Labels and formats that came with the file.
    missing_codes : mapping of str to str
        Codes for a missing value, with their meaning.
    date_formats : tuple of str
        Formats of dates in text cells, in the order in which they are tried.
    decimal : str
        Decimal mark of numbers in text cells.
    dated : frozenset of str
        Columns of the whole source that hold cells which came as dates.
    derived : frozenset of str
        Columns that the configuration derives.
    """

    name: str
    frame: pd.DataFrame
    kinds: Mapping[str, np.ndarray]
    columns: Mapping[str, RawColumn]
    missing_codes: Mapping[str, str]
    date_formats: tuple[str, ...]
    decimal: str = "."
    dated: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()

    @property
    def positions(self) -> np.ndarray:
        """Positions of the rows, in order."""
        positions: np.ndarray = self.frame.index.to_numpy(dtype=np.int64)
        return positions

    def column(self, name: str) -> pd.Series:
        """Return the cells of a column."""
        cells: pd.Series = self.frame[name]
        return cells

    def rows(self, chosen: np.ndarray) -> "Source":
        """Return the source with the rows where `chosen` is true."""
        if chosen.all():
            return self
        kinds = {name: kind[chosen] for name, kind in self.kinds.items()}
        return replace(self, frame=self.frame[chosen], kinds=kinds)

    def codes(self, column: str) -> pd.Series:
        """Return the code for a missing value that each cell holds, or missing.

        A code that is a number is met however the number is written: -99.0 is -99.
        What was derived holds no codes: a difference of -99 is a difference.
        """
        cells = self.column(column)
        if column in self.derived:
            return pd.Series(None, index=cells.index, dtype="str")
        found = cells.where(cells.isin(list(self.missing_codes)))
        numbers = {plain_number(code): code for code in self.missing_codes}
        numbers.pop(None, None)
        if numbers:
            values = pd.Series(numbers_of(cells, self.decimal), index=cells.index)
            found = found.fillna(values.map(numbers).astype("str"))
        coded: pd.Series = found
        return coded

    def seen_by(self, text: str) -> pd.DataFrame:
        """Return the columns that an expression names, codes for missing left out.

        Raises
        ------
        ConfigError
            When the expression compares with a code: no cell would ever equal it.
        """
        _refuse_codes(text, self.missing_codes)
        names = [name for name in parse(text).names if name in self.frame]
        if len(names) < len(parse(text).names) or not names:
            return self.frame
        return pd.DataFrame(
            {n: self.column(n).mask(self.codes(n).notna()) for n in names}
        )

    def holds(self, text: str) -> np.ndarray:
        """Return for each row whether a condition holds."""
        return condition(text, self.seen_by(text)).to_numpy(dtype=bool)

    def where(self, text: str | None) -> "Source":
        """Return the source with the rows for which a condition holds."""
        return self if text is None else self.rows(self.holds(text))

    def typed(self, column: str, kind: int) -> np.ndarray:
        """Return which cells of a column came as `kind`, and not as text."""
        kinds = self.kinds.get(column)
        if kinds is None:
            return np.zeros(len(self.frame), dtype=bool)
        typed: np.ndarray = kinds == kind
        return typed

    def dates_typed(self, column: str) -> np.ndarray:
        """Return which cells of a column came as dates."""
        return self.typed(column, DATE)

    def numbers_typed(self, column: str) -> np.ndarray:
        """Return which cells of a column came as numbers."""
        return self.typed(column, NUMBER)


def open_sources(
    config: Config, prepared: Mapping[str, Prepared], ledger: Ledger
) -> dict[str, Source]:
    """Return the sources of a trial, without the rows set aside.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    prepared : mapping of str to Prepared
        The rows of each source, all or those of some subjects.
    ledger : Ledger
        Has received all rows of the sources.

    Raises
    ------
    DataError
        When a column that the configuration names is missing, or two different rows
        share one key; all problems at once.
    """
    sources = {}
    for name, spec in config["sources"].items():
        source = _opened(config, name, spec, prepared[name])
        ledger.show(name, prepared[name].frame)
        # A join sets rows aside before their source is open.
        source = source.rows(~ledger.is_aside(name, source.positions))
        if _lacks_columns(config, source, ledger):
            continue
        source = _with_derived(source, spec)
        source = _without_resubmissions(source, spec["key"], ledger)
        sources[name] = _without_set_aside(source, spec, ledger)
    ledger.stop_on_problems()
    return sources


def _opened(config: Config, name: str, spec: Config, prepared: Prepared) -> Source:
    frame = prepared.frame.apply(lambda cells: cells.str.strip())
    codes = {**config.get("missing_codes", {}), **spec.get("missing_codes", {})}
    formats = spec.get("date_formats") or config.get("date_formats") or ["%Y-%m-%d"]
    return Source(
        name,
        frame.mask(frame == ""),
        prepared.kinds,
        prepared.columns,
        codes,
        tuple(formats),
        spec.get("decimal", "."),
        prepared.dated,
    )


def _lacks_columns(config: Config, source: Source, ledger: Ledger) -> bool:
    derived = config["sources"][source.name].get("derive", {})
    known = [*source.frame.columns, *derived]
    missing = [c for c in columns_used(config, source.name) if c not in known]
    for column in missing:
        ledger.problem(
            "missing column",
            source.name,
            column=column,
            remedy=suggestion(column, known),
        )
    taken = [name for name in derived if name in source.frame]
    for column in taken:
        ledger.problem(
            "the file has this column already",
            source.name,
            column=column,
            remedy="choose another name under `derive`",
        )
    return bool(missing or taken)


def _with_derived(source: Source, spec: Config) -> Source:
    derived = spec.get("derive", {})
    if not derived:
        return source
    for name, text in derived.items():
        cells, kind = as_column(value(text, source.seen_by(text)))
        source = replace(
            source,
            frame=source.frame.assign(**{name: cells}),
            kinds=source.kinds if kind is None else {**source.kinds, name: kind},
            derived=source.derived | {name},
        )
    return source


def _refuse_codes(text: str, codes: Mapping[str, str]) -> None:
    for constant in texts_compared(text):
        if constant in codes:
            raise ConfigError(
                f"expression {text!r} compares with {constant!r}, which is a code for "
                f"a missing value ({codes[constant]}); write missing(COLUMN)"
            )


def _without_set_aside(source: Source, spec: Config, ledger: Ledger) -> Source:
    for rule in spec.get("set_aside", []):
        holds = source.holds(rule["when"])
        ledger.set_aside(
            source.name,
            source.positions[holds],
            rule="set aside by the configuration",
            reason=rule["reason"],
        )
        source = source.rows(~holds)
    return source


def columns_used(config: Config, source: str) -> list[str]:
    """Return every column of a source that the configuration names, once."""
    names = list(_named_by_source(config["sources"][source]))
    adsl = config["adsl"]
    if adsl["from"] == source:
        names += [adsl["subject"], *_in_expression(adsl.get("where"))]
    for variable in adsl["variables"].values():
        if variable.get("source", adsl["from"]) == source and "derive" not in variable:
            names += [adsl["subject"], *_named_by_variable(variable)]
    for parameter in config.get("bds", {}).values():
        if parameter.get("from") == source:
            names += [adsl["subject"], *_named_by_parameter(parameter)]
    for parameter in config.get("adtte", {}).values():
        if parameter.get("from") == source:
            names += [adsl["subject"], *_in_expression(parameter.get("where"))]
            names += _named_by_variable(parameter["time"])
            names += _in_expression(parameter["event"])
    events = config.get("adae", {})
    if events.get("from") == source:
        names += [adsl["subject"], *_in_expression(events.get("where"))]
        for variable in events["variables"].values():
            names += _named_by_variable(variable)
    return list(dict.fromkeys(names))


def _named_by_source(spec: Config) -> Iterator[str]:
    yield from spec["key"]
    seen: list[str] = []
    for name, text in spec.get("derive", {}).items():
        yield from (n for n in parse(text).names if n not in seen)
        seen.append(name)
    for rule in spec.get("set_aside", []):
        yield from parse(rule["when"]).names


def _named_by_variable(spec: Config) -> Iterator[str]:
    yield from (spec[key] for key in ("column", "by") if key in spec)
    yield from _in_expression(spec.get("where"))
    yield from _in_expression(spec.get("derive"))
    if "column" in spec.get("units", {}):
        yield spec["units"]["column"]


def _named_by_parameter(spec: Config) -> Iterator[str]:
    visits = spec.get("visits", {})
    yield from _in_expression(spec.get("where"))
    yield from _named_by_variable(spec.get("value", {}))
    if "date" in spec:
        yield spec["date"]["column"]
    yield from (visits[key] for key in ("nominal", "column", "period") if key in visits)
    for column, visit in visits.get("columns", {}).items():
        yield column
        if "date" in visit:
            yield visit["date"]
    baseline = spec.get("baseline")
    if isinstance(baseline, Mapping) and "column" in baseline:
        yield baseline["column"]
    yield from spec.get("as_received", {}).values()
    if "treatment" in spec:
        yield spec["treatment"]["column"]


def _in_expression(text: str | None) -> Iterator[str]:
    if text is not None:
        yield from parse(text).names


def _without_resubmissions(source: Source, key: list[str], ledger: Ledger) -> Source:
    frame = source.frame
    again = frame.duplicated().to_numpy()
    if again.any():
        first = _first_positions(frame, list(frame.columns), again)
        reason = [f"identical to row {row}" for row in _rows(source, first, ledger)]
        places = source.positions[again]
        ledger.set_aside(
            source.name,
            places,
            rule="resubmission",
            reason=np.array([f"{text}: submitted twice" for text in reason], object),
        )
        ledger.query(
            "duplicate",
            source.name,
            positions=places,
            column=", ".join(key),
            values=_joined_key(frame[again], key),
            finding=np.array(reason, dtype=object),
            resolution="set aside",
        )
    source = source.rows(~again)
    frame = source.frame
    twice = frame.duplicated(key).to_numpy()
    if twice.any():
        first = _first_positions(frame, key, twice)
        rows = _rows(source, first, ledger)
        ledger.problem(
            [f"duplicated key: row {row} has it with other values" for row in rows],
            source.name,
            positions=source.positions[twice],
            column=", ".join(key),
            values=_joined_key(frame[twice], key),
            remedy="keep one of the two rows",
        )
    return source.rows(~twice)


def _first_positions(
    frame: pd.DataFrame, columns: list[str], repeated: np.ndarray
) -> np.ndarray:
    """Return, for each repeated row, the position of the first that is like it."""
    groups = frame.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
    positions = frame.index.to_numpy()
    _, first = np.unique(groups, return_index=True)
    found: np.ndarray = positions[first[groups[repeated]]]
    return found


def _rows(source: Source, positions: np.ndarray, ledger: Ledger) -> np.ndarray:
    rows: np.ndarray = ledger.sources[source.name].row_of[positions]
    return rows


def _joined_key(frame: pd.DataFrame, key: list[str]) -> np.ndarray:
    cells = frame[key].astype(object).where(frame[key].notna(), None)
    joined = [", ".join(str(part) for part in row) for row in cells.to_numpy()]
    return np.array([*joined, None], dtype=object)[:-1]
