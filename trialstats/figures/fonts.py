"""The font of the figures: which glyphs a drawing needs, and how it carries them.

Text in an SVG stays text, so that it can be read, searched and followed to its row. The
glyphs travel with the drawing: layout is measured in this font and holds in no other.
"""

import base64
import html
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont

from trialstats.figures.theme import FONT

#: Whether bold, whether slanted.
Face = tuple[bool, bool]

_FILES: Mapping[Face, str] = {
    (False, False): "DejaVuSans.ttf",
    (True, False): "DejaVuSans-Bold.ttf",
    (False, True): "DejaVuSans-Oblique.ttf",
    (True, True): "DejaVuSans-BoldOblique.ttf",
}

_TEXT = re.compile(r'<(?:text|tspan)\b[^>]*?style="([^"]*)"[^>]*>([^<]*)')
_BOLD = re.compile(r"font-weight: (?:bold|[6-9]00)")
_SLANTED = re.compile(r"font-style: (?:italic|oblique)")

#: The element that `with_fonts` writes.
_STYLE = re.compile(r'\n <style type="text/css" id="fonts">.*?</style>', re.DOTALL)


def faces_used(svgs: Iterable[str]) -> dict[Face, str]:
    """Return the characters that drawings write in each face, sorted.

    Parameters
    ----------
    svgs : iterable of str
        SVG documents with text as text.

    Returns
    -------
    dict of (bool, bool) to str
        Whether bold and whether slanted, to the characters.

    >>> faces_used(['<text style="font-weight: 700">b a</text>'])
    {(True, False): ' ab'}
    """
    found: dict[Face, set[str]] = defaultdict(set)
    for svg in svgs:
        for style, text in _TEXT.findall(svg):
            face = bool(_BOLD.search(style)), bool(_SLANTED.search(style))
            found[face].update(html.unescape(text))
    return {face: "".join(sorted(found[face])) for face in sorted(found)}


def font_css(faces: Mapping[Face, str]) -> str:
    """Return the style sheet that carries the glyphs of `faces_used` in itself."""
    return "".join(_rule(face, text) for face, text in faces.items())


def _rule(face: Face, text: str) -> str:
    bold, slanted = face
    content = base64.b64encode(_subset(face, text)).decode("ascii")
    return (
        f"@font-face{{font-family:'{FONT}';font-weight:{700 if bold else 400};"
        f"font-style:{'italic' if slanted else 'normal'};"
        f"src:url(data:font/woff2;base64,{content}) format('woff2')}}"
    )


@lru_cache(maxsize=32)
def _subset(face: Face, text: str) -> bytes:
    """Return the glyphs of `text` as a web font; the same text gives the same bytes."""
    options = subset.Options()
    options.layout_features = ["kern"]
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = []
    options.drop_tables += ["FFTM"]
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / _FILES[face]
    buffer = io.BytesIO()
    with TTFont(path, lazy=True, recalcTimestamp=False) as font:
        reduced = subset.Subsetter(options)
        reduced.populate(text=text)
        reduced.subset(font)
        font.flavor = "woff2"
        font.save(buffer)
    return buffer.getvalue()


def with_fonts(svg: str) -> str:
    """Return an SVG document that carries the glyphs of its text."""
    faces = faces_used([svg])
    if not faces:
        return svg
    end = svg.index(">", svg.index("<svg ")) + 1
    style = f'\n <style type="text/css" id="fonts">{font_css(faces)}</style>'
    return f"{svg[:end]}{style}{svg[end:]}"


def without_fonts(svg: str) -> str:
    """Return an SVG document without its glyphs, for a page that holds them once."""
    return _STYLE.sub("", svg)
