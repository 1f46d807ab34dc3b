"""Weights that are given and do not follow from the variances.

Symbols as in `weighting`; a_i are the weights, A = diag(a), V = diag(v) and
P = A - A X (X'AX)^-1 X'A. One set of trials.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from trialstats.meta.arranging import arranged
from trialstats.meta.inputs import FloatArray
from trialstats.meta.weighting import Trials, WeightedRegression, weigh


@dataclass(frozen=True)
class GivenWeights:
    """Trials with given weights.

    Attributes
    ----------
    trials : Trials
        Of one fit.
    weight : ndarray of shape (k, 1)
        a_i, in the order of the sorted trials.
    """

    trials: Trials
    weight: FloatArray

    @cached_property
    def fit(self) -> WeightedRegression:
        """The trials under these weights."""
        trials = self.trials
        if trials.rows is None:
            ones = np.ones((len(trials.variance), 1, 1))
            trials = replace(trials, rows=ones)
        found = weigh(trials, np.zeros(1), weight=self.weight)
        assert isinstance(found, WeightedRegression)  # noqa: S101
        return found

    @property
    def q(self) -> FloatArray:
        """Y'Py."""
        return self.fit.q

    @property
    def trace(self) -> FloatArray:
        """Trace of P."""
        return self.fit.trace

    @property
    def _variance(self) -> FloatArray:
        """v_i, zero where a trial is absent: its weight is zero, too."""
        v = self.trials.variance
        return np.where(np.isfinite(v), v, 0.0)

    @property
    def expected_q(self) -> FloatArray:
        """Trace of PV: what Q is expected to be when tau2 is zero."""
        return np.asarray((self.fit.diagonal * self._variance).sum(axis=0))

    @property
    def projection(self) -> FloatArray:
        """P of the first fit, (k, k)."""
        fit, weight = self.fit, self.weight[:, 0]
        rows, inverse = fit.rows[:, :, 0], fit.inverse[:, :, 0]
        hat = rows @ inverse @ rows.T
        found = np.diag(weight) - hat * weight * weight[:, np.newaxis]
        # What is left of the basis, without the difference.
        p = rows.shape[1]
        found[:p, :p] = fit.own[:, :, 0]
        return np.asarray(found)

    def standard_error(self, tau_squared: FloatArray) -> FloatArray:
        """Return the standard error of (Q - tr PV) / tr P at a tau2."""
        fit, v = self.fit, self._variance
        one = np.ones_like(v)
        variance = 2 * fit.trace_between(v, v)
        variance += 4 * tau_squared * fit.trace_between(v, one)
        variance += 2 * tau_squared**2 * fit.trace_between(one, one)
        return np.asarray(np.sqrt(variance) / fit.trace)


def arranged_trials(
    effect: FloatArray,
    variance: FloatArray,
    design: FloatArray | None,
    weights: FloatArray | None,
) -> tuple[Trials, GivenWeights | None]:
    """Return one set of trials, sorted, with the weights that are given.

    Parameters
    ----------
    effect, variance : ndarray of shape (k,)
        Checked.
    design : ndarray of shape (k, p) or None
        None without moderators.
    weights : ndarray of shape (k,) or None
    """
    trials = arranged(
        effect[np.newaxis], variance[np.newaxis], design=design, ties=weights
    )
    if weights is None:
        return trials, None
    share = weights / weights.max()
    return trials, GivenWeights(trials, share[trials.order])
