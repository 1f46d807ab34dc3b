"""Build BDS: one row per subject, parameter, visit and derivation."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from trialstats.clean.account import Ledger
from trialstats.clean.adsl import set_unknown_aside, subject_ids
from trialstats.clean.expressions import evaluate
from trialstats.clean.values import Source, read_column
from trialstats.clean.visits import UNSCHEDULED, calendars, place
from trialstats.rows import BDS, CROSSOVER, stored, with_fields

Config = Mapping[str, Any]
Record = dict[str, Any]


def bds_schema(config: Config) -> pa.Schema:
    """Return names, types, labels and units of a trial's BDS."""
    return with_fields(BDS, CROSSOVER) if config["design"] == "crossover" else BDS


def build_bds(
    config: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the measurements of all parameters.

    Every value received is a row. A value that is analysed has ``ANL01FL`` = Y: of
    several in a window the one nearest to its middle (for the baseline, the latest),
    or their summary with ``DTYPE`` = AVERAGE. A value in no window is Unscheduled.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    adsl : DataFrame
        One row per subject.
    sources : mapping of str to Source
        Open sources.
    ledger : Ledger
        Receives alterations, findings and errors.

    Returns
    -------
    DataFrame
        Columns of `bds_schema`, ordered by subject, parameter, period, visit, date.
    """
    records: list[Record] = []
    for code, parameter in config["bds"].items():
        received = _received(config, code, parameter, adsl, sources, ledger)
        if "summarise" in parameter:
            analysed = _summaries(parameter, received, ledger)
        else:
            analysed = _chosen(parameter, received, ledger)
        _query_unseen(code, parameter, analysed, ledger)
        records += _with_baseline(code, parameter, analysed, adsl, ledger)
    ledger.stop_on_problems()
    frame = _finished(config, adsl, records)
    for code, responder in config.get("responders", {}).items():
        frame = pd.concat(
            [frame, _responders(config, code, responder, adsl, frame)],
            ignore_index=True,
        )
    return _ordered(config, frame)


def _received(
    config: Config,
    code: str,
    parameter: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    ledger: Ledger,
) -> list[Record]:
    """Return a record for every row of the source, placed in its visit."""
    source, visits = sources[parameter["from"]], parameter["visits"]
    value = {"type": "number", **parameter["value"]}
    values = read_column(source, value, ledger)
    dates = read_column(source, parameter["date"], ledger)
    subjects = subject_ids(config, source, ledger)
    by_period = visits["reference"] == "period"
    calendar = calendars(config, adsl, visits["reference"])
    records = []
    for row in source.cells.index.tolist():
        subject = subjects[row]
        if subject is None:
            continue
        if subject not in calendar:
            set_unknown_aside(config, source, row, subject, calendar, ledger)
            continue
        placed = place(
            dates[row], calendar[subject], visits["windows"], by_period=by_period
        )
        record = {
            "USUBJID": subject,
            "PARAMCD": code,
            "PARAM": f"{parameter['label']} ({parameter['unit']})",
            "ADT": dates[row],
            "ADY": placed.day,
            "AVISIT": placed.visit,
            "AVISITN": placed.number,
            "APERIOD": placed.period,
            "AVAL": values[row],
            "row": row,
            "source": source.name,
            "window_day": placed.window_day,
        }
        records.append(record)
        if placed.visit == UNSCHEDULED:
            _query_unscheduled(source, parameter, record, ledger)
    return records


def _query_unscheduled(
    source: Source, parameter: Config, record: Record, ledger: Ledger
) -> None:
    nominal = parameter["visits"].get("nominal")
    named = f" (named {source.cells.loc[record['row'], nominal]!s})" if nominal else ""
    date, day = record["ADT"], record["window_day"]
    found = "no date" if date is None else f"day {day} is in no visit window{named}"
    ledger.query(
        "no date" if date is None else "out of window",
        source.name,
        row=record["row"],
        subject=record["USUBJID"],
        column=parameter["date"]["column"],
        value=date,
        finding=found,
        resolution="kept as Unscheduled, not analysed",
    )


def _query_unseen(
    code: str, parameter: Config, records: Iterable[Record], ledger: Ledger
) -> None:
    """Say which windows hold no value of anybody: a visit never goes unnoticed."""
    seen = {r["AVISIT"] for r in records if r.get("ANL01FL") == "Y"}
    for visit, window in parameter["visits"]["windows"].items():
        if visit not in seen:
            first, last = window["days"]
            ledger.query(
                "visit without data",
                parameter["from"],
                column=parameter["date"]["column"],
                finding=f"nobody has a value of {code} at {visit}, days {first} to "
                f"{last}",
                resolution="nothing can be estimated at this visit",
            )


def _groups(records: Iterable[Record]) -> dict[tuple[Any, ...], list[Record]]:
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        key = (record["USUBJID"], record["APERIOD"], record["AVISIT"])
        if record["AVISIT"] != UNSCHEDULED and record["AVAL"] is not None:
            groups.setdefault(key, []).append(record)
    return groups


def _chosen(parameter: Config, records: list[Record], ledger: Ledger) -> list[Record]:
    """Flag the record of each visit that is analysed."""
    for (subject, _, visit), group in _groups(records).items():
        first, last = parameter["visits"]["windows"][visit]["days"]
        if visit == parameter["baseline"]:
            best = max(group, key=lambda r: (r["ADT"], -r["row"]))
        else:
            middle = (first + last) / 2
            best = min(
                group,
                key=lambda r: (abs(r["window_day"] - middle), r["ADT"], r["row"]),
            )
        best["ANL01FL"] = "Y"
        if len(group) > 1:
            days = ", ".join(str(r["window_day"]) for r in group)
            ledger.query(
                "several in one window",
                best["source"],
                row=best["row"],
                subject=subject,
                finding=f"{len(group)} values for {visit}, on days {days}",
                resolution=f"day {best['window_day']} is analysed",
            )
    return records


def _summaries(
    parameter: Config, records: list[Record], ledger: Ledger
) -> list[Record]:
    """Add the mean of each window that has enough values."""
    needed, expected = (parameter["summarise"][k] for k in ("at_least", "of"))
    made = []
    for (subject, _, visit), group in _groups(records).items():
        by_date: dict[dt.date, Record] = {}
        for record in group:
            if record["ADT"] in by_date:
                ledger.problem(
                    f"two values on one date: row {by_date[record['ADT']]['row']} "
                    "is of the same subject and date",
                    record["source"],
                    row=record["row"],
                    column=parameter["date"]["column"],
                    value=record["ADT"],
                    remedy="keep one of the two rows",
                )
            by_date[record["ADT"]] = record
        last = max(group, key=lambda r: r["ADT"])
        if len(group) < needed:
            ledger.query(
                "week not summarised",
                last["source"],
                subject=subject,
                row=last["row"],
                finding=f"{visit} has {len(group)} of {expected} values, "
                f"{needed} are needed",
                resolution="no mean for this visit",
            )
            continue
        mean = sum(r["AVAL"] for r in group) / len(group)
        made.append(last | {"AVAL": mean, "DTYPE": "AVERAGE", "ANL01FL": "Y"})
    return records + made


def _with_baseline(
    code: str,
    parameter: Config,
    records: list[Record],
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> list[Record]:
    name = parameter["baseline"]
    base = {
        r["USUBJID"]: r["AVAL"]
        for r in records
        if r["AVISIT"] == name and r.get("ANL01FL") == "Y"
    }
    for subject in adsl["USUBJID"]:
        if subject not in base:
            ledger.query(
                "no baseline",
                parameter["from"],
                subject=subject,
                finding=f"{code} has no value at {name}",
                resolution="change from baseline is missing",
            )
    for record in records:
        baseline = base.get(record["USUBJID"])
        record["BASE"] = baseline
        if record["AVISIT"] == name:
            record["ABLFL"] = record.get("ANL01FL")
        elif record["AVAL"] is not None and baseline is not None:
            # As stored: a fall from 6.0 to 4.2 is -30 % and not -29.999999999999996.
            record["CHG"] = stored(record["AVAL"] - baseline)
            if baseline != 0:
                record["PCHG"] = stored(100 * record["CHG"] / baseline)
    return records


def _finished(
    config: Config, adsl: pd.DataFrame, records: list[Record]
) -> pd.DataFrame:
    """Return records as a typed frame with the subject's treatments joined."""
    names = [n for n in bds_schema(config).names if n not in ("STUDYID", "TRT01P")]
    frame = pd.DataFrame(records, columns=names)
    numbers = ("AVAL", "BASE", "CHG", "PCHG", "AVISITN")
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name]).astype("float64")
    frame["ADY"] = frame["ADY"].astype("Int64")
    frame["ADT"] = pd.to_datetime(frame["ADT"]).astype("datetime64[s]")
    for name in ("ANL01FL", "ABLFL", "DTYPE", "AVALC", "AVISIT"):
        frame[name] = frame[name].astype("str")
    return _with_treatment(config, adsl, frame)


def _with_treatment(
    config: Config, adsl: pd.DataFrame, frame: pd.DataFrame
) -> pd.DataFrame:
    frame = frame.drop(columns=["TRT01P", "TRTP", "TRTSEQP"], errors="ignore")
    subjects = adsl.set_index("USUBJID")
    frame["STUDYID"] = config["trial"]
    frame["TRT01P"] = frame["USUBJID"].map(subjects["TRT01P"])
    frame["TRTP"] = frame["TRT01P"]
    if config["design"] == "crossover":
        frame["APERIOD"] = frame["APERIOD"].astype("Int64")
        frame["TRTSEQP"] = frame["USUBJID"].map(subjects["TRTSEQP"])
        frame["TRTP"] = [
            config["sequences"][sequence][int(period) - 1] if pd.notna(period) else None
            for sequence, period in zip(frame["TRTSEQP"], frame["APERIOD"], strict=True)
        ]
        frame["TRTP"] = frame["TRTP"].astype("str")
    return frame


def _responders(
    config: Config,
    code: str,
    responder: Config,
    adsl: pd.DataFrame,
    frame: pd.DataFrame,
) -> pd.DataFrame:
    """Return a yes-or-no parameter at each visit after baseline that somebody has."""
    measured = config["bds"][responder["of"]]
    windows, name = measured["visits"]["windows"], measured["baseline"]
    analysed = frame[
        (frame["PARAMCD"] == responder["of"])
        & (frame["ANL01FL"] == "Y")
        & (frame["AVISIT"] != name)
    ]
    known = analysed[analysed["BASE"].notna()].copy()
    known["AVAL"] = evaluate(responder["when"], known).astype("float64")
    rows = [known]
    if responder["missing"] == "non_responder":
        # A visit that nobody has, or has yet, says nothing about a response.
        seen = set(analysed["AVISIT"])
        held = {visit: window for visit, window in windows.items() if visit in seen}
        rows.append(_non_responders(adsl, known, held, name))
    made = pd.concat(rows, ignore_index=True)
    made["AVALC"] = made["AVAL"].map({1.0: "Y", 0.0: "N"}).astype("str")
    made["PARAMCD"], made["PARAM"] = code, responder["label"]
    made["ANL01FL"] = "Y"
    made[["BASE", "CHG", "PCHG"]] = float("nan")
    return _with_treatment(config, adsl, made)


def _non_responders(
    adsl: pd.DataFrame,
    known: pd.DataFrame,
    windows: Mapping[str, Mapping[str, Any]],
    baseline: str,
) -> pd.DataFrame:
    present = set(zip(known["USUBJID"], known["AVISIT"], strict=True))
    records = [
        {
            "USUBJID": subject,
            "AVISIT": visit,
            "AVISITN": float(window["number"]),
            "AVAL": 0.0,
            "DTYPE": "NRI",
        }
        for subject in adsl["USUBJID"]
        for visit, window in windows.items()
        if visit != baseline and (subject, visit) not in present
    ]
    made = pd.DataFrame(records, columns=list(known.columns))
    return made.astype(known.dtypes.to_dict())


def _ordered(config: Config, frame: pd.DataFrame) -> pd.DataFrame:
    codes = [*config["bds"], *config.get("responders", {})]
    order = {code: position for position, code in enumerate(codes)}
    by = ["USUBJID", "_parameter", "_period", "ADT", "AVISITN", "DTYPE"]
    frame = frame.assign(
        _parameter=frame["PARAMCD"].map(order),
        _period=frame["APERIOD"].fillna(0) if "APERIOD" in frame else 0,
    ).sort_values(by, kind="stable", na_position="first")
    return frame[list(bds_schema(config).names)].reset_index(drop=True)
