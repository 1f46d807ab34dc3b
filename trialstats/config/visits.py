"""How values get their visit: windows, names, columns that fit together."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from trialstats.config.arms import names_period
from trialstats.config.checking import unknown_name
from trialstats.config.declared import arms_of, baseline_visit, dates_of, visits_of
from trialstats.config.subjects import date_problems

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys of visits that belong to one way of naming them.
_BELONGS = {
    "reference": "windows",
    "nominal": "windows",
    "names": "column",
    "number": "visit",
}


def visit_problems(trial: Config, code: str) -> Found:
    """Yield place and sentence for visits of a measurement that cannot be meant."""
    parameter = trial["bds"][code]
    visits, place = parameter["visits"], f"bds.{code}.visits"
    for key, way in _BELONGS.items():
        if key in visits and way not in visits:
            yield f"{place}.{key}", f"is for visits by `{way}`; leave it out"
    if "windows" in visits:
        yield from _window_problems(trial, parameter, place)
    if "names" in visits:
        yield from _name_problems(visits["names"], f"{place}.names")
    if "columns" in visits:
        yield from _column_problems(trial, parameter, place)
    if "period" in visits and trial["design"] != "crossover":
        yield f"{place}.period", "is for a crossover; leave it out"
    yield from _number_problems(trial, code, place)
    placed = "windows" in visits or names_period(visits)
    after = any(number > 0 for number in visits_of(trial, code).values())
    if trial["design"] == "crossover" and after and not placed:
        what = "does not say of which period a value is"
        yield place, f"{what}; add `period`"


def _window_problems(trial: Config, parameter: Config, place: str) -> Found:
    visits = parameter["visits"]
    reference = visits["reference"]
    if reference == "period" and trial["design"] == "crossover":
        # Without a name of the period, `periods` itself is asked for.
        if "periods" not in trial and names_period(visits):
            what = "the trial has no `periods` to count days from"
            yield f"{place}.reference", f"{what}; add them, or name an ADSL date"
    elif reference in trial["adsl"]["variables"]:
        yield from date_problems(trial, f"{place}.reference", reference)
    else:
        known = dates_of(trial)
        known += ["period"] if trial["design"] == "crossover" else []
        yield from unknown_name(f"{place}.reference", "date", reference, known)
    if "date" not in parameter:
        what = "windows hold days, and the measurement has no `date`"
        yield place, f"{what}; add `date: {{column: ...}}`"
    windows = visits["windows"]
    for name, window in windows.items():
        first, last = window["days"]
        if first > last:
            yield f"{place}.windows.{name}", f"day {first} is after day {last}"
    for one, other in combinations(windows, 2):
        a, b = windows[one]["days"], windows[other]["days"]
        if max(a[0], b[0]) <= min(a[1], b[1]):
            yield f"{place}.windows", f"{one!r} and {other!r} overlap"


def _name_problems(names: Config, place: str) -> Found:
    meant: dict[str, str] = {}
    for visit, spec in names.items():
        received = spec.get("received", visit)
        for text in [received] if isinstance(received, str) else received:
            if text in meant:
                what = f"{text!r} is received for {meant[text]!r} too"
                yield f"{place}.{visit}.received", f"{what}; name it once"
            meant.setdefault(text, visit)


def _column_problems(trial: Config, parameter: Config, place: str) -> Found:
    columns = parameter["visits"]["columns"]
    crossover = trial["design"] == "crossover"
    arms, sequences = arms_of(trial), trial.get("sequences", {})
    most = max(map(len, sequences.values()), default=0)
    for column, spec in columns.items():
        at = f"{place}.columns.{column}"
        given = [key for key in ("period", "treatment") if key in spec]
        if given and not crossover:
            yield f"{at}.{given[0]}", "is for a crossover; leave it out"
            continue
        if len(given) > 1:
            yield at, "has both `period` and `treatment`; leave one out"
        if sequences and spec.get("period", 1) > most:
            what = f"value {spec['period']} is no period; the sequences have {most}"
            yield f"{at}.period", what
        if "treatment" in spec:
            treatment = spec["treatment"]
            yield from unknown_name(f"{at}.treatment", "arm", treatment, arms)
            for name, treatments in sequences.items():
                if treatment in arms and treatments.count(treatment) != 1:
                    number = treatments.count(treatment)
                    what = f"{treatment!r} stands {number} times in {name!r}"
                    yield f"{at}.treatment", f"{what}; name the `period` instead"
        after = spec["number"] > 0 and spec["visit"] != baseline_visit(parameter)
        if crossover and not given and after:
            yield at, "does not say of which period it is; add `period` or `treatment`"


def _number_problems(trial: Config, code: str, place: str) -> Found:
    """Yield visits with one number, and one visit with two."""
    visits = trial["bds"][code]["visits"]
    key = next((k for k in ("windows", "names", "columns") if k in visits), "visit")
    listed = [(name, number) for name, number in visits_of(trial, code).items()]
    if key == "columns":
        listed = [(v["visit"], float(v["number"])) for v in visits[key].values()]
    numbers: dict[float, str] = {}
    first: dict[str, float] = {}
    for name, number in listed:
        other = numbers.setdefault(number, name)
        if other != name:
            yield f"{place}.{key}", f"{other!r} and {name!r} have one number"
        if first.setdefault(name, number) != number:
            what = f"{name!r} has the numbers {first[name]:g} and {number:g}"
            yield f"{place}.{key}", f"{what}; write one"
    baseline = baseline_visit(trial["bds"][code])
    if dict(listed).get(str(baseline), 0) > 0 and key != "visit":
        what = "the baseline has a number above 0; visits after it begin above 0"
        yield f"{place}.{key}.{baseline}.number", what
