"""PRISMA 2020 flow diagrams: how records became the trials of a synthesis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.canvas import Canvas, wrap
from trialstats.figures.flow_boxes import (
    Line,
    draw_box,
    draw_side_arrow,
    draw_stage,
    height_of,
    stage_height,
)
from trialstats.figures.pages import MARGIN, Block, compose, note_blocks, text_block
from trialstats.figures.pages import title_blocks as titles
from trialstats.figures.theme import BASE_SIZE, INK
from trialstats.formatting import format_number
from trialstats.records import Record, find, records
from trialstats.version import __version__
from trialstats.vocabulary import upper_first

#: Points: width of a box, across between boxes, and down between them.
_BOX, _ACROSS, _DOWN = 200.0, 22.0, 16.0

_NOTHING = "No flow of records: the synthesis has no `prisma` in its configuration."

#: Places of a level from left to right: records of databases and registers, what leaves
#: them, records of other methods, what leaves those.
_COLUMNS = ("main", "aside", "other", "other_aside")

_SOURCES = {"databases": "Databases", "registers": "Registers"}


@dataclass(frozen=True, slots=True)
class _Level:
    """Boxes side by side, by column, and the stage that begins with them."""

    boxes: Mapping[str, Sequence[Line]]
    stage: str = ""


def prisma_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw the PRISMA 2020 flow diagram of a synthesis.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`, with those of ``prisma_...``.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year; not used.

    Returns
    -------
    matplotlib.figure.Figure
        With a column of its own for records found by other methods.

    References
    ----------
    Page MJ, McKenzie JE, Bossuyt PM, et al. The PRISMA 2020 statement: an updated
    guideline for reporting systematic reviews. BMJ 2021;372:n71.
    """
    listed = records(rows)
    levels = _levels(listed)
    shown = [c for c in _COLUMNS if any(level.boxes.get(c) for level in levels)]
    width = 2 * MARGIN + max(len(shown), 2) * (_BOX + _ACROSS) - _ACROSS
    title = str(synthesis.get("title") or synthesis.get("synthesis") or "Synthesis")
    below = "Flow of records through the review, PRISMA 2020"
    blocks = titles(title, below, width)
    if levels:
        blocks.append(_diagram(levels, width))
    else:
        texts = wrap(_NOTHING, BASE_SIZE, width - 2 * MARGIN)
        blocks.append(text_block(texts, BASE_SIZE, after=BASE_SIZE))
    blocks += note_blocks([f"Software: trialstats {__version__}."], width)
    return compose(blocks, width)


def prisma_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return the flow of records in a sentence."""
    listed = records(rows)
    title = synthesis.get("title") or synthesis.get("synthesis") or "Synthesis"
    found = find(listed, statistic="prisma_identified")
    if not found:
        return f"Flow diagram. {title}: {_NOTHING}"
    sources = " and ".join(f"{_n(r)} from {r['group']}" for r in found)
    parts = [f"records identified {sources}"]
    for key, words in (
        ("screened", "screened"),
        ("assessed", "reports assessed"),
    ):
        row = _one(listed, f"prisma_{key}")
        if row is not None:
            parts.append(f"{_n(row)} {words}")
    for row in find(listed, statistic="prisma_included", group="studies"):
        parts.append(f"{_n(row)} studies included")
    return f"Flow diagram. {title}: {'; '.join(parts)}."


def _one(listed: Sequence[Record], statistic: str) -> Record | None:
    return next(iter(find(listed, statistic=statistic)), None)


def _n(row: Record) -> str:
    return format_number(row["estimate"], 0)


def _said(words: str, row: Record | None, *, indent: int = 0) -> list[Line]:
    """Return a statement with its count, none where there is no row."""
    if row is None:
        return []
    return [Line(f"{words} (n = {_n(row)})", (str(row["row_id"]),), indent)]


def _levels(listed: Sequence[Record]) -> list[_Level]:
    """Return the levels of the diagram from top to bottom; none without a flow."""
    if not find(listed, statistic="prisma_identified"):
        return []

    def of(key: str, words: str) -> list[Line]:
        return _said(words, _one(listed, key))

    def each(key: str, head: str) -> list[Line]:
        found = find(listed, statistic=key)
        lines = [line for row in found for line in _said(_group(row), row, indent=1)]
        return [Line(head), *lines] if lines else []

    removed = [
        line
        for key, words in (
            ("duplicates", "Duplicates"),
            ("ineligible_by_automation", "Marked as ineligible by automation tools"),
            ("removed_for_other_reasons", "Other reasons"),
        )
        for line in _said(words, _one(listed, f"prisma_{key}"), indent=1)
    ]
    levels = [
        _Level(
            {
                "main": each("prisma_identified", "Records identified from:"),
                "aside": [Line("Records removed before screening:"), *removed]
                if removed
                else [],
                "other": each(
                    "prisma_other_identified", "Records identified by other methods:"
                ),
            },
            "Identification",
        ),
        _Level(
            {
                "main": of("prisma_screened", "Records screened"),
                "aside": of("prisma_excluded", "Records excluded"),
            },
            "Screening",
        ),
    ]
    for key, words, gone in (
        ("sought", "Reports sought for retrieval", "not_retrieved"),
        ("assessed", "Reports assessed for eligibility", "excluded_reports"),
    ):
        boxes = {}
        for start, main, aside in (
            ("prisma", "main", "aside"),
            ("prisma_other", "other", "other_aside"),
        ):
            boxes[main] = of(f"{start}_{key}", words)
            boxes[aside] = (
                of(f"{start}_{gone}", "Reports not retrieved")
                if gone == "not_retrieved"
                else each(f"{start}_{gone}", "Reports excluded:")
            )
        levels.append(_Level(boxes))
    new = " new" if find(listed, statistic="prisma_previous") else ""
    levels.append(
        _Level(
            {"main": _included(listed, "prisma_included", f"{new} ")},
            "Included",
        )
    )
    if new:
        levels.append(
            _Level(
                {
                    "main": _included(listed, "prisma_total", " all "),
                    "aside": [
                        Line("Previous version of the review:"),
                        *_included(listed, "prisma_previous", " "),
                    ],
                }
            )
        )
    return levels


def _group(row: Record) -> str:
    return _SOURCES.get(str(row["group"]), upper_first(str(row["group"])))


def _included(listed: Sequence[Record], key: str, which: str) -> list[Line]:
    words = {
        "prisma_included": f"{which.strip()} studies included in the review".strip(),
        "prisma_total": "studies included in the review in total",
        "prisma_previous": "studies included",
    }[key]
    reports = {
        "prisma_included": f"reports of{which}included studies",
        "prisma_total": "reports of all included studies",
        "prisma_previous": "reports of these studies",
    }[key]
    lines: list[Line] = []
    for unit, text in (("studies", words), ("reports", reports)):
        row = next(iter(find(listed, statistic=key, group=unit)), None)
        lines += _said(upper_first(text), row)
    return lines


def _diagram(levels: Sequence[_Level], width: float) -> Block:
    """Return the boxes under one another, with arrows along the flow."""
    lefts = {c: MARGIN + i * (_BOX + _ACROSS) for i, c in enumerate(_COLUMNS)}
    heights = [
        max(height_of(lines, _BOX) for lines in level.boxes.values() if lines)
        for level in levels
    ]
    stages = [stage_height() + 8.0 if level.stage else 0.0 for level in levels]
    tops, y = [], 0.0
    for height, stage in zip(heights, stages, strict=True):
        tops.append(y + stage)
        y += stage + height + _DOWN

    def draw(canvas: Canvas, top: float) -> None:
        last: dict[str, float] = {}
        for level, height, start, stage in zip(
            levels, heights, tops, stages, strict=True
        ):
            at = top + start
            if level.stage:
                draw_stage(canvas, level.stage, MARGIN, at - stage, width - 2 * MARGIN)
            for column, lines in level.boxes.items():
                if not lines:
                    continue
                own = height if column in ("main", "other") else height_of(lines, _BOX)
                draw_box(canvas, lines, lefts[column], at, _BOX, own)
                if column in ("main", "other"):
                    if column in last:
                        _down(canvas, lefts[column] + _BOX / 2, last[column], at)
                    last[column] = at + height
            _across(canvas, level, lefts, at)
            if level.stage == "Included" and "other" in last:
                x, middle = lefts["other"] + _BOX / 2, at + height / 2
                _down(canvas, x, last["other"], middle, line_only=True)
                _to_left(canvas, lefts["main"] + _BOX, x, middle)

    return Block(y, draw)


def _across(
    canvas: Canvas, level: _Level, lefts: Mapping[str, float], top: float
) -> None:
    """Draw the arrows between the boxes of a level."""
    for main, aside in (("main", "aside"), ("other", "other_aside")):
        if not (level.boxes.get(main) and level.boxes.get(aside)):
            continue
        middle = top + height_of(level.boxes[aside], _BOX) / 2
        start, end = lefts[main] + _BOX, lefts[aside]
        if level.boxes[aside][0].text.startswith("Previous"):
            _to_left(canvas, start, end, middle)
        else:
            draw_side_arrow(canvas, start, end, middle)


def _down(
    canvas: Canvas, x: float, top: float, bottom: float, *, line_only: bool = False
) -> None:
    """Draw an arrow down, over the bands of the stages."""
    tip = 0.0 if line_only else 4.0
    end = bottom - tip
    canvas.line([(x, top), (x, end)], colour=INK, width=0.8, layer=2.5)
    if tip:
        canvas.polygon(
            [(x - tip / 2, end), (x + tip / 2, end), (x, bottom)], colour=INK
        )


def _to_left(canvas: Canvas, left: float, right: float, y: float) -> None:
    """Draw an arrow to the left."""
    tip = 4.0
    canvas.line([(left + tip, y), (right, y)], colour=INK, width=0.8)
    points = [(left + tip, y - tip / 2), (left + tip, y + tip / 2), (left, y)]
    canvas.polygon(points, colour=INK)
