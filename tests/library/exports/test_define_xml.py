"""Define-XML: every reference resolves, and the descriptions are the metadata's."""

import json
from collections import Counter
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from export_samples import ADSL, BDS, STUDY, dataset, described, one_column

from trialstats.errors import DataError
from trialstats.exports import Standard, Study, to_define_xml

ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
DEF = "{http://www.cdisc.org/ns/def/v2.1}"
XLINK = "{http://www.w3.org/1999/xlink}"

#: Attribute that refers -> elements that it may refer to.
REFERENCES = {
    "ItemOID": {f"{ODM}ItemDef"},
    f"{DEF}ItemOID": {f"{ODM}ItemDef"},
    "CodeListOID": {f"{ODM}CodeList"},
    "MethodOID": {f"{ODM}MethodDef"},
    "ValueListOID": {f"{DEF}ValueListDef"},
    "WhereClauseOID": {f"{DEF}WhereClauseDef"},
    f"{DEF}CommentOID": {f"{DEF}CommentDef"},
    f"{DEF}StandardOID": {f"{DEF}Standard"},
    f"{DEF}ArchiveLocationID": {f"{DEF}leaf"},
}

#: Order of the parts of MetaDataVersion in the schema of the standard.
PARTS = [
    *(f"{DEF}Standards", f"{DEF}ValueListDef", f"{DEF}WhereClauseDef"),
    *(f"{ODM}ItemGroupDef", f"{ODM}ItemDef", f"{ODM}CodeList", f"{ODM}MethodDef"),
    f"{DEF}CommentDef",
]


def document(*datasets, **options):
    """Return the parsed document, after checking what holds for every document."""
    root = ElementTree.fromstring(to_define_xml(STUDY, datasets, **options))
    check_references(root)
    return root


def check_references(root):
    """Check that identifiers are unique, all resolve, and none stands unused."""
    defined = {}
    for element in root.iter():
        for attribute in ("OID", "ID"):
            if attribute in element.attrib:
                assert element.get(attribute) not in defined
                defined[element.get(attribute)] = element.tag
    used = set()
    for element in root.iter():
        for attribute, targets in REFERENCES.items():
            if attribute in element.attrib:
                assert defined[element.get(attribute)] in targets
                used.add(element.get(attribute))
    tops = {f"{ODM}{t}" for t in ("Study", "MetaDataVersion", "ItemGroupDef")}
    assert {oid for oid, tag in defined.items() if tag not in tops} == used


def item(root, oid):
    return root.find(f".//{ODM}ItemDef[@OID='{oid}']")


def text(element):
    return element.find(f"{ODM}Description/{ODM}TranslatedText").text


def message_of(*datasets, study=STUDY, **options):
    with pytest.raises(DataError) as error:
        to_define_xml(study, datasets, **options)
    return str(error.value)


def test_the_document_and_its_study():
    root = document(ADSL, BDS, originator="A hospital")
    assert root.tag == f"{ODM}ODM"
    assert root.get(f"{DEF}Context") == "Other"
    assert root.get("Originator") == "A hospital"
    description = root.find(f".//{ODM}StudyDescription").text
    assert description == "A trial of <LDN> & placebo"
    metadata = root.find(f".//{ODM}MetaDataVersion")
    assert metadata.get(f"{DEF}DefineVersion") == "2.1.0"
    tags = [part.tag for part in metadata]
    assert tags == sorted(tags, key=PARTS.index)
    assert set(tags) == set(PARTS)


def test_datasets_and_their_files():
    root = document(ADSL, BDS, files={"BDS": "../data/bds.json"})
    adsl, bds = root.iter(f"{ODM}ItemGroupDef")
    assert (adsl.get("Name"), adsl.get("Repeating")) == ("ADSL", "No")
    assert (bds.get("Name"), bds.get("Repeating")) == ("BDS", "Yes")
    assert adsl.find(f"{DEF}leaf").get(f"{XLINK}href") == "adsl.xpt"
    assert bds.find(f"{DEF}leaf/{DEF}title").text == "../data/bds.json"
    assert bds.get(f"{DEF}Structure") == "one row per subject and parameter"
    keys = {r.get("ItemOID"): r.get("KeySequence") for r in bds.iter(f"{ODM}ItemRef")}
    assert keys["IT.BDS.PARAMCD"] == "2"
    assert keys["IT.BDS.AVAL"] is None
    mandatory = {r.get("ItemOID"): r.get("Mandatory") for r in adsl}
    assert mandatory["IT.ADSL.USUBJID"] == "Yes"
    assert mandatory["IT.ADSL.SEX"] == "No"


@pytest.mark.parametrize(
    ("oid", "attributes"),
    [
        ("IT.ADSL.USUBJID", {"DataType": "text", "Length": "4"}),
        ("IT.ADSL.AGE", {"DataType": "integer", "Length": "2"}),
        # Two digits before the point and two after it: 21.5 and 30.25.
        (
            "IT.ADSL.BMI",
            {"DataType": "float", "Length": "4", "SignificantDigits": "2"},
        ),
        # 21915 days from 1960 to 2020.
        (
            "IT.ADSL.TRTSDT",
            {"DataType": "integer", "Length": "5", f"{DEF}DisplayFormat": "DATE9."},
        ),
        # Values of one parameter are described as narrowly as they allow.
        (
            "IT.BDS.AVAL.PAIN",
            {"DataType": "float", "Length": "3", "SignificantDigits": "2"},
        ),
        ("IT.BDS.AVAL.STIFF", {"DataType": "integer", "Length": "3"}),
    ],
)
def test_types_and_lengths(oid, attributes):
    given = item(document(ADSL, BDS), oid).attrib
    assert attributes.items() <= given.items()
    assert ("SignificantDigits" in given) == ("SignificantDigits" in attributes)


def test_origins_derivations_and_units():
    root = document(ADSL)
    origins = {
        i.get("Name"): i.find(f"{DEF}Origin").attrib for i in root.iter(f"{ODM}ItemDef")
    }
    assert origins == {
        "USUBJID": {"Type": "Assigned", "Source": "Sponsor"},
        "SEX": {"Type": "Collected", "Source": "Investigator"},
        "AGE": {"Type": "Collected", "Source": "Investigator"},
        "TRTSDT": {"Type": "Derived", "Source": "Sponsor"},
        "BMI": {"Type": "Predecessor"},
    }
    bmi = item(root, "IT.ADSL.BMI").find(f"{DEF}Origin")
    assert text(bmi) == "demographics.csv, column bmi"
    (method,) = root.iter(f"{ODM}MethodDef")
    assert text(method) == "first date of the diary < visit 2 & after consent"
    (comment,) = root.iter(f"{DEF}CommentDef")
    assert (comment.get("OID"), text(comment)) == ("COM.ADSL.AGE", "Unit: years.")


def test_who_gave_a_collected_value():
    given = one_column([1], origin="Collected", origin_source="Subject")
    other = dataset(given.table.rename_columns(["B"]), name="B")
    plain = dataset(
        pa.table(
            [[1]], schema=pa.schema([described("C", pa.int64(), origin="Collected")])
        ),
        name="C",
    )
    root = document(given, other, plain, collected_by="Vendor")
    sources = [origin.get("Source") for origin in root.iter(f"{DEF}Origin")]
    assert sources == ["Subject", "Subject", "Vendor"]


def test_codelists():
    root = document(ADSL, BDS)
    sex = root.find(f".//{ODM}CodeList[@OID='CL.ADSL.SEX']")
    coded = [
        (c.get("CodedValue"), c.find(f"{ODM}Decode/{ODM}TranslatedText").text)
        for c in sex
    ]
    assert coded == [("M", "Male"), ("F", "Female")]
    parameters = root.find(f".//{ODM}CodeList[@OID='CL.BDS.PARAMCD']")
    assert [c.get("CodedValue") for c in parameters] == ["PAIN", "STIFF"]
    # Identifiers are no codes, though two of them repeat.
    assert root.find(f".//{ODM}CodeList[@OID='CL.BDS.USUBJID']") is None


def test_few_distinct_values_are_codes():
    arms = one_column(["b", "a", "b", None])
    assert [
        e.get("CodedValue") for e in document(arms).iter(f"{ODM}EnumeratedItem")
    ] == [
        *("a", "b"),
    ]
    assert not list(document(arms, few=1).iter(f"{ODM}CodeList"))
    assert not list(document(arms, few=0).iter(f"{ODM}CodeList"))
    # Text that never repeats is no code.
    assert not list(document(one_column(["a", "b"])).iter(f"{ODM}CodeList"))


@pytest.mark.parametrize(
    "codes", [[[1, "yes"], [2.0, "no"]], [["1", "yes"], ["2", "no"]]]
)
def test_codes_that_are_numbers(codes):
    coded = one_column([1.0, 2.0], codelist=json.dumps(codes))
    values = [c.get("CodedValue") for c in document(coded).iter(f"{ODM}CodeListItem")]
    assert values == ["1", "2"]


def test_values_are_described_by_parameter():
    root = document(BDS)
    assert text(item(root, "IT.BDS.AVAL.STIFF")) == "Stiffness <min>"
    reference = root.find(f".//{DEF}ValueListDef/{ODM}ItemRef[@OrderNumber='2']")
    oid = reference.find(f"{DEF}WhereClauseRef").get("WhereClauseOID")
    check = root.find(f".//{DEF}WhereClauseDef[@OID='{oid}']/{ODM}RangeCheck")
    assert check.get(f"{DEF}ItemOID") == "IT.BDS.PARAMCD"
    assert check.get("Comparator") == "EQ"
    assert check.find(f"{ODM}CheckValue").text == "STIFF"


def test_one_parameter_needs_no_list():
    single = dataset(BDS.table.slice(0, 1), name="BDS")
    assert not list(document(single).iter(f"{DEF}ValueListDef"))


def test_a_code_of_two_meanings_has_none():
    meanings = ["Pain", "Stiffness", "Ache", "Stiffness"]
    table = BDS.table.drop_columns(["PARAM"]).append_column("PARAM", [meanings])
    root = document(dataset(table, name="BDS"))
    assert item(root, "IT.BDS.AVAL.PAIN").find(f"{ODM}Description") is None
    assert text(item(root, "IT.BDS.AVAL.STIFF")) == "Stiffness"


def test_a_parameter_that_is_no_text_means_nothing():
    table = BDS.table.drop_columns(["PARAM"]).append_column("PARAM", [[1, 2, 1, 2]])
    root = document(dataset(table, name="BDS"))
    assert item(root, "IT.BDS.AVAL.STIFF").find(f"{ODM}Description") is None


def test_a_variable_without_values_says_so():
    root = document(BDS)
    reference = root.find(f".//{ODM}ItemRef[@ItemOID='IT.BDS.NOTE']")
    assert reference.get(f"{DEF}HasNoData") == "Yes"
    comment = root.find(f".//{DEF}CommentDef[@OID='COM.BDS.NOTE']")
    assert text(comment) == "No row of this dataset has a value."
    marked = Counter(r.get(f"{DEF}HasNoData") for r in root.iter(f"{ODM}ItemRef"))
    assert marked["Yes"] == 1


def test_no_rows():
    empty = dataset(ADSL.table.slice(0, 0))
    assert item(document(empty), "IT.ADSL.AGE").get("Length") == "1"


def test_the_same_bytes():
    assert to_define_xml(STUDY, [ADSL, BDS]) == to_define_xml(STUDY, [ADSL, BDS])


def test_texts_come_back_whole():
    label = " <a href='x'>&amp; \"quoted\" ]]> \N{GREEK SMALL LETTER TAU}\u2028 "
    derivation = "first\n\tsecond"
    awkward = one_column([1], label=label, origin="Derived", derivation=derivation)
    root = document(awkward)
    assert text(item(root, "IT.ADSL.A")) == label
    (method,) = root.iter(f"{ODM}MethodDef")
    assert text(method) == derivation


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "a\x07b"}, "U+0007 in TranslatedText"),
        ({"label": "a\rb"}, "U+000D in TranslatedText"),
        ({"source": "\ufffe", "origin": "Derived"}, "U+FFFE in TranslatedText"),
        ({"codelist": '["a\\nb"]'}, "U+000A in a codelist"),
    ],
)
def test_control_characters_are_refused_by_number(changes, words):
    column = one_column(pa.array([None], pa.string()), **changes)
    message = message_of(column)
    assert words in message
    assert "A'" in message


def test_control_characters_in_values():
    # Once a value becomes a code it stands in an attribute.
    assert "U+0009 in CodedValue" in message_of(one_column(["a\tb", "a\tb"]))


def test_control_characters_in_the_study():
    with pytest.raises(DataError, match=r"U\+0000 in the title"):
        Study("S", "a\x00", "", "1")
    with pytest.raises(DataError, match="no version"):
        Study("S", "title", "", " ")


@pytest.mark.parametrize(
    ("datasets", "words"),
    [
        ([], "no datasets"),
        ([ADSL, ADSL], "a name of several datasets"),
        ([ADSL, dataset(ADSL.table, name="adsl")], "a name of several datasets"),
        ([dataset(ADSL.table, name="A.B")], "other characters than letters"),
        ([one_column([1], name="A B")], "column 'A B': a name of other characters"),
        ([dataset(ADSL.table, label=" ")], "no label"),
        ([dataset(ADSL.table, structure="")], "no structure"),
        ([dataset(ADSL.table, class_="BDS")], "unknown class"),
        ([dataset(ADSL.table, subclass="TIME-TO-EVENT")], "no subclass of SUBJECT"),
        ([one_column([1], origin_source="Nobody")], "unknown origin_source"),
        ([one_column(["x", ""], name="PARAMCD")], "row 3, column 'PARAMCD': an empty"),
    ],
)
def test_what_cannot_be_described(datasets, words):
    assert words in message_of(*datasets)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"context": "submission"}, "unknown context"),
        ({"collected_by": "Nurse"}, "unknown collected_by"),
        ({"standard": Standard(name="ADaM")}, "unknown standard"),
        ({"standard": Standard(status="FINAL")}, "unknown status"),
        ({"files": {"ADLS": "adsl.xpt"}}, "a file of no dataset"),
        ({"created": "today"}, "not a creation time"),
        ({"originator": "\x01"}, "U+0001 in Originator"),
    ],
)
def test_options_that_the_standard_does_not_know(options, words):
    assert words in message_of(ADSL, **options)


def test_faults_of_several_datasets_come_at_once():
    message = message_of(one_column([True]), dataset(pa.table({"B": [2**60 + 1]}), "B"))
    assert "bool" in message
    assert "floating point" in message
