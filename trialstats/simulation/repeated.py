"""Trials with repeated measures and dropout, whose truth is known: for validation.

Responses of a subject, the baseline first, are jointly normal. Subjects leave for good
before a visit with a probability that rises with their last observed value: data are
missing at random, and an analysis that ignores the mechanism is valid for the model
that made the data.
"""

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import special

from trialstats.linear_model import FloatArray
from trialstats.randomness import stream

#: Seed of the true covariances and of the calibration of the dropout.
TRUTH_SEED = 20260401

#: Change of the log odds of leaving per standard deviation of the last value.
_DROPOUT_SLOPE = 1.0
#: Subjects by which the dropout is calibrated: 0.3 % of a rate of 20 %.
_CALIBRATION = 100_000
#: Correlation of the autoregressive truth, and its deviations at baseline and the end.
_RHO, _DEVIATIONS = 0.7, (1.0, 2.0)
#: Effect at the last visit, in standard deviations, where arms differ; it rises evenly.
EFFECT = 0.5


@dataclass(frozen=True, slots=True)
class Setting:
    """Where trials are drawn.

    Parameters
    ----------
    n_per_arm, visits : int
        Subjects in each of two arms; visits after baseline.
    dropout : float
        Share of subjects that are absent at the last visit.
    truth : str
        Name among `TRUTHS`.
    arms_differ : bool
        Whether the treatment has an effect, or the arms are one.
    """

    n_per_arm: int
    visits: int
    dropout: float
    truth: str
    arms_differ: bool


def _random_correlation(visits: int) -> FloatArray:
    """Return a covariance without pattern, drawn once for each number of visits."""
    random = stream(TRUTH_SEED, "random correlation", str(visits))
    size = visits + 1
    # A Wishart matrix about correlations of one half.
    usual = np.linalg.cholesky(np.full((size, size), 0.5) + 0.5 * np.eye(size))
    draws = random.standard_normal((size + 4, size)) @ usual.T
    product = draws.T @ draws
    deviation = np.sqrt(np.diag(product))
    spread = random.uniform(0.7, 1.8, size)
    return np.asarray(
        product * np.outer(spread, spread) / np.outer(deviation, deviation)
    )


def _autoregressive(visits: int) -> FloatArray:
    steps = np.arange(visits + 1)
    spread = np.linspace(*_DEVIATIONS, visits + 1)
    lag = np.abs(np.subtract.outer(steps, steps))
    return np.asarray(np.outer(spread, spread) * _RHO**lag)


#: True covariance of baseline and visits by name.
TRUTHS = MappingProxyType(
    {
        "random correlations": _random_correlation,
        "ar1_heterogeneous": _autoregressive,
    }
)


def true_covariance(truth: str, visits: int) -> FloatArray:
    """Return the covariance of baseline and visits, (visits + 1, visits + 1)."""
    return TRUTHS[truth](visits)


def true_effects(setting: Setting) -> FloatArray:
    """Return treatment minus control at each visit, (visits,)."""
    if not setting.arms_differ:
        return np.zeros(setting.visits)
    covariance = true_covariance(setting.truth, setting.visits)
    deviation = np.sqrt(np.diag(covariance))[1:]
    return EFFECT * deviation * np.arange(1, setting.visits + 1) / setting.visits


@cache
def _dropout_intercepts(truth: str, visits: int, dropout: float) -> tuple[float, ...]:
    """Return log odds of leaving after each visit but the last, at an average value.

    Of the subjects present the same share leaves after each visit.
    """
    if dropout == 0:
        return (-np.inf,) * (visits - 1)
    covariance = true_covariance(truth, visits)
    random = stream(TRUTH_SEED, "dropout", truth, str(visits), str(dropout))
    values = _standardised(random, covariance, _CALIBRATION)[:, 1:]
    chance = random.uniform(size=(_CALIBRATION, visits - 1))
    share = 1 - (1 - dropout) ** (1 / (visits - 1))
    present = np.ones(_CALIBRATION, dtype=bool)
    found = []
    for j in range(visits - 1):
        slope = _DROPOUT_SLOPE * values[present, j]
        low, high = -15.0, 5.0
        for _ in range(50):
            middle = (low + high) / 2
            if special.expit(middle + slope).mean() < share:
                low = middle
            else:
                high = middle
        found.append(middle)
        leaves = chance[:, j] < special.expit(middle + _DROPOUT_SLOPE * values[:, j])
        present &= ~leaves
    return tuple(found)


def _standardised(
    random: np.random.Generator, covariance: FloatArray, n: int
) -> FloatArray:
    deviation = np.sqrt(np.diag(covariance))
    factor = np.linalg.cholesky(covariance / np.outer(deviation, deviation))
    return np.asarray(random.standard_normal((n, len(covariance))) @ factor.T)


def draw_repeated(
    setting: Setting, random: np.random.Generator
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Draw one trial.

    Parameters
    ----------
    setting : Setting
    random : Generator

    Returns
    -------
    baseline : (n,) array
        n subjects, the control arm first.
    response : (n, visits) array
        What would be seen if nobody left.
    observed : (n, visits) array
        Nobody leaves before the first visit.
    """
    covariance = true_covariance(setting.truth, setting.visits)
    deviation = np.sqrt(np.diag(covariance))
    n = 2 * setting.n_per_arm
    values = _standardised(random, covariance, n)
    values[setting.n_per_arm :, 1:] += true_effects(setting) / deviation[1:]
    chance = random.uniform(size=(n, setting.visits - 1))
    intercepts = np.array(
        _dropout_intercepts(setting.truth, setting.visits, setting.dropout)
    )
    leaves = chance < special.expit(intercepts + _DROPOUT_SLOPE * values[:, 1:-1])
    observed = np.ones((n, setting.visits), dtype=bool)
    observed[:, 1:] = ~np.logical_or.accumulate(leaves, axis=1)
    return values[:, 0] * deviation[0], values[:, 1:] * deviation[1:], observed
