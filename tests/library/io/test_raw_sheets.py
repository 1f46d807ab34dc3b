"""Workbooks read as raw tables: typed cells as text, with their kinds."""

import datetime as dt

import pytest
from openpyxl import Workbook

from trialstats.errors import ConfigError, DataError
from trialstats.io import RawOptions, raw_parts, read_raw
from trialstats.raw import DATE, LOGICAL, NUMBER, TEXT


def workbook(path, rows, title="Sheet"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_every_type_of_cell_has_its_text_and_kind(tmp_path):
    cells = [
        (5, "5", NUMBER),
        (5.0, "5", NUMBER),
        (0.1, "0.1", NUMBER),
        (True, "TRUE", LOGICAL),
        (dt.date(2024, 3, 5), "2024-03-05", DATE),
        (dt.datetime(2024, 3, 5, 10, 30), "2024-03-05T10:30:00", DATE),
        (dt.time(10, 30), "10:30:00", TEXT),
        (dt.timedelta(hours=36, seconds=1), "36:00:01", TEXT),
        (" x ", " x ", TEXT),
        ("  ", None, TEXT),
        ("#N/A", "#N/A", TEXT),
    ]
    path = workbook(tmp_path / "a.xlsx", [["v", "n"], *[[c, 1] for c, _, _ in cells]])
    table = read_raw(path)
    assert table.cells["v"].to_pylist() == [text for _, text, _ in cells]
    assert table.kinds_of("v").tolist() == [kind for _, _, kind in cells]
    assert table.rows.tolist() == list(range(2, 2 + len(cells)))


def test_a_column_of_text_has_no_kinds(tmp_path):
    table = read_raw(workbook(tmp_path / "a.xlsx", [["a", "b"], ["x", 1]]))
    assert set(table.kinds) == {"b"}


def test_rows_before_the_header_blank_rows_and_comments_count(tmp_path):
    rows = [["Trial X"], [], ["a", "b"], ["# no", 1], [1, 2], [], [3, None]]
    path = workbook(tmp_path / "a.xlsx", rows)
    table = read_raw(path, RawOptions(skip_rows=1, comment="#"))
    assert table.cells.to_pydict() == {"a": ["1", "3"], "b": ["2", None]}
    assert table.rows.tolist() == [5, 7]
    table = read_raw(path, RawOptions(skip_rows=3, comment="#", header=False))
    assert table.cells.to_pydict() == {"V1": ["1", "3"], "V2": ["2", None]}


def test_a_sheet_is_chosen_by_name(tmp_path):
    book = Workbook()
    book.active.title = "old"
    book.active.append(["a"])
    book.active.append([1])
    book.active.sheet_state = "hidden"
    for number, title in enumerate(["new", "newer"]):
        book.create_sheet(title).append(["a"])
        book[title].append([number])
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert raw_parts(path) == ["old", "new", "newer"]
    # The first one that is shown, as a reader of the workbook sees it.
    assert read_raw(path).cells["a"].to_pylist() == ["0"]
    named = RawOptions(sheet="newer")
    assert read_raw(path, named).cells["a"].to_pylist() == ["1"]
    with pytest.raises(DataError, match="no sheet 'x'; name one of old, new, newer"):
        read_raw(path, RawOptions(sheet="x"))


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "the file is empty"),
        ([["a", "b"]], "the file has a header and no rows"),
        ([["a", None, "b"], [1, 2, 3]], "column 'number 2': a column has no name"),
        ([["a", "a "], [1, 2]], "column 'a': two columns share one name"),
        ([["a"], [1, 2]], "row 2, value 2: 2 cells under 1 column names"),
        ([["a"], ["=1+1"]], "row 2, column 'a', value '=1\\+1': a formula without"),
    ],
)
def test_sheets_that_are_no_table(tmp_path, rows, what):
    with pytest.raises(DataError, match=what):
        read_raw(workbook(tmp_path / "a.xlsx", rows))


def test_a_delimiter_means_nothing_in_a_workbook(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]])
    with pytest.raises(ConfigError, match="delimiter means nothing"):
        read_raw(path, RawOptions(delimiter=";"))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_workbook_that_was_cut_off(tmp_path, share):
    whole = workbook(tmp_path / "a.xlsx", [["a"], *[[n] for n in range(500)]])
    content = whole.read_bytes()
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"cut.xlsx: not a complete Excel file"):
        read_raw(cut)
