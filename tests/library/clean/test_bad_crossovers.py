"""Periods, sequences, flags and dates that cannot be meant, in trials of a few rows."""

import pytest

from tests.library.small_trial import clean, column, configuration
from trialstats.errors import DataError

CODES = {"column": "seq", "recode": {"AB": "AP", "BA": "PA"}, "label": "Sequence"}


def crossover(**measurement):
    """Return a crossover with one measurement, whose rows name their period."""
    config = configuration(
        design="crossover",
        sequences={"AP": ["Active", "Placebo"], "PA": ["Placebo", "Active"]},
        bds={
            "PAIN": {
                "label": "Pain",
                "unit": "points",
                "from": "pain",
                "value": {"column": "pain"},
                "visits": {"visit": "End", "number": 1, "period": "period"},
                **measurement,
            }
        },
        analysis_sets={"ITT": "present(TRTSEQP)"},
    )
    config["sources"] = {
        "people": {"file": "people.csv", "key": ["id"]},
        "pain": {"file": "pain.csv", "key": ["id", "period"]},
    }
    config["adsl"]["variables"] = {"TRTSEQP": CODES}
    return config


PEOPLE = "id,seq\n1,AB\n2,BA\n"
PAIN = "id,period,pain,drug\n1,1,5,A\n1,2,4,P\n2,1,6,P\n2,2,3,A\n"


def message(folder, config, **files):
    texts = {"people.csv": PEOPLE, "pain.csv": PAIN}
    texts |= {f"{name}.csv": text for name, text in files.items()}
    with pytest.raises(DataError) as caught:
        clean(folder, config, texts)
    return str(caught.value)


@pytest.mark.parametrize("cell", ["3", "0", "1.5", "first", ""])
def test_a_period_that_the_sequences_have_not(tmp_path, cell):
    text = message(tmp_path, crossover(), pain=PAIN.replace("1,2,4", f"1,{cell},4"))
    value = f", value {cell!r}" if cell else ""
    assert text == (
        f"pain.csv, row 3, column 'period'{value}: not the number of a period; write a "
        "whole number from 1 to 2"
    )


def test_a_treatment_that_the_sequence_contradicts(tmp_path):
    spec = {"column": "drug", "recode": {"A": "Active", "P": "Placebo"}}
    text = message(
        tmp_path, crossover(treatment=spec), pain=PAIN.replace("1,2,4,P", "1,2,4,A")
    )
    assert text == (
        "pain.csv, row 3, column 'drug', value 'Active': the sequence has Placebo in "
        "period 2; mend treatment, period or sequence"
    )


def test_a_treatment_with_an_unknown_label(tmp_path):
    spec = {"column": "drug", "recode": {"A": "Active", "P": "Placebo"}}
    text = message(
        tmp_path, crossover(treatment=spec), pain=PAIN.replace("1,2,4,P", "1,2,4,X")
    )
    assert text.startswith("pain.csv, row 3, column 'drug', value 'X': unknown label")


def test_an_unknown_sequence(tmp_path):
    text = message(tmp_path, crossover(), people="id,seq\n1,AA\n2,BA\n")
    assert text.startswith("people.csv, row 2, column 'seq', value 'AA': unknown label")


def test_a_sequence_outside_those_configured(tmp_path):
    config = crossover()
    config["adsl"]["variables"]["TRTSEQP"] = {"column": "seq", "label": "Sequence"}
    text = message(tmp_path, config)
    assert "people.csv, row 2, column 'seq', value 'AB': unknown arm label" in text
    assert "write one of AP, PA or list it under recode" in text


def test_a_period_that_stands_twice(tmp_path):
    config = crossover()
    config["sources"]["pain"]["key"] = ["id", "pain"]
    text = message(tmp_path, config, pain=PAIN.replace("1,2,4", "1,1,4"))
    assert text == (
        "pain.csv, row 3, column 'pain', value '4': a further value of the subject at "
        "End; keep one, or say under `several` which is analysed"
    )


# --- parallel trials --------------------------------------------------------


def adam(**measurement):
    """Return a trial whose measurements are an analysis dataset."""
    config = configuration(
        bds={
            "SCORE": {
                "label": "Score",
                "unit": "points",
                "from": "scores",
                "value": {"column": "AVAL"},
                "visits": {"column": "AVISIT", "names": {"Week 1": {"number": 1}}},
                "as_received": {"ANL01FL": "ANL01FL"},
                **measurement,
            }
        }
    )
    config["sources"]["scores"] = {"file": "scores.csv", "key": ["id", "N"]}
    return config


def test_two_flagged_records_at_one_visit(tmp_path):
    rows = "id,N,AVISIT,AVAL,ANL01FL\n1,1,Week 1,5,Y\n1,2,Week 1,6,Y\n"
    text = message(
        tmp_path, adam(), people="id,arm,start\n1,A,2024-01-01\n", scores=rows
    )
    assert text == (
        "scores.csv, row 3, column 'ANL01FL', value 'Y': a second flagged value at "
        "this visit; flag one record of a subject and visit"
    )


def test_a_column_of_flags_that_is_absent(tmp_path):
    rows = "id,N,AVISIT,AVAL,ANL02FL\n1,1,Week 1,5,Y\n"
    text = message(
        tmp_path, adam(), people="id,arm,start\n1,A,2024-01-01\n", scores=rows
    )
    assert text == (
        "scores.csv, column 'ANL01FL': missing column; did you mean 'ANL02FL'?"
    )


def test_a_subject_whose_rows_disagree(tmp_path):
    config = configuration()
    config["adsl"]["repeated"] = True
    config["sources"]["people"]["key"] = ["id", "visit"]
    people = "id,visit,arm,start\n1,1,A,2024-01-01\n1,2,B,2024-01-01\n"
    text = message(tmp_path, config, people=people)
    assert text == (
        "people.csv, row 3, column 'arm', value 'Placebo': the subject has another "
        "value in an earlier row; make the rows of a subject agree, or say under "
        "`take` which counts"
    )


def test_a_condition_that_no_row_of_a_subject_fits(tmp_path):
    config = configuration()
    config["adsl"]["where"] = "arm == 'C'"
    text = message(tmp_path, config, people="id,arm,start\n1,A,2024-01-01\n")
    assert text == ("people.csv, column 'id': no row is a subject; mend `adsl.where`")


def test_a_derived_whole_number_that_is_none(tmp_path):
    config = configuration()
    half = {"derive": "number(text(3)) / 2", "type": "integer", "label": "Half"}
    config["adsl"]["variables"]["HALF"] = half
    text = message(tmp_path, config, people="id,arm,start\n1,A,2024-01-01\n")
    assert text == (
        "people.csv, row 2, value '1.5': HALF is not a whole number; write `type: "
        "number`, or round(…) in its expression"
    )


def test_a_column_that_is_derived_and_received(tmp_path):
    config = configuration()
    config["sources"]["people"]["derive"] = {"arm": "upper(arm)"}
    text = message(tmp_path, config, people="id,arm,start\n1,A,2024-01-01\n")
    assert text == (
        "people.csv, column 'arm': the file has this column already; choose another "
        "name under `derive`"
    )


def test_a_date_that_nobody_has_is_missing(tmp_path):
    made = clean(
        tmp_path, configuration(), {"people.csv": "id,arm,start\n1,A,\n2,B,\n"}
    )
    assert column(made.adsl, "TRTSDT") == [None, None]


def test_files_of_a_source_with_other_columns(tmp_path):
    config = configuration()
    config["sources"]["people"] = {
        "files": {"a": "people.csv", "b": "more.csv"},
        "into": "part",
        "key": ["id"],
    }
    people = "id,arm,start\n1,A,2024-01-01\n"
    text = message(tmp_path, config, people=people, more="id,arms,start\n2,B,x\n")
    assert text == (
        "more.csv, column 'arm': missing column; people.csv has it; did you mean "
        "'arms'?"
    )
    text = message(tmp_path, config, people=people, more="id,start,arm\n2,x,B\n")
    assert text == (
        "more.csv: the columns stand in another order than in people.csv; put them in "
        "one order"
    )
