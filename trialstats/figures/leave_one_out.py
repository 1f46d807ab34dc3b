"""Leave-one-out forests: the pooled effect without each trial in turn."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialstats.figures.forest_lines import Line, row_ids
from trialstats.figures.model_lines import main_line, model_forest, model_line
from trialstats.figures.synthesis_text import Shown, shown
from trialstats.formatting import format_level
from trialstats.records import Record, find
from trialstats.version import __version__
from trialstats.vocabulary import lower_first, sentence_list

#: As many trials whose absence changes the verdict are named in the words.
_MOST_NAMED = 5

_NOTHING = (
    "No trial was left out in turn: this needs a model of independent effects and at "
    "least two trials."
)


def leave_one_out_plot(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> Figure:
    """Draw the pooled effect without each trial in turn.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis, schema `rows.ESTIMATES`: ``leave_one_out_effect``, and
        ``leave_one_out_tau_squared`` and ``leave_one_out_i_squared`` where they exist;
        `trial` is the one left out.
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.

    Returns
    -------
    matplotlib.figure.Figure
    """
    drawn = shown(rows, synthesis, labels)
    lines = leave_one_out_lines(drawn, indented=False)
    main = main_line(drawn, "None left out", indented=False, ruled=True)
    if lines and main is not None:
        lines.append(main)
    model = f": {lower_first(drawn.model)}" if drawn.model else ""
    level = format_level(
        None if drawn.pool is None else drawn.pool.get("confidence_level"),
        "confidence intervals",
    )
    return model_forest(
        drawn,
        lines,
        synthesis,
        subtitle=f"Pooled effect without each trial in turn{model}",
        head="Left out",
        notes=[
            (
                f"Squares: pooled effects without the trial; lines: {level}; dashed: "
                "the pooled effect of all trials.",
                row_ids(drawn.pool),
            ),
            f"Software: trialstats {__version__}.",
        ],
        nothing=_NOTHING,
    )


def leave_one_out_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return how far the pooled effect moves, and whose absence changes the verdict."""
    drawn = shown(rows, synthesis, labels)
    found = [r for r in _effects(drawn).values() if r["estimate"] is not None]
    if not found or drawn.pool is None:
        return drawn.alt("Leave-one-out", _NOTHING)
    low, high = (
        drawn.words.number(end(float(r["estimate"]) for r in found))
        for end in (min, max)
    )
    names = {str(t.trial): t.label for t in drawn.panel.trials}
    changed = [
        names.get(str(r["trial"]), str(r["trial"]))
        for r in found
        if _excludes_none(r) != _excludes_none(drawn.pool)
    ]
    more = len(changed) - _MOST_NAMED
    if more > 0:
        changed = [*changed[:_MOST_NAMED], f"{more} more"]
    verdict = (
        f"Whether the interval includes no effect changes without "
        f"{sentence_list(changed)}."
        if changed
        else "Without any one trial the interval "
        f"{'excludes' if _excludes_none(drawn.pool) else 'includes'} no effect, as "
        "with all."
    )
    text = (
        f"All trials: {drawn.pooled_words()}. Without one trial the estimate lies "
        f"between {low} and {high}. {verdict}"
    )
    return drawn.alt("Leave-one-out", text)


def leave_one_out_lines(drawn: Shown, *, indented: bool) -> list[Line]:
    """Return a line for each trial left out, in the order of the forest plot."""
    effects = _effects(drawn)
    beside = {
        s: {
            str(r["trial"]): r for r in find(drawn.rows, statistic=f"leave_one_out_{s}")
        }
        for s in ("tau_squared", "i_squared")
    }
    lines = [
        model_line(
            drawn,
            "model",
            trial.label,
            effects[str(trial.trial)],
            tau_squared=beside["tau_squared"].get(str(trial.trial)),
            i_squared=beside["i_squared"].get(str(trial.trial)),
            indented=indented,
        )
        for trial in drawn.panel.trials
        if str(trial.trial) in effects
    ]
    # The name of a trial is no number of a row.
    return [replace(n, rows={**n.rows, "label": ()}) for n in lines]


def _effects(drawn: Shown) -> dict[str, Record]:
    listed = find(drawn.rows, statistic="leave_one_out_effect")
    return {str(row["trial"]): row for row in listed}


def _excludes_none(row: Record) -> bool:
    low, high = row["ci_lower"], row["ci_upper"]
    return low is not None and high is not None and (low > 0 or high < 0)
