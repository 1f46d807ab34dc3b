"""The models of a synthesis in words."""

from collections.abc import Callable, Mapping
from typing import Any

from trialstats.figures.forest_rows import is_bayesian
from trialstats.formatting import format_level
from trialstats.records import Record
from trialstats.vocabulary import (
    COMBINING_METHODS,
    MEASURES,
    POOLED_INTERVALS,
    TAU_PRIORS,
    TAU_SQUARED_ESTIMATORS,
    sentence_list,
    upper_first,
)

_NO_BREAK = "\N{NO-BREAK SPACE}"

#: Methods whose model knows no variance between trials.
_EQUAL_EFFECTS = ("mantel_haenszel", "peto")


def model_name(pool: Record, variation: Mapping[str, Any] | None = None) -> str:
    """Return a model in words: from its key, or from what its configuration changes.

    >>> model_name({"model_id": "REML.knapp_hartung"})
    'Random effects, REML, Hartung-Knapp'
    >>> model_name({"model_id": "bayesian.half_normal.0.5"})
    'Bayesian, half-normal prior of τ, scale 0.5'
    >>> model_name({"model_id": "REML.wald.district-school"})
    'Random effects of district and school, REML, Wald'
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
            interval = POOLED_INTERVALS.get(str(changed.get("inference")), "")
            text += f", {interval}".rstrip(", ")
    text = text or key
    text = text if " " in text else " ".join(text.replace("_", "-").split("-"))
    return upper_first(text) or "Pooled"


def interval_name(pool: Record) -> str:
    r"""Return what the interval of a model is, with its level.

    >>> interval_name({"model_id": "bayesian.half_normal.0.5", "confidence_level": 0.9})
    '90%\xa0CrI'
    """
    words = "CrI" if is_bayesian(pool) else "CI"
    return format_level(pool.get("confidence_level"), words).replace(" ", _NO_BREAK)


def _pooling_words(key: str) -> str:
    """Return an estimator and an interval in words, empty when they are not known."""
    start, _, rest = key.partition(".")
    if start == "bayesian":
        prior, _, scale = rest.partition(".")
        words = TAU_PRIORS.get(prior, prior.replace("_", "-"))
        return f"Bayesian, {words} prior of τ" + (f", scale {scale}" if scale else "")
    if key in COMBINING_METHODS:
        equal = ", equal effects" if key in _EQUAL_EFFECTS else ""
        return f"{COMBINING_METHODS[key]}{equal}"
    inference, _, levels = rest.partition(".")
    if inference not in POOLED_INTERVALS:
        return ""
    interval = POOLED_INTERVALS[inference]
    if start == "EE":
        return f"equal effects, {interval}"
    if start not in TAU_SQUARED_ESTIMATORS:
        return ""
    nested = f" of {sentence_list(levels.split('-'))}" if levels else ""
    return f"random effects{nested}, {TAU_SQUARED_ESTIMATORS[start]}, {interval}"


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
    "exclude": lambda trials: f"without {sentence_list(trials)}",
}


def weight_model(pool: Record) -> str:
    """Return which model the weights belong to, for the head of their column."""
    key = str(pool.get("model_id") or "")
    estimator, _, rest = key.partition(".")
    if estimator == "EE":
        return "equal effects"
    if key in COMBINING_METHODS:
        return COMBINING_METHODS[key]
    if estimator in TAU_SQUARED_ESTIMATORS:
        return f"{'nested' if '.' in rest else 'random'}, {estimator}"
    return "main model"


def equal_effects(pool: Record | None) -> bool:
    """Return whether a model knows no variance between trials."""
    key = str((pool or {}).get("model_id") or "")
    return key.startswith("EE.") or key in _EQUAL_EFFECTS
