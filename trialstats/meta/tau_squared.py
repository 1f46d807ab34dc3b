"""Estimators of the between-trial variance tau2.

Model: y_i ~ N(mu, v_i + tau2), independent. Symbols as in `weighting`; S is the
unweighted sum of squares of the effects. Each estimator takes effects and sampling
variances (not standard errors) of k >= 2 trials, of shape (k,), and returns a number
in squared units of the effects, truncated at zero.

Iterative estimators are bracketed: each equation has a bound above which it has no
root, so nothing depends on a start value, and the likelihoods are searched for every
local maximum within the bound.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.weighting import (
    Trials,
    Weighted,
    sorted_trials,
    sum_of_squares,
    weigh,
)

TauSquaredEstimator = Callable[[ArrayLike, ArrayLike], float]

#: Points a decade at which the sign of a score is looked at.
_POINTS_PER_DECADE = 12


def several_trials(effect: ArrayLike, variance: ArrayLike) -> Trials:
    """Return the sorted trials; refuse a single one."""
    trials = sorted_trials(effect, variance)
    if trials.k < 2:
        raise NotEstimableError("heterogeneity needs at least 2 trials, got 1")
    return trials


def bracketed_root(
    function: Callable[[float], float], lower: float, upper: float, *, what: str
) -> float:
    """Return the root of `function` between two points of opposite sign.

    Brent's method, to the last few bits of the root. An end where the function is
    zero, or of the other end's sign by rounding alone, is returned as the root.
    """
    at_lower, at_upper = function(lower), function(upper)
    if at_lower * at_upper >= 0:
        return lower if abs(at_lower) <= abs(at_upper) else upper
    root, outcome = brentq(
        function,
        lower,
        upper,
        xtol=5e-324,
        rtol=4 * np.finfo(float).eps,
        maxiter=2000,
        full_output=True,
        disp=False,
    )
    if not outcome.converged:
        raise ConvergenceError(
            f"{what}: no root to full precision between {lower!r} and {upper!r} after "
            f"{outcome.iterations} steps; use a closed-form estimator such as DL"
        )
    return float(root)


def generalised_q_root(trials: Trials, target: float, *, what: str) -> float:
    """Return the tau2 >= 0 where the generalised Q equals `target`, or zero.

    Q falls as tau2 grows and is at most S / (v_min + tau2), which bounds the root.
    """
    if float(weigh(trials).q) <= target:
        return 0.0
    upper = sum_of_squares(trials) / target

    def excess(tau_squared: float) -> float:
        return float(weigh(trials, tau_squared).q) - target

    return bracketed_root(excess, 0.0, upper, what=what)


def tau_squared_equal_effects(effect: ArrayLike, variance: ArrayLike) -> float:
    """Return zero: under equal effects there is no between-trial variance."""
    sorted_trials(effect, variance)
    return 0.0


def tau_squared_dersimonian_laird(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 by the method of moments from Cochran's Q.

    References
    ----------
    .. [1] DerSimonian R, Laird N (1986). Meta-analysis in clinical trials.
       Controlled Clinical Trials 7(3), 177-188.
    """
    trials = several_trials(effect, variance)
    fixed = weigh(trials)
    return max(0.0, float((fixed.q - (trials.k - 1)) / fixed.trace))


def tau_squared_hedges(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 as the variance of the effects less their mean sampling variance.

    References
    ----------
    .. [1] Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic
       Press.
    """
    trials = several_trials(effect, variance)
    between = sum_of_squares(trials) / (trials.k - 1)
    return max(0.0, between - float(trials.variance.mean()))


def tau_squared_hunter_schmidt(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 as (Q - k) / W; biased downwards.

    References
    ----------
    .. [1] Hunter JE, Schmidt FL (2004). Methods of meta-analysis. Sage.
    """
    trials = several_trials(effect, variance)
    fixed = weigh(trials)
    return max(0.0, float((fixed.q - trials.k) / fixed.total))


def tau_squared_sidik_jonkman(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 by one step from the crude variance S/k; zero only when S is.

    References
    ----------
    .. [1] Sidik K, Jonkman JN (2005). Simple heterogeneity variance estimation for
       meta-analysis. Journal of the Royal Statistical Society C 54(2), 367-384.
    """
    trials = several_trials(effect, variance)
    crude = sum_of_squares(trials) / trials.k
    return crude * float(weigh(trials, crude).q) / (trials.k - 1)


def tau_squared_paule_mandel(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 as the root of generalised Q = k - 1.

    References
    ----------
    .. [1] Paule RC, Mandel J (1982). Consensus values and weighting factors. Journal
       of Research of the National Bureau of Standards 87(5), 377-385.
    """
    trials = several_trials(effect, variance)
    return generalised_q_root(trials, trials.k - 1, what="Paule-Mandel tau-squared")


def tau_squared_empirical_bayes(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 by empirical Bayes; the equation's root is Paule-Mandel's.

    References
    ----------
    .. [1] Morris CN (1983). Parametric empirical Bayes inference: theory and
       applications. Journal of the American Statistical Association 78(381), 47-55.
    """
    return tau_squared_paule_mandel(effect, variance)


def reml_score(fit: Weighted) -> FloatArray:
    """Return twice the derivative of the restricted log-likelihood in tau2."""
    return np.asarray(((fit.weight * fit.residual) ** 2).sum(axis=-1) - fit.trace)


def ml_score(fit: Weighted) -> FloatArray:
    """Return twice the derivative of the log-likelihood in tau2."""
    return np.asarray(((fit.weight * fit.residual) ** 2).sum(axis=-1) - fit.total)


def _ml_log_likelihood(fit: Weighted) -> float:
    return float(np.log(fit.weight).sum() - fit.q) / 2


def _reml_log_likelihood(fit: Weighted) -> float:
    return _ml_log_likelihood(fit) - math.log(float(fit.total)) / 2


def tau_squared_reml(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 by restricted maximum likelihood.

    References
    ----------
    .. [1] Viechtbauer W (2005). Bias and efficiency of meta-analytic variance
       estimators in the random-effects model. Journal of Educational and Behavioral
       Statistics 30(3), 261-293.
    """
    trials = several_trials(effect, variance)
    return _highest_maximum(trials, reml_score, _reml_log_likelihood, what="REML")


def tau_squared_ml(effect: ArrayLike, variance: ArrayLike) -> float:
    """Estimate tau2 by maximum likelihood; biased downwards.

    References
    ----------
    .. [1] Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with
       random effects. Statistics in Medicine 15(6), 619-629.
    """
    trials = several_trials(effect, variance)
    return _highest_maximum(trials, ml_score, _ml_log_likelihood, what="ML")


def _highest_maximum(
    trials: Trials,
    score: Callable[[Weighted], FloatArray],
    log_likelihood: Callable[[Weighted], float],
    *,
    what: str,
) -> float:
    """Return the tau2 >= 0 of the highest maximum of a likelihood.

    Maxima stand where the score falls through zero, and at zero when it starts
    below. A likelihood in tau2 can have several (few trials, very unequal
    variances), and then the highest is the estimate.
    """
    grid = _grid(trials)
    signs = score(weigh(trials, grid)) > 0

    def score_at(tau_squared: float) -> float:
        return float(score(weigh(trials, tau_squared)))

    candidates = [] if signs[0] else [0.0]
    for left in np.flatnonzero(signs[:-1] & ~signs[1:]):
        lower, upper = float(grid[left]), float(grid[left + 1])
        candidates.append(
            bracketed_root(score_at, lower, upper, what=f"{what} tau-squared")
        )
    if not candidates:
        raise ConvergenceError(
            f"{what}: the score of tau-squared has no zero up to {grid[-1]!r}; "
            "use a closed-form estimator such as DL"
        )
    return max(candidates, key=lambda value: log_likelihood(weigh(trials, value)))


def _grid(trials: Trials) -> FloatArray:
    """Return points from zero to a bound beyond which the score is negative.

    With s2 = S/(k - 1), the first term of the score is at most
    S/(v_min + tau2)^2 and the trace at least (k - 1)/(v_max + tau2), so the score is
    negative beyond (s2 + sqrt(s2^2 + 4 s2 v_max)) / 2.
    """
    between = sum_of_squares(trials) / (trials.k - 1)
    spread = math.sqrt(between) * math.sqrt(between + 4 * float(trials.variance[-1]))
    # A little beyond the bound, where rounding cannot make the score positive.
    upper = 1.01 * (between + spread) / 2
    if upper == 0:
        return np.zeros(1)
    # Well below the smallest variance the score no longer depends on tau2.
    lower = 1e-3 * min(float(trials.variance[0]), upper)
    points = 2 + math.ceil(_POINTS_PER_DECADE * math.log10(upper / lower))
    return np.concatenate([[0.0], np.geomspace(lower, upper, points)])


#: Estimators of the between-trial variance, under the names metafor gives them.
TAU_SQUARED: dict[str, TauSquaredEstimator] = {
    "EE": tau_squared_equal_effects,
    "DL": tau_squared_dersimonian_laird,
    "PM": tau_squared_paule_mandel,
    "REML": tau_squared_reml,
    "ML": tau_squared_ml,
    "HE": tau_squared_hedges,
    "SJ": tau_squared_sidik_jonkman,
    "EB": tau_squared_empirical_bayes,
    "HS": tau_squared_hunter_schmidt,
}
