"""Radial plots: standardised effects against precision."""

import numpy as np

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.pooled import Pooled, check_pooled


def radial_points(pooled: Pooled) -> tuple[FloatArray, FloatArray]:
    """Return the coordinates of the trials of a fit in a radial plot.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials, without moderators.

    Returns
    -------
    tuple of arrays of shape (k,)
        Precisions ``1 / sqrt(v + tau2)``, and effects divided by ``sqrt(v + tau2)``. A
        line through the origin has an effect as its slope, that of the pooled effect
        among them, and all points scatter around it with variance one.

    Raises
    ------
    DataError
        When the fit has moderators, so that there is no single slope.

    References
    ----------
    .. [1] Galbraith RF (1988). Graphical display of estimates having differing standard
       errors. Technometrics 30(3), 271-281.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> x, y = radial_points(pool([0.2, 0.6], [0.04, 0.16], tau_squared="EE"))
    >>> x.round(6).tolist(), y.round(6).tolist()
    ([5.0, 2.5], [1.0, 1.5])
    """
    check_pooled(pooled, "a radial plot")
    if pooled.has_moderators:
        raise DataError("a radial plot needs a model without moderators")
    error = np.sqrt(pooled.variance + pooled.tau_squared)
    return 1.0 / error, pooled.effect / error
