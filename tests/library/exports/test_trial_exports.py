"""A trial's datasets in all formats: names, keys, references, and what is refused."""

import json
from xml.etree import ElementTree

import pyarrow as pa
import pyreadstat
import pytest

from trialstats.errors import DataError
from trialstats.exports import (
    FORMATS,
    data_dictionary,
    dataset_of,
    export_names,
    export_trial,
    key_names,
    keys_of,
    trial_datasets,
)
from trialstats.rows import COUNT, NUMBER, TEXT, field

TRIAL = {
    "id": "small",
    "trial": "SMALL-1",
    "title": f"Ein kleiner Versuch f{chr(0xFC)}r alle",
    "data_status": "synthetic",
    "adsl": {},
    "bds": {"PAIN": {}},
    "adae": {"from": "events"},
}

XLINK = "{http://www.w3.org/1999/xlink}href"


def adsl(label="Age"):
    fields = [
        field("STUDYID", TEXT, "Study identifier", origin="Assigned"),
        field("USUBJID", TEXT, "Subject", origin="Collected", source="dm.id"),
        field("AGE", COUNT, label, origin="Collected", source="dm.age", unit="years"),
    ]
    columns = [["SMALL-1"] * 2, ["1", "2"], [40, None]]
    return pa.table(columns, schema=pa.schema(fields))


def bds(visits=(0.0, 4.0, 0.0)):
    fields = [
        field("STUDYID", TEXT, "Study identifier", origin="Assigned"),
        field("USUBJID", TEXT, "Subject", origin="Collected"),
        field("PARAMCD", TEXT, "Code", origin="Assigned"),
        field("AVISITN", NUMBER, "Visit", origin="Assigned"),
        field("AVAL", NUMBER, "Value", origin="Derived", derivation="d"),
    ]
    columns = [["SMALL-1"] * 3, ["1", "1", "2"], ["PAIN"] * 3, list(visits)]
    return pa.table([*columns, [6.5, 5.0, 7.25]], schema=pa.schema(fields))


def adae(term="Nausea"):
    fields = [
        field("STUDYID", TEXT, "Study identifier", origin="Assigned"),
        field("USUBJID", TEXT, "Subject", origin="Collected"),
        field("AESEQ", COUNT, "Sequence number", origin="Derived", derivation="1, 2"),
        field("AETERM", TEXT, "Reported term", origin="Collected"),
    ]
    return pa.table([["SMALL-1"], ["1"], [1], [term]], schema=pa.schema(fields))


def datasets(**tables):
    made = {"adsl": adsl(), "bds": bds(), "adae": adae()} | tables
    return trial_datasets(TRIAL, made.__getitem__)


def test_every_format_holds_every_dataset(tmp_path):
    made = export_trial(TRIAL, datasets(), FORMATS)
    assert list(made) == export_names(TRIAL, FORMATS)
    assert list(made) == [
        *("adsl.xpt", "adbds.xpt", "adae.xpt", "adsl.json", "adbds.json", "adae.json"),
        *("adsl.ndjson", "adbds.ndjson", "adae.ndjson", "define.xml"),
    ]
    path = tmp_path / "adbds.xpt"
    path.write_bytes(made["adbds.xpt"])
    frame, meta = pyreadstat.read_xport(path)
    assert meta.table_name == "ADBDS"
    assert frame["AVAL"].tolist() == [6.5, 5.0, 7.25]
    whole = json.loads(made["adsl.json"])
    assert whole["rows"] == [["SMALL-1", "1", 40], ["SMALL-1", "2", None]]
    lines = made["adsl.ndjson"].decode().splitlines()
    assert [json.loads(line) for line in lines[1:]] == whole["rows"]
    assert whole["metaDataRef"] == "define.xml"


def test_the_same_datasets_give_the_same_bytes():
    assert export_trial(TRIAL, datasets(), FORMATS) == export_trial(
        TRIAL, datasets(), FORMATS
    )


@pytest.mark.parametrize(
    ("formats", "leaves"),
    [
        (["define", "xpt"], ["adsl.xpt", "adbds.xpt", "adae.xpt"]),
        (["define", "ndjson"], ["adsl.ndjson", "adbds.ndjson", "adae.ndjson"]),
        (["define"], ["../adsl.parquet", "../bds.parquet", "../adae.parquet"]),
    ],
)
def test_define_refers_to_the_files_that_are_there(formats, leaves):
    made = export_trial(TRIAL, datasets(), formats, elsewhere="../")
    root = ElementTree.fromstring(made["define.xml"])
    found = [e.get(XLINK) for e in root.iter() if e.tag.endswith("}leaf")]
    assert found == leaves
    assert set(made) >= {leaf for leaf in leaves if "/" not in leaf}
    assert TRIAL["title"].encode() in made["define.xml"]


def test_a_format_that_cannot_hold_the_data_names_all_that_it_refuses():
    long, acute = "Age at the day of randomisation into the trial", chr(0xE9)
    faulty = datasets(adsl=adsl(label=long), adae=adae(f"Naus{acute}e"))
    with pytest.raises(DataError) as caught:
        export_trial(TRIAL, faulty, FORMATS)
    lines = str(caught.value).splitlines()
    assert lines == [
        f"xpt: ADSL, column 'AGE', value '{long}': label: 46 characters where 40 fit; "
        "write a shorter label in ASCII characters",
        f"xpt: ADAE, row 2, column 'AETERM', value 'Naus{acute}e': {acute} (LATIN "
        "SMALL LETTER E WITH ACUTE) is no ASCII character; rewrite it, or export "
        "Dataset-JSON, which holds any text",
        "mend these, or leave the format out of `exports` in config.yaml",
    ]
    # The other formats hold both.
    assert export_trial(TRIAL, faulty, ["dataset_json", "ndjson", "define"])


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (bds(), ("STUDYID", "USUBJID", "PARAMCD", "AVISITN")),
        # Two rows of a subject at one visit: no variable tells them apart.
        (bds(visits=(4.0, 4.0, 0.0)), ()),
    ],
)
def test_keys_are_those_that_tell_rows_apart(table, keys):
    assert keys_of("bds", table) == keys


def test_keys_of_no_rows_are_the_fewest():
    assert keys_of("bds", bds().slice(0, 0)) == ("STUDYID", "USUBJID", "PARAMCD")


def test_names_of_keys_are_those_that_exist():
    assert key_names("bds", bds().schema) == [
        *("STUDYID", "USUBJID", "PARAMCD", "AVISITN"),
    ]


def test_no_format_makes_no_file():
    assert export_names(TRIAL, []) == []
    assert export_trial(TRIAL, datasets(), []) == {}


def test_a_dictionary_read_column_by_column_is_that_of_the_whole():
    whole = datasets()
    asked = []

    def read(name, columns):
        asked.append(tuple(columns))
        (table,) = (d.table for d in whole if d.name == name)
        return table.select(columns)

    tables = {"adsl": adsl(), "bds": bds(), "adae": adae()}
    bare = [
        dataset_of(name, table.slice(0, 0), keys_of(name, table))
        for name, table in tables.items()
    ]
    one, other = data_dictionary(bare, read=read), data_dictionary(whole)
    assert one.astype(str).equals(other.astype(str))
    assert max(len(columns) for columns in asked) <= 2
