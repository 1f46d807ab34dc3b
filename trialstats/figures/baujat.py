"""Baujat plots: which trials make the heterogeneity, and which move the result."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.axis import Axis
from trialstats.figures.canvas import Canvas, Point, shortened, wrap
from trialstats.figures.influence import NO_DIAGNOSTICS
from trialstats.figures.names import MARK, placed
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
from trialstats.figures.theme import INK, MUTED, PAPER, PREDICTION, TRIAL
from trialstats.version import __version__
from trialstats.vocabulary import lower_first, sentence_list

#: Points: size of the plane, and room for the labels of its axis.
_PLANE, _HEIGHT, _LABELS = 470.0, 330.0, 44.0

_WIDTH = 2 * MARGIN + _LABELS + _PLANE + 10.0

#: Width of the longest name, in points.
_NAME = 150.0

#: As many trials are told in words.
_MOST_NAMED = 3

_X = "Contribution to heterogeneity (squared Pearson residual)"
_Y = "Influence on the pooled effect (squared standardised change without the trial)"


def baujat_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw each trial's influence against its contribution to heterogeneity.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: ``baujat_heterogeneity`` and
        ``baujat_influence`` of each trial.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
        Influential trials are named first, then those far out; a name without room is
        left out.

    References
    ----------
    Baujat B, Mahe C, Pignon JP, Hill C. A graphical method for exploring heterogeneity
    in meta-analyses: application to a meta-analysis of 65 trials. Stat Med
    2002;21:2641-2652.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    points = _points(drawn)
    model = f", {lower_first(drawn.model)}" if drawn.model else ""
    blocks = drawn.titles(f"Baujat plot{model}", _WIDTH)
    notes = [f"Software: trialstats {__version__}."]
    if points:
        blocks.append(_plane_block(drawn, points))
        if len(points) > 1:
            notes.insert(
                0,
                "Trials far to the right make the effects differ, trials high up "
                "move the pooled effect. Names that have no room are left out.",
            )
    else:
        texts = wrap(NO_DIAGNOSTICS, size, _WIDTH - 2 * MARGIN)
        blocks.append(text_block(texts, size, after=size))
    blocks += note_blocks(notes, _WIDTH, size=size - 1.5)
    return compose(blocks, _WIDTH)


def baujat_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return which trials stand out in a Baujat plot."""
    drawn = shown(rows, synthesis, labels)
    points = _points(drawn)
    if not points:
        return drawn.alt("Baujat plot", NO_DIAGNOSTICS)
    names = _names(drawn)
    told = [
        f"{what}: {sentence_list(names[t] for t in _largest(points, i))}."
        for i, what in enumerate(("Most heterogeneity from", "Most influence of"))
    ]
    return drawn.alt("Baujat plot", f"{len(points)} trials. {' '.join(told)}")


def _largest(points: Mapping[str, Point], coordinate: int) -> list[str]:
    ordered = sorted(points, key=lambda trial: -points[trial][coordinate])
    return ordered[:_MOST_NAMED]


def _points(drawn: Shown) -> dict[str, Point]:
    x = drawn.by_trial("baujat_heterogeneity")
    y = drawn.by_trial("baujat_influence")
    return {t: (x[t], y[t]) for t in _names(drawn) if t in x and t in y}


def _names(drawn: Shown) -> dict[str, str]:
    return {str(t.trial): t.label for t in drawn.panel.trials}


def _plane_block(drawn: Shown, points: Mapping[str, Point]) -> Block:
    size = drawn.options.font_size
    small = size - 0.5
    line = TEXT_LINE * small
    left = MARGIN + _LABELS
    right = left + _PLANE
    names = _names(drawn)
    ids = {
        t: drawn.ids("baujat_heterogeneity", t) + drawn.ids("baujat_influence", t)
        for t in points
    }
    flagged = {t for t, flag in drawn.by_trial("influential").items() if flag}

    def draw(canvas: Canvas, top: float) -> None:
        inner = top + line + 5.0
        x = Axis(*_ends(p[0] for p in points.values()), left, right)
        y = Axis(*_ends(p[1] for p in points.values()), inner + _HEIGHT, inner)
        plane = Plane(x, y)
        canvas.text(MARGIN, top + line / 2, _Y, size=small, colour=MUTED)
        draw_plane(canvas, plane, small, [_X], grid=True)
        places = {trial: plane.place(*point) for trial, point in points.items()}
        for own, colour in ((False, TRIAL), (True, PREDICTION)):
            shape = "D" if own else "o"
            for trial, at in places.items():
                if (trial in flagged) == own:
                    canvas.marker(
                        *at,
                        shape,
                        size=MARK,
                        colour=colour,
                        outline=PAPER,
                        line_width=0.5,
                        rows=ids[trial],
                    )
        frame = (left, inner, right, inner + _HEIGHT)
        # Influential trials are named first, then those far out.
        order = sorted(points, key=lambda t: (t not in flagged, -_far(points[t], x, y)))
        texts = {t: shortened(names[t], small, _NAME) for t in order}
        for trial, corner in placed(texts, places, frame, small).items():
            colour = PREDICTION if trial in flagged else INK
            canvas.text(*corner, texts[trial], size=small, colour=colour)

    return Block(line + 5.0 + _HEIGHT + axis_height(small, [_X]) + 0.6 * size, draw)


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """Return an axis from zero to beyond the largest value."""
    largest = max(values) or 1.0
    return -0.03 * largest, 1.08 * largest


def _far(point: Point, x: Axis, y: Axis) -> float:
    return max(point[0] / x.upper, point[1] / y.upper)
