"""What a forest plot shows, in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.figures.forest_lines import words_for
from trialstats.figures.forest_models import model_name
from trialstats.figures.forest_numbers import HOUSES, Words
from trialstats.figures.forest_options import ForestOptions
from trialstats.figures.forest_rows import Panel, panels
from trialstats.figures.forest_text import favours
from trialstats.formatting import format_level, format_number
from trialstats.records import Record
from trialstats.vocabulary import SYNTHETIC, lower_first

#: Results told one by one.
_MOST = 5


def forest_alt_text(
    rows: pd.DataFrame, *, synthesis: Mapping[str, Any], labels: Mapping[str, str]
) -> str:
    """Return what a forest plot shows, in one or two sentences.

    Parameters
    ----------
    rows : DataFrame
        Rows of one synthesis (`rows.ESTIMATES`).
    synthesis : mapping
        Its configuration.
    labels : mapping
        Trial -> author and year.
    """
    found = panels(rows, synthesis=synthesis, labels=labels)
    parts = [_panel_sentence(p, synthesis) for p in found]
    title = synthesis.get("title") or synthesis.get("synthesis") or "Synthesis"
    synthetic = any(t.status == "synthetic" for p in found for t in p.trials)
    start = f"{SYNTHETIC}. " if synthetic else ""
    return f"{start}Forest plot. {title}: {' '.join(parts)}"


def _panel_sentence(panel: Panel, synthesis: Mapping[str, Any]) -> str:
    words = words_for(panel, ForestOptions(layout="bmj"))
    name = panel.measure.name
    pool = panel.pooled
    if pool is not None and pool["estimate"] is not None:
        interval = format_level(pool.get("confidence_level"))
        limits = words.interval(pool["ci_lower"], pool["ci_upper"]).strip("()")
        trials = f"{panel.n_trials} trial" + "s" * (panel.n_trials > 1)
        return (
            f"{trials} pooled, {name} "
            f"{words.number(pool['estimate'])} ({interval} {limits}; "
            f"{lower_first(model_name(pool))}): "
            f"{_direction(pool, synthesis)}."
            f"{_further(panel, words)}"
        )
    lines = panel.trials or panel.published
    kind = "result" if panel.trials else "published pooled result"
    listed = ", ".join(
        f"{t.label} {words.effect(t.estimate, (t.lower, t.upper))}".strip()
        if t.estimable
        else f"{t.label} not estimable"
        for t in lines[:_MOST]
    )
    more = f", and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    plural = "" if len(lines) == 1 else "s"
    return f"{len(lines)} {kind}{plural}, not pooled; {name}: {listed}{more}."


def _further(panel: Panel, words: Words) -> str:
    """Return what else the plot says, of which the pooled effect is not all."""
    parts = []
    prediction = panel.main.get("prediction_interval")
    if prediction is not None and prediction["ci_lower"] is not None:
        name = format_level(prediction.get("confidence_level"), "prediction interval")
        limits = words.interval(prediction["ci_lower"], prediction["ci_upper"])
        parts.append(f"{name} {limits.strip('()')}")
    i_squared = panel.main.get("i_squared")
    if i_squared is not None and i_squared["estimate"] is not None:
        parts.append(f"I² {format_number(100 * i_squared['estimate'], 0)}%")
    groups = [
        f"{g.name} {words.effect(g.pooled['estimate'], _limits(g.pooled))}"
        for g in panel.subgroups
        if g.pooled is not None and g.pooled["estimate"] is not None
    ]
    if groups:
        parts.append(f"By group: {'; '.join(groups)}")
    test = panel.subgroup_test
    if test is not None and test["p_value"] is not None:
        parts.append(f"Test of differences between groups: {_p(test['p_value'])}")
    absent = len(panel.trials) - panel.n_estimable
    if absent:
        parts.append(f"Not estimable: {absent} trial{'s' if absent > 1 else ''}")
    return "".join(f" {part}." for part in parts)


def _limits(pool: Record) -> tuple[float | None, float | None]:
    return pool["ci_lower"], pool["ci_upper"]


def _p(value: float) -> str:
    return HOUSES["plain"].p(value)


def _direction(pool: Record, synthesis: Mapping[str, Any]) -> str:
    low, high = pool["ci_lower"], pool["ci_upper"]
    if low is None or high is None or low <= 0 <= high:
        return "the interval includes no effect"
    sides = favours(synthesis)
    if sides is None:
        return f"the interval lies {'below' if high < 0 else 'above'} no effect"
    side = lower_first(sides[0] if high < 0 else sides[1])
    return f"the interval {side}" if side.startswith("favours") else side
