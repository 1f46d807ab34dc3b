"""Prior distributions of tau, the standard deviation between trials.

Symbols: s the scale, in units of the effects; tau >= 0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import gammaln

from trialstats.errors import DataError
from trialstats.meta.inputs import FloatArray, is_between, one_of

_INFINITY = float("inf")


@dataclass(frozen=True, slots=True)
class TauPrior:
    """A prior distribution of tau.

    Attributes
    ----------
    words : str
        The prior in words, with its numbers.
    log_density : callable
        Log density at an array of tau; normalised when `proper`.
    slope : callable
        Derivative of the log density with respect to tau.
    tail : float
        The density falls as tau^-tail; infinite when it falls faster, 0 when flat.
    unit : float
        A tau on which the density changes; infinite when there is none.
    decay : callable
        Smallest tau at which the log density has fallen by a given amount; only for
        an infinite tail.
    upper : float
        End of the support.
    proper : bool
        Whether the density integrates to one.
    arguments : tuple
        The arguments of `tau_prior`.
    """

    words: str
    log_density: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    tail: float
    unit: float
    decay: Callable[[float], float] = lambda drop: _INFINITY
    upper: float = _INFINITY
    proper: bool = True
    arguments: tuple[str, float | None, float | None] = ("uniform", None, None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make the prior again: its functions have no pickle."""
        return tau_prior, self.arguments


def _half_normal(scale: float, df: float | None) -> TauPrior:
    constant = 0.5 * math.log(2 / math.pi) - math.log(scale)
    return TauPrior(
        f"half-normal({scale:g})",
        lambda tau: constant - 0.5 * (tau / scale) ** 2,
        lambda tau: -tau / scale**2,
        tail=_INFINITY,
        unit=scale,
        decay=lambda drop: scale * math.sqrt(2 * drop),
    )


def _half_t(scale: float, df: float | None) -> TauPrior:
    if df is None or not (math.isfinite(df) and df >= 1):
        raise DataError(
            f"the half-t prior needs df of at least 1, got {df!r}",
            remedy="pass df=, for example df=4; df=1 is the half-Cauchy",
        )
    power = (df + 1) / 2
    constant = float(
        math.log(2)
        + gammaln(power)
        - gammaln(df / 2)
        - 0.5 * math.log(df * math.pi)
        - math.log(scale)
    )
    return TauPrior(
        f"half-t({scale:g}, {df:g} df)",
        lambda tau: constant - power * np.log1p((tau / scale) ** 2 / df),
        lambda tau: -2 * power * tau / (df * scale**2 + tau**2),
        tail=df + 1,
        unit=scale * math.sqrt(df),
    )


def _half_cauchy(scale: float, df: float | None) -> TauPrior:
    student = _half_t(scale, 1.0)
    return TauPrior(
        f"half-Cauchy({scale:g})",
        student.log_density,
        student.slope,
        tail=student.tail,
        unit=student.unit,
    )


def _exponential(scale: float, df: float | None) -> TauPrior:
    return TauPrior(
        f"exponential(mean {scale:g})",
        lambda tau: -math.log(scale) - tau / scale,
        lambda tau: np.full_like(tau, -1 / scale),
        tail=_INFINITY,
        unit=scale,
        decay=lambda drop: scale * drop,
    )


def _uniform(scale: float, df: float | None) -> TauPrior:
    bounded = math.isfinite(scale)
    density = -math.log(scale) if bounded else 0.0
    return TauPrior(
        f"uniform(0, {scale:g})" if bounded else "uniform(0, infinity), improper",
        lambda tau: np.full_like(tau, density),
        np.zeros_like,
        tail=_INFINITY if bounded else 0.0,
        unit=_INFINITY,
        decay=lambda drop: scale,
        upper=scale,
        proper=bounded,
    )


#: Priors of tau by name.
PRIORS: dict[str, Callable[[float, float | None], TauPrior]] = {
    "half_normal": _half_normal,
    "half_cauchy": _half_cauchy,
    "half_t": _half_t,
    "exponential": _exponential,
    "uniform": _uniform,
}


def tau_prior(name: str, scale: float | None, df: float | None) -> TauPrior:
    """Return the prior of tau.

    Parameters
    ----------
    name : {"half_normal", "half_cauchy", "half_t", "exponential", "uniform"}
    scale : float or None
        Scale s in units of the effects: s of N(0, s^2) folded at zero, of the folded
        Cauchy or t, the mean of the exponential, the end of the uniform. None is
        the improper uniform on all tau >= 0, and an error for the others.
    df : float or None
        Degrees of freedom, for "half_t" only.

    Raises
    ------
    DataError
        For an unknown prior, or a scale or df that it cannot have.
    """
    one_of("prior of tau", name, PRIORS)
    arguments = (name, scale, df)
    if df is not None and name != "half_t":
        raise DataError(f"df is not a parameter of {name!r}", remedy="leave df out")
    if scale is None:
        if name != "uniform":
            raise DataError(
                f"the prior {name!r} needs a scale, in units of the effects",
                remedy="pass scale=; for log odds ratios 0.5 is common, 1 is wide",
            )
        scale = _INFINITY
    elif not (is_between(scale, 0, _INFINITY) and 1e-50 <= scale <= 1e50):
        raise DataError(
            f"the scale of a prior is a number from 1e-50 to 1e50, got {scale!r}",
            remedy="pass the scale in units of the effects",
        )
    return replace(PRIORS[name](float(scale), df), arguments=arguments)
