"""Figures of the participants that a trial's configuration asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import suggestion, unknown_name
from trialstats.config.declared import visits_of

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Keys of a figure beside `type` and `title`, by its type.
KEYS = {
    "waterfall": ("parameter", "response", "at", "take", "analysis_set", "lines"),
    "individual_profiles": (
        *("parameter", "response", "analysis_set"),
        *("lines", "analysis"),
    ),
    "kaplan_meier": ("analysis", "band"),
}


def figure_problems(trial: Config) -> Found:
    """Yield place and sentence for figures that name what does not exist."""
    seen: dict[str, str] = {}
    for name, figure in trial.get("figures", {}).items():
        place, kind = f"figures.{name}", figure["type"]
        known = (*KEYS[kind], "type", "title")
        for key in figure:
            if key not in known:
                yield f"{place}.{key}", f"not for {kind}; {suggestion(key, known)}"
        if kind == "kaplan_meier":
            yield from _curve_problems(trial, name, seen)
        else:
            yield from _record_problems(trial, name)


def _curve_problems(trial: Config, name: str, seen: dict[str, str]) -> Found:
    analysis = trial["figures"][name]["analysis"]
    place = f"figures.{name}.analysis"
    times = _of_type(trial, "survival")
    yield from unknown_name(place, "analysis of a time to an event", analysis, times)
    if analysis in seen:
        yield place, f"figures.{seen[analysis]} draws {analysis} already; keep one"
    seen.setdefault(analysis, name)


def _record_problems(trial: Config, name: str) -> Found:
    figure, place = trial["figures"][name], f"figures.{name}"
    sets, measured = trial["analysis_sets"], trial.get("bds", {})
    code = figure["parameter"]
    yield from unknown_name(f"{place}.parameter", "measurement", code, measured)
    yield from unknown_name(
        f"{place}.analysis_set", "analysis set", figure["analysis_set"], sets
    )
    visits = visits_of(trial, code)
    if "at" in figure and visits:
        yield from unknown_name(f"{place}.at", "visit", figure["at"], visits)
    if figure.get("take") == "best" and not measured.get(code, {}).get("better"):
        yield (
            f"{place}.take",
            f"best is not known; write `better` (lower or higher) under bds.{code}",
        )
    if "analysis" in figure:
        yield from _mean_problems(trial, name)


def _mean_problems(trial: Config, name: str) -> Found:
    """Yield why the means of an analysis cannot be drawn over the lines."""
    figure, place = trial["figures"][name], f"figures.{name}.analysis"
    wanted = figure["analysis"]
    models = _of_type(trial, "mmrm")
    if wanted not in models:
        what = "analysis by visit (of type mmrm)"
        yield from unknown_name(place, what, wanted, models)
        return
    analysis = trial["analyses"][wanted]
    for key in ("parameter", "response"):
        if analysis.get(key) != figure[key]:
            yield (
                place,
                f"{wanted} has the {key} {analysis.get(key)!r} and the figure "
                f"{figure[key]!r}; name an analysis of the same",
            )


def _of_type(trial: Config, kind: str) -> list[str]:
    return [n for n, a in trial["analyses"].items() if a["model"]["type"] == kind]
