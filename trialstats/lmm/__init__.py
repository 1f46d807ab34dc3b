"""Linear mixed models: random intercepts and slopes, nested and crossed factors."""

from trialstats.lmm.crossover import Crossover, fit_crossover
from trialstats.lmm.model import Lmm, fit_lmm
from trialstats.lmm.within_subjects import (
    ReferenceVariability,
    WithinSubjects,
    fit_within_subjects,
    reference_variability,
)

__all__ = [
    "Crossover",
    "Lmm",
    "ReferenceVariability",
    "WithinSubjects",
    "fit_crossover",
    "fit_lmm",
    "fit_within_subjects",
    "reference_variability",
]
