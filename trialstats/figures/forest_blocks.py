"""The blocks of a forest plot around its lines: title, heads, axis, footnotes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialstats.figures.axis import SIDE, Axis
from trialstats.figures.canvas import Canvas, text_width, wrap
from trialstats.figures.forest_columns import Column
from trialstats.figures.forest_layout import GAP, Layout
from trialstats.figures.forest_lines import row_ids
from trialstats.figures.forest_marks import Sheet
from trialstats.figures.forest_models import equal_effects
from trialstats.figures.forest_notes import footnotes
from trialstats.figures.forest_numbers import HOUSES, House
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Panel
from trialstats.figures.forest_text import (
    axis_title,
    components,
    favours,
    heterogeneity,
    overall_test,
    subgroup_test,
    subtitle,
)
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    note_blocks,
    title_blocks,
    with_rows,
)
from trialstats.figures.theme import INK, MUTED, RULE
from trialstats.formatting import MINUS, format_number

#: A sentence and the ``row_id`` of its numbers.
Sentence = tuple[str, tuple[str, ...]]

_NO_BREAK = "\N{NO-BREAK SPACE}"

#: The least width of the text left of the axis, as a multiple of the size.
_LEAST_ASIDE = 20.0

#: The most of the axis that is kept free for the text of a side without estimates.
_WIDEST_SIDE = 0.28


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of no effect means, above the plot."""

    x: float
    lines: tuple[str, ...]
    align: str


def forest_titles(
    found: Sequence[Panel], synthesis: Mapping[str, Any], place: Layout, size: float
) -> list[Block]:
    """Return the title, the banner of synthetic data, and what is compared."""
    title = str(synthesis.get("title") or synthesis.get("synthesis") or "")
    synthetic = any(t.status == "synthetic" for p in found for t in p.trials)
    return title_blocks(
        title, subtitle(synthesis), place.width, synthetic=synthetic, size=size
    )


def header_block(place: Layout, size: float, sides: Sequence[Side] = ()) -> Block:
    """Return the heads of the columns, with the names of the arms above.

    Parameters
    ----------
    place : Layout
        Where the columns stand.
    size : float
        Size of the type.
    sides : sequence of Side
        What stands above the plot.
    """
    step = TEXT_LINE * size
    spans = _spans(place.columns)
    names = [wrap(a, size, right - left + 1, weight="bold") for a, left, right in spans]
    upper = max((len(n) for n in names), default=0)
    lower = max((_lines_of(c) for c in place.columns if c.over), default=0)
    tallest = max((_lines_of(c) for c in place.columns), default=1)
    tallest = max(tallest, *(len(side.lines) for side in sides), 1)
    between = 5.0 if spans else 0.0
    heads = max(step * (upper + lower) + between, step * tallest)
    height = heads + 8.0

    def draw(canvas: Canvas, top: float) -> None:
        sheet = Sheet(canvas, place, size)
        # Where the names of the arms end and the heads below them begin.
        arms = top + heads - step * lower - between
        for (_, left, right), texts in zip(spans, names, strict=True):
            for i, text in enumerate(reversed(texts)):
                middle = arms - (i + 0.5) * step
                centre = (left + right) / 2
                canvas.text(
                    centre, middle, text, size=size, weight="bold", align="center"
                )
            y = arms + 2
            canvas.line([(left, y), (right, y)], colour=RULE, width=0.6)
        for column in place.columns:
            _head(sheet, column, top + heads)
        middle = top + heads - step / 2
        canvas.text(MARGIN, middle, place.label_head, size=size, weight="bold")
        for side in sides:
            for i, text in enumerate(reversed(side.lines)):
                canvas.text(
                    side.x,
                    middle - i * step,
                    text,
                    size=size - 0.5,
                    weight="bold",
                    align=side.align,
                )
        y = top + height - 4
        canvas.line([(MARGIN, y), (place.width - MARGIN, y)], colour=INK, width=0.9)

    return Block(height, draw)


def _lines_of(column: Column) -> int:
    return len(column.heading) + bool(column.remark)


def _spans(found: Sequence[Column]) -> list[tuple[str, float, float]]:
    """Return (arm, left, right) of the columns that stand under each arm."""
    arms = dict.fromkeys(c.over for c in found if c.over)
    groups = [(arm, [c for c in found if c.over == arm]) for arm in arms]
    return [(arm, g[0].left, g[-1].right) for arm, g in groups]


def _head(sheet: Sheet, column: Column, bottom: float) -> None:
    """Write the head of a column: its name, and under it a remark."""
    step, size = TEXT_LINE * sheet.size, sheet.size
    if column.remark:
        middle = bottom - step / 2
        sheet.canvas.text(
            column.anchor,
            middle,
            column.remark,
            size=size - 1,
            colour=MUTED,
            align=column.align,
        )
        bottom -= step
    for i, text in enumerate(reversed(column.heading)):
        middle = bottom - (i + 0.5) * step
        sheet.canvas.text(
            column.anchor,
            middle,
            text,
            size=size,
            weight="bold",
            align=column.align,
            rows=column.rows,
        )


def axis_block(
    place: Layout,
    axis: Axis,
    size: float,
    *,
    titles: Sequence[str],
    sides: Sequence[tuple[float, str]] = (),
    statistics: Sequence[Sentence] = (),
) -> Block:
    """Return the axis with its texts, and statistics left of it.

    Parameters
    ----------
    place : Layout
        Where the plot stands.
    axis : Axis
        The axis.
    size : float
        Size of the type.
    titles : sequence of str
        What the axis shows, a line or more each.
    sides : sequence of (left edge, text)
        What each side of no effect means.
    statistics : sequence of (str, rows)
        Sentences left of the axis, or under it where there is no room, each with the
        ``row_id`` of its numbers.
    """
    step = TEXT_LINE * size
    small = size - 0.5
    under = [line for text in titles for line in wrap(text, small, _room(place))]
    axis_height = 0.9 * size + step * (1 + bool(sides) + len(under))
    room = place.plot_left - GAP - MARGIN
    beside = room >= _LEAST_ASIDE * size
    width = room if beside else place.width - 2 * MARGIN
    aside = [
        (line, rows) for text, rows in statistics for line in wrap(text, small, width)
    ]
    aside_top = 0.5 * size if beside else axis_height + 0.5 * size
    aside_height = TEXT_LINE * small * len(aside)
    height = max(axis_height, aside_top + aside_height if aside else 0.0) + size

    def draw(canvas: Canvas, top: float) -> None:
        sheet = Sheet(canvas, place, size)
        _axis_line(sheet, axis, top)
        y = top + 0.9 * size + step / 2
        for x, label in axis.ticks(small):
            sheet.canvas.text(x, y, label, size=small, align="center", axis=True)
        if sides:
            y += step
            for x, text in sides:
                sheet.canvas.text(x, y, text, size=small, weight="bold")
        for text in under:
            y += step
            centre = (axis.left + axis.right) / 2
            sheet.canvas.text(centre, y, text, size=small, colour=MUTED, align="center")
        for i, (text, rows) in enumerate(aside):
            middle = top + aside_top + (i + 0.5) * TEXT_LINE * small
            sheet.canvas.text(MARGIN, middle, text, size=small, rows=rows)

    return Block(height, draw)


def axis_titles(
    panel: Panel, synthesis: Mapping[str, Any], house: House, *, own: bool
) -> list[str]:
    """Return what the axis of a panel shows, as the house spells it."""
    return [house.spelt(t) for t in axis_title(panel.measure, synthesis, own=own)]


def _room(place: Layout) -> float:
    """Return the width for text centred under the plot."""
    right = place.width - MARGIN - place.plot_right
    left = GAP / 2
    return place.plot_right - place.plot_left + 2 * min(left, right)


def _axis_line(sheet: Sheet, axis: Axis, top: float) -> None:
    canvas = sheet.canvas
    canvas.line([(axis.left, top), (axis.right, top)], colour=INK, width=0.8)
    for x, _ in axis.ticks(sheet.size - 0.5):
        canvas.line([(x, top), (x, top + 0.4 * sheet.size)], colour=INK, width=0.8)
    if axis.holds(0.0):
        # The line of no effect reaches the axis through the space above it.
        x = axis.place(0.0)
        canvas.line([(x, top - 1), (x, top)], colour=INK, width=0.8)


def side_texts(synthesis: Mapping[str, Any], house: House) -> tuple[str, str] | None:
    """Return what each side of no effect means, with arrows."""
    sides = favours(synthesis)
    if sides is None:
        return None
    # An arrow never stands on a line of its own.
    return house.spelt(f"←{_NO_BREAK}{sides[0]}"), house.spelt(
        f"{sides[1]}{_NO_BREAK}→"
    )


def least_plot(texts: tuple[str, str] | None, size: float) -> float:
    """Return the width that the texts under the axis need, in points."""
    if texts is None:
        return 0.0
    return sum(text_width(t, size, weight="bold") for t in texts) + 2 * size


def side_share(
    texts: tuple[str, str] | None, size: float, width: float, *, above: bool = False
) -> float:
    """Return the least share of the axis on each side, so that its text has room.

    Above the plot text is broken, and needs no more than its longest word.
    """
    whole = texts or ()
    parts = [w for t in whole for w in t.split(" ")] if above else whole
    widths = (text_width(t, size, weight="bold") for t in parts)
    needed = max(widths, default=0.0)
    return min(max(SIDE, (needed + size) / width), _WIDEST_SIDE)


def sides_at(
    texts: tuple[str, str] | None, axis: Axis, size: float, page_right: float
) -> list[tuple[float, str]]:
    """Return (left edge, text) of both directions, each on its side of no effect.

    Where a side is narrow its text may run on: into the gap on the left, under the
    columns on the right, where no text stands below the rows.
    """
    if texts is None:
        return []
    low, high = (text_width(t, size, weight="bold") for t in texts)
    middle = _middle(axis)
    gap = 0.6 * size
    left = min((axis.left + middle - low) / 2, middle - gap - low)
    left = max(left, axis.left - GAP / 2)
    right = max((middle + axis.right - high) / 2, middle + gap, left + low + 2 * gap)
    right = min(right, page_right - high)
    left = min(left, right - 2 * gap - low)
    return [(left, texts[0]), (right, texts[1])]


def sides_above(texts: tuple[str, str] | None, axis: Axis, size: float) -> list[Side]:
    """Return both directions, broken to the room on each side of no effect."""
    if texts is None:
        return []
    middle, gap, margin = _middle(axis), 0.5 * size, GAP / 2 - 1.0
    low = wrap(texts[0], size, middle - gap - axis.left + margin, weight="bold")
    high = wrap(texts[1], size, axis.right + margin - middle - gap, weight="bold")
    return [Side(middle - gap, low, "right"), Side(middle + gap, high, "left")]


def _middle(axis: Axis) -> float:
    """Return where no effect stands, the middle where the axis does not hold it."""
    return axis.place(0.0) if axis.holds(0.0) else (axis.left + axis.right) / 2


def statistics(
    panel: Panel, house: House, synthesis: Mapping[str, Any]
) -> list[Sentence]:
    """Return the sentences on heterogeneity, the overall effect and subgroups.

    Each stands with the rows of its numbers.
    """
    equal = equal_effects(panel.pooled)
    main = [panel.main.get(s) for s in ("tau_squared", "i_squared", "q")]
    told = [
        (heterogeneity(panel.main, house, equal=equal), row_ids(*main)),
        (components(panel.components, house), row_ids(*panel.components)),
        (overall_test(panel.pooled, house), row_ids(panel.pooled)),
        (subgroup_test(panel.subgroup_test, house), row_ids(panel.subgroup_test)),
    ]
    found = [(text, rows) for text, rows in told if text]
    if not found and panel.trials:
        if not synthesis.get("pooling", True):
            found.append(("Not pooled.", ()))
        elif panel.n_estimable == 1:
            found.append(("One trial with an estimate: not pooled.", ()))
        elif panel.n_estimable == 0:
            found.append(("No trial with an estimate: not pooled.", ()))
    return found


def footnote_blocks(
    found: Sequence[Panel],
    synthesis: Mapping[str, Any],
    place: Layout,
    options: ForestOptions,
) -> list[Block]:
    """Return the notes under the plot."""
    house = HOUSES[options.layout]
    band = _band_text(found, options)
    listed = map(with_rows, footnotes(found, synthesis, band=band))
    notes = [(house.spelt(text), rows) for text, rows in listed]
    return note_blocks(notes, place.width, size=options.font_size - 1.5)


def _band_text(found: Sequence[Panel], options: ForestOptions) -> str:
    """Return the minimal important difference in words, empty without one."""
    half = options.minimal_important_difference
    if half is None:
        return ""
    text = f"{half:g}"
    if found[0].measure.log:
        return f"ratio ({format_number(1 / half, 2, minus=MINUS)} to {text})"
    return f"difference (\N{PLUS-MINUS SIGN}{text})"
