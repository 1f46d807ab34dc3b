"""Combine the effects of trials by the model that a synthesis names.

Every model gives the same shape, so that its rows are written in one place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trialstats.analyses.trial_effect import TrialEffect
from trialstats.errors import ConvergenceError, NotEstimableError
from trialstats.meta.pooling import Pooled, pool

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
    fit: Any = None

    def value(self, name: str) -> float | None:
        """Return a field, None where it does not exist."""
        number = self.values.get(name)
        return None if number is None or number != number else float(number)


def combine(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any]
) -> tuple[Combined | None, str | None]:
    """Combine effects; return the result, or None and the reason why there is none.

    Parameters
    ----------
    entered : sequence of TrialEffect
        Trials that have an effect.
    arguments : mapping
        The keys of ``model``, complete.
    """
    if not entered:
        return None, "no trial has an effect"
    try:
        return _of_pooled(entered, arguments), None
    except (NotEstimableError, ConvergenceError) as reason:
        return None, str(reason)


def _of_pooled(
    entered: Sequence[TrialEffect], arguments: Mapping[str, Any]
) -> Combined:
    how = {n: arguments[n] for n in ("tau_squared", "inference", "prediction", "level")}
    pooled: Pooled = pool(
        [float(e.effect or 0.0) for e in entered],
        [float(e.variance or 0.0) for e in entered],
        **how,
    )
    return Combined(
        values={name: getattr(pooled, name) for name in FIELDS},
        weights=tuple(float(weight) for weight in pooled.weights),
        k=pooled.k,
        level=pooled.level,
        method=pooled.method,
        reasons=pooled.not_estimable,
        equal_effects=pooled.tau_squared_method == "EE",
        fit=pooled,
    )
