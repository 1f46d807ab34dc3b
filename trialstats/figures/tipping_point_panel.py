"""One panel of the heat map of assumptions: cells, border, labels and legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trialstats.figures.canvas import Canvas, Point, widest, wrap
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.pages import MARGIN, TEXT_LINE, Block
from trialstats.figures.theme import BASE_SIZE, INK, MUTED, PAPER, PREDICTION
from trialstats.records import Record

#: From the smallest p-value to the largest: ever lighter, in grey too.
_SHADES = ("#08264d", "#1f5a99", "#5b93c7", "#9cc1e0", "#c6daed", "#e6eef6")

#: Shades on which text is light.
_DARK = 3

#: Points: the plot, the widest and the highest cell, the legend, from plot to labels.
_PLOT, _PLOT_HEIGHT = 390.0, 320.0
_WIDEST, _HIGHEST, _LEGEND, _TO_LABEL = 56.0, 30.0, 150.0, 5.0

#: Points from the cells, or the title under them, to the legend.
_TO_LEGEND = 18.0

#: Width of the border of significance.
_BORDER = 2.4

_HOUSE = HOUSES["plain"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One assumption: its column, its line from below, its row of the estimates."""

    column: int
    line: int
    row: Record
    as_observed: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """The assumptions of one contrast.

    Attributes
    ----------
    cells : tuple of Cell
        Every one.
    columns, lines : tuple of str
        Labels of the assumptions on treatment, and on control from below.
    titles : pair of str
        What these are.
    observed : Record
        The effect when those without data are as those with data.
    limits : tuple of Record
        Limits of the classes of p-values, increasing.
    """

    cells: tuple[Cell, ...]
    columns: tuple[str, ...]
    lines: tuple[str, ...]
    titles: tuple[str, str]
    observed: Record
    limits: tuple[Record, ...]

    @property
    def significance(self) -> float:
        """The limit of significance."""
        found = [r for r in self.limits if r["subgroup"] == "significance"]
        return float(found[0]["estimate"])

    def significant(self, row: Record) -> bool:
        """Return whether a p-value is below the limit of significance."""
        return bool(row["p_value"] < self.significance)

    def shade(self, row: Record) -> int:
        """Return the class of a p-value, 0 for the smallest."""
        return sum(row["p_value"] >= limit["estimate"] for limit in self.limits)

    def turned(self, row: Record) -> bool:
        """Return whether the effect is significant, in the other direction."""
        other = row["estimate"] * self.observed["estimate"] < 0
        return other and self.significant(row)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the cells of a panel stand."""

    panel: Panel
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width * len(self.panel.columns)

    @property
    def bottom(self) -> float:
        return self.top + self.height * len(self.panel.lines)

    def corner(self, column: int, line: int) -> Point:
        """Return the upper left corner of a cell."""
        up = len(self.panel.lines) - 1 - line
        return self.left + column * self.width, self.top + up * self.height


def class_words(limit: float) -> str:
    """Return the p-values of the class that ends at a limit.

    >>> class_words(0.05)
    'below 0.05'
    """
    return f"below {limit:g}"


def panel_block(panel: Panel, width: float) -> Block:
    """Return a panel with its labels and its legend.

    Parameters
    ----------
    panel : Panel
        What it shows.
    width : float
        Width of the page, in points.
    """
    size = BASE_SIZE - 0.5
    step = TEXT_LINE * size
    labels = widest(panel.lines, size)
    left = MARGIN + labels + _TO_LABEL
    room = min(_PLOT, width - MARGIN - left - _LEGEND - _TO_LEGEND)
    cell = min(_WIDEST, room / len(panel.columns))
    high = min(_HIGHEST, _PLOT_HEIGHT / len(panel.lines))
    upper = wrap(panel.titles[1], size, width - 2 * MARGIN)
    lower = wrap(panel.titles[0], size, room)
    taken = max(cell * len(panel.columns), widest(lower, size))
    above = step * len(upper) + 4.0
    legend = _legend_height(panel, size)
    plot = max(high * len(panel.lines) + step * (1 + len(lower)) + 6.0, legend)
    named = (str(panel.observed["row_id"]),)

    def draw(canvas: Canvas, top: float) -> None:
        grid = _Grid(panel, left, top + above, cell, high)
        for i, text in enumerate(upper):
            y = top + (i + 0.5) * step
            canvas.text(MARGIN, y, text, size=size, colour=MUTED, rows=named)
        _draw_cells(canvas, grid, size)
        _draw_border(canvas, grid)
        _draw_labels(canvas, grid, size)
        for i, text in enumerate(lower):
            y = grid.bottom + 6.0 + step * (i + 1.5)
            canvas.text(left, y, text, size=size, colour=MUTED, rows=named)
        _draw_legend(canvas, panel, left + taken + _TO_LEGEND, top + above, size)

    return Block(above + plot + size, draw)


def _draw_cells(canvas: Canvas, grid: _Grid, size: float) -> None:
    panel, small = grid.panel, size - 1.0
    texts = [_HOUSE.p_value(cell.row["p_value"]) for cell in panel.cells]
    roomy = widest(texts, small) + 5 <= grid.width and grid.height >= 1.6 * small
    for cell, text in zip(panel.cells, texts, strict=True):
        x, y = grid.corner(cell.column, cell.line)
        shade, own = panel.shade(cell.row), (str(cell.row["row_id"]),)
        canvas.rectangle(
            x,
            y,
            grid.width,
            grid.height,
            colour=_SHADES[shade],
            outline=PAPER,
            line_width=0.4,
            layer=2.0,
            rows=own,
        )
        ink = PAPER if shade < _DARK else INK
        if panel.turned(cell.row):
            ends = [(x + 2, y + grid.height - 2), (x + grid.width - 2, y + 2)]
            canvas.line(ends, colour=ink, width=0.9, layer=3.0)
        if roomy:
            centre, middle = x + grid.width / 2, y + grid.height / 2
            canvas.text(
                centre, middle, text, size=small, colour=ink, align="center", rows=own
            )
        if cell.as_observed:
            _ring(canvas, x, y, grid.width, grid.height)
    frame = [
        (grid.left, grid.top),
        (grid.right, grid.top),
        (grid.right, grid.bottom),
        (grid.left, grid.bottom),
        (grid.left, grid.top),
    ]
    canvas.line(frame, colour=INK, width=0.8, layer=4.0)


def _ring(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """Draw the mark of those without data as those with data, on any shade."""
    inset = min(2.0, width / 4, height / 4)
    left, top = x + inset, y + inset
    right, bottom = x + width - inset, y + height - inset
    ends = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    canvas.line(ends, colour=PAPER, width=2.6, layer=6.0)
    canvas.line(ends, colour=INK, width=1.3, layer=6.5)


def _draw_border(canvas: Canvas, grid: _Grid) -> None:
    """Draw the border between what is significant and what is not."""
    panel = grid.panel
    found = {(c.column, c.line): panel.significant(c.row) for c in panel.cells}
    pieces: list[tuple[Point, Point]] = []
    for (column, line), here in found.items():
        x, y = grid.corner(column, line)
        beside, above = found.get((column + 1, line)), found.get((column, line + 1))
        if beside is not None and beside != here:
            right = x + grid.width
            pieces.append(((right, y), (right, y + grid.height)))
        if above is not None and above != here:
            pieces.append(((x, y), (x + grid.width, y)))
    canvas.segments(pieces, colour=PREDICTION, width=_BORDER, layer=5.0)


def _draw_labels(canvas: Canvas, grid: _Grid, size: float) -> None:
    """Label columns and lines, as many as fit."""
    panel, step = grid.panel, TEXT_LINE * size
    every = _stride(panel.columns, grid.width, size)
    for i, text in enumerate(panel.columns):
        if i % every == 0:
            x = grid.left + (i + 0.5) * grid.width
            y = grid.bottom + 6.0 + step / 2
            canvas.text(x, y, text, size=size, align="center", axis=True)
    every = max(1, -int(-1.3 * size // grid.height))
    for i, text in enumerate(panel.lines):
        if i % every == 0:
            y = grid.corner(0, i)[1] + grid.height / 2
            x = grid.left - _TO_LABEL
            canvas.text(x, y, text, size=size, align="right", axis=True)


def _stride(labels: Sequence[str], width: float, size: float) -> int:
    """Return how many columns one label needs."""
    needed = widest(labels, size) + 0.8 * size
    return max(1, -int(-needed // width))


def _legend_lines(panel: Panel) -> list[tuple[str, Record]]:
    """Return the words of each class of p-values, with the row of its limit."""
    limits = panel.limits
    found = [(class_words(limits[0]["estimate"]), limits[0])]
    for low, high in pairwise(limits):
        found.append((f"{low['estimate']:g} to {high['estimate']:g}", high))
    return [*found, (f"{limits[-1]['estimate']:g} or more", limits[-1])]


def _legend_height(panel: Panel, size: float) -> float:
    return TEXT_LINE * size * (len(panel.limits) + 5) + 8.0


def _draw_legend(
    canvas: Canvas, panel: Panel, left: float, top: float, size: float
) -> None:
    step = TEXT_LINE * size
    rows = [str(limit["row_id"]) for limit in panel.limits]
    y = top + step / 2
    canvas.text(left, y, "p-value", size=size, weight="bold")
    for shade, (text, _) in enumerate(_legend_lines(panel)):
        y += step
        canvas.rectangle(
            left,
            y - 4,
            14,
            8,
            colour=_SHADES[shade],
            outline=MUTED,
            line_width=0.5,
        )
        canvas.text(left + 20, y, text, size=size, rows=rows)
    y += step + 4
    canvas.line([(left, y), (left + 14, y)], colour=PREDICTION, width=_BORDER)
    significance = f"significant {class_words(panel.significance)}"
    canvas.text(left + 20, y, significance, size=size, rows=rows)
    if any(cell.as_observed for cell in panel.cells):
        y += step
        _ring(canvas, left, y - 5, 14, 10)
        canvas.text(left + 20, y, "like those with data", size=size)
    if any(panel.turned(cell.row) for cell in panel.cells):
        y += step
        canvas.line([(left + 2, y + 4), (left + 12, y - 4)], width=0.9)
        canvas.text(left + 20, y, "other direction", size=size)
