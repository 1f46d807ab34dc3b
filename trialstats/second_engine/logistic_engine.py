"""Logistic regression by iterated weighted least squares, written out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from trialstats.errors import NotEstimableError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regression:
    """Coefficients by column, and the deviance."""

    coefficients: Mapping[str, Mapping[str, float]]
    deviance: float


def design_of(
    data: pd.DataFrame, columns: Sequence[str], references: Mapping[str, str]
) -> tuple[FloatArray, list[str]]:
    """Return indicators of labels and numbers as they are, one column a coefficient.

    Parameters
    ----------
    data : DataFrame
        Complete rows.
    columns : sequence of str
        Columns in the order of the model.
    references : mapping of str to str
        Level to compare with, by column; the first in alphabetical order otherwise.

    Returns
    -------
    tuple of (array, list of str)
        Without an intercept; names are ``column`` or ``column=level``.
    """
    made, names = [], []
    for column in columns:
        if pd.api.types.is_numeric_dtype(data[column]):
            made.append(data[column].to_numpy(dtype=float))
            names.append(column)
            continue
        levels = sorted(str(level) for level in data[column].unique())
        reference = references.get(column, levels[0])
        for level in levels:
            if level != reference:
                made.append((data[column].astype(str) == level).to_numpy(dtype=float))
                names.append(f"{column}={level}")
    if not made:
        return np.empty((len(data), 0)), names
    return np.column_stack(made), names


def logistic(
    response: FloatArray, design: FloatArray, names: Sequence[str], level: float
) -> Regression:
    """Fit a logistic regression with an intercept.

    Raises
    ------
    NotEstimableError
        When the iteration does not settle: the responses are separated, or a column
        depends on others.
    """
    x = np.column_stack([np.ones(len(response)), design])
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        chance = 1 / (1 + np.exp(-(x @ beta)))
        weight = chance * (1 - chance)
        information = x.T @ (weight[:, None] * x)
        if np.linalg.matrix_rank(information) < len(beta):
            raise NotEstimableError("The information has not full rank.")
        step = np.linalg.solve(information, x.T @ (response - chance))
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    else:
        raise NotEstimableError("The iteration does not settle.")
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    quantile = float(stats.norm.ppf((1 + level) / 2))
    found = {
        name: {
            "estimate": float(b),
            "standard_error": float(se),
            "ci_lower": float(b - quantile * se),
            "ci_upper": float(b + quantile * se),
            "p_value": float(2 * stats.norm.sf(abs(b / se))),
        }
        for name, b, se in zip(("Intercept", *names), beta, errors, strict=True)
    }
    signed = (2 * response - 1) * (x @ beta)
    return Regression(found, float(2 * np.log1p(np.exp(-signed)).sum()))
