"""The records of an analysis chosen once more, one subject at a time.

Written from the definitions in ``docs/estimands.md`` and not from the first engine's
code, which works on whole columns: the two must come to the same records.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from trialstats.errors import NotEstimableError
from trialstats.estimands import Handling, handlings_of
from trialstats.expressions import condition

Config = Mapping[str, Any]
Record = dict[str, Any]

#: Period and visit.
_Cell = tuple[int | None, str]

#: Before every date.
_EVER = date.min

#: Composite goes before while on treatment, and that before hypothetical.
_ORDER = ("composite", "while on treatment", "hypothetical")

_PLAIN = ("AVERAGE", "MEDIAN", "SUM", "LOWEST", "HIGHEST")


@dataclass(frozen=True, slots=True)
class _Event:
    """One event of one subject."""

    day: date
    handling: Handling

    @property
    def order(self) -> tuple[date, int]:
        """What decides which event comes first."""
        return self.day, _ORDER.index(self.handling.strategy)


def records_anew(
    config: Config, name: str, adsl: pd.DataFrame, bds: pd.DataFrame
) -> pd.DataFrame:
    """Return the BDS records that an analysis uses at the visits that it analyses.

    Parameters
    ----------
    config : mapping
        Configuration of the trial.
    name : str
        Name of the analysis.
    adsl, bds : DataFrame
        The trial's datasets.
    """
    settings = config["analyses"][name]
    flag = f"{settings['analysis_set'].upper()}FL"
    people = adsl.loc[adsl[flag].eq("Y")]
    for code, needed in settings.get("having", {}).items():
        valued = bds.loc[bds["PARAMCD"].eq(code) & bds["AVAL"].notna()]
        valued = valued.loc[valued["ANL01FL"].eq("Y") & ~valued["DTYPE"].notna()]
        seen = {(r["USUBJID"], r["AVISIT"]) for r in _records(valued)}
        has = [all((who, v) in seen for v in needed) for who in people["USUBJID"]]
        people = people.loc[has]
    happened = _events(config, name, people)
    rows = bds.loc[bds["PARAMCD"].eq(settings["parameter"]) & bds["ANL01FL"].eq("Y")]
    allowed = {*_PLAIN, "NRI", *settings.get("records", ())}
    rows = rows.loc[[pd.isna(d) or d in allowed for d in rows["DTYPE"]]]
    stratum = [
        subject
        for subject in people["USUBJID"]
        if not any(
            event.handling.strategy == "principal stratum"
            for event in happened.get(subject, [])
        )
    ]
    people = people.loc[people["USUBJID"].isin(stratum)]
    rows = rows.loc[rows["USUBJID"].isin(stratum)]
    rows = _restricted(settings, rows, adsl)
    visits = _visits(settings, rows)
    if not happened:
        return _at_visits(settings, rows, visits)
    by_subject = {s: list(_records(part)) for s, part in rows.groupby("USUBJID")}
    kept: list[Record] = []
    for person in _records(people):
        subject = person["USUBJID"]
        events = happened.get(subject, [])
        own = by_subject.get(subject, [])
        kept += _Subject(config, settings, person, own, visits).used(events)
    if not kept:
        raise NotEstimableError("There are no records.")
    made = pd.DataFrame(kept).reindex(columns=rows.columns)
    fits = _restricted(settings, made, adsl).index
    changed = made["DTYPE"].ne("COMPOSITE") | made.index.isin(fits)
    out = _at_visits(settings, made[changed], visits)
    return out.sort_values(["USUBJID", "AVISITN"], kind="stable", ignore_index=True)


def _at_visits(
    settings: Config, rows: pd.DataFrame, visits: Mapping[str, float]
) -> pd.DataFrame:
    """Return the records at the visits that are analysed."""
    at = rows["AVISIT"].isin(list(visits))
    if settings["model"].get("constrained_baseline"):
        at |= rows["ABLFL"].eq("Y")
    return rows[at]


def _records(frame: pd.DataFrame) -> Iterator[Record]:
    for values in frame.to_dict("records"):
        yield {str(k): None if pd.isna(v) else v for k, v in values.items()}


def _restricted(settings: Config, rows: pd.DataFrame, adsl: pd.DataFrame) -> Any:
    if "where" not in settings or rows.empty:
        return rows
    further = [name for name in adsl if name not in rows]
    whole = rows[["USUBJID"]].merge(adsl[["USUBJID", *further]], "left", "USUBJID")
    whole = pd.concat([rows.reset_index(drop=True), whole[further]], axis=1)
    return rows.loc[condition(settings["where"], whole).to_numpy()]


def _visits(settings: Config, rows: pd.DataFrame) -> dict[str, float]:
    at: Any = settings.get("at")
    here = rows["AVISITN"].gt(0)
    if settings["model"]["type"] != "mmrm":
        here = rows["AVISIT"].isin([at] if isinstance(at, str) else list(at))
    return dict(zip(rows.loc[here, "AVISIT"], rows.loc[here, "AVISITN"], strict=True))


def _events(config: Config, name: str, people: pd.DataFrame) -> dict[str, list[_Event]]:
    found: dict[str, list[_Event]] = {}
    for handling in handlings_of(config, name):
        if handling.strategy == "treatment policy":
            continue
        spec = config["intercurrent_events"][handling.event]
        for person in _records(people.loc[condition(spec["when"], people)]):
            when = person.get(spec["date"]) if "date" in spec else None
            day = _EVER if when is None else pd.Timestamp(when).date()
            found.setdefault(person["USUBJID"], []).append(_Event(day, handling))
    return found


@dataclass(frozen=True, slots=True)
class _Subject:
    """One subject with the records of the parameter."""

    config: Config
    settings: Config
    person: Record
    own: Sequence[Record]
    visits: Mapping[str, float]

    def used(self, events: Sequence[_Event]) -> list[Record]:
        """Return the records after the strategies."""
        ending = [e for e in events if e.handling.strategy in _ORDER[1:]]
        end = min(ending, key=lambda e: e.order, default=None)
        composite = [e for e in events if e.handling.strategy == "composite"]
        kept = list(self.own)
        counted: set[tuple[Any, str]] = set()
        for event in sorted(composite, key=lambda e: e.order):
            if end is not None and end.day < event.day:
                continue
            period = self.period(event.day)
            for visit in self.visits:
                cell = (period, visit)
                stand = [r for r in self.own if _cell(r) == cell]
                if cell in counted or not self.has_by(event.day, cell, stand):
                    continue
                counted.add(cell)
                kept = [r for r in kept if _cell(r) != cell]
                kept.append(self.composite(event, cell, stand))
            if period is None:
                break
        return kept if end is None else self.ended(kept, end)

    def period(self, day: date) -> int | None:
        """Return the period of a crossover in which a day falls."""
        if self.config["design"] != "crossover":
            return None
        starts = [self.person[name] for name in self.config["periods"]]
        return sum(pd.Timestamp(s).date() <= day for s in starts if s is not None)

    def has_by(self, day: date, cell: _Cell, stand: Sequence[Record]) -> bool:
        """Return whether an event has happened by a visit."""
        dated = [when for r in stand if (when := _day(r)) is not None]
        if dated:
            return day <= dated[0]
        return self.has_before(day, cell, self.visits[cell[1]]) is not False

    def has_before(self, day: date, cell: _Cell, number: float) -> bool | None:
        """Return whether an event came before an undated visit; None when unknown."""
        if day == _EVER:
            return True
        place = (cell[0] or 0, number)
        seen = [
            ((r.get("APERIOD") or 0, r["AVISITN"]), when)
            for r in self.own
            if (when := _day(r)) is not None and r["AVISITN"] is not None
            if r["DTYPE"] is None or r["DTYPE"] in _PLAIN
        ]
        if any(at <= place and when > day for at, when in seen):
            return True
        if any(at >= place and when < day for at, when in seen):
            return False
        limits = self.window(cell)
        if limits is None or limits[0] <= day <= limits[1]:
            return None
        return limits[0] > day

    def window(self, cell: _Cell) -> tuple[date, date] | None:
        """Return the first and the last day of a visit, None when not configured."""
        period, visit = cell
        code = self.settings["parameter"]
        of = self.config.get("responders", {}).get(code, {}).get("of", code)
        visits = self.config.get("bds", {}).get(of, {}).get("visits", {})
        days = visits.get("windows", {}).get(visit, {}).get("days")
        reference = visits.get("reference")
        if reference == "period" and period:
            reference = self.config["periods"][period - 1]
        start = self.person.get(reference)
        if days is None or start is None:
            return None
        first = pd.Timestamp(start).date()
        low, high = (timedelta(days=d - 1 if d > 0 else d) for d in days)
        return first + low, first + high

    def composite(self, event: _Event, cell: _Cell, stand: Sequence[Record]) -> Record:
        """Return the record of a subject who counts as the composite value."""
        period, visit = cell
        base = [r["BASE"] for r in self.own if r["BASE"] is not None]
        made: Record = {
            **self.person,
            "AVISIT": visit,
            "AVISITN": self.visits[visit],
            "ADT": stand[0].get("ADT") if stand else None,
            "BASE": base[0] if base else None,
            "DTYPE": "COMPOSITE",
            "TRTP": self.person.get("TRT01P"),
            self.settings["response"]: event.handling.value,
        }
        if period is not None:
            order = self.config["sequences"][self.person["TRTSEQP"]]
            made |= {"APERIOD": period, "TRTP": order[period - 1]}
        return made

    def ended(self, kept: Sequence[Record], end: _Event) -> list[Record]:
        """Return records without those after an event; the last may stand for one."""
        gone = [r for r in kept if self.is_late(r, end.day)]
        left = [r for r in kept if not self.is_late(r, end.day)]
        if end.handling.strategy == "hypothetical" or not self.visits:
            return left
        ((visit, number),) = self.visits.items()
        for period in sorted({r.get("APERIOD") or 0 for r in left}):
            cell = (period or None, visit)
            mine = [r for r in left if (r.get("APERIOD") or 0) == period]
            before = [r for r in mine if self.may_stand(r, number)]
            if not before or any(_cell(r) == cell for r in mine):
                continue
            was_there = any(_cell(r) == cell for r in gone)
            if was_there or self.has_before(end.day, cell, number) is not False:
                last = max(before, key=lambda r: float(r["AVISITN"]))
                stands = {"AVISIT": visit, "AVISITN": number, "DTYPE": "LAST"}
                left.append(last | stands)
        return left

    def may_stand(self, record: Record, number: float) -> bool:
        """Return whether a record may stand for the visit with this number."""
        return (
            _is_after_baseline(record)
            and record["DTYPE"] not in ("NRI", "COMPOSITE")
            and record["AVISITN"] is not None
            and record["AVISITN"] < number
            and record[self.settings["response"]] is not None
        )

    def is_late(self, record: Record, day: date) -> bool:
        """Return whether a record stands after an event that removes it."""
        if record["DTYPE"] == "COMPOSITE" or not _is_after_baseline(record):
            return False
        when = _day(record)
        if day == _EVER or when is not None:
            return day == _EVER or when > day  # type: ignore[operator]
        if record["DTYPE"] in self.settings.get("records", ()):
            return False
        number = record["AVISITN"]
        return self.has_before(day, _cell(record), number) is not False


def _cell(record: Record) -> _Cell:
    """Return period and visit of a record."""
    return record.get("APERIOD"), record["AVISIT"]


def _day(record: Record) -> date | None:
    when = record.get("ADT")
    return None if when is None else pd.Timestamp(when).date()


def _is_after_baseline(record: Record) -> bool:
    number = record["AVISITN"]
    return record.get("ABLFL") != "Y" and not (number is not None and number <= 0)
