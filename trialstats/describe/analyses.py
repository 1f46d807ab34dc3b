"""Draft a first analysis that fits the measurements or the times to an event."""

from collections.abc import Mapping
from typing import Any

from trialstats.describe.crossover import Crossover
from trialstats.describe.study import Study
from trialstats.vocabulary import lower_first, sentence_list


def draft_analyses(study: Study, crossover: Crossover | None) -> None:
    """Write the analysis of one outcome, and that of the adverse events."""
    sheet = study.sheet
    sets = list(sheet.at("analysis_sets"))
    everybody = "ITT" if "ITT" in sets else sets[0]
    sheet.put(("analyses",), {})
    parameters, times = sheet.at("bds"), sheet.at("adtte")
    if parameters:
        exposure = _exposure(study, crossover)
        name, spec = max(
            parameters.items(),
            key=lambda item: (item[0] == exposure, *_prominence(*item)),
        )
        found = _analysis(sheet.config, name, spec, everybody, crossover is not None)
        guess = "which measurement is the primary one; write the estimand in full"
        if exposure is not None:
            _as_ratio(found)
            guess = (
                f"bioequivalence: a replicate crossover, {name} is positive; {guess}"
            )
        sheet.put(("analyses", name.lower()), found, guess=guess)
    elif times and crossover is None:
        name, spec = next(iter(times.items()))
        sheet.put(
            ("analyses", name.lower()),
            _survival(sheet.config, name, spec, everybody),
            guess="which time is the primary one; write the estimand in full",
        )
    if sheet.at("adae"):
        safety = "Safety" if "Safety" in sets else everybody
        events = {
            "title": "Adverse events",
            "role": "descriptive",
            "analysis_set": safety,
            "model": {"type": "adverse_events"},
        }
        sheet.put(("analyses", "adverse_events"), events)


def _prominence(name: str, spec: Mapping[str, Any]) -> tuple[bool, ...]:
    """Return what makes a measurement the likely primary one.

    A total, a baseline, a logarithm of another, no share of days; of those as likely
    the first one counts.
    """
    words = f"{name} {spec['label']}".lower()
    total, log = "tot" in words, spec["unit"] == "log"
    return total, "baseline" in spec, log, not (_recoded(spec) and "summarise" in spec)


def _recoded(spec: Mapping[str, Any]) -> bool:
    """Return whether a measurement is a yes or no."""
    return set(spec.get("value", {}).get("recode", {}).values()) == {0, 1}


def _exposure(study: Study, crossover: Crossover | None) -> str | None:
    """Return the concentrations that a replicate crossover of two treatments compares.

    None for another design, or without measurements that are concentrations.
    """
    if crossover is None or len(crossover.treatments) != 1:
        return None
    orders = crossover.sequences.values()
    replicate = all(len(order) > len(set(order)) for order in orders)
    return next(iter(study.exposures), None) if replicate else None


def _as_ratio(analysis: dict[str, Any]) -> None:
    """Make the analysis of a measurement one of bioequivalence."""
    analysis["response"] = "AVAL"
    analysis["model"] = {"type": "bioequivalence", "method": "A"}
    analysis["estimand"]["summary"] = "ratio of geometric means"


def _survival(
    config: Mapping[str, Any], name: str, spec: Mapping[str, Any], everybody: str
) -> dict[str, Any]:
    """Return the analysis of a time to an event."""
    return {
        "title": spec["label"],
        "role": "primary",
        "estimand": _estimand(config, lower_first(spec["label"]), "hazard ratio"),
        "parameter": name,
        "analysis_set": everybody,
        "model": {"type": "survival"},
    }


def _estimand(config: Mapping[str, Any], variable: str, summary: str) -> dict[str, Any]:
    """Return what a draft can say of an estimand."""
    control = config["arms"]["control"]
    treatments = sentence_list(config["arms"]["treatments"])
    return {
        "treatment": f"{treatments} versus {control}",
        "population": "subjects as randomised",
        "variable": variable,
        "intercurrent_events": {"discontinuation of treatment": "treatment policy"},
        "summary": summary,
    }


def _analysis(
    config: Mapping[str, Any],
    name: str,
    spec: Mapping[str, Any],
    everybody: str,
    crossover: bool,
) -> dict[str, Any]:
    visits = visit_list(spec["visits"])
    base = spec.get("baseline")
    own = base.get("visit") if isinstance(base, Mapping) else base
    after = [visit for visit in visits if visit != own]
    last = after[-1] if after else visits[-1]
    binary = _recoded(spec) and "summarise" not in spec
    model, response, summary = _model(bool(base), len(after), binary, crossover)
    what = lower_first(str(spec["label"]))
    change = f"change in {what} from baseline" if response == "CHG" else what
    return {
        "title": f"{spec['label']}, {lower_first(last)}",
        "role": "primary",
        "estimand": _estimand(config, f"{change}, {lower_first(last)}", summary),
        "parameter": name,
        "response": response,
        "at": last,
        "analysis_set": everybody,
        "model": model,
    }


def visit_list(visits: Mapping[str, Any]) -> list[str]:
    """Return the names of the visits of a parameter, in order."""
    if "visit" in visits:
        return [str(visits["visit"])]
    if "columns" in visits:
        numbers = {v["visit"]: v["number"] for v in visits["columns"].values()}
    else:
        listed = visits.get("windows") or visits["names"]
        numbers = {name: spec["number"] for name, spec in listed.items()}
    return sorted(numbers, key=lambda name: float(numbers[name]))


def _model(
    baseline: bool, visits: int, binary: bool, crossover: bool
) -> tuple[dict[str, Any], str, str]:
    """Return the model, the response that it takes, and its summary."""
    if crossover:
        return {"type": "crossover"}, "AVAL", "difference in means within subjects"
    if binary:
        both = "risk difference, risk ratio and odds ratio"
        return {"type": "proportions"}, "AVAL", both
    if visits > 1:
        terms = ["TRT01P*AVISIT", "BASE*AVISIT"] if baseline else ["TRT01P*AVISIT"]
        model = {"type": "mmrm", "terms": terms}
        return model, "CHG" if baseline else "AVAL", "difference in means"
    if baseline:
        return {"type": "ancova", "covariates": ["BASE"]}, "CHG", "difference in means"
    return {"type": "ancova", "covariates": []}, "AVAL", "difference in means"
