"""The account: what became of every raw row.

A raw row ends in exactly one of three: *kept* (used as received), *changed* (used, with
at least one value altered by a rule) or *set aside* (not used, with the reason).
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trialstats.errors import DataError, combined, located
from trialstats.rows import ACCOUNT, QUERIES, SET_ASIDE, frame_of

KEPT, CHANGED, ASIDE = "kept", "changed", "set aside"


@dataclass(slots=True)
class Ledger:
    """Collects what the rules do to the rows of all sources of one trial."""

    files: dict[str, str] = field(default_factory=dict)
    raw: dict[str, pd.DataFrame] = field(default_factory=dict)
    changes: dict[tuple[Any, ...], None] = field(default_factory=dict)
    aside: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    queries: dict[tuple[Any, ...], None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    subject_column: str = ""

    def receive(self, source: str, file: str, cells: pd.DataFrame) -> None:
        """Open the account of a source with all its rows."""
        self.files[source] = file
        self.raw[source] = cells

    def change(
        self,
        source: str,
        row: int,
        *,
        rule: str,
        column: str,
        old: object,
        new: object,
        reason: str,
    ) -> None:
        """Record one altered value; the same change is recorded once."""
        new_text = None if new is None else as_text(new)
        self.changes[(source, row, rule, column, as_text(old), new_text, reason)] = None

    def set_aside(self, source: str, row: int, *, rule: str, reason: str) -> None:
        """Record that a row is not used; the first reason stands."""
        self.aside.setdefault((source, row), (rule, reason))

    def query(
        self,
        kind: str,
        source: str,
        *,
        finding: str,
        resolution: str,
        row: int | None = None,
        subject: str | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        """Record a finding about the quality of the data."""
        text = None if value is None else as_text(value)
        entry = (kind, source, row, subject, column, text, finding, resolution)
        self.queries[entry] = None

    def problem(
        self,
        what: str,
        source: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        remedy: str | None = None,
    ) -> None:
        """Record an error in the data; `stop_on_problems` raises them together."""
        text = located(what, self.files[source], row, column, value, remedy)
        if text not in self.problems:
            self.problems.append(text)

    def stop_on_problems(self) -> None:
        """Raise every recorded error as one `DataError`."""
        if self.problems:
            raise DataError(combined(self.problems))

    def account(self) -> pd.DataFrame:
        """Return the account, a row per raw row and rule (schema `ACCOUNT`)."""
        by_row: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for source, row, rule, column, old, new, reason in self.changes:
            by_row.setdefault((source, row), []).append(
                {
                    "action": CHANGED,
                    "rule": rule,
                    "column": column,
                    "old_value": old,
                    "new_value": new,
                    "reason": reason,
                }
            )
        rows = []
        for source, cells in self.raw.items():
            for row in cells.index.tolist():
                key = (source, row)
                entries = list(by_row.get(key, []))
                if key in self.aside:
                    rule, reason = self.aside[key]
                    entries.append({"action": ASIDE, "rule": rule, "reason": reason})
                entries = entries or [{"action": KEPT}]
                fixed = {
                    "source": source,
                    "file": self.files[source],
                    "row": key[1],
                    "disposition": entries[-1]["action"],
                }
                rows += [fixed | entry for entry in entries]
        return frame_of(rows, ACCOUNT)

    def set_aside_rows(self) -> pd.DataFrame:
        """Return the rows not used, as received (schema `SET_ASIDE`)."""
        rows = []
        for (source, row), (rule, reason) in sorted(self.aside.items()):
            cells = self.raw[source].loc[row]
            raw = {c: None if v is None else as_text(v) for c, v in cells.items()}
            rows.append(
                {
                    "source": source,
                    "file": self.files[source],
                    "row": row,
                    "rule": rule,
                    "reason": reason,
                    "raw": json.dumps(raw, ensure_ascii=False),
                }
            )
        return frame_of(rows, SET_ASIDE)

    def query_rows(self) -> pd.DataFrame:
        """Return the findings (schema `QUERIES`), in order of source and row."""
        names = ["kind", "source", "row", "USUBJID", "column", "value"]
        names += ["finding", "resolution"]
        rows = [dict(zip(names, entry, strict=True)) for entry in self.queries]
        for row in rows:
            row["USUBJID"] = row["USUBJID"] or self._subject(row["source"], row["row"])
        rows.sort(key=lambda r: (r["kind"], r["source"], r["row"] or 0, r["finding"]))
        return frame_of([r | {"file": self.files[r["source"]]} for r in rows], QUERIES)

    def _subject(self, source: str, row: int | None) -> str | None:
        """Return the subject that a raw row names."""
        if row is None or self.subject_column not in self.raw[source]:
            return None
        cell = self.raw[source].at[row, self.subject_column]
        return None if cell is None else as_text(cell).strip()


def as_text(value: object) -> str:
    """Write a cell the way a person reads it.

    >>> as_text(3.0), as_text(0.1 * 34), as_text(pd.Timestamp("2025-03-01"))
    ('3', '3.4', '2025-03-01')
    """
    if isinstance(value, float):
        return f"{value:.12g}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


def account_counts(account: pd.DataFrame) -> pd.DataFrame:
    """Count the raw rows of each source by what became of them.

    Parameters
    ----------
    account : DataFrame
        Rows of the schema `ACCOUNT`.

    Returns
    -------
    DataFrame
        One row a source: source, file, received, kept, changed, set_aside.

    Raises
    ------
    DataError
        When kept, changed and set aside do not add up to received.
    """
    rows = account.drop_duplicates(["source", "row"])
    records: list[dict[str, Any]] = []
    for source in rows["source"].drop_duplicates():
        part = rows[rows["source"] == source]
        counts = part["disposition"].value_counts()
        kept, changed, aside = (int(counts.get(d, 0)) for d in (KEPT, CHANGED, ASIDE))
        file = str(part["file"].iloc[0])
        if kept + changed + aside != len(part):
            unknown = sorted(set(part["disposition"]) - {KEPT, CHANGED, ASIDE})
            raise DataError("the account does not add up", file=file, value=unknown)
        records.append(
            {
                "source": source,
                "file": file,
                "received": len(part),
                "kept": kept,
                "changed": changed,
                "set_aside": aside,
            }
        )
    names = ["source", "file", "received", "kept", "changed", "set_aside"]
    return pd.DataFrame(records, columns=names)
