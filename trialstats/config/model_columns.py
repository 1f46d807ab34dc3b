"""Which columns a model may name, and of what type they are."""

from collections.abc import Iterator, Mapping
from typing import Any

from trialstats.config.checking import unknown_name

Config = Mapping[str, Any]
Found = Iterator[tuple[str, str]]

#: Columns of the measurements of a parallel trial that a model may name.
MEASURED = (
    *("STUDYID", "USUBJID", "TRT01P", "TRTP", "AVISIT", "AVISITN", "ADT", "ADY"),
    *("AVAL", "BASE", "CHG", "PCHG", "DTYPE"),
)

#: Those of them that hold numbers; the period of a crossover is a further one.
MEASURED_NUMBERS = ("AVISITN", "ADY", "AVAL", "BASE", "CHG", "PCHG")


def columns_of(trial: Config) -> list[str]:
    """Return the columns that a model may name, each once."""
    own = ["APERIOD", "TRTSEQP"] if trial["design"] == "crossover" else []
    adsl = trial["adsl"]
    listed = [*MEASURED, *own, *adsl["variables"], *adsl.get("flags", {})]
    return list(dict.fromkeys(listed))


def number_problems(trial: Config, place: str, column: str) -> Found:
    """Yield place and sentence when a column does not exist or holds no numbers."""
    known, variables = columns_of(trial), trial["adsl"]["variables"]
    if column not in known:
        yield from unknown_name(place, "column", column, known)
        return
    types = {name: spec.get("type", "text") for name, spec in variables.items()}
    # A measurement goes before a variable of the same name.
    types |= dict.fromkeys(MEASURED, "text") | {"ADT": "date", "APERIOD": "integer"}
    types |= dict.fromkeys(MEASURED_NUMBERS, "number")
    kind = types.get(column, "text")
    if kind in ("number", "integer"):
        return
    numeric = [c for c in known if types.get(c) in ("number", "integer")]
    remedy = f"name a column of numbers ({', '.join(numeric)})"
    if kind == "text" and column in variables:
        remedy += f", or add `type: number` to adsl.variables.{column} if it holds them"
    yield place, f"column {column!r} is of type {kind}; {remedy}"
