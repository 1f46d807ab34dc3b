"""Times to an event: Kaplan-Meier curves, log-rank tests and Cox regression."""

from trialstats.survival.cox import Cox, fit_cox
from trialstats.survival.kaplan_meier import KaplanMeier, Quantile, kaplan_meier
from trialstats.survival.log_rank import LogRank, log_rank_test

__all__ = [
    "Cox",
    "KaplanMeier",
    "LogRank",
    "Quantile",
    "fit_cox",
    "kaplan_meier",
    "log_rank_test",
]
