"""Build ADTTE: one row per subject and time to an event."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.sources import Source
from trialstats.clean.subjects import Roster, of_known_subjects
from trialstats.clean.values import read_column
from trialstats.expressions import columns_compared, condition
from trialstats.rows import ADTTE

Config = Mapping[str, Any]

#: Days in a unit of time, as reports convert them.
DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


def build_adtte(
    config: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    roster: Roster,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the times to events of all parameters.

    Parameters
    ----------
    config : mapping
        The trial's configuration; without ``adtte`` the result has no rows.
    adsl : DataFrame
        One row per subject.
    sources : mapping of str to Source
        Open sources.
    roster : Roster
        Everybody in the trial.
    ledger : Ledger
        Receives alterations, findings and errors.

    Returns
    -------
    DataFrame
        Columns of `ADTTE`, ordered by subject and parameter.
    """
    frames = []
    for number, (code, spec) in enumerate(config.get("adtte", {}).items()):
        if "from" in spec:
            frame = _of_rows(config, code, spec, sources, roster, ledger)
        else:
            frame = _of_dates(config, spec, adsl, ledger)
        _query_absent(code, spec, frame, adsl, ledger, config)
        frames.append(
            frame.assign(
                PARAMCD=code,
                PARAM=f"{spec['label']} ({spec.get('unit', 'days')})",
                AVALU=spec.get("unit", "days"),
                _number=number,
            )
        )
    ledger.stop_on_problems()
    if not frames:
        return pd.DataFrame(columns=ADTTE.names)
    whole = pd.concat(frames, ignore_index=True).sort_values(
        ["USUBJID", "_number"], kind="stable"
    )
    arm = whole["USUBJID"].map(adsl.set_index("USUBJID")["TRT01P"])
    whole = whole.assign(STUDYID=config["trial"], TRT01P=arm)
    return whole.reindex(columns=ADTTE.names).reset_index(drop=True)


def _of_rows(
    config: Config,
    code: str,
    spec: Config,
    sources: Mapping[str, Source],
    roster: Roster,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the first event of each subject, or else the last time."""
    source = sources[spec["from"]].where(spec.get("where"))
    source, subjects = of_known_subjects(config, source, roster, ledger)
    ledger.use(source.name, source.positions)
    times = read_column(source, {"type": "number", **spec["time"]}, ledger)
    happened = source.holds(spec["event"])
    _require_times(spec, source, times, ledger)
    _require_told(spec, source, ledger)
    frame = pd.DataFrame({"USUBJID": subjects, "AVAL": times, "_event": happened})
    events = frame[frame["_event"]].sort_values("AVAL", kind="stable")
    others = frame.sort_values("AVAL", ascending=False, kind="stable")
    first = pd.concat([events, others]).drop_duplicates("USUBJID")
    return first.assign(
        CNSR=np.where(first["_event"], 0, 1),
        EVNTDESC=np.where(first["_event"], spec["label"], "Censored"),
    ).drop(columns="_event")


def _require_told(spec: Config, source: Source, ledger: Ledger) -> None:
    """Refuse rows that do not say whether the event happened."""
    seen = source.seen_by(spec["event"])
    for column in columns_compared(spec["event"]):
        empty = seen[column].isna()
        if empty.any():
            ledger.problem(
                "the row does not tell whether the event happened",
                source.name,
                positions=seen.index[empty],
                column=column,
                remedy="fill the cell, or leave such rows out by `where`",
            )


def _require_times(
    spec: Config, source: Source, times: pd.Series, ledger: Ledger
) -> None:
    column = spec["time"].get("column", spec["time"].get("derive"))
    for wrong, what in (
        (times.isna(), "no time"),
        (times < 0, "a time before the start"),
    ):
        if wrong.any():
            ledger.problem(
                what,
                source.name,
                positions=times.index[wrong],
                column=column,
                values=times[wrong],
                remedy="write the time since the start, 0 or more",
            )


def _of_dates(
    config: Config, spec: Config, adsl: pd.DataFrame, ledger: Ledger
) -> pd.DataFrame:
    """Return times from dates of ADSL; the day of the start is day 1."""
    start = adsl[str(spec["start"])]
    event = adsl[str(spec["event_date"])]
    censored = adsl[str(spec["censor_date"])]
    happened = event.notna()
    if "event" in spec:
        happened = condition(spec["event"], adsl)
        _require_dates_of_events(config, spec, adsl, happened, ledger)
    end = event.where(happened, censored)
    days = (end - start).dt.days + 1
    wrong = days < 1
    for chosen, column in (
        (wrong & happened, spec["event_date"]),
        (wrong & ~happened, spec["censor_date"]),
    ):
        if chosen.any():
            rows = adsl[chosen]
            ledger.problem(
                [
                    f"the date of subject {subject} is before {spec['start']} "
                    f"({first:%Y-%m-%d})"
                    for subject, first in zip(
                        rows["USUBJID"], start[chosen], strict=True
                    )
                ],
                config["adsl"]["from"],
                column=column,
                values=end[chosen],
                remedy="mend one of the two dates",
            )
    late = happened & (event > censored)
    if late.any():
        ledger.query(
            "event after its censoring date",
            config["adsl"]["from"],
            subjects=adsl.loc[late, "USUBJID"],
            column=spec["event_date"],
            values=event[late],
            finding=f"after {spec['censor_date']}",
            resolution="counted as an event",
        )
    frame = pd.DataFrame(
        {
            "USUBJID": adsl["USUBJID"],
            "STARTDT": start,
            "ADT": end,
            "AVAL": days / DAYS[spec.get("unit", "days")],
            "CNSR": np.where(happened, 0, 1),
            "EVNTDESC": np.where(happened, spec["label"], "Censored"),
        }
    )
    return frame[frame["AVAL"].notna()]


def _require_dates_of_events(
    config: Config,
    spec: Config,
    adsl: pd.DataFrame,
    happened: pd.Series,
    ledger: Ledger,
) -> None:
    """Refuse an event without a date; name a date without an event."""
    event = adsl[spec["event_date"]]
    undated = happened & event.isna()
    if undated.any():
        ledger.problem(
            [
                f"subject {subject} has the event ({spec['event']}) and no date of it"
                for subject in adsl.loc[undated, "USUBJID"]
            ],
            config["adsl"]["from"],
            column=spec["event_date"],
            remedy="write the date, or mend the event",
        )
    unmarked = ~happened & event.notna()
    if unmarked.any():
        ledger.query(
            "date of an event that did not happen",
            config["adsl"]["from"],
            subjects=adsl.loc[unmarked, "USUBJID"],
            column=spec["event_date"],
            values=event[unmarked],
            finding=f"{spec['event']} does not hold",
            resolution="censored",
        )


def _query_absent(
    code: str,
    spec: Config,
    frame: pd.DataFrame,
    adsl: pd.DataFrame,
    ledger: Ledger,
    config: Config,
) -> None:
    absent = adsl["USUBJID"][~adsl["USUBJID"].isin(frame["USUBJID"])]
    if len(absent):
        ledger.query(
            "no time to event",
            spec.get("from", config["adsl"]["from"]),
            subjects=absent,
            finding=f"{code} cannot be told",
            resolution="left out of its analyses",
        )
