"""Files of a dossier held against its rows: an error is found in every format."""

import pytest

from trialstats.errors import DataError
from trialstats.figures.canvas import Canvas
from trialstats.figures.render import render
from trialstats.report.checked import check_files, traced_rows
from trialstats.tables import (
    Cell,
    Column,
    Row,
    Table,
    latex_document,
    to_csv_frame,
    to_docx,
    to_page,
    to_rtf,
)
from trialstats.tracing.dossier import Sources

ROW = {
    "row_id": "t.pain.difference",
    "scale": "natural",
    "estimate": -0.342,
    "ci_lower": -0.951,
    "ci_upper": 0.267,
    "p_value": 0.2713,
    "confidence_level": 0.95,
    "n_subjects": 49,
    "visit": "Week 12",
}
SOURCES = Sources([ROW], ["Pain (NRS 0-10) at week 12"])


def table(estimate="−0.34", p="0.271", head="N = 49", label="Week 12"):
    rows = ("t.pain.difference",)
    return Table(
        id="t",
        title="Pain (NRS 0-10) at week 12",
        subtitle="",
        columns=(Column("", "left"), Column(head, rows=rows), Column("p")),
        rows=(
            Row(
                (Cell(label), Cell(f"{estimate} (−0.95 to 0.27)", rows), Cell(p, rows))
            ),
        ),
        footnotes=(("", "95% confidence intervals."),),
    )


def figure(text="−0.34", rows=("t.pain.difference",)):
    canvas = Canvas(120, 40)
    canvas.text(5, 10, text, size=9, rows=rows)
    canvas.text(5, 30, "12.5", size=9, axis=True)
    return render(canvas.figure, "svg")


def files(made=None, **others):
    made = made or table()
    found = {
        "t.html": to_page([made], made.title).encode(),
        "t.csv": to_csv_frame(made).to_csv(index=False).encode(),
        "t.rtf": to_rtf([made]),
        "t.docx": to_docx([made]),
        "t.tex": latex_document([made]).encode(),
        "f.svg": figure(),
    }
    return found | {name.replace("_", "."): content for name, content in others.items()}


def checked(found):
    return check_files(list(found), found.__getitem__, SOURCES)


def test_what_comes_from_rows_passes_and_is_counted():
    rows = {row["file"]: row for row in traced_rows(checked(files()))}
    # Title 0, 10, 12; head 49; four of the body and its label; 95 of the note.
    assert rows["t.html"]["n_numbers"] >= 10
    assert rows["t.html"]["n_of_rows"] == 6
    assert rows["t.rtf"]["same_as"] == "t.html"
    assert (rows["f.svg"]["n_numbers"], rows["f.svg"]["n_of_rows"]) == (1, 1)


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"estimate": "−0.35"}, "−0.35"),
        ({"p": "0.272"}, "0.272"),
        ({"head": "N = 50"}, "50"),
        ({"label": "Week 11"}, "11"),
    ],
)
def test_a_wrong_number_of_a_table_stops_the_run(change, number):
    with pytest.raises(DataError, match=rf"t\.html: {number} in"):
        checked(files(table(**change)))


def test_a_wrong_number_of_a_figure_stops_the_run():
    with pytest.raises(DataError, match=r"f\.svg: −0\.43 in"):
        checked(files(f_svg=figure("−0.43")))


def test_a_number_without_a_row_stops_the_run():
    with pytest.raises(DataError, match=r"f\.svg: −0\.34 .*no row named"):
        checked(files(f_svg=figure(rows=())))


def test_a_row_that_does_not_exist_stops_the_run():
    with pytest.raises(DataError, match=r"unknown row t\.pain\.ratio"):
        checked(files(f_svg=figure(rows=("t.pain.ratio",))))


@pytest.mark.parametrize("form", ["rtf", "docx", "tex", "csv"])
def test_a_format_that_differs_stops_the_run(form):
    other = files(table(estimate="−0.39"))[f"t.{form}"]
    with pytest.raises(DataError, match=rf"t\.{form}: .*[−-]0\.39"):
        checked(files(**{f"t_{form}": other}))
