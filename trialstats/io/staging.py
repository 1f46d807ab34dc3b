"""Rows of large sources on disk, to be read back some subjects at a time.

DuckDB sorts what does not fit in memory; nothing of it is kept.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

#: Columns of the position of a row in its source, and of its subject.
POSITION, SUBJECT = "__position", "__subject"

#: Memory that DuckDB may use before it writes to disk.
MEMORY = "1GB"


class Staging:
    """Tables on disk, each with a position and a subject of every row.

    Examples
    --------
    >>> rows = pa.table({"score": [3, 5], SUBJECT: ["b", "a"], POSITION: [0, 1]})
    >>> with Staging() as staging:
    ...     staging.add("visits", rows)
    ...     [part["visits"].column("score").to_pylist() for part in staging.parts(1)]
    [[5], [3]]
    """

    def __init__(self) -> None:
        self._tables: dict[str, str] = {}
        self._sorted: set[str] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="trialstats-")
        self._base: Any = None

    def __enter__(self) -> Self:
        """Open the store."""
        # Loaded where a source is large: most trials never need it.
        import duckdb

        place = Path(self._folder.name)
        self._base = duckdb.connect(str(place / "rows.duckdb"))
        self._base.execute(f"SET memory_limit = '{MEMORY}'")
        self._base.execute("SET temp_directory = ?", [str(place / "spill")])
        self._base.execute("SET preserve_insertion_order = false")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        reason: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove whatever was stored."""
        self._base.close()
        self._folder.cleanup()

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table; the first call makes it."""
        self._base.register("batch", rows)
        if name not in self._tables:
            self._tables[name] = f"source_{len(self._tables)}"
            self._base.execute(
                f"CREATE TABLE {self._tables[name]} AS SELECT * FROM batch"
            )
        else:
            self._base.execute(
                f"INSERT INTO {self._tables[name]} BY NAME SELECT * FROM batch"
            )
        self._base.unregister("batch")

    def parts(
        self, rows: int, names: Iterable[str] | None = None
    ) -> Iterator[dict[str, pa.Table]]:
        """Yield all rows of some subjects of every table, in order of subjects.

        Parameters
        ----------
        rows : int
            Rows from which on a part ends with the subject it has reached.
        names : iterable of str, optional
            Tables to read; all when absent.

        Yields
        ------
        dict of str to pyarrow.Table
            By name of the table, ordered by position. Rows without a subject come
            first.
        """
        self._sort()
        chosen = list(self._tables) if names is None else list(names)
        for first, last in self._ranges(rows, chosen):
            yield {name: self._between(name, first, last) for name in chosen}

    def _sort(self) -> None:
        for name, table in list(self._tables.items()):
            if name in self._sorted:
                continue
            self._sorted.add(name)
            ordered = f"{table}_by_subject"
            self._base.execute(
                f"CREATE TABLE {ordered} AS SELECT * FROM {table} "
                f"ORDER BY {SUBJECT}, {POSITION}"
            )
            self._base.execute(f"DROP TABLE {table}")
            self._tables[name] = ordered

    def _ranges(self, rows: int, names: list[str]) -> list[tuple[str, str]]:
        union = " UNION ALL ".join(
            f"SELECT {SUBJECT} FROM {self._tables[name]}" for name in names
        )
        counted = self._base.execute(
            f"SELECT {SUBJECT}, count(*) FROM ({union}) GROUP BY 1 ORDER BY 1"
        )
        ranges: list[tuple[str, str]] = []
        first, size, last = None, 0, ""
        while chunk := counted.fetchmany(100_000):
            for subject, count in chunk:
                first = subject if first is None else first
                size, last = size + count, subject
                if size >= rows:
                    ranges.append((first, last))
                    first, size = None, 0
        if first is not None:
            ranges.append((first, last))
        return ranges

    def _between(self, name: str, first: str, last: str) -> pa.Table:
        found = self._base.sql(
            f"SELECT * EXCLUDE ({SUBJECT}) FROM {self._tables[name]} "
            f"WHERE {SUBJECT} BETWEEN ? AND ? ORDER BY {POSITION}",
            params=[first, last],
        )
        table: pa.Table = found.to_arrow_table()
        return table
