"""Rows of a crossover trial: a linear mixed model with random subjects."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialstats.analyses.mixed_rows import (
    fit_rows,
    residual_frame,
    term_rows,
)
from trialstats.analyses.trial_counts import n_analysed
from trialstats.analyses.trial_covariances import covariance_row, pairs_of
from trialstats.analyses.trial_models import crossover_model, inference_of
from trialstats.analyses.trial_periods import period_rows
from trialstats.analyses.trial_rows import (
    Analysis,
    Row,
    estimate_columns,
    mean_columns,
    squared,
)
from trialstats.fixed_effects import ls_means_matrix
from trialstats.lmm import Crossover, fit_crossover
from trialstats.vocabulary import lower_first


def crossover_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of a crossover, the first period alone as sensitivity."""
    settings, fit = analysis.settings, _fit(analysis)
    method = _method(analysis, fit)
    shared: Row = {"unit": analysis.unit, "n_subjects": fit.n_subjects}
    for arm in analysis.arms:
        yield n_analysed(analysis, arm, fit.n_observed[arm])
        yield analysis.row(
            "ls_mean",
            group=arm,
            unit=analysis.unit,
            n_subjects=fit.n_observed[arm],
            method=f"{method}; least-squares mean with equal weight on periods "
            "and sequences",
            **mean_columns(fit.ls_means[arm]),
        )
    for arm, difference in fit.differences.items():
        yield analysis.row(
            "difference",
            contrast=analysis.contrast(arm),
            role=settings["role"],
            method=method,
            **shared,
            **estimate_columns(difference),
        )
    yield from _shared_rows(analysis, fit, method)
    yield from _unadjusted_rows(analysis, fit)
    yield from _first_period_rows(analysis, fit)
    yield from period_rows(analysis)
    for statistic, label, effects, first in (
        ("period_effect", "Period", fit.period_effects, fit.periods[0]),
        ("sequence_effect", "", fit.sequence_effects, fit.sequences[0]),
    ):
        for level, effect in effects.items():
            words = f"{label} {level} versus {lower_first(label)} {first}"
            yield analysis.row(
                statistic,
                contrast=words if label else f"{level} versus {first}",
                method=method,
                **shared,
                **estimate_columns(effect),
            )
    yield from term_rows(analysis, fit.tests, method, fit.n_subjects)
    for statistic in ("variance_between_subjects", "variance_within_subjects"):
        yield analysis.row(
            statistic,
            unit=squared(analysis.unit),
            estimate=getattr(fit, statistic),
            n_subjects=fit.n_subjects,
            method=_model(analysis, fit),
        )
    yield from fit_rows(analysis, fit.model, _model(analysis, fit), fit.n_subjects)


def crossover_residuals(analysis: Analysis) -> pd.DataFrame:
    """Return the normalised residuals of the model, schema `rows.RESIDUALS`."""
    fit = _fit(analysis)
    model = fit.model
    rows = _observations(analysis).dropna(subset=[analysis.settings["response"]])
    baseline = analysis.model.get("baseline")
    rows = rows.dropna(subset=[baseline] if baseline else []).iloc[model.design.rows]
    return residual_frame(
        analysis,
        rows.assign(
            group=rows["TRTP"],
            occasion=[f"Period {period}" for period in rows["APERIOD"]],
            number=rows["APERIOD"],
        ),
        fitted=model.fitted(),
        residual=model.residuals("normalized", order=rows["APERIOD"].to_numpy(int)),
    )


def _observations(analysis: Analysis) -> pd.DataFrame:
    baseline = analysis.model.get("baseline")
    return analysis.observations(columns=[baseline] if baseline else [])


def _fit(analysis: Analysis) -> Crossover:
    model = analysis.model
    return fit_crossover(
        _observations(analysis),
        response=analysis.settings["response"],
        subject="USUBJID",
        treatment="TRTP",
        control=analysis.control,
        treatments=analysis.treatments,
        period="APERIOD",
        sequence="TRTSEQP",
        baseline=model.get("baseline"),
        df=model.get("df", "kenward_roger"),
        boundary=model.get("boundary", "error"),
        level=analysis.level,
    )


def _model(analysis: Analysis, fit: Crossover) -> str:
    """Return the model that was fitted in words."""
    return crossover_model(analysis, random=not fit.boundary, notes=fit.notes)


def _method(analysis: Analysis, fit: Crossover) -> str:
    """Return the model with its inference in words."""
    inference = inference_of(analysis, fit.model.df_method)
    return f"{_model(analysis, fit)}; {inference}"


def _shared_rows(analysis: Analysis, fit: Crossover, method: str) -> Iterator[Row]:
    """Yield the covariances of the differences, two by two."""
    grid, matrix = ls_means_matrix(fit.model.design, ["treatment"])
    mean = dict(zip(grid["treatment"], matrix, strict=True))
    covariance = fit.model.small_sample.covariance
    for first, second in pairs_of(analysis.treatments):
        one, other = (mean[arm] - mean[analysis.control] for arm in (first, second))
        yield covariance_row(
            analysis,
            "difference",
            (first, second),
            float(one @ covariance @ other),
            unit=analysis.unit,
            n_subjects=fit.n_subjects,
            method=method,
        )


def _unadjusted_rows(analysis: Analysis, fit: Crossover) -> Iterator[Row]:
    """Yield standard errors before the adjustment for a small sample."""
    design, covariance = fit.model.design, fit.model.model_covariance
    grid, matrix = ls_means_matrix(design, ["treatment"])
    mean = dict(zip(grid["treatment"], matrix, strict=True))
    control = mean[analysis.control]
    for arm in analysis.arms:
        for what, weights in (("mean", mean[arm]), ("difference", mean[arm] - control)):
            if what == "difference" and arm == analysis.control:
                continue
            contrast = analysis.contrast(arm)
            where = {"group": arm} if what == "mean" else {"contrast": contrast}
            yield analysis.row(
                f"standard_error_of_{what}",
                estimate=float(np.sqrt(weights @ covariance @ weights)),
                unit=analysis.unit,
                n_subjects=fit.n_subjects,
                method=f"{_model(analysis, fit)}; standard error as the model has it, "
                "before any adjustment for a small sample",
                **where,
            )


def _first_period_rows(analysis: Analysis, fit: Crossover) -> Iterator[Row]:
    response, baseline = analysis.settings["response"], analysis.model.get("baseline")
    rows = _observations(analysis).dropna(subset=[response])
    first = rows[rows["APERIOD"] == fit.periods[0]]
    terms = f"treatment and {baseline}" if baseline else "treatment"
    for arm, difference in fit.first_period.items():
        seen = first["TRTP"].isin([arm, analysis.control])
        yield analysis.row(
            "first_period_difference",
            contrast=analysis.contrast(arm),
            role="sensitivity",
            unit=analysis.unit,
            n_subjects=first.loc[seen, "USUBJID"].nunique(),
            method=f"Linear model of {response} in the first period alone on {terms}, "
            f"between subjects; least squares; observed cases; {analysis.percent} "
            "t interval",
            **estimate_columns(difference),
        )
