"""Cochran-Mantel-Haenszel tests of rows against columns in several tables of counts.

In stratum h, with the margins r and c of its table and N subjects, the counts have
under the hypothesis of no association the mean and covariance of a random permutation:

    E n_ij = r_i c_j / N
    Cov(n_ij, n_kl) = r_i (d_ik N - r_k) c_j (d_jl N - c_l) / (N^2 (N - 1))

A statistic is G' V^-1 G with G the sum over strata of A (n - E n) and V that of
A Cov(n) A'. A takes the cells themselves (general association), the mean score of each
row (row means) or one product of scores (correlation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from trialstats.errors import DataError, NotEstimableError

_Array = NDArray[np.float64]

#: The three statistics -> the alternative that each is sensitive to, in words.
ALTERNATIVES = {
    "correlation": "scores of rows and columns are correlated",
    "row_means": "mean scores of the rows differ",
    "general_association": "rows and columns are associated in any way",
}

#: Kinds of scores, in words.
SCORES = {
    "table": "table scores",
    "rank": "rank scores (midranks within the stratum)",
    "ridit": "ridit scores (midranks over N within the stratum)",
    "modified_ridit": "modified ridit scores (midranks over N + 1 within the stratum)",
}

#: A covariance whose smallest eigenvalue, as a correlation, is below this is singular.
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True)
class CmhTest:
    """One Cochran-Mantel-Haenszel test.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square statistic, its degrees of freedom and p-value.
    n_strata : int
        Number of strata with counts.
    n_informative : int
        Number of them in which something could have come out differently.
    """

    statistic: float
    df: int
    p_value: float
    n_strata: int
    n_informative: int


def cmh_test(
    tables: Sequence[Any] | NDArray[Any],
    statistic: str,
    *,
    scores: str = "table",
    row_values: Sequence[float] | None = None,
    column_values: Sequence[float] | None = None,
) -> CmhTest:
    """Test rows against columns over strata, given the margins of each.

    Parameters
    ----------
    tables : array_like of shape (k, r, c)
        Counts of each stratum. Rows and columns without any count are left out.
    statistic : {"correlation", "row_means", "general_association"}
        What the test is sensitive to, with 1, r - 1 and (r - 1)(c - 1) degrees of
        freedom.
    scores : {"table", "rank", "ridit", "modified_ridit"}
        Scores of columns and, for the correlation, of rows. General association has
        none.
    row_values, column_values : sequence of float, optional
        Table scores; 1, 2, ... when absent.

    Returns
    -------
    CmhTest

    Raises
    ------
    DataError
        When the tables are no counts, or a name or the number of scores is wrong.
    NotEstimableError
        When no stratum has information, or the strata do not connect all rows (and,
        for general association, all columns) with each other.

    References
    ----------
    .. [1] Mantel N (1963). Chi-square tests with one degree of freedom: extensions of
       the Mantel-Haenszel procedure. JASA 58(303), 690-700.
    .. [2] Landis JR, Heyman ER, Koch GG (1978). Average partial association in
       three-way contingency tables. International Statistical Review 46(3), 237-254.
    .. [3] van Elteren PH (1960). On the combination of independent two sample tests of
       Wilcoxon. Bulletin of the International Statistical Institute 37, 351-361: row
       means of two rows with modified ridit scores.

    Examples
    --------
    >>> women, men = [[16, 11], [5, 20]], [[12, 16], [7, 19]]
    >>> found = cmh_test([women, men], "general_association")
    >>> round(found.statistic, 4), found.df, round(found.p_value, 4)
    (8.3052, 1, 0.004)
    """
    _one_of("statistic", statistic, ALTERNATIVES)
    _one_of("scores", scores, SCORES)
    counts = tables_of(tables)
    rows = _values(row_values, counts.shape[1], "row_values")
    columns = _values(column_values, counts.shape[2], "column_values")
    kept_rows, kept_columns = counts.sum((0, 2)) > 0, counts.sum((0, 1)) > 0
    used = counts[:, kept_rows][:, :, kept_columns]
    if min(used.shape[1:]) < 2:
        raise NotEstimableError(
            f"The tables have {used.shape[1]} row(s) and {used.shape[2]} column(s) "
            "with counts: association needs two of each."
        )
    informative = is_informative(used)
    if not informative.any():
        raise NotEstimableError(
            "No stratum has two rows and two columns with counts: nothing could have "
            "come out differently."
        )
    excess: Any = 0.0
    covariance: Any = 0.0
    for table in used[informative]:
        scored = _scored(
            table, statistic, scores, rows[kept_rows], columns[kept_columns]
        )
        own, spread = _moments(table, *scored)
        excess, covariance = excess + own, covariance + spread
    value, df = _quadratic_form(excess, covariance)
    return CmhTest(
        statistic=value,
        df=df,
        p_value=float(chdtrc(df, value)),
        n_strata=int((counts.sum((1, 2)) > 0).sum()),
        n_informative=int(informative.sum()),
    )


def is_informative(tables: Sequence[Any] | NDArray[Any]) -> NDArray[np.bool_]:
    """Return which tables have two rows and two columns with counts.

    In the others the margins fix every cell: they add nothing to any of the tests.

    Parameters
    ----------
    tables : array_like of shape (k, r, c)
        Counts of each stratum.

    Returns
    -------
    ndarray of bool, shape (k,)

    Examples
    --------
    >>> is_informative([[[3, 1], [2, 2]], [[3, 1], [0, 0]], [[3, 0], [2, 0]]]).tolist()
    [True, False, False]
    """
    counts = tables_of(tables)
    rows = (counts.sum(axis=2) > 0).sum(axis=1)
    columns = (counts.sum(axis=1) > 0).sum(axis=1)
    found: NDArray[np.bool_] = (rows >= 2) & (columns >= 2)
    return found


def tables_of(tables: Sequence[Any] | NDArray[Any]) -> _Array:
    """Return tables of counts as one array of shape (k, r, c).

    Raises
    ------
    DataError
        When the tables differ in shape, or a cell is no count.
    """
    try:
        counts = np.asarray(tables, dtype=float)
    except (TypeError, ValueError):
        raise DataError(
            "the tables are no rectangles of counts of one shape",
            remedy="give each stratum every row and every column",
        ) from None
    if counts.ndim != 3:
        raise DataError(
            f"the tables have {counts.ndim} dimensions",
            remedy="give strata, rows and columns",
        )
    wrong = ~(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts)))
    if wrong.any():
        h, i, j = (int(at[0]) for at in np.nonzero(wrong))
        raise DataError(
            "not a count",
            row=f"{i + 1} of table {h + 1}",
            column=str(j + 1),
            value=float(counts[h, i, j]),
            remedy="write whole numbers of subjects, 0 or more",
        )
    return counts


def _one_of(what: str, given: str, known: dict[str, str]) -> None:
    if given not in known:
        raise DataError(
            f"no {what} {given!r}", remedy=f"write one of {', '.join(known)}"
        )


def _values(given: Sequence[float] | None, n: int, what: str) -> _Array:
    if given is None:
        return np.arange(1.0, n + 1)
    values = np.asarray(given, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise DataError(
            f"{what} are not {n} numbers", remedy="give one finite number for each"
        )
    return values


def _scored(
    table: _Array, statistic: str, scores: str, rows: _Array, columns: _Array
) -> tuple[_Array, _Array]:
    """Return what multiplies a table from the left and from the right.

    One row is left out of indicators: all rows together add to nothing.
    """
    if statistic == "general_association":
        return np.eye(len(rows))[:-1], np.eye(len(columns))[:, :-1]
    right = _scores(table.sum(axis=0), scores, columns)[:, None]
    if statistic == "row_means":
        return np.eye(len(rows))[:-1], right
    return _scores(table.sum(axis=1), scores, rows)[None], right


def _scores(margin: _Array, kind: str, values: _Array) -> _Array:
    """Return the scores of the levels of a margin, about their mean.

    The mean changes nothing, and taking it off keeps large scores from cancelling.
    """
    total = float(margin.sum())
    if kind != "table":
        values = np.cumsum(margin) - (margin - 1) / 2
        values = (
            values / {"rank": 1.0, "ridit": total, "modified_ridit": total + 1}[kind]
        )
    centred: _Array = values - float(margin @ values) / total
    return centred


def _moments(table: _Array, left: _Array, right: _Array) -> tuple[_Array, _Array]:
    """Return left (n - E n) right as a vector, and its covariance."""
    r, c, total = table.sum(axis=1), table.sum(axis=0), float(table.sum())
    excess = left @ (table - np.outer(r, c) / total) @ right
    of_rows = left @ (np.diag(r) - np.outer(r, r) / total) @ left.T
    of_columns = right.T @ (np.diag(c) - np.outer(c, c) / total) @ right
    spread = np.kron(of_rows, of_columns) / (total - 1)
    return excess.ravel(), spread.astype(np.float64)


def _quadratic_form(excess: _Array, covariance: _Array) -> tuple[float, int]:
    """Return G' V^-1 G and its degrees of freedom; V must not be singular."""
    spread = np.sqrt(np.diag(covariance))
    if not (spread > 0).all():
        raise NotEstimableError(
            "The statistic has no variance: within each stratum all subjects have one "
            "score, or a row or column stands in no stratum with others."
        )
    correlation = covariance / np.outer(spread, spread)
    if float(np.linalg.eigvalsh(correlation)[0]) < _SINGULAR:
        raise NotEstimableError(
            "The covariance of the statistic is singular: the strata do not connect "
            "all rows and columns with each other."
        )
    standard = excess / spread
    value = float(standard @ np.linalg.solve(correlation, standard))
    return value, len(excess)
