"""Subjects: who is in a trial, and rows of subjects who are not."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.sources import Source
from trialstats.clean.values import read_column

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody in a trial, and how else each could be written.

    Attributes
    ----------
    subjects : frozenset of str
        Subjects as the subject-level source writes them.
    alike : mapping
        What identifies a subject, however it is written, to the way that is used.
    """

    subjects: frozenset[str]
    alike: Mapping[tuple[str, ...], str]


def roster_of(subjects: Iterable[str]) -> Roster:
    """Return the roster of these subjects."""
    listed = [subject for subject in subjects if isinstance(subject, str)]
    alike: dict[tuple[str, ...], str] = {}
    for subject in listed:
        alike.setdefault(identity_of(subject), subject)
    return Roster(frozenset(listed), alike)


def subject_ids(config: Config, source: Source, ledger: Ledger) -> pd.Series:
    """Return USUBJID for each row of a source; a row without one is an error."""
    column = config["adsl"]["subject"]
    subjects = read_column(source, {"column": column, "type": "text"}, ledger)
    _refuse_coded(source, column, ledger)
    none = subjects.isna() & source.column(column).isna()
    if none.any():
        ledger.problem(
            "no subject",
            source.name,
            positions=subjects.index[none],
            column=column,
            remedy="write the subject's number",
        )
    dated = source.dates_typed(column) & ~none.to_numpy()
    if dated.any():
        ledger.problem(
            "a date where the subject's number should be",
            source.name,
            positions=subjects.index[dated],
            column=column,
            values=subjects[dated],
            remedy="a spreadsheet made a date of it; format the column as text",
        )
    return subjects


def _refuse_coded(source: Source, column: str, ledger: Ledger) -> None:
    """Refuse a subject whose number is a code for a missing value."""
    codes = source.codes(column)
    coded = codes.notna()
    if coded.any():
        ledger.problem(
            [
                f"no subject: {code!r} is a code for a missing value "
                f"({source.missing_codes[code]})"
                for code in codes[coded]
            ],
            source.name,
            positions=codes.index[coded],
            column=column,
            values=source.column(column)[coded],
            remedy="write the subject's number; where this is one, give missing_codes "
            "to other sources only",
        )


def query_alike(config: Config, roster: Roster, ledger: Ledger) -> None:
    """Name subjects that differ from another in nothing but how they are written."""
    for subject in sorted(roster.subjects - set(roster.alike.values())):
        other = roster.alike[identity_of(subject)]
        ledger.query(
            "subjects that are written alike",
            config["adsl"]["from"],
            subjects=[subject],
            column=config["adsl"]["subject"],
            values=[subject],
            finding=f"differs from {other!r} only in how it is written",
            resolution="taken as another subject",
        )


def require_subjects(config: Config, roster: Roster, ledger: Ledger) -> None:
    """Refuse a trial in which nobody is, before everybody is unknown."""
    spec = config["adsl"]
    if not roster.subjects:
        ledger.problem(
            "no row is a subject",
            spec["from"],
            column=spec["subject"],
            remedy="mend `adsl.where`" if "where" in spec else "write the subjects",
        )
        ledger.stop_on_problems()


def of_known_subjects(
    config: Config, source: Source, roster: Roster, ledger: Ledger
) -> tuple[Source, pd.Series]:
    """Return the rows of subjects in the trial, and their subjects.

    Rows of others are set aside. A subject that is only written in another way (1 for
    001, fm-001 for FM-001) is an error: its data would be lost in silence.
    """
    subjects = subject_ids(config, source, ledger)
    known = subjects.isin(list(roster.subjects)).to_numpy()
    unknown = subjects[~known & subjects.notna().to_numpy()]
    if len(unknown):
        _treat_unknown(config, source, unknown, roster, ledger)
    return source.rows(known), subjects[known]


def _treat_unknown(
    config: Config, source: Source, unknown: pd.Series, roster: Roster, ledger: Ledger
) -> None:
    written = {s: roster.alike.get(identity_of(s)) for s in unknown.unique()}
    other = unknown.map(written)
    similar = other.notna().to_numpy()
    if similar.any():
        ledger.problem(
            [
                f"subject written in another way: elsewhere it is {name!r}"
                for name in other[similar]
            ],
            source.name,
            positions=unknown.index[similar],
            column=config["adsl"]["subject"],
            values=unknown[similar],
            remedy="write it the same everywhere; a spreadsheet may have changed it, "
            "so format the column as text",
        )
    strange = unknown[~similar]
    fresh = strange[~ledger.is_aside(source.name, strange.index)]
    if not len(fresh):
        return
    reason = "subject " + fresh + " is not in the subject-level source"
    ledger.set_aside(
        source.name,
        fresh.index,
        rule="unknown subject",
        reason=reason.to_numpy(dtype=object),
    )
    ledger.query(
        "unknown subject",
        source.name,
        positions=fresh.index,
        subjects=fresh,
        finding="the subject is not in the subject-level source",
        resolution="set aside",
    )


def of_subjects(subjects: pd.Series, by_subject: Any) -> pd.Series:
    """Return what the subject of each row has; missing where it has nothing.

    The type stays that of `by_subject`, also when nobody has anything.
    """
    found: pd.Series = by_subject.reindex(subjects.to_numpy()).set_axis(subjects.index)
    return found


def identity_of(subject: str) -> tuple[str, ...]:
    """Return what identifies a subject, however a person or a spreadsheet writes it.

    >>> identity_of("FM-001") == identity_of("fm 1")
    True
    >>> identity_of("1-11") == identity_of("11-1"), identity_of("1.0") == ("1",)
    (False, True)
    """
    composed = unicodedata.normalize("NFKC", subject).casefold()
    plain = re.sub(r"^(\d+)\.0+$", r"\1", composed)
    parts = re.findall(r"\d+|[^\W\d_]+", plain)
    return tuple(part.lstrip("0") or "0" for part in parts)


def first_rows(subjects: pd.Series) -> pd.Series:
    """Return, for each row, the position of the first row of its subject."""
    codes, _ = pd.factorize(subjects)
    positions = subjects.index.to_numpy()
    _, first = np.unique(codes[codes >= 0], return_index=True)
    order = positions[np.flatnonzero(codes >= 0)[first]]
    return pd.Series(
        np.where(codes >= 0, order[codes] if len(order) else -1, -1),
        index=subjects.index,
    )
