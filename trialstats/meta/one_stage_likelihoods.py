"""Log-likelihoods of counts in their linear predictor, with three derivatives.

A likelihood is L(l) for the predictor l of an arm of a trial: log odds (binomial), log
rate (Poisson) or log odds ratio (non-central hypergeometric). All three are concave.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import expit, gammaln, log_expit, xlogy

from trialstats.meta.hypergeometric import Margins, conditional_estimates
from trialstats.meta.inputs import BoolArray, FloatArray


class Derivatives(NamedTuple):
    """L and its first three derivatives in the predictor."""

    value: FloatArray
    first: FloatArray
    second: FloatArray
    third: FloatArray


class Likelihood(Protocol):
    """What the quadrature needs of a likelihood."""

    def at(self, predictor: FloatArray) -> Derivatives:
        """Return L and its derivatives.

        Parameters
        ----------
        predictor : ndarray of shape (k, ..., J)
            First axis trials, last axis arms.
        """

    @property
    def saturated(self) -> FloatArray:
        """Largest value of L in each trial, shape (k,)."""


def _over_nodes(values: FloatArray, like: FloatArray) -> FloatArray:
    """Return values of shape (k, J) beside predictors of shape (k, ..., J)."""
    return values.reshape(len(values), *(1,) * (like.ndim - 2), values.shape[1])


@dataclass(frozen=True, slots=True)
class Binomial:
    """x events among n; predictor log odds. Arrays of shape (k, J)."""

    x: FloatArray
    n: FloatArray
    #: ln C(n, x).
    constant: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Add the constant."""
        x, n = self.x, self.n
        constant = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
        object.__setattr__(self, "constant", constant)

    def at(self, predictor: FloatArray) -> Derivatives:
        """Return L and its derivatives."""
        x, n, constant = (
            _over_nodes(v, predictor) for v in (self.x, self.n, self.constant)
        )
        p, q = expit(predictor), expit(-predictor)
        # Neither tail loses digits: ln p and ln(1 - p), each where it is counted.
        value = x * log_expit(predictor) + (n - x) * log_expit(-predictor) + constant
        spread = n * p * q
        return Derivatives(value, x * q - (n - x) * p, -spread, spread * (p - q))

    def without(self, absent: BoolArray) -> "Binomial":
        """Return the likelihood with arms of shape (k, J) that count for nothing."""
        return Binomial(np.where(absent, 0.0, self.x), np.where(absent, 0.0, self.n))

    @property
    def saturated(self) -> FloatArray:
        """Largest value of L in each trial."""
        x, n = self.x, self.n
        share = x / np.where(n > 0, n, 1.0)
        return np.asarray(
            (self.constant + xlogy(x, share) + xlogy(n - x, 1 - share)).sum(axis=1)
        )


@dataclass(frozen=True, slots=True)
class Poisson:
    """x events; predictor log of the expected number. Arrays of shape (k, J)."""

    x: FloatArray
    present: BoolArray

    def at(self, predictor: FloatArray) -> Derivatives:
        """Return L and its derivatives."""
        x, here, constant = (
            _over_nodes(v, predictor)
            for v in (self.x, self.present.astype(float), gammaln(self.x + 1))
        )
        expected = here * np.exp(np.minimum(predictor, 700.0))
        return Derivatives(
            x * predictor - expected - constant, x - expected, -expected, -expected
        )

    def without(self, absent: BoolArray) -> "Poisson":
        """Return the likelihood with arms of shape (k, J) that count for nothing."""
        return Poisson(np.where(absent, 0.0, self.x), self.present & ~absent)

    @property
    def saturated(self) -> FloatArray:
        """Largest value of L in each trial."""
        x = self.x
        return np.asarray((xlogy(x, x) - x - gammaln(x + 1)).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """x events under treatment given the margins; predictor log odds ratio, J = 1."""

    x: FloatArray
    margins: Margins

    def at(self, predictor: FloatArray) -> Derivatives:
        """Return L and its derivatives."""
        x = _over_nodes(self.x, predictor)
        tables = np.arange(len(self.x))[:, None]
        weight = _over_nodes(self.margins.log_weight(tables, self.x), predictor)
        found = self.margins.cumulants(predictor)
        return Derivatives(
            weight + x * predictor - found.function,
            x - found.mean,
            -found.variance,
            -found.third,
        )

    @property
    def saturated(self) -> FloatArray:
        """Largest value of L in each trial."""
        estimate, _, inner = conditional_estimates(self.margins, self.x[:, 0])
        at = self.at(np.where(inner, estimate, 0.0)[:, None]).value[:, 0]
        return np.where(inner, at, 0.0)
