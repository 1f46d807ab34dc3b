"""Groups of a trial as one group: sizes, means and standard deviations."""

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, Values, refuse
from trialstats.meta.measures import Call, no_notes, read_columns
from trialstats.meta.standard_errors import recovered_frame


def combine_groups(
    *,
    trial: Values,
    n: Values,
    mean: Values,
    sd: Values,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Combine the groups of a trial into one, as if they had been one group.

    Parameters
    ----------
    trial : array_like of shape (k,) or str
        Which trial, or arm, a group belongs to: rows with one label are combined.
    n, mean, sd : array_like of shape (k,) or str
        Size, mean and standard deviation of each group; a group of one has an SD of
        zero.
    data : DataFrame, optional
        Holds the columns named by the arguments.

    Returns
    -------
    DataFrame
        Columns n, mean, standard_deviation and how, a row a label, in the order of
        first appearance; the labels are the index.

    Raises
    ------
    DataError
        For a negative deviation, or a size below one.

    References
    ----------
    .. [1] Cochrane Handbook for Systematic Reviews of Interventions, chapter 6,
       section 6.5.2.10: combining groups.

    Examples
    --------
    >>> found = combine_groups(trial=["A", "A"], n=[10, 20], mean=[5, 8], sd=[2, 3])
    >>> found[["n", "mean"]].values.tolist(), found["how"]["A"]
    ([[30.0, 7.0]], '2 groups combined')
    """
    columns = read_columns(Call(dict(n=n, mean=mean, sd=sd), data), ["n", "mean", "sd"])
    size, means, deviation = columns["n"], columns["mean"], columns["sd"]
    refuse(size < 1, "a group has at least one participant", column="n", values=size)
    refuse(deviation < 0, "a deviation is negative", column="sd", values=deviation)
    labels = trial if data is None or not isinstance(trial, str) else data[trial]
    codes, names = pd.factorize(np.atleast_1d(np.asarray(labels, dtype=object)))
    if len(codes) != len(size):
        raise DataError(
            f"trial has {len(codes)} rows, the other columns have {len(size)}"
        )
    if (codes < 0).any():
        raise DataError("a trial has no label", column="trial")

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(codes, weights=values), dtype=np.float64)

    all_n = total(size)
    centre = total(size * means) / all_n
    squares = total((size - 1) * deviation**2 + size * (means - centre[codes]) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        combined = np.sqrt(squares / (all_n - 1))
    how = no_notes(len(names))
    how[:] = [f"{k} groups combined" for k in np.bincount(codes)]
    found = recovered_frame(
        {"n": all_n, "mean": centre, "standard_deviation": combined}, how, None
    )
    return found.set_axis(pd.Index(names), axis=0)
