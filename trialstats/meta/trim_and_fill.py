"""Trim and fill: how many trials a symmetric funnel lacks (Duval, Tweedie 2000)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from trialstats.errors import ConvergenceError, NotEstimableError, RankDeficientError
from trialstats.meta.funnel import distinct_effects, trials_of
from trialstats.meta.inputs import BoolArray, FloatArray, one_of
from trialstats.meta.pooled import check_pooled
from trialstats.meta.pooling import Pooled, pool

#: Sides on which trials may be missing.
SIDES = ("auto", "left", "right")

_Scalar = TypeVar("_Scalar", bound=np.generic)

_NAN = float("nan")
_NEGATIVE_VARIANCE = "the formula for its variance is negative at this number of trials"


@dataclass(frozen=True, slots=True, eq=False)
class TrimAndFill:
    """A pooled effect with the trials that a symmetric funnel lacks. Unrounded.

    Attributes
    ----------
    filled : Pooled
        The model refitted with the filled trials; the given one when none is missing.
    missing : int
        Estimated number of missing trials.
    missing_standard_error : float
        Its standard error.
    missing_p_value : float
        Test that none is missing, one-sided; for the estimator R0 alone.
    side : {"left", "right"}
        Where they are missing: trials with smaller (left) or larger effects.
    effect, variance : ndarray of shape (k + missing,)
        The trials in the order of the input, then the filled ones. Read-only.
    is_filled : ndarray of bool, shape (k + missing,)
        Which are filled. Read-only.
    mirrored : ndarray of int, shape (missing,)
        Row (counted from 0) of which each filled trial is the mirror image. Read-only.
    centre : float
        Effect around which they are mirrored: that of the trimmed trials.
    estimator : str
        Estimator of the number.
    centre_method : str
        Estimator of tau-squared while trimming.
    k : int
        Number of trials observed.
    not_estimable : mapping of str to str
        Reason for each field that is NaN.
    """

    filled: Pooled
    missing: int
    missing_standard_error: float
    missing_p_value: float
    side: str
    effect: FloatArray
    variance: FloatArray
    is_filled: BoolArray
    mirrored: NDArray[np.intp]
    centre: float
    estimator: str
    centre_method: str
    k: int
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words."""
        trials = "trial" if self.missing == 1 else "trials"
        return (
            f"trim and fill, estimator {self.estimator}, trimmed by "
            f"{self.centre_method}: {self.missing} {trials} filled on the {self.side}; "
            f"{self.filled.method}"
        )


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Signed ranks of the centred effects of k trials."""

    signed: FloatArray

    @property
    def k(self) -> int:
        return len(self.signed)

    @property
    def positive_sum(self) -> float:
        return float(self.signed[self.signed > 0].sum())

    def sum_variance(self, missing: float) -> float:
        """Variance of the positive rank sum when `missing` trials are missing."""
        k, m = self.k, missing
        return (
            k * (k + 1) * (2 * k + 1)
            + 10 * m**3
            + 27 * m**2
            + 17 * m
            - 18 * k * m**2
            - 18 * k * m
            + 6 * k**2 * m
        ) / 24


def _run(ranks: _Ranks) -> tuple[float, float]:
    """R0: the run of the highest ranks that are all positive."""
    negative = -ranks.signed[ranks.signed < 0]
    if negative.size == 0:
        raise NotEstimableError(
            "trim and fill with R0 does not exist: no trial lies below the centre"
        )
    missing = ranks.k - float(negative.max()) - 1
    return missing, 2 * max(0.0, missing) + 2


def _linear(ranks: _Ranks) -> tuple[float, float]:
    """L0: linear in the sum of the positive ranks."""
    k = ranks.k
    missing = (4 * ranks.positive_sum - k * (k + 1)) / (2 * k - 1)
    return missing, 16 * ranks.sum_variance(missing) / (2 * k - 1) ** 2


def _quadratic(ranks: _Ranks) -> tuple[float, float]:
    """Q0: root of a quadratic equation in the sum of the positive ranks."""
    k = ranks.k
    inner = 2 * k**2 - 4 * ranks.positive_sum + 0.25
    if inner < 0:
        raise NotEstimableError(
            "trim and fill with Q0 does not exist: its equation has no root, too many "
            "trials lie above the centre; use estimator='L0' or 'R0'"
        )
    missing = k - 0.5 - math.sqrt(inner)
    slope = (k - 0.5) ** 2 - missing * (2 * k - missing - 1)
    if slope <= 0:
        return missing, _NAN
    return missing, 4 * ranks.sum_variance(missing) / slope


#: Estimator -> its number of missing trials and the variance of that number.
ESTIMATORS: dict[str, Callable[[_Ranks], tuple[float, float]]] = {
    "L0": _linear,
    "R0": _run,
    "Q0": _quadratic,
}


def trim_and_fill(
    pooled: Pooled,
    *,
    estimator: str = "L0",
    side: str = "auto",
    centre: str | float | None = None,
) -> TrimAndFill:
    """Estimate how many trials are missing, fill their mirror images in, and refit.

    Trials are trimmed from the side opposite to the missing ones until their estimated
    number no longer changes; the trimmed ones are then mirrored around the effect of
    the rest.

    Parameters
    ----------
    pooled : Pooled
        Pooled effect without moderators, at least 3 trials with effects that differ.
    estimator : {"L0", "R0", "Q0"}
        Estimator of the number of missing trials.
    side : {"auto", "left", "right"}
        Where they are missing. "auto": opposite to the small trials, "right" when the
        effect falls with the standard error in a meta-regression.
    centre : str or float, optional
        Estimator of tau-squared while trimming, or its value; by default as in
        `pooled`. "EE" trims by the equal-effects model, as R's meta does.

    Returns
    -------
    TrimAndFill
        The refit keeps every option of `pooled`.

    Raises
    ------
    NotEstimableError
        With fewer than 3 trials, identical effects, or where the estimator does not
        exist.
    ConvergenceError
        When the number of missing trials alternates.
    DataError
        When the model has moderators or given weights, or for an unknown name.

    References
    ----------
    Duval S, Tweedie R (2000). A nonparametric "trim and fill" method of accounting for
    publication bias in meta-analysis. J Am Stat Assoc 95, 89-98.

    Duval S, Tweedie R (2000). Trim and fill: a simple funnel-plot-based method of
    testing and adjusting for publication bias in meta-analysis. Biometrics 56, 455-463.

    Examples
    --------
    >>> from trialstats.meta.pooling import pool
    >>> pooled = pool([0.1, 0.15, 0.3, 0.5, 0.9], [0.01, 0.02, 0.04, 0.1, 0.2])
    >>> result = trim_and_fill(pooled)
    >>> result.missing, result.side
    (2, 'left')
    >>> result.filled.estimate < pooled.estimate
    True
    """
    check_pooled(pooled, "trim_and_fill")
    one_of("estimator of missing trials", estimator, ESTIMATORS)
    one_of("side", side, SIDES)
    centre = pooled.options["tau_squared"] if centre is None else centre
    what = "trim and fill"
    trials = trials_of(pooled, what, at_least=3)
    distinct_effects(trials, what)
    effect = np.asarray(pooled.effect)[trials.order]
    if side == "auto":
        side = _side(effect, trials.variance, centre)
    sign = -1.0 if side == "right" else 1.0
    # Of tied effects the more precise is the outer one, so that the order of the rows
    # is no matter.
    order = np.lexsort((-trials.variance, sign * effect))
    middle, missing, variance = _trim(
        sign * effect[order], trials.variance[order], estimator, centre
    )
    trimmed = order[trials.k - missing :]
    mirrored = 2 * sign * middle - effect[trimmed]
    spread = math.sqrt(variance) if variance >= 0 else _NAN
    reasons = {}
    if math.isnan(spread):
        reasons["missing_standard_error"] = _NEGATIVE_VARIANCE
    if estimator != "R0":
        reasons["missing_p_value"] = "only the estimator R0 has a test"
    all_effects = _read_only(np.concatenate([pooled.effect, mirrored]))
    all_variances = _read_only(
        np.concatenate([pooled.variance, trials.variance[trimmed]])
    )
    filled = pooled
    if missing:
        filled = pool(all_effects, all_variances, **pooled.options)
    return TrimAndFill(
        filled=filled,
        missing=missing,
        missing_standard_error=spread,
        # Of R0 + 1 highest ranks each is positive with probability 1/2.
        missing_p_value=0.5 ** (missing + 1) if estimator == "R0" else _NAN,
        side=side,
        effect=all_effects,
        variance=all_variances,
        is_filled=_read_only(np.arange(trials.k + missing) >= trials.k),
        mirrored=_read_only(trials.order[trimmed]),
        centre=sign * middle,
        estimator=estimator,
        centre_method=centre if isinstance(centre, str) else "given",
        k=trials.k,
        not_estimable=MappingProxyType(reasons),
    )


def _read_only(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    values.flags.writeable = False
    return values


def _side(effect: FloatArray, variance: FloatArray, centre: str | float) -> str:
    """Return the side opposite to that of the small trials."""
    try:
        fit = pool(
            effect,
            variance,
            moderators=np.sqrt(variance)[:, np.newaxis],
            tau_squared=centre,
            inference="wald",
        )
    except RankDeficientError:
        raise NotEstimableError(
            f"the side of the missing trials is not to be told: all {len(effect)} "
            "standard errors are identical; say side='left' or 'right'"
        ) from None
    return "right" if fit.coefficients["estimate"].iloc[1] < 0 else "left"


def _centre(effect: FloatArray, variance: FloatArray, method: str | float) -> float:
    fit = pool(effect, variance, tau_squared=method, inference="wald")
    return float(fit.estimate)


def _trim(
    effect: FloatArray, variance: FloatArray, estimator: str, centre: str | float
) -> tuple[float, int, float]:
    """Return the centre, the number missing on the left, and its variance.

    `effect` ascends. The number after a round depends on the number before it alone,
    so a number that comes back without being the last one comes back forever.
    """
    k = len(effect)
    seen: list[int] = []
    missing = 0
    while missing not in seen:
        seen.append(missing)
        kept = k - missing
        if kept < 1:
            raise NotEstimableError(
                f"trim and fill with {estimator} would trim all {k} trials"
            )
        middle = _centre(effect[:kept], variance[:kept], centre)
        number, spread = ESTIMATORS[estimator](_signed_ranks(effect - middle))
        missing = max(0, round(number))
    if missing != seen[-1]:
        cycle = ", ".join(map(str, seen[seen.index(missing) :]))
        raise ConvergenceError(
            f"trim and fill does not settle: the number of missing trials goes round "
            f"{cycle}; use another estimator than {estimator}"
        )
    return middle, missing, spread


def _signed_ranks(centred: FloatArray) -> _Ranks:
    """Return the ranks of the distances, from 1, with the signs of the deviations."""
    order = np.argsort(np.abs(centred), kind="stable")
    rank = np.empty(len(centred))
    rank[order] = np.arange(1, len(centred) + 1)
    return _Ranks(np.sign(centred) * rank)
