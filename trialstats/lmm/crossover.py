"""Crossover trials: treatments compared within subjects, subjects random.

    y_ij = mu + pi_j + tau_d(i,j) + gamma_s(i) [+ beta x_ij] + b_i + e_ij

Subject i of sequence s(i) receives treatment d(i, j) in period j; ``b_i`` is its random
effect, ``x_ij`` its baseline of that period. Two periods or more, and replicate designs
in which a subject receives a treatment more than once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from trialstats.errors import DataError, NotEstimableError, SingularCovarianceError
from trialstats.linear_model import Estimate
from trialstats.lmm.crossover_rows import (
    BASELINE,
    PERIOD,
    RESPONSE,
    SEQUENCE,
    SUBJECT,
    TREATMENT,
    CrossoverRows,
    crossover_rows,
    estimate_of,
)
from trialstats.lmm.inference import Information
from trialstats.lmm.model import Lmm, fit_lmm

Boundary = Literal["error", "drop"]

BOUNDARY = (
    "the variance between subjects is estimated as zero (boundary of the parameter "
    "space), so the fit is ordinary least squares with residual degrees of freedom"
)


@dataclass(frozen=True, slots=True)
class Crossover:
    """A crossover with random subjects.

    Attributes
    ----------
    ls_means : mapping
        Treatment -> mean with equal weight on periods and sequences, at the mean
        baseline.
    differences : mapping
        Treatment -> treatment minus control.
    period_effects, sequence_effects : mapping
        Period or sequence -> difference to the first.
    tests : DataFrame
        Type III tests of the terms.
    first_period : mapping
        Treatment -> treatment minus control in the first period alone, between
        subjects: a t test, or ANCOVA with the baseline. Treatments that nobody
        received first are absent.
    boundary : bool
        Whether the variance between subjects was dropped.
    model : Lmm
    """

    ls_means: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    period_effects: Mapping[Any, Estimate]
    sequence_effects: Mapping[Any, Estimate]
    tests: pd.DataFrame
    first_period: Mapping[str, Estimate]
    periods: tuple[Any, ...]
    sequences: tuple[Any, ...]
    n_subjects: int
    n_complete: int
    n_observed: Mapping[str, int]
    variance_between_subjects: float
    variance_within_subjects: float
    boundary: bool
    notes: tuple[str, ...]
    model: Lmm

    def __repr__(self) -> str:
        """Say what was compared, in a few words."""
        found = ", ".join(f"{name} {one}" for name, one in self.differences.items())
        return (
            f"Crossover({found}; {len(self.sequences)} sequences of "
            f"{len(self.periods)} periods; {self.n_subjects} subjects, "
            f"{self.n_complete} complete)"
        )

    @property
    def difference(self) -> Estimate:
        """The difference, when there is one treatment beside the control."""
        return _only(self.differences, "treatments beside the control")

    @property
    def period_effect(self) -> Estimate:
        """Second minus first period, when there are two."""
        return _only(self.period_effects, "periods beside the first")

    @property
    def sequence_effect(self) -> Estimate:
        """Second minus first sequence, when there are two."""
        return _only(self.sequence_effects, "sequences beside the first")


def fit_crossover(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
    treatments: Sequence[str] | str | None = None,
    baseline: str | None = None,
    method: str = "reml",
    df: str = "kenward_roger",
    information: Information | None = None,
    boundary: Boundary = "error",
    level: float = 0.95,
) -> Crossover:
    """Fit response ~ treatment + period + sequence with a random subject.

    Parameters
    ----------
    data : DataFrame
        One row per subject and period; rows without a response, or without a baseline
        where one is used, are left out. A subject with one period contributes through
        the comparison between subjects.
    response, subject, treatment, period, sequence : str
        Columns of the response, the subject, the treatment of the period, the period
        and the sequence.
    control : str
        Label of the control treatment.
    treatments : sequence of str, or str, optional
        Labels of the other treatments; otherwise those found, sorted or in the order
        of a pandas Categorical, as periods and sequences are.
    baseline : str, optional
        Column of the baseline of each period; it has one slope. The slope mixes what
        holds between and within subjects (docs/methods/lmm.md says when that matters).
    method, df, information
        As for `fit_lmm`.
    boundary : {"error", "drop"}
        What to do when the variance between subjects is estimated as zero: raise, or
        leave it out and give ordinary least squares, which a note states.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Crossover

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described, a subject has two rows
        in one period, or changes its sequence.
    NotEstimableError
        When a treatment, period or sequence has no data, terms cannot be told apart,
        no subject has two periods, or, unless dropped, the variance between subjects
        is zero (`SingularCovarianceError`).
    ConvergenceError
        When the likelihood has no maximum within reach.

    References
    ----------
    docs/methods/lmm.md.
    """
    if boundary not in ("error", "drop"):
        raise DataError(
            "no such treatment of the boundary",
            value=boundary,
            remedy="write 'error' or 'drop'",
        )
    rows = crossover_rows(
        data,
        response=response,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=control,
        treatments=treatments,
        baseline=baseline,
    )
    formula = f"{RESPONSE} ~ {TREATMENT} + {PERIOD} + {SEQUENCE}"
    if baseline is not None:
        formula += f" + {BASELINE}"
    notes = []
    options: dict[str, Any] = {"method": method, "level": level}
    try:
        fit = fit_lmm(
            formula,
            rows.frame,
            random={SUBJECT: "1"},
            df=df,
            information=information,
            **options,
        )
    except SingularCovarianceError as singular:
        if singular.factor != SUBJECT:
            raise
        if boundary == "error":
            raise SingularCovarianceError(
                "The maximum lies on the boundary of the parameter space: the variance "
                f"between levels of {subject} is estimated as zero. boundary='drop' "
                "leaves it out and fits ordinary least squares, which a note states.",
                singular.factor,
            ) from None
        fit = fit_lmm(formula, rows.frame, random={}, df="residual", **options)
        notes.append(BOUNDARY)
    if rows.n_complete < rows.n_subjects:
        notes.append(
            f"{rows.n_subjects - rows.n_complete} of {rows.n_subjects} subjects lack a "
            "period and contribute with those they have"
        )
    if rows.mixed:
        notes.append(
            "subjects of one sequence have different treatments in one period: "
            + "; ".join(rows.mixed)
        )
    first, reason = _first_period(rows, level, with_baseline=baseline is not None)
    if reason:
        notes.append(reason)
    return _result(rows, fit, first, tuple(notes), level)


def _result(
    rows: CrossoverRows,
    fit: Lmm,
    first: Mapping[str, Estimate],
    notes: tuple[str, ...],
    level: float,
) -> Crossover:
    means = fit.ls_means(TREATMENT)
    dropped = not fit.groupings
    return Crossover(
        ls_means={
            arm: estimate_of(row, level)
            for arm, row in zip(means[TREATMENT], means.itertuples(), strict=True)
        },
        differences=_against_first(fit, TREATMENT, rows.treatments, level),
        period_effects=_against_first(fit, PERIOD, rows.periods, level),
        sequence_effects=_against_first(fit, SEQUENCE, rows.sequences, level),
        tests=fit.tests(3),
        first_period=first,
        periods=rows.periods,
        sequences=rows.sequences,
        n_subjects=rows.n_subjects,
        n_complete=rows.n_complete,
        n_observed=rows.n_observed,
        variance_between_subjects=0.0 if dropped else float(fit.theta[0]),
        variance_within_subjects=fit.residual_variance,
        boundary=dropped,
        notes=notes,
        model=fit,
    )


def _against_first(
    fit: Lmm, factor: str, levels: tuple[Any, ...], level: float
) -> Mapping[Any, Estimate]:
    """Return each level but the first -> its difference to the first.

    The model is additive, so these are the coefficients of the factor.
    """
    (columns,) = (t.columns for t in fit.design.terms if t.name == factor)
    table = fit.coefficients.iloc[columns]
    return {
        other: estimate_of(row, level)
        for other, row in zip(levels[1:], table.itertuples(), strict=True)
    }


def _first_period(
    rows: CrossoverRows, level: float, *, with_baseline: bool
) -> tuple[Mapping[str, Estimate], str]:
    """Return differences in the first period, or why there are none."""
    frame = rows.frame[rows.frame[PERIOD] == rows.periods[0]]
    given = set(frame[TREATMENT])
    arms = tuple(arm for arm in rows.treatments if arm in given)
    absent = f"the first period alone, {rows.periods[0]}, gives no estimate: "
    if len(arms) < 2 or arms[0] != rows.treatments[0]:
        return {}, f"{absent}it does not hold the control and another"
    formula = f"{RESPONSE} ~ {TREATMENT}" + (f" + {BASELINE}" if with_baseline else "")
    try:
        fit = fit_lmm(formula, frame, random={}, df="residual", level=level)
        return _against_first(fit, TREATMENT, arms, level), ""
    except NotEstimableError as reason:
        return {}, f"{absent}{str(reason).rstrip('.')}"


def _only(found: Mapping[Any, Estimate], what: str) -> Estimate:
    if len(found) != 1:
        raise DataError(
            f"there are {len(found)} {what}", remedy="take one by its label"
        )
    return next(iter(found.values()))
