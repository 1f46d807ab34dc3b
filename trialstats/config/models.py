"""What a schema cannot say about the model of an analysis."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.declared import visits_of
from trialstats.config.further_models import further_problems
from trialstats.config.model_columns import MEASURED as MEASURED
from trialstats.config.model_columns import MEASURED_NUMBERS as MEASURED_NUMBERS
from trialstats.config.model_columns import columns_of, number_problems
from trialstats.config.parts import parts_problems
from trialstats.config.terms import names_in, term_problems
from trialstats.vocabulary import AVERAGE_OVER_VISITS

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Models that need a design of the trial; the others take any.
DESIGNS = {
    **dict.fromkeys(("crossover", "two_period", "bioequivalence"), "crossover"),
    **dict.fromkeys(("mmrm", "logistic", "survival"), "parallel"),
    **dict.fromkeys(("cmh", "shift"), "parallel"),
}

#: Keys of a model beside `type`, by its type.
KEYS = {
    "ancova": (
        *("covariates", "margins", "pairwise", "dose_response", "interaction"),
        *("summaries", "tipping_point", "level"),
    ),
    "mmrm": (
        *("terms", "covariance", "group", "weights", "method", "df", "vcov"),
        *("averaged_over", "constrained_baseline", "test_means", "level"),
    ),
    "crossover": ("baseline", "df", "boundary", "level"),
    "two_period": ("level",),
    "bioequivalence": ("method", "df", "boundary", "reference_scaling", "level"),
    "proportions": ("interval", "test", "tipping_point", "level"),
    "cmh": ("strata", "categories", "scores", "statistics", "level"),
    "logistic": ("covariates", "level"),
    "survival": ("covariates", "strata", "times", "limits", "ties", "level"),
    "summary": (),
    "characteristics": ("variables",),
    "counts": ("lines", "by"),
    "shift": ("categories", "worst", "scores", "statistics"),
    "adverse_events": (
        *("by", "overview", "severity", "relation", "test", "order"),
        *("minimum_percent", "level"),
    ),
}

#: Models of the subjects themselves, which need no parameter.
OF_SUBJECTS = ("characteristics", "counts", "adverse_events")

#: Models of one visit.
AT_ONE_VISIT = ("ancova", "crossover", "two_period", "bioequivalence", "proportions")

#: Models that take several visits, each with what it does when none is named.
AT_SEVERAL_VISITS = ("logistic", "summary")

#: What to write instead of a key that belongs to another type of model.
_INSTEAD = {
    ("mmrm", "covariates"): (
        "list its columns under `terms`, after TRT01P*AVISIT and BASE*AVISIT"
    ),
    ("mmrm", "baseline"): "write BASE*AVISIT under `terms`",
    ("ancova", "terms"): "list its columns under `covariates`",
    ("ancova", "baseline"): "write `covariates: [BASE]`",
    ("crossover", "covariates"): "its one covariate is named under `baseline`",
    ("survival", "method"): "Cox regression has one; see `ties`",
    ("counts", "variables"): "write a line with `variable` under `lines`",
    ("characteristics", "lines"): "name ADSL variables under `variables`",
}

#: Degrees of freedom that a model with random subjects does not have.
_MMRM_ONLY = ("kenward_roger_linear", "between_within")


def model_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence where a model does not fit its keys or the trial."""
    model = trial["analyses"][name]["model"]
    place, kind = f"analyses.{name}.model", model["type"]
    needed = DESIGNS.get(kind, trial["design"])
    if needed != trial["design"]:
        yield f"{place}.type", f"{kind!r} needs a {needed} design"
    for key in model:
        if key != "type" and key not in KEYS[kind]:
            remedy = _INSTEAD.get((kind, key)) or suggestion(key, KEYS[kind])
            yield f"{place}.{key}", f"is no key of a model of type {kind!r}; {remedy}"
    if kind in ("crossover", "bioequivalence") and model.get("df") in _MMRM_ONLY:
        yield f"{place}.df", f"{model['df']!r} is for models of type 'mmrm'"
    if kind == "crossover" and "baseline" in model:
        yield from number_problems(trial, f"{place}.baseline", model["baseline"])
    yield from further_problems(trial, name)
    yield from parts_problems(trial, name)


def mmrm_problems(trial: Config, name: str) -> Found:
    """Yield place and sentence for every name that a model over visits cannot mean."""
    analysis = trial["analyses"][name]
    model, place = analysis["model"], f"analyses.{name}"
    known = columns_of(trial)
    if "group" in model:
        yield from unknown_name(f"{place}.model.group", "column", model["group"], known)
    if "weights" in model:
        yield from number_problems(trial, f"{place}.model.weights", model["weights"])
    df = model.get("df", "kenward_roger")
    if "vcov" in model and df.startswith("kenward_roger"):
        default = "" if "df" in model else ", the default"
        what = f"{model['vcov']!r} does not go with df {df}{default}, which has a "
        remedy = "add `df: satterthwaite` (or between_within, residual)"
        yield f"{place}.model.vcov", f"{what}covariance of its own; {remedy}"
    if model.get("method") == "ml" and df.startswith("kenward_roger"):
        default = "" if "df" in model else ", the default"
        what = f"'ml' does not go with df {df}{default}, which corrects REML"
        remedy = "write `method: reml`, or add `df: satterthwaite`"
        yield f"{place}.model.method", f"{what}; {remedy}"
    named: set[str] = set()
    for term in model.get("terms", ()):
        names = names_in(term)
        named |= set(names)
        for one in names:
            yield from unknown_name(f"{place}.model.terms", "column", one, known)
    yield from term_problems(model, f"{place}.model.terms")
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
    measured = trial.get("bds", {}).get(analysis["parameter"])
    place = f"analyses.{name}"
    if measured is None:
        if analysis["parameter"] in trial.get("responders", {}):
            what = "an mmrm is for measurements, not for responders"
            yield f"{place}.parameter", what
        return
    numbers = visits_of(trial, analysis["parameter"])
    after = [visit for visit, number in numbers.items() if number > 0]
    for visit in analysis["model"].get("averaged_over", ()):
        at = f"{place}.model.averaged_over"
        yield from unknown_name(at, "visit after baseline", visit, after)
    if "at" in analysis:
        places = [*after, AVERAGE_OVER_VISITS]
        yield from unknown_name(
            f"{place}.at", "visit after baseline", analysis["at"], places
        )
