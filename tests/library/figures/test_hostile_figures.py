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
from synthesis_points import with_points
from synthesis_samples import WHOLE
from test_participant_figures import flow_rows, trial_of
from test_trial_figures import TITLES, adverse_events, profile

from tests.library import hostile_trial
from tests.library.hostile_trial import (
    CROSSOVER,
    GALLERY,
    POISONED,
    TEXTS,
)
from trialstats.config.reading import load_yaml
from trialstats.figures.adverse_events import adverse_event_plot
from trialstats.figures.flow import flow_plot
from trialstats.figures.forest import ForestOptions, forest_plot
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.of_synthesis import FIGURES, synthesis_figure
from trialstats.figures.render import drawn_ggplot, render
from trialstats.figures.theme import printable
from trialstats.figures.trial_kinds import draw_figure, figure_names
from trialstats.figures.visits import mean_profile

LAYOUTS = ("plain",)

#: Kinds that the other trial has too.
TWICE = ("account", "residuals_pain_week_2", "periods_rating_in_pairs")

OF_PARALLEL = figure_names(load_yaml(GALLERY / "config/trials/back_pain.yaml"))
OF_CROSSOVER = [n for n in figure_names(load_yaml(CROSSOVER)) if n not in TWICE]

NAMES = [
    *(f"parallel:{name}" for name in OF_PARALLEL),
    *(f"crossing:{name}" for name in OF_CROSSOVER),
    *(f"synthesis:{name}" for name in (*FIGURES, *LAYOUTS)),
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


@cache
def written(name):
    """Return a figure with its title, its words and its SVG."""
    figure, title, alt = drawn(name)
    return figure, title, alt, render(figure, "svg", title=title, alt=alt)


def drawn(name):
    source, _, kind = name.partition(":")
    made = getattr(hostile_trial, source)()
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
def test_every_text_of_a_figure_is_text_and_has_room(name):
    figure, title, alt, svg = written(name)
    root = ElementTree.fromstring(svg)
    elements = list(root.iter())
    assert {e.tag.rpartition("}")[2] for e in elements} <= ELEMENTS
    assert {k.rpartition("}")[2] for e in elements for k in e.attrib} <= ATTRIBUTES
    links = [v for e in elements for k, v in e.items() if k.endswith("href")]
    assert all(v.startswith(("#", "data:image/png;base64,")) for v in links)
    described = [e.text for e in root if e.tag.endswith(("title", "desc"))]
    assert described == [printable(title), printable(alt)]
    laid_out = as_drawn(figure)
    dollars = [t for t in laid_out.findobj(Text) if "$" in t.get_text()]
    assert not [t for t in dollars if t.get_parse_math()]
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
def test_hostile_names_stand_in_the_figure_as_they_are(name):
    texts = svg_texts(written(name)[3])
    said = without_space("".join(texts))
    absent = [n for n in WHOLE_NAMES[name] if without_space(POISONED[n]) not in said]
    assert not absent


def without_space(text):
    # Lines break at spaces and, where a word is too wide, within it.
    return re.sub(r"\s+", "", printable(text)).casefold()


def test_notes_stand_below_a_forest_plot_as_they_are():
    texts = set(svg_texts(written("synthesis:plain")[3]))
    assert {printable(text) for text in TEXTS} <= texts


def test_pictures_and_documents_run_nothing():
    figure, title, alt, _ = written("parallel:profile")
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


#: Hangul, Han and pictographs are not in the font; they are wider than its letters.
WIDE = (
    "\uc784\uc0c1\uc2dc\ud5d8\u81e8\u5e8a\u8a66\u9a13 "
    "\u062a\u062c\u0631\u0628\u0629 \u05e9\u05dc\u05d5\u05dd "
    "\u8bd5\u9a8c\u8bd5\u9a8c\u8bd5\u9a8c\u8bd5\u9a8c \N{GRINNING FACE} {i} {year}"
)


@pytest.mark.parametrize(("name", "k"), [("leave_one_out", 60), ("labbe", 2)])
def test_wide_scripts_have_room_in_the_figures_of_a_synthesis(name, k):
    rows, labels = with_points(k, label=WIDE)
    assert_tidy(synthesis_figure(name, rows, synthesis=WHOLE, labels=labels)[0])


@pytest.mark.parametrize(("k", "layout"), [(2, "bmj"), (150, "cochrane")])
def test_wide_scripts_have_room_in_forest_plots(k, layout):
    rows, labels = many(k, label=WIDE)
    options = ForestOptions(layout=layout)
    figure = forest_plot(rows, synthesis=BINARY, labels=labels, options=options)
    assert_tidy(figure)


@pytest.mark.parametrize("k", [2, 150])
def test_wide_scripts_have_room_among_adverse_events(k):
    terms = [WIDE.format(i=i, year="") for i in range(k)]
    assert_tidy(adverse_event_plot(adverse_events(terms), title=WIDE))


def test_wide_scripts_have_room_in_a_flow():
    trial = trial_of([WIDE.format(i=i, year="") for i in range(5)])
    reasons = [WIDE.format(i=i, year="left") for i in range(4)]
    assert_tidy(flow_plot(flow_rows(trial, reasons), trial=trial, title=WIDE))


def test_names_of_visits_have_room_or_the_figure_grows():
    usual = as_drawn(mean_profile(profile(["Week 4", "Week 8"]), **TITLES))
    one = as_drawn(mean_profile(profile(["End of the first treatment"]), **TITLES))
    assert_tidy(one)
    six = [f"Visit {letter} in the clinic" for letter in "abcdef"]
    several = as_drawn(mean_profile(profile(six), **TITLES))
    assert_tidy(several)
    assert several.get_size_inches()[1] > usual.get_size_inches()[1]
