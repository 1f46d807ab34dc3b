"""What the points of a figure of a synthesis stand for: risks of arms, precisions."""

from collections.abc import Iterator, Sequence
from typing import Any

from trialstats.analyses.combining import counts_of
from trialstats.analyses.synthesis_beside import Beside
from trialstats.analyses.synthesis_rows import Row, Subject, of_trial, trial_columns
from trialstats.analyses.trial_effect import TrialEffect
from trialstats.meta.radial import radial_points
from trialstats.vocabulary import PROPORTION


def risk_rows(effects: Sequence[TrialEffect], subject: Subject) -> Iterator[Row]:
    """Yield the risk in each arm of the trials that have the counts of both arms.

    Parameters
    ----------
    effects : sequence of TrialEffect
        The trials that are listed, also those without an estimate.
    subject : Subject
        What all rows of the synthesis share.

    Yields
    ------
    mapping
        ``risk``: events divided by people, nothing added to a zero.
    """
    arms = {subject.treatment: ("ai", "n1i"), subject.control: ("ci", "n2i")}
    for effect in effects:
        counts = counts_of(effect)
        if counts is None:
            continue
        for arm, (events, people) in arms.items():
            if counts[people] <= 0:
                continue
            yield subject.row(
                *of_trial(effect, subject),
                arm,
                "risk",
                **trial_columns(effect) | {"group": arm},
                statistic="risk",
                scale="natural",
                unit=PROPORTION,
                estimate=counts[events] / counts[people],
                n_subjects=int(counts[people]),
                n_trials=1,
                method="events divided by people of the arm; nothing added to a zero",
            )


def radial_rows(beside: Beside) -> Iterator[Row]:
    """Yield the coordinates of the trials in a radial plot."""
    words = "with the variance between trials in the error" + (
        " of zero, by assumption" if beside.fit.equal_effects else ""
    )
    precisions, effects = radial_points(beside.fit)
    about: dict[str, Any] = {"role": "descriptive"}
    for trial, x, y in zip(beside.entered, precisions, effects, strict=True):
        for name, value, what in (
            ("radial_precision", x, "one over the standard error"),
            ("radial_effect", y, "effect over its standard error"),
        ):
            yield beside.row(
                name,
                of=trial,
                estimate=float(value),
                method=f"{what}, {words}; {beside.words}",
                **about,
            )
