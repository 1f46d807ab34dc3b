"""What a forest plot shows, in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trialstats.figures.forest_numbers import HOUSES, Words
from trialstats.figures.forest_rows import Panel, panels
from trialstats.figures.forest_text import (
    favours,
    model_name,
)
from trialstats.formatting import format_level
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
    words = Words(panel.measure, HOUSES["bmj"])
    name = panel.measure.name
    pool = panel.pooled
    if pool is not None and pool["estimate"] is not None:
        interval = format_level(pool.get("confidence_level"))
        limits = words.interval(pool["ci_lower"], pool["ci_upper"]).strip("()")
        return (
            f"{panel.n_estimable} trials pooled, {name} "
            f"{words.number(pool['estimate'])} ({interval} {limits}; "
            f"{lower_first(model_name(pool))}): "
            f"{_direction(pool, synthesis)}."
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


def _direction(pool: Record, synthesis: Mapping[str, Any]) -> str:
    low, high = pool["ci_lower"], pool["ci_upper"]
    if low is None or high is None or low <= 0 <= high:
        return "the interval includes no effect"
    sides = favours(synthesis)
    if sides is None:
        return f"the interval lies {'below' if high < 0 else 'above'} no effect"
    side = lower_first(sides[0] if high < 0 else sides[1])
    return f"the interval {side}" if side.startswith("favours") else side
