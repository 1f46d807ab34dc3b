"""Least-squares means of a trial: over its visits, or by treatment of a crossover."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.ticker import MaxNLocator

from trialstats.errors import DataError
from trialstats.figures.canvas import widest, wrap
from trialstats.figures.pages import SYNTHETIC_BANNER
from trialstats.figures.theme import (
    BASE_SIZE,
    CONTROL_COLOUR,
    FIGURE,
    FONT,
    HAIRLINE,
    INK,
    MUTED,
    RULE,
    SYNTHETIC,
    TREATMENT_COLOURS,
    plotnine,
    plotnine_theme,
    printable,
)
from trialstats.figures.visits_text import (
    arms_of,
    by_visit,
    control_of,
    estimate_text,
    estimated,
    interval_text,
    mean_profile_alt_text,
    period_plot_alt_text,
)
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import (
    Record,
    distinct,
    find,
    is_synthetic,
    records,
    usual_level,
)
from trialstats.vocabulary import numbered, upper_first

__all__ = [
    "mean_profile",
    "mean_profile_alt_text",
    "period_plot",
    "period_plot_alt_text",
]

#: Height of a row of counts under the axis, as a share of the range of the means.
_COUNT_ROW = 0.085

#: Width by which arms stand apart at one visit, as a share of the step between visits.
_DODGE = 0.16

#: The same as a share of the whole axis.
_WIDEST_DODGE = 0.018

#: Of the figure of a crossover, in steps between treatments: from a point to its
#: label, and before the first point and, at least, after the last one.
_NUDGE, _BEFORE, _AFTER = 0.12, 0.35, 0.9

#: What the two panels of a crossover leave: points for the title of the axis and its
#: ticks beside the numbers, and a share of the width for the margins.
_BESIDE_PANELS, _SHARE_OF_PANELS = 4.0, 0.895

#: Room for text in points: across the figure, and along the axis of the means.
_ROOM, _HEIGHT = 6.8 * 72 * 0.95, 175.0

_SHAPES = ("o", "D", "^", "s")


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
    places, labels, axis = _visit_axis(visits)
    step = min((b - a for a, b in pairwise(places)), default=1.0)
    at = dict(zip(visits, places, strict=True))
    points = _points(means, arms, at, step)
    low, high = min(0.0, points["lower"].min()), max(0.0, points["upper"].max())
    ticks = _ticks(low, high)
    counts, rows_of_counts = _counts(listed, arms, at, low, high)
    tick_labels = _tick_labels(ticks)
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
        + p9.scale_x_continuous(breaks=places, labels=labels)
        + p9.scale_y_continuous(
            breaks=[*ticks, *rows_of_counts],
            labels=[*tick_labels, *map(printable, arms)],
        )
        + p9.coord_cartesian(
            ylim=(min([low, *rows_of_counts]) - 0.03 * (high - low), high)
        )
        + p9.labs(
            **_texts(
                title,
                subtitle,
                means,
                f"Lines: {format_level(usual_level(means), 'confidence intervals')}. "
                "Rows of numbers: participants with data at the visit.",
            ),
            x=axis,
            y=_broken(f"{upper_first(unit)}, least-squares mean", BASE_SIZE, _HEIGHT),
        )
    )
    look = [plotnine_theme(), _quiet_grid(p9), _banner_theme(p9, means)]
    return plot + _arm_scales(p9, arms, listed) + look


def period_plot(rows: pd.DataFrame, *, title: str, subtitle: str, unit: str) -> Any:
    """Draw the means of a crossover by treatment, and their difference beside them.

    Parameters
    ----------
    rows : DataFrame
        Rows of one crossover analysis (`rows.ESTIMATES`): ``ls_mean`` by group,
        ``difference``, ``n_with_data`` by group.
    title, subtitle, unit : str
        As for `mean_profile`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        When the means or their difference are missing.
    """
    listed = records(rows, needs=("statistic", "group", "estimate", "contrast"))
    means = estimated(listed, "ls_mean")
    differences = estimated(listed, "difference")
    if not means or not differences:
        raise DataError(
            "there are no means of treatments and difference to draw",
            column="statistic",
            remedy="rows of 'ls_mean' by group and of 'difference'",
        )
    arms = arms_of(listed, means)
    counts = {r["group"]: r["estimate"] for r in find(listed, statistic="n_with_data")}
    points, zero = _period_points(means, differences, counts)
    intervals = format_level(usual_level(means), "confidence intervals")
    after, width = _period_room(points)
    p9 = plotnine()
    plot = (
        p9.ggplot(points, p9.aes("label", "y", colour="arm", shape="arm"))
        + p9.geom_hline(zero, p9.aes(yintercept="y"), colour=INK, size=0.6)
        + p9.geom_linerange(p9.aes(ymin="lower", ymax="upper"), size=0.9)
        + p9.geom_point(size=3.2, fill="white", stroke=0.9)
        + p9.geom_text(
            p9.aes(label="text"),
            nudge_x=_NUDGE,
            ha="left",
            size=BASE_SIZE - 1,
            family=FONT,
            colour=INK,
        )
        + p9.facet_wrap("panel", scales="free", ncol=2)
        + p9.scale_x_discrete(expand=(0, _BEFORE, 0, after))
        + p9.scale_y_continuous(labels=_tick_labels)
        + p9.labs(
            **_texts(
                title,
                subtitle,
                means,
                f"Least-squares means with {intervals}; n: participants with data.",
            ),
            x="",
            y=_broken(upper_first(unit), BASE_SIZE, _HEIGHT),
        )
    )
    quiet = p9.theme(
        legend_position="none", panel_spacing_x=0.06, figure_size=(width, FIGURE[1])
    )
    look = [plotnine_theme(), quiet, _banner_theme(p9, means)]
    return plot + _arm_scales(p9, [*arms, ""], listed) + look


def _texts(
    title: str, subtitle: str, means: Sequence[Record], note: str
) -> dict[str, str]:
    """Return title, subtitle and caption, broken into lines that fit the figure.

    The banner of synthetic data is the subtitle; what stood there goes below.
    """
    synthetic = is_synthetic(means)
    below = [subtitle, note] if synthetic else [note]
    size = BASE_SIZE - 1.5
    return {
        "title": _broken(title, BASE_SIZE + 2, _ROOM, weight="bold"),
        "subtitle": SYNTHETIC_BANNER
        if synthetic
        else _broken(subtitle, BASE_SIZE, _ROOM),
        "caption": "\n".join(_broken(b, size, _ROOM) for b in below if b),
    }


def _broken(text: str, size: float, width: float, *, weight: str = "normal") -> str:
    return "\n".join(printable(w) for w in wrap(text, size, width, weight=weight))


def _banner_theme(p9: Any, means: Sequence[Record]) -> Any:
    if not is_synthetic(means):
        return p9.theme()
    banner = p9.element_text(
        size=BASE_SIZE,
        weight="bold",
        colour=SYNTHETIC,
        ha="left",
        margin={"b": 8, "unit": "pt"},
    )
    return p9.theme(plot_subtitle=banner)


def _arm_scales(p9: Any, arms: Sequence[str], listed: Sequence[Record]) -> list[Any]:
    """Return colour, shape and line of each arm; the same in every figure."""
    control = control_of(listed)
    colours, lines = [], []
    treatments = iter([*TREATMENT_COLOURS] * len(arms))
    for arm in arms:
        colours.append(
            INK if not arm else CONTROL_COLOUR if arm == control else next(treatments)
        )
        lines.append("dashed" if arm == control else "solid")
    shapes = [_SHAPES[i % len(_SHAPES)] for i in range(len(arms))]
    return [
        p9.scale_colour_manual(
            values=dict(zip(arms, colours, strict=True)), limits=arms
        ),
        p9.scale_shape_manual(values=dict(zip(arms, shapes, strict=True)), limits=arms),
        p9.scale_linetype_manual(
            values=dict(zip(arms, lines, strict=True)), limits=arms
        ),
    ]


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
        }
        for r in find(listed, statistic="n_with_data")
        if r["visit"] in at and r["group"] in place and r["estimate"] is not None
    ]
    frame = pd.DataFrame(found, columns=["x", "y", "label", "arm"])
    return frame.assign(arm=pd.Categorical(frame["arm"], list(arms))), rows


def _period_points(
    means: Sequence[Record],
    differences: Sequence[Record],
    counts: dict[str, float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points of both panels, and the line of no difference."""
    panels = ["Mean by treatment", "Difference"]
    drawn = [
        _period_row(panels[0], _with_count(r["group"], counts), r["group"], r)
        for r in means
    ] + [
        _period_row(
            panels[1], str(r["contrast"]).replace(" versus ", "\nversus "), "", r
        )
        for r in differences
    ]
    points = pd.DataFrame(drawn)
    order = list(dict.fromkeys(points["label"]))
    points["label"] = pd.Categorical(points["label"], order)
    points["panel"] = pd.Categorical(points["panel"], panels)
    zero = pd.DataFrame({"panel": pd.Categorical([panels[1]], panels), "y": [0.0]})
    return points, zero


def _period_room(points: pd.DataFrame) -> tuple[float, float]:
    """Return the room after the last point, in steps, and the width of the figure.

    A label stands to the right of its point: it ends before the next one, and the last
    one inside the panel. Where that needs more than usual, the figure grows.
    """
    size = BASE_SIZE - 1
    text = widest((t for p in points["text"] for t in p.split("\n")), size)
    names = widest((t for p in points["label"] for t in str(p).split("\n")), size + 1)
    panels = [part for _, part in points.groupby("panel", observed=True)]
    axes = sum(
        widest(_tick_labels(_ticks(p["lower"].min(), p["upper"].max())), size)
        for p in panels
    )
    steps = max(map(len, panels)) - 1 + _BEFORE
    beside = _BESIDE_PANELS + axes
    # From one point to the next there is room for its label, and for its name.
    least = max((text + size / 2) / (1 - _NUDGE), names + size)
    width = FIGURE[0] * 72
    room = (width * _SHARE_OF_PANELS - beside) / 2
    step = max(least, room / (steps + _AFTER))
    after = max(_AFTER, _NUDGE + text / step)
    needed = (2 * step * (steps + after) + beside) / _SHARE_OF_PANELS
    return after, max(width, needed) / 72


def _with_count(arm: str, counts: dict[str, float]) -> str:
    n = counts.get(arm)
    return (
        printable(arm) if n is None else f"{printable(arm)}\nn = {format_number(n, 0)}"
    )


def _period_row(panel: str, label: str, arm: str, row: Record) -> dict[str, Any]:
    missing = row["ci_lower"] is None or row["ci_upper"] is None
    return {
        "panel": panel,
        "label": label,
        "arm": arm,
        "y": row["estimate"],
        "lower": row["estimate"] if missing else row["ci_lower"],
        "upper": row["estimate"] if missing else row["ci_upper"],
        "text": f"{estimate_text(row)}\n{interval_text(row)}".strip(),
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers from low to high."""
    places = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(t) for t in places if low - 1e-9 <= t <= high + 1e-9]


def _tick_labels(ticks: Sequence[float]) -> list[str]:
    digits = _digits(ticks)
    return [format_number(float(t), digits, minus=MINUS) for t in ticks]


def _digits(ticks: Sequence[float]) -> int:
    """Return how many decimals name every tick."""
    exact = (d for d in range(9) if all(abs(round(t, d) - t) < 1e-9 for t in ticks))
    return next(exact, 9)
