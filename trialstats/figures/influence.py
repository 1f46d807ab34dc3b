"""Influence of each trial on a pooled effect: a row a trial, a column a diagnostic."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, shortened, text_width, widest, wrap
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    text_block,
)
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.figures.theme import (
    HAIRLINE,
    INK,
    MUTED,
    PAPER,
    PREDICTION,
    RULE,
    TRIAL,
)
from trialstats.formatting import MINUS, format_number
from trialstats.version import __version__
from trialstats.vocabulary import lower_first, sentence_list

#: Points: width of a column, between columns, and of the widest label.
_COLUMN, _GAP, _LABEL = 66.0, 13.0, 150.0

#: Height of a row up to this many trials, and of one of more.
_MOST_LABELLED, _TALL, _LOW = 40, 15.0, 6.0

#: Half of the chi-squared distribution with one degree of freedom lies below it: a
#: trial whose Cook's distance is larger moves the pooled effect beyond its 50 % region.
_COOK_LIMIT = 0.4549

#: As many influential trials are named in the words.
_MOST_NAMED = 8

NO_DIAGNOSTICS = (
    "No diagnostics of influence: they need a model of independent effects and at "
    "least three trials."
)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One column of the figure.

    Attributes
    ----------
    statistic : str
        Statistic of the rows.
    title : str
        Its name.
    centre : callable
        Where the grey line stands: what all trials together have, or nothing.
    limits : callable
        Where the dashed lines stand, beyond which a trial counts as influential.
    percent : bool
        Whether it is a share, printed in per cent.
    """

    statistic: str
    title: str
    centre: Callable[[Shown, int], float | None] = lambda *_: 0.0
    limits: Callable[[int], tuple[float, ...]] = lambda _: ()
    percent: bool = False


def _dffits_limits(k: int) -> tuple[float, ...]:
    limit = 3.0 / math.sqrt(k - 1) if k > 1 else math.inf
    return (-limit, limit)


#: The panels of metafor's `plot.influence`, in its order.
DIAGNOSTICS = (
    Diagnostic(
        "studentized_residual",
        "Studentized residual",
        limits=lambda _: (-1.959964, 1.959964),
    ),
    Diagnostic("dffits", "DFFITS", limits=_dffits_limits),
    Diagnostic("cook_distance", "Cook's distance", limits=lambda _: (_COOK_LIMIT,)),
    Diagnostic("covariance_ratio", "Covariance ratio", centre=lambda *_: 1.0),
    Diagnostic(
        "tau_squared_deleted",
        "τ² without it",
        centre=lambda drawn, _: drawn.main_value("tau_squared"),
    ),
    Diagnostic(
        "q_deleted", "Q without it", centre=lambda drawn, _: drawn.main_value("q")
    ),
    Diagnostic(
        "hat",
        "Hat value",
        centre=lambda _, k: 1.0 / k,
        limits=lambda k: (3.0 / k,),
    ),
    Diagnostic(
        "influence_weight", "Weight, %", centre=lambda _, k: 1.0 / k, percent=True
    ),
)


def influence_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw eight diagnostics of influence, a row a trial and a column a diagnostic.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`; the diagnostics are the
        statistics of `DIAGNOSTICS`, and ``influential`` flags trials.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
        Of more than 40 trials not every one is named; influential ones always are.

    References
    ----------
    Viechtbauer W, Cheung MWL. Outlier and influence diagnostics for meta-analysis. Res
    Synth Methods 2010;1:112-125.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size - 0.5
    listed = _Listed.of(drawn)
    left = MARGIN + min(widest(listed.names.values(), size, weight="bold"), _LABEL)
    present = [d for d in DIAGNOSTICS if drawn.by_trial(d.statistic)]
    columns = max(len(present), 4)
    width = left + columns * (_COLUMN + _GAP) + MARGIN
    blocks = drawn.titles(_subtitle(drawn), width)
    if present:
        axes = [
            _axis(d, drawn, listed, left + _GAP + i * (_COLUMN + _GAP))
            for i, d in enumerate(present)
        ]
        blocks.append(_panels(drawn, listed, present, axes, size, left - MARGIN))
        notes = _notes(drawn, listed)
    else:
        texts = wrap(NO_DIAGNOSTICS, size + 0.5, width - 2 * MARGIN)
        blocks.append(text_block(texts, size + 0.5, after=size))
        notes = [f"Software: trialstats {__version__}."]
    blocks += note_blocks(notes, width, size=size - 1.0)
    return compose(blocks, width)


def influence_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return which trials are influential, in words."""
    drawn = shown(rows, synthesis, labels)
    listed = _Listed.of(drawn)
    if not any(drawn.by_trial(d.statistic) for d in DIAGNOSTICS):
        return drawn.alt("Influence of each trial", NO_DIAGNOSTICS)
    text = f"{len(listed.names)} trials, {drawn.pooled_words()}. {listed.verdict()}"
    residuals = drawn.by_trial("studentized_residual")
    if residuals:
        trial = max(residuals, key=lambda t: abs(residuals[t]))
        text += (
            f" The largest studentized residual is "
            f"{format_number(residuals[trial], 2, minus=MINUS)}, of "
            f"{listed.names.get(trial, trial)}."
        )
    return drawn.alt("Influence of each trial", text)


@dataclass(frozen=True, slots=True)
class _Listed:
    """The trials from top to bottom: identifier -> name; and the influential ones."""

    names: dict[str, str]
    influential: frozenset[str]

    @classmethod
    def of(cls, drawn: Shown) -> "_Listed":
        flags = drawn.by_trial("influential")
        return cls(
            {str(t.trial): t.label for t in drawn.panel.trials if t.estimable},
            frozenset(trial for trial, flag in flags.items() if flag),
        )

    @property
    def row(self) -> float:
        """Height of a row, in points."""
        return _TALL if len(self.names) <= _MOST_LABELLED else _LOW

    def verdict(self) -> str:
        """Return which trials are influential, as a sentence."""
        named = [n for t, n in self.names.items() if t in self.influential]
        if not named:
            return "No trial is influential."
        if len(named) > _MOST_NAMED:
            more = len(named) - _MOST_NAMED
            named = [*named[:_MOST_NAMED], f"{more} more"]
        return f"Influential: {sentence_list(named)}."


def _subtitle(drawn: Shown) -> str:
    model = f", {lower_first(drawn.model)}" if drawn.model else ""
    return f"Influence of each trial on the pooled effect{model}"


def _axis(diagnostic: Diagnostic, drawn: Shown, listed: _Listed, left: float) -> Axis:
    """Return an axis that holds the values, the line of all trials and near limits."""
    values = list(drawn.by_trial(diagnostic.statistic).values())
    k = len(listed.names)
    centre = diagnostic.centre(drawn, k)
    low, high = min(values), max(values)
    if centre is not None:
        low, high = min(low, centre), max(high, centre)
    span = (high - low) or abs(high) or 1.0
    for limit in diagnostic.limits(k):
        # A limit far beyond the values would squeeze them.
        if low - span <= limit <= high + span:
            low, high = min(low, limit), max(high, limit)
    margin = 0.06 * (high - low or span)
    ends = (low - margin, high + margin)
    return Axis(*ends, left, left + _COLUMN, percent=diagnostic.percent)


def _panels(
    drawn: Shown,
    listed: _Listed,
    present: Sequence[Diagnostic],
    axes: Sequence[Axis],
    size: float,
    label_width: float,
) -> Block:
    titles = [wrap(d.title, size, _COLUMN + _GAP - 3, weight="bold") for d in present]
    step = TEXT_LINE * size
    head = step * max(len(t) for t in titles) + 5.0
    trials = list(listed.names)
    rows = listed.row * len(trials) + 6.0
    named = _named(listed, size)

    def draw(canvas: Canvas, top: float) -> None:
        first = top + head + 3.0
        bottom = top + head + rows
        middles = {t: first + (i + 0.5) * listed.row for i, t in enumerate(trials)}
        for trial in named:
            bold = "bold" if trial in listed.influential else "normal"
            colour = PREDICTION if trial in listed.influential else INK
            name = shortened(listed.names[trial], size, label_width, weight=bold)
            y = middles[trial]
            canvas.text(MARGIN, y, name, size=size, weight=bold, colour=colour)
        left, right = axes[0].left - 4.0, axes[-1].right
        across = [((left, middles[t]), (right, middles[t])) for t in named]
        canvas.segments(across, colour=HAIRLINE, width=0.4, layer=0.5)
        for diagnostic, axis, texts in zip(present, axes, titles, strict=True):
            centre = (axis.left + axis.right) / 2
            for i, text in enumerate(reversed(texts)):
                y = top + head - 5.0 - (i + 0.5) * step
                canvas.text(centre, y, text, size=size, weight="bold", align="center")
            _column(
                canvas, diagnostic, drawn, listed, axis, middles, (top + head, bottom)
            )
            _scale(canvas, axis, bottom, size - 1.0)

    return Block(head + rows + 2.2 * size, draw)


def _column(
    canvas: Canvas,
    diagnostic: Diagnostic,
    drawn: Shown,
    listed: _Listed,
    axis: Axis,
    middles: Mapping[str, float],
    ends: tuple[float, float],
) -> None:
    """Draw the lines and the points of one diagnostic."""
    top, bottom = ends
    k = len(listed.names)
    centre = diagnostic.centre(drawn, k)
    start = axis.left
    if centre is not None:
        start = axis.place(centre)
        canvas.line([(start, top), (start, bottom)], colour=RULE, width=0.9)
    for limit in diagnostic.limits(k):
        if axis.holds(limit):
            x = axis.place(limit)
            canvas.line(
                [(x, top), (x, bottom)], colour=MUTED, width=0.7, dashes=(2.5, 2.0)
            )
    values = drawn.by_trial(diagnostic.statistic)
    ordinary: dict[str, Point] = {}
    marked: dict[str, Point] = {}
    for trial, y in middles.items():
        if trial not in values:
            continue
        points = marked if trial in listed.influential else ordinary
        points[trial] = (axis.place(values[trial]), y)
    size = 4.4 if listed.row == _TALL else 3.2
    looks = (
        (ordinary, "o", size, TRIAL),
        (marked, "D", size + 1.0, PREDICTION),
    )
    for points, shape, wide, colour in looks:
        if points:
            stems = [((start, y), (x, y)) for x, y in points.values()]
            canvas.segments(stems, colour=colour, width=0.9, layer=3.0)
            canvas.markers(
                list(points.values()),
                shape,
                size=wide,
                colour=colour,
                outline=PAPER,
                line_width=0.4,
                # One artist for all, since a page of 150 trials has over a thousand.
                rows=[i for t in points for i in drawn.ids(diagnostic.statistic, t)],
            )


def _scale(canvas: Canvas, axis: Axis, y: float, size: float) -> None:
    """Draw the scale of a column; no label reaches into the next one."""
    canvas.line([(axis.left, y), (axis.right, y)], colour=INK, width=0.8)
    ticks = axis.ticks(size)
    for x, label in ticks:
        canvas.line([(x, y), (x, y + 3.0)], colour=INK, width=0.8)
        # A wide label at the edge moves inwards, off its neighbour's column.
        half = text_width(label, size) / 2
        reach = _GAP / 2 - 1.0
        at = min(max(x, axis.left + half - reach), axis.right - half + reach)
        canvas.text(
            at, y + 3.0 + 0.75 * size, label, size=size, align="center", axis=True
        )


def _named(listed: _Listed, size: float) -> list[str]:
    """Return the trials whose names have room, influential ones first."""
    trials = list(listed.names)
    if listed.row == _TALL:
        return trials
    apart = math.ceil(1.35 * size / listed.row)
    taken: list[int] = []
    order = sorted(
        range(len(trials)), key=lambda i: (trials[i] not in listed.influential, i)
    )
    for i in order:
        if all(abs(i - other) >= apart for other in taken):
            taken.append(i)
    return [trials[i] for i in sorted(taken)]


def _notes(drawn: Shown, listed: _Listed) -> list[str]:
    notes = [
        f"{listed.verdict()} Grey lines: what all trials together have, or no "
        "influence. Dashed lines: residuals of ±1.96, DFFITS of ±3/√(k − 1), Cook's "
        "distance of 0.455 (the middle of its distribution), hat values of 3/k; a "
        "limit far from all values is not drawn. Trials beyond the limits of DFFITS, "
        "Cook's distance, hat values or DFBETAS count as influential.",
    ]
    if listed.row == _LOW:
        notes.append(
            f"{len(listed.names)} trials in the order of the forest plot; names that "
            "have no room are left out."
        )
    if drawn.synthetic:
        notes.append("The trials were made up.")
    notes.append(f"Software: trialstats {__version__}.")
    return notes
