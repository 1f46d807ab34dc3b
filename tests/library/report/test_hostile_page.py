"""The page of hostile trials and a hostile synthesis: all of it is text.

A name, a label or a cell may hold what a browser would run, load or nest.
"""

import json
import re
from functools import cache
from html.parser import HTMLParser

from tests.library.hostile_trial import POISONED, TEXTS, crossing, parallel, synthesis
from trialstats.analyses.evidence import EVIDENCE
from trialstats.cleaning_rows import PUBLISHED_WARNINGS
from trialstats.evidence_rows import EFFECTS, PUBLISHED_TRIALS
from trialstats.figures.forest import forest_plot
from trialstats.figures.render import render
from trialstats.figures.trial_kinds import draw_figure
from trialstats.formatting import STEERING, undirected
from trialstats.report.content import SynthesisMaterial, TrialMaterial, figure_of
from trialstats.report.page import write_report
from trialstats.report.sections import build_content
from trialstats.rows import AGREEMENT, frame_of
from trialstats.tracing.pages import texts_of_page

#: Elements that are never closed.
VOID = {"meta", "br", "hr", "input"}


def figure(name, drawn, title, alt):
    svg = render(drawn, "svg", title=title, alt=alt).decode("utf-8")
    return figure_of(name, svg)


def of_trial(trial, *kinds):
    clean, config = trial.clean, trial.config
    drawn = [(kind, draw_figure(kind, trial.material)) for kind in kinds]
    return TrialMaterial(
        config=config,
        rows=trial.material.rows,
        account=trial.material.steps,
        changes=trial.changes,
        queries=clean.queries,
        set_aside=clean.set_aside,
        dictionary=trial.dictionary,
        figures=tuple(
            figure(f"{config['id']}_{kind}", f.figure, f.title, f.alt)
            for kind, f in drawn
        ),
        datasets={n: getattr(clean, n) for n in ("adsl", "bds", "adae", "adtte")},
    )


@cache
def page():
    pooled = synthesis()
    forest = forest_plot(pooled.rows, synthesis=pooled.config, labels={})
    title = pooled.config["title"]
    content = build_content(
        {"title": TEXTS[0], "subtitle": TEXTS[1]},
        [of_trial(parallel(), "flow", "adverse_events"), of_trial(crossing(), "flow")],
        [
            SynthesisMaterial(
                pooled.config,
                pooled.rows,
                (figure("response", forest, title, TEXTS[2]),),
            )
        ],
        published_trials=frame_of([], PUBLISHED_TRIALS),
        published_effects=frame_of([], EFFECTS),
        published_warnings=frame_of([], PUBLISHED_WARNINGS),
        evidence=frame_of([], EVIDENCE),
        evidence_figure=None,
        agreement=frame_of([], AGREEMENT),
        certainty=pooled.certainty,
        versions={TEXTS[1]: TEXTS[0]},
        digests={TEXTS[1]: "ab" * 32},
    )
    return write_report(content)


class Nested(HTMLParser):
    """Reads a page, and stops at an element that is closed by another's end."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(data)


def test_nothing_on_the_page_runs_loads_or_breaks_out():
    read = Nested(page())
    assert read.open == []
    names = [tag for tag, _ in read.tags]
    assert names.count("script") == 2
    assert not {"img", "iframe", "object", "foreignobject", "link", "b"} & set(names)
    for tag, attributes in read.tags:
        assert not [n for n in attributes if n.startswith("on")]
        address = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert re.match(r"#|https://" if tag == "a" else "#", address)
        styled = attributes.get("style") or ""
        assert not re.search(r"url\((?!#)|expression|javascript", styled)


def test_the_rows_inside_the_page_end_where_they_should():
    within = r'<script type="application/json"[^>]*>(.*?)</script>'
    (rows,) = re.findall(within, page(), re.DOTALL)
    assert "<" not in rows
    sets = json.loads(rows)["sets"]
    known = set(parallel().material.rows["row_id"])
    assert known <= set(sets["estimates"]["columns"]["row_id"]["v"])


def test_names_stand_on_the_page_as_they_are():
    said = without_space("".join(part.text for part in texts_of_page(page())))
    assert not [text for text in TEXTS if without_space(text) not in said]
    names = ("Placebo", "High dose", "Headache", "Rash", "Week 12", "Trial 10")
    assert not [name for name in names if without_space(POISONED[name]) not in said]
    assert not STEERING & set(page())


def without_space(text):
    return re.sub(r"\s+", "", undirected(text))
