"""Rows that describe the subjects: baseline characteristics and disposition."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from trialstats.analyses.trial_flow import enrolment_rows
from trialstats.analyses.trial_rows import Analysis, Row
from trialstats.errors import DataError
from trialstats.rows import distinct_keys

TOTAL = "Total"

#: Variables of ADSL that say how the trial went on, not how the subject came in.
NOT_BASELINE = ("TRT01P", "TRTSEQP", "EOSSTT", "DCSREAS")

NOT_RECORDED = "Not recorded"


def groups_of(analysis: Analysis) -> tuple[str, list[str]]:
    """Return the ADSL column of the groups, and the groups in order."""
    if analysis.crossover:
        return "TRTSEQP", list(analysis.config["sequences"])
    return "TRT01P", analysis.arms


def baseline_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the baseline characteristics of the randomised, by group and in total."""
    column, groups = groups_of(analysis)
    subjects = randomised_subjects(analysis.adsl)
    for name, variable in analysis.config["adsl"]["variables"].items():
        kind = variable.get("type", "text")
        if kind == "date" or name in NOT_BASELINE:
            continue
        text = kind == "text"
        levels = distinct_keys(sorted(subjects[name].dropna().unique()) if text else [])
        for group, part in split(subjects, column, groups):
            shared = _shared(group, name, variable)
            if text:
                yield from level_rows(analysis, part[name], levels, shared)
            else:
                yield from moment_rows(analysis, part[name], shared)
    for name, parameter in analysis.config["bds"].items():
        values = baseline_values(analysis.bds, name)
        if values.empty:
            continue  # No record is a baseline: there is nothing to describe.
        said = baseline_in_words(analysis.bds, name)
        for group, part in split(subjects, column, groups):
            shared = _shared(group, name, parameter)
            shared["method"] += said
            yield from moment_rows(analysis, part["USUBJID"].map(values), shared)


def _shared(group: str, name: str, variable: Mapping[str, Any]) -> Row:
    return {
        "group": group,
        "parameter": name,
        "unit": variable.get("unit"),
        "analysis_set": "Randomised",
        "method": f"{variable['label']}; randomised subjects with a value",
    }


def randomised_subjects(adsl: pd.DataFrame) -> pd.DataFrame:
    """Return the subjects with a date of randomisation, all where none is recorded."""
    return adsl[adsl["RANDDT"].notna()] if "RANDDT" in adsl else adsl


def split(
    subjects: pd.DataFrame, column: str, groups: list[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each group with its subjects, then all of them."""
    for group in groups:
        yield group, subjects[subjects[column] == group]
    yield TOTAL, subjects


def baseline_values(bds: pd.DataFrame, parameter: str) -> pd.Series:
    """Return the baseline of a parameter by subject, of several periods the first.

    Raises
    ------
    DataError
        When a subject has two baseline records, of a crossover in one period.
    """
    rows = _baselines(bds, parameter)
    place = ["USUBJID", *(["APERIOD"] if "APERIOD" in rows else [])]
    repeated = rows[rows.duplicated(place)]
    if len(repeated):
        first = repeated.iloc[0]
        period = first.get("APERIOD")
        within = "" if pd.isna(period) else f" in period {period}"
        raise DataError(
            f"subject {first['USUBJID']} has two baseline records of "
            f"{parameter}{within}",
            column="ABLFL",
            remedy="flag one record as baseline",
        )
    rows = rows.sort_values(place, kind="stable")
    return rows.drop_duplicates("USUBJID").set_index("USUBJID")["AVAL"]


def baseline_in_words(bds: pd.DataFrame, parameter: str) -> str:
    """Return which baseline of a subject is described where some have several."""
    several = _baselines(bds, parameter).duplicated("USUBJID").any()
    return "; of the baselines of several periods the first" if several else ""


def _baselines(bds: pd.DataFrame, parameter: str) -> pd.DataFrame:
    return bds[(bds["PARAMCD"] == parameter) & (bds["ABLFL"] == "Y")]


def moment_rows(analysis: Analysis, values: pd.Series, shared: Row) -> Iterator[Row]:
    """Yield number, mean, standard deviation, median and range of numbers."""
    seen = values.dropna().astype(float)
    key = [shared["parameter"]]
    yield from _sizes(analysis, len(seen), len(values), shared)
    moments: dict[str, tuple[Callable[[], float], int]] = {
        "mean": (seen.mean, 1),
        "standard_deviation": (seen.std, 2),
        "median": (seen.median, 1),
        "minimum": (seen.min, 1),
        "maximum": (seen.max, 1),
    }
    for statistic, (compute, needed) in moments.items():
        enough = len(seen) >= needed
        yield analysis.row(
            statistic,
            key=key,
            estimate=float(compute()) if enough else None,
            n_subjects=len(seen),
            not_estimable=None if enough else f"{len(seen)} values, {needed} needed.",
            **shared,
        )


def level_rows(
    analysis: Analysis, values: pd.Series, levels: Mapping[str, str], shared: Row
) -> Iterator[Row]:
    """Yield the number of subjects at each level; `levels` holds their keys."""
    seen = values.dropna()
    yield from _sizes(analysis, len(seen), len(values), shared)
    for level, key in levels.items():
        yield analysis.row(
            "count",
            key=[shared["parameter"], key],
            subgroup=level,
            estimate=int((seen == level).sum()),
            n_subjects=len(seen),
            **shared,
        )


def _sizes(analysis: Analysis, n: int, size: int, shared: Row) -> Iterator[Row]:
    unitless = shared | {"unit": None}
    for statistic, number in (("n", n), ("n_missing", size - n)):
        yield analysis.row(
            statistic,
            key=[shared["parameter"]],
            estimate=number,
            n_subjects=size,
            **unitless,
        )


def disposition_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield how many were randomised, treated, completed or stopped, and why."""
    column, groups = groups_of(analysis)
    randomised = randomised_subjects(analysis.adsl)
    keys = distinct_keys(r for _, r in _fates(randomised) if r is not None)
    for group, subjects in split(randomised, column, groups):
        for (parameter, reason), number in _fates(subjects).items():
            yield analysis.row(
                "count",
                key=[parameter, None if reason is None else keys[reason]],
                group=group,
                parameter=parameter,
                subgroup=reason,
                analysis_set="Randomised",
                estimate=number,
                n_subjects=len(subjects),
                method="Number of randomised subjects",
            )
    yield from enrolment_rows(analysis, column, groups, randomised)


def _fates(subjects: pd.DataFrame) -> dict[tuple[str, str | None], int]:
    fates: dict[tuple[str, str | None], int] = {("randomised", None): len(subjects)}
    if "TRTSDT" in subjects:
        fates["treated", None] = int(subjects["TRTSDT"].notna().sum())
    if "EOSSTT" not in subjects:
        return fates
    status = subjects["EOSSTT"]
    fates["completed", None] = int((status == "COMPLETED").sum())
    stopped = subjects[status == "DISCONTINUED"]
    fates["discontinued", None] = len(stopped)
    if "DCSREAS" in subjects:
        reasons = stopped["DCSREAS"].fillna(NOT_RECORDED)
        for reason in sorted(reasons.unique()):
            fates["discontinued", reason] = int((reasons == reason).sum())
    unknown = int((~status.isin(["COMPLETED", "DISCONTINUED"])).sum())
    if unknown:
        fates["status not recorded", None] = unknown
    return fates
