"""Name the rows behind the texts and marks of a plotnine figure once it is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

#: Attribute of a ggplot that holds its marks; a copy of the plot has it too.
_ATTRIBUTE = "rows_of_marks"

#: Area that a reader can click around a point, in points across.
_TARGET = 9.0

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Marks:
    """Which rows a figure shows where.

    Attributes
    ----------
    texts : mapping of str to sequence of str
        A text, as it is drawn, to the ``row_id`` of its rows.
    texts_at : mapping of (float, float) to sequence of str
        The place of a text in the data, for texts that stand in several places.
    points : mapping of (float, float) to sequence of str
        The place of a point in the data.
    """

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts_at: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    points: Mapping[Place, Sequence[str]] = field(default_factory=dict)


def with_marks(plot: Any, marks: Marks) -> Any:
    """Return a ggplot that knows which rows it shows."""
    setattr(plot, _ATTRIBUTE, marks)
    return plot


def name_rows(plot: Any, figure: Figure, gid: Any) -> None:
    """Name the rows on the artists of a drawn ggplot.

    Parameters
    ----------
    plot : plotnine.ggplot
        The plot; without marks nothing is named.
    figure : matplotlib.figure.Figure
        What it was drawn as.
    gid : callable
        Makes an identifier of rows, as `render.row_gid`.
    """
    marks = getattr(plot, _ATTRIBUTE, None)
    if marks is None:
        return
    at = {_rounded(place): rows for place, rows in marks.texts_at.items()}
    for axes in figure.axes:
        for text in _texts_of(axes):
            rows = marks.texts.get(text.get_text())
            rows = rows or at.get(_rounded(text.get_position()))
            if rows:
                text.set_gid(gid(*rows))
        for (x, y), rows in marks.points.items():
            axes.plot(
                [x],
                [y],
                marker="o",
                markersize=_TARGET,
                alpha=0.0,
                gid=gid(*rows),
                scalex=False,
                scaley=False,
            )


def _texts_of(axes: Axes) -> Iterator[Text]:
    yield from axes.texts
    yield from axes.get_xticklabels()


def _rounded(place: Any) -> Place:
    return round(float(place[0]), 9), round(float(place[1]), 9)
