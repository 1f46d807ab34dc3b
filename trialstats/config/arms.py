"""Arms, sequences and periods of a trial that must fit together."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from trialstats.config.checking import unknown_name
from trialstats.config.declared import arms_of

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

_VARIABLES = "adsl.variables"


def arm_problems(trial: Config) -> Found:
    """Yield place and sentence for arms, sequences and periods that cannot be meant."""
    arms = arms_of(trial)
    if len(set(arms)) < len(arms):
        yield "arms", "an arm is named twice"
    yield from _dose_problems(trial, arms)
    if trial["design"] == "parallel":
        yield from _recode_problems(trial, "TRT01P", "arm", arms)
        for key in ("sequences", "periods"):
            if key in trial:
                remedy = "write `design: crossover`, or leave it out"
                yield key, f"a parallel trial has none; {remedy}"
        return
    yield from _crossover_problems(trial, arms)


def _dose_problems(trial: Config, arms: list[str]) -> Found:
    doses = trial["arms"].get("doses")
    if doses is None:
        return
    for arm in doses:
        yield from unknown_name("arms.doses", "arm", arm, arms)
    for arm in arms:
        if arm not in doses:
            yield "arms.doses", f"the arm {arm!r} has no dose; add it"


def _recode_problems(
    trial: Config, name: str, kind: str, known: Iterable[str]
) -> Found:
    variables = trial["adsl"]["variables"]
    yield from unknown_name(_VARIABLES, "variable", name, variables)
    for target in variables.get(name, {}).get("recode", {}).values():
        yield from unknown_name(f"{_VARIABLES}.{name}.recode", kind, target, known)


def _crossover_problems(trial: Config, arms: list[str]) -> Found:
    needed = ["sequences"] if _periods_named(trial) else ["sequences", "periods"]
    for key in needed:
        if key not in trial:
            yield key, "missing; a crossover trial needs it"
            return
    yield from _recode_problems(trial, "TRTSEQP", "sequence", trial["sequences"])
    yield from _period_problems(trial)
    lengths = {name: len(listed) for name, listed in trial["sequences"].items()}
    for (one, length), (other, another) in pairwise(lengths.items()):
        if length != another and "periods" not in trial:
            what = f"{length} treatments, and {other!r} has {another}"
            yield f"sequences.{one}", f"{what}; write as many for each sequence"
    for sequence, treatments in trial["sequences"].items():
        periods = trial.get("periods")
        if periods is not None and len(treatments) != len(periods):
            what = f"{len(treatments)} treatments for {len(periods)} periods"
            yield f"sequences.{sequence}", what
        for treatment in treatments:
            yield from unknown_name(f"sequences.{sequence}", "arm", treatment, arms)


def _period_problems(trial: Config) -> Found:
    variables, periods = trial["adsl"]["variables"], trial.get("periods", [])
    for name in periods:
        yield from unknown_name("periods", "ADSL variable", name, variables)
    for name in dict.fromkeys(n for n in periods if periods.count(n) > 1):
        yield "periods", f"{name!r} starts two periods; name one date for each"


def _periods_named(trial: Config) -> bool:
    """Return whether every measurement says of which period a value is."""
    measured = [p for p in trial.get("bds", {}).values() if "combine" not in p]
    return all(names_period(p.get("visits", {})) for p in measured)


def names_period(visits: Config) -> bool:
    """Return whether the values of a measurement name their period."""
    columns = visits.get("columns", {}).values()
    return "period" in visits or any("period" in v or "treatment" in v for v in columns)
