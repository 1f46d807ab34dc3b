"""Every analysis of a synthesis in one forest: how much hangs on the model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.forest_lines import Line, row_ids, sensitivity_line
from trialstats.figures.forest_models import interval_name, model_name
from trialstats.figures.forest_rows import is_bayesian, varied
from trialstats.figures.leave_one_out import leave_one_out_lines
from trialstats.figures.model_lines import main_line, model_forest, model_line
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.records import Record, find, one
from trialstats.version import __version__
from trialstats.vocabulary import MEASURES, POOLED_INTERVALS, TAU_SQUARED_ESTIMATORS

#: With more trials only the extremes of leave-one-out are shown, as many on each side.
_MOST_LEFT_OUT, _EXTREMES = 40, 5

_NOTHING = "Nothing is pooled."


def sensitivity_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw every analysis of a synthesis, a line each, under headings.

    The main model; the analyses that the configuration names; Bayesian models; trim
    and fill; the grid of estimators and intervals; and each trial left out, of more
    than forty trials the extremes.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`; kinds of analysis without rows
        have no heading.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = shown(rows, synthesis, labels)
    lines = _lines(drawn, synthesis, labels)
    notes = [
        "Dashed: the main estimate. Squares: estimates; lines: their intervals, cut "
        "with an arrow where the axis ends.",
        f"Software: trialstats {__version__}.",
    ]
    return model_forest(
        drawn,
        lines,
        synthesis,
        subtitle="Sensitivity of the pooled effect to the analysis",
        head="Analysis",
        notes=notes,
        nothing=_NOTHING,
        interval="interval",
    )


def sensitivity_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return the range of the estimates, and how many analyses agree with the main."""
    drawn = shown(rows, synthesis, labels)
    if drawn.pool is None:
        return drawn.alt("Sensitivity analyses", _NOTHING)
    lines = _lines(drawn, synthesis, labels, every=True)
    effects = [n.effect for n in lines if n.kind == "model" and n.effect is not None]
    known = [e for e in effects if e.estimate is not None and e.interval is not None]
    text = f"Main analysis: {drawn.pooled_words()}."
    if known:
        low, high = (
            drawn.words.number(end(e.estimate for e in known if e.estimate is not None))
            for end in (min, max)
        )
        without = sum(
            e.interval[0] > 0 or e.interval[1] < 0 for e in known if e.interval
        )
        text += (
            f" {len(known)} other {'analysis' if len(known) == 1 else 'analyses'}: "
            f"estimates from {low} to {high}; intervals that exclude no effect: "
            f"{without}."
        )
    return drawn.alt("Sensitivity analyses", text)


def _lines(
    drawn: Shown,
    synthesis: Mapping[str, Any],
    labels: Mapping[str, str],
    *,
    every: bool = False,
) -> list[Line]:
    """Return the lines of all analyses under their headings."""
    main = main_line(drawn, drawn.model)
    if main is None:
        return []
    pools = find(drawn.rows, statistic="pooled_effect")
    beside = varied(pools, synthesis, labels)
    left_out = leave_one_out_lines(drawn, indented=True)
    groups = {
        "Main analysis": [main],
        "Configured analyses": [
            _configured(drawn, row, variation)
            for row, variation in beside
            if not is_bayesian(row)
        ],
        "Bayesian analyses": [
            _of_model(drawn, row, model_name(row))
            for row, _ in beside
            if is_bayesian(row)
        ],
        "Small-study effects": _filled(drawn),
        "Estimators of τ² and intervals": _grid(drawn),
        "Without one trial": left_out if every else _extremes(left_out),
    }
    return [
        line
        for heading, members in groups.items()
        if members
        for line in (Line("heading", heading), *members)
    ]


def _of_model(drawn: Shown, row: Record, label: str) -> Line:
    """Return the line of a pooled effect, with the heterogeneity of its model."""
    about = {"model_id": row.get("model_id"), "trial": None}
    return model_line(
        drawn,
        "model",
        f"{label}, {interval_name(row)}",
        row,
        tau_squared=one(drawn.rows, statistic="tau_squared", **about),
        i_squared=one(drawn.rows, statistic="i_squared", **about),
    )


def _configured(drawn: Shown, row: Record, variation: Mapping[str, Any]) -> Line:
    """Return the line of a configured analysis; of another measure, in text alone."""
    line = _of_model(drawn, row, model_name(row, variation))
    other = MEASURES.get(str(variation.get("measure")), drawn.panel.measure)
    if other == drawn.panel.measure:
        return line
    text = sensitivity_line(row, variation, drawn.words)
    return replace(line, cells={**line.cells, **text.cells}, effect=None)


def _filled(drawn: Shown) -> list[Line]:
    row = one(drawn.rows, statistic="trim_and_fill_effect")
    missing = one(drawn.rows, statistic="trim_and_fill_missing")
    if row is None or row["estimate"] is None or missing is None:
        return []
    if not missing["estimate"]:
        return []
    n = int(missing["estimate"])
    label = f"Trim and fill, {n} trial{'' if n == 1 else 's'} added"
    line = model_line(drawn, "model", f"{label}, {interval_name(row)}", row)
    return [replace(line, rows={**line.rows, "label": row_ids(row, missing)})]


def _grid(drawn: Shown) -> list[Line]:
    """Return the grid of estimators and intervals, in the order of the rows."""
    beside = {
        s: {r["model_id"]: r for r in find(drawn.rows, statistic=f"grid_{s}")}
        for s in ("tau_squared", "i_squared")
    }
    return [
        model_line(
            drawn,
            "model",
            _grid_label(row),
            row,
            tau_squared=beside["tau_squared"].get(row["model_id"]),
            i_squared=beside["i_squared"].get(row["model_id"]),
        )
        for row in find(drawn.rows, statistic="grid_effect")
    ]


def _grid_label(row: Record) -> str:
    estimator, _, inference = str(row["model_id"]).partition(".")
    name = TAU_SQUARED_ESTIMATORS.get(estimator, estimator)
    if estimator == "EE":
        name = "equal effects"
    return f"{name[:1].upper()}{name[1:]}, {POOLED_INTERVALS.get(inference, inference)}"


def _extremes(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with the smallest and largest estimates, all if they are few."""
    if len(lines) <= _MOST_LEFT_OUT:
        return list(lines)
    known = [n for n in lines if n.effect is not None and n.effect.estimate is not None]
    known.sort(key=lambda n: float((n.effect and n.effect.estimate) or 0.0))
    between = len(known) - 2 * _EXTREMES
    note = Line("note", f"{between} estimates between these", indented=True)
    return [*known[:_EXTREMES], note, *known[-_EXTREMES:]]
