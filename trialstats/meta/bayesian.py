"""Pool trials by Bayes: the normal-normal model, integrated without simulation.

Model: y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau^2); tau and mu have priors. Symbols
and method as in `bayesian_quadrature`. Nothing is random: the same data give the same
numbers, to about twelve digits.
"""

import math
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from trialstats.meta.bayesian_marginals import (
    INTERVALS,
    NormalMixture,
    TauPosterior,
    tau_posterior,
)
from trialstats.meta.bayesian_priors import TauPrior, tau_prior
from trialstats.meta.bayesian_quadrature import (
    TauGrid,
    conditional,
    integrate,
    mean_and_spread,
)
from trialstats.meta.bayesian_sets import Sets, one_set
from trialstats.meta.inputs import FloatArray, check_level, numbers, one_of

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class PooledBayesian:
    """A posterior. Everything unrounded, on the scale of the effects.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate : float
        Posterior median of mu: it always exists, and exp(estimate) is the median of
        exp(mu).
    mean, standard_error : float
        Posterior mean and standard deviation of mu.
    ci_lower, ci_upper : float
        Credible interval of mu.
    tau, tau_mean, tau_mode, tau_standard_deviation, tau_lower, tau_upper : float
        Posterior median, mean, mode, standard deviation and interval of tau.
    tau_squared, tau_squared_lower, tau_squared_upper : float
        Squares of median and limits of tau.
    i_squared : float
        tau2/(tau2 + s2) at the median, with the typical sampling variance s2.
    prediction_lower, prediction_upper : float
        Interval for the true effect in a new trial.
    weights : ndarray of shape (k,)
        Posterior mean weight of each trial in mu, in the order of the input. They add
        to 1 under a flat prior of mu; otherwise the rest is that prior's. Read-only.
    shrinkage : DataFrame
        One row per trial, in the order of the input, for its true effect theta_i:
        estimate (median), mean, standard_deviation, ci_lower, ci_upper.
    log_marginal_likelihood : float
        Log density of the effects. Under a flat prior of mu, whose density counts as
        1, it compares priors of tau only.
    bayes_factor_homogeneity : float
        Density of the effects with tau = 0, divided by that under the prior of tau.
    effect, variance : ndarray of shape (k,)
        The input. Read-only.
    k : int
        Number of trials.
    level : float
        Probability of every interval.
    interval : str
        "central" or "shortest".
    prior, mean_prior : str
        Priors of tau and mu in words.
    effect_distribution, prediction_distribution : NormalMixture
        Posterior of mu; distribution of the true effect in a new trial. Methods
        density, probability_below, probability_above, quantile.
    tau_distribution : TauPosterior
        Posterior of tau. Methods density, probability_below, quantile.
    not_estimable : mapping of str to str
        Reason for each field that is NaN because it does not exist.
    """

    estimate: float
    mean: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    tau: float
    tau_mean: float
    tau_mode: float
    tau_standard_deviation: float
    tau_lower: float
    tau_upper: float
    i_squared: float
    prediction_lower: float
    prediction_upper: float
    weights: FloatArray
    shrinkage: pd.DataFrame
    log_marginal_likelihood: float
    bayes_factor_homogeneity: float
    effect: FloatArray
    variance: FloatArray
    k: int
    level: float
    interval: str
    prior: str
    mean_prior: str
    effect_distribution: NormalMixture
    prediction_distribution: NormalMixture
    tau_distribution: TauPosterior
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def tau_squared(self) -> float:
        """Square of the posterior median of tau: the median of tau2."""
        return self.tau**2

    @property
    def tau_squared_lower(self) -> float:
        """Square of the lower limit of tau."""
        return self.tau_lower**2

    @property
    def tau_squared_upper(self) -> float:
        """Square of the upper limit of tau."""
        return self.tau_upper**2

    @property
    def method(self) -> str:
        """The method in words, complete."""
        return (
            f"Bayesian random effects; tau {self.prior}, mu {self.mean_prior}; "
            f"posterior median, {self.level * 100:g}% {self.interval} credible interval"
        )

    def probability_below(self, value: float = 0.0) -> float:
        """Return the posterior probability that mu is below `value`."""
        return float(self.effect_distribution.probability_below(value))

    def probability_above(self, value: float = 0.0) -> float:
        """Return the posterior probability that mu is above `value`."""
        return float(self.effect_distribution.probability_above(value))


def pool_bayesian(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    prior: str = "half_normal",
    scale: float | None = None,
    df: float | None = None,
    mean_prior: tuple[float, float] | None = None,
    level: float = 0.95,
    interval: str = "central",
) -> PooledBayesian:
    """Pool the effects of k trials by Bayes' rule.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        Effects, ratios on the log scale, and their sampling variances, not standard
        errors. The result does not depend on the order of the trials.
    prior : {"half_normal", "half_cauchy", "half_t", "exponential", "uniform"}
        Prior of tau, the standard deviation between trials.
    scale : float
        Its scale, in units of the effects: there is no default, since none fits
        every effect measure. Of the exponential it is the mean, of the uniform the
        upper end; a uniform without a scale is the improper one on all tau >= 0.
    df : float, optional
        Degrees of freedom of "half_t", at least 1.
    mean_prior : (mean, sd), optional
        Normal prior of mu; by default it is flat.
    level : float
        Probability of every interval.
    interval : {"central", "shortest"}
        Equal tails, or the shortest interval.

    Returns
    -------
    PooledBayesian

    Raises
    ------
    DataError
        For an unknown method, a missing or infinite value, a variance of zero or
        less, or a scale, df or sd that is not above zero.
    NotEstimableError
        When the posterior is improper: the improper uniform with fewer than three
        trials (two under a normal prior of mu).
    ConvergenceError
        When the integral over tau does not settle, since prior and data contradict
        each other by many powers of ten.

    Notes
    -----
    Equations and what exists when: docs/methods/bayesian_meta_analysis.md.

    References
    ----------
    .. [1] Roever C (2020). Bayesian random-effects meta-analysis using the bayesmeta
       R package. Journal of Statistical Software 93(6).
    .. [2] Friede T, Roever C, Wandel S, Neuenschwander B (2017). Meta-analysis of few
       small studies in orphan diseases. Research Synthesis Methods 8(1), 79-91.

    Examples
    --------
    >>> pooled = pool_bayesian([0.1, 0.3, 0.35], [0.01, 0.02, 0.05], scale=0.5)
    >>> round(pooled.estimate, 3), round(pooled.ci_lower, 3), round(pooled.ci_upper, 3)
    (0.212, -0.133, 0.613)
    >>> round(pooled.probability_above(0), 3)
    0.929
    >>> pooled.method[:59]
    'Bayesian random effects; tau half-normal(0.5), mu flat; pos'
    """
    one_of("interval", interval, INTERVALS)
    check_level(level)
    between = tau_prior(prior, scale, df)
    sets = one_set(effect, variance, mean_prior)
    (grid,) = integrate(sets, between)
    posterior = tau_posterior(grid, between)
    mixture = _mixture(grid, 1 / np.sqrt(grid.precision[0]))
    ahead = _mixture(grid, np.hypot(1 / np.sqrt(grid.precision[0]), grid.tau[0]))
    limits = INTERVALS[interval]
    (lower, upper), (first, last) = limits(mixture, level), limits(ahead, level)
    tau_lower, tau_upper = limits(posterior, level)
    moments, reasons = _moments(grid, between)
    tau = float(posterior.quantile(0.5))
    i_squared, no_share = _i_squared(sets, tau)
    evidence, no_evidence = _evidence(grid, between)
    return PooledBayesian(
        estimate=float(mixture.quantile(0.5)),
        ci_lower=lower,
        ci_upper=upper,
        tau=tau,
        tau_mode=posterior.mode(),
        tau_lower=tau_lower,
        tau_upper=tau_upper,
        i_squared=i_squared,
        prediction_lower=first,
        prediction_upper=last,
        weights=_read_only(_unsorted(sets, _weights(grid))),
        shrinkage=_shrinkage(grid, interval, level),
        effect=_read_only(numbers("effect", effect, data=None)),
        variance=_read_only(numbers("variance", variance, data=None)),
        k=int(sets.k[0]),
        level=level,
        interval=interval,
        prior=between.words,
        mean_prior=_mean_words(mean_prior),
        effect_distribution=mixture,
        prediction_distribution=ahead,
        tau_distribution=posterior,
        not_estimable=MappingProxyType(reasons | no_share | no_evidence),
        **moments,
        **evidence,
    )


def _mean_words(mean_prior: tuple[float, float] | None) -> str:
    if mean_prior is None:
        return "flat"
    return f"normal({mean_prior[0]:g}, sd {mean_prior[1]:g})"


def _mixture(grid: TauGrid, spread: FloatArray) -> NormalMixture:
    origin = float(grid.sets.origin[0])
    return NormalMixture(grid.probability[0], grid.mean[0], spread, origin)


def _moments(grid: TauGrid, prior: TauPrior) -> tuple[dict[str, float], dict[str, str]]:
    """Return the moments of mu and tau, with reasons for those that do not exist."""
    mean, spread = (float(value[0]) for value in mean_and_spread(grid, prior))
    tau_mean = float(grid.moment_of_tau(1)[0])
    beyond = float(grid.tail[0, 1] - 2 * tau_mean * grid.tail[0, 0])
    squares = (grid.probability[0] * (grid.tau[0] - tau_mean) ** 2).sum()
    values = {
        "mean": float(grid.sets.origin[0]) + mean,
        "standard_error": spread,
        "tau_mean": tau_mean,
        "tau_standard_deviation": math.sqrt(squares + beyond),
    }
    k = grid.sets.k[0]
    trials = "trial" if k == 1 else "trials"
    reason = f"with {k} {trials} the tail of tau under this prior is too heavy"
    return values, {name: reason for name, x in values.items() if math.isnan(x)}


def _i_squared(sets: Sets, tau: float) -> tuple[float, dict[str, str]]:
    k = int(sets.k[0])
    if k == 1:
        return _NAN, {"i_squared": "needs at least 2 trials"}
    weight = 1 / sets.variance[0]
    # (k - 1)/(W - sum(w^2)/W), as sums over all other trials.
    share = weight / weight.sum()
    rest = weight.sum() - weight
    rest[0] = weight[1:].sum()
    typical = (k - 1) / float(share @ rest)
    return tau**2 / (tau**2 + typical), {}


def _evidence(
    grid: TauGrid, prior: TauPrior
) -> tuple[dict[str, float], dict[str, str]]:
    """Return marginal likelihood and Bayes factor, or why they do not exist."""
    names = ("log_marginal_likelihood", "bayes_factor_homogeneity")
    if not prior.proper:
        reason = "needs a proper prior of tau"
        return dict.fromkeys(names, _NAN), dict.fromkeys(names, reason)
    sets, constant = grid.sets, float(grid.log_constant[0])
    factors = -int(sets.k[0]) / 2 * math.log(2 * math.pi)
    if sets.flat_mean:
        factors += 0.5 * math.log(2 * math.pi)
    else:
        factors += 0.5 * math.log(sets.mean_precision)
    none = float(conditional(sets, np.zeros((1, 1))).log_likelihood[0, 0])
    with np.errstate(over="ignore", under="ignore"):
        ratio = float(np.exp(none - constant))
    return dict(zip(names, (constant + factors, ratio), strict=True)), {}


def _weights(grid: TauGrid) -> FloatArray:
    """Return the posterior mean of w_i/W, trials sorted."""
    total = grid.sets.variance[0] + grid.tau[0][:, None] ** 2
    return np.asarray((grid.probability[0] / grid.precision[0]) @ (1 / total))


def _shrinkage(grid: TauGrid, interval: str, level: float) -> pd.DataFrame:
    """Return the posterior of each trial's own effect theta_i.

    Given tau it is normal with mean B m + (1 - B) y_i and variance
    (1 - B) v_i + B^2/W, where B = v_i/(v_i + tau^2).
    """
    rows = []
    square = grid.tau[0] ** 2
    for y, v in zip(grid.sets.deviation[0], grid.sets.variance[0], strict=True):
        pull, own = v / (v + square), square / (v + square)
        given_mean = pull * grid.mean[0] + own * y
        given_square = own * v + pull**2 / grid.precision[0]
        theta = _mixture(grid, np.sqrt(given_square))
        theta = NormalMixture(theta.share, given_mean, theta.spread, theta.origin)
        mean = float(theta.share @ given_mean)
        square_of = theta.share @ (given_square + (given_mean - mean) ** 2)
        lower, upper = INTERVALS[interval](theta, level)
        rows.append(
            {
                "estimate": float(theta.quantile(0.5)),
                "mean": theta.origin + mean,
                "standard_deviation": math.sqrt(square_of),
                "ci_lower": lower,
                "ci_upper": upper,
            }
        )
    place = np.argsort(grid.sets.order[0])
    return pd.DataFrame(rows).iloc[place].reset_index(drop=True)


def _unsorted(sets: Sets, values: FloatArray) -> FloatArray:
    return np.asarray(sets.in_input_order(values[None, :])[0])


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values
