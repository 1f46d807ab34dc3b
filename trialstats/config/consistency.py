"""What a schema cannot say: names inside a configuration that must fit together."""

from collections.abc import Mapping
from typing import Any

from trialstats.config.analyses import analysis_problems
from trialstats.config.arms import arm_problems
from trialstats.config.estimands import estimand_problems
from trialstats.config.events import event_problems
from trialstats.config.figures import figure_problems
from trialstats.config.measurements import measurement_problems
from trialstats.config.plausibility import value_problems
from trialstats.config.sources import source_problems
from trialstats.config.subjects import subject_problems
from trialstats.config.tables import table_problems

Config = Mapping[str, Any]


def trial_problems(trial: Config, *, file: str) -> list[str]:
    """Return every inconsistency of a trial's configuration, a sentence each.

    Parameters
    ----------
    trial : mapping
        A configuration that fits its schema, with defaults.
    file : str
        Name of its file, for the messages.
    """
    found = [
        *arm_problems(trial),
        *source_problems(trial),
        *subject_problems(trial),
        *measurement_problems(trial),
        *event_problems(trial),
        *analysis_problems(trial),
        *estimand_problems(trial),
        *figure_problems(trial),
        *value_problems(trial),
        *table_problems(trial),
    ]
    return [f"{file}, at {place}: {what}" for place, what in dict.fromkeys(found)]
