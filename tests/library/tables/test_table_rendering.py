"""HTML and CSV of tables: well nested, escaped, accessible, the same cells."""

import re
from html.parser import HTMLParser

import pytest
import table_samples as samples
from test_table_values import all_row_ids, all_tables

from trialstats import tables
from trialstats.errors import DataError
from trialstats.formatting import MINUS
from trialstats.tables.table import Cell, Column, Row, Table, heading

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Reads a document, checks its nesting, and keeps tags, cells and links."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.rows = [], [], []
        self.in_cell = False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        if tag in {"td", "th"}:
            self.in_cell = False

    def handle_data(self, data):
        if self.in_cell:
            self.rows[-1][-1] += data


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module", params=all_tables(), ids=lambda t: t.id)
def table(request):
    return request.param


def test_is_well_nested_with_caption_and_scopes(table):
    reader = read(tables.to_html(table))
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("table") == tags.count("caption") == tags.count("thead") == 1
    scopes = [a.get("scope") for t, a in reader.tags if t == "th"]
    assert None not in scopes
    assert scopes.count("col") == len(table.columns)
    assert scopes.count("row") == sum(not r.heading for r in table.rows)


def test_every_row_has_the_width_of_the_head(table):
    reader = read(tables.to_html(table))
    body = [r for r in reader.rows if len(r) > 1]
    spanned = any(c.spanner for c in table.columns)
    assert all(len(r) == len(table.columns) for r in body[1 if spanned else 0 :])


def test_data_row_resolves(table):
    named = [
        a["data-row"] for _, a in read(tables.to_html(table)).tags if "data-row" in a
    ]
    known = all_row_ids()
    if table.file_record:
        known = known | {table.file_record["row_id"]}
    assert {i for text in named for i in text.split()} <= known


def test_nothing_is_loaded_and_nothing_hostile_survives(table):
    html = tables.to_html(table)
    assert "<script" not in html
    for tag, attributes in read(html).tags:
        assert not {"src", "srcset", "onclick", "onload"} & set(attributes)
        if "href" in attributes:
            assert tag == "a"
            assert attributes["href"].startswith("https://")


def test_csv_has_the_cells_of_the_html(table):
    frame = tables.to_csv_frame(table)
    shown = [[c.printed for c in row.cells] for row in table.rows if not row.heading]
    html = read(tables.to_html(table)).rows
    assert [row for row in html if row in shown] == shown
    got = frame.drop(columns="Section", errors="ignore").to_numpy().tolist()
    # The CSV has a hyphen for the minus sign, and "0.5 [a]" for a raised letter.
    unbracketed = [[re.sub(r" \[([a-z]+)\]$", r"\1", c) for c in row] for row in got]
    assert unbracketed == [[c.replace(MINUS, "-") for c in row] for row in shown]
    assert {str(dtype) for dtype in frame.dtypes} == {"str"}


def test_is_the_same_twice(table):
    assert tables.to_html(table) == tables.to_html(table)


def test_headings_become_a_column_of_the_csv():
    made = Table(
        "t",
        "T",
        "",
        (Column("A"), Column("n", spanner="X"), Column("n", spanner="Y")),
        (heading("First"), Row((Cell("a"), Cell("1"), Cell(f"{MINUS}2", marks="†b")))),
    )
    frame = tables.to_csv_frame(made)
    assert frame.to_dict("records") == [
        {"Section": "First", "A": "a", "X: n": "1", "Y: n": "-2† [b]"}
    ]
    both = tables.to_csv_frame(made, made)
    assert both["Table"].tolist() == ["T", "T"]


def test_an_empty_table_has_an_empty_frame_with_its_columns():
    frame = tables.to_csv_frame(Table("t", "T", "", (Column("A"), Column("B")), ()))
    assert list(frame.columns) == ["A", "B"]
    assert frame.empty


def test_hostile_text_is_escaped_everywhere():
    hostile = samples.HOSTILE
    made = Table(
        id="hostile",
        title=hostile,
        subtitle=hostile,
        columns=(Column(hostile), Column(hostile, spanner=hostile)),
        rows=(heading(hostile), Row((Cell(hostile, (hostile,)), Cell(hostile)))),
        preface=((hostile, Cell(hostile)),),
        footnotes=((hostile, hostile),),
        source=hostile,
    )
    html = tables.to_html(made)
    read(html)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_row_of_the_wrong_width_is_refused():
    with pytest.raises(DataError, match="1 cells in row 1, expected 2"):
        Table("t", "T", "", (Column("A"), Column("B")), (Row((Cell("x"),)),))


def test_page_stands_alone():
    html = tables.to_page(all_tables()[:2], "Title & more")
    read(html)
    assert html.startswith("<!DOCTYPE html>")
    assert "width=device-width" in html
    assert "<h1>Title &amp; more</h1>" in html
