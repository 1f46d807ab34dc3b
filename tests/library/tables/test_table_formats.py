"""RTF, DOCX, LaTeX, HTML and CSV of a table say the same, whatever its texts say."""

import dataclasses
import io as memory
import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_table_values import all_tables

from trialstats import io, tables
from trialstats.errors import ConfigError, DataError
from trialstats.tables.formats.docx import to_docx
from trialstats.tables.formats.files import ENDINGS
from trialstats.tables.formats.latex import latex_document, to_latex
from trialstats.tables.formats.page import Page
from trialstats.tables.formats.printed import PrintedTable
from trialstats.tables.formats.read_back import (
    READERS,
    csv_rows,
    printed,
    read_csv,
    read_latex,
)
from trialstats.tables.formats.rtf import to_rtf
from trialstats.tables.table import Cell, Column, Row, Table, heading

#: Texts that a format could take for more than text.
HOSTILE = (
    r"{\rtf1 {\object\objdata 00} \'41 \u65? \bin5 x",
    r"\par}\cell\row{\*\generator x;} \alpha \leq x_1^2",
    r"\input{/etc/passwd} \end{longtable} $x$ & % # ~ ^ _ {} \\ [2] \verb|x|",
    "<script>alert('x')</script> &amp; <!-- x --> ]]> \"q\"",
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-- --- `` '' ,, ?` !` << >>",
    "א ב שלום ‮abc‬ العربية",
    "😀 👩‍🔬 試験 é τ² ≥ − † ‡ µ “q” Ω ħ",
    "a\0b\x07c\x1bd\x7fe\x85f￾g",
    " two\nlines\tand\r\nmore  ",
    "[a]",
    "*",
    "no\N{NO-BREAK SPACE}break",
    "",
)

WRITERS = {
    "rtf": lambda made: to_rtf(made, page=Page()),
    "docx": lambda made: to_docx(made, page=Page()),
    "tex": lambda made: latex_document(made).encode(),
    "html": lambda made: tables.to_page(made, "Page").encode(),
}


def table_of(texts, **changes):
    """Return a table in which every text that a table has is one of `texts`."""
    turn = iter(texts * 50)
    take = lambda: next(turn)  # noqa: E731
    columns = (
        Column(take(), "left"),
        Column(take(), "right", take()),
        Column(take(), "center", take()),
        Column(take(), "words"),
    )
    body = []
    for n in range(len(texts)):
        if n % 4 == 0:
            body.append(heading(take()))
        cells = (Cell(take()), Cell(take(), marks=take()), Cell(take()), Cell(take()))
        body.append(Row(cells, indent=n % 3))
    return Table(
        "t",
        take(),
        f"Subtitle {take()}",
        columns,
        tuple(body),
        ((take(), Cell(take())), (take(), Cell(take(), marks=take()))),
        ((take(), take()), ("", take())),
        take(),
        "Table 14-1.01",
        f"Protocol {take()}",
        f"Population {take()}",
        **changes,
    )


@pytest.mark.parametrize("ending", WRITERS)
def test_every_table_of_a_dossier_reads_back(ending):
    made = [dataclasses.replace(t, number="Table 14-1.01") for t in all_tables()]
    assert READERS[ending](WRITERS[ending](made)) == tuple(map(printed, made))


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_comes_out_as_text(ending, text):
    made = table_of([text])
    assert READERS[ending](WRITERS[ending]([made])) == (printed(made),)


@pytest.mark.parametrize("ending", ["rtf", "docx", "tex"])
def test_half_a_character_is_seen_to_be_missing(ending):
    made = table_of(["a\ud800b"])
    (read,) = READERS[ending](WRITERS[ending]([made]))
    assert read.title == "a\ufffdb"


@pytest.mark.parametrize("ending", WRITERS)
def test_hostile_texts_beside_one_another_come_out_as_text(ending):
    made = table_of(list(HOSTILE))
    assert READERS[ending](WRITERS[ending]([made, made])) == (printed(made),) * 2


#: Characters that formats act upon stand among all others.
TEXT = st.text(
    st.one_of(st.sampled_from(r"\{}$&#%_^~<>-*[]'=+@ 1.a†−"), st.characters())
)


@pytest.mark.parametrize("ending", WRITERS)
@settings(max_examples=25)
@given(texts=st.lists(TEXT, min_size=1, max_size=12))
def test_any_text_reads_back(ending, texts):
    made = table_of(texts)
    assert READERS[ending](WRITERS[ending]([made])) == (printed(made),)


@settings(max_examples=60)
@given(texts=st.lists(TEXT, min_size=1, max_size=12))
def test_any_text_reads_back_from_csv(texts, tmp_path_factory):
    made, path = table_of(texts), tmp_path_factory.mktemp("csv") / "t.csv"
    io.write_csv(tables.to_csv_frame(made), path)
    assert read_csv(path.read_bytes()) == csv_rows(made)


def test_csv_runs_nothing():
    made = table_of(["=1+1"])
    cells = [cell for row in csv_rows(made) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r"))]


def wide_table(columns, rows):
    """Return a table with numbers of several widths, spanned in threes."""
    heads = [
        Column(f"Visit {k} (N = 49)", spanner=f"Month {k // 3}") for k in range(columns)
    ]
    body = [heading("All")]
    for n in range(rows):
        numbers = (f"−{n * k}.{k} ({n}.5 to {k}.25)" for k in range(columns))
        body.append(Row((Cell(f"Term {n}"), *map(Cell, numbers)), indent=1))
    return Table(
        "w", "Wide", "All visits", (Column("Term", "left"), *heads), tuple(body)
    )


@pytest.mark.parametrize("ending", ["rtf", "docx", "tex"])
def test_a_wide_table_falls_into_parts_that_read_back_as_one(ending):
    made = wide_table(20, 3)
    data = WRITERS[ending]([made, table_of(["x"])])
    marks = {"rtf": b"\\sectd", "tex": b"\\begin{longtable}"}
    if ending in marks:
        assert data.count(marks[ending]) > 3
    assert READERS[ending](data) == (printed(made), printed(table_of(["x"])))


def test_rtf_is_ascii_and_its_groups_close():
    data = to_rtf([table_of(list(HOSTILE))])
    text = re.sub(r"\\[\\{}]", "", data.decode("ascii"))
    assert text.count("{") == text.count("}")
    assert b"\\object" not in data.replace(b"\\\\object", b"")


def test_every_page_of_rtf_has_titles_head_footnotes_and_numbers():
    made = wide_table(3, 2)
    made = dataclasses.replace(made, footnotes=(("a", "A note"),), source="a.parquet")
    text = to_rtf([made]).decode()
    for place in ("headerf", "header"):
        around = text.split(f"{{\\{place}\n")[1].split("\n}\n")[0]
        assert "Wide" in around
        assert "fldinst PAGE" in around
        assert "fldinst NUMPAGES" in around
        # The first page has its head above the first row of the body.
        assert ("Visit 0" in around) == (place == "header")
    for place in ("footerf", "footer"):
        around = text.split(f"{{\\{place}\n")[1].split("\n}\n")[0]
        assert "A note" in around
        assert "Source: a.parquet" in around


def test_numbers_of_a_column_stand_with_their_points_below_one_another():
    texts = ("1.25", "−10.5 (2.0)", "100", "NE")
    rows = tuple(Row((Cell("x"), Cell(text))) for text in texts)
    made = Table("t", "T", "", (Column("A"), Column("B")), rows)
    body = to_rtf([made], page=Page(size=10)).decode().split("{\\footer\n")[1]
    indents = [
        int(re.search(r"\\li(\d+)", line)[1])
        for line in body.split("\n")
        if line.endswith("}\\cell") and "\\s12" in line and "{\\f0 x}" not in line
    ]
    # A character of Courier New 10 is 6 points or 120 twips wide; before the points
    # stand 1, 3, 3 and, of what is no number, all of its 2 characters.
    assert [i - indents[1] for i in indents] == [240, 0, 0, 120]


def test_docx_holds_no_times_no_author_and_no_pictures():
    with zipfile.ZipFile(memory.BytesIO(to_docx([table_of(["x"])]))) as package:
        entries = package.infolist()
        core = package.read("docProps/core.xml").decode()
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert entries[0].filename == "[Content_Types].xml"
    assert "dcterms" not in re.sub(r'xmlns:\w+="[^"]*"', "", core)
    assert "creator" not in core
    assert not [e.filename for e in entries if e.filename.endswith((".jpeg", ".png"))]


@pytest.mark.parametrize("ending", ["rtf", "docx", "tex"])
def test_documents_are_the_same_twice(ending):
    made = table_of(list(HOSTILE))
    assert WRITERS[ending]([made]) == WRITERS[ending]([made])


def test_a_fragment_of_latex_holds_the_table_of_the_document():
    made = table_of(list(HOSTILE))
    fragment = to_latex(made)
    assert read_latex(fragment) == (printed(made),)
    assert "\\documentclass" not in fragment
    assert fragment.split("\\begingroup")[1] in latex_document([made])


def test_a_command_that_tables_do_not_have_is_refused():
    text = to_latex(table_of(["x"])).replace("{x}", "{\\input{x}}")
    with pytest.raises(DataError, match="'input': a command that tables do not"):
        read_latex(text)


def test_parts_that_do_not_belong_together_are_refused():
    data = to_rtf([wide_table(20, 2)])
    last = data.rindex(b"Term 1")
    with pytest.raises(DataError, match="different rows"):
        READERS["rtf"](data[:last] + b"Term 2" + data[last + 6 :])


@pytest.mark.parametrize("ending", ["rtf", "docx", "tex"])
def test_a_changed_digit_is_seen(ending):
    made = wide_table(2, 2)
    other = dataclasses.replace(
        made, rows=(*made.rows[:-1], Row((Cell("Term 1"), Cell("−0.1"), Cell("0.2"))))
    )
    assert READERS[ending](WRITERS[ending]([other])) != (printed(made),)


def test_a_printed_table_lists_its_texts():
    made = PrintedTable("T", (("", "A"), ("S", "B")), (("x", "1"),), source="f")
    assert made.texts == ("T", "A", "S", "B", "x", "1", "f")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"paper": "a3"}, "paper.*letter, a4"),
        ({"orientation": "upside down"}, "orientation.*landscape, portrait"),
        ({"font": "Comic Sans"}, "font.*Courier New"),
        ({"size": 40}, "size of tables: 40"),
    ],
)
def test_a_page_that_does_not_exist_is_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        Page(**changes)


@pytest.mark.parametrize("paper", ["letter", "a4"])
@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
def test_no_part_is_wider_than_its_page(paper, orientation):
    page = Page(paper=paper, orientation=orientation)
    text = to_rtf([*all_tables(), wide_table(20, 2)], page=page).decode()
    edges = [int(edge) for edge in re.findall(r"\\cellx(\d+)", text)]
    assert max(edges) <= page.text_width * 1440 + 1


def test_nothing_to_print_is_a_document_without_tables():
    assert READERS["rtf"](to_rtf([])) == ()
    assert READERS["docx"](to_docx([])) == ()
    assert READERS["tex"](latex_document([]).encode()) == ()


def test_files_are_written_in_the_format_of_their_names(tmp_path):
    made = table_of(list(HOSTILE))
    files = [str(tmp_path / f"t.{ending}") for ending in ENDINGS.values()]
    tables.write_tables([made, made], "Page", files, paper="a4")
    for ending, read in READERS.items():
        assert read((tmp_path / f"t.{ending}").read_bytes()) == (printed(made),) * 2
    assert read_csv((tmp_path / "t.csv").read_bytes()) == csv_rows(made, made)
    # A4 lies crosswise: 11.69 inches or 16834 twips wide.
    assert b"\\paperw16834" in (tmp_path / "t.rtf").read_bytes()
    assert "a4paper,landscape" in (tmp_path / "t.tex").read_text(encoding="utf-8")


def test_a_file_of_no_known_format_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="files ending in html, csv, rtf, docx, tex"):
        tables.write_tables([], "Page", [str(tmp_path / "t.xlsx")])


def test_characters_that_engines_lack_stay_together():
    text = to_latex(Table("t", "שלום é", "", (Column("A"),), ()))
    assert "\\tableother{05E9 U+05DC U+05D5 U+05DD}{שלום} é" in text
