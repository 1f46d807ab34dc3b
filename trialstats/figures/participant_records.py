"""The records of the participants that a figure shows, chosen as it is configured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialstats.errors import DataError
from trialstats.figures.arms import arms_of
from trialstats.records import records
from trialstats.rows import is_observed
from trialstats.vocabulary import flag_of_set, lower_first

#: Figures of more participants than this leave their labels out.
MOST_LABELS = 40


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a participant; of a crossover in one period.

    `row` names the record: "bds:fm:3" is the third one of the file of that trial.
    """

    row: str
    subject: str
    arm: str
    period: int | None
    visit: str
    number: float
    value: float

    @property
    def line(self) -> tuple[str, int | None]:
        """Whose values are joined: of a crossover those of one period."""
        return self.subject, self.period


def values_of(
    trial: Mapping[str, Any],
    figure: Mapping[str, Any],
    adsl: pd.DataFrame,
    bds: pd.DataFrame,
) -> list[Value]:
    """Return the observed values of the analysis set, by arm, participant and visit.

    Parameters
    ----------
    trial : mapping
        Configuration of the trial.
    figure : mapping
        Settings of the figure: `parameter`, `response`, `analysis_set`.
    adsl, bds : DataFrame
        Datasets of the trial.

    Returns
    -------
    list of Value
        Values of records that are flagged for analysis and observed.

    Raises
    ------
    DataError
        When ADSL lacks the analysis set, or a participant has two values at one visit.
    """
    flag = flag_of_set(figure["analysis_set"])
    if flag not in adsl:
        raise DataError(
            f"ADSL has no column {flag}",
            column=flag,
            remedy=f"define {figure['analysis_set']} under analysis_sets",
        )
    members = adsl.loc[adsl[flag] == "Y", "USUBJID"]
    crossover = trial["design"] == "crossover"
    arm, response = ("TRTP" if crossover else "TRT01P"), figure["response"]
    numbered = bds.assign(
        row_id=[f"bds:{trial['id']}:{place}" for place in range(1, len(bds) + 1)]
    )
    chosen = numbered[
        (bds["PARAMCD"] == figure["parameter"])
        & (bds["ANL01FL"] == "Y")
        & is_observed(bds["DTYPE"])
        & bds["USUBJID"].isin(members)
        & bds[response].notna()
        & bds[arm].isin(arms_of(trial))
        & bds["AVISITN"].notna()
    ]
    place = ["USUBJID", *(["APERIOD"] if crossover else []), "AVISITN"]
    repeated = chosen[chosen.duplicated(place)]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"subject {first['USUBJID']} has two values of {figure['parameter']} at "
            f"{first['AVISIT']}",
            column="ANL01FL",
            remedy="flag one record for analysis",
        )
    ordered = chosen.sort_values(place, kind="stable")
    return [
        Value(
            row=str(r["row_id"]),
            subject=str(r["USUBJID"]),
            arm=str(r[arm]),
            period=int(r["APERIOD"]) if crossover else None,
            visit=str(r["AVISIT"]),
            number=float(r["AVISITN"]),
            value=float(r[response]),
        )
        for r in records(ordered)
    ]


def one_a_line(
    values: list[Value], figure: Mapping[str, Any], better: str | None
) -> list[Value]:
    """Return one value of each participant: at a visit, the last one or the best one.

    Parameters
    ----------
    values : list of Value
        As `values_of` returns them.
    figure : mapping
        With `at`, or with `take`: last or best.
    better : {"lower", "higher"} or None
        Which direction is better.
    """
    if "at" in figure:
        return [v for v in values if v.visit == figure["at"]]
    found: dict[tuple[str, int | None], Value] = {}
    for value in values:
        if value.number <= 0:
            continue  # Only what came after baseline.
        known = found.get(value.line)
        if (
            known is None
            or figure["take"] == "last"
            or _is_better(value, known, better)
        ):
            found[value.line] = value
    return list(found.values())


def _is_better(value: Value, known: Value, better: str | None) -> bool:
    if better == "higher":
        return value.value > known.value
    return value.value < known.value


def response_words(trial: Mapping[str, Any], figure: Mapping[str, Any]) -> str:
    """Return what is drawn, with its unit."""
    parameter = trial["bds"][figure["parameter"]]
    label, unit = parameter["label"], parameter["unit"]
    if figure["response"] == "AVAL":
        return f"{label} ({unit})"
    if figure["response"] == "PCHG":
        return f"Percent change in {lower_first(label)} (%)"
    return f"Change in {lower_first(label)} ({unit})"


def figure_title(trial: Mapping[str, Any], figure: Mapping[str, Any]) -> str:
    """Return the title of a figure of participants."""
    if "title" in figure:
        return f"{trial['trial']}: {figure['title']}"
    said = lower_first(response_words(trial, figure).rpartition(" (")[0])
    if figure["type"] == "individual_profiles":
        return f"{trial['trial']}: {said}, each participant"
    when = figure.get("at") or {"best": "best value", "last": "last value"}.get(
        figure["take"]
    )
    return f"{trial['trial']}: {said} of each participant, {lower_first(str(when))}"
