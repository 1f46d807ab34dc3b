"""Whatever names and labels say, a figure shows them as text, and nothing overlaps.

The trials and the synthesis are those of `tests.library.hostile_trial`.
"""

import dataclasses
import re
from functools import cache
from xml.etree import ElementTree

import pytest
from figure_samples import BINARY, assert_tidy, many, svg_texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.library import hostile_trial
from tests.library.hostile_trial import (
    CROSSOVER,
    GALLERY,
    POISONED,
    TEXTS,
)
from trialstats.config.reading import load_yaml
from trialstats.figures.forest import ForestOptions, forest_plot
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.of_synthesis import FIGURES, synthesis_figure
from trialstats.figures.render import drawn_ggplot, render
from trialstats.figures.theme import printable
from trialstats.figures.trial_kinds import draw_figure, figure_names

LAYOUTS = ("plain", "cochrane", "jama", "bmj")

NAMES = [
    *(
        f"parallel:{n}"
        for n in figure_names(load_yaml(GALLERY / "config/trials/back_pain.yaml"))
    ),
    *(f"crossing:{n}" for n in figure_names(load_yaml(CROSSOVER))),
    *(f"synthesis:{n}" for n in (*FIGURES, *LAYOUTS)),
]

#: Elements and attributes of an SVG that this library writes.
ELEMENTS = {
    *("svg", "title", "desc", "metadata", "defs", "style", "g", "path", "use", "text"),
    *("tspan", "clipPath", "rect", "image"),
    *("RDF", "Work", "type", "format", "creator", "Agent"),
}
ATTRIBUTES = {
    *("id", "class", "style", "x", "y", "d", "width", "height", "viewBox", "version"),
    *("transform", "clip-path", "href", "type", "resource", "role", "data-row"),
    *("aria-labelledby",),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@cache
def drawn(name, folder):
    """Return a figure with its title and its words."""
    source, _, kind = name.partition(":")
    made = getattr(hostile_trial, source)(folder)
    if source != "synthesis":
        return dataclasses.astuple(draw_figure(kind, made.material))
    about = {"synthesis": made.config, "labels": {}}
    if kind in FIGURES:
        return synthesis_figure(kind, made.rows, tables=made.tables, **about)
    options = ForestOptions(layout=kind)
    biased = made.tables["risk_of_bias"]
    figure = forest_plot(made.rows, options=options, risk_of_bias=biased, **about)
    return figure, made.config["title"], forest_alt_text(made.rows, **about)


def as_drawn(figure):
    """Return the figure of matplotlib, laid out."""
    if not isinstance(figure, Figure):
        figure = drawn_ggplot(figure)
        FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_a_figure_is_text_and_has_room(name, folder):
    figure, title, alt = drawn(name, folder)
    svg = render(figure, "svg", title=title, alt=alt)
    root = ElementTree.fromstring(svg)
    elements = list(root.iter())
    assert {e.tag.rpartition("}")[2] for e in elements} <= ELEMENTS
    assert {k.rpartition("}")[2] for e in elements for k in e.attrib} <= ATTRIBUTES
    links = [v for e in elements for k, v in e.items() if k.endswith("href")]
    assert all(v.startswith(("#", "data:image/png;base64,")) for v in links)
    described = [e.text for e in root if e.tag.endswith(("title", "desc"))]
    assert described == [printable(title), printable(alt)]
    laid_out = as_drawn(figure)
    written = [t for t in laid_out.findobj(Text) if t.get_text()]
    assert not [t for t in written if t.get_parse_math() and "$" in t.get_text()]
    assert_tidy(laid_out)


#: Names that must stand whole in a figure, each on one line or more.
WHOLE_NAMES = {
    "parallel:flow": ("Placebo", "Low dose", "High dose", "Lost", "Lack of efficacy"),
    "parallel:profile": ("Placebo", "Low dose", "High dose", "Week 2", "Week 12"),
    "parallel:kaplan_meier_rescue": ("Low dose", "High dose", "Placebo"),
    "parallel:analyses_PAIN": ("Placebo", "Low dose", "High dose"),
    "parallel:subgroups_pain_ancova": ("F", "M", "Placebo", "Low dose", "High dose"),
    "parallel:tipping_point_responders": ("Placebo", "Low dose", "High dose"),
    "parallel:waterfall_change": ("Placebo", "Low dose", "High dose"),
    "parallel:adverse_events": ("Headache", "Nausea", "Vivid dreams", "Dizziness"),
    "parallel:residuals_pain": ("Placebo", "Low dose", "High dose"),
    "crossing:flow": ("Active first", "Placebo first", "Active", "Placebo"),
    "crossing:profile": ("Active", "Placebo"),
    "crossing:periods_pain_week_2": ("Active first", "Placebo first", "Active"),
    "synthesis:prisma": ("no control group", "wrong outcome"),
    **{
        f"synthesis:{layout}": ("Trial 1", "Trial 10", "high", "low")
        for layout in LAYOUTS
    },
    "synthesis:leave_one_out": ("Trial 1", "Trial 10"),
}


@pytest.mark.parametrize("name", WHOLE_NAMES)
def test_hostile_names_stand_in_the_figure_as_they_are(name, folder):
    figure, title, alt = drawn(name, folder)
    texts = svg_texts(render(figure, "svg", title=title, alt=alt))
    said = without_space("".join(texts))
    absent = [n for n in WHOLE_NAMES[name] if without_space(POISONED[n]) not in said]
    assert not absent


def without_space(text):
    # Lines break at spaces and, where a word is too wide, within it.
    return re.sub(r"\s+", "", printable(text)).casefold()


def test_notes_stand_below_a_forest_plot_as_they_are(folder):
    figure, title, alt = drawn("synthesis:plain", folder)
    texts = set(svg_texts(render(figure, "svg", title=title, alt=alt)))
    assert {printable(text) for text in TEXTS} <= texts


@pytest.mark.parametrize("name", ["parallel:profile", "synthesis:plain"])
def test_pictures_and_documents_run_nothing(name, folder):
    figure, title, alt = drawn(name, folder)
    assert render(figure, "png", title=title, alt=alt).startswith(b"\x89PNG")
    document = render(figure, "pdf", title=title, alt=alt)
    assert document.startswith(b"%PDF")
    active = rb"/(JavaScript|JS|URI|Launch|OpenAction|AA|EmbeddedFile|RichMedia)\b"
    assert not re.findall(active, document)


CHARACTERS = "a\0b\x07c\x1bd\x7fe\x85f\u2028g\ud800h\ufffei"


def test_control_characters_are_squares():
    rows, labels = many(2, label=f"{CHARACTERS} {{i}} {{year}}")
    words = BINARY | {"title": CHARACTERS, "notes": [CHARACTERS]}
    figure = forest_plot(rows, synthesis=words, labels=labels)
    svg = render(figure, "svg", title=CHARACTERS, alt=CHARACTERS)
    ElementTree.fromstring(svg)
    assert printable(CHARACTERS) in svg_texts(svg)
    assert render(figure, "pdf", title=CHARACTERS, alt=CHARACTERS)
    assert render(figure, "png", title=CHARACTERS, alt=CHARACTERS)
