"""Tests that one between-trial variance holds for all trials."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.special import chdtrc

from trialstats.errors import ConvergenceError, DataError, NotEstimableError
from trialstats.meta.funnel import Trials, trials_of, weigh
from trialstats.meta.inputs import FloatArray, one_of
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled

#: Rounds of the alternating estimation, and the relative change at which it ends.
_ROUNDS, _SETTLED = 20_000, 1e-14

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class HeteroscedasticityTest:
    """Test that one tau-squared holds for all trials. Unrounded.

    Attributes
    ----------
    statistic, df, p_value : float
        Chi-squared statistic with k - 1 df, upper tail.
    tau_squared : float
        Common between-trial variance.
    tau_squared_by_trial : ndarray of shape (k,)
        Variance of each trial's true effect, estimated from that trial alone beside
        the common mean; in the order of the input. NaN where the estimation does not
        settle. Read-only.
    kind, likelihood : str
        Test, and the likelihood it is derived from.
    k : int
        Number of trials.
    not_estimable : mapping of str to str
        Reason for what is NaN.
    """

    statistic: float
    df: int
    p_value: float
    tau_squared: float
    tau_squared_by_trial: FloatArray
    kind: str
    likelihood: str
    k: int
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words."""
        return f"{TESTS[self.kind][1]} that tau-squared is common, {self.likelihood}"


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    trials: Trials
    tau_squared: float
    restricted: bool
    #: Raises a ConvergenceError where the estimation does not settle.
    by_trial: Callable[[], FloatArray]


def _information(share: FloatArray, restricted: bool) -> FloatArray:
    """Return the information of the tau-squared_i, times the total variances twice.

    `share` is the share of each trial in the weights.
    """
    if not restricted:
        return np.eye(len(share)) / 2
    information = np.outer(share, share) / 2
    np.fill_diagonal(information, (1 - share) ** 2 / 2)
    return information


def _score(ask: _Question) -> float:
    fit = weigh(ask.trials, ask.tau_squared)
    share = np.asarray(fit.weight / fit.total)
    slope = (fit.weight * fit.residual**2 - 1 + (share if ask.restricted else 0)) / 2
    information = _information(share, ask.restricted)
    return float(slope @ _solved(information, slope))


def _likelihood_ratio(ask: _Question) -> float:
    common = np.full(ask.trials.k, ask.tau_squared)
    return 2 * (
        _log_likelihood(ask.trials, ask.by_trial(), ask.restricted)
        - _log_likelihood(ask.trials, common, ask.restricted)
    )


def _wald(ask: _Question) -> float:
    """Wald test of the differences from the first trial; any other gives the same."""
    own = ask.by_trial()
    total = ask.trials.variance + own
    share = (1 / total) / math.fsum(1 / total)
    information = _information(share, ask.restricted) / np.outer(total, total)
    covariance = _solved(information, np.eye(ask.trials.k))
    contrast = np.hstack([np.ones((ask.trials.k - 1, 1)), -np.eye(ask.trials.k - 1)])
    difference = contrast @ own
    spread = contrast @ covariance @ contrast.T
    return float(difference @ _solved(spread, difference))


def _solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Return matrix^-1 right for a symmetric matrix that may be badly scaled."""
    scale = 1 / np.sqrt(np.abs(np.diag(matrix)))
    scaled = matrix * np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e13:
        raise NotEstimableError(
            "the test that tau-squared is common does not exist: the information about "
            "the trials' own variances is singular"
        )
    shaped = scale.reshape(-1, *[1] * (right.ndim - 1))
    return np.asarray(shaped * np.linalg.solve(scaled, shaped * right))


def _log_likelihood(trials: Trials, own: FloatArray, restricted: bool) -> float:
    """Return the log-likelihood but for what does not depend on the variances."""
    total = trials.variance + own
    weight = 1 / total
    sum_of_weights = math.fsum(weight)
    mean = math.fsum(weight * trials.deviation) / sum_of_weights
    twice = math.fsum(np.log(total)) + math.fsum(
        weight * (trials.deviation - mean) ** 2
    )
    if restricted:
        twice += math.log(sum_of_weights)
    return -twice / 2


def _by_trial(trials: Trials, start: float, restricted: bool) -> FloatArray:
    """Return tau-squared of each trial, by turns with the mean."""
    own = np.full(trials.k, start)
    scale = float(trials.variance.max()) + start
    for _ in range(_ROUNDS):
        weight = 1 / (trials.variance + own)
        total = float(weight.sum())
        mean = float((weight * trials.deviation).sum()) / total
        squared = (trials.deviation - mean) ** 2 + (1 / total if restricted else 0)
        following = np.maximum(0, squared - trials.variance)
        if np.max(np.abs(following - own)) <= _SETTLED * scale:
            return np.asarray(following)
        own = following
    raise ConvergenceError(
        "the trials' own between-trial variances do not settle; use kind='score', "
        "which does without them"
    )


#: Test -> its computation and its words.
TESTS: dict[str, tuple[Callable[[_Question], float], str]] = {
    "score": (_score, "score test"),
    "likelihood_ratio": (_likelihood_ratio, "likelihood ratio test"),
    "wald": (_wald, "Wald test"),
}


def heteroscedasticity_test(
    pooled: Pooled, *, kind: str = "score"
) -> HeteroscedasticityTest:
    """Test whether one between-trial variance holds for all trials.

    Under the alternative the true effect of trial i has its own variance
    tau-squared_i.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, by REML or ML, at least 3 trials.
    kind : {"score", "likelihood_ratio", "wald"}
        Test. Under the alternative there is a variance a trial, so the chi-squared
        distribution is rough for the last two; the score test needs the common model
        alone.

    Returns
    -------
    HeteroscedasticityTest

    Raises
    ------
    DataError
        For another estimator than REML and ML, moderators, given weights, or an unknown
        kind.
    NotEstimableError
        With fewer than 3 trials, or a singular information.
    ConvergenceError
        When the trials' own variances are needed and do not settle.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.3, 0.2, 1.5, 0.4], [0.01, 0.02, 0.01, 0.03, 0.02])
    >>> test = heteroscedasticity_test(pooled)
    >>> test.df, test.method
    (4, 'score test that tau-squared is common, REML')
    """
    check_pooled(pooled, "heteroscedasticity_test")
    one_of("test that tau-squared is common", kind, TESTS)
    likelihood = pooled.tau_squared_method
    if likelihood not in ("REML", "ML"):
        raise DataError(
            f"the test is derived for REML and ML, not for {likelihood}",
            remedy="pool the effects with tau_squared='REML'",
        )
    trials = trials_of(pooled, "the test that tau-squared is common", at_least=3)
    restricted = likelihood == "REML"
    typical = trials.k / math.fsum(1 / trials.variance)
    start = max(pooled.tau_squared, 0.1 * typical)

    def by_trial() -> FloatArray:
        return _by_trial(trials, start, restricted)

    ask = _Question(trials, pooled.tau_squared, restricted, by_trial)
    statistic = TESTS[kind][0](ask)
    own, reasons = np.full(trials.k, _NAN), {}
    try:
        own[trials.order] = by_trial()
    except ConvergenceError as error:
        reasons["tau_squared_by_trial"] = str(error)
    own.flags.writeable = False
    return HeteroscedasticityTest(
        statistic=statistic,
        df=trials.k - 1,
        p_value=float(chdtrc(trials.k - 1, statistic)),
        tau_squared=pooled.tau_squared,
        tau_squared_by_trial=own,
        kind=kind,
        likelihood=likelihood,
        k=trials.k,
        not_estimable=MappingProxyType(reasons),
    )
