"""Names that a trial's configuration declares: variables, visits, parameters."""

from collections.abc import Iterable, Mapping
from typing import Any

from trialstats.vocabulary import flag_of_set

Config = Mapping[str, Any]

#: Variables of ADSL that the cleaning makes itself, with their types.
OWN = {"STUDYID": "text", "USUBJID": "text"}


def variables_of(trial: Config, *, before: str | None = None) -> dict[str, str]:
    """Return the variables of ADSL with their types.

    Parameters
    ----------
    trial : mapping
        The trial's configuration.
    before : str, optional
        Only the variables that stand before this one; neither flags nor sets.

    >>> trial = {"adsl": {"variables": {"AGE": {"type": "number"}}}}
    >>> variables_of(trial, before="AGE")
    {'STUDYID': 'text', 'USUBJID': 'text'}
    """
    found = dict(OWN)
    for name, spec in trial["adsl"]["variables"].items():
        if name == before:
            return found
        found[name] = spec.get("type", "text")
        if "partial" in spec:
            found[f"{name}F"] = "text"
    found |= dict.fromkeys(period_treatments(trial), "text")
    return found


def subject_columns(trial: Config) -> dict[str, str]:
    """Return every column of ADSL with its type, flags and analysis sets included."""
    flags = [*trial["adsl"].get("flags", {})]
    sets = [set_flag(name) for name in trial["analysis_sets"]]
    return variables_of(trial) | dict.fromkeys([*flags, *sets], "text")


def set_flag(name: str) -> str:
    """Return the ADSL column that marks an analysis set.

    >>> set_flag("Safety")
    'SAFETYFL'
    """
    return flag_of_set(name)


def period_treatments(trial: Config) -> list[str]:
    """Return the ADSL variables with the treatment of each period of a crossover."""
    if trial["design"] != "crossover":
        return []
    longest = max(map(len, trial.get("sequences", {}).values()), default=0)
    periods = max(longest, len(trial.get("periods", [])))
    return [f"TRT{number:02d}P" for number in range(1, periods + 1)]


def dates_of(trial: Config) -> list[str]:
    """Return the ADSL variables that are dates."""
    variables = trial["adsl"]["variables"]
    return [name for name, spec in variables.items() if spec.get("type") == "date"]


def arms_of(trial: Config) -> list[str]:
    """Return the arms, the control first."""
    return [trial["arms"]["control"], *trial["arms"]["treatments"]]


def visits_of(trial: Config, code: str) -> dict[str, float]:
    """Return the visits of a measurement with their numbers, as far as they are known.

    A combination has the visits of the parameters that it is made of.
    """
    return _visits(trial, code, ())


def _visits(trial: Config, code: str, within: tuple[str, ...]) -> dict[str, float]:
    spec = trial.get("bds", {}).get(code)
    if spec is None or code in within:
        return {}
    if "combine" in spec:
        found: dict[str, float] = {}
        for name in _names(spec["combine"]):
            for visit, number in _visits(trial, name, (*within, code)).items():
                found.setdefault(visit, number)
        return found
    visits = spec.get("visits", {})
    named = visits.get("windows") or visits.get("names")
    if named:
        return {name: float(one["number"]) for name, one in named.items()}
    if "columns" in visits:
        return {v["visit"]: float(v["number"]) for v in visits["columns"].values()}
    if "visit" in visits:
        return {visits["visit"]: float(visits.get("number", 1))}
    return {}


def _names(text: str) -> Iterable[str]:
    from trialstats.errors import ConfigError
    from trialstats.expressions import parse

    try:
        return parse(text).names
    except ConfigError:
        return ()


def baseline_visit(parameter: Config) -> str | None:
    """Return the visit whose records are the baseline, None where no visit is."""
    baseline = parameter.get("baseline")
    if isinstance(baseline, Mapping):
        visit = baseline.get("visit")
        return None if visit is None else str(visit)
    return baseline


def sources_used(trial: Config) -> set[str]:
    """Return the sources that a dataset is made from, not those only joined to."""
    used = {trial["adsl"]["from"]}
    specs = trial["adsl"]["variables"].values()
    used |= {spec["source"] for spec in specs if "source" in spec}
    for key in ("bds", "adtte"):
        used |= {p["from"] for p in trial.get(key, {}).values() if "from" in p}
    if "adae" in trial:
        used.add(trial["adae"]["from"])
    return used
