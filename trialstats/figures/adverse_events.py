"""Adverse events by arm, with the risk differences beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.adverse_event_rows import (
    Event,
    adverse_event_alt_text,
    events_of,
)
from trialstats.figures.axis import Axis, limits
from trialstats.figures.canvas import Canvas, widest, wrap
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import (
    BASE_SIZE,
    CONTROL_COLOUR,
    HAIRLINE,
    INK,
    MUTED,
    RULE,
    TREATMENT_COLOURS,
)
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import (
    Record,
    distinct,
    is_synthetic,
    records,
    usual_level,
)

__all__ = ["adverse_event_alt_text", "adverse_event_plot"]

#: Points: the page, the gap between columns, a row, and the least width of a plot, for
#: which the page is made wider.
_WIDTH, _GAP, _ROW, _PLOT = 684.0, 16.0, 17.0, 90.0

_WIDEST_LABEL = 170.0

#: Points that the name of an arm takes at most before it goes over several lines.
_WIDEST_ARM = 84.0

_SHAPES = ("o", "D", "^")


def adverse_event_plot(rows: pd.DataFrame, *, title: str, subtitle: str = "") -> Figure:
    """Draw the share of participants with each event by arm, and the risk differences.

    Parameters
    ----------
    rows : DataFrame
        Rows of an analysis of adverse events (`rows.ESTIMATES`):
        ``subjects_with_event`` by parameter and group with ``n_subjects`` at risk,
        ``risk_difference`` for some parameters.
    title, subtitle : str
        Title of the figure, and what stands under it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When no event was counted.
    """
    listed = records(rows, needs=("statistic", "parameter", "group", "n_subjects"))
    arms, events, left_out = events_of(listed)
    columns = _Columns.of(arms, events)
    level = usual_level(e.difference for e in events if e.difference)
    notes = ["Points: share of participants at risk who had the event at least once."]
    if any(e.difference for e in events):
        shown = distinct([e.difference for e in events if e.difference], "contrast")
        contrasts = ", ".join(map(str, shown))
        words = format_level(level, "confidence interval")
        notes.append(
            f"Risk difference: {contrasts}, {words}; above 0, more "
            "participants with the event under treatment."
        )
    if len(distinct(listed, "contrast")) > 1:
        notes.append("The table has the other comparisons.")
    if left_out:
        notes.append("Rarer terms are not shown; the table lists them.")
    blocks = [
        *title_blocks(title, subtitle, columns.width, synthetic=is_synthetic(listed)),
        _heads(columns, f"points [{format_level(level)}]"),
        _body(columns, events),
        _axes(columns),
        *note_blocks(notes, columns.width),
    ]
    return compose(blocks, columns.width)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where everything stands across the page, in points."""

    arms: list[str]
    label: float
    counts: list[float]
    shares: Axis
    differences: Axis | None
    width: float

    @classmethod
    def of(cls, arms: list[str], events: Sequence[Event]) -> "_Columns":
        """Place the columns of these events."""
        size = BASE_SIZE
        label = min(
            widest((e.label for e in events), size, weight="bold"), _WIDEST_LABEL
        )
        x, counts = MARGIN + label + _GAP, []
        for arm in arms:
            cells = [_cell(e, arm) for e in events] + ["n/N (%)"]
            head = widest(_lines_of(arm), size, weight="bold") + 2 * size
            width = max(widest(cells, size, weight="bold"), head)
            x += width
            counts.append(x)
            x += _GAP
        drawn = [e.difference for e in events if e.difference]
        texts = widest([_difference_text(d) for d in drawn], size, weight="bold")
        plots = 2 * _PLOT + _GAP if drawn else _PLOT
        right = _WIDTH - MARGIN - (texts + _GAP if drawn else 0.0)
        right = max(right, x + plots)
        width = right + MARGIN + (texts + _GAP if drawn else 0.0)
        room = right - x
        end = x + 0.5 * (room - _GAP) if drawn else right
        top = max((_ratio(e, arm) for e in events for arm in e.counts), default=0.0)
        shares = Axis(0.0, max(1.06 * top, 0.05), x + 6, end, percent=True)
        differences = _axis(drawn, end + _GAP, right)
        return cls(arms, label, counts, shares, differences, width)


def _lines_of(arm: str) -> tuple[str, ...]:
    """Return the name of an arm as its head has it, on lines."""
    return wrap(arm, BASE_SIZE, _WIDEST_ARM, weight="bold")


def _axis(drawn: Sequence[Record], left: float, right: float) -> Axis | None:
    if not drawn:
        return None
    intervals = [
        (float(d["ci_lower"]), float(d["ci_upper"]))
        for d in drawn
        if d["ci_lower"] is not None and d["ci_upper"] is not None
    ]
    low, high = limits(intervals, [], [float(d["estimate"]) for d in drawn])
    return Axis(low, high, left, right, percent=True)


def _cell(event: Event, arm: str) -> str:
    if arm not in event.counts:
        return ""
    events, n = event.counts[arm]
    return f"{events:g}/{n:g} ({format_number(100 * events / n, 0)})"


def _difference_text(row: Record) -> str:
    low, high = row["ci_lower"], row["ci_upper"]
    text = format_number(100 * row["estimate"], 1, minus=MINUS)
    if low is None or high is None:
        return text
    ends = [format_number(100 * v, 1, minus=MINUS) for v in (low, high)]
    return f"{text} [{', '.join(ends)}]"


def _colour(columns: _Columns, arm: str) -> str:
    place = columns.arms.index(arm)
    last = place == len(columns.arms) - 1 and place > 0
    return CONTROL_COLOUR if last else TREATMENT_COLOURS[place % len(TREATMENT_COLOURS)]


def _shape(columns: _Columns, arm: str) -> str:
    return _SHAPES[columns.arms.index(arm) % len(_SHAPES)]


def _heads(columns: _Columns, interval: str) -> Block:
    """Return the heads; each arm's head carries its marker, so no legend is needed."""
    size = BASE_SIZE
    step = TEXT_LINE * size
    names = [_lines_of(arm) for arm in columns.arms]
    deepest = max(len(name) for name in names)
    height = (deepest + 1) * step + 8.0

    def draw(canvas: Canvas, top: float) -> None:
        second = top + (deepest + 0.5) * step
        first = second - step
        for arm, lines, right in zip(columns.arms, names, columns.counts, strict=True):
            start = second - len(lines) * step
            for i, line in enumerate(lines):
                y = start + i * step
                canvas.text(right, y, line, size=size, weight="bold", align="right")
            width = widest(lines[:1], size, weight="bold")
            _point(canvas, columns, arm, right - width - 1.1 * size, start)
            canvas.text(
                right, second, "n/N (%)", size=size - 1, colour=MUTED, align="right"
            )
        if columns.differences:
            canvas.text(
                columns.width - MARGIN,
                first,
                "Risk difference,",
                size=size,
                weight="bold",
                align="right",
            )
            canvas.text(
                columns.width - MARGIN,
                second,
                interval,
                size=size - 1,
                colour=MUTED,
                align="right",
            )
        y = top + height - 4
        canvas.line([(MARGIN, y), (columns.width - MARGIN, y)], colour=INK, width=0.9)

    return Block(height, draw)


def _point(
    canvas: Canvas,
    columns: _Columns,
    arm: str,
    x: float,
    y: float,
    rows: Sequence[str] = (),
) -> None:
    colour = _colour(columns, arm)
    size = 6.0 if _shape(columns, arm) == "o" else 5.2
    # The control is hollow, so that a treatment with the same share shows through.
    hollow = colour == CONTROL_COLOUR
    fill = "none" if hollow else colour
    size += 1.2 if hollow else 0.0
    canvas.marker(
        x,
        y,
        _shape(columns, arm),
        size=size,
        colour=fill,
        outline=colour,
        line_width=1.4,
        rows=rows,
    )


def _body(columns: _Columns, events: Sequence[Event]) -> Block:
    size = BASE_SIZE
    texts = [
        wrap(e.label, size, columns.label + 0.5, weight=_weight(e)) for e in events
    ]
    heights = [_ROW + (len(t) - 1) * TEXT_LINE * size for t in texts]
    split = next((i for i, e in enumerate(events) if i and not e.is_summary), 0)
    space = 6.0 if split else 0.0

    def draw(canvas: Canvas, top: float) -> None:
        bottom = top + sum(heights) + space
        _grid(canvas, columns, top, bottom)
        y = top
        for i, (event, text, height) in enumerate(
            zip(events, texts, heights, strict=True)
        ):
            if split and i == split:
                line = y + space / 2
                ends = [(MARGIN, line), (columns.width - MARGIN, line)]
                canvas.line(ends, colour=HAIRLINE, width=0.7)
                y += space
            _row(canvas, columns, event, text, y + height / 2)
            y += height

    return Block(sum(heights) + space, draw)


def _weight(event: Event) -> str:
    return "bold" if event.is_summary else "normal"


def _grid(canvas: Canvas, columns: _Columns, top: float, bottom: float) -> None:
    for x, _ in columns.shares.ticks(BASE_SIZE - 0.5):
        canvas.line([(x, top), (x, bottom)], colour=HAIRLINE, width=0.5, layer=0.5)
    if columns.differences:
        x = columns.differences.place(0.0)
        canvas.line([(x, top), (x, bottom)], colour=INK, width=0.8, layer=1.0)


def _row(
    canvas: Canvas, columns: _Columns, event: Event, text: Sequence[str], y: float
) -> None:
    size, weight = BASE_SIZE, _weight(event)
    first = y - TEXT_LINE * size * (len(text) - 1) / 2
    for i, line in enumerate(text):
        canvas.text(
            MARGIN, first + i * TEXT_LINE * size, line, size=size, weight=weight
        )
    places = []
    for arm, right in zip(columns.arms, columns.counts, strict=True):
        canvas.text(
            right,
            y,
            _cell(event, arm),
            size=size,
            weight=weight,
            align="right",
            rows=_named(event, arm),
        )
        if arm in event.counts:
            places.append((arm, columns.shares.place(_ratio(event, arm))))
    if len(places) > 1:
        ends = sorted(x for _, x in places)
        canvas.line([(ends[0], y), (ends[-1], y)], colour=RULE, width=1.0)
    for arm, x in places:
        _point(canvas, columns, arm, x, y, _named(event, arm))
    if event.difference and columns.differences:
        _difference(canvas, columns.differences, event.difference, y)
        canvas.text(
            columns.width - MARGIN,
            y,
            _difference_text(event.difference),
            size=size,
            weight=weight,
            align="right",
            rows=(str(event.difference["row_id"]),),
        )


def _named(event: Event, arm: str) -> tuple[str, ...]:
    """Return the row of the counts of an arm."""
    return (event.rows[arm],) if arm in event.rows else ()


def _ratio(event: Event, arm: str) -> float:
    events, n = event.counts[arm]
    return events / n


def _difference(canvas: Canvas, axis: Axis, row: Record, y: float) -> None:
    low, high, rows = row["ci_lower"], row["ci_upper"], (str(row["row_id"]),)
    if low is not None and high is not None:
        ends = [axis.place(min(max(v, axis.lower), axis.upper)) for v in (low, high)]
        canvas.line(
            [(ends[0], y), (ends[1], y)], colour=INK, width=1.0, layer=3, rows=rows
        )
    x, half = axis.place(row["estimate"]), 3.0
    side = 2 * half
    canvas.rectangle(x - half, y - half, side, side, colour=INK, layer=4, rows=rows)


def _axes(columns: _Columns) -> Block:
    size = BASE_SIZE - 0.5
    step = TEXT_LINE * size
    titles = [(columns.shares, "With the event, %")]
    if columns.differences:
        titles.append((columns.differences, "Risk difference, points"))
    broken = [
        (axis, wrap(title, size, axis.right - axis.left + 0.8 * _GAP))
        for axis, title in titles
    ]
    tallest = max(len(texts) for _, texts in broken)

    def draw(canvas: Canvas, top: float) -> None:
        for axis, texts in broken:
            canvas.line([(axis.left, top), (axis.right, top)], colour=INK, width=0.8)
            for x, label in axis.ticks(size):
                canvas.line([(x, top), (x, top + 3.5)], colour=INK, width=0.8)
                canvas.text(
                    x, top + 8 + step / 2, label, size=size, align="center", axis=True
                )
            for i, line in enumerate(texts):
                canvas.text(
                    (axis.left + axis.right) / 2,
                    top + 8 + (i + 1.6) * step,
                    line,
                    size=size,
                    colour=MUTED,
                    align="center",
                )

    return Block(8 + (1.6 + tallest) * step, draw)
