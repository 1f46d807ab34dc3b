"""Combine the effects of trials by the model that a synthesis names.

Every model gives the same shape, so that its rows are written in one place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trialstats.analyses.dependent_effects import (
    Dependent,
    pool_nested,
    pool_sharing,
)
from trialstats.analyses.trial_effect import TrialEffect, share_people
from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.mantel_haenszel import mantel_haenszel
from trialstats.meta.one_stage import one_stage
from trialstats.meta.peto import peto
from trialstats.meta.pooling import pool

#: Fields of a result, by the names of `trialstats.meta.Pooled`.
FIELDS = (
    *("estimate", "standard_error", "df", "statistic", "p_value"),
    *("ci_lower", "ci_upper", "prediction_lower", "prediction_upper"),
    *("prediction_df", "tau_squared", "tau_squared_lower", "tau_squared_upper"),
    *("i_squared", "h_squared", "q", "q_df", "q_p_value"),
)


@dataclass(frozen=True, slots=True)
class Combined:
    """The result of one model.

    Attributes
    ----------
    values : mapping of str to float
        Numbers by `FIELDS`; one that does not exist is NaN or absent.
    weights : tuple of float or None
        Share of each trial, in the order of the effects; None where a model has none.
    k : int
        Number of trials.
    level : float
        Confidence level.
    method : str
        The model in words, complete.
    reasons : mapping of str to str
        Why a field does not exist.
    equal_effects : bool
        Whether the model knows no variance between trials.
    groups : tuple of str or None
        The groups of each nested effect, outermost first; None in other models.
    own_forms : mapping or None
        What a statistic is in this model, in words, where it is not the usual.
    fit : object or None
        The result of `trialstats.meta` that the numbers come from.
    """

    values: Mapping[str, float]
    weights: tuple[float, ...] | None
    k: int
    level: float
    method: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    equal_effects: bool = False
    groups: tuple[str, ...] | None = None
    own_forms: Mapping[str, str] | None = None
    fit: Any = None

    def value(self, name: str) -> float | None:
        """Return a field, None where it does not exist."""
        number = self.values.get(name)
        return None if number is None or number != number else float(number)


def entering(effects: Sequence[TrialEffect], method: str) -> list[TrialEffect]:
    """Return the trials that a method combines, in their order.

    Methods of counts take every trial with the counts of both arms: they add nothing
    to a zero cell, and a trial without an effect of its own may tell them something.
    """
    if method in COUNTING:
        return [effect for effect in effects if counts_of(effect) is not None]
    return [effect for effect in effects if effect.not_estimable is None]


def counts_of(effect: TrialEffect) -> dict[str, float] | None:
    """Return the two-by-two table of a trial by metafor's names, None without one."""
    numbers = {(i.statistic, i.group): i.estimate for i in effect.inputs}
    found = {name: numbers.get(place) for name, place in _COUNTS.items()}
    if any(value is None for value in found.values()):
        return None
    return {name: float(value) for name, value in found.items() if value is not None}


#: Arguments of the methods of counts, and the numbers of a trial that they are.
_COUNTS = {
    "ai": ("events", "ldn"),
    "n1i": ("n", "ldn"),
    "ci": ("events", "placebo"),
    "n2i": ("n", "placebo"),
}


def combine(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> tuple[Combined | None, str | None]:
    """Combine effects; return the result, or None and the reason why there is none.

    Parameters
    ----------
    entered : sequence of TrialEffect
        As `entering` returns them.
    arguments : mapping
        The keys of ``model``, complete.
    measure : str
        Code of the measure.
    """
    if not entered:
        return None, "no trial has an effect"
    way = way_of(arguments, sharing=share_people(entered))
    try:
        return _WAYS[way](entered, arguments, measure), None
    except (NotEstimableError, ConvergenceError) as reason:
        return None, str(reason)


def way_of(arguments: Mapping[str, Any], *, sharing: bool) -> str:
    """Return the way to combine effects.

    Parameters
    ----------
    arguments : mapping
        The keys of ``model``, complete.
    sharing : bool
        Whether two of the effects are of one trial: then their covariance enters.
    """
    if arguments.get("levels"):
        return "levels"
    method = str(arguments["method"])
    return "sharing" if sharing and method == "inverse_variance" else method


def _by_inverse_variances(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> Combined:
    how = {n: arguments[n] for n in ("tau_squared", "inference", "prediction", "level")}
    pooled = pool(
        [float(e.effect or 0.0) for e in entered],
        [float(e.variance or 0.0) for e in entered],
        **how,
    )
    equal = pooled.tau_squared_method == "EE"
    return _combined(pooled, equal_effects=equal)


def _by_counts(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> Combined:
    columns, level = _columns(entered), arguments["level"]
    if arguments["method"] == "mantel_haenszel":
        return _combined(
            mantel_haenszel(measure, **columns, level=level), equal_effects=True
        )
    if measure != "OR":
        raise NotEstimableError(f"Peto's method pools odds ratios (OR), not {measure}")
    return _combined(peto(**columns, level=level), equal_effects=True)


def _columns(entered: Sequence[TrialEffect]) -> dict[str, Any]:
    tables = [counts_of(effect) or {} for effect in entered]
    return {name: [table[name] for table in tables] for name in _COUNTS}


def _by_one_stage(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> Combined:
    """Combine tables by their exact likelihood given the margins."""
    if measure != "OR":
        raise NotEstimableError(f"one stage pools odds ratios (OR), not {measure}")
    equal = arguments["tau_squared"] == "EE"
    fit = one_stage(
        measure,
        **_columns(entered),
        model="CM.EL",
        tau_squared="EE" if equal else "ML",
        inference="wald" if arguments["inference"] == "wald" else "t",
        level=arguments["level"],
    )
    return _combined(fit, equal_effects=equal)


def _by_levels(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> Combined:
    """Combine effects that are nested, by a variance at each level."""
    return _dependent(pool_nested(entered, arguments))


def _by_sharing(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any], measure: str
) -> Combined:
    """Combine effects of which some share a control arm, by their covariance."""
    return _dependent(pool_sharing(entered, arguments))


def _dependent(found: Dependent) -> Combined:
    """Return a model of dependent effects in the shape of all models."""
    plain = _combined(found.fit, equal_effects=found.equal_effects)
    values = {n: v for n, v in plain.values.items() if n not in found.reasons}
    return replace(
        plain,
        values={**values, **found.values},
        method=found.method,
        reasons={**plain.reasons, **found.reasons},
        groups=found.groups,
        own_forms=found.forms,
    )


def _combined(fit: Any, *, equal_effects: bool) -> Combined:
    """Return a result of `trialstats.meta` in the shape of all models."""
    found = {name: getattr(fit, name, None) for name in FIELDS}
    weights = getattr(fit, "weights", None)
    return Combined(
        values={name: value for name, value in found.items() if value is not None},
        weights=None if weights is None else tuple(map(float, weights)),
        k=fit.k,
        level=fit.level,
        method=fit.method,
        reasons=fit.not_estimable,
        equal_effects=equal_effects,
        fit=fit,
    )


#: Methods that combine the counts themselves.
COUNTING = ("mantel_haenszel", "peto", "one_stage")

_WAYS: dict[
    str, Callable[[Sequence[TrialEffect], Mapping[str, Any], str], Combined]
] = {
    "inverse_variance": _by_inverse_variances,
    "mantel_haenszel": _by_counts,
    "peto": _by_counts,
    "one_stage": _by_one_stage,
    "levels": _by_levels,
    "sharing": _by_sharing,
}
