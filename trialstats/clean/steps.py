"""The account in counts: from the rows received to the rows used, and what changed.

An account is read in parts, for it has a row for every raw row.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.clean.account import ASIDE, CHANGED
from trialstats.cleaning_rows import CHANGES, RECEIVED, STEPS, USED
from trialstats.errors import DataError
from trialstats.rows import frame_of

#: Rules that set rows aside, in the order in which they work.
RULES = (
    "not joined",
    "resubmission",
    "set aside by the configuration",
    "unknown subject",
    "not used",
)

#: Rules whose reasons tell steps apart; of others the reason names the single row.
_BY_REASON = frozenset({"set aside by the configuration", "not joined", "not used"})

#: Changed values that stand as examples of a rule.
EXAMPLES = 3

#: Files of a source that are named; of more their number is.
_NAMED_FILES = 3

_KEY = ["source", "file", "row"]

#: Source, rule, column and reason of changed values.
_Cause = tuple[str, str, str | None, str | None]


@dataclass(slots=True)
class _Counted:
    """What became of the rows of one source."""

    files: dict[str, None] = field(default_factory=dict)
    received: int = 0
    changed: int = 0
    aside: Counter[tuple[str, str | None]] = field(default_factory=Counter)


@dataclass(slots=True)
class _Change:
    """The values that one rule changed in one column."""

    n: int = 0
    examples: list[str] = field(default_factory=list)


def account_summary(
    parts: Iterable[pd.DataFrame],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the steps of every source, and the changed values by rule.

    Parameters
    ----------
    parts : iterable of DataFrame
        The account (schema `ACCOUNT`) in its order, whole or in parts.

    Returns
    -------
    steps : DataFrame
        Schema `cleaning_rows.STEPS`.
    changes : DataFrame
        Schema `cleaning_rows.CHANGES`: most frequent first within a source.

    Raises
    ------
    DataError
        When more rows of a source are set aside than it has.
    """
    sources: dict[str, _Counted] = {}
    changes: dict[_Cause, _Change] = {}
    last: tuple[Any, ...] | None = None
    for part in parts:
        if not len(part):
            continue
        # The entries of a raw row stand together, but may begin in the part before.
        fresh = (part[_KEY] != part[_KEY].shift()).any(axis=1).to_numpy(copy=True)
        fresh[0] = tuple(part[_KEY].iloc[0]) != last
        last = tuple(part[_KEY].iloc[-1])
        for source, rows in part.assign(_fresh=fresh).groupby("source", sort=False):
            _count(sources.setdefault(str(source), _Counted()), rows)
        _count_changes(changes, part[part["action"] == CHANGED])
    steps = [row for name, one in sources.items() for row in _steps(name, one)]
    return frame_of(steps, STEPS), _changes_frame(list(sources), changes)


def _count(counted: _Counted, rows: pd.DataFrame) -> None:
    counted.files |= dict.fromkeys(rows["file"].unique().tolist())
    first = rows[rows["_fresh"]]
    counted.received += len(first)
    counted.changed += int((first["disposition"] == CHANGED).sum())
    aside = rows[rows["action"] == ASIDE]
    common = aside["rule"].isin(_BY_REASON)
    pairs = zip(
        aside["rule"].tolist(),
        aside["reason"].where(common, None).tolist(),
        strict=True,
    )
    for rule, reason in pairs:
        counted.aside[rule, None if pd.isna(reason) else str(reason)] += 1


def _steps(source: str, counted: _Counted) -> Iterable[dict[str, Any]]:
    """Yield the steps of a source; every step takes what the one before left."""
    names = list(counted.files)
    files = ", ".join(names) if len(names) <= _NAMED_FILES else f"{len(names)} files"
    left = counted.received
    listed = sorted(counted.aside.items(), key=lambda item: _place(item[0][0]))
    steps: list[tuple[str, str | None, int]] = [(RECEIVED, None, 0)]
    steps += [(rule, reason, number) for (rule, reason), number in listed]
    for position, (rule, reason, number) in enumerate([*steps, (USED, None, 0)]):
        if number > left:
            raise DataError(
                f"the account does not add up: of {left} rows {number} set aside",
                file=files,
                value=rule,
            )
        yield {
            "source": source,
            "files": files,
            "step": position,
            "rule": rule,
            "reason": reason,
            "n_in": left,
            "n_set_aside": number,
            "n_out": left - number,
            "n_changed": counted.changed if rule == USED else None,
        }
        left -= number


def _place(rule: str) -> int:
    """Return the place of a rule; those that are not listed come last."""
    return RULES.index(rule) if rule in RULES else len(RULES)


def _count_changes(
    changes: dict[_Cause, _Change],
    rows: pd.DataFrame,
) -> None:
    names = ["source", "rule", "column", "reason"]
    groups = rows.groupby(names, sort=False, dropna=False)
    for key, own in groups:
        known = changes.setdefault(_cause(key), _Change())
        known.n += len(own)
        needed = EXAMPLES - len(known.examples)
        known.examples += [_example(row) for row in own.head(needed).itertuples()]


def _cause(key: Any) -> _Cause:
    """Return the key of a group with None for what is missing."""
    source, rule, column, reason = (
        None if pd.isna(part) else str(part) for part in key
    )
    return str(source), str(rule), column, reason


def _example(row: Any) -> str:
    old, new = (
        "missing" if pd.isna(value) else str(value)
        for value in (row.old_value, row.new_value)
    )
    return f"row {row.row}: {old} \N{RIGHTWARDS ARROW} {new}"


def _changes_frame(
    sources: list[str],
    changes: dict[_Cause, _Change],
) -> pd.DataFrame:
    order = sorted(
        changes.items(), key=lambda item: (sources.index(item[0][0]), -item[1].n)
    )
    rows = [
        {
            **dict(zip(("source", "rule", "column", "reason"), key, strict=True)),
            "n": one.n,
            "examples": "; ".join(one.examples),
        }
        for key, one in order
    ]
    return frame_of(rows, CHANGES)
