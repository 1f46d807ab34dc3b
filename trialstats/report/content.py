"""What the report says, as values: plain text, tables and figures, no files."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.records import Record
from trialstats.report.given import Given
from trialstats.report.methods import MethodText
from trialstats.report.origins import Origins
from trialstats.report.phrases import Sentence
from trialstats.report.references import Reference
from trialstats.tables.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as SVG text.

    Parameters
    ----------
    id : str
        Name of the figure, unique in the report.
    svg : str
        The SVG document.
    alt : str
        What the figure shows, in words, for who cannot see it.
    caption : str
        Caption.
    """

    id: str
    svg: str
    alt: str
    caption: str = ""


def figure_of(name: str, svg: str) -> Figure:
    """Return an SVG as a figure that says what its own title and description say.

    Parameters
    ----------
    name : str
        Name of the figure, unique in the report.
    svg : str
        The SVG document, with a ``<title>`` and a ``<desc>``.

    Raises
    ------
    DataError
        When the SVG does not describe itself, so that no figure lacks its words.
    """
    words = {
        tag: " ".join(html.unescape(text).split())
        for tag, text in _DESCRIBED.findall(svg)
    }
    if not words.get("title") and not words.get("desc"):
        raise DataError(f"figure {name!r} has neither a title nor a description")
    title, description = words.get("title", ""), words.get("desc", "")
    return Figure(name, svg, alt=description or title, caption=title)


#: Title and description of the document itself, as `trialstats.figures` writes them.
_DESCRIBED = re.compile(r"<(title|desc) id=[^>]*>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrialMaterial:
    """Everything about one trial analysed from individual data.

    Parameters
    ----------
    config : mapping
        Configuration of the trial, with its name under ``id``.
    rows : DataFrame
        All its rows, schema `ESTIMATES`: analyses, baseline and disposition.
    account, changes : DataFrame
        Schemas `cleaning_rows.STEPS` and `cleaning_rows.CHANGES`.
    queries, set_aside : DataFrame
        Schemas `QUERIES` and `SET_ASIDE`.
    dictionary : DataFrame
        Schema `trialstats.exports.DATA_DICTIONARY`.
    figures : tuple of Figure
        Its figures; the name says where each stands, see `trialstats.report.places`.
    datasets : mapping of str to DataFrame
        Its analysis datasets by name, for listings and for records that figures show.
    """

    config: Mapping[str, Any]
    rows: pd.DataFrame
    account: pd.DataFrame
    changes: pd.DataFrame
    queries: pd.DataFrame
    set_aside: pd.DataFrame
    dictionary: pd.DataFrame
    figures: tuple[Figure, ...] = ()
    datasets: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SynthesisMaterial:
    """Everything about one synthesis.

    Parameters
    ----------
    config : mapping
        Configuration of the synthesis, with its name under ``id``.
    rows : DataFrame
        Its rows, schema `ESTIMATES`.
    figures : tuple of Figure
        Its forest plot, under the name of the synthesis, and further ones, under that
        name with ``.funnel``, ``.influence`` and so on.
    """

    config: Mapping[str, Any]
    rows: pd.DataFrame
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A titled part of a section: words, figures and tables, in this order.

    Parameters
    ----------
    title : str
        Its heading.
    paragraphs : tuple of str
        Plain text.
    figures : tuple of Figure
        Its figures.
    tables : tuple of Table
        Its tables.
    folded : bool
        Whether only the title shows until a reader opens it.
    facts : tuple of (str, str)
        Name and text.
    sentences : tuple of Sentence
        What is said of rows, listed.
    prose : tuple of Sentence
        What is said of rows, as one paragraph.
    parts : tuple of Block
        Folded parts at its end.
    given : str
        Where the numbers of its plain text are from.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    sentences: tuple[Sentence, ...] = ()
    prose: tuple[Sentence, ...] = ()
    parts: tuple["Block", ...] = ()
    given: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing below its title."""
        words = self.paragraphs or self.facts or self.sentences or self.prose
        return not (words or self.figures or self.tables or self.parts)


@dataclass(frozen=True, slots=True)
class Section:
    """One trial or one synthesis in the report.

    Parameters
    ----------
    id : str
        Its name.
    title : str
        Its heading.
    condition : str
        The condition treated.
    blocks : tuple of Block
        From the question to the warnings.
    banner : str
        What a reader must know before anything else, such as that data are synthetic.
    sentences : tuple of Sentence
        What the summary says of it.
    given : tuple of Given
        Texts of its configuration.
    """

    id: str
    title: str
    condition: str
    blocks: tuple[Block, ...]
    banner: str = ""
    sentences: tuple[Sentence, ...] = ()
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportContent:
    """The whole report.

    Parameters
    ----------
    title, subtitle : str
        Title of the dossier.
    about : tuple of str
        What this is, a paragraph each.
    data_kinds : tuple of (str, str)
        Kind of data and what it means here: real, synthetic, recalled, derived.
    evidence : Block, optional
        The evidence map; absent without published tables.
    summary : Table, optional
        All effects; absent when nothing is synthesised.
    syntheses : tuple of Section
        In the order of the configuration; their key sentences make the summary.
    characteristics : Table, optional
        The published trials; absent without published tables.
    trials : tuple of Section
        Trials analysed from individual data.
    agreement : Block
        Double programming.
    methods : tuple of MethodText
        What was run, a paragraph a method, with the references it cites.
    references : tuple of Reference
        In the order in which they are cited first.
    versions, digests : tuple of (str, str)
        Software and version; file and SHA-256.
    licence : str
        Licence note.
    findings : tuple of Table
        Summary of findings, a table a condition and comparison.
    plausibility : Block, optional
        Numbers of the published tables that can hardly be meant, or that there are
        none; absent without published tables.
    estimates : tuple of mapping
        Every row of the estimates.
    records : mapping of str to mapping
        Rows of other files that the page prints, by their ``row_id``.
    origins : Origins, optional
        Where rows come from.
    given : tuple of Given
        Texts of the configuration of the dossier and of its published tables.
    """

    title: str
    subtitle: str
    about: tuple[str, ...]
    data_kinds: tuple[tuple[str, str], ...]
    evidence: Block | None
    summary: Table | None
    syntheses: tuple[Section, ...]
    characteristics: Table | None
    trials: tuple[Section, ...]
    agreement: Block
    methods: tuple[MethodText, ...]
    versions: tuple[tuple[str, str], ...]
    digests: tuple[tuple[str, str], ...] = ()
    licence: str = field(default="")
    findings: tuple[Table, ...] = ()
    plausibility: Block | None = None
    references: tuple[Reference, ...] = ()
    estimates: tuple[Record, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    origins: Origins = field(default_factory=lambda: Origins((), ()))
    given: tuple[Given, ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Every block of the report, the parts of a block after it."""
        sections = (*self.syntheses, *self.trials)
        further = (self.evidence, self.plausibility, self.agreement)
        blocks = [b for b in further if b] + [b for s in sections for b in s.blocks]
        return tuple(_with_parts(blocks))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the report."""
        return tuple(figure for block in self.blocks for figure in block.figures)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the report."""
        alone = [t for t in (self.summary, self.characteristics) if t]
        within = [table for block in self.blocks for table in block.tables]
        return (*self.findings, *alone, *within)

    @property
    def by_id(self) -> dict[str, Record]:
        """Every row that the page may print, by its ``row_id``."""
        own = {str(row["row_id"]): row for row in self.estimates}
        return {**own, **{k: {**v, "row_id": k} for k, v in self.records.items()}}


def _with_parts(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        yield from _with_parts(block.parts)
