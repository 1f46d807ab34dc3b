"""What a schema cannot say about estimands, and references to them by name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.errors import ConfigError
from trialstats.estimands import (
    COMPOSITE,
    PRINCIPAL_STRATUM,
    TREATMENT_POLICY,
    WHILE_ON_TREATMENT,
    YES_OR_NO,
    Handling,
    estimand_of,
    handlings_of,
    is_yes_or_no,
)
from trialstats.vocabulary import sentence_list

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: How a population-level summary is recognised, the more special one first.
_SUMMARIES = {
    "hazard ratio": r"hazard ratio",
    "odds ratio": r"odds ratio",
    "risk ratio": r"risk ratio|relative risk|ratio of (risks|proportions)",
    "risk difference": r"risk difference|difference (in|of|between) "
    r"(the )?(risks?|proportions?|percentages?|response rates?)",
    "rate ratio": r"rate ratio|ratio of rates",
    "ratio of geometric means": r"(geometric )?means?('?s)? ratio|ratio of "
    r"(the )?(geometric |adjusted )*means?",
    "difference in medians": r"difference (in|of|between) (the )?medians?",
    "difference in distributions": r"difference (in|of|between) (the )?"
    r"(distributions?|mean scores?)",
    "difference in means": r"mean difference|difference (in|of|between) "
    r"(the )?(adjusted |least[- ]squares |ls |weekly )*means?|"
    r"difference (in|of|between) (the )?mean\b",
}

_OF_RISKS = ("risk difference", "risk ratio", "odds ratio")

#: Summaries that a model estimates, the one to write first; of the models named here.
ESTIMATED = {
    "ancova": ("difference in means",),
    "mmrm": ("difference in means",),
    "crossover": ("difference in means",),
    "two_period": ("difference in means",),
    "proportions": _OF_RISKS,
    "adverse_events": _OF_RISKS,
    "cmh": ("difference in distributions", *_OF_RISKS),
    "logistic": ("odds ratio",),
    "survival": ("hazard ratio",),
    "bioequivalence": ("ratio of geometric means",),
}

#: Models of records of measurements, whose choice the strategies are.
OF_RECORDS = (
    *("ancova", "mmrm", "crossover", "two_period", "bioequivalence"),
    *("proportions", "logistic", "cmh"),
)

#: Derivations that fill visits without a value.
_FILLING = ("LOCF", "BOCF", "WOCF")


def resolved_estimands(trial: Config) -> dict[str, Any]:
    """Return a trial in which every analysis holds its estimand itself.

    Parameters
    ----------
    trial : mapping
        The configuration; an analysis may name an estimand under `estimands`.

    Raises
    ------
    ConfigError
        When an estimand that is named does not exist.
    """
    analyses = {}
    for name, settings in trial.get("analyses", {}).items():
        found = estimand_of(trial, name)
        analyses[name] = settings if found is None else {**settings, "estimand": found}
    return {**trial, "analyses": analyses}


def estimand_settings(trial: Config, name: str) -> dict[str, Any]:
    """Return what one analysis depends on of a trial's estimands and events.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the analysis.

    Returns
    -------
    dict
        ``analyses`` with the one analysis and its estimand, and, where the estimand
        handles events that are defined, ``intercurrent_events`` with these alone.
    """
    one = {**trial, "analyses": {name: trial["analyses"][name]}}
    made: dict[str, Any] = {"analyses": resolved_estimands(one)["analyses"]}
    handled = {handling.event for handling in handlings_of(trial, name)}
    defined = trial.get("intercurrent_events", {})
    used = {event: spec for event, spec in defined.items() if event in handled}
    return made | ({"intercurrent_events": used} if used else {})


def estimand_problems(trial: Config) -> Found:
    """Yield place and sentence where estimands, events and models do not fit together.

    Parameters
    ----------
    trial : mapping
        A trial's configuration that fits its schema.
    """
    for name, estimand in trial.get("estimands", {}).items():
        yield from _event_problems(trial, f"estimands.{name}", estimand)
    for name, settings in trial.get("analyses", {}).items():
        place, estimand = f"analyses.{name}", settings.get("estimand")
        if isinstance(estimand, str):
            known = trial.get("estimands", {})
            if estimand not in known:
                yield from unknown_name(
                    f"{place}.estimand", "estimand", estimand, known
                )
                continue
        elif estimand:
            yield from _event_problems(trial, f"{place}.estimand", estimand)
        yield from _record_problems(trial, name)
        try:
            handled = handlings_of(trial, name)
        except (ConfigError, KeyError):
            continue
        yield from _summary_problems(trial, name)
        for handling in handled:
            yield from _strategy_problems(trial, name, handling)


def _event_problems(trial: Config, place: str, estimand: Config) -> Found:
    """Yield events that change the records used and that nobody has defined."""
    defined = trial.get("intercurrent_events", {})
    for event, said in (estimand.get("intercurrent_events") or {}).items():
        spec = {"strategy": said} if isinstance(said, str) else said
        strategy, at = spec["strategy"], f"{place}.intercurrent_events.{event}"
        if strategy != TREATMENT_POLICY and event not in defined:
            near = f"; {suggestion(event, defined)}" if defined else ""
            yield (
                at,
                f"{strategy!r} changes which records are used, and the event is not "
                "defined; define it under `intercurrent_events` of the trial (label, "
                f"when, date), or write treatment policy{near}",
            )
        if "value" in spec and strategy != COMPOSITE:
            what = f"`value` is for composite, not for {strategy!r}"
            yield f"{at}.value", f"{what}; leave it out"


def _summary_problems(trial: Config, name: str) -> Found:
    """Yield a population-level summary that the model does not estimate."""
    estimand = estimand_of(trial, name)
    kind = trial["analyses"][name]["model"]["type"]
    if estimand is None or kind not in ESTIMATED:
        return
    named, usual = summaries_in(estimand["summary"]), ESTIMATED[kind]
    wrong = [one for one in named if one not in usual]
    place = f"analyses.{name}.estimand.summary"
    remedy = f"write {_either(usual)}"
    others = [model for model, its in ESTIMATED.items() if set(wrong) & set(its)]
    if wrong and others:
        remedy += f", or a model of type {_either(others)}"
    if wrong:
        what = f"a model of type {kind!r} estimates no {_either(wrong)}"
        yield place, f"{what}; {remedy}"
    elif not named:
        what = f"{estimand['summary']!r} names nothing that {kind!r} estimates"
        yield place, f"{what}; {remedy}"


def _either(names: Sequence[str]) -> str:
    """Return names of which one is meant.

    >>> _either(["ancova", "mmrm", "crossover"])
    'ancova, mmrm or crossover'
    """
    *before, last = names
    return f"{', '.join(before)} or {last}" if before else last


def summaries_in(text: str) -> list[str]:
    """Return the summaries that a text names.

    >>> summaries_in("risk difference, risk ratio and odds ratio")
    ['odds ratio', 'risk ratio', 'risk difference']
    >>> summaries_in("difference in means within women")
    ['difference in means']
    """
    found, left = [], text.lower()
    for summary, pattern in _SUMMARIES.items():
        left, number = re.subn(pattern, " ", left)
        found += [summary] if number else []
    return found


def _strategy_problems(trial: Config, name: str, handling: Handling) -> Found:
    """Yield what a strategy needs and an analysis does not have."""
    settings = trial["analyses"][name]
    kind = settings["model"]["type"]
    place = f"analyses.{name}.estimand.intercurrent_events.{handling.event}"
    strategy = handling.strategy
    if strategy in (TREATMENT_POLICY, PRINCIPAL_STRATUM):
        return
    if kind not in OF_RECORDS:
        what = f"{strategy!r} chooses records of measurements, and {kind!r} has none"
        yield place, f"{what}; write treatment policy or principal stratum"
        return
    if strategy == COMPOSITE:
        yield from _composite_problems(trial, name, handling, place)
        return
    several = kind == "mmrm" or isinstance(settings.get("at"), list)
    if strategy == WHILE_ON_TREATMENT and several:
        what = f"{strategy!r} has one value a subject, and the model several visits"
        yield place, f"{what}; analyse one visit, such as with ancova"
    responder = trial.get("responders", {}).get(settings.get("parameter"), {})
    if responder.get("missing") == "non_responder":
        what = (
            f"{strategy!r} leaves the visit without a value, which counts as no "
            f"response under responders.{settings['parameter']}.missing"
        )
        yield place, f"{what}; write composite, or `missing: absent` there"
    yield from _limit_problems(trial, name, handling)


def _composite_problems(
    trial: Config, name: str, handling: Handling, place: str
) -> Found:
    settings = trial["analyses"][name]
    if handling.value is None:
        what = "composite has no value that the event counts as"
        yield place, f"{what}; write {{strategy: composite, value: ...}}"
    binary = settings["model"]["type"] in YES_OR_NO or is_yes_or_no(trial, name)
    if binary and handling.value not in (None, 0, 1):
        what = f"value {handling.value:g} of a yes-or-no parameter must be 0 or 1"
        yield f"{place}.value", f"{what}; leave it out for no response"
    event = trial.get("intercurrent_events", {}).get(handling.event)
    if trial["design"] != "crossover" or event is None:
        return
    if "date" not in event:
        what = "composite in a crossover counts in the period of the event, which "
        at = f"intercurrent_events.{handling.event}"
        yield at, f"{what}needs a date; add `date`, or write another strategy"
    if "periods" not in trial:
        what = "composite in a crossover needs the dates on which the periods start"
        yield place, f"{what}; name them under `periods`, or write another strategy"


def _limit_problems(trial: Config, name: str, handling: Handling) -> Found:
    """Yield derived records that are made of values after the event."""
    settings = trial["analyses"][name]
    date = trial.get("intercurrent_events", {}).get(handling.event, {}).get("date")
    measured = trial.get("bds", {}).get(settings.get("parameter"), {})
    for rule in measured.get("records", ()):
        kind = rule["dtype"]
        if date is None or kind not in settings.get("records", ()):
            continue
        if rule.get("until") != date:
            what = (
                f"{kind} may be made of values after the event, which "
                f"{handling.strategy!r} does not use"
            )
            at = f"bds.{settings['parameter']}.records"
            yield f"analyses.{name}.records", f"{what}; add `until: {date}` to {at}"


def _record_problems(trial: Config, name: str) -> Found:
    """Yield derived records that fill one visit twice."""
    settings = trial["analyses"][name]
    filling = [one for one in settings.get("records", ()) if one in _FILLING]
    if len(filling) > 1:
        what = f"{sentence_list(filling)} fill the same visits"
        yield f"analyses.{name}.records", f"{what}; name one of them"
