"""The sentences and numbers of a forest plot."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trialstats.figures.forest_numbers import House
from trialstats.figures.forest_rows import Effect, Panel
from trialstats.formatting import MINUS, format_level, format_number
from trialstats.records import Record, usual_level
from trialstats.version import __version__
from trialstats.vocabulary import (
    BINARY_MEASURES,
    MEASURES,
    STATUS_MARKS,
    Measure,
    lower_first,
    upper_first,
)

TAU_SQUARED = "τ²"
I_SQUARED = "I²"

_ESTIMATORS = {
    "REML": "REML",
    "ML": "maximum likelihood",
    "DL": "DerSimonian-Laird",
    "PM": "Paule-Mandel",
    "HE": "Hedges-Olkin",
    "SJ": "Sidik-Jonkman",
    "EB": "empirical Bayes",
    "HS": "Hunter-Schmidt",
}

_INFERENCE = {
    "knapp_hartung": "Hartung-Knapp",
    "knapp_hartung_adhoc": "Hartung-Knapp ad hoc",
    "wald": "Wald",
    "t": "t",
}


def model_name(pool: Record, variation: Mapping[str, Any] | None = None) -> str:
    """Return a model in words: from its key, or from what its configuration changes.

    >>> model_name({"model_id": "REML.knapp_hartung"})
    'Random effects, REML, Hartung-Knapp'
    >>> model_name({"model_id": "paired-r-0.3"}, {"paired": {"correlation": 0.3}})
    'Crossover trials paired at r = 0.3'
    """
    key = str(pool.get("model_id") or "")
    changed = variation or {}
    text = _pooling_words(key)
    if changed and not text:
        # A name may be no more than a key; what is paired or measured is better said.
        spoken = any(name in changed for name in ("paired", "measure"))
        text = "" if spoken else str(changed.get("name") or "")
        text = text or ", ".join(
            w(changed[n]) for n, w in _CHANGES.items() if n in changed
        )
        if spoken and ("tau_squared" in changed or "inference" in changed):
            text += f", {_INFERENCE.get(str(changed.get('inference')), '')}".rstrip(
                ", "
            )
    text = text or key
    text = text if " " in text else " ".join(text.replace("_", "-").split("-"))
    return upper_first(text) or "Pooled"


def _pooling_words(key: str) -> str:
    """Return an estimator and an interval in words, empty when they are not known."""
    estimator, _, inference = key.partition(".")
    if inference not in _INFERENCE:
        return ""
    if estimator == "EE":
        return f"equal effects, {_INFERENCE[inference]}"
    if estimator in _ESTIMATORS:
        return f"random effects, {_ESTIMATORS[estimator]}, {_INFERENCE[inference]}"
    return ""


def _measure_words(code: str) -> str:
    measure = MEASURES.get(code)
    if measure is None:
        return code
    return measure.name + (" in percentage points" if measure.percent else "")


def _zero_cell_words(rule: Mapping[str, Any]) -> str:
    where = {"only0": "tables with a zero", "all": "all tables"}.get(rule["to"])
    added = (
        f"{rule['add']:g} added to {where or 'tables'}" if rule["add"] else "unchanged"
    )
    kept = ", double zeros in" if rule["double_zero"] == "include" else ""
    return f"zero cells: {added}{kept}"


#: What a sensitivity analysis changes -> what it is called.
_CHANGES: dict[str, Callable[[Any], str]] = {
    "measure": lambda code: _measure_words(str(code)),
    "paired": lambda p: f"crossover trials paired at r = {p['correlation']:g}",
    "zero_cells": _zero_cell_words,
    "exclude": lambda trials: f"without {', '.join(trials)}",
}


def weight_model(pool: Record) -> str:
    """Return which model the weights belong to, for the head of their column."""
    estimator = str(pool.get("model_id") or "").partition(".")[0]
    if estimator == "EE":
        return "equal effects"
    if estimator in _ESTIMATORS:
        return f"random, {estimator}"
    return "main model"


def heterogeneity(panel: Panel, house: House) -> str:
    """Return the line on heterogeneity, empty when there is none."""
    parts = []
    tau = panel.main.get("tau_squared")
    equal = str((panel.pooled or {}).get("model_id") or "").startswith("EE.")
    if tau and tau["estimate"] is not None and not equal:
        text = f"{TAU_SQUARED} = {_small(tau['estimate'])}"
        if tau["ci_lower"] is not None and tau["ci_upper"] is not None:
            ends = f"{_small(tau['ci_lower'])} to {_small(tau['ci_upper'])}"
            interval = format_level(tau.get("confidence_level"))
            text += f" ({interval} {ends}, Q-profile)"
        parts.append(text)
    i_squared = panel.main.get("i_squared")
    if i_squared and i_squared["estimate"] is not None:
        share = format_number(100 * i_squared["estimate"], 0)
        source = "Q" if equal else TAU_SQUARED
        parts.append(f"{I_SQUARED} = {share}% (from {source})")
    q = panel.main.get("q")
    if q and q["estimate"] is not None:
        parts.append(
            f"Q = {format_number(q['estimate'], 2)}, df = {_whole(q['df'])}, "
            f"{_p(q['p_value'], house)}"
        )
    return f"Heterogeneity: {'; '.join(map(unbroken, parts))}" if parts else ""


def overall_test(panel: Panel, house: House) -> str:
    """Return the line on the test of the overall effect, empty when there is none."""
    pool = panel.pooled
    if pool is None or pool["test_statistic"] is None:
        return ""
    statistic = format_number(pool["test_statistic"], 2, minus=MINUS)
    df = pool["df"]
    symbol = f"z = {statistic}" if df is None else f"t = {statistic}, df = {_whole(df)}"
    test = unbroken(f"{symbol}, {_p(pool['p_value'], house)}")
    return f"Test of overall effect: {test}"


def unbroken(text: str) -> str:
    """Return text whose equations, ranges and brackets stay on one line."""
    return re.sub(r" (?=[=<>(])|(?<=[=<>]) | (?=CI)|(?<=CI) | to ", _no_break, text)


def _no_break(found: re.Match[str]) -> str:
    return found.group().replace(" ", "\N{NO-BREAK SPACE}")


def prediction_label(panel: Panel) -> str:
    """Return the label of the prediction interval, with its form."""
    row = panel.main["prediction_interval"]
    words = format_level(row.get("confidence_level"), "prediction interval")
    form = "normal" if row["df"] is None else f"t, {_whole(row['df'])} df"
    return f"{upper_first(words)} ({form})"


def _p(p: float | None, house: House) -> str:
    text = house.p_value(p)
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"


def _small(value: float) -> str:
    """Print a variance: two decimals, four where two would show nothing."""
    if math.isinf(value):
        return "\N{INFINITY}"
    steps = ((99.95, 0), (9.995, 1), (0.095, 2), (0.0095, 3))
    digits = next((d for least, d in steps if value >= least), 4 if value else 2)
    return format_number(value, digits)


def _whole(value: float | None) -> str:
    if value is None:
        return "?"
    return format_number(value, 0 if float(value).is_integer() else 1)


def axis_title(
    measure: Measure, synthesis: Mapping[str, Any], *, own: bool
) -> tuple[str, ...]:
    """Return the label of the axis: the measure and outcome, then the direction."""
    outcome = synthesis.get("outcome") or {}
    extra = ["log axis"] if measure.log else []
    if measure.percent:
        extra.append("percentage points")
    pooled = own and synthesis.get("pooling", True)
    if pooled and measure.code == "MD" and outcome.get("scale"):
        extra.append(str(outcome["scale"]))
    about = f", {lower_first(outcome['name'])}" if pooled and "name" in outcome else ""
    remark = f" ({', '.join(extra)})" if extra else ""
    sides = favours(synthesis)
    if not own or sides is None:
        return (f"{measure.title}{about}{remark}",)
    below = "below 1" if measure.log else "negative"
    side = lower_first(sides[0])
    direction = f"{below} {side}" if side.startswith("favours") else f"{below}: {side}"
    return f"{measure.title}{about}{remark};", direction


def favours(synthesis: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what each side of no effect means, lower first; None when not said.

    A name of an arm is favoured; any other text stands as it is. Sides with one text
    say nothing.
    """
    given = synthesis.get("favours") or {}
    if given.get("lower") == given.get("higher"):
        return None
    arms = {str(a).lower() for a in (synthesis.get("comparison") or {}).values()}
    low, high = (
        f"Favours {side}" if str(side).lower() in arms else upper_first(str(side))
        for side in (given.get("lower", ""), given.get("higher", ""))
    )
    return low, high


def subtitle(synthesis: Mapping[str, Any]) -> str:
    """Return the comparison, outcome, time point and population under the title."""
    comparison = synthesis.get("comparison") or {}
    outcome = synthesis.get("outcome") or {}
    parts = []
    if comparison.get("treatment") and comparison.get("control"):
        parts.append(f"{comparison['treatment']} versus {comparison['control']}")
    if outcome.get("name"):
        scale = f", {outcome['scale']}" if outcome.get("scale") else ""
        parts.append(f"{outcome['name']}{scale}")
    if outcome.get("timepoint"):
        parts.append(str(outcome["timepoint"]))
    if synthesis.get("condition"):
        parts.append(str(synthesis["condition"]))
    return "; ".join(parts)


def footnotes(
    found: Sequence[Panel], synthesis: Mapping[str, Any], *, band: str = ""
) -> list[str]:
    """Return the notes under the plot, each a sentence or two."""
    lines = [t for p in found for t in (*p.trials, *p.published)]
    notes = [
        f"{mark} {meaning}"
        for status, (mark, meaning) in STATUS_MARKS.items()
        if any(t.status == status for t in lines)
    ]
    notes += [
        f"Not estimable: {', '.join(names)}; {reason}."
        for reason, names in _by_reason(t for p in found for t in p.trials).items()
    ]
    if any(t.estimable for t in lines):
        notes.append(_reading(found))
    if band:
        notes.append(f"Shaded: effects smaller than the minimal important {band}.")
    zero = _zero_cells(found, synthesis)
    notes += [zero] if zero else []
    if any(_same_people(t) for p in found for t in p.trials):
        notes.append("Crossover trials: the same people are counted under both arms.")
    notes += [str(n) for n in synthesis.get("notes") or []]
    notes.append(f"Software: trialstats {__version__}.")
    return notes


def _same_people(trial: Effect) -> bool:
    """Return whether the arms of a trial add to more than its people."""
    counts = [numbers["n"] for numbers in trial.arms.values() if "n" in numbers]
    return trial.n_subjects is not None and sum(counts) > trial.n_subjects


def _by_reason(trials: Iterable[Effect]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for trial in trials:
        if not trial.estimable:
            reasons.setdefault(trial.reason or "no reason given", []).append(
                trial.label
            )
    return reasons


def _reading(found: Sequence[Panel]) -> str:
    """Return what each mark stands for, of those that are drawn."""
    parts = []
    if any(t.estimable for p in found for t in p.trials):
        weighted = any(p.pooled is not None for p in found)
        square = "area proportional to weight" if weighted else "estimate"
        level = usual_level({"confidence_level": panel.level} for panel in found)
        lines = format_level(level, "confidence intervals")
        parts += [f"squares: {square}", f"lines: {lines}"]
    if any(p.pooled for p in found):
        parts.append("diamonds: pooled effects with their intervals")
    if any(p.published for p in found):
        parts.append("open diamonds: pooled results with intervals as published")
    return f"{upper_first('; '.join(parts))}; arrows: beyond the axis."


def _zero_cells(found: Sequence[Panel], synthesis: Mapping[str, Any]) -> str:
    """Return the zero-cell rule from the methods of the trials, else as configured."""
    if not any(p.measure.code in BINARY_MEASURES and p.trials for p in found):
        return ""
    rule = synthesis.get("zero_cells")
    if not rule:
        parts = [
            part.strip()
            for panel in found
            for trial in panel.trials
            for part in trial.method.split(";")
            if "zero" in part.lower()
        ]
        return f"Zero cells: {'; '.join(dict.fromkeys(parts))}." if parts else ""
    where = {
        "only0": "every cell of a table that holds a zero",
        "all": "every cell of every table",
        "if0all": "every cell of every table when any holds a zero",
    }.get(rule["to"])
    added = f"{rule['add']:g} added to {where}" if where else "nothing added"
    fate = {
        "not_estimable": "trials without events in either arm are not estimable",
        "include": "trials without events in either arm are included",
    }[rule["double_zero"]]
    return f"Zero cells: {added}; {fate}."
