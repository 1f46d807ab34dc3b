"""Rows of the models for means: ANCOVA, random intercept, crossover."""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import pandas as pd

from trialstats.analyses.trial_counts import (
    n_analysed,
    require_one_row,
    visits_by_number,
)
from trialstats.analyses.trial_rows import (
    Analysis,
    Row,
    estimate_columns,
    mean_columns,
)
from trialstats.ancova import fit_ancova
from trialstats.meta.effect_sizes import effect_sizes
from trialstats.mixed import (
    Crossover,
    RandomIntercept,
    fit_crossover,
    fit_random_intercept,
)


def ancova_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of an analysis of covariance at one visit."""
    settings, covariates = analysis.settings, analysis.model.get("covariates", [])
    data = analysis.observations()
    require_one_row(data, analysis)
    response = settings["response"]
    fit = fit_ancova(
        data,
        response=response,
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        covariates=covariates,
        level=analysis.level,
    )
    terms = " and ".join(["treatment", *covariates])
    method = (
        f"ANCOVA of {response} on {terms}; least squares; observed cases; "
        f"{analysis.percent} t interval"
    )
    at = f" at the mean of {' and '.join(covariates)}" if covariates else ""
    values = data.dropna(subset=[response, *covariates])
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
        yield _hedges_g(analysis, arm, values, response)


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


def random_intercept_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of a mixed model over the visits after baseline."""
    settings, covariates = analysis.settings, analysis.model.get("covariates", [])
    data, response = analysis.observations(), settings["response"]
    fit = fit_random_intercept(
        data,
        response=response,
        subject="USUBJID",
        treatment="TRT01P",
        control=analysis.control,
        treatments=analysis.treatments,
        visit="AVISITN",
        covariates=covariates,
        level=analysis.level,
    )
    terms = " and ".join(f"{t} x visit" for t in ["treatment", *covariates])
    notes = "".join(f"; {note}" for note in fit.notes)
    model = (
        f"Mixed model of {response} on {terms}, random subject; REML; observed cases"
    )
    method = (
        f"{model}; {analysis.percent} t interval, between-subject degrees of freedom"
        f"{notes}"
    )
    at = f" at the visit's mean of {' and '.join(covariates)}" if covariates else ""
    for arm in analysis.arms:
        yield n_analysed(analysis, arm, fit.n_subjects[arm])
    names = visits_by_number(data)
    for number in fit.visits:
        visit = names[number]
        for arm in analysis.arms:
            yield analysis.row(
                "ls_mean",
                visit=visit,
                group=arm,
                unit=analysis.unit,
                n_subjects=fit.n_observed[number, arm],
                method=f"{method}; least-squares mean{at}",
                **mean_columns(fit.ls_means[number, arm]),
            )
        for arm in analysis.treatments:
            n = sum(fit.n_observed[number, a] for a in (arm, analysis.control))
            yield analysis.row(
                "difference",
                visit=visit,
                contrast=analysis.contrast(arm),
                role=settings["role"],
                unit=analysis.unit,
                n_subjects=n,
                method=method,
                **estimate_columns(fit.differences[number, arm]),
            )
    n_subjects = sum(fit.n_subjects.values())
    yield from _variance_rows(analysis, fit, n_subjects, f"{model}{notes}")


def crossover_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of a two-period crossover."""
    settings, data = analysis.settings, analysis.observations()
    response = settings["response"]
    fit = fit_crossover(
        data,
        response=response,
        subject="USUBJID",
        treatment="TRTP",
        control=analysis.control,
        treatments=analysis.treatments,
        period="APERIOD",
        sequence="TRTSEQP",
        level=analysis.level,
    )
    notes = "".join(f"; {note}" for note in fit.notes)
    model = (
        f"Mixed model of {response} on treatment, period and sequence, random subject; "
        "REML; observed cases"
    )
    within, between = (
        f"{model}; {analysis.percent} t interval, {kind}-subject degrees of freedom"
        f"{notes}"
        for kind in ("within", "between")
    )
    for arm in analysis.arms:
        yield n_analysed(analysis, arm, fit.n_observed[arm])
        yield analysis.row(
            "ls_mean",
            group=arm,
            unit=analysis.unit,
            n_subjects=fit.n_observed[arm],
            method=f"{between}; least-squares mean with equal weight on periods "
            "and sequences",
            **mean_columns(fit.ls_means[arm]),
        )
    shared: Row = {"unit": analysis.unit, "n_subjects": fit.n_subjects}
    yield analysis.row(
        "difference",
        contrast=analysis.contrast(analysis.treatments[0]),
        role=settings["role"],
        method=within,
        **shared,
        **estimate_columns(fit.difference),
    )
    first, second = fit.periods
    yield analysis.row(
        "period_effect",
        contrast=f"Period {second} versus period {first}",
        method=within,
        **shared,
        **estimate_columns(fit.period_effect),
    )
    earlier, later = fit.sequences
    yield analysis.row(
        "sequence_effect",
        contrast=f"{later} versus {earlier}",
        method=between,
        **shared,
        **estimate_columns(fit.sequence_effect),
    )
    yield from _variance_rows(analysis, fit, fit.n_subjects, f"{model}{notes}")


def _variance_rows(
    analysis: Analysis, fit: RandomIntercept | Crossover, n_subjects: int, method: str
) -> Iterator[Row]:
    """Yield the variances of a model with a random subject."""
    for statistic in ("variance_between_subjects", "variance_within_subjects"):
        yield analysis.row(
            statistic,
            unit=None if analysis.unit is None else f"({analysis.unit}) squared",
            estimate=getattr(fit, statistic),
            n_subjects=n_subjects,
            method=method,
        )
