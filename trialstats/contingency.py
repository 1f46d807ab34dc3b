"""Tables of counts: Pearson's chi-square, and Fisher's test of any size, exactly.

    X^2 = sum_ij (x_ij - e_ij)^2 / e_ij,    e_ij = r_i c_j / n

Given both margins, a table has probability ``prod r_i! prod c_j! / (n! prod x_ij!)``
when rows and columns are independent. The exact p-value sums it over all tables that
are no more probable than the one observed (Freeman and Halton). No table is drawn at
random: a test with too many tables is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from trialstats.errors import DataError, NotEstimableError
from trialstats.exact_tables import Counts, exact_p_value


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Pearson's test of independence.

    Attributes
    ----------
    statistic, df, p_value
    smallest_expected : float
        Smallest expected count; the approximation is poor when it is small (below 5,
        by custom).
    continuity : bool
        Whether Yates's correction was applied.
    """

    statistic: float
    df: int
    p_value: float
    smallest_expected: float
    continuity: bool


@dataclass(frozen=True, slots=True)
class FisherExact:
    """Fisher's exact test, by Freeman and Halton beyond two rows and columns.

    Attributes
    ----------
    p_value : float
        Two-sided: all tables no more probable than the one observed.
    probability : float
        That of the table observed.
    """

    p_value: float
    probability: float


def chi_square_test(
    table: Sequence[Sequence[int]] | NDArray[Any], *, continuity: bool = False
) -> ChiSquare:
    """Test independence of rows and columns by Pearson's chi-square.

    Parameters
    ----------
    table : array_like of shape (r, c)
        Counts. Rows and columns without any count are left out.
    continuity : bool
        Apply Yates's correction; for two rows and two columns only.

    Returns
    -------
    ChiSquare

    Raises
    ------
    DataError
        When the table is no table of counts, or the correction does not apply.
    NotEstimableError
        When fewer than two rows or columns have counts.

    References
    ----------
    .. [1] Pearson K (1900). On the criterion that a given system of deviations ... can
       be reasonably supposed to have arisen from random sampling. Philosophical
       Magazine 50(302), 157-175.
    .. [2] Yates F (1934). Contingency tables involving small numbers and the chi-square
       test. Supplement to the Journal of the Royal Statistical Society 1(2), 217-235.

    Examples
    --------
    >>> round(chi_square_test([[27, 268], [52, 255]]).p_value, 4)
    0.0047
    >>> round(chi_square_test([[27, 268], [52, 255]], continuity=True).p_value, 4)
    0.0068
    """
    counts = table_of(table)
    if continuity and counts.shape != (2, 2):
        raise DataError(
            f"the correction for continuity is for 2 x 2 tables; this one is "
            f"{counts.shape[0]} x {counts.shape[1]}",
            remedy="leave the correction out",
        )
    found = stats.chi2_contingency(counts, correction=continuity)
    return ChiSquare(
        statistic=float(found.statistic),
        df=int(found.dof),
        p_value=float(found.pvalue),
        smallest_expected=float(found.expected_freq.min()),
        continuity=continuity,
    )


def fisher_exact_test(table: Sequence[Sequence[int]] | NDArray[Any]) -> FisherExact:
    """Test independence of rows and columns exactly, given both margins.

    Parameters
    ----------
    table : array_like of shape (r, c)
        Counts. Rows and columns without any count are left out.

    Returns
    -------
    FisherExact

    Raises
    ------
    DataError
        When the table is no table of counts.
    NotEstimableError
        When fewer than two rows or columns have counts, or too many tables have these
        margins.

    References
    ----------
    .. [1] Freeman GH, Halton JH (1951). Note on an exact treatment of contingency,
       goodness of fit and other problems of significance. Biometrika 38(1/2), 141-149.
    .. [2] Mehta CR, Patel NR (1983). A network algorithm for performing Fisher's exact
       test in r x c contingency tables. Journal of the American Statistical
       Association 78(382), 427-434.

    Examples
    --------
    >>> round(fisher_exact_test([[3, 0, 1], [83, 84, 83]]).p_value, 4)
    0.3281
    """
    p_value, probability = exact_p_value(table_of(table))
    return FisherExact(p_value=p_value, probability=probability)


def table_of(table: Sequence[Sequence[int]] | NDArray[Any]) -> Counts:
    """Return a table of counts without its empty rows and columns.

    Raises
    ------
    DataError
        When a cell is no count.
    NotEstimableError
        When fewer than two rows or columns have counts.
    """
    try:
        values = np.asarray(table, dtype=float)
    except (TypeError, ValueError):
        raise DataError(
            "the table is no rectangle of counts",
            remedy="give every row one count for each column",
        ) from None
    if values.ndim != 2:
        raise DataError(
            f"the table has {values.ndim} dimensions", remedy="give rows and columns"
        )
    wrong = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    wrong |= values >= 2**53
    if wrong.any():
        i, j = (int(at[0]) for at in np.nonzero(wrong))
        raise DataError(
            "not a count",
            row=f"{i + 1} of the table",
            column=str(j + 1),
            value=float(values[i, j]),
            remedy="write whole numbers of subjects, 0 or more",
        )
    counts: Counts = values.astype(np.int64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        raise NotEstimableError(
            f"The table has {counts.shape[0]} row(s) and {counts.shape[1]} column(s) "
            "with counts: independence needs two of each."
        )
    return counts
