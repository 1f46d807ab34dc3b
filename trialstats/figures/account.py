"""The account of the cleaning: from the rows received to the rows used."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from trialstats.cleaning_rows import RECEIVED, USED
from trialstats.errors import DataError
from trialstats.figures.canvas import Canvas, shortened, text_width, widest
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import BASE_SIZE, INK, MUTED, POOLED, PREDICTION
from trialstats.records import Record, distinct, find, identified, records

#: Points.
_WIDTH, _GAP, _ROW, _BAR = 620.0, 16.0, 21.0, 11.0

#: The line of a step is lower, its label further in and no wider than this.
_STEP_ROW, _STEP_BAR, _INDENT, _LABEL = 16.0, 5.0, 12.0, 230.0

#: A fate that befell any row stays visible.
_LEAST_BAR = 2.0

_KEPT_COLOUR, _OUT_COLOUR = "#c3cfde", "#dfe5ec"

#: Heads of the columns of numbers, with the colour of the bar where it has one.
_HEADS: tuple[tuple[str, str | None], ...] = (
    ("rows in", None),
    ("set aside", PREDICTION),
    ("rows out", _KEPT_COLOUR),
    ("of these changed", POOLED),
)

#: Steps of a source that have a line of their own; further ones share a last line.
MOST_STEPS = 6

#: Columns of a frame of steps.
_NEEDS = (*("source", "rule", "reason", "n_in", "n_set_aside", "n_out", "n_changed"),)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the figure: a source, a step of it, or all sources."""

    label: str
    n_in: int
    n_set_aside: int
    changed: int | None
    received: int
    steps: tuple[Record, ...] = ()
    step: bool = False
    total: bool = False

    @property
    def n_out(self) -> int:
        return self.n_in - self.n_set_aside

    @property
    def height(self) -> float:
        return _STEP_ROW if self.step else _ROW

    @property
    def cells(self) -> tuple[tuple[int | None, tuple[str, ...]], ...]:
        """The counts, each with the steps that it stands in or is the sum of."""
        first, last, every = (
            tuple(str(s["row_id"]) for s in self.steps if self.step or s["rule"] in of)
            for of in ((RECEIVED,), (USED,), {s["rule"] for s in self.steps})
        )
        if self.step:
            first, last = first[:1], last[-1:]
        return (
            (self.n_in, first),
            (self.n_set_aside, every),
            (self.n_out, last),
            (self.changed, last),
        )


def account_plot(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    synthetic: bool = False,
    trial: str = "",
) -> Figure:
    """Draw, for every source, the way from the rows received to the rows used.

    Parameters
    ----------
    frame : DataFrame
        Schema `cleaning_rows.STEPS`.
    title, subtitle : str
        Title of the figure, and what stands under it.
    synthetic : bool
        Whether the data are synthetic.
    trial : str
        Name of the trial in the ``row_id`` of its steps.

    Returns
    -------
    matplotlib.figure.Figure
        A line for each source and, below it, for each rule that set rows aside: the
        rows in, set aside and out, and a bar that shortens from step to step.

    Raises
    ------
    DataError
        When a column is missing, or there is no source.
    """
    records(frame, needs=_NEEDS)
    listed = identified(frame, "steps", trial)
    if not listed:
        raise DataError("the account holds no source", remedy="one row a step")
    lines = [line for part in _by_source(listed) for line in _lines(part)]
    notes = [
        "Rows in are rows set aside and rows out in every line; a step begins with "
        "what the step above left. Bars: share of the rows received from each source."
    ]
    blocks = [
        *title_blocks(title, subtitle, _WIDTH, synthetic=synthetic),
        _table([*lines, _total(lines)]),
        *note_blocks(notes, _WIDTH),
    ]
    return compose(blocks, _WIDTH)


def account_alt_text(frame: pd.DataFrame, *, title: str) -> str:
    """Return what became of the rows of every source, with all numbers."""
    records(frame, needs=_NEEDS)
    parts = _by_source(identified(frame, "steps"))
    lines = [line for part in parts for line in _lines(part)]
    total = _total(lines)
    told = [_in_words(part) for part in parts]
    return (
        f"{title}: of {total.n_in} rows received from {len(parts)} sources, "
        f"{total.n_set_aside} were set aside and {total.n_out} are used, "
        f"{total.changed} of them with a changed value. {' '.join(told)}"
    )


def _by_source(listed: Sequence[Record]) -> list[list[Record]]:
    return [find(listed, source=name) for name in distinct(listed, "source")]


def _lines(steps: Sequence[Record]) -> list[_Line]:
    """Return the line of a source, and one for each of its steps."""
    received = int(steps[0]["n_in"])
    used = steps[-1]
    aside = [step for step in steps if step["rule"] not in (RECEIVED, USED)]
    lines = [
        _Line(
            label=str(steps[0]["source"]).replace("_", " "),
            n_in=received,
            n_set_aside=received - int(used["n_out"]),
            changed=int(used["n_changed"] or 0),
            received=received,
            steps=tuple(steps),
        )
    ]
    named = aside if len(aside) <= MOST_STEPS else aside[: MOST_STEPS - 1]
    for step in named:
        lines.append(
            _Line(
                label=_label(step),
                n_in=int(step["n_in"]),
                n_set_aside=int(step["n_set_aside"]),
                changed=None,
                received=received,
                steps=(step,),
                step=True,
            )
        )
    rest = aside[len(named) :]
    if rest:
        lines.append(
            _Line(
                label=f"{len(rest)} further reasons",
                n_in=int(rest[0]["n_in"]),
                n_set_aside=sum(int(step["n_set_aside"]) for step in rest),
                changed=None,
                received=received,
                steps=tuple(rest),
                step=True,
            )
        )
    return lines


def _label(step: Record) -> str:
    """Return the reason of a step where it says more than the rule."""
    if step["rule"] == "set aside by the configuration" and step["reason"]:
        return str(step["reason"])
    return str(step["rule"])


def _total(lines: Sequence[_Line]) -> _Line:
    sources = [line for line in lines if not line.step]
    received = sum(line.n_in for line in sources)
    return _Line(
        label="All sources",
        n_in=received,
        n_set_aside=sum(line.n_set_aside for line in sources),
        changed=sum(line.changed or 0 for line in sources),
        received=received,
        steps=tuple(step for line in sources for step in line.steps),
        total=True,
    )


def _in_words(steps: Sequence[Record]) -> str:
    source, *asides = _lines(steps)
    told = "".join(f", {line.n_set_aside} set aside ({line.label})" for line in asides)
    return (
        f"{source.label}: {source.n_in} received{told}, {source.n_out} used, "
        f"{source.changed} changed."
    )


def _table(lines: Sequence[_Line]) -> Block:
    size = BASE_SIZE
    step = TEXT_LINE * size
    widths = [
        max(widest([head], size, weight="bold") + (14 if colour else 2), 40.0)
        for head, colour in _HEADS
    ]
    label = max(
        widest((x.label for x in lines if not x.step), size, weight="bold"),
        min(_INDENT + widest((x.label for x in lines if x.step), size - 1), _LABEL),
    )
    right = _WIDTH - MARGIN
    last = len(_HEADS) - 1
    rights = [right - sum(widths[i + 1 :]) - _GAP * (last - i) for i in range(last + 1)]
    bar = (MARGIN + label + _GAP, rights[0] - widths[0] - _GAP)
    top_of_rows = step + 8.0

    def draw(canvas: Canvas, top: float) -> None:
        for x, (head, colour) in zip(rights, _HEADS, strict=True):
            middle = top + step / 2
            canvas.text(x, middle, head, size=size, weight="bold", align="right")
            if colour:
                swatch = x - text_width(head, size, weight="bold") - 11
                canvas.rectangle(swatch, middle - 3.5, 7, 7, colour=colour)
        y = top + step + 4
        canvas.line([(MARGIN, y), (right, y)], colour=INK, width=0.9)
        y = top + top_of_rows
        for line in lines:
            _draw_line(canvas, line, y + line.height / 2, rights, bar)
            y += line.height

    return Block(top_of_rows + sum(line.height for line in lines) + 6, draw)


def _draw_line(
    canvas: Canvas,
    line: _Line,
    middle: float,
    rights: Sequence[float],
    bar: tuple[float, float],
) -> None:
    size = BASE_SIZE - 1 if line.step else BASE_SIZE
    colour = MUTED if line.step else INK
    weight = "bold" if line.total else "normal"
    indent = _INDENT if line.step else 0.0
    label = line.label
    if line.step:
        label = shortened(label, size, bar[0] - _GAP - MARGIN - indent)
    # A label that counts steps names them.
    counted = line.step and len(line.steps) > 1
    canvas.text(
        MARGIN + indent,
        middle,
        label,
        size=size,
        weight=weight,
        colour=colour,
        rows=[str(step["row_id"]) for step in line.steps] if counted else (),
    )
    for x, (count, rows) in zip(rights, line.cells, strict=True):
        written = "" if count is None else str(count)
        canvas.text(
            x,
            middle,
            written,
            size=size,
            weight=weight,
            colour=colour,
            align="right",
            rows=rows,
        )
    if line.step:
        parts = [(line.n_out, _OUT_COLOUR), (line.n_set_aside, PREDICTION)]
        _bar(canvas, parts, line.received, bar, middle, _STEP_BAR)
        return
    changed = line.changed or 0
    parts = [
        (line.n_out - changed, _KEPT_COLOUR),
        (changed, POOLED),
        (line.n_set_aside, PREDICTION),
    ]
    _bar(canvas, parts, line.received, bar, middle, _BAR)


def _bar(
    canvas: Canvas,
    parts: Sequence[tuple[int, str]],
    received: int,
    ends: tuple[float, float],
    y: float,
    height: float,
) -> None:
    """Draw one bar; what is widened to stay visible is taken from the longest part."""
    left, right = ends
    whole = sum(number for number, _ in parts)
    if not whole:
        return
    widths = [(right - left) * number / received for number, _ in parts]
    shown = [
        max(width, _LEAST_BAR) if number else 0.0
        for width, (number, _) in zip(widths, parts, strict=True)
    ]
    longest = shown.index(max(shown))
    shown[longest] -= sum(shown) - max(sum(widths), _LEAST_BAR)
    x = left
    for width, (_, colour) in zip(shown, parts, strict=True):
        if width > 0:
            canvas.rectangle(x, y - height / 2, width, height, colour=colour)
        x += width
