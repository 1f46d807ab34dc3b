"""Rows of the mixed model for repeated measures over the visits of a trial."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trialstats.analyses.mixed_rows import (
    estimate_of,
    fit_rows,
    mean_of,
    residual_frame,
    term_rows,
)
from trialstats.analyses.trial_counts import (
    n_analysed,
    visits_after_baseline,
    visits_by_number,
)
from trialstats.analyses.trial_covariances import covariance_row, pairs_of
from trialstats.analyses.trial_left_out import incomplete_columns, needed_columns
from trialstats.analyses.trial_models import (
    baseline_of,
    formula_of,
    inference_of,
    mmrm_model,
    structures_of,
)
from trialstats.analyses.trial_rows import NOBODY, Analysis, Row, squared
from trialstats.errors import ConfigError, LadderError, NotEstimableError
from trialstats.fixed_effects import contains, ls_means_matrix
from trialstats.linear_model import FloatArray
from trialstats.mmrm import Mmrm, fit_mmrm
from trialstats.records import records
from trialstats.vocabulary import (
    AVERAGE_OVER_VISITS,
    COVARIANCES,
    NOT_TRIED,
    sentence_list,
)

#: Opens the reason of what no covariance structure gives an estimate for.
NO_STRUCTURE = "No covariance structure fits"


@dataclass(frozen=True, slots=True)
class Configured:
    """A fitted model over visits, the rows that it used, and what it is in words.

    Attributes
    ----------
    baseline : str or None
        The visit at which the arms share one mean.
    averaged : tuple of str
        Visits over which means are averaged.
    needed : tuple of str
        The response, and those other columns that are missing where it is not.
    """

    fit: Mmrm
    rows: pd.DataFrame
    visits: tuple[str, ...]
    baseline: str | None
    averaged: tuple[str, ...]
    needed: tuple[str, ...]
    model: str
    inference: str

    @property
    def method(self) -> str:
        """The model with its inference in words."""
        return f"{self.model}; {self.inference}"


class NoStructureFitsError(NotEstimableError):
    """No covariance structure of a ladder fits.

    Parameters
    ----------
    reasons : mapping
        Structure -> why it was left. They stand in rows of their own, so that the
        message, which is the reason of every effect, need not repeat them.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        tried = sentence_list(COVARIANCES[name] for name in reasons)
        super().__init__(
            f"{NO_STRUCTURE} of those in the order fixed beforehand ({tried}); the "
            "table of the analysis says under Covariance why each was left."
        )


def fit_configured(analysis: Analysis) -> Configured:
    """Fit the model over visits that an analysis configures.

    Raises
    ------
    NotEstimableError
        When an arm has no data at a visit, or the model cannot be estimated;
        `NoStructureFitsError` when no structure of a ladder fits.
    ConvergenceError
        When the one structure does not converge.
    ConfigError
        When nobody has data at a visit to average over.
    """
    model, response = analysis.model, analysis.settings["response"]
    baseline, structures = baseline_of(analysis), structures_of(analysis)
    columns = needed_columns(analysis)
    data = analysis.observations(columns=columns)
    needed = (response, *incomplete_columns(data, response, columns))
    data = data.dropna(subset=needed)
    visits = tuple(visits_by_number(data).values())
    _require_data(analysis, data, visits, needed)
    _require_averaged(analysis, visits, needed)
    data = data.assign(
        TRT01P=lambda rows: pd.Categorical(
            rows["TRT01P"], [analysis.control, *analysis.treatments]
        ),
        AVISIT=lambda rows: pd.Categorical(rows["AVISIT"], visits),
    )
    try:
        fit = fit_mmrm(
            formula_of(analysis),
            data,
            subject="USUBJID",
            # Distances in time are those of the visits' numbers.
            visit="AVISITN" if structures[0].startswith("spatial") else "AVISIT",
            covariance=structures,
            group=model.get("group"),
            weights=model.get("weights"),
            method=model.get("method", "reml"),
            df=model.get("df", "kenward_roger"),
            vcov=model.get("vcov"),
            level=analysis.level,
            constrained_baseline=("TRT01P", baseline) if baseline else None,
        )
    except LadderError as error:
        raise NoStructureFitsError(error.reasons) from error
    chosen = model.get("averaged_over", visits)
    return Configured(
        fit=fit,
        rows=data.iloc[fit.design.rows],
        visits=visits,
        baseline=baseline,
        averaged=tuple(v for v in visits if v in chosen and v != baseline),
        needed=needed,
        model=mmrm_model(
            analysis,
            structure=fit.structure,
            left=[step.structure for step in fit.ladder if step.reason],
        ),
        inference=inference_of(analysis),
    )


def _require_data(
    analysis: Analysis,
    data: pd.DataFrame,
    visits: Sequence[str],
    needed: Sequence[str],
) -> None:
    """Raise NotEstimableError when an arm has no data at a visit.

    A model without treatment by visit would extrapolate a mean there.
    """
    wanted = sentence_list(needed)
    seen = set(zip(data["TRT01P"], data["AVISIT"], strict=True))
    if not visits:
        raise NotEstimableError(f"There are no visits with {wanted}.")
    for arm in analysis.arms:
        if not any(arm == found for found, _ in seen):
            raise NotEstimableError(f"{arm} has no subject with {wanted}.")
        for visit in visits:
            if (arm, visit) not in seen:
                raise NotEstimableError(f"{arm} has no data at {visit}.")


def _require_averaged(
    analysis: Analysis, visits: Sequence[str], needed: Sequence[str]
) -> None:
    """Raise ConfigError when nobody has data at a visit to average over.

    An average over the visits that are left would be another estimand.
    """
    for visit in analysis.model.get("averaged_over", ()):
        if visit not in visits:
            raise ConfigError(
                f"{analysis.place}.model.averaged_over: "
                f"{_nobody_at(analysis, needed)}{visit}; leave it out, or mend the "
                "days of its window"
            )


def _nobody_at(analysis: Analysis, needed: Sequence[str]) -> str:
    wanted = sentence_list(needed)
    return f"{NOBODY}{analysis.settings['analysis_set']} has {wanted} at "


def mmrm_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield the rows of a mixed model over the visits."""
    made = fit_configured(analysis)
    for arm in analysis.arms:
        here = made.rows.loc[made.rows["TRT01P"] == arm, "USUBJID"]
        yield n_analysed(analysis, arm, here.nunique())
    wanted = list(_contrasts(analysis, made))
    yield from _mean_rows(analysis, made, wanted)
    yield from _shared_rows(analysis, made, wanted)
    yield from _unseen_rows(analysis, made)
    n = made.fit.n_subjects
    yield from term_rows(analysis, _tests(made), made.method, n)
    yield from _covariance_rows(analysis, made)
    yield from fit_rows(analysis, made.fit, made.model, n)


def _tests(made: Configured) -> pd.DataFrame:
    """Return type III tests of the terms; with a constrained baseline of those it has.

    Where the arms share a mean at one visit, no weights over the arms are equal at
    every visit: a term that others contain, as visit is in treatment by visit, has no
    type III hypothesis. That of the others is that their coefficients are zero.
    """
    if made.baseline is None:
        return made.fit.tests(3)
    design = made.fit.design
    unit = np.eye(len(design.names))
    tested = [
        term
        for term in design.terms
        if term.factors and not any(contains(design, t, term) for t in design.terms)
    ]
    tests = [made.fit.joint_test(unit[term.columns]) for term in tested]
    return pd.concat(tests).assign(term=[term.name for term in tested])


def mmrm_residuals(analysis: Analysis) -> pd.DataFrame:
    """Return the normalised residuals of the model, schema `rows.RESIDUALS`."""
    made = fit_configured(analysis)
    return residual_frame(
        analysis,
        made.rows.rename(
            columns={"TRT01P": "group", "AVISIT": "occasion", "AVISITN": "number"}
        ),
        fitted=made.fit.fitted(),
        residual=made.fit.residuals("normalized"),
    )


@dataclass(frozen=True, slots=True)
class _Contrast:
    """What a row of means or differences is, beside its numbers."""

    visit: str
    arm: str
    difference: bool
    weights: FloatArray
    n: int


def _mean_rows(
    analysis: Analysis, made: Configured, wanted: Sequence[_Contrast]
) -> Iterator[Row]:
    """Yield means and differences by visit and averaged over the visits."""
    fit = made.fit
    weights = np.array([one.weights for one in wanted])
    table = records(fit.contrast(weights))
    plain = np.sqrt(np.einsum("cp,pq,cq->c", weights, fit.model_covariance, weights))
    for one, found, error in zip(wanted, table, plain, strict=True):
        averaged = one.visit == AVERAGE_OVER_VISITS
        shared: Row = {"visit": one.visit, "unit": analysis.unit, "n_subjects": one.n}
        words = made.method
        if averaged:
            words += f"; equal weight on {', '.join(made.averaged)}"
        if one.difference:
            shared["contrast"] = analysis.contrast(one.arm)
            role = role_at(analysis, one.visit)
            yield analysis.row(
                "difference",
                role=role,
                method=words,
                **shared,
                **estimate_of(found, analysis.level),
            )
        else:
            shared["group"] = one.arm
            if not averaged:
                yield n_analysed(analysis, one.arm, one.n, visit=one.visit)
            words += "; least-squares mean, covariates at their mean over all rows"
            # Zero is a hypothesis of a mean only where the configuration says so.
            tested = analysis.model.get("test_means", False)
            columns = (estimate_of if tested else mean_of)(found, analysis.level)
            yield analysis.row("ls_mean", method=words, **shared, **columns)
        what = "difference" if one.difference else "mean"
        yield analysis.row(
            f"standard_error_of_{what}",
            estimate=float(error),
            method=f"{made.model}; standard error as the model has it, before any "
            "adjustment for a small sample",
            **shared,
        )


def _shared_rows(
    analysis: Analysis, made: Configured, wanted: Sequence[_Contrast]
) -> Iterator[Row]:
    """Yield the covariances of the differences at each visit, two by two.

    The covariance of the coefficients is the one that the differences' standard
    errors come from, with its adjustment for a small sample.
    """
    found = {(one.visit, one.arm): one for one in wanted if one.difference}
    sizes = {(one.visit, one.arm): one.n for one in wanted if not one.difference}
    covariance = made.fit.small_sample.covariance
    for visit in dict.fromkeys(visit for visit, _ in found):
        for first, second in pairs_of(analysis.treatments):
            one, other = found[visit, first], found[visit, second]
            yield covariance_row(
                analysis,
                "difference",
                (first, second),
                float(one.weights @ covariance @ other.weights),
                visit=visit,
                unit=analysis.unit,
                n_subjects=one.n + sizes[visit, second],
                method=made.method,
            )


def _unseen_rows(analysis: Analysis, made: Configured) -> Iterator[Row]:
    """Yield what is not estimable at configured visits that nobody has."""
    for visit in visits_after_baseline(analysis):
        if visit in made.visits:
            continue
        for arm in analysis.arms:
            yield n_analysed(analysis, arm, 0, visit=visit)
        for arm in analysis.treatments:
            yield analysis.row(
                "difference",
                contrast=analysis.contrast(arm),
                role=role_at(analysis, visit),
                visit=visit,
                unit=analysis.unit,
                n_subjects=0,
                method=made.method,
                not_estimable=f"{_nobody_at(analysis, made.needed)}{visit}.",
            )


def _contrasts(analysis: Analysis, made: Configured) -> Iterator[_Contrast]:
    grid, matrix = ls_means_matrix(made.fit.design, ["AVISIT", "TRT01P"])
    keys = zip(grid["AVISIT"], grid["TRT01P"], strict=True)
    mean = {key: matrix[i] for i, key in enumerate(keys)}
    rows = made.rows
    subjects = {
        (visit, arm): int(((rows["AVISIT"] == visit) & (rows["TRT01P"] == arm)).sum())
        for visit, arm in mean
    }
    for arm in analysis.arms:
        average = sum(mean[visit, arm] for visit in made.averaged)
        mean[AVERAGE_OVER_VISITS, arm] = average / len(made.averaged)
        used = rows[rows["AVISIT"].isin(made.averaged) & (rows["TRT01P"] == arm)]
        subjects[AVERAGE_OVER_VISITS, arm] = used["USUBJID"].nunique()
    for visit in (*made.visits, AVERAGE_OVER_VISITS):
        for arm in analysis.arms:
            n = subjects[visit, arm]
            yield _Contrast(visit, arm, False, mean[visit, arm], n)
        for arm in analysis.treatments:
            if visit != made.baseline:
                against = mean[visit, arm] - mean[visit, analysis.control]
                n = subjects[visit, arm] + subjects[visit, analysis.control]
                yield _Contrast(visit, arm, True, against, n)


def role_at(analysis: Analysis, visit: str) -> str:
    """Return the role of a difference: the analysis's at its visit, or at every one."""
    at = analysis.settings.get("at")
    named = visit == at if at else visit != AVERAGE_OVER_VISITS
    return str(analysis.settings["role"]) if named else "descriptive"


def structure_rows(
    analysis: Analysis,
    reasons: Mapping[str, str | None],
    n_parameters: int | None = None,
) -> Iterator[Row]:
    """Yield the structures tried, with why each was left; None for the one that fits.

    Parameters
    ----------
    analysis : Analysis
    reasons : mapping
        Structure -> why it was left.
    n_parameters : int, optional
        Number of parameters of the one that fits.
    """
    for structure in structures_of(analysis):
        words, reason = COVARIANCES[structure], reasons.get(structure, NOT_TRIED)
        yield analysis.row(
            "covariance_structure",
            key=[words],
            subgroup=words,
            estimate=None if reason else n_parameters,
            method="Number of parameters of the covariance within subjects; "
            "structures in the order fixed beforehand",
            not_estimable=reason,
        )


def _covariance_rows(analysis: Analysis, made: Configured) -> Iterator[Row]:
    """Yield the structures tried, and the parameters of the one that fitted."""
    fit = made.fit
    reasons = {step.structure: step.reason for step in fit.ladder}
    yield from structure_rows(analysis, reasons, fit.n_parameters)
    for found in records(fit.parameters):
        name = str(found["parameter"])
        is_square = name.startswith(("variance", "covariance"))
        yield analysis.row(
            "covariance_parameter",
            key=[name],
            group=str(found["group"]) if "group" in analysis.model else None,
            subgroup=name,
            unit=squared(analysis.unit) if is_square else None,
            estimate=found["estimate"],
            standard_error=found["standard_error"],
            n_subjects=fit.n_subjects,
            method=f"{made.model}; standard error from the observed information",
        )
