"""Build BDS: one row per subject, parameter, visit and derivation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.baseline import with_baseline
from trialstats.clean.choosing import chosen
from trialstats.clean.derived_records import derived_records
from trialstats.clean.measured import received, treatment_of
from trialstats.clean.responders import responder_records
from trialstats.clean.schemas import bds_schema
from trialstats.clean.sources import Source
from trialstats.clean.subjects import Roster
from trialstats.clean.timing import query_untreated
from trialstats.config.declared import visits_of
from trialstats.expressions import parse, value
from trialstats.rows import is_observed, stored_numbers

Config = Mapping[str, Any]

#: Columns of BDS that hold numbers.
_NUMBERS = ("AVISITN", "AVAL", "BASE", "CHG", "PCHG")


def build_bds(
    config: Config,
    adsl: pd.DataFrame,
    sources: Mapping[str, Source],
    roster: Roster,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return the measurements of all parameters.

    Every value received is a row. A value that is analysed has ``ANL01FL`` = Y: one of
    several at a visit, or their summary with a ``DTYPE``. A value of no visit is
    Unscheduled. Derived records stand beside those received.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
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
        Columns of `bds_schema`, ordered by subject, parameter, period, visit, date.
    """
    frames: dict[str, pd.DataFrame] = {}
    for code, parameter in config.get("bds", {}).items():
        if "combine" in parameter:
            records = _combined(config, code, frames)
        else:
            records = received(config, code, adsl, sources, roster, ledger)
            query_untreated(config, code, records, adsl, ledger)
            records = chosen(parameter, _with_columns(records), ledger)
        _tally(code, records, ledger)
        records = with_baseline(config, code, records, adsl, ledger)
        parts = [records, *derived_records(config, code, records, adsl)]
        whole = pd.concat(
            [part for part in parts if len(part)] or [records], ignore_index=True
        )
        # Conditions and other parameters see the values as they are stored.
        as_stored = {
            name: stored_numbers(whole[name].to_numpy(dtype=float))
            for name in ("AVAL", "BASE")
        }
        frames[code] = whole.assign(PARAMCD=code, PARAM=_label(parameter), **as_stored)
    ledger.stop_on_problems()
    for code, responder in config.get("responders", {}).items():
        measured = frames[responder["of"]]
        frames[code] = responder_records(config, code, measured, adsl)
    return _ordered(config, adsl, frames)


def _label(parameter: Config) -> str:
    return f"{parameter['label']} ({parameter['unit']})"


def _with_columns(records: pd.DataFrame) -> pd.DataFrame:
    """Return records with every column that later steps read."""
    for name in ("BASE", "DTYPE", "ANL01FL", "ABLFL", "AVALC"):
        if name not in records:
            missing = np.nan if name == "BASE" else None
            records[name] = pd.Series(
                missing,
                index=records.index,
                dtype="float64" if name == "BASE" else "str",
            )
    return records


def _tally(code: str, records: pd.DataFrame, ledger: Ledger) -> None:
    """Count what only all subjects together tell: visits seen, last digits."""
    analysed = records[records["ANL01FL"] == "Y"]
    for visit, number in analysed["AVISIT"].value_counts().items():
        ledger.tallies["seen", code, visit] += int(number)
    values = records.loc[records["DTYPE"].isna(), "AVAL"].dropna().to_numpy()
    whole = values[values == np.floor(values)]
    for digit, number in enumerate(
        np.bincount((np.abs(whole) % 10).astype(int), minlength=10)
    ):
        ledger.tallies["digit", code, digit] += int(number)
    ledger.tallies["digit", code, "not whole"] += len(values) - len(whole)


def _combined(
    config: Config, code: str, frames: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return a parameter that an expression makes of others at the same visit."""
    text = config["bds"][code]["combine"]
    key = ["USUBJID", "APERIOD", "AVISIT", "AVISITN"]
    parts = []
    for name in parse(text).names:
        rows = frames[name]
        rows = rows[(rows["ANL01FL"] == "Y") & rows["AVAL"].notna()]
        rows = rows[is_observed(rows["DTYPE"])]
        parts.append(rows[[*key, "AVAL", "ADT", "ADY", "position"]].assign(_name=name))
    stacked = pd.concat(parts, ignore_index=True)
    groups = stacked.groupby(key, dropna=False, sort=False)
    number = groups.ngroup()
    wide = stacked.assign(_group=number).pivot_table(
        index="_group", columns="_name", values="AVAL", aggfunc="first"
    )
    wide = wide.reindex(columns=list(parse(text).names))
    last = stacked.assign(_group=number).sort_values(["_group", "ADT"], kind="stable")
    last = last.drop_duplicates("_group", keep="last").set_index("_group")
    values = value(text, wide).astype("float64")
    made = last.reindex(wide.index).assign(AVAL=values).drop(columns="_name")
    made = made[made["AVAL"].notna()].reset_index(drop=True)
    made = made.assign(window_day=np.nan)
    return _with_columns(made).assign(ANL01FL="Y")


def typed(config: Config, adsl: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return records with the types of BDS and the subject's treatments."""
    people = adsl.set_index("USUBJID")
    out = frame.assign(STUDYID=config["trial"])
    for name in _NUMBERS:
        out[name] = pd.to_numeric(out[name]).astype("float64")
    out["ADY"] = out["ADY"].astype("Int64")
    out["ADT"] = pd.to_datetime(out["ADT"]).astype("datetime64[s]")
    out["TRT01P"] = out["USUBJID"].map(people["TRT01P"]).astype("str")
    out["TRTP"] = out["TRT01P"]
    if config["design"] == "crossover":
        out["TRTP"] = treatment_of(config, adsl, out["USUBJID"], out["APERIOD"])
        out["APERIOD"] = out["APERIOD"].astype("Int64")
        out["TRTSEQP"] = out["USUBJID"].map(people["TRTSEQP"])
    for name in bds_schema(config).names:
        if name not in out:
            out[name] = None
    texts = ["TRTP", "ANL01FL", "ABLFL", "DTYPE", "AVALC", "AVISIT", "USUBJID"]
    for name in [*texts, *(["TRTSEQP"] if "TRTSEQP" in out else [])]:
        out[name] = out[name].astype("str")
    return out


def _ordered(
    config: Config, adsl: pd.DataFrame, frames: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    names = bds_schema(config).names
    filled = [
        frame.assign(_parameter=number)
        for number, frame in enumerate(frames.values())
        if len(frame)
    ]
    if not filled:
        empty = pd.DataFrame(columns=[*names, "APERIOD"]).loc[
            :, lambda f: ~f.columns.duplicated()
        ]
        none: pd.DataFrame = typed(config, adsl, empty)[names]
        return none
    frame = pd.concat(filled, ignore_index=True)
    frame["_period"] = frame["APERIOD"].fillna(0)
    by = ["USUBJID", "_parameter", "_period", "ADT", "AVISITN", "DTYPE"]
    frame = frame.sort_values(by, kind="stable", na_position="first")
    whole: pd.DataFrame = typed(config, adsl, frame)[names].reset_index(drop=True)
    return whole


def unseen_visits(config: Config, ledger: Ledger) -> set[tuple[str, str]]:
    """Return parameters and visits at which nobody has a value that is analysed.

    Derived records say nothing about a visit that nobody has, or has yet.
    """
    codes = {code: code for code in config.get("bds", {})}
    codes |= {c: r["of"] for c, r in config.get("responders", {}).items()}
    return {
        (code, visit)
        for code, of in codes.items()
        for visit in visits_of(config, of)
        if not ledger.tallies["seen", of, visit]
    }


def without_unseen(frame: pd.DataFrame, unseen: set[tuple[str, str]]) -> pd.DataFrame:
    """Return BDS without derived records at visits that nobody has."""
    drop = np.zeros(len(frame), dtype=bool)
    for code, visit in sorted(unseen):
        drop |= ((frame["PARAMCD"] == code) & (frame["AVISIT"] == visit)).to_numpy()
    drop &= frame["DTYPE"].notna().to_numpy()
    return frame[~drop].reset_index(drop=True)
