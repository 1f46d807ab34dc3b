"""Scales that effects stand on, and the way back to what readers know.

A ratio is analysed as a logarithm, a proportion perhaps as a logit: `SCALES` holds,
for each, its words and the function that takes effects and limits back.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, table


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale.

    Attributes
    ----------
    words : str
        What stands on it.
    back : callable
        From effects and sizes to the natural scale; sizes are used where `needs_n`.
    needs_n : bool
        Whether the way back depends on the size of the study.
    """

    words: str
    back: Callable[[FloatArray, FloatArray], FloatArray]
    needs_n: bool = False


def _arcsine(y: FloatArray, _: FloatArray) -> FloatArray:
    return np.asarray(np.sin(np.clip(y, 0, np.pi / 2)) ** 2)


def _double_arcsine(y: FloatArray, n: FloatArray) -> FloatArray:
    """Return Miller's inverse (1978); beyond the angles of 0 and n events, 0 and 1."""
    first = np.arcsin(np.sqrt(1 / (n + 1))) / 2
    last = (np.arcsin(np.sqrt(n / (n + 1))) + np.pi / 2) / 2
    angle = 2 * np.clip(y, first, last)
    sine = np.sin(angle)
    inner = 1 - (sine + (sine - 1 / sine) / n) ** 2
    p = (1 - np.sign(np.cos(angle)) * np.sqrt(np.maximum(inner, 0))) / 2
    return np.where(y <= first, 0.0, np.where(y >= last, 1.0, p))


def _freeman_tukey_rate(y: FloatArray, t: FloatArray) -> FloatArray:
    """Return (y - 1/(4 t y))^2, the rate whose transform is y; none below 0 events."""
    first = np.sqrt(1 / t) / 2
    above = np.maximum(y, first)
    return np.where(y <= first, 0.0, (above - 1 / (4 * t * above)) ** 2)


#: Name -> words and way back.
SCALES: dict[str, Scale] = {
    "natural": Scale("as it is", lambda y, _: y),
    "log": Scale("natural logarithm", lambda y, _: np.exp(y)),
    "logit": Scale("log odds", lambda y, _: np.asarray(expit(y))),
    "probit": Scale("quantile of the normal", lambda y, _: np.asarray(ndtr(y))),
    "arcsine": Scale("arcsine of the square root", _arcsine),
    "double_arcsine": Scale("Freeman-Tukey double arcsine", _double_arcsine, True),
    "square_root": Scale("square root", lambda y, _: np.maximum(y, 0) ** 2),
    "freeman_tukey_rate": Scale("Freeman-Tukey root", _freeman_tukey_rate, True),
    "fisher_z": Scale("Fisher's z", lambda y, _: np.tanh(y)),
    "fisher_z_of_root": Scale(
        "Fisher's z of the root", lambda y, _: np.tanh(np.maximum(y, 0)) ** 2
    ),
    "minus_log_complement": Scale("-ln(1 - alpha)", lambda y, _: -np.expm1(-y)),
    "one_minus_cube_root": Scale(
        "1 - cube root of 1 - alpha", lambda y, _: 1 - np.maximum(1 - y, 0) ** 3
    ),
}


def to_natural(
    scale: str, values: ArrayLike, *, n: ArrayLike | None = None
) -> FloatArray:
    """Return effects, or limits of intervals, on the natural scale.

    Parameters
    ----------
    scale : str
        Key of `SCALES`.
    values : array_like
        Effects on the scale.
    n : array_like, optional
        Size of each study, person-time of a rate; needed by the Freeman-Tukey scales,
        there above zero. Of a pooled effect: `harmonic_mean` of all studies' sizes.

    Returns
    -------
    ndarray
        In the shape of `values`; NaN stays NaN.

    Raises
    ------
    DataError
        For an unknown scale, or a size that is needed and absent or not above zero.

    Examples
    --------
    >>> to_natural("logit", [0.0, 2.0]).round(3).tolist()
    [0.5, 0.881]
    """
    if scale not in SCALES:
        raise DataError(
            f"unknown scale {scale!r}", remedy=f"use one of {', '.join(SCALES)}"
        )
    found = SCALES[scale]
    y, sizes = table("values", values), table("n", np.nan if n is None else n)
    if found.needs_n and not (sizes > 0).all():
        raise DataError(
            f"the way back from the {found.words} needs n above zero",
            remedy="give n=, for a pooled effect the harmonic mean of all sizes",
        )
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.asarray(found.back(y, sizes), dtype=np.float64)


def harmonic_mean(n: ArrayLike) -> float:
    """Return the harmonic mean of sizes above zero.

    Raises
    ------
    DataError
        For no sizes, or one that is not above zero.

    >>> round(harmonic_mean([10, 40]), 3)
    16.0
    """
    sizes = np.asarray(n, dtype=np.float64)
    if not sizes.size or not (sizes > 0).all():
        raise DataError("a harmonic mean needs sizes above zero")
    return float(sizes.size / (1 / sizes).sum())
