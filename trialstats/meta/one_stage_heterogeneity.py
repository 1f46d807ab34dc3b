"""Tests that one effect (or the moderators) explains all trials, by one-stage models.

Both compare the equal-effects model with the saturated one, in which every trial has
its own effect: the likelihood ratio, and Wald's test that the trials' own effects
follow the moderators. A trial whose own effect is infinite has no information on it and
adds nothing to Wald's statistic; degrees of freedom are k - p in both.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from trialstats.meta.hypergeometric import conditional_estimates
from trialstats.meta.inputs import FloatArray
from trialstats.meta.one_stage_fit import Fit, Point, Problem, maximise
from trialstats.meta.one_stage_likelihoods import Hypergeometric
from trialstats.meta.one_stage_models import (
    Effects,
    Model,
    TrialCounts,
    random_intercept_loadings,
)
from trialstats.meta.one_stage_quadrature import Integrand

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Wald's and the likelihood-ratio test.

    Attributes
    ----------
    wald, wald_p_value, likelihood_ratio, likelihood_ratio_p_value : float
    df : int
    ratio_at_modes : float
        The likelihood ratio with the random intercepts at their modes instead of
        integrated out; the same number where there are none.
    """

    wald: float
    wald_p_value: float
    likelihood_ratio: float
    likelihood_ratio_p_value: float
    df: int
    ratio_at_modes: float


def heterogeneity_tests(
    counts: TrialCounts,
    model: Model,
    equal: Fit,
    problem: Problem,
    per_axis: int | None,
) -> Heterogeneity:
    """Return the tests of an equal-effects model.

    Parameters
    ----------
    counts : TrialCounts
    model : Model
    equal : Fit
        The equal-effects model.
    problem : Problem
        What was maximised.
    per_axis : int or None
        Points of the quadrature for random intercepts.
    """
    df = counts.k - counts.design.shape[1]
    if df < 1:
        return Heterogeneity(_NAN, _NAN, _NAN, _NAN, max(df, 0), _NAN)
    if model.random_intercept:
        saturated, wald = _with_random_intercepts(counts, equal, per_axis)
        above, at_modes = saturated.log_likelihood, saturated.at_modes
    else:
        effect, information = own_effects(counts, model, problem)
        wald = _wald(effect, np.diag(information), counts.design)
        above = at_modes = float(problem.integrand.likelihood.saturated.sum())
    ratio = max(0.0, 2 * (above - equal.log_likelihood))
    return Heterogeneity(
        wald,
        float(chdtrc(df, wald)),
        ratio,
        float(chdtrc(df, ratio)),
        df,
        max(0.0, 2 * (at_modes - equal.at_modes)),
    )


def own_effects(
    counts: TrialCounts, model: Model, problem: Problem
) -> tuple[FloatArray, FloatArray]:
    """Return the trials' own effects and their information; zero where infinite."""
    likelihood = problem.integrand.likelihood
    if isinstance(likelihood, Hypergeometric):
        effect, information, there = conditional_estimates(
            likelihood.margins, likelihood.x[:, 0]
        )
        return np.where(there, effect, 0.0), information
    x, size = counts.x, counts.size
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(x / size)
        variance = 1 / x
        if not (counts.person_time or model.conditional):
            level -= np.log1p(-x / size)
            variance = variance + 1 / (size - x)
        effect = level[:, 0] - (level[:, 1] if x.shape[1] == 2 else 0.0)
    there = np.isfinite(effect)
    spread = np.where(there, variance.sum(axis=1), np.inf)
    return np.where(there, effect, 0.0), 1 / spread


def _wald(effect: FloatArray, information: FloatArray, design: FloatArray) -> float:
    """Return the distance of effects from their projection on the design."""
    inner = design.T @ information @ design
    cross = design.T @ information @ effect
    fitted = cross @ np.linalg.lstsq(inner, cross, rcond=None)[0]
    return max(0.0, float(effect @ information @ effect - fitted))


def _with_random_intercepts(
    counts: TrialCounts, equal: Fit, per_axis: int | None
) -> tuple[Fit, float]:
    """Return the saturated model with random intercepts, and Wald's statistic."""
    likelihood, offset = counts.by_arm()
    # At an end of its range the treated arm is fitted without error by an infinite
    # effect of the trial: it counts for nothing.
    ended = (counts.x[:, 0] == 0) | counts.full[:, 0]
    absent = np.zeros(counts.x.shape, dtype=bool)
    absent[:, 0] = ended
    own = np.zeros(counts.x.shape)
    own[:, 0] = ~ended
    problem = Problem(
        Integrand(
            likelihood.without(absent), random_intercept_loadings(Effects(False))
        ),
        offset,
        np.ones((*counts.x.shape, 1)),
        own,
    )
    start = Point(
        gamma=equal.point.gamma[-1:],
        nu=counts.design @ equal.point.gamma[:-1],
        theta=equal.point.theta,
        mode=equal.point.mode,
    )
    fit = maximise(problem, [start], per_axis)
    cross, information = fit.nuisance[:, :-1], np.where(ended, 0.0, fit.nuisance[:, -1])
    cross = np.where(ended[:, None], 0.0, cross)
    # Information on the trials' effects once intercept and variance are estimated:
    # fit.information is what is left of theirs, so their own share is put back.
    safe = np.where(information > 0, information, 1.0)
    whole = fit.information + cross.T @ (cross / safe[:, None])
    own_information = (
        np.diag(information) - cross @ np.linalg.lstsq(whole, cross.T, rcond=1e-12)[0]
    )
    effect = np.where(ended, 0.0, fit.point.nu)
    return fit, _wald(effect, own_information, counts.design)
