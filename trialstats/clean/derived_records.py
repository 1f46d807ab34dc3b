"""Records derived from those received: they stand beside them and replace none."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.subjects import of_subjects
from trialstats.clean.visits import baseline_visit
from trialstats.config.declared import visits_of
from trialstats.rows import is_observed, stored_numbers

Config = Mapping[str, Any]

#: Derivations that fill visits without a value; the others make one record a subject.
FILLING = ("LOCF", "BOCF", "WOCF")

_KEY = ["USUBJID", "APERIOD"]


def derived_records(
    config: Config, code: str, records: pd.DataFrame, adsl: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yield the records of each configured derivation.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    code : str
        Code of the parameter.
    records : DataFrame
        Its records with BASE and ``ANL01FL``.
    adsl : DataFrame
        One row per subject.

    Yields
    ------
    DataFrame
        Columns of `records`, with ``DTYPE`` and ``ANL01FL`` = Y.
    """
    parameter = config["bds"][code]
    numbers = _after_baseline(config, code)
    for rule in parameter.get("records", []):
        observed = _observed(records, numbers, adsl, rule)
        kind = rule["dtype"]
        if kind in FILLING:
            made = _filled(parameter, records, observed, numbers, adsl, kind)
        else:
            made = _one_each(parameter, observed, kind, rule.get("visit", kind))
        yield made.assign(DTYPE=kind, ANL01FL="Y", ABLFL=None)


def _after_baseline(config: Config, code: str) -> dict[str, float]:
    """Return the visits after baseline with their numbers, in order of number."""
    numbers, baseline = visits_of(config, code), baseline_visit(config["bds"][code])
    after = {
        visit: number
        for visit, number in numbers.items()
        if number > 0 and visit != baseline
    }
    return dict(sorted(after.items(), key=lambda item: item[1]))


def _observed(
    records: pd.DataFrame,
    numbers: Mapping[str, float],
    adsl: pd.DataFrame,
    rule: Config,
) -> pd.DataFrame:
    """Return the analysed values after baseline, up to a date where one is named."""
    real = is_observed(records["DTYPE"])
    chosen = (records["ANL01FL"] == "Y") & real & records["AVISIT"].isin(list(numbers))
    if "until" in rule:
        people = adsl.set_index("USUBJID")
        limit = of_subjects(records["USUBJID"], people[rule["until"]])
        chosen &= limit.isna() | records["ADT"].isna() | (records["ADT"] <= limit)
    rows = records[chosen & records["AVAL"].notna()]
    return rows.sort_values(["USUBJID", "APERIOD", "AVISITN"], kind="stable")


def _filled(
    parameter: Config,
    records: pd.DataFrame,
    observed: pd.DataFrame,
    numbers: Mapping[str, float],
    adsl: pd.DataFrame,
    kind: str,
) -> pd.DataFrame:
    """Return a record at each visit after baseline that has no value."""
    grid = observed[_KEY].drop_duplicates()
    if kind == "BOCF":
        # Of a crossover each period in which the subject has a record.
        placed = (
            records["APERIOD"].notna() if records["APERIOD"].notna().any() else True
        )
        grid = records.loc[records["BASE"].notna() & placed, _KEY].drop_duplicates()
    visits = pd.DataFrame({"AVISIT": list(numbers), "AVISITN": list(numbers.values())})
    cells = grid.merge(visits, how="cross")
    if kind == "WOCF":
        lower = parameter.get("better", "lower") == "lower"
        worst = observed.groupby(_KEY, dropna=False, sort=False)["AVAL"]
        observed = observed.assign(AVAL=worst.cummax() if lower else worst.cummin())
    held = observed.assign(_held=True)
    key = [*_KEY, "AVISIT"]
    merged = cells.merge(
        held.drop(columns="AVISITN").drop_duplicates(key, keep="last"),
        on=key,
        how="left",
    ).sort_values([*_KEY, "AVISITN"], kind="stable")
    empty = merged["_held"].isna()
    if kind == "BOCF":
        based = records.dropna(subset="BASE").drop_duplicates(_KEY)[[*_KEY, "BASE"]]
        made = merged[empty].drop(columns="BASE").merge(based, on=_KEY, how="left")
        made = made.assign(AVAL=made["BASE"])
        return _completed(made.drop(columns="_held"), records)
    # The record carried forward is carried whole, its date with its value.
    own = pd.Series(np.arange(len(merged)), index=merged.index).where(~empty)
    last = own.groupby(
        [merged[name] for name in _KEY], dropna=False, sort=False
    ).ffill()
    made = merged[empty & last.notna()]
    whole = merged.iloc[last[made.index].astype(int)].set_axis(made.index)
    made = whole.assign(AVISIT=made["AVISIT"], AVISITN=made["AVISITN"])
    return _completed(made.drop(columns="_held"), records)


def _one_each(
    parameter: Config, observed: pd.DataFrame, kind: str, visit: str
) -> pd.DataFrame:
    """Return one record a subject of all its values after baseline."""
    groups = observed.groupby(_KEY, dropna=False, sort=False)
    last = observed.drop_duplicates(_KEY, keep="last")
    if kind == "LAST":
        made = last
    elif kind == "AVERAGE":
        keys = pd.MultiIndex.from_frame(last[_KEY])
        made = last.assign(AVAL=groups["AVAL"].mean().reindex(keys).to_numpy())
    else:
        low_is_best = parameter.get("better", "lower") == "lower"
        ascending = (kind == "BEST") == low_is_best
        order = observed.sort_values("AVAL", ascending=ascending, kind="stable")
        made = order.drop_duplicates(_KEY)
    made = made.sort_values(_KEY, kind="stable")
    return _completed(made.assign(AVISIT=visit, AVISITN=np.nan), observed)


def _completed(made: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return made records with change from baseline, in the columns of the others."""
    base = made["BASE"].to_numpy(dtype=float)
    change = stored_numbers(made["AVAL"].to_numpy(dtype=float) - base)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = stored_numbers(np.where(base != 0, 100 * change / base, np.nan))
    return made.assign(CHG=change, PCHG=percent)[list(like.columns)]
