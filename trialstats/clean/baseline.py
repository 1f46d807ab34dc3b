"""Baseline and change from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.subjects import of_subjects
from trialstats.clean.visits import baseline_visit
from trialstats.rows import stored_numbers

Config = Mapping[str, Any]


def with_baseline(
    config: Config,
    code: str,
    records: pd.DataFrame,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> pd.DataFrame:
    """Return records with BASE, ABLFL, CHG and PCHG.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    code : str
        Code of the parameter.
    records : DataFrame
        Records of one parameter with ``ANL01FL``.
    adsl : DataFrame
        One row per subject.
    ledger : Ledger
        Receives subjects without a baseline.
    """
    parameter = config["bds"][code]
    rule = parameter.get("baseline")
    if rule is None:
        return records.assign(BASE=np.nan, CHG=np.nan, PCHG=np.nan, ABLFL=None)
    is_baseline = _is_baseline(parameter, records, adsl)
    if isinstance(rule, Mapping) and "column" in rule:
        base = records["BASE"].to_numpy(dtype=float)
    else:
        own = records[is_baseline & records["AVAL"].notna()]
        if isinstance(rule, Mapping):
            # The last value before a date is the baseline of the whole trial.
            own = own.assign(APERIOD=np.nan)
        base = _of_own_period(records, own)
        _query_without(code, parameter, own["USUBJID"], adsl, ledger)
    out = records.assign(BASE=base)
    flags = pd.Series("Y", index=out.index, dtype="str").where(is_baseline)
    if "ABLFL" in parameter.get("as_received", {}):
        flags = out["ABLFL"].where(out["ABLFL"] == "Y")
    at_visit = out["AVISIT"] == baseline_visit(parameter)
    # As stored: a fall from 6.0 to 4.2 is -30 % and not -29.999999999999996.
    change = stored_numbers(out["AVAL"].to_numpy(dtype=float) - base)
    change[(at_visit | flags.notna()).to_numpy(dtype=bool)] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = stored_numbers(np.where(base != 0, 100 * change / base, np.nan))
    return out.assign(ABLFL=flags, CHG=change, PCHG=percent)


def _of_own_period(records: pd.DataFrame, own: pd.DataFrame) -> np.ndarray:
    """Return the baseline of each record: that of its period, or of the whole trial."""
    of_trial = own[own["APERIOD"].isna()].drop_duplicates("USUBJID")
    base = records["USUBJID"].map(of_trial.set_index("USUBJID")["AVAL"]).to_numpy(float)
    of_periods = own[own["APERIOD"].notna()].drop_duplicates(["USUBJID", "APERIOD"])
    if of_periods.empty:
        return base
    key = ["USUBJID", "APERIOD"]
    found = records[key].merge(of_periods[[*key, "AVAL"]], on=key, how="left")
    return np.where(found["AVAL"].isna(), base, found["AVAL"]).astype(float)


def _is_baseline(
    parameter: Config, records: pd.DataFrame, adsl: pd.DataFrame
) -> np.ndarray:
    """Return which records are the baseline of their subject."""
    rule = parameter["baseline"]
    analysed = (records["ANL01FL"] == "Y").to_numpy(dtype=bool)
    if isinstance(rule, Mapping) and "last_before" in rule:
        people = adsl.set_index("USUBJID")
        limit = of_subjects(records["USUBJID"], people[rule["last_before"]])
        before = records["AVAL"].notna() & (records["ADT"] <= limit)
        order = records[before & records["DTYPE"].isna()]
        order = order.sort_values(["ADT", "position"], kind="stable")
        last = order.drop_duplicates("USUBJID", keep="last").index
        found: np.ndarray = records.index.isin(last)
        return found
    visit = baseline_visit(parameter)
    if visit is None:
        return np.zeros(len(records), dtype=bool)
    at_baseline: np.ndarray = (records["AVISIT"] == visit).to_numpy(dtype=bool)
    return at_baseline & analysed


def _query_without(
    code: str, parameter: Config, held: pd.Series, adsl: pd.DataFrame, ledger: Ledger
) -> None:
    absent = adsl["USUBJID"][~adsl["USUBJID"].isin(held)]
    if len(absent) and "from" in parameter:
        where = baseline_visit(parameter) or "baseline"
        ledger.query(
            "no baseline",
            parameter["from"],
            subjects=absent,
            finding=f"{code} has no value at {where}",
            resolution="change from baseline is missing",
        )
