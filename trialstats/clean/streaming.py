"""Clean a trial whose sources are larger than memory, some subjects at a time."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from trialstats.clean.account import Ledger
from trialstats.clean.adsl import subject_source
from trialstats.clean.preparing import (
    Prepared,
    join_sources,
    prepare,
    stacked,
)
from trialstats.clean.sources import open_sources
from trialstats.clean.subjects import (
    Roster,
    query_alike,
    require_subjects,
    roster_of,
    subject_ids,
)
from trialstats.clean.trial import CleanPart, clean_part, set_unused_aside
from trialstats.config.raw_files import files_of
from trialstats.raw import RawColumn, RawTable

Config = Mapping[str, Any]

#: Rows of all sources from which on a trial is cleaned in parts, and rows of a part.
LARGE, PART = 1_000_000, 300_000

_POSITION, _SUBJECT = "__position", "__subject"
_KIND = "__kind_"


class Store(Protocol):
    """Where rows wait on disk: `trialstats.io.Staging`."""

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows of a source."""

    def parts(
        self, rows: int, names: Iterable[str] | None = None
    ) -> Iterator[dict[str, pa.Table]]:
        """Yield all rows of some subjects of every source, or of those named."""


class Staged:
    """The sources of a trial, read in batches.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    store : Store
        Receives the rows of sources with subjects; the others stay in memory.
    rows : int
        Rows of all sources in a part; a subject is never divided.
    """

    def __init__(self, config: Config, store: Store, rows: int = PART) -> None:
        self.config, self.store, self.rows = config, store, rows
        self.lookups: dict[str, Prepared] = {}
        self._columns: dict[str, dict[str, RawColumn]] = {}
        self._kinds: dict[str, set[str]] = {}
        self._dated: dict[str, frozenset[str]] = {}
        self._origin: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._subject = config["adsl"]["subject"]

    def read(self, name: str, batches: Iterable[tuple[int, RawTable]]) -> None:
        """Take in a source: batches of rows, each with the number of its file."""
        spec = self.config["sources"][name]
        names = list(files_of(spec))
        first, held = 0, []
        for number, table in batches:
            part = prepare(spec, table, number=number, name=names[number], first=first)
            first += table.num_rows
            self._origin.setdefault(name, []).append((part.file_of, part.row_of))
            self._columns.setdefault(name, dict(part.columns))
            self._dated[name] = self._dated.get(name, frozenset()) | part.dated
            if self._subject in part.frame:
                self.store.add(name, self._as_rows(name, part))
            else:
                held.append(part)
        if held:
            self.lookups[name] = stacked(held, files_of(spec).values())

    def receive(self, ledger: Ledger) -> None:
        """Open the account of every row."""
        for name, parts in self._origin.items():
            files = files_of(self.config["sources"][name]).values()
            file_of = np.concatenate([file for file, _ in parts])
            row_of = np.concatenate([row for _, row in parts])
            ledger.receive(name, files, file_of, row_of)
            self._origin[name] = [(file_of, row_of)]

    def parts(
        self, names: Iterable[str] | None = None
    ) -> Iterator[dict[str, Prepared]]:
        """Yield all rows of some subjects in every source, or in those named."""
        for tables in self.store.parts(self.rows, names):
            part = {name: self._prepared(name, table) for name, table in tables.items()}
            yield part | self.lookups

    def _as_rows(self, name: str, part: Prepared) -> pa.Table:
        table = pa.Table.from_pandas(part.frame, preserve_index=False)
        table = table.append_column(_POSITION, pa.array(part.frame.index.to_numpy()))
        # As the rules will read it, so that the rows of a subject stay together.
        subject = part.frame[self._subject].str.strip().fillna("")
        table = table.append_column(_SUBJECT, pa.array(subject, type=pa.large_string()))
        # A file whose cells have kinds has them from its first batch on.
        own = set(part.frame.columns) if part.kinds else set()
        known = self._kinds.setdefault(name, own)
        for column in sorted(known):
            kind = part.kinds.get(column, np.zeros(len(part.frame), dtype=np.uint8))
            table = table.append_column(f"{_KIND}{column}", pa.array(kind))
        return table

    def _prepared(self, name: str, table: pa.Table) -> Prepared:
        positions = table.column(_POSITION).to_numpy()
        kinds = {
            column.removeprefix(_KIND): table.column(column).to_numpy()
            for column in table.column_names
            if column.startswith(_KIND)
        }
        cells = [
            column
            for column in table.column_names
            if column != _POSITION and not column.startswith(_KIND)
        ]
        frame = table.select(cells).to_pandas().astype("str")
        frame.index = pd.Index(positions, dtype="int64")
        file_of, row_of = self._origin[name][0]
        return Prepared(
            frame,
            kinds,
            self._columns[name],
            file_of[positions],
            row_of[positions],
            self._dated[name],
        )


def must_be_whole(config: Config) -> bool:
    """Return whether a trial cannot be cleaned some subjects at a time.

    A join may need rows of other subjects, and a subject that is derived or joined is
    not known yet when the rows are divided.
    """
    subject = config["adsl"]["subject"]
    for spec in config["sources"].values():
        if subject in spec.get("derive", {}):
            return True
        for join in spec.get("join", []):
            on = join["on"]
            theirs = list(on.values()) if isinstance(on, Mapping) else list(on)
            other = config["sources"][join["source"]]
            if subject in join["columns"] or subject not in spec["key"]:
                return True
            if subject in other["key"] and subject not in theirs:
                return True
    return False


def clean_in_parts(
    config: Config, staged: Staged, ledger: Ledger
) -> Iterator[CleanPart]:
    """Yield the datasets of a trial, some subjects at a time, in order of subjects.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    staged : Staged
        Has read all sources.
    ledger : Ledger
        The account; `trial.finish` closes it when the last part is yielded.
    """
    staged.receive(ledger)
    roster = _roster(config, staged, ledger)
    query_alike(config, roster, ledger)
    for prepared in staged.parts():
        for name, source in prepared.items():
            ledger.show(name, source.frame)
        joined = join_sources(config, prepared, ledger)
        yield clean_part(config, joined, roster, ledger, keep=tuple(staged.lookups))
    set_unused_aside(staged.lookups, ledger)


def _roster(config: Config, staged: Staged, ledger: Ledger) -> Roster:
    """Return everybody: the subjects of the rows that make ADSL."""
    subjects: list[str] = []
    name = config["adsl"]["from"]
    spec = config["sources"][name]
    only = {**config, "sources": {name: spec}}
    needed = [name, *(join["source"] for join in spec.get("join", []))]
    stored = [one for one in needed if one not in staged.lookups]
    quiet = Ledger(subject_column=ledger.subject_column)
    quiet.sources = {
        key: type(received)(
            received.files,
            received.file_of,
            received.row_of,
            received.disposition.copy(),
            received.used.copy(),
        )
        for key, received in ledger.sources.items()
    }
    for prepared in staged.parts(stored):
        joined = join_sources(only, prepared, quiet)
        sources = open_sources(only, joined, quiet)
        main = subject_source(config, sources)
        subjects += subject_ids(config, main, quiet).dropna().unique().tolist()
    roster = roster_of(subjects)
    require_subjects(config, roster, quiet)
    return roster
