"""What the linear models share: complete rows, full rank, estimates with t intervals.

``y = X beta + e``. A model states which linear combinations ``w' beta`` it reports,
their covariance and their degrees of freedom; the interval follows here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from scipy import linalg, stats

from trialstats.errors import DataError, NotEstimableError

FloatArray = NDArray[np.float64]

#: Columns of a design whose pivot, relative to the largest, is smaller than this are
#: linear combinations of the others; rounding in centred columns stays well below.
RANK_TOLERANCE = 1e-9

#: Residuals smaller than this share of the response are rounding, not variation.
ZERO_RESIDUAL = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A linear combination of coefficients with its t interval and two-sided test."""

    estimate: float
    standard_error: float
    df: float
    level: float
    ci_lower: float
    ci_upper: float
    statistic: float
    p_value: float

    def __str__(self) -> str:
        """Return the estimate with its standard error."""
        return f"{self.estimate:.6g} ({self.standard_error:.4g})"


def t_estimate(
    estimate: float, standard_error: float, *, df: float, level: float
) -> Estimate:
    """Return an estimate with its t interval and the test of zero.

    Parameters
    ----------
    estimate, standard_error : float
        In the unit of the response; the error is positive.
    df : float
        Degrees of freedom, positive.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Estimate

    Raises
    ------
    NotEstimableError
        When the standard error is not positive and finite, or `df` is not positive.
    """
    if df <= 0:
        raise NotEstimableError(f"No degrees of freedom are left: {df:g}.")
    if not (np.isfinite(standard_error) and standard_error > 0):
        raise NotEstimableError(
            f"The standard error is {standard_error:g}: the data leave no variation."
        )
    half_width = float(stats.t.isf((1 - level) / 2, df)) * standard_error
    statistic = estimate / standard_error
    return Estimate(
        estimate=float(estimate),
        standard_error=float(standard_error),
        df=float(df),
        level=level,
        ci_lower=float(estimate - half_width),
        ci_upper=float(estimate + half_width),
        statistic=float(statistic),
        p_value=float(2 * stats.t.sf(abs(statistic), df)),
    )


def linear_combination(
    weights: FloatArray,
    beta: FloatArray,
    covariance: FloatArray,
    *,
    df: float,
    level: float,
) -> Estimate:
    """Return ``w' beta`` with its t interval.

    Parameters
    ----------
    weights, beta : ndarray of shape (p,)
        Weights and coefficients.
    covariance : ndarray of shape (p, p)
        Covariance of the coefficients.
    df : float
        Degrees of freedom of this combination.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Estimate
    """
    variance = float(weights @ covariance @ weights)
    return t_estimate(
        float(weights @ beta), max(variance, 0.0) ** 0.5, df=df, level=level
    )


def check_level(level: float) -> None:
    """Raise DataError unless `level` is a number in (0, 1)."""
    number = isinstance(level, (int, float, np.integer, np.floating))
    if not number or not 0 < level < 1:
        raise DataError(
            "the confidence level is not between 0 and 1",
            value=level,
            remedy="write 0.95 for 95%",
        )


def complete_rows(
    data: pd.DataFrame, *, numeric: Sequence[str], labels: Sequence[str]
) -> pd.DataFrame:
    """Return the rows in which every numeric column has a value.

    Parameters
    ----------
    data : DataFrame
        One row per observation.
    numeric : sequence of str
        Columns of numbers; rows that miss one of them are left out.
    labels : sequence of str
        Columns of labels; these may not be missing in the rows that are left.

    Returns
    -------
    DataFrame
        The columns named, numbers as float64, labels as they are.

    Raises
    ------
    DataError
        When a column is absent, a label is missing, or a number is text or infinite.
    """
    absent = [name for name in [*numeric, *labels] if name not in data.columns]
    if absent:
        raise DataError(
            f"no column {', '.join(map(repr, absent))}",
            remedy=f"the columns are {', '.join(map(str, data.columns))}",
        )
    for name in [*numeric, *labels]:
        if isinstance(data[name], pd.DataFrame):
            raise DataError("more than one column has this name", column=name)
    columns: dict[str, Any] = {name: _floats(data[name], name) for name in numeric}
    used = ~np.isnan([*columns.values(), np.zeros(len(data))]).any(axis=0)
    for name in labels:
        missing = data[name].isna().to_numpy() & used
        if missing.any():
            raise DataError(
                "a label is missing",
                row=str(data.index[int(missing.argmax())]),
                column=name,
            )
        columns[name] = data[name].to_numpy(dtype=object)
    return pd.DataFrame(columns, index=data.index).iloc[np.flatnonzero(used)]


def _floats(column: pd.Series, name: str) -> FloatArray:
    dtype = column.dtype
    if (
        not types.is_numeric_dtype(dtype)
        or types.is_bool_dtype(dtype)
        or types.is_complex_dtype(dtype)
    ):
        # An object column of numbers may hold text further down.
        raise DataError(
            f"the column is not numeric but {dtype}",
            column=name,
            remedy="convert it to numbers, for example with pd.to_numeric",
        )
    values = column.to_numpy(dtype=float, na_value=np.nan)
    endless = np.isinf(values)
    if endless.any():
        at = int(endless.argmax())
        raise DataError(
            "the number is infinite",
            row=str(column.index[int(at)]),
            column=name,
            value=values[at],
        )
    return values


def check_arms(
    data: pd.DataFrame, column: str, *, control: str, treatments: Sequence[str]
) -> list[str]:
    """Return the arms, control first, after checking the labels of `column`.

    Raises
    ------
    DataError
        When a label is no arm, or the arms named are not different from each other.
    """
    arms = [control, *treatments]
    if len(arms) < 2 or len(set(arms)) < len(arms):
        raise DataError(
            f"the arms are {_listed(arms)}",
            column=column,
            remedy="name the control and at least one treatment, each once",
        )
    known = data[column].isin(arms).to_numpy()
    if not known.all():
        at = int((~known).argmax())
        raise DataError(
            "not an arm of this comparison",
            row=str(data.index[at]),
            column=column,
            value=data[column].iloc[at],
            remedy=f"the arms are {_listed(arms)}",
        )
    return arms


def check_subjects(
    rows: pd.DataFrame, *, subject: str, occasion: str, fixed: str
) -> None:
    """Raise DataError when a subject repeats an occasion or changes what is fixed."""
    repeated = rows.duplicated([subject, occasion]).to_numpy()
    if repeated.any():
        at = int(repeated.argmax())
        raise DataError(
            f"subject {rows[subject].iloc[at]} has two records at {occasion} "
            f"{rows[occasion].iloc[at]}",
            row=str(rows.index[at]),
            column=occasion,
            remedy="flag one record for analysis",
        )
    pairs = rows.drop_duplicates([subject, fixed])
    changed = pairs.loc[pairs[subject].duplicated(), subject].tolist()
    if changed:
        raise DataError(
            f"subject {changed[0]} has more than one value of {fixed}",
            column=fixed,
            remedy="give each subject one",
        )


def check_design(design: FloatArray, names: Sequence[str]) -> None:
    """Check that every coefficient of a design can be told from the others.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        One row an observation.
    names : sequence of str
        What the columns stand for, in words.

    Raises
    ------
    NotEstimableError
        When there are not more rows than coefficients, or columns depend on others;
        the message names them.
    """
    n, p = design.shape
    if n <= p:
        raise NotEstimableError(
            f"{n} observations cannot estimate {p} coefficients and a variance."
        )
    size = np.sqrt((design**2).sum(axis=0))
    empty = [name for name, length in zip(names, size, strict=True) if length == 0]
    if empty:
        raise NotEstimableError(f"No data, or no variation, in {_listed(empty)}.")
    triangle, pivots = linalg.qr(design / size, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle[:p]))
    dependent = [names[j] for j in pivots[diagonal < RANK_TOLERANCE * diagonal[0]]]
    if dependent:
        raise NotEstimableError(
            f"{_listed(sorted(dependent))} cannot be told from the other terms "
            "of the model."
        )


def check_residuals(residual_sum: float, response: FloatArray, degrees: int) -> None:
    """Raise NotEstimableError when the model fits the response without residual."""
    spread = float(((response - response.mean()) ** 2).sum())
    size = max(spread, ZERO_RESIDUAL * float((response**2).sum()))
    if degrees < 1 or residual_sum <= ZERO_RESIDUAL * size:
        raise NotEstimableError(
            "The residual variance is zero: there is no error to judge the "
            "difference by."
        )


def indicators(labels: Iterable[Any], levels: Sequence[Any]) -> FloatArray:
    """Return one column of zeros and ones per level, of shape (n, number of levels)."""
    values = np.asarray(list(labels), dtype=object)
    return np.column_stack([(values == level).astype(float) for level in levels])


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))
