"""Parquet files of others and CDISC Dataset-JSON 1.1.

The expected texts follow from the values that each test writes; the rules of
Dataset-JSON are those of its published specification.
"""

import copy
import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trialstats.errors import DataError
from trialstats.io import raw_batches, read_raw
from trialstats.raw import DATE, LOGICAL, NUMBER, TEXT

MOMENT = dt.datetime(2024, 3, 5, 10, 30)


@pytest.mark.parametrize(
    ("array", "texts", "kind"),
    [
        (pa.array([5, None, -(2**60)]), ["5", None, str(-(2**60))], NUMBER),
        (pa.array([2**64 - 1, None], pa.uint64()), [str(2**64 - 1), None], NUMBER),
        (pa.array([0.1, None], pa.float32()), ["0.1", None], NUMBER),
        (pa.array([1e300, float("nan")]), ["1e+300", None], NUMBER),
        (
            pa.array([Decimal("1.50"), Decimal("100"), None, Decimal("0.00")]),
            ["1.5", "100", None, "0"],
            NUMBER,
        ),
        (pa.array([True, None, False]), ["TRUE", None, "FALSE"], LOGICAL),
        (pa.array(["a ", " ", None, ""]), ["a ", None, None, None], TEXT),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"], TEXT),
        (pa.array([MOMENT.date(), None]), ["2024-03-05", None], DATE),
        (pa.array([MOMENT, None]), ["2024-03-05T10:30:00", None], DATE),
        (
            pa.array([MOMENT.replace(microsecond=1), dt.datetime(9999, 12, 31)]),
            ["2024-03-05T10:30:00.000001", "9999-12-31"],
            DATE,
        ),
        (pa.array([1, 86_400 * 10**9], pa.timestamp("ns")), None, DATE),
        (
            pa.array([MOMENT, None], pa.timestamp("s", "Europe/Oslo")),
            ["2024-03-05T11:30:00", None],
            DATE,
        ),
        (pa.array([dt.time(10, 30), None]), ["10:30:00", None], TEXT),
        (pa.array([dt.timedelta(hours=36), None]), ["36:00:00", None], TEXT),
        (pa.nulls(2), [None, None], TEXT),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_every_type_of_parquet_has_its_text_and_kind(tmp_path, array, texts, kind):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": array, "n": range(len(array))}), path)
    table = read_raw(path)
    if texts is None:
        texts = ["1970-01-01T00:00:00.000000001", "1970-01-02T00:00:00"]
    assert table.cells["x"].to_pylist() == texts
    assert table.kinds_of("x")[0] == kind


@pytest.mark.parametrize(
    "array",
    [pa.array([[1], None]), pa.array([{"a": 1}, None]), pa.array([b"x", None])],
    ids=["list", "struct", "binary"],
)
def test_columns_of_parquet_that_hold_no_values(tmp_path, array):
    path = tmp_path / "a.pq"
    pq.write_table(pa.table({"x": array}), path)
    with pytest.raises(DataError, match=r"a.pq, column 'x': a column of type"):
        read_raw(path)


def test_columns_of_parquet_that_share_a_name(tmp_path):
    path = tmp_path / "a.parquet"
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(twice, path)
    with pytest.raises(DataError, match="column 'x': two columns share one name"):
        read_raw(path)


def test_a_parquet_file_without_rows(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="the file has a header and no rows"):
        read_raw(path)


DOCUMENT = {
    "datasetJSONCreationDateTime": "1970-01-01T00:00:00",
    "datasetJSONVersion": "1.1.0",
    "itemGroupOID": "IG.DM",
    "records": 2,
    "name": "DM",
    "label": "Demographics",
    "columns": [
        {"itemOID": f"IT.DM.{name}", "name": name, "label": name, "dataType": type_}
        for name, type_ in (
            *(("T", "string"), ("I", "integer"), ("F", "float"), ("X", "decimal")),
            *(("D", "date"), ("M", "datetime"), ("C", "time"), ("B", "boolean")),
        )
    ],
    "rows": [
        ["a", 5, 0.5, "1.50", "2024-03-05", "2024-03-05T10:30:00", "10:30", True],
        ["", 10**20, 5.0, None, "2024-03", "2024-03-05T00:00", None, None],
    ],
}


def written(path, document):
    if path.suffix == ".json":
        path.write_text(json.dumps(document), encoding="utf-8")
        return path
    rows = document["rows"]
    about = {key: value for key, value in document.items() if key != "rows"}
    lines = "".join(f"{json.dumps(line)}\n" for line in [about, *rows])
    path.write_text(lines, encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
def test_every_type_of_dataset_json_has_its_text_and_kind(tmp_path, suffix):
    table = read_raw(written(tmp_path / f"a.{suffix}", DOCUMENT))
    assert table.cells.to_pydict() == {
        "T": ["a", None],
        "I": ["5", "100000000000000000000"],
        "F": ["0.5", "5"],
        "X": ["1.5", None],
        "D": ["2024-03-05", "2024-03"],
        "M": ["2024-03-05T10:30:00", "2024-03-05"],
        "C": ["10:30", None],
        "B": ["TRUE", None],
    }
    # A partial date is not one.
    assert table.kinds_of("D").tolist() == [DATE, TEXT]
    assert table.kinds_of("M").tolist() == [DATE, DATE]
    assert table.kinds_of("I").tolist() == [NUMBER, NUMBER]
    assert table.kinds_of("X")[0] == NUMBER
    assert table.kinds_of("B")[0] == LOGICAL
    assert table.rows.tolist() == [1, 2]


def change(key, value):
    def changing(document):
        document[key] = value

    return changing


def change_column(key, value):
    def changing(document):
        document["columns"][1][key] = value

    return changing


def change_cell(place, value):
    def changing(document):
        document["rows"][1][place] = value

    return changing


def drop(key):
    return lambda document: document.pop(key)


@pytest.mark.parametrize("suffix", ["json", "ndjson"])
@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (change("datasetJSONVersion", "1.0.0"), "datasetJSONVersion is '1.0.0'"),
        (drop("datasetJSONVersion"), "datasetJSONVersion is None"),
        (drop("records"), "records is not a number of rows"),
        (change("records", 3), "3 records stated, 2 rows found"),
        (drop("columns"), "columns is not an array of columns"),
        (change("columns", []), "columns is not an array of columns"),
        (change("columns", ["x"]), "column 'number 1': not Dataset-JSON 1.1: a column"),
        (change_column("label", None), "column 'number 2': .*label is not text"),
        (change_column("dataType", "int"), "column 'I': .*dataType 'int' is not one"),
        (change_column("name", "T"), "column 'T': two columns share one name"),
        (change_column("name", ""), "column 'number 2': a column has no name"),
        (change("rows", [["a"], ["b"]]), "row 1: 1 values under 8 columns"),
        (change("rows", [{"T": 1}, []]), "row 1: no array under 8 columns"),
        (change_cell(0, 5), "row 2, column 'T', value 5: not a value of type string"),
        (change_cell(1, 5.5), "row 2, column 'I', value 5.5: not a value of type int"),
        (change_cell(1, True), "row 2, column 'I', value True: not a value"),
        (change_cell(2, "5"), "row 2, column 'F', value '5': not a value"),
        (change_cell(3, "five"), "row 2, column 'X', value 'five': not a value"),
        (change_cell(3, "1e999999"), "row 2, column 'X', value '1e999999'"),
        (change_cell(7, 1), "row 2, column 'B', value 1: not a value of type boolean"),
        (change_cell(2, float("nan")), "not readable JSON"),
        (change_cell(0, "\ud800"), "row 2, column 'T', .*not a value of type string"),
    ],
)
def test_what_is_no_dataset_json(tmp_path, suffix, spoil, what):
    document = copy.deepcopy(DOCUMENT)
    spoil(document)
    path = written(tmp_path / f"a.{suffix}", document)
    with pytest.raises(DataError, match=what) as caught:
        read_raw(path)
    assert f"a.{suffix}" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"[1, 2]", b"5", b"{", b'{"a": 1, "a": 2}', b"[" * 100_000, b"\xff{}", b"null"],
)
@pytest.mark.parametrize("suffix", ["json", "ndjson"])
def test_json_of_another_shape(tmp_path, content, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"a.{suffix}"):
        read_raw(path)


def test_a_file_of_lines_that_was_cut_off(tmp_path):
    path = written(tmp_path / "a.ndjson", DOCUMENT)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(DataError, match="2 records stated, 1 rows found"):
        read_raw(path)
    path.write_bytes(b"".join(lines)[:-20])
    with pytest.raises(DataError, match="row 2: not readable JSON"):
        read_raw(path)
    # What was whole was given before the fault was met.
    batches = raw_batches(path, rows=1)
    assert next(batches).rows.tolist() == [1]
    with pytest.raises(DataError, match="row 2"):
        next(batches)
