"""What a schema cannot say: names inside a configuration that must fit together."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.models import mmrm_problems, model_problems
from trialstats.config.plausibility import value_problems

Config = Mapping[str, Any]


def trial_problems(trial: Config, *, file: str) -> list[str]:
    """Return every inconsistency of a trial's configuration, a sentence each."""
    found = [
        *_arm_problems(trial),
        *_source_problems(trial),
        *_visit_problems(trial),
        *_analysis_problems(trial),
        *value_problems(trial),
    ]
    return [f"{file}, at {place}: {what}" for place, what in found]


def synthesis_problems(
    synthesis: Config,
    trials: Mapping[str, Config],
    *,
    file: str,
    unread: Collection[str] = (),
) -> list[str]:
    """Return every inconsistency of a synthesis with the trials of the dossier."""
    found = []
    if synthesis["synthesis"] != synthesis["id"]:
        found.append(("synthesis", f"must be {synthesis['id']!r}, the file's name"))
    found += _measure_problems(synthesis)
    statuses = set()
    for name in synthesis["analyses"]:
        trial, analysis = name.split(".")
        if trial in unread:
            continue
        if trial not in trials:
            found.append(
                ("analyses", f"no trial {trial!r}; {suggestion(trial, trials)}")
            )
        elif analysis not in trials[trial]["analyses"]:
            known = trials[trial]["analyses"]
            remedy = suggestion(analysis, known)
            found.append(
                ("analyses", f"{trial} has no analysis {analysis!r}; {remedy}")
            )
        else:
            statuses.add(trials[trial]["data_status"])
            found += _contrast_problems(synthesis, name, trials[trial])
    for name in synthesis.get("contrasts") or ():
        if name not in synthesis["analyses"]:
            what = f"{name!r} is not under `analyses`"
            found.append(
                ("contrasts", f"{what}; {suggestion(name, synthesis['analyses'])}")
            )
    if "synthetic" in statuses and (synthesis.get("published") or len(statuses) > 1):
        found.append(
            (
                "analyses",
                "synthetic results never stand beside published or real ones; "
                "make a synthesis of their own",
            )
        )
    return [f"{file}, at {place}: {what}" for place, what in found]


def _contrast_problems(
    synthesis: Config, name: str, trial: Config
) -> Iterator[tuple[str, str]]:
    """Yield treatments that enter from an analysis and that its trial has not."""
    treatments = trial["arms"]["treatments"]
    for treatment in (synthesis.get("contrasts") or {}).get(name, ()):
        yield from unknown_name(f"contrasts.{name}", "treatment", treatment, treatments)


#: Measures of the published tables and of fitted trials, and those of counts.
_OF_TRIALS = ("MD", "SMD", "RR", "OR", "RD")
_COUNTING = {
    "mantel_haenszel": ("OR", "RR", "RD"),
    "peto": ("OR",),
    "one_stage": ("OR",),
}


def _measure_problems(synthesis: Config) -> Iterator[tuple[str, str]]:
    """Yield measures that the sources or the methods of a synthesis do not give."""
    measure = synthesis["measure"]
    for source in ("published", "analyses"):
        if synthesis.get(source) and measure not in _OF_TRIALS:
            what = f"{measure} does not follow from `{source}`"
            yield "measure", f"{what}; write one of {', '.join(_OF_TRIALS)}"
    models = [("model", synthesis.get("model") or {})]
    for number, variation in enumerate(synthesis.get("sensitivity") or ()):
        models.append((f"sensitivity.{number}", variation))
    for place, model in models:
        method = model.get("method", "inverse_variance")
        allowed = _COUNTING.get(method)
        own = model.get("measure", measure)
        if allowed and own not in allowed:
            what = f"{method} pools {', '.join(allowed)}, not {own}"
            yield f"{place}.method", f"{what}; write inverse_variance, or that measure"


def published_trial_problems(
    synthesis: Config, known: Iterable[str], *, file: str
) -> list[str]:
    """Return every published trial that a synthesis names and that does not exist."""
    names = list(known)
    published = synthesis.get("published") or {}
    listed = [
        *published.get("trials", []),
        *(r["trial"] for r in published.get("rows", [])),
    ]
    found = (
        f for name in listed for f in unknown_name("published", "trial", name, names)
    )
    return [f"{file}, at {place}: {what}" for place, what in found]


Found = Iterator[tuple[str, str]]


def _arm_problems(trial: Config) -> Found:
    arms = [trial["arms"]["control"], *trial["arms"]["treatments"]]
    if len(set(arms)) < len(arms):
        yield "arms", "an arm is named twice"
    variables = trial["adsl"]["variables"]
    if trial["design"] == "parallel":
        yield from unknown_name("adsl.variables", "variable", "TRT01P", variables)
        recode = variables.get("TRT01P", {}).get("recode", {})
        for target in recode.values():
            yield from unknown_name("adsl.variables.TRT01P.recode", "arm", target, arms)
        return
    for key in ("sequences", "periods"):
        if key not in trial:
            yield key, "missing; a crossover trial needs it"
            return
    yield from unknown_name("adsl.variables", "variable", "TRTSEQP", variables)
    for name in trial["periods"]:
        yield from unknown_name("periods", "ADSL variable", name, variables)
    for sequence, treatments in trial["sequences"].items():
        if len(treatments) != len(trial["periods"]):
            what = f"{len(treatments)} treatments for {len(trial['periods'])} periods"
            yield f"sequences.{sequence}", what
        for treatment in treatments:
            yield from unknown_name(f"sequences.{sequence}", "arm", treatment, arms)
    recode = variables.get("TRTSEQP", {}).get("recode", {})
    for target in recode.values():
        place = "adsl.variables.TRTSEQP.recode"
        yield from unknown_name(place, "sequence", target, trial["sequences"])


def _source_problems(trial: Config) -> Found:
    sources, adsl = trial["sources"], trial["adsl"]
    yield from unknown_name("adsl.from", "source", adsl["from"], sources)
    for name, variable in adsl["variables"].items():
        if "source" in variable:
            place = f"adsl.variables.{name}.source"
            yield from unknown_name(place, "source", variable["source"], sources)
    for name, source in sources.items():
        if adsl["subject"] not in source["key"]:
            yield f"sources.{name}.key", f"must hold {adsl['subject']!r}"
    for code, parameter in trial["bds"].items():
        yield from unknown_name(
            f"bds.{code}.from", "source", parameter["from"], sources
        )
    if "adae" in trial:
        yield from unknown_name("adae.from", "source", trial["adae"]["from"], sources)


def _visit_problems(trial: Config) -> Found:
    for code, parameter in trial["bds"].items():
        visits, place = parameter["visits"], f"bds.{code}.visits"
        windows = visits["windows"]
        yield from unknown_name(
            f"bds.{code}.baseline", "visit", parameter["baseline"], windows
        )
        references = [*trial["adsl"]["variables"]]
        if trial["design"] == "crossover":
            references.append("period")
        yield from unknown_name(
            f"{place}.reference", "date", visits["reference"], references
        )
        for name, window in windows.items():
            first, last = window["days"]
            if first > last:
                yield f"{place}.windows.{name}", f"day {first} is after day {last}"
        for one, other in combinations(windows, 2):
            a, b = windows[one]["days"], windows[other]["days"]
            if max(a[0], b[0]) <= min(a[1], b[1]):
                yield f"{place}.windows", f"{one!r} and {other!r} overlap"
    for code, responder in trial.get("responders", {}).items():
        place = f"responders.{code}.of"
        yield from unknown_name(place, "parameter", responder["of"], trial["bds"])


def _analysis_problems(trial: Config) -> Found:
    parameters = {**trial["bds"], **trial.get("responders", {})}
    for name, analysis in trial["analyses"].items():
        place, model = f"analyses.{name}", analysis["model"]["type"]
        sets = trial["analysis_sets"]
        yield from unknown_name(
            f"{place}.analysis_set", "analysis set", analysis["analysis_set"], sets
        )
        yield from model_problems(trial, name)
        if model == "adverse_events":
            if "adae" not in trial:
                yield f"{place}.model.type", "the trial has no `adae`"
            continue
        code = analysis["parameter"]
        yield from unknown_name(f"{place}.parameter", "parameter", code, parameters)
        measured = trial["bds"].get(parameters.get(code, {}).get("of", code))
        if model == "mmrm":
            yield from mmrm_problems(trial, name)
        elif measured and "at" in analysis:
            windows = measured["visits"]["windows"]
            yield from unknown_name(f"{place}.at", "visit", analysis["at"], windows)
        if "at" not in analysis and model != "mmrm":
            yield place, "missing key 'at' (visit that is analysed)"
