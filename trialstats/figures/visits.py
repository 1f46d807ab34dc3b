"""Least-squares means of a trial over its visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.canvas import shortened, widest
from trialstats.figures.marking import Marks, with_marks
from trialstats.figures.mean_parts import (
    HEIGHT,
    arm_scales,
    banner_theme,
    broken,
    legend_theme,
    texts_of_plot,
    tick_labels,
    ticks_between,
)
from trialstats.figures.pages import TEXT_LINE
from trialstats.figures.theme import (
    BASE_SIZE,
    FIGURE,
    FONT,
    HAIRLINE,
    INK,
    MUTED,
    RULE,
    plotnine,
    plotnine_theme,
    printable,
)
from trialstats.figures.visits_text import (
    arms_of,
    by_visit,
    mean_profile_alt_text,
)
from trialstats.formatting import format_level, format_number
from trialstats.records import (
    Record,
    distinct,
    find,
    records,
    usual_level,
)
from trialstats.vocabulary import numbered, upper_first

__all__ = [
    "mean_profile",
    "mean_profile_alt_text",
]

#: Height of a row of counts under the axis, as a share of the range of the means.
_COUNT_ROW = 0.085

#: Points: the labels of the axes; the widest name of an arm before its counts, and the
#: widest word under the axis; between two labels; margins and the title of the axis.
_TICK, _NAMES, _WORD, _APART, _BESIDE = BASE_SIZE - 0.5, 130.0, 60.0, 5.0, 44.0

#: How much longer the axis is than from the first visit to the last, and how wide a
#: label under its end may be.
_WITH_ENDS, _MODEST = 1.1, 48.0

#: Width by which arms stand apart at one visit, as a share of the step between visits.
_DODGE = 0.16

#: The same as a share of the whole axis.
_WIDEST_DODGE = 0.018


@dataclass(frozen=True, slots=True)
class _Room:
    """The labels of the visits on lines, and their room in points.

    `panel` and `width` are of the panel and the figure; `below` is what the labels need
    beyond one line, `expand` what the axis has beyond its ends.
    """

    labels: list[str]
    panel: float
    width: float
    below: float
    expand: tuple[float, float] | None


def mean_profile(rows: pd.DataFrame, *, title: str, subtitle: str, unit: str) -> Any:
    """Draw means by visit and arm with intervals, and the numbers with data below.

    Parameters
    ----------
    rows : DataFrame
        Rows of one analysis over visits (`rows.ESTIMATES`): ``ls_mean`` and
        ``n_with_data`` by visit and group, ``difference`` by visit.
    title, subtitle : str
        Title of the figure, and what stands under it.
    unit : str
        What the means are, with their unit, for the axis.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        When there are no means by visit.
    """
    listed = records(rows, needs=("statistic", "visit", "group", "estimate"))
    means = by_visit(listed)
    visits = distinct(means, "visit")
    if not visits:
        raise DataError(
            "there are no means by visit to draw",
            column="statistic",
            remedy="rows of 'ls_mean' with a visit and a group",
        )
    arms = arms_of(listed, means)
    names = [shortened(printable(arm), _TICK, _NAMES) for arm in arms]
    places, labels, axis = _visit_axis(visits)
    step = min((b - a for a, b in pairwise(places)), default=1.0)
    at = dict(zip(visits, places, strict=True))
    points = _points(means, arms, at, step)
    low, high = min(0.0, points["lower"].min()), max(0.0, points["upper"].max())
    ticks = ticks_between(low, high)
    counts, rows_of_counts = _counts(listed, arms, at, low, high)
    written = tick_labels(ticks)
    title_of_axis = broken(
        f"{upper_first(unit)}, least-squares mean", BASE_SIZE, HEIGHT
    )
    beside = _BESIDE + (title_of_axis.count("\n") + 1) * TEXT_LINE * BASE_SIZE
    beside += widest([*written, *names], _TICK)
    room = _visit_room(labels, places, step, beside)
    p9 = plotnine()
    lines = pd.DataFrame({"y": ticks})
    plot = (
        p9.ggplot(points, p9.aes("x", "y", colour="arm", shape="arm", linetype="arm"))
        + p9.geom_hline(lines, p9.aes(yintercept="y"), colour=HAIRLINE, size=0.35)
        + p9.geom_hline(yintercept=0.0, colour=RULE, size=0.6)
        + ([p9.geom_line(size=0.8)] if len(visits) > 1 else [])
        + p9.geom_linerange(
            p9.aes(ymin="lower", ymax="upper"), size=0.8, linetype="solid"
        )
        + p9.geom_point(size=2.6, fill="white", stroke=0.9)
        + p9.geom_text(
            counts,
            p9.aes("x", "y", label="label"),
            size=BASE_SIZE - 1,
            family=FONT,
            colour=INK,
            inherit_aes=False,
        )
        + p9.scale_x_continuous(breaks=places, labels=room.labels, expand=room.expand)
        + p9.scale_y_continuous(
            breaks=[*ticks, *rows_of_counts],
            labels=[*written, *names],
        )
        + p9.coord_cartesian(
            ylim=(min([low, *rows_of_counts]) - 0.03 * (high - low), high)
        )
        + p9.labs(
            **texts_of_plot(
                title,
                subtitle,
                means,
                f"Lines: {format_level(usual_level(means), 'confidence intervals')}. "
                "Rows of numbers: participants with data at the visit.",
            ),
            x=axis,
            y=title_of_axis,
        )
    )
    look = [plotnine_theme(), _quiet_grid(p9), banner_theme(p9, means)]
    legend, height = legend_theme(p9, arms, room.panel)
    size = (room.width / 72, FIGURE[1] + (room.below + height) / 72)
    look += [legend, p9.theme(figure_size=size)]
    marks = Marks(texts_at=_rows_at(counts), points=_rows_at(points))
    return with_marks(plot + arm_scales(p9, arms, listed) + look, marks)


def _quiet_grid(p9: Any) -> Any:
    """Return a theme without the grid, since rows of counts are breaks too."""
    return p9.theme(
        panel_grid_major_y=p9.element_blank(),
        axis_text_y=p9.element_text(size=BASE_SIZE - 0.5, colour=INK),
        plot_caption=p9.element_text(size=BASE_SIZE - 1.5, colour=MUTED, ha="left"),
    )


def _visit_axis(visits: Sequence[str]) -> tuple[list[float], list[str], str]:
    """Return places, labels and title of the visits.

    Visits called by one word and a number ("Week 4") stand where the number says.
    """
    shared = numbered(map(str, visits))
    if shared is not None:
        word, numbers = shared[0], [float(n) for n in shared[1]]
        if numbers == sorted(set(numbers)):
            return numbers, [f"{n:g}" for n in numbers], word
    return [float(i) for i in range(len(visits))], list(map(printable, visits)), "Visit"


def _visit_room(
    labels: Sequence[str], places: Sequence[float], step: float, beside: float
) -> _Room:
    """Return the labels of the visits with the room that they need.

    Labels wider than the step between two visits break into lines; where a step is
    narrower than a word, the figure grows. Half a step then lies before the first visit
    and after the last one.
    """
    steps = (places[-1] - places[0]) / step
    panel = FIGURE[0] * 72 - beside
    wide = widest(labels, _TICK)
    if wide + _APART <= panel / (steps * _WITH_ENDS or 1.0) and wide <= _MODEST:
        return _Room(list(labels), panel, panel + beside, 0.0, None)
    longest = widest((w for t in labels for w in t.split()), _TICK)
    panel = max(panel, (steps + 1) * (min(longest, _WORD) + _APART))
    lines = [broken(label, _TICK, panel / (steps + 1) - _APART) for label in labels]
    below = max(text.count("\n") for text in lines) * TEXT_LINE * _TICK
    return _Room(lines, panel, panel + beside, below, (0.0, step / 2))


def _points(
    means: Sequence[Record], arms: Sequence[str], at: dict[str, float], step: float
) -> pd.DataFrame:
    # Few visits are far apart: the arms stay close to the tick of their visit.
    apart = min(_DODGE * step, _WIDEST_DODGE * (max(at.values()) - min(at.values())))
    apart = apart or _DODGE * step
    shift = {arm: (i - (len(arms) - 1) / 2) * apart for i, arm in enumerate(arms)}
    found = [
        {
            "x": at[r["visit"]] + shift[r["group"]],
            "y": r["estimate"],
            "lower": r["estimate"] if r["ci_lower"] is None else r["ci_lower"],
            "upper": r["estimate"] if r["ci_upper"] is None else r["ci_upper"],
            "arm": r["group"],
            "row": r["row_id"],
        }
        for r in means
    ]
    return pd.DataFrame(found).assign(
        arm=lambda frame: pd.Categorical(frame["arm"], list(arms))
    )


def _counts(
    listed: Sequence[Record],
    arms: Sequence[str],
    at: dict[str, float],
    low: float,
    high: float,
) -> tuple[pd.DataFrame, list[float]]:
    """Return the counts to print, and the height of each arm's row."""
    height = _COUNT_ROW * (high - low)
    rows = [low - (i + 1.4) * height for i in range(len(arms))]
    place = dict(zip(arms, rows, strict=True))
    found = [
        {
            "x": at[r["visit"]],
            "y": place[r["group"]],
            "label": format_number(r["estimate"], 0),
            "arm": r["group"],
            "row": r["row_id"],
        }
        for r in find(listed, statistic="n_with_data")
        if r["visit"] in at and r["group"] in place and r["estimate"] is not None
    ]
    frame = pd.DataFrame(found, columns=["x", "y", "label", "arm", "row"])
    return frame.assign(arm=pd.Categorical(frame["arm"], list(arms))), rows


def _rows_at(frame: pd.DataFrame) -> dict[tuple[float, float], tuple[str]]:
    """Return the row behind each place of a frame with x, y and row."""
    places = zip(frame["x"], frame["y"], frame["row"], strict=True)
    return {(float(x), float(y)): (str(row),) for x, y, row in places}
