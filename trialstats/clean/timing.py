"""Findings about the order of what happened to a subject."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.clean.account import Ledger
from trialstats.clean.sources import Source
from trialstats.clean.visits import UNSCHEDULED, baseline_visit

Config = Mapping[str, Any]


def query_untreated(
    config: Config,
    code: str,
    records: pd.DataFrame,
    adsl: pd.DataFrame,
    ledger: Ledger,
) -> None:
    """Name values after baseline of subjects who never began treatment.

    A value after the last dose is none of these: follow-up goes on.

    Parameters
    ----------
    config : mapping
        The trial's configuration; without TRTSDT in ADSL nothing is known.
    code : str
        Code of the parameter.
    records : DataFrame
        Its records as `measured.received` returns them.
    adsl : DataFrame
        One row per subject.
    ledger : Ledger
        Receives the findings.
    """
    if "TRTSDT" not in adsl:
        return
    untreated = adsl.loc[adsl["TRTSDT"].isna(), "USUBJID"]
    parameter = config["bds"][code]
    after = (records["AVISITN"] > 0) & records["AVAL"].notna()
    after &= ~records["AVISIT"].isin([UNSCHEDULED, baseline_visit(parameter)])
    rows = records[after & records["USUBJID"].isin(untreated)]
    if len(rows):
        ledger.query(
            "measured without treatment",
            parameter["from"],
            positions=rows["position"],
            subjects=rows["USUBJID"],
            column=parameter.get("value", {}).get("column"),
            values=rows["AVAL"],
            finding=np.array(
                [
                    f"{code} at {visit}, and the subject has no first dose (TRTSDT)"
                    for visit in rows["AVISIT"]
                ],
                dtype=object,
            ),
            resolution="used as received",
        )


def query_ends(
    spec: Config, source: Source, frame: pd.DataFrame, ledger: Ledger
) -> None:
    """Name adverse events that end before they start.

    Parameters
    ----------
    spec : mapping
        ``adae`` of the configuration.
    source : Source
        Its source.
    frame : DataFrame
        The events, on the positions of the source.
    ledger : Ledger
        Receives the findings.
    """
    if "AENDT" not in frame:
        return
    wrong = frame["AENDT"] < frame["ASTDT"]
    if wrong.any():
        rows = frame[wrong]
        ledger.query(
            "impossible order of dates",
            source.name,
            positions=rows.index,
            subjects=rows["USUBJID"],
            column=spec["variables"]["AENDT"].get("column"),
            values=rows["AENDT"],
            finding=np.array(
                [
                    f"the event ends before it starts ({start:%Y-%m-%d})"
                    for start in rows["ASTDT"]
                ],
                dtype=object,
            ),
            resolution="used as received",
        )
