"""Rendering: the same bytes twice, words for those who do not see, small files."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import pytest
from figure_samples import SYNTHESIS, assert_tidy, many, two_trials
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from PIL import Image

from trialstats.errors import ConfigError
from trialstats.figures.canvas import Canvas, text_width, wrap
from trialstats.figures.forest import forest_plot
from trialstats.figures.reading import texts_of
from trialstats.figures.render import PNG_LIMIT, render
from trialstats.figures.theme import ABSENT, printable

SVG = "{http://www.w3.org/2000/svg}"
ROWS = two_trials()


def figure():
    return forest_plot(ROWS, synthesis=SYNTHESIS, labels={"A": "A 1", "B": "B 2"})


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_two_drawings_give_the_same_bytes(kind):
    first = render(figure(), kind, title="Title", alt="What it shows")
    assert first == render(figure(), kind, title="Title", alt="What it shows")


def test_one_figure_can_be_written_twice_and_in_both_formats():
    drawn = figure()
    svg = render(drawn, "svg")
    render(drawn, "png")
    assert render(drawn, "svg") == svg


def test_settings_of_the_session_do_not_matter_and_stay():
    plain = render(figure(), "svg")
    with mpl.rc_context(
        {"font.size": 30, "svg.fonttype": "none", "lines.linewidth": 9}
    ):
        assert render(figure(), "svg") == plain
        assert mpl.rcParams["svg.fonttype"] == "none"


def test_svg_is_an_image_with_title_and_description():
    svg = render(figure(), "svg", title="Pain & sleep", alt="p < 0.05").decode("utf-8")
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    title, description = (root.find(f"{SVG}{tag}") for tag in ("title", "desc"))
    assert (title.text, description.text) == ("Pain & sleep", "p < 0.05")
    named = root.attrib["aria-labelledby"].split()
    assert named == [title.attrib["id"], description.attrib["id"]]


def test_svg_holds_no_date_and_no_version():
    svg = render(figure(), "svg").decode("utf-8")
    assert not re.search(r"dc:date|matplotlib\.org|Matplotlib v", svg)


def glyphs_of(svg):
    """Return the characters that each font of a document can draw, by its weight."""
    found = {}
    for weight, content in re.findall(r"font-weight:(\d+);.*?base64,([^)]+)\)", svg):
        with TTFont(io.BytesIO(base64.b64decode(content))) as font:
            found[weight] = {chr(code) for code in font.getBestCmap()}
    return found


def test_svg_carries_the_glyphs_of_its_text_and_no_others():
    content = render(figure(), "svg")
    glyphs = glyphs_of(content.decode("utf-8"))
    written = set("".join(w.text for w in texts_of(content)))
    assert glyphs["400"] | glyphs["700"] == written
    assert len(content) < 40_000


def test_text_of_other_scripts_stays_text_and_is_measured_wide():
    canvas = Canvas(200, 40)
    said = "試験 שלום 🧪 <b>&amp; \\input{x}"
    canvas.text(5, 20, said, size=9.0)
    assert [w.text for w in texts_of(render(canvas.figure, "svg"))] == [said]
    for kind in ("png", "pdf"):
        assert render(canvas.figure, kind) == render(canvas.figure, kind)
    # A pictograph of most fonts is 1.2 to 1.3 times as wide as its size.
    assert text_width("🧪🧪", 10.0) > 2 * 12.5


def test_marked_artists_name_their_rows():
    canvas = Canvas(200, 60)
    canvas.text(5, 20, "−0.34", size=9.0, rows=("a.difference", "b.difference"))
    canvas.text(5, 40, "plain", size=9.0)
    canvas.marker(50, 20, "s", size=4, colour="k", outline="k", rows=("a.difference",))
    canvas.line([(0, 50), (9, 50)], rows=("b.difference",))
    svg = render(canvas.figure, "svg")
    assert [(w.text, w.rows) for w in texts_of(svg)] == [
        ("−0.34", ("a.difference", "b.difference")),
        ("plain", ()),
    ]
    marks = re.findall(r'data-row="([^"]+)"', svg.decode("utf-8"))
    assert sorted(marks) == [
        "a.difference",
        "a.difference b.difference",
        "b.difference",
    ]


def test_pdf_is_the_same_twice_and_undated():
    first = render(figure(), "pdf", title="Title", alt="What it shows")
    assert first == render(figure(), "pdf", title="Title", alt="What it shows")
    assert first.startswith(b"%PDF")
    assert b"CreationDate" not in first


def test_png_is_small_sharp_and_white():
    rows, labels = many(60)
    synthesis = SYNTHESIS | {"measure": "RR"}
    content = render(forest_plot(rows, synthesis=synthesis, labels=labels), "png")
    assert len(content) < PNG_LIMIT
    with Image.open(io.BytesIO(content)) as image:
        # A page 9.5 inches wide at 150 dpi or more.
        assert image.width >= 9.5 * 150
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_png_carries_the_words_and_no_date():
    content = render(figure(), "png", title="Title", alt="What it shows − really")
    with Image.open(io.BytesIO(content)) as image:
        assert image.text == {"Title": "Title", "Description": "What it shows − really"}


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigError, match="'gif' is not known; write svg, png or pdf"):
        render(figure(), "gif")


def test_no_figure_stays_open():
    import matplotlib.pyplot as plt

    render(figure(), "svg")
    assert plt.get_fignums() == []
    assert isinstance(figure(), Figure)


def test_what_is_no_character_of_text_is_replaced():
    assert printable("試験 \x00Müller") == f"試験 {ABSENT}Müller"
    assert printable("a\nb\tc") == "a b c"


def test_wrapped_lines_fit_and_keep_every_word():
    text = "Some words and a_word_that_is_longer_than_any_line_could_ever_be end"
    lines = wrap(text, 9.0, 80.0)
    assert all(text_width(line, 9.0) <= 80.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap("", 9.0, 80.0) == ()


def test_the_check_for_overlaps_sees_an_overlap():
    crossed = Figure(figsize=(2, 2))
    crossed.text(0.5, 0.5, "one text")
    crossed.text(0.52, 0.5, "another")
    with pytest.raises(AssertionError):
        assert_tidy(crossed)
