"""A sheet on which text and marks are placed in points, and text is measured.

Every width comes from the extent of the text itself, so that columns fit whatever the
rows hold. The origin is the top left corner; y grows downwards.
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

from trialstats.figures.render import AXIS_GID, row_gid
from trialstats.figures.theme import (
    ABSENT,
    FONT,
    INK,
    PAPER,
    SETTINGS,
    lacks,
    printable,
)

POINTS_PER_INCH = 72.0

#: High, so that rounding to whole pixels does not show in a width.
_MEASURING_DPI = 1200.0

#: How much wider than its substitute a character of another font may be, as a share of
#: the size: pictographs take a third more than the size.
_WIDER = 0.4

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
        The text; a character that the font lacks counts as a wide one of another.
    size : float
        Size of the type in points.
    weight, style : str
        As matplotlib names them.
    """
    if not text:
        return 0.0
    face = _face(weight, style)
    face.set_size(size, _MEASURING_DPI)
    plain = printable(text)
    foreign = [c for c in plain if lacks(c)]
    face.set_text(
        "".join(ABSENT if lacks(c) else c for c in plain),
        0.0,
        flags=LoadFlags.NO_HINTING,
    )
    # Widths come in 64ths of a pixel.
    width = float(face.get_width_height()[0]) / 64 * POINTS_PER_INCH / _MEASURING_DPI
    return width + len(foreign) * _WIDER * size


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


_Drawn = TypeVar("_Drawn", bound=Artist)


def _of_rows(artist: _Drawn, rows: Sequence[str]) -> _Drawn:
    """Return an artist that names the rows it shows."""
    if rows:
        artist.set_gid(row_gid(*rows))
    return artist


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
        rows: Sequence[str] = (),
        axis: bool = False,
    ) -> None:
        """Write one line whose capitals are centred on `middle`.

        `rows` are the ``row_id`` of the numbers in it, here and in the other methods;
        numbers of an `axis` have none.
        """
        if not text:
            return
        written = Text(
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
        if axis:
            written.set_gid(AXIS_GID)
        self._axes.add_artist(_of_rows(written, rows))

    def line(
        self,
        points: Sequence[Point],
        *,
        colour: str = INK,
        width: float = 0.8,
        dashes: tuple[float, float] | None = None,
        layer: float = 2.0,
        rows: Sequence[str] = (),
    ) -> None:
        """Draw a line through `points`."""
        xs, ys = zip(*points, strict=True)
        line = Line2D(
            xs, ys, color=colour, linewidth=width, solid_capstyle="butt", zorder=layer
        )
        if dashes:
            line.set_dashes(dashes)
        self._axes.add_line(_of_rows(line, rows))

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
        rows: Sequence[str] = (),
    ) -> None:
        """Draw a rectangle."""
        drawn = Rectangle(
            (left, top),
            width,
            height,
            facecolor=colour,
            edgecolor=outline,
            linewidth=line_width,
            zorder=layer,
        )
        self._axes.add_patch(_of_rows(drawn, rows))

    def polygon(
        self,
        points: Sequence[Point],
        *,
        colour: str,
        outline: str = "none",
        line_width: float = 0.0,
        layer: float = 4.0,
        rows: Sequence[str] = (),
    ) -> None:
        """Draw a closed polygon."""
        drawn = Polygon(
            list(points),
            closed=True,
            facecolor=colour,
            edgecolor=outline,
            linewidth=line_width,
            joinstyle="miter",
            zorder=layer,
        )
        self._axes.add_patch(_of_rows(drawn, rows))

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
        rows: Sequence[str] = (),
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
            rows=rows,
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
        rows: Sequence[str] = (),
        image: bool = False,
    ) -> None:
        """Draw one marker at many places; as an `image` thousands weigh little."""
        xs, ys = zip(*points, strict=True)
        drawn = Line2D(
            xs,
            ys,
            linestyle="none",
            marker=shape,
            markersize=size,
            markerfacecolor=colour,
            markeredgecolor=outline,
            markeredgewidth=line_width,
            zorder=layer,
            rasterized=image,
        )
        self._axes.add_line(_of_rows(drawn, rows))
