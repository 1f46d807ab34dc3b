"""Weights from numbers of participants alone."""

import numpy as np

from trialstats.meta.inputs import FloatArray, Values, refuse, required


def sample_size_weights(*, n1i: Values, n2i: Values) -> FloatArray:
    """Return n1 n2/(n1 + n2), the effective size of a trial with two arms.

    Inverse-variance weights of sparse tables depend on the effects they weigh, which
    biases the mean; these do not. Pass them to `pool` as `weights`.

    Parameters
    ----------
    n1i, n2i : array_like of shape (k,)
        Participants under treatment and control.

    Returns
    -------
    ndarray of shape (k,)

    Raises
    ------
    DataError
        For an arm without participants.

    References
    ----------
    .. [1] Bakbergenuly I, Hoaglin DC, Kulinskaya E (2020). Methods for estimating
       between-study variance and overall effect in meta-analysis of odds ratios.
       Research Synthesis Methods 11(3), 426-442.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> weights = sample_size_weights(n1i=[50, 200], n2i=[50, 100])
    >>> weights.round(2).tolist()
    [25.0, 66.67]
    >>> pooled = pool([0.1, 0.4], [0.09, 0.02], weights=weights, inference="wald")
    >>> pooled.weights.round(2).tolist()
    [0.27, 0.73]
    """
    columns = required(("n1i", "n2i"), {"n1i": n1i, "n2i": n2i}, data=None)
    for name, values in columns.items():
        refuse(values <= 0, "the arm is empty", column=name, values=values)
    n1, n2 = columns["n1i"], columns["n2i"]
    return np.asarray(n1 * (n2 / (n1 + n2)))
