"""Measurements and what is derived from them: keys and names that fit together."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.arms import names_period
from trialstats.config.checking import unknown_name
from trialstats.config.declared import arms_of, visits_of
from trialstats.config.formulas import condition_problems, names_in, value_problems
from trialstats.config.subjects import date_problems
from trialstats.config.values import derived_problems, reading_problems
from trialstats.config.visits import visit_problems

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys of a measurement that has a source, which a combination of others has not.
_OF_SOURCE = (
    *("from", "where", "value", "date", "visits", "several", "summarise"),
    *("as_received", "treatment"),
)

#: What a key is when nothing is written.
_USUAL = {"several": "nearest"}

#: Columns of the measurements that the condition of a responder may name.
RESPONSE_COLUMNS = {
    **dict.fromkeys(("AVAL", "BASE", "CHG", "PCHG", "AVISITN"), "number"),
    **dict.fromkeys(("ADY", "APERIOD"), "integer"),
    "AVISIT": "text",
}

#: Derivations that make one record a subject.
_ONE_EACH = ("WORST", "BEST", "AVERAGE", "LAST")


def measurement_problems(trial: Config) -> Found:
    """Yield place and sentence for measurements and responders."""
    for code, parameter in trial.get("bds", {}).items():
        place = f"bds.{code}"
        if "combine" in parameter:
            wrong = list(_combination_problems(trial, code))
            yield from wrong
            if wrong:
                continue
        else:
            missing = [key for key in ("from", "visits") if key not in parameter]
            wide = "columns" in parameter.get("visits", {})
            if "value" not in parameter and not wide:
                missing.append("value")
            for key in missing:
                yield place, f"missing key {key!r}; add it, or `combine` parameters"
            if "visits" in parameter:
                yield from visit_problems(trial, code)
                yield from _reading_problems(place, parameter)
            yield from _treatment_problems(trial, place, parameter)
        yield from _baseline_problems(trial, code)
        yield from _several_problems(place, parameter)
        yield from _record_problems(trial, code)
    yield from _responder_problems(trial)
    yield from _code_problems(trial)


def _reading_problems(place: str, parameter: Config) -> Found:
    value, visits = parameter.get("value", {}), parameter["visits"]
    if "where" in parameter:
        yield from condition_problems(f"{place}.where", parameter["where"], None)
    named = {"type": "number", **value}
    yield from reading_problems(f"{place}.value", named, unit=parameter["unit"])
    yield from derived_problems(f"{place}.value", named, None, kind="column")
    if "columns" not in visits:
        if value and "column" not in value and "derive" not in value:
            yield f"{place}.value", "missing key 'column' or 'derive'"
        return
    for key in ("column", "derive"):
        if key in value:
            what = "is not used: each of `visits.columns` holds the values of a visit"
            yield f"{place}.value.{key}", f"{what}; leave it out"
    for key in ("date", "as_received"):
        if key in parameter:
            remedy = "leave it out"
            if key == "date":
                remedy = "write `date` under each of `visits.columns`"
            yield f"{place}.{key}", f"is not used with `visits.columns`; {remedy}"


def _combination_problems(trial: Config, code: str) -> Found:
    parameter, place = trial["bds"][code], f"bds.{code}"
    unused = [
        key
        for key in _OF_SOURCE
        if key in parameter and parameter[key] != _USUAL.get(key)
    ]
    if unused:
        what = f"{', '.join(unused)} and `combine` exclude each other"
        yield place, f"{what}; leave one or the other out"
        return
    above = list(trial["bds"])[: list(trial["bds"]).index(code)]
    for name in names_in(parameter["combine"]):
        if name == code:
            what = f"{name} is made from itself"
            yield f"{place}.combine", f"{what}; name other parameters"
            return
        if name in trial["bds"] and name not in above:
            what = f"{name} stands below"
            yield f"{place}.combine", f"{what}; put it before {code}"
            return
    numbers = dict.fromkeys(above, "number")
    yield from value_problems(
        f"{place}.combine", parameter["combine"], numbers, "number", kind="parameter"
    )
    if not names_in(parameter["combine"]):
        yield f"{place}.combine", "names no parameter; write such as 2 * A + B"


def _baseline_problems(trial: Config, code: str) -> Found:
    parameter, place = trial["bds"][code], f"bds.{code}.baseline"
    rule, visits = parameter.get("baseline"), visits_of(trial, code)
    if isinstance(rule, str):
        yield from unknown_name(place, "visit", rule, visits)
    if not isinstance(rule, Mapping):
        return
    if not rule:
        yield place, "says nothing; write a visit, `column` or `last_before`"
    if "visit" in rule:
        yield from unknown_name(f"{place}.visit", "visit", rule["visit"], visits)
    if "column" in rule and "last_before" in rule:
        yield place, "has both `column` and `last_before`; leave one out"
    if "column" in rule and "combine" in parameter:
        what = "a combination has no columns"
        yield f"{place}.column", f"{what}; write the visit of the baseline"
    if "last_before" in rule:
        yield from date_problems(trial, f"{place}.last_before", rule["last_before"])
        if not _dated(trial, code):
            what = "the values have no date to compare with"
            yield f"{place}.last_before", f"{what}; add `date`"


def _dated(trial: Config, code: str) -> bool:
    """Return whether the values of a parameter have dates."""
    parameter = trial["bds"].get(code, {})
    if "combine" in parameter:
        names = [n for n in names_in(parameter["combine"]) if n != code]
        return all(_dated(trial, name) for name in names)
    visits = parameter.get("visits", {})
    columns = visits.get("columns", {}).values()
    # Windows without a date are refused where they stand.
    named = "date" in parameter or "windows" in visits
    return named or any("date" in one for one in columns)


def _several_problems(place: str, parameter: Config) -> Found:
    rule = parameter.get("several", "nearest")
    if rule in ("worst", "best") and "better" not in parameter:
        what = f"{rule} needs to know which direction is better"
        yield f"{place}.several", f"{what}; add `better: lower` or `better: higher`"
    if "ANL01FL" in parameter.get("as_received", {}):
        for key in ("summarise", "several"):
            if parameter.get(key, _USUAL.get(key)) != _USUAL.get(key):
                what = "is not used where ANL01FL says which record is analysed"
                yield f"{place}.{key}", f"{what}; leave one out"
    summary = parameter.get("summarise")
    if summary is None:
        return
    if rule != "nearest":
        what = "is not used with `summarise`, which makes one value of several"
        yield f"{place}.several", f"{what}; leave one out"
    if summary["at_least"] > summary["of"]:
        what = f"{summary['at_least']} of {summary['of']} can never be reached"
        yield f"{place}.summarise.at_least", what


def _record_problems(trial: Config, code: str) -> Found:
    parameter, visits = trial["bds"][code], visits_of(trial, code)
    seen: list[str] = []
    for number, rule in enumerate(parameter.get("records", [])):
        place, kind = f"bds.{code}.records.{number}", rule["dtype"]
        if kind in seen:
            yield f"{place}.dtype", f"{kind} is made twice; leave one out"
        seen.append(kind)
        if kind in ("WOCF", "WORST", "BEST") and "better" not in parameter:
            what = f"{kind} needs to know which direction is better"
            remedy = f"add `better: lower` or `better: higher` to bds.{code}"
            yield f"{place}.dtype", f"{what}; {remedy}"
        if kind == "BOCF" and "baseline" not in parameter:
            what = "BOCF carries the baseline, and the measurement has none"
            yield f"{place}.dtype", f"{what}; add `baseline` to bds.{code}"
        if "visit" in rule and kind not in _ONE_EACH:
            what = f"{kind} fills the visits without a value and has no visit"
            yield f"{place}.visit", f"{what}; leave it out"
        if rule.get("visit", kind) in visits:
            what = f"{rule.get('visit', kind)!r} is a visit of the measurement already"
            yield f"{place}.visit", f"{what}; choose another name"
        if "until" in rule:
            yield from date_problems(trial, f"{place}.until", rule["until"])
            if not _dated(trial, code):
                what = "the values have no date to compare with"
                yield f"{place}.until", f"{what}; add `date`"


def _treatment_problems(trial: Config, place: str, parameter: Config) -> Found:
    if "treatment" not in parameter:
        return
    at, visits = f"{place}.treatment", parameter.get("visits", {})
    if trial["design"] != "crossover":
        yield at, "is for a crossover; leave it out"
        return
    for target in parameter["treatment"].get("recode", {}).values():
        yield from unknown_name(f"{at}.recode", "arm", target, arms_of(trial))
    if "windows" not in visits and not names_period(visits):
        yield at, "is held against the period, and no `period` is named; add it"


def _responder_problems(trial: Config) -> Found:
    for code, responder in trial.get("responders", {}).items():
        place = f"responders.{code}"
        known = trial.get("bds", {})
        yield from unknown_name(f"{place}.of", "parameter", responder["of"], known)
        yield from condition_problems(
            f"{place}.when", responder["when"], RESPONSE_COLUMNS
        )
        measured = known.get(responder["of"], {})
        if measured and "baseline" not in measured:
            for name in names_in(responder["when"]):
                if name in ("BASE", "CHG", "PCHG"):
                    what = f"{name} needs a baseline, and {responder['of']} has none"
                    remedy = f"add `baseline` to bds.{responder['of']}"
                    yield f"{place}.when", f"{what}; {remedy}"


def _code_problems(trial: Config) -> Found:
    made: dict[str, str] = {}
    for part in ("bds", "responders", "adtte"):
        for code in trial.get(part, {}):
            if code in made:
                what = f"the code is used under `{made[code]}` too"
                yield f"{part}.{code}", f"{what}; choose another"
            made.setdefault(code, part)
