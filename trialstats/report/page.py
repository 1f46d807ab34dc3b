"""Write the report as one self-contained HTML page."""

import base64
import re
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trialstats.errors import DataError
from trialstats.report.compact import compact
from trialstats.report.content import Figure, ReportContent, SynthesisSection
from trialstats.tables.render import to_html
from trialstats.tables.style import TABLE_STYLE
from trialstats.tables.table import Table

#: Pixels of CSS in a unit of an SVG's size.
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "in": 96.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
}

#: Pixels from which a figure holds columns of text, and the width under which a
#: figure scrolls in its box instead of shrinking further.
_BROAD, _WIDE, _NARROW = 800, "44rem", "30rem"

_SIZE = re.compile(r'\b(width|height)="([\d.]+)(pt|px|in|mm|cm|)"')
_ROOT = re.compile(r"<svg\b[^>]*>")


@dataclass(frozen=True, slots=True)
class EmbeddedFigure:
    """A figure as the address of an image, with its natural size in CSS pixels."""

    id: str
    address: str
    width: int
    height: int
    narrowest: str
    alt: str
    caption: str


def embedded(figure: Figure) -> EmbeddedFigure:
    """Return a figure as an image that the page carries in itself.

    An image keeps the identifiers and the styles of each SVG apart from those of its
    neighbours and of the page, and runs no script.

    Raises
    ------
    DataError
        When the text is not an SVG with a width and a height.
    """
    root = _ROOT.search(figure.svg)
    sizes = {
        name: round(float(number) * _PIXELS[unit])
        for name, number, unit in _SIZE.findall(root.group() if root else "")
    }
    if set(sizes) != {"width", "height"}:
        raise DataError(f"figure {figure.id!r} is not an SVG with a width and a height")
    content = base64.b64encode(compact(figure.svg).encode("utf-8")).decode("ascii")
    return EmbeddedFigure(
        id=figure.id,
        address=f"data:image/svg+xml;base64,{content}",
        width=sizes["width"],
        height=sizes["height"],
        narrowest=_WIDE if sizes["width"] > _BROAD else _NARROW,
        alt=figure.alt,
        caption=figure.caption,
    )


def write_report(content: ReportContent) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    content : ReportContent
        What it says.

    Returns
    -------
    str
        A page without scripts that loads nothing: style and figures are inside. The
        same content gives the same text.
    """
    environment = Environment(
        loader=PackageLoader("trialstats.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["table"] = _table
    environment.filters["embedded"] = embedded
    return environment.get_template("report.html").render(
        content=content,
        conditions=_by_condition(content.syntheses),
        table_style=Markup(TABLE_STYLE),
    )


def _table(table: Table) -> Markup:
    """Return a table as HTML, which `to_html` has escaped."""
    return Markup(to_html(table))


def _by_condition(
    syntheses: tuple[SynthesisSection, ...],
) -> list[tuple[str, list[SynthesisSection]]]:
    """Group syntheses under their condition, in order of first appearance."""
    groups: dict[str, list[SynthesisSection]] = {}
    for synthesis in syntheses:
        name = synthesis.condition
        groups.setdefault(name[:1].upper() + name[1:], []).append(synthesis)
    return list(groups.items())
