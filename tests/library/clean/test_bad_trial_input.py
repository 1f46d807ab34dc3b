"""Bad input: one clear message that says what, where, and what to write instead."""

import pytest

from trialstats.errors import ConfigError, DataError
from trialstats.io import read_cells


def message(clean, **texts):
    with pytest.raises(DataError) as caught:
        clean(**texts)
    return str(caught.value)


HEAD = "subject,arm,start,weight,unit,height\n"
GOOD = "02,B,2025-03-01,70,kg,170\n"


def test_missing_column_names_the_likely_one(clean):
    text = message(clean, scores="subject,date,skore\n01,2025-03-01,5\n")
    assert text == ("scores.csv, column 'score': missing column; did you mean 'skore'?")


def test_unknown_arm_label(clean):
    text = message(clean, people=HEAD + "01,C,2025-03-01,70,kg,170\n" + GOOD)
    assert "people.csv, row 2, column 'arm', value 'C': unknown label" in text
    assert "write one of A, B or list it under recode" in text


def test_arm_label_outside_the_arms(clean, config):
    del config["adsl"]["variables"]["TRT01P"]["recode"]
    text = message(clean)
    assert "people.csv, row 2, column 'arm', value 'A': unknown arm label" in text
    assert "write one of Placebo, LDN" in text


def test_duplicated_subject_key_with_other_values(clean):
    people = HEAD + "01,A,2025-03-01,70,kg,170\n01,B,2025-03-01,70,kg,170\n"
    text = message(clean, people=people)
    assert text == (
        "people.csv, row 3, column 'subject', value '01': duplicated key: row 2 has "
        "it with other values; keep one of the two rows"
    )


def test_text_in_a_numeric_column(clean):
    text = message(clean, scores="subject,date,score\n01,2025-03-01,fifty\n")
    assert "scores.csv, row 2, column 'score', value 'fifty': not a number" in text
    assert "list the code under missing_codes" in text


def test_decimal_comma_is_not_guessed(clean):
    text = message(clean, scores='subject,date,score\n01,2025-03-01,"5,5"\n')
    assert "value '5,5': not a number; write a number with a decimal point" in text


def test_date_that_cannot_be_read(clean):
    text = message(clean, scores="subject,date,score\n01,31/02/2025,5\n")
    assert "scores.csv, row 2, column 'date', value '31/02/2025': not a date" in text
    assert "write it as %Y-%m-%d or %d/%m/%Y" in text


def test_unknown_unit(clean):
    text = message(clean, people=HEAD + "01,A,2025-03-01,70,st,170\n" + GOOD)
    assert "people.csv, row 2, column 'unit', value 'st': unknown unit" in text


def test_no_arm(clean):
    text = message(clean, people=HEAD + "01,,2025-03-01,70,kg,170\n" + GOOD)
    assert "people.csv, row 2, column 'arm': no arm" in text


def test_two_values_on_one_date_of_a_daily_diary(clean, config):
    config["bds"]["SCORE"]["summarise"] = {"statistic": "mean", "at_least": 1, "of": 7}
    scores = "subject,date,score\n01,2025-03-08,5\n01,08/03/2025,6\n"
    text = message(clean, scores=scores)
    assert "scores.csv, row 3, column 'date'" in text
    assert "two values on one date" in text


def test_all_problems_of_a_stage_come_in_one_message(clean):
    text = message(clean, scores="subject,date,score\n01,never,x\n02,2025-03-01,y\n")
    assert text.startswith("3 problems:")


def test_a_condition_outside_the_language_is_refused(clean, config):
    config["analysis_sets"]["ITT"] = "__import__('os').system('true')"
    with pytest.raises(ConfigError, match="which is not allowed"):
        clean()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"subject,arm\n", "the file has a header and no rows"),
        (b"subject,arm\n01,A,x\n", "3 cells under 2 column names"),
        (b"subject,subject\n01,A\n", "two columns share one name"),
        (b"subject,,arm\n01,A,B\n", "a column has no name"),
        (b"subject,arm\n\xff\xfe,A\n", "the text is not UTF-8"),
        (b'subject,arm\n"01,A\n', "not a readable table"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, what):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_cells(path)
    assert "people.csv" in str(caught.value)


def test_a_truncated_excel_file(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for number in range(200):
        book.active.append([number, f"text {number}"])
    whole = tmp_path / "whole.xlsx"
    book.save(whole)
    content = whole.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        cut = tmp_path / "cut.xlsx"
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(DataError, match="not a complete Excel file") as caught:
            read_cells(cut)
        assert "cut.xlsx" in str(caught.value)
        assert "send the file again" in str(caught.value)


def test_an_unknown_sheet_names_those_there(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "diary"
    book.active.append(["a"])
    book.active.append([1])
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(DataError, match="name one of diary"):
        read_cells(tmp_path / "book.xlsx", sheet="dairy")


def test_nothing_is_written_when_a_table_does_not_fit(tmp_path):
    import pandas as pd

    from trialstats import evidence_rows
    from trialstats.io import write_table

    frame = pd.DataFrame({"review": ["x"], "pooled": ["text"]})
    with pytest.raises(DataError, match="missing column 'outcome'"):
        write_table(frame, tmp_path / "pools.parquet", evidence_rows.PUBLISHED_POOLS)
    assert list(tmp_path.iterdir()) == []
