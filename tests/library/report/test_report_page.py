"""The page: self-contained, well nested, escaped, the same twice, fit for a phone."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
import table_samples as samples

from trialstats.errors import DataError
from trialstats.evidence_rows import CERTAINTY
from trialstats.report.compact import compact
from trialstats.report.content import (
    Figure,
    SynthesisMaterial,
    TrialMaterial,
    figure_of,
)
from trialstats.report.page import embedded, write_report
from trialstats.report.sections import build_content
from trialstats.report.synthesis_section import synthesis_section
from trialstats.rows import frame_of

VOID = {"meta", "img", "br", "link", "input", "hr"}
SVG = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="720pt" '
    'height="360pt" viewBox="0 0 720 360"><path id="p" d="M0 0L9 9"/></svg>'
)


def figure(name: str) -> Figure:
    return Figure(name, SVG, f"Alt of {name} {samples.HOSTILE}", samples.HOSTILE)


def content():
    trials = [
        TrialMaterial(
            config,
            rows,
            samples.account_steps(),
            samples.changed_values(),
            samples.query_rows(),
            samples.set_aside_rows(),
            samples.dictionary_rows(),
            tuple(figure(f"{config['id']}_{kind}") for kind in ("profile", "account")),
        )
        for config, rows in (
            (samples.PARALLEL, samples.parallel_rows()),
            (samples.CROSSOVER, samples.crossover_rows()),
        )
    ]
    syntheses = [
        SynthesisMaterial(config, rows, (figure(config["id"]),))
        for config, rows in (
            (samples.SYNTHESIS, samples.pain_rows()),
            (samples.SERIOUS, samples.serious_rows()),
            (samples.CROHN, samples.crohn_rows()),
        )
    ]
    return build_content(
        {"title": f"LDN {samples.HOSTILE}", "subtitle": samples.HOSTILE},
        trials,
        syntheses,
        published_trials=samples.published_trials(),
        published_effects=samples.published_effects(),
        published_warnings=samples.warning_rows(),
        evidence=samples.evidence_rows(),
        evidence_figure=figure("evidence_map"),
        agreement=samples.agreement_rows(),
        certainty=frame_of([], CERTAINTY),
        versions={"python": "3.11", "pandas": samples.HOSTILE},
        digests={"data/a.csv": "ab" * 32},
    )


class Reader(HTMLParser):
    """Reads the page, checks its nesting, keeps tags and identifiers."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    return write_report(content())


@pytest.fixture(scope="module")
def tags(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.tags


def test_starts_as_a_document_for_desktop_and_phone(page, tags):
    assert page.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in tags
    viewport = [a["content"] for t, a in tags if a.get("name") == "viewport"]
    assert viewport == ["width=device-width, initial-scale=1"]


def test_loads_nothing(page, tags):
    assert "script" not in {t for t, _ in tags}
    assert "link" not in {t for t, _ in tags}
    for tag, attributes in tags:
        assert not [n for n in attributes if n.startswith("on")]
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/svg+xml;base64,")
        if "href" in attributes:
            assert tag == "a"
            assert re.match("#|https://", attributes["href"])
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_identifiers_are_unique_and_links_inside_resolve(tags):
    names = [a["id"] for _, a in tags if "id" in a]
    assert len(names) == len(set(names))
    inside = {a["href"][1:] for t, a in tags if t == "a" and a["href"][0] == "#"}
    assert inside <= set(names)
    labelled = {a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a}
    assert labelled <= set(names)


def test_headings_are_in_order(tags):
    levels = [int(t[1]) for t, _ in tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_every_figure_has_alt_text(tags):
    images = [a for t, a in tags if t == "img"]
    assert len(images) == 8
    assert all(a["alt"] and a["width"] == "960" for a in images)  # 720 pt


def test_every_row_named_on_the_page_exists(tags):
    frames = [
        samples.parallel_rows(),
        samples.crossover_rows(),
        samples.pain_rows(),
        samples.serious_rows(),
        samples.crohn_rows(),
        samples.agreement_rows(),
    ]
    known = {i for frame in frames for i in frame["row_id"]}
    named = {i for _, a in tags for i in a.get("data-row", "").split()}
    assert named
    assert named <= known


def test_hostile_text_is_escaped(page):
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_is_the_same_twice(page):
    assert write_report(content()) == page


def test_says_what_is_synthetic_recalled_and_derived(page):
    assert page.count("These participants do not exist") == 2
    assert "Gamma 2011 come from memory of the published review" in page
    assert "Effects of Beta 2025 rest in part" in page
    assert "1 pooled; 1 no usable number" in page


def test_a_dossier_without_syntheses_or_trials_is_a_page():
    bare = replace(content(), syntheses=(), trials=(), summary=None, digests=())
    reader = Reader()
    reader.feed(write_report(bare))
    assert reader.open == []
    names = {a["id"] for _, a in reader.tags if "id" in a}
    inside = {a["href"][1:] for t, a in reader.tags if t == "a" and a["href"][0] == "#"}
    assert inside <= names


def test_a_figure_that_is_no_svg_is_refused():
    with pytest.raises(DataError, match="'x' is not an SVG with a width"):
        embedded(Figure("x", "<p>no figure</p>", "alt"))


def test_figures_of_a_trial_stand_where_their_names_say():
    section = content().trials[0]
    placed = {b.title: [f.id for f in b.figures] for b in section.blocks if b.figures}
    assert placed == {
        "Efficacy": ["demo_parallel_profile"],
        "From raw files to datasets": ["demo_parallel_account"],
    }


def test_a_figure_says_what_its_svg_says():
    described = SVG.replace(
        "<path",
        '<title id="t">A &amp; B</title><desc id="d">Two\n lines</desc><path',
        1,
    )
    made = figure_of("x", described)
    assert (made.id, made.caption, made.alt) == ("x", "A & B", "Two lines")
    with pytest.raises(DataError, match="neither a title nor a description"):
        figure_of("x", SVG)


def test_compact_keeps_what_an_svg_shows():
    # A glyph drawn twice, as matplotlib writes it: the second use is moved.
    svg = (
        '<svg><!-- text --><defs><path id="DejaVuSans-30" d="M 1.23456 2\nL 3 4"/>'
        '</defs><use xlink:href="#DejaVuSans-30"/>'
        '<use xlink:href="#DejaVuSans-30" transform="translate(63.623047 0)"/>'
        '<g clip-path="url(#p1)"/><clipPath id="p1"/></svg>'
    )
    assert compact(svg) == (
        '<svg><defs><path id="g0" d="M 1.23 2 L 3 4"/></defs><use href="#g0"/>'
        '<use href="#g0" x="63.6"/><g clip-path="url(#p1)"/><clipPath id="p1"/></svg>'
    )


@pytest.mark.parametrize(
    ("name", "there", "not_there"),
    [
        ("pain", ["area the weight", "Filled diamonds", "‡"], ["single"]),
        ("serious", ["Squares are trials; lines"], ["diamonds", "weight", "†", "‡"]),
        ("crohn", ["† Recalled"], ["Filled diamonds", "weight"]),
    ],
)
def test_the_caption_of_a_forest_plot_says_only_what_is_drawn(name, there, not_there):
    settings, rows = {
        "pain": (samples.SYNTHESIS, samples.pain_rows()),
        "serious": (samples.SERIOUS, samples.serious_rows()),
        "crohn": (samples.CROHN, samples.crohn_rows()),
    }[name]
    forest = Figure(settings["id"], SVG, "Alt", "Title")
    material = SynthesisMaterial(settings, rows, (forest,))
    made = synthesis_section(material, {}).figure
    assert made is not None
    assert made.caption.startswith("Title. ")
    for text in there:
        assert text in made.caption
    for text in not_there:
        assert text not in made.caption
