"""Crossovers with fixed subjects: comparisons within subjects alone.

    y_ij - mean_i = (pi_j + tau_d(i,j)) - mean_i + error

Subjects are taken out by their means, so a subject with one period contributes nothing.
The European Medicines Agency calls this analysis of a bioequivalence trial Method A,
and that with random subjects Method B.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, special

from trialstats.errors import NotEstimableError
from trialstats.fixed_effects import (
    Design,
    aliased_columns,
    build_design,
    check_rank,
)
from trialstats.linear_model import (
    Estimate,
    FloatArray,
    check_level,
    check_residuals,
    linear_combination,
)
from trialstats.lmm.crossover_rows import (
    PERIOD,
    RESPONSE,
    SEQUENCE,
    SUBJECT,
    TREATMENT,
    crossover_rows,
)
from trialstats.lmm.ordering import Codes, canonical_order
from trialstats.one_thread import one_thread

#: Limits widen with the variability of the reference up to this coefficient of
#: variation, from the other one on (EMA guideline on bioequivalence, 4.1.10).
WIDEST_CV = 0.5
NARROWEST_CV = 0.3

#: The regulatory constant of the widened limits, log(1.25) / 0.294 rounded by the EMA.
WIDENING = 0.760


@dataclass(frozen=True, slots=True)
class WithinSubjects:
    """A crossover with fixed subjects.

    Attributes
    ----------
    differences : mapping
        Treatment -> treatment minus control.
    period_effects : mapping
        Period -> difference to the first.
    anova : DataFrame
        Sequential sums of squares: sequence, period, treatment, subjects within
        sequences, residual. Sequences are tested against subjects, the others against
        the residual.
    residual_variance : float
    df : int
        Of the residual.
    n_subjects, n_observations : int
    """

    differences: Mapping[str, Estimate]
    period_effects: Mapping[Any, Estimate]
    anova: pd.DataFrame
    residual_variance: float
    df: int
    n_subjects: int
    n_observations: int

    def __repr__(self) -> str:
        """Say what was compared, in a few words."""
        found = ", ".join(f"{name} {one}" for name, one in self.differences.items())
        return (
            f"WithinSubjects({found}; {self.n_observations} observations of "
            f"{self.n_subjects} subjects)"
        )


@dataclass(frozen=True, slots=True)
class ReferenceVariability:
    """Variability of the reference within subjects, and the limits that it widens.

    Attributes
    ----------
    standard_deviation : float
        Within subjects, of the logarithm.
    cv : float
        ``sqrt(exp(s^2) - 1)``.
    df : int
    limits : tuple of float
        Acceptance limits of the ratio: 0.80 to 1.25, wider above a CV of 0.3.
    """

    standard_deviation: float
    cv: float
    df: int
    limits: tuple[float, float]


def fit_within_subjects(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
    treatments: Sequence[str] | str | None = None,
    level: float = 0.95,
) -> WithinSubjects:
    """Compare treatments within subjects by least squares, subjects fixed.

    Parameters
    ----------
    data, response, subject, treatment, period, sequence, control, treatments, level
        As for `fit_crossover`.

    Returns
    -------
    WithinSubjects

    Raises
    ------
    DataError
        As for `fit_crossover`.
    NotEstimableError
        When terms cannot be told apart within subjects, or nothing is left for the
        residual.
    """
    check_level(level)
    rows = crossover_rows(
        data,
        response=response,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=control,
        treatments=treatments,
    )
    design = build_design(
        f"{RESPONSE} ~ {SEQUENCE} + {PERIOD} + {TREATMENT}",
        rows.frame,
        other_columns=[SUBJECT],
    )
    with one_thread():
        sums = _sums(design, rows.frame[SUBJECT], (PERIOD, TREATMENT))
    variance = sums.residual / sums.df
    inverse = linalg.solve_triangular(sums.triangle, np.eye(len(sums.triangle)))
    covariance = variance * inverse @ inverse.T

    def effects(factor: str, levels: tuple[Any, ...]) -> Mapping[Any, Estimate]:
        # Columns follow the levels after the first.
        start = sums.starts[factor]
        unit = np.eye(len(sums.beta))[start : start + len(levels) - 1]
        return {
            each: linear_combination(
                weights, sums.beta, covariance, df=sums.df, level=level
            )
            for each, weights in zip(levels[1:], unit, strict=True)
        }

    return WithinSubjects(
        differences=effects(TREATMENT, rows.treatments),
        period_effects=effects(PERIOD, rows.periods),
        anova=_anova(sums),
        residual_variance=variance,
        df=sums.df,
        n_subjects=rows.n_subjects,
        n_observations=len(rows.frame),
    )


def reference_variability(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    period: str,
    sequence: str,
    control: str,
) -> ReferenceVariability:
    """Return the variability within subjects of the reference in a replicate design.

    The reference's rows are fitted alone, with sequences, periods and fixed subjects.

    Parameters
    ----------
    data, response, subject, treatment, period, sequence
        As for `fit_crossover`; the response is a logarithm.
    control : str
        Label of the reference.

    Raises
    ------
    NotEstimableError
        When no subject receives the reference twice.
    """
    rows = crossover_rows(
        data,
        response=response,
        subject=subject,
        treatment=treatment,
        period=period,
        sequence=sequence,
        control=control,
        treatments=None,
    )
    frame = rows.frame[rows.frame[TREATMENT] == control]
    if not frame[SUBJECT].duplicated().any():
        raise NotEstimableError(f"No subject has {control} twice: no replicate design.")
    design = build_design(f"{RESPONSE} ~ {PERIOD}", frame, other_columns=[SUBJECT])
    with one_thread():
        centred, n_subjects = _centred(design, frame[SUBJECT])
    # Periods that go with sequences are the subjects' already: what is left counts.
    aliased = aliased_columns(centred[:, :-1])
    centred = np.delete(centred, aliased, axis=1)
    size = centred.shape[1] - 1
    df = len(centred) - n_subjects - size
    with one_thread():
        triangle = np.asarray(np.linalg.qr(centred, mode="r"))
    residual = float(triangle[size, size] ** 2) if len(triangle) > size else 0.0
    check_residuals(residual, design.response, df)
    return _with_limits(residual / df, df)


def _with_limits(variance: float, df: int) -> ReferenceVariability:
    cv = float(np.sqrt(np.expm1(variance)))
    limits = (0.8, 1.25)
    if cv > NARROWEST_CV:
        capped = np.log1p(min(cv, WIDEST_CV) ** 2)
        upper = float(np.exp(WIDENING * np.sqrt(capped)))
        limits = (1 / upper, upper)
    return ReferenceVariability(variance**0.5, cv, df, limits)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of squares: of each term in turn, of subjects, of the residual."""

    starts: dict[str, int]
    beta: FloatArray
    triangle: FloatArray
    residual: float
    df: int
    terms: list[tuple[str, int, float]]
    subjects: float
    subjects_df: int


def _ordered(design: Design, subjects: pd.Series) -> tuple[FloatArray, Codes]:
    """Return ``[X y]``, y centred, and subjects in canonical order."""
    x, y = design.matrix(), design.response
    codes = pd.factorize(subjects)[0][design.rows]
    order, levels = canonical_order(np.column_stack([y, x]), [codes])
    # Centring keeps the digits of a large mean out of the differences.
    data = np.column_stack([x, y - y[order].mean()])[order]
    return data, levels[0][order]


def _centred(design: Design, subjects: pd.Series) -> tuple[FloatArray, int]:
    """Return ``[X y]`` minus the subjects' means, and the number of subjects."""
    data, level = _ordered(design, subjects)
    starts = np.flatnonzero(np.diff(level, prepend=-1))
    means = np.add.reduceat(data, starts) / np.bincount(level)[:, None]
    return data - means[level], len(starts)


def _sums(design: Design, subjects: pd.Series, within: tuple[str, ...]) -> _Sums:
    """Return least squares with and without the means of subjects."""
    n, p = len(design.response), len(design.names)
    triangle = np.asarray(np.linalg.qr(_ordered(design, subjects)[0], mode="r"))
    check_rank(triangle[:p, :p], design)
    squares = triangle[:, p] ** 2
    columns = [
        j
        for term in design.terms
        if term.name in within
        for j in range(term.columns.start, term.columns.stop)
    ]
    centred, n_subjects = _centred(design, subjects)
    inner = np.asarray(np.linalg.qr(centred[:, [*columns, p]], mode="r"))
    size = len(columns)
    _check_within(design, columns, inner[:size, :size])
    df = n - n_subjects - size
    residual = float(inner[size, size] ** 2) if len(inner) > size else 0.0
    check_residuals(residual, design.response, df)
    total = float(squares[p]) if len(squares) > p else 0.0
    return _Sums(
        starts={
            t.name: columns.index(t.columns.start)
            for t in design.terms
            if t.name in within
        },
        beta=linalg.solve_triangular(inner[:size, :size], inner[:size, size]),
        triangle=inner[:size, :size],
        residual=residual,
        df=df,
        terms=[
            (t.name, t.columns.stop - t.columns.start, float(squares[t.columns].sum()))
            for t in design.terms
            if t.factors
        ],
        subjects=total - residual,
        subjects_df=n - p - df,
    )


def _check_within(design: Design, columns: list[int], triangle: FloatArray) -> None:
    """Raise NotEstimableError for columns that subjects' means leave nothing of."""
    aliased = [design.names[columns[j]] for j in aliased_columns(triangle)]
    if aliased or len(triangle) < len(columns):
        named = ", ".join(aliased) or "all terms"
        raise NotEstimableError(
            f"Within subjects the data cannot tell {named} from the other terms."
        )


def _anova(sums: _Sums) -> pd.DataFrame:
    between = sums.subjects / sums.subjects_df if sums.subjects_df else np.nan
    within = sums.residual / sums.df
    nested = f"{SEQUENCE}:{SUBJECT}"
    lines = [
        (
            name,
            df,
            squares,
            *((between, sums.subjects_df) if name == SEQUENCE else (within, sums.df)),
        )
        for name, df, squares in sums.terms
    ]
    lines.append((nested, sums.subjects_df, sums.subjects, within, sums.df))
    table = pd.DataFrame(
        lines, columns=["term", "df", "sum_of_squares", "error", "error_df"]
    )
    table["mean_square"] = table["sum_of_squares"] / table["df"]
    table["statistic"] = table["mean_square"] / table.pop("error")
    table["p_value"] = special.fdtrc(table["df"], table["error_df"], table["statistic"])
    last = {"term": "residual", "df": sums.df, "sum_of_squares": sums.residual}
    last["mean_square"] = within
    return pd.concat([table, pd.DataFrame([last])], ignore_index=True)
