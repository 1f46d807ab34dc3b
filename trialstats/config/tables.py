"""Tables that a trial declares: analyses, rows, columns and statistics that exist."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.declared import arms_of, subject_columns, visits_of
from trialstats.config.formulas import condition_problems
from trialstats.rows import ESTIMATES
from trialstats.table_templates import (
    AS_BY_DEFAULT,
    BY_GROUP,
    NOT_BY_DEFAULT,
    TEMPLATES,
    TESTS,
    Template,
)

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys that only some templates have.
_OWN_KEYS = ("across", "places", "groups", "where", "dataset", "sort", "page", "turned")

#: Keys that say how the numbers of rows are written, which a listing does not print.
_OF_NUMBERS = ("analysis", "rows", "statistics", "decimals", "p_values", "counts")


def table_problems(trial: Config) -> Found:
    """Yield place and sentence where a declared table names what does not exist."""
    for name, spec in trial.get("tables", {}).items():
        place, template = f"tables.{name}", TEMPLATES[spec["template"]]
        analyses = _analyses(spec)
        if name in trial["analyses"] and name not in analyses:
            yield place, f"is the name of an analysis that it does not print: {name!r}"
        yield from _key_problems(place, spec)
        if spec["template"] == "listing":
            yield from _listing_problems(trial, place, spec)
            continue
        if not analyses:
            yield place, "missing key 'analysis' (analysis that it prints)"
            continue
        unknown = [a for a in analyses if a not in _known(trial)]
        for analysis in unknown:
            yield from unknown_name(
                f"{place}.analysis", "analysis", analysis, _known(trial)
            )
        if unknown:
            continue
        yield from _fit_problems(trial, place, spec, template)
        yield from _row_problems(trial, place, spec, template)
        yield from _column_problems(trial, place, spec)
        yield from _statistic_problems(place, spec, template)


def _known(trial: Config) -> list[str]:
    return list(trial["analyses"])


def _analyses(spec: Config) -> list[str]:
    named = spec.get("analysis", [])
    return [named] if isinstance(named, str) else list(named)


def _key_problems(place: str, spec: Config) -> Found:
    """Yield keys that the template does not have, and those that it needs."""
    kind = spec["template"]
    own = {*TEMPLATES[kind].keys, *(["turned"] if kind == "estimates" else [])}
    for key in _OWN_KEYS:
        if key in spec and key not in own:
            others = [t for t, one in TEMPLATES.items() if key in one.keys]
            remedy = f"it is for {', '.join(others or ['estimates'])}"
            yield f"{place}.{key}", f"is no key of the template {kind!r}; {remedy}"
    if kind == "listing":
        for key in _OF_NUMBERS:
            if key in spec:
                yield f"{place}.{key}", "is no key of the template 'listing'"
    if kind in AS_BY_DEFAULT:
        for key in NOT_BY_DEFAULT:
            if key in spec:
                what = "which prints its analysis as by default"
                yield f"{place}.{key}", f"is no key of the template {kind!r}, {what}"
        if "rows" in spec and not TEMPLATES[kind].rows:
            yield f"{place}.rows", f"is no key of the template {kind!r}"
    needed = {"listing": ("dataset", "columns"), "estimates": ("rows", "columns")}
    for key in needed.get(kind, ()):
        if key not in spec:
            yield place, f"missing key {key!r}, which the template {kind!r} needs"
    if kind == "estimates" and not isinstance(spec.get("where", {}), Mapping):
        yield f"{place}.where", "must be conditions by column, such as {visit: Week 12}"
    if kind == "listing" and not isinstance(spec.get("where", ""), str):
        yield f"{place}.where", "must be a condition, such as AGE >= 65"


def _fit_problems(trial: Config, place: str, spec: Config, template: Template) -> Found:
    """Yield analyses whose model the template does not lay out."""
    analyses = _analyses(spec)
    if len(analyses) > 1 and not template.several:
        joining = ", ".join(n for n, one in TEMPLATES.items() if one.several)
        what = f"{spec['template']!r} prints one analysis; several join in {joining}"
        yield f"{place}.analysis", what
    for analysis in analyses:
        kind = trial["analyses"][analysis]["model"]["type"]
        if template.models and kind not in template.models:
            fitting = [n for n, one in TEMPLATES.items() if kind in one.models]
            remedy = f"use {' or '.join([*fitting, 'estimates'])}"
            what = f"{spec['template']!r} lays out {' or '.join(template.models)}, "
            yield (
                f"{place}.template",
                f"{what}not the {kind} of {analysis!r}; {remedy}",
            )
    conditions = [spec.get("where", {}), *_conditions(spec)]
    for where in conditions:
        if isinstance(where, Mapping):
            for column in where:
                names = ESTIMATES.names
                yield from unknown_name(
                    f"{place}.where", "column of the estimates", column, names
                )


def _conditions(spec: Config) -> Iterator[Config]:
    for one in [*spec.get("columns", {}).values(), *_items(spec)]:
        if isinstance(one, Mapping) and "where" in one:
            yield one["where"]


def _items(spec: Config) -> list[Config]:
    return [{"row": r} if isinstance(r, str) else r for r in spec.get("rows", [])]


def _row_problems(trial: Config, place: str, spec: Config, template: Template) -> Found:
    """Yield rows that no analysis of the table has."""
    known = list(template.rows) or _rows_of(trial, spec)
    arms = arms_of(trial)
    for item in _items(spec):
        if "row" not in item and "heading" not in item:
            yield f"{place}.rows", "a row lacks its name; add `row` or `heading`"
        if known and "row" in item:
            yield from unknown_name(f"{place}.rows", "row", item["row"], known)
        if "reference" in item:
            yield from unknown_name(
                f"{place}.rows.reference", "arm", item["reference"], arms
            )
        if "analysis" in item:
            yield from unknown_name(
                f"{place}.rows.analysis", "analysis", item["analysis"], _analyses(spec)
            )
        for column in item.get("cells", {}):
            yield from unknown_name(
                f"{place}.rows.cells", "column", column, spec.get("columns", {})
            )
    for line in spec.get("across", ()):
        yield from unknown_name(f"{place}.across", "line", line, _rows_of(trial, spec))
    if "across" in spec:
        (analysis,) = _analyses(spec)[:1]
        if "by" not in trial["analyses"][analysis]["model"]:
            yield f"{place}.across", f"the model of {analysis!r} has no `by`"


def _rows_of(trial: Config, spec: Config) -> list[str]:
    """Return the rows that the models of a table make; none where data decide."""
    names: list[str] = []
    for analysis in _analyses(spec):
        one = trial["analyses"][analysis]
        model = one["model"]
        names += [*model.get("lines", ())]
        names += [*model.get("variables", ())]
        if spec["template"] == "change":
            code = one["parameter"]
            measured = trial.get("responders", {}).get(code, {}).get("of", code)
            names += visits_of(trial, measured)
            made = trial.get("bds", {}).get(measured, {}).get("records", ())
            names += [rule.get("visit", rule["dtype"]) for rule in made]
    return list(dict.fromkeys(names)) if spec["template"] != "estimates" else []


def _column_problems(trial: Config, place: str, spec: Config) -> Found:
    """Yield columns that are no groups, and groups that are no arms."""
    arms = [*arms_of(trial), "Total"]
    if spec["template"] in BY_GROUP:
        for name in spec.get("columns", ()):
            yield from unknown_name(f"{place}.columns", "column", name, [*arms, TESTS])
    if spec["template"] == "change":
        known = TEMPLATES["change"].statistics
        for name in spec.get("columns", ()):
            yield from unknown_name(f"{place}.columns", "statistic", name, known)
    for name in spec.get("groups", ()):
        yield from unknown_name(f"{place}.groups", "group", name, arms)


def _statistic_problems(place: str, spec: Config, template: Template) -> Found:
    """Yield statistics that the template does not print."""
    named = [("statistics", s) for s in spec.get("statistics", ())]
    for item in _items(spec):
        named += [("rows.statistics", s) for s in item.get("statistics", ())]
        named += [("rows.print", s) for s in [item.get("print")] if s]
        cells = [c for c in item.get("cells", {}).values() if c]
        named += [("rows.cells.print", c["print"]) for c in cells if "print" in c]
    if spec["template"] == "estimates":
        columns = [
            c for c in spec.get("columns", {}).values() if isinstance(c, Mapping)
        ]
        named += [("columns.print", c["print"]) for c in columns if "print" in c]
    for key, statistic in named:
        if statistic not in template.statistics:
            what = f"{spec['template']!r} prints no {statistic!r}"
            remedy = suggestion(statistic, template.statistics)
            yield f"{place}.{key}", f"{what}; {remedy}"


def _listing_problems(trial: Config, place: str, spec: Config) -> Found:
    """Yield variables of a listing that its dataset does not have, as far as known."""
    dataset = spec.get("dataset")
    if dataset == "adae" and "adae" not in trial:
        yield f"{place}.dataset", "the trial has no `adae`"
    if dataset == "bds" and "bds" not in trial:
        yield f"{place}.dataset", "the trial has no `bds`"
    if dataset != "adsl":
        return
    known = subject_columns(trial)
    for key in ("columns", "sort"):
        for name in spec.get(key, ()):
            yield from unknown_name(f"{place}.{key}", "variable", name, known)
    where = spec.get("where")
    if isinstance(where, str):
        yield from condition_problems(f"{place}.where", where, known)
