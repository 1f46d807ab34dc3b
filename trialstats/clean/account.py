"""The account: what became of every raw row.

A raw row ends in exactly one of three: *kept* (used as received), *changed* (used, with
at least one value altered by a rule) or *set aside* (not used, with the reason). Rules
work on whole columns, so they report positions (the place of a row in its source) as
arrays; the ledger turns a position into file and row.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.cell_texts import texts
from trialstats.errors import (
    SHOWN,
    ConfigError,
    DataError,
    located,
    numbered_list,
)
from trialstats.rows import ACCOUNT, QUERIES, SET_ASIDE

KEPT, CHANGED, ASIDE = "kept", "changed", "set aside"

#: Dispositions by their code in the arrays of a ledger.
_DISPOSITIONS = np.array([KEPT, CHANGED, ASIDE], dtype=object)

#: Raw rows whose account is made at once.
_SLICE = 500_000

_CHANGE = ["position", "rule", "column", "old_value", "new_value", "reason"]
_QUERY = ["kind", "source", "file", "row", "USUBJID", "column", "value"]
_QUERY += ["finding", "resolution"]

#: Text of one entry, or of each of several.
Texts = Any


@dataclass(slots=True)
class Received:
    """The rows of one source, and what has become of them so far.

    Attributes
    ----------
    files : tuple of str
        Files of the source.
    file_of, row_of : ndarray of int
        For each position the file and the row of the file.
    disposition : ndarray of uint8
        Code of the disposition of each position.
    used : ndarray of bool
        Whether some dataset holds the row.
    """

    files: tuple[str, ...]
    file_of: np.ndarray
    row_of: np.ndarray
    disposition: np.ndarray
    used: np.ndarray

    def file(self, position: int) -> str:
        """Return the file of a position."""
        return self.files[int(self.file_of[position])]


@dataclass(slots=True)
class Ledger:
    """Collects what the rules do to the rows of all sources of one trial.

    Attributes
    ----------
    subject_column : str
        Column of every source that names the subject.
    collecting : bool
        Whether errors are only collected, so that one look finds those of all steps.
    """

    subject_column: str = ""
    collecting: bool = False
    sources: dict[str, Received] = field(default_factory=dict)
    raw: dict[str, pd.DataFrame] = field(default_factory=dict)
    tallies: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    _changes: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    _aside: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    _queries: list[pd.DataFrame] = field(default_factory=list)
    _problems: dict[str, None] = field(default_factory=dict)
    _unlisted: int = 0

    def receive(
        self,
        source: str,
        files: Iterable[str],
        file_of: np.ndarray,
        row_of: np.ndarray,
    ) -> None:
        """Open the account of a source with all its rows."""
        size = len(row_of)
        self.sources[source] = Received(
            tuple(files),
            file_of,
            row_of,
            np.zeros(size, dtype=np.uint8),
            np.zeros(size, dtype=bool),
        )

    def show(self, source: str, cells: pd.DataFrame) -> None:
        """Give the cells as received of the rows that the rules now work on."""
        self.raw[source] = cells

    def use(self, source: str, positions: Any) -> None:
        """Record that a dataset holds these rows."""
        self.sources[source].used[_array(positions)] = True

    def change(
        self,
        source: str,
        positions: Any,
        *,
        rule: str,
        column: str,
        old: Texts,
        new: Texts,
        reason: Texts,
    ) -> None:
        """Record altered values; the same change is recorded once."""
        places = _array(positions)
        if not len(places):
            return
        received = self.sources[source]
        was = received.disposition[places]
        received.disposition[places] = np.maximum(was, 1)
        entry = {
            "position": places,
            "rule": rule,
            "column": column,
            "old_value": texts(old),
            "new_value": texts(new),
            "reason": reason,
        }
        self._changes.setdefault(source, []).append(pd.DataFrame(entry))

    def set_aside(
        self, source: str, positions: Any, *, rule: str, reason: Texts
    ) -> None:
        """Record that rows are not used; the first reason stands."""
        places = _array(positions)
        received = self.sources[source]
        fresh = received.disposition[places] != 2
        if not fresh.any():
            return
        reasons = np.broadcast_to(np.asarray(reason, dtype=object), places.shape)
        received.disposition[places] = 2
        new = places[fresh]
        entry = {
            "position": new,
            "rule": rule,
            "reason": reasons[fresh],
            "raw": self._as_json(source, new),
        }
        self._aside.setdefault(source, []).append(pd.DataFrame(entry))

    def is_aside(self, source: str, positions: Any) -> np.ndarray:
        """Return which rows are set aside."""
        aside: np.ndarray = self.sources[source].disposition[_array(positions)] == 2
        return aside

    def query(
        self,
        kind: str,
        source: str,
        *,
        finding: Texts,
        resolution: Texts,
        positions: Any = None,
        subjects: Texts = None,
        column: str | None = None,
        values: Texts = None,
    ) -> None:
        """Record findings about the quality of the data, one an entry of the arrays."""
        size = _size(positions, subjects, values, finding)
        if size == 0:
            return
        received = self.sources[source]
        places = None if positions is None else _array(positions)
        files = np.array(received.files, dtype=object)
        first = received.files[0] if received.files else None
        entry = {
            "kind": kind,
            "source": source,
            "file": first if places is None else files[received.file_of[places]],
            "row": None if places is None else received.row_of[places],
            "USUBJID": self._subjects(source, places, subjects),
            "column": column,
            "value": texts(values),
            "finding": finding,
            "resolution": resolution,
        }
        frame = pd.DataFrame(entry, index=range(size), columns=_QUERY)
        self._queries.append(frame.astype({"row": "Int64"}))

    def problem(
        self,
        what: Texts,
        source: str,
        *,
        positions: Any = None,
        column: str | None = None,
        values: Texts = None,
        remedy: Texts = None,
    ) -> None:
        """Record errors in the data; `stop_on_problems` raises them together."""
        size = _size(positions, values, what)
        received = self.sources.get(source)
        listed = min(size, SHOWN + 1)
        self._unlisted += size - listed
        places = None if positions is None else _array(positions)
        for number in range(listed):
            place = None if places is None else int(places[number])
            self._problems[
                located(
                    _entry(what, number),
                    self._file(received, place),
                    None if place is None or not received else received.row_of[place],
                    column,
                    _entry(texts(values), number),
                    _entry(remedy, number),
                )
            ] = None

    def stop_on_problems(self) -> None:
        """Raise every recorded error as one `DataError`, unless they are collected."""
        if self._problems and not self.collecting:
            raise DataError(numbered_list(self._problems, unlisted=self._unlisted))

    def problems(self) -> tuple[list[str], int]:
        """Return the recorded errors, and how many more there are."""
        return list(self._problems), self._unlisted

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Record an error of data or configuration where errors are collected."""
        try:
            yield
        except (ConfigError, DataError) as reason:
            if not self.collecting:
                raise
            self._problems[str(reason)] = None

    def account_parts(self) -> Iterator[pd.DataFrame]:
        """Yield the account in parts, a row per raw row and rule."""
        for name, received in self.sources.items():
            entries = self._entries(name)
            for first in range(0, len(received.row_of), _SLICE):
                last = min(first + _SLICE, len(received.row_of))
                yield _account_slice(name, received, entries, first, last)

    def account(self) -> pd.DataFrame:
        """Return the account, a row per raw row and rule (schema `ACCOUNT`)."""
        parts = [part for part in self.account_parts() if len(part)]
        return _stacked(parts, ACCOUNT.names)

    def set_aside_rows(self) -> pd.DataFrame:
        """Return the rows not used, as received (schema `SET_ASIDE`)."""
        frames = []
        for name in sorted(self._aside):
            entry = pd.concat(self._aside[name]).sort_values("position", kind="stable")
            frames.append(_with_place(name, self.sources[name], entry))
        return _stacked(frames, SET_ASIDE.names)

    def query_rows(self) -> pd.DataFrame:
        """Return the findings (schema `QUERIES`), in order of kind, source and row."""
        found = _stacked(self._queries, _QUERY).drop_duplicates()
        order = found.assign(_row=found["row"].fillna(0)).sort_values(
            ["kind", "source", "_row", "finding", "USUBJID"], kind="stable"
        )
        ordered: pd.DataFrame = order[QUERIES.names].reset_index(drop=True)
        return ordered

    def _entries(self, source: str) -> pd.DataFrame:
        changes = self._changes.get(source, [])
        changed = _stacked(changes, _CHANGE).drop_duplicates().assign(action=CHANGED)
        aside = _stacked(self._aside.get(source, []), ["position", "rule", "reason"])
        both = pd.concat(
            [frame for frame in (changed, aside.assign(action=ASIDE)) if len(frame)]
            or [changed]
        )
        return both.sort_values("position", kind="stable")

    def _as_json(self, source: str, positions: np.ndarray) -> list[str]:
        cells = self.raw[source].loc[positions]
        names = list(cells.columns)
        rows = cells.astype(object).where(cells.notna(), None).itertuples(index=False)
        return [
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
            for row in rows
        ]

    def _subjects(
        self, source: str, places: np.ndarray | None, subjects: Texts
    ) -> Texts:
        """Return the subjects named, or those that the raw rows name."""
        if subjects is not None or places is None:
            return texts(subjects)
        cells = self.raw.get(source)
        if cells is None or self.subject_column not in cells:
            return None
        named = cells[self.subject_column].reindex(places).str.strip()
        return texts(named)

    def _file(self, received: Received | None, place: int | None) -> str | None:
        if received is None or not received.files:
            return None
        return received.files[0] if place is None else received.file(place)


def _account_slice(
    source: str, received: Received, entries: pd.DataFrame, first: int, last: int
) -> pd.DataFrame:
    """Return the account of the positions from `first` to before `last`."""
    places = entries["position"].to_numpy(dtype=np.int64)
    low, high = np.searchsorted(places, [first, last])
    own = entries.iloc[low:high]
    whole = np.arange(first, last)
    kept = whole[received.disposition[first:last] == 0]
    frame = pd.concat(
        [own, pd.DataFrame({"position": kept, "action": KEPT})]
        if len(own)
        else [pd.DataFrame({"position": kept, "action": KEPT}, columns=own.columns)]
    ).sort_values("position", kind="stable")
    return _with_place(source, received, frame).reindex(columns=ACCOUNT.names)


def _with_place(source: str, received: Received, entries: pd.DataFrame) -> pd.DataFrame:
    places = entries["position"].to_numpy(dtype=np.int64)
    files = np.array(received.files, dtype=object)
    return entries.drop(columns="position").assign(
        source=source,
        file=files[received.file_of[places]],
        row=received.row_of[places],
        disposition=_DISPOSITIONS[received.disposition[places]],
    )


def _stacked(frames: list[pd.DataFrame], names: Iterable[str]) -> pd.DataFrame:
    columns = list(names)
    if not frames:
        return pd.DataFrame(columns=columns, dtype=object)
    stacked = pd.concat(frames, ignore_index=True)
    return stacked.reindex(columns=columns)


def _array(positions: Any) -> np.ndarray:
    return np.atleast_1d(np.asarray(positions, dtype=np.int64))


def _size(*entries: Any) -> int:
    """Return how many entries arrays of one length and single values make."""
    for entry in entries:
        if entry is not None and not isinstance(entry, str) and np.ndim(entry):
            return len(entry)
    return 1


def _entry(value: Any, number: int) -> Any:
    if value is None or isinstance(value, str) or not np.ndim(value):
        return value
    return value[number] if not isinstance(value, pd.Series) else value.iloc[number]


def account_counts(account: pd.DataFrame) -> pd.DataFrame:
    """Count the raw rows of each source by what became of them.

    Parameters
    ----------
    account : DataFrame
        Rows of the schema `ACCOUNT`.

    Returns
    -------
    DataFrame
        One row a source: source, file, received, kept, changed, set_aside.

    Raises
    ------
    DataError
        When kept, changed and set aside do not add up to received.
    """
    rows = account.drop_duplicates(["source", "file", "row"])
    records: list[dict[str, Any]] = []
    for place, part in rows.groupby(["source", "file"], sort=False):
        source, file = map(str, place)
        counts = part["disposition"].value_counts()
        kept, changed, aside = (int(counts.get(d, 0)) for d in (KEPT, CHANGED, ASIDE))
        if kept + changed + aside != len(part):
            unknown = sorted(set(part["disposition"]) - {KEPT, CHANGED, ASIDE})
            raise DataError("the account does not add up", file=file, value=unknown)
        records.append(
            {
                "source": source,
                "file": file,
                "received": len(part),
                "kept": kept,
                "changed": changed,
                "set_aside": aside,
            }
        )
    names = ["source", "file", "received", "kept", "changed", "set_aside"]
    return pd.DataFrame(records, columns=names)


def tallied(
    tallies: Mapping[tuple[Any, ...], int], kind: str, *parts: Any
) -> dict[Any, int]:
    """Return the counts of a kind whose key begins with `parts`, by what follows."""
    start = (kind, *parts)
    return {
        key[len(start)]: count
        for key, count in tallies.items()
        if key[: len(start)] == start
    }
