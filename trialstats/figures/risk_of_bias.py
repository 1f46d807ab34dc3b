"""Risk of bias: a light for each trial and domain, and bars of the weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.canvas import Canvas, Point, shortened, widest, wrap
from trialstats.figures.forest_bias import (
    LIGHTS,
    Bias,
    bias_legend,
    bias_of,
    domain_head,
    draw_lights,
)
from trialstats.figures.forest_rows import Effect
from trialstats.figures.pages import (
    MARGIN,
    TEXT_LINE,
    Block,
    compose,
    note_blocks,
    text_block,
)
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.figures.theme import HAIRLINE, INK, MUTED
from trialstats.judgements import NOT_JUDGED, ROB_DOMAINS, ROB_JUDGEMENTS, ROB_TOOL
from trialstats.version import __version__
from trialstats.vocabulary import sentence_list, upper_first

#: Points: width of the page, of a column of lights, of a bar, of the longest label.
_WIDTH, _COLUMN, _BAR, _LABEL = 620.0, 40.0, 360.0, 220.0

#: Height of a row, and of a bar within its row, as multiples of the size of the type.
_ROW, _THICK = 1.85, 1.15

_NOTHING = "No trial of this synthesis is judged."


def risk_of_bias_plot(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    risk_of_bias: pd.DataFrame | None = None,
) -> Figure:
    """Draw the judgements of every trial, and how much weight each judgement has.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: the trials and, where they
        exist, their weights.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.
    risk_of_bias : DataFrame, optional
        Judgements, schema `evidence_rows.RISK_OF_BIAS`.

    Returns
    -------
    matplotlib.figure.Figure
        Under the lights a bar for each domain, a piece for each trial as long as its
        weight; without weights all pieces have one length.
    """
    drawn = shown(rows, synthesis, labels)
    size = drawn.options.font_size
    trials = _trials(drawn)
    bias = bias_of(risk_of_bias, [str(t.trial) for t in trials], synthesis)
    blocks = drawn.titles(f"Risk of bias by {ROB_TOOL}", _WIDTH)
    if bias is None:
        blocks.append(text_block([_NOTHING], size, after=size))
    else:
        blocks += [
            _lights_block(trials, bias, size),
            *_bars(trials, bias, size),
            Block(0.8 * size, lambda *_: None),
            *bias_legend(bias, _WIDTH, size),
        ]
    notes = [f"Software: trialstats {__version__}."]
    blocks += note_blocks(notes, _WIDTH, size=size - 1.5)
    return compose(blocks, _WIDTH)


def risk_of_bias_alt_text(
    rows: pd.DataFrame,
    *,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    risk_of_bias: pd.DataFrame | None = None,
) -> str:
    """Return how many trials have each overall judgement, and which are high."""
    drawn = shown(rows, synthesis, labels)
    trials = _trials(drawn)
    bias = bias_of(risk_of_bias, [str(t.trial) for t in trials], synthesis)
    if bias is None:
        return drawn.alt("Risk of bias", _NOTHING)
    overall = {t.label: bias.light(t.trial, "overall") for t in trials}
    counts = [
        f"{n} {judgement}"
        for judgement in (*ROB_JUDGEMENTS, NOT_JUDGED)
        if (n := sum(value == judgement for value in overall.values()))
    ]
    high = [label for label, value in overall.items() if value == "high"]
    told = f" High: {sentence_list(high)}." if high else ""
    text = f"Overall risk of bias of {len(trials)} trials: {sentence_list(counts)}."
    return drawn.alt("Risk of bias", f"{text}{told}")


def _trials(drawn: Shown) -> list[Effect]:
    """Return each trial once: judgements are of trials, not of their treatments."""
    return list({str(t.trial): t for t in drawn.panel.trials}.values())


def _lights_block(trials: Sequence[Effect], bias: Bias, size: float) -> Block:
    label = min(widest((t.label for t in trials), size), _LABEL)
    first = MARGIN + label + 16.0 + _COLUMN / 2
    centres = {d: first + i * _COLUMN for i, d in enumerate(bias.domains)}
    step, head = _ROW * size, TEXT_LINE * size + 6.0

    def draw(canvas: Canvas, top: float) -> None:
        middle = top + TEXT_LINE * size / 2
        canvas.text(MARGIN, middle, "Trial", size=size, weight="bold")
        for domain, x in centres.items():
            text = domain_head(domain)
            canvas.text(x, middle, text, size=size, weight="bold", align="center")
        end = max(centres.values()) + _COLUMN / 2
        canvas.line([(MARGIN, top + head - 3), (end, top + head - 3)], width=0.9)
        places: dict[str, list[Point]] = {}
        for i, trial in enumerate(trials):
            y = top + head + (i + 0.5) * step
            canvas.text(MARGIN, y, shortened(trial.label, size, label), size=size)
            for domain, x in centres.items():
                places.setdefault(bias.light(trial.trial, domain), []).append((x, y))
            below = y + step / 2
            canvas.line([(MARGIN, below), (end, below)], colour=HAIRLINE, width=0.4)
        draw_lights(canvas, places, size)

    return Block(head + step * len(trials) + 1.2 * size, draw)


def _bars(trials: Sequence[Effect], bias: Bias, size: float) -> list[Block]:
    """Return a bar for each domain, a piece a trial, sorted by judgement."""
    weighted = any(t.weight is not None for t in trials)
    lengths = {
        str(t.trial): (t.weight or 0.0) if weighted else 1.0 / len(trials)
        for t in trials
    }
    title = "Share of the weight" if weighted else "Share of the trials (not weighted)"
    names = {d: upper_first(ROB_DOMAINS[d]) for d in bias.domains}
    room = _WIDTH - 3 * MARGIN - _BAR
    broken = {d: wrap(text, size - 1.0, room) for d, text in names.items()}
    small = size - 1.0
    heights = {
        d: max(_ROW * size, (len(t) + 0.4) * TEXT_LINE * 0.92 * small)
        for d, t in broken.items()
    }
    left, head = MARGIN + room + MARGIN, TEXT_LINE * size + 2.0

    def draw(canvas: Canvas, top: float) -> None:
        canvas.text(MARGIN, top + TEXT_LINE * size / 2, title, size=size, weight="bold")
        y = top + head
        for domain, texts in broken.items():
            middle = y + heights[domain] / 2
            step = TEXT_LINE * 0.92 * small
            start = middle - step * (len(texts) - 1) / 2
            for i, text in enumerate(texts):
                canvas.text(MARGIN, start + i * step, text, size=small)
            _bar(canvas, trials, bias, domain, lengths, (left, middle), size)
            y += heights[domain]
        for i in range(5):
            x = left + _BAR * i / 4
            canvas.line([(x, y), (x, y + 3.0)], width=0.8)
            text = f"{25 * i}%"
            canvas.text(
                x,
                y + 4.0 + 0.6 * size,
                text,
                size=small,
                colour=MUTED,
                align="center",
                axis=True,
            )
        canvas.line([(left, y), (left + _BAR, y)], colour=INK, width=0.8)

    return [Block(head + sum(heights.values()) + 1.8 * size, draw)]


def _bar(
    canvas: Canvas,
    trials: Sequence[Effect],
    bias: Bias,
    domain: str,
    lengths: Mapping[str, float],
    start: Point,
    size: float,
) -> None:
    """Draw the pieces of one bar, the lowest risk first."""
    x, middle = start
    thick = _THICK * size
    for judgement in (*ROB_JUDGEMENTS, NOT_JUDGED):
        light = LIGHTS[judgement]
        for trial in trials:
            if bias.light(trial.trial, domain) != judgement:
                continue
            width = _BAR * lengths[str(trial.trial)]
            rows = () if trial.weight_row is None else (trial.weight_row,)
            canvas.rectangle(
                x,
                middle - thick / 2,
                width,
                thick,
                colour=light.colour,
                outline=light.outline,
                line_width=0.4,
                rows=rows,
            )
            if width > 1.2 * size:
                canvas.text(
                    x + width / 2,
                    middle,
                    light.sign,
                    size=size,
                    weight="bold",
                    align="center",
                )
            x += width
