"""Random tables come back exactly, or end in an error that names the fault."""

import datetime as dt
import json
import math
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyreadstat
from export_samples import STUDY, dataset, described
from hypothesis import given, settings
from hypothesis import strategies as st
from test_define_xml import ODM, check_references

from trialstats.errors import DataError
from trialstats.exports import (
    data_dictionary,
    to_dataset_json,
    to_dataset_ndjson,
    to_define_xml,
    to_xport,
)
from trialstats.exports.ibm_numbers import LARGEST, SMALLEST

DAYS = st.dates(dt.date(1600, 1, 1), dt.date(2200, 12, 31))
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
ANY_TEXT = st.one_of(
    PRINTABLE,
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=250),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=250),
)
HELD = st.one_of(
    st.just(0.0),
    st.floats(SMALLEST, LARGEST),
    st.floats(-LARGEST, -SMALLEST),
    st.integers(-(2**53), 2**53).map(float),
)

#: Kind -> type, values that every format holds, any values.
KINDS = {
    "text": (
        pa.string(),
        PRINTABLE.map(str.rstrip).filter(bool),
        ANY_TEXT,
    ),
    "number": (pa.float64(), HELD, st.floats()),
    "integer": (
        pa.int64(),
        st.integers(-(2**53), 2**53),
        st.integers(-(2**63), 2**63 - 1),
    ),
    "date": (pa.date32(), DAYS, st.dates()),
}

#: What stands in PARAMCD; some codes need escaping.
CODES = st.sampled_from(
    ["A", "B", "<C> & 'D'", '"', "\N{GREEK SMALL LETTER TAU}", None]
)


@st.composite
def tables(draw, any_values=False):
    """Return a table of one to four variables."""
    n_rows = draw(st.integers(0, 6))
    fields, columns = [], []
    for place in range(draw(st.integers(1, 4))):
        type_, held, anything = KINDS[draw(st.sampled_from(sorted(KINDS)))]
        values = st.one_of(st.none(), anything if any_values else held)
        listed = draw(st.lists(values, min_size=n_rows, max_size=n_rows))
        label = draw(ANY_TEXT) if any_values else f"Variable {place}"
        fields.append(described(f"V{place}", type_, label=label))
        columns.append(pa.array(listed, type_))
    if not any_values:
        # A number is never blank, so that no row looks like the filling at the end.
        fields.append(described("N", pa.int64(), label="Row"))
        columns.append(pa.array(range(n_rows), pa.int64()))
    return pa.table(columns, schema=pa.schema(fields))


def expected(table):
    """Return the rows with None for every missing value."""
    return [
        [None if v is None or v != v else v for v in column.to_pylist()]
        for column in table.columns
    ]


def from_xport(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.xpt"
        path.write_bytes(content)
        frame, _ = pyreadstat.read_xport(path)
    return [
        [None if v is None or v != v or v == "" else v for v in frame[name].tolist()]
        for name in frame
    ]


def from_json(rows, table):
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns = columns or [[] for _ in range(table.num_columns)]
    for place, type_ in enumerate(table.schema.types):
        if type_ == pa.date32():
            columns[place] = [v and dt.date.fromisoformat(v) for v in columns[place]]
    return columns


def attempted(export, *arguments):
    """Return the result and no message, or no result and the message of the error."""
    try:
        return export(*arguments), ""
    except DataError as error:
        return None, str(error)


def is_about_numbers(message):
    return "infinite" in message or "floating point" in message


@given(tables())
def test_what_fits_comes_back_from_a_transport_file(table):
    assert from_xport(to_xport(dataset(table))) == expected(table)


@settings(max_examples=300)
@given(tables(any_values=True))
def test_a_transport_file_is_right_or_refused(table):
    content, message = attempted(to_xport, dataset(table))
    if content is None:
        assert "ADSL" in message
        return
    # The format knows no empty text, only a missing one.
    wanted = [[None if v == "" else v for v in column] for column in expected(table)]
    assert from_xport(content) == wanted


@settings(max_examples=300)
@given(tables(any_values=True))
def test_json_is_right_or_refused(table):
    content, message = attempted(to_dataset_json, STUDY, dataset(table))
    lines, _ = attempted(to_dataset_ndjson, STUDY, dataset(table))
    if content is None:
        assert is_about_numbers(message)
        return
    rows = json.loads(content)["rows"]
    back, wanted = from_json(rows, table), expected(table)
    assert back == wanted
    # Equal is not enough: a negative zero equals zero.
    for column, same in zip(back, wanted, strict=True):
        for value, other in zip(column, same, strict=True):
            if isinstance(other, float):
                assert math.copysign(1, value) == math.copysign(1, other)
    assert [json.loads(line) for line in lines.splitlines()[1:]] == rows


@settings(max_examples=200)
@given(tables(any_values=True), st.data())
def test_a_define_xml_is_sound_or_refused(table, data):
    if data.draw(st.booleans(), label="with parameters"):
        n_rows = table.num_rows
        codes = data.draw(st.lists(CODES, min_size=n_rows, max_size=n_rows))
        table = table.rename_columns(["AVAL", "PARAM", "X", "Y"][: table.num_columns])
        field = described("PARAMCD", pa.string(), label="Parameter code")
        table = table.append_column(field, pa.array(codes, pa.string()))
    content, message = attempted(to_define_xml, STUDY, [dataset(table)])
    if content is None:
        words = ("control character", "an empty parameter code")
        assert is_about_numbers(message) or any(word in message for word in words)
        return
    root = ElementTree.fromstring(content)
    check_references(root)
    for field in table.schema:
        label = field.metadata[b"label"].decode()
        item = root.find(f".//{ODM}ItemDef[@OID='IT.ADSL.{field.name}']")
        given_label = item.find(f"{ODM}Description/{ODM}TranslatedText")
        if label.strip():
            assert given_label.text == label
        else:
            assert given_label is None
    codes = set(table["PARAMCD"].to_pylist() if "AVAL" in table.schema.names else [])
    codes -= {None}
    checked = [check.text for check in root.iter(f"{ODM}CheckValue")]
    assert checked == (sorted(codes) if len(codes) > 1 else [])


@given(tables(any_values=True))
def test_a_dictionary_counts_what_is_missing(table):
    frame, message = attempted(data_dictionary, [dataset(table)])
    if frame is None:
        assert is_about_numbers(message)
        return
    missing = [column.count(None) for column in expected(table)]
    assert frame["n_missing"].tolist() == missing
