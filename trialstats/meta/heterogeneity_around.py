"""Heterogeneity around a common effect that was pooled in another way.

RevMan 5 pools tables by Mantel and Haenszel, and takes the distance of the trials'
own effects from that estimate for Q and for the moment estimator of tau2.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.trials import checked_trials


@dataclass(frozen=True, slots=True)
class HeterogeneityAround:
    """Q around a given centre, its test, and the between-trial variance from it."""

    q: float
    df: int
    p_value: float
    tau_squared: float


def heterogeneity_around(
    effect: ArrayLike, variance: ArrayLike, centre: float
) -> HeterogeneityAround:
    """Return Q around `centre` and tau2 = max(0, (Q - df)/C).

    C is the sum of the weights 1/v_i less the sum of their squares over it, as in
    DerSimonian and Laird's estimator, which takes the inverse-variance mean for the
    centre; around another centre Q and tau2 are larger.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects and their sampling variances, k >= 2.
    centre : float
        Common effect of the same trials, such as that of `mantel_haenszel`.

    Returns
    -------
    HeterogeneityAround
        `tau_squared` can be passed to `pool`.

    References
    ----------
    .. [1] Deeks JJ, Higgins JPT (2010). Statistical algorithms in Review Manager 5.
       Cochrane Statistical Methods Group.
    .. [2] DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Controlled
       Clinical Trials 7(3), 177-188.

    Examples
    --------
    >>> found = heterogeneity_around([0.1, 0.3, 0.75], [0.01, 0.02, 0.05], 0.2)
    >>> round(found.q, 4), round(found.tau_squared, 4)
    (7.55, 0.059)
    """
    y, v = checked_trials(effect, variance)
    if not math.isfinite(centre):
        raise DataError(f"centre must be a number, got {centre!r}")
    if len(y) < 2:
        raise NotEstimableError("heterogeneity needs at least 2 trials, got 1")
    order = np.lexsort((y, v))
    y, weight = y[order], 1 / v[order]
    q, df = float((weight * (y - centre) ** 2).sum()), len(y) - 1
    trace = float(weight.sum() - (weight**2).sum() / weight.sum())
    return HeterogeneityAround(q, df, float(chdtrc(df, q)), max(0.0, (q - df) / trace))
