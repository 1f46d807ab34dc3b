"""One-stage meta-analysis of counts: generalised linear mixed models of all trials.

The likelihood of the counts themselves is maximised; nothing is added to zero cells and
no trial's effect is taken as normal. Methods: docs/methods/sparse_data.md.
"""

from typing import Any

import numpy as np
import pandas as pd

from trialstats.errors import DataError
from trialstats.meta.inputs import Values, check_level, one_of
from trialstats.meta.moderators import Moderators, read_moderators
from trialstats.meta.one_stage_counts import Chosen, choose, read_trial_counts
from trialstats.meta.one_stage_existence import check_existence
from trialstats.meta.one_stage_fit import SMALLEST_DEVIATION, Fit, Point, maximise
from trialstats.meta.one_stage_heterogeneity import heterogeneity_tests
from trialstats.meta.one_stage_models import (
    COMPARATIVE,
    MEASURES,
    MODELS,
    Effects,
    Model,
    TrialCounts,
)
from trialstats.meta.one_stage_results import INFERENCE, PREDICTION, OneStage
from trialstats.meta.one_stage_summary import Fitted, one_stage_result

#: Heterogeneity: estimated by maximum likelihood, or none.
TAU_SQUARED = ("ML", "EE")
#: Coding of treatment and control in the random effect, as metafor names it.
_CODING = {0.5: (0.5, -0.5), 1: (1.0, 0.0), 0: (0.0, 1.0)}
#: Standard deviations between trials from which the search starts.
_STARTS = (0.25, 1.0)


def one_stage(
    measure: str,
    *,
    ai: Values = None,
    bi: Values = None,
    ci: Values = None,
    di: Values = None,
    n1i: Values = None,
    n2i: Values = None,
    x1i: Values = None,
    t1i: Values = None,
    x2i: Values = None,
    t2i: Values = None,
    xi: Values = None,
    mi: Values = None,
    ni: Values = None,
    ti: Values = None,
    data: pd.DataFrame | None = None,
    moderators: Any = None,
    model: str = "UM.FS",
    tau_squared: str = "ML",
    coding: float = 0.5,
    correlated: bool = False,
    drop00: bool = True,
    inference: str = "t",
    prediction: str = "t",
    level: float = 0.95,
    n_quadrature: int | None = None,
) -> OneStage:
    """Fit a generalised linear mixed model to the counts of k trials.

    Parameters
    ----------
    measure : {"OR", "IRR", "PLO", "IRLN"}
        Odds ratio, incidence rate ratio, odds or incidence rate of single groups; all
        on the log scale.
    ai, bi, ci, di, n1i, n2i : array_like of shape (k,) or str
        OR: participants with and without the event under treatment (ai, bi) and
        control (ci, di), or events and participants (ai, n1i, ci, n2i).
    x1i, t1i, x2i, t2i : array_like of shape (k,) or str
        IRR: events and person-time.
    xi, mi, ni, ti : array_like of shape (k,) or str
        PLO: events with participants `ni`, or those without the event `mi`; IRLN:
        events and person-time `ti`.
    data : DataFrame, optional
        Where names of columns are looked up.
    moderators : str, DataFrame or array_like, optional
        As in `pool`: a formula such as "~ year + C(kind)", or columns.
    model : {"UM.FS", "UM.RS", "CM.EL", "CM.AL"}
        OR and IRR: levels of the trials as parameters, or as random effects;
        conditional on all events, exact (OR: non-central hypergeometric), or for OR by
        a binomial. Of no effect for single groups.
    tau_squared : {"ML", "EE"}
        Heterogeneity estimated by maximum likelihood, or none (equal effects).
    coding : {0.5, 1, 0}
        UM: how the random effect enters treatment and control: +-1/2; 1 and 0; 0 and
        1. With 1/2 nothing depends on which arm is called treatment.
    correlated : bool
        UM.RS: let levels and effects correlate.
    drop00 : bool
        Leave out trials without events, or with nothing but events, in both arms. They
        bear on UM.RS alone.
    inference : {"t", "wald"}
        t with k - p degrees of freedom, or normal.
    prediction : {"t", "HTS", "inference"}
        Degrees of freedom of the prediction interval: k - p, k - p - 1, or those of
        `inference`.
    level : float
        Confidence level of every interval.
    n_quadrature : int, optional
        Points an axis of adaptive Gauss-Hermite quadrature; 1 is Laplace's
        approximation. By default as many as the log-likelihood needs to stand still to
        1e-9. A given number maximises that approximation.

    Returns
    -------
    OneStage

    Raises
    ------
    DataError
        For an unknown method, absent arguments or impossible counts.
    NotEstimableError
        When a coefficient is infinite (no events in an arm, separation), no trial
        holds information, or a variance grows without bound.
    ConvergenceError
        When the maximum is not reached.

    References
    ----------
    .. [1] Stijnen T, Hamza TH, Ozdemir P (2010). Random effects meta-analysis of event
       outcome in the framework of the generalized linear mixed model with applications
       in sparse data. Statistics in Medicine 29(29), 3046-3067.
    .. [2] Jackson D, Law M, Stijnen T, Viechtbauer W, White IR (2018). A comparison of
       seven random-effects models for meta-analyses that estimate the summary odds
       ratio. Statistics in Medicine 37(7), 1059-1085.

    Examples
    --------
    >>> fit = one_stage(
    ...     "OR", ai=[0, 3, 6], n1i=[50, 60, 80], ci=[2, 9, 11], n2i=[50, 62, 79],
    ...     model="CM.EL", tau_squared="EE", inference="wald",
    ... )
    >>> round(fit.estimate, 4), round(fit.standard_error, 4)
    (-0.9721, 0.4119)
    """  # fmt: skip
    given = {
        "ai": ai, "bi": bi, "ci": ci, "di": di, "n1i": n1i, "n2i": n2i,
        "x1i": x1i, "t1i": t1i, "x2i": x2i, "t2i": t2i,
        "xi": xi, "mi": mi, "ni": ni, "ti": ti,
    }  # fmt: skip
    _check_options(measure, model, tau_squared, coding, correlated)
    one_of("inference", inference, INFERENCE)
    one_of("prediction interval", prediction, PREDICTION)
    check_level(level)
    _check_points(n_quadrature, model, measure)
    counts = read_trial_counts(measure, given, data)
    columns = read_moderators(moderators, data, counts.k)
    counts = TrialCounts(measure, counts.x, counts.size, np.asarray(columns.design))
    name = model if measure in COMPARATIVE else "single"
    chosen = choose(counts, MODELS[name], drop00=drop00)
    check_existence(
        chosen.counts, MODELS[name], columns.names, between=tau_squared == "ML"
    )
    effects = Effects(tau_squared == "ML", _CODING[coding], correlated)
    found = _fitted(chosen, MODELS[name], effects, columns, n_quadrature)
    return one_stage_result(
        found,
        k_given=counts.k,
        inference=inference,
        prediction=prediction,
        level=level,
    )


def _check_options(
    measure: str, model: str, tau_squared: str, coding: float, correlated: bool
) -> None:
    one_of("measure", measure, MEASURES)
    one_of("model", model, [name for name in MODELS if name != "single"])
    one_of("tau_squared estimator", tau_squared, TAU_SQUARED)
    if measure == "IRR" and model == "CM.AL":
        raise DataError(
            "CM.AL approximates the conditional likelihood of OR; that of IRR is exact",
            remedy="use model='CM.EL'",
        )
    if coding not in _CODING:
        raise DataError(f"unknown coding {coding!r}", remedy="use one of 0.5, 1 and 0")
    if correlated and model != "UM.RS":
        raise DataError(
            f"model {model} has no random levels of the trials to correlate with",
            remedy="use model='UM.RS'",
        )


def _check_points(points: int | None, model: str, measure: str) -> None:
    if points is not None and not (isinstance(points, int) and points >= 1):
        raise DataError(
            f"n_quadrature must be a whole number from 1, got {points!r}",
            remedy="leave it out",
        )


def _fitted(
    chosen: Chosen,
    model: Model,
    effects: Effects,
    moderators: Moderators,
    per_axis: int | None,
) -> Fitted:
    """Return the equal-effects model, its tests, and the model that was asked for."""
    counts = chosen.counts
    problem, start = model.build(counts, Effects(False, effects.coding))
    if model.random_intercept:
        start = Point(start.gamma, start.nu, np.ones(1), start.mode)
    equal = maximise(problem, [start], per_axis)
    tests = heterogeneity_tests(counts, model, equal, problem, per_axis)
    fit = equal
    between = effects.between and counts.k > counts.design.shape[1]
    if between:
        fit = _between_trials(counts, model, effects, equal, per_axis)
    return Fitted(
        chosen=chosen,
        model=model,
        effects=effects,
        moderators=moderators,
        fit=fit,
        equal=equal,
        tests=tests,
        identified=between,
        problem=problem,
    )


def _between_trials(
    counts: TrialCounts,
    model: Model,
    effects: Effects,
    equal: Fit,
    per_axis: int | None,
) -> Fit:
    """Return the random-effects model, or the equal one if its variance is zero."""
    problem, start = model.build(counts, effects)
    m = problem.integrand.loadings.shape[2]
    levels = equal.point.theta
    starts = []
    for deviation in _STARTS:
        theta = np.zeros(m)
        theta[: len(levels)], theta[-1] = levels, deviation
        starts.append(Point(equal.point.gamma, equal.point.nu, theta, start.mode))
    fit = maximise(problem, starts, per_axis)
    moved = float(np.abs(fit.point.theta[len(levels) :]).max())
    if moved < SMALLEST_DEVIATION or fit.log_likelihood < equal.log_likelihood:
        return equal
    return fit
