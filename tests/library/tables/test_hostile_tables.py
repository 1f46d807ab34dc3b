"""Every table of hostile trials and of a hostile synthesis, in every format.

What stands in the data comes out as text: documents hold what this library writes into
any of them, and nothing that a name, a label or a cell asked for.
"""

import csv
import io as memory
import re
import zipfile
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.library.hostile_trial import POISONED, TEXTS, crossing, parallel, synthesis
from trialstats import io, tables
from trialstats.formatting import STEERING
from trialstats.tables.formats.docx import to_docx
from trialstats.tables.formats.latex import latex_document
from trialstats.tables.formats.read_back import (
    READERS,
    csv_rows,
    printed,
    read_csv,
)
from trialstats.tables.formats.rtf import to_rtf
from trialstats.tables.formats.texts import plain
from trialstats.tables.table import Cell, Column, Row, Table

WRITERS = {
    "rtf": to_rtf,
    "docx": to_docx,
    "tex": lambda made: latex_document(made).encode(),
    "html": lambda made: tables.to_page(made, TEXTS[0]).encode(),
}


@cache
def all_tables():
    made = []
    for trial in (parallel(), crossing()):
        clean, material = trial.clean, trial.material
        made += tables.trial_tables(
            material.rows,
            trial=trial.config,
            account=material.steps,
            changes=trial.changes,
            queries=clean.queries,
            set_aside=clean.set_aside,
            dictionary=trial.dictionary,
            datasets={n: getattr(clean, n) for n in ("adsl", "bds", "adae", "adtte")},
        ).values()
    pooled = synthesis()
    about = {"synthesis": pooled.config, "labels": {}}
    made += tables.synthesis_tables(pooled.rows, **about).values()
    configs = {"syntheses": [pooled.config]}
    made += tables.findings_tables(pooled.rows, judged=pooled.certainty, **configs)
    return [*made, tables.summary_of_effects(pooled.rows, **configs)]


@cache
def document(ending):
    return WRITERS[ending](all_tables())


@cache
def harmless(ending):
    """Return what a document of this format is made of when no text is hostile."""
    column = Column("A", "left", "B"), Column("C", "center"), Column("D (N = 9)")
    cell = Cell("−0.34 (≥ τ² → x|y)", marks="†a")
    column = (*column, Column("E", "words"), Column("F"))
    row = Row((cell, cell, cell, cell, Cell("NE")), indent=1)
    head = Row((Cell("H"),), heading=True)
    made = Table(
        "t",
        "T " * 90,
        "S",
        column,
        (head, *[row] * 90),
        (("p", cell),),
        (("a", "n"), ("", "g")),
        "s",
        "Table 1",
        "Protocol",
        "Population",
    )
    return WRITERS[ending]([made, made])


def test_every_hostile_text_is_somewhere_in_the_tables():
    said = {text for made in all_tables() for text in printed(made).texts}
    joined = "\n".join(said)
    absent = [text for text in TEXTS if plain(text) not in joined]
    assert not absent
    names = ("Placebo", "High dose", "Headache", "Skin disorders", "Week 12", "Lost")
    assert not [name for name in names if plain(POISONED[name]) not in joined]


@pytest.mark.parametrize("ending", WRITERS)
def test_every_table_reads_back_as_it_is(ending):
    assert READERS[ending](document(ending)) == tuple(map(printed, all_tables()))


def test_csv_files_read_back_and_run_nothing(tmp_path):
    for number, made in enumerate(all_tables()):
        path = tmp_path / f"{number}.csv"
        io.write_csv(tables.to_csv_frame(made), path)
        read = read_csv(path.read_bytes())
        assert read == csv_rows(made)
        # A spreadsheet runs what begins so, unless it is a number.
        cells = [cell for line in read for cell in line]
        assert not [c for c in cells if re.match(r"[=@\t\r]|[+-](?![\d.(]|$)", c)]
    # Excel reads the quotes as Python's dialect of the same name does.
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream, dialect="excel")) == read


class _Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.open = set(), []
        self.feed(page.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.add((tag, *(name for name, _ in attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(data)


def test_a_page_has_no_element_and_no_attribute_that_a_text_asked_for():
    tags = _Tags(document("html"))
    assert tags.open == []
    rows = {(*tag, "data-row") for tag in tags.found}
    assert tags.found <= _Tags(harmless("html")).found | rows | {("sup",)}
    assert not {t for t, *_ in tags.found} & {"script", "img", "a", "iframe", "object"}
    assert not STEERING & set(document("html").decode("utf-8"))


def commands(pattern, data):
    return set(re.findall(pattern, re.sub(rb"\\[\\{}]", b"", data)))


@pytest.mark.parametrize(("ending", "known"), [("rtf", {b"\\u"}), ("tex", set())])
def test_no_command_comes_from_a_text(ending, known):
    pattern = rb"\\(?:[A-Za-z]+|\*|')"
    hostile = commands(pattern, document(ending))
    if ending == "tex":
        # How a backslash, a caret, a tilde, < and > are written as text.
        known = {b"\\textbackslash", b"\\textasciicircum", b"\\textasciitilde"}
        known |= {b"\\textless", b"\\textgreater", b"\\tau", b"\\rightarrow"}
        known |= {b"\\ensuremath", b"\\textbar", b"\\allowbreak"}
    assert hostile <= commands(pattern, harmless(ending)) | known


def test_a_docx_has_no_part_and_no_element_that_a_text_asked_for():
    def parts(data):
        with zipfile.ZipFile(memory.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def elements(found):
        read = [ElementTree.fromstring(data) for n, data in found.items() if "xml" in n]
        return {element.tag for root in read for element in root.iter()}

    def kinds(found):
        return {re.sub(r"\d+", "", name) for name in found}

    hostile, usual = parts(document("docx")), parts(harmless("docx"))
    assert kinds(hostile) == kinds(usual)
    assert elements(hostile) <= elements(usual)
    told = b"".join(hostile.values())
    assert b"TargetMode" not in told
    fields = set(re.findall(rb"<w:instrText[^>]*>([^<]*)", told))
    assert fields <= set(
        re.findall(rb"<w:instrText[^>]*>([^<]*)", b"".join(usual.values()))
    )
