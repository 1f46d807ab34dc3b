"""Mixed models with one random intercept per subject; the one door to MixedLM.

    y_ij = x_ij' beta + b_i + e_ij,  b_i ~ N(0, sigma_b^2),  e_ij ~ N(0, sigma^2)

``rho = sigma_b^2 / sigma^2`` is the variance ratio; restricted likelihood (REML).
statsmodels fits; what it leaves unsaid becomes an error here. Its optimisers stop
when the gradient is about 1e-5, so the root of the REML score in ``rho`` is found
afterwards, and its answer has to agree with the likelihood profiled over ``rho``.
At the boundary ``rho = 0`` the model is ordinary least squares; the result says so.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.linear_model import (
    Estimate,
    FloatArray,
    check_arms,
    check_design,
    check_level,
    check_pair,
    check_subjects,
    complete_rows,
    linear_combination,
)
from trialstats.restricted_likelihood import Profile, RestrictedFit, maximise

#: Optimisers of statsmodels, in the order in which they are tried. Those that follow
#: the gradient lose their way near zero variance; the first one does not need it.
OPTIMISERS = ("powell", "bfgs", "cg")

#: Start of the one warning that is no fault: the profile tells an estimate near the
#: boundary from one on it.
_TOLERATED = "The MLE may be on the boundary"

#: Loss of restricted log-likelihood, and distance of a coefficient in standard errors,
#: beyond which an optimiser has stopped elsewhere.
LIKELIHOOD_TOLERANCE = 1e-4
COEFFICIENT_TOLERANCE = 1e-2

BOUNDARY = (
    "the variance between subjects is estimated as zero (boundary of the parameter "
    "space), so the fit is ordinary least squares"
)


@dataclass(frozen=True, slots=True)
class RandomIntercept:
    """A random-intercept model over visits; keys are (visit, arm)."""

    ls_means: Mapping[tuple[Any, str], Estimate]
    differences: Mapping[tuple[Any, str], Estimate]
    n_subjects: Mapping[str, int]
    n_observed: Mapping[tuple[Any, str], int]
    visits: tuple[Any, ...]
    covariate_means: Mapping[tuple[Any, str], float]
    variance_between_subjects: float
    variance_within_subjects: float
    df: int
    boundary: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crossover:
    """A two-period crossover with a random subject; means go by treatment."""

    ls_means: Mapping[str, Estimate]
    difference: Estimate
    period_effect: Estimate
    sequence_effect: Estimate
    periods: tuple[Any, Any]
    sequences: tuple[str, str]
    n_subjects: int
    n_complete: int
    n_observed: Mapping[str, int]
    variance_between_subjects: float
    variance_within_subjects: float
    boundary: bool
    notes: tuple[str, ...]


def fit_random_intercept(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    visit: str,
    covariates: Sequence[str] = (),
    level: float = 0.95,
) -> RandomIntercept:
    """Fit response ~ treatment x visit + covariate x visit with a random subject.

    Parameters
    ----------
    data : DataFrame
        One row per subject and visit; rows without response or covariate are left
        out, and the others of that subject stay (valid when data are missing at
        random).
    response, subject, treatment, visit : str
        Columns of the response, the subject, the arm and the visit; visits are
        reported in sorted order.
    control : str
        Label of the control arm.
    treatments : sequence of str
        Labels of the other arms.
    covariates : sequence of str
        Columns of numbers; each has a slope per visit.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    RandomIntercept
        By visit: least-squares means at the covariates' mean over the analysed rows
        of that visit, and differences treatment minus control; t intervals with the
        between-subject degrees of freedom, subjects - arms - covariates: smaller
        than Satterthwaite's, hence conservative, and equal to those of the ANCOVA.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described, a subject has two rows
        at one visit, or changes its arm.
    NotEstimableError
        When an arm has no data at a visit, terms cannot be told apart, or no
        subject has two visits.
    ConvergenceError
        When no optimiser of statsmodels reaches the maximum.
    """
    check_level(level)
    rows = complete_rows(
        data, numeric=[response, *covariates], labels=[subject, treatment, visit]
    )
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    check_subjects(rows, subject=subject, occasion=visit, fixed=treatment)
    visits = sorted(rows[visit].unique())
    cells = [(at, arm) for at in visits for arm in arms]
    observed = {
        (at, arm): int(((rows[visit] == at) & (rows[treatment] == arm)).sum())
        for at, arm in cells
    }
    if not visits:
        raise NotEstimableError("There are no complete observations.")
    for (at, arm), count in observed.items():
        if count == 0:
            raise NotEstimableError(f"{arm} has no data at {visit} {at}.")
    labels = list(zip(rows[visit], rows[treatment], strict=True))
    cell_columns = np.column_stack([[x == cell for x in labels] for cell in cells])
    slopes, slope_names, means = _slopes(rows, covariates, visit, visits)
    design = np.column_stack([cell_columns.astype(float), *slopes])
    names = [f"{arm} at {visit} {at}" for at, arm in cells] + slope_names
    y = rows[response].to_numpy(dtype=float)
    fit = _fit(y, design, names, rows[subject])

    n_subjects = {
        arm: int(rows.loc[rows[treatment] == arm, subject].nunique()) for arm in arms
    }
    df = sum(n_subjects.values()) - len(arms) - len(covariates)
    unit = np.eye(design.shape[1])
    place = {cell: i for i, cell in enumerate(cells)}

    def combine(weights: FloatArray) -> Estimate:
        return linear_combination(weights, fit.beta, fit.covariance, df=df, level=level)

    differences = {
        (at, arm): combine(unit[place[at, arm]] - unit[place[at, control]])
        for at, arm in cells
        if arm != control
    }
    return RandomIntercept(
        ls_means=MappingProxyType({c: combine(unit[i]) for c, i in place.items()}),
        differences=MappingProxyType(differences),
        n_subjects=MappingProxyType(n_subjects),
        n_observed=MappingProxyType(observed),
        visits=tuple(visits),
        covariate_means=MappingProxyType(means),
        variance_between_subjects=fit.between,
        variance_within_subjects=fit.within,
        df=df,
        boundary=fit.boundary,
        notes=(BOUNDARY,) if fit.boundary else (),
    )


def _slopes(
    rows: pd.DataFrame, covariates: Sequence[str], visit: str, visits: Sequence[Any]
) -> tuple[list[FloatArray], list[str], dict[tuple[Any, str], float]]:
    """Return one column per covariate and visit, centred over that visit's rows."""
    columns, names, means = [], [], {}
    for name in covariates:
        values = rows[name].to_numpy(dtype=float)
        for at in visits:
            here = (rows[visit] == at).to_numpy()
            means[at, name] = float(values[here].mean())
            if np.ptp(values[here]) == 0:
                raise NotEstimableError(
                    f"The covariate {name} is {values[here][0]:g} in every analysed "
                    f"row of {visit} {at}: it has no slope."
                )
            columns.append(np.where(here, values - means[at, name], 0.0))
            names.append(f"{name} at {visit} {at}")
    return columns, names, means


def fit_crossover(
    data: pd.DataFrame,
    *,
    response: str,
    subject: str,
    treatment: str,
    control: str,
    treatments: Sequence[str],
    period: str,
    sequence: str,
    level: float = 0.95,
) -> Crossover:
    """Fit response ~ treatment + period + sequence with a random subject.

    Parameters
    ----------
    data : DataFrame
        One row per subject and period; rows without a response are left out. A
        subject with one period contributes through the comparison between subjects
        (inter-block information).
    response, subject, treatment, period, sequence : str
        Columns of the response, the subject, the treatment of the period, the period
        and the sequence.
    control : str
        Label of the control treatment.
    treatments : sequence of str
        Label of the other treatment: one.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Crossover
        Means with equal weight on periods and sequences; treatment minus control and
        second minus first period with observations - subjects - 2 degrees of freedom
        (within subjects); second minus first sequence (in sorted order) and the means
        with subjects - 2.

    Raises
    ------
    DataError
        When columns, labels or numbers are not as described, a subject has two rows
        in one period, or changes its sequence, or there are not exactly two
        treatments.
    NotEstimableError
        When a treatment, period or sequence has no data, terms cannot be told
        apart, or no subject has two periods.
    ConvergenceError
        When no optimiser of statsmodels reaches the maximum.

    References: docs/methods/single_trial.md.
    """
    check_level(level)
    rows = complete_rows(
        data, numeric=[response], labels=[subject, treatment, period, sequence]
    )
    arms = check_arms(rows, treatment, control=control, treatments=treatments)
    if len(arms) != 2:
        raise DataError(
            f"{len(arms)} treatments in a two-period crossover",
            column=treatment,
            remedy="name the control and one treatment",
        )
    check_subjects(rows, subject=subject, occasion=period, fixed=sequence)
    first_period, second_period = check_pair(rows, period)
    first_sequence, second_sequence = check_pair(rows, sequence)
    observed = {arm: int((rows[treatment] == arm).sum()) for arm in arms}
    for arm, count in observed.items():
        if count == 0:
            raise NotEstimableError(f"{arm} has no subject with {response}.")

    # Columns of -1/2 and 1/2, so that each coefficient is a difference and the
    # intercept the mean over treatments, periods and sequences at equal weight.
    design = np.column_stack(
        [
            np.ones(len(rows)),
            (rows[treatment] == arms[1]).to_numpy(dtype=float) - 0.5,
            (rows[period] == second_period).to_numpy(dtype=float) - 0.5,
            (rows[sequence] == second_sequence).to_numpy(dtype=float) - 0.5,
        ]
    )
    names = ["mean", treatment, period, sequence]
    fit = _fit(rows[response].to_numpy(dtype=float), design, names, rows[subject])
    per_subject = rows.groupby(subject, observed=True).size()
    n_subjects, n_complete = len(per_subject), int((per_subject == 2).sum())
    within, between = len(rows) - n_subjects - 2, n_subjects - 2

    def combine(*weights: float, df: int) -> Estimate:
        return linear_combination(
            np.array(weights), fit.beta, fit.covariance, df=df, level=level
        )

    notes = [BOUNDARY] if fit.boundary else []
    if n_complete < n_subjects:
        notes.append(
            f"{n_subjects - n_complete} of {n_subjects} subjects have one period and "
            "contribute between subjects"
        )
    return Crossover(
        ls_means=MappingProxyType(
            {
                control: combine(1, -0.5, 0, 0, df=between),
                arms[1]: combine(1, 0.5, 0, 0, df=between),
            }
        ),
        difference=combine(0, 1, 0, 0, df=within),
        period_effect=combine(0, 0, 1, 0, df=within),
        sequence_effect=combine(0, 0, 0, 1, df=between),
        periods=(first_period, second_period),
        sequences=(first_sequence, second_sequence),
        n_subjects=n_subjects,
        n_complete=n_complete,
        n_observed=MappingProxyType(observed),
        variance_between_subjects=fit.between,
        variance_within_subjects=fit.within,
        boundary=fit.boundary,
        notes=tuple(notes),
    )


def _fit(
    y: FloatArray, design: FloatArray, names: Sequence[str], subjects: pd.Series
) -> RestrictedFit:
    check_design(design, names)
    codes, _ = pd.factorize(subjects)
    profile = Profile(y, design, codes)
    fit = maximise(profile)
    if not fit.boundary:
        _confirm_with_statsmodels(y, design, codes, profile, fit)
    return fit


def _confirm_with_statsmodels(
    y: FloatArray, design: FloatArray, codes: Any, profile: Profile, ours: RestrictedFit
) -> None:
    """Raise ConvergenceError unless an optimiser of statsmodels gets to `ours`."""
    problems = []
    for optimiser in OPTIMISERS:
        problem = _attempt(y, design, codes, optimiser, profile, ours)
        if problem is None:
            return
        problems.append(f"{optimiser}: {problem}")
    said = "; ".join(problems)
    raise ConvergenceError(f"The mixed model did not converge: {said}.")


def _attempt(
    y: FloatArray,
    design: FloatArray,
    codes: Any,
    optimiser: str,
    profile: Profile,
    ours: RestrictedFit,
) -> str | None:
    """Fit by statsmodels and return what is wrong with its answer, if anything."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = MixedLM(y, design, groups=codes).fit(reml=True, method=[optimiser])
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as reason:
            return f"{type(reason).__name__}: {reason}"
    said = [str(warning.message) for warning in caught]
    faults = [text for text in said if not text.startswith(_TOLERATED)]
    if faults:
        return faults[0].rstrip(".")
    beta = np.asarray(fit.fe_params, dtype=float)
    between, within = float(np.asarray(fit.cov_re)[0, 0]), float(fit.scale)
    if not fit.converged:
        return "it reports no convergence"
    if not np.isfinite([*beta, between, within]).all() or within <= 0:
        return "the estimates are not finite"
    if (beta == 0).all():
        return "every coefficient is exactly 0"
    ratio = between / within
    loss = profile.log_likelihood(ours.between / ours.within)
    loss -= profile.log_likelihood(ratio)
    if loss > LIKELIHOOD_TOLERANCE:
        return f"it stopped {loss:.2g} below the highest restricted log-likelihood"
    errors = np.sqrt(np.diag(ours.covariance))
    shift = float(np.max(np.abs(beta - ours.beta) / errors))
    if shift > COEFFICIENT_TOLERANCE:
        return f"a coefficient is {shift:.2g} standard errors away from the maximum"
    return None
