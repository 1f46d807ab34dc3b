"""What a schema cannot say about a synthesis: names that must fit together."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.synthesis_figures import figure_problems, prisma_problems

Config = Mapping[str, Any]


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
    found += [*figure_problems(synthesis), *prisma_problems(synthesis)]
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
