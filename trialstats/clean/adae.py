"""Build ADAE: one row per adverse event."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.measured import treatment_of
from trialstats.clean.schemas import EVENT_CODES, adae_schema
from trialstats.clean.sources import Source
from trialstats.clean.subjects import Roster, of_known_subjects
from trialstats.clean.timing import query_ends
from trialstats.clean.values import read_column
from trialstats.clean.visits import calendar, period_of, relative_day
from trialstats.rows import frame_of

Config = Mapping[str, Any]


def build_adae(
    config: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    roster: Roster,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the adverse events, with treatment at onset.

    Parameters
    ----------
    config : mapping
        The trial's configuration; without ``adae`` the result has no rows.
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
        Columns of `adae_schema`, ordered by subject, start and term.
    """
    if "adae" not in config:
        return frame_of([], adae_schema(config))
    spec = config["adae"]
    source = sources[spec["from"]].where(spec.get("where"))
    source, subjects = of_known_subjects(config, source, roster, ledger)
    ledger.use(source.name, source.positions)
    frame = pd.DataFrame({"STUDYID": config["trial"], "USUBJID": subjects})
    for name, variable in spec["variables"].items():
        dated = {"type": "date"} if name in ("ASTDT", "AENDT") else {}
        frame[name] = read_column(source, {**variable, **dated}, ledger)
    _require_terms(spec, source, frame, ledger)
    _require_codes(spec, source, frame, ledger)
    if "ASTDT" not in frame:
        frame["ASTDT"] = np.datetime64("NaT", "s")
    _query_undated(spec, source, frame, ledger)
    query_ends(spec, source, frame, ledger)
    ledger.stop_on_problems()
    frame = _placed(config, adsl, frame)
    if "AEDECOD" not in frame:
        frame["AEDECOD"] = frame["AETERM"]
    first = frame.assign(_position=source.positions).drop_duplicates("AETERM")
    for term, position in zip(first["AETERM"], first["_position"], strict=True):
        key = ("term", source.name, term)
        ledger.tallies[key] = ledger.tallies[key] or int(position) + 1
    order = ["USUBJID", "ASTDT", "AETERM"]
    frame = frame.sort_values(order, kind="stable", na_position="last")
    frame["AESEQ"] = frame.groupby("USUBJID", sort=False).cumcount() + 1
    return frame.reindex(columns=adae_schema(config).names).reset_index(drop=True)


def _placed(config: Config, adsl: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return events with their day, and the treatment that the subject then had."""
    known = calendar(config, adsl, frame["USUBJID"])
    starts = frame["ASTDT"].to_numpy(dtype="datetime64[s]")
    day = relative_day(starts, known.start)
    arm = frame["USUBJID"].map(adsl.set_index("USUBJID")["TRT01P"])
    treatment: Any = arm
    if config["design"] == "crossover":
        period = pd.Series(period_of(starts, known.periods), index=frame.index)
        treatment = treatment_of(config, adsl, frame["USUBJID"], period)
    emergent = pd.Series("Y", index=frame.index, dtype="str").where(day >= 1)
    received = frame.get("TRTEMFL")
    return frame.assign(
        TRT01P=arm,
        TRTP=treatment,
        ASTDY=pd.array(day, dtype="Float64").astype("Int64"),
        TRTEMFL=emergent if received is None else received,
    )


def _require_terms(
    spec: Config, source: Source, frame: pd.DataFrame, ledger: Ledger
) -> None:
    none = frame["AETERM"].isna()
    if none.any():
        ledger.problem(
            "no term",
            source.name,
            positions=frame.index[none],
            column=spec["variables"]["AETERM"].get("column"),
            remedy="write the event as reported",
        )


def _require_codes(
    spec: Config, source: Source, frame: pd.DataFrame, ledger: Ledger
) -> None:
    for name, known in EVENT_CODES.items():
        if name not in frame:
            continue
        wrong = frame[name].notna() & ~frame[name].isin(known)
        if wrong.any():
            ledger.problem(
                f"unknown label of {name}",
                source.name,
                positions=frame.index[wrong],
                column=spec["variables"][name].get("column"),
                values=frame.loc[wrong, name],
                remedy=f"recode it to one of {', '.join(known)}",
            )


def _query_undated(
    spec: Config, source: Source, frame: pd.DataFrame, ledger: Ledger
) -> None:
    undated = frame["ASTDT"].isna()
    if undated.any():
        ledger.query(
            "event without a date",
            source.name,
            positions=frame.index[undated],
            column=spec["variables"].get("ASTDT", {}).get("column"),
            finding="the start of the event is not known",
            resolution="kept, treatment-emergent as received"
            if "TRTEMFL" in spec["variables"]
            else "kept, not counted as treatment-emergent",
        )
