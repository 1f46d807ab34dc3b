"""Estimators of the between-trial variance tau2.

Model: y_i ~ N(x_i'b, v_i + tau2), independent. Symbols as in `weighting`; S is the
unweighted sum of squares of the effects about their mean. Each estimator takes the
sorted trials of n fits and returns n numbers in squared units of the effects,
truncated at zero, each NaN where an iteration did not reach its solution.

Iterative estimators are bracketed: each equation has a bound above which it has no
root, so nothing depends on a start value, and the likelihoods are searched for every
local maximum within the bound.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import chdtri

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.likelihood import LIKELIHOODS, highest_maximum
from trialstats.meta.quadratic_forms import tau_squared_at_tail
from trialstats.meta.roots import falling_roots
from trialstats.meta.weighting import IntArray, Trials, Weighted, weigh
from trialstats.meta.weighting_given import GivenWeights

TauSquaredEstimator = Callable[[Trials, GivenWeights | None], FloatArray]


def generalised_q_root(
    trials: Trials, target: FloatArray, fixed: Weighted | None = None
) -> FloatArray:
    """Return the tau2 >= 0 where the generalised Q equals `target`, or zero.

    Q falls as tau2 grows and is at most S / (v_min + tau2), which bounds the root.
    Its reciprocal is nearly linear, so that Newton's steps on 1/target - 1/Q are few.

    Parameters
    ----------
    trials : Trials
        Of n fits.
    target : ndarray of shape (..., n)
        One or several values for each fit.
    fixed : Weighted, optional
        The trials at tau2 = 0, when they are at hand.

    Returns
    -------
    ndarray of the shape of `target`
        NaN where the root is not reached.
    """
    shape, wanted = target.shape, target.reshape(-1)
    fits = np.tile(np.arange(shape[-1]), wanted.size // shape[-1])
    with np.errstate(over="ignore", divide="ignore"):
        upper = 1.001 * trials.squares[fits] / wanted
    smallest = np.finfo(float).eps * trials.variance[0][fits]
    fixed = fixed or weigh(trials, np.zeros(shape[-1]))
    q, slope = fixed.q[fits], fixed.q_slope[fits]
    result = np.zeros(wanted.size)
    sought = np.flatnonzero((q > wanted) & (wanted > 0))
    if not len(sought):
        return result.reshape(shape)
    first = (q / wanted - 1)[sought] * q[sought] / slope[sought]

    def excess(point: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
        place = sought[which]
        chosen = trials if shape[-1] == 1 else trials.take(fits[place])
        fit = weigh(chosen, point)
        value = fit.q
        with np.errstate(divide="ignore"):
            return 1 / wanted[place] - 1 / value, -fit.q_slope / value**2

    zero = np.zeros(len(sought))
    root, reached = falling_roots(
        excess,
        zero,
        upper[sought],
        np.minimum(first, upper[sought]),
        smallest[sought],
    )
    result[sought] = np.where(reached, root, np.nan)
    return result.reshape(shape)


def _equal_effects(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Return zero: under equal effects there is no between-trial variance."""
    return np.zeros(len(trials.count))


def _dersimonian_laird(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 by the method of moments from Cochran's Q [1]_.

    .. [1] DerSimonian R, Laird N (1986). Meta-analysis in clinical trials.
       Controlled Clinical Trials 7(3), 177-188.
    """
    fixed = weigh(trials, np.zeros(len(trials.count)))
    return np.asarray(np.maximum(0.0, (fixed.q - trials.df) / fixed.trace))


def _hedges(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 as the variance of the effects less their sampling variance [1]_.

    .. [1] Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic
       Press.
    """
    present = np.isfinite(trials.variance)
    if trials.rows is None:
        total = np.where(present, trials.variance, 0.0).sum(axis=0)
        between = trials.squares / trials.df
        return np.asarray(np.maximum(0.0, between - total / trials.count))
    plain = weigh(trials, np.zeros(1), weight=present.astype(np.float64))
    expected = GivenWeights(trials, present.astype(np.float64)).expected_q
    return np.maximum(0.0, (plain.q - expected) / trials.df)


def _hunter_schmidt(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 as (Q - k) / W; biased downwards [1]_.

    .. [1] Hunter JE, Schmidt FL (2004). Methods of meta-analysis. Sage.
    """
    fixed = weigh(trials, np.zeros(len(trials.count)))
    return np.maximum(0.0, (fixed.q - trials.count) / fixed.total)


def _hunter_schmidt_corrected(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 as (Q k/(k - p) - k) / W, corrected for small samples [1]_.

    .. [1] Brannick MT, Potter SM, Benitez B, Morris SB (2019). Bias and precision of
       alternate estimators in meta-analysis. Organizational Research Methods 22(2),
       490-514.
    """
    fixed = weigh(trials, np.zeros(len(trials.count)))
    scaled = fixed.q * trials.count / trials.df
    return np.maximum(0.0, (scaled - trials.count) / fixed.total)


def crude_variance(trials: Trials) -> FloatArray:
    """Return S/k, from which Sidik and Jonkman start."""
    return trials.squares / trials.count


def _sidik_jonkman(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 by one step from the crude variance S/k; zero only when S is [1]_.

    .. [1] Sidik K, Jonkman JN (2005). Simple heterogeneity variance estimation for
       meta-analysis. Journal of the Royal Statistical Society C 54(2), 367-384.
    """
    crude = crude_variance(trials)
    return crude * weigh(trials, crude).q / trials.df


def _paule_mandel(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 as the root of generalised Q = k - p [1]_.

    Empirical Bayes [2]_, the iterated DerSimonian-Laird and the iterated
    Sidik-Jonkman estimator have this root, too.

    .. [1] Paule RC, Mandel J (1982). Consensus values and weighting factors. Journal
       of Research of the National Bureau of Standards 87(5), 377-385.
    .. [2] Morris CN (1983). Parametric empirical Bayes inference: theory and
       applications. Journal of the American Statistical Association 78(381), 47-55.
    """
    return generalised_q_root(trials, trials.df)


def _paule_mandel_median(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 as the root of generalised Q = median of chi-squared [1]_.

    .. [1] Viechtbauer W (2021). Median-unbiased estimators for the amount of
       heterogeneity in meta-analysis. European Congress of Methodology.
    """
    return generalised_q_root(trials, np.asarray(chdtri(trials.df, 0.5)))


def _reml(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 by restricted maximum likelihood [1]_.

    .. [1] Viechtbauer W (2005). Bias and efficiency of meta-analytic variance
       estimators in the random-effects model. Journal of Educational and Behavioral
       Statistics 30(3), 261-293.
    """
    return highest_maximum(trials, LIKELIHOODS["REML"])


def _ml(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 by maximum likelihood; biased downwards [1]_.

    .. [1] Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with
       random effects. Statistics in Medicine 15(6), 619-629.
    """
    return highest_maximum(trials, LIKELIHOODS["ML"])


def _generalised_q(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 by the method of moments from Q with given weights [1]_.

    .. [1] DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of
       clinical trials: an update. Contemporary Clinical Trials 28(2), 105-114.
    """
    weights = _given(given)
    return np.maximum(0.0, (weights.q - weights.expected_q) / weights.trace)


def _generalised_q_median(trials: Trials, given: GivenWeights | None) -> FloatArray:
    """Estimate tau2 so that Q with given weights is at the median it then has [1]_.

    .. [1] Viechtbauer W (2021). Median-unbiased estimators for the amount of
       heterogeneity in meta-analysis. European Congress of Methodology.
    """
    return tau_squared_at_tail(_given(given), np.array([0.5]))


def _given(given: GivenWeights | None) -> GivenWeights:
    if given is None:
        raise NotEstimableError(
            "the generalised Q estimators GENQ and GENQM need weights; pass weights="
        )
    return given


#: Estimators of the between-trial variance, under the names metafor gives them.
TAU_SQUARED: dict[str, TauSquaredEstimator] = {
    "EE": _equal_effects,
    "DL": _dersimonian_laird,
    "PM": _paule_mandel,
    "REML": _reml,
    "ML": _ml,
    "HE": _hedges,
    "SJ": _sidik_jonkman,
    "EB": _paule_mandel,
    "HS": _hunter_schmidt,
    "HSk": _hunter_schmidt_corrected,
    "PMM": _paule_mandel_median,
    "DLIT": _paule_mandel,
    "SJIT": _paule_mandel,
    "GENQ": _generalised_q,
    "GENQM": _generalised_q_median,
}

#: Estimators that need given weights, and take one set of trials at a time.
WITH_WEIGHTS = ("GENQ", "GENQM")
