"""Measurements as received: a record for every row, placed in its visit."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.canonical import numbers_of
from trialstats.clean.sources import Source
from trialstats.clean.subjects import Roster, of_known_subjects
from trialstats.clean.values import read_column
from trialstats.clean.visits import (
    UNSCHEDULED,
    calendar,
    place,
    relative_day,
    visit_numbers,
)

Config = Mapping[str, Any]

#: Columns of records beside those of BDS: where a record comes from.
ORIGIN = ["position", "window_day"]


def received(
    config: Config,
    code: str,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    roster: Roster,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return a record for every row of a parameter.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    code : str
        Code of the parameter.
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
        USUBJID, ADT, ADY, AVISIT, AVISITN, APERIOD, AVAL, what is taken as received
        (BASE, ANL01FL, ABLFL, DTYPE), ``position`` and ``window_day``.
    """
    parameter = config["bds"][code]
    source = sources[parameter["from"]].where(parameter.get("where"))
    source, subjects = of_known_subjects(config, source, roster, ledger)
    ledger.use(source.name, source.positions)
    if "columns" in parameter["visits"]:
        parts = list(_wide(config, parameter, source, subjects, adsl, ledger))
        frame = pd.concat(parts).sort_values("position", kind="stable")
    else:
        frame = _long(config, parameter, source, subjects, adsl, ledger)
    frame = frame.reset_index(drop=True)
    if config["design"] == "crossover" and "treatment" in parameter:
        _require_treatment(config, parameter, source, frame, adsl, ledger)
    return frame


def _long(
    config: Config,
    parameter: Config,
    source: Source,
    subjects: pd.Series,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the records of a source with one value a row."""
    value = {"type": "number", "unit": parameter["unit"], **parameter["value"]}
    frame = _frame(source, subjects, read_column(source, value, ledger))
    dates = _dates(source, parameter.get("date"), ledger)
    visits = parameter["visits"]
    if "windows" in visits:
        _place_by_windows(
            config, parameter, frame, dates, subjects, source, adsl, ledger
        )
    else:
        start = calendar(config, adsl, subjects).start
        frame["ADT"], frame["ADY"] = dates, relative_day(dates, start)
        if "column" in visits:
            _place_by_name(parameter, frame, source, ledger)
        else:
            frame["AVISIT"] = visits["visit"]
            frame["AVISITN"] = float(visits.get("number", 1))
    if "period" in visits:
        frame["APERIOD"] = _period(config, visits["period"], source, ledger)
    for name, column in parameter.get("as_received", {}).items():
        frame[name] = read_column(
            source, {"column": column, "type": "text"}, ledger
        ).to_numpy()
    base = _base(parameter, value, source, ledger)
    if base is not None:
        frame["BASE"] = base.to_numpy()
    return frame


def _base(
    parameter: Config, value: Config, source: Source, ledger: Ledger
) -> pd.Series | None:
    """Return the baseline that a column holds, read as the value itself is."""
    baseline = parameter.get("baseline")
    if not isinstance(baseline, Mapping) or "column" not in baseline:
        return None
    spec = {key: what for key, what in value.items() if key != "derive"}
    return read_column(source, {**spec, "column": baseline["column"]}, ledger)


def _wide(
    config: Config,
    parameter: Config,
    source: Source,
    subjects: pd.Series,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> Iterator[pd.DataFrame]:
    """Yield the records of each column of a source with one column a visit."""
    shared = {"type": "number", "unit": parameter["unit"], **parameter.get("value", {})}
    start = calendar(config, adsl, subjects).start
    people = adsl.set_index("USUBJID")
    base = _base(parameter, shared, source, ledger)
    for column, visit in parameter["visits"]["columns"].items():
        values = read_column(source, {**shared, "column": column}, ledger)
        frame = _frame(source, subjects, values)
        if base is not None:
            frame["BASE"] = base.to_numpy()
        named = {"column": visit["date"]} if "date" in visit else None
        dates = _dates(source, named, ledger)
        frame["ADT"], frame["ADY"] = dates, relative_day(dates, start)
        frame["AVISIT"], frame["AVISITN"] = visit["visit"], float(visit["number"])
        if "treatment" in visit:
            sequence = subjects.map(people["TRTSEQP"])
            when = {
                s: _when(treatments, visit["treatment"])
                for s, treatments in config["sequences"].items()
            }
            frame["APERIOD"] = sequence.map(when).to_numpy(dtype=float)
            _require_periods(column, visit["treatment"], frame, source, ledger)
        elif "period" in visit:
            frame["APERIOD"] = float(visit["period"])
        # An empty cell of a wide table is a visit that was not made.
        yield frame[source.frame[column].notna().to_numpy()]


def _require_periods(
    column: str, treatment: str, frame: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    """Refuse values of a treatment that the sequence has never, or more than once."""
    unplaced = frame["APERIOD"].isna() & frame["AVAL"].notna()
    if unplaced.any():
        rows = frame[unplaced]
        ledger.problem(
            f"the sequence of the subject does not have {treatment} exactly once",
            source.name,
            positions=rows["position"],
            column=column,
            values=rows["AVAL"],
            remedy="name the `period` of the column instead of its treatment",
        )


def _when(treatments: list[str], treatment: str) -> float:
    """Return the period of a treatment, NaN where a sequence has it never or twice."""
    if treatments.count(treatment) != 1:
        return float("nan")
    return float(treatments.index(treatment) + 1)


def _frame(source: Source, subjects: pd.Series, values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USUBJID": subjects,
            "AVAL": values.to_numpy(dtype=float),
            "APERIOD": np.nan,
            "position": source.positions,
            "window_day": np.nan,
        }
    )


def _dates(source: Source, spec: Config | None, ledger: Ledger) -> np.ndarray:
    if spec is None:
        return np.full(len(source.frame), np.datetime64("NaT", "s"))
    dates = read_column(source, {**spec, "type": "date"}, ledger)
    return dates.to_numpy(dtype="datetime64[s]")


def _place_by_windows(
    config: Config,
    parameter: Config,
    frame: pd.DataFrame,
    dates: np.ndarray,
    subjects: pd.Series,
    source: Source,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> None:
    visits = parameter["visits"]
    known = calendar(config, adsl, subjects, visits["reference"])
    placed = place(
        dates, known, visits["windows"], by_period=visits["reference"] == "period"
    )
    frame["ADT"], frame["ADY"] = dates, placed.day
    frame["AVISIT"], frame["AVISITN"] = placed.visit, placed.number
    frame["APERIOD"], frame["window_day"] = placed.period, placed.window_day
    outside = frame["AVISIT"] == UNSCHEDULED
    if not outside.any():
        return
    rows = frame[outside]
    nominal = visits.get("nominal")
    names = (
        source.frame.loc[rows["position"], nominal] if nominal else [None] * len(rows)
    )
    said = [
        "no date"
        if pd.isna(date)
        else "day of the windows not known"
        if np.isnan(day)
        else f"day {day:.0f} is in no visit window"
        + (f" (named {name})" if nominal and not pd.isna(name) else "")
        for date, day, name in zip(rows["ADT"], rows["window_day"], names, strict=True)
    ]
    undated = rows["ADT"].isna().to_numpy()
    for chosen, kind in ((undated, "no date"), (~undated, "out of window")):
        if chosen.any():
            ledger.query(
                kind,
                source.name,
                positions=rows["position"][chosen],
                subjects=rows["USUBJID"][chosen],
                column=parameter["date"]["column"],
                values=rows["ADT"][chosen],
                finding=np.array(said, dtype=object)[chosen],
                resolution="kept as Unscheduled, not analysed",
            )


def _place_by_name(
    parameter: Config, frame: pd.DataFrame, source: Source, ledger: Ledger
) -> None:
    visits = parameter["visits"]
    names = read_column(source, {"column": visits["column"], "type": "text"}, ledger)
    meant: dict[str, str] = {}
    for visit, spec in visits["names"].items():
        written = spec.get("received", visit)
        for text in [written] if isinstance(written, str) else written:
            meant[text] = visit
    found = names.map(meant)
    frame["AVISIT"] = found.fillna(UNSCHEDULED).to_numpy(dtype=object)
    frame["AVISITN"] = found.map(visit_numbers(parameter)).to_numpy(dtype=float)
    other = found.isna()
    if other.any():
        ledger.query(
            "visit not configured",
            source.name,
            positions=names.index[other],
            column=visits["column"],
            values=names[other],
            finding="no visit of the configuration has this name",
            resolution="kept as Unscheduled, not analysed",
        )


def _period(config: Config, column: str, source: Source, ledger: Ledger) -> np.ndarray:
    text = read_column(source, {"column": column, "type": "text"}, ledger)
    periods = numbers_of(text)
    most = max(len(treatments) for treatments in config["sequences"].values())
    wrong = ~np.isin(periods, np.arange(1, most + 1))
    if wrong.any():
        ledger.problem(
            "not the number of a period",
            source.name,
            positions=text.index[wrong],
            column=column,
            values=text[wrong],
            remedy=f"write a whole number from 1 to {most}",
        )
    return np.where(wrong, np.nan, periods)


def _require_treatment(
    config: Config,
    parameter: Config,
    source: Source,
    frame: pd.DataFrame,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> None:
    """Refuse a row whose treatment is not that of its period in the sequence."""
    spec = {**parameter["treatment"], "type": "text"}
    named = read_column(source, spec, ledger).loc[frame["position"]]
    meant = treatment_of(config, adsl, frame["USUBJID"], frame["APERIOD"])
    wrong = (named.notna().to_numpy()) & pd.notna(meant) & (named.to_numpy() != meant)
    if wrong.any():
        rows = frame[wrong]
        ledger.problem(
            [
                f"the sequence has {planned} in period {period:.0f}"
                for planned, period in zip(meant[wrong], rows["APERIOD"], strict=True)
            ],
            source.name,
            positions=rows["position"],
            column=spec["column"],
            values=named.to_numpy()[wrong],
            remedy="mend treatment, period or sequence",
        )


def treatment_of(
    config: Config, adsl: pd.DataFrame, subjects: pd.Series, periods: pd.Series
) -> np.ndarray:
    """Return the planned treatment of rows of a crossover, None without a period."""
    people = adsl.set_index("USUBJID")
    sequence = subjects.map(people["TRTSEQP"]).to_numpy(dtype=object)
    found = np.full(len(subjects), None, dtype=object)
    for name, treatments in config["sequences"].items():
        for number, treatment in enumerate(treatments, start=1):
            found[(sequence == name) & (periods.to_numpy() == number)] = treatment
    return found
