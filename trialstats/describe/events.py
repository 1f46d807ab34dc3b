"""Draft adverse events and times to an event."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.describe.columns import DATED, WHOLE, WORDS, Column
from trialstats.describe.parameters import reference
from trialstats.describe.standards import by_standard
from trialstats.describe.subjects import Table
from trialstats.describe.words import code, label, says, tokens, unprefixed, yes_no

_TERM = {"term", "event", "reaction", "ae", "aeterm", "symptom", "adverse", "meddra"}
_SEVERITY = {"MILD": "MILD", "MODERATE": "MODERATE", "SEVERE": "SEVERE"}
_GRADES = {"1": "MILD", "2": "MODERATE", "3": "SEVERE", "4": "SEVERE", "5": "SEVERE"}
_RELATED = {
    "possible",
    "possibly",
    "probable",
    "probably",
    "definite",
    "definitely",
} | {
    *("related", "certain", "likely", "suspected", "yes", "y"),
}

_LABELS = {
    "AETERM": "Reported term",
    "AEDECOD": "Coded term",
    "AEBODSYS": "Body system or organ class",
    "ASTDT": "Start date",
    "AESEV": "Severity",
    "AESER": "Serious event",
    "AEREL": "Relation to treatment",
    "AESDTH": "Results in death",
    "TRTEMFL": "Treatment-emergent flag",
}


def adverse_events(table: Table) -> tuple[dict[str, dict[str, object]], str] | None:
    """Return the variables of ADAE that a table gives, and why; None without any."""
    columns = table.columns
    known = by_standard((c.name, c.label) for c in columns.values())
    found = {v: known[v] for v in _LABELS if v in known}
    evidence = ""
    if "AETERM" not in found:
        words = _by_words(table)
        if words is None:
            return None
        found |= words
        evidence = "rows with a term and its severity, seriousness or relation"
    if "ASTDT" not in found and "AESTDTC" in columns:
        found["ASTDT"] = "AESTDTC"
    return {v: _variable(v, columns[found[v]]) for v in _LABELS if v in found}, evidence


def _by_words(table: Table) -> dict[str, str] | None:
    """Return the columns of a list of events, by their words and values."""
    if table.once and table.rows > 20 and len(table.columns) > 12:
        return None
    found: dict[str, str] = {}
    free = [c for n, c in table.columns.items() if n != table.subject]
    terms = [c for c in free if c.kind == WORDS and len(c.levels) > 3]
    named = [c for c in terms if says(c.name, _TERM)]
    if not named:
        return None
    found["AETERM"] = named[0].name
    for column in free:
        words = {
            w.upper()
            for w in (
                unprefixed(column.levels) or {v: v for v in column.levels}
            ).values()
        }
        name = tokens(column.name)
        if (words and words <= set(_SEVERITY)) or any(
            w.startswith(("sever", "grade")) for w in name
        ):
            found.setdefault("AESEV", column.name)
        elif any(w.startswith("serious") or w in ("sae", "aeser") for w in name):
            found.setdefault("AESER", column.name)
        elif any(w.startswith(("relat", "caus")) for w in name):
            found.setdefault("AEREL", column.name)
        elif column.kind == DATED and any(
            w in ("start", "onset", "date", "begin") for w in name
        ):
            found.setdefault("ASTDT", column.name)
    return found if set(found) & {"AESEV", "AESER", "AEREL"} else None


def _variable(variable: str, column: Column) -> dict[str, object]:
    spec: dict[str, object] = {"column": column.name}
    if variable == "ASTDT":
        spec["type"] = "date"
    spec["label"] = column.label or _LABELS[variable]
    recode = _recode(variable, column)
    same = recode == {level: level for level in column.levels}
    if recode and (not same or variable in ("AESER", "AEREL")):
        spec["recode"] = recode
    if variable == "ASTDT" and column.partial:
        spec["partial"] = {"month": "first", "day": "first"}
    return spec


def _recode(variable: str, column: Column) -> dict[str, str]:
    levels = column.levels
    plain = unprefixed(levels) or {level: level for level in levels}
    if variable == "AESEV":
        graded = all(level in _GRADES for level in levels)
        words = {v: w.upper() for v, w in plain.items()}
        if graded:
            return {level: _GRADES[level] for level in levels}
        return words if set(words.values()) <= set(_SEVERITY) else {}
    if variable == "AESER":
        known = {v: yes_no([v, "n" if v.lower() != "n" else "y"]) for v in levels}
        return {v: "Y" if (k or {}).get(v) else "N" for v, k in known.items()}
    if variable == "AEREL":
        return {
            v: "RELATED" if _related(w) else "NOT RELATED" for v, w in plain.items()
        }
    return {}


def _related(word: str) -> bool:
    words = tokens(word)
    denied = any(w in ("not", "un", "unrelated", "unlikely", "non") for w in words)
    return not denied and any(w in _RELATED for w in words)


def not_emergent(table: Table) -> str | None:
    """Return the column that marks events under treatment, None without one."""
    known = by_standard((c.name, c.label) for c in table.columns.values())
    return known.get("TRTEMFL")


@dataclass(frozen=True)
class Survival:
    """A time to an event.

    Attributes
    ----------
    spec : dict
        The parameter.
    evidence : str
        Why.
    used : tuple of str
        Columns that it takes.
    recurrent : tuple of str or None
        Columns of time and status when a subject may have several events.
    """

    spec: dict[str, object]
    evidence: str
    used: tuple[str, ...]
    recurrent: tuple[str, str] | None = None


def times_of(table: Table, source: str) -> dict[str, Survival]:
    """Return the times to an event of a table, by their code."""
    known = by_standard((c.name, c.label) for c in table.columns.values())
    if {"PARAMCD", "AVAL", "CNSR"} <= set(known):
        return _analysis_times(table, known, source)
    if not table.once and (found := _counting(table, source)) is not None:
        return {"TTE": found}
    if table.once and (found := _status_and_time(table, source)) is not None:
        return {"TTE": found}
    return {}


def _analysis_times(
    table: Table, known: Mapping[str, str], source: str
) -> dict[str, Survival]:
    columns = table.columns
    coded = columns[known["PARAMCD"]]
    found: dict[str, Survival] = {}
    for level in coded.levels:
        rows = (coded.cells == level).to_numpy()
        spec: dict[str, object] = {"label": label(level)}
        if "PARAM" in known:
            spec["label"] = str(columns[known["PARAM"]].cells[rows].dropna().iloc[0])
        spec |= {"unit": "days", "from": source}
        if len(coded.levels) > 1:
            spec["where"] = f"{reference(coded.name)} == {level!r}"
        censor = reference(known["CNSR"])
        spec["time"] = {"column": known["AVAL"]}
        spec["event"] = f"{censor} == '0'"
        found[code(level, found)] = Survival(spec, _in_days(columns, known), ())
    return found


def _in_days(columns: Mapping[str, Column], known: Mapping[str, str]) -> str:
    """Return what speaks for days as the unit."""
    if not {"STARTDT", "ADT"} <= set(known):
        return "times in days"
    start, end = columns[known["STARTDT"]].days, columns[known["ADT"]].days
    given = columns[known["AVAL"]].numbers
    if start is None or end is None or given is None:
        return "times in days"
    counted = (end - start).astype("timedelta64[D]").astype(float) + 1
    same = float(np.mean(np.abs(counted - given) < 0.5))
    if same > 0.95:
        return "times in days: they are the days between the two dates"
    return "times in days"


def _counting(table: Table, source: str) -> Survival | None:
    """Return times of a counting process: where a row ends the next one begins."""
    numeric = [c for c in table.columns.values() if c.kind == WHOLE or c.numeric]
    long = [c for c in numeric if len(c.levels) > 6 and not table.constant(c)]
    states = [c for c in numeric if c.levels == ["0", "1"] and not table.constant(c)]
    if not states:
        return None
    for stop in long:
        for start in long:
            if start is not stop and _follows(table, start, stop):
                status = min(
                    states, key=lambda c: not says(c.name, {"status", "event", "d"})
                )
                return Survival(
                    {
                        "label": "Time to first event",
                        "unit": "days",
                        "from": source,
                        "time": {"column": stop.name},
                        "event": f"{reference(status.name)} == '1'",
                    },
                    f"intervals: each {start.name} is the {stop.name} before it; "
                    f"{status.name} is 0 or 1",
                    (start.name, stop.name, status.name),
                    (stop.name, status.name),
                )
    return None


def _follows(table: Table, start: Column, stop: Column) -> bool:
    frame = pd.DataFrame(
        {"subject": table.subject_ids, "start": start.numbers, "stop": stop.numbers}
    ).sort_values(["subject", "stop"], kind="stable")
    if not (frame["start"] < frame["stop"]).all():
        return False
    before = frame.groupby("subject")["stop"].shift()
    again = before.notna()
    return bool(
        again.sum() >= 5
        and (frame["start"][again] == before[again]).all()
        and (frame["start"][~again] == frame["start"].min()).all()
    )


def _status_and_time(table: Table, source: str) -> Survival | None:
    """Return a time and its status in one row a subject, by their names."""
    status = [
        c
        for c in table.columns.values()
        if len(c.levels) == 2
        and says(c.name, {"status", "event", "cens", "censor", "died", "dead", "death"})
        and (c.levels in (["0", "1"], ["1", "2"]) or yes_no(c.levels))
    ]
    times = [
        c
        for c in table.columns.values()
        if c.numeric
        and len(c.levels) > 6
        and says(
            c.name,
            {"time", "futime", "survtime", "survival", "days", "tte", "os", "pfs"},
        )
        and c.numbers is not None
        and np.nanmin(c.numbers) >= 0
    ]
    if not status or not times:
        return None
    which, time = status[0], times[0]
    censored = says(which.name, {"cens", "censor"})
    one = which.levels[0] if censored else which.levels[1]
    known = yes_no(which.levels)
    if known and not censored:
        one = next(level for level, value in known.items() if value)
    return Survival(
        {
            "label": "Time to event",
            "unit": "days",
            "from": source,
            "time": {"column": time.name},
            "event": f"{reference(which.name)} == {one!r}",
        },
        f"{time.name} and {which.name} are a time and its status; times in days",
        (time.name, which.name),
    )
