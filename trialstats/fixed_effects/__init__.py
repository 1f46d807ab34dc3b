"""Fixed effects of a linear model: its design, margins, hypotheses and results."""

from trialstats.fixed_effects.design import Design, Term, build_design
from trialstats.fixed_effects.rank import aliased_columns, check_rank

__all__ = ["Design", "Term", "aliased_columns", "build_design", "check_rank"]
