"""Prediction of unobserved visits, and simulation, from a fitted model."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.fixed_effects.columns import numbers_of
from trialstats.linear_model import FloatArray
from trialstats.mmrm.pseudo_subjects import IntArray
from trialstats.mmrm.residuals import subject_factors

if TYPE_CHECKING:
    from trialstats.mmrm.result import Mmrm

COLUMNS = ["prediction", "standard_error", "standard_deviation"]


def predict_conditional(fit: "Mmrm", frame: pd.DataFrame) -> pd.DataFrame:
    """Predict the missing responses of each subject from its others."""
    values = _responses(fit, frame)
    design = fit.design.rows_for(frame)
    mean = design @ fit.beta
    subject = _subjects(fit, frame)
    place = _places(fit, frame, subject)
    group = _groups(fit, frame, subject)
    result = np.full((len(frame), len(COLUMNS)), np.nan)
    for rows in _alike(subject, place, group, np.isnan(values)):
        first = rows[0]
        sigma = _covariance(fit, int(group[first[0]]), place[first])
        result[rows] = _of_pattern(
            design[rows], mean[rows], values[rows], sigma, fit.model_covariance
        )
    return pd.DataFrame(result, index=frame.index, columns=COLUMNS)


def _of_pattern(
    design: FloatArray,
    mean: FloatArray,
    values: FloatArray,
    sigma: FloatArray,
    covariance: FloatArray,
) -> FloatArray:
    """Return prediction, its error and the total spread of subjects alike, (s, m, 3).

    They have the same visits, (m,), and lack the same responses.
    """
    known = ~np.isnan(values[0])
    lacks = ~known
    result = np.zeros((*values.shape, len(COLUMNS)))
    result[:, known, 0] = values[:, known]
    if not lacks.any():
        return result
    gain = np.linalg.solve(sigma[np.ix_(known, known)], sigma[np.ix_(known, lacks)]).T
    result[:, lacks, 0] = mean[:, lacks] + (values - mean)[:, known] @ gain.T
    shift = design[:, lacks] - gain @ design[:, known]
    error = np.einsum("sip,pq,siq->si", shift, covariance, shift, optimize=True)
    left = sigma[np.ix_(lacks, lacks)] - gain @ sigma[np.ix_(known, lacks)]
    result[:, lacks, 1] = np.sqrt(error)
    result[:, lacks, 2] = np.sqrt(error + np.diag(left))
    return result


def _responses(fit: "Mmrm", frame: pd.DataFrame) -> FloatArray:
    """Return the responses, NaN where they are to be predicted."""
    if fit.weights is not None:
        raise DataError(
            "conditional prediction has no weights for new rows",
            remedy="fit without weights",
        )
    response = fit.design.response_name
    for name in (*(c for c in fit.columns if c is not None), response):
        if name not in frame:
            raise DataError(
                "the column is absent",
                column=name,
                remedy="the response has to be a column, not an expression"
                if name == response
                else None,
            )
    values = numbers_of(frame[response], response)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise _at(frame, row, response, "the response is infinite")
    return np.array(values)


def _subjects(fit: "Mmrm", frame: pd.DataFrame) -> IntArray:
    subject = fit.columns[0]
    codes, _ = pd.factorize(frame[subject])
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise _at(frame, row, subject, "the subject is missing")
    return codes.astype(np.int64)


def _places(fit: "Mmrm", frame: pd.DataFrame, subject: IntArray) -> Any:
    """Return the visit, or for spatial structures the time, of each row."""
    visit = fit.columns[1]
    if fit.likelihood.structure.spatial:
        place = numbers_of(frame[visit], visit)
        unknown = ~np.isfinite(place)
        what = "the time is not a finite number"
    else:
        place = pd.Index(fit.layout.visits, dtype=object).get_indexer(
            frame[visit].astype(object)
        )
        unknown = place < 0
        what = "not a visit of the fit"
    if unknown.any():
        raise _at(frame, int(np.flatnonzero(unknown)[0]), visit, what)
    twice = pd.DataFrame({"subject": subject, "place": place}).duplicated().to_numpy()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise _at(frame, row, visit, "a subject has two rows at one visit")
    return np.asarray(place)


def _groups(fit: "Mmrm", frame: pd.DataFrame, subject: IntArray) -> IntArray:
    """Return the covariance group of each row, one per subject."""
    group = fit.columns[2]
    if group is None:
        return np.zeros(len(frame), dtype=np.int64)
    codes = pd.Index(fit.layout.groups, dtype=object).get_indexer(
        frame[group].astype(object)
    )
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise _at(frame, row, group, "not a group of the fit")
    of_subject = np.zeros(int(subject.max(initial=0)) + 1, dtype=np.int64)
    of_subject[subject] = codes
    if (of_subject[subject] != codes).any():
        row = int(np.flatnonzero(of_subject[subject] != codes)[0])
        raise _at(frame, row, group, "a subject is in two groups")
    return np.asarray(codes, dtype=np.int64)


def _alike(
    subject: IntArray, place: Any, group: IntArray, lacks: Any
) -> list[IntArray]:
    """Return the rows, (s, m), of subjects with the same visits, group and gaps."""
    order = np.lexsort((place, subject))
    starts = np.flatnonzero(np.diff(subject[order], prepend=-1))
    found: dict[Any, list[IntArray]] = {}
    for rows in np.split(order, starts[1:]):
        if len(rows):
            key = (int(group[rows[0]]), place[rows].tobytes(), lacks[rows].tobytes())
            found.setdefault(key, []).append(rows)
    return [np.array(rows) for rows in found.values()]


def _covariance(fit: "Mmrm", group: int, place: Any) -> FloatArray:
    """Return the covariance at visits or times."""
    theta = fit.likelihood.parts(fit.theta)[group]
    if fit.likelihood.structure.spatial:
        distance = np.abs(np.subtract.outer(place, place))
        return fit.likelihood.structure.matrix(theta, distance)
    t = len(fit.layout.visits)
    sigma = fit.likelihood.structure.matrix(theta, np.zeros((t, t)))
    return np.asarray(sigma[np.ix_(place, place)])


def _at(frame: pd.DataFrame, row: int, column: str, what: str) -> DataError:
    value = frame[column].iloc[row]
    return DataError(
        what,
        row=str(frame.index[row]),
        column=column,
        value=value.item() if isinstance(value, np.generic) else value,
        remedy="mend the row or leave it out",
    )


def simulate(
    fit: "Mmrm", n_draws: int, random: np.random.Generator | int
) -> FloatArray:
    """Draw responses from the fitted model, (n_draws, n)."""
    seeded = isinstance(random, np.random.Generator | int | np.integer)
    if not seeded or (not isinstance(random, np.random.Generator) and random < 0):
        raise DataError(
            "no seed", value=random, remedy="write a whole number or a numpy Generator"
        )
    if not isinstance(n_draws, int | np.integer) or n_draws < 0:
        raise DataError(
            "no number of draws", value=n_draws, remedy="write a whole number"
        )
    mean = fit.fitted()
    factor = subject_factors(fit)
    observed = fit.layout.observed
    noise = np.random.default_rng(random).standard_normal((n_draws, *observed.shape))
    # Visits that are not observed have rows of the identity, which nothing reads.
    correlated = (factor @ noise[..., None])[..., 0]
    result = np.empty((n_draws, len(mean)))
    result[:, fit.layout.positions[observed]] = correlated[:, observed]
    return np.asarray(result + mean)
