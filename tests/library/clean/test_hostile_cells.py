"""Cells as sites and spreadsheets spoil them: a message, or a finding that names it.

The trial is the small one of conftest; what must come out follows from its few rows.
"""

import numpy as np
import pyarrow as pa
import pytest

from trialstats.clean.trial import clean_trial
from trialstats.errors import DataError
from trialstats.raw import CELL, DATE, RawColumn, RawTable

HEAD = "subject,arm,start,weight,unit,height\n"
GOOD = "02,B,2025-03-01,70,kg,170\n"
SCORES = "subject,date,score\n01,2025-03-01,50\n"


def message(clean, **texts):
    with pytest.raises(DataError) as caught:
        clean(**texts)
    return str(caught.value)


@pytest.mark.parametrize("written", ["1", "1.0", "FM 01", "s-01 "])
def test_a_subject_written_in_another_way_is_not_set_aside(clean, written):
    known = {"FM 01": "FM-001", "s-01 ": "S01"}.get(written, "01")
    people = HEAD + GOOD.replace("02", known, 1)
    scores = SCORES.replace("01,", f"{written},", 1)
    text = message(
        clean,
        people=people,
        scores=scores,
        events=f"subject,term,start\n{known},x,2025-03-05\n",
    )
    assert "scores.csv, row 2, column 'subject'" in text
    assert f"elsewhere it is '{known}'" in text
    assert "format the column as text" in text


def table(file, header, *rows, kinds=None):
    """Return a raw table of texts, with kinds of cells where they are not text."""
    names = header.split(",")
    columns = [pa.array([row[i] for row in rows], CELL) for i in range(len(names))]
    return RawTable(
        file,
        tuple(RawColumn(name) for name in names),
        pa.Table.from_arrays(columns, names=names),
        np.arange(2, 2 + len(rows)),
        kinds or {},
    )


def test_a_subject_that_became_a_date_is_an_error(config):
    person = ["1-2", "A", "2025-03-01", "70", "kg", "170"]
    tables = {
        "people": table("people.csv", HEAD.strip(), person),
        "scores": table(
            "scores.xlsx",
            "subject,date,score",
            ["2025-02-01", "2025-03-01", "5"],
            kinds={"subject": np.array([DATE], dtype=np.uint8)},
        ),
        "events": table("e.csv", "subject,term,start", ["1-2", "x", "2025-03-05"]),
    }
    with pytest.raises(DataError, match="a date where the subject's number should be"):
        clean_trial(config, tables)


def test_a_missing_code_is_no_arm(clean):
    text = message(clean, people=HEAD + "01,-99,2025-03-01,70,kg,170\n" + GOOD)
    assert "people.csv, row 2, column 'arm', value '-99': no arm" in text


@pytest.mark.parametrize("cell", ["1_5", "٣", "1e400", "0x10", "nan", "--5"])
def test_what_python_would_read_as_a_number_is_not_one(clean, cell):
    text = message(clean, scores=f"subject,date,score\n01,2025-03-01,{cell}\n")
    assert f"row 2, column 'score', value '{cell}': not a number" in text


@pytest.mark.parametrize("cell", ["#N/A", "#DIV/0!", "#REF!"])
def test_an_error_of_the_spreadsheet_is_an_error_in_any_column(clean, cell):
    text = message(clean, scores=f"subject,date,score\n{cell},2025-03-01,5\n")
    assert f"column 'subject', value '{cell}': an error of the spreadsheet" in text


def test_a_missing_code_written_with_decimals_is_missing(clean, config):
    del config["bds"]["SCORE"]["value"]["range"]
    made = clean(scores="subject,date,score\n01,2025-03-01,-99.0\n02,2025-03-01,5\n")
    assert made.bds.loc[made.bds["PARAMCD"] == "SCORE", "AVAL"].min() == 5
    assert made.queries["kind"].eq("missing code").any()


def test_a_subject_outside_a_set_is_a_finding(clean):
    made = clean(people=HEAD + "01,A,,70,kg,170\n" + GOOD, scores=SCORES)
    found = made.queries[made.queries["kind"] == "outside an analysis set"]
    assert found["USUBJID"].tolist() == ["01"]
    assert found["finding"].iloc[0].startswith("not in ITT")


def test_an_event_without_a_date_is_a_finding(clean):
    made = clean(events="subject,term,start\n01,Headache,\n")
    assert made.adae["TRTEMFL"].isna().all()
    assert (made.queries["kind"] == "event without a date").sum() == 1


def test_terms_that_differ_in_capitals_are_a_finding(clean):
    made = clean(
        events="subject,term,start\n01,Headache,2025-03-05\n02,head-ache ,2025-03-05\n"
        "03,HEADACHE,2025-03-05\n"
    )
    found = made.queries[made.queries["kind"] == "spelling of a term"]
    assert found["value"].tolist() == ["HEADACHE"]


def test_a_seriousness_that_no_count_knows_is_an_error(clean, config):
    config["adae"]["variables"]["AESER"] = {"column": "serious", "label": "Serious"}
    text = message(
        clean, events="subject,term,start,serious\n01,Headache,2025-03-05,Yes\n"
    )
    assert "column 'serious', value 'Yes': unknown label of AESER" in text
    assert "recode it to one of Y, N" in text


@pytest.mark.parametrize("second", ["2025-03-01", "2025-02-01"])
def test_a_period_starts_after_the_one_before(clean, config, second):
    config["design"] = "crossover"
    config["sequences"] = {"AB": ["LDN", "Placebo"]}
    config["periods"] = ["TRTSDT", "AP02SDT"]
    variables = config["adsl"]["variables"]
    variables["TRTSEQP"] = {
        "column": "arm",
        "label": "Sequence",
        "recode": {"A": "AB"},
    }
    del variables["TRT01P"]
    variables["AP02SDT"] = {"column": "two", "type": "date", "label": "Period 2"}
    people = "subject,arm,start,two,weight,unit,height\n"
    people += f"01,A,2025-03-01,{second},70,kg,170\n"
    text = message(clean, people=people, scores=SCORES)
    assert f"people.csv, row 2, column 'two', value '{second}'" in text
    assert "period 2 does not start after the period before it (2025-03-01)" in text
