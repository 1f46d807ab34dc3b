"""Who had an intercurrent event, when, and which event decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import ConfigError, DataError
from trialstats.estimands import (
    COMPOSITE,
    HYPOTHETICAL,
    PRINCIPAL_STRATUM,
    TREATMENT_POLICY,
    WHILE_ON_TREATMENT,
    Handling,
)
from trialstats.expressions import condition

Config = Mapping[str, Any]

#: Stands for an event without a date, which lies before every visit after baseline.
BEFORE_ALL = np.datetime64("0001-01-01", "s")

#: Of events on one day the one that decides comes first.
_RANKS = {COMPOSITE: 0, WHILE_ON_TREATMENT: 1, HYPOTHETICAL: 2}

_COLUMNS = ["USUBJID", "event", "strategy", "value", "date", "rank"]


@dataclass(frozen=True, slots=True)
class Event:
    """An intercurrent event with the subjects who had it.

    Attributes
    ----------
    handling : Handling
        Its strategy.
    subjects : ndarray of str
        Who had it.
    dates : ndarray of datetime64[s]
        When; NaT where the date is missing or no date is configured.
    dated : bool
        Whether the configuration names a date.
    """

    handling: Handling
    subjects: np.ndarray
    dates: np.ndarray
    dated: bool


def events_of(
    config: Config, name: str, handled: Iterable[Handling], adsl: pd.DataFrame
) -> list[Event]:
    """Return the intercurrent events of an analysis with the subjects who had them.

    Parameters
    ----------
    config : mapping
        Configuration of the trial.
    name : str
        Name of the analysis, for messages.
    handled : iterable of Handling
        The events of its estimand.
    adsl : DataFrame
        One row per subject.

    Returns
    -------
    list of Event
        An event with the strategy treatment policy may be undefined; it changes
        nothing and is left out.

    Raises
    ------
    ConfigError
        When another event is not defined, or its date is no column of ADSL.
    """
    defined = config.get("intercurrent_events", {})
    place = f"config/trials/{config['id']}.yaml, at intercurrent_events"
    found = []
    for handling in handled:
        spec = defined.get(handling.event)
        if spec is None and handling.strategy == TREATMENT_POLICY:
            continue
        if spec is None:
            raise ConfigError(
                f"{place}: no event {handling.event!r}, which analyses.{name} handles "
                f"as {handling.strategy}; define it with label, when and date"
            )
        rows = adsl[condition(spec["when"], adsl)]
        dates = np.full(len(rows), np.datetime64("NaT", "s"))
        if "date" in spec:
            if spec["date"] not in adsl:
                what = f"ADSL has no date {spec['date']!r}"
                known = ", ".join(adsl.columns)
                raise ConfigError(
                    f"{place}.{handling.event}.date: {what}; write one of {known}"
                )
            dates = dates_of(rows[spec["date"]])
        subjects = rows["USUBJID"].to_numpy(dtype=object)
        found.append(Event(handling, subjects, dates, "date" in spec))
    return found


def dates_of(values: pd.Series) -> np.ndarray:
    """Return dates as days, so that the time of day decides nothing."""
    days: np.ndarray = (
        pd.to_datetime(values).to_numpy(dtype="datetime64[D]").astype("datetime64[s]")
    )
    return days


def left_out(events: Iterable[Event]) -> set[str]:
    """Return the subjects outside the principal stratum."""
    return {
        str(subject)
        for event in events
        if event.handling.strategy == PRINCIPAL_STRATUM
        for subject in event.subjects
    }


def happenings(events: Iterable[Event], strategies: Sequence[str]) -> pd.DataFrame:
    """Return one row per subject and event, the one that decides first.

    Parameters
    ----------
    events : iterable of Event
        Events of an analysis.
    strategies : sequence of str
        The strategies that are looked at.

    Returns
    -------
    DataFrame
        USUBJID, event, strategy, value, date and rank; of events on one day composite
        stands before while on treatment, and that before hypothetical.
    """
    parts = [
        pd.DataFrame(
            {
                "USUBJID": event.subjects,
                "event": event.handling.event,
                "strategy": event.handling.strategy,
                "value": np.nan
                if event.handling.value is None
                else event.handling.value,
                "date": np.where(np.isnat(event.dates), BEFORE_ALL, event.dates),
                "rank": _RANKS[event.handling.strategy],
            }
        )
        for event in events
        if event.handling.strategy in strategies and len(event.subjects)
    ]
    if not parts:
        return pd.DataFrame(columns=_COLUMNS)
    listed = pd.concat(parts, ignore_index=True)
    return listed.sort_values(["USUBJID", "date", "rank"], kind="stable")


def in_periods(
    happened: pd.DataFrame, adsl: pd.DataFrame, periods: Sequence[str]
) -> pd.DataFrame:
    """Return events with the period of a crossover in which each falls.

    Parameters
    ----------
    happened : DataFrame
        As `happenings` returns it.
    adsl : DataFrame
        One row per subject.
    periods : sequence of str
        ADSL dates on which the periods start.

    Raises
    ------
    DataError
        When an event has no date, or one before the first period.
    """
    people = adsl.set_index("USUBJID")
    number = np.full(len(happened), np.nan)
    dates = happened["date"].to_numpy(dtype="datetime64[s]")
    for period, name in enumerate(periods, start=1):
        starts = dates_of(happened["USUBJID"].map(people[name]))
        number[starts <= dates] = period
    outside = np.isnan(number)
    if outside.any():
        row = happened[outside].iloc[0]
        undated = row["date"] == BEFORE_ALL
        when = "no date" if undated else f"a date before {periods[0]}"
        raise DataError(
            f"the event {row['event']!r} has {when}, so it falls in no period",
            row=f"subject {row['USUBJID']}",
            remedy="mend its date, or the condition that tells who had it",
        )
    return happened.assign(APERIOD=number)
