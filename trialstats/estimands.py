"""Estimands as configured: their attributes, their strategies, and both in words.

The five attributes and the strategies for intercurrent events are those of the
addendum ICH E9(R1). Whoever states an estimand takes the words from here, so that a
row, its table and the method say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialstats.errors import ConfigError
from trialstats.vocabulary import lower_first, upper_first

Config = Mapping[str, Any]

TREATMENT_POLICY = "treatment policy"
HYPOTHETICAL = "hypothetical"
COMPOSITE = "composite"
WHILE_ON_TREATMENT = "while on treatment"
PRINCIPAL_STRATUM = "principal stratum"

#: Strategies that leave records after the event out.
REMOVING = (HYPOTHETICAL, WHILE_ON_TREATMENT)

#: What each strategy does with an event, after the name of the event and a colon.
_WORDS = {
    TREATMENT_POLICY: "values count whether or not it happened",
    HYPOTHETICAL: "values after it are not used, as if they were missing",
    COMPOSITE: "whoever has it by a visit counts as {value} there{where}",
    WHILE_ON_TREATMENT: "values after it are not used, and the last one before it "
    "stands for the analysed visit",
    PRINCIPAL_STRATUM: "whoever has it is left out; this assumes that people without "
    "it under the treatment they took would have been without it under any treatment "
    "compared, which the data cannot show",
}

#: Attributes with their labels, in the order of print.
ATTRIBUTES = {
    "treatment": "Treatment",
    "population": "Population",
    "variable": "Variable",
    "intercurrent_events": "Intercurrent events",
    "summary": "Population-level summary",
}

#: Models of a yes-or-no value.
YES_OR_NO = ("proportions", "logistic")


@dataclass(frozen=True, slots=True)
class Handling:
    """One intercurrent event with its strategy.

    Attributes
    ----------
    event : str
        Its name in the configuration.
    label : str
        The event in words.
    strategy : str
        One of the five strategies.
    value : float or None
        What a composite event counts as.
    note : str or None
        What the strategy means here.
    """

    event: str
    label: str
    strategy: str
    value: float | None = None
    note: str | None = None

    def effect(self, *, crossover: bool = False) -> str:
        """Return what the strategy does, in words.

        >>> Handling("rescue", "Rescue", "composite", 0).effect()
        'whoever has it by a visit counts as 0 there'
        """
        value = "the value" if self.value is None else f"{self.value:g}"
        where = ", in the period in which it happens" if crossover else ""
        return _WORDS[self.strategy].format(value=value, where=where)

    def sentence(self, *, crossover: bool = False) -> str:
        """Return event and strategy in words, what it does and the note in brackets.

        >>> Handling("rescue", "Rescue", "composite", 0, "a failure").sentence()
        'rescue: composite (whoever has it by a visit counts as 0 there; a failure)'
        """
        effect = (
            []
            if self.strategy == TREATMENT_POLICY
            else [self.effect(crossover=crossover)]
        )
        said = "; ".join([*effect, *([self.note] if self.note else [])])
        sentence = f"{lower_first(self.label)}: {self.strategy}"
        return f"{sentence} ({said})" if said else sentence


def estimand_of(trial: Config, name: str) -> Config | None:
    """Return the estimand of an analysis, also where it is named; None without one.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the analysis.

    Raises
    ------
    ConfigError
        When no estimand has the name that the analysis gives.
    """
    estimand = trial.get("analyses", {}).get(name, {}).get("estimand")
    if not isinstance(estimand, str):
        found: Config | None = estimand or None
        return found
    known = trial.get("estimands", {})
    if estimand not in known:
        raise ConfigError(
            f"analyses.{name}.estimand: no estimand {estimand!r}; write its five "
            f"attributes under estimands.{estimand}, or name one of "
            f"{', '.join(known) or 'those defined there'}"
        )
    named: Config = known[estimand]
    return named


def is_yes_or_no(trial: Config, name: str) -> bool:
    """Return whether an analysis is of a value that is 0 or 1."""
    settings = trial["analyses"][name]
    kind = settings.get("model", {}).get("type")
    return kind in YES_OR_NO or settings.get("parameter") in trial.get("responders", {})


def handlings_of(trial: Config, name: str) -> tuple[Handling, ...]:
    """Return how an analysis handles each intercurrent event.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the analysis; ``baseline`` and others without an estimand have none.

    Returns
    -------
    tuple of Handling
        In the order of the configuration; a composite event of a yes-or-no value
        counts as 0 where no value is configured.
    """
    estimand = estimand_of(trial, name)
    if estimand is None:
        return ()
    usual = 0.0 if is_yes_or_no(trial, name) else None
    return handlings(estimand, trial.get("intercurrent_events", {}), usual)


def handlings(
    estimand: Config, events: Config, usual: float | None = None
) -> tuple[Handling, ...]:
    """Return how an estimand handles each intercurrent event.

    Parameters
    ----------
    estimand : mapping
        The estimand.
    events : mapping
        The trial's events with their labels.
    usual : float, optional
        What a composite event counts as when the estimand does not say.
    """
    made = []
    for event, said in (estimand.get("intercurrent_events") or {}).items():
        spec: Config = {"strategy": said} if isinstance(said, str) else said
        strategy = spec["strategy"]
        value = spec.get("value", usual) if strategy == COMPOSITE else None
        label = events.get(event, {}).get("label", event)
        made.append(Handling(event, label, strategy, value, spec.get("note")))
    return tuple(made)


def estimand_in_words(
    estimand: Config | None,
    handled: tuple[Handling, ...] = (),
    *,
    crossover: bool = False,
) -> str | None:
    """Return the five attributes of an estimand as one sentence.

    Parameters
    ----------
    estimand : mapping or None
        The estimand; None has no words.
    handled : tuple of Handling
        Its events, see `handlings`.
    crossover : bool
        Whether every subject is to have every treatment.

    Examples
    --------
    >>> estimand = {"variable": "pain", "treatment": "A versus B",
    ...     "population": "adults", "summary": "difference in means",
    ...     "intercurrent_events": {"stopping": "treatment policy"}}
    >>> estimand_in_words(estimand, handlings(estimand, {}))
    'difference in means of pain, A versus B, in adults; stopping: treatment policy'
    """
    if not estimand:
        return None
    sentence = (
        f"{estimand['summary']} of {estimand['variable']}, {estimand['treatment']}, "
        f"in {estimand['population']}"
    )
    return "; ".join([sentence, *(h.sentence(crossover=crossover) for h in handled)])


def estimand_block(trial: Config, name: str) -> list[tuple[str, str]]:
    """Return the five attributes of an analysis as labelled lines, a line an event.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    name : str
        Name of the analysis; without an estimand there are no lines.
    """
    estimand = estimand_of(trial, name) or {}
    crossover = trial.get("design") == "crossover"
    lines = []
    for key, label in ATTRIBUTES.items():
        if key not in estimand:
            continue
        texts = [str(estimand[key])]
        if key == "intercurrent_events":
            said = [h.sentence(crossover=crossover) for h in handlings_of(trial, name)]
            texts = said or ["none expected"]
        lines += [(label if n == 0 else "", text) for n, text in enumerate(texts)]
    return lines


def strategies_in_words(
    handled: tuple[Handling, ...], *, crossover: bool = False
) -> str | None:
    """Return what the strategies did to the records; None when they use all.

    >>> strategies_in_words((Handling("stop", "Stopping", "hypothetical"),))
    'Stopping (hypothetical): values after it are not used, as if they were missing'
    """
    said = [
        f"{upper_first(h.label)} ({h.strategy}): {h.effect(crossover=crossover)}"
        for h in handled
        if h.strategy != TREATMENT_POLICY
    ]
    return "; ".join(said) or None
