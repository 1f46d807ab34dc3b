"""The second line of a table: population, design and, always, what the data are."""

from collections.abc import Iterable, Mapping
from typing import Any

from trialstats.records import Record
from trialstats.vocabulary import SYNTHETIC

#: How a table names results that were published.
PUBLISHED = "Published results"

#: CDISC codes of analysis sets, in words.
_SETS = {"ITT": "Intention-to-treat population", "Safety": "Safety population"}


def data_words(rows: Iterable[Record]) -> str:
    """Say what the data behind rows are."""
    statuses = {r["data_status"] for r in rows}
    if "synthetic" in statuses:
        return SYNTHETIC
    return "Individual data" if statuses == {"individual"} else PUBLISHED


def trial_subtitle(
    trial: Mapping[str, Any],
    rows: Iterable[Record] = (),
    analysis_set: str | None = None,
) -> str:
    """Return trial, population, design and status of the data of a trial's table."""
    listed = list(rows)
    synthetic = trial.get("data_status") == "synthetic"
    words = SYNTHETIC if synthetic or not listed else data_words(listed)
    population = _SETS.get(analysis_set, analysis_set) if analysis_set else None
    design = f"{trial['design']} trial" if trial.get("design") else None
    parts = [trial.get("trial"), population, design, words]
    return " · ".join(str(p) for p in parts if p)
