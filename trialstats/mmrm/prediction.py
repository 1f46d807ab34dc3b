"""Prediction of unobserved visits, and simulation, from a fitted model."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.linear_model import FloatArray
from trialstats.mmrm.residuals import subject_factors

if TYPE_CHECKING:
    from trialstats.mmrm.result import Mmrm


def predict_conditional(fit: "Mmrm", frame: pd.DataFrame) -> pd.DataFrame:
    """Predict the missing responses of each subject from its others."""
    subject, visit, group = fit.columns
    response = fit.design.response_name
    needed = [name for name in (subject, visit, group, response) if name is not None]
    for name in needed:
        if name not in frame:
            raise DataError("the column is absent", column=name)
    if fit.weights is not None:
        raise DataError(
            "conditional prediction has no weights for new rows",
            remedy="fit without weights",
        )
    design = fit.design.rows_for(frame)
    values = pd.to_numeric(frame[response], errors="coerce").to_numpy(dtype=float)
    mean = design @ fit.beta
    result = np.empty((len(frame), 3))
    for rows in frame.groupby(subject, sort=False, observed=True).indices.values():
        sigma = _covariance(fit, frame.iloc[rows])
        result[rows] = _of_subject(
            design[rows], mean[rows], values[rows], sigma, fit.model_covariance
        )
    return pd.DataFrame(
        result,
        index=frame.index,
        columns=["prediction", "standard_error", "standard_deviation"],
    )


def _of_subject(
    design: FloatArray,
    mean: FloatArray,
    values: FloatArray,
    sigma: FloatArray,
    covariance: FloatArray,
) -> FloatArray:
    """Return prediction, its error and the total spread of one subject's rows."""
    known = ~np.isnan(values)
    result = np.zeros((len(values), 3))
    result[known, 0] = values[known]
    lacks = ~known
    if not lacks.any():
        return result
    gain = np.linalg.solve(sigma[np.ix_(known, known)], sigma[np.ix_(known, lacks)]).T
    result[lacks, 0] = mean[lacks] + gain @ (values[known] - mean[known])
    shift = design[lacks] - gain @ design[known]
    error = np.einsum("ip,pq,iq->i", shift, covariance, shift)
    spread = np.diag(sigma[np.ix_(lacks, lacks)] - gain @ sigma[np.ix_(known, lacks)])
    result[lacks, 1] = np.sqrt(error)
    result[lacks, 2] = np.sqrt(error + spread)
    return result


def _covariance(fit: "Mmrm", rows: pd.DataFrame) -> FloatArray:
    """Return the covariance of one subject's rows."""
    _, visit, group = fit.columns
    label = fit.layout.groups[0] if group is None else rows[group].iloc[0]
    if label not in fit.layout.groups:
        raise DataError("not a group of the fit", column=group, value=label)
    theta = fit.likelihood.parts(fit.theta)[fit.layout.groups.index(label)]
    if fit.likelihood.structure.spatial:
        times = rows[visit].to_numpy(dtype=float)
        if not np.isfinite(times).all():
            raise DataError(
                "the time is not a finite number",
                column=visit,
                value=float(times[~np.isfinite(times)][0]),
                remedy="write a number or leave the row out",
            )
        distance = np.abs(np.subtract.outer(times, times))
        return fit.likelihood.structure.matrix(theta, distance)
    places = [fit.layout.visits.index(at) for at in _known(fit, rows[visit])]
    t = len(fit.layout.visits)
    sigma = fit.likelihood.structure.matrix(theta, np.zeros((t, t)))
    return sigma[np.ix_(places, places)]


def _known(fit: "Mmrm", visits: pd.Series) -> list[object]:
    for at in visits:
        if at not in fit.layout.visits:
            raise DataError("not a visit of the fit", column=str(visits.name), value=at)
    if visits.duplicated().any():
        raise DataError(
            "a subject has two rows at one visit",
            column=str(visits.name),
            value=visits[visits.duplicated()].iloc[0],
            remedy="keep one row per subject and visit",
        )
    return list(visits)


def simulate(fit: "Mmrm", n_draws: int, random: np.random.Generator) -> FloatArray:
    """Draw responses from the fitted model, (n_draws, n)."""
    mean = fit.fitted()
    factor = subject_factors(fit)
    observed = fit.layout.observed
    noise = random.standard_normal((n_draws, *observed.shape))
    # Visits that are not observed have rows of the identity, which nothing reads.
    correlated = (factor @ noise[..., None])[..., 0]
    result = np.empty((n_draws, len(mean)))
    result[:, fit.layout.positions[observed]] = correlated[:, observed]
    return np.asarray(result + mean)
