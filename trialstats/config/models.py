"""What a schema cannot say about the model of an analysis."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.vocabulary import AVERAGE_OVER_VISITS

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Models that need a design of the trial; the others take any.
DESIGNS = {"crossover": "crossover", "mmrm": "parallel"}

#: Keys of a model beside `type`, by its type.
KEYS = {
    "ancova": ("covariates", "level"),
    "mmrm": (
        *("terms", "covariance", "group", "weights", "method", "df", "vcov"),
        *("averaged_over", "constrained_baseline", "level"),
    ),
    "crossover": ("baseline", "df", "level"),
    "proportions": ("level",),
    "adverse_events": ("level",),
}

#: Columns of the measurements of a parallel trial that a model may name.
MEASURED = (
    *("STUDYID", "USUBJID", "TRT01P", "TRTP", "AVISIT", "AVISITN", "ADT", "ADY"),
    *("AVAL", "BASE", "CHG", "PCHG", "DTYPE"),
)

#: Degrees of freedom that a model with random subjects does not have.
_MMRM_ONLY = ("kenward_roger_linear", "between_within")

#: A name in a term, unless a function is called by it.
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*(?![\w.(\"'])")


def model_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence where a model does not fit its keys or the trial."""
    model = trial["analyses"][name]["model"]
    place, kind = f"analyses.{name}.model", model["type"]
    needed = DESIGNS.get(kind, trial["design"])
    if needed != trial["design"]:
        yield f"{place}.type", f"{kind!r} needs a {needed} design"
    for key in model:
        if key != "type" and key not in KEYS[kind]:
            known = suggestion(key, KEYS[kind])
            yield f"{place}.{key}", f"is no key of a model of type {kind!r}; {known}"
    if kind == "crossover" and model.get("df") in _MMRM_ONLY:
        yield f"{place}.df", f"{model['df']!r} is for models of type 'mmrm'"
    if "baseline" in model:
        columns = [*MEASURED, "APERIOD", *trial["adsl"]["variables"]]
        yield from unknown_name(
            f"{place}.baseline", "column", model["baseline"], columns
        )


def mmrm_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence for every name that a model over visits cannot mean."""
    analysis = trial["analyses"][name]
    model, place = analysis["model"], f"analyses.{name}"
    known = [*MEASURED, *trial["adsl"]["variables"], *trial["adsl"].get("flags", {})]
    for key in ("group", "weights"):
        if key in model:
            yield from unknown_name(f"{place}.model.{key}", "column", model[key], known)
    named: set[str] = set()
    for term in model.get("terms", ()):
        names = _NAME.findall(term)
        named |= set(names)
        for one in names:
            yield from unknown_name(f"{place}.model.terms", "column", one, known)
    if named and not {"TRT01P", "AVISIT"} <= named:
        yield f"{place}.model.terms", "must hold TRT01P and AVISIT"
    yield from _visit_problems(trial, name)
    structures = model.get("covariance", ())
    listed = [structures] if isinstance(structures, str) else structures
    if len({text.startswith("spatial") for text in listed}) > 1:
        what = "a ladder has no spatial structures beside others"
        yield f"{place}.model.covariance", what
    if model.get("constrained_baseline"):
        if any(text.startswith("spatial") for text in listed):
            what = "the visits of a constrained baseline have no spatial covariance"
            yield f"{place}.model.covariance", what
        if analysis["response"] != "AVAL":
            what = "must be AVAL where the baseline is a response"
            yield f"{place}.response", what
        if named & {"BASE", "CHG", "PCHG"}:
            what = "the baseline is a response; leave BASE out of the terms"
            yield f"{place}.model.terms", what


def _visit_problems(trial: Config, name: str) -> Found:
    analysis = trial["analyses"][name]
    measured = trial["bds"].get(analysis["parameter"])
    place = f"analyses.{name}"
    if measured is None:
        if analysis["parameter"] in trial.get("responders", {}):
            what = "an mmrm is for measurements, not for responders"
            yield f"{place}.parameter", what
        return
    windows = measured["visits"]["windows"]
    after = [visit for visit, window in windows.items() if window["number"] > 0]
    for visit in analysis["model"].get("averaged_over", ()):
        at = f"{place}.model.averaged_over"
        yield from unknown_name(at, "visit after baseline", visit, after)
    if "at" in analysis:
        places = [*after, AVERAGE_OVER_VISITS]
        yield from unknown_name(
            f"{place}.at", "visit after baseline", analysis["at"], places
        )
