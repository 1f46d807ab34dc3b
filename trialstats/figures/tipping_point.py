"""The heat map of p-values under assumptions on those without data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.canvas import wrap
from trialstats.figures.forest_numbers import HOUSES
from trialstats.figures.pages import MARGIN, Block, compose, text_block, title_blocks
from trialstats.figures.theme import BASE_SIZE, MUTED
from trialstats.figures.tipping_point_panel import (
    Cell,
    Panel,
    class_words,
    panel_block,
)
from trialstats.figures.trial import TrialFigure
from trialstats.figures.trial_forest import words_of
from trialstats.formatting import MINUS
from trialstats.parts import (
    AS_OBSERVED,
    P_VALUE_LIMIT,
    TIPPING_POINT,
    read_counts,
    read_shifts,
    signed,
)
from trialstats.records import Record, distinct, find, is_synthetic, records
from trialstats.vocabulary import upper_first

#: Points.
_WIDTH = 600.0

_HOUSE = HOUSES["plain"]

_NOTE = (
    "Each cell is one assumption on those without data; its shade is the p-value. "
    "Frame in a cell: those without data are like those with data."
)

_STROKE = (
    "Stroke: significant, and the effect has the other sign than in the framed cell."
)


@dataclass(frozen=True, slots=True)
class _Assumed:
    """What one row assumes of each arm, and how that is labelled."""

    treatment: float
    control: float
    labels: tuple[str, str]
    titles: tuple[str, str]


def tipping_point_figure(
    rows: pd.DataFrame, *, trial: Mapping[str, Any], analysis: str
) -> TrialFigure:
    """Draw the p-values of one analysis under assumptions on those without data.

    Parameters
    ----------
    rows : DataFrame
        Rows of the trial, schema `ESTIMATES`.
    trial : mapping
        Its configuration.
    analysis : str
        The analysis, whose model has a tipping point.

    Returns
    -------
    TrialFigure
        A panel for each treatment: the assumption on it from left to right, that on
        the control from bottom to top. The reason where there is no estimate.

    Raises
    ------
    DataError
        When there are no such rows.
    """
    listed = find(records(rows[rows["analysis"] == analysis]), model_id=TIPPING_POINT)
    tried = find(listed, statistic=TIPPING_POINT)
    if not tried:
        raise DataError(
            f"there are no assumptions of {analysis!r} to draw",
            column="statistic",
            remedy=f"rows of {TIPPING_POINT!r}",
        )
    settings = trial["analyses"][analysis]
    title = f"{trial['trial']}: {settings['title']}, those without data"
    titles = title_blocks(title, "", _WIDTH, synthetic=is_synthetic(listed))
    absent = [row for row in tried if row["not_estimable"]]
    if absent:
        reason = f"Not estimable: {str(absent[0]['not_estimable']).rstrip('.')}."
        blocks = [*titles, _running(reason, absent[:1], BASE_SIZE)]
        return TrialFigure(compose(blocks, _WIDTH), title, f"{title}. {reason}")
    limits = find(listed, statistic=P_VALUE_LIMIT)
    panels = [
        _panel(trial, listed, contrast, limits)
        for contrast in distinct(tried, "contrast")
    ]
    notes = list(dict.fromkeys(str(panel.observed["method"]) for panel in panels))
    blocks = [*titles]
    for panel in panels:
        blocks += [_heading(panel), panel_block(panel, _WIDTH)]
    turned = any(panel.turned(cell.row) for panel in panels for cell in panel.cells)
    note = f"{_NOTE} {_STROKE}" if turned else _NOTE
    blocks.append(_running(note, [], BASE_SIZE - 1.5))
    for text in notes:
        own = [p.observed for p in panels if p.observed["method"] == text]
        blocks.append(_running(f"{upper_first(text)}.", own, BASE_SIZE - 1.5))
    return TrialFigure(compose(blocks, _WIDTH), title, _alt(title, panels))


def _running(text: str, named: Sequence[Record], size: float) -> Block:
    lines = wrap(text, size, _WIDTH - 2 * MARGIN)
    rows = [str(row["row_id"]) for row in named]
    return text_block(lines, size, colour=MUTED, after=2.0, rows=rows)


def _heading(panel: Panel) -> Block:
    """Return the contrast with its effect when those without data are as the others."""
    row = panel.observed
    text = (
        f"{row['contrast']}: {_effect_words(row)}, {_HOUSE.p(row['p_value'])}, if "
        "those without data are like those with data"
    )
    lines = wrap(text, BASE_SIZE, _WIDTH - 2 * MARGIN, weight="bold")
    rows = [str(row["row_id"])]
    return text_block(lines, BASE_SIZE, weight="bold", after=4.0, rows=rows)


def _effect_words(row: Record) -> str:
    """Return the effect with its unit: a risk difference in percentage points."""
    statistic = "risk_difference" if read_counts(str(row["subgroup"])) else "difference"
    text = words_of(statistic, [row]).number(row["estimate"])
    if statistic == "risk_difference":
        return f"risk difference {text} percentage points"
    return f"difference {text} {row['unit'] or ''}".rstrip()


def _assumed(row: Record, trial: Mapping[str, Any]) -> _Assumed:
    """Return what a row assumes, read from its words."""
    treatment = str(row["contrast"]).rpartition(" versus ")[0]
    arms = treatment, str(trial["arms"]["control"])
    counts = read_counts(str(row["subgroup"]))
    if counts is not None:
        one, of, other, control_of = counts
        titles = [
            f"Events assumed among the {number} without data on {arm}"
            for number, arm in zip((of, control_of), arms, strict=True)
        ]
        return _Assumed(one, other, (str(one), str(other)), (titles[0], titles[1]))
    shifts = read_shifts(str(row["subgroup"]))
    if shifts is None:
        raise DataError(
            "an assumption that cannot be read",
            row=str(row["row_id"]),
            column="subgroup",
            value=row["subgroup"],
        )
    unit = f" ({row['unit']})" if row["unit"] else ""
    said = [
        f"Shift of the mean of those without a value on {arm}{unit}" for arm in arms
    ]
    first, second = (signed(shift).replace("-", MINUS) for shift in shifts)
    return _Assumed(*shifts, (first, second), (said[0], said[1]))


def _panel(
    trial: Mapping[str, Any],
    listed: Sequence[Record],
    contrast: str,
    limits: Sequence[Record],
) -> Panel:
    own = find(listed, contrast=contrast)
    tried = find(own, statistic=TIPPING_POINT)
    observed = find(own, statistic=AS_OBSERVED)[0]
    read = [(row, _assumed(row, trial)) for row in tried]
    xs = sorted({made.treatment for _, made in read})
    ys = sorted({made.control for _, made in read})
    labels = {made.treatment: made.labels[0] for _, made in read}
    control_labels = {made.control: made.labels[1] for _, made in read}
    cells = tuple(
        Cell(
            xs.index(made.treatment),
            ys.index(made.control),
            row,
            row["subgroup"] == observed["subgroup"],
        )
        for row, made in read
    )
    return Panel(
        cells=cells,
        columns=tuple(labels[x] for x in xs),
        lines=tuple(control_labels[y] for y in ys),
        titles=read[0][1].titles,
        observed=observed,
        limits=tuple(limits),
    )


def _alt(title: str, panels: Sequence[Panel]) -> str:
    """Return how many assumptions leave the result significant."""
    said = [f"{title}."]
    for panel in panels:
        kept = sum(panel.significant(cell.row) for cell in panel.cells)
        row = panel.observed
        said.append(
            f"{row['contrast']}: {_effect_words(row)}, {_HOUSE.p(row['p_value'])}, "
            "if those without data are like those with data; "
            f"{kept} of {len(panel.cells)} assumptions give a p-value "
            f"{class_words(panel.significance)}."
        )
    return " ".join(said)
