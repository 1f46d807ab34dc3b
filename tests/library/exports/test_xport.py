"""SAS transport files: exact rows, checked limits, the same bytes every time."""

import datetime as dt
import json
import struct

import numpy as np
import pyarrow as pa
import pyreadstat
import pytest
from export_samples import ADSL, dataset, described, one_column

from trialstats.errors import DataError
from trialstats.exports import to_xport
from trialstats.exports.ibm_numbers import LARGEST, SMALLEST, ibm_bytes

OBSERVATIONS = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "

EXTREMES = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 1e-70, -1e75, SMALLEST, LARGEST]
EXTREMES += [float(2**53 - 1), 16.0, 15.999999999999998, np.pi, 5e-10]


@pytest.fixture
def read(tmp_path):
    """Return a function that writes bytes and reads them by ReadStat."""

    def read_back(content):
        path = tmp_path / "file.xpt"
        path.write_bytes(content)
        return pyreadstat.read_xport(path)

    return read_back


def rows_of(content):
    return content.partition(OBSERVATIONS)[2]


def variables_of(content):
    """Return type, width, number, name, label and position in the row of each."""
    _, _, described = content.partition(b"HEADER RECORD*******NAMESTR")
    described = described[53:].partition(b"HEADER RECORD")[0]
    whole = len(described) // 140 * 140
    layout = struct.Struct(">h2xhh8s40s28xl52x")
    return list(layout.iter_unpack(described[:whole]))


def message_of(exported):
    with pytest.raises(DataError) as error:
        to_xport(exported)
    return str(error.value)


def test_everything_comes_back(read):
    frame, meta = read(to_xport(ADSL))
    assert (meta.table_name, meta.file_label) == ("ADSL", "Subject-level analysis")
    assert meta.column_names_to_labels["TRTSDT"] == "Date of first exposure"
    assert meta.original_variable_types["TRTSDT"] == "DATE9"
    assert frame["USUBJID"].tolist() == ["S-01", "S-02", "S-03"]
    assert frame["SEX"].tolist() == ["F", "M", "F"]
    assert frame["AGE"].tolist() == pytest.approx([34, np.nan, 51], nan_ok=True, abs=0)
    assert frame["TRTSDT"][0] == dt.date(2020, 1, 1)
    assert np.isnan(frame["TRTSDT"][1])
    assert frame["TRTSDT"][2] == dt.date(1959, 12, 31)
    assert frame["BMI"].tolist()[:2] == [21.5, 30.25]


def test_a_number_as_the_mainframe_writes_it():
    # -118.625 is 76.A in hexadecimal: sign and exponent 66 make C2. A missing number
    # of SAS is a full stop and zeros (technical note TS-140).
    written = ibm_bytes(np.array([-118.625, np.nan, 0.0, -0.0, 1.0]))
    assert [row.tobytes().hex() for row in written] == [
        "c276a00000000000",
        "2e00000000000000",
        "0000000000000000",
        "0000000000000000",
        "4110000000000000",
    ]


def test_numbers_are_exact(read):
    # Exact, not approximate: 56 binary digits hold the 53 of a double.
    frame, _ = read(to_xport(one_column(EXTREMES)))
    assert frame["A"].tolist() == EXTREMES


def test_rows_are_those_of_another_writer(tmp_path):
    # ReadStat writes numbers beyond about 9e74 as infinite, so those are left out.
    numbers = [x if abs(x) < 9e74 else 9e74 for x in EXTREMES]
    texts = ["a", "", "a longer text", " leading", "x"] * 3
    days = [dt.date(1600, 2, 29), dt.date(1960, 1, 1), dt.date(2199, 12, 31)] * 5
    ours = dataset(pa.table({"A": numbers, "T": texts, "D": days}))
    path = tmp_path / "theirs.xpt"
    pyreadstat.write_xport(
        ours.table.to_pandas(), path, file_format_version=5, table_name="ADSL"
    )
    assert rows_of(path.read_bytes()) == rows_of(to_xport(ours))


@pytest.mark.reference
@pytest.mark.parametrize("name", ["adsl", "adae", "adtte", "adqscibc"])
def test_rows_are_those_that_sas_wrote(shared, name):
    # Datasets of CDISC's pilot study, written by SAS 9.3; given the same widths, not a
    # byte of the rows differs, nor of what is said of the variables but formats.
    path = shared / "trials" / "cdiscpilot01" / f"{name}.xpt"
    frame, meta = pyreadstat.read_xport(path)
    fields, columns = [], []
    for column in frame:
        text = meta.readstat_variable_types[column] == "string"
        is_date = (meta.original_variable_types[column] or "").startswith("DATE")
        type_ = pa.string() if text else pa.date32() if is_date else pa.float64()
        values = [None if v != v or v == "" else v for v in frame[column].tolist()]
        width = meta.variable_storage_width[column]
        length = {"length": str(width)} if text else {}
        label = meta.column_names_to_labels[column]
        fields.append(described(column, type_, label=label, **length))
        columns.append(pa.array(values, type_))
    table = pa.table(columns, schema=pa.schema(fields))
    ours = to_xport(dataset(table, name=name.upper()))
    assert rows_of(ours) == rows_of(path.read_bytes())
    assert variables_of(ours) == variables_of(path.read_bytes())
    assert len(variables_of(ours)) == len(table.schema)


def test_where_a_variable_stands_in_the_row():
    # Widths of 4, 1, 8, 8 and 8: ReadStat does not look, other readers do.
    positions = [described[-1] for described in variables_of(to_xport(ADSL))]
    assert positions == [0, 4, 5, 13, 21]


def test_the_same_bytes_without_a_time():
    content = to_xport(ADSL)
    assert content == to_xport(ADSL)
    assert len(content) % 80 == 0
    # Creation and change of the library, and of its member.
    assert content.count(b"01JAN70:00:00:00") == 4


def test_no_rows(read):
    nothing = pa.table(
        {"A": pa.array([], pa.float64()), "T": pa.array([], pa.string())}
    )
    frame, meta = read(to_xport(dataset(nothing)))
    assert (len(frame), list(frame), meta.number_rows) == (0, ["A", "T"], 0)


@pytest.mark.parametrize("absent", ["", None])
def test_a_missing_text_is_blank_as_an_empty_one(read, absent):
    frame, _ = read(to_xport(one_column([absent, "x"], pa.string())))
    assert frame["A"].tolist() == ["", "x"]


def test_the_length_of_the_metadata_is_the_width(read):
    _, meta = read(to_xport(one_column(["x"], length="12")))
    assert meta.variable_storage_width["A"] == 12


@pytest.mark.parametrize("width", [1, 79, 80, 160])
def test_a_blank_last_row_is_not_lost(width):
    # ReadStat drops it whatever the width; read back, the file would be a row short.
    lost = one_column(["a" * width, None])
    assert "row 3: a blank last row" in message_of(lost)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"A": ["naïve"]}, ["row 2", "ï (LATIN SMALL LETTER I WITH DIAERESIS)"]),
        ({"A": ["x", "a\tb"]}, ["row 3", "control character U+0009"]),
        ({"A": ["x", "y" * 201]}, ["201 characters where 200 fit"]),
        ({"A": ["x "]}, ["blanks at its end"]),
        ({"A": ["", None, "x"]}, ["row 2", "empty texts beside missing ones"]),
        ({"A": [1e-80]}, ["row 2", "1e-80", "5.4e-79 to 7.2e+75"]),
        ({"A": [0.0, -1e76]}, ["row 3", "outside the numbers"]),
        ({"A": [1.0, np.inf]}, ["row 3", "infinite"]),
        ({"A": [2**53 + 1]}, ["row 2", "64-bit floating point cannot hold"]),
        ({"A": [dt.date(1581, 12, 31)]}, ["1581-12-31", "calendar of SAS"]),
        ({"A": [True]}, ["bool has no place", "Y and N"]),
        ({"TOOLONGNM": [1.0]}, ["a name of 9 characters where 8 fit"]),
        ({"usubjid": ["x"]}, ["'usubjid'", "other characters"]),
        ({"1A": ["x"]}, ["'1A'", "other characters"]),
        ({}, ["no variables"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(table, words):
    message = message_of(dataset(pa.table(table)))
    assert not [word for word in ["ADSL", *words] if word not in message]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "TOOLONGNM"}, "a name of 9 characters"),
        ({"label": "x" * 41}, "label: 41 characters where 40 fit"),
        ({"label": "Größe"}, "LATIN SMALL LETTER O WITH DIAERESIS"),
    ],
)
def test_names_and_labels_of_the_dataset(changes, words):
    assert words in message_of(dataset(pa.table({"A": [1.0]}), **changes))


def test_labels_of_variables():
    message = message_of(one_column([1.0], label="x" * 41))
    assert "column 'A'" in message
    assert "label: 41 characters where 40 fit" in message


def test_the_edges_of_the_limits_fit(read):
    name, label, text = "A2345678", "l" * 40, "t" * 200
    frame, meta = read(to_xport(one_column([text], name=name, label=label)))
    assert frame[name].tolist() == [text]
    assert meta.column_labels == [label]


def test_all_problems_come_at_once():
    table = pa.table({"long_name": ["ä", "x "], "B": [1e-80, 1.0]})
    message = message_of(dataset(table))
    assert message.startswith("4 problems:")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keys": ("WHO",)}, "a key that is no variable"),
        ({"keys": ("A", "A")}, "a key named twice"),
        ({"keys": ("A",)}, "the same keys as row 2 (A = 1)"),
    ],
)
def test_keys_that_do_not_identify(changes, words):
    assert words in message_of(dataset(pa.table({"A": [1, 1]}), **changes))


@pytest.mark.parametrize(
    ("values", "metadata", "words"),
    [
        (["X"], {"codelist": '["M", "F"]'}, "outside its codelist"),
        (["M"], {"codelist": "M, F"}, "no JSON"),
        (["M"], {"codelist": "{}"}, "no list of codes"),
        (["M"], {"codelist": '[["M", "Male"], "F"]'}, "with and without meanings"),
        (["M"], {"codelist": '[["M", " "]]'}, "with and without meanings"),
        (["M"], {"codelist": '["M", "M"]'}, "listed twice"),
        (["M"], {"codelist": json.dumps(["M", "\ud800"])}, "U+D800 in a codelist"),
        ([1.5], {"codelist": "[NaN]"}, "no JSON"),
        ([1], {"codelist": "[1.5]"}, "a code that is no integer"),
        ([1], {"codelist": "[true]"}, "a code that is no integer"),
        ([1], {"codelist": '["x"]'}, "value 'x': a code that is no integer"),
        ([1], {"codelist": '["[1]"]'}, "a code that is no integer"),
        (["M"], {"origin": "derived"}, "unknown origin"),
        (["M"], {"length": "0"}, "not a length"),
        (["MM"], {"length": "1"}, "2 characters where 1 are planned"),
    ],
)
def test_metadata_that_say_something_else(values, metadata, words):
    assert words in message_of(one_column(values, **metadata))


def test_a_required_variable_without_a_value():
    schema = pa.schema([pa.field("A", pa.float64(), nullable=False)])
    table = pa.table([[1.0, np.nan]], schema=schema)
    assert "row 3, column 'A': no value where one is required" in message_of(
        dataset(table)
    )


def test_metadata_that_are_no_text():
    field = pa.field("A", pa.int64(), metadata={b"label": b"\xff"})
    table = pa.table([[1]], schema=pa.schema([field]))
    assert "not UTF-8" in message_of(dataset(table))


def test_a_date_that_python_cannot_hold():
    days = pa.array([0, 4_000_000], pa.int32()).cast(pa.date32())
    message = message_of(dataset(pa.table({"A": days})))
    assert "row 3" in message
    assert "outside the years 1 to 9999" in message


def test_two_variables_of_one_name():
    table = pa.table([[1], [2]], names=["A", "A"])
    assert "2 variables of this name" in message_of(dataset(table))
