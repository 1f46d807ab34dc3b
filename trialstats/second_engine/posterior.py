"""Check a Bayesian pooled effect by a plain sum over a fine grid of tau.

The grid runs over the angle of tau, tau = scale tan(angle), so that it covers every
tau above zero without a bound that data might pass; limits are roots of the posterior
distribution, found by scipy.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from trialstats.second_engine.check import Check, comparison

_Array = NDArray[np.float64]

_POINTS = 8001
_ENGINE = f"sum over {_POINTS} values of tau, quantiles by root finding"
_REASON = "the grid of the second engine is fine and not exact"
_TOLERANCE = 1e-5

_PRIORS: dict[str, Callable[[_Array, float], _Array]] = {
    "half_normal": lambda tau, scale: stats.halfnorm.pdf(tau, scale=scale),
    "half_cauchy": lambda tau, scale: stats.halfcauchy.pdf(tau, scale=scale),
}


def check_posterior(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    prior: str,
    scale: float,
    level: float,
    stored: Mapping[str, float],
) -> list[Check]:
    """Compute median, standard deviation and limits of the pooled effect once more.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        What was pooled.
    prior : {"half_normal", "half_cauchy"}
        Prior of tau.
    scale : float
        Its scale.
    level : float
        Probability of the interval, with equal tails.
    stored : mapping
        ``estimate``, ``standard_error``, ``ci_lower`` and ``ci_upper`` to check.

    Returns
    -------
    list of dict
        As `trialstats.second_engine.pooling.check_pooling`; quantities that are near
        zero are compared in standard deviations.
    """
    y = np.asarray(effect, dtype=np.float64)
    v = np.asarray(variance, dtype=np.float64)
    mean, spread, mass = _mixture(y, v, prior, scale)
    centre = float(mass @ mean)
    deviation = math.sqrt(float(mass @ (spread**2 + (mean - centre) ** 2)))

    def below(value: float, share: float) -> float:
        return float(mass @ stats.norm.cdf(value, mean, spread)) - share

    def quantile(share: float) -> float:
        reach = 60 * deviation
        return float(
            optimize.brentq(below, centre - reach, centre + reach, args=(share,))
        )

    tail = (1 - level) / 2
    second = {
        "estimate": quantile(0.5),
        "standard_error": deviation,
        "ci_lower": quantile(tail),
        "ci_upper": quantile(1 - tail),
    }
    return [
        comparison(
            name,
            _ENGINE,
            stored[name],
            value,
            # Relative to the estimate in the rows: near zero, to the deviation.
            _TOLERANCE * max(1.0, deviation / (abs(stored[name]) or 1.0)),
            _REASON,
        )
        for name, value in second.items()
    ]


def _mixture(
    y: _Array, v: _Array, prior: str, scale: float
) -> tuple[_Array, _Array, _Array]:
    """Return mean and deviation of mu at each tau, and the mass of that tau."""
    angle = (np.arange(_POINTS) + 0.5) / _POINTS * (math.pi / 2)
    tau = scale * np.tan(angle)
    weight = 1 / (v + tau[:, np.newaxis] ** 2)
    total = weight.sum(axis=1)
    mean = (weight * y).sum(axis=1) / total
    distance = (weight * (y - mean[:, np.newaxis]) ** 2).sum(axis=1)
    log_likelihood = (np.log(weight).sum(axis=1) - np.log(total) - distance) / 2
    density = np.exp(log_likelihood - log_likelihood.max())
    mass = density * _PRIORS[prior](tau, scale) / np.cos(angle) ** 2
    return mean, 1 / np.sqrt(total), mass / mass.sum()
