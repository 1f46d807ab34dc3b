"""A sheet on which text and marks are placed in points, and text is measured.

Every width comes from the extent of the text itself, so that columns fit whatever the
rows hold. The origin is the top left corner; y grows downwards.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

from trialstats.figures.theme import FONT, INK, PAPER, SETTINGS, printable

POINTS_PER_INCH = 72.0

#: High, so that rounding to whole pixels does not show in a width.
_MEASURING_DPI = 1200.0

#: From the middle of a line of text down to its baseline, as a share of the size:
#: half the height of a capital.
_BASELINE = 0.365

Point = tuple[float, float]


@lru_cache(maxsize=64)
def font_of(
    size: float, weight: str = "normal", style: str = "normal"
) -> FontProperties:
    """Return the font of a text of this size."""
    return FontProperties(family=FONT, size=size, weight=weight, style=style)  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def _face(weight: str, style: str) -> FT2Font:
    with mpl.rc_context(SETTINGS):
        # A face of our own: one shared with a renderer would change size under it.
        return FT2Font(str(findfont(font_of(10.0, weight, style))))


@lru_cache(maxsize=50_000)
def text_width(
    text: str, size: float, *, weight: str = "normal", style: str = "normal"
) -> float:
    """Return the width of one line of text in points.

    Parameters
    ----------
    text : str
        The text; characters that the font lacks count as their substitute.
    size : float
        Size of the type in points.
    weight, style : str
        As matplotlib names them.
    """
    if not text:
        return 0.0
    face = _face(weight, style)
    face.set_size(size, _MEASURING_DPI)
    face.set_text(printable(text), 0.0, flags=LoadFlags.NO_HINTING)
    # Widths come in 64ths of a pixel.
    return float(face.get_width_height()[0]) / 64 * POINTS_PER_INCH / _MEASURING_DPI


def widest(
    texts: Iterable[str], size: float, *, weight: str = "normal", style: str = "normal"
) -> float:
    """Return the width in points of the widest of `texts`, 0 when there is none."""
    widths = (text_width(t, size, weight=weight, style=style) for t in texts)
    return max(widths, default=0.0)


def wrap(
    text: str, size: float, width: float, *, weight: str = "normal"
) -> tuple[str, ...]:
    """Break text into lines no wider than `width` points.

    Lines break at spaces, not at no-break spaces; a word wider than the line is cut.
    Empty text is no line.
    """
    lines: list[str] = []
    line = ""
    for word in re.split(r"[ \t\r\n]+", text.strip()):
        longer = f"{line} {word}".strip()
        if text_width(longer, size, weight=weight) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, size, width, weight)
        lines.extend(full)
    return tuple([*lines, line] if line else lines)


def _pieces(word: str, size: float, width: float, weight: str) -> list[str]:
    """Cut one word into pieces that fit; a piece has at least one character."""
    pieces, piece = [], ""
    for character in word:
        wide = text_width(piece + character, size, weight=weight) > width
        if piece and wide:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]


def shortened(text: str, size: float, width: float, *, weight: str = "normal") -> str:
    """Return text that is no wider than `width` points, cut with three dots.

    >>> shortened("Frimodt-Moller et al. 1973", 9.0, 70.0)
    'Frimodt-Moll…'
    """
    if text_width(text, size, weight=weight) <= width:
        return text
    kept = text
    while kept and text_width(f"{kept}…", size, weight=weight) > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


class Canvas:
    """A figure of fixed size with drawing in points."""

    def __init__(self, width: float, height: float) -> None:
        with mpl.rc_context(SETTINGS):
            self.figure = Figure(
                figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH),
                facecolor=PAPER,
            )
            FigureCanvasAgg(self.figure)
            self._axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_xlim(0.0, width)
        self._axes.set_ylim(height, 0.0)
        self._axes.set_axis_off()

    def text(
        self,
        x: float,
        middle: float,
        text: str,
        *,
        size: float,
        colour: str = INK,
        weight: str = "normal",
        style: str = "normal",
        align: str = "left",
    ) -> None:
        """Write one line whose capitals are centred on `middle`."""
        if not text:
            return
        self._axes.add_artist(
            Text(
                x,
                middle + _BASELINE * size,
                printable(text),
                color=colour,
                verticalalignment="baseline",
                horizontalalignment=align,  # type: ignore[arg-type]
                fontproperties=font_of(size, weight, style),
                parse_math=False,
                clip_on=False,
            )
        )

    def line(
        self,
        points: Sequence[Point],
        *,
        colour: str = INK,
        width: float = 0.8,
        dashes: tuple[float, float] | None = None,
        layer: float = 2.0,
    ) -> None:
        """Draw a line through `points`."""
        xs, ys = zip(*points, strict=True)
        line = Line2D(
            xs, ys, color=colour, linewidth=width, solid_capstyle="butt", zorder=layer
        )
        if dashes:
            line.set_dashes(dashes)
        self._axes.add_line(line)

    def segments(
        self,
        pieces: Sequence[tuple[Point, Point]],
        *,
        colour: str = INK,
        width: float = 0.8,
        layer: float = 2.0,
    ) -> None:
        """Draw many lines of one look, which cost no more than one."""
        # A gap between two pieces is a point that does not exist.
        broken = [p for ends in pieces for p in (*ends, (math.nan, math.nan))]
        if broken:
            self.line(broken[:-1], colour=colour, width=width, layer=layer)

    def rectangle(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        colour: str,
        outline: str = "none",
        line_width: float = 0.0,
        layer: float = 3.0,
    ) -> None:
        """Draw a rectangle."""
        self._axes.add_patch(
            Rectangle(
                (left, top),
                width,
                height,
                facecolor=colour,
                edgecolor=outline,
                linewidth=line_width,
                zorder=layer,
            )
        )

    def polygon(
        self,
        points: Sequence[Point],
        *,
        colour: str,
        outline: str = "none",
        line_width: float = 0.0,
        layer: float = 4.0,
    ) -> None:
        """Draw a closed polygon."""
        self._axes.add_patch(
            Polygon(
                list(points),
                closed=True,
                facecolor=colour,
                edgecolor=outline,
                linewidth=line_width,
                joinstyle="miter",
                zorder=layer,
            )
        )

    def marker(
        self,
        x: float,
        y: float,
        shape: str | Path,
        *,
        size: float,
        colour: str,
        outline: str,
        line_width: float = 0.9,
        layer: float = 5.0,
    ) -> None:
        """Draw a marker of matplotlib or an outline; `size` is its width in points."""
        self.markers(
            [(x, y)],
            shape,
            size=size,
            colour=colour,
            outline=outline,
            line_width=line_width,
            layer=layer,
        )

    def markers(
        self,
        points: Sequence[Point],
        shape: str | Path,
        *,
        size: float,
        colour: str,
        outline: str,
        line_width: float = 0.9,
        layer: float = 5.0,
    ) -> None:
        """Draw one marker at many places."""
        xs, ys = zip(*points, strict=True)
        self._axes.add_line(
            Line2D(
                xs,
                ys,
                linestyle="none",
                marker=shape,
                markersize=size,
                markerfacecolor=colour,
                markeredgecolor=outline,
                markeredgewidth=line_width,
                zorder=layer,
            )
        )
