"""What a schema cannot say about models without visits, or of several."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.adverse_events import adverse_event_problems
from trialstats.config.category_models import cmh_problems, shift_problems
from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.declared import subject_columns, visits_of
from trialstats.config.formulas import condition_problems
from trialstats.config.model_columns import columns_of

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Columns of times to events that a covariate may not be.
_DATES = ("ADT", "STARTDT")


def further_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence where an analysis names what does not exist."""
    analysis = trial["analyses"][name]
    kind, place = analysis["model"]["type"], f"analyses.{name}"
    if "covariates" in analysis["model"] and kind != "mmrm":
        yield from _covariate_problems(trial, name)
    yield from _having_problems(trial, place, analysis.get("having", {}))
    check = _CHECKS.get(kind)
    if check:
        yield from check(trial, place, analysis)


def _having_problems(trial: Config, place: str, wanted: Config) -> Found:
    """Yield parameters and visits that the trial has not."""
    parameters = [*trial.get("bds", {}), *trial.get("responders", {})]
    for code, visits in wanted.items():
        yield from unknown_name(f"{place}.having", "parameter", code, parameters)
        measured = trial.get("responders", {}).get(code, {}).get("of", code)
        known = visits_of(trial, measured)
        for visit in visits:
            if known:
                yield from unknown_name(f"{place}.having.{code}", "visit", visit, known)


def _covariate_problems(trial: Config, name: str) -> Found:
    model, place = trial["analyses"][name]["model"], f"analyses.{name}.model"
    known, variables = columns_of(trial), trial["adsl"]["variables"]
    for column in model["covariates"]:
        yield from unknown_name(f"{place}.covariates", "column", column, known)
        dated = variables.get(column, {}).get("type") == "date" or column in _DATES
        if dated:
            what = f"column {column!r} holds dates"
            yield f"{place}.covariates", f"{what}; name a column of numbers or of text"
        if column in ("TRT01P", "TRTP"):
            what = f"{column} is the treatment, which is in the model already"
            yield f"{place}.covariates", f"{what}; leave it out"


def _logistic(_trial: Config, place: str, analysis: Config) -> Found:
    if analysis["response"] != "AVAL":
        yield f"{place}.response", "must be AVAL, the yes-or-no value"


def _two_period(trial: Config, place: str, analysis: Config) -> Found:
    yield from _one_visit(trial, place, analysis)
    sequences = trial.get("sequences", {})
    periods = {len(order) for order in sequences.values()}
    if len(sequences) != 2 or periods != {2}:
        what = f"{len(sequences)} sequences of {sorted(periods)} periods"
        yield (
            f"{place}.model.type",
            f"'two_period' needs two sequences of two periods, not {what}; write "
            "crossover",
        )


def _one_visit(_trial: Config, place: str, analysis: Config) -> Found:
    if isinstance(analysis.get("at"), list):
        yield f"{place}.at", "the model takes one visit, not several"


def _bioequivalence(trial: Config, place: str, analysis: Config) -> Found:
    yield from _one_visit(trial, place, analysis)
    model = analysis["model"]
    if model.get("method") not in ("A", "B"):
        what = f"{model['method']!r} is for an mmrm" if "method" in model else "missing"
        yield f"{place}.model.method", f"{what}; write A or B"
    elif model["method"] == "A":
        for key in ("df", "boundary"):
            if key in model:
                what = "is for method B; method A takes subjects as fixed"
                yield f"{place}.model.{key}", what
    if analysis["response"] != "AVAL":
        what = "must be AVAL; a ratio is of values, not of changes"
        yield f"{place}.response", what


def _survival(trial: Config, place: str, analysis: Config) -> Found:
    known = trial.get("adtte", {})
    if analysis["parameter"] not in known:
        remedy = suggestion(analysis["parameter"], known)
        yield f"{place}.parameter", f"is no time to an event under `adtte`; {remedy}"
    for key in ("at", "response", "records"):
        if key in analysis:
            yield f"{place}.{key}", "is not for survival, which has one time a subject"
    variables = [*trial["adsl"]["variables"], *trial["adsl"].get("flags", {})]
    for column in analysis["model"].get("strata", ()):
        at = f"{place}.model.strata"
        yield from unknown_name(at, "ADSL variable", column, variables)
    both = set(analysis["model"].get("strata", ())) & set(
        analysis["model"].get("covariates", ())
    )
    for column in sorted(both):
        what = f"{column} is a covariate too; it can be one of both"
        yield f"{place}.model.strata", what


def _characteristics(trial: Config, place: str, analysis: Config) -> Found:
    named = analysis["model"].get("variables")
    if not named:
        yield f"{place}.model", "missing key 'variables' (what is described)"
        return
    adsl = trial["adsl"]
    known = [*adsl["variables"], *adsl.get("flags", {}), *trial.get("bds", {})]
    for name in named:
        at = f"{place}.model.variables"
        yield from unknown_name(at, "variable or parameter", name, known)
        if adsl["variables"].get(name, {}).get("type") == "date":
            yield f"{at}.{name}", "holds dates, which are not described; leave it out"


def _counts(trial: Config, place: str, analysis: Config) -> Found:
    model = analysis["model"]
    if "lines" not in model:
        yield f"{place}.model", "missing key 'lines' (what is counted)"
        return
    columns = subject_columns(trial)
    known = list(columns)
    for column in model.get("by", ()):
        yield from unknown_name(f"{place}.model.by", "ADSL variable", column, known)
    for line, spec in model["lines"].items():
        at = f"{place}.model.lines.{line}"
        for key in ("variable", "sum"):
            if key in spec:
                yield from unknown_name(f"{at}.{key}", "variable", spec[key], known)
        for key in ("when", "where"):
            if key in spec:
                place_of = f"{at}.{key}"
                yield from condition_problems(place_of, spec[key], columns)
        for key, needs in (("where", "variable"), ("levels", "variable")):
            if key in spec and needs not in spec:
                yield f"{at}.{key}", f"goes with `{needs}`; leave it out"
        if "test" in spec and "sum" in spec:
            yield f"{at}.test", "a sum has no test here; leave it out"


def _ancova(trial: Config, place: str, analysis: Config) -> Found:
    yield from _one_visit(trial, place, analysis)
    model, arms = analysis["model"], trial["arms"]
    covariates = model.get("covariates", ())
    by = model.get("interaction")
    if by is not None and by not in covariates:
        what = f"{by!r} is no covariate; add it to `covariates`"
        yield f"{place}.model.interaction", f"{what} ({suggestion(by, covariates)})"
    if model.get("dose_response"):
        doses = arms.get("doses", {})
        for arm in (arms["control"], *arms["treatments"]):
            if arm not in doses:
                what = f"no dose of {arm!r}; write it under `arms.doses`"
                yield f"{place}.model.dose_response", what
    if model.get("pairwise") and len(arms["treatments"]) < 2:
        what = "there is one treatment; it is compared with the control anyway"
        yield f"{place}.model.pairwise", f"{what}; leave it out"


_CHECKS = {
    "ancova": _ancova,
    "proportions": _one_visit,
    "crossover": _one_visit,
    "logistic": _logistic,
    "two_period": _two_period,
    "bioequivalence": _bioequivalence,
    "survival": _survival,
    "characteristics": _characteristics,
    "counts": _counts,
    "cmh": cmh_problems,
    "shift": shift_problems,
    "adverse_events": adverse_event_problems,
}
