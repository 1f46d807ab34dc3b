"""Delimited files as sites spoil them: rows keep their numbers, nothing is lost.

The expected rows and messages follow from the few bytes that each test writes.
"""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialstats.errors import ConfigError, DataError
from trialstats.io import RawOptions, delimited, raw_batches, read_raw
from trialstats.raw import RawTable


@pytest.fixture
def read(tmp_path):
    def reading(content, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_raw(path, RawOptions(**options), name=name)

    return reading


def refused(read, content, **options):
    with pytest.raises(DataError) as caught:
        read(content, **options)
    return str(caught.value)


def test_blank_lines_count_as_rows_and_are_no_records(read):
    table = read("\n a ,b\n\n1,2\n , \n,\n3,\n")
    assert table.column_names == ["a", "b"]
    assert table.rows.tolist() == [4, 7]
    assert table.cells.to_pydict() == {"a": ["1", "3"], "b": ["2", None]}


def test_text_keeps_its_spaces_unless_it_is_nothing_else(read):
    table = read('a,b\n x ,  \n"","y "\n')
    assert table.cells.to_pydict() == {"a": [" x ", None], "b": [None, "y "]}


def test_a_cell_of_several_lines_is_one_row(read):
    table = read('a,b\n1,"x\ny\r\nz"\n2,"say ""no"""\n')
    assert table.cells["b"].to_pylist() == ["x\ny\r\nz", 'say "no"']
    assert table.rows.tolist() == [2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_a_line_end(read, end):
    table = read(end.join(["a,b", "1,2", "", "3,4"]))
    assert table.cells["b"].to_pylist() == ["2", "4"]
    assert table.rows.tolist() == [2, 4]


def test_rows_before_the_header_and_comments_count(read):
    text = 'Study "X\n# made by us\n\na,b\n#1,2\n3,"#4\n# 5"\n"#6",7\n'
    table = read(text, skip_rows=1, comment="#")
    # Row 5 is a comment; a line inside a quoted cell is none, nor is a quoted mark.
    assert table.cells.to_pydict() == {"a": ["3", "#6"], "b": ["#4\n# 5", "7"]}
    assert table.rows.tolist() == [6, 7]


def test_without_a_header_the_first_row_is_a_record(read):
    table = read("\n1,2\n3,4\n", header=False)
    assert table.cells.to_pydict() == {"V1": ["1", "3"], "V2": ["2", "4"]}
    assert table.rows.tolist() == [2, 3]


def test_blank_cells_beyond_the_last_name_are_no_surplus(read):
    table = read("a,b,,\n1,2,,\n3,4, \n")
    assert table.cells.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "^"])
def test_any_character_may_be_the_delimiter(read, delimiter):
    text = f"a{delimiter}b\n1,5{delimiter}2\n"
    assert read(text, delimiter=delimiter).cells["a"].to_pylist() == ["1,5"]


@pytest.mark.parametrize(
    ("text", "options", "name", "written"),
    [
        ("a;b\n1;2\n", {}, "semicolons", '";"'),
        ("a\tb\n1\t2\n", {}, "tabs", '"\\t"'),
        ("a,b\n1,2\n", {"delimiter": ";"}, "commas", '","'),
        ("a|b\n1|2\n", {}, "vertical bars", '"|"'),
    ],
)
def test_another_delimiter_is_named(read, text, options, name, written):
    told = refused(read, text, **options)
    assert f"row 1, value {text.splitlines()[0]!r}: the columns are separated" in told
    assert name in told
    assert f"write `delimiter: {written}`" in told


@pytest.mark.parametrize(
    ("encoding", "options"),
    [
        ("utf-8-sig", {}),
        ("utf-16", {}),
        ("utf-16-le", {"encoding": "utf-16-le"}),
        ("utf-32", {}),
        ("windows-1252", {"encoding": "windows-1252"}),
        ("utf-8-sig", {"encoding": "utf-8"}),
        ("utf-16", {"encoding": "utf-16-le"}),
        ("shift_jis", {"encoding": "shift_jis"}),
    ],
)
def test_encodings(read, encoding, options):
    word = "日本" if encoding == "shift_jis" else "Ålesund"
    table = read(f"a,b\n1,{word}\n".encode(encoding), **options)
    assert table.cells.to_pydict() == {"a": ["1"], "b": [word]}


def test_a_byte_outside_the_encoding_is_told_with_byte_and_row(read):
    content = b'a,b\n\n1,"x\ny"\n2,\xc5\n'
    told = refused(read, content)
    assert "a.csv, row 4: the text is not UTF-8 (" in told
    assert f"at byte {content.index(0xC5)})" in told
    assert "encoding: windows-1252" in told
    # Beyond the first block, and after a character that the reader had to wait for.
    long = b"a,b\n" + b"1,\xc3\xa9\n" * 1_200_000 + b"2,\xff\n"
    told = refused(read, long)
    assert "row 1200002: the text is not UTF-8 (invalid start byte at byte" in told
    assert f"at byte {len(long) - 2})" in told


def test_a_byte_order_mark_is_believed(read):
    told = refused(read, "a\n1\n".encode("utf-16"), encoding="latin-1")
    assert "the file begins with the mark of utf-16; leave out `encoding`" in told


@pytest.mark.parametrize("lines", ["1,x\0y\n", '1,"x\0y"\n'])
def test_a_null_byte_is_not_text(read, lines):
    told = refused(read, f"a,b\n0,0\n{lines}")
    assert "row 3, column 'b', value 'x\\x00y': a NUL byte" in told
    assert "encoding: utf-16" in told


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "the file has a header and no rows"),
        ("a,b\n\n , \n", "the file has a header and no rows"),
        ("a,,b\n1,2,3\n", "row 1, column 'number 2': a column has no name"),
        ("a,a\n1,2\n", "row 1, column 'a': two columns share one name"),
        ("\na, a\n1,2\n", "row 2, column 'a': two columns share one name"),
        ("a,b\n1,2\n1\n", "row 3: 1 cells under 2 column names"),
        ("a,b\n1,2\n\n1,2,3\n", "row 4, value '3': 3 cells under 2 column names"),
        ("Trial X\na,b\n1,2\n", "write `skip_rows`"),
        ('a,b\n1,2\n"1,2\n3,4\n', "row 3: not a readable table: a quotation mark"),
        ('a,b\n1,"2"x\n', "row 2: not a readable table: text after the quotation"),
        ('a,b\n"1,' + "x" * 200_000, "row 2: not a readable table: a cell of more"),
    ],
)
def test_files_that_are_no_table(read, text, what):
    assert what in refused(read, text)


def test_the_first_row_that_does_not_fit_is_named_before_a_later_fault(read):
    assert "row 2: 1 cells" in refused(read, 'a,b\n1\n"2,3\n')


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"delimiter": ";;"}, "the delimiter is not one character"),
        ({"delimiter": '"'}, "the delimiter is not one character"),
        ({"encoding": "utf-9"}, "there is no such encoding"),
        ({"encoding": "base64"}, "there is no such encoding"),
        ({"skip_rows": -1}, "skip_rows is not a number of rows"),
        ({"comment": ""}, "comment is empty"),
        ({"sheet": "x"}, "sheet means nothing in a file of format csv"),
        ({"member": "x"}, "member means nothing in a file of format csv"),
        ({"format": "xls"}, "there is no such format"),
    ],
)
def test_options_that_cannot_be_meant(read, options, what):
    with pytest.raises(ConfigError, match=what):
        read("a,b\n1,2\n", **options)


CELLS = st.text(st.sampled_from('ab",\n\r é'), max_size=4)
TEXTS = st.text(st.sampled_from('ab",\n\r é'), max_size=40)


def outcome(path, **options):
    try:
        table = read_raw(path, RawOptions(**options))
    except DataError as reason:
        return reason.what, reason.row
    return table.cells.to_pydict(), table.rows.tolist()


@given(body=TEXTS, block=st.integers(1, 40))
def test_the_fast_path_and_csv_agree_on_any_text(tmp_path_factory, body, block):
    # A comment that no line begins with leaves every line to the csv module.
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_text(f"a,b\n{body}", encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "BLOCK", block)
        fast = outcome(path)
    assert fast == outcome(path, comment="%")


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1), size=st.integers(1, 4)
)
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("a", "b", "c"), *rows])
    kept = [r for r in rows if any(cell.strip() for cell in r)]
    if not kept:
        return
    found = RawTable.concat(list(raw_batches(path, rows=size)))
    got = list(zip(*found.cells.to_pydict().values(), strict=True))
    assert got == [tuple(c if c.strip() else None for c in r) for r in kept]


def test_a_file_is_read_in_pieces(tmp_path):
    # 3 MB of plain lines, then a quoted cell, then plain lines.
    path = tmp_path / "a.csv"
    lines = [f"{n:06d},x" for n in range(400_000)]
    lines[399_000] = '399000,"a,""b"""'
    path.write_text("\n".join(["n,t", *lines]), encoding="utf-8")
    number = 0
    for batch in raw_batches(path, rows=150_000):
        assert batch.rows.tolist() == list(
            range(number + 2, number + 2 + len(batch.rows))
        )
        assert batch.cells["n"].to_pylist() == [
            f"{n:06d}" for n in range(number, number + batch.num_rows)
        ]
        number += batch.num_rows
    assert number == 400_000
