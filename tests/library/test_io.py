"""Files: contracts, whole writes, stored digits."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from trialstats import io
from trialstats.errors import DataError
from trialstats.rows import ESTIMATES, estimates_frame, field

SCHEMA = pa.schema(
    [
        field("name", pa.string(), "Name", required=True),
        field("count", pa.int64(), "Count"),
        field("value", pa.float64(), "Value", unit="mg"),
        field("day", pa.date32(), "Day"),
    ]
)
FRAME = pd.DataFrame(
    {
        "name": ["001", "b"],
        "count": pd.array([1, None], dtype="Int64"),
        "value": [1 / 3, None],
        "day": [dt.date(2025, 3, 1), None],
    }
)


def test_a_table_comes_back_with_types_labels_and_units(tmp_path):
    path = tmp_path / "deep" / "table.parquet"
    io.write_table(FRAME, path, SCHEMA)
    back = io.read_table(path, SCHEMA)
    assert back["name"].tolist() == ["001", "b"]
    assert str(back["count"].dtype) == "Int64"
    assert back.loc[0, "day"] == pd.Timestamp("2025-03-01")
    assert io.read_schema(path).field("value").metadata[b"unit"] == b"mg"


def test_twelve_digits_are_stored(tmp_path):
    """Processors that add in another order differ in the 13th digit or later."""
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    io.write_table(FRAME, one, SCHEMA)
    io.write_table(FRAME.assign(value=[1 / 3 + 1e-15, None]), other, SCHEMA)
    assert one.read_bytes() == other.read_bytes()
    stored = io.read_table(one)["value"][0]
    assert stored == pytest.approx(1 / 3, rel=5e-12)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda f: f.drop(columns="day"), "missing column 'day'"),
        (lambda f: f.assign(extra=1), "unknown column 'extra'"),
        (
            lambda f: f.assign(value=["x", "y"]),
            "column 'value' is not double: could not convert",
        ),
        (lambda f: f.assign(count=[1.5, 2.0]), "column 'count' is not int64"),
        (lambda f: f.assign(name=["a", None]), "column 'name' has 1 nulls"),
    ],
)
def test_a_table_that_does_not_fit_is_not_written(tmp_path, change, what):
    with pytest.raises(DataError, match=what):
        io.write_table(change(FRAME), tmp_path / "table.parquet", SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_reading_holds_the_file_against_its_schema(tmp_path):
    path = tmp_path / "table.parquet"
    io.write_table(FRAME, path, SCHEMA)
    other = pa.schema([field("nope", pa.string(), "Nope")])
    with pytest.raises(DataError, match="missing column 'nope' of type string"):
        io.read_table(path, other)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        io.read_table(path)
    with pytest.raises(DataError, match="there is no such file"):
        io.read_table(tmp_path / "absent.parquet")


def test_rows_of_estimates_have_unique_keys():
    row = {"row_id": "a", "kind": "trial", "role": "primary", "statistic": "n"}
    assert list(estimates_frame([row]).columns) == ESTIMATES.names
    with pytest.raises(DataError, match="row_id is not unique: a"):
        estimates_frame([row, row])
    with pytest.raises(DataError, match="unknown columns: estimat"):
        estimates_frame([row | {"estimat": 1}])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "text.txt"
    io.write_text("old", path)

    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        io.write_text("new", path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["text.txt"]
