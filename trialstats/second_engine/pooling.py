"""Check a pooled effect by engines that share no code with `trialstats.meta`.

Weighted least squares of statsmodels at our between-trial variance gives estimate,
errors, interval, Q and the generalised Q of the Q-profile limits; a Fisher-scoring
step with explicit dense matrices shows whether the likelihood's score is zero there;
`combine_effects` of statsmodels gives DerSimonian-Laird and Paule-Mandel.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from trialstats.errors import ConvergenceError
from trialstats.second_engine.check import Check, comparison

_Array = NDArray[np.float64]

_WLS = "statsmodels WLS at the same tau-squared"
_SOLVED = "a root found to rounding; ill-conditioned sums cost a few digits"
_ITERATIVE = 1e-6


def check_pooling(effect: ArrayLike, variance: ArrayLike, pooled: Any) -> list[Check]:
    """Compute every quantity of a pooled effect once more.

    Parameters
    ----------
    effect, variance : array_like of shape (k,)
        What was pooled, in the order of `pooled.weights`.
    pooled : object
        The result to check, with the attributes of `trialstats.meta.Pooled`.

    Returns
    -------
    list of dict
        Keys quantity, engine, estimate, second_estimate, tolerance (relative to the
        estimate; absolute where the estimate is zero) and tolerance_reason.

    Raises
    ------
    ConvergenceError
        When the second engine itself finds no solution.
    """
    y = np.asarray(effect, dtype=np.float64)
    v = np.asarray(variance, dtype=np.float64)
    between = 0.0 if pooled.k == 1 else pooled.tau_squared
    checks = _mean_checks(y, v, between, pooled)
    if pooled.k == 1:
        return checks
    checks += _heterogeneity_checks(y, v, pooled)
    verify = _TAU_SQUARED.get(pooled.tau_squared_method)
    if verify is not None:
        checks.append(verify(y, v, pooled))
    return checks


def _least_squares(y: _Array, v: _Array, tau_squared: float) -> Any:
    return sm.WLS(y, np.ones((len(y), 1)), weights=1 / (v + tau_squared))


def _combined(y: _Array, v: _Array, method: str) -> Any:
    """Call `combine_effects`, whose DerSimonian-Laird is not truncated at zero.

    A negative tau2 makes its random-effects errors the root of a negative number;
    nothing here reads those, so the warning is silenced and callers truncate.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return combine_effects(y, v, method_re=method, use_t=False)


#: Factor on the variance of the mean, and degrees of freedom, None for a normal.
_Scale = tuple[float, float | None]


def _wald(y: _Array, v: _Array, between: float, scale: float, level: float) -> _Scale:
    return 1.0, None


def _t(y: _Array, v: _Array, between: float, scale: float, level: float) -> _Scale:
    return 1.0, float(len(y) - 1)


def _hartung(
    y: _Array, v: _Array, between: float, scale: float, level: float
) -> _Scale:
    return scale, float(len(y) - 1)


def _hartung_adhoc(
    y: _Array, v: _Array, between: float, scale: float, level: float
) -> _Scale:
    return max(1.0, scale), float(len(y) - 1)


def _width(y: _Array, v: _Array, between: float, factor: float, reach: float) -> float:
    fit = _least_squares(y, v, between).fit(
        cov_type="fixed scale", cov_kwds={"scale": factor}
    )
    return reach * float(fit.bse[0])


def _hartung_or_normal(
    y: _Array, v: _Array, between: float, scale: float, level: float
) -> _Scale:
    reach = float(stats.t(len(y) - 1).ppf((1 + level) / 2))
    normal = float(stats.norm.ppf((1 + level) / 2))
    if _width(y, v, between, scale, reach) < _width(y, v, between, 1.0, normal):
        return 1.0, None
    return scale, float(len(y) - 1)


def _hartung_or_t(
    y: _Array, v: _Array, between: float, scale: float, level: float
) -> _Scale:
    reach = float(stats.t(len(y) - 1).ppf((1 + level) / 2))
    normal = float(stats.norm.ppf((1 + level) / 2))
    moments = max(0.0, float(_combined(y, v, "chi2").tau2))
    if _width(y, v, between, scale, reach) < _width(y, v, moments, 1.0, normal):
        return 1.0, float(len(y) - 1)
    return scale, float(len(y) - 1)


def _kenward_roger(
    y: _Array, v: _Array, between: float, scale: float, level: float
) -> _Scale:
    """Return Kenward and Roger's factor and df of a mean, from dense matrices."""
    inverse = np.diag(1 / (v + between))
    ones = np.ones((len(y), 1))
    phi = np.linalg.inv(ones.T @ inverse @ ones)
    # The derivative of the covariance in tau-squared is the identity.
    first = -ones.T @ inverse @ inverse @ ones
    second = ones.T @ inverse @ inverse @ inverse @ ones
    projection = inverse - inverse @ ones @ phi @ ones.T @ inverse
    of_tau_squared = 2 / float(np.trace(projection @ projection))
    adjusted = phi + 2 * of_tau_squared * phi @ (second - first @ phi @ first) @ phi
    gradient = float((phi @ first @ phi).item())
    df = 2 * float(phi.item()) ** 2 / (gradient**2 * of_tau_squared)
    # Satterthwaite's df are those of the unadjusted variance; the adjusted enters.
    factor = float(adjusted.item() / phi.item())
    return factor, df / factor**2


_SCALES: dict[str, Callable[[_Array, _Array, float, float, float], _Scale]] = {
    "wald": _wald,
    "t": _t,
    "knapp_hartung": _hartung,
    "knapp_hartung_adhoc": _hartung_adhoc,
    "knapp_hartung_adhoc_ci": _hartung_or_normal,
    "knapp_hartung_adhoc_iqwig": _hartung_or_t,
    "kenward_roger": _kenward_roger,
}


def _mean_checks(y: _Array, v: _Array, between: float, pooled: Any) -> list[Check]:
    """Return checks of estimate, standard error, interval and weights."""
    k, name = pooled.k, pooled.inference if pooled.k > 1 else "wald"
    if pooled.custom_weights:
        df = None if name == "wald" else float(k - 1)
        engine = "numpy, explicit sums with the given weights"
        mean = float(np.average(y, weights=pooled.weights))
        error = float(np.sqrt(np.dot(pooled.weights**2, v + between)))
    else:
        engine = _WLS
        # A single trial leaves WLS no degrees of freedom for its own scale.
        scale = 1.0 if k == 1 else float(_least_squares(y, v, between).fit().scale)
        factor, df = _SCALES[name](y, v, between, scale, pooled.level)
        fit = _least_squares(y, v, between).fit(
            cov_type="fixed scale", cov_kwds={"scale": factor}
        )
        mean, error = float(fit.params[0]), float(fit.bse[0])
    tail = stats.norm if df is None else stats.t(df)
    half = float(tail.ppf((1 + pooled.level) / 2)) * error
    share = 1 / (v + between) / np.sum(1 / (v + between))
    checks = [
        comparison("estimate", engine, pooled.estimate, mean),
        comparison("standard_error", engine, pooled.standard_error, error),
        comparison("ci_lower", engine, pooled.ci_lower, mean - half),
        comparison("ci_upper", engine, pooled.ci_upper, mean + half),
        comparison("statistic", engine, pooled.statistic, mean / error),
        comparison("p_value", engine, pooled.p_value, 2 * tail.sf(abs(mean / error))),
    ]
    if not pooled.custom_weights:
        largest = float(np.max(np.abs(share - pooled.weights)))
        checks.append(
            comparison(
                "largest difference of a weight from zero", "numpy", 0.0, largest
            )
        )
    if np.isfinite(pooled.prediction_df):
        reach = stats.t(pooled.prediction_df).ppf((1 + pooled.level) / 2)
        spread = float(reach * np.sqrt(error**2 + between))
        for end, sign in (("lower", -1), ("upper", 1)):
            ours = getattr(pooled, f"prediction_{end}")
            checks.append(
                comparison(f"prediction_{end}", engine, ours, mean + sign * spread)
            )
    return checks


def _heterogeneity_checks(y: _Array, v: _Array, pooled: Any) -> list[Check]:
    """Return checks of Q, its p-value, I2, H2 and the Q-profile limits."""
    k = pooled.k

    def q(tau_squared: float) -> float:
        return float(_least_squares(y, v, tau_squared).fit().ssr)

    combined = _combined(y, v, "chi2")
    checks = [
        comparison("q", "statsmodels combine_effects", pooled.q, combined.q),
        comparison("q_p_value", _WLS, pooled.q_p_value, stats.chi2.sf(q(0.0), k - 1)),
        *_inconsistency_checks(v, pooled, float(combined.q) / (k - 1)),
    ]
    for end, sign in (("lower", 1), ("upper", -1)):
        limit = getattr(pooled, f"tau_squared_{end}")
        if np.isnan(limit):
            continue
        target = float(stats.chi2.ppf((1 + sign * pooled.level) / 2, k - 1))
        found = q(limit)
        # A limit of zero stands where Q is below the quantile already.
        second = max(found, target) if limit == 0 else found
        checks.append(
            comparison(
                f"chi-squared quantile that Q equals at tau_squared_{end}",
                "statsmodels WLS at the limit",
                target,
                second,
                _ITERATIVE,
                _SOLVED,
            )
        )
    return checks


def _inconsistency_checks(v: _Array, pooled: Any, ratio_of_q: float) -> Iterator[Check]:
    """Yield checks of I2 and H2: from tau2, or from Q under equal effects."""
    if pooled.tau_squared_method == "EE":
        engine = "statsmodels combine_effects, Q over its df"
        h_squared, excess = ratio_of_q, max(0.0, ratio_of_q - 1)
    else:
        engine = "typical variance from a dense projection matrix"
        weight = 1 / v
        projection = np.diag(weight) - np.outer(weight, weight) / weight.sum()
        excess = pooled.tau_squared * float(np.trace(projection)) / (pooled.k - 1)
        h_squared = 1 + excess
    i_squared = excess / (1 + excess)
    yield comparison("h_squared", engine, pooled.h_squared, h_squared)
    yield comparison(
        "i_squared",
        engine,
        pooled.i_squared,
        i_squared,
        _ITERATIVE,
        "closed form; under equal effects it cancels when Q is near its df",
    )


def _scoring_step(y: _Array, v: _Array, pooled: Any, *, restricted: bool) -> Check:
    """Compare tau2 with itself after one Fisher-scoring step.

    Where the score is zero the step is zero; where tau2 is zero and the score is not
    positive, the step ends at zero again.
    """
    between = pooled.tau_squared
    inverse = np.diag(1 / (v + between))
    ones = np.ones((len(y), 1))
    middle = np.linalg.inv(ones.T @ inverse @ ones)
    projection = inverse - inverse @ ones @ middle @ ones.T @ inverse
    # Effects from their median: a common constant only costs digits.
    weighted = projection @ (y - np.median(y))
    information = projection if restricted else inverse
    score = float(weighted @ weighted - np.trace(information))
    step = score / float(np.trace(information @ information))
    return comparison(
        "tau_squared",
        f"one Fisher-scoring step of {'REML' if restricted else 'ML'}, dense matrices",
        between,
        max(0.0, between + step),
        _ITERATIVE,
        _SOLVED,
    )


def _reml(y: _Array, v: _Array, pooled: Any) -> Check:
    return _scoring_step(y, v, pooled, restricted=True)


def _ml(y: _Array, v: _Array, pooled: Any) -> Check:
    return _scoring_step(y, v, pooled, restricted=False)


def _dersimonian_laird(y: _Array, v: _Array, pooled: Any) -> Check:
    found = float(_combined(y, v, "chi2").tau2)
    return comparison(
        "tau_squared",
        "statsmodels combine_effects, DerSimonian-Laird, truncated here",
        pooled.tau_squared,
        max(0.0, found),
        _ITERATIVE,
        "closed form; the numerator cancels when Q is near its df",
    )


def _paule_mandel(y: _Array, v: _Array, pooled: Any) -> Check:
    # The engine stops at |Q - df| < 1e-5; a unit that makes the smallest variance 1
    # keeps that from depending on the unit of the effects.
    unit = float(np.sqrt(v.min()))
    found = _combined(y / unit, v / unit**2, "iterated")
    # It does not tell whether it converged.
    excess = float(_least_squares(y, v, found.tau2 * unit**2).fit().ssr) - (len(y) - 1)
    if found.tau2 > 0 and abs(excess) > 1e-4:
        raise ConvergenceError(
            f"statsmodels combine_effects: Paule-Mandel stopped at Q - df = {excess!r}"
        )
    return comparison(
        "tau_squared",
        "statsmodels combine_effects, Paule-Mandel",
        pooled.tau_squared,
        max(0.0, float(found.tau2)) * unit**2,
        1e-3,
        "the second engine stops its iteration at |Q - df| < 1e-5",
    )


#: Second engine of each estimator of tau2 that has one.
_TAU_SQUARED: dict[str, Callable[[_Array, _Array, Any], Check]] = {
    "REML": _reml,
    "ML": _ml,
    "DL": _dersimonian_laird,
    "PM": _paule_mandel,
    "EB": _paule_mandel,
    "DLIT": _paule_mandel,
    "SJIT": _paule_mandel,
}
