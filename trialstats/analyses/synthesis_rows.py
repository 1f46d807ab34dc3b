"""The shape of a synthesis' rows: one per statistic, schema `rows.ESTIMATES`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Any

from trialstats.analyses.combining import Combined
from trialstats.analyses.trial_effect import TrialEffect
from trialstats.records import Record
from trialstats.rows import row_key
from trialstats.vocabulary import EVIDENCE_STATUS, MEASURES, PROPORTION

Row = dict[str, Any]

#: What is pooled, in the words of `method`.
MEASURE_WORDS = {
    code: measure.name + (", pooled on the log scale" if measure.log else "")
    for code, measure in MEASURES.items()
} | {"SMD": f"{MEASURES['SMD'].name} (Hedges' g)"}

#: Measures by which published pools are grouped.
_POOL_GROUPS = ("SMD", "MD", "RR")


@dataclass(frozen=True, slots=True)
class Subject:
    """What all rows of a synthesis share.

    Attributes
    ----------
    synthesis, measure, scale : str
        Name, measure, and ``log`` or ``natural``.
    treatment, control : str
        The arms compared.
    outcome, unit : str or None
        Name of the outcome; unit of a mean difference.
    level : float
        Confidence level.
    split : bool
        Whether one trial may have several rows, so that keys need the outcome.
    """

    synthesis: str
    measure: str
    scale: str
    treatment: str
    control: str
    outcome: str
    unit: str | None
    level: float
    split: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Subject":
        """Return the subject of a configuration."""
        measure = config["measure"]
        return cls(
            synthesis=config["id"],
            measure=measure,
            scale="log" if MEASURES[measure].log else "natural",
            treatment=config["comparison"]["treatment"],
            control=config["comparison"]["control"],
            outcome=config["outcome"]["name"],
            unit=_unit(measure, config),
            level=(config.get("model") or {}).get("level", 0.95),
            split=not config["pooling"],
        )

    def row(self, *key: str | None, **values: Any) -> Row:
        """Return a row whose key ends with the parts `key`."""
        return {
            "row_id": row_key(self.synthesis, *key),
            "kind": "synthesis",
            "synthesis": self.synthesis,
            "role": "descriptive",
            "scale": self.scale,
        } | values

    @property
    def contrast(self) -> str:
        """The comparison, in words."""
        return f"{self.treatment} versus {self.control}"


def _unit(measure: str, config: Mapping[str, Any]) -> str | None:
    """Return the unit of effects: that of the outcome, or what a difference is of."""
    if MEASURES[measure].percent:
        return PROPORTION
    return config["outcome"].get("scale") if measure == "MD" else None


def input_rows(effect: TrialEffect, subject: Subject) -> Iterator[Row]:
    """Yield the numbers that a trial published, as published."""
    groups: dict[str | None, str | None] = {
        "ldn": subject.treatment,
        "placebo": subject.control,
        None: None,
    }
    for number in effect.inputs:
        group = groups[number.group]
        yield subject.row(
            *of_trial(effect, subject),
            group,
            number.statistic,
            **trial_columns(effect) | {"group": group},
            contrast=None if group else subject.contrast,
            statistic=number.statistic,
            scale="natural",
            unit=effect.unit if number.statistic != "published_smd" else None,
            estimate=number.estimate,
            standard_error=number.standard_error,
            method="as entered" if group is None else "as published",
        )


def effect_rows(
    effects: Sequence[TrialEffect], subject: Subject, *, model_id: str | None = None
) -> Iterator[Row]:
    """Yield the trials' effects with normal intervals.

    Those of a sensitivity analysis that computes its own carry its `model_id` and
    the statistic ``sensitivity_effect``, so that no figure shows a trial twice.
    """
    quantile = NormalDist().inv_cdf((1 + subject.level) / 2)
    statistic = "sensitivity_effect" if model_id else "effect"
    for effect in effects:
        row = subject.row(
            model_id,
            *of_trial(effect, subject),
            statistic,
            **trial_columns(effect),
            contrast=subject.contrast,
            role="sensitivity" if model_id else "descriptive",
            statistic=statistic,
            unit=effect.unit or subject.unit,
            n_subjects=effect.n_subjects,
            n_trials=1,
            model_id=model_id,
            method=f"{MEASURE_WORDS[subject.measure]}: {effect.method}",
            not_estimable=effect.not_estimable,
        )
        if effect.effect is not None and effect.variance is not None:
            error = math.sqrt(effect.variance)
            row |= {
                "method": f"{row['method']}; {subject.level * 100:g}% normal interval",
                "estimate": effect.effect,
                "standard_error": error,
                "confidence_level": subject.level,
                "ci_lower": effect.effect - quantile * error,
                "ci_upper": effect.effect + quantile * error,
            }
        yield row


def covariance_rows(
    effects: Sequence[TrialEffect], subject: Subject, *, model_id: str | None = None
) -> Iterator[Row]:
    """Yield the covariances of effects of one trial, two by two.

    Parameters
    ----------
    effects : sequence of TrialEffect
    subject : Subject
    model_id : str, optional
        Of a sensitivity analysis that computes its own effects.
    """
    for first, second in combinations(effects, 2):
        other = second.arm or ""
        if first.trial != second.trial or other not in first.covariances:
            continue
        yield subject.row(
            model_id,
            *of_trial(first, subject),
            other,
            "effect_covariance",
            **trial_columns(first),
            subgroup=other,
            contrast=subject.contrast,
            role="sensitivity" if model_id else "descriptive",
            statistic="effect_covariance",
            estimate=first.covariances[other],
            model_id=model_id,
            method=f"covariance of the effects of {first.arm} and {other}, which "
            "share the control arm; fitted to individual data",
        )


def weight_rows(
    weights: Sequence[tuple[TrialEffect, float | None, str | None]],
    subject: Subject,
    about: Mapping[str, Any],
    reason: str | None,
) -> Iterator[Row]:
    """Yield each effect's weight in one model.

    Parameters
    ----------
    weights : sequence of (effect, weight, groups)
        The groups of nested effects, as text, stand under `subgroup`.
    subject : Subject
    about : mapping
        What the rows of the model share.
    reason : str or None
        Why there is no model.
    """
    for effect, weight, groups in weights:
        yield subject.row(
            about["model_id"],
            *of_trial(effect, subject),
            "weight",
            **trial_columns(effect),
            model_id=about["model_id"],
            role=about["role"],
            statistic="weight",
            subgroup=groups,
            scale="natural",
            estimate=None if weight is None else float(weight),
            method="share of the total weight; the weights of a model add to 1",
            not_estimable=(effect.not_estimable or reason) if weight is None else None,
        )


def model_rows(
    pooled: Combined | None,
    reason: str | None,
    subject: Subject,
    words: str,
    about: Mapping[str, Any],
) -> Iterator[Row]:
    """Yield the result of one model: effect, prediction, heterogeneity."""
    method = words if pooled is None else f"{words}; {pooled.method}"
    for statistic, columns in _STATISTICS.items():
        row = subject.row(
            about["model_id"],
            statistic,
            **about,
            parameter=subject.outcome,
            contrast=subject.contrast,
            statistic=statistic,
            unit=subject.unit if statistic in _ON_SCALE else None,
            method="; ".join(p for p in (method, _form(statistic, pooled)) if p),
        )
        if statistic not in _ON_SCALE:
            row["scale"] = "natural"
        if pooled is None:
            yield row | {"not_estimable": reason}
            continue
        values: dict[str, Any] = {c: pooled.value(f) for c, f in columns.items()}
        absent = [f for f in columns.values() if f in pooled.reasons]
        # An estimate without an interval stands; without both, the reason does.
        if all(value is None for value in values.values()) or pooled.k == 1:
            values |= {"not_estimable": _reason(pooled, absent)}
        if values.get("ci_lower") is not None:
            values["confidence_level"] = pooled.level
        yield row | values


def pool_row(row: Record, subject: Subject) -> Row:
    """Return a published pool as it stands in its review."""
    log = row["measure"] in MEASURES and MEASURES[row["measure"]].log
    k, printed = row["k"], row["i_squared"]
    words = f"as published: {row['method']}"
    words += f"; trials: {k}" if k else ""
    words += f"; I-squared {printed}" if printed else ""
    limits = {column: row[column] for column in ("ci_lower", "ci_upper")}
    values = {"estimate": row["pooled"]} | limits
    return subject.row(
        "published",
        row["review"],
        row["outcome"],
        "published_pool",
        statistic="published_pool",
        group=row["review"],
        parameter=row["outcome"],
        subgroup=row["measure"] if row["measure"] in _POOL_GROUPS else "other",
        scale="log" if log else "natural",
        unit=row["measure"],
        **{
            column: math.log(value) if log and value is not None else value
            for column, value in values.items()
        },
        confidence_level=0.95 if limits["ci_lower"] is not None else None,
        n_trials=int(k) if k and k.isdigit() else None,
        method=words,
        data_status=EVIDENCE_STATUS[row["evidence_status"]],
    )


#: Columns of each statistic of a model, and the fields of `Combined` they hold.
_STATISTICS: dict[str, dict[str, str]] = {
    "pooled_effect": {
        "estimate": "estimate",
        "standard_error": "standard_error",
        "df": "df",
        "test_statistic": "statistic",
        "p_value": "p_value",
        "ci_lower": "ci_lower",
        "ci_upper": "ci_upper",
    },
    "prediction_interval": {
        "ci_lower": "prediction_lower",
        "ci_upper": "prediction_upper",
        "df": "prediction_df",
    },
    "tau_squared": {
        "estimate": "tau_squared",
        "ci_lower": "tau_squared_lower",
        "ci_upper": "tau_squared_upper",
    },
    "i_squared": {"estimate": "i_squared"},
    "h_squared": {"estimate": "h_squared"},
    "q": {
        "estimate": "q",
        "test_statistic": "q",
        "df": "q_df",
        "p_value": "q_p_value",
    },
}

#: Statistics on the scale of the effects.
_ON_SCALE = ("pooled_effect", "prediction_interval")

_FROM_TAU = "from tau-squared"

_FORMS = {
    "pooled_effect": "",
    "prediction_interval": "interval for the true effect in a new trial",
    "tau_squared": "Q-profile interval",
    "i_squared": _FROM_TAU,
    "h_squared": _FROM_TAU,
    "q": "Cochran's Q",
}


def _form(statistic: str, pooled: Combined | None) -> str:
    if pooled is not None and pooled.own_forms is not None:
        return pooled.own_forms.get(statistic, _FORMS[statistic])
    equal = pooled is not None and pooled.equal_effects
    if equal and _FORMS[statistic] == _FROM_TAU:
        return "from Q, for tau-squared is zero by assumption"
    return _FORMS[statistic]


def _reason(pooled: Combined, absent: Sequence[str]) -> str | None:
    return pooled.reasons[absent[0]] if absent else None


def of_trial(effect: TrialEffect, subject: Subject) -> tuple[str | None, ...]:
    """Return the parts of a key that name a trial, and what else is needed.

    That is its outcome where the synthesis has several, and the treatment where the
    trial has.
    """
    own = (effect.parameter, effect.visit) if subject.split else ()
    return (effect.trial, effect.analysis, *own, effect.arm)


def trial_columns(effect: TrialEffect) -> Row:
    """Return the columns that say which trial a row is of, and which treatment."""
    return {
        "trial": effect.trial,
        "analysis": effect.analysis,
        "parameter": effect.parameter,
        "visit": effect.visit,
        "group": effect.arm,
        "data_status": effect.data_status,
    }
