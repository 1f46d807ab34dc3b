"""Totals of the arms of a synthesis: the row under the trials of a forest plot."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trialstats.analyses.synthesis_rows import Row, Subject
from trialstats.analyses.trial_effect import TrialEffect, least_sure
from trialstats.vocabulary import PROPORTION

#: Numbers of an arm that may be added over trials.
_ADDED = ("events", "n")

_Key = tuple[str | None, ...]


def total_rows(
    effects: Sequence[TrialEffect], subgroups: Sequence[str | None], subject: Subject
) -> Iterator[Row]:
    """Yield events and people of each arm, added over all trials and in each subgroup.

    Parameters
    ----------
    effects : sequence of TrialEffect
        The trials that are listed, also those without an estimate.
    subgroups : sequence of str or None
        The subgroup of each.
    subject : Subject
        What all rows of the synthesis share.

    Yields
    ------
    mapping
        ``total_events`` and ``total_n``, a row an arm and, with `group` null, one of
        the people of both. A sum stands only where every trial has its number. An arm
        that several effects of one trial share counts once; the people of both arms
        are then not added, for the effects overlap.
    """
    for name in (None, *dict.fromkeys(g for g in subgroups if g is not None)):
        members = [
            effect
            for effect, group in zip(effects, subgroups, strict=True)
            if name in (None, group)
        ]
        yield from _totals(members, name, subject)


def total_weight_row(
    weights: Sequence[float | None], subject: Subject, about: Mapping[str, Any]
) -> Row:
    """Return the sum of the weights of a model.

    Parameters
    ----------
    weights : sequence of float or None
        None where a trial has none.
    subject : Subject
        What all rows of the synthesis share.
    about : mapping
        What the rows of the model share.
    """
    known = [weight for weight in weights if weight is not None]
    return subject.row(
        about["model_id"],
        "total_weight",
        **about,
        parameter=subject.outcome,
        statistic="total_weight",
        scale="natural",
        unit=PROPORTION,
        estimate=math.fsum(known),
        method="sum of the weights; of a figure that prints them in per cent, with "
        "one decimal, the tenths that are left go to the largest remainders",
    )


def _totals(
    members: Sequence[TrialEffect], subgroup: str | None, subject: Subject
) -> Iterator[Row]:
    arms = {"ldn": subject.treatment, "placebo": subject.control}
    for key, arm in arms.items():
        for statistic in _ADDED:
            found = [_number(effect, key, statistic) for effect in members]
            if found and None not in found:
                distinct = dict(pair for pair in found if pair is not None)
                value = sum(distinct.values())
                yield _row(members, subgroup, arm, statistic, value, subject)
    people = [effect.n_subjects for effect in members]
    trials = {effect.trial for effect in members}
    if people and None not in people and len(trials) == len(members):
        value = sum(n for n in people if n is not None)
        yield _row(members, subgroup, None, "n", value, subject)


def _number(effect: TrialEffect, arm: str, statistic: str) -> tuple[_Key, float] | None:
    """Return a number of an arm under a key of the arm, None where there is none."""
    for number in effect.inputs:
        if (number.group, number.statistic) == (arm, statistic):
            key = (effect.trial, effect.analysis, effect.parameter, effect.visit)
            return key, float(number.estimate)
    return None


def _row(
    members: Sequence[TrialEffect],
    subgroup: str | None,
    arm: str | None,
    statistic: str,
    value: float,
    subject: Subject,
) -> Row:
    return subject.row(
        subgroup,
        arm,
        f"total_{statistic}",
        parameter=subject.outcome,
        group=arm,
        subgroup=subgroup,
        statistic=f"total_{statistic}",
        scale="natural",
        estimate=float(value),
        n_trials=len({effect.trial for effect in members}),
        data_status=least_sure([effect.data_status for effect in members]),
        method="sum over the trials that are listed",
    )
