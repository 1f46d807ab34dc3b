"""The page: self-contained, well nested, escaped, the same twice, fit for a phone."""

import json
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
from trialstats.formatting import MINUS
from trialstats.report.content import (
    Figure,
    SynthesisMaterial,
    TrialMaterial,
    figure_of,
)
from trialstats.report.page import write_report
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
    """Reads the page, checks its nesting, keeps tags and texts with what is around."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append((data, list(self.open)))


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page():
    return write_report(content())


@pytest.fixture(scope="module")
def reader(page):
    return read(page)


@pytest.fixture(scope="module")
def tags(reader):
    return reader.tags


def test_starts_as_a_document_for_desktop_and_phone(page, tags):
    assert page.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in tags
    viewport = [a["content"] for t, a in tags if a.get("name") == "viewport"]
    assert viewport == ["width=device-width, initial-scale=1"]


def test_loads_nothing(page, tags):
    assert not {t for t, _ in tags} & {"link", "img", "iframe", "object", "base"}
    for tag, attributes in tags:
        assert not [n for n in attributes if n.startswith("on")]
        assert "src" not in attributes
        if "href" in attributes:
            assert tag in ("a", "use")
            assert re.match("#|https://" if tag == "a" else "#", attributes["href"])
    style = page[page.index("<style") : page.rindex("</style>")]
    assert "url(" not in style.replace("url(data:font/woff2;base64,", "")
    assert "@import" not in style


def test_the_browser_is_told_to_ask_for_nothing(tags):
    policy = next(a["content"] for _, a in tags if "http-equiv" in a)
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert not re.search(r"https?:|\*|'self'", policy)
    kinds = [a.get("type", "") for t, a in tags if t == "script"]
    assert kinds == ["application/json", ""]


def test_identifiers_are_unique_and_links_inside_resolve(tags):
    names = [a["id"] for _, a in tags if "id" in a]
    assert len(names) == len(set(names))
    inside = {a["href"][1:] for t, a in tags if a.get("href", "")[:1] == "#"}
    assert inside <= set(names)
    labelled = {a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a}
    assert labelled <= set(names)


def test_headings_are_in_order(tags):
    levels = [int(t[1]) for t, _ in tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_every_figure_says_what_it_shows_and_has_its_size(tags):
    figures = [a for t, a in tags if t == "svg"]
    assert len(figures) == 8
    assert all(a["aria-label"].startswith("Alt of ") for a in figures)
    assert all(a["width"] == "960" for a in figures)  # 720 pt


def test_every_row_named_on_the_page_is_embedded(page, tags):
    rows = json.loads(
        page[page.index('id="rows">') + 10 : page.rindex("</script>\n<script>")]
    )
    embedded = {
        i for set_ in rows["sets"].values() for i in set_["columns"]["row_id"]["v"]
    }
    named = {i for _, a in tags for i in a.get("data-row", "").split()}
    assert named
    # The samples of the agreement check rows that no sample has.
    assert named - embedded <= set(samples.agreement_rows()["row_id"])
    frames = [
        samples.parallel_rows(),
        samples.crossover_rows(),
        samples.pain_rows(),
        samples.serious_rows(),
        samples.crohn_rows(),
    ]
    known = {i for frame in frames for i in frame["row_id"]}
    assert set(rows["sets"]["estimates"]["columns"]["row_id"]["v"]) == known
    assert {"steps", "queries", "agreement", "evidence_map"} <= set(rows["sets"])


def test_every_number_of_the_page_says_where_it_is_from(reader):
    """Numbers inside links lead where the link leads."""
    lost = []
    for text, around in reader.texts:
        names = {t for t, _ in around}
        if not re.search(r"\d", text) or names & {"script", "style", "title", "a"}:
            continue
        if not any("data-row" in a or "data-given" in a for _, a in around):
            lost.append(text)
    assert lost == []


def test_numbers_of_sentences_name_their_column(reader):
    found = {
        (text, around[-1][1].get("data-column"))
        for text, around in reader.texts
        if around and around[-1][1].get("data-column")
    }
    assert {("197", "n_subjects"), (f"{MINUS}5.21", "ci_lower")} <= found
    assert ("0.950", "p_value") in found


def test_hostile_text_is_escaped(page):
    assert page.count("<script") == 2
    assert "&lt;script&gt;" in page


def test_is_the_same_twice(page):
    assert write_report(content()) == page


def test_says_what_is_synthetic_recalled_and_derived(reader):
    said = "".join(text for text, _ in reader.texts)
    assert said.count("These participants do not exist") == 2
    assert "Gamma 2011 come from memory of the published review" in said
    assert "Effects of Beta 2025 rest in part" in said
    assert "1 pooled; 1 no usable number" in said


def test_a_dossier_without_syntheses_or_trials_is_a_page():
    bare = replace(content(), syntheses=(), trials=(), summary=None, digests=())
    tags = read(write_report(bare)).tags
    names = {a["id"] for _, a in tags if "id" in a}
    inside = {a["href"][1:] for t, a in tags if a.get("href", "")[:1] == "#"}
    assert inside <= names


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
    blocks = synthesis_section(material, {}).blocks
    (made,) = [figure for block in blocks for figure in block.figures]
    assert made.caption.startswith("Title. ")
    for text in there:
        assert text in made.caption
    for text in not_there:
        assert text not in made.caption
