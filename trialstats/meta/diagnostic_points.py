"""Coordinates of the plots that judge a fit trial by trial."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from trialstats.meta.influential import residuals
from trialstats.meta.pooled import Pooled, check_pooled


def funnel_points(pooled: Pooled) -> pd.DataFrame:
    """Return the points of a funnel plot.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials.

    Returns
    -------
    DataFrame of k rows
        `effect` (with moderators the residual, whose funnel stands at zero) and
        `standard_error`, from the sampling variance alone.
    """
    check_pooled(pooled, "funnel_points")
    return pd.DataFrame(
        {
            "effect": pooled.residuals() if pooled.has_moderators else pooled.effect,
            "standard_error": np.sqrt(pooled.variance),
        }
    )


def radial_points(pooled: Pooled) -> pd.DataFrame:
    """Return the points of a radial (Galbraith) plot.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials.

    Returns
    -------
    DataFrame of k rows
        `precision`, 1/sqrt(v_i + tau2), and `z`, the effect times it; the slope of a
        line from the origin through the point is the trial's effect.

    References
    ----------
    .. [1] Galbraith RF (1988). Graphical display of estimates having differing
       standard errors. Technometrics 30(3), 271-281.
    """
    check_pooled(pooled, "radial_points")
    between = 0.0 if np.isnan(pooled.tau_squared) else pooled.tau_squared
    precision = 1 / np.sqrt(pooled.variance + between)
    return pd.DataFrame({"precision": precision, "z": pooled.effect * precision})


def normal_quantile_points(pooled: Pooled, kind: str = "standardized") -> pd.DataFrame:
    """Return the points of a normal quantile plot of the residuals.

    Parameters
    ----------
    pooled : Pooled
        The fit of k trials.
    kind : str
        As in `residuals`.

    Returns
    -------
    DataFrame of k rows
        `quantile`, the normal quantile at (rank - a)/(k + 1 - 2a), where a is 3/8 for
        up to 10 trials and 1/2 above, and `z`, the residual over its error. A trial
        without a residual has neither.

    References
    ----------
    .. [1] Wang MC, Bushman BJ (1998). Using the normal quantile plot to explore
       meta-analytic data sets. Psychological Methods 3(1), 46-54.
    """
    check_pooled(pooled, "normal_quantile_points")
    z = residuals(pooled, kind)["z"].to_numpy(dtype=np.float64)
    there = np.flatnonzero(~np.isnan(z))
    n = there.size
    a = 3 / 8 if n <= 10 else 1 / 2
    # Residuals that tie are told apart by their trials, not by the order of the input.
    ties = (pooled.effect[there], pooled.variance[there], z[there])
    quantile = np.full(pooled.k, np.nan)
    quantile[there[np.lexsort(ties)]] = ndtri(
        (np.arange(1, n + 1) - a) / (n + 1 - 2 * a)
    )
    return pd.DataFrame({"quantile": quantile, "z": z})
