"""Files as sites and spreadsheets spoil them: nothing is lost in silence.

The expected rows and messages follow from the few cells that each test writes.
"""

import csv
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from trialstats.errors import DataError, combined
from trialstats.io import read_cells, write_csv


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_formula_without_its_result_is_not_an_empty_cell(tmp_path):
    # openpyxl writes the formula and no result, as programs other than Excel do.
    path = workbook(tmp_path / "a.xlsx", [["subject", "pain"], ["01", "=1+1"]])
    with pytest.raises(DataError) as caught:
        read_cells(path)
    text = str(caught.value)
    assert "row 2, column 'pain', value '=1+1': a formula without its result" in text
    assert "save it again" in text


@pytest.mark.parametrize("extent", ['<dimension ref="A1"/>', ""])
def test_rows_outside_the_stated_extent_are_read(tmp_path, extent):
    whole = workbook(
        tmp_path / "whole.xlsx", [["a", "b", "c"], [1, None, None], [2, 3, 4]]
    )
    path = tmp_path / "other.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name).decode("utf-8")
            if name.endswith("sheet1.xml"):
                content = re.sub(r'<dimension ref="[^"]*"\s*/>', extent, content)
            target.writestr(name, content)
    assert read_cells(path).to_numpy().tolist() == [[1, None, None], [2, 3, 4]]


def test_a_hidden_sheet_is_not_the_first_one(tmp_path):
    book = Workbook()
    book.active.append(["new"])
    book.active.append([1])
    hidden = book.create_sheet("old", 0)
    hidden.append(["old"])
    hidden.append([2])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    assert read_cells(tmp_path / "a.xlsx").columns.tolist() == ["new"]


@pytest.mark.parametrize("part", ["workbook.xml", "[Content_Types].xml", "styles.xml"])
def test_a_damaged_part_of_a_workbook_is_a_message(tmp_path, part):
    whole = workbook(tmp_path / "whole.xlsx", [["a"], [1]])
    path = tmp_path / "cut.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            half = len(content) // 2 if name.endswith(part) else len(content)
            target.writestr(name, content[:half])
    with pytest.raises(DataError, match="not a complete Excel file"):
        read_cells(path)


@pytest.mark.parametrize(("text", "name"), [("a;b\n1;2\n", "semi"), ("a\tb\n", "tabs")])
def test_another_delimiter_is_named(tmp_path, text, name):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"the columns are separated by {name}"):
        read_cells(path)


def test_a_workbook_named_as_text_is_no_text(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]])
    wrong = path.rename(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a.csv: this is a zip archive or an Excel"):
        read_cells(wrong)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match="this is a folder"):
        read_cells(tmp_path / "a.csv")


def test_rows_and_columns_of_spaces_are_empty(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", [["a", "b", " "], [1, 2, " "], [" ", ""], [3, 4]]
    )
    cells = read_cells(path)
    assert cells.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert cells.index.tolist() == [2, 4]


def test_no_cell_of_a_csv_runs_in_a_spreadsheet(tmp_path):
    hostile = ["=cmd|' /C calc'!A0", "@SUM(A1)", "-2+3+cmd|' /C calc'!A0", "+A1"]
    tame = ["-0.34 (-0.92 to 0.24)", "-5", "-1.2e-5", "-", "+3.1%", "Nausea", ""]
    write_csv(pd.DataFrame({"=x": hostile + tame}), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = [line[0] if line else "" for line in csv.reader(stream)]
    assert head == "'=x"
    assert rows[: len(hostile)] == [f"'{text}" for text in hostile]
    assert rows[len(hostile) :] == tame


def test_one_cause_in_every_row_does_not_fill_the_screen():
    text = combined(f"row {number}: wrong" for number in range(1226))
    assert text.startswith("1226 problems:\n  - row 0: wrong")
    assert text.endswith("... and 1126 more")
    assert len(text.splitlines()) == 102
