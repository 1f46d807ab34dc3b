"""Forest plots, drawn in points so that text and marks stand in one grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.canvas import wrap
from trialstats.figures.forest_alt import forest_alt_text
from trialstats.figures.forest_axis import effect_axis
from trialstats.figures.forest_bias import Bias, bias_legend, bias_of
from trialstats.figures.forest_blocks import (
    axis_block,
    axis_titles,
    footnote_blocks,
    forest_titles,
    header_block,
    least_plot,
    side_texts,
    sides_above,
    sides_at,
    statistics,
)
from trialstats.figures.forest_body import Backdrop, body_block
from trialstats.figures.forest_columns import columns
from trialstats.figures.forest_layout import Layout, layout
from trialstats.figures.forest_lines import Line, lines
from trialstats.figures.forest_numbers import HOUSES, House
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Panel, panels
from trialstats.figures.pages import MARGIN, Block, compose, text_block

__all__ = ["ForestOptions", "forest_alt_text", "forest_plot"]


def forest_plot(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    options: ForestOptions | None = None,
    risk_of_bias: pd.DataFrame | None = None,
) -> Figure:
    """Draw the forest plot of a synthesis.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, with the columns of `rows.ESTIMATES`; left as they are.
    synthesis : mapping
        Its configuration: title, measure, comparison, outcome, favours, notes.
    labels : mapping
        Trial -> author and year; a trial without one is called by its identifier.
    options : ForestOptions, optional
        By default those of ``synthesis["figure"]``.
    risk_of_bias : DataFrame, optional
        Judgements, schema `evidence_rows.RISK_OF_BIAS`. Lights stand beside the trials
        when at least one of them is judged for this outcome or for every outcome.

    Returns
    -------
    matplotlib.figure.Figure
        As wide as the options say or the text needs, as high as the rows need.

    Raises
    ------
    DataError
        When there is no effect to draw, or scales are mixed.
    ConfigError
        When an option is not known or cannot be drawn.
    """
    chosen = options or ForestOptions.from_mapping(synthesis.get("figure"))
    size, house = chosen.font_size, HOUSES[chosen.layout]
    found = panels(rows, synthesis=synthesis, labels=labels)
    trials = [str(t.trial) for p in found for t in p.trials]
    bias = bias_of(risk_of_bias, trials, synthesis)
    groups = [lines(p, chosen) for p in found]
    before, after = columns(found, synthesis, chosen, bias)
    texts = side_texts(synthesis, house)
    place = layout(
        groups,
        before,
        after,
        chosen,
        least_plot=least_plot(texts, size),
        label_head=_label_head(found, synthesis, house),
    )
    owned = [n == 0 and bool(p.trials) for n, p in enumerate(found)]
    axes = [
        effect_axis(
            p.measure,
            g,
            (place.plot_left, place.plot_right),
            chosen,
            texts if own else None,
        )
        for p, g, own in zip(found, groups, owned, strict=True)
    ]
    above = house.favours_above and owned[0]
    small, page_right = size - 0.5, place.width - MARGIN
    over = sides_above(texts, axes[0], small) if above else []
    blocks = [
        *forest_titles(found, synthesis, place, size),
        header_block(place, size, over),
    ]
    for panel, group, axis, own in zip(found, groups, axes, owned, strict=True):
        under = sides_at(texts, axis, small, page_right) if own and not above else []
        blocks += [
            _panel_title(panel, place, size, own=own),
            body_block(
                group, axis, place, size, backdrop=_backdrop(group, chosen), bias=bias
            ),
            axis_block(
                place,
                axis,
                size,
                titles=axis_titles(panel, synthesis, house, own=own),
                sides=under,
                statistics=statistics(panel, house, synthesis),
            ),
        ]
    blocks += _legend(bias, place, size)
    blocks += footnote_blocks(found, synthesis, place, chosen)
    return compose(blocks, place.width)


def _legend(bias: Bias | None, place: Layout, size: float) -> list[Block]:
    return [] if bias is None else bias_legend(bias, place.width, size)


def _label_head(
    found: Sequence[Panel], synthesis: Mapping[str, Any], house: House
) -> str:
    """Return the head of the labels; outcomes and reviews need none."""
    if not found[0].trials or not synthesis.get("pooling", True):
        return ""
    return house.heads["study"]


def _panel_title(panel: Panel, place: Layout, size: float, *, own: bool) -> Block:
    title: Sequence[str] = ()
    if not own:
        room = place.width - 2 * MARGIN
        title = wrap(panel.measure.title, size + 1, room, weight="bold")
    return text_block(title, size + 1, weight="bold", after=2)


def _backdrop(group: Sequence[Line], options: ForestOptions) -> Backdrop:
    band = options.minimal_important_difference
    for i, line in enumerate(group):
        if line.kind == "pooled" and line.effect is not None:
            rows = line.rows.get("mark", ())
            return Backdrop(band, line.effect.estimate, i, rows)
    return Backdrop(band)
