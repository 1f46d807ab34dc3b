"""What a schema cannot say about models of categories: compared, and shifted."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import subject_columns
from trialstats.config.formulas import condition_problems
from trialstats.config.model_columns import MEASURED, MEASURED_NUMBERS

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]


def cmh_problems(trial: Config, place: str, analysis: Config) -> Found:
    """Yield place and sentence where a comparison of categories cannot be made."""
    if isinstance(analysis.get("at"), list):
        yield f"{place}.at", "the model takes one visit, not several"
    model = analysis["model"]
    known = list(subject_columns(trial))
    for column in model.get("strata", ()):
        at = f"{place}.model.strata"
        yield from unknown_name(at, "ADSL variable", column, known)
        if column == "TRT01P":
            yield at, "TRT01P is the treatment, which is compared; leave it out"
    named = model.get("statistics")
    if named == ["general_association"] and "scores" in model:
        what = "general association has no scores; leave them out"
        yield f"{place}.model.scores", what
    yield from _category_problems(trial, place, model)


def shift_problems(trial: Config, place: str, analysis: Config) -> Found:
    """Yield place and sentence where a table of shifts cannot be made."""
    model, at = analysis["model"], analysis.get("at")
    if analysis.get("response", "AVAL") != "AVAL":
        yield f"{place}.response", "must be AVAL, the value at baseline and after it"
    if "worst" not in model and not isinstance(at, str):
        what = "one visit (`at`), or which of several counts (`model.worst`)"
        yield place, f"a table of shifts needs {what}"
    elif "worst" in model and isinstance(at, str):
        what = "is of several visits, and `at` names one; leave one of them out"
        yield f"{place}.model.worst", what
    if "scores" in model and "statistics" not in model:
        what = "goes with `statistics`, the tests; leave it out"
        yield f"{place}.model.scores", what
    if analysis["parameter"] in trial.get("responders", {}):
        what = "a responder has no baseline; name the measurement that it is of"
        yield f"{place}.parameter", what
    yield from _category_problems(trial, place, model)


def _category_problems(trial: Config, place: str, model: Config) -> Found:
    """Yield conditions of categories that cannot be read."""
    columns = dict.fromkeys(MEASURED, "text")
    columns |= dict.fromkeys(MEASURED_NUMBERS, "number")
    columns |= {"ADT": "date", "ADY": "integer", "PARAMCD": "text", "AVALC": "text"}
    # A measurement goes before a variable of the same name.
    columns = subject_columns(trial) | columns
    for label, text in model.get("categories", {}).items():
        at = f"{place}.model.categories.{label}"
        yield from condition_problems(at, text, columns)
