"""Mixed models for repeated measures: fit, inference, prediction."""

from trialstats.mmrm.fit import fit_mmrm
from trialstats.mmrm.result import Mmrm
from trialstats.mmrm.structures import STRUCTURES

__all__ = ["STRUCTURES", "Mmrm", "fit_mmrm"]
