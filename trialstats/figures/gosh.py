"""GOSH plots: the main model fitted to all subsets of the trials."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, shortened, wrap
from trialstats.figures.forest_lines import row_ids
from trialstats.figures.forest_text import I_SQUARED, axis_title
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    text_block,
)
from trialstats.figures.plane import Plane, axis_height, draw_plane
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.figures.theme import MUTED, PAPER, POOLED, PREDICTION, TRIAL
from trialstats.formatting import format_number
from trialstats.records import Record, records
from trialstats.version import __version__
from trialstats.vocabulary import lower_first

#: Points: size of the plane, and room for the labels of its axis.
_PLANE, _HEIGHT, _LABELS = 470.0, 330.0, 44.0

_WIDTH = 2 * MARGIN + _LABELS + _PLANE + 10.0

#: Width of a point, by how many there are, and how little of it covers others.
_WIDE, _NARROW, _MANY, _VEIL = 5.0, 2.4, 2_000, "59"

_NOTHING = (
    "No subset of the trials has a pooled effect: this needs a model of independent "
    "effects and at least two trials."
)


def gosh_plot(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    subsets: pd.DataFrame | None = None,
) -> Figure:
    """Draw the pooled effect and the heterogeneity of every subset of the trials.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`. The trial with the largest
        ``baujat_heterogeneity`` divides the subsets into two colours.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.
    subsets : DataFrame, optional
        The fits, schema `rows.SUBSETS`.

    Returns
    -------
    matplotlib.figure.Figure
        The points are an image within the vector formats, for there are thousands.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA. GOSH - a graphical display of study
    heterogeneity. Res Synth Methods 2012;3:214-223.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    fits = _fits(subsets)
    which = "a random sample of the subsets" if _sampled(fits) else "every subset"
    model = f" ({lower_first(drawn.model)})" if drawn.model else ""
    subtitle = f"GOSH plot: the main model{model} fitted to {which} of the trials"
    blocks = drawn.titles(subtitle, _WIDTH)
    notes = [f"Software: trialstats {__version__}."]
    if fits:
        blocks.append(_plane_block(drawn, fits, synthesis))
        notes.insert(0, _reading(fits))
    else:
        texts = wrap(_NOTHING, size, _WIDTH - 2 * MARGIN)
        blocks.append(text_block(texts, size, after=size))
    blocks += note_blocks(notes, _WIDTH, size=size - 1.5)
    return compose(blocks, _WIDTH)


def gosh_alt_text(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    subsets: pd.DataFrame | None = None,
) -> str:
    """Return between which values effect and heterogeneity of the subsets lie."""
    drawn = shown(rows, synthesis, labels)
    fits = _fits(subsets)
    if not fits:
        return drawn.alt("GOSH plot", _NOTHING)
    effects = [float(f["estimate"]) for f in fits]
    shares = [100 * float(f["i_squared"]) for f in fits]
    low, high = (drawn.words.number(end(effects)) for end in (min, max))
    least, most = (format_number(end(shares), 0) for end in (min, max))
    sampled = "a random sample of " if _sampled(fits) else ""
    text = (
        f"{sampled}{len(fits)} subsets of the trials: pooled effects from {low} to "
        f"{high}, {I_SQUARED} from {least}% to {most}%. All trials: "
        f"{drawn.pooled_words()}."
    )
    return drawn.alt("GOSH plot", text[:1].upper() + text[1:])


def _fits(subsets: pd.DataFrame | None) -> list[Record]:
    """Return the subsets that have a pooled effect and a heterogeneity."""
    listed = [] if subsets is None else records(subsets)
    return [
        f for f in listed if f["estimate"] is not None and f["i_squared"] is not None
    ]


def _sampled(fits: Sequence[Record]) -> bool:
    return any(f["sampled"] for f in fits)


def _dividing(drawn: Shown, fits: Sequence[Record]) -> str | None:
    """Return the trial that makes most of the heterogeneity, None where unknown."""
    shares = drawn.by_trial("baujat_heterogeneity")
    if not shares:
        return None
    trial = max(shares, key=lambda t: shares[t])
    inside = [trial in json.loads(f["members"]) for f in fits]
    return trial if any(inside) and not all(inside) else None


def _plane_block(
    drawn: Shown, fits: Sequence[Record], synthesis: Mapping[str, Any]
) -> Block:
    size = drawn.options.font_size
    small = size - 0.5
    line = TEXT_LINE * small
    title = axis_title(drawn.panel.measure, synthesis, own=True)[0].rstrip(";")
    titles = list(wrap(title, small, _PLANE))
    trial = _dividing(drawn, fits)
    names = {str(t.trial): t.label for t in drawn.panel.trials}
    legend = (
        {}
        if trial is None
        else {
            f"with {names.get(trial, trial)}": PREDICTION,
            f"without {names.get(trial, trial)}": TRIAL,
        }
    )
    head = line + 5.0 + line * len(legend)

    def draw(canvas: Canvas, top: float) -> None:
        _legend(canvas, legend, top, small)
        text = f"{I_SQUARED}, %"
        canvas.text(MARGIN, top + head - 5.0 - line / 2, text, size=small, colour=MUTED)
        plane = _plane(drawn, fits, top + head)
        draw_plane(canvas, plane, small, titles, grid=True)
        if plane.x.holds(0.0):
            zero = plane.x.place(0.0)
            canvas.line([(zero, plane.top), (zero, plane.bottom)], width=0.7, layer=1.5)
        wide = _NARROW if len(fits) > _MANY else _WIDE
        for inside, colour in ((True, PREDICTION), (False, TRIAL)):
            at = [
                plane.place(float(f["estimate"]), float(f["i_squared"]))
                for f in fits
                if (trial is not None and trial in json.loads(f["members"])) == inside
            ]
            if at:
                canvas.markers(
                    at,
                    "o",
                    size=wide,
                    colour=f"{colour}{_VEIL}",
                    outline="none",
                    line_width=0.0,
                    layer=3.0,
                    image=True,
                )
        _all_trials(canvas, plane, drawn)

    return Block(head + _HEIGHT + axis_height(small, titles) + 0.6 * size, draw)


def _legend(canvas: Canvas, legend: Mapping[str, str], top: float, size: float) -> None:
    left = MARGIN + _LABELS
    for i, (text, colour) in enumerate(legend.items()):
        y = top + TEXT_LINE * size * (i + 0.5)
        canvas.marker(left + 4.0, y, "o", size=6.0, colour=colour, outline=PAPER)
        said = shortened(f"Subsets {text}", size, _PLANE - 12.0)
        canvas.text(left + 12.0, y, said, size=size)


def _plane(drawn: Shown, fits: Sequence[Record], top: float) -> Plane:
    effects = [float(f["estimate"]) for f in fits]
    low, high = min(effects), max(effects)
    margin = 0.05 * ((high - low) or abs(high) or 1.0)
    left = MARGIN + _LABELS
    measure = drawn.panel.measure
    x = Axis(
        low - margin,
        high + margin,
        left,
        left + _PLANE,
        log=measure.log,
        percent=measure.percent,
    )
    y = Axis(-0.04, 1.04, top + _HEIGHT, top, percent=True)
    return Plane(x, y)


def _all_trials(canvas: Canvas, plane: Plane, drawn: Shown) -> None:
    """Mark the fit of all trials."""
    pool, i_squared = drawn.pool, drawn.panel.main.get("i_squared")
    if pool is None or pool["estimate"] is None or i_squared is None:
        return
    if i_squared["estimate"] is None:
        return
    at = plane.place(float(pool["estimate"]), float(i_squared["estimate"]))
    canvas.marker(
        *at,
        "D",
        size=8.0,
        colour=POOLED,
        outline=PAPER,
        line_width=1.0,
        layer=7.0,
        rows=row_ids(pool, i_squared),
    )


def _reading(fits: Sequence[Record]) -> str:
    text = (
        "A point a subset of two trials and more. Diamond: all trials. Clouds that lie "
        "apart show that a trial, or a few, decide the effect or the heterogeneity."
    )
    if _sampled(fits):
        text += (
            " The subsets are a random sample with a fixed seed, each equally likely."
        )
    return text
