"""The records that an analysis uses, after the strategies of its estimand.

Of several events of one subject the first decides; on one day composite goes before
while on treatment, and that before hypothetical. A record on the day of an event is
used, and a visit on the day of a composite event counts as its value. Nothing here
changes the stored BDS: rows that a strategy makes have a ``DTYPE`` of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.analyses.estimand_events import (
    BEFORE_ALL,
    Event,
    dates_of,
    happenings,
    in_periods,
)
from trialstats.analyses.estimand_timing import (
    happened_before,
    place_of,
    require_told,
)
from trialstats.estimands import COMPOSITE, REMOVING, WHILE_ON_TREATMENT

Config = Mapping[str, Any]

#: DTYPE of the rows that a strategy makes.
COMPOSITE_DTYPE, LAST_DTYPE = "COMPOSITE", "LAST"

#: DTYPE of a yes-or-no value that a missing visit stands for.
NON_RESPONDER = "NRI"

_VALUES = ("AVAL", "CHG", "PCHG")
_CHANGES = ["USUBJID", "event", "change", "AVISIT"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an analysis looks at.

    Attributes
    ----------
    config : mapping
        Configuration of the trial.
    parameter, response : str
        Parameter, and the column of it that is analysed.
    visits : mapping of str to float
        Visits analysed, with their numbers.
    people : DataFrame
        The ADSL rows of its subjects.
    derived : tuple of str
        DTYPE of derived records that it names.
    several : bool
        Whether the model takes several visits.
    fits : callable
        Returns which of some records the analysis is restricted to.
    """

    config: Config
    parameter: str
    response: str
    visits: Mapping[str, float]
    people: pd.DataFrame
    derived: tuple[str, ...]
    several: bool
    fits: Callable[[pd.DataFrame], pd.Series]

    @property
    def crossover(self) -> bool:
        """Whether records are of periods."""
        return bool(self.config["design"] == "crossover")

    @property
    def within(self) -> list[str]:
        """Columns within which a visit stands once."""
        return ["USUBJID", "APERIOD"] if self.crossover else ["USUBJID"]


@dataclass(frozen=True, slots=True)
class Used:
    """The records used, and what the strategies did.

    Attributes
    ----------
    records : DataFrame
        Columns of BDS.
    changes : DataFrame
        One row per record: USUBJID, event, change (excluded, last, changed, added)
        and AVISIT.
    """

    records: pd.DataFrame
    changes: pd.DataFrame


def apply_strategies(
    records: pd.DataFrame, events: Sequence[Event], scope: Scope
) -> Used:
    """Return the records that the strategies leave, with those that they make.

    Parameters
    ----------
    records : DataFrame
        Analysed BDS records of the parameter at all visits, of the subjects in scope.
    events : sequence of Event
        The intercurrent events, see `estimand_events.events_of`.
    scope : Scope
        What the analysis looks at.

    Raises
    ------
    DataError
        When it cannot be told whether a record stands before or after an event.
    """
    people = set(scope.people["USUBJID"])
    removing = happenings(events, REMOVING)
    removing = removing[removing["USUBJID"].isin(people)].drop_duplicates("USUBJID")
    composite = happenings(events, (COMPOSITE,))
    composite = composite[composite["USUBJID"].isin(people)]
    if records.empty or (removing.empty and composite.empty):
        return Used(records, pd.DataFrame(columns=_CHANGES))
    changes: list[pd.DataFrame] = []
    made: list[pd.DataFrame] = []
    left = records
    if len(composite):
        left, rows = _composite(records, _deciding(composite, removing, scope), scope)
        made.append(rows)
        changes.append(_changes(rows, rows["_change"].to_numpy()))
    if len(removing):
        own = left["USUBJID"].map(removing.set_index("USUBJID")["event"])
        late = _late(left, removing, scope, records)
        gone = left[late].assign(event=own[late])
        changes.append(
            _changes(gone[gone["AVISIT"].isin(list(scope.visits))], "excluded")
        )
        left = left[~late]
        if (removing["strategy"] == WHILE_ON_TREATMENT).any():
            stand = [part[[*scope.within, "AVISIT"]] for part in (left, *made)]
            taken = pd.concat(stand, ignore_index=True)
            last = _last(left, gone, taken, removing, scope, records)
            made.append(last)
            changes.append(_changes(last, "last"))
    return Used(_joined(left, made), pd.concat(changes, ignore_index=True))


def after_baseline(records: pd.DataFrame) -> pd.Series:
    """Return which records stand after baseline."""
    return ~(records["AVISITN"] <= 0) & (records["ABLFL"] != "Y")


def _changes(rows: pd.DataFrame, change: str | np.ndarray) -> pd.DataFrame:
    return rows.assign(change=change)[_CHANGES].reset_index(drop=True)


def _deciding(
    composite: pd.DataFrame, removing: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return the first composite event, of each period, that nothing goes before."""
    if scope.crossover:
        composite = in_periods(composite, scope.people, scope.config["periods"])
    first = composite.drop_duplicates(scope.within)
    other = first["USUBJID"].map(removing.set_index("USUBJID")["date"])
    if len(removing):
        first = first[~(other < first["date"]).to_numpy(dtype=bool)]
    return first


def _composite(
    records: pd.DataFrame, decisive: pd.DataFrame, scope: Scope
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the other records, and those of visits by which the event happened."""
    visits = pd.DataFrame(
        {"AVISIT": list(scope.visits), "AVISITN": list(scope.visits.values())}
    ).astype({"AVISIT": "str", "AVISITN": "float64"})
    cells = decisive.merge(visits, how="cross")
    key = [*scope.within, "AVISIT"]
    stand = records[after_baseline(records)].drop_duplicates(key)
    stand = stand[[*key, *_there(records, "ADT", "ADY", "DTYPE")]]
    if scope.crossover:
        stand = stand.astype({"APERIOD": "float64"})
    cells = cells.merge(stand.assign(_stands=True), on=key, how="left")
    dates = _adt(cells)
    undated = np.isnat(dates)
    told = happened_before(cells, records, scope.config, scope.parameter, scope.people)
    observed = cells["_stands"].notna() & (cells["DTYPE"] != NON_RESPONDER)
    require_told(cells[undated & observed.to_numpy(dtype=bool) & np.isnan(told)])
    event = cells["date"].to_numpy(dtype="datetime64[s]")
    # Where nothing tells, the visit of someone with the event is taken as after it.
    by = np.where(undated, told != 0, event <= dates)
    cells = cells[by]
    cells = cells.assign(_change=np.where(cells["_stands"].notna(), "changed", "added"))
    rows = _made_cells(cells, records, scope)
    stays = rows["_change"].eq("changed") | scope.fits(rows)
    rows = rows[stays]
    return _without(records, rows, key), rows


def _there(records: pd.DataFrame, *names: str) -> list[str]:
    return [name for name in names if name in records]


def _adt(rows: pd.DataFrame) -> np.ndarray:
    """Return the dates of rows, missing where they have no column of them."""
    if "ADT" not in rows:
        return np.full(len(rows), np.datetime64("NaT", "s"))
    return dates_of(rows["ADT"])


def _without(
    records: pd.DataFrame, rows: pd.DataFrame, key: Sequence[str]
) -> pd.DataFrame:
    """Return records whose cell no row of `rows` has."""
    names = list(key)
    own, taken = records[names], rows[names]
    if "APERIOD" in names:
        own = own.astype({"APERIOD": "float64"})
        taken = taken.astype({"APERIOD": "float64"})
    cells = pd.MultiIndex.from_frame(taken)
    return records[~pd.MultiIndex.from_frame(own).isin(cells)]


def _made_cells(
    cells: pd.DataFrame, records: pd.DataFrame, scope: Scope
) -> pd.DataFrame:
    """Return composite rows with what BDS says of subject and parameter."""
    people = scope.people.set_index("USUBJID")
    base = records.dropna(subset=["BASE"]).drop_duplicates("USUBJID")
    rows = cells.assign(
        DTYPE=COMPOSITE_DTYPE,
        ANL01FL="Y",
        BASE=cells["USUBJID"].map(base.set_index("USUBJID")["BASE"]),
        TRT01P=cells["USUBJID"].map(people["TRT01P"]) if "TRT01P" in people else None,
        **{name: np.nan for name in _VALUES if name in records},
    )
    for name in _there(records, "STUDYID", "PARAMCD", "PARAM"):
        rows[name] = records[name].iloc[0]
    rows["TRTP"] = rows["TRT01P"]
    if scope.crossover:
        rows["TRTSEQP"] = rows["USUBJID"].map(people["TRTSEQP"])
        order = scope.config["sequences"]
        periods = rows["APERIOD"].astype(int)
        rows["TRTP"] = [
            order[sequence][period - 1]
            for sequence, period in zip(rows["TRTSEQP"], periods, strict=True)
        ]
    return rows.assign(**{scope.response: rows["value"].astype("float64")})


def _late(
    left: pd.DataFrame, removing: pd.DataFrame, scope: Scope, records: pd.DataFrame
) -> np.ndarray:
    """Return which records stand after an event that removes them."""
    rows = left.assign(date=left["USUBJID"].map(removing.set_index("USUBJID")["date"]))
    concerned = (rows["date"].notna() & after_baseline(rows)).to_numpy(dtype=bool)
    late = np.zeros(len(rows), dtype=bool)
    rows = rows[concerned]
    event = rows["date"].to_numpy(dtype="datetime64[s]")
    dates = _adt(rows)
    undated = np.isnat(dates) & (event != BEFORE_ALL)
    told = happened_before(rows, records, scope.config, scope.parameter, scope.people)
    # A record that the analysis names is made of the values before its own limit.
    derived = rows["DTYPE"].isin(scope.derived).to_numpy(dtype=bool)
    imputed = (rows["DTYPE"] == NON_RESPONDER).to_numpy(dtype=bool)
    require_told(rows[undated & ~derived & ~imputed & np.isnan(told)])
    by_place = np.where(derived, False, told != 0)
    late[concerned] = np.where(
        undated, by_place, (dates > event) | (event == BEFORE_ALL)
    )
    return late


def _last(
    left: pd.DataFrame,
    gone: pd.DataFrame,
    taken: pd.DataFrame,
    removing: pd.DataFrame,
    scope: Scope,
    records: pd.DataFrame,
) -> pd.DataFrame:
    """Return the last record before the event in the place of the analysed visit."""
    stopped = removing[removing["strategy"] == WHILE_ON_TREATMENT]
    ((visit, number),) = list(scope.visits.items())[:1] or [("", np.nan)]
    values = left[after_baseline(left) & (left["DTYPE"] != NON_RESPONDER)]
    values = values[values["USUBJID"].isin(stopped["USUBJID"])]
    values = values[values["AVISITN"] < number]
    values = values.dropna(subset=[scope.response])
    order = values.sort_values([*scope.within, "AVISITN"], kind="stable")
    last = order.drop_duplicates(scope.within, keep="last")
    key = [*scope.within, "AVISIT"]
    last = _without(last.assign(AVISIT=visit), taken, key)
    own = stopped.set_index("USUBJID")
    place = last.assign(
        AVISITN=number,
        date=last["USUBJID"].map(own["date"]),
        event=last["USUBJID"].map(own["event"]),
        DTYPE=LAST_DTYPE,
    )
    # A visit that is missing before the event has no other record in its place.
    removed = pd.MultiIndex.from_frame(gone[key])
    was_there = pd.MultiIndex.from_frame(place[key]).isin(removed)
    told = happened_before(place, records, scope.config, scope.parameter, scope.people)
    found: pd.DataFrame = place[was_there | (told != 0)]
    return found


def _joined(left: pd.DataFrame, made: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return records and made rows in the order and with the types of BDS."""
    if not any(len(rows) for rows in made):
        return left
    # Numbers that a file held as whole ones have no room for a missing value.
    whole_numbers = left.select_dtypes(["int64", "int32"]).columns
    left = left.astype(dict.fromkeys(whole_numbers, "float64"))
    parts = [
        rows.reindex(columns=left.columns).astype(left.dtypes.to_dict())
        for rows in made
        if len(rows)
    ]
    whole = pd.concat([part for part in (left, *parts) if len(part)], ignore_index=True)
    place = place_of(whole)
    order = whole.assign(_place=place).sort_values(["USUBJID", "_place"], kind="stable")
    return order.drop(columns="_place").reset_index(drop=True)
