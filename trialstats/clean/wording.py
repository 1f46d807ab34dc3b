"""How a trial's configuration makes its variables, in words for their metadata."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.clean.visits import baseline_visit

Config = Mapping[str, Any]

#: Derived records by their DTYPE.
_RECORDS = {
    "LOCF": "last value after baseline, at visits without a value",
    "BOCF": "baseline value, at visits without a value",
    "WOCF": "worst value so far, at visits without a value",
    "WORST": "worst value after baseline",
    "BEST": "best value after baseline",
    "AVERAGE": "mean of the values after baseline",
    "LAST": "last value after baseline",
}

#: Ways to take one of several rows whose result need not be a value of a row.
_MADE = frozenset({"mean", "sum", "count", "any"})

#: Which of several values at a visit is analysed.
_SEVERAL = {
    "nearest": "the one nearest to the middle of the window (of the baseline the "
    "latest)",
    "mean": "their mean",
}


def origin_of(spec: Config, source: str) -> dict[str, Any]:
    """Return origin, source, derivation and codelist of a variable.

    Parameters
    ----------
    spec : mapping
        The variable in the configuration.
    source : str
        Source of its column.

    >>> origin_of({"column": "age", "range": [18, 80]}, "people")["derivation"]
    'missing where outside 18 to 80'
    """
    if "column" not in spec and "derive" in spec and "take" not in spec:
        told = {"origin": "Derived", "derivation": spec["derive"]}
        return told | _codelist(spec)
    own = spec.get("column") or spec.get("derive")
    told = {"origin": "Collected", "source": f"{source}.{own}" if own else source}
    words = list(changes_of(spec))
    if "take" in spec:
        words.insert(0, _taken(spec))
    if any(key in spec for key in ("take", "units", "corrections", "partial")):
        told["origin"] = "Derived"
    if words:
        told["derivation"] = "; ".join(words)
    elif told["origin"] == "Derived":
        told["derivation"] = f"{told['source']} as received"
    return told | _codelist(spec)


def _codelist(spec: Config) -> dict[str, Any]:
    made = any(key in spec for key in ("derive", "units", "corrections"))
    made |= spec.get("take", "first") in _MADE or spec.get("type") == "date"
    if "recode" not in spec or made:
        return {}
    return {"codelist": list(dict.fromkeys(map(str, spec["recode"].values())))}


def _taken(spec: Config) -> str:
    where = f" where {spec['where']}" if "where" in spec else ""
    if spec["take"] == "any":
        return f"Y for a subject with a row{where}, else N"
    by = f" by {spec['by']}" if "by" in spec else ""
    return f"{spec['take']} of the subject's rows{where}{by}"


def changes_of(spec: Config) -> Iterator[str]:
    """Yield what is done to the values of a column, in the order in which it is."""
    units = spec.get("units")
    if units:
        yield _conversion(units, spec.get("unit"))
    for one in spec.get("corrections", []):
        limits = [f"{k} {one[k]:g}" for k in ("below", "above") if k in one]
        where = " or ".join(limits)
        yield f"values {where} multiplied by {one['multiply']:g} ({one['reason']})"
    if "range" in spec:
        low, high = spec["range"]
        yield f"missing where outside {low:g} to {high:g}"
    if "partial" in spec:
        rule = spec["partial"]
        yield (
            f"of a partial date the {rule['month']} month and the {rule['day']} day "
            "are put in"
        )


def _conversion(units: Config, unit: str | None) -> str:
    by = f" by {units['column']}" if "column" in units else ""
    received = f" from {units['received']}" if "received" in units else ""
    factors = [
        f"{name} times {factor:g}"
        for name, factor in units.get("factors", {}).items()
        if factor != 1
    ]
    how = f" ({', '.join(factors)})" if factors else ""
    target = f" to {unit}" if unit else ""
    return f"converted{target}{received}{by}{how}"


def by_parameter(words: Mapping[str, str]) -> str:
    """Return what is said of each parameter, those of whom the same is said together.

    >>> by_parameter({"A": "x", "B": "y", "C": "x"})
    'A, C: x. B: y'
    >>> by_parameter({"A": "x", "B": "x"})
    'x'
    """
    groups: dict[str, list[str]] = {}
    for code, text in words.items():
        if text:
            groups.setdefault(text, []).append(code)
    if len(groups) == 1 and len(words) == sum(map(len, groups.values())):
        return next(iter(groups))
    return ". ".join(f"{', '.join(codes)}: {text}" for text, codes in groups.items())


def source_of(parameter: Config) -> str:
    """Return source and columns of the values of a parameter, empty for a combined."""
    if "from" not in parameter:
        return ""
    columns = list(parameter["visits"].get("columns", {}))
    value = parameter.get("value", {})
    columns = columns or [value.get("column") or value.get("derive", "")]
    return f"{parameter['from']}.{', '.join(columns)}"


def value_of(parameter: Config) -> str:
    """Return how `AVAL` of a measurement is made."""
    if "combine" in parameter:
        return f"{parameter['combine']}, of the analysed records at the same visit"
    where = f" where {parameter['where']}" if "where" in parameter else ""
    value = {"unit": parameter["unit"], **parameter.get("value", {})}
    words = [f"{source_of(parameter)}{where}", *changes_of(value)]
    if "recode" in value:
        words.append("recoded")
    summary = parameter.get("summarise")
    if summary:
        words.append(
            f"{summary['statistic']} of the values of a window when at least "
            f"{summary['at_least']} of {summary['of']} are there"
        )
    return "; ".join([*words, *_derived_records(parameter)])


def _derived_records(parameter: Config) -> Iterator[str]:
    for rule in parameter.get("records", []):
        until = f", up to {rule['until']}" if "until" in rule else ""
        yield f"DTYPE {rule['dtype']}: {_RECORDS[rule['dtype']]}{until}"


def responder_of(spec: Config) -> str:
    """Return how `AVAL` of a responder is made."""
    words = f"1 where {spec['when']} in the record of {spec['of']}, else 0"
    if spec["missing"] == "non_responder":
        words += "; 0 with DTYPE NRI at visits without a value"
    return words


def visits_of(parameter: Config) -> str:
    """Return how the visits of a parameter are told."""
    visits = parameter.get("visits")
    if visits is None:
        return "that of the parameters it is made of"
    if "windows" in visits:
        days = ", ".join(
            "{} = {:g} to {:g}".format(name, *window["days"])
            for name, window in visits["windows"].items()
        )
        start = visits["reference"]
        if start == "period":
            start = "the start of the period, before the first from TRTSDT"
        return f"by days counted from {start} (day 1): {days}; else Unscheduled"
    if "columns" in visits:
        named = ", ".join(f"{c} = {v['visit']}" for c, v in visits["columns"].items())
        return f"by the column of the value: {named}"
    if "visit" in visits:
        return f"{visits['visit']} for every record"
    return f"by {parameter['from']}.{visits['column']}; other names are Unscheduled"


def analysed_of(parameter: Config) -> str:
    """Return which records of a parameter are analysed."""
    flagged = parameter.get("as_received", {}).get("ANL01FL")
    if flagged:
        return f"{parameter['from']}.{flagged} as received"
    if "combine" in parameter:
        return "Y on every record"
    if "summarise" in parameter:
        return "Y on the summary of a window"
    rule = parameter.get("several", "nearest")
    if rule == "error" or (
        rule == "nearest" and "windows" not in parameter.get("visits", {})
    ):
        return "Y on the value of a visit"
    chosen = _SEVERAL.get(rule, f"the {rule}")
    return f"Y on the value of a visit; of several {chosen}"


def baseline_of(parameter: Config) -> str:
    """Return what the baseline of a parameter is, empty where it has none."""
    rule = parameter.get("baseline")
    if rule is None:
        return ""
    if isinstance(rule, Mapping) and "column" in rule:
        return f"{parameter['from']}.{rule['column']}"
    if isinstance(rule, Mapping) and "last_before" in rule:
        return f"the subject's last value on or before {rule['last_before']}"
    return f"the subject's analysed value at {baseline_visit(parameter)}"


def dtypes_of(config: Config) -> dict[str, str]:
    """Return the values that DTYPE may take in a trial, with what they mean."""
    meant: dict[str, str] = {}
    for parameter in config.get("bds", {}).values():
        statistic = parameter.get("summarise", {}).get("statistic")
        if statistic:
            name = "AVERAGE" if statistic == "mean" else statistic.upper()
            meant[name] = f"{statistic} of the values of a window"
        if parameter.get("several") == "mean":
            meant["AVERAGE"] = "mean of the values at a visit"
        for rule in parameter.get("records", []):
            meant.setdefault(rule["dtype"], _RECORDS[rule["dtype"]])
    missing = [r["missing"] for r in config.get("responders", {}).values()]
    if "non_responder" in missing:
        meant["NRI"] = "non-response put in at a visit without a value"
    return meant
