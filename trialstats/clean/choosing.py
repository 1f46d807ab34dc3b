"""Which of several values at one visit is analysed, and summaries of several."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.visits import UNSCHEDULED, baseline_visit

Config = Mapping[str, Any]

#: What makes several values one.
_STATISTICS = {
    "mean": "mean",
    "median": "median",
    "sum": "sum",
    "lowest": "min",
    "highest": "max",
}

_GROUP = ["USUBJID", "APERIOD", "AVISIT"]


def chosen(parameter: Config, records: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Return the records with ``ANL01FL`` = Y on the one of each visit analysed.

    Parameters
    ----------
    parameter : mapping
        The parameter in the configuration.
    records : DataFrame
        As `measured.received` returns them.
    ledger : Ledger
        Receives what was found of several values.
    """
    if "ANL01FL" in parameter.get("as_received", {}):
        return _as_flagged(parameter, records, ledger)
    if "summarise" in parameter:
        return _summarised(parameter, records, ledger)
    rows = _countable(records)
    sizes = rows.groupby(_GROUP, dropna=False, sort=False)["AVAL"].transform("size")
    single = rows.index[sizes == 1]
    several = rows[sizes > 1]
    flags = pd.Series(None, index=records.index, dtype="str")
    flags[single] = "Y"
    made = []
    if len(several):
        best, means = _best(parameter, several, ledger)
        flags[best] = "Y"
        made = [means] if len(means) else []
    return pd.concat([records.assign(ANL01FL=flags), *made], ignore_index=True)


def _countable(records: pd.DataFrame) -> pd.DataFrame:
    return records[(records["AVISIT"] != UNSCHEDULED) & records["AVAL"].notna()]


def _as_flagged(
    parameter: Config, records: pd.DataFrame, ledger: Ledger
) -> pd.DataFrame:
    """Keep the flags of an analysis dataset; two flagged values are an error."""
    flagged = records["ANL01FL"] == "Y"
    out = records.assign(ANL01FL=records["ANL01FL"].where(flagged))
    rows = _countable(out[flagged])
    twice = rows.duplicated(_GROUP)
    if twice.any():
        ledger.problem(
            "a second flagged value at this visit",
            parameter["from"],
            positions=rows.loc[twice, "position"],
            column=parameter["as_received"]["ANL01FL"],
            values=rows.loc[twice, "ANL01FL"],
            remedy="flag one record of a subject and visit",
        )
    return out


def _best(
    parameter: Config, rows: pd.DataFrame, ledger: Ledger
) -> tuple[pd.Index, pd.DataFrame]:
    """Return the index of the best record of each visit, and means that replace it."""
    rule = parameter.get("several", "nearest")
    baseline = baseline_visit(parameter)
    at_baseline = rows["AVISIT"] == baseline if baseline else rows["AVAL"].isna()
    if rule == "nearest" and "windows" not in parameter["visits"]:
        rule = "error"
    if rule == "error":
        _refuse(parameter, rows, ledger)
        return rows.index[:0], rows.iloc[:0]
    if rule == "mean":
        return rows.index[:0], _means(rows, ledger, parameter)
    order = rows.assign(_key=_distance(parameter, rows, rule, at_baseline.to_numpy()))
    later = parameter.get("ties", "earlier") == "later" or rule == "last"
    order["_date"] = _seconds(order["ADT"], -1 if later else 1)
    order["_row"] = order["position"] * (-1 if rule == "last" else 1)
    order = order.sort_values(["_key", "_date", "_row"], kind="stable")
    best = order[~order.duplicated(_GROUP)].index
    _tell(parameter, rows, rows.loc[best], ledger)
    return best, rows.iloc[:0]


def _distance(
    parameter: Config, rows: pd.DataFrame, rule: str, at_baseline: np.ndarray
) -> np.ndarray:
    """Return a number for each record; the lowest of a visit is analysed."""
    if rule in ("first", "last"):
        return np.zeros(len(rows))
    values = rows["AVAL"].to_numpy()
    if rule in ("lowest", "highest", "worst", "best"):
        low_is_best = parameter.get("better", "lower") == "lower"
        wants_low = rule == "lowest" or (rule == "best") == low_is_best
        if rule in ("lowest", "highest"):
            wants_low = rule == "lowest"
        return values if wants_low else -values
    middles = {
        name: sum(window["days"]) / 2
        for name, window in parameter["visits"]["windows"].items()
    }
    middle = rows["AVISIT"].map(middles).to_numpy(dtype=float)
    apart = np.abs(rows["window_day"].to_numpy() - middle)
    # Of the baseline the latest value counts.
    return np.where(at_baseline, _seconds(rows["ADT"], -1), apart)


def _seconds(dates: pd.Series, sign: int = 1) -> np.ndarray:
    """Return dates as numbers; values without a date stand last either way."""
    seconds = dates.to_numpy(dtype="datetime64[s]").astype(np.int64).astype(float)
    return np.where(dates.isna(), np.inf, sign * seconds)


def _tell(
    parameter: Config, rows: pd.DataFrame, best: pd.DataFrame, ledger: Ledger
) -> None:
    """Name each visit with several values, and the one that is analysed."""
    windows = "windows" in parameter["visits"]
    what = "window_day" if windows else "AVAL"
    groups = rows.groupby(_GROUP, dropna=False, sort=False)[what]
    listed = groups.agg(lambda days: ", ".join(f"{day:g}" for day in days))
    counts = groups.size()
    keys = pd.MultiIndex.from_frame(best[_GROUP])
    listed, counts = listed.reindex(keys), counts.reindex(keys)
    where = "on days" if windows else "namely"
    taken = "day" if windows else "value"
    finding = [
        f"{count} values for {visit}, {where} {days}"
        for count, visit, days in zip(counts, best["AVISIT"], listed, strict=True)
    ]
    ledger.query(
        "several in one window" if windows else "several at one visit",
        parameter["from"],
        positions=best["position"],
        subjects=best["USUBJID"],
        finding=finding,
        resolution=[f"{taken} {day:g} is analysed" for day in best[what]],
    )


def _refuse(parameter: Config, rows: pd.DataFrame, ledger: Ledger) -> None:
    again = rows[rows.duplicated(_GROUP)]
    ledger.problem(
        [f"a further value of the subject at {visit}" for visit in again["AVISIT"]],
        parameter["from"],
        positions=again["position"],
        column=parameter["value"].get("column"),
        values=again["AVAL"],
        remedy="keep one, or say under `several` which is analysed",
    )


def _means(rows: pd.DataFrame, ledger: Ledger, parameter: Config) -> pd.DataFrame:
    groups = rows.groupby(_GROUP, dropna=False, sort=False)
    last = rows.sort_values(["ADT", "position"], kind="stable").drop_duplicates(
        _GROUP, keep="last"
    )
    keys = pd.MultiIndex.from_frame(last[_GROUP])
    means = groups["AVAL"].mean().reindex(keys).to_numpy()
    counts = groups.size().reindex(keys).to_numpy()
    ledger.query(
        "several at one visit",
        parameter["from"],
        positions=last["position"],
        subjects=last["USUBJID"],
        finding=np.array([f"{n} values at one visit" for n in counts], dtype=object),
        resolution="their mean is analysed",
    )
    return last.assign(AVAL=means, DTYPE="AVERAGE", ANL01FL="Y")


def _summarised(
    parameter: Config, records: pd.DataFrame, ledger: Ledger
) -> pd.DataFrame:
    """Add the summary of each visit that has enough values."""
    rule = parameter["summarise"]
    needed, expected = rule["at_least"], rule["of"]
    rows = _countable(records)
    _require_one_a_day(parameter, rows, ledger)
    if rows.empty:
        return records.assign(ANL01FL=pd.Series(None, index=records.index, dtype="str"))
    # NaN periods make a group of their own; codes keep grouping fast.
    groups = rows.groupby(_GROUP, dropna=False, sort=False)
    number = groups.ngroup()
    sizes = number.map(number.value_counts())
    order = rows.assign(_group=number).sort_values(
        ["_group", "ADT", "position"], kind="stable", na_position="first"
    )
    last = order.drop_duplicates("_group", keep="last")
    counts = sizes.loc[last.index].to_numpy()
    by_group = rows["AVAL"].groupby(number)
    values = getattr(by_group, _STATISTICS[rule["statistic"]])()
    enough = counts >= needed
    few = last[~enough]
    if len(few):
        ledger.query(
            "week not summarised",
            parameter["from"],
            positions=few["position"],
            subjects=few["USUBJID"],
            finding=np.array(
                [
                    f"{visit} has {count} of {expected} values, {needed} are needed"
                    for visit, count in zip(few["AVISIT"], counts[~enough], strict=True)
                ],
                dtype=object,
            ),
            resolution=f"no {rule['statistic']} for this visit",
        )
    _query_counts(parameter, last[enough], counts[enough], ledger)
    made = last[enough].assign(
        AVAL=values.reindex(last.loc[enough, "_group"]).to_numpy(),
        DTYPE="AVERAGE" if rule["statistic"] == "mean" else rule["statistic"].upper(),
        ANL01FL="Y",
    )
    plain = records.assign(ANL01FL=pd.Series(None, index=records.index, dtype="str"))
    whole: pd.DataFrame = pd.concat(
        [plain, made.drop(columns="_group")], ignore_index=True
    )
    return whole


def _query_counts(
    parameter: Config, rows: pd.DataFrame, counts: np.ndarray, ledger: Ledger
) -> None:
    """Name sums of fewer values than expected, and summaries of more."""
    rule = parameter["summarise"]
    expected = rule["of"]
    odd = counts > expected
    if rule["statistic"] == "sum":
        odd |= counts < expected
    if odd.any():
        ledger.query(
            "another number of values than expected",
            parameter["from"],
            positions=rows["position"][odd],
            subjects=rows["USUBJID"][odd],
            finding=[
                f"{visit} has {count} of {expected} values"
                for visit, count in zip(rows["AVISIT"][odd], counts[odd], strict=True)
            ],
            resolution=f"their {rule['statistic']} is used as it is",
        )


def _require_one_a_day(parameter: Config, rows: pd.DataFrame, ledger: Ledger) -> None:
    dated = rows[rows["ADT"].notna()]
    key = [*_GROUP, "ADT"]
    twice = dated.duplicated(key)
    if not twice.any():
        return
    again = dated[twice]
    first = dated.drop_duplicates(key).merge(
        again[key].reset_index(), on=key, how="right"
    )
    source = parameter["from"]
    numbers = ledger.sources[source].row_of[first["position"].to_numpy(dtype=int)]
    ledger.problem(
        [
            f"two values on one date: row {row} is of the same subject and date"
            for row in numbers
        ],
        source,
        positions=again["position"],
        column=parameter["date"]["column"] if "date" in parameter else None,
        values=again["ADT"],
        remedy="keep one of the two rows",
    )
