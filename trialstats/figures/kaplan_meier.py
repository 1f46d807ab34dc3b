"""Kaplan-Meier curves with those at risk, medians, hazard ratios and the log-rank test.

Everything printed and drawn stands in rows of one analysis of a time to an event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.arms import Look, arms_of, draw_sample, looks_of
from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, shortened, text_width, widest
from trialstats.figures.kaplan_meier_text import (
    result_lines,
    summary_cells,
)
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import BASE_SIZE, HAIRLINE, INK, MUTED
from trialstats.formatting import format_level, format_number
from trialstats.records import Record, find, is_synthetic, one, records, usual_level
from trialstats.vocabulary import time_of

#: Points: the page, the curves, the widest name of an arm beside those at risk.
_WIDTH, _HEIGHT, _WIDEST_NAME = 600.0, 220.0, 150.0

#: Between columns, a mark of censoring, the line before the name of an arm.
_GAP, _TICK, _SAMPLE = 14.0, 5.0, 22.0


@dataclass(frozen=True, slots=True)
class _Curve:
    """The rows of one arm."""

    arm: str
    look: Look
    steps: list[Record]
    censored: list[Record]
    at_risk: list[Record]


def kaplan_meier_plot(
    rows: pd.DataFrame,
    *,
    trial: Mapping[str, Any],
    title: str,
    subtitle: str = "",
    band: bool = False,
) -> Figure:
    """Draw the curves of one analysis of a time to an event.

    Parameters
    ----------
    rows : DataFrame
        Its rows, schema `ESTIMATES`: ``survival_step``, ``curve_censored`` and
        ``n_at_risk`` by group, ``median_time``, ``hazard_ratio``, ``log_rank_test``.
    trial : mapping
        Configuration of the trial, for the arms.
    title, subtitle : str
        Title of the figure, and what stands under it.
    band : bool
        Whether the pointwise intervals are drawn too.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When there is no curve.
    """
    listed = records(rows, needs=("row_id", "statistic", "group", "subgroup"))
    curves = _curves(listed, trial)
    notes = [_note(listed, curves, band)]
    blocks = [
        *title_blocks(title, subtitle, _WIDTH, synthetic=is_synthetic(listed)),
        _summary(listed, curves),
        _panel(curves, band),
        _results(listed),
        *note_blocks(notes, _WIDTH),
    ]
    return compose(blocks, _WIDTH)


def _curves(listed: Sequence[Record], trial: Mapping[str, Any]) -> list[_Curve]:
    looks = looks_of(trial)
    found = []
    for arm in arms_of(trial):
        own = find(listed, group=arm)
        steps = find(own, statistic="survival_step")
        if steps:
            found.append(
                _Curve(
                    arm,
                    looks[arm],
                    steps,
                    find(own, statistic="curve_censored"),
                    find(own, statistic="n_at_risk"),
                )
            )
    if not found:
        raise DataError(
            "there is no survival curve to draw",
            column="statistic",
            remedy="rows of 'survival_step' by group",
        )
    return found


def _note(listed: Sequence[Record], curves: Sequence[_Curve], band: bool) -> str:
    said = ["Vertical marks: participants censored."]
    level = usual_level(find(listed, statistic="survival_step"))
    if band:
        said.append(f"Bands: pointwise {format_level(level, 'confidence intervals')}.")
    if any("distinct times have rows" in c.steps[0]["method"] for c in curves):
        said.append("Long curves are drawn at evenly chosen times.")
    method = str(curves[0].steps[0]["method"]).split("; n_subjects", 1)[0]
    return f"{method}. {' '.join(said)}"


def _summary(listed: Sequence[Record], curves: Sequence[_Curve]) -> Block:
    """Return the table above the curves, which is their legend too."""
    size, sample = BASE_SIZE, _SAMPLE - 4
    level = usual_level(find(listed, statistic="median_time"))
    heads = ["Participants", "With the event", "Censored"]
    heads.append(f"Median, {_unit(curves)} ({format_level(level)})")
    cells = [summary_cells(find(listed, group=curve.arm)) for curve in curves]
    widths = [
        max(text_width(head, size), widest((c[i].text for c in cells), size))
        for i, head in enumerate(heads)
    ]
    rights: list[float] = []
    right = _WIDTH - MARGIN
    for width in reversed(widths):
        rights.insert(0, right)
        right -= width + _GAP
    name_room = right - MARGIN - sample - 4
    step = TEXT_LINE * size + 1

    def draw(canvas: Canvas, top: float) -> None:
        y = top + step / 2
        for head, x in zip(heads, rights, strict=True):
            canvas.text(x, y, head, size=size, colour=MUTED, align="right")
        for curve, texts in zip(curves, cells, strict=True):
            y += step
            draw_sample(canvas, curve.look, MARGIN, y, sample)
            name = shortened(curve.arm, size, name_room)
            canvas.text(MARGIN + sample + 4, y, name, size=size)
            for cell, x in zip(texts, rights, strict=True):
                canvas.text(x, y, cell.text, size=size, align="right", rows=cell.rows)

    return Block(step * (len(curves) + 1) + 8, draw)


def _panel(curves: Sequence[_Curve], band: bool) -> Block:
    """Return the curves, their axes, and the numbers at risk under the ticks."""
    size = BASE_SIZE - 0.5
    step = TEXT_LINE * size + 1
    names = {c.arm: shortened(c.arm, size, _WIDEST_NAME) for c in curves}
    gutter = _SAMPLE + max(widest(names.values(), size), text_width("100", size)) + 12
    last = max(time_of(c.steps[-1]["subgroup"]) for c in curves)
    ticks = _ticks(curves)
    end = max([last, *(time for time, _ in ticks)]) or 1.0
    half = widest((_risk_text(r) for c in curves for r in c.at_risk), size) / 2
    x = Axis(0.0, end, MARGIN + gutter + half, _WIDTH - MARGIN - half)
    ticks = _spaced(ticks, x, size, 2 * half)
    title = step + 4
    height = title + _HEIGHT + 2.6 * step + step * (len(curves) + 1) + 6

    def draw(canvas: Canvas, top: float) -> None:
        y = Axis(0.0, 1.0, top + title + _HEIGHT, top + title, percent=True)
        canvas.text(
            MARGIN, top + step / 2, "Without the event, %", size=size, colour=MUTED
        )
        _grid(canvas, x, y, ticks, size, _unit(curves))
        for curve in curves:
            if band:
                _draw_band(canvas, curve, x, y)
        for curve in curves:
            _draw_curve(canvas, curve, x, y)
        _draw_risk(canvas, curves, names, ticks, x, y.left + 2.6 * step, size)

    return Block(height, draw)


def _unit(curves: Sequence[_Curve]) -> str:
    return str(curves[0].steps[0]["subgroup"]).split(" ", 1)[1]


def _ticks(curves: Sequence[_Curve]) -> list[tuple[float, str]]:
    """Return the times at which those at risk are counted, with the label's number."""
    labels = dict.fromkeys(r["subgroup"] for c in curves for r in c.at_risk)
    return sorted((time_of(label), label) for label in labels)


def _spaced(
    ticks: Sequence[tuple[float, str]], x: Axis, size: float, least: float
) -> list[tuple[float, str]]:
    """Return the ticks whose label and numbers keep clear of those before."""
    kept: list[tuple[float, str]] = []
    edge = float("-inf")
    for time, label in ticks:
        half = max(text_width(label.split(" ", 1)[0], size), least) / 2
        place = x.place(time)
        if place - half >= edge:
            kept.append((time, label))
            edge = place + half + 4
    return kept


def _grid(
    canvas: Canvas,
    x: Axis,
    y: Axis,
    ticks: Sequence[tuple[float, str]],
    size: float,
    unit: str,
) -> None:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = y.place(share)
        label = format_number(100 * share, 0)
        colour, width = (INK, 0.8) if share == 0 else (HAIRLINE, 0.5)
        ends = [(x.left, level), (x.right, level)]
        canvas.line(ends, colour=colour, width=width, layer=1.0)
        canvas.text(x.left - 12, level, label, size=size, align="right", axis=True)
    for time, label in ticks:
        place = x.place(time)
        canvas.line([(place, y.left), (place, y.left + 3.5)], colour=INK)
        number = label.split(" ", 1)[0]
        canvas.text(place, y.left + 10, number, size=size, align="center", axis=True)
    middle = (x.left + x.right) / 2
    below = y.left + 10 + TEXT_LINE * size
    canvas.text(
        middle, below, f"Time ({unit})", size=size, colour=MUTED, align="center"
    )


def _draw_curve(canvas: Canvas, curve: _Curve, x: Axis, y: Axis) -> None:
    points: list[Point] = [(x.place(0.0), y.place(1.0))]
    levels: dict[str, Point] = {}
    for step in curve.steps:
        place = x.place(time_of(step["subgroup"]))
        points.append((place, points[-1][1]))
        points.append((place, y.place(step["estimate"])))
        levels[step["subgroup"]] = points[-1]
    canvas.line(
        points,
        colour=curve.look.colour,
        width=1.5,
        dashes=curve.look.dashes,
        layer=4.0,
        rows=[str(s["row_id"]) for s in curve.steps],
    )
    for mark in curve.censored:
        place, level = levels[mark["subgroup"]]
        ends = [(place, level - _TICK / 2), (place, level + _TICK / 2)]
        canvas.line(
            ends,
            colour=curve.look.colour,
            width=0.9,
            layer=5.0,
            rows=(str(mark["row_id"]),),
        )


def _draw_band(canvas: Canvas, curve: _Curve, x: Axis, y: Axis) -> None:
    """Draw the pointwise intervals as far as the curve has them."""
    upper: list[Point] = [(x.place(0.0), y.place(1.0))]
    lower: list[Point] = [(x.place(0.0), y.place(1.0))]
    for step in curve.steps:
        place = x.place(time_of(step["subgroup"]))
        for edge, name in ((upper, "ci_upper"), (lower, "ci_lower")):
            edge.append((place, edge[-1][1]))
            if step[name] is not None:
                edge.append((place, y.place(step[name])))
        if step["ci_upper"] is None:
            break
    canvas.polygon(
        [*upper, *reversed(lower)],
        colour=curve.look.pale,
        layer=2.5,
        rows=[str(s["row_id"]) for s in curve.steps],
    )


def _draw_risk(
    canvas: Canvas,
    curves: Sequence[_Curve],
    names: Mapping[str, str],
    ticks: Sequence[tuple[float, str]],
    x: Axis,
    top: float,
    size: float,
) -> None:
    step = TEXT_LINE * size + 1
    middle = top + step / 2
    canvas.text(MARGIN, middle, "At risk", size=size, colour=MUTED)
    for curve in curves:
        middle += step
        # Names may be cut: the line tells them apart.
        draw_sample(canvas, curve.look, MARGIN, middle, _SAMPLE - 4)
        canvas.text(MARGIN + _SAMPLE, middle, names[curve.arm], size=size)
        for time, label in ticks:
            row = one(curve.at_risk, subgroup=label)
            if row is not None:
                canvas.text(
                    x.place(time),
                    middle,
                    _risk_text(row),
                    size=size,
                    align="center",
                    rows=(str(row["row_id"]),),
                )


def _risk_text(row: Record) -> str:
    return format_number(row["estimate"], 0)


def _results(listed: Sequence[Record]) -> Block:
    """Return the hazard ratios and the log-rank test, a line each."""
    size = BASE_SIZE
    step = TEXT_LINE * size
    lines = result_lines(listed, size, _WIDTH - 2 * MARGIN)

    def draw(canvas: Canvas, top: float) -> None:
        for i, line in enumerate(lines):
            middle = top + (i + 0.5) * step
            canvas.text(MARGIN, middle, line.text, size=size, rows=line.rows)

    return Block(step * len(lines) + 6, draw)
