"""Yes-or-no parameters derived from a measurement."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.visits import baseline_visit
from trialstats.config.declared import visits_of
from trialstats.expressions import condition, parse
from trialstats.rows import is_observed

Config = Mapping[str, Any]


def responder_records(
    config: Config, code: str, measured: pd.DataFrame, adsl: pd.DataFrame
) -> pd.DataFrame:
    """Return a yes-or-no parameter at each visit after baseline.

    Parameters
    ----------
    config : mapping
        The trial's configuration.
    code : str
        Code of the responder.
    measured : DataFrame
        Records of the parameter that it is derived from.
    adsl : DataFrame
        One row per subject.

    Returns
    -------
    DataFrame
        Columns of `measured`; a subject without a value is a non-responder with
        ``DTYPE`` NRI where the configuration says so.
    """
    responder = config["responders"][code]
    parameter = config["bds"][responder["of"]]
    baseline = baseline_visit(parameter)
    observed = is_observed(measured["DTYPE"])
    known = measured[(measured["ANL01FL"] == "Y") & observed & measured["AVAL"].notna()]
    if baseline is not None:
        known = known[(known["AVISIT"] != baseline) & known["BASE"].notna()]
    # A response that rests on what is not known (PCHG of a baseline of 0) is not known.
    named = [name for name in parse(responder["when"]).names if name in known]
    known = known[known[named].notna().all(axis=1)]
    held = condition(responder["when"], known).astype("float64")
    rows = [known.assign(AVAL=held)]
    if responder["missing"] == "non_responder":
        visits = visits_of(config, responder["of"])
        rows.append(_non_responders(adsl, known, visits, baseline))
    made = pd.concat([part for part in rows if len(part)] or rows, ignore_index=True)
    made["AVALC"] = made["AVAL"].map({1.0: "Y", 0.0: "N"}).astype("str")
    made[["BASE", "CHG", "PCHG"]] = np.nan
    return made.assign(PARAMCD=code, PARAM=responder["label"], ANL01FL="Y", ABLFL=None)


def _non_responders(
    adsl: pd.DataFrame,
    known: pd.DataFrame,
    numbers: Mapping[str, float],
    baseline: str | None,
) -> pd.DataFrame:
    visits = pd.DataFrame(
        [(visit, number) for visit, number in numbers.items() if visit != baseline],
        columns=["AVISIT", "AVISITN"],
    )
    grid = adsl[["USUBJID"]].merge(visits, how="cross")
    have = known[["USUBJID", "AVISIT"]].drop_duplicates().assign(_has=True)
    absent = grid.merge(have, on=["USUBJID", "AVISIT"], how="left")
    absent = absent[absent["_has"].isna()].drop(columns="_has")
    made = absent.assign(AVAL=0.0, DTYPE="NRI", position=-1)
    made = made.reindex(columns=known.columns)
    return made.astype({name: known[name].dtype for name in known.columns})
