"""Rows of a time to an event: curves, the log-rank test and Cox regression."""

from collections.abc import Iterator

import pandas as pd

from trialstats.analyses.trial_covariates import (
    covariates_in_words,
    covariates_of,
    split_covariates,
    with_subjects,
)
from trialstats.analyses.trial_curves import curve_rows
from trialstats.analyses.trial_left_out import left_out_rows, needed_columns
from trialstats.analyses.trial_rows import Analysis, Row, estimate_columns
from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.expressions import condition, parse
from trialstats.records import records
from trialstats.survival import KaplanMeier, fit_cox, kaplan_meier, log_rank_test
from trialstats.vocabulary import sentence_list

#: Scales on which the limits of a curve are symmetric, in words.
LIMITS = {"log-log": "log-minus-log", "plain": "plain", "log": "log"}

#: Treatment of events at one time, in words.
TIES = {"efron": "Efron's", "breslow": "Breslow's"}


def survival_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return the Cox regression in words."""
    model = analysis.model
    terms = covariates_in_words(covariates_of(analysis))
    return (
        f"Cox regression of the time on {terms}{_strata_in_words(analysis)}; "
        f"{TIES[model.get('ties', 'efron')]} approximation for ties; partial maximum "
        f"likelihood; {analysis.percent} normal interval and Wald test"
    )


def _strata_in_words(analysis: Analysis) -> str:
    strata = analysis.model.get("strata", [])
    return f", stratified by {sentence_list(strata)}" if strata else ""


def survival_counts(analysis: Analysis) -> Iterator[Row]:
    """Yield subjects, events and censored times of each arm."""
    data, subjects = subject_times(analysis), analysis.subjects()
    for arm in analysis.arms:
        own = data[data["TRT01P"] == arm]
        events = int(own["EVENT"].sum())
        size = int((subjects["TRT01P"] == arm).sum())
        for statistic, number, whole, words in (
            ("n_with_data", len(own), size, "Number of subjects with a time"),
            ("events", events, len(own), "Number of subjects with the event"),
            ("censored", len(own) - events, len(own), "Number of censored subjects"),
        ):
            yield analysis.row(
                statistic, group=arm, estimate=number, n_subjects=whole, method=words
            )
    yield from left_out_rows(analysis, data, "AVAL")


def survival_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield medians, survival at the named times, log-rank test, hazard ratios."""
    data = subject_times(analysis)
    for arm in analysis.arms:
        if not (data["TRT01P"] == arm).any():
            raise NotEstimableError(f"{arm} has no subject with a time.")
    yield from _curve_rows(analysis, data)
    yield from _log_rank_rows(analysis, data)
    yield from _cox_rows(analysis, data)


def subject_times(analysis: Analysis) -> pd.DataFrame:
    """Return one row a subject of the analysis set, EVENT being 1 for the event.

    Raises
    ------
    DataError
        When a subject has two times.
    """
    rows = analysis.adtte
    code = analysis.settings["parameter"]
    members = analysis.subjects()["USUBJID"]
    rows = rows[(rows["PARAMCD"] == code) & rows["USUBJID"].isin(members)]
    where = analysis.settings.get("where")
    if where is not None:
        named = with_subjects(rows, analysis.adsl, parse(where).names)
        rows = rows[condition(where, named)]
    rows = with_subjects(rows, analysis.adsl, needed_columns(analysis))
    repeated = rows[rows.duplicated("USUBJID")]
    if len(repeated):
        raise DataError(
            f"subject {repeated['USUBJID'].iloc[0]} has two times of {code}",
            column="PARAMCD",
            remedy="keep one time to the event a subject",
        )
    return rows.assign(EVENT=1 - rows["CNSR"].astype(int))


def time_unit(analysis: Analysis) -> str:
    """Return the unit of the times."""
    spec = analysis.config["adtte"][analysis.settings["parameter"]]
    return str(spec.get("unit", "days"))


def _curve_rows(analysis: Analysis, data: pd.DataFrame) -> Iterator[Row]:
    limits = analysis.model.get("limits", "log-log")
    curves = kaplan_meier(
        data,
        time="AVAL",
        event="EVENT",
        group="TRT01P",
        limits=limits,
        level=analysis.level,
    )
    method = (
        f"Kaplan-Meier estimate; {analysis.percent} interval, {LIMITS[limits]} limits "
        "(Greenwood)"
    )
    for arm in analysis.arms:
        curve = curves[arm]
        yield analysis.row(
            "n_analysed",
            group=arm,
            estimate=curve.n,
            method="Number of subjects in the model",
        )
        found = curve.median
        yield analysis.row(
            "median_time",
            group=arm,
            unit=time_unit(analysis),
            estimate=found.estimate,
            confidence_level=found.level,
            ci_lower=found.ci_lower,
            ci_upper=found.ci_upper,
            n_subjects=curve.n,
            method=f"{method}; time by which half have the event",
            not_estimable=found.not_estimable,
        )
        yield from _time_rows(analysis, arm, curve, method)
    yield from curve_rows(
        analysis,
        curves,
        times=analysis.model.get("times", []),
        unit=time_unit(analysis),
        method=method,
    )


def _time_rows(
    analysis: Analysis, arm: str, curve: KaplanMeier, method: str
) -> Iterator[Row]:
    times = analysis.model.get("times", [])
    if not times:
        return
    unit = time_unit(analysis)
    for found in records(curve.at(times)):
        name = f"{found['time']:g} {unit}"
        known = found["survival"] is not None
        yield analysis.row(
            "survival_probability",
            key=[name],
            group=arm,
            subgroup=name,
            estimate=found["survival"],
            standard_error=found["standard_error"],
            confidence_level=None if found["ci_lower"] is None else analysis.level,
            ci_lower=found["ci_lower"],
            ci_upper=found["ci_upper"],
            n_subjects=int(found["n_at_risk"]),
            method=f"{method}; n_subjects are those at risk",
            not_estimable=None if known else "Nobody was followed that long.",
        )


def _log_rank_rows(analysis: Analysis, data: pd.DataFrame) -> Iterator[Row]:
    strata = analysis.model.get("strata", [])
    shared: Row = {"method": f"Log-rank test of all arms{_strata_in_words(analysis)}"}
    data = data.dropna(subset=strata)
    try:
        found = log_rank_test(
            data, time="AVAL", event="EVENT", group="TRT01P", strata=strata
        )
    except NotEstimableError as reason:
        yield analysis.row("log_rank_test", not_estimable=str(reason), **shared)
        return
    yield analysis.row(
        "log_rank_test",
        estimate=found.statistic,
        df=float(found.df),
        test_statistic=found.statistic,
        p_value=found.p_value,
        n_subjects=len(data),
        **shared,
    )


def _cox_rows(analysis: Analysis, data: pd.DataFrame) -> Iterator[Row]:
    """Yield hazard ratios; where there are none the curves stand all the same."""
    method, role = survival_method(analysis), analysis.settings["role"]
    numbers, factors = split_covariates(analysis, data)
    complete = data.dropna(subset=needed_columns(analysis))
    try:
        fit = fit_cox(
            complete,
            time="AVAL",
            event="EVENT",
            treatment="TRT01P",
            control=analysis.control,
            treatments=analysis.treatments,
            covariates=numbers,
            factors=factors,
            strata=analysis.model.get("strata", []),
            ties=analysis.model.get("ties", "efron"),
            level=analysis.level,
        )
    except (NotEstimableError, ConvergenceError) as reason:
        for arm in analysis.treatments:
            yield analysis.row(
                "hazard_ratio",
                contrast=analysis.contrast(arm),
                role=role,
                scale="log",
                method=method,
                confidence_level=analysis.level,
                not_estimable=str(reason),
            )
        return
    for arm, found in fit.log_hazard_ratios.items():
        yield analysis.row(
            "hazard_ratio",
            contrast=analysis.contrast(arm),
            role=role,
            scale="log",
            n_subjects=fit.n[arm] + fit.n[analysis.control],
            method=method,
            **estimate_columns(found),
        )
    arms = {f"TRT01P = {arm}" for arm in analysis.treatments}
    for name, found in fit.coefficients.items():
        if name not in arms:
            yield analysis.row(
                "coefficient",
                key=[name],
                subgroup=name,
                scale="log",
                n_subjects=len(complete),
                method=f"{method}; log hazard ratio of the term",
                **estimate_columns(found),
            )
