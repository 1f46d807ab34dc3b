"""The flow of participants through a trial, as CONSORT 2025 draws it.

Every number is that of a row. Boxes of one stage are as high as the highest; the
diagram grows with the number of groups, so that nothing overlaps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.canvas import Canvas
from trialstats.figures.flow_boxes import (
    Line,
    draw_arrow,
    draw_box,
    draw_side_arrow,
    draw_stage,
    height_of,
    stage_height,
    width_of,
)
from trialstats.figures.flow_lines import (
    Stage,
    enrolment,
    groups_of,
    stages_of,
)
from trialstats.figures.pages import (
    MARGIN,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import INK
from trialstats.records import Record, is_synthetic, records
from trialstats.vocabulary import SYNTHETIC, sentence_list

#: Points: least width of the page; a box at most and at least; between boxes; an arrow.
_WIDTH, _WIDEST, _NARROWEST, _GAP, _ARROW = 560.0, 300.0, 150.0, 12.0, 18.0

_STATISTICS = (
    *("count", "flow_count", "flow_analysed", "flow_excluded"),
    "n_with_data",
)

_NOTE = (
    "Counts are of the participants in the data; who was assessed and left no record "
    "is not known to them."
)


def flow_plot(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], title: str, subtitle: str = ""
) -> Figure:
    """Draw the flow of participants, by arm or by sequence of a crossover.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`: those of ``disposition``, and
        ``flow_analysed``, ``flow_excluded`` and ``n_with_data`` of its analyses.
    trial : mapping
        Its configuration.
    title, subtitle : str
        Title of the figure, and what stands under it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When nobody was counted.
    """
    listed = _needed(rows)
    stages = stages_of(listed, trial)
    n = len(groups_of(trial))
    room = max(_WIDTH, 2 * MARGIN + n * _NARROWEST + (n - 1) * _GAP)
    box = min(_WIDEST, (room - 2 * MARGIN - (n - 1) * _GAP) / n)
    blocks = [
        *title_blocks(title, subtitle, room, synthetic=is_synthetic(listed)),
        _enrolment(enrolment(listed), _lefts(n, box, room), box, room),
        *_stages(stages, _lefts(n, box, room), box, room),
        *note_blocks([_NOTE], room),
    ]
    return compose(blocks, room)


def _needed(rows: pd.DataFrame) -> list[Record]:
    # A trial has thousands of rows; few are counts of participants.
    kept = rows["statistic"].isin(_STATISTICS) if "statistic" in rows else slice(None)
    needs = ("row_id", "statistic", "group", "parameter")
    listed = records(rows.loc[kept], needs=needs)
    if not any(r["statistic"] == "flow_count" or _randomised(r) for r in listed):
        raise DataError(
            "there is no count of participants to draw",
            column="statistic",
            remedy="rows of the analysis 'disposition'",
        )
    return listed


def _randomised(row: Record) -> bool:
    return bool(row["parameter"] == "randomised" and row["statistic"] == "count")


def _lefts(n: int, box: float, room: float) -> list[float]:
    """Return the left edges of the boxes of a stage, centred on the page."""
    first = (room - n * box - (n - 1) * _GAP) / 2
    return [first + i * (box + _GAP) for i in range(n)]


def _enrolment(
    boxes: tuple[list[Line], list[Line], list[Line]],
    lefts: Sequence[float],
    box: float,
    room: float,
) -> Block:
    """Return the top of the diagram down to the branches."""
    enrolled, aside, randomised = boxes
    width = max(width_of(enrolled), width_of(randomised), 120.0)
    left, middle = (room - width) / 2, room / 2
    # Those not randomised stand to the right of the arrow between the two boxes.
    beside = middle + _GAP + 8
    side_width = min(width_of(aside), room - MARGIN - beside)
    heights = [height_of(part, width) if part else 0.0 for part in boxes]
    side = height_of(aside, side_width) if aside else 0.0
    first = heights[0] + (2 * _ARROW + side if enrolled else 0.0)
    total = stage_height() + 6 + first + heights[2] + _ARROW + 6

    def draw(canvas: Canvas, top: float) -> None:
        draw_stage(canvas, "Enrolment", MARGIN, top, room - 2 * MARGIN)
        y = top + stage_height() + 6
        if enrolled:
            draw_box(canvas, enrolled, left, y, width, heights[0])
            draw_arrow(canvas, middle, y + heights[0], y + first)
            if aside:
                at = y + heights[0] + _ARROW
                draw_side_arrow(canvas, middle, beside, at + side / 2)
                draw_box(canvas, aside, beside, at, side_width, side)
        y += first
        draw_box(canvas, randomised, left, y, width, heights[2])
        y += heights[2]
        _branches(canvas, [x + box / 2 for x in lefts], middle, y, top + total)

    return Block(total, draw)


def _branches(
    canvas: Canvas, centres: Sequence[float], middle: float, top: float, bottom: float
) -> None:
    """Draw the line from the randomised to each group, which arrows take on."""
    level = (top + bottom) / 2
    canvas.line([(middle, top), (middle, level)], colour=INK)
    ends = [min([middle, *centres]), max([middle, *centres])]
    if ends[0] < ends[1]:
        canvas.line([(ends[0], level), (ends[1], level)], colour=INK)
    for x in centres:
        draw_arrow(canvas, x, level, bottom, line_only=True)


def _stages(
    stages: Sequence[Stage], lefts: Sequence[float], box: float, room: float
) -> list[Block]:
    end = len(stages) - 1
    return [
        _stage(stage, lefts, box, room, first=i == 0, last=i == end)
        for i, stage in enumerate(stages)
    ]


def _stage(
    stage: Stage,
    lefts: Sequence[float],
    box: float,
    room: float,
    *,
    first: bool,
    last: bool,
) -> Block:
    """Return one stage: its name on a band, and a box for each group below it."""
    name, boxes = stage
    height = max(height_of(lines, box) for lines in boxes if lines)
    # The arrows come from the boxes above and end at these.
    before = 0.0 if first else 8.0
    head = before + stage_height() + 10.0

    def draw(canvas: Canvas, top: float) -> None:
        draw_stage(canvas, name, MARGIN, top + before, room - 2 * MARGIN)
        for left, lines in zip(lefts, boxes, strict=True):
            draw_arrow(
                canvas,
                left + box / 2,
                top,
                top + head + (0.0 if lines else height),
                line_only=not lines,
            )
            if lines:
                draw_box(canvas, lines, left, top + head, box, height)

    return Block(head + height + (8.0 if last else 0.0), draw)


def flow_alt_text(rows: pd.DataFrame, *, trial: Mapping[str, Any], title: str) -> str:
    """Return how many were randomised, finished and analysed, by group."""
    listed = _needed(rows)
    start = f"{SYNTHETIC}. " if is_synthetic(listed) else ""
    top = [line.text for part in enrolment(listed) for line in part if not line.indent]
    stages = stages_of(listed, trial)
    said = []
    for i, group in enumerate(groups_of(trial)):
        lines = [
            line.text
            for _, boxes in stages
            for line in boxes[i]
            if line.rows and not line.indent
        ]
        said.append(f"{group}: {'; '.join(lines)}.")
    return f"{start}{title}. {sentence_list(top)}. {' '.join(said)}"
