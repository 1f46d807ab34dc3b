"""The subject-level table: variables, flags, sets and dates that fit together."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import (
    dates_of,
    period_treatments,
    set_flag,
    subject_columns,
    variables_of,
)
from trialstats.config.formulas import condition_problems
from trialstats.config.values import (
    derived_problems,
    reading_problems,
    taking_problems,
)

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Characters that a variable may have (CDISC).
LONGEST = 8


def subject_problems(trial: Config) -> Found:
    """Yield place and sentence for what cannot be meant about the subjects."""
    adsl = trial["adsl"]
    if "where" in adsl:
        yield from condition_problems("adsl.where", adsl["where"], None)
    for name, spec in adsl["variables"].items():
        yield from _variable_problems(trial, name, spec)
    yield from _flag_problems(trial)
    for name in trial.get("date_order", []):
        yield from date_problems(trial, "date_order", name)
    for name, event in trial.get("intercurrent_events", {}).items():
        place = f"intercurrent_events.{name}"
        yield from condition_problems(
            f"{place}.when",
            event["when"],
            subject_columns(trial),
            kind="ADSL variable",
        )
        if "date" in event:
            yield from date_problems(trial, f"{place}.date", event["date"])


def date_problems(trial: Config, place: str, name: str) -> Found:
    """Yield place and sentence when a name is none of an ADSL date."""
    variables = trial["adsl"]["variables"]
    if name not in variables:
        yield from unknown_name(place, "date", name, dates_of(trial))
    elif variables[name].get("type") != "date":
        yield place, f"{name} must be of type date; add `type: date` to it"


def _variable_problems(trial: Config, name: str, spec: Config) -> Found:
    place = f"adsl.variables.{name}"
    yield from reading_problems(place, spec, unit=spec.get("unit"))
    yield from taking_problems(place, spec)
    of_source = "source" in spec or "take" in spec
    known = None if of_source else variables_of(trial, before=name)
    yield from derived_problems(place, spec, known, kind="variable before it")
    if "partial" not in spec:
        return
    flag = f"{name}F"
    if len(flag) > LONGEST:
        what = f"its imputation flag {flag} has more than {LONGEST} characters"
        yield place, f"{what}; choose a shorter name"
    if flag in trial["adsl"]["variables"] or flag in trial["adsl"].get("flags", {}):
        what = f"its imputation flag {flag} is the name of another variable"
        yield place, f"{what}; rename one"


def _flag_problems(trial: Config) -> Found:
    """Check flags, then sets: each may name what is made before it."""
    known = variables_of(trial)
    for name, flag in trial["adsl"].get("flags", {}).items():
        place = f"adsl.flags.{name}.when"
        yield from condition_problems(place, flag["when"], known, kind="ADSL variable")
        known[name] = "text"
    for name, text in trial["analysis_sets"].items():
        place = f"analysis_sets.{name}"
        yield from condition_problems(place, text, known, kind="ADSL variable")
        known[set_flag(name)] = "text"


def made_names(trial: Config) -> list[str]:
    """Return the variables that the cleaning makes and nobody may configure."""
    return ["STUDYID", "USUBJID", *period_treatments(trial)]
