"""Adverse events and times to events: keys and names that fit together."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.declared import subject_columns
from trialstats.config.formulas import condition_problems
from trialstats.config.subjects import date_problems
from trialstats.config.values import derived_problems, reading_problems

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys of a time to an event read from rows, and of one that follows from dates.
_OF_ROWS = ("from", "where", "time")
_OF_DATES = ("start", "event_date", "censor_date")

#: Keys of a variable that one row an event has no use for.
_OF_SUBJECTS = ("source", "take", "where", "by")


def event_problems(trial: Config) -> Found:
    """Yield place and sentence for adverse events and times to events."""
    for name, spec in trial.get("adae", {}).get("variables", {}).items():
        place = f"adae.variables.{name}"
        yield from reading_problems(place, spec, unit=spec.get("unit"))
        yield from derived_problems(place, spec, None, kind="column")
        if "column" not in spec and "derive" not in spec:
            yield place, "missing key 'column' or 'derive'"
        for key in _OF_SUBJECTS:
            if key in spec:
                what = "is for variables of ADSL; an event is one row"
                yield f"{place}.{key}", f"{what}; leave it out"
        kind = spec.get("type", "text")
        needed = "date" if name in ("ASTDT", "AENDT") else "text"
        if kind != needed:
            yield place, f"{name} must be of type {needed}; write `type: {needed}`"
    for code, spec in trial.get("adtte", {}).items():
        yield from _time_problems(trial, f"adtte.{code}", spec)


def _time_problems(trial: Config, place: str, spec: Config) -> Found:
    of_rows = "from" in spec and "time" in spec
    for key in _OF_DATES if of_rows else _OF_ROWS:
        if key in spec:
            other = "from, time and event" if of_rows else ", ".join(_OF_DATES)
            yield f"{place}.{key}", f"is not used beside {other}; leave it out"
    if not of_rows:
        for key in _OF_DATES:
            if key in spec:
                yield from date_problems(trial, f"{place}.{key}", spec[key])
        if "event" in spec:
            known = subject_columns(trial)
            at = f"{place}.event"
            yield from condition_problems(
                at, spec["event"], known, kind="ADSL variable"
            )
        return
    for key in ("where", "event"):
        if key in spec:
            yield from condition_problems(f"{place}.{key}", spec[key], None)
    value = {"type": "number", **spec["time"]}
    unit = spec.get("unit", "days")
    yield from reading_problems(f"{place}.time", value, unit=unit)
    yield from derived_problems(f"{place}.time", value, None, kind="column")
    if "column" not in value and "derive" not in value:
        yield f"{place}.time", "missing key 'column' or 'derive'"
