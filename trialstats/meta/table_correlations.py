"""Correlations of two-by-two tables: phi, Yule's Q and Y, the tetrachoric.

Symbols as in `trialstats.meta.two_by_two`.
"""

from collections.abc import Callable

import numpy as np

from trialstats.meta.correlations import to_fisher_z, variance_of_z
from trialstats.meta.inputs import FloatArray
from trialstats.meta.measures import Measure
from trialstats.meta.tetrachoric import tetrachoric, tetrachoric_variance
from trialstats.meta.two_by_two import Counts, read_tables

_Effect = Callable[[Counts], FloatArray]
_Variance = Callable[[Counts, FloatArray], FloatArray]


def phi(cells: Counts) -> FloatArray:
    """Return (ad - bc) / sqrt of the product of the four margins."""
    a, b, c, d = cells.a, cells.b, cells.c, cells.d
    margins = np.sqrt((a + b) * (c + d)) * np.sqrt((a + c) * (b + d))
    return np.asarray((a * d - b * c) / margins)


def _phi_cross_sectional(cells: Counts, r: FloatArray) -> FloatArray:
    """Return the variance when only the total is fixed (Yule 1912)."""
    row, column = (cells.n1 - cells.n2) / cells.n, 2 * cells.p - 1
    row_var = cells.n1 * cells.n2 / cells.n**2
    column_var = cells.p * (1 - cells.p)
    skew = r * (1 + r**2 / 2) * row * column / np.sqrt(row_var * column_var)
    flat = 0.75 * r**2 * (row**2 / row_var + column**2 / column_var)
    return np.asarray((1 - r**2 + skew - flat) / cells.n)


def _phi_stratified(cells: Counts, _: FloatArray) -> FloatArray:
    """Return the variance when the arms' sizes are fixed.

    The delta method for phi = (p1 - p2) sqrt(w1 w2 / (p (1 - p))) with independent
    p1, p2 and shares w1, w2 of the arms.
    """
    w1, w2, p = cells.n1 / cells.n, cells.n2 / cells.n, cells.p
    scale = np.sqrt(w1 * w2 / (p * (1 - p)))
    bend = (cells.p1 - cells.p2) * (1 - 2 * p) / (2 * p * (1 - p))
    by_p1, by_p2 = scale * (1 - bend * w1), scale * (-1 - bend * w2)
    first = by_p1**2 * cells.p1 * (1 - cells.p1) / cells.n1
    return np.asarray(first + by_p2**2 * cells.p2 * (1 - cells.p2) / cells.n2)


def _odds_ratio(cells: Counts) -> FloatArray:
    return (cells.a / cells.b) / (cells.c / cells.d)


def yule_q(cells: Counts) -> FloatArray:
    """Return (OR - 1)/(OR + 1) (Yule 1900)."""
    ratio = _odds_ratio(cells)
    return (ratio - 1) / (ratio + 1)


def yule_y(cells: Counts) -> FloatArray:
    """Return (sqrt(OR) - 1)/(sqrt(OR) + 1) (Yule 1912)."""
    root = np.sqrt(_odds_ratio(cells))
    return np.asarray((root - 1) / (root + 1))


def _yule_variance(divisor: float) -> _Variance:
    def variance(cells: Counts, y: FloatArray) -> FloatArray:
        woolf = 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d
        return np.asarray((1 - y**2) ** 2 * woolf / divisor)

    return variance


def _tetrachoric(cells: Counts) -> FloatArray:
    return tetrachoric(cells.a, cells.b, cells.c, cells.d)


def _tetrachoric_variance(cells: Counts, r: FloatArray) -> FloatArray:
    return tetrachoric_variance(cells.a, cells.b, cells.c, cells.d, r)


def _on_z(variance: _Variance) -> _Variance:
    """Return the variance of Fisher's z by the delta method."""
    return lambda cells, z: variance_of_z(variance(cells, np.tanh(z)), np.tanh(z))


_PHI_VARIANCES: dict[str, _Variance] = {
    "LS": _phi_cross_sectional,
    "CS": _phi_cross_sectional,
    "ST": _phi_stratified,
}
_AT_BOUND = "variance not estimable: a cell is zero, so the correlation is at its bound"

#: Correlations of two-by-two tables, under the names metafor gives them.
TABLE_CORRELATIONS: dict[str, Measure] = {
    "PHI": Measure(
        "phi coefficient", "natural", read_tables, phi, _PHI_VARIANCES, add=0
    ),
    "ZPHI": Measure(
        "Fisher's z of phi",
        "fisher_z",
        read_tables,
        lambda cells: to_fisher_z(phi(cells)),
        {name: _on_z(variance) for name, variance in _PHI_VARIANCES.items()},
        add=0,
    ),
    "YUQ": Measure(
        "Yule's Q", "natural", read_tables, yule_q, {"LS": _yule_variance(4)}
    ),
    "YUY": Measure(
        "Yule's Y", "natural", read_tables, yule_y, {"LS": _yule_variance(16)}
    ),
    "RTET": Measure(
        "tetrachoric correlation",
        "natural",
        read_tables,
        _tetrachoric,
        {"LS": _tetrachoric_variance},
        add=0,
        only_effect=_AT_BOUND,
    ),
    "ZTET": Measure(
        "Fisher's z of the tetrachoric correlation",
        "fisher_z",
        read_tables,
        lambda cells: to_fisher_z(_tetrachoric(cells)),
        {"LS": _on_z(_tetrachoric_variance)},
        add=0,
    ),
}
