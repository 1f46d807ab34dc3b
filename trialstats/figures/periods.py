"""A crossover by sequence and period, and the difference within each participant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.arms import Look, arms_of, looks_of
from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, shortened, text_width, widest, wrap
from trialstats.figures.individual_profiles import spread
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    flowed,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import BASE_SIZE, HAIRLINE, INK, MUTED, RULE
from trialstats.figures.visits_text import estimate_text, interval_text
from trialstats.formatting import format_level
from trialstats.records import (
    Record,
    distinct,
    find,
    is_synthetic,
    records,
    usual_level,
)
from trialstats.vocabulary import SYNTHETIC

#: Points: least width of the page, height of the panels, between them, least width of a
#: column of differences.
_WIDTH, _HEIGHT, _GAP, _COLUMN = 640.0, 200.0, 34.0, 62.0

_SIZE = BASE_SIZE - 0.5
_STEP = TEXT_LINE * _SIZE

#: Lines of the sequences.
_DASHES: tuple[tuple[float, float] | None, ...] = (None, (5.0, 2.0), (1.5, 1.5))

#: Points of a participant, and how far apart their middles stand.
_DOT, _APART = 4.2, 4.8

#: Nearer than this they touch; a little less than apart, since places round.
_TOUCHING = _APART - 1e-6


@dataclass(frozen=True, slots=True)
class _Column:
    """Differences of one contrast: of a sequence, or the estimate of the model."""

    label: str
    contrast: str
    rows: list[Record]
    estimate: bool


def periods_plot(
    rows: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    title: str,
    subtitle: str = "",
    unit: str,
) -> Figure:
    """Draw means by sequence and period, and the differences within participants.

    Parameters
    ----------
    rows : DataFrame
        Rows of one analysis of a crossover (`rows.ESTIMATES`): ``period_mean`` by
        group and subgroup, ``subject_difference``, ``difference``.
    trial : mapping
        Configuration of the trial, for its sequences and arms.
    title, subtitle : str
        Title of the figure, and what stands under it.
    unit : str
        What the values are, with their unit.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When there are no means by sequence and period.
    """
    listed = records(rows, needs=("row_id", "statistic", "group", "subgroup"))
    means = find(listed, statistic="period_mean")
    if not means:
        raise DataError(
            "there are no means by sequence and period to draw",
            column="statistic",
            remedy="rows of 'period_mean' by group and subgroup",
        )
    looks = looks_of(trial)
    columns = _columns(listed, trial)
    page = max(_WIDTH, 0.5 * _WIDTH + len(columns) * _COLUMN)
    present = [arm for arm in arms_of(trial) if _shown(means, trial, arm)]
    blocks = [
        *title_blocks(title, subtitle, page, synthetic=is_synthetic(listed)),
        _legend(present, looks, page),
        _panels(means, columns, trial, looks, unit, page),
        *_results(columns, page),
        *note_blocks([_note(means, columns)], page),
    ]
    return compose(blocks, page)


def _shown(means: Sequence[Record], trial: Mapping[str, Any], arm: str) -> bool:
    return any(_treatment(r, trial) == arm for r in means)


def _treatment(row: Record, trial: Mapping[str, Any]) -> str:
    return str(trial["sequences"][row["group"]][_number(row) - 1])


def _number(row: Record) -> int:
    return int(str(row["subgroup"]).removeprefix("period "))


def _columns(listed: Sequence[Record], trial: Mapping[str, Any]) -> list[_Column]:
    found = []
    own = find(listed, statistic="subject_difference")
    contrasts = distinct(own, "contrast")
    for contrast in contrasts:
        # Of several contrasts each column says whose it is.
        whose = "" if len(contrasts) == 1 else f": {contrast}"
        for sequence in trial["sequences"]:
            part = find(own, contrast=contrast, group=sequence)
            if part:
                found.append(_Column(f"{sequence}{whose}", contrast, part, False))
        model = [
            r
            for r in find(listed, statistic="difference", contrast=contrast)
            if r["estimate"] is not None
        ]
        if model:
            found.append(_Column(f"Model{whose}", contrast, model[:1], True))
    return found


def _note(means: Sequence[Record], columns: Sequence[_Column]) -> str:
    level = format_level(usual_level(means), "confidence intervals")
    said = [f"Left: observed means with {level}, a line for each sequence."]
    if columns:
        said.append("Right: the difference of each participant, and that of the model.")
    return " ".join(said)


def _legend(arms: Sequence[str], looks: Mapping[str, Look], page: float) -> Block:
    names = [shortened(arm, BASE_SIZE, page - 2 * MARGIN - 12) for arm in arms]
    widths = [8 + text_width(name, BASE_SIZE) for name in names]
    places = flowed(widths, page, left=MARGIN + 4, gap=18.0)

    def draw(canvas: Canvas, top: float) -> None:
        for arm, name, (x, line) in zip(arms, names, places, strict=True):
            middle = top + (line + 0.5) * _STEP
            _mark(canvas, x, middle, looks[arm])
            canvas.text(x + 8, middle, name, size=BASE_SIZE)

    return Block((max(line for _, line in places) + 1) * _STEP + 6, draw)


def _mark(
    canvas: Canvas, x: float, y: float, look: Look, rows: Sequence[str] = ()
) -> None:
    canvas.marker(
        x,
        y,
        look.shape,
        size=6.0,
        colour=look.colour,
        outline=look.colour,
        layer=6.0,
        rows=rows,
    )


def _panels(
    means: Sequence[Record],
    columns: Sequence[_Column],
    trial: Mapping[str, Any],
    looks: Mapping[str, Look],
    unit: str,
    page: float,
) -> Block:
    """Return both panels, each with an axis of its own."""
    left_axis = _upright([v for r in means for v in _ends(r)])
    right_axis = _upright(
        [0.0, *(v for c in columns for r in c.rows for v in _ends(r))]
    )
    names = widest(trial["sequences"], _SIZE) + 10
    start = MARGIN + _labels(left_axis)
    room = page - start - MARGIN - (_GAP + _labels(right_axis) if columns else 0.0)
    width = room - (max(0.45 * room, len(columns) * _COLUMN) if columns else 0.0)
    second = start + width + _GAP + _labels(right_axis)
    step = (page - MARGIN - second) / len(columns) if columns else 0.0
    below = max((len(wrap(c.label, _SIZE, step - 4)) for c in columns), default=1)
    head = 2 * _STEP + 4

    def draw(canvas: Canvas, top: float) -> None:
        bottom = top + head + _HEIGHT
        canvas.text(MARGIN, top + _STEP / 2, unit, size=_SIZE, colour=MUTED)
        y = Axis(left_axis.lower, left_axis.upper, bottom, top + head)
        _frame(canvas, y, start, start + width, "By sequence and period", top)
        _draw_means(canvas, means, trial, looks, y, start, start + width, names)
        if columns:
            y = Axis(right_axis.lower, right_axis.upper, bottom, top + head)
            _frame(
                canvas, y, second, page - MARGIN, "Difference within participants", top
            )
            _draw_differences(canvas, columns, y, second, step)

    return Block(head + _HEIGHT + max(2, below) * _STEP + 16, draw)


def _ends(row: Record) -> list[float]:
    values = (row["estimate"], row["ci_lower"], row["ci_upper"])
    return [float(v) for v in values if v is not None]


def _upright(values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or 1.0
    return Axis(low - room, high + room, _HEIGHT, 0.0)


def _labels(axis: Axis) -> float:
    return widest((t for _, t in axis.ticks(_SIZE, upright=True)), _SIZE) + 10


def _frame(
    canvas: Canvas, y: Axis, left: float, right: float, title: str, top: float
) -> None:
    canvas.text(left, top + 1.5 * _STEP, title, size=_SIZE, weight="bold")
    for place, label in y.ticks(_SIZE, upright=True):
        canvas.line([(left, place), (right, place)], colour=HAIRLINE, width=0.5)
        canvas.text(left - 6, place, label, size=_SIZE, align="right", axis=True)
    canvas.line([(left, y.left), (right, y.left)], colour=INK)


def _draw_means(
    canvas: Canvas,
    means: Sequence[Record],
    trial: Mapping[str, Any],
    looks: Mapping[str, Look],
    y: Axis,
    left: float,
    right: float,
    names: float,
) -> None:
    periods = sorted({_number(r) for r in means})
    inner = right - min(names, 0.45 * (right - left))
    x = Axis(periods[0] - 0.3, periods[-1] + 0.1, left, inner)
    for period in periods:
        place = x.place(period)
        canvas.line([(place, y.left), (place, y.left + 3)], colour=INK)
        text = f"Period {period}"
        canvas.text(place, y.left + 11, text, size=_SIZE, align="center", axis=True)
    ends, at = [], left
    sequences = [s for s in trial["sequences"] if find(means, group=s)]
    for i, sequence in enumerate(sequences):
        own = sorted(find(means, group=sequence), key=_number)
        shift = (i - (len(sequences) - 1) / 2) * 5.0
        points = [(x.place(_number(r)) + shift, y.place(r["estimate"])) for r in own]
        if len(points) > 1:
            canvas.line(points, colour=RULE, width=1.2, dashes=_DASHES[i % 3])
        for point, row in zip(points, own, strict=True):
            look, ids = looks[_treatment(row, trial)], (str(row["row_id"]),)
            if row["ci_lower"] is not None and row["ci_upper"] is not None:
                low, high = y.place(row["ci_lower"]), y.place(row["ci_upper"])
                bar = [(point[0], low), (point[0], high)]
                canvas.line(bar, colour=look.colour, width=1.2, layer=4.0, rows=ids)
            _mark(canvas, *point, look, ids)
        ends.append((points[-1][1], sequence))
        at = max(at, points[-1][0])
    ends.sort()
    names_at = [wrap(sequence, _SIZE, right - at - 8) for _, sequence in ends]
    tall = max(map(len, names_at)) * _STEP
    room = (tall - _STEP) / 2
    levels = [level for level, _ in ends]
    places = spread(levels, tall, y.right + room, y.left - room)
    for place, lines in zip(places, names_at, strict=True):
        first = place - (len(lines) - 1) * _STEP / 2
        for i, line in enumerate(lines):
            canvas.text(at + 8, first + i * _STEP, line, size=_SIZE)


def _draw_differences(
    canvas: Canvas, columns: Sequence[_Column], y: Axis, left: float, step: float
) -> None:
    zero = y.place(0.0)
    canvas.line([(left, zero), (left + len(columns) * step, zero)], colour=INK)
    for i, column in enumerate(columns):
        middle = left + (i + 0.5) * step
        if column.estimate:
            _draw_estimate(canvas, column.rows[0], middle, y)
        else:
            _draw_swarm(canvas, column.rows, middle, step, y)
        for number, line in enumerate(wrap(column.label, _SIZE, step - 4)):
            at = y.left + 11 + number * _STEP
            canvas.text(middle, at, line, size=_SIZE, align="center")


def _draw_estimate(canvas: Canvas, row: Record, x: float, y: Axis) -> None:
    ids = (str(row["row_id"]),)
    if row["ci_lower"] is not None and row["ci_upper"] is not None:
        ends = [(x, y.place(row["ci_lower"])), (x, y.place(row["ci_upper"]))]
        canvas.line(ends, width=1.6, layer=5.0, rows=ids)
    canvas.marker(
        x, y.place(row["estimate"]), "D", size=6.5, colour=INK, outline=INK, rows=ids
    )


def _draw_swarm(
    canvas: Canvas, rows: Sequence[Record], middle: float, step: float, y: Axis
) -> None:
    """Draw a dot for each participant; dots of like size stand side by side."""
    placed: list[tuple[float, float]] = []
    most = max(1, int((step / 2 - _DOT) // _APART))
    shifts = [0, *(s for n in range(1, most + 1) for s in (n, -n))]
    for row in sorted(rows, key=lambda r: (r["estimate"], r["row_id"])):
        level = y.place(row["estimate"])
        free = (
            middle + shift * _APART
            for shift in shifts
            if all(
                max(abs(level - b), abs(middle + shift * _APART - a)) > _TOUCHING
                for a, b in placed
            )
        )
        at = next(free, middle)
        placed.append((at, level))
        canvas.marker(
            at,
            level,
            "o",
            size=_DOT,
            colour=f"{MUTED}90",
            outline=MUTED,
            line_width=0.5,
            rows=(str(row["row_id"]),),
        )


def _results(columns: Sequence[_Column], page: float) -> list[Block]:
    """Return the differences of the model in words, a line each."""
    lines = []
    for column in columns:
        if column.estimate:
            row = column.rows[0]
            text = f"{column.contrast}: {_difference_words(row)}."
            lines += [(t, row) for t in wrap(text, BASE_SIZE, page - 2 * MARGIN)]

    def draw(canvas: Canvas, top: float) -> None:
        for i, (text, row) in enumerate(lines):
            middle = top + (i + 0.5) * TEXT_LINE * BASE_SIZE
            ids = (str(row["row_id"]),)
            canvas.text(MARGIN, middle, text, size=BASE_SIZE, rows=ids)

    return [Block(TEXT_LINE * BASE_SIZE * len(lines) + 6, draw)] if lines else []


def _difference_words(row: Record) -> str:
    interval = interval_text(row)
    level = format_level(row["confidence_level"])
    if not interval:
        return f"difference {estimate_text(row)}"
    return f"difference {estimate_text(row)} ({level} {interval.strip('()')})"


def periods_alt_text(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], title: str
) -> str:
    """Return the means by sequence and period, and the differences."""
    listed = records(rows, needs=("statistic", "group", "subgroup"))
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    means = find(listed, statistic="period_mean")
    parts = []
    for sequence in distinct(means, "group"):
        own = sorted(find(means, group=sequence), key=_number)
        told = ", ".join(f"{_treatment(r, trial)} {estimate_text(r)}" for r in own)
        parts.append(f"{sequence}: {told}")
    ends = []
    for column in _columns(listed, trial):
        if column.estimate:
            own = find(listed, statistic="subject_difference", contrast=column.contrast)
            below = sum(r["estimate"] < 0 for r in own)
            ends.append(
                f" {column.contrast}: {_difference_words(column.rows[0])}; below 0 in "
                f"{below} of {len(own)} participants."
            )
    return f"{start}{title}: observed means. {'; '.join(parts)}.{''.join(ends)}"
