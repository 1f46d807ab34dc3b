"""Files of SAS, SPSS and Stata: dates, labels, and reasons for missing values.

Expected numbers: pyreadstat, which reads transport files with other code than ours,
and the calendars of the packages (SAS and Stata count from 1960-01-01, SPSS seconds
from 1582-10-14).
"""

import datetime as dt
import struct

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.errors import DataError
from trialstats.io import RawOptions, raw_parts, read_raw
from trialstats.io.clocks import sas_cells, spss_cells, stata_cells
from trialstats.raw import DATE, NUMBER, TEXT

PILOT = ("adsl", "adae", "adtte", "adqscibc")


def write_xport(path, frame, version=5, name="DM", **more):
    pyreadstat.write_xport(
        frame, path, file_format_version=version, table_name=name, **more
    )
    return path


@pytest.mark.parametrize("name", PILOT)
def test_transport_files_of_a_trial_are_read_as_pyreadstat_reads_them(shared, name):
    path = shared / "trials" / "cdiscpilot01" / f"{name}.xpt"
    table = read_raw(path)
    frame, about = pyreadstat.read_xport(path, disable_datetime_conversion=True)
    assert table.column_names == about.column_names
    assert [c.label for c in table.columns] == about.column_labels
    formats = [about.original_variable_types[n] for n in table.column_names]
    assert [c.format for c in table.columns] == [
        None if f in (None, "NULL") else f for f in formats
    ]
    for column, format_ in zip(frame, formats, strict=True):
        if frame[column].dtype.kind == "f":
            expected = sas_cells(frame[column].to_numpy(), format_)[0].to_pylist()
        else:
            expected = [text if text.strip() else None for text in frame[column]]
        assert table.cells[column].to_pylist() == expected
    assert table.rows.tolist() == list(range(1, len(frame) + 1))


NUMBERS = st.floats(-1e70, 1e70, allow_nan=False).filter(
    # Below lies nothing that the format of IBM holds.
    lambda x: x == 0 or abs(x) > 1e-70
)


@given(values=st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=20))
def test_numbers_of_a_transport_file_come_back_to_the_last_digit(
    tmp_path_factory, values
):
    path = tmp_path_factory.mktemp("xpt") / "a.xpt"
    write_xport(path, pd.DataFrame({"X": pd.array(values, dtype="float64")}))
    read = read_raw(path).cells["X"].to_pylist()
    assert [None if t is None else float(t) for t in read] == values


@given(words=st.lists(st.sampled_from(["", "a", "bb", " c", "é"]), min_size=1))
def test_short_text_of_a_transport_file_comes_back(tmp_path_factory, words):
    # Rows shorter than a record: blanks at the end are padding or blank cells, which
    # no version 5 file tells apart. Blank rows at the very end say nothing.
    path = tmp_path_factory.mktemp("xpt") / "a.xpt"
    kept = list(words)
    while kept and not kept[-1]:
        kept.pop()
    if not kept:
        return
    write_xport(path, pd.DataFrame({"T": words}))
    read = read_raw(path).cells["T"].to_pylist()
    assert read[: len(kept)] == [word or None for word in kept]
    assert set(read[len(kept) :]) <= {None}


def test_long_names_and_labels_of_version_8(tmp_path):
    frame = pd.DataFrame({"a_long_name_of_a_column": [1.5], "text": ["x"]})
    label = "a label of more than forty characters, which version 5 would cut"
    path = write_xport(tmp_path / "a.xpt", frame, 8, column_labels=[label, "short"])
    table = read_raw(path)
    assert table.cells.to_pydict() == {
        "a_long_name_of_a_column": ["1.5"],
        "text": ["x"],
    }
    assert [c.label for c in table.columns] == [label, "short"]


def patched(content, number, replacement):
    """Return a file with one of its numbers replaced: 8 bytes as SAS stores them."""
    found = content.index(number)
    return content[:found] + replacement + content[found + 8 :]


def test_special_missing_values_of_a_transport_file_keep_their_letter(tmp_path):
    path = write_xport(tmp_path / "a.xpt", pd.DataFrame({"X": [1.0, 2.0, 3.0, 4.0]}))
    content = path.read_bytes()
    # TS-140: a letter, an underscore or a point, and seven zero bytes. 1, 2, 3 are
    # 0x4110..., 0x4120..., 0x4130... in the format of IBM.
    for first, letter in ((0x10, b"A"), (0x20, b"_"), (0x30, b".")):
        number = bytes([0x41, first]) + bytes(6)
        content = patched(content, number, letter + bytes(7))
    path.write_bytes(content)
    table = read_raw(path)
    assert table.cells["X"].to_pylist() == [".A", "._", None, "4"]
    assert table.kinds_of("X")[[0, 1, 3]].tolist() == [TEXT, TEXT, NUMBER]


def joined(one, other):
    """Return a transport file with the datasets of two."""
    return one.read_bytes() + other.read_bytes()[3 * 80 :]


def test_every_dataset_of_a_transport_file_can_be_read(tmp_path):
    one = write_xport(tmp_path / "one.xpt", pd.DataFrame({"A": [1.0]}), name="DM")
    other = write_xport(tmp_path / "b.xpt", pd.DataFrame({"B": ["x", "y"]}), name="AE")
    path = tmp_path / "both.xpt"
    path.write_bytes(joined(one, other))
    assert raw_parts(path) == ["DM", "AE"]
    with pytest.raises(DataError, match="holds 2 datasets; name one as `member`: DM"):
        read_raw(path)
    assert read_raw(path, RawOptions(member="dm")).cells.to_pydict() == {"A": ["1"]}
    table = read_raw(path, RawOptions(member="AE"))
    assert table.cells.to_pydict() == {"B": ["x", "y"]}
    with pytest.raises(DataError, match="no dataset 'XX'; name one of DM, AE"):
        read_raw(path, RawOptions(member="XX"))


def test_text_of_a_transport_file_in_another_encoding(tmp_path):
    path = write_xport(tmp_path / "a.xpt", pd.DataFrame({"T": ["ok", "Ålesund  "]}))
    path.write_bytes(path.read_bytes().replace("Å".encode(), "Å ".encode("latin-1")))
    with pytest.raises(DataError, match=r"row 2, column 'T', .*the text is not utf-8"):
        read_raw(path)
    table = read_raw(path, RawOptions(encoding="latin-1"))
    assert table.cells["T"].to_pylist() == ["ok", "Å lesund"]


@pytest.mark.parametrize("cut", [80, 400, 640, 719, 720, 880, -80, -1])
def test_a_transport_file_that_was_cut_off(tmp_path, cut):
    frame = pd.DataFrame({"A": range(40), "B": ["text"] * 40}).astype({"A": float})
    whole = write_xport(tmp_path / "a.xpt", frame).read_bytes()
    path = tmp_path / "cut.xpt"
    path.write_bytes(whole[:cut])
    with pytest.raises(DataError, match=r"cut.xpt: not a complete SAS transport file"):
        read_raw(path)


def test_a_transport_file_sent_as_text_is_told(tmp_path):
    frame = pd.DataFrame({"A": [10.0, 13.0]})
    content = write_xport(tmp_path / "a.xpt", frame).read_bytes()
    path = tmp_path / "b.xpt"
    path.write_bytes(content.replace(b"\xa0", b"\r\n"))
    with pytest.raises(DataError, match="transferred as text instead of binary"):
        read_raw(path)


def test_reasons_for_missing_values_of_stata(tmp_path):
    frame = pd.DataFrame({"x": [1.5, "a", "z", None], "s": ["a", "", "c", "d"]})
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(frame, path, missing_user_values={"x": ["a", "z"]})
    table = read_raw(path)
    assert table.cells["x"].to_pylist() == ["1.5", ".a", ".z", None]
    assert table.kinds_of("x")[:3].tolist() == [NUMBER, TEXT, TEXT]
    # A text that is a letter stays one.
    assert table.cells["s"].to_pylist() == ["a", None, "c", "d"]


def test_a_float_of_stata_has_the_digits_that_were_typed(tmp_path):
    path = tmp_path / "a.dta"
    frame = pd.DataFrame({"x": np.array([0.1, 36.6, np.nan], np.float32)})
    frame.to_stata(path, write_index=False)
    assert read_raw(path).cells["x"].to_pylist() == ["0.1", "36.6", None]


def test_codes_of_spss_stay_codes_and_keep_their_labels(tmp_path):
    frame = pd.DataFrame({"k": [1.0, 2.0, 99.0, None], "t": ["a", "b", "x", ""]})
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        frame,
        path,
        variable_value_labels={"k": {1: "yes", 99: "refused"}, "t": {"x": "none"}},
        missing_ranges={"k": [99], "t": ["x"]},
    )
    table = read_raw(path)
    assert table.cells["k"].to_pylist() == ["1", "2", "99", None]
    assert table.cells["t"].to_pylist() == ["a", "b", "x", None]
    labels = {c.name: dict(c.value_labels) for c in table.columns}
    assert labels == {"k": {"1": "yes", "99": "refused"}, "t": {"x": "none"}}


def test_value_labels_of_stata_name_reasons_by_their_letter(tmp_path):
    frame = pd.DataFrame({"x": [1, 2]})
    path = tmp_path / "a.dta"
    labels = {"x": {1: "yes", 2: "no"}}
    pyreadstat.write_dta(frame, path, variable_value_labels=labels)
    (column,) = read_raw(path).columns
    assert dict(column.value_labels) == {"1": "yes", "2": "no"}


@pytest.mark.parametrize(
    ("cells", "value", "format_", "text"),
    [
        (sas_cells, 23440, "DATE9", "2024-03-05"),
        (sas_cells, 23440, "YYMMDD10", "2024-03-05"),
        (sas_cells, 23440, "E8601DA", "2024-03-05"),
        (sas_cells, 23440, "MONYY7", "2024-03-05"),
        (sas_cells, -21914, "date9", "1900-01-01"),
        (sas_cells, 23440.5, "DATE9", "2024-03-05T12:00:00"),
        (sas_cells, 23440 * 86400 + 37800, "DATETIME20.3", "2024-03-05T10:30:00"),
        (sas_cells, 23440 * 86400 + 0.25, "E8601DT", "2024-03-05T00:00:00.25"),
        (sas_cells, 23440 * 86400, "DATETIME20", "2024-03-05"),
        (sas_cells, 37800, "TIME5", "10:30:00"),
        (sas_cells, 37800, "HHMM", "10:30:00"),
        (sas_cells, 23440, "BEST12", "23440"),
        (sas_cells, 23440, None, "23440"),
        (sas_cells, 1e9, "DATE9", "1000000000"),
        (spss_cells, 13928976000, "DATE11", "2024-03-05"),
        (spss_cells, 13928976000, "ADATE10", "2024-03-05"),
        (
            spss_cells,
            13928976000 + 37800.123,
            "DATETIME23.2",
            "2024-03-05T10:30:00.123",
        ),
        (spss_cells, 129600, "DTIME", "36:00:00"),
        (spss_cells, 3, "WKDAY", "3"),
        (spss_cells, 3, "F8.2", "3"),
        (stata_cells, 23440, "%td", "2024-03-05"),
        (stata_cells, 23440, "%d", "2024-03-05"),
        (stata_cells, 23440, "%-tdD_m_CY", "2024-03-05"),
        (stata_cells, (23440 * 86400 + 37800) * 1e3, "%tc", "2024-03-05T10:30:00"),
        (stata_cells, 37800e3, "%tcHH:MM:SS", "10:30:00"),
        (stata_cells, 5, "%tC", "5"),
        (stata_cells, 770, "%tm", "2024-03"),
        (stata_cells, -1, "%tm", "1959-12"),
        (stata_cells, 256, "%tq", "2024q1"),
        (stata_cells, 3337, "%tw", "2024w10"),
        (stata_cells, 129, "%th", "2024h2"),
        (stata_cells, 2024, "%ty", "2024"),
        (stata_cells, 5, "%9.0g", "5"),
        (stata_cells, 5, "%8.2f", "5"),
    ],
)
def test_formats_tell_dates_from_numbers(cells, value, format_, text):
    # Days by the calendar of Python: 2024-03-05 is day 23440 from 1960-01-01.
    assert (dt.date(2024, 3, 5) - dt.date(1960, 1, 1)).days == 23440
    column, kinds = cells(np.array([float(value), np.nan]), format_)
    assert column.to_pylist() == [text, None]
    dated = "-" in text and len(text) >= 10
    assert kinds is None or kinds[0] == (DATE if dated else NUMBER)


def sas7bdat(**change):
    """Return the first bytes of a SAS dataset, after SAS7BDAT's published layout."""
    magic = "000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011"
    return bytes.fromhex(magic) + bytes(change.get("length", 5000))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.sas7bdat", sas7bdat()),
        ("a.sas7bdat", sas7bdat(length=10)),
        ("a.sav", b"$FL2@(#) SPSS DATA FILE" + bytes(400)),
        ("a.sav", b"$FL2@(#)"),
        ("a.dta", b"<stata_dta><header><release>118</release>" + bytes(200)),
        ("a.dta", struct.pack("<4B", 115, 2, 1, 0) + bytes(300)),
        ("a.dta", b"no Stata file at all, but long enough to be one of some kind"),
        ("a.por", b"x" * 500),
        ("a.por", b"x"),
        ("a.xpt", b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + b"0" * 192),
        ("a.xpt", b"**COMPRESSED** **COMPRESSED** **COMPRESSED** CPORT"),
        ("a.xpt", b"PK\x03\x04 an archive"),
        ("a.sas7bdat", b"text,is\nno,dataset\n"),
    ],
)
def test_files_that_only_begin_like_one(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: "):
        read_raw(path)


@pytest.mark.parametrize("suffix", ["dta", "sav", "zsav", "xpt"])
def test_many_narrow_rows_are_all_read(tmp_path, suffix):
    # Nothing but what the rows need: a bound on the number of rows must not refuse it.
    path = tmp_path / f"a.{suffix}"
    frame = pd.DataFrame({"T": ["a", "", "abc"] * 20_000, "S": ["b"] * 60_000})
    write = {"dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}
    packed = {"compress": True} if suffix == "zsav" else {}
    write.get(suffix, pyreadstat.write_sav)(frame, path, **packed)
    table = read_raw(path)
    assert table.cells["T"].to_pylist() == ["a", None, "abc"] * 20_000


def test_text_of_any_length_in_a_file_of_stata(tmp_path):
    path = tmp_path / "a.dta"
    words = ["x" * 3000, "", "é" * 1500]
    pyreadstat.write_dta(pd.DataFrame({"T": words}), path)
    assert read_raw(path).cells["T"].to_pylist() == [words[0], None, words[2]]


def test_a_number_of_rows_that_the_file_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(pd.DataFrame({"x": [1.5, 2.5]}), path, version=8)
    content = bytearray(path.read_bytes())
    # Release 113 states the number of observations in bytes 6 to 9.
    assert struct.unpack("<I", content[6:10]) == (2,)
    content[6:10] = struct.pack("<I", 1_500_000_000)
    path.write_bytes(content)
    with pytest.raises(DataError, match="1500000000 rows stated"):
        read_raw(path)
