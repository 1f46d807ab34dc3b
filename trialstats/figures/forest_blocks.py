"""The blocks of a forest plot around its lines: title, heads, axis, footnotes."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialstats.figures.axis import SIDE, Axis
from trialstats.figures.canvas import Canvas, text_width, wrap
from trialstats.figures.forest_layout import GAP, Column, Layout
from trialstats.figures.forest_marks import Sheet
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Panel
from trialstats.figures.forest_text import (
    axis_title,
    favours,
    footnotes,
    heterogeneity,
    overall_test,
    subtitle,
)
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import INK, MUTED, RULE
from trialstats.formatting import MINUS, format_number

#: The least width of the text left of the axis, as a multiple of the size.
_LEAST_ASIDE = 20.0

#: The most of the axis that is kept free for the text of a side without estimates.
_WIDEST_SIDE = 0.28


def forest_titles(
    found: Sequence[Panel], synthesis: Mapping[str, Any], place: Layout, size: float
) -> list[Block]:
    """Return the title, the banner of synthetic data, and what is compared."""
    title = str(synthesis.get("title") or synthesis.get("synthesis") or "")
    synthetic = any(t.status == "synthetic" for p in found for t in p.trials)
    return title_blocks(
        title, subtitle(synthesis), place.width, synthetic=synthetic, size=size
    )


def header_block(place: Layout, size: float) -> Block:
    """Return the heads of the columns, with the names of the arms above."""
    step = TEXT_LINE * size
    spans = _spans(place.columns)
    names = [wrap(a, size, right - left + 1, weight="bold") for a, left, right in spans]
    upper = max((len(n) for n in names), default=0)
    lower = max((len(c.heading) for c in place.columns if c.over), default=0)
    tallest = max((len(c.heading) for c in place.columns), default=1)
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
        y = top + height - 4
        canvas.line([(MARGIN, y), (place.width - MARGIN, y)], colour=INK, width=0.9)

    return Block(height, draw)


def _spans(found: Sequence[Column]) -> list[tuple[str, float, float]]:
    """Return (arm, left, right) of the columns that stand under each arm."""
    arms = dict.fromkeys(c.over for c in found if c.over)
    groups = [(arm, [c for c in found if c.over == arm]) for arm in arms]
    return [(arm, g[0].left, g[-1].right) for arm, g in groups]


def _head(sheet: Sheet, column: Column, bottom: float) -> None:
    """Write the head of a column: its name, and under it a remark."""
    step, size = TEXT_LINE * sheet.size, sheet.size
    for i, text in enumerate(reversed(column.heading)):
        name = i == len(column.heading) - 1
        sheet.canvas.text(
            column.anchor,
            bottom - (i + 0.5) * step,
            text,
            size=size if name else size - 1,
            weight="bold" if name else "normal",
            colour=INK if name else MUTED,
            align=column.align,
        )


def axis_block(
    panel: Panel,
    synthesis: Mapping[str, Any],
    place: Layout,
    axis: Axis,
    options: ForestOptions,
    *,
    own: bool,
) -> Block:
    """Return the axis with its texts, and the tests left of it."""
    size = options.font_size
    step = TEXT_LINE * size
    small = size - 0.5
    titles = [
        line
        for text in axis_title(panel.measure, synthesis, own=own)
        for line in wrap(text, small, _room(place))
    ]
    sides = _favours(synthesis, axis, small, place.width - MARGIN) if own else []
    axis_height = 0.9 * size + step * (1 + bool(sides) + len(titles))
    room = place.plot_left - GAP - MARGIN
    beside = room >= _LEAST_ASIDE * size
    width = room if beside else place.width - 2 * MARGIN
    aside = [
        line
        for text in _statistics(panel, options, synthesis)
        for line in wrap(text, small, width)
    ]
    aside_top = 0.5 * size if beside else axis_height + 0.5 * size
    aside_height = TEXT_LINE * small * len(aside)
    height = max(axis_height, aside_top + aside_height) + size

    def draw(canvas: Canvas, top: float) -> None:
        sheet = Sheet(canvas, place, size)
        _axis_line(sheet, axis, top)
        y = top + 0.9 * size + step / 2
        for x, label in axis.ticks(small):
            sheet.canvas.text(x, y, label, size=small, align="center")
        if sides:
            y += step
            for x, text in sides:
                sheet.canvas.text(x, y, text, size=small, weight="bold")
        for text in titles:
            y += step
            centre = (axis.left + axis.right) / 2
            sheet.canvas.text(centre, y, text, size=small, colour=MUTED, align="center")
        for i, text in enumerate(aside):
            middle = top + aside_top + (i + 0.5) * TEXT_LINE * small
            sheet.canvas.text(MARGIN, middle, text, size=small)

    return Block(height, draw)


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


def _favours_texts(synthesis: Mapping[str, Any]) -> tuple[str, str] | None:
    sides = favours(synthesis)
    return None if sides is None else (f"← {sides[0]}", f"{sides[1]} →")


def least_plot(synthesis: Mapping[str, Any], size: float) -> float:
    """Return the width that the texts under the axis need, in points."""
    texts = _favours_texts(synthesis)
    if texts is None:
        return 0.0
    return sum(text_width(t, size, weight="bold") for t in texts) + 2 * size


def side_share(synthesis: Mapping[str, Any], size: float, width: float) -> float:
    """Return the least share of the axis on each side, so that its text has room."""
    texts = _favours_texts(synthesis) or ()
    needed = max((text_width(t, size, weight="bold") for t in texts), default=0.0)
    return min(max(SIDE, (needed + size) / width), _WIDEST_SIDE)


def _favours(
    synthesis: Mapping[str, Any], axis: Axis, size: float, page_right: float
) -> list[tuple[float, str]]:
    """Return (left edge, text) of both directions, each on its side of no effect.

    Where a side is narrow its text may run on: into the gap on the left, under the
    columns on the right, where no text stands below the rows.
    """
    texts = _favours_texts(synthesis)
    if texts is None:
        return []
    low, high = (text_width(t, size, weight="bold") for t in texts)
    middle = axis.place(0.0) if axis.holds(0.0) else (axis.left + axis.right) / 2
    gap = 0.6 * size
    left = min((axis.left + middle - low) / 2, middle - gap - low)
    left = max(left, axis.left - GAP / 2)
    right = max((middle + axis.right - high) / 2, middle + gap, left + low + 2 * gap)
    right = min(right, page_right - high)
    left = min(left, right - 2 * gap - low)
    return [(left, texts[0]), (right, texts[1])]


def _statistics(
    panel: Panel, options: ForestOptions, synthesis: Mapping[str, Any]
) -> list[str]:
    """Return the sentences on heterogeneity and on the overall effect."""
    house = HOUSES[options.layout]
    texts = [heterogeneity(panel, house), overall_test(panel, house)]
    if not any(texts) and panel.trials:
        if not synthesis.get("pooling", True):
            texts.append("Not pooled.")
        elif panel.n_estimable == 1:
            texts.append("One trial with an estimate: not pooled.")
        elif panel.n_estimable == 0:
            texts.append("No trial with an estimate: not pooled.")
    return [t for t in texts if t]


def footnote_blocks(
    found: Sequence[Panel],
    synthesis: Mapping[str, Any],
    place: Layout,
    options: ForestOptions,
) -> list[Block]:
    """Return the notes under the plot."""
    notes = footnotes(found, synthesis, band=_band_text(found, options))
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
