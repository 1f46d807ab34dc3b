"""One trial's effect and what it rests on, before any pooling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trialstats.records import Record
from trialstats.vocabulary import DATA_STATUS, EVIDENCE_STATUS


@dataclass(frozen=True, slots=True)
class Settings:
    """How trials become effects in one model.

    Attributes
    ----------
    measure : str
        MD, SMD, RR, OR or RD.
    better : str
        ``lower`` or ``higher``: the direction to which published signs are turned.
    correlation : float or None
        Correlation within a person, for crossover trials; None when they may not
        enter.
    add, to : float, str
        Zero-cell rule of `trialstats.meta.effect_sizes`.
    double_zero : str
        ``not_estimable`` or ``include``: trials without events in either arm.
    """

    measure: str
    better: str
    correlation: float | None = None
    add: float = 0.5
    to: str = "only0"
    double_zero: str = "not_estimable"


@dataclass(frozen=True, slots=True)
class Input:
    """One number that went into an effect; `group` is ``ldn``, ``placebo`` or None."""

    statistic: str
    estimate: float
    group: str | None = None
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class TrialEffect:
    """The effect of one trial.

    Attributes
    ----------
    trial, parameter : str
        Trial, and outcome in the trial's own words.
    analysis, visit, unit : str or None
        Analysis of a fitted trial; time of the outcome; unit of the effect.
    effect, variance : float or None
        On the scale on which they are pooled; None when not estimable.
    n_subjects : int or None
        People, each counted once.
    method : str
        How the effect was obtained, in words.
    data_status : str
        The least sure of the numbers it rests on.
    not_estimable : str or None
        Why there is no effect.
    inputs : tuple of Input
        The numbers as published.
    covariates : mapping
        What subgroups, moderators and levels may use, by name.
    arm : str or None
        The treatment, of a trial that compares several with one control.
    covariances : mapping of str to float
        Covariance with the effects of the trial's other treatments, by treatment.
    n_control : int or None
        People of the control arm, where each of the trial's effects counts them.
    """

    trial: str
    parameter: str
    effect: float | None
    variance: float | None
    n_subjects: int | None
    method: str
    data_status: str
    analysis: str | None = None
    visit: str | None = None
    unit: str | None = None
    not_estimable: str | None = None
    inputs: tuple[Input, ...] = ()
    covariates: Mapping[str, Any] = field(default_factory=dict)
    arm: str | None = None
    covariances: Mapping[str, float] = field(default_factory=dict)
    n_control: int | None = None


def share_people(effects: Sequence[TrialEffect]) -> bool:
    """Return whether two effects are of one trial, and so of one control arm."""
    return n_trials_of(effects) < len(effects)


def n_trials_of(effects: Sequence[TrialEffect]) -> int:
    """Return the number of trials, each counted once."""
    return len({effect.trial for effect in effects})


def n_subjects_of(effects: Sequence[TrialEffect]) -> int | None:
    """Return the people of all effects, a control arm that several share once.

    Effects whose number of people is not known are left out; None when none is.
    """
    known = [effect for effect in effects if effect.n_subjects is not None]
    total = sum(effect.n_subjects or 0 for effect in known)
    controls: dict[str, list[int]] = {}
    for effect in known:
        controls.setdefault(effect.trial, []).append(effect.n_control or 0)
    # In each trial all but one of the effects count the control arm again.
    total -= sum(sum(again[1:]) for again in controls.values())
    return total or None


def least_sure(statuses: Sequence[str]) -> str:
    """Return the least sure of some data statuses.

    >>> least_sure(["published", "recalled", "derived"])
    'recalled'
    """
    return max(statuses, key=list(DATA_STATUS).index)


def effect_of_row(
    row: Record, *, method: str, statuses: Sequence[str], **values: Any
) -> TrialEffect:
    """Return the effect of a published row; `statuses` are those of its numbers."""
    given = {"effect": None, "variance": None} | values
    return TrialEffect(
        trial=row["trial"],
        parameter=row["outcome"],
        visit=time_of(row["timepoint"]),
        n_subjects=people_of(row),
        method=method,
        covariates={name: row.get(name) for name in ("condition", "design")},
        data_status=least_sure([EVIDENCE_STATUS[s] for s in statuses]),
        **given,
    )


def people_of(row: Record) -> int | None:
    """Return the people of a row: in a crossover trial both arms are the same."""
    ldn, placebo = row["n_ldn"], row["n_placebo"]
    if row["design"] == "crossover":
        return None if ldn is None else int(ldn)
    return None if ldn is None or placebo is None else int(ldn) + int(placebo)


def time_of(weeks: str | None) -> str | None:
    """Return the time of an outcome in words.

    >>> time_of("12"), time_of("12 v 4")
    ('12 weeks', '12 v 4')
    """
    number = weeks is not None and weeks.replace(".", "", 1).isdigit()
    return f"{weeks} weeks" if number else weeks
