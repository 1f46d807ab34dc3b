"""What a schema cannot say about subgroups and assumptions on missing data."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import subject_columns
from trialstats.config.formulas import condition_problems
from trialstats.config.terms import names_in
from trialstats.parts import EFFECTS, Subgroups, subgroups_of

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: The column that is the treatment.
_TREATMENT = ("TRT01P", "TRTP")


def parts_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence where an analysis cannot have the parts that it names.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        The analysis.
    """
    analysis = trial["analyses"][name]
    if "subgroups" in analysis:
        yield from _subgroup_problems(trial, name)
    if analysis["model"].get("tipping_point"):
        yield from _tipping_point_problems(trial, name)


def _subgroup_problems(trial: Config, name: str) -> Found:
    analysis, place = trial["analyses"][name], f"analyses.{name}.subgroups"
    kind = analysis["model"]["type"]
    if kind not in EFFECTS:
        known = ", ".join(EFFECTS)
        yield place, f"{kind!r} has none; subgroups are for {known}"
        return
    if trial["design"] != "parallel":
        yield place, f"are for a parallel trial, and this one is {trial['design']!r}"
        return
    if analysis["model"].get("constrained_baseline"):
        what = "do not go with a constrained baseline, which has no interaction"
        yield place, f"{what}; write BASE*AVISIT under `terms` instead"
    found = subgroups_of(analysis)
    labels = [spec.label for spec in found]
    for label in dict.fromkeys(labels):
        if labels.count(label) > 1:
            yield place, f"{label!r} is there twice; write another `label`"
        if " = " in label:
            yield place, f"{label!r} holds ' = ', which stands before a level"
    for spec in found:
        yield from _one_problems(trial, name, spec)


def _one_problems(trial: Config, name: str, spec: Subgroups) -> Found:
    place, columns = f"analyses.{name}.subgroups", subject_columns(trial)
    for level, text in spec.conditions.items():
        at = f"{place}.{spec.label}.{level}"
        yield from condition_problems(at, text, columns, kind="ADSL variable")
    column = spec.column
    if column is None:
        return
    yield from unknown_name(place, "ADSL variable", column, columns)
    if column in _TREATMENT:
        yield place, f"{column} is the treatment; name what else divides the subjects"
    kind = columns.get(column, "text")
    if kind != "text":
        held = "dates" if kind == "date" else "numbers"
        yield (
            place,
            f"{column} holds {held}; write {{label: {column}, conditions: {{...}}}} "
            "with a condition for each level",
        )
    terms = trial["analyses"][name]["model"].get("terms", ())
    if any(column in names_in(term) for term in terms):
        what = f"{column} is in `terms`, and the same for everybody within a level"
        yield place, f"{what}; leave it out of one of both"


def _tipping_point_problems(trial: Config, name: str) -> Found:
    analysis, place = trial["analyses"][name], f"analyses.{name}.model.tipping_point"
    kind, given = analysis["model"]["type"], analysis["model"]["tipping_point"]
    if kind not in ("ancova", "proportions"):
        return  # The key is none of its model.
    if trial["design"] != "parallel":
        yield place, f"is for a parallel trial, and this one is {trial['design']!r}"
    if analysis.get("records"):
        what = "does not go with `records`, which give values to those without"
        yield place, f"{what}; leave them out"
    shifts = isinstance(given, Mapping)
    if kind == "proportions" and shifts:
        yield place, "of proportions has no shifts, it tries every number; write true"
    if kind == "ancova" and not shifts:
        yield place, "of ancova needs shifts; write {treatment: [0, 1], control: [0]}"
    if kind == "ancova" and shifts:
        for arm in ("treatment", "control"):
            if any(one >= other for one, other in pairwise(given[arm])):
                yield f"{place}.{arm}", "is not in increasing order"
