"""Analyses of a trial: sets, parameters, visits and records that exist."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import subject_columns, visits_of
from trialstats.config.formulas import condition_problems
from trialstats.config.models import (
    MEASURED,
    MEASURED_NUMBERS,
    OF_SUBJECTS,
    mmrm_problems,
    model_problems,
)

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Models of one visit, which must be named.
_OF_ONE_VISIT = (
    *("ancova", "crossover", "two_period", "bioequivalence"),
    *("proportions", "cmh"),
)


def analysis_problems(trial: Config) -> Found:
    """Yield place and sentence for analyses that name what does not exist."""
    measured = {**trial.get("bds", {}), **trial.get("responders", {})}
    times = trial.get("adtte", {})
    for name, analysis in trial["analyses"].items():
        place, model = f"analyses.{name}", analysis["model"]["type"]
        sets = trial["analysis_sets"]
        yield from unknown_name(
            f"{place}.analysis_set", "analysis set", analysis["analysis_set"], sets
        )
        yield from model_problems(trial, name)
        if "where" in analysis:
            yield from condition_problems(
                f"{place}.where", analysis["where"], _columns(trial)
            )
        if model == "adverse_events" and "adae" not in trial:
            yield f"{place}.model.type", "the trial has no `adae`"
        if model == "adverse_events" or "parameter" not in analysis:
            continue
        known = times if model == "survival" else measured
        if model in OF_SUBJECTS:
            continue
        code = analysis["parameter"]
        yield from unknown_name(f"{place}.parameter", "parameter", code, known)
        yield from _record_problems(trial, name)
        if model == "mmrm":
            yield from mmrm_problems(trial, name)
        elif model != "survival":
            yield from _visit_problems(trial, name)


def _visit_problems(trial: Config, name: str) -> Found:
    analysis, place = trial["analyses"][name], f"analyses.{name}"
    if "at" not in analysis:
        if analysis["model"]["type"] in _OF_ONE_VISIT:
            yield place, "missing key 'at' (visit that is analysed)"
        return
    code = analysis["parameter"]
    measured = trial.get("responders", {}).get(code, {}).get("of", code)
    visits = [*visits_of(trial, measured), *_made_visits(trial, measured)]
    if not visits:
        return
    at = analysis["at"]
    for visit in [at] if isinstance(at, str) else at:
        yield from unknown_name(f"{place}.at", "visit", visit, visits)


def _made_visits(trial: Config, code: str) -> Iterator[str]:
    """Yield the visits under which derived records of a measurement stand."""
    for rule in trial.get("bds", {}).get(code, {}).get("records", []):
        yield rule.get("visit", rule["dtype"])


def _record_problems(trial: Config, name: str) -> Found:
    """Yield derived records that no parameter makes."""
    analysis = trial["analyses"][name]
    measured = trial.get("bds", {}).get(analysis["parameter"])
    if measured is None or "DTYPE" in measured.get("as_received", {}):
        return
    made = [rule["dtype"] for rule in measured.get("records", [])]
    for kind in analysis.get("records", []):
        yield from unknown_name(
            f"analyses.{name}.records", "derived record", kind, made
        )


def _columns(trial: Config) -> dict[str, str]:
    """Return what the condition of an analysis may name, with types."""
    own = dict.fromkeys(MEASURED, "text")
    own |= dict.fromkeys(MEASURED_NUMBERS, "number")
    own |= {"ADT": "date", "ADY": "integer", "PARAMCD": "text", "AVALC": "text"}
    if trial["design"] == "crossover":
        own |= {"APERIOD": "integer", "TRTSEQP": "text"}
    # A measurement goes before a variable of the same name.
    return subject_columns(trial) | own
