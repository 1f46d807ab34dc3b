"""The evidence map: what exists for each condition, and what can be done with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.clean.evidence_digest import named_rows
from trialstats.records import Record, records
from trialstats.rows import COUNT, TEXT, field, frame_of

Config = Mapping[str, Any]

#: One row per trial, and one more under `safety` where it counts adverse events.
EVIDENCE = pa.schema(
    [
        field("group", TEXT, "Group of conditions, or safety", required=True),
        field("condition_group", TEXT, "Condition", required=True),
        field("trial", TEXT, "Trial identifier", required=True),
        field("label", TEXT, "Author and year", required=True),
        field("design_class", TEXT, "Kind of design", required=True),
        field("comparator", TEXT, "Comparator", required=True),
        field("dose", TEXT, "Dose", unit="mg"),
        field("weeks", TEXT, "Duration", unit="weeks"),
        field("n", COUNT, "Participants randomised, else analysed"),
        field("n_how", TEXT, "What n counts"),
        field(
            "offers",
            TEXT,
            "pooled, usable alone, context only or no usable number",
            required=True,
        ),
        field("syntheses", TEXT, "Syntheses that it enters"),
        field("reason", TEXT, "Why no number can be used; null where one can"),
        field("remark", TEXT, "What else there is to know about the trial"),
        field("use", TEXT, "ship, caution, context or not usable", required=True),
        field("evidence_status", TEXT, "seen, derived or recalled", required=True),
    ]
)

SAFETY = "safety"
OTHER = "other"

#: Topics in the order of the map, with their conditions. A condition that stands in
#: none is shown under `other`, so that adding a trial takes no code.
TOPICS: dict[str, tuple[str, ...]] = {
    "chronic pain": ("fibromyalgia", "neuropathic pain"),
    "autoimmune disease": (
        *("Crohn's disease", "inflammatory bowel disease", "multiple sclerosis"),
        *("arthritis", "lichen planopilaris"),
    ),
    "mental health": ("depression",),
    OTHER: (
        *("migraine", "endometriosis", "irritable bowel syndrome"),
        *("Gulf War illness", "HIV"),
    ),
    SAFETY: (),
}

#: Kind of design by its words; the first that fits.
_DESIGNS = (
    (r"single[- ]arm|no control", "uncontrolled"),
    (r"not randomi[sz]ed", "crossover, not randomised"),
    (r"\brct\b.*crossover", "randomised crossover"),
    (r"crossover", "crossover, randomisation not stated"),
    (r"", "randomised parallel"),
)

_SAFETY_OUTCOME = re.compile(r"adverse|discontinuation|dropout", re.IGNORECASE)


def evidence_map(
    trials: pd.DataFrame, effects: pd.DataFrame, syntheses: Iterable[Config]
) -> pd.DataFrame:
    """Say for every trial what it offers, and plainly where it offers nothing.

    Parameters
    ----------
    trials, effects : DataFrame
        Schemas `evidence_rows.PUBLISHED_TRIALS` and `evidence_rows.EFFECTS`.
    syntheses : iterable of mapping
        The files of ``config/syntheses``, with their names under ``id``.

    Returns
    -------
    DataFrame
        Schema `EVIDENCE`, in the order of `TOPICS`, of its conditions, and of
        `trials`.
    """
    configs = list(syntheses)
    by_trial = {name: frame for name, frame in effects.groupby("trial", sort=False)}
    rows = []
    for record in records(trials):
        listed = by_trial.get(record["trial"], effects.iloc[:0])
        safe = listed["endpoint"].str.contains(_SAFETY_OUTCOME)
        rows.append(_row(record, listed, configs, safety=False))
        if safe.any():
            rows.append(_row(record, listed.loc[safe], configs, safety=True))
    order = sorted(range(len(rows)), key=lambda i: (*_position(rows[i]), i))
    return frame_of([rows[i] for i in order], EVIDENCE)


def _row(
    trial: Record,
    effects: pd.DataFrame,
    configs: Iterable[Config],
    *,
    safety: bool,
) -> dict[str, Any]:
    entered = [c for c in configs if _enters(c, trial["trial"], effects, safety=safety)]
    pooled = [c for c in entered if c["pooling"] and len(named_rows(c)) > 1]
    alone = [c for c in entered if c not in pooled]
    n, how = _participants(trial)
    group = trial["condition_group"]
    topic = next((t for t, groups in TOPICS.items() if group in groups), OTHER)
    return {
        **{
            name: trial[name]
            for name in ("trial", "label", "comparator", "dose", "weeks", "use")
        },
        "group": SAFETY if safety else topic,
        "condition_group": group,
        "design_class": _design(trial["design"]),
        "n": n,
        "n_how": how,
        "offers": _offer(trial, effects, pooled, alone),
        "syntheses": ", ".join(c["id"] for c in (*pooled, *alone)) or None,
        "reason": None if entered else _nothing(trial, effects, safety=safety),
        "remark": " ".join(_remarks(trial, effects, safety=safety)) or None,
        "evidence_status": trial["evidence_status"],
    }


def _enters(config: Config, trial: str, effects: pd.DataFrame, *, safety: bool) -> bool:
    """Return whether a synthesis takes one of the rows shown."""
    for name, keys in named_rows(config):
        column = "endpoint" if "endpoint" in keys else "outcome"
        if name == trial and effects[column].eq(keys[column]).any():
            return safety or not _SAFETY_OUTCOME.search(keys[column])
    return False


def _offer(
    trial: Record,
    effects: pd.DataFrame,
    pooled: list[Config],
    alone: list[Config],
) -> str:
    uses = set(effects["use"].dropna())
    if pooled:
        return "pooled"
    if alone:
        return "usable alone"
    contextual = trial["use"] == "context" or "context" in uses
    return "context only" if contextual else "no usable number"


def _remarks(trial: Record, effects: pd.DataFrame, *, safety: bool) -> Iterator[str]:
    if safety:
        yield f"Counts: {', '.join(dict.fromkeys(effects['outcome']))}."
        if _without_events(effects):
            yield "No event in either arm: a ratio is not estimable."
    elif trial["notes"]:
        yield str(trial["notes"])
    if trial["evidence_status"] == "recalled":
        yield "Partly recalled, not sighted (dagger)."


def _without_events(effects: pd.DataFrame) -> bool:
    """Return whether every count of both arms is zero."""
    counts = effects[["events_ldn", "events_placebo"]].dropna()
    return len(counts) > 0 and bool(counts.eq(0).all(axis=None))


def _nothing(trial: Record, effects: pd.DataFrame, *, safety: bool) -> str:
    """Return why a trial enters nothing: the kind of reason, and its own words."""
    own = "" if safety or not trial["notes"] else f" {trial['notes']}"
    return _kind_of_reason(trial, effects, safety=safety) + own


def _kind_of_reason(trial: Record, effects: pd.DataFrame, *, safety: bool) -> str:
    if len(effects) == 0:
        return "No number was published or found."
    if _design(trial["design"]) == "uncontrolled":
        return "No control arm: descriptive only."
    if safety:
        return "No count of participants in both arms that can be used."
    if trial["use"] == "context":
        return "Descriptive only."
    return "No number for LDN against its control that can be used."


def _participants(trial: Record) -> tuple[int | None, str | None]:
    if trial["n_randomised"] is not None:
        return int(trial["n_randomised"]), "randomised"
    ldn, placebo = trial["n_analysed_ldn"], trial["n_analysed_placebo"]
    if ldn is None:
        return None, None
    crossover = "crossover" in trial["design"].lower()
    return int(ldn) + (0 if crossover or placebo is None else int(placebo)), "analysed"


def _design(words: str) -> str:
    return next(name for pattern, name in _DESIGNS if re.search(pattern, words.lower()))


def _position(row: Mapping[str, Any]) -> tuple[int, int]:
    topics = list(TOPICS)
    groups = [group for listed in TOPICS.values() for group in listed]
    group = row["condition_group"]
    place = groups.index(group) if group in groups else len(groups)
    return topics.index(row["group"]), place
