"""Linear mixed models: random intercepts and slopes, nested and crossed factors."""

from trialstats.lmm.model import Lmm, fit_lmm

__all__ = ["Lmm", "fit_lmm"]
