"""One look for every figure: fonts, colours and sizes.

Colours differ in lightness as well as in hue, so that they stay apart for
colour-blind readers and in grey print; shapes repeat what colours say.
"""

import unicodedata
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

from trialstats.formatting import STEERING

#: Ships with matplotlib: the same glyphs and widths on every machine.
FONT = "DejaVu Sans"

INK = "#1a1a1a"
MUTED = "#5a5a5a"
RULE = "#8c8c8c"
HAIRLINE = "#d0d0d0"
BAND = "#eceff3"
PAPER = "#ffffff"

TRIAL = "#1f4e79"
POOLED = "#0b2545"
SENSITIVITY = "#7d93b2"
PREDICTION = "#c1502e"
SYNTHETIC = "#9c2f00"

#: Inches: width and height of the plotnine figures.
FIGURE = (6.8, 4.4)

#: First the treatments, last the control.
TREATMENT_COLOURS = ("#0b5394", "#5b2a86", "#00695c")
CONTROL_COLOUR = "#e08e0b"

#: Points of type.
BASE_SIZE = 9.0

#: What becomes of a character that cannot be drawn.
ABSENT = "\N{WHITE SQUARE}"

#: Settings under which text is measured and figures are written. Unhinted glyphs have
#: the same widths at every resolution.
SETTINGS: Any = {
    "font.family": [FONT],
    "text.hinting": "no_hinting",
    "text.usetex": False,
    # A name may hold dollar signs; formulas are written with characters.
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "svg.hashsalt": "trialstats",
    "svg.image_inline": True,
}


@cache
def _characters() -> frozenset[int]:
    font = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return frozenset(FT2Font(str(font)).get_charmap())


def lacks(character: str) -> bool:
    """Return whether the font has no glyph for a character.

    >>> lacks("é"), lacks("試")
    (False, True)
    """
    return ord(character) not in _characters()


def printable(text: str) -> str:
    r"""Return `text` on one line, with a white square for what is no character of text.

    Line breaks, tabs and no-break spaces become spaces. A character that the font lacks
    stays: a reader of the SVG sees it in a font of their own, a picture shows a box.

    >>> printable("Müller 2020 τ²"), printable("a\x00b")
    ('Müller 2020 τ²', 'a□b')
    """
    plain = " ".join(str(text).split())
    return "".join(ABSENT if _control(c) else c for c in plain)


def _control(character: str) -> bool:
    """Return whether XML cannot hold a character, or it only steers others."""
    unheld = unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co")
    return unheld or character in STEERING


def plotnine() -> Any:
    """Return plotnine, imported when the first figure needs it.

    Its functions carry no types.
    """
    return import_module("plotnine")


def plotnine_theme(*, size: float = BASE_SIZE) -> Any:
    """Return the theme of the plotnine figures."""
    p9 = plotnine()

    return p9.theme_minimal(base_size=size, base_family=FONT) + p9.theme(
        text=p9.element_text(family=FONT, colour=INK),
        plot_title=p9.element_text(size=size + 2, weight="bold", ha="left"),
        plot_subtitle=p9.element_text(size=size, colour=MUTED, ha="left"),
        plot_caption=p9.element_text(size=size - 1.5, colour=MUTED, ha="left"),
        plot_title_position="plot",
        plot_caption_position="plot",
        axis_title=p9.element_text(size=size),
        axis_text=p9.element_text(size=size - 0.5, colour=INK),
        axis_line_x=p9.element_line(colour=RULE, size=0.6),
        axis_ticks_major_x=p9.element_line(colour=RULE, size=0.6),
        panel_grid_minor=p9.element_blank(),
        panel_grid_major_x=p9.element_blank(),
        panel_grid_major_y=p9.element_line(colour=HAIRLINE, size=0.4),
        strip_text=p9.element_text(size=size, weight="bold", ha="left"),
        strip_background=p9.element_blank(),
        legend_position="top",
        legend_justification="left",
        legend_title=p9.element_blank(),
        legend_text=p9.element_text(size=size),
        plot_background=p9.element_blank(),
        panel_background=p9.element_blank(),
        plot_margin=0.02,
        figure_size=FIGURE,
    )
