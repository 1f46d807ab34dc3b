"""Where a figure stands in its section, by what its name says it shows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialstats.report.content import Figure

#: Blocks of a section that take figures, in the order of the section.
DATA, RESULT, SENSITIVITY = "data", "result", "sensitivity"
SUBGROUPS, SAFETY, DIAGNOSTICS = "subgroups", "safety", "diagnostics"
HETEROGENEITY, SMALL_STUDIES, INFLUENCE = "heterogeneity", "small_studies", "influence"
FURTHER = "further"

#: Patterns of what follows the name of the trial, the first that fits counts.
_OF_TRIAL: tuple[tuple[str, str], ...] = (
    (r"(consort_)?flow|account|disposition.*", DATA),
    (r"profile|.*kaplan_meier.*|km(_.*)?|survival.*|.*waterfall.*", RESULT),
    (r".*individual.*|.*periods?(_.*)?|.*crossover.*|results?(_.*)?", RESULT),
    (r".*tipping_point.*|.*forest_of_analyses.*|.*analyses.*", SENSITIVITY),
    (r".*subgroups?.*", SUBGROUPS),
    (r".*adverse_events.*", SAFETY),
    (r"residuals.*", DIAGNOSTICS),
)

_OF_SYNTHESIS: tuple[tuple[str, str], ...] = (
    (r"prisma|risk_of_bias", DATA),
    (r"(forest)?", RESULT),
    (r"sensitivity|leave_one_out", SENSITIVITY),
    (r"baujat|labbe|radial|gosh|subgroups", HETEROGENEITY),
    (r"influence", INFLUENCE),
    (r"funnel", SMALL_STUDIES),
)

Placed = dict[str, tuple[Figure, ...]]


def place_of_trial_figure(kind: str, drawn: Mapping[str, Any] | None = None) -> str:
    """Return the block of a figure of a trial.

    Parameters
    ----------
    kind : str
        The name of the figure without that of the trial.
    drawn : mapping, optional
        What the trial's configuration says under ``figures``, by name: the type of a
        figure tells its block where its name does not.

    >>> place_of_trial_figure("profile"), place_of_trial_figure("new_kind")
    ('result', 'further')
    >>> place_of_trial_figure("mine", {"mine": {"type": "waterfall"}})
    'result'
    """
    told = (drawn or {}).get(kind)
    if isinstance(told, Mapping) and told.get("type"):
        return _place(str(told["type"]), _OF_TRIAL)
    return _place(kind, _OF_TRIAL)


def place_of_synthesis_figure(kind: str) -> str:
    """Return the block of a figure of a synthesis; its forest plot has no kind.

    >>> place_of_synthesis_figure(""), place_of_synthesis_figure("gosh")
    ('result', 'heterogeneity')
    """
    return _place(kind, _OF_SYNTHESIS)


def _place(kind: str, patterns: Iterable[tuple[str, str]]) -> str:
    fits = (place for pattern, place in patterns if re.fullmatch(pattern, kind))
    return next(fits, FURTHER)


def of_trial(figures: Sequence[Figure], trial: Mapping[str, Any]) -> Placed:
    """Sort the figures of a trial by block; none is lost."""
    placed: Placed = {}
    for figure in figures:
        kind = figure.id.removeprefix(f"{trial['id']}_")
        place = place_of_trial_figure(kind, trial.get("figures"))
        placed[place] = (*placed.get(place, ()), figure)
    return placed
