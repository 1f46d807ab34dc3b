"""Parts of a configuration that a step depends on.

A step that sees only the settings it uses is not run again when others change.
"""

from collections.abc import Mapping
from typing import Any

from trialstats.config.estimands import estimand_settings

Config = Mapping[str, Any]

#: Keys of a trial that change which records an analysis uses, and no dataset.
_OF_ESTIMANDS = {"estimands", "intercurrent_events"}

#: Keys of a synthesis that change what is printed, not what is computed.
_PRINTED = {"title", "question", "condition", "favours", "notes", "figure", "figures"}


def dataset_settings(trial: Config) -> dict[str, Any]:
    """Return what the datasets of a trial depend on."""
    left_out = {"analyses", "figures", "tables", "title", *_OF_ESTIMANDS}
    return {k: v for k, v in trial.items() if k not in left_out}


def export_settings(trial: Config) -> dict[str, Any]:
    """Return what the exports of a trial depend on."""
    return dataset_settings(trial) | {"title": trial["title"]}


def analysis_settings(trial: Config, name: str) -> dict[str, Any]:
    """Return what one analysis of a trial depends on."""
    left_out = {"sources", "figures", "tables", "title", *_OF_ESTIMANDS}
    kept = {k: v for k, v in trial.items() if k not in left_out}
    return kept | estimand_settings(trial, name)


def evidence_settings(synthesis: Config) -> dict[str, Any]:
    """Return what the published rows of a synthesis depend on."""
    names = ("id", "synthesis", "measure", "published", "published_pools", "analyses")
    further = ("comparison", "paired", "pooling", "studies")
    return {k: synthesis[k] for k in (*names, *further) if k in synthesis}


def pooling_settings(synthesis: Config) -> dict[str, Any]:
    """Return what the estimates of a synthesis depend on."""
    return {k: v for k, v in synthesis.items() if k not in _PRINTED}


def drawing_settings(synthesis: Config, options: Config) -> dict[str, Any]:
    """Return the synthesis with the options of its forest plot under ``figure``."""
    return {**synthesis, "figure": {**options, **synthesis.get("figure", {})}}
