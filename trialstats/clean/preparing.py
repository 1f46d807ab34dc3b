"""Bring the files of a source into one table: stacked, renamed, numbered, joined."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.config.checking import suggestion
from trialstats.errors import DataError
from trialstats.raw import DATE, NUMBER, RawColumn, RawTable

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows of one source under the names of the configuration.

    Attributes
    ----------
    frame : DataFrame of str
        Cells as received; the index is the position of the row in the source.
    kinds : mapping of str to ndarray
        Kind of each cell of a column whose cells are not all text.
    columns : mapping of str to RawColumn
        Labels and formats that came with the file.
    file_of, row_of : ndarray of int
        For each row its file, by number, and the row of the file.
    dated : frozenset of str
        Columns that hold cells which came as dates, in these rows or in others of the
        source.
    """

    frame: pd.DataFrame
    kinds: Mapping[str, np.ndarray]
    columns: Mapping[str, RawColumn]
    file_of: np.ndarray
    row_of: np.ndarray
    dated: frozenset[str] = frozenset()


def prepare(
    spec: Config, table: RawTable, *, number: int, name: str | None, first: int
) -> Prepared:
    """Return one file of a source, or a batch of its rows.

    Parameters
    ----------
    spec : mapping
        The source in the configuration.
    table : RawTable
        The rows as read.
    number : int
        Number of the file in the source, from 0.
    name : str or None
        What `into` receives.
    first : int
        Position of the first row.

    Raises
    ------
    DataError
        When a new name is that of another column, or a renamed column is absent.
    """
    names = _names(spec, table)
    positions = pd.RangeIndex(first, first + table.num_rows)
    frame = table.cells.to_pandas().set_axis(names, axis=1).set_axis(positions)
    frame = frame.astype("str")
    renamed = dict(zip(table.column_names, names, strict=True))
    kinds = {renamed[column]: kind for column, kind in table.kinds.items()}
    columns = {renamed[column.name]: column for column in table.columns}
    if "into" in spec:
        _require_new(spec["into"], names, table.file)
        frame[spec["into"]] = pd.Series(name, index=positions, dtype="str")
    if "number_rows" in spec:
        _require_new(spec["number_rows"], names, table.file)
        numbers = np.arange(first + 1, first + 1 + len(frame)).astype(str)
        frame[spec["number_rows"]] = pd.Series(numbers, index=positions, dtype="str")
        kinds[spec["number_rows"]] = np.full(len(frame), NUMBER, dtype=np.uint8)
    file_of = np.full(len(frame), number, dtype=np.int32)
    dated = frozenset(name for name, kind in kinds.items() if (kind == DATE).any())
    return Prepared(frame, kinds, columns, file_of, table.rows, dated)


def stacked(parts: Iterable[Prepared], files: Iterable[str]) -> Prepared:
    """Return the files of a source, or batches of them, as one table.

    Raises
    ------
    DataError
        When their columns differ.
    """
    listed, names = list(parts), list(files)
    first = listed[0]
    for part in listed[1:]:
        _require_same_columns(first, part, names)
    frame = pd.concat([part.frame for part in listed])
    sizes = [len(part.frame) for part in listed]
    typed = dict.fromkeys(name for part in listed for name in part.kinds)
    kinds = {
        name: np.concatenate(
            [
                part.kinds.get(name, np.zeros(size, dtype=np.uint8))
                for part, size in zip(listed, sizes, strict=True)
            ]
        )
        for name in typed
    }
    return Prepared(
        frame,
        kinds,
        first.columns,
        np.concatenate([part.file_of for part in listed]),
        np.concatenate([part.row_of for part in listed]),
        frozenset().union(*(part.dated for part in listed)),
    )


def _names(spec: Config, table: RawTable) -> list[str]:
    given = list(table.column_names)
    if "columns" in spec and not spec.get("header", True):
        if len(spec["columns"]) != len(given):
            raise DataError(
                f"{len(given)} columns, and `columns` names {len(spec['columns'])}",
                file=table.file,
                remedy="name every column of the file, in its order",
            )
        given = list(spec["columns"])
    rename = spec.get("rename", {})
    for old in rename:
        if old not in given:
            raise DataError(
                "missing column",
                file=table.file,
                column=old,
                remedy=suggestion(old, given),
            )
    names = [rename.get(name, name) for name in given]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                "two columns share one name after `rename`",
                file=table.file,
                column=name,
                remedy="choose another new name",
            )
    return names


def _require_new(name: str, names: list[str], file: str) -> None:
    if name in names:
        raise DataError(
            "the file has this column already",
            file=file,
            column=name,
            remedy="choose another name under `into` or `number_rows`",
        )


def _require_same_columns(first: Prepared, other: Prepared, files: list[str]) -> None:
    ours, theirs = list(first.frame.columns), list(other.frame.columns)
    if ours == theirs:
        return
    file = files[int(other.file_of[0])] if len(other.file_of) else None
    for name in ours:
        if name not in theirs:
            raise DataError(
                f"missing column; {files[0]} has it",
                file=file,
                column=name,
                remedy=suggestion(name, theirs),
            )
    for name in theirs:
        if name not in ours:
            raise DataError(
                f"a column that {files[0]} has not",
                file=file,
                column=name,
                remedy=suggestion(name, ours),
            )
    raise DataError(
        f"the columns stand in another order than in {files[0]}",
        file=file,
        remedy="put them in one order",
    )


def join_sources(
    config: Config, prepared: dict[str, Prepared], ledger: Ledger
) -> dict[str, Prepared]:
    """Return the sources with the columns that they take from others.

    A source may take columns from one that is joined itself, if that comes before it.
    """
    joined = dict(prepared)
    for name, spec in config["sources"].items():
        for join in spec.get("join", []):
            joined[name] = _joined(name, joined[name], join, joined, ledger)
    ledger.stop_on_problems()
    return joined


def _joined(
    name: str,
    here: Prepared,
    join: Config,
    others: Mapping[str, Prepared],
    ledger: Ledger,
) -> Prepared:
    there = others[join["source"]]
    pairs = join["on"]
    pairs = dict(pairs) if isinstance(pairs, Mapping) else {c: c for c in pairs}
    if _join_lacks(name, here, there, join, pairs, ledger):
        return here
    left = _keys(here.frame, list(pairs))
    right = _keys(there.frame, list(pairs.values()))
    _require_single(join["source"], right, list(pairs.values()), ledger)
    if join["cardinality"] == "one-to-one":
        _require_single(name, left, list(pairs), ledger)
    places = pd.Series(np.arange(len(right)), index=right.to_numpy())
    places = places[~places.index.duplicated() & places.index.notna()]
    match = places.reindex(left.to_numpy()).to_numpy()
    found = ~np.isnan(match)
    _treat_unmatched(name, here, join, left, ~found, ledger)
    chosen = np.where(found, match, 0).astype(int)
    ledger.use(join["source"], there.frame.index[chosen[found]])
    frame, kinds, columns = here.frame, dict(here.kinds), dict(here.columns)
    for column in join["columns"]:
        cells = there.frame[column].iloc[chosen].set_axis(frame.index).where(found)
        frame = frame.assign(**{column: cells})
        if column in there.kinds:
            kinds[column] = np.where(found, there.kinds[column][chosen], 0)
        if column in there.columns:
            columns[column] = there.columns[column]
    dated = here.dated | (there.dated & set(join["columns"]))
    return Prepared(frame, kinds, columns, here.file_of, here.row_of, dated)


def _join_lacks(
    name: str,
    here: Prepared,
    there: Prepared,
    join: Config,
    pairs: Mapping[str, str],
    ledger: Ledger,
) -> bool:
    lacking = False
    theirs = [*pairs.values(), *join["columns"]]
    for source, prepared, columns in (
        (name, here, list(pairs)),
        (join["source"], there, theirs),
    ):
        for column in columns:
            if column not in prepared.frame:
                lacking = True
                ledger.problem(
                    "missing column",
                    source,
                    column=column,
                    remedy=suggestion(column, prepared.frame.columns),
                )
    for column in join["columns"]:
        if column in here.frame:
            lacking = True
            ledger.problem(
                f"the column stands here already; {join['source']!r} has it too",
                name,
                column=column,
                remedy="rename it in one of the two sources",
            )
    return lacking


def _keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Return the values by which rows belong together; missing where one is missing."""
    cells = [frame[column].str.strip() for column in columns]
    if len(cells) == 1:
        return cells[0].mask(cells[0] == "")
    known = np.logical_and.reduce([(c.notna() & (c != "")).to_numpy() for c in cells])
    keys = pd.Series(list(zip(*cells, strict=True)), index=frame.index, dtype=object)
    return keys.where(known, None)


def _require_single(
    name: str, keys: pd.Series, columns: list[str], ledger: Ledger
) -> None:
    known = keys.dropna()
    twice = known[known.duplicated()]
    if len(twice):
        ledger.problem(
            "the key of the join stands twice",
            name,
            positions=twice.index,
            column=", ".join(columns),
            values=[_shown(key) for key in twice],
            remedy="keep one row, or name a further column under `on`",
        )


def _treat_unmatched(
    name: str,
    here: Prepared,
    join: Config,
    keys: pd.Series,
    unmatched: np.ndarray,
    ledger: Ledger,
) -> None:
    if not unmatched.any():
        return
    places = here.frame.index[unmatched]
    column = ", ".join(join["on"])
    values = [_shown(key) for key in keys[unmatched]]
    what = f"no row of {join['source']!r} belongs to it"
    action = join.get("unmatched", "error")
    if action == "error":
        ledger.problem(
            what,
            name,
            positions=places,
            column=column,
            values=values,
            remedy="add the row, or write `unmatched: keep` or `set_aside`",
        )
        return
    ledger.query(
        "not joined",
        name,
        positions=places,
        column=column,
        values=values,
        finding=what,
        resolution="set aside" if action == "set_aside" else "kept without its columns",
    )
    if action == "set_aside":
        ledger.set_aside(name, places, rule="not joined", reason=what)


def _shown(key: Any) -> str | None:
    if isinstance(key, tuple):
        return ", ".join(str(part) for part in key)
    return None if key is None or pd.isna(key) else str(key)
