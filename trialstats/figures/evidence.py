"""The evidence map: which trials exist for each condition, and what they offer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd
from matplotlib.figure import Figure

from trialstats.errors import DataError
from trialstats.figures.canvas import Canvas, widest, wrap
from trialstats.figures.forest_lines import row_ids
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
    HAIRLINE,
    INK,
    MUTED,
    PAPER,
    POOLED,
    RULE,
)
from trialstats.formatting import format_number
from trialstats.records import Record, identified, records
from trialstats.vocabulary import upper_first

#: Points.
_WIDTH, _GAP, _ROW = 720.0, 12.0, 17.5
_COLUMN, _SMALL = 62.0, BASE_SIZE - 1.5

#: Widths, in points, of the longest condition and trial before they break.
_WIDEST_CONDITION, _WIDEST_TRIAL = 110.0, 165.0

_COLUMNS = (
    "group",
    "condition_group",
    "label",
    "design_class",
    "n",
    "offers",
    "reason",
)

#: What a trial offers -> fill of its mark; the darker, the more.
OFFERS = {
    "pooled": POOLED,
    "usable alone": "#5b8db8",
    "context only": "#cfdae6",
    "no usable number": PAPER,
}

#: Kind of design -> mark.
_MARKS = {
    "randomised parallel": "o",
    "randomised crossover": "D",
    "crossover, randomisation not stated": "v",
    "crossover, not randomised": "^",
    "uncontrolled": "s",
}
_OTHER_MARK = "P"

#: Width in points of the mark of a trial of 100, and of one whose size is not known.
_HUNDRED, _UNKNOWN = 11.0, 4.5


@dataclass(frozen=True, slots=True)
class _Columns:
    """Left edges and widths, in points."""

    condition: float
    trial: float
    n_right: float
    offers: dict[str, float]
    reason: float


def evidence_map_plot(
    evidence: pd.DataFrame, *, title: str = "Evidence map", subtitle: str = ""
) -> Figure:
    """Draw the evidence map: trials by condition against what they offer.

    Parameters
    ----------
    evidence : DataFrame
        Columns group, condition_group, label, design_class, n, offers, reason; in the
        order in which they are shown. Trials with one group stand together.
    title, subtitle : str
        Title of the figure, and what stands under it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        When a column is missing, there is no trial, or an offer is not known.
    """
    trials = _trials(evidence)
    columns = _columns(trials)
    blocks = [*title_blocks(title, subtitle, _WIDTH), _heads(columns)]
    for group, members in groupby(trials, key=lambda r: r["group"]):
        blocks += _group(str(group), list(members), columns)
    blocks += [_legend(trials), *note_blocks(_notes(trials), _WIDTH)]
    return compose(blocks, _WIDTH)


def evidence_map_alt_text(
    evidence: pd.DataFrame, *, title: str = "Evidence map"
) -> str:
    """Return how many trials each group has and what they offer, in one sentence."""
    parts = []
    for group, members in groupby(_trials(evidence), key=lambda r: r["group"]):
        listed = list(members)
        told = ", ".join(
            f"{sum(r['offers'] == offer for r in listed)} {offer}"
            for offer in OFFERS
            if any(r["offers"] == offer for r in listed)
        )
        plural = "" if len(listed) == 1 else "s"
        parts.append(f"{group}, {len(listed)} trial{plural} ({told})")
    return f"{title}: {'; '.join(parts)}."


def _trials(evidence: pd.DataFrame) -> list[Record]:
    records(evidence, needs=_COLUMNS)
    trials = identified(evidence, "evidence_map")
    if not trials:
        raise DataError("the evidence map holds no trial", remedy="one row a trial")
    for i, trial in enumerate(trials):
        if trial["offers"] not in OFFERS:
            raise DataError(
                "what the trial offers is not known",
                row=i,
                column="offers",
                value=trial["offers"],
                remedy=f"write one of {', '.join(OFFERS)}",
            )
    return trials


def _columns(trials: Sequence[Record]) -> _Columns:
    size = BASE_SIZE
    conditions = widest((upper_first(str(t["condition_group"])) for t in trials), size)
    labels = widest((str(t["label"]) for t in trials), size)
    trial = MARGIN + min(conditions, _WIDEST_CONDITION) + _GAP
    n_right = trial + min(labels, _WIDEST_TRIAL) + _GAP + 20
    first = n_right + _GAP + _COLUMN / 2
    offers = {offer: first + i * _COLUMN for i, offer in enumerate(OFFERS)}
    return _Columns(MARGIN, trial, n_right, offers, first + 3.5 * _COLUMN + _GAP)


def _heads(columns: _Columns) -> Block:
    size = BASE_SIZE
    step = TEXT_LINE * size
    names = {o: wrap(upper_first(o), size, _COLUMN - 4, weight="bold") for o in OFFERS}
    tallest = max(len(n) for n in names.values())
    height = tallest * step + 8.0

    def draw(canvas: Canvas, top: float) -> None:
        bottom = top + tallest * step - step / 2
        for x, text in ((columns.condition, "Condition"), (columns.trial, "Trial")):
            canvas.text(x, bottom, text, size=size, weight="bold")
        canvas.text(
            columns.n_right, bottom, "n", size=size, weight="bold", align="right"
        )
        canvas.text(
            columns.reason, bottom, "Why no number enters", size=size, weight="bold"
        )
        for offer, lines in names.items():
            for i, text in enumerate(lines):
                y = bottom - (len(lines) - 1 - i) * step
                x = columns.offers[offer]
                canvas.text(x, y, text, size=size, weight="bold", align="center")
        y = top + height - 4
        canvas.line([(MARGIN, y), (_WIDTH - MARGIN, y)], colour=INK, width=0.9)

    return Block(height, draw)


def _group(name: str, members: Sequence[Record], columns: _Columns) -> list[Block]:
    size = BASE_SIZE
    heading_height = 1.9 * size

    def heading(canvas: Canvas, top: float) -> None:
        y = top + heading_height / 2 + 2
        canvas.text(MARGIN, y, upper_first(name), size=size + 0.5, weight="bold")

    blocks = [Block(heading_height + 2, heading)]
    previous = None
    for trial in members:
        condition = trial["condition_group"]
        blocks.append(_row(trial, columns, named=condition != previous))
        previous = condition
    blocks.append(Block(3.0, lambda canvas, top: None))
    return blocks


def _row(trial: Record, columns: _Columns, *, named: bool) -> Block:
    size = BASE_SIZE
    condition = upper_first(str(trial["condition_group"])) if named else ""
    conditions = wrap(condition, size, columns.trial - columns.condition - _GAP + 0.5)
    labels = wrap(str(trial["label"]), size, columns.n_right - columns.trial - 20)
    reason = first_sentence(str(trial["reason"] or ""))
    reasons = wrap(reason, _SMALL, _WIDTH - MARGIN - columns.reason)
    extra = max(len(conditions), len(labels), len(reasons), 1) - 1
    height = _ROW + extra * TEXT_LINE * _SMALL

    def draw(canvas: Canvas, top: float) -> None:
        y = top + height / 2
        canvas.line(
            [(columns.trial, top), (_WIDTH - MARGIN, top)],
            colour=RULE if named else HAIRLINE,
            width=0.5,
            layer=0.5,
        )
        _lines(canvas, columns.condition, y, conditions, size, MUTED)
        _lines(canvas, columns.trial, y, labels, size, INK)
        _lines(canvas, columns.reason, y, reasons, _SMALL, MUTED)
        n = "\N{EN DASH}" if trial["n"] is None else format_number(trial["n"], 0)
        ids = row_ids(trial)
        canvas.text(columns.n_right, y, n, size=size, align="right", rows=ids)
        for x in columns.offers.values():
            canvas.line(
                [(x, top), (x, top + height)], colour=HAIRLINE, width=0.5, layer=0.4
            )
        _mark(canvas, trial, columns.offers[trial["offers"]], y)

    return Block(height, draw)


def _lines(
    canvas: Canvas, x: float, y: float, texts: Sequence[str], size: float, colour: str
) -> None:
    step = TEXT_LINE * size * 0.92
    first = y - step * (len(texts) - 1) / 2
    for i, text in enumerate(texts):
        canvas.text(x, first + i * step, text, size=size, colour=colour)


def _mark(canvas: Canvas, trial: Record, x: float, y: float) -> None:
    n = trial["n"]
    # The area of the mark follows the number of participants.
    width = _UNKNOWN if n is None else _HUNDRED * math.sqrt(min(n, 160) / 100)
    design, ids = str(trial["design_class"]), row_ids(trial)
    _symbol(canvas, design, x, y, max(width, 3.5), trial["offers"], ids)


def _symbol(
    canvas: Canvas,
    design: str,
    x: float,
    y: float,
    width: float,
    offer: str,
    rows: Sequence[str] = (),
) -> None:
    mark = _MARKS.get(design, _OTHER_MARK)
    # A square on its corner looks larger than a disc of the same width.
    scale = 0.8 if mark == "D" else 0.9 if mark == "s" else 1.0
    canvas.marker(
        x,
        y,
        mark,
        size=width * scale,
        colour=OFFERS[offer],
        outline=INK,
        rows=rows,
    )


def _legend(trials: Sequence[Record]) -> Block:
    """Return the legend of the designs that occur."""
    size = BASE_SIZE - 0.5
    present = [d for d in _MARKS if any(t["design_class"] == d for t in trials)]
    others = {str(t["design_class"]) for t in trials} - set(_MARKS)
    designs = [*present, *sorted(others)]
    rows: list[list[tuple[float, str]]] = [[]]
    x = MARGIN
    for design in designs:
        width = widest([upper_first(design)], size) + 14 + 2 * _GAP
        if x + width > _WIDTH - MARGIN and rows[-1]:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, design))
        x += width
    step = 1.7 * size

    def draw(canvas: Canvas, top: float) -> None:
        y = top + 4
        canvas.line([(MARGIN, y), (_WIDTH - MARGIN, y)], colour=INK, width=0.9)
        for i, row in enumerate(rows):
            middle = top + 10 + (i + 0.5) * step
            for left, design in row:
                _symbol(canvas, design, left + 5, middle, 7.5, "usable alone")
                canvas.text(left + 14, middle, upper_first(design), size=size)

    return Block(10 + step * len(rows) + 4, draw)


def _notes(trials: Sequence[Record]) -> list[str]:
    notes = [
        "The area of a mark follows the number of participants (n); "
        "the darker it is, the more the trial offers."
    ]
    if any(t["n"] is None for t in trials):
        notes.append("\N{EN DASH}: number randomised or analysed not found.")
    return notes


def first_sentence(text: str) -> str:
    """Return the first sentence of a remark, without its full stop.

    >>> first_sentence("Medians only. n analysed not found.")
    'Medians only'
    """
    return text.split(". ")[0].rstrip(".")
