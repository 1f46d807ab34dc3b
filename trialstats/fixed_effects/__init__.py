"""Fixed effects of a linear model: its design, margins, hypotheses and results."""

from trialstats.fixed_effects.design import Design, Term, build_design
from trialstats.fixed_effects.hypotheses import (
    contains,
    design_crossproduct,
    hypotheses,
)
from trialstats.fixed_effects.margins import ls_means_matrix
from trialstats.fixed_effects.rank import aliased_columns, check_rank
from trialstats.fixed_effects.results import FixedEffectsResult

__all__ = [
    "Design",
    "FixedEffectsResult",
    "Term",
    "aliased_columns",
    "build_design",
    "check_rank",
    "contains",
    "design_crossproduct",
    "hypotheses",
    "ls_means_matrix",
]
