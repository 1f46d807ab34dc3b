"""Values of a trial's configuration that no schema refuses and no data can mend."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Columns of ADSL that the cleaning makes itself.
_OWN = ("STUDYID", "USUBJID")

#: Dates from which days are counted, and which say who was randomised and treated.
_DATES = ("RANDDT", "TRTSDT")


def value_problems(trial: Config) -> Found:
    """Yield place and sentence for every value that cannot be meant."""
    yield from _name_problems(trial)
    yield from _date_problems(trial)
    yield from _range_problems(trial)
    yield from _window_problems(trial)
    yield from _format_problems("date_formats", trial)
    for name, source in trial["sources"].items():
        yield from _format_problems(f"sources.{name}.date_formats", source)


def _name_problems(trial: Config) -> Found:
    variables, flags = trial["adsl"]["variables"], trial["adsl"].get("flags", {})
    own = list(_OWN)
    if trial["design"] == "crossover":
        own += [f"TRT{n:02d}P" for n in range(1, len(trial.get("periods", [])) + 1)]
    for name in own:
        if name in variables:
            yield f"adsl.variables.{name}", "is made by the cleaning; leave it out"
    for name in flags:
        if name in variables:
            yield f"adsl.flags.{name}", "is the name of a variable too"
    made: dict[str, str] = {}
    for name, condition in trial["analysis_sets"].items():
        flag, place = f"{name.upper()}FL", f"analysis_sets.{name}"
        if flag in made:
            yield place, f"{made[flag]!r} makes the same flag {flag}; rename one"
        if flag in flags and flags[flag]["when"] != condition:
            yield place, f"flag {flag} has another condition; rename one of the two"
        made[flag] = name
    arms = [trial["arms"]["control"], *trial["arms"]["treatments"]]
    yield from _alike_problems("arms", arms)
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
    named += [
        (f"bds.{code}.visits.reference", parameter["visits"]["reference"])
        for code, parameter in trial["bds"].items()
    ]
    if trial["design"] == "crossover":
        named = [(place, name) for place, name in named if name != "period"]
    for place, name in dict.fromkeys(named):
        if name in variables and variables[name].get("type") != "date":
            yield place, f"{name} must be of type date; add `type: date` to it"


def _range_problems(trial: Config) -> Found:
    specs = {f"adsl.variables.{n}": v for n, v in trial["adsl"]["variables"].items()}
    specs |= {f"bds.{code}.value": p["value"] for code, p in trial["bds"].items()}
    for place, spec in specs.items():
        low, high = spec.get("range", (0, 1))
        if low >= high:
            yield f"{place}.range", f"{low:g} is not below {high:g}"
        for unit, factor in spec.get("units", {}).get("factors", {}).items():
            if factor == 0:
                yield f"{place}.units.factors.{unit}", "0 makes every value 0"


def _window_problems(trial: Config) -> Found:
    for code, parameter in trial["bds"].items():
        place, windows = f"bds.{code}.visits.windows", parameter["visits"]["windows"]
        numbers: dict[float, str] = {}
        for name, window in windows.items():
            other = numbers.setdefault(window["number"], name)
            if other != name:
                yield place, f"{other!r} and {name!r} have one number"
        baseline = parameter["baseline"]
        if baseline in windows and windows[baseline]["number"] > 0:
            what = "the baseline has a number above 0; visits after it begin above 0"
            yield f"{place}.{baseline}.number", what
        summary = parameter.get("summarise")
        if summary and summary["at_least"] > summary["of"]:
            what = f"{summary['at_least']} of {summary['of']} can never be reached"
            yield f"bds.{code}.summarise.at_least", what


#: A day whose number is no month and no hour, so that nothing can be mixed up.
_EXAMPLE = dt.datetime(2024, 2, 29)


def _format_problems(place: str, holder: Config) -> Found:
    for format_ in holder.get("date_formats", []):
        try:
            read = dt.datetime.strptime(_EXAMPLE.strftime(format_), format_)
        except ValueError:
            read = None
        if read is None or read.date() != _EXAMPLE.date():
            yield place, f"{format_!r} does not give day, month and year; see strptime"
