"""Write figures as bytes: the same bytes for the same figure, everywhere."""

import html
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import matplotlib as mpl
from fontTools import subset
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from trialstats.errors import ConfigError
from trialstats.figures.fonts import with_fonts
from trialstats.figures.marking import name_rows
from trialstats.figures.theme import SETTINGS, printable

#: Resolutions tried in this order until a PNG is small enough.
_PNG_DPI = (200, 150, 120, 96, 72)

#: Few colours and the greys between them.
_COLOURS = 128

_ALMOST_WHITE = 253

#: Bytes; a report with thirty figures stays below ten megabytes.
PNG_LIMIT = 300_000


def render(figure: Any, format: str, *, title: str = "", alt: str = "") -> bytes:
    """Return a figure as a file's content, and close it when plotnine made it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or plotnine.ggplot
        The figure. A ggplot is drawn here.
    format : {"svg", "png", "pdf"}
        Format of the file.
    title : str
        Title that assistive software reads.
    alt : str
        What the figure shows, in words.

    Returns
    -------
    bytes
        The file. Text stays text and carries the glyphs of DejaVu Sans, so that no
        reader needs the font. In an SVG the elements that `row_gid` marks name the
        rows they show as ``data-row``.

    Raises
    ------
    ConfigError
        When the format is not known.
    """
    if format not in _WRITERS:
        raise ConfigError(f"format {format!r} is not known; write svg, png or pdf")
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # Characters of other scripts are text in an SVG, and boxes elsewhere.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        drawn = figure if isinstance(figure, Figure) else drawn_ggplot(figure)
        return _WRITERS[format](drawn, printable(title), printable(alt))


def drawn_ggplot(plot: Any) -> Figure:
    """Return the matplotlib figure of a ggplot, known to no global list."""
    import matplotlib.pyplot as plt

    with mpl.rc_context(SETTINGS):
        previous = plt.get_backend()
        plt.switch_backend("agg")
        try:
            # Drawing changes a ggplot; the copy keeps it fit to be drawn again.
            figure: Figure = deepcopy(plot).draw()
            plt.close(figure)
            name_rows(plot, figure, row_gid)
        finally:
            plt.switch_backend(previous)
    return figure


def _svg(figure: Figure, title: str, alt: str) -> bytes:
    buffer = io.BytesIO()
    # None leaves the date out; the creator would name matplotlib's version.
    figure.savefig(
        buffer, format="svg", metadata={"Date": None, "Creator": "trialstats"}
    )
    text = _with_rows(buffer.getvalue().decode("utf-8"))
    return with_fonts(described(text, title, alt)).encode("utf-8")


#: Identifier of a text that labels an axis.
AXIS_GID = "axis"

#: Opens the identifier of an artist that shows rows.
_GID = "row:"

_MARKED = re.compile(rf"""<g id=(?:"{_GID}([^"]*)"|'{_GID}([^']*)')>""")


def row_gid(*rows: str) -> str:
    """Return the identifier of an artist that shows rows of the estimates.

    Parameters
    ----------
    *rows : str
        The ``row_id`` of each row.

    Returns
    -------
    str
        For ``artist.set_gid``.
    """
    return _GID + " ".join(rows)


def _with_rows(svg: str) -> str:
    """Return an SVG whose marked groups say ``data-row``: several show the same row."""
    named = _MARKED.sub(lambda m: f'<g data-row="{m[1] or m[2]}">', svg)
    return named.replace(f'<g id="{AXIS_GID}">', '<g class="axis">')


def _pdf(figure: Figure, title: str, alt: str) -> bytes:
    buffer = io.BytesIO()
    about = {"Title": title or None, "Subject": alt or None, "Creator": "trialstats"}
    with _without_layout_tables():
        figure.savefig(
            buffer,
            format="pdf",
            metadata={**about, "CreationDate": None, "Producer": None},
        )
    return buffer.getvalue()


#: Tables of a font that shape text. A PDF places glyphs itself and reads none of them.
_LAYOUT_TABLES = ("GDEF", "GPOS", "GSUB")


@contextmanager
def _without_layout_tables() -> Iterator[None]:
    """Leave what shapes text out of embedded fonts: reducing it takes most of the time.

    matplotlib has no setting for the tables it embeds; fontTools takes its defaults
    from here.
    """
    before = subset.Options._drop_tables_default
    subset.Options._drop_tables_default = [*before, *_LAYOUT_TABLES]
    try:
        yield
    finally:
        subset.Options._drop_tables_default = before


def described(svg: str, title: str, alt: str) -> str:
    """Return an SVG document with a title and a description for assistive software."""
    start = svg.index("<svg ")
    end = svg.index(">", start)
    # An address of its own, since a page may hold several figures.
    key = f"{zlib.crc32(f'{title}|{alt}'.encode()):08x}"
    names = [name for name, text in (("title", title), ("desc", alt)) if text]
    labelled = " ".join(f"{name}-{key}" for name in names)
    attribute = f' aria-labelledby="{labelled}"' if names else ""
    elements = "".join(
        f'\n <{name} id="{name}-{key}">{html.escape(text, quote=False)}</{name}>'
        for name, text in (("title", title), ("desc", alt))
        if text
    )
    return f'{svg[:end]} role="img"{attribute}>{elements}{svg[end + 1 :]}'


def _png(figure: Figure, title: str, alt: str) -> bytes:
    content = b""
    for dpi in _PNG_DPI:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 0})
        content = _few_colours(buffer, dpi, {"Title": title, "Description": alt})
        if len(content) < PNG_LIMIT:
            break
    return content


def _few_colours(drawn: io.BytesIO, dpi: int, texts: Mapping[str, str]) -> bytes:
    """Return a PNG with a palette, a third of the size; no date and no software."""
    notes = PngInfo()
    for name, text in texts.items():
        if text:
            notes.add_itxt(name, text)
    buffer = io.BytesIO()
    with Image.open(drawn) as image:
        reduced = image.convert("RGB").quantize(
            _COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
    palette = reduced.getpalette() or []
    # The reduction leaves white a shade too dark, which shows on a white page.
    reduced.putpalette([255 if level >= _ALMOST_WHITE else level for level in palette])
    reduced.save(buffer, "PNG", optimize=True, pnginfo=notes, dpi=(dpi, dpi))
    return buffer.getvalue()


_WRITERS: dict[str, Callable[[Figure, str, str], bytes]] = {
    "svg": _svg,
    "png": _png,
    "pdf": _pdf,
}
