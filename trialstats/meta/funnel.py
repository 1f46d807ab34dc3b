"""What every method for small-study effects asks of a pooled effect.

Small-study effects: trials with large errors give other effects than trials with small
ones, as when small trials without a significant result stay unpublished. Formulas and
references: docs/methods/small_study_effects.md.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.pooling import Pooled


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Trials sorted by variance, then effect, whatever the order of the input.

    Attributes
    ----------
    deviation : ndarray of shape (k,)
        Effects minus `origin`.
    variance : ndarray of shape (k,)
        Sampling variances, ascending.
    origin : float
        Effect of the most precise trial.
    order : ndarray of int, shape (k,)
        Row in the input of each sorted trial.
    """

    deviation: FloatArray
    variance: FloatArray
    origin: float
    order: NDArray[np.intp]

    @property
    def k(self) -> int:
        """Number of trials."""
        return len(self.variance)


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Trials with inverse-variance weights.

    Attributes
    ----------
    weight, rest : ndarray of shape (k,)
        Weights, and for each trial the sum of the others, without a subtraction.
    total, mean : float
        Sum of the weights, and the weighted mean measured from the origin.
    residual : ndarray of shape (k,)
        Effects minus the mean.
    """

    weight: FloatArray
    rest: FloatArray
    total: float
    mean: float
    residual: FloatArray


def sorted_trials(effect: FloatArray, variance: FloatArray) -> Trials:
    """Return sorted trials."""
    order = np.lexsort((effect, variance))
    origin = float(effect[order[0]])
    return Trials(effect[order] - origin, variance[order], origin, order)


def weigh(trials: Trials, tau_squared: float = 0.0) -> Weighted:
    """Weight the trials by 1/(variance + tau_squared)."""
    weight = 1 / (trials.variance + tau_squared)
    before = np.concatenate([[0.0], np.cumsum(weight)[:-1]])
    after = np.concatenate([np.cumsum(weight[::-1])[::-1][1:], [0.0]])
    total = math.fsum(weight)
    mean = math.fsum(weight * trials.deviation) / total
    return Weighted(weight, before + after, total, mean, trials.deviation - mean)


def refuse_moderators(pooled: Pooled, what: str) -> None:
    """Raise a DataError when the model has more than an intercept."""
    if pooled.design.shape[1] > 1 or not np.all(pooled.design == 1):
        raise DataError(
            f"{what} is for a model without moderators",
            remedy="pool the effects without moderators, or within a subgroup",
        )


def refuse_weights(pooled: Pooled, what: str) -> None:
    """Raise a DataError when weights were given."""
    if pooled.custom_weights:
        raise DataError(
            f"{what} is derived for inverse-variance weights, not for given ones",
            remedy="leave the weights out of pool()",
        )


def trials_of(pooled: Pooled, what: str, *, at_least: int) -> Trials:
    """Return the trials of a pooled effect, sorted by variance, then effect.

    Parameters
    ----------
    pooled : Pooled
        Without moderators and without given weights.
    what : str
        What asks, for messages.
    at_least : int
        Number of trials without which the question has no answer.

    Raises
    ------
    DataError
        When the model has moderators or given weights.
    NotEstimableError
        When there are too few trials.
    """
    refuse_moderators(pooled, what)
    refuse_weights(pooled, what)
    trials = sorted_trials(np.asarray(pooled.effect), np.asarray(pooled.variance))
    enough_trials(trials, what, at_least)
    return trials


def enough_trials(trials: Trials, what: str, at_least: int) -> None:
    """Raise a NotEstimableError when there are fewer than `at_least` trials."""
    if trials.k < at_least:
        raise NotEstimableError(
            f"{what} needs at least {at_least} trials, there are {trials.k}"
        )


def distinct_effects(trials: Trials, what: str) -> None:
    """Raise a NotEstimableError when all effects are identical."""
    if not np.any(trials.deviation):
        raise NotEstimableError(
            f"{what} does not exist: all {trials.k} effects are identical"
        )
