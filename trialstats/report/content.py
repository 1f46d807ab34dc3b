"""What the report says, as values: plain text, tables and figures, no files."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.report.phrases import Sentence
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
        Its figures; the name says where it stands: with ``_residuals_`` in it among
        the residuals, at its end ``_adverse_events`` or ``_account``, any other among
        the efficacy.
    """

    config: Mapping[str, Any]
    rows: pd.DataFrame
    account: pd.DataFrame
    changes: pd.DataFrame
    queries: pd.DataFrame
    set_aside: pd.DataFrame
    dictionary: pd.DataFrame
    figures: tuple[Figure, ...] = ()


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
    """A titled part of a section: text, figures and tables, in this order.

    A folded one shows its title until a reader opens it.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class SynthesisSection:
    """One synthesis in the report."""

    id: str
    title: str
    question: str
    condition: str
    sentences: tuple[Sentence, ...]
    figure: Figure | None
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    banner: str = ""
    paragraph: tuple[Sentence, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialSection:
    """One trial analysed from individual data in the report."""

    id: str
    title: str
    banner: str
    facts: tuple[tuple[str, str], ...]
    sentences: tuple[Sentence, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class MethodsAsRun:
    """The distinct methods of one analysis or synthesis, in words."""

    name: str
    methods: tuple[str, ...]


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
    findings : tuple of Table
        Summary of findings, a table a condition and comparison.
    syntheses : tuple of SynthesisSection
        In the order of the configuration; their key sentences make the summary.
    characteristics : Table, optional
        The published trials; absent without published tables.
    plausibility : Block, optional
        Numbers of the published tables that can hardly be meant, or that there are
        none; absent without published tables.
    trials : tuple of TrialSection
        Trials analysed from individual data.
    agreement : Block
        Double programming.
    methods : tuple of MethodsAsRun
        What was run.
    versions, digests : tuple of (str, str)
        Software and version; file and SHA-256.
    licence : str
        Licence note.
    """

    title: str
    subtitle: str
    about: tuple[str, ...]
    data_kinds: tuple[tuple[str, str], ...]
    evidence: Block | None
    summary: Table | None
    syntheses: tuple[SynthesisSection, ...]
    characteristics: Table | None
    trials: tuple[TrialSection, ...]
    agreement: Block
    methods: tuple[MethodsAsRun, ...]
    versions: tuple[tuple[str, str], ...]
    digests: tuple[tuple[str, str], ...] = ()
    licence: str = field(default="")
    findings: tuple[Table, ...] = ()
    plausibility: Block | None = None
