"""Rows of a bioequivalence trial: the ratio of treatment and reference, in periods.

Methods A and B are those of the European Medicines Agency's questions and answers on
replicate crossovers: A takes subjects as fixed and compares within them, B has random
subjects. Both analyse the logarithm.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trialstats.analyses.trial_counts import n_analysed
from trialstats.analyses.trial_rows import Analysis, Row, estimate_columns
from trialstats.errors import DataError, NotEstimableError
from trialstats.linear_model import Estimate
from trialstats.lmm import fit_crossover, fit_within_subjects, reference_variability
from trialstats.records import records
from trialstats.vocabulary import DEGREES_OF_FREEDOM

#: Confidence level that bioequivalence is judged by, unless one is configured.
LEVEL = 0.90


def bioequivalence_method(analysis: Analysis, _statistic: str = "") -> str:
    """Return the model in words."""
    subjects = (
        "random subject; restricted maximum likelihood (REML); "
        f"{DEGREES_OF_FREEDOM[_rule(analysis)]} degrees of freedom"
        if _is_b(analysis)
        else "subject (fixed); least squares"
    )
    return (
        f"Method {analysis.model['method']}: linear model of the logarithm of "
        f"{analysis.settings['parameter']} on treatment, period, sequence and "
        f"{subjects}; observed cases; {analysis.percent} t interval"
    )


def _is_b(analysis: Analysis) -> bool:
    return bool(analysis.model["method"] == "B")


def _rule(analysis: Analysis) -> str:
    return str(analysis.model.get("df", "kenward_roger"))


def bioequivalence_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the ratios, the analysis of variance and the limits of acceptance."""
    data = _logarithms(analysis)
    method = bioequivalence_method(analysis)
    for arm in analysis.arms:
        own = data[data["TRTP"] == arm]
        yield n_analysed(analysis, arm, int(own["USUBJID"].nunique()))
        yield analysis.row(
            "geometric_mean",
            group=arm,
            scale="log",
            unit=analysis.unit,
            estimate=float(own["LOG"].mean()) if len(own) else None,
            n_subjects=int(own["USUBJID"].nunique()),
            method="Mean of the logarithms of the values in the model, unadjusted",
            not_estimable=None if len(own) else "No value.",
        )
    differences, anova, n_subjects = _fit(analysis, data)
    for arm, found in differences.items():
        yield analysis.row(
            "geometric_mean_ratio",
            contrast=analysis.contrast(arm),
            role=analysis.settings["role"],
            scale="log",
            n_subjects=n_subjects,
            method=method,
            **estimate_columns(found),
        )
    yield analysis.row(
        "n_observations",
        estimate=len(data),
        n_subjects=n_subjects,
        method=f"{method}; rows in the model",
    )
    for line in anova:
        yield _anova_row(analysis, line, method, n_subjects)
    if analysis.model.get("reference_scaling"):
        yield from _scaling_rows(analysis, data)


def _logarithms(analysis: Analysis) -> pd.DataFrame:
    """Return the measurements with their logarithm; none may be zero or negative."""
    response = analysis.settings["response"]
    data = analysis.observations().dropna(subset=[response])
    wrong = data[data[response] <= 0]
    if len(wrong):
        raise DataError(
            f"{analysis.settings['parameter']} has no logarithm",
            row=f"subject {wrong['USUBJID'].iloc[0]}",
            column=response,
            value=wrong[response].iloc[0],
            remedy="bioequivalence takes the logarithm itself: name a parameter that "
            "is positive and not yet a logarithm, or set the row aside",
        )
    return data.assign(LOG=np.log(data[response].to_numpy(dtype=float)))


def _columns(analysis: Analysis) -> dict[str, Any]:
    return {
        "response": "LOG",
        "subject": "USUBJID",
        "treatment": "TRTP",
        "period": "APERIOD",
        "sequence": "TRTSEQP",
        "control": analysis.control,
    }


def _fit(
    analysis: Analysis, data: pd.DataFrame
) -> tuple[Mapping[str, Estimate], list[Mapping[str, Any]], int]:
    """Return the differences of logarithms, the analysis of variance, and subjects."""
    shared = {
        **_columns(analysis),
        "treatments": analysis.treatments,
        "level": analysis.level,
    }
    if not _is_b(analysis):
        within = fit_within_subjects(data, **shared)
        return within.differences, list(records(within.anova)), within.n_subjects
    mixed = fit_crossover(
        data,
        df=_rule(analysis),
        boundary=analysis.model.get("boundary", "error"),
        **shared,
    )
    return mixed.differences, [], mixed.n_subjects


def _anova_row(
    analysis: Analysis, line: Mapping[str, Any], method: str, n_subjects: int
) -> Row:
    return analysis.row(
        "sum_of_squares",
        key=[str(line["term"])],
        subgroup=str(line["term"]),
        estimate=line["sum_of_squares"],
        numerator_df=float(line["df"]),
        test_statistic=line["statistic"],
        p_value=line["p_value"],
        n_subjects=n_subjects,
        method=f"{method}; sequential sum of squares, sequences tested against "
        "subjects",
    )


def _scaling_rows(analysis: Analysis, data: pd.DataFrame) -> Iterator[Row]:
    """Yield the variability of the reference and the limits that it widens."""
    method = (
        f"Rows of {analysis.control} alone, with sequence, period and fixed subjects; "
        "limits widened by 0.760 standard deviations above a coefficient of variation "
        "of 30%, to that of 50%"
    )
    names = ("cv_within_reference", "acceptance_lower", "acceptance_upper")
    try:
        found = reference_variability(data, **_columns(analysis))
    except NotEstimableError as reason:
        for name in names:
            yield analysis.row(name, method=method, not_estimable=str(reason))
        return
    values = (found.cv, *np.log(found.limits))
    for name, value in zip(names, values, strict=True):
        yield analysis.row(
            name,
            scale="natural" if name.startswith("cv") else "log",
            estimate=float(value),
            df=float(found.df),
            method=method,
        )
