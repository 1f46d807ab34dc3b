"""Forests of models: a line a model, with its effect, p-value and heterogeneity."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from trialstats.figures.canvas import wrap
from trialstats.figures.forest_axis import effect_axis
from trialstats.figures.forest_blocks import (
    axis_block,
    axis_titles,
    header_block,
    least_plot,
    side_texts,
    sides_above,
    sides_at,
)
from trialstats.figures.forest_body import Backdrop, body_block
from trialstats.figures.forest_columns import Column
from trialstats.figures.forest_layout import layout
from trialstats.figures.forest_lines import Line, effect_text, row_ids
from trialstats.figures.forest_models import equal_effects, interval_name
from trialstats.figures.forest_rows import Effect
from trialstats.figures.forest_text import I_SQUARED, TAU_SQUARED, small
from trialstats.figures.pages import (
    MARGIN,
    Note,
    compose,
    note_blocks,
    text_block,
    with_rows,
)
from trialstats.figures.synthesis_text import Shown
from trialstats.formatting import format_level, format_number
from trialstats.records import Record
from trialstats.version import __version__

#: Inches; columns of text are few.
_WIDTH, _EMPTY_WIDTH = 8.0, 6.0


def model_line(
    drawn: Shown,
    kind: str,
    label: str,
    row: Record,
    *,
    tau_squared: Record | None = None,
    i_squared: Record | None = None,
    indented: bool = True,
    ruled: bool = False,
) -> Line:
    """Return the line of one model.

    Parameters
    ----------
    drawn : Shown
        The synthesis.
    kind : str
        ``pooled`` for a diamond, ``model`` for a square.
    label : str
        What the model is.
    row : Record
        Its pooled effect.
    tau_squared, i_squared : Record, optional
        Its heterogeneity.
    indented : bool
        Whether it stands under a heading.
    ruled : bool
        Whether a rule stands above it.
    """
    effect = Effect(
        label,
        row["estimate"],
        row["ci_lower"],
        row["ci_upper"],
        row_id=row.get("row_id"),
    )
    own = row_ids(row)
    rows = dict.fromkeys(("label", "effect", "k", "p", "mark"), own)
    house = drawn.words.house
    cells = {"effect": effect_text(effect, drawn.words)}
    cells["k"] = "" if row.get("n_trials") is None else str(row["n_trials"])
    cells["p"] = "" if row["p_value"] is None else house.p_value(row["p_value"])
    assumed = equal_effects(row)
    if tau_squared and tau_squared["estimate"] is not None and not assumed:
        cells["tau"] = small(tau_squared["estimate"])
        rows["tau"] = row_ids(tau_squared)
    if i_squared is not None and i_squared["estimate"] is not None:
        cells["i"] = f"{format_number(100 * i_squared['estimate'], 0)}%"
        rows["i"] = row_ids(i_squared)
    return Line(kind, label, cells, effect, indented=indented, ruled=ruled, rows=rows)


def main_line(
    drawn: Shown, label: str, *, indented: bool = True, ruled: bool = False
) -> Line | None:
    """Return the line of the main model, None when nothing is pooled."""
    if drawn.pool is None:
        return None
    return model_line(
        drawn,
        "pooled",
        f"{label}, {interval_name(drawn.pool)}",
        drawn.pool,
        tau_squared=drawn.panel.main.get("tau_squared"),
        i_squared=drawn.panel.main.get("i_squared"),
        indented=indented,
        ruled=ruled,
    )


def model_forest(
    drawn: Shown,
    lines: Sequence[Line],
    synthesis: Mapping[str, Any],
    *,
    subtitle: str,
    head: str,
    notes: Sequence[Note],
    nothing: str,
    interval: str = "CI",
) -> Figure:
    """Return a page with a line for each model and the main estimate across them.

    Parameters
    ----------
    drawn : Shown
        The synthesis.
    lines : sequence of Line
        The models from top to bottom.
    synthesis : mapping
        Its configuration.
    subtitle : str
        What the figure shows.
    head : str
        Head of the labels.
    notes : sequence of str or (str, rows)
        Sentences under the figure.
    nothing : str
        What stands there when there is no line.
    interval : str
        What the intervals are, for the head of the effects.
    """
    options = replace(drawn.options, width=min(drawn.options.width, _WIDTH))
    size, house = options.font_size, drawn.words.house
    if not lines:
        return _empty(drawn, subtitle, nothing, size)
    texts = side_texts(synthesis, house)
    place = layout(
        [lines],
        [],
        _columns(drawn, lines, interval),
        options,
        least_plot=least_plot(texts, size),
        label_head=head,
    )
    ends = (place.plot_left, place.plot_right)
    axis = effect_axis(drawn.panel.measure, lines, ends, options, texts)
    small_size, above = size - 0.5, house.favours_above
    over = sides_above(texts, axis, small_size) if above else []
    under = sides_at(texts, axis, small_size, place.width - MARGIN)
    guide = None if drawn.pool is None else drawn.pool["estimate"]
    backdrop = Backdrop(
        options.minimal_important_difference, guide, guide_rows=row_ids(drawn.pool)
    )
    blocks = [
        *drawn.titles(subtitle, place.width),
        header_block(place, size, over),
        body_block(lines, axis, place, size, backdrop=backdrop),
        axis_block(
            place,
            axis,
            size,
            titles=axis_titles(drawn.panel, synthesis, house, own=True),
            sides=[] if above else under,
        ),
        *note_blocks(
            [(house.spelt(text), rows) for text, rows in map(with_rows, notes)],
            place.width,
            size=size - 1.5,
        ),
    ]
    return compose(blocks, place.width)


def _empty(drawn: Shown, subtitle: str, nothing: str, size: float) -> Figure:
    width = 72 * _EMPTY_WIDTH
    texts = wrap(nothing, size, width - 2 * MARGIN)
    blocks = [
        *drawn.titles(subtitle, width),
        text_block(texts, size, after=size),
        *note_blocks([f"Software: trialstats {__version__}."], width, size=size - 1.5),
    ]
    return compose(blocks, width)


def _columns(drawn: Shown, lines: Sequence[Line], words: str) -> list[Column]:
    measure, house = drawn.panel.measure, drawn.words.house
    level = None if drawn.pool is None else drawn.pool.get("confidence_level")
    interval = house.bracketed(format_level(level, words))
    name = measure.title if house.measure_in_words else measure.code
    heads = {
        "k": ("Trials",),
        "effect": (f"{name} {interval}",),
        "p": (house.p_symbol,),
        "tau": (TAU_SQUARED,),
        "i": (I_SQUARED,),
    }
    present = {key for line in lines for key, text in line.cells.items() if text}
    own = row_ids(drawn.pool)
    return [
        Column(key, head, rows=own if key == "effect" else ())
        for key, head in heads.items()
        if key in present
    ]
