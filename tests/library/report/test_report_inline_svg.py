"""A drawing in the page: the same picture, smaller, with names of its own."""

from xml.etree import ElementTree

import pytest

from trialstats.errors import DataError
from trialstats.report.content import Figure
from trialstats.report.given import Given
from trialstats.report.inline_svg import inline_svg
from trialstats.report.marking import Marker

NOTHING = Marker({})


def drawing(inside: str) -> Figure:
    svg = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt" '
        f'viewBox="0 0 72 36" role="img">{inside}</svg>'
    )
    return Figure("a figure", svg, "Alt & more")


def test_names_are_those_of_the_figure_and_unused_ones_go():
    made = inline_svg(
        drawing(
            '<g id="axes_1"><clipPath id="p9"><path d="M0 0"/></clipPath>'
            '<path id="m1" d="M0 0"/><g clip-path="url(#p9)">'
            '<use xlink:href="#m1" x="1.234" y="5.678"/></g></g>'
        ),
        NOTHING,
        "f7",
    )
    assert 'clip-path="url(#f7-0)"' in made
    assert 'id="f7-0"' in made
    assert '<use href="#f7-1" x="1.2" y="5.7"/>' in made
    assert "axes_1" not in made
    assert "xlink" not in made


def test_what_shows_nothing_or_runs_is_left_out():
    made = inline_svg(
        drawing(
            "<title>T</title><desc>D</desc><metadata>M</metadata>"
            "<style>*{stroke:red}</style><script>alert(1)</script>"
            '<path d="M 1.23456 2\n L 3 4" onclick="x()"/>'
        ),
        NOTHING,
    )
    assert 'aria-label="Alt &amp; more"' in made
    assert made.endswith('><path d="M 1.23 2 L 3 4"/></svg>')


def test_rows_are_kept_and_other_numbers_say_where_they_are_from():
    made = inline_svg(
        drawing(
            '<g data-row="a.b"><text>0.5</text></g>'
            '<g id="xtick_1"><text>10</text></g>'
            "<text>Week 12</text><text>LDN 6 mg</text><text>No digit</text>"
        ),
        Marker({}, [Given("LDN 6 mg", "config/trials/x.yaml: arms")]),
    )
    root = ElementTree.fromstring(made)
    said = {
        "".join(e.itertext()): dict(e.attrib)
        for e in root
        if e.tag.rpartition("}")[2] in ("g", "text")
    }
    assert said["0.5"] == {"data-row": "a.b"}
    assert said["10"]["data-given"].startswith("Scale of an axis")
    assert said["Week 12"]["data-given"].startswith("Text of the figure")
    assert said["LDN 6 mg"] == {"data-given": "config/trials/x.yaml: arms"}
    assert said["No digit"] == {}


def test_marks_of_one_style_in_a_row_state_it_once():
    use = '<use xlink:href="#m" x="{}" y="0" style="fill: red; stroke: none"/>'
    made = inline_svg(
        drawing('<path id="m" d="M0 0"/>' + use.format(1) + use.format(2)), NOTHING
    )
    assert made.count("fill:red") == 1
    assert made.count("<use") == 2


@pytest.mark.parametrize(
    "text", ["<p>no figure</p>", "no markup at all <", '<svg width="1" height="1"/>']
)
def test_what_is_no_svg_is_refused(text):
    with pytest.raises(DataError, match="'x' is not an SVG with a width"):
        inline_svg(Figure("x", text, "alt"), NOTHING)
