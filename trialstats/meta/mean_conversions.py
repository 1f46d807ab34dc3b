"""Two means on other scales: correlations with the arm, and odds ratios.

Symbols as in `trialstats.meta.means`; d is not corrected for bias. h = df (1/n1 + 1/n2)
turns d into the correlation r = d / sqrt(d^2 + h) of the outcome with the arm.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from trialstats.meta.correlations import to_fisher_z, variance_of_z
from trialstats.meta.inputs import FloatArray
from trialstats.meta.means import Moments, read_standardized, variance_of_g
from trialstats.meta.measures import Measure
from trialstats.meta.two_by_two import COX_DIVISOR, LOGISTIC_SD


def _h(x: Moments) -> FloatArray:
    return x.df * x.by_sizes


def _point_biserial(x: Moments) -> FloatArray:
    return np.asarray(x.d / np.sqrt(x.d**2 + _h(x)))


def _stratified(x: Moments, _: FloatArray) -> FloatArray:
    h = _h(x)
    return h**2 / (h + x.d**2) ** 3 * variance_of_g(x.d, x.n1, x.n2, x.n)


def _cross_sectional(x: Moments, r: FloatArray) -> FloatArray:
    """Return the variance when the arms' sizes are random (Tate 1954)."""
    spread = x.n * r**2 / (4 * x.n1 * x.n2) + (2 - 3 * r**2) / (2 * x.n)
    return (1 - r**2) ** 2 * spread


def _biserial_factor(x: Moments) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sqrt(p q)/f, p z/f and q z/f of the normal cut at the share p."""
    p, q = x.n1 / x.n, x.n2 / x.n
    z = -np.asarray(ndtri(p))
    f = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.sqrt(p * q) / f, p * z / f, q * z / f


def _biserial(x: Moments) -> FloatArray:
    return _biserial_factor(x)[0] * _point_biserial(x)


def _biserial_variance(x: Moments, r: FloatArray) -> FloatArray:
    """Return Soper's variance (1914), at r of at most 1."""
    factor, below, above = _biserial_factor(x)
    r = np.clip(r, -1, 1)
    middle = (1.5 + (1 - below) * (1 + above)) * r**2
    return (factor**2 - middle + r**4) / (x.n - 1)


def _as_odds_ratio(words: str, factor: float) -> Measure:
    return Measure(
        f"odds ratio from a standardized mean difference ({words})",
        "log",
        read_standardized,
        lambda x: factor * x.d,
        {"LS": lambda x, _: factor**2 * variance_of_g(x.d, x.n1, x.n2, x.n)},
    )


_RPB = {"LS": _stratified, "ST": _stratified, "CS": _cross_sectional}


def _on_z(
    variance: Callable[[Moments, FloatArray], FloatArray],
) -> Callable[[Moments, FloatArray], FloatArray]:
    return lambda x, z: variance_of_z(variance(x, np.tanh(z)), np.tanh(z))


#: Measures that put two means on another scale, under the names metafor gives them.
MEAN_CONVERSIONS: dict[str, Measure] = {
    "RPB": Measure(
        "point-biserial correlation",
        "natural",
        read_standardized,
        _point_biserial,
        _RPB,
    ),
    "ZPB": Measure(
        "Fisher's z of the point-biserial correlation",
        "fisher_z",
        read_standardized,
        lambda x: to_fisher_z(_point_biserial(x)),
        {name: _on_z(variance) for name, variance in _RPB.items()},
    ),
    "RBIS": Measure(
        "biserial correlation",
        "natural",
        read_standardized,
        _biserial,
        {"LS": _biserial_variance},
    ),
    "ZBIS": Measure(
        "Fisher's z of the biserial correlation",
        "fisher_z",
        read_standardized,
        lambda x: to_fisher_z(_biserial(x)),
        {"LS": _on_z(_biserial_variance)},
    ),
    "D2OR": _as_odds_ratio("logistic", LOGISTIC_SD),
    "D2ORL": _as_odds_ratio("logistic", LOGISTIC_SD),
    "D2ORN": _as_odds_ratio("normal, Cox", COX_DIVISOR),
}
