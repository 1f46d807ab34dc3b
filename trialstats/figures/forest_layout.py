"""Where the columns of a forest plot stand, with widths taken from their text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trialstats.figures.canvas import text_width, widest, wrap
from trialstats.figures.forest_columns import Column
from trialstats.figures.forest_lines import Line
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.pages import MARGIN

#: Points.
GAP, TIGHT_GAP, INDENT, _LIGHT_GAP = 16.0, 9.0, 9.0, 3.0

#: Widths as multiples of the size of the type: the widest label of a trial, the least
#: room for labels that span the columns of data, the narrowest plot, and the least
#: width of a column of lights.
_WIDEST_LABEL, _SPANNING, _NARROWEST_PLOT, _LIGHT = 24.0, 32.0, 19.0, 1.6


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands across the page, in points."""

    width: float
    columns: tuple[Column, ...]
    plot_left: float
    plot_right: float
    label_width: float
    spanning_width: float
    label_head: str = ""


def layout(
    groups: Sequence[Sequence[Line]],
    before: Sequence[Column],
    after: Sequence[Column],
    options: ForestOptions,
    *,
    least_plot: float,
    label_head: str = "",
) -> Layout:
    """Place the columns so that every text fits.

    Parameters
    ----------
    groups : sequence of sequences of Line
        The lines of each panel.
    before, after : sequence of Column
        Columns left and right of the plot.
    options : ForestOptions
        Width and size of the type.
    least_plot : float
        Width that the text under the axis needs, in points.
    label_head : str
        Head of the labels.
    """
    size = options.font_size
    all_lines = [line for group in groups for line in group]
    sized_before = _sized(before, all_lines, size)
    sized_after = _sized(after, all_lines, size)
    head = text_width(label_head, size, weight="bold")
    label = max(_label_width(all_lines, sized_before, size), head)
    x = MARGIN + label + GAP
    placed, x = _placed(sized_before, x)
    plot_left = x
    # As wide as the columns right of the plot, with the gap before the first.
    right = _placed(sized_after, GAP)[1] - GAP + MARGIN
    plot = max(
        72 * options.width - plot_left - right, _NARROWEST_PLOT * size, least_plot
    )
    placed_after, _ = _placed(sized_after, plot_left + plot + GAP)
    data = [c for c in placed if c.data]
    spanning_end = data[-1].right if data else MARGIN + label
    return Layout(
        width=plot_left + plot + right,
        columns=(*placed, *placed_after),
        plot_left=plot_left,
        plot_right=plot_left + plot,
        label_width=label,
        spanning_width=spanning_end - MARGIN,
        label_head=label_head,
    )


def _label_width(
    all_lines: Sequence[Line], before: Sequence[Column], size: float
) -> float:
    """Return the width of the labels: that of the trials, within reason."""
    own = _label_room((n for n in all_lines if not n.spanning), size)
    spanning = _label_room((n for n in all_lines if n.spanning), size)
    data = sum(c.width + GAP for c in before if c.data)
    least = min(spanning, _SPANNING * size) - data
    return max(min(own, _WIDEST_LABEL * size), least, 8 * size)


def _label_room(found: Iterable[Line], size: float) -> float:
    """Return the width of the widest label, with its indent."""
    widths = (
        text_width(n.label, size, weight="bold" if n.bold else "normal")
        + (INDENT if n.indented else 0.0)
        for n in found
        if n.kind != "note"
    )
    return max(widths, default=0.0)


def _sized(
    wanted: Sequence[Column], all_lines: Sequence[Line], size: float
) -> list[Column]:
    sized = []
    for column in wanted:
        cells = widest(
            (n.cells.get(column.key, "") for n in all_lines), size, weight="bold"
        )
        head = widest(column.heading, size, weight="bold")
        remark = text_width(column.remark, size - 1)
        light = _LIGHT * size if column.align == "center" else 0.0
        sized.append(replace(column, width=max(cells, head, remark, light)))
    return _room_for_arms(sized, size)


def _room_for_arms(sized: list[Column], size: float) -> list[Column]:
    """Widen the first column of an arm until the arm's name fits in two lines."""
    for arm in dict.fromkeys(c.over for c in sized if c.over):
        group = [c for c in sized if c.over == arm]
        room = sum(c.width for c in group) + _gap(group[0], group[0]) * (len(group) - 1)
        full = text_width(arm, size, weight="bold")
        longest_word = widest(arm.split(), size, weight="bold")
        needed = max(longest_word, min(full, 0.62 * full + size))
        if needed > room:
            first = sized.index(group[0])
            sized[first] = replace(group[0], width=group[0].width + needed - room)
    return sized


def _placed(sized: Sequence[Column], x: float) -> tuple[list[Column], float]:
    """Return columns with their left edges, and where the next thing may start."""
    placed: list[Column] = []
    for i, column in enumerate(sized):
        placed.append(replace(column, left=x))
        following = sized[i + 1] if i + 1 < len(sized) else None
        x += column.width + _gap(column, following)
    return placed, x


def _gap(column: Column, following: Column | None) -> float:
    """Return the space between neighbours: less under one name, least of lights."""
    if following is None or not column.over or column.over != following.over:
        return GAP
    return _LIGHT_GAP if column.align == "center" else TIGHT_GAP


def label_lines(line: Line, place: Layout, size: float) -> tuple[str, ...]:
    """Return the label of a line, broken to the room it has."""
    room = place.spanning_width if line.spanning else place.label_width
    # Half a point lets a label as wide as its column stay on one line.
    width = room - (INDENT if line.indented else 0.0) + 0.5
    weight = "bold" if line.bold else "normal"
    own = size - 1.0 if line.kind == "note" else size
    return wrap(line.label, own, width, weight=weight) or ("",)
