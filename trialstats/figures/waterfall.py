"""A bar for each participant, sorted by size: who got better and by how much."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from trialstats.errors import DataError
from trialstats.figures.arms import arms_of, legend, looks_of
from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, font_of, widest
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.participant_records import MOST_LABELS, Value
from trialstats.figures.theme import BASE_SIZE, HAIRLINE, INK, MUTED, printable
from trialstats.formatting import MINUS, format_number
from trialstats.vocabulary import SYNTHETIC

#: Points: the page, the bars.
_WIDTH, _HEIGHT = 600.0, 220.0

#: Share of its place that a bar fills, and points that a label needs beside the next.
_FILLED, _LABEL = 0.82, 8.5


def waterfall_plot(
    values: Sequence[Value],
    *,
    trial: Mapping[str, Any],
    title: str,
    subtitle: str = "",
    unit: str,
    lines: Sequence[float] = (),
    notes: Sequence[str] = (),
) -> Figure:
    """Draw one bar a participant, the highest value first.

    Parameters
    ----------
    values : sequence of Value
        One of each participant; of a crossover one of each period.
    trial : mapping
        Configuration of the trial, for the arms.
    title, subtitle : str
        Title of the figure, and what stands under it.
    unit : str
        What the values are, with their unit.
    lines : sequence of float
        Values at which a line crosses the bars.
    notes : sequence of str
        What stands below.

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
    arms, looks = arms_of(trial), looks_of(trial)
    present = [arm for arm in arms if any(v.arm == arm for v in values)]
    synthetic = trial["data_status"] == "synthetic"
    said = ["One bar a participant, sorted by size."]
    if trial["design"] == "crossover":
        said = ["One bar a participant and period, sorted by size."]
    if lines:
        said.append("Dashed lines: the values marked on the right.")
    blocks = [
        *title_blocks(title, subtitle, _WIDTH, synthetic=synthetic),
        legend(looks, present, _WIDTH, filled=True),
        _bars(_sorted(values, arms), {a: looks[a].colour for a in arms}, unit, lines),
        *note_blocks([" ".join([*said, *notes])], _WIDTH),
    ]
    return compose(blocks, _WIDTH)


def _sorted(values: Sequence[Value], arms: Sequence[str]) -> list[Value]:
    """Return the values from the highest; equal ones by arm and participant."""
    return sorted(
        values, key=lambda v: (-v.value, arms.index(v.arm), v.subject, v.period or 0)
    )


def _bars(
    values: Sequence[Value],
    colours: Mapping[str, str],
    unit: str,
    lines: Sequence[float],
) -> Block:
    size = BASE_SIZE - 0.5
    ends = [0.0, *(v.value for v in values), *lines]
    low, high = min(ends), max(ends)
    room = 0.04 * (high - low) or 1.0
    upright = Axis(low - room, high + room, _HEIGHT, 0.0)
    ticks = upright.ticks(size, upright=True)
    left = MARGIN + widest((label for _, label in ticks), size) + 8
    marked = [_number(line) for line in lines]
    right = _WIDTH - MARGIN - (widest(marked, size) + 8 if lines else 0.0)
    step = (right - left) / len(values)
    labelled = len(values) <= MOST_LABELS and step >= _LABEL
    names = [v.subject for v in values] if labelled else []
    below = widest(names, size - 1.5) + 6 if labelled else 0.0
    head = TEXT_LINE * size + 6

    def draw(canvas: Canvas, top: float) -> None:
        canvas.text(MARGIN, top + head / 2 - 3, unit, size=size, colour=MUTED)
        y = Axis(upright.lower, upright.upper, top + head + _HEIGHT, top + head)
        for place, label in y.ticks(size, upright=True):
            canvas.line([(left, place), (right, place)], colour=HAIRLINE, width=0.5)
            canvas.text(left - 6, place, label, size=size, align="right", axis=True)
        for i, value in enumerate(values):
            x = left + i * step + step * (1 - _FILLED) / 2
            ends = sorted((y.place(0.0), y.place(value.value)))
            height = max(ends[1] - ends[0], 0.6)
            colour = colours[value.arm]
            width = step * _FILLED
            ids = (value.row,)
            canvas.rectangle(x, ends[0], width, height, colour=colour, rows=ids)
        zero = y.place(0.0)
        canvas.line([(left, zero), (right, zero)], colour=INK, layer=4.0)
        edge = float("-inf")
        for line in sorted(lines, reverse=True):
            place = y.place(line)
            across = [(left, place), (right, place)]
            canvas.line(across, width=0.9, dashes=(4.0, 2.0), layer=4.5)
            # Lines close to each other have their numbers one under the other.
            edge = max(place, edge + TEXT_LINE * size)
            canvas.text(right + 6, edge, _number(line), size=size, axis=True)
        for i, name in enumerate(names):
            upright_text(canvas, left + (i + 0.5) * step, y.left + 3, name, size - 1.5)

    return Block(head + _HEIGHT + below + 8, draw)


def _number(value: float) -> str:
    digits = next((d for d in range(6) if abs(round(value, d) - value) < 1e-9), 6)
    return format_number(value, digits, minus=MINUS)


def upright_text(canvas: Canvas, x: float, top: float, text: str, size: float) -> None:
    """Write a line that runs upwards and ends at `top`."""
    written = Text(
        x,
        top,
        printable(text),
        color=INK,
        rotation=90,
        verticalalignment="top",
        horizontalalignment="center",
        fontproperties=font_of(size),
        parse_math=False,
        clip_on=False,
    )
    canvas.figure.axes[0].add_artist(written)


def waterfall_alt_text(
    values: Sequence[Value],
    *,
    trial: Mapping[str, Any],
    title: str,
    better: str | None,
    change: bool = True,
) -> str:
    """Return how many got better by arm, and the range of the values.

    Parameters
    ----------
    values, trial, title
        As for `waterfall_plot`.
    better : {"lower", "higher"} or None
        Which direction is better; None when it is not known.
    change : bool
        Whether the values are changes, which have a direction.
    """
    start = f"{SYNTHETIC}. " if trial["data_status"] == "synthetic" else ""
    word = "rose" if better is None else "improved"
    parts = []
    for arm in arms_of(trial):
        own = [v.value for v in values if v.arm == arm]
        if own:
            good = sum(v < 0 if better == "lower" else v > 0 for v in own)
            of = f"{good} of {len(own)} {word}" if change else f"{len(own)} values"
            parts.append(f"{arm}: {of}, {_short(min(own))} to {_short(max(own))}")
    return f"{start}{title}: {'; '.join(parts)}."


def _short(value: float) -> str:
    return format_number(value, 1, minus=MINUS)
