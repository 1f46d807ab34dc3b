"""A pre-specified list of covariance structures, tried in order."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trialstats.errors import (
    ConvergenceError,
    LadderError,
    NotEstimableError,
    RankDeficientError,
)
from trialstats.mmrm.structures import NamedStructure

if TYPE_CHECKING:
    from trialstats.mmrm.result import Mmrm

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: the structure, and why it was left; None for the one that fitted."""

    structure: str
    reason: str | None


def climb_down(
    structures: Sequence[NamedStructure], attempt: Callable[[NamedStructure], "Mmrm"]
) -> "Mmrm":
    """Return the first fit that succeeds, with the steps that led to it.

    A structure is left when its fit does not converge or the data do not identify it.
    Aliased fixed effects end the climb: no structure mends them.

    Raises
    ------
    LadderError
        When no structure of several fits, with the reason of each.
    ConvergenceError, NotEstimableError
        When the only structure does not fit.
    """
    steps: list[Step] = []
    for chosen in structures:
        try:
            fit = attempt(chosen)
        except RankDeficientError:
            raise
        except (ConvergenceError, NotEstimableError) as error:
            if len(structures) == 1:
                raise
            log.warning("covariance %s left: %s", chosen.name, error)
            steps.append(Step(chosen.name, str(error)))
        else:
            return replace(fit, ladder=(*steps, Step(chosen.name, None)))
    raise LadderError({step.structure: str(step.reason) for step in steps})
