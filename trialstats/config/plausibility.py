"""Values of a trial's configuration that no schema refuses and no data can mend."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trialstats.config.declared import arms_of, set_flag
from trialstats.config.subjects import date_problems, made_names

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Dates from which days are counted, and which say who was randomised and treated.
_DATES = ("RANDDT", "TRTSDT")

#: The format of CDISC, which no notation of strptime writes.
ISO8601 = "ISO8601"


def value_problems(trial: Config) -> Found:
    """Yield place and sentence for every value that cannot be meant."""
    yield from _name_problems(trial)
    yield from _date_problems(trial)
    yield from _format_problems("date_formats", trial)
    for name, source in trial["sources"].items():
        yield from _format_problems(f"sources.{name}.date_formats", source)


def _name_problems(trial: Config) -> Found:
    variables, flags = trial["adsl"]["variables"], trial["adsl"].get("flags", {})
    for name in made_names(trial):
        if name in variables:
            yield f"adsl.variables.{name}", "is made by the cleaning; leave it out"
    for name in flags:
        if name in variables:
            yield f"adsl.flags.{name}", "is the name of a variable too"
    made: dict[str, str] = {}
    for name, condition in trial["analysis_sets"].items():
        flag, place = set_flag(name), f"analysis_sets.{name}"
        if flag in made:
            yield place, f"{made[flag]!r} makes the same flag {flag}; rename one"
        if flag in flags and flags[flag]["when"] != condition:
            yield place, f"flag {flag} has another condition; rename one of the two"
        # A flag of an analysis dataset is its own analysis set.
        if flag in variables and condition != f"{flag} == 'Y'":
            yield place, f"its flag {flag} is the name of a variable; rename one"
        made[flag] = name
    yield from _alike_problems("arms", arms_of(trial))
    yield from _alike_problems("sequences", trial.get("sequences", {}))


def _alike_problems(place: str, names: Iterable[str]) -> Found:
    """Refuse names that the keys of the estimates cannot tell apart."""
    seen: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[\W_]+", "-", name.lower()).strip("-")
        other = seen.setdefault(plain, name)
        if not plain:
            yield place, f"{name!r} holds no letter and no digit"
        elif other != name:
            yield place, f"{other!r} and {name!r} differ in punctuation alone"


def _date_problems(trial: Config) -> Found:
    variables = trial["adsl"]["variables"]
    named = [("adsl.variables", name) for name in _DATES]
    named += [("periods", name) for name in trial.get("periods", [])]
    for place, name in dict.fromkeys(named):
        if name in variables:
            yield from date_problems(trial, place, name)


#: A day whose number is no month and no hour, so that nothing can be mixed up.
_EXAMPLE = dt.datetime(2024, 2, 29)


def _format_problems(place: str, holder: Config) -> Found:
    for format_ in holder.get("date_formats", []):
        if format_ == ISO8601:
            continue
        try:
            read = dt.datetime.strptime(_EXAMPLE.strftime(format_), format_)
        except ValueError:
            read = None
        if read is None or read.date() != _EXAMPLE.date():
            yield place, f"{format_!r} does not give day, month and year; see strptime"
