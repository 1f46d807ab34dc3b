"""The account of the cleaning: what became of every row received."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.canvas import Canvas, text_width, widest
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    title_blocks,
)
from trialstats.figures.theme import BASE_SIZE, INK, POOLED, PREDICTION
from trialstats.records import Record, records

#: Points.
_WIDTH, _GAP, _ROW, _BAR = 540.0, 16.0, 21.0, 11.0

#: A fate that befell any row stays visible.
_LEAST_BAR = 2.0

#: Column -> (head, colour).
_FATES = {
    "kept": ("kept", "#c3cfde"),
    "changed": ("changed", POOLED),
    "set_aside": ("set aside", PREDICTION),
}


def account_plot(
    frame: pd.DataFrame, *, title: str, subtitle: str = "", synthetic: bool = False
) -> Figure:
    """Draw, for every source, the rows kept, changed and set aside.

    Parameters
    ----------
    frame : DataFrame
        Columns source, kept, changed, set_aside: counts of rows.
    title, subtitle : str
        Title of the figure, and what stands under it.
    synthetic : bool
        Whether the data are synthetic.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When a column is missing, or there is no source.
    """
    sources = records(frame, needs=("source", *_FATES))
    if not sources:
        raise DataError("the account holds no source", remedy="one row a source")
    total = {name: sum(int(s[name]) for s in sources) for name in _FATES}
    blocks = [
        *title_blocks(title, subtitle, _WIDTH, synthetic=synthetic),
        _table(sources, total),
        *note_blocks(["Bars: share of the rows received from each source."], _WIDTH),
    ]
    return compose(blocks, _WIDTH)


def account_alt_text(frame: pd.DataFrame, *, title: str) -> str:
    """Return what became of the rows, in one sentence."""
    sources = records(frame, needs=("source", *_FATES))
    counts = {name: sum(int(s[name]) for s in sources) for name in _FATES}
    told = ", ".join(f"{counts[name]} {head}" for name, (head, _) in _FATES.items())
    received = sum(counts.values())
    return f"{title}: of {received} rows received from {len(sources)} sources, {told}."


def _table(sources: Sequence[Record], total: dict[str, int]) -> Block:
    size = BASE_SIZE
    step = TEXT_LINE * size
    lines = [
        *((str(s["source"]).replace("_", " "), s) for s in sources),
        ("All sources", total),
    ]
    heads = ["received", *(head for head, _ in _FATES.values())]
    label = widest((name for name, _ in lines), size, weight="bold")
    widths = [max(widest([h], size, weight="bold") + 14, 40.0) for h in heads]
    right = _WIDTH - MARGIN
    rights = [right - sum(widths[i + 1 :]) - _GAP * (3 - i) for i in range(4)]
    bar_left = MARGIN + label + _GAP
    bar_right = rights[0] - widths[0] - _GAP
    top_of_rows = step + 8.0

    def draw(canvas: Canvas, top: float) -> None:
        for x, head in zip(rights, heads, strict=True):
            middle = top + step / 2
            canvas.text(x, middle, head, size=size, weight="bold", align="right")
        for x, (head, colour) in zip(rights[1:], _FATES.values(), strict=True):
            swatch = x - text_width(head, size, weight="bold") - 11
            canvas.rectangle(swatch, top + step / 2 - 3.5, 7, 7, colour=colour)
        y = top + step + 4
        canvas.line([(MARGIN, y), (right, y)], colour=INK, width=0.9)
        for i, (name, counts) in enumerate(lines):
            middle = top + top_of_rows + (i + 0.5) * _ROW
            weight = "bold" if counts is total else "normal"
            numbers = [int(counts[fate]) for fate in _FATES]
            canvas.text(MARGIN, middle, name, size=size, weight=weight)
            for x, number in zip(rights, [sum(numbers), *numbers], strict=True):
                canvas.text(
                    x, middle, str(number), size=size, weight=weight, align="right"
                )
            _bar(canvas, numbers, bar_left, bar_right, middle)

    return Block(top_of_rows + _ROW * len(lines) + 6, draw)


def _bar(
    canvas: Canvas, numbers: Sequence[int], left: float, right: float, y: float
) -> None:
    """Draw one bar; what is widened to stay visible is taken from the longest part."""
    received = sum(numbers)
    if not received:
        return
    widths = [(right - left) * n / received for n in numbers]
    shown = [
        max(w, _LEAST_BAR) if n else 0.0 for w, n in zip(widths, numbers, strict=True)
    ]
    longest = shown.index(max(shown))
    shown[longest] -= sum(shown) - (right - left)
    x = left
    for width, (_, colour) in zip(shown, _FATES.values(), strict=True):
        if width:
            canvas.rectangle(x, y - _BAR / 2, width, _BAR, colour=colour)
        x += width
