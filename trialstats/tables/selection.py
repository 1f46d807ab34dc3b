"""Which arms and groups a table shows, in which order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstats.records import Record, distinct


def groups_in_order(rows: Iterable[Record], arms: Sequence[str] = ()) -> list[str]:
    """Return the groups of `rows`: those of `arms` first, "Total" last."""
    present = distinct(rows, "group")
    named = [arm for arm in arms if arm in present]
    others = [g for g in present if g not in named and g != "Total"]
    return [*named, *others, *(["Total"] if "Total" in present else [])]


def arms_of(trial: Mapping[str, Any]) -> list[str]:
    """Return the arms of a trial's configuration, treatments before control."""
    arms = trial.get("arms") or {}
    return [*arms.get("treatments", []), *([arms["control"]] if arms else [])]
