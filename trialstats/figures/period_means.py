"""Least-squares means of a crossover, by treatment, and their difference."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.canvas import widest
from trialstats.figures.marking import Marks, with_marks
from trialstats.figures.mean_parts import (
    HEIGHT,
    arm_scales,
    banner_theme,
    broken,
    texts_of_plot,
    tick_labels,
    ticks_between,
)
from trialstats.figures.theme import (
    BASE_SIZE,
    FIGURE,
    FONT,
    INK,
    plotnine,
    plotnine_theme,
    printable,
)
from trialstats.figures.visits_text import (
    arms_of,
    estimate_text,
    estimated,
    interval_text,
    period_plot_alt_text,
)
from trialstats.formatting import format_level, format_number
from trialstats.records import Record, find, records, usual_level
from trialstats.vocabulary import upper_first

__all__ = ["period_plot", "period_plot_alt_text"]

#: In steps between treatments: from a point to its label, and before the first point
#: and, at least, after the last one.
_NUDGE, _BEFORE, _AFTER = 0.12, 0.35, 0.9

#: What the two panels leave: points for the title of the axis and its ticks beside the
#: numbers, and a share of the width for the margins.
_BESIDE_PANELS, _SHARE_OF_PANELS = 4.0, 0.895


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
    numbers = find(listed, statistic="n_with_data")
    counts = {r["group"]: r["estimate"] for r in numbers}
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
        + p9.scale_y_continuous(labels=tick_labels)
        + p9.labs(
            **texts_of_plot(
                title,
                subtitle,
                means,
                f"Least-squares means with {intervals}; n: participants with data.",
            ),
            x="",
            y=broken(upper_first(unit), BASE_SIZE, HEIGHT),
        )
    )
    quiet = p9.theme(
        legend_position="none", panel_spacing_x=0.06, figure_size=(width, FIGURE[1])
    )
    look = [plotnine_theme(), quiet, banner_theme(p9, means)]
    shown = dict(
        zip(points["text"], points["row"].map(lambda row: (row,)), strict=True)
    )
    named = {_with_count(r["group"], counts): (r["row_id"],) for r in numbers}
    drawn = plot + arm_scales(p9, [*arms, ""], listed) + look
    return with_marks(drawn, Marks(texts=shown | named))


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
        widest(tick_labels(ticks_between(p["lower"].min(), p["upper"].max())), size)
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
        "row": row["row_id"],
    }
