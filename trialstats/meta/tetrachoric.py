"""The tetrachoric correlation of two-by-two tables and its sampling variance.

Two standard normal variables with correlation r are cut at h and k. The table has
three free shares and the model three parameters, so the maximum of the likelihood
reproduces the table: h and k are the normal quantiles of the margins, and r solves
P(X < h, Y < k) = a/n, where X has the rows of the table and Y its columns.
"""

import numpy as np
from scipy.special import ndtr, ndtri, owens_t

from trialstats.meta.inputs import FloatArray


def bivariate_normal(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """Return P(X < h, Y < k) of standard normal X, Y with correlation r in (-1, 1).

    By Owen's T function.

    References
    ----------
    .. [1] Owen DB (1956). Tables for computing bivariate normal probabilities. Annals
       of Mathematical Statistics 27(4), 1075-1090.

    >>> one = np.array([0.0])
    >>> bivariate_normal(one, one, np.array([0.5])).round(6).tolist()
    [0.333333]
    """
    h, k, r = np.broadcast_arrays(np.asarray(h) + 0.0, np.asarray(k) + 0.0, r)
    root = np.sqrt(1 - r**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = owens_t(h, (k - r * h) / (h * root))
        second = owens_t(k, (h - r * k) / (k * root))
    opposite = (h * k < 0) | ((h * k == 0) & (h + k < 0))
    probability = (ndtr(h) + ndtr(k) - opposite) / 2 - first - second
    at_zero = 0.25 + np.arcsin(r) / (2 * np.pi)
    return np.where((h == 0) & (k == 0), at_zero, probability)


#: Bisections of the angle arcsin(r): the interval of length pi ends below 1e-15.
_BISECTIONS = 60


def tetrachoric(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray
) -> FloatArray:
    """Return the correlations, shape (k,).

    A zero cell puts the estimate at 1 (b or c is zero) or -1 (a or d is zero). A
    table in which a margin is zero has no correlation: NaN.

    References
    ----------
    .. [1] Pearson K (1900). Mathematical contributions to the theory of evolution.
       VII. On the correlation of characters not quantitatively measurable.
       Philosophical Transactions of the Royal Society A 195, 1-47.
    """
    n = a + b + c + d
    row, column = (a + b) / n, (a + c) / n
    h, k = np.asarray(ndtri(row)), np.asarray(ndtri(column))
    low, high = np.full(len(n), -np.pi / 2), np.full(len(n), np.pi / 2)
    inside = (a > 0) & (b > 0) & (c > 0) & (d > 0)
    h, k = np.where(inside, h, 0.0), np.where(inside, k, 0.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = bivariate_normal(h, k, np.sin(middle)) < a / n
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    bound = np.where((b == 0) | (c == 0), 1.0, -1.0)
    margin = (row == 0) | (row == 1) | (column == 0) | (column == 1) | np.isnan(n)
    found = np.where(inside, np.sin((low + high) / 2), bound)
    return np.where(margin, np.nan, found)


def tetrachoric_variance(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, r: FloatArray
) -> FloatArray:
    """Return the sampling variances of `tetrachoric`, shape (k,).

    The inverse of the information; as the model is saturated, it is the delta method
    from the shares of the table: with A = P(Y < k | X = h), B = P(X < h | Y = k) and
    f the normal density at (h, k), dr = (da - A d(row) - B d(column)) / f. NaN at a
    bound, where the likelihood has no curvature to invert.
    """
    n = a + b + c + d
    h, k = np.asarray(ndtri((a + b) / n)), np.asarray(ndtri((a + c) / n))
    root = np.sqrt(1 - r**2)
    of_column = np.asarray(ndtr((k - r * h) / root))
    of_row = np.asarray(ndtr((h - r * k) / root))
    density = np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * root**2))
    density = density / (2 * np.pi * root)
    slopes = (1 - of_column - of_row, -of_column, -of_row)
    shares = (a / n, b / n, c / n)
    mean = sum(s * p for s, p in zip(slopes, shares, strict=True))
    square = sum(s**2 * p for s, p in zip(slopes, shares, strict=True))
    return np.where(np.abs(r) < 1, (square - mean**2) / (n * density**2), np.nan)
