"""Pool effects that depend on one another: nested ones, and ones that share people.

Two treatments against one control arm give two effects whose errors are correlated.
Inverse variances would count the control arm twice; generalised least squares with the
covariance of the errors does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trialstats.analyses.trial_effect import TrialEffect, n_trials_of, share_people
from trialstats.errors import NotEstimableError
from trialstats.meta.multilevel import pool_multilevel
from trialstats.meta.multilevel_results import PooledMultilevel

#: The levels of effects of which some are of one trial.
TRIAL_LEVELS = ("trial", "contrast")

#: Between the groups of an effect where they stand in one text.
SEPARATOR = " / "

_SHARING = "effects of one trial share its control arm: their covariance enters"

_ONE_TRIAL = "needs at least 2 trials"

_SEVERAL = "the model has a variance at each level; see the variance components"

#: What statistics are in a model of dependent effects, in words.
_FORMS = {
    "tau_squared": "sum of the variances of the levels",
    "i_squared": "from the sum of the variances and the typical sampling variance",
    "h_squared": "",
    "q": "Cochran's Q with the covariance of the errors",
}

#: The same without variances between effects.
_FORMS_OF_EQUAL = _FORMS | {
    "tau_squared": "zero by assumption",
    "i_squared": "from Q, for tau-squared is zero by assumption",
    "h_squared": "from Q, for tau-squared is zero by assumption",
}


@dataclass(frozen=True, slots=True)
class Dependent:
    """A model of dependent effects.

    Attributes
    ----------
    fit : PooledMultilevel
    method : str
        In words, complete.
    groups : tuple of str or None
        The groups of each effect, outermost first; None without levels.
    forms : mapping
        What statistics are, in words.
    values : mapping
        Statistics that stand before those of `fit`.
    reasons : mapping
        Why a statistic of `fit` does not stand.
    equal_effects : bool
    """

    fit: PooledMultilevel
    method: str
    groups: tuple[str, ...] | None
    forms: Mapping[str, str]
    values: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    equal_effects: bool = False


def covariance_of(entered: Sequence[TrialEffect]) -> NDArray[np.float64]:
    """Return the covariance of the errors of effects, (k, k), in their order.

    Raises
    ------
    NotEstimableError
        When the covariance of two effects of one trial is not known.
    """
    matrix = np.diag([float(effect.variance or 0.0) for effect in entered])
    for i, first in enumerate(entered):
        for j, second in enumerate(entered[:i]):
            if first.trial != second.trial:
                continue
            shared = first.covariances.get(second.arm or "")
            if shared is None:
                raise NotEstimableError(
                    f"the covariance of two effects of {first.trial} "
                    f"({second.arm} and {first.arm}) is not known"
                )
            matrix[i, j] = matrix[j, i] = shared
    return matrix


def pool_nested(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any]
) -> Dependent:
    """Pool effects by a variance at each level that ``model.levels`` names.

    Raises
    ------
    NotEstimableError
        When estimator or inference are not derived for nested effects, or variances
        cannot be told apart.
    """
    levels = [str(level) for level in arguments["levels"]]
    inference = _inference(arguments, "nested effects")
    sharing = share_people(entered)
    fit = _fit(entered, arguments, levels, inference, df="residual")
    return Dependent(
        fit=fit,
        method="; ".join([fit.method, *([_SHARING] if sharing else [])]),
        groups=_groups(entered, levels),
        forms=_FORMS,
        reasons={"h_squared": _SEVERAL},
    )


def pool_sharing(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any]
) -> Dependent:
    """Pool effects of which some share the control arm of a trial.

    A random intercept for each trial and one for each of its contrasts, with the
    covariance of the errors; t intervals have the number of trials minus one degrees
    of freedom, for the trials are what is independent. One trial alone has no variance
    between trials: its contrasts are averaged as equal effects with normal intervals.

    Raises
    ------
    NotEstimableError
        When estimator or inference are not derived for dependent effects, a
        covariance is not known, or variances cannot be told apart.
    """
    n_trials = n_trials_of(entered)
    if n_trials == 1:
        fit = _fit(entered, {**arguments, "tau_squared": "EE"}, [], "wald")
        return Dependent(
            fit=fit,
            method=f"one trial: {fit.method}; {_SHARING}",
            groups=None,
            forms=_FORMS_OF_EQUAL,
            reasons=dict.fromkeys((*_BETWEEN, *_AHEAD), _ONE_TRIAL),
        )
    inference = _inference(arguments, "effects that share people")
    equal = arguments["tau_squared"] == "EE"
    levels = [] if equal else list(TRIAL_LEVELS)
    fit = _fit(entered, arguments, levels, inference, df=float(n_trials - 1))
    words = [fit.method, _SHARING]
    if inference == "t":
        words.append(f"{n_trials - 1} df, one less than trials")
    return Dependent(
        fit=fit,
        method="; ".join(words),
        groups=None if equal else _groups(entered, levels),
        forms=_FORMS_OF_EQUAL if equal else _FORMS,
        values=_from_q(fit) if equal else {},
        reasons=_reasons(arguments, equal=equal),
        equal_effects=equal,
    )


_BETWEEN = ("tau_squared", "i_squared", "h_squared")
_AHEAD = ("prediction_lower", "prediction_upper", "prediction_df")


def _inference(arguments: Mapping[str, Any], what: str) -> str:
    inference = str(arguments["inference"])
    if inference not in ("wald", "t"):
        raise NotEstimableError(
            f"{inference} is not derived for {what}; use inference wald or t"
        )
    return inference


def _reasons(arguments: Mapping[str, Any], *, equal: bool) -> dict[str, str]:
    if equal:
        return dict.fromkeys(
            _AHEAD, "under equal effects a new trial has the same true effect"
        )
    reasons = {"h_squared": _SEVERAL}
    form = arguments["prediction"]
    if form != "t":
        why = f"form {form} is not derived for effects that share people; use t"
        reasons |= dict.fromkeys(_AHEAD, why)
    return reasons


def _from_q(fit: PooledMultilevel) -> dict[str, float]:
    """Return I2 and H2 of equal effects, from Q over its degrees of freedom."""
    ratio = fit.q / fit.q_df
    share = 1 - 1 / ratio if ratio > 1 else 0.0
    return {"i_squared": share, "h_squared": ratio}


#: Estimators of the variances of dependent effects.
_CRITERIA = {"REML": "REML", "ML": "ML", "EE": "REML"}


def _fit(
    entered: Sequence[TrialEffect],
    arguments: Mapping[str, Any],
    levels: Sequence[str],
    inference: str,
    df: float | str = "residual",
) -> PooledMultilevel:
    wanted = arguments["tau_squared"]
    if wanted not in _CRITERIA or (levels and wanted == "EE"):
        usable = "REML or ML" if wanted == "EE" else "REML, ML or EE"
        raise NotEstimableError(
            f"tau_squared {wanted} is not derived for dependent effects; use {usable}"
        )
    sampling: dict[str, Any] = {"variance": [float(e.variance or 0.0) for e in entered]}
    if share_people(entered):
        sampling = {"covariance": covariance_of(entered)}
    return pool_multilevel(
        [float(e.effect or 0.0) for e in entered],
        **sampling,
        levels=list(levels) or None,
        data=pd.DataFrame([_covariates_of(e) for e in entered]),
        method=_CRITERIA[wanted],
        inference=inference,
        df=df,
        level=arguments["level"],
    )


def _covariates_of(effect: TrialEffect) -> dict[str, Any]:
    own = {"trial": effect.trial, "contrast": effect.arm or ""}
    return own | dict(effect.covariates)


def _groups(entered: Sequence[TrialEffect], levels: Sequence[str]) -> tuple[str, ...]:
    """Return the path of groups of each effect, "district / school"."""
    plain = SEPARATOR.strip()
    listed = [_covariates_of(effect) for effect in entered]
    return tuple(
        SEPARATOR.join(str(row[name]).replace(SEPARATOR, plain) for name in levels)
        for row in listed
    )
