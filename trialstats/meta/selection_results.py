"""The result of a selection model: tests, intervals and tables of its maximum."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from trialstats.errors import NotEstimableError
from trialstats.meta.inputs import FloatArray
from trialstats.meta.pooling import Pooled
from trialstats.meta.selection_likelihood import SelectionLikelihood
from trialstats.meta.selection_maximum import Maximum
from trialstats.meta.selection_weights import FAMILIES

#: Weight functions, with the words for them.
KINDS: dict[str, str] = {
    "step": "step function",
    **{name: family.words for name, family in FAMILIES.items()},
}

_NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class SelectionModel:
    """A pooled effect under selection by p-values. Maximum likelihood, unrounded.

    A number that does not exist is NaN and `not_estimable` says why, under its name.

    Attributes
    ----------
    estimate, standard_error, ci_lower, ci_upper, statistic, p_value : float
        Effect allowing for selection, with normal test and interval. NaN with
        moderators: see `coefficients`.
    coefficients : DataFrame
        term, estimate, standard_error, statistic, p_value, ci_lower, ci_upper.
    tau_squared, tau_squared_standard_error : float
        Between-trial variance.
    tau_squared_statistic, tau_squared_p_value : float
        Likelihood ratio test that it is zero, chi-squared with 1 df.
    weights : DataFrame
        The weight function, a row for each parameter: term, estimate, standard_error,
        statistic, p_value (of no selection), ci_lower, ci_upper, fixed; for a step
        function also p_lower, p_upper and trials.
    other_maxima : DataFrame
        Lower maxima of the likelihood that the search came upon, a row for each:
        log_likelihood, the coefficients by their terms, tau_squared, delta_1 to
        delta_q. Look at them: little speaks for the highest where another is almost
        as high.
    likelihood_ratio, likelihood_ratio_p_value : float
        Test of no selection.
    likelihood_ratio_df : int
        Number of parameters of the weight function that were estimated.
    log_likelihood : float
        At the maximum.
    log_likelihood_without_selection : float
        Of the same model when every weight is 1.
    kind, alternative : str
        Weight function, and direction of the trials' tests.
    steps : tuple of float
        Cut points of a step function, the last of which is 1.
    k : int
        Number of trials.
    level : float
        Confidence level.
    not_estimable : mapping of str to str
        Reason for what is NaN.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    p_value: float
    coefficients: pd.DataFrame
    tau_squared: float
    tau_squared_standard_error: float
    tau_squared_statistic: float
    tau_squared_p_value: float
    weights: pd.DataFrame
    other_maxima: pd.DataFrame
    likelihood_ratio: float
    likelihood_ratio_df: int
    likelihood_ratio_p_value: float
    log_likelihood: float
    log_likelihood_without_selection: float
    kind: str
    alternative: str
    steps: tuple[float, ...]
    k: int
    level: float
    not_estimable: MappingProxyType[str, str] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def method(self) -> str:
        """The method in words."""
        cuts = ", ".join(f"{step:g}" for step in self.steps[:-1])
        where = f" with cuts at p = {cuts}" if cuts else ""
        direction = {
            "greater": "one-sided p-values, larger effects favoured",
            "less": "one-sided p-values, smaller effects favoured",
            "two_sided": "two-sided p-values",
        }[self.alternative]
        return f"selection model, {KINDS[self.kind]}{where}; {direction}; ML"


def selection_result(
    *,
    pooled: Pooled,
    likelihood: SelectionLikelihood,
    best: Maximum,
    others: list[Maximum],
    ratios: tuple[float, float],
    unselected: float,
    trials: np.ndarray,
    steps: FloatArray,
    kind: str,
    alternative: str,
) -> SelectionModel:
    """Return tests, intervals and tables of a maximum.

    Parameters
    ----------
    pooled : Pooled
        The model without selection.
    likelihood : SelectionLikelihood
    best, others : Maximum
        The highest maximum, and the lower ones.
    ratios : (float, float)
        Twice the rise in log-likelihood over tau-squared zero, and over no selection.
    unselected : float
        Log-likelihood without selection.
    trials : ndarray of int
        Trials in each interval of a step function.
    steps : ndarray
        Its cut points; empty for other weight functions.
    kind, alternative : str
        Names.

    Raises
    ------
    NotEstimableError
        When the likelihood is flat in some direction.
    """
    count = likelihood.fixed_effects
    error = _standard_errors(best)
    reasons = {}
    if not best.free[count]:
        reasons = dict.fromkeys(
            (
                "tau_squared_standard_error",
                "tau_squared_statistic",
                "tau_squared_p_value",
            ),
            "tau-squared is given, or zero by assumption",
        )
    elif best.at_bound[count]:
        reasons["tau_squared_standard_error"] = "the estimate is zero, on the boundary"
    coefficients = _wald_table(
        pooled.terms, best.parameters[:count], error[:count], pooled.level
    )
    df = int(best.free[count + 1 :].sum())
    if df == 0:
        reasons["likelihood_ratio_p_value"] = "no weight was estimated"
    if best.at_bound[count + 1 :].any():
        reasons["weights"] = "a weight on the boundary, no selection, has no error"
    single: dict[str, Any] = {
        str(name): float(values.iloc[0])
        for name, values in coefficients.drop(columns="term").items()
    }
    if count > 1:
        single = dict.fromkeys(single, _NAN)
        reasons |= dict.fromkeys(single, "has moderators; see coefficients")
    heterogeneity, selection = (
        max(0.0, ratio) if ratio == ratio else ratio for ratio in ratios
    )
    return SelectionModel(
        **single,
        coefficients=coefficients,
        tau_squared=float(best.parameters[count]),
        tau_squared_standard_error=float(error[count]),
        tau_squared_statistic=heterogeneity,
        tau_squared_p_value=float(chdtrc(1, heterogeneity)),
        weights=_weight_table(likelihood, best, error, trials, steps, pooled.level),
        other_maxima=_lower(pooled.terms, likelihood, others),
        likelihood_ratio=selection,
        likelihood_ratio_df=df,
        likelihood_ratio_p_value=float(chdtrc(df, selection)) if df else _NAN,
        log_likelihood=best.log_likelihood,
        log_likelihood_without_selection=unselected,
        kind=kind,
        alternative=alternative,
        steps=tuple(float(step) for step in steps),
        k=len(likelihood.effect),
        level=pooled.level,
        not_estimable=MappingProxyType(reasons),
    )


def _lower(
    terms: Sequence[str], likelihood: SelectionLikelihood, others: list[Maximum]
) -> pd.DataFrame:
    """Return the lower maxima as a table."""
    weights = [f"delta_{i + 1}" for i in range(likelihood.family.size)]
    return pd.DataFrame(
        [[each.log_likelihood, *each.parameters] for each in others],
        columns=["log_likelihood", *terms, "tau_squared", *weights],
        dtype=np.float64,
    )


def _standard_errors(best: Maximum) -> FloatArray:
    """Return errors from the observed information; NaN for what is fixed or on a bound.

    Raises
    ------
    NotEstimableError
        When the likelihood is flat in some direction.
    """
    error = np.full(len(best.parameters), _NAN)
    inner = best.free & ~best.at_bound
    information = -best.evaluated.hessian[np.ix_(inner, inner)]
    scale = np.sqrt(np.diag(information))
    scaled = information / np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e12:
        raise NotEstimableError(
            "the selection model is not identified: the likelihood is flat where the "
            "effect and the selection are exchanged for each other"
        )
    error[inner] = np.sqrt(np.diag(np.linalg.inv(scaled))) / scale
    return error


def _wald_table(
    terms: Sequence[str],
    estimate: FloatArray,
    error: FloatArray,
    level: float,
    null: FloatArray | float = 0.0,
) -> pd.DataFrame:
    statistic = (estimate - null) / error
    half = float(ndtri((1 + level) / 2)) * error
    return pd.DataFrame(
        {
            "term": pd.array(list(terms), dtype="str"),
            "estimate": estimate,
            "standard_error": error,
            "statistic": statistic,
            "p_value": 2 * ndtr(-np.abs(statistic)),
            "ci_lower": estimate - half,
            "ci_upper": estimate + half,
        }
    )


def _weight_table(
    likelihood: SelectionLikelihood,
    best: Maximum,
    error: FloatArray,
    trials: np.ndarray,
    steps: FloatArray,
    level: float,
) -> pd.DataFrame:
    count = likelihood.fixed_effects + 1
    estimate, free = best.parameters[count:], best.free[count:]
    if len(steps):
        bounds = np.concatenate([[0.0], steps])
        terms = [f"{low:g} < p <= {high:g}" for low, high in pairwise(bounds)]
    else:
        terms = [f"delta {i + 1}" for i in range(len(estimate))]
    null = np.array(likelihood.family.null)
    table = _wald_table(terms, estimate, error[count:], level, null)
    table["ci_lower"] = table["ci_lower"].clip(lower=0)
    table["fixed"] = ~free
    if len(steps):
        table["p_lower"], table["p_upper"] = bounds[:-1], bounds[1:]
        table["trials"] = trials
    return table
