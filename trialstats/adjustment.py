"""Columns that adjust a comparison of arms: covariates, and factors of labels.

    x_ij - mean(x_j),    1[f_i = l] - w_l

Numbers are centred at their mean, indicators of a factor's levels (without its first)
at the weights with which the factor is averaged. The coefficient of an arm's own
indicator is then that arm's least-squares mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from trialstats.errors import DataError, NotEstimableError
from trialstats.fixed_effects.columns import labels_of
from trialstats.linear_model import FloatArray, check_design, check_residuals

Weights = Literal["equal", "proportional"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Columns beside those of the arms.

    Attributes
    ----------
    columns : (n, k) array
    names : tuple of k str
        What each column stands for, in words.
    means : mapping
        Covariate -> its mean over the rows.
    shares : mapping
        Factor -> level -> weight of the level in a least-squares mean.
    """

    columns: FloatArray
    names: tuple[str, ...]
    means: Mapping[str, float]
    shares: Mapping[str, Mapping[Any, float]]


@dataclass(frozen=True, slots=True)
class Fit:
    """Ordinary least squares: coefficients, their covariance, and what is left."""

    beta: FloatArray
    covariance: FloatArray
    residual_sum: float
    df: int


def adjustment_of(
    rows: pd.DataFrame,
    covariates: Sequence[str],
    factors: Sequence[str],
    weights: Weights = "equal",
) -> Adjustment:
    """Return the adjusting columns of complete rows.

    Parameters
    ----------
    rows : DataFrame
        Without missing values, numbers as floats.
    covariates, factors : sequence of str
        Columns of numbers, and of labels; numbers among the factors are labels too.
    weights : {"equal", "proportional"}
        Levels of a factor count alike in a mean, or in proportion to their rows
        (observed margins).

    Raises
    ------
    NotEstimableError
        When a covariate is constant, or a factor has one level.
    """
    if weights not in ("equal", "proportional"):
        raise DataError(
            "no such weights", value=weights, remedy="write equal or proportional"
        )
    columns, names = [np.zeros((len(rows), 0))], []
    means: dict[str, float] = {}
    shares: dict[str, Mapping[Any, float]] = {}
    for name in covariates:
        means[name] = float(rows[name].mean())
        columns.append(_centred(rows[name].to_numpy(dtype=float), name)[:, None])
        names.append(name)
    for name in factors:
        found = labels_of(rows[name], name)
        size = len(found.levels)
        if size < 2:
            levels = ", ".join(map(str, found.levels)) or "none"
            raise NotEstimableError(f"Only one level of {name} has data: {levels}.")
        counts = np.bincount(found.codes, minlength=size)
        share = counts / counts.sum() if weights == "proportional" else None
        share = np.full(size, 1 / size) if share is None else share
        indicator = (found.codes[:, None] == np.arange(1, size)).astype(float)
        columns.append(indicator - share[1:])
        names += [f"{name} = {level}" for level in found.levels[1:]]
        shares[name] = MappingProxyType(
            dict(zip(found.levels, share.tolist(), strict=True))
        )
    return Adjustment(
        np.hstack(columns),
        tuple(names),
        MappingProxyType(means),
        MappingProxyType(shares),
    )


def check_roles(
    single: Mapping[str, str], several: Mapping[str, Sequence[str]]
) -> None:
    """Raise DataError when a column has two roles, or a role is not given by names.

    Parameters
    ----------
    single, several : mapping
        Role, in words -> the name of its column; -> the names of its columns.
    """
    taken: dict[str, str] = {}
    for role, name in single.items():
        if not isinstance(name, str):
            raise DataError(f"the {role} is no name of a column", value=name)
        _take(taken, name, role)
    for role, names in several.items():
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise DataError(
                f"the {role} are no list of names",
                value=names,
                remedy="write the names in brackets",
            )
        for name in names:
            _take(taken, name, role)


def _take(taken: dict[str, str], name: str, role: str) -> None:
    if name in taken:
        raise DataError(
            f"the column has two roles: {taken[name]} and {role}",
            column=str(name),
            remedy="name it once",
        )
    taken[name] = role


def least_squares(
    response: FloatArray, design: FloatArray, names: Sequence[str]
) -> Fit:
    """Fit a design of full rank by ordinary least squares.

    Raises
    ------
    NotEstimableError
        When columns depend on each other, rows are too few, or nothing is left over.
    """
    from statsmodels.regression.linear_model import OLS

    check_design(design, names)
    fit = OLS(response, design).fit(method="qr")
    df = len(response) - design.shape[1]
    check_residuals(float(fit.ssr), response, df)
    return Fit(np.asarray(fit.params), np.asarray(fit.cov_params()), float(fit.ssr), df)


def _centred(values: FloatArray, name: str) -> FloatArray:
    if np.ptp(values) == 0:
        raise NotEstimableError(
            f"The covariate {name} is {values[0]:g} in every analysed row: "
            "it has no slope."
        )
    return np.asarray(values - values.mean())
