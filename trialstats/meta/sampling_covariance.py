"""Covariance of the sampling errors of effects that come from the same participants."""

from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, numbers, refuse, row_label, same_length
from trialstats.meta.multilevel_inputs import AGREES, read_factor


def sampling_covariance(
    variance: Any = None,
    *,
    cluster: Any,
    correlation: Any = None,
    kind: Any = None,
    time: Any = None,
    autocorrelation: float | None = None,
    covariances: Any = None,
    data: pd.DataFrame | None = None,
) -> FloatArray:
    """Return V, block-diagonal by cluster.

    Two effects i and j of a cluster have covariance r_ij sqrt(v_i v_j); effects of
    different clusters none. r_ij is `correlation`, times
    ``autocorrelation ** |time_i - time_j|`` when times are given.

    Parameters
    ----------
    variance : array_like of shape (k,) or str, optional
        Sampling variances, not standard errors. Absent with `covariances`.
    cluster : array_like of shape (k,) or str
        Trial (or sample of participants) of each effect.
    correlation : float or DataFrame, optional
        Correlation of two effects of a cluster; or a symmetric matrix of correlations
        with the labels of `kind` as index and columns, whose diagonal is the
        correlation of two effects of one kind (1 in a correlation matrix: such
        effects would be the same measurement).
    kind : array_like of shape (k,) or str, optional
        What an effect measures; needed with a matrix.
    time : array_like of shape (k,) or str, optional
        When an effect was measured.
    autocorrelation : float, optional
        Correlation of measurements one unit of time apart.
    covariances : sequence of str, DataFrame or array_like of shape (k, m), optional
        Rows of the covariance matrix of each cluster, as they stand in many data sets:
        the row of the j-th effect of a cluster (in the order of the rows) has its
        covariance with the l-th in column l. Instead of the other arguments.
    data : DataFrame, optional

    Returns
    -------
    ndarray of shape (k, k)

    Raises
    ------
    DataError
        For a correlation outside [-1, 1], rows of `covariances` that are not
        symmetric, or arguments that do not go together.

    Notes
    -----
    Whether V is positive definite is checked where it is used.

    Examples
    --------
    >>> sampling_covariance([1.0, 4.0, 1.0], cluster=["a", "a", "b"], correlation=0.5)
    array([[1., 1., 0.],
           [1., 4., 0.],
           [0., 0., 1.]])
    """
    if covariances is not None:
        return _given_rows(cluster, covariances, data)
    v = numbers("variance", variance, data=data)
    refuse(
        v <= 0, "the sampling variance is not above zero", column="variance", values=v
    )
    codes, _ = read_factor("cluster", cluster, data, len(v))
    related = _correlations(correlation, kind, data, len(v))
    if (time is None) != (autocorrelation is None):
        raise DataError("time and autocorrelation go together", remedy="pass both")
    if time is not None and autocorrelation is not None:
        related = related * _decay(time, autocorrelation, data, v)
    np.fill_diagonal(related, 1.0)
    together = codes[:, None] == codes[None, :]
    deviation = np.sqrt(v)
    matrix = np.where(together, related * np.outer(deviation, deviation), 0.0)
    np.fill_diagonal(matrix, v)
    return np.asarray(matrix)


def _correlations(
    correlation: Any, kind: Any, data: pd.DataFrame | None, k: int
) -> FloatArray:
    if correlation is None:
        return np.ones((k, k))
    if isinstance(correlation, pd.DataFrame):
        if kind is None:
            raise DataError(
                "a matrix of correlations needs to know what each effect measures",
                remedy="pass kind=",
            )
        codes, labels = read_factor("kind", kind, data, k)
        absent = [
            label
            for label in labels
            if label not in correlation.index or label not in correlation.columns
        ]
        if absent:
            raise DataError(
                f"the correlations have no row or column {absent[0]!r}",
                column="correlation",
            )
        table = correlation.loc[list(labels), list(labels)].to_numpy(dtype=float)
        _check_correlations(table)
        if not np.allclose(table, table.T, rtol=0, atol=AGREES):
            raise DataError(
                "the matrix of correlations is not symmetric", column="correlation"
            )
        return np.asarray(table[np.ix_(codes, codes)]).copy()
    value = float(numbers("correlation", correlation, data=None)[0])
    _check_correlations(np.array([value]))
    if kind is not None:
        raise DataError(
            "kind is read with a matrix of correlations only",
            remedy="pass correlation as a DataFrame, or leave kind out",
        )
    return np.full((k, k), value)


def _check_correlations(values: FloatArray) -> None:
    wrong = ~(np.abs(values) <= 1)
    if wrong.any():
        raise DataError(
            "not a correlation",
            column="correlation",
            value=float(values[wrong][0]),
            remedy="write a number from -1 to 1",
        )


def _decay(
    time: Any, autocorrelation: float, data: pd.DataFrame | None, v: FloatArray
) -> FloatArray:
    if not 0 <= autocorrelation <= 1:
        raise DataError(
            "not a correlation of times",
            column="autocorrelation",
            value=autocorrelation,
            remedy="write a number from 0 to 1",
        )
    t = numbers("time", time, data=data)
    same_length({"variance": v, "time": t})
    return np.asarray(np.power(autocorrelation, np.abs(t[:, None] - t[None, :])))


def _given_rows(
    cluster: Any, covariances: Any, data: pd.DataFrame | None
) -> FloatArray:
    if isinstance(covariances, list | tuple) and isinstance(covariances[0], str):
        columns = [numbers(name, name, data=data) for name in covariances]
        rows = np.column_stack(columns)
    else:
        rows = np.asarray(covariances, dtype=float)
    k = len(rows)
    codes, labels = read_factor("cluster", cluster, data, k)
    matrix = np.zeros((k, k))
    for code, label in enumerate(labels):
        own = np.flatnonzero(codes == code)
        if len(own) > rows.shape[1]:
            raise DataError(
                f"cluster {label!r} has {len(own)} effects, and there are "
                f"{rows.shape[1]} columns of covariances",
                row=row_label(int(own[-1])),
            )
        block = rows[own, : len(own)]
        uneven = np.abs(block - block.T) > AGREES * np.abs(block).max()
        if uneven.any():
            at = int(own[np.nonzero(uneven)[0][0]])
            raise DataError(
                f"the covariances of cluster {label!r} are not symmetric",
                row=row_label(at),
                remedy="the j-th effect of a cluster has its variance in column j",
            )
        matrix[np.ix_(own, own)] = (block + block.T) / 2
    return matrix
