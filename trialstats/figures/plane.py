"""A rectangle with two axes, in which points are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas
from trialstats.figures.pages import TEXT_LINE
from trialstats.figures.theme import HAIRLINE, INK, MUTED

#: Points: length of a tick, and from the frame to the labels.
_TICK, _TO_LABEL = 3.5, 6.0


@dataclass(frozen=True, slots=True)
class Plane:
    """Two axes on the canvas.

    Attributes
    ----------
    x : Axis
        From left to right.
    y : Axis
        Its ``left`` is where its lower limit stands, its ``right`` the upper one, in
        points from the top.
    """

    x: Axis
    y: Axis

    @property
    def top(self) -> float:
        """Upper edge, in points."""
        return min(self.y.left, self.y.right)

    @property
    def bottom(self) -> float:
        """Lower edge, in points."""
        return max(self.y.left, self.y.right)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a pair of values stands."""
        return self.x.place(x), self.y.place(y)


def axis_height(size: float, titles: Sequence[str]) -> float:
    """Return the height of the labels and titles under a plane."""
    return _TO_LABEL + TEXT_LINE * size * (1 + len(titles)) + 2.0


def draw_plane(
    canvas: Canvas, plane: Plane, size: float, titles: Sequence[str], *, grid: bool
) -> None:
    """Draw the frame of a plane: lines at its ticks, axes, labels and titles.

    Parameters
    ----------
    canvas : Canvas
        Where to draw.
    plane : Plane
        The axes.
    size : float
        Size of the labels.
    titles : sequence of str
        Lines of the title under the horizontal axis.
    grid : bool
        Whether lines cross the plane at the ticks.
    """
    x, y, bottom = plane.x, plane.y, plane.bottom
    step = TEXT_LINE * size
    for at, label in y.ticks(size, upright=True):
        if grid:
            canvas.line([(x.left, at), (x.right, at)], colour=HAIRLINE, width=0.5)
        canvas.line([(x.left - _TICK, at), (x.left, at)], width=0.8)
        canvas.text(x.left - _TO_LABEL, at, label, size=size, align="right", axis=True)
    for at, label in x.ticks(size):
        if grid:
            canvas.line([(at, plane.top), (at, bottom)], colour=HAIRLINE, width=0.5)
        canvas.line([(at, bottom), (at, bottom + _TICK)], width=0.8)
        middle = bottom + _TO_LABEL + step / 2
        canvas.text(at, middle, label, size=size, align="center", axis=True)
    corner = [(x.left, plane.top), (x.left, bottom), (x.right, bottom)]
    canvas.line(corner, colour=INK, width=0.9, layer=6.0)
    centre = (x.left + x.right) / 2
    for i, title in enumerate(titles):
        middle = bottom + _TO_LABEL + step * (i + 1.5)
        canvas.text(centre, middle, title, size=size, colour=MUTED, align="center")
