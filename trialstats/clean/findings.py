"""Findings that only all subjects together tell, made when every row is read."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from trialstats.clean.account import Ledger, tallied

Config = Mapping[str, Any]

#: Whole values that a parameter needs before its last digits are looked at, and the
#: share ending in 0 or 5 from which on that is named: by chance it is a fifth.
DIGIT_VALUES, DIGIT_SHARE = 50, 0.5


def find_overall(config: Config, ledger: Ledger) -> None:
    """Record what is found over all subjects of a trial."""
    for code, parameter in config.get("bds", {}).items():
        if "from" in parameter:
            _unseen(code, parameter, ledger)
            _digits(code, parameter, ledger)
    if "adae" in config:
        _spellings(config["adae"], ledger)


def _unseen(code: str, parameter: Config, ledger: Ledger) -> None:
    """Say which visits hold no value of anybody: a visit never goes unnoticed."""
    visits = parameter["visits"]
    named = visits.get("windows") or visits.get("names") or {}
    seen = tallied(ledger.tallies, "seen", code)
    for visit, spec in named.items():
        if not seen.get(visit):
            days = ", days {} to {}".format(*spec["days"]) if "days" in spec else ""
            ledger.query(
                "visit without data",
                parameter["from"],
                column=parameter.get("date", {}).get("column"),
                finding=f"nobody has a value of {code} at {visit}{days}",
                resolution="nothing can be estimated at this visit",
            )


def _digits(code: str, parameter: Config, ledger: Ledger) -> None:
    """Name a parameter whose values end in 0 or 5 far more often than by chance."""
    counts = tallied(ledger.tallies, "digit", code)
    fractions = counts.pop("not whole", 0)
    total = sum(counts.values())
    if (
        total < DIGIT_VALUES
        or fractions > total
        or "derive" in parameter.get("value", {})
    ):
        return
    distinct = sum(1 for number in counts.values() if number)
    round_ones = counts.get(0, 0) + counts.get(5, 0)
    if distinct >= 6 and round_ones / total >= DIGIT_SHARE:
        ledger.query(
            "digit preference",
            parameter["from"],
            column=parameter["value"].get("column"),
            finding=f"{round_ones} of {total} whole values of {code} end in 0 or 5",
            resolution="used as received",
        )


def _spellings(spec: Config, ledger: Ledger) -> None:
    """Name terms that differ in nothing but capitals, spaces and punctuation."""
    source = spec["from"]
    places = tallied(ledger.tallies, "term", source)
    first: dict[str, str] = {}
    for term, place in sorted(places.items(), key=lambda item: item[1]):
        plain = re.sub(r"[\W_]+", " ", term.casefold()).strip()
        same = first.setdefault(plain, term)
        if same != term:
            ledger.query(
                "spelling of a term",
                source,
                positions=np.array([place - 1]),
                column=spec["variables"]["AETERM"].get("column"),
                values=[term],
                finding=f"elsewhere written {same!r}",
                resolution="counted as a term of its own",
            )
