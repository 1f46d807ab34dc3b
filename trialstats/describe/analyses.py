"""Draft a first analysis that fits the measurements."""

from collections.abc import Mapping
from typing import Any

from trialstats.describe.crossover import Crossover
from trialstats.describe.study import Study
from trialstats.vocabulary import lower_first, sentence_list


def draft_analyses(study: Study, crossover: Crossover | None) -> None:
    """Write the analysis of the first measurement, and that of the adverse events."""
    sheet = study.sheet
    sets = list(sheet.at("analysis_sets"))
    everybody = "ITT" if "ITT" in sets else sets[0]
    sheet.put(("analyses",), {})
    parameters = sheet.at("bds")
    if parameters:
        name, spec = max(
            reversed(parameters.items()), key=lambda item: _prominence(*item)
        )
        found = _analysis(sheet.config, name, spec, everybody, crossover is not None)
        sheet.put(
            ("analyses", name.lower()),
            found,
            guess="which measurement is the primary one; write the estimand in full",
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


def _prominence(name: str, spec: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return what makes a measurement the likely primary one: a total, a baseline."""
    words = f"{name} {spec['label']}".lower()
    return "tot" in words, "baseline" in spec


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
    binary = set(spec.get("value", {}).get("recode", {}).values()) == {0, 1}
    model, response, summary = _model(bool(base), len(after), binary, crossover)
    what = lower_first(str(spec["label"]))
    change = f"change in {what} from baseline" if response == "CHG" else what
    control = config["arms"]["control"]
    treatments = sentence_list(config["arms"]["treatments"])
    return {
        "title": f"{spec['label']}, {lower_first(last)}",
        "role": "primary",
        "estimand": {
            "treatment": f"{treatments} versus {control}",
            "population": "subjects as randomised",
            "variable": f"{change}, {lower_first(last)}",
            "intercurrent_events": {"discontinuation of treatment": "treatment policy"},
            "summary": summary,
        },
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
