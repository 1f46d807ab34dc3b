"""Raw tables: the cells of a file as received, with the row and the kind of each.

Every format is read into the same shape: text. A number, a date and a logical value
have one canonical text each, and beside the text stands what kind of cell it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

#: Kinds of cells. What kind an empty cell is says nothing.
TEXT, NUMBER, DATE, LOGICAL = 0, 1, 2, 3

#: The type of every column of a raw table.
CELL = pa.large_string()

Kinds = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RawColumn:
    """What a file says about one of its columns.

    Attributes
    ----------
    name : str
        Name of the column.
    label, format : str, optional
        Its label, and its display format as the file writes it (``DATE9``, ``%td``).
    value_labels : mapping of str to str
        Code as its canonical text -> label.
    """

    name: str
    label: str | None = None
    format: str | None = None
    value_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """The cells of a raw file.

    Attributes
    ----------
    file : str
        The file, as the configuration names it.
    columns : tuple of RawColumn
        What the file says about its columns, in their order.
    cells : pyarrow.Table
        Every column as ``large_string``; null is an empty cell. Text keeps its spaces,
        but for cells of spaces alone, which are empty.
    rows : array of int64
        The row of the file of each record: in delimited and Excel files as a
        spreadsheet numbers it (the header is row 1), else the number of the
        observation, from 1.
    kinds : mapping of str to array of uint8
        Column -> kind of each cell; a column that is absent is all text.
    """

    file: str
    columns: tuple[RawColumn, ...]
    cells: pa.Table
    rows: npt.NDArray[np.int64]
    kinds: Mapping[str, Kinds] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together: a mistake of the caller."""
        names = [column.name for column in self.columns]
        if self.cells.column_names != names:
            raise ValueError(f"cells of {self.cells.column_names}, columns {names}")
        if any(type_ != CELL for type_ in self.cells.schema.types):
            raise ValueError("every column of cells must be large_string")
        lengths = {len(self.rows), *(len(kinds) for kinds in self.kinds.values())}
        if names and lengths != {self.cells.num_rows}:
            raise ValueError(f"{self.cells.num_rows} records, arrays of {lengths}")

    @property
    def num_rows(self) -> int:
        """Number of records."""
        return len(self.rows)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in their order."""
        return [column.name for column in self.columns]

    def kinds_of(self, name: str) -> Kinds:
        """Return the kind of every cell of a column."""
        found = self.kinds.get(name)
        return np.zeros(self.num_rows, np.uint8) if found is None else found

    def take(self, indices: npt.ArrayLike) -> Self:
        """Return the records at these positions, in this order."""
        places = np.asarray(indices, dtype=np.int64)
        return type(self)(
            self.file,
            self.columns,
            self.cells.take(pa.array(places)),
            self.rows[places],
            {name: kinds[places] for name, kinds in self.kinds.items()},
        )

    def slice(self, offset: int, length: int | None = None) -> Self:
        """Return `length` records from position `offset` on, without a copy."""
        end = None if length is None else offset + length
        return type(self)(
            self.file,
            self.columns,
            self.cells.slice(offset, length),
            self.rows[offset:end],
            {name: kinds[offset:end] for name, kinds in self.kinds.items()},
        )

    def select(self, names: Sequence[str]) -> Self:
        """Return the table with these columns only, in this order."""
        by_name = {column.name: column for column in self.columns}
        return type(self)(
            self.file,
            tuple(by_name[name] for name in names),
            self.cells.select(list(names)),
            self.rows,
            {name: self.kinds[name] for name in names if name in self.kinds},
        )

    def equals(self, other: "RawTable") -> bool:
        """Return whether the other table holds the same in every part."""
        return (
            self.file == other.file
            and self.columns == other.columns
            and self.cells.equals(other.cells)
            and np.array_equal(self.rows, other.rows)
            and all(
                np.array_equal(self.kinds_of(name), other.kinds_of(name))
                for name in self.column_names
            )
        )

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """Return the records of tables of one file, one after the other."""
        first = tables[0]
        typed = [
            name
            for name in first.column_names
            if any(name in table.kinds for table in tables)
        ]
        return cls(
            first.file,
            first.columns,
            pa.concat_tables([table.cells for table in tables]),
            np.concatenate([table.rows for table in tables]),
            {
                name: np.concatenate([table.kinds_of(name) for table in tables])
                for name in typed
            },
        )
