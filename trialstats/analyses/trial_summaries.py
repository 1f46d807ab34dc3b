"""Rows that describe a parameter: its values at each visit, by arm, without a model."""

from collections.abc import Iterator

import pandas as pd

from trialstats.analyses.trial_counts import visits_by_number
from trialstats.analyses.trial_covariates import with_subjects
from trialstats.analyses.trial_moments import moments_by_arm
from trialstats.analyses.trial_rows import USED_UNNAMED, Analysis, Row
from trialstats.errors import DataError, NotEstimableError
from trialstats.expressions import condition, parse


def summary_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield moments of values, baselines and changes by visit and arm."""
    rows = _records(analysis)
    visits = _visits(analysis, rows)
    column = "TRTP" if analysis.crossover else "TRT01P"
    for visit in visits:
        part = rows[rows["AVISIT"] == visit]
        before = bool((part["AVISITN"] <= 0).all())
        yield from moments_by_arm(
            analysis,
            part,
            which=["value"] if before else ["value", "baseline", "change"],
            column=column,
            visit=visit,
        )


def _records(analysis: Analysis) -> pd.DataFrame:
    """Return the flagged records of the parameter, those of the baseline too."""
    bds, code = analysis.bds, analysis.settings["parameter"]
    used = bds["DTYPE"].isna() | bds["DTYPE"].isin([*USED_UNNAMED, *analysis.derived])
    flagged = (bds["ANL01FL"] == "Y") | (bds["ABLFL"] == "Y")
    rows: pd.DataFrame = bds[
        (bds["PARAMCD"] == code)
        & flagged
        & used
        & bds["USUBJID"].isin(analysis.subjects()["USUBJID"])
    ]
    where = analysis.settings.get("where")
    if where is not None:
        named = with_subjects(rows, analysis.adsl, parse(where).names)
        rows = rows[condition(where, named)]
    rows = rows[rows["AVAL"].notna()]
    if rows.empty:
        raise NotEstimableError(
            f"Nobody in {analysis.settings['analysis_set']} has {code}."
        )
    place = ["USUBJID", "AVISIT", *(["APERIOD"] if analysis.crossover else [])]
    repeated = rows[rows.duplicated(place)]
    if len(repeated):
        first = repeated.iloc[0]
        raise DataError(
            f"subject {first['USUBJID']} has two records of {code} at "
            f"{first['AVISIT']}",
            column="ANL01FL",
            remedy="flag one record, or name fewer DTYPE under `records`",
        )
    return rows


def _visits(analysis: Analysis, rows: pd.DataFrame) -> list[str]:
    """Return the visits that are described, in order."""
    seen = list(visits_by_number(rows).values())
    at = analysis.settings.get("at")
    if at is None:
        return seen
    named = [at] if isinstance(at, str) else list(at)
    absent = [visit for visit in named if visit not in seen]
    if absent:
        raise NotEstimableError(
            f"Nobody in {analysis.settings['analysis_set']} has "
            f"{analysis.settings['parameter']} at {', '.join(absent)}."
        )
    return [visit for visit in seen if visit in named]
