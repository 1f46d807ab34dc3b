"""Meta-analysis: effect sizes, between-trial variance, pooling.

The methods are described in docs/methods/meta_analysis.md.
"""

from trialstats.meta.effect_sizes import MEASURES, effect_sizes
from trialstats.meta.heterogeneity import (
    HeterogeneityTest,
    cochran_q,
    q_profile,
    typical_variance,
)
from trialstats.meta.means import standardise_difference
from trialstats.meta.paired import PAIRED, paired_effect_sizes
from trialstats.meta.pooling import INFERENCE, PREDICTION, Pooled, pool
from trialstats.meta.published import DerivedError, standard_error_from
from trialstats.meta.tau_squared import TAU_SQUARED
from trialstats.meta.two_by_two import ZERO_CELLS

__all__ = [
    "INFERENCE",
    "MEASURES",
    "PAIRED",
    "PREDICTION",
    "TAU_SQUARED",
    "ZERO_CELLS",
    "DerivedError",
    "HeterogeneityTest",
    "Pooled",
    "cochran_q",
    "effect_sizes",
    "paired_effect_sizes",
    "pool",
    "q_profile",
    "standard_error_from",
    "standardise_difference",
    "typical_variance",
]
