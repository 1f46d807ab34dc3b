"""The raw table itself: its parts stay together."""

import numpy as np
import pyarrow as pa
import pytest

from trialstats.raw import CELL, DATE, NUMBER, TEXT, RawColumn, RawTable


def table(values, kinds=None, rows=None):
    cells = pa.table({"a": pa.array(values, CELL), "b": pa.array(values, CELL)})
    numbers = np.arange(2, 2 + len(values)) if rows is None else np.array(rows)
    typed = {} if kinds is None else {"b": np.array(kinds, np.uint8)}
    return RawTable(
        "x.csv", (RawColumn("a"), RawColumn("b", "B")), cells, numbers, typed
    )


TABLE = table(["x", "5", None], [TEXT, NUMBER, DATE])


def test_records_can_be_taken_and_sliced_with_their_rows_and_kinds():
    taken = TABLE.take([2, 0])
    assert taken.cells["a"].to_pylist() == [None, "x"]
    assert taken.rows.tolist() == [4, 2]
    assert taken.kinds["b"].tolist() == [DATE, TEXT]
    sliced = TABLE.slice(1)
    assert sliced.rows.tolist() == [3, 4]
    assert TABLE.slice(1, 1).kinds["b"].tolist() == [NUMBER]
    assert TABLE.take([]).num_rows == 0


def test_columns_can_be_selected_in_any_order():
    selected = TABLE.select(["b"])
    assert selected.column_names == ["b"]
    assert selected.columns == (RawColumn("b", "B"),)
    assert TABLE.select(["b", "a"]).kinds.keys() == {"b"}
    assert TABLE.select(["a"]).kinds == {}


def test_tables_follow_one_another():
    plain = table(["y"], rows=[9])
    whole = RawTable.concat([TABLE, plain])
    assert whole.cells["a"].to_pylist() == ["x", "5", None, "y"]
    assert whole.rows.tolist() == [2, 3, 4, 9]
    assert whole.kinds_of("b").tolist() == [TEXT, NUMBER, DATE, TEXT]
    assert not whole.kinds_of("a").any()
    assert RawTable.concat([TABLE.slice(0, 1), TABLE.slice(1)]).equals(TABLE)


def test_a_difference_in_any_part_is_one():
    assert TABLE.equals(table(["x", "5", None], [TEXT, NUMBER, DATE]))
    assert not TABLE.equals(table(["x", "6", None], [TEXT, NUMBER, DATE]))
    assert not TABLE.equals(table(["x", "5", None], [TEXT, NUMBER, NUMBER]))
    assert not TABLE.equals(table(["x", "5", None], [TEXT, NUMBER, DATE], [2, 3, 5]))
    assert not TABLE.equals(TABLE.select(["b", "a"]))


@pytest.mark.parametrize(
    "change",
    [
        {"columns": (RawColumn("a"),)},
        {"rows": np.array([1])},
        {"kinds": {"b": np.array([1], np.uint8)}},
        {"cells": pa.table({"a": ["x"] * 3, "b": ["x"] * 3})},
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change):
    parts = {
        name: getattr(TABLE, name) for name in ("file", "columns", "cells", "rows")
    }
    with pytest.raises(ValueError, match=r"cells of|large_string|arrays of"):
        RawTable(**{**parts, **change})
