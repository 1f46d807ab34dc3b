"""Rows of the analysis of covariance."""

from collections.abc import Iterator, Mapping
from statistics import NormalDist

import numpy as np
import pandas as pd

from trialstats.analyses.trial_ancova_effects import Adjusted, further_rows
from trialstats.analyses.trial_counts import (
    n_analysed,
    require_one_row,
)
from trialstats.analyses.trial_covariances import covariance_row, pairs_of
from trialstats.analyses.trial_covariates import covariates_of, split_covariates
from trialstats.analyses.trial_models import ancova_means, ancova_method
from trialstats.analyses.trial_moments import SUMMARISED, moments_by_arm
from trialstats.analyses.trial_rows import (
    Analysis,
    Row,
    estimate_columns,
    mean_columns,
)
from trialstats.ancova import Ancova, fit_ancova
from trialstats.errors import NotEstimableError
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.meta.shared_control import covariance_of_g
from trialstats.vocabulary import sentence_list


def ancova_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of an analysis of covariance at one visit."""
    settings, covariates = analysis.settings, covariates_of(analysis)
    data = analysis.observations(columns=covariates)
    require_one_row(data, analysis)
    numbers, factors = split_covariates(analysis, data)
    response = settings["response"]
    values = data.dropna(subset=[response, *covariates])
    for arm in (analysis.control, *analysis.treatments):
        if not (values["TRT01P"] == arm).any():
            needed = sentence_list([response, *covariates])
            raise NotEstimableError(f"{arm} has no subject with {needed}.")
    observed_margins = analysis.model.get("margins", "equal") == "observed"
    fit = fit_ancova(
        values,
        response=response,
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        covariates=numbers,
        factors=factors,
        weights="proportional" if observed_margins else "equal",
        level=analysis.level,
    )
    method = ancova_method(analysis)
    at = ancova_means(analysis, numbers, factors)
    if analysis.model.get("summaries"):
        yield from moments_by_arm(analysis, values, which=list(SUMMARISED))
    for arm in analysis.arms:
        n = fit.n[arm]
        yield n_analysed(analysis, arm, n)
        yield from _observed_moments(analysis, arm, values, response)
        yield analysis.row(
            "ls_mean",
            group=arm,
            unit=analysis.unit,
            n_subjects=n,
            method=f"{method}; least-squares mean{at} over the analysed subjects",
            **mean_columns(fit.ls_means[arm]),
        )
    standardized = {}
    for arm in analysis.treatments:
        n = fit.n[arm] + fit.n[analysis.control]
        yield analysis.row(
            "difference",
            contrast=analysis.contrast(arm),
            role=settings["role"],
            unit=analysis.unit,
            n_subjects=n,
            method=method,
            **estimate_columns(fit.differences[arm]),
        )
        standardized[arm] = _hedges_g(analysis, arm, values, response)
        yield standardized[arm]
    yield from _covariance_rows(analysis, fit, method, standardized)
    yield from further_rows(analysis, Adjusted(values, numbers, factors, method), fit)


def _covariance_rows(
    analysis: Analysis, fit: Ancova, method: str, standardized: Mapping[str, Row]
) -> Iterator[Row]:
    """Yield the covariances of differences, and of standardised ones, two by two."""
    n_control = fit.n[analysis.control]
    for first, second in pairs_of(analysis.treatments):
        n = fit.n[first] + fit.n[second] + n_control
        yield covariance_row(
            analysis,
            "difference",
            (first, second),
            fit.covariances[first, second],
            unit=analysis.unit,
            n_subjects=n,
            method=method,
        )
        one, other = (standardized[a].get("estimate") for a in (first, second))
        covariance = None
        if one is not None and other is not None:
            covariance = covariance_of_g(
                one,
                other,
                n_first=fit.n[first],
                n_second=fit.n[second],
                n_control=n_control,
            )
        yield covariance_row(
            analysis,
            "standardized_mean_difference",
            (first, second),
            covariance,
            n_subjects=n,
            method=f"Hedges' g of {analysis.settings['response']}, unadjusted; delta "
            "method (Gleser and Olkin), each with the standard deviation of its arms",
        )


def _observed_moments(
    analysis: Analysis, arm: str, values: pd.DataFrame, response: str
) -> Iterator[Row]:
    seen = values.loc[values["TRT01P"] == arm, response]
    for statistic, number in (
        ("mean", seen.mean()),
        ("standard_deviation", seen.std()),
    ):
        absent = bool(np.isnan(number))
        yield analysis.row(
            statistic,
            group=arm,
            unit=analysis.unit,
            estimate=None if absent else float(number),
            n_subjects=len(seen),
            method=f"Observed {response} of the analysed subjects, unadjusted",
            not_estimable="Fewer than 2 values." if absent else None,
        )


def _hedges_g(analysis: Analysis, arm: str, values: pd.DataFrame, response: str) -> Row:
    one, other = (
        values.loc[values["TRT01P"] == a, response] for a in (arm, analysis.control)
    )
    shared: Row = {
        "contrast": analysis.contrast(arm),
        "n_subjects": len(one) + len(other),
        "method": (
            f"Hedges' g of {response}, unadjusted, exact small-sample correction; "
            f"{analysis.percent} normal interval"
        ),
    }
    statistic = "standardized_mean_difference"
    if min(len(one), len(other)) < 2 or one.std() == 0 or other.std() == 0:
        reason = "An arm has no standard deviation."
        return analysis.row(statistic, not_estimable=reason, **shared)
    effect = effect_sizes(
        "SMD",
        m1i=[one.mean()],
        sd1i=[one.std()],
        n1i=[len(one)],
        m2i=[other.mean()],
        sd2i=[other.std()],
        n2i=[len(other)],
    ).iloc[0]
    estimate, error = float(effect["effect"]), float(effect["variance"]) ** 0.5
    half_width = NormalDist().inv_cdf((1 + analysis.level) / 2) * error
    return analysis.row(
        statistic,
        estimate=estimate,
        standard_error=error,
        confidence_level=analysis.level,
        ci_lower=estimate - half_width,
        ci_upper=estimate + half_width,
        **shared,
    )
