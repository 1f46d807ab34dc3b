"""A line for each participant over the visits, a panel for each arm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.arms import Look, arms_of, looks_of
from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, text_width, widest, wrap
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.participant_records import MOST_LABELS, Value
from trialstats.figures.theme import BASE_SIZE, HAIRLINE, INK, MUTED, RULE
from trialstats.figures.visits_text import by_visit
from trialstats.formatting import MINUS, format_number
from trialstats.records import Record, find, records
from trialstats.vocabulary import SYNTHETIC, numbered

#: Points: the page, a panel, between panels.
_WIDTH, _HEIGHT, _GAP = 640.0, 190.0, 18.0

#: Panels in one row.
_ACROSS = 3

#: Points from one label of a participant to the next.
_LABEL_STEP = 7.5

_SIZE = BASE_SIZE - 0.5


@dataclass(frozen=True, slots=True)
class _Visits:
    """The visits with their numbers, labels and the word that labels share."""

    at: dict[float, str]
    title: str

    @property
    def ends(self) -> tuple[float, float]:
        """First and last number, apart even where there is one visit."""
        low, high = min(self.at), max(self.at)
        return (low, high) if low < high else (low - 1, high + 1)


def individual_profiles(
    values: Sequence[Value],
    means: pd.DataFrame | None = None,
    *,
    trial: Mapping[str, Any],
    title: str,
    subtitle: str = "",
    unit: str,
    lines: Sequence[float] = (),
) -> Figure:
    """Draw one line a participant, and the least-squares means over them.

    Parameters
    ----------
    values : sequence of Value
        As `participant_records.values_of` returns them.
    means : DataFrame, optional
        Rows of an analysis by visit, schema `ESTIMATES`, with ``ls_mean``.
    trial : mapping
        Configuration of the trial, for the arms.
    title, subtitle : str
        Title of the figure, and what stands under it.
    unit : str
        What the values are, with their unit.
    lines : sequence of float
        Values at which a line crosses the panels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When there is no value.
    """
    if not values:
        raise DataError("there is no value of a participant to draw", column="AVAL")
    arms = [arm for arm in arms_of(trial) if any(v.arm == arm for v in values)]
    looks, visits = looks_of(trial), _visits(values)
    drawn = [] if means is None else by_visit(records(means))
    ends = [v.value for v in values] + [float(r["estimate"]) for r in drawn]
    span = max([*ends, *lines]) - min([*ends, *lines]) or 1.0
    low, high = min([*ends, *lines]), max([*ends, *lines])
    upright = Axis(low - 0.04 * span, high + 0.04 * span, _HEIGHT, 0.0)
    subjects = {v.subject for v in values}
    labelled = len(subjects) <= MOST_LABELS and all(
        len({v.line for v in values if v.arm == arm}) * _LABEL_STEP <= _HEIGHT
        for arm in arms
    )
    panels = [
        _Panel(
            arm,
            looks[arm],
            [v for v in values if v.arm == arm],
            find(drawn, group=arm),
            labelled,
        )
        for arm in arms
    ]
    blocks = title_blocks(
        title, subtitle, _WIDTH, synthetic=trial["data_status"] == "synthetic"
    )
    rows = [panels[i : i + _ACROSS] for i in range(0, len(panels), _ACROSS)]
    across = min(len(panels), _ACROSS)
    blocks += [_row(row, across, upright, visits, unit, lines) for row in rows]
    blocks += note_blocks([_note(trial, drawn)], _WIDTH)
    return compose(blocks, _WIDTH)


@dataclass(frozen=True, slots=True)
class _Panel:
    """What one panel shows."""

    arm: str
    look: Look
    values: list[Value]
    means: list[Record]
    labelled: bool


def _note(trial: Mapping[str, Any], means: Sequence[Record]) -> str:
    whose = (
        "participant and period" if trial["design"] == "crossover" else "participant"
    )
    said = f"Thin lines: observed values, one line a {whose}."
    if means:
        said += " Thick line: least-squares means of the model."
    return said


def _visits(values: Sequence[Value]) -> _Visits:
    names = {v.number: v.visit for v in sorted(values, key=lambda v: v.number)}
    shared = numbered(name for number, name in names.items() if number > 0)
    if shared is None or [n for n in names if n < 0]:
        return _Visits(names, "")
    word, numbers = shared
    after = [number for number in names if number > 0]
    if [f"{number:g}" for number in after] != numbers:
        return _Visits(names, "")
    return _Visits({number: f"{number:g}" for number in names}, word)


def _row(
    panels: Sequence[_Panel],
    across: int,
    upright: Axis,
    visits: _Visits,
    unit: str,
    lines: Sequence[float],
) -> Block:
    """Return panels beside each other with one vertical axis."""
    left = (
        MARGIN + widest((t for _, t in upright.ticks(_SIZE, upright=True)), _SIZE) + 8
    )
    width = (_WIDTH - MARGIN - left - (across - 1) * _GAP) / across
    step = TEXT_LINE * _SIZE
    names = [wrap(panel.arm, _SIZE, width, weight="bold") for panel in panels]
    head = (1 + max(map(len, names))) * step + 4

    def draw(canvas: Canvas, top: float) -> None:
        canvas.text(MARGIN, top + step / 2, unit, size=_SIZE, colour=MUTED)
        y = Axis(upright.lower, upright.upper, top + head + _HEIGHT, top + head)
        for place, label in y.ticks(_SIZE, upright=True):
            canvas.text(left - 6, place, label, size=_SIZE, align="right", axis=True)
        for i, panel in enumerate(panels):
            start = left + i * (width + _GAP)
            for number, line in enumerate(names[i]):
                at = top + (number + 1.5) * step
                canvas.text(start, at, line, size=_SIZE, weight="bold")
            _draw_panel(canvas, panel, visits, start, start + width, y, lines)

    return Block(head + _HEIGHT + 2 * step + 14, draw)


def _draw_panel(
    canvas: Canvas,
    panel: _Panel,
    visits: _Visits,
    left: float,
    right: float,
    y: Axis,
    lines: Sequence[float],
) -> None:
    names = widest((v.subject for v in panel.values), _SIZE - 2) + 8
    start = right - names + 4
    end = right - names if panel.labelled else right
    for place, _ in y.ticks(_SIZE, upright=True):
        canvas.line([(left, place), (end, place)], colour=HAIRLINE, width=0.5)
    for line in lines:
        ends = [(left, y.place(line)), (end, y.place(line))]
        canvas.line(ends, width=0.8, dashes=(4.0, 2.0))
    edge = max(5.0, widest(list(visits.at.values())[-1:], _SIZE) / 2)
    x = Axis(*visits.ends, left + 5, end - edge)
    _draw_axis(canvas, visits, x, left, end, y.left)
    ends_of_lines = []
    for _, own in groupby(panel.values, key=lambda v: v.line):
        line_of = sorted(own, key=lambda v: v.number)
        points = [(x.place(v.number), y.place(v.value)) for v in line_of]
        colour, ids = f"{panel.look.colour}80", [v.row for v in line_of]
        if len(points) > 1:
            canvas.line(points, colour=colour, width=0.7, layer=3.0, rows=ids)
        else:
            canvas.markers(
                points, "o", size=2.4, colour=colour, outline="none", rows=ids
            )
        ends_of_lines.append((points[-1][1], line_of[-1].subject, points[-1][0]))
    if panel.labelled:
        _draw_labels(canvas, sorted(ends_of_lines), start, y)
    _draw_means(canvas, panel, x, y, {v.visit: v.number for v in panel.values})


def _draw_axis(
    canvas: Canvas, visits: _Visits, x: Axis, left: float, right: float, y: float
) -> None:
    canvas.line([(left, y), (right, y)], colour=INK)
    edge = -math.inf
    for number, label in visits.at.items():
        place = x.place(number)
        canvas.line([(place, y), (place, y + 3)], colour=INK)
        half = text_width(label, _SIZE) / 2
        at = min(max(place, left + half), right - half)
        if at - half >= edge:
            canvas.text(at, y + 10, label, size=_SIZE, align="center", axis=True)
            edge = at + half + 4
    middle = (x.left + x.right) / 2
    below = y + 10 + TEXT_LINE * _SIZE
    canvas.text(middle, below, visits.title, size=_SIZE, colour=MUTED, align="center")


def _draw_labels(
    canvas: Canvas, ends: Sequence[tuple[float, str, float]], left: float, y: Axis
) -> None:
    """Write participants at the ends of their lines, pushed apart where they crowd."""
    edges = y.right + _LABEL_STEP / 2, y.left - _LABEL_STEP / 2
    places = spread([level for level, _, _ in ends], _LABEL_STEP, *edges)
    for place, (level, subject, x) in zip(places, ends, strict=True):
        corners = [(x + 1, level), (left - 2, place)]
        canvas.line(corners, colour=RULE, width=0.35, layer=1.5)
        canvas.text(left, place, subject, size=_SIZE - 2, colour=MUTED)


def spread(
    levels: Sequence[float], step: float, top: float, bottom: float
) -> list[float]:
    """Return places in the order of the levels, a step apart, between two edges.

    Levels that crowd are shifted together, as little as their mean allows.

    >>> spread([10.0, 11.0, 40.0], 5.0, 0.0, 42.0)
    [8.0, 13.0, 40.0]
    >>> spread([39.0, 40.0], 5.0, 0.0, 40.0)
    [35.0, 40.0]
    """
    blocks: list[list[float]] = []
    for level in levels:
        blocks.append([level])
        while len(blocks) > 1:
            before = _first_place(blocks[-2], step, top, bottom)
            after = _first_place(blocks[-1], step, top, bottom)
            if before + len(blocks[-2]) * step <= after:
                break
            blocks[-2:] = [[*blocks[-2], *blocks[-1]]]
    return [
        _first_place(block, step, top, bottom) + i * step
        for block in blocks
        for i in range(len(block))
    ]


def _first_place(
    block: Sequence[float], step: float, top: float, bottom: float
) -> float:
    """Return where the first of some crowded levels stands, all around their mean."""
    reach = (len(block) - 1) * step
    middle = sum(block) / len(block)
    return max(top, min(middle - reach / 2, bottom - reach))


def _draw_means(
    canvas: Canvas,
    panel: _Panel,
    x: Axis,
    y: Axis,
    numbers: Mapping[str, float],
) -> None:
    found = sorted(
        ((numbers[r["visit"]], r) for r in panel.means if r["visit"] in numbers),
        key=lambda pair: pair[0],
    )
    points = [(x.place(n), y.place(float(r["estimate"]))) for n, r in found]
    if len(points) > 1:
        canvas.line(points, colour="#ffffff", width=3.6, layer=5.0)
        canvas.line(points, colour=panel.look.colour, width=2.2, layer=5.5)
    for point, (_, row) in zip(points, found, strict=True):
        canvas.marker(
            *point,
            "o",
            size=5.5,
            colour="#ffffff",
            outline=panel.look.colour,
            line_width=1.6,
            layer=6.0,
            rows=(str(row["row_id"]),),
        )


def individual_profiles_alt_text(
    values: Sequence[Value], *, trial: Mapping[str, Any], title: str, better: str | None
) -> str:
    """Return how many participants each arm has, and how many got better."""
    start = f"{SYNTHETIC}. " if trial["data_status"] == "synthetic" else ""
    parts = []
    for arm in arms_of(trial):
        own = [v for v in values if v.arm == arm]
        if own:
            lines = [
                [v.value for v in sorted(part, key=lambda v: v.number)]
                for _, part in groupby(own, key=lambda v: v.line)
            ]
            long = [line for line in lines if len(line) > 1]
            down = sum(line[-1] < line[0] for line in long)
            up = sum(line[-1] > line[0] for line in long)
            low, high = (
                format_number(f(v.value for v in own), 1, minus=MINUS)
                for f in (min, max)
            )
            parts.append(f"{arm}: {len(lines)} lines, values {low} to {high}")
            if long:
                parts[-1] += f", {down} end lower than they begin and {up} higher"
    tail = f" {better.capitalize()} is better." if better else ""
    return f"{start}{title}: {'; '.join(parts)}.{tail}"
