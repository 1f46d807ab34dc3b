"""Many pooled effects at a time: subsets, resamples and simulations of trials.

Symbols as in `weighting`. Each fit is what `pool` returns for the same trials; fits
are made in parts small enough for the cache, trials along the first axis.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from trialstats.errors import DataError
from trialstats.meta.arranging import arranged
from trialstats.meta.fitting import (
    STANDARD_ERRORS,
    Fitted,
    estimated_tau_squared,
    fitted,
    log_likelihoods,
    typical_variances,
)
from trialstats.meta.inference import (
    INFERENCE,
    SCALES,
    WITHOUT_MODERATORS,
    coefficient_tests,
)
from trialstats.meta.inputs import (
    BoolArray,
    FloatArray,
    check_level,
    check_variance,
    one_of,
    table,
)
from trialstats.meta.prediction import PREDICTION, prediction_limits
from trialstats.meta.tau_squared import TAU_SQUARED, WITH_WEIGHTS
from trialstats.meta.tau_squared_intervals import q_profile_limits
from trialstats.meta.trials import LARGEST_EFFECT, LARGEST_VARIANCE, SMALLEST_VARIANCE

#: Numbers in a (k, n) array of a part.
_PART = 32_768

#: Why numbers of a fit do not exist, by the code in `PooledBatch.reason`.
REASONS = (
    "",
    "no trial is included",
    "needs at least 2 trials",
    "Hartung-Knapp gives a standard error of zero: the effects are identical",
    "tau-squared does not reach a solution to full precision",
    "no more trials than coefficients, or moderators that depend on each other",
)
_NONE, _SINGLE, _IDENTICAL, _NOT_REACHED, _DEFICIENT = 1, 2, 3, 4, 5

#: Intervals of tau-squared of many fits.
BATCH_INTERVALS = ("none", "q_profile")


@dataclass(frozen=True, slots=True, eq=False)
class PooledBatch:
    """m pooled effects; arrays of shape (m,), named as in `Pooled`.

    NaN where a number does not exist; `reason` is then a position in `REASONS`. With
    a design of more than an intercept, the fields of the mean are NaN and
    `coefficient` (m, p) and `covariance` (m, p, p) hold the estimates.
    """

    estimate: FloatArray
    standard_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    tau_squared: FloatArray
    tau_squared_standard_error: FloatArray
    tau_squared_lower: FloatArray
    tau_squared_upper: FloatArray
    i_squared: FloatArray
    h_squared: FloatArray
    typical_variance: FloatArray
    q: FloatArray
    q_df: FloatArray
    q_p_value: FloatArray
    prediction_lower: FloatArray
    prediction_upper: FloatArray
    prediction_df: FloatArray
    scale: FloatArray
    log_likelihood: FloatArray
    k: NDArray[np.intp]
    reason: NDArray[np.intp]
    coefficient: FloatArray
    covariance: FloatArray
    level: float
    tau_squared_method: str
    inference: str
    prediction: str

    def __len__(self) -> int:
        """Return the number of fits."""
        return len(self.estimate)

    def reason_of(self, fit: int) -> str:
        """Return why numbers of a fit do not exist; "" when all do."""
        return REASONS[self.reason[fit]]


def fit_many(
    effect: ArrayLike,
    variance: ArrayLike,
    *,
    include: ArrayLike | None = None,
    design: ArrayLike | None = None,
    tau_squared: str | float = "REML",
    inference: str = "knapp_hartung",
    prediction: str = "t",
    level: float = 0.95,
    tau_squared_interval: str = "none",
) -> PooledBatch:
    """Pool m sets of up to k trials each.

    Parameters
    ----------
    effect, variance : array_like broadcastable to (m, k)
        As for `pool`.
    include : array_like of bool broadcastable to (m, k), optional
        False for a trial that is absent from a fit; its effect and variance are not
        looked at.
    design : array_like of shape (k, p), optional
        Rows of the trials, with a column of ones for an intercept; without: an
        intercept alone.
    tau_squared, inference, prediction, level
        As for `pool`; estimators that need weights are refused.
    tau_squared_interval : {"none", "q_profile"}
        Whether the Q-profile interval is computed, too.

    Returns
    -------
    PooledBatch
        A set of one trial has the trial's own effect with a normal interval; fits
        that do not exist are NaN, with a reason.

    Raises
    ------
    DataError
        For an included trial with a missing or infinite effect or variance, or a
        variance of zero or less.
    """
    _check(tau_squared, inference, prediction, tau_squared_interval)
    check_level(level)
    y, v, present = _read(effect, variance, include)
    rows = None if design is None else _read_design(design, y.shape[1])
    if rows is not None and rows.shape[1] > 1 and inference in WITHOUT_MODERATORS:
        raise DataError(f"{inference} is derived for a mean, not for moderators")
    m, p = len(y), 1 if rows is None else rows.shape[1]
    count = present.sum(axis=1)
    reason = _reasons_before(present, count, rows)
    result = _empty(m, p)
    result["k"], result["reason"] = count, reason
    settings = (tau_squared, inference, prediction, level, tau_squared_interval)
    for part in _parts(np.flatnonzero(reason == 0), y.shape[1]):
        _fill(result, part, y[part], v[part], rows, settings)
    if rows is None:
        _fill_single(result, np.flatnonzero(reason == _SINGLE), y, v, present, level)
    return PooledBatch(
        **result,
        level=level,
        tau_squared_method=tau_squared if isinstance(tau_squared, str) else "given",
        inference=inference,
        prediction=prediction,
    )


def _check(
    tau_squared: str | float, inference: str, prediction: str, interval: str
) -> None:
    usable = [name for name in TAU_SQUARED if name not in WITH_WEIGHTS]
    if isinstance(tau_squared, str):
        one_of("tau_squared estimator", tau_squared, usable)
    else:
        check_variance("tau_squared", tau_squared, usable)
    one_of("inference", inference, INFERENCE)
    one_of(
        "prediction interval",
        prediction,
        [name for name in PREDICTION if name != "NNF"],
    )
    one_of("interval of tau-squared of many fits", interval, BATCH_INTERVALS)


def _read(
    effect: ArrayLike, variance: ArrayLike, include: ArrayLike | None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return (m, k) arrays; the variance of an absent trial is infinite."""
    y, v = table("effect", effect), table("variance", variance)
    mask = np.ones((1, 1), bool) if include is None else np.asarray(include, bool)
    remedy = "pass arrays that broadcast to (fits, trials)"
    try:
        shape = np.broadcast_shapes(y.shape, v.shape, mask.shape)
    except ValueError:
        shapes = [array.shape for array in (y, v, mask)]
        raise DataError(
            "effects of shape {}, variances of shape {} and a mask of shape {} do not "
            "go together".format(*shapes),
            remedy=remedy,
        ) from None
    if len(shape) != 2 or 0 in shape:
        raise DataError(
            f"effects, variances and the mask together have the shape {shape}",
            remedy=remedy,
        )
    y, v, mask = (np.broadcast_to(array, shape) for array in (y, v, mask))
    wrong = ~((v >= SMALLEST_VARIANCE) & (v <= LARGEST_VARIANCE))
    wrong |= ~(np.abs(y) <= LARGEST_EFFECT)
    wrong &= mask
    if wrong.any():
        fit, trial = (int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            "not a finite effect with a variance above zero",
            row=f"{fit + 1}, trial {trial + 1} (counting from 1)",
            value=(float(y[fit, trial]), float(v[fit, trial])),
            remedy="mend it, or set include to False there",
        )
    if not mask.all():
        y, v = np.where(mask, y, 0.0), np.where(mask, v, np.inf)
    return y, v, mask


def _read_design(design: ArrayLike, k: int) -> FloatArray:
    rows = np.asarray(design, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != k or not np.isfinite(rows).all():
        raise DataError(f"the design is not a finite array of {k} rows")
    return rows


def _reasons_before(
    present: BoolArray, count: NDArray[np.intp], rows: FloatArray | None
) -> NDArray[np.intp]:
    reason = np.where(count == 0, _NONE, np.where(count == 1, _SINGLE, 0))
    if rows is not None:
        unit = rows / np.maximum(np.abs(rows).max(axis=0), 1e-300)
        few = count <= rows.shape[1]
        crossed = np.einsum("mk,ka,kb->mab", present.astype(float), unit, unit)
        values = np.linalg.eigvalsh(crossed)
        deficient = values[:, 0] <= 1e-12 * values[:, -1]
        reason = np.where((reason == 0) & (few | deficient), _DEFICIENT, reason)
    return reason.astype(np.intp)


def _empty(m: int, p: int) -> dict[str, Any]:
    names = [f.name for f in fields(PooledBatch) if f.type == FloatArray]
    result: dict[str, Any] = {name: np.full(m, np.nan) for name in names}
    result["coefficient"] = np.full((m, p), np.nan)
    result["covariance"] = np.full((m, p, p), np.nan)
    return result


def _parts(rows: NDArray[np.intp], k: int) -> Iterator[NDArray[np.intp]]:
    size = max(1, _PART // k)
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def _fill(
    result: dict[str, Any],
    part: NDArray[np.intp],
    y: FloatArray,
    v: FloatArray,
    rows: FloatArray | None,
    settings: tuple[str | float, str, str, float, str],
) -> None:
    """Compute a part of the fits."""
    method, inference, prediction, level, interval = settings
    trials = arranged(y, v, design=rows)
    between = estimated_tau_squared(trials, method)
    lost = np.isnan(between)
    fit = fitted(trials, np.where(lost, 0.0, between))
    scale, df = SCALES[inference](fit, level)
    lost = np.where(lost, _NOT_REACHED, np.where(scale == 0, _IDENTICAL, 0))
    values = _heterogeneity(fit, method)
    plain, restricted = log_likelihoods(fit)
    values["log_likelihood"] = restricted if method == "REML" else plain
    values["scale"] = scale
    if interval == "q_profile" and method != "EE":
        limits = q_profile_limits(trials, level, fit.fixed)
        values["tau_squared_lower"], values["tau_squared_upper"] = limits
    covariance = scale[:, np.newaxis, np.newaxis] * fit.covariance
    if trials.p == 1:
        estimate = fit.coefficient[:, 0]
        tests = coefficient_tests(estimate, covariance[:, 0, 0], df, level)
        values |= {"estimate": estimate, **tests._asdict()}
        if method != "EE":
            own = (scale, df)
            unscaled = fit.covariance[:, 0, 0]
            names = ("prediction_lower", "prediction_upper", "prediction_df")
            found = prediction_limits(fit, estimate, unscaled, own, prediction, level)
            exists = ~(found[2] <= 0)
            values |= {
                name: np.where(exists, value, np.nan)
                for name, value in zip(names, found, strict=True)
            }
    for name, value in values.items():
        result[name][part] = np.where(lost > 0, np.nan, value)
    result["coefficient"][part] = np.where(
        lost[:, np.newaxis] > 0, np.nan, fit.coefficient
    )
    result["covariance"][part] = np.where(
        lost[:, np.newaxis, np.newaxis] > 0, np.nan, covariance
    )
    result["reason"][part] = lost


def _heterogeneity(fit: Fitted, method: str | float) -> dict[str, FloatArray]:
    """Return tau2, I2, H2 and Q."""
    between, q, df = fit.tau_squared, fit.fixed.q, fit.trials.df
    typical = typical_variances(fit)
    values = {
        "tau_squared": between,
        "typical_variance": typical,
        "i_squared": between / (between + typical),
        "h_squared": (between + typical) / typical,
        "q": q,
        "q_df": df,
        "q_p_value": np.asarray(chdtrc(df, q)),
    }
    if method == "EE":
        with np.errstate(divide="ignore"):
            values["i_squared"] = np.where(q > df, 1 - df / q, 0.0)
        values["h_squared"] = q / df
    elif isinstance(method, str):
        values["tau_squared_standard_error"] = STANDARD_ERRORS[method](fit, None)
    return values


def _fill_single(
    result: dict[str, Any],
    fits: NDArray[np.intp],
    y: FloatArray,
    v: FloatArray,
    present: BoolArray,
    level: float,
) -> None:
    """Fill in sets of one trial: its own effect with a normal interval."""
    at = np.argmax(present[fits], axis=1)
    effect, variance = y[fits, at], v[fits, at]
    tests = coefficient_tests(effect, variance, np.full(len(fits), np.nan), level)
    for name, value in {"estimate": effect, **tests._asdict()}.items():
        result[name][fits] = value
    result["coefficient"][fits, 0] = effect
    result["covariance"][fits, 0, 0] = variance
    result["q_df"][fits] = 0.0
