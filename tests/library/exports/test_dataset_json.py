"""Dataset-JSON: what the standard asks for, and that everything comes back."""

import datetime as dt
import json

import jsonschema
import pyarrow as pa
import pytest
from export_samples import ADSL, BDS, STUDY, dataset, one_column

from trialstats.errors import DataError
from trialstats.exports import to_dataset_json, to_dataset_ndjson

_TEXT = {"type": "string", "minLength": 1}

#: Rules of the specification of Dataset-JSON 1.1 (CDISC, 5 December 2024): attributes,
#: which of them are required, and the combinations of types that are supported.
SCHEMA = {
    "type": "object",
    "required": [
        *("datasetJSONCreationDateTime", "datasetJSONVersion", "itemGroupOID"),
        *("records", "name", "label", "columns"),
    ],
    "additionalProperties": False,
    "properties": {
        "datasetJSONCreationDateTime": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?$",
        },
        "datasetJSONVersion": {"type": "string", "pattern": r"^1\.1(\.\d+)?$"},
        "fileOID": _TEXT,
        "originator": {"type": "string"},
        "sourceSystem": {
            "type": "object",
            "required": ["name", "version"],
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
        },
        "studyOID": _TEXT,
        "metaDataVersionOID": _TEXT,
        "metaDataRef": {"type": "string"},
        "itemGroupOID": _TEXT,
        "records": {"type": "integer", "minimum": 0},
        "name": _TEXT,
        "label": {"type": "string"},
        "columns": {"type": "array", "items": {"$ref": "#/$defs/column"}},
        "rows": {"type": "array", "items": {"type": "array"}},
    },
    "$defs": {
        "column": {
            "type": "object",
            "required": ["itemOID", "name", "label", "dataType"],
            "additionalProperties": False,
            "properties": {
                "itemOID": _TEXT,
                "name": _TEXT,
                "label": {"type": "string"},
                "dataType": {"enum": ["string", "integer", "float", "date"]},
                "targetDataType": {"enum": ["integer", "decimal"]},
                "length": {"type": "integer", "minimum": 1},
                "displayFormat": {"type": "string"},
                "keySequence": {"type": "integer", "minimum": 1},
            },
        }
    },
}

#: Type of a column -> types that its values have in JSON.
IN_JSON = {"string": str, "integer": int, "float": float, "date": str}

ORDER = [
    *("datasetJSONCreationDateTime", "datasetJSONVersion", "fileOID", "originator"),
    *("sourceSystem", "studyOID", "metaDataVersionOID", "metaDataRef", "itemGroupOID"),
    *("records", "name", "label", "columns", "rows"),
]


@pytest.mark.parametrize("exported", [ADSL, BDS], ids=lambda d: d.name)
def test_the_standard_is_met(exported):
    written = json.loads(
        to_dataset_json(STUDY, exported, originator="X", metadata_file="define.xml")
    )
    jsonschema.validate(written, SCHEMA)
    # The order is recommended, so that large files can be read as a stream.
    assert list(written) == ORDER
    assert written["records"] == len(written["rows"]) == exported.table.num_rows
    for row in written["rows"]:
        for value, column in zip(row, written["columns"], strict=True):
            assert value is None or type(value) is IN_JSON[column["dataType"]]


def test_columns_and_rows():
    written = json.loads(to_dataset_json(STUDY, ADSL))
    assert written["rows"][0] == ["S-01", "F", 34, "2020-01-01", 21.5]
    assert written["rows"][2] == ["S-03", "F", 51, "1959-12-31", None]
    assert written["columns"][0] == {
        "itemOID": "IT.ADSL.USUBJID",
        "name": "USUBJID",
        "label": "Unique subject identifier",
        "dataType": "string",
        "length": 4,
        "keySequence": 1,
    }
    assert written["columns"][3] == {
        "itemOID": "IT.ADSL.TRTSDT",
        "name": "TRTSDT",
        "label": "Date of first exposure",
        "dataType": "date",
        "targetDataType": "integer",
        "displayFormat": "DATE9.",
    }


def test_lines_say_the_same():
    whole = json.loads(to_dataset_json(STUDY, ADSL))
    content = to_dataset_ndjson(STUDY, ADSL)
    head, *rows = [json.loads(line) for line in content.decode().splitlines()]
    assert rows == whole.pop("rows")
    assert head == whole
    assert content.endswith(b"]\n")


def test_texts_and_numbers_come_back():
    texts = ["", None, "Größe\n\u2028\x00", "\N{GRINNING FACE}", '"\\', "x "]
    numbers = [1e-300, -0.0, 1 / 3, 1.7976931348623157e308, 5e-324, None]
    written = to_dataset_json(STUDY, dataset(pa.table({"a": texts, "b": numbers})))
    rows = json.loads(written)["rows"]
    assert [row[0] for row in rows] == texts
    assert [row[1] for row in rows] == numbers
    assert str(rows[1][1]) == "-0.0"
    lines = to_dataset_ndjson(STUDY, dataset(pa.table({"a": texts}))).split(b"\n")
    assert len(lines) == 1 + len(texts) + 1


def test_no_rows():
    nothing = dataset(pa.table({"A": pa.array([], pa.date32())}))
    written = json.loads(to_dataset_json(STUDY, nothing))
    jsonschema.validate(written, SCHEMA)
    assert (written["records"], written["rows"]) == (0, [])
    assert to_dataset_ndjson(STUDY, nothing).count(b"\n") == 1


def test_the_same_bytes_unless_a_time_is_given():
    assert to_dataset_json(STUDY, ADSL) == to_dataset_json(STUDY, ADSL)
    given = to_dataset_json(STUDY, ADSL, created="2025-03-01T08:00:00+01:00")
    assert (
        json.loads(given)["datasetJSONCreationDateTime"] == "2025-03-01T08:00:00+01:00"
    )


@pytest.mark.parametrize(
    "created", ["yesterday", "2025-03-01", "2025-02-30T00:00:00", "20250301T080000"]
)
def test_a_time_that_is_none(created):
    with pytest.raises(DataError, match="not a creation time"):
        to_dataset_json(STUDY, ADSL, created=created)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, float("inf")], "row 3, column 'A', value inf: an infinite number"),
        ([2**60 + 1], "64-bit floating point cannot hold"),
        ([dt.datetime(2025, 3, 1, 8)], "timestamp"),
    ],
)
def test_what_json_cannot_hold(values, words):
    with pytest.raises(DataError) as error:
        to_dataset_json(STUDY, one_column(values))
    assert words in str(error.value)


def test_an_originator_that_cannot_be_written():
    with pytest.raises(DataError, match=r"U\+D800 in the originator"):
        to_dataset_json(STUDY, ADSL, originator="\ud800")
