"""What varies between trials: tau2 and its interval, I2, H2, R2 and Cochran's Q.

Symbols as in `weighting`.
"""

from typing import Any

import numpy as np
from scipy.special import chdtrc

from trialstats.errors import NotEstimableError
from trialstats.meta.fitting import (
    STANDARD_ERRORS,
    Fitted,
    estimated_tau_squared,
    fitted,
    typical_variances,
)
from trialstats.meta.moderators import Moderators
from trialstats.meta.tau_squared_intervals import tau_squared_limits
from trialstats.meta.weighting_given import GivenWeights, arranged_trials

_NAN = float("nan")


def variation(
    fit: Fitted, given: GivenWeights | None, names: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return tau2 and its interval, I2, H2, R2 and Q, and why any is absent."""
    method, df = names["tau_squared_method"], float(fit.trials.df[0])
    between, q = float(fit.tau_squared[0]), float(fit.fixed.q[0])
    typical = float(typical_variances(fit)[0])
    error = lower = upper = _NAN
    reasons: dict[str, str] = {}
    interval = ("tau_squared_standard_error", "tau_squared_lower", "tau_squared_upper")
    if method == "EE":
        i_squared = max(0.0, 1 - df / q) if q else 0.0
        h_squared = q / df
        reason = "tau-squared is zero by assumption under equal effects"
        reasons |= dict.fromkeys(interval, reason)
    else:
        i_squared = between / (between + typical)
        h_squared = (between + typical) / typical
        if method == "given":
            reasons |= dict.fromkeys(interval, "tau-squared is given")
        else:
            error = float(STANDARD_ERRORS[method](fit, given)[0])
            try:
                lower, upper = tau_squared_limits(
                    names["options"]["tau_squared_interval"],
                    fit,
                    method,
                    given,
                    names["level"],
                    error,
                )
            except NotEstimableError as why:
                reasons |= dict.fromkeys(interval[1:], str(why))
            if names["options"]["tau_squared_interval"] == "none":
                reasons |= dict.fromkeys(interval[1:], "no interval was asked for")
    r_squared, why_not = _r_squared(fit, given, names)
    if why_not:
        reasons["r_squared"] = why_not
    fields = {
        "tau_squared": between,
        "tau_squared_standard_error": error,
        "tau_squared_lower": lower,
        "tau_squared_upper": upper,
        "i_squared": i_squared,
        "h_squared": h_squared,
        "r_squared": r_squared,
        "typical_variance": typical,
        "q": q,
        "q_df": round(df),
        "q_p_value": float(chdtrc(df, q)),
    }
    return fields, reasons


def _r_squared(
    fit: Fitted, given: GivenWeights | None, names: dict[str, Any]
) -> tuple[float, str | None]:
    """Return the share of tau2 that moderators account for, or the reason for none.

    Under equal effects the adjusted R2 of the weighted regression.
    """
    regression: Moderators = names["moderators"]
    if fit.trials.rows is None:
        return _NAN, "there are no moderators"
    design = regression.design
    ones = np.ones(len(design))
    left = ones - design @ np.linalg.lstsq(design, ones, rcond=None)[0]
    if float(np.abs(left).max()) > 1e-7:
        return _NAN, "the model has no intercept to compare with"
    method, weights = names["tau_squared_method"], names["options"]["weights"]
    if method == "given":
        return _NAN, "tau-squared is given"
    trials, alone = arranged_trials(names["effect"], names["variance"], None, weights)
    if method == "EE":
        if float(trials.squares[0]) == 0:
            return 0.0, None
        total = alone.q if alone else fitted(trials, np.zeros(1)).fixed.q
        rest = given.q if given else fit.fixed.q
        ratio = float(rest[0] / fit.trials.df[0]) / float(total[0] / trials.df[0])
        return max(0.0, 1 - ratio), None
    before = float(estimated_tau_squared(trials, method, alone)[0])
    if before == 0:
        return 0.0, None
    return max(0.0, (before - float(fit.tau_squared[0])) / before), None
