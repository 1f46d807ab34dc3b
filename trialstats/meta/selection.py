"""Selection models: what the effect is when results are selected by their p-values."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from trialstats.errors import DataError, NotEstimableError
from trialstats.meta.funnel import refuse_weights
from trialstats.meta.inputs import BoolArray, FloatArray, numbers, one_of
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled, pool
from trialstats.meta.selection_likelihood import SelectionLikelihood
from trialstats.meta.selection_maximum import LARGEST, LARGEST_LOG, Maximum, maxima
from trialstats.meta.selection_results import (
    KINDS,
    SelectionModel,
    selection_result,
)
from trialstats.meta.selection_weights import (
    ALTERNATIVES,
    FAMILIES,
    Cells,
    Family,
    PValues,
    interval_of,
    step_cells,
    step_family,
    varying_cells,
)

_NAN = float("nan")


def selection_model(
    pooled: Pooled,
    *,
    kind: str = "step",
    steps: ArrayLike | None = None,
    alternative: str = "greater",
    delta: Sequence[float | None] | None = None,
) -> SelectionModel:
    """Estimate the effect together with how results were selected by their p-values.

    Parameters
    ----------
    pooled : Pooled
        The model without selection, with or without moderators; it is refitted by
        maximum likelihood. tau-squared stays when it was given, or zero under "EE".
    kind : {"step", "beta", "half_normal", "negative_exponential", "logistic", "power"}
        Weight function of the p-value.
    steps : array_like, optional
        Cut points between 0 and 1 of the step function: [0.025] has one weight up to
        p = 0.025, which is 1, and one beyond.
    alternative : {"greater", "less", "two_sided"}
        Direction of the trials' tests: "greater" when large effects were favoured.
    delta : sequence of float or None, optional
        Parameters of the weight function that are not estimated; None for those that
        are. For a step function one for each interval, the first 1 by default.

    Returns
    -------
    SelectionModel
        The highest maximum of several starts.

    Raises
    ------
    NotEstimableError
        When an interval of p-values whose weight is to be estimated holds no trial,
        there are fewer trials than parameters, or the weights run off to zero or
        infinity.
    ConvergenceError
        When no maximum is reached.
    DataError
        For an unknown name, steps or weights that are none, or given weights of the
        trials.

    References
    ----------
    Hedges LV (1992). Modeling publication selection effects in meta-analysis. Stat Sci
    7, 246-255.

    Vevea JL, Hedges LV (1995). A general linear model for estimating effect size in the
    presence of publication bias. Psychometrika 60, 419-435.

    Vevea JL, Woods CM (2005). Publication bias in research synthesis: sensitivity
    analysis using a priori weight functions. Psychol Methods 10, 428-443.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool(
    ...     [0.1, 0.15, 0.3, 0.5, 0.9, 0.7], [0.01, 0.02, 0.02, 0.1, 0.2, 0.08]
    ... )
    >>> model = selection_model(pooled, steps=[0.025])
    >>> model.estimate < pooled.estimate
    True
    >>> model.method
    'selection model, step function with cuts at p = 0.025; one-sided p-values, larger effects favoured; ML'
    """  # noqa: E501 - a doctest shows one line
    check_pooled(pooled, "selection_model")
    one_of("weight function", kind, KINDS)
    one_of("alternative", alternative, ALTERNATIVES)
    refuse_weights(pooled, "a selection model")
    cuts = _checked_steps(kind, steps)
    family, cells = _weights(kind, cuts, alternative)
    fixed = _checked_delta(family, kind, delta)
    likelihood = _likelihood(pooled, family, cells, alternative)
    varied = np.concatenate(
        [
            np.ones(likelihood.fixed_effects, dtype=np.bool_),
            [pooled.tau_squared_method not in ("EE", "given")],
            np.isnan(fixed),
        ]
    )
    trials = _trials_by_interval(likelihood, cuts)
    _refuse_unidentified(likelihood, varied, trials, cuts)
    return _fitted(pooled, likelihood, varied, fixed, trials, cuts, kind, alternative)


def _checked_steps(kind: str, steps: ArrayLike | None) -> FloatArray:
    """Return the cut points in ascending order, 1 at the end."""
    if kind != "step":
        if steps is not None:
            raise DataError(f"the {KINDS[kind]} has no steps", remedy="use kind='step'")
        return np.empty(0)
    if steps is None or np.size(steps) == 0:
        raise DataError("a step function needs steps", remedy="write steps=[0.025]")
    given = np.unique(numbers("steps", steps, data=None))
    if given[0] <= 0 or given[-1] > 1 or given[0] == 1:
        raise DataError(
            f"steps must lie above 0 and below 1, got {given.tolist()}",
            remedy="write p-values such as [0.025, 0.5]",
        )
    return given if given[-1] == 1 else np.append(given, 1.0)


def _weights(kind: str, steps: FloatArray, alternative: str) -> tuple[Family, Cells]:
    if kind == "step":
        return step_family(steps), step_cells(steps, alternative)
    family = FAMILIES[kind]
    low = family.smallest_p
    return family, varying_cells(alternative, low, 1 - low)


def _checked_delta(
    family: Family, kind: str, delta: Sequence[float | None] | None
) -> FloatArray:
    """Return the parameters that are given, NaN for the others."""
    if delta is None:
        fixed = np.full(family.size, _NAN)
    else:
        fixed = np.array([_NAN if x is None else float(x) for x in delta])
        if len(fixed) != family.size:
            raise DataError(
                f"delta has {len(fixed)} numbers, the {family.words} {family.size}",
                remedy="write None for those that are estimated",
            )
        wrong = (fixed <= 0) if family.positive else (fixed < 0)
        if np.any(wrong) or np.any(np.isinf(fixed)):
            raise DataError(
                f"delta must hold positive numbers, got {list(delta)}",
                remedy="write None for those that are estimated",
            )
    if kind == "step" and math.isnan(fixed[0]):
        fixed[0] = 1.0
    return fixed


def _likelihood(
    pooled: Pooled, family: Family, cells: Cells, alternative: str
) -> SelectionLikelihood:
    """Return the likelihood of the trials, sorted so that their order is no matter."""
    effect, variance = np.asarray(pooled.effect), np.asarray(pooled.variance)
    design = np.asarray(pooled.design)
    order = np.lexsort((*design.T, effect, variance))
    z = effect[order] / np.sqrt(variance[order])
    low = family.smallest_p
    return SelectionLikelihood(
        effect[order],
        variance[order],
        design[order],
        PValues.of(z, alternative).clipped(low, 1 - low),
        family,
        cells,
    )


def _trials_by_interval(
    likelihood: SelectionLikelihood, steps: FloatArray
) -> np.ndarray:
    inside = interval_of(likelihood.p.p, steps) if len(steps) else np.empty(0, int)
    return np.bincount(inside, minlength=len(steps))


def _refuse_unidentified(
    likelihood: SelectionLikelihood,
    varied: BoolArray,
    trials: np.ndarray,
    steps: FloatArray,
) -> None:
    k, wanted = len(likelihood.effect), int(varied.sum())
    if k < wanted or k < 2:
        raise NotEstimableError(
            f"the selection model has {wanted} parameters, there are {k} trials"
        )
    estimated = varied[likelihood.fixed_effects + 1 :]
    if not len(steps) or not estimated.any():
        return
    bounds = np.concatenate([[0.0], steps])
    # With nothing in the interval of weight 1 the other weights have no measure.
    empty = (trials == 0) & (estimated | (np.arange(len(steps)) == 0))
    if empty.any():
        where = ", ".join(
            f"{bounds[i]:g} < p <= {bounds[i + 1]:g}" for i in np.flatnonzero(empty)
        )
        raise NotEstimableError(
            f"the selection model is not identified: no trial has {where}; use other "
            "steps, or give the weights in delta"
        )


def _starts(
    likelihood: SelectionLikelihood,
    plain: Pooled,
    fixed: FloatArray,
    tau_squareds: Sequence[float],
) -> Iterator[FloatArray]:
    b = plain.coefficients["estimate"].to_numpy()
    estimated = np.isnan(fixed)
    given = likelihood.family.starts if estimated.any() else (tuple(fixed),)
    for tau_squared in tau_squareds:
        for start in given:
            delta = np.where(estimated, start, fixed)
            yield np.concatenate([b, [tau_squared], delta])


def _fitted(
    pooled: Pooled,
    likelihood: SelectionLikelihood,
    varied: BoolArray,
    fixed: FloatArray,
    trials: np.ndarray,
    steps: FloatArray,
    kind: str,
    alternative: str,
) -> SelectionModel:
    random = bool(varied[likelihood.fixed_effects])
    plain = pool(
        pooled.effect,
        pooled.variance,
        **{
            **pooled.options,
            "tau_squared": "ML" if random else pooled.options["tau_squared"],
            "inference": "wald",
        },
    )
    nothing = np.array(likelihood.family.null)
    b = plain.coefficients["estimate"].to_numpy()
    unselected = likelihood.at(np.concatenate([b, [plain.tau_squared], nothing]))
    common = varied.copy()
    common[likelihood.fixed_effects] = False
    least = [0.0 if random else plain.tau_squared]
    found = maxima(likelihood, _starts(likelihood, plain, fixed, least), common)
    without = found[0]
    if random:
        typical = len(likelihood.effect) / float((1 / likelihood.variance).sum())
        spread = [plain.tau_squared + 0.01 * typical, 0.1 * typical]
        starts = [*_starts(likelihood, plain, fixed, spread), without.parameters]
        found = maxima(likelihood, starts, varied)
    best = found[0]
    _refuse_runaway(likelihood, best)
    return selection_result(
        pooled=pooled,
        likelihood=likelihood,
        best=best,
        others=found[1:],
        ratios=(
            2 * (best.log_likelihood - without.log_likelihood) if random else _NAN,
            2 * (best.log_likelihood - unselected.value),
        ),
        unselected=unselected.value,
        trials=trials,
        steps=steps,
        kind=kind,
        alternative=alternative,
    )


def _refuse_runaway(likelihood: SelectionLikelihood, best: Maximum) -> None:
    """Raise a NotEstimableError when weights ended on a bound that is not zero."""
    count = likelihood.fixed_effects + 1
    delta = best.parameters[count:][best.at_bound[count:]]
    positive = likelihood.family.positive
    largest = math.exp(LARGEST_LOG) if positive else LARGEST
    runs = delta > largest / 2
    if positive:
        runs |= delta < 2 / largest
    if runs.any():
        raise NotEstimableError(
            f"the selection model is not identified: the likelihood of the "
            f"{likelihood.family.words} rises as a weight goes to zero or infinity"
        )
